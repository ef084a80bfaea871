//! The book by itself, and the task with a resolver and a clusterset that are played.

use super::book::Book;
use super::*;
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::model::ClusterId;
use crate::model::clusterset::NamedBy;
use crate::model::remark::Remark;
use crate::table::{
    Block, Draft, Frame, FrameSettings, Glue, NO_CLUSTER, Order, Record, RrSet, Table, TableChange, ZoneKind,
    ZoneSettings,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use tokio::sync::{mpsc, oneshot};

fn wanted(names: &[&str]) -> BTreeMap<Arc<str>, NamedBy> {
    let by = || NamedBy { cluster: ClusterId::new("west"), object: None };
    names.iter().map(|name| ((*name).into(), by())).collect()
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_name_is_looked_up_every_thirty_seconds_and_never_twice_at_once() {
    let mut book = Book::default();
    book.want(wanted(&["a.example", "b.example"]));
    assert_eq!(book.begin(seconds(0), 1), [Arc::from("a.example")]);
    assert_eq!(book.begin(seconds(1), 9), [Arc::from("b.example")]);
    assert!(book.begin(seconds(60), 9).is_empty(), "both are under way");
    book.end(&"a.example".into(), Ok(ips(&["198.51.100.1"])), seconds(61));
    assert!(!book.is_settled());
    book.end(&"b.example".into(), Err("no answer".into()), seconds(61));
    assert!(book.is_settled(), "a failed lookup is one too");
    assert_eq!(book.begin(seconds(61), 9).len(), 2);
}

#[test]
fn a_failing_lookup_keeps_the_last_addresses_and_is_logged_once() {
    let mut book = Book::default();
    let name: Arc<str> = "lb.example".into();
    book.want(wanted(&["lb.example"]));
    let mut look_up = |result: Result<&[&str], &str>, at| {
        let result = result.map(ips).map_err(String::from);
        let line = book.end(&name, result, seconds(at));
        (line, book.take_changed().map(|resolved| resolved[&name].clone()))
    };
    assert_eq!(look_up(Ok(&["198.51.100.2", "198.51.100.1"]), 0), (None, Some(ips(&["198.51.100.1", "198.51.100.2"]))));
    assert_eq!(look_up(Ok(&["198.51.100.1", "198.51.100.2"]), 30), (None, None), "another order is no change");
    let (line, changed) = look_up(Err("no answer"), 90);
    let Some(Remark::Warning(text)) = line else { panic!("{line:?}") };
    assert!(text.contains("cluster west: `gateways` of its entry: host name lb.example"), "{text}");
    assert!(text.contains("(no answer)") && text.contains("addresses of 60 s ago"), "{text}");
    assert_eq!(changed, None);
    assert_eq!(look_up(Ok(&[]), 120), (None, None), "it failed before");
    assert!(matches!(look_up(Ok(&["198.51.100.1", "198.51.100.2"]), 150), (Some(Remark::Information(_)), None)));
}

#[test]
fn addresses_that_would_hit_the_client_itself_are_no_addresses() {
    let mut book = Book::default();
    let name: Arc<str> = "lb.example".into();
    book.want(wanted(&["lb.example"]));
    let line = book.end(&name, Ok(ips(&["127.0.0.1"])), seconds(0));
    assert!(
        matches!(&line, Some(Remark::Warning(text)) if text.contains("127.0.0.1 is a loopback address")),
        "{line:?}"
    );
    book.end(&name, Ok(ips(&["169.254.1.1", "198.51.100.1"])), seconds(30));
    assert_eq!(book.take_changed().unwrap()[&name], ips(&["198.51.100.1"]));
}

#[test]
fn a_name_that_nobody_wants_any_more_has_no_address() {
    let mut book = Book::default();
    book.want(wanted(&["a.example", "b.example"]));
    book.end(&"a.example".into(), Ok(ips(&["198.51.100.1"])), seconds(0));
    book.take_changed();
    book.want(wanted(&["b.example"]));
    assert_eq!(book.take_changed(), Some(HashMap::new()));
    book.end(&"a.example".into(), Ok(ips(&["198.51.100.1"])), seconds(1));
    assert_eq!(book.take_changed(), None);
}

/// A table with `gw.example.org` (10.0.0.1, fd00::1) in the zone `example.org`.
fn table() -> Table {
    let zone = Name::parse("example.org").unwrap();
    let settings = ZoneSettings { name: zone, kind: ZoneKind::Global, ttl: 5, unknown: 0 };
    let table = Table::new(Frame::new(FrameSettings { zones: vec![settings], ..FrameSettings::default() }));
    let set = |rtype, rdata: &[u8]| RrSet {
        rtype,
        ttl: 5,
        records: vec![Record { rdata: rdata.to_vec(), cluster: NO_CLUSTER, glue: Glue::default() }],
        tiers: vec![1],
        draw: None,
        stale: false,
        serial: false,
    };
    let v6: std::net::Ipv6Addr = "fd00::1".parse().unwrap();
    let sets = vec![set(rtype::A, &[10, 0, 0, 1]), set(rtype::AAAA, &v6.octets())];
    let name = Name::parse("gw.example.org").unwrap();
    let draft = Draft { name, zone: 0, presence: 1, order_of: Vec::new(), orders: vec![Order::from(sets)] };
    table.apply([TableChange::Put(Block::pack(&draft))]);
    table
}

#[test]
fn names_of_our_own_zones_come_from_the_table() {
    let table = table();
    assert_eq!(own_addresses(&table, "GW.example.org."), Some(Ok(ips(&["10.0.0.1", "fd00::1"]))));
    assert!(matches!(own_addresses(&table, "other.example.org"), Some(Err(_))));
    assert_eq!(own_addresses(&table, "gw.example.com"), None);
    assert_eq!(own_addresses(&table, "no..name"), None);
}

/// Knows `lb.example`; counts questions for anything else as failures.
#[derive(Clone, Default)]
struct Played(Arc<Mutex<Vec<String>>>);

impl Lookup for Played {
    async fn addresses(&self, name: Arc<str>) -> io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().push(name.to_string());
        match &*name {
            "lb.example" => Ok(ips(&["198.51.100.1"])),
            _ => Err(io::Error::other("no such name")),
        }
    }
}

struct PlayedSet(BTreeMap<Arc<str>, NamedBy>, mpsc::UnboundedSender<HashMap<Arc<str>, Vec<IpAddr>>>);

impl Clusterset for PlayedSet {
    fn changed(&mut self) -> bool {
        true
    }

    async fn host_names(&mut self) -> Option<BTreeMap<Arc<str>, NamedBy>> {
        Some(self.0.clone())
    }

    async fn resolved(&mut self, resolved: HashMap<Arc<str>, Vec<IpAddr>>) {
        self.1.send(resolved).unwrap();
    }
}

#[tokio::test]
async fn every_name_is_looked_up_once_and_the_addresses_are_handed_on() {
    let lookup = Played::default();
    let asked = Arc::clone(&lookup.0);
    let (sender, mut handed) = mpsc::unbounded_channel();
    let set = PlayedSet(wanted(&["gw.example.org", "lb.example", "lost.example"]), sender);
    let (requests, inbox) = mpsc::channel(1);
    let task = tokio::spawn(run(lookup, set, Arc::new(table()), inbox));
    let (settle, settled) = oneshot::channel();
    requests.send(settle).await.unwrap();
    settled.await.unwrap();
    let mut resolved = handed.recv().await.unwrap();
    while let Ok(later) = handed.try_recv() {
        resolved = later;
    }
    assert_eq!(resolved.len(), 2);
    assert_eq!(resolved["lb.example"], ips(&["198.51.100.1"]));
    assert_eq!(resolved["gw.example.org"], ips(&["10.0.0.1", "fd00::1"]));
    drop(requests);
    task.await.unwrap();
    let mut asked = asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, ["lb.example", "lost.example"], "never for a name of our own");
}
