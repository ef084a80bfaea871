//! Names to ask: those that random worlds may hold, what lies around them, and names that do not exist.

use super::world::{HOSTS, SERVICES, VIEWS};
use crate::dns::types::rtype;
use proptest::prelude::*;
use proptest::sample::select;

pub(super) fn question() -> impl Strategy<Value = (String, u16, u8)> {
    let rtype = select(vec![rtype::A, rtype::A, rtype::AAAA, rtype::SRV, rtype::TXT, rtype::CNAME, rtype::ANY]);
    (name(), rtype, 0..VIEWS)
}

fn name() -> impl Strategy<Value = String> {
    let host = select(HOSTS.to_vec()).prop_map(str::to_owned);
    let below = (select(vec!["x", "a.b", "_http._tcp", "_tcp", "svc", "east"]), select(HOSTS.to_vec()))
        .prop_map(|(left, host)| format!("{left}.{}", host.trim_start_matches("*.")));
    let service = (select(vec!["", "_http._tcp.", "east.", "x.west."]), select(SERVICES.to_vec()))
        .prop_map(|(left, (namespace, name))| format!("{left}{name}.{namespace}.svc.clusterset.local"));
    let formed = (select(SERVICES.to_vec()), select(vec!["", "svc.east.", "svc.west.", "svc.a.b.", "svc."]))
        .prop_map(|((namespace, name), right)| format!("{name}.{namespace}.{right}global"));
    let label = select(vec!["web", "db", "shop", "west", "east", "a", "b", "svc", "global"]);
    let free = proptest::collection::vec(label, 0..4).prop_map(|labels| [&labels[..], &["global"]].concat().join("."));
    prop_oneof![3 => host, 2 => below, 2 => service, 2 => formed, 1 => free]
}
