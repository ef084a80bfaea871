//! Questions of the soak, and what a reply to one must be.
//!
//! In: a reply, what was asked, the [`Fleet`], the newest generations this asker has seen. Out: fine, or why not.

use super::fleet::{CLUSTERS, Fleet, PASSING, endpoints, exports, name, passing_name, v4, v6};
use crate::wire::{number as number_at, query};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

const A: u16 = 1;
const AAAA: u16 = 28;
const NXDOMAIN: u8 = 3;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The fixed addresses of a service.
    Fixed(u32),
    /// The changing ones.
    Changing(u32),
    /// A service that comes and goes.
    Passing(u32),
    /// A name that never exists.
    Missing(u32),
}

/// A reply that is not fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Part of one published state and part of another, or of none.
    Torn(String),
    /// No such name or no such addresses, for a name that exists throughout.
    WrongNegative(String),
    /// Older than what the same asker has seen before.
    Backwards(String),
    /// SERVFAIL: right only while the server starts.
    ServFail,
    Other(String),
}

/// Newest generations seen by one asker.
pub type Seen = BTreeMap<(usize, u32), u32>;

impl Question {
    /// One of them, mostly for changing addresses.
    pub fn any(random: u64, services: u32) -> Self {
        let part = (random >> 8) as u32;
        match random % 20 {
            0 => Question::Missing(part),
            1 => Question::Passing(part % PASSING),
            2..=7 => Question::Fixed(part % services),
            _ => Question::Changing(part % services),
        }
    }

    /// Its octets, id 0.
    pub fn query(self) -> Vec<u8> {
        match self {
            Question::Fixed(number) => query(&name(number), A, false),
            Question::Changing(number) => query(&name(number), AAAA, false),
            Question::Passing(number) => query(&passing_name(number), A, false),
            Question::Missing(number) => query(&format!("missing-{number}.ns-0.svc.clusterset.local"), A, false),
        }
    }

    /// What is wrong with `reply` to `query`; updates `seen`.
    pub fn fault(self, query: &[u8], reply: &[u8], fleet: &Fleet, seen: &mut Seen) -> Option<Fault> {
        if reply.len() < query.len() || reply[2] & 0x82 != 0x80 || reply[12..query.len()] != query[12..] {
            return Some(Fault::Other(format!("{self:?}: no reply to this question, or cut")));
        }
        let rcode = reply[3] & 0x0f;
        let Some(records) = records(query, reply) else {
            return Some(Fault::Other(format!("{self:?}: the answer section cannot be read")));
        };
        match (self, rcode) {
            (_, 2) => Some(Fault::ServFail),
            (Question::Missing(_), NXDOMAIN) | (Question::Passing(_), NXDOMAIN) => None,
            (Question::Missing(_), _) => Some(Fault::Other(format!("{self:?}: rcode {rcode}"))),
            (Question::Passing(number), 0) => passing(number, &records),
            (Question::Fixed(_) | Question::Changing(_), NXDOMAIN) => {
                Some(Fault::WrongNegative(format!("{self:?}: NXDOMAIN")))
            }
            (Question::Fixed(_) | Question::Changing(_), 0) if records.is_empty() => {
                Some(Fault::WrongNegative(format!("{self:?}: NODATA")))
            }
            (Question::Fixed(number), 0) => fixed(number, &records, fleet),
            (Question::Changing(number), 0) => changing(number, &records, fleet, seen),
            (_, rcode) => Some(Fault::Other(format!("{self:?}: rcode {rcode}"))),
        }
    }
}

/// Nothing, while a part of its objects is there, or its one address.
fn passing(number: u32, records: &[&[u8]]) -> Option<Fault> {
    let own = v4(number as usize % CLUSTERS.len(), 0xff00 + number).octets();
    let right = records.is_empty() || records == [own.as_slice()];
    (!right).then(|| Fault::Torn(format!("passing {number}: {records:?}")))
}

fn fixed(number: u32, records: &[&[u8]], fleet: &Fleet) -> Option<Fault> {
    let mut left: Vec<&[u8]> = records.to_vec();
    for cluster in (0..CLUSTERS.len()).filter(|cluster| exports(*cluster, number)) {
        let wanted = v4(cluster, number).octets();
        match left.iter().position(|record| *record == wanted) {
            Some(at) => drop(left.remove(at)),
            None if fleet.may_be_absent(cluster) => {}
            None => return Some(Fault::Torn(format!("s-{number}: nothing of {} in A", CLUSTERS[cluster]))),
        }
    }
    let shown: Vec<Ipv4Addr> =
        left.iter().filter_map(|record| <[u8; 4]>::try_from(*record).ok()).map(Ipv4Addr::from).collect();
    (!left.is_empty()).then(|| Fault::Torn(format!("s-{number}: {shown:?} do not belong there")))
}

fn changing(number: u32, records: &[&[u8]], fleet: &Fleet, seen: &mut Seen) -> Option<Fault> {
    let mut of_cluster: [Vec<Ipv6Addr>; CLUSTERS.len()] = Default::default();
    for record in records {
        let address = Ipv6Addr::from(<[u8; 16]>::try_from(*record).ok()?);
        match of_cluster.get_mut(usize::from(address.segments()[2]).wrapping_sub(1)) {
            Some(list) => list.push(address),
            None => return Some(Fault::Torn(format!("s-{number}: {address} is of no cluster"))),
        }
    }
    for (cluster, found) in of_cluster.iter_mut().enumerate() {
        let fault = match (exports(cluster, number), found.is_empty()) {
            (true, true) if fleet.may_be_absent(cluster) => None,
            (true, true) => Some(Fault::Torn(format!("s-{number}: nothing of {} in AAAA", CLUSTERS[cluster]))),
            (false, true) => None,
            (false, false) => Some(Fault::Torn(format!("s-{number}: {found:?} do not belong there"))),
            (true, false) => one_generation(cluster, number, found, fleet, seen),
        };
        if fault.is_some() {
            return fault;
        }
    }
    None
}

/// All addresses of one generation, of one that was published, not older than before.
fn one_generation(
    cluster: usize,
    number: u32,
    found: &mut [Ipv6Addr],
    fleet: &Fleet,
    seen: &mut Seen,
) -> Option<Fault> {
    found.sort_unstable();
    let [.., high, low, _, _] = found[0].segments();
    let generation = u32::from(high) << 16 | u32::from(low);
    let whole: Vec<Ipv6Addr> = (0..endpoints(generation)).map(|place| v6(cluster, number, generation, place)).collect();
    if *found != *whole {
        return Some(Fault::Torn(format!("s-{number} of {}: {found:?}", CLUSTERS[cluster])));
    }
    if generation > fleet.generation(cluster, number) {
        return Some(Fault::Torn(format!(
            "s-{number} of {}: generation {generation} is not there yet",
            CLUSTERS[cluster]
        )));
    }
    let before = seen.insert((cluster, number), generation).unwrap_or(0);
    (generation < before).then(|| {
        Fault::Backwards(format!("s-{number} of {}: generation {generation} after {before}", CLUSTERS[cluster]))
    })
}

/// The data of the answer section.
fn records<'a>(query: &[u8], reply: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let (mut at, mut list) = (query.len(), Vec::new());
    for _ in 0..number_at(reply, 6) {
        // Owner names are pointers, or spelled out.
        while *reply.get(at)? != 0 && *reply.get(at)? < 0xc0 {
            at += 1 + usize::from(reply[at]);
        }
        at += if *reply.get(at)? == 0 { 1 } else { 2 };
        let length = usize::from(number_at(reply, at + 8));
        list.push(reply.get(at + 10..at + 10 + length)?);
        at += 10 + length;
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::SeqCst;

    fn reply(question: Question, rcode: u8, data: &[Ipv6Addr]) -> Vec<u8> {
        let mut reply = question.query();
        (reply[2], reply[3], reply[7]) = (0x84, rcode, data.len() as u8);
        for address in data {
            reply.extend_from_slice(&[0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 5, 0, 16]);
            reply.extend_from_slice(&address.octets());
        }
        reply
    }

    #[test]
    fn every_sort_of_fault_is_found() {
        let folder = std::env::temp_dir().join(format!("soak-check-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let fleet = Fleet::start(&folder, 7).unwrap();
        // Service 0 is exported from the first cluster alone, service 1 from the second.
        let (home, other) = (Question::Changing(0), Question::Changing(1));
        let first = [v6(0, 0, 0, 0)];
        let mut seen = Seen::new();
        let mut fault = |question: Question, rcode, data: &[Ipv6Addr]| {
            question.fault(&question.query(), &reply(question, rcode, data), &fleet, &mut seen)
        };
        assert_eq!(fault(home, 0, &first), None);
        assert!(matches!(fault(home, 0, &[]), Some(Fault::WrongNegative(_))));
        assert!(matches!(fault(home, 3, &[]), Some(Fault::WrongNegative(_))));
        assert_eq!(fault(home, 2, &[]), Some(Fault::ServFail));
        assert!(matches!(fault(home, 0, &[first[0], v6(0, 0, 1, 0)]), Some(Fault::Torn(_))), "two generations");
        assert!(matches!(fault(home, 0, &[v6(0, 0, 4, 0)]), Some(Fault::Torn(_))), "never published");
        assert!(matches!(fault(other, 0, &first), Some(Fault::Torn(_))), "of another name");
        fleet.generations[0].store(5, SeqCst);
        let fifth: Vec<_> = (0..2).map(|place| v6(0, 0, 5, place)).collect();
        assert!(matches!(fault(home, 0, &fifth[..1]), Some(Fault::Torn(_))), "one is missing");
        assert_eq!(fault(home, 0, &fifth), None);
        assert!(matches!(fault(home, 0, &first), Some(Fault::Backwards(_))));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
