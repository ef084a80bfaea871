//! Certificate, key and client CA of the gRPC listeners (`tls.grpc`).

use crate::transport::bind::BindError;
use crate::transport::settings::TlsFiles;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

/// HTTP/2 is the only protocol that is offered (ALPN, RFC 7301).
const ALPN: &[u8] = b"h2";

/// Reads the files and tries them, so that a mistake shows at start.
///
/// # Errors
/// [`BindError::Tls`] with the file and the reason; never with its content.
pub fn tls_config(files: &TlsFiles) -> Result<Arc<ServerConfig>, BindError> {
    let client_ca = files.client_ca.as_deref().map(read).transpose()?;
    let config = server_config(&read(&files.certificate)?, &read(&files.key)?, client_ca.as_deref());
    let config = config.map_err(|reason| {
        let client_ca = files.client_ca.iter().map(|path| format!(", {}", path.display())).collect::<String>();
        let path = format!("{}, {}{client_ca}", files.certificate.display(), files.key.display());
        BindError::Tls { path, reason: reason.to_string() }
    })?;
    Ok(Arc::new(config))
}

fn server_config(certificate: &[u8], key: &[u8], client_ca: Option<&[u8]>) -> Result<ServerConfig, Box<dyn Error>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(pem)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|reason| format!("client authority: {reason}"))?)
        }
    };
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|reason| format!("key: {reason}"))?;
    let mut config = builder.with_single_cert(certificates(certificate)?, key)?;
    config.alpn_protocols.push(ALPN.to_vec());
    Ok(config)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.map_err(|reason| format!("certificate: {reason}"))
}

fn read(path: &Path) -> Result<Vec<u8>, BindError> {
    std::fs::read(path).map_err(|error| BindError::Tls { path: path.display().to_string(), reason: error.to_string() })
}
