//! Which names own an address: the PTR records of the reverse zones (DNS.md section 1; RFC 1035 section 3.5, RFC 3596
//! section 2.5).
//!
//! In: a service's answers per group of views. Out: [`PtrClaim`]s, one per address in a reverse zone. Several services may
//! share an address, so publish keeps the claims of all and composes each name's Draft from them.

use super::Settings;
use super::zone::{Zone, ZoneKind, Zones};
use crate::dns::types::rtype;
use crate::dns::{Name, NameError};
use crate::model::{Answer, ServiceKey};
use crate::table::{Draft, Glue, NO_CLUSTER, Order, Record, RrSet};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

/// Most names of one address in one view: an address that more share (a gateway, a load balancer) answers the first by
/// service and name. They fit a UDP reply of usual size or nearly so, and keep the work per change small.
pub const MOST_NAMES: usize = 32;

/// What one service says of one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PtrClaim {
    /// The reverse name of the address.
    pub name: Name,
    /// Number of the reverse zone.
    pub zone: u8,
    /// Seconds.
    pub ttl: u32,
    /// The names that own the address, and the views (bits) in which they do; in none it is no claim.
    pub owners: BTreeMap<Name, u64>,
}

impl PtrClaim {
    /// The views in which any name owns the address.
    pub fn presence(&self) -> u64 {
        self.owners.values().fold(0, |views, mask| views | mask)
    }
}

/// `4.3.2.1.in-addr.arpa` of 1.2.3.4; 32 nibbles below `ip6.arpa` for IPv6.
pub fn reverse_name(address: IpAddr) -> Name {
    let mut text = String::with_capacity(72);
    match address {
        IpAddr::V4(v4) => {
            for octet in v4.octets().iter().rev() {
                // Writing to a String cannot fail.
                let _ = write!(text, "{octet}.");
            }
            text.push_str("in-addr.arpa");
        }
        IpAddr::V6(v6) => {
            for octet in v6.octets().iter().rev() {
                let _ = write!(text, "{:x}.{:x}.", octet & 15, octet >> 4);
            }
            text.push_str("ip6.arpa");
        }
    }
    Name::parse(&text).expect("short labels, 74 octets at most")
}

/// The claims of a service, by reverse name. A host name (`<host>.<cluster>.<svc>...`) owns its endpoint's addresses, the
/// service name those that have none: virtual addresses, clusterIPs, load balancers, gateways, pods behind them. Each
/// clusterset zone has its names. An address that is the apex of a reverse zone is left out.
pub fn compile_reverse(key: &ServiceKey, answers: &[(u64, Answer)], settings: &Settings) -> Vec<PtrClaim> {
    let zones = &settings.zones;
    if zones.of_kind(ZoneKind::Reverse).next().is_none() {
        return Vec::new();
    }
    let mut claims = BTreeMap::new();
    for zone in zones.of_kind(ZoneKind::Clusterset) {
        let Ok(service) = zone.service(key) else { continue };
        for (mask, answer) in answers {
            for (address, owner) in owners(&service, answer) {
                claim(&mut claims, zones, address, owner, (*mask, answer.ttl));
            }
        }
    }
    claims.into_values().collect()
}

/// Every address of an answer with the name that owns it.
fn owners(service: &Name, answer: &Answer) -> Vec<(IpAddr, Name)> {
    let host_name = |host: &crate::model::Host| -> Result<Name, NameError> {
        let cluster = host.cluster.as_str().split('.').map(str::as_bytes);
        service.prepend(std::iter::once(host.label.as_bytes()).chain(cluster))
    };
    let mut owners: Vec<(IpAddr, Name)> = Vec::new();
    for host in &answer.hosts {
        if let Ok(name) = host_name(host) {
            owners.extend(host.addresses.iter().map(|address| (*address, name.clone())));
        }
    }
    let named: std::collections::HashSet<IpAddr> = owners.iter().map(|(address, _)| *address).collect();
    // Neither a limit nor the cut to the nearest tier takes an address its name.
    let addresses = answer.targets.iter().chain(&answer.further).flat_map(|target| &target.addresses);
    owners.extend(addresses.filter(|address| !named.contains(address)).map(|address| (*address, service.clone())));
    owners
}

fn claim(claims: &mut BTreeMap<Name, PtrClaim>, zones: &Zones, address: IpAddr, owner: Name, (mask, ttl): (u64, u32)) {
    let name = reverse_name(address);
    let Some(zone) = reverse_zone(&name, zones) else { return };
    let new = || PtrClaim { name: name.clone(), zone: zone.number, ttl, owners: BTreeMap::new() };
    let claim = claims.entry(name.clone()).or_insert_with(new);
    claim.ttl = claim.ttl.min(ttl);
    *claim.owners.entry(owner).or_default() |= mask;
}

/// The longest reverse zone that holds the name; none for its apex.
fn reverse_zone<'z>(name: &Name, zones: &'z Zones) -> Option<&'z Zone> {
    let holding = zones.of_kind(ZoneKind::Reverse).filter(|zone| name.is_within(&zone.name));
    holding.max_by_key(|zone| zone.name.label_count()).filter(|zone| zone.name != *name)
}

/// The Draft of a reverse name from all claims on it, sorted by service. `presence`: the views of all of them.
pub fn compose_reverse<'c>(name: &Name, zone: u8, presence: u64, claims: impl Iterator<Item = &'c PtrClaim>) -> Draft {
    let mut lists: Vec<Vec<&Name>> = vec![Vec::new(); u64::BITS as usize];
    let mut open = presence;
    let mut ttl = u32::MAX;
    for claim in claims {
        if open == 0 {
            break;
        }
        ttl = ttl.min(claim.ttl);
        for (owner, mask) in &claim.owners {
            let wanted = mask & open;
            for (view, list) in lists.iter_mut().enumerate().filter(|(view, _)| wanted >> view & 1 == 1) {
                list.push(owner);
                if list.len() == MOST_NAMES {
                    open &= !(1 << view);
                }
            }
        }
    }
    let mut orders: Vec<Order> = Vec::new();
    let mut order_of = vec![0; lists.len()];
    for (view, list) in lists.iter().enumerate().filter(|(view, _)| presence >> view & 1 == 1) {
        let order = Order::from(set(list, ttl).into_iter().collect::<Vec<_>>());
        let known = orders.iter().position(|other| *other == order).unwrap_or(orders.len());
        if known == orders.len() {
            orders.push(order);
        }
        order_of[view] = known as u8;
    }
    if orders.len() < 2 {
        order_of.clear();
    }
    Draft { name: name.clone(), zone, presence, order_of, orders }
}

fn set(names: &[&Name], ttl: u32) -> Option<RrSet> {
    let record = |name: &&Name| Record { rdata: name.wire().to_vec(), cluster: NO_CLUSTER, glue: Glue::default() };
    let records: Vec<Record> = names.iter().map(record).collect();
    let tiers = Vec::new();
    (!records.is_empty()).then_some(RrSet {
        rtype: rtype::PTR,
        ttl,
        records,
        tiers,
        draw: None,
        stale: false,
        serial: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::ServiceType;
    use crate::model::{AnswerMode, ClusterId, Host, Target};

    fn settings() -> Settings {
        let name = |text| Name::parse(text).unwrap();
        let reverse = ["10.in-addr.arpa", "9.10.in-addr.arpa", "7.0.0.10.in-addr.arpa", "d.f.ip6.arpa"].map(name);
        let zones = Zones::new(&[name("clusterset.local")], &[], 5, Vec::new()).unwrap();
        Settings { zones: zones.with_reverse(&reverse).unwrap(), ..Settings::default() }
    }

    fn target(addresses: &[&str]) -> Target {
        Target {
            cluster: Some(ClusterId::new("east")),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            tier: 0,
            weight: 1,
            stale: false,
            restored: false,
            zone: None,
        }
    }

    fn host(label: &str, address: &str) -> Host {
        Host {
            cluster: ClusterId::new("east"),
            label: label.into(),
            addresses: vec![address.parse().unwrap()],
            ports: Vec::new(),
            tier: 0,
            weight: 1,
            stale: false,
            ill: false,
            restored: false,
            in_service: true,
        }
    }

    fn answer(targets: Vec<Target>, hosts: Vec<Host>) -> Answer {
        let (service_type, mode) = (ServiceType::Headless, AnswerMode::Ordered);
        Answer { service_type, mode, ttl: 5, targets, further: Vec::new(), ports: Vec::new(), hosts }
    }

    /// `address-name zone ttl owner/views ...`
    fn shown(claims: &[PtrClaim]) -> Vec<String> {
        let owner = |(name, views): (&Name, &u64)| format!(" {name}/{views:b}").replace(".svc.clusterset.local.", "");
        let owners = |claim: &PtrClaim| claim.owners.iter().map(owner).collect::<String>();
        claims.iter().map(|claim| format!("{} {}{}", claim.name, claim.zone, owners(claim))).collect()
    }

    #[test]
    fn addresses_have_names_below_their_root() {
        for (address, name) in [
            ("10.1.2.3", "3.2.1.10.in-addr.arpa."),
            ("fd00::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa."),
        ] {
            assert_eq!(reverse_name(address.parse().unwrap()).to_string(), name);
        }
    }

    #[test]
    fn an_endpoint_has_its_host_name_and_other_addresses_the_service_name() {
        let first =
            answer(vec![target(&["10.0.0.1"]), target(&["10.0.0.2", "192.0.2.1"])], vec![host("a", "10.0.0.1")]);
        let second = answer(vec![target(&["10.0.0.2"])], Vec::new());
        let claims = compile_reverse(&ServiceKey::new("shop", "db"), &[(1, first), (6, second)], &settings());
        let expected = ["1.0.0.10.in-addr.arpa. 1 a.east.db.shop/1", "2.0.0.10.in-addr.arpa. 1 db.shop/111"];
        assert_eq!(shown(&claims), expected);
        assert_eq!(claims[1].presence(), 7);
    }

    #[test]
    fn the_longest_zone_holds_an_address_and_an_apex_none() {
        let targets = vec![target(&["10.9.0.1", "10.0.0.7", "172.16.0.1"]), target(&["fd00::"])];
        let claims = compile_reverse(&ServiceKey::new("shop", "db"), &[(1, answer(targets, Vec::new()))], &settings());
        let zones: Vec<u8> = claims.iter().map(|claim| claim.zone).collect();
        assert_eq!(zones, [4, 2]);
    }

    #[test]
    fn an_address_of_many_services_answers_the_first_of_them_in_each_view() {
        let claims: Vec<PtrClaim> = (0..100)
            .map(|number| PtrClaim {
                name: reverse_name([10, 0, 0, 1].into()),
                zone: 1,
                ttl: 5,
                owners: [(Name::parse(&format!("s{number:03}.shop")).unwrap(), if number < 3 { 1 } else { 3 })].into(),
            })
            .collect();
        let draft = compose_reverse(&claims[0].name, 1, 3, claims.iter());
        assert_eq!((draft.presence, draft.orders.len()), (3, 2));
        for (view, first, last) in [(0, 0, MOST_NAMES - 1), (1, 3, MOST_NAMES + 2)] {
            let records = &draft.orders[usize::from(draft.order_of[view])].sets[0].records;
            let name = |record: &Record| Name::from_wire(&record.rdata).unwrap().to_string();
            assert_eq!(records.len(), MOST_NAMES);
            assert_eq!(
                (name(&records[0]), name(&records[MOST_NAMES - 1])),
                (format!("s{first:03}.shop."), format!("s{last:03}.shop."))
            );
        }
        let same = compose_reverse(&claims[0].name, 1, 2, claims.iter());
        assert_eq!((same.orders.len(), same.order_of.len()), (1, 0));
    }
}
