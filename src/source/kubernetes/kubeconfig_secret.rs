//! Kubeconfigs that come from objects of the home cluster: whoever may write those must not make this server read a file,
//! run a program or talk to itself (RESILIENCE.md section 10, the column "from a Secret").
//!
//! In: octets of a Secret. Out: [`Access`] made of the allowed fields only, or a refusal that names the field, never a value.

use super::access::{Access, Trust, certificates};
use super::kubeconfig::{chosen, decoded, paired, parse_octets, refused_fields, server};
use super::kubeconfig_file::{Cluster, User};
use super::token::{MAX_FILE, TokenSource};
use crate::model::address;
use http::Uri;
use secrecy::ExposeSecret;
use std::net::{IpAddr, Ipv4Addr};

/// Reads a kubeconfig of a Secret; its `current-context` is used. Whether its server may be talked to is for
/// [`allowed_server`] to say.
///
/// # Errors
/// The field and the reason; nothing was read or run.
pub(super) fn read(octets: &[u8]) -> Result<Access, String> {
    if octets.len() as u64 > MAX_FILE {
        return Err("is larger than 1 MiB".to_owned());
    }
    let file = parse_octets(octets).map_err(|(place, message)| match place {
        Some((line, column)) => format!("line {line}, column {column}: {message}"),
        None => message.to_owned(),
    })?;
    if file.current_context.as_deref().unwrap_or_default().is_empty() {
        return Err("current-context: missing; name the context to use".to_owned());
    }
    let (cluster, user) = chosen(&file, "")?;
    access(cluster, user)
}

fn access(cluster: &Cluster, user: &User) -> Result<Access, String> {
    refused_fields(user)?;
    refused_in_objects(cluster, user)?;
    let data = |field: &str, data: Option<&str>| data.map(|data| decoded(field, data)).transpose();
    let key = user.client_key_data.as_ref().map(|key| key.expose_secret());
    let certificate = data("client-certificate-data", user.client_certificate_data.as_deref())?;
    Ok(Access {
        server: server(cluster)?,
        trust: trust(cluster.certificate_authority_data.as_deref())?,
        identity: paired(certificate, data("client-key-data", key)?)?,
        token: user.token.clone().map(TokenSource::Fixed),
        server_name: cluster.tls_server_name.clone(),
        proxy: None,
        files: Vec::new(),
    })
}

/// Trust in a CA given as base64 of PEM; without one there is none.
pub(super) fn trust(data: Option<&str>) -> Result<Trust, String> {
    const FIELD: &str = "certificate-authority-data";
    let data = data.ok_or_else(|| format!("{FIELD}: missing; give the CA of the API server"))?;
    let pem = decoded(FIELD, data)?;
    certificates(&pem)
        .map(Trust::Certificates)
        .map_err(|reason| format!("{FIELD}: {reason}; give the CA of the API server"))
}

/// What a file of the operator may hold and an object of a cluster may not.
pub(super) fn refused_in_objects(cluster: &Cluster, user: &User) -> Result<(), String> {
    const DATA: &str = "an object may not name files; use the -data forms and token";
    const OWN: &str = "put this cluster into `clusters` of the configuration instead";
    const TOKEN: &str = "use token or a client certificate";
    let refused = [
        ("exec", user.exec.is_some(), TOKEN),
        ("tokenFile", user.token_file.is_some(), DATA),
        ("client-certificate", user.client_certificate.is_some(), DATA),
        ("client-key", user.client_key.is_some(), DATA),
        ("certificate-authority", cluster.certificate_authority.is_some(), DATA),
        ("insecure-skip-tls-verify", cluster.insecure_skip_tls_verify == Some(true), OWN),
        ("proxy-url", cluster.proxy_url.is_some(), OWN),
    ];
    match refused.iter().find(|(_, present, _)| *present) {
        Some((field, _, advice)) => Err(format!("{field}: refused; {advice}")),
        None => Ok(()),
    }
}

/// Whether a server may be talked to: one that is this machine, its link or a metadata service has to be listed.
///
/// # Errors
/// Names the reason and the setting.
pub(super) fn allowed_server(server: &Uri, allow_servers: &[String]) -> Result<(), String> {
    let Some(host) = host_to_list(server) else { return Ok(()) };
    if is_listed(&host, allow_servers) {
        return Ok(());
    }
    let reason = refused_host(&host).unwrap_or_default();
    Err(format!("server: refused, because its host {reason}; list it in registry.allowServers"))
}

/// The host of a server that must be listed in `registry.allowServers` to be talked to.
pub(super) fn host_to_list(server: &Uri) -> Option<String> {
    let host = server.host().unwrap_or_default().to_ascii_lowercase();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    refused_host(bare).map(|_| bare.to_owned())
}

/// True when `registry.allowServers` lists this host.
pub(super) fn is_listed(host: &str, allow_servers: &[String]) -> bool {
    allow_servers.iter().any(|allowed| allowed.trim_matches(['[', ']']).eq_ignore_ascii_case(host))
}

/// Why a host is refused unless it is listed. A name that leads to such an address is not seen here: TLS with the CA of the
/// same Secret stands behind this.
fn refused_host(host: &str) -> Option<&'static str> {
    let name = host.trim_end_matches('.');
    if let Ok(address) = name.parse::<IpAddr>() {
        return address::refusal(address);
    }
    if name == "localhost" || name.ends_with(".localhost") {
        return Some("is a loopback name");
    }
    if name == "metadata" || name.starts_with("metadata.") {
        return Some("is the name of a cloud metadata service");
    }
    // The system's resolver reads 127.1, 2130706433 and 0x7f.1 as addresses.
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = !last.is_empty() && last.bytes().all(|octet| octet.is_ascii_digit());
    if numeric || last.starts_with("0x") || name.parse::<Ipv4Addr>().is_ok() {
        return Some("is an address in an unusual notation");
    }
    // Scoped addresses are link-local.
    (name.contains('%') || name.contains(':')).then_some("is an address in an unusual notation")
}

#[cfg(test)]
mod tests;
