//! The configurations of the peers: one core, one worker, no rate limit, no log per query, the smallest replies.
//!
//! They are written beside each other so that a reader can judge whether the comparison is fair.

use crate::clusterset::ZONE;
use std::path::Path;

/// NSD: one server process; replies without the authority section, as ours.
pub fn nsd(folder: &Path, zone: &Path, port: u16) -> String {
    let (folder, zone) = (folder.display(), zone.display());
    format!(
        "server:\n    ip-address: 127.0.0.1@{port}\n    username: \"\"\n    server-count: 1\n    verbosity: 0\n    \
         rrl-ratelimit: 0\n    minimal-responses: yes\n    receive-buffer-size: 1048576\n    database: \"\"\n    \
         pidfile: \"{folder}/nsd.pid\"\n    xfrdfile: \"{folder}/xfrd.state\"\n    xfrdir: \"{folder}\"\n    \
         zonelistfile: \"{folder}/zone.list\"\nremote-control:\n    control-enable: no\n\
         zone:\n    name: {ZONE}\n    zonefile: \"{zone}\"\n"
    )
}

/// Knot: one UDP worker; answers rotate, as ours.
pub fn knot(folder: &Path, zone: &Path, port: u16) -> String {
    let (folder, zone) = (folder.display(), zone.display());
    format!(
        "server:\n    listen: 127.0.0.1@{port}\n    rundir: \"{folder}\"\n    udp-workers: 1\n    tcp-workers: 1\n    \
         background-workers: 1\n    answer-rotation: on\ndatabase:\n    storage: \"{folder}\"\nlog:\n  - target: stderr\n    \
         any: warning\ntemplate:\n  - id: default\n    storage: \"{folder}\"\n    journal-content: none\n    \
         zonefile-sync: -1\n    semantic-checks: off\nzone:\n  - domain: {ZONE}\n    file: \"{zone}\"\n"
    )
}

/// CoreDNS with the zone in a file.
pub fn coredns_file(zone: &Path, port: u16) -> String {
    coredns(port, &format!("file {} {ZONE}", zone.display()))
}

/// CoreDNS with the addresses of the zone in a hosts file: it has neither SRV records nor negative answers.
pub fn coredns_hosts(hosts: &Path, port: u16) -> String {
    coredns(port, &format!("hosts {} {ZONE} {{\n        ttl 5\n        no_reverse\n    }}", hosts.display()))
}

/// CoreDNS that reads ServiceImports from an API server.
pub fn coredns_kubernetes(kubeconfig: &Path, context: &str, port: u16) -> String {
    let kubeconfig = kubeconfig.display();
    coredns(
        port,
        &format!(
            "kubernetes cluster.local {ZONE} {{\n        kubeconfig {kubeconfig} {context}\n        multicluster {ZONE}\n    }}"
        ),
    )
}

fn coredns(port: u16, plugin: &str) -> String {
    format!("{ZONE}:{port} {{\n    bind 127.0.0.1\n    {plugin}\n}}\n")
}
