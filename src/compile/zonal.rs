//! The names of topology zones below a headless service: `<zone>.pin._zone.<svc>` and `<zone>.prefer._zone.<svc>`
//! (DNS.md section 1).
//!
//! In: one answer under one service name. Out: names and sets, wildcards among them, for [`ViewNames`].

use super::merge_views::ViewNames;
use super::rrset::{served, target_sets};
use super::service::Scope;
use crate::dns::Name;
use crate::model::fact::ServiceType;
use crate::model::{AnswerMode, ClusterId, Host, Target};
use crate::table::RrSet;
use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

/// What a name answers whose zone has no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    /// Nothing (NODATA).
    Pin,
    /// The whole service.
    Prefer,
}

impl Directive {
    const ALL: [Directive; 2] = [Directive::Pin, Directive::Prefer];

    fn label(self) -> &'static str {
        match self {
            Directive::Pin => "pin",
            Directive::Prefer => "prefer",
        }
    }
}

impl Scope<'_> {
    /// Adds the names. `<zone>` is all labels left of the directive, and **every** such name exists, though only those of
    /// zones with endpoints are known here. With `P` for `<directive>._zone.<svc>`:
    ///
    /// 1. `_zone.<svc>` and both `P` are empty.
    /// 2. `*.P` answers for zones without endpoints.
    /// 3. Each zone with endpoints has its own name below `P`. A zone of several labels (`a.b`) makes the names between
    ///    it and `P` exist (`b.P`); each of those is the name of a zone as well, so it answers what `*.P` does unless it
    ///    has endpoints.
    /// 4. A name that exists is the closest encloser of what lies below it and so hides `*.P` from there (RFC 4592
    ///    section 3.3.1). So `*.E` stands below every name `E` of rule 3, with what `*.P` answers.
    ///
    /// A zone whose text is no name below the service (an empty or overlong label, too many octets) or holds the label
    /// `*`, which would be a wildcard itself, gets no name of its own; its endpoints are answered where all are. Where `*.E`
    /// does not fit into 255 octets, nothing below `E` does. Zones that differ in case only are one name.
    pub(super) fn zonal_names(&self, names: &mut ViewNames) {
        if self.answer.service_type != ServiceType::Headless {
            return;
        }
        let Ok(directives) = self.service.child("_zone") else { return };
        let zones = self.zones();
        for directive in Directive::ALL {
            let Ok(parent) = directives.child(directive.label()) else { continue };
            let others = self.without_zone(directive);
            for (zone, targets) in &zones {
                let Ok(name) = parent.prepend(zone.labels()) else { continue };
                self.between(&name, &parent, &others, names);
                names.replace(name.clone(), self.at_zone(&name, targets));
            }
            add_wildcard(&parent, &others, names);
            names.add(parent, Vec::new());
        }
        names.add(directives, Vec::new());
    }

    /// A zone's name and all between it and `parent`, with the wildcards below them (rules 3 and 4). Names that are there
    /// already keep what they have.
    fn between(&self, name: &Name, parent: &Name, others: &[RrSet], names: &mut ViewNames) {
        let is_below = |name: &Name| name.wire().len() > parent.wire().len();
        for name in std::iter::successors(Some(name.clone()), Name::parent).take_while(is_below) {
            add_wildcard(&name, others, names);
            names.add_missing(name, others);
        }
    }

    /// The zones that are names, and the endpoints of each: what the service name could answer, without the cut to the
    /// nearest tier, which is taken anew among them.
    fn zones(&self) -> BTreeMap<Name, Vec<Target>> {
        let mut zones: BTreeMap<Name, Vec<Target>> = BTreeMap::new();
        for target in self.answer.targets.iter().chain(&self.answer.further) {
            let Some(zone) = target.zone.as_deref() else { continue };
            let labels = zone.split('.');
            if labels.clone().any(|label| label == "*") {
                continue;
            }
            let Ok(zone) = Name::root().prepend(labels.map(str::as_bytes)) else { continue };
            zones.entry(zone).or_default().push(target.clone());
        }
        for targets in zones.values_mut() {
            targets.sort_by_key(|target| target.tier);
        }
        if self.answer.mode == AnswerMode::Nearest {
            for targets in zones.values_mut() {
                let best = targets.iter().map(|target| (target.stale, target.tier)).min();
                targets.retain(|target| Some((target.stale, target.tier)) == best);
            }
        }
        for targets in zones.values_mut() {
            let served = served(targets.iter(), self.settings);
            targets.truncate(served);
        }
        zones
    }

    fn at_zone(&self, name: &Name, targets: &[Target]) -> Vec<RrSet> {
        let held: HashSet<(Option<&ClusterId>, IpAddr)> = targets
            .iter()
            .flat_map(|target| target.addresses.iter().map(|address| (target.cluster.as_ref(), *address)))
            .collect();
        let is_in = |host: &Host| host.addresses.iter().any(|address| held.contains(&(Some(&host.cluster), *address)));
        let mut sets = target_sets(targets, self.answer.mode, self.answer.ttl, &self.settings.columns);
        sets.extend(self.headless_srv(&self.pointer_from(name), is_in, |_| true));
        sets
    }

    /// What a zone without endpoints answers. It stands at wildcards, whose questions have any length: owners in
    /// additional records are whole names, not pointers into the question.
    fn without_zone(&self, directive: Directive) -> Vec<RrSet> {
        match directive {
            Directive::Pin => Vec::new(),
            Directive::Prefer => {
                let (answer, settings) = (self.answer, self.settings);
                let mut sets = target_sets(self.targets, answer.mode, answer.ttl, &settings.columns);
                sets.extend(self.headless_srv(self.service.wire(), |host| host.in_service, |_| true));
                sets
            }
        }
    }
}

fn add_wildcard(parent: &Name, sets: &[RrSet], names: &mut ViewNames) {
    if let Ok(name) = parent.child("*") {
        names.add_missing(name, sets);
    }
}

#[cfg(test)]
mod tests {
    use crate::compile::{Columns, Settings, Zones, compile_service};
    use crate::dns::Name;
    use crate::dns::types::rtype;
    use crate::model::fact::{Port, Protocol, ServiceType};
    use crate::model::{Answer, AnswerMode, ClusterId, Host, ServiceKey, Target};
    use crate::table::{Draft, RrSet};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    const SERVICE: &str = "db.shop.svc.clusterset.local";

    fn settings() -> Settings {
        let zones = Zones::new(&[Name::parse("clusterset.local").unwrap()], &[], 5, Vec::new()).unwrap();
        Settings { zones, zonal_names: true, columns: Columns::default(), ..Settings::default() }
    }

    fn target(last: u8, tier: u8, zone: &str) -> Target {
        Target {
            cluster: Some(ClusterId::new("east")),
            addresses: vec![[10, 0, 0, last].into()],
            tier,
            weight: 1,
            stale: false,
            restored: false,
            zone: Some(zone.into()),
        }
    }

    /// An endpoint per zone: 10.0.0.1 in the first, 10.0.0.2 in the second ...
    fn answer(zones: &[&str]) -> Answer {
        let port = Port { name: "pg".into(), protocol: Protocol::Tcp, number: 5432, app_protocol: None };
        let host = |(last, _): (u8, &&str)| Host {
            cluster: ClusterId::new("east"),
            label: format!("h{last}").into(),
            addresses: vec![[10, 0, 0, last].into()],
            ports: vec![port.clone()],
            tier: 0,
            weight: 1,
            stale: false,
            ill: false,
            restored: false,
            in_service: true,
        };
        Answer {
            service_type: ServiceType::Headless,
            mode: AnswerMode::Ordered,
            ttl: 5,
            targets: (1..).zip(zones).map(|(last, zone)| target(last, 0, zone)).collect(),
            further: Vec::new(),
            ports: Vec::new(),
            hosts: (1..).zip(zones).map(host).collect(),
        }
    }

    fn compiled(answer: Answer) -> BTreeMap<Name, Vec<RrSet>> {
        let drafts: Vec<Draft> = compile_service(&ServiceKey::new("shop", "db"), &[(1, answer)], &settings());
        drafts.into_iter().map(|draft| (draft.name, draft.orders[0].sets.clone())).collect()
    }

    /// What RFC 4592 finds at `name`: the name itself, else the wildcard below its closest encloser.
    fn found<'a>(names: &'a BTreeMap<Name, Vec<RrSet>>, name: &str) -> Option<&'a Vec<RrSet>> {
        let name = Name::parse(name).unwrap();
        let exact = names.get(&name);
        exact.or_else(|| {
            let encloser = std::iter::successors(name.parent(), Name::parent).find(|name| names.contains_key(name))?;
            names.get(&encloser.child("*").ok()?)
        })
    }

    /// The last octets of the A records; `None`: NXDOMAIN.
    fn lasts(names: &BTreeMap<Name, Vec<RrSet>>, below: &str) -> Option<Vec<u8>> {
        let sets = found(names, &format!("{below}._zone.{SERVICE}"))?;
        let set = sets.iter().find(|set| set.rtype == rtype::A);
        Some(set.map(|set| set.records.iter().map(|record| record.rdata[3]).collect()).unwrap_or_default())
    }

    fn zone_text() -> impl Strategy<Value = String> {
        let label = prop_oneof![Just("a"), Just("b"), Just("c")];
        proptest::collection::vec(label, 1..4).prop_map(|labels| labels.join("."))
    }

    proptest! {
        #[test]
        fn every_zone_exists_and_answers_its_own_endpoints_or_the_default(
            zones in proptest::collection::btree_set(zone_text(), 0..5),
            asked in proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c"), Just("_d")], 1..6),
        ) {
            let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
            let names = compiled(answer(&zones));
            let asked = asked.join(".");
            let all: Vec<u8> = (1..).take(zones.len()).collect();
            let own = zones.iter().position(|zone| *zone == asked).map(|at| vec![at as u8 + 1]);
            prop_assert_eq!(lasts(&names, &format!("{asked}.pin")), Some(own.clone().unwrap_or_default()));
            prop_assert_eq!(lasts(&names, &format!("{asked}.prefer")), Some(own.unwrap_or(all)));
        }
    }

    #[test]
    fn names_of_zones_and_the_wildcards_beside_them() {
        let names = compiled(answer(&["eu-1", "rack1.EU-1"]));
        let below = format!(".pin._zone.{SERVICE}.");
        let pins: BTreeSet<String> =
            names.keys().filter_map(|name| Some(name.to_string().strip_suffix(&below)?.to_owned())).collect();
        let expected = ["*", "eu-1", "*.eu-1", "rack1.eu-1", "*.rack1.eu-1"];
        assert_eq!(pins, expected.map(String::from).into());
        for empty in ["_zone", "pin._zone", "prefer._zone"] {
            assert_eq!(names[&Name::parse(&format!("{empty}.{SERVICE}")).unwrap()], []);
        }
    }

    #[test]
    fn texts_that_are_no_names_are_zones_without_a_name() {
        let long = "x".repeat(64);
        let names = compiled(answer(&["*", "a.*.b", "", "a..b", &long]));
        assert_eq!(lasts(&names, "other.pin"), Some(vec![]));
        assert_eq!(lasts(&names, "other.prefer"), Some(vec![1, 2, 3, 4, 5]));
        let below_pin = names.keys().filter(|name| name.to_string().contains(".pin._zone."));
        assert_eq!(below_pin.count(), 1, "the wildcard alone");
    }

    #[test]
    fn other_services_have_no_zones() {
        let answer = Answer { service_type: ServiceType::ClusterSetIp, hosts: Vec::new(), ..answer(&["a"]) };
        let names = compiled(answer);
        assert_eq!(lasts(&names, "a.pin"), None);
    }

    #[test]
    fn the_cut_to_the_nearest_tier_is_taken_inside_a_zone() {
        let mut answer = answer(&["a"]);
        answer.mode = AnswerMode::Nearest;
        answer.further = vec![target(8, 1, "b"), target(9, 2, "b")];
        let names = compiled(answer);
        assert_eq!(lasts(&names, "b.pin"), Some(vec![8]));
        assert_eq!(lasts(&names, "c.prefer"), Some(vec![1]));
    }

    #[test]
    fn additional_owners_are_pointers_except_below_wildcards() {
        let names = compiled(answer(&["a", "b"]));
        let glue = |below: &str| {
            let sets = found(&names, &format!("{below}._zone.{SERVICE}")).unwrap();
            let srv = sets.iter().find(|set| set.rtype == rtype::SRV).unwrap();
            srv.records.iter().map(|record| record.glue.wire.clone()).collect::<Vec<_>>()
        };
        // Behind `b.pin._zone.`, 12 octets of labels, stands the service name.
        let offset = 12 + Name::parse("b.pin._zone").unwrap().wire().len() as u8 - 1;
        let own = glue("b.pin");
        assert_eq!(own.len(), 1);
        assert!(own[0].starts_with(&[b"\x02h2\x04east".as_slice(), &[0xc0, offset]].concat()), "{own:02x?}");
        let all = glue("zzz.prefer");
        let whole = Name::parse(&format!("h1.east.{SERVICE}")).unwrap();
        assert!(all.len() == 2 && all[0].starts_with(whole.wire()), "{all:02x?}");
    }
}
