//! How a view reaches a ClusterSetIP service of one cluster without a VIP (SOURCES.md 1.2).

use super::candidate::{Candidate, Health, host_names, pair_families};
use super::endpoints::{Endpoint, Side, gather};
use super::gateways::gateways;
use super::spread::spread;
use super::standing::Context;
use crate::model::cluster::Reach;
use crate::model::clusterset::Member;
use crate::model::fact::{Ingress, Kind, Port, ServiceFact, ServiceKind};
use crate::model::facts::ServiceFacts;
use crate::model::trace::{Note, Trace, Verdict};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// One exporting cluster as a view meets it.
struct Exporter<'a, 'c> {
    context: &'c Context<'a>,
    member: &'a Member,
    service: &'a ServiceFact,
    facts: &'a ServiceFacts,
    ready: Vec<Endpoint<'a>>,
    elsewhere: bool,
}

/// What one cluster contributes to the service in this view.
pub(super) fn contribute<'a>(
    context: &Context<'a>,
    member: &'a Member,
    facts: &'a ServiceFacts,
    trace: &mut impl Trace,
) -> Vec<Candidate<'a>> {
    let Some(service) = facts.service.as_deref() else { return Vec::new() };
    let side = Side { cluster: &member.cluster().id, member: Some(member), reader: member };
    let ready = gather(context, &side, facts.slices.iter(), trace);
    let exporter = Exporter { context, member, service, facts, ready, elsewhere: context.is_elsewhere(member) };
    let (rule, mut list) = exporter.contribution(trace);
    list.iter_mut().for_each(|candidate| candidate.withhold(context));
    trace.note(|| Note {
        cluster: Some(member.cluster().id.clone()),
        addresses: Vec::new(),
        verdict: if list.is_empty() { Verdict::LeftOut } else { Verdict::Rule },
        reason: rule.into(),
        source: Some((Kind::Service, service.key.clone(), service.origin.clone())),
    });
    list
}

type Contribution<'a> = (&'static str, Vec<Candidate<'a>>);

impl<'a> Exporter<'a, '_> {
    fn contribution(mut self, trace: &mut impl Trace) -> Contribution<'a> {
        match self.member.cluster().reach {
            Reach::Auto => self.auto(trace),
            Reach::ClusterIp => {
                self.warn_mismatch("clusterIPs", trace);
                ("reach clusterIP: its clusterIPs", self.cluster_ips(|_| true))
            }
            Reach::LoadBalancer => ("reach loadBalancer: its load-balancer addresses", self.load_balancer()),
            Reach::Endpoints => {
                self.warn_mismatch("pod addresses", trace);
                let ready = std::mem::take(&mut self.ready);
                ("reach endpoints: its ready pods", self.pods(ready, true))
            }
            Reach::Gateway if self.elsewhere => self.gateway(trace),
            Reach::Gateway => ("reach gateway, same network: its clusterIPs", self.cluster_ips(|_| true)),
        }
    }

    /// The first step that applies.
    fn auto(mut self, trace: &mut impl Trace) -> Contribution<'a> {
        if self.service.kind == ServiceKind::Headless {
            return self.auto_headless(trace);
        }
        if self.context.stands_in(self.member) {
            return ("reach auto: the clusterIPs, the view stands in this cluster", self.cluster_ips(|_| true));
        }
        let routable = &self.member.cluster().routable;
        let routed = || self.cluster_ips(|address| routable.iter().any(|range| range.contains(address)));
        if !routable.is_empty()
            && let routed = routed()
            && !routed.is_empty()
        {
            return ("reach auto (1): its clusterIPs lie in `routable`", routed);
        }
        let balanced = self.load_balancer();
        if !balanced.is_empty() {
            return ("reach auto (2): its load-balancer addresses", balanced);
        }
        if !self.elsewhere && !self.ready.is_empty() && self.ports_fit() {
            let ready = std::mem::take(&mut self.ready);
            let near = spread(self.context, &self.member.cluster().id, ready, trace);
            return ("reach auto (3): its ready pods, same network and ports", self.pods(near, false));
        }
        if self.elsewhere {
            let hops = self.through_gateways();
            if !hops.is_empty() {
                return ("reach auto (4): the gateways of its network", hops);
            }
        }
        self.context.find(trace, "reach-unproven", &self.member.cluster().id, || {
            "its clusterIPs are answered, though nothing says that they route here: set `routable`, `reach` or \
             `gateways` of the cluster, or make the Service a LoadBalancer"
                .to_owned()
        });
        ("reach auto (5): its clusterIPs, unproven", self.cluster_ips(|_| true))
    }

    /// A headless export in a ClusterSetIP service has no clusterIP: its ready addresses.
    fn auto_headless(mut self, trace: &mut impl Trace) -> Contribution<'a> {
        if self.elsewhere {
            let hops = self.through_gateways();
            if !hops.is_empty() && !self.ready.is_empty() {
                return ("reach auto (4): the gateways of its network", hops);
            }
            self.warn_mismatch("pod addresses", trace);
        }
        let mut ready = std::mem::take(&mut self.ready);
        if !self.context.stands_in(self.member) {
            ready = spread(self.context, &self.member.cluster().id, ready, trace);
        }
        ("reach auto: a headless export, its ready pods", self.pods(ready, false))
    }

    fn gateway(&self, trace: &mut impl Trace) -> Contribution<'a> {
        let hops = self.through_gateways();
        if hops.is_empty() {
            warn_no_gateway(self.context, self.member, trace);
        }
        ("reach gateway: the gateways of its network", hops)
    }

    fn warn_mismatch(&self, what: &str, trace: &mut impl Trace) {
        if self.elsewhere {
            warn_mismatch(self.context, self.member, what, trace);
        }
    }

    fn cluster_ips(&self, admits: impl Fn(IpAddr) -> bool) -> Vec<Candidate<'a>> {
        let addresses = self.service.cluster_ips.iter().copied();
        self.virtual_addresses(addresses.filter(|address| admits(*address)))
    }

    fn load_balancer(&self) -> Vec<Candidate<'a>> {
        if self.service.ingress.is_empty() {
            return Vec::new();
        }
        let resolved = &self.context.set.settings().resolved;
        let mut addresses = Vec::new();
        for ingress in self.service.ingress.iter() {
            match ingress {
                Ingress::Ip(address) => addresses.push(*address),
                Ingress::Host(name) => addresses.extend(resolved.get(name).into_iter().flatten()),
            }
        }
        let candidates = self.virtual_addresses(addresses.into_iter());
        candidates.into_iter().map(|candidate| Candidate { balanced: true, ..candidate }).collect()
    }

    fn through_gateways(&self) -> Vec<Candidate<'a>> {
        let mut hops = gateways(self.context, self.member);
        for hop in &mut hops {
            hop.health = self.health();
            hop.ports = Cow::Borrowed(&self.service.ports);
        }
        hops
    }

    fn health(&self) -> Health {
        match (self.ready.is_empty(), self.facts.slices.is_empty()) {
            (false, _) => Health::Ready,
            (true, true) => Health::Unknown,
            (true, false) => Health::Ill,
        }
    }

    /// Addresses that stand for all endpoints: the cluster's region, and a zone only when all ready endpoints share it.
    fn virtual_addresses(&self, addresses: impl Iterator<Item = IpAddr>) -> Vec<Candidate<'a>> {
        let admitted = addresses.filter(|address| self.member.admits_address(*address));
        pair_families(admitted)
            .into_iter()
            .map(|pair| {
                let mut candidate = Candidate::new(self.member, pair);
                if !self.ready.is_empty() {
                    candidate.zone = shared(self.ready.iter().map(|endpoint| endpoint.zone));
                    candidate.region = candidate.region.or(shared(self.ready.iter().map(|endpoint| endpoint.region)));
                }
                candidate.health = self.health();
                candidate.ports = Cow::Borrowed(&self.service.ports);
                candidate.source = Some((Kind::Service, &self.service.key, &self.service.origin));
                candidate
            })
            .collect()
    }

    fn pods(&self, ready: Vec<Endpoint<'a>>, named: bool) -> Vec<Candidate<'a>> {
        let cluster = self.member.cluster();
        ready
            .into_iter()
            .map(|endpoint| {
                let hosts = if named { host_names(&endpoint) } else { Vec::new() };
                let candidate = Candidate::endpoint(&cluster.id, Some(self.member), self.member.state(), endpoint);
                Candidate { hosts, ..candidate }
            })
            .collect()
    }

    /// True when every Service port number equals its slice's: else the client would knock at the wrong port.
    fn ports_fit(&self) -> bool {
        let fits = |endpoint: &Endpoint<'_>, port: &Port| {
            let behind = endpoint.ports.iter().filter(|held| held.name == port.name && held.protocol == port.protocol);
            let mut numbers = behind.map(|held| held.number).peekable();
            numbers.peek().is_some() && numbers.all(|number| number == port.number)
        };
        self.ready.iter().all(|endpoint| self.service.ports.iter().all(|port| fits(endpoint, port)))
    }
}

/// The value that all share, if any.
fn shared<'a>(mut values: impl Iterator<Item = Option<&'a Arc<str>>>) -> Option<&'a Arc<str>> {
    let first = values.next()??;
    values.all(|value| value == Some(first)).then_some(first)
}

/// Finding `network-mismatch`.
pub(super) fn warn_mismatch(context: &Context<'_>, member: &Member, what: &str, trace: &mut impl Trace) {
    context.find(trace, "network-mismatch", &member.cluster().id, || {
        format!(
            "its {what} are answered in a view of another network, where they may not route: set `reach: gateway` and \
             `gateways`, or give both one `network`"
        )
    });
}

/// Finding `no-gateway`.
pub(super) fn warn_no_gateway(context: &Context<'_>, member: &Member, trace: &mut impl Trace) {
    context.find(trace, "no-gateway", &member.cluster().id, || {
        "`reach: gateway`, but no gateway of its network is known: nothing of it is answered in a view of another \
         network; set `gateways` of the cluster"
            .to_owned()
    });
}
