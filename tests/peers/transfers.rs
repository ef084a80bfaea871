//! Knot and NSD as secondaries: after a hundred changes they answer what the server answers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, Record, RecordType};

use crate::dig::dig;
use crate::process::{eventually, peers_or_skip, say};
use crate::secondaries::{Secondary, ZONES, ports};
use crate::server::Server;

/// Changes in all, and how many come one after the other before the secondaries are asked.
const CHANGES: usize = 100;
const AT_ONCE: usize = 10;
/// Names whose services come, change and go.
const SERVICES: usize = 17;
/// How long a secondary may take; serials move once a second.
const LIMIT: Duration = Duration::from_secs(60);

/// The change that each service shows: `None` when its file was removed.
type Shown = BTreeMap<usize, Option<usize>>;

/// Makes change `number`: the file of one service is written anew, or removed.
fn change(folder: &Path, number: usize, shown: &mut Shown) {
    let service = number * 7 % SERVICES;
    let path = folder.join(format!("s{service}.yaml"));
    if number % 5 == 4 && path.exists() {
        std::fs::remove_file(path).expect("remove a manifest");
        shown.insert(service, None);
        return;
    }
    let text = if service.is_multiple_of(3) { headless(service, number) } else { with_address(service, number) };
    // Put in place whole: the server never sees half a file.
    let hidden = folder.join(".next");
    std::fs::write(&hidden, text).expect("write a manifest");
    std::fs::rename(hidden, path).expect("put a manifest in place");
    shown.insert(service, Some(number));
}

fn exported(service: usize, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{ name: s{service}, namespace: shop }}\nspec:\n{spec}  ports: [{{ name: http, port: 80 }}]\n\
         ---\napiVersion: multicluster.x-k8s.io/v1beta1\nkind: ServiceExport\nmetadata: {{ name: s{service}, namespace: shop, \
         creationTimestamp: \"2026-01-10T09:00:00Z\" }}\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{ name: s{service}-1, \
         namespace: shop, labels: {{ kubernetes.io/service-name: s{service} }} }}\naddressType: IPv4\nports: [{{ name: http, port: 80 }}]\n\
         endpoints:\n"
    )
}

fn with_address(service: usize, number: usize) -> String {
    let spec = format!("  clusterIPs: [10.1.{number}.{service}, \"fd00:1::{number}\"]\n");
    exported(service, &spec) + &format!("- {{ addresses: [10.11.{number}.{service}] }}\n")
}

fn headless(service: usize, number: usize) -> String {
    let pod = |pod: usize| format!("- {{ addresses: [10.12.{number}.{pod}], hostname: p-{pod} }}\n");
    exported(service, "  clusterIP: None\n") + &(0..=number % 4).map(pod).collect::<String>()
}

/// A reply without what may differ: order, additional records. Names of owners are lower-cased.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    status: String,
    answers: BTreeSet<String>,
    authorities: BTreeSet<String>,
}

fn ask(port: u16, name: &str, rtype: RecordType) -> Result<Said, String> {
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_ascii(name).expect("a DNS name"), rtype));
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    query.edns = Some(edns);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a UDP socket");
    socket.connect((Ipv4Addr::LOCALHOST, port)).expect("connect a UDP socket");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("set a time-out");
    let mut buffer = [0; 4096];
    let sent = socket.send(&query.to_vec().expect("a query has a wire form"));
    let length = sent.and_then(|_| socket.recv(&mut buffer)).map_err(|error| format!("port {port}: {error}"))?;
    let reply = Message::from_vec(&buffer[..length]).map_err(|error| format!("port {port}: {error}"))?;
    let line = |record: &Record| {
        let name = record.name.to_string().to_lowercase();
        format!("{name} {} {} {}", record.ttl, record.record_type(), record.data)
    };
    // Secondaries add the zone's NS records to positive answers.
    let negative = reply.answers.is_empty();
    let authorities = reply.authorities.iter().filter(|_| negative).map(line).collect();
    let status = format!("{:?}", reply.metadata.response_code);
    Ok(Said { status, answers: reply.answers.iter().map(line).collect(), authorities })
}

/// Every name that a change may touch, and names that the zones have or lack by themselves.
fn questions() -> Vec<(String, RecordType)> {
    use RecordType::{A, AAAA, NS, SOA, SRV, TXT};
    let mut questions: Vec<(String, RecordType)> = Vec::new();
    let mut add = |name: &str, types: &[RecordType]| questions.extend(types.iter().map(|of| (name.to_owned(), *of)));
    for zone in ZONES {
        add(&format!("{zone}."), &[SOA, NS, A]);
        add(&format!("ns.dns.{zone}."), &[A, AAAA]);
        add(&format!("dns.{zone}."), &[A]);
        add(&format!("none.{zone}."), &[A]);
    }
    add("dns-version.clusterset.local.", &[TXT, A]);
    add("svc.clusterset.local.", &[A]);
    add("shop.svc.clusterset.local.", &[A]);
    add("none.shop.svc.clusterset.local.", &[A, SRV]);
    add("shop.global.", &[A]);
    add("svc.east.global.", &[A]);
    for service in 0..SERVICES {
        let name = format!("s{service}.shop.svc.clusterset.local.");
        add(&name, &[A, AAAA, SRV, TXT]);
        add(&format!("_tcp.{name}"), &[SRV]);
        add(&format!("_http._tcp.{name}"), &[SRV, A]);
        add(&format!("p-2.east.{name}"), &[A, SRV]);
        add(&format!("east.{name}"), &[A]);
        add(&format!("s{service}.shop.global."), &[A, AAAA, TXT]);
        add(&format!("s{service}.shop.svc.east.global."), &[A, AAAA]);
    }
    questions
}

/// The first question to which a secondary says something else than the server.
fn difference(server: u16, secondary: u16, questions: &[(String, RecordType)]) -> Result<(), String> {
    for (name, rtype) in questions {
        let (ours, theirs) = (ask(server, name, *rtype)?, ask(secondary, name, *rtype)?);
        if ours != theirs {
            return Err(format!("{name} {rtype}: the server says {ours:?}, the secondary {theirs:?}"));
        }
    }
    Ok(())
}

fn manifests() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("create a folder of manifests");
    std::fs::write(folder.path().join("s0.yaml"), headless(0, 0)).expect("write a manifest");
    std::fs::write(folder.path().join("s1.yaml"), with_address(1, 0)).expect("write a manifest");
    folder
}

fn start(folder: &Path, targets: &[u16]) -> Server {
    let targets: Vec<String> = targets.iter().map(|port| format!("\"127.0.0.1:{port}\"")).collect();
    Server::start(&format!(
        "nameserver: [192.0.2.53]\ntransfer: {{ allow: [127.0.0.1/32], notify: [{}] }}\nlocal: {{ cluster: east }}\nclusters:\n\
         - name: east\n  source: {{ manifests: {{ path: \"{}\" }} }}\n",
        targets.join(", "),
        folder.display()
    ))
}

#[test]
fn knot_and_nsd_follow_a_hundred_changes() {
    let _peers = peers_or_skip!();
    let folder = manifests();
    let ports = ports();
    let server = start(folder.path(), &ports.map(|(_, port)| port));
    let mut secondaries = ports.map(|(kind, port)| Secondary::start(kind, port, server.dns));
    let questions = questions();
    let mut serials = BTreeMap::new();
    let mut shown = Shown::new();
    for round in 0..=CHANGES / AT_ONCE {
        if round > 0 {
            (0..AT_ONCE).for_each(|step| change(folder.path(), (round - 1) * AT_ONCE + step, &mut shown));
            eventually(LIMIT, || shows(server.dns, &shown));
        }
        for secondary in &mut secondaries {
            let mut last = String::new();
            let (kind, port) = (secondary.kind, secondary.port);
            let started = std::time::Instant::now();
            secondary.wait_until(&format!("{kind:?} agrees after round {round}"), || {
                let found = difference(server.dns, port, &questions);
                last = found.as_ref().err().cloned().unwrap_or_default();
                if started.elapsed() > LIMIT / 2 && found.is_err() {
                    say(&last);
                }
                found.is_ok()
            });
            say(&format!("round {round}: {kind:?} agrees after {} ms", started.elapsed().as_millis()));
        }
        let serial = ask(server.dns, "clusterset.local.", RecordType::SOA).expect("a SOA").answers;
        serials.insert(round, serial);
    }
    let distinct: BTreeSet<_> = serials.values().collect();
    assert_eq!(distinct.len(), 1 + CHANGES / AT_ONCE, "each round moved the serial: {serials:?}");
    listed_differences(server.dns, &secondaries);
}

/// The server shows every change.
fn shows(server: u16, shown: &Shown) -> Result<(), String> {
    for (service, number) in shown {
        let said = ask(server, &format!("s{service}.shop.svc.clusterset.local."), RecordType::A)?;
        let right = match number {
            None => said.status == "NXDomain",
            Some(number) => {
                let of_change = |answer: &String| {
                    answer.contains(&format!(" 10.1.{number}.")) || answer.contains(&format!(" 10.12.{number}."))
                };
                !said.answers.is_empty() && said.answers.iter().all(of_change)
            }
        };
        if !right {
            return Err(format!("s{service}, change {number:?}: {said:?}"));
        }
    }
    Ok(())
}

/// What a secondary cannot know (DNS.md section 5): names without records and without names below.
fn listed_differences(server: u16, secondaries: &[Secondary]) {
    let name = "pod.clusterset.local.";
    assert_eq!(ask(server, name, RecordType::A).expect("a reply").status, "NoError");
    for secondary in secondaries {
        assert_eq!(
            ask(secondary.port, name, RecordType::A).expect("a reply").status,
            "NXDomain",
            "{:?}",
            secondary.kind
        );
    }
}

#[test]
fn dig_reads_a_transfer_and_is_refused_where_it_must_be() {
    let _peers = peers_or_skip!();
    let folder = manifests();
    let server = start(folder.path(), &[]);
    let copy = dig(server.dns, "clusterset.local.", "AXFR", &["+tcp", "+comments", "+onesoa"]).expect("a reply");
    assert_eq!(copy.status, "NOERROR", "{copy:?}");
    assert_eq!(copy.data("SOA").len(), 1);
    let names: BTreeSet<&str> = copy.answer.iter().map(|record| record.name.as_str()).collect();
    assert!(names.contains("p-0.east.s0.shop.svc.clusterset.local."), "{names:?}");
    let below = dig(server.dns, "svc.clusterset.local.", "AXFR", &["+tcp", "+comments"]).expect("a reply");
    assert_eq!((below.status.as_str(), below.answer.len()), ("REFUSED", 0));
    let soa = copy.data("SOA")[0].to_owned();
    let serial: u32 = soa.split(' ').nth(2).and_then(|word| word.parse().ok()).expect("a serial");
    for (serial, records) in [(serial, 1), (serial - 1, copy.answer.len() + 1)] {
        let reply = dig(server.dns, "clusterset.local.", &format!("IXFR={serial}"), &["+tcp", "+comments"]);
        assert_eq!(reply.expect("a reply").answer.len(), records, "IXFR from {serial}");
    }
}
