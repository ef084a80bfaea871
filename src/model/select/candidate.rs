//! A candidate: what might become a target of the answer, before anything is cut.

use super::endpoints::Endpoint;
use super::standing::Context;
use crate::model::cluster::State;
use crate::model::clusterset::Member;
use crate::model::fact::{Kind, ObjectKey, Origin, Port};
use crate::model::hashed::Firsts;
use crate::model::host::fact::Routing;
use crate::model::id::ClusterId;
use crate::model::probe::Action;
use crate::model::trace::{Note, Verdict};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// Health of what stands behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// A ready endpoint.
    Ready,
    /// No slices: not ill health (rule h of SOURCES.md section 4).
    Unknown,
    /// Slices, none of them with a ready endpoint.
    Ill,
}

/// Why [`Candidate::withhold`] takes an address away.
pub(super) const WITHHELD: &str = "withheld: it lies in a range of the view's own cluster";

/// One possible target; its host names too.
pub(super) struct Candidate<'a> {
    pub cluster: Option<&'a ClusterId>,
    pub member: Option<&'a Member>,
    pub addresses: Vec<IpAddr>,
    pub region: Option<&'a Arc<str>>,
    pub zone: Option<&'a Arc<str>>,
    /// Reached over one more hop.
    pub gateway: bool,
    pub health: Health,
    /// Weight of this one target, where a weight is not its cluster's.
    pub weight: Option<u32>,
    /// Tier that a policy gives it ([`super::policy::TierOrder::Given`]).
    pub tier: u8,
    /// A load balancer's: the same from everywhere.
    pub balanced: bool,
    /// Its health check fails: why, and what becomes of it.
    pub ill: Option<(Arc<str>, Action)>,
    /// Drained by itself, not with its cluster.
    pub drained: bool,
    pub state: State,
    /// Its data are a snapshot's: EDE 3, but no demotion.
    pub restored: bool,
    /// Ports that its service or slices name.
    pub ports: Cow<'a, [Port]>,
    /// Names below the service and what they answer.
    pub hosts: Vec<(Arc<str>, Vec<IpAddr>)>,
    /// `Some`: not in the set of the service name, and why.
    pub out: Option<&'static str>,
    pub source: Option<(Kind, &'a ObjectKey, &'a Origin)>,
    /// The routing set of a DNSEndpoint that it stands in.
    pub routing: Option<&'a Routing>,
    /// Its addresses that [`Candidate::withhold`] took away.
    pub withheld: Vec<IpAddr>,
}

impl<'a> Candidate<'a> {
    /// Addresses of one cluster that are no endpoints; nothing else is known yet.
    pub fn new(member: &'a Member, addresses: Vec<IpAddr>) -> Self {
        let home = &member.cluster().locality;
        Candidate {
            cluster: Some(&member.cluster().id),
            member: Some(member),
            addresses,
            region: home.region.as_ref(),
            zone: home.zone.as_ref(),
            gateway: false,
            health: Health::Unknown,
            weight: None,
            tier: 0,
            balanced: false,
            ill: None,
            drained: false,
            state: member.state(),
            restored: member.is_restored(),
            ports: Cow::Borrowed(&[]),
            hosts: Vec::new(),
            out: None,
            source: None,
            routing: None,
            withheld: Vec::new(),
        }
    }

    /// A virtual address that belongs to no one cluster.
    pub fn vip(holder: &'a Member, addresses: Vec<IpAddr>) -> Self {
        Candidate { cluster: None, member: None, region: None, zone: None, ..Candidate::new(holder, addresses) }
    }

    /// A ready endpoint of `cluster`; `member` is its registry entry, if any, and `state` that of its data.
    pub fn endpoint(cluster: &'a ClusterId, member: Option<&'a Member>, state: State, from: Endpoint<'a>) -> Self {
        Candidate {
            cluster: Some(cluster),
            member,
            addresses: from.addresses,
            region: from.region,
            zone: from.zone,
            gateway: false,
            health: Health::Ready,
            weight: None,
            tier: 0,
            balanced: false,
            ill: None,
            drained: false,
            state,
            restored: member.is_some_and(Member::is_restored),
            ports: from.ports,
            hosts: Vec::new(),
            out: None,
            source: Some((Kind::EndpointSlice, &from.slice.key, &from.slice.origin)),
            routing: None,
            withheld: Vec::new(),
        }
    }

    /// True while it is in the set of the service name.
    pub fn is_in(&self) -> bool {
        self.out.is_none()
    }

    /// The note that it is not answered; a routing set is named too.
    pub fn left_out(&self, reason: impl Into<Cow<'static, str>>) -> Note {
        let reason = reason.into();
        let routing = self.routing.map(Routing::to_string).filter(|text| !text.is_empty());
        Note {
            cluster: self.cluster.cloned(),
            addresses: self.addresses.clone(),
            verdict: Verdict::LeftOut,
            reason: match routing {
                Some(routing) => format!("{reason}; {routing}").into(),
                None => reason,
            },
            source: self.source.map(|(kind, key, origin)| (kind, key.clone(), origin.clone())),
        }
    }

    /// Takes away the addresses that would reach the view's own cluster instead (SOURCES.md 1.2, "Overlaps").
    /// Its host names stay, without them.
    pub fn withhold(&mut self, context: &Context<'_>) {
        let Some(member) = self.member.filter(|member| context.is_elsewhere(member)) else { return };
        let reaches = |address: &IpAddr| !context.is_withheld(member, *address);
        self.withheld.extend(self.addresses.extract_if(.., |address| !reaches(address)));
        self.hosts.iter_mut().for_each(|(_, addresses)| addresses.retain(reaches));
        if self.addresses.is_empty() {
            self.out = self.out.or(Some(WITHHELD));
        }
    }
}

/// Host names of an endpoint (DNS.md section 1): its hostname with all addresses, else one dashed name for each.
pub(super) fn host_names(endpoint: &Endpoint<'_>) -> Vec<(Arc<str>, Vec<IpAddr>)> {
    match endpoint.hostname {
        Some(name) => vec![(Arc::clone(name), endpoint.addresses.clone())],
        None => endpoint.addresses.iter().map(|address| (dashed(*address), vec![*address])).collect(),
    }
}

/// The address with `.` and `:` replaced by `-`. An IPv6 form that would begin or end in `-` gets a `0` there.
fn dashed(address: IpAddr) -> Arc<str> {
    let mut text = address.to_string().replace(['.', ':'], "-");
    if text.starts_with('-') {
        text.insert(0, '0');
    }
    if text.ends_with('-') {
        text.push('0');
    }
    text.into()
}

/// Joins the n-th IPv4 with the n-th IPv6 address, so that every cut keeps the families alike.
pub(super) fn pair_families(addresses: impl IntoIterator<Item = IpAddr>) -> Vec<Vec<IpAddr>> {
    let mut seen = Firsts::default();
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.into_iter().filter(|address| seen.is_new(*address)).partition(IpAddr::is_ipv4);
    let count = v4.len().max(v6.len());
    (0..count).map(|at| v4.get(at).into_iter().chain(v6.get(at)).copied().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_labels() {
        for (address, label) in
            [("10.0.0.1", "10-0-0-1"), ("fd00::1", "fd00--1"), ("fd00:1::", "fd00-1--0"), ("::2", "0--2")]
        {
            assert_eq!(&*dashed(address.parse().unwrap()), label);
        }
    }

    #[test]
    fn families_are_paired_in_order() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        let paired = pair_families(["10.0.0.1", "fd00::1", "10.0.0.2", "10.0.0.1"].map(parse));
        assert_eq!(paired, [vec![parse("10.0.0.1"), parse("fd00::1")], vec![parse("10.0.0.2")]]);
    }
}
