//! Where the server answers otherwise than CoreDNS's `kubernetes { multicluster }`, and why.

use hickory_proto::rr::RecordType;

use crate::differential::{Case, Rule, alike};
use crate::generated::model::{Endpoint, Kind, Service, Slice};
use crate::generated::tree::Node;
use crate::replies::{Reply, Section};

/// All of them; the first that holds counts.
pub const RULES: &[Rule] = &[
    Rule {
        reason: "a name of a port holds SRV records only (DNS.md 1); CoreDNS answers the service's addresses there",
        holds: |case| {
            let addresses = matches!(case.rtype, RecordType::A | RecordType::AAAA);
            addresses && case.node == Some(Node::Port) && case.ours.is_nodata() && !case.theirs.answer.is_empty()
        },
    },
    Rule {
        reason: "a name with names below it exists, without data (RFC 4592, RFC 8020); CoreDNS denies it",
        holds: |case| case.node == Some(Node::Empty) && case.ours.is_nodata() && case.theirs.is_nxdomain(),
    },
    Rule {
        reason: "type ANY is answered with one set (RFC 8482); CoreDNS says that there is no data",
        holds: |case| case.rtype == RecordType::ANY && has_one_set(case) && case.theirs.answer.is_empty(),
    },
    Rule {
        reason: "whether a name exists does not depend on the type; CoreDNS knows dns-version for TXT alone",
        holds: |case| of_zone(case, "dns-version.") && case.ours.is_nodata() && case.theirs.is_nxdomain(),
    },
    Rule {
        reason: "the same: CoreDNS denies names without any record for TXT, and its name server for PTR",
        holds: |case| {
            let denied = matches!(case.rtype, RecordType::TXT | RecordType::PTR);
            denied && case.node.is_some() && case.ours.is_nodata() && case.theirs.is_nxdomain()
        },
    },
    Rule {
        reason: "the same: an absent name is NXDOMAIN for SOA too; CoreDNS looks for names only when asked for others",
        holds: |case| {
            let absent = case.node.is_none() && case.ours.is_nxdomain();
            absent && case.rtype == RecordType::SOA && case.theirs.is_nodata()
        },
    },
    Rule {
        reason: "the zone's name server is `nameserver` of the configuration; a CoreDNS on loopback names none",
        holds: |case| {
            let named = case.ours.data() == ["192.0.2.53"] || case.ours.data() == ["ns.dns.clusterset.local."];
            case.node == Some(Node::OfZone) && named && case.theirs.answer.is_empty()
        },
    },
    Rule {
        reason: "names are compared without case (RFC 4343); CoreDNS knows ns.dns in lower case alone",
        holds: |case| {
            let mixed = of_zone(case, "ns.dns.") && case.name != case.name.to_lowercase();
            mixed && case.ours.is_nodata() && case.theirs.is_nxdomain()
        },
    },
    Rule {
        reason: "SRV targets are printed in lower case (DNS.md 1); CoreDNS gives them the case of the asked zone",
        holds: |case| {
            let theirs = Reply { answer: lower_targets(&case.theirs.answer), ..case.theirs.clone() };
            case.rtype == RecordType::SRV && alike(&theirs, case.ours)
        },
    },
    Rule {
        reason: "a cluster id may have two labels (KEP-2149); CoreDNS prints names below such a cluster, and denies them",
        holds: |case| {
            let labels = case.name.trim_end_matches('.').split('.').count();
            case.node == Some(Node::Host) && labels == 8 && !case.ours.is_nxdomain() && case.theirs.is_nxdomain()
        },
    },
    Rule {
        reason: "a cluster id of three labels is none, and has no SRV rows; CoreDNS prints targets that it denies itself",
        holds: |case| {
            let invalid = |line: &&String| line.contains(".a.b.c.");
            let rows = |reply: &Reply| reply.answer.iter().filter(|line| !invalid(line)).cloned().collect::<Section>();
            let answer = &case.theirs.answer;
            let more =
                answer.iter().any(|line| invalid(&line)) && lower_targets(&rows(case.theirs)) == case.ours.answer;
            let no_port = case.node.is_none()
                && is_port(case.name)
                && case.service.is_some_and(|of| invalid_alone(of, case.name));
            (case.rtype == RecordType::SRV && more) || (no_port && case.theirs.code == "NoError")
        },
    },
    Rule {
        reason: "ports are asked for with underscores (RFC 2782), unnamed ones not at all; CoreDNS takes labels without",
        holds: |case| {
            let mut labels = case.name.split('.');
            let pair = [labels.next(), labels.next()].map(Option::unwrap_or_default);
            let bare = pair.iter().any(|label| !label.starts_with('_') || *label == "_");
            let underscored = pair.iter().any(|label| label.starts_with('_'));
            bare && underscored && case.node.is_none() && case.ours.is_nxdomain() && case.theirs.code == "NoError"
        },
    },
    Rule {
        reason: "an import without ports has its addresses all the same (DNS.md 1); CoreDNS lists addresses by port",
        holds: |case| {
            let of_ips = |service: &Service| service.kind == Kind::ClusterSetIp && service.ports.is_empty();
            let bare = case.node == Some(Node::Service) && case.service.is_some_and(of_ips);
            bare && !case.ours.is_nxdomain() && case.theirs.is_nxdomain()
        },
    },
    Rule {
        reason: "a port that names no protocol is a TCP port; CoreDNS knows it at the bare name alone",
        holds: |case| {
            let unsaid = |service: &Service| service.ports.iter().any(|port| port.protocol.is_empty());
            let of_ips = |service: &Service| service.kind == Kind::ClusterSetIp;
            let port = case.node == Some(Node::Port) && case.service.is_some_and(|of| of_ips(of) && unsaid(of));
            port && case.ours.code == "NoError" && case.theirs.is_nxdomain()
        },
    },
];

/// A name of the zone itself.
fn of_zone(case: &Case<'_>, name: &str) -> bool {
    case.node == Some(Node::OfZone) && case.name.eq_ignore_ascii_case(&format!("{name}clusterset.local."))
}

/// A name that is formed as a port's.
fn is_port(name: &str) -> bool {
    name.split('.').take(2).all(|label| label.len() > 1 && label.starts_with('_'))
}

/// The port of this name has ready endpoints in the cluster with the invalid id, and nowhere else.
fn invalid_alone(service: &Service, name: &str) -> bool {
    let port = name.split('.').next().unwrap_or_default();
    let listens =
        |slice: &&Slice| slice.ports.iter().any(|known| port.eq_ignore_ascii_case(&format!("_{}", known.name)));
    let ready = |slice: &&Slice| slice.endpoints.iter().any(Endpoint::is_ready);
    service.slices.iter().filter(ready).filter(listens).all(|slice| slice.cluster == "a.b.c")
}

/// SRV lines with their last word, the target, in lower case.
fn lower_targets(lines: &Section) -> Section {
    let lower = |line: &String| match line.rsplit_once(' ') {
        Some((rest, target)) => format!("{rest} {}", target.to_lowercase()),
        None => line.clone(),
    };
    lines.iter().map(lower).collect()
}

/// Our answer holds records of one type.
fn has_one_set(case: &Case<'_>) -> bool {
    let mut types: Vec<&str> = case.ours.answer.iter().filter_map(|line| line.split(' ').nth(2)).collect();
    types.dedup();
    types.len() == 1
}
