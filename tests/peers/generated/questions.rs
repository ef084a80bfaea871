//! What is asked about a generated clusterset: every name that it has, and names that it has not, a step beside them.

use std::collections::BTreeSet;

use hickory_proto::rr::RecordType;
use hickory_proto::rr::RecordType::{A, AAAA, ANY, CNAME, HTTPS, MX, NS, PTR, SOA, SRV, TXT};

use crate::generated::model::{Clusterset, EMPTY_NAMESPACE, Port, Service};
use crate::generated::random::Random;

/// One question: a name as it is sent, with its final dot, and a type.
pub type Question = (String, RecordType);

const MAIN: [RecordType; 4] = [A, AAAA, SRV, TXT];
/// Types that a name of a clusterset never has; the last one is for private use (RFC 6895).
const OTHER: [RecordType; 8] = [MX, NS, SOA, CNAME, PTR, HTTPS, ANY, RecordType::Unknown(65_280)];

/// The questions about names below `clusterset.local`, each once.
pub fn questions(set: &Clusterset) -> Vec<Question> {
    let mut asking = Asking { random: Random::new(7), asked: BTreeSet::new(), questions: Vec::new() };
    asking.about_the_zone(set);
    for service in &set.services {
        asking.about_the_name(service);
        asking.about_ports(service);
        asking.about_clusters(service);
        asking.about_nothing(service);
    }
    asking.questions
}

/// The questions about names formed in the zone `global`.
pub fn global_questions(set: &Clusterset) -> Vec<Question> {
    let mut asking = Asking { random: Random::new(8), asked: BTreeSet::new(), questions: Vec::new() };
    for name in ["global.", "ns.dns.global.", "dns.global.", "none.global.", "svc.east.global.", "svc.none.global."] {
        asking.add(name, &[A, AAAA, NS, SOA, TXT]);
    }
    for service in &set.services {
        let (name, namespace) = (&service.name, service.namespace);
        let short = format!("{name}.{namespace}.global.");
        asking.add(&short, &MAIN);
        asking.add(&format!("_http._tcp.{short}"), &[SRV]);
        asking.add(&format!("x.{short}"), &[A]);
        for cluster in ["east", "west", "eu.prod", "none"] {
            asking.add(&format!("{name}.{namespace}.svc.{cluster}.global."), &[A, AAAA]);
        }
    }
    asking.questions
}

struct Asking {
    random: Random,
    asked: BTreeSet<Question>,
    questions: Vec<Question>,
}

impl Asking {
    fn add(&mut self, name: &str, types: &[RecordType]) {
        for rtype in types {
            if self.asked.insert((name.to_owned(), *rtype)) {
                self.questions.push((name.to_owned(), *rtype));
            }
        }
    }

    fn other(&mut self) -> RecordType {
        *self.random.pick(&OTHER)
    }

    /// The same name with letters in either case.
    fn mixed(&mut self, name: &str) -> String {
        name.chars().map(|c| if self.random.chance(50) { c.to_ascii_uppercase() } else { c }).collect()
    }

    fn about_the_zone(&mut self, set: &Clusterset) {
        let mut names: Vec<String> = ["", "svc.", "pod.", "dns-version.", "dns.", "ns.dns.", "x.ns.dns.", "apex.dns."]
            .iter()
            .chain(&[
                "foo.",
                "_tcp.",
                "svc.svc.",
                "nowhere.svc.",
                "web.nowhere.svc.",
                "10-11-0-1.shop.pod.",
                "shop.pod.",
            ])
            .chain(&["west.shop.", "west.shop.svc.svc.", "west\\.shop.svc.", "x.dns-version.", "*.svc.", "-.svc."])
            .map(|name| format!("{name}clusterset.local."))
            .collect();
        names.extend(set.namespaces.iter().map(|namespace| format!("{namespace}.svc.clusterset.local.")));
        names.push(format!("west.{EMPTY_NAMESPACE}.svc.clusterset.local."));
        for name in names {
            self.add(&name, &MAIN);
            self.add(&name, &OTHER);
            let mixed = self.mixed(&name);
            self.add(&mixed, &MAIN);
        }
    }

    fn about_the_name(&mut self, service: &Service) {
        let name = service.name();
        let others = [self.other(), self.other(), self.other()];
        self.add(&name, &MAIN);
        self.add(&name, &others);
        let mixed = self.mixed(&name);
        self.add(&mixed, &[A, AAAA, SRV]);
    }

    fn about_ports(&mut self, service: &Service) {
        let name = service.name();
        let mut ports: Vec<Port> = Vec::new();
        for port in service.ports.iter().chain(service.slices.iter().flat_map(|slice| &slice.ports)) {
            if !ports.iter().any(|known| known.name == port.name) {
                ports.push(port.clone());
            }
        }
        for Port { name: port, protocol, .. } in ports {
            let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_lowercase() };
            let other = self.other();
            let full = format!("_{port}._{protocol}.{name}");
            // An unnamed port makes the name `_._tcp`, which nothing has.
            self.add(&full, &[SRV, A, AAAA, TXT, other]);
            let mixed = self.mixed(&full);
            self.add(&mixed, &[SRV]);
            let wrong = if protocol == "tcp" { "udp" } else { "tcp" };
            self.add(&format!("_{port}._{wrong}.{name}"), &[SRV, A]);
            self.add(&format!("{port}x._{protocol}.{name}"), &[SRV]);
            self.add(&format!("x.{full}"), &[SRV]);
            if !port.is_empty() {
                self.add(&format!("{port}._{protocol}.{name}"), &[SRV]);
                self.add(&format!("_{port}.{protocol}.{name}"), &[SRV]);
                self.add(&format!("_{port}.{name}"), &[SRV]);
            }
        }
        for protocol in ["_tcp", "_udp", "_sctp"] {
            self.add(&format!("{protocol}.{name}"), &[SRV, A]);
        }
        self.add(&format!("_none._tcp.{name}"), &[SRV, A]);
        self.add(&format!("_tcp._http.{name}"), &[SRV]);
    }

    fn about_clusters(&mut self, service: &Service) {
        let name = service.name();
        for slice in &service.slices {
            let cluster = slice.cluster;
            let other = self.other();
            self.add(&format!("{cluster}.{name}"), &[A, AAAA, SRV, TXT, other]);
            self.add(&format!("prod.{name}"), &[A, SRV]);
            for endpoint in &slice.endpoints {
                let host = format!("{}.{cluster}.{name}", endpoint.host());
                let other = self.other();
                self.add(&host, &[A, AAAA, SRV, TXT, other]);
                let mixed = self.mixed(&host);
                self.add(&mixed, &[A, SRV]);
                // By its address though it has a host name, in another cluster, without one, and below it.
                let address = endpoint.address.replace(['.', ':'], "-");
                self.add(&format!("{address}.{cluster}.{name}"), &[A, AAAA]);
                self.add(&format!("{}.nobody.{name}", endpoint.host()), &[A]);
                self.add(&format!("{}.{name}", endpoint.host()), &[A]);
                self.add(&format!("x.{host}"), &[A]);
                self.add(&format!("_http._tcp.{host}"), &[SRV]);
            }
            self.add(&format!("pod-9.{cluster}.{name}"), &[A, SRV]);
        }
        self.add(&format!("west.{name}"), &[A, TXT]);
    }

    /// Names that are nearly right.
    fn about_nothing(&mut self, service: &Service) {
        let Service { name, namespace, .. } = service;
        let absent = [
            format!("{name}x.{namespace}.svc"),
            format!("{name}.{EMPTY_NAMESPACE}.svc"),
            format!("{name}.nowhere.svc"),
            format!("{name}.{namespace}.pod"),
            format!("{name}.{namespace}"),
            format!("{name}.svc"),
            format!("x.{name}.{namespace}.svc"),
            format!("x.y.z.{name}.{namespace}.svc"),
            format!("a.pin._zone.{name}.{namespace}.svc"),
            format!("*.{name}.{namespace}.svc"),
            format!("{name}\\.{namespace}.svc"),
        ];
        for name in absent {
            let rtype = if self.random.chance(50) { *self.random.pick(&MAIN) } else { self.other() };
            self.add(&format!("{name}.clusterset.local."), &[A, rtype]);
        }
    }
}
