//! What it takes to reach one API server: accepted values only, from which kube's `Config` is built.
//!
//! In: a checked kubeconfig (`kubeconfig`) or the pod's service account. Out: the parts of a `Client`.
//! Nothing here derives `Debug`: it holds credentials.

use super::timing::Timing;
use super::token::{TokenFile, TokenSource};
use http::Uri;
use kube::Config;
use kube::config::AuthInfo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::SecretString;
use std::path::{Path, PathBuf};

/// Where a pod finds its service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// How to reach and to trust one API server, and how to be known to it.
#[derive(Clone)]
pub struct Access {
    pub server: Uri,
    pub trust: Trust,
    pub identity: Option<Identity>,
    pub token: Option<TokenSource>,
    /// Name to verify the certificate for, where it is not the host of `server`.
    pub server_name: Option<String>,
    /// From our configuration, never from the environment.
    pub proxy: Option<Uri>,
    /// Files this was built from; a change of one means a new `Access`.
    pub files: Vec<PathBuf>,
}

/// What the server's certificate must be signed by.
#[derive(Clone)]
pub enum Trust {
    /// These certificates, DER.
    Certificates(Vec<Vec<u8>>),
    /// The certificates of this file, read again each minute.
    File(PathBuf),
    /// The roots of the system.
    SystemRoots,
    /// Anything: only where the configuration says `allowInsecure`.
    Anything,
}

/// A client certificate with its key, both base64 of PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: SecretString,
}

impl Access {
    /// The service account of the pod we run in.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub fn in_cluster() -> Result<Self, String> {
        let variable = |name: &str| {
            std::env::var(name).map_err(|_| {
                format!("source.inCluster: the variable {name} is not set, so this is no pod; use source.kubeconfig")
            })
        };
        let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
        Access::service_account(Path::new(SERVICE_ACCOUNT), &host, &port)
    }

    /// The same for a service account mounted at `folder`.
    ///
    /// # Errors
    /// A sentence that names the file or value that is missing or unusable.
    pub fn service_account(folder: &Path, host: &str, port: &str) -> Result<Self, String> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let server = format!("https://{host}:{port}").parse().map_err(|_| {
            format!("source.inCluster: KUBERNETES_SERVICE_HOST {host:?} with port {port:?} is no address")
        })?;
        let authority = folder.join("ca.crt");
        let pem = std::fs::read(&authority).map_err(|error| format!("{}: {error}", authority.display()))?;
        certificates(&pem).map_err(|reason| format!("{}: {reason}", authority.display()))?;
        let token = TokenFile::new(folder.join("token"), vec![folder.to_owned()])?;
        Ok(Access {
            server,
            trust: Trust::File(authority),
            identity: None,
            token: Some(TokenSource::File(token)),
            server_name: None,
            proxy: None,
            files: Vec::new(),
        })
    }

    /// kube's configuration: the accepted fields and our times; no retry, no environment, no credentials plugin.
    pub(super) fn config(&self, timing: &Timing) -> Config {
        let mut config = Config::new(self.server.clone());
        match &self.trust {
            Trust::Certificates(list) => config.root_cert = Some(list.clone()),
            Trust::File(path) => config.root_cert_file = Some(path.clone()),
            Trust::SystemRoots => {}
            Trust::Anything => config.accept_invalid_certs = true,
        }
        config.tls_server_name = self.server_name.clone();
        config.proxy_url = self.proxy.clone();
        config.connect_timeout = Some(timing.connect);
        config.write_timeout = Some(timing.write);
        // A backstop behind our own deadlines, so it is longer than each of them.
        config.read_timeout = Some(timing.silence().max(timing.head) + timing.slack);
        config.reset_reader_on_write = true;
        config.default_retry = false;
        if let Some(identity) = &self.identity {
            config.auth_info = AuthInfo {
                client_certificate_data: Some(identity.certificate.clone()),
                client_key_data: Some(identity.key.clone()),
                ..AuthInfo::default()
            };
        }
        config
    }
}

/// The certificates of a PEM file, DER.
///
/// # Errors
/// Says that there is none or that one is malformed.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let list: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(pem)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| "is not PEM".to_owned())?;
    if list.is_empty() { Err("holds no certificate in PEM".to_owned()) } else { Ok(list) }
}
