//! What start-up and `check` say was loaded: clusters, services, findings, one query to try.

use super::admin::Admin;
use crate::config::Config;
use crate::model::clusterset::Member;
use crate::model::fact::Kind;
use crate::model::merge::merge;
use crate::model::select::{Selection, select};
use crate::model::{NoTrace, ServiceKey};
use crate::publish::Publisher;
use crate::publish::task::Command;
use crate::telemetry::admin::Path;
use crate::transport::LocalAddresses;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use tokio::sync::{mpsc, oneshot};

/// What is loaded, in lines for people.
pub struct Summary {
    /// One line per cluster.
    pub clusters: Vec<String>,
    /// A service name that answers in the local view.
    pub example: Option<String>,
}

/// Describes what a publisher holds.
pub fn summary(publisher: &Publisher) -> Summary {
    let clusterset = publisher.clusterset();
    Summary {
        clusters: clusterset.members().map(|(_, member)| cluster_line(member)).collect(),
        example: example(publisher),
    }
}

fn cluster_line(member: &Member) -> String {
    let (cluster, facts) = (member.cluster(), member.facts());
    let count = |kind: Kind, one: &str| {
        let count = facts.count(kind);
        format!("{count} {one}{}", if count == 1 { "" } else { "s" })
    };
    let kinds = [
        count(Kind::ServiceExport, "export"),
        count(Kind::ServiceImport, "import"),
        count(Kind::Service, "service"),
        count(Kind::EndpointSlice, "slice"),
    ];
    let findings = match facts.findings().iter().count() {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    let state = if member.state().is_known() { "" } else { ", not synced yet" };
    format!("cluster {}: {}, {findings}{state}", cluster.id, kinds.join(", "))
}

/// The first service by name that has an address in the local view.
fn example(publisher: &Publisher) -> Option<String> {
    let (clusterset, local) = (publisher.clusterset(), publisher.views().first()?);
    let zones = &publisher.compile_settings().zones;
    let zone = zones.of_kind(crate::compile::ZoneKind::Clusterset).next()?;
    let answers = |key: &&ServiceKey| {
        let service = merge(key, clusterset);
        matches!(select(&service, local, clusterset, &mut NoTrace), Selection::Present(a) if !a.targets.is_empty())
    };
    // Most services have an address: looking at a few is enough.
    let key =
        clusterset.services().take(100).filter(answers).max_by_key(|key| (key.name() == "web", key.as_str().len()))?;
    let name = format!("{}.{}.svc.{}", key.name(), key.namespace(), zone.name);
    Some(name.trim_end_matches('.').to_owned())
}

/// Prints what is served to stdout, once the sockets are open.
pub(super) async fn print(
    config: &Config,
    addresses: &LocalAddresses,
    admin: &Admin,
    commands: &mpsc::Sender<Command>,
) {
    let (reply, told) = oneshot::channel();
    let ask = move |publisher: &Publisher| {
        // The reader may have been stopped meanwhile.
        let _ = reply.send(summary(publisher));
    };
    if commands.send(Command::Ask(Box::new(ask))).await.is_err() {
        return;
    }
    let Ok(summary) = told.await else { return };
    print!("{}", text(config, addresses, admin, &summary));
}

fn text(config: &Config, addresses: &LocalAddresses, admin: &Admin, summary: &Summary) -> String {
    let mut text = String::new();
    for cluster in &summary.clusters {
        let _ = writeln!(text, "{cluster}");
    }
    let reverse = config.reverse_zones.iter().map(|zone| &zone.0);
    let zones: Vec<&str> =
        config.zones.iter().chain(&config.global_zones).chain(reverse).map(|zone| zone.as_str()).collect();
    let local =
        config.local.cluster.get().map_or("no local cluster".to_owned(), |name| format!("local cluster {name}"));
    let _ = writeln!(text, "serving {} ({local})", zones.join(" and "));
    let mut listen = |what: &str, list: &[SocketAddr]| {
        for address in list {
            let _ = writeln!(text, "listening on {address} ({what})");
        }
    };
    listen("DNS over UDP and TCP", &addresses.dns);
    listen("gRPC", &addresses.grpc);
    for (what, path) in
        [("/health", Path::Health), ("/ready", Path::Ready), ("/metrics", Path::Metrics), ("/explain", Path::Explain)]
    {
        listen(what, admin.addresses(path));
    }
    if let (Some(server), Some(name)) = (addresses.dns.first(), &summary.example) {
        let _ = writeln!(text, "try: dig @{} -p {} {name}", reachable(*server), server.port());
    }
    text
}

/// An address to ask: loopback where the listener takes every address.
fn reachable(listener: SocketAddr) -> IpAddr {
    match listener.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    }
}
