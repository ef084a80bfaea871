//! DNS.md section 6: which view a client gets, what differs between views, and the scope of client subnets.

use super::reading::ask;
use super::world::{EAST, WEST, answered, asked_by, client, draft, lasts, put_draft, settings, tiers, world};
use crate::dns::edns::option;
use crate::dns::types::rtype;
use crate::responder::{Client, Transport};
use crate::table::{Frame, FrameSettings, Order, Table};

const WEB: &str = "web.shop.svc.clusterset.local";

/// View 0 local, 1 for 10.2.0.0/16, 2 for 10.2.128.0/17 and fd02::/16; forwarders on 192.0.2.0/24.
fn seen_from_afar() -> Table {
    let table = world();
    let prefix = |text: &str, length| (text.parse().unwrap(), length);
    let views = vec![(prefix("10.2.0.0", 16), 1), (prefix("10.2.128.0", 17), 2), (prefix("fd02::", 16), 2)];
    let trusted_forwarders = vec![prefix("192.0.2.0", 24)];
    table.set_frame(Frame::new(FrameSettings { views, trusted_forwarders, ..settings() }));
    let mut web = draft(WEB, vec![tiers(&[(&[1], EAST), (&[2], WEST)])]);
    web.orders.push(Order::from(vec![tiers(&[(&[2], WEST), (&[1], EAST)])]));
    web.order_of = vec![0, 1];
    web.presence = 0b011;
    put_draft(&table, &web);
    table
}

fn from(address: &str) -> Client {
    Client { address: address.parse().unwrap(), ..client(Transport::Udp) }
}

#[test]
fn the_longest_client_prefix_chooses_order_and_presence() {
    let table = seen_from_afar();
    for (address, view, rcode, order) in [
        ("10.1.0.1", 0, "NOERROR", &[1, 2][..]),
        ("10.2.0.1", 1, "NOERROR", &[2, 1]),
        ("::ffff:10.2.0.1", 1, "NOERROR", &[2, 1]),
        ("10.2.128.1", 2, "NXDOMAIN", &[]),
        ("fd02::1", 2, "NXDOMAIN", &[]),
        ("fd03::1", 0, "NOERROR", &[1, 2]),
    ] {
        let reply = asked_by(&table, &from(address), &ask(WEB, rtype::A));
        assert_eq!((reply.rcode.as_str(), lasts(&reply)), (rcode, order.to_vec()), "{address}");
        assert_eq!(answered(&table, &from(address), &ask(WEB, rtype::A).wire()).1.view(), view, "{address}");
    }
}

#[test]
fn the_listener_outranks_everything() {
    let table = seen_from_afar();
    let listener = Client { listener_view: Some(1), ..from("192.0.2.1") };
    let reply = asked_by(&table, &listener, &ask(WEB, rtype::A).option(option::CLIENT_SUBNET, &[0, 1, 8, 0, 9]));
    assert_eq!((lasts(&reply), reply.opt.as_str()), (vec![2, 1], "1232 scope=0"));
}

#[test]
fn client_subnets_are_believed_from_trusted_forwarders_only() {
    let table = seen_from_afar();
    let v4 = |a, b, c| vec![0, 1, 24, 0, a, b, c];
    for (address, subnet, order, opt) in [
        ("192.0.2.1", v4(10, 2, 0), &[2, 1][..], "1232 scope=17"),
        ("192.0.2.1", v4(10, 2, 200), &[], "1232 scope=17"),
        ("192.0.2.1", v4(10, 3, 0), &[1, 2], "1232 scope=16"),
        ("192.0.2.1", v4(11, 0, 0), &[1, 2], "1232 scope=8"),
        ("192.0.2.1", vec![0, 2, 16, 0, 0xfd, 2], &[], "1232 scope=16"),
        // The client opts out: its address does not count, and the answer is for everybody.
        ("192.0.2.1", vec![0, 1, 0, 0], &[1, 2], "1232 scope=0"),
        ("198.51.100.1", v4(10, 2, 0), &[1, 2], "1232"),
        ("10.2.0.1", v4(10, 3, 0), &[2, 1], "1232"),
    ] {
        let reply = asked_by(&table, &from(address), &ask(WEB, rtype::A).option(option::CLIENT_SUBNET, &subnet));
        assert_eq!((lasts(&reply), reply.opt.as_str()), (order.to_vec(), opt), "{address} {subnet:?}");
    }
}

#[test]
fn without_view_prefixes_the_scope_is_everything() {
    let table = seen_from_afar();
    let trusted_forwarders = vec![("192.0.2.0".parse().unwrap(), 24)];
    table.set_frame(Frame::new(FrameSettings { trusted_forwarders, ..settings() }));
    let reply = asked_by(
        &table,
        &from("192.0.2.1"),
        &ask(WEB, rtype::A).option(option::CLIENT_SUBNET, &[0, 1, 24, 0, 10, 2, 0]),
    );
    assert_eq!((lasts(&reply), reply.opt.as_str()), (vec![1, 2], "1232 scope=0"));
}

#[test]
fn a_cluster_is_unknown_per_view() {
    let table = seen_from_afar();
    let mut frame = settings();
    frame.zones[0].unknown = 0b10;
    frame.views = vec![(("10.2.0.0".parse().unwrap(), 16), 1)];
    table.set_frame(Frame::new(frame));
    let rcode = |address| asked_by(&table, &from(address), &ask("x.shop.svc.clusterset.local", rtype::A)).rcode;
    assert_eq!((rcode("10.1.0.1").as_str(), rcode("10.2.0.1").as_str()), ("NXDOMAIN", "SERVFAIL"));
}
