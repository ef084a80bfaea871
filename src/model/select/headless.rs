//! What one cluster contributes to a Headless service: its ready endpoints, or the gateways that stand for them.

use super::candidate::{Candidate, Health, host_names};
use super::endpoints::{Endpoint, Side};
use super::gateways::gateways;
use super::reach::{warn_mismatch, warn_no_gateway};
use super::standing::Context;
use crate::model::cluster::{Reach, State};
use crate::model::clusterset::Member;
use crate::model::trace::Trace;

/// Native endpoints of a cluster of the registry, as far as this view can reach them.
pub(super) fn native<'a>(
    context: &Context<'a>,
    member: &'a Member,
    endpoints: Vec<Endpoint<'a>>,
    trace: &mut impl Trace,
) -> Vec<Candidate<'a>> {
    let side = Side { cluster: &member.cluster().id, member: Some(member), reader: member };
    let mut list = named(&side, member.state(), endpoints);
    if list.is_empty() || !context.is_elsewhere(member) {
        return list;
    }
    if member.cluster().reach != Reach::Gateway {
        warn_mismatch(context, member, "pod addresses", trace);
        list.iter_mut().for_each(|candidate| candidate.withhold(context));
        return list;
    }
    for candidate in &mut list {
        candidate.out = Some("in another network: the gateways stand for it");
        candidate.hosts.iter_mut().for_each(|(_, addresses)| addresses.clear());
    }
    let mut hops = gateways(context, member);
    if hops.is_empty() {
        warn_no_gateway(context, member, trace);
    }
    for hop in &mut hops {
        hop.health = Health::Ready;
        hop.withhold(context);
    }
    list.append(&mut hops);
    list
}

/// Endpoints with their host names, as they are.
pub(super) fn named<'a>(side: &Side<'a>, state: State, endpoints: Vec<Endpoint<'a>>) -> Vec<Candidate<'a>> {
    let candidate = |endpoint| {
        let hosts = host_names(&endpoint);
        let restored = side.reader.is_restored();
        Candidate { hosts, restored, ..Candidate::endpoint(side.cluster, side.member, state, endpoint) }
    };
    endpoints.into_iter().map(candidate).collect()
}
