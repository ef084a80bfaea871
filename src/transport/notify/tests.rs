//! The plan by a clock of its own, and the task with a secondary that forgets.

use super::message::{Reply, read_reply};
use super::plan::{Plan, Sending};
use super::*;
use crate::dns::Name;
use crate::table::{Frame, FrameSettings, ZoneKind, ZoneSettings};
use hickory_proto::op::{Message, OpCode};
use std::time::Duration;

fn table(unknown: u64) -> Table {
    let table = Table::new(frame(unknown));
    table.bump_serial(0, 1000);
    table.bump_serial(1, 2000);
    table
}

fn frame(unknown: u64) -> Frame {
    let zone = |text, kind| ZoneSettings { name: Name::parse(text).unwrap(), kind, ttl: 5, unknown };
    let zones = vec![zone("clusterset.local", ZoneKind::Clusterset), zone("global", ZoneKind::Global)];
    Frame::new(FrameSettings { zones, ..FrameSettings::default() })
}

fn target(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Target, zone and serial of each message.
fn told(sendings: &[Sending]) -> Vec<(u16, String, String)> {
    let mut told: Vec<_> = sendings.iter().map(|sending| (sending.to.port(), read(&sending.message))).collect();
    told.sort();
    told.into_iter().map(|(port, (zone, serial))| (port, zone, serial)).collect()
}

fn read(message: &[u8]) -> (String, String) {
    let message = Message::from_vec(message).unwrap();
    assert_eq!((message.metadata.op_code, message.metadata.authoritative), (OpCode::Notify, true));
    assert_eq!((message.queries.len(), message.answers.len()), (1, 1));
    assert_eq!(message.queries[0].query_type(), hickory_proto::rr::RecordType::SOA);
    let data = message.answers[0].data.to_string();
    (message.queries[0].name().to_string(), data.split(' ').nth(2).unwrap().to_owned())
}

fn id(sending: &Sending) -> u16 {
    u16::from_be_bytes([sending.message[0], sending.message[1]])
}

#[test]
fn everybody_is_told_of_every_zone_at_the_start_and_again_until_acknowledged() {
    let (table, start) = (table(0), Instant::now());
    let mut plan = Plan::new(vec![target(1), target(2)], Random::seeded());
    let all = plan.due(&table.frame(), start);
    let row = |port, zone: &str, serial: &str| (port, zone.to_owned(), serial.to_owned());
    let expected = [
        row(1, "clusterset.local.", "1000"),
        row(1, "global.", "2000"),
        row(2, "clusterset.local.", "1000"),
        row(2, "global.", "2000"),
    ];
    assert_eq!(told(&all), expected);
    // One of the four is not acknowledged: a wrong id, a wrong sender and a wrong zone are not enough.
    let lost = &all[0];
    for sending in &all[1..] {
        plan.acknowledged(sending.to, &Reply { id: id(sending), rcode: 0, zone: None });
    }
    plan.acknowledged(lost.to, &Reply { id: id(lost) ^ 1, rcode: 0, zone: None });
    plan.acknowledged(target(9), &Reply { id: id(lost), rcode: 0, zone: None });
    plan.acknowledged(lost.to, &Reply { id: id(lost), rcode: 0, zone: Some(b"\x01x\0".to_vec()) });
    let mut sent = vec![0];
    for second in 1..600 {
        let again = plan.due(&table.frame(), start + Duration::from_secs(second));
        assert!(again.iter().all(|sending| read(&sending.message) == read(&lost.message) && sending.to == lost.to));
        sent.extend(again.iter().map(|_| second));
    }
    assert_eq!(sent, [0, 2, 6, 14, 30], "pauses double, and after the fifth attempt there is peace");
    assert_eq!(plan.next_due(), None);
}

#[test]
fn a_zone_is_told_to_a_secondary_at_most_once_a_second() {
    let (table, start) = (table(0), Instant::now());
    let mut plan = Plan::new(vec![target(1)], Random::seeded());
    let mut last = (None, String::new());
    let mut count = 0;
    for step in 0..400u64 {
        let now = start + Duration::from_millis(step * 25);
        if step % 2 == 0 {
            table.bump_serial(0, 1000);
        }
        for sending in plan.due(&table.frame(), now) {
            let (zone, serial) = read(&sending.message);
            plan.acknowledged(sending.to, &Reply { id: id(&sending), rcode: 0, zone: None });
            if zone == "clusterset.local." {
                assert!(last.0.is_none_or(|before| now - before >= Duration::from_secs(1)), "step {step}");
                last = (Some(now), serial);
                count += 1;
            }
        }
    }
    assert_eq!(count, 10, "in ten seconds");
    // The last change is told although nothing moves any more.
    let rest = plan.due(&table.frame(), start + Duration::from_secs(60));
    assert_eq!(rest.len(), 1);
    assert_ne!(read(&rest[0].message).1, last.1);
}

#[test]
fn an_acknowledgement_of_the_serial_before_does_not_end_the_new_one() {
    let (table, start) = (table(0), Instant::now());
    let mut plan = Plan::new(vec![target(1)], Random::seeded());
    let all = plan.due(&table.frame(), start);
    table.bump_serial(0, 1000);
    assert_eq!(plan.due(&table.frame(), start + Duration::from_millis(10)), []);
    for sending in &all {
        plan.acknowledged(sending.to, &Reply { id: id(sending), rcode: 0, zone: None });
    }
    let next = plan.due(&table.frame(), start + Duration::from_secs(1));
    assert_eq!(told(&next), [(1, "clusterset.local.".to_owned(), "1001".to_owned())]);
}

#[test]
fn a_zone_that_is_not_known_yet_is_told_when_it_is() {
    let (table, start) = (table(1), Instant::now());
    let mut plan = Plan::new(vec![target(1)], Random::seeded());
    assert_eq!(plan.due(&table.frame(), start), []);
    assert!(plan.next_due().is_some(), "looked at again");
    table.set_frame(frame(0b10));
    assert_eq!(plan.due(&table.frame(), start + Duration::from_secs(1)).len(), 2, "only the local view counts");
}

#[test]
fn replies_are_read_and_queries_are_not() {
    let table = table(0);
    let mut message = message::notify(&table.frame().zones()[0], 0x1234);
    assert_eq!(read_reply(&message), None, "our own message");
    message[2] |= 0x80;
    message[3] = 5;
    let zone = Some(Name::parse("clusterset.local").unwrap().wire().to_vec());
    assert_eq!(read_reply(&message), Some(Reply { id: 0x1234, rcode: 5, zone }));
    message[5] = 0;
    assert_eq!(read_reply(&message[..12]), Some(Reply { id: 0x1234, rcode: 5, zone: None }));
    assert_eq!(read_reply(&message[..11]), None);
    message[2] = 0x80;
    assert_eq!(read_reply(&message), None, "a reply to a query");
}

#[tokio::test]
async fn a_change_reaches_a_secondary_that_acknowledges() {
    let secondary = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (table, moved) = (Arc::new(table(0)), Arc::new(Notify::new()));
    let _notifying = Notifying::start(&[secondary.local_addr().unwrap()], &table, Arc::clone(&moved));
    let next = async || {
        let mut octets = vec![0; 512];
        let wait = Duration::from_secs(20);
        let (length, from) = tokio::time::timeout(wait, secondary.recv_from(&mut octets)).await.unwrap().unwrap();
        octets.truncate(length);
        let told = read(&octets);
        octets[2] |= 0x80;
        secondary.send_to(&octets, from).await.unwrap();
        told
    };
    let first = [next().await, next().await];
    assert_eq!(first.map(|(_, serial)| serial), ["1000", "2000"]);
    table.bump_serial(1, 3000);
    moved.notify_one();
    assert_eq!(next().await, ("global.".to_owned(), "3000".to_owned()));
}
