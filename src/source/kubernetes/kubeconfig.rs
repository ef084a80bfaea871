//! Kubeconfig files, read strictly before any kube type sees them (RESILIENCE.md section 10).
//!
//! In: a file the operator mounts, and what the configuration allows. Out: [`Access`] with the accepted fields, or a
//! refusal that names file, field and reason, never a value. Nothing is run here, and no file is read that is not allowed.

use super::access::{Access, Identity, Trust, certificates};
use super::exec::ExecToken;
use super::kubeconfig_file::{Cluster, File, User};
use super::token::{TokenFile, TokenSource, read_below, read_limited};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::{Path, PathBuf};

/// What the configuration allows a kubeconfig to do.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// `kubeconfig.allowPaths`: folders beside the kubeconfig's own from which it may name files.
    pub allow_paths: Vec<PathBuf>,
    /// `kubeconfig.allowExec`: absolute paths of credential plugins that may run.
    pub allow_exec: Vec<PathBuf>,
    /// `allowInsecure` of the cluster.
    pub allow_insecure: bool,
    /// `systemRoots` of the cluster.
    pub system_roots: bool,
    /// `proxy` of the cluster; empty = none.
    pub proxy: String,
}

/// Why a kubeconfig is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub path: PathBuf,
    /// Line and column, from 1, where the file could not be parsed.
    pub place: Option<(u64, u64)>,
    /// Field, reason and what to do.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Refusal {}

/// Reads a kubeconfig; `context` empty means its `current-context`.
///
/// # Errors
/// A [`Refusal`]; the file could not be read or parsed, the context is missing, or a field is not allowed.
pub fn read(path: &Path, context: &str, rules: &Rules) -> Result<Access, Refusal> {
    let refuse = |message| Refusal { path: path.to_owned(), place: None, message };
    let octets = read_limited(path).map_err(refuse)?;
    accept(path, &octets, context, rules)
}

/// The same for a kubeconfig that was read already; `path` is where it lies.
///
/// # Errors
/// As of [`read`].
pub fn accept(path: &Path, octets: &[u8], context: &str, rules: &Rules) -> Result<Access, Refusal> {
    let refuse = |message| Refusal { path: path.to_owned(), place: None, message };
    let file = parse(path, octets)?;
    let (cluster, user) = chosen(&file, context).map_err(refuse)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    Reader { path, folder, rules, files: vec![path.to_owned()] }.access(cluster, user).map_err(refuse)
}

fn parse(path: &Path, octets: &[u8]) -> Result<File, Refusal> {
    let refuse =
        |(place, message): (Option<Spot>, &str)| Refusal { path: path.to_owned(), place, message: message.to_owned() };
    parse_octets(octets).map_err(refuse)
}

/// Line and column, from 1.
pub(super) type Spot = (u64, u64);

/// The document. The parser's own message may quote it, so only its place is passed on.
///
/// # Errors
/// Where the fault is, if known, and what is expected.
pub(super) fn parse_octets(octets: &[u8]) -> Result<File, (Option<Spot>, &'static str)> {
    let text = std::str::from_utf8(octets).map_err(|_| (None, "is not UTF-8 text"))?;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: 20_000, max_anchors: 0, max_aliases: 0, max_depth: 64 },
    };
    serde_saphyr::from_str_with_options::<File>(text, options).map_err(|error| {
        let place = error.location().map(|location| (location.line(), location.column()));
        let expected = "is not a kubeconfig: one YAML document without anchors, each field of its own type, is expected; \
                        the cause is near this place";
        (place, expected)
    })
}

/// Cluster and user of a context; an empty name means the `current-context`.
///
/// # Errors
/// The context, or what it names, is missing or there more than once.
pub(super) fn chosen<'f>(file: &'f File, context: &str) -> Result<(&'f Cluster, &'f User), String> {
    let named = if context.is_empty() { file.current_context.as_deref().unwrap_or_default() } else { context };
    let there = || file.contexts.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ");
    if named.is_empty() {
        return Err(format!("has no current-context; set source.kubeconfig.context to one of: {}", there()));
    }
    let context = only(file.contexts.iter().filter(|entry| entry.name == named))
        .map_err(|count| format!("has {count} contexts {named:?}; there are: {}", there()))?;
    let context = &context.context;
    let cluster = only(file.clusters.iter().filter(|entry| entry.name == context.cluster))
        .map_err(|count| format!("context {named:?}: there are {count} clusters of the name it gives"))?;
    let user = only(file.users.iter().filter(|entry| entry.name == context.user))
        .map_err(|count| format!("context {named:?}: there are {count} users of the name it gives"))?;
    Ok((&cluster.cluster, &user.user))
}

/// The one item, or how many there are.
fn only<T>(mut items: impl Iterator<Item = T>) -> Result<T, &'static str> {
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item),
        (None, _) => Err("no"),
        (Some(_), Some(_)) => Err("several"),
    }
}

struct Reader<'r> {
    path: &'r Path,
    folder: PathBuf,
    rules: &'r Rules,
    files: Vec<PathBuf>,
}

impl Reader<'_> {
    fn access(mut self, cluster: &Cluster, user: &User) -> Result<Access, String> {
        refused_fields(user)?;
        let server = server(cluster)?;
        let proxy = self.proxy(cluster)?;
        let trust = self.trust(cluster)?;
        let identity = self.identity(user)?;
        let token = self.token(user)?;
        let server_name = cluster.tls_server_name.clone();
        Ok(Access { server, trust, identity, token, server_name, proxy, files: self.files })
    }

    fn proxy(&self, cluster: &Cluster) -> Result<Option<Uri>, String> {
        if cluster.proxy_url.as_ref().is_some_and(|url| *url != self.rules.proxy) {
            return Err("proxy-url: refused, because it differs from `proxy` of this cluster in our configuration; \
                        set it there"
                .to_owned());
        }
        match self.rules.proxy.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| "`proxy` of this cluster is no URL".to_owned()),
        }
    }

    fn trust(&mut self, cluster: &Cluster) -> Result<Trust, String> {
        if cluster.insecure_skip_tls_verify == Some(true) {
            return match self.rules.allow_insecure {
                true => Ok(Trust::Anything),
                false => Err("insecure-skip-tls-verify: refused; give certificate-authority-data, or set \
                              `allowInsecure: true` for this cluster"
                    .to_owned()),
            };
        }
        let field = match &cluster.certificate_authority_data {
            Some(_) => "certificate-authority-data",
            None => "certificate-authority",
        };
        let data = cluster.certificate_authority_data.as_deref();
        match self.pem(field, data, cluster.certificate_authority.as_deref())? {
            Some(pem) => certificates(&pem)
                .map(Trust::Certificates)
                .map_err(|reason| format!("{field}: {reason}; give the CA of the API server")),
            None if self.rules.system_roots => Ok(Trust::SystemRoots),
            None => Err("certificate-authority-data: missing; give the CA of the API server, or set \
                         `systemRoots: true` for this cluster"
                .to_owned()),
        }
    }

    fn identity(&mut self, user: &User) -> Result<Option<Identity>, String> {
        let key_data = user.client_key_data.as_ref().map(|data| data.expose_secret());
        let certificate = self.pem(
            "client-certificate",
            user.client_certificate_data.as_deref(),
            user.client_certificate.as_deref(),
        )?;
        let key = self.pem("client-key", key_data, user.client_key.as_deref())?;
        paired(certificate, key)
    }

    fn token(&mut self, user: &User) -> Result<Option<TokenSource>, String> {
        if let Some(token) = user.token.as_ref().filter(|_| user.exec.is_none()) {
            return Ok(Some(TokenSource::Fixed(token.clone())));
        }
        if let Some(exec) = &user.exec {
            return ExecToken::new(exec, &self.rules.allow_exec).map(|plugin| Some(TokenSource::Exec(plugin)));
        }
        let Some(path) = &user.token_file else { return Ok(None) };
        let path = self.allowed("tokenFile", path)?;
        TokenFile::new(path, self.folders()).map(|file| Some(TokenSource::File(file)))
    }

    /// The PEM of a field that has a `-data` form, which wins, and a path form.
    fn pem(&mut self, field: &str, data: Option<&str>, path: Option<&str>) -> Result<Option<Vec<u8>>, String> {
        if let Some(data) = data {
            return decoded(field, data).map(Some);
        }
        let Some(path) = path else { return Ok(None) };
        let path = self.allowed(field, path)?;
        let octets = read_below(&path, &self.folders()).map_err(|reason| format!("{field}: {reason}"))?;
        self.files.push(path);
        Ok(Some(octets))
    }

    /// The path a field names, if it lies below the kubeconfig's folder or an allowed one.
    fn allowed(&self, field: &str, path: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(path);
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let inside = |folder: &PathBuf| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder));
        if self.folders().iter().any(inside) {
            return Ok(path);
        }
        Err(format!(
            "{field}: refused, because the file is missing or lies outside the folder of {}; move it there, or name \
             its folder in kubeconfig.allowPaths",
            self.path.display()
        ))
    }

    fn folders(&self) -> Vec<PathBuf> {
        std::iter::once(self.folder.clone()).chain(self.rules.allow_paths.iter().cloned()).collect()
    }
}

/// A client certificate with its key, both PEM: either both or none.
pub(super) fn paired(certificate: Option<Vec<u8>>, key: Option<Vec<u8>>) -> Result<Option<Identity>, String> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(Identity {
            certificate: STANDARD.encode(certificate),
            key: SecretString::from(STANDARD.encode(key)),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => Err("client-certificate: has no client-key beside it".to_owned()),
        (None, Some(_)) => Err("client-key: has no client-certificate beside it".to_owned()),
    }
}

/// What a `-data` field holds: base64, in which blanks do not count.
pub(super) fn decoded(field: &str, data: &str) -> Result<Vec<u8>, String> {
    let compact: Vec<u8> = data.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).map_err(|_| format!("{field}: is not base64"))
}

/// The URL of the API server: https, without user information.
pub(super) fn server(cluster: &Cluster) -> Result<Uri, String> {
    let text = cluster.server.as_deref().ok_or("server: missing")?;
    let server: Uri = text.parse().map_err(|_| "server: is no URL")?;
    let authority = server.authority().ok_or("server: names no host")?;
    if server.scheme_str() != Some("https") {
        return Err("server: refused, because it does not begin with https://".to_owned());
    }
    if authority.as_str().contains('@') {
        return Err("server: refused, because it holds user information".to_owned());
    }
    Ok(server)
}

/// Fields that are refused whatever they hold.
pub(super) fn refused_fields(user: &User) -> Result<(), String> {
    const OTHER: &str = "use token, tokenFile or a client certificate";
    let refused = [
        ("auth-provider", user.auth_provider.is_some(), OTHER),
        ("username", user.username.is_some(), OTHER),
        ("password", user.password.is_some(), OTHER),
        ("as", user.impersonate.is_some(), "bind the role to the user itself"),
        ("as-uid", user.impersonate_uid.is_some(), "bind the role to the user itself"),
        ("as-groups", user.impersonate_groups.is_some(), "bind the role to the user itself"),
        ("as-user-extra", user.impersonate_extra.is_some(), "bind the role to the user itself"),
    ];
    match refused.iter().find(|(_, present, _)| *present) {
        Some((field, _, advice)) => Err(format!("{field}: refused; {advice}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
