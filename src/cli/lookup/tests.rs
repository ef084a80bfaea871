//! What `lookup` prints, and with which exit code.

use super::*;
use hickory_proto::rr::rdata::{A, SOA};
use hickory_proto::rr::{RData, Record};
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};

/// What the scripted server answers.
type Script = fn(&mut Message);

fn a_records(reply: &mut Message) {
    let name = reply.queries[0].name().clone();
    for last in [1, 2] {
        reply.add_answer(Record::from_rdata(name.clone(), 5, RData::A(A::new(10, 0, 0, last))));
    }
    if reply.metadata.id % 2 == 1 {
        reply.answers.reverse();
    }
}

fn negative(reply: &mut Message) {
    let zone = Name::from_ascii("clusterset.local.").unwrap();
    let soa = SOA::new(zone.clone(), zone.clone(), 7, 7200, 1800, 86400, 5);
    reply.add_authority(Record::from_rdata(zone, 5, RData::SOA(soa)));
}

fn nxdomain(reply: &mut Message) {
    negative(reply);
    reply.metadata.response_code = ResponseCode::NXDomain;
}

fn not_ready(reply: &mut Message) {
    reply.metadata.response_code = ResponseCode::ServFail;
    let mut edns = hickory_proto::op::Edns::new();
    edns.options_mut().insert(EdnsOption::Unknown(15, b"\x00\x0ewest".to_vec()));
    reply.set_edns(edns);
}

fn reply_to(query: &[u8], script: Script) -> Vec<u8> {
    let query = Message::from_vec(query).unwrap();
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.add_queries(query.queries);
    reply.metadata.authoritative = true;
    script(&mut reply);
    reply.to_vec().unwrap()
}

/// A UDP server on loopback that answers by `script` until the test process ends.
fn serve(script: Script) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            socket.send_to(&reply_to(&buffer[..length], script), client).unwrap();
        }
    });
    address
}

fn ask_at(server: String, change: impl FnOnce(&mut Lookup)) -> (u8, String, String) {
    let (name, rtype, transport) = ("web.shop.svc.clusterset.local".to_owned(), "A".to_owned(), Transport::Udp);
    let mut lookup = Lookup { name, rtype, server, transport, ecs: None, count: 1, json: false };
    change(&mut lookup);
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let code = perform(&lookup, &mut out, &mut errors).unwrap();
    (code, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

#[test]
fn prints_data_like_dig() {
    let (code, out, errors) = ask_at(serve(a_records), |_| ());
    assert_eq!((code, &*errors), (exit::DATA, ""));
    for line in [
        "status: NOERROR, id: ",
        ";; flags: qr aa; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 0",
        ";web.shop.svc.clusterset.local.\t\tIN\tA",
        "web.shop.svc.clusterset.local.\t5\tIN\tA\t10.0.0.1\n",
        ";; SERVER: 127.0.0.1:",
    ] {
        assert!(out.contains(line), "no {line:?} in\n{out}");
    }
}

#[test]
fn the_exit_code_tells_the_kind_of_answer() {
    for (script, expected) in
        [(a_records as Script, 0), (negative, exit::NODATA), (nxdomain, exit::NXDOMAIN), (not_ready, exit::ERROR)]
    {
        assert_eq!(ask_at(serve(script), |_| ()).0, expected);
    }
}

#[test]
fn extended_errors_come_in_words() {
    let (_, out, _) = ask_at(serve(not_ready), |_| ());
    assert!(out.contains("; EDE: 14 (Not Ready): \"west\" - a cluster that could own the name"), "{out}");
    let (_, out, _) = ask_at(serve(not_ready), |lookup| lookup.json = true);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((json["ede"][0]["code"].as_u64(), json["rcode"].as_str()), (Some(14), Some("SERVFAIL")));
    assert_eq!(json["exit"], 5);
}

#[test]
fn count_shows_how_the_order_varies() {
    let (code, out, _) = ask_at(serve(a_records), |lookup| lookup.count = 60);
    assert_eq!(code, exit::DATA);
    assert!(out.contains(";; 60 replies. First record:"), "{out}");
    for order in ["  10.0.0.1 10.0.0.2\n", "  10.0.0.2 10.0.0.1\n"] {
        assert!(out.contains(order), "ids vary, and this server orders by id: {out}");
    }
}

#[test]
fn a_truncated_reply_is_asked_again_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = UdpSocket::bind(listener.local_addr().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        let (length, client) = socket.recv_from(&mut buffer).unwrap();
        let truncated = reply_to(&buffer[..length], |reply| reply.metadata.truncation = true);
        socket.send_to(&truncated, client).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut prefix = [0; 2];
        stream.read_exact(&mut prefix).unwrap();
        let mut query = vec![0; usize::from(u16::from_be_bytes(prefix))];
        stream.read_exact(&mut query).unwrap();
        let reply = reply_to(&query, a_records);
        stream.write_all(&[&(reply.len() as u16).to_be_bytes(), &*reply].concat()).unwrap();
    });
    let (code, out, _) = ask_at(address, |_| ());
    assert_eq!(code, exit::DATA);
    assert!(out.starts_with(";; Truncated, asked again over TCP"), "{out}");
    assert!(out.contains("(TCP)"), "{out}");
}

#[test]
fn nobody_there_is_no_reply() {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (code, out, errors) = ask_at(closed.clone(), |lookup| lookup.transport = Transport::Tcp);
    assert_eq!((code, &*out), (exit::NO_REPLY, ""));
    assert!(errors.starts_with(&format!("error: no reply from {closed}: ")), "{errors}");
    assert_eq!(ask_at(closed, |lookup| lookup.transport = Transport::Grpc).0, exit::NO_REPLY);
}

#[test]
fn wrong_arguments_are_usage_errors_that_say_what_to_write() {
    type Change = fn(&mut Lookup);
    let cases: [(Change, &str); 4] = [
        (|l| l.name = "a..b".into(), "is no domain name"),
        (|l| l.rtype = "AAAAA".into(), "is no record type; write A"),
        (|l| l.rtype = "axfr".into(), "use `dig @SERVER ZONE AXFR`"),
        (|l| l.server = "localhost".into(), "is no address; write"),
    ];
    for (change, part) in cases {
        let (code, out, errors) = ask_at("127.0.0.1:9".into(), change);
        assert_eq!((code, &*out), (exit::USAGE, ""));
        assert!(errors.contains(part), "no {part:?} in {errors}");
    }
}

#[test]
fn servers_and_types_are_read() {
    let at = |text, transport| server(text, transport).unwrap().to_string();
    assert_eq!(at("10.96.0.53", Transport::Udp), "10.96.0.53:53");
    assert_eq!(at("10.96.0.53", Transport::Grpc), "10.96.0.53:8053");
    assert_eq!(at("::1", Transport::Tcp), "[::1]:53");
    assert_eq!(at("[::1]:5300", Transport::Tcp), "[::1]:5300");
    assert_eq!(at("0.0.0.0:5300", Transport::Udp), "127.0.0.1:5300");
    assert_eq!(record_type("srv"), Ok(RecordType::SRV));
    assert_eq!(record_type("TYPE33"), Ok(RecordType::SRV));
    assert_eq!(record_type("type65280"), Ok(RecordType::Unknown(65280)));
}

#[test]
fn a_client_subnet_goes_out_and_its_scope_is_printed() {
    let echo_subnet: Script = |reply| {
        let mut edns = hickory_proto::op::Edns::new();
        edns.options_mut().insert(EdnsOption::Subnet(ClientSubnet::new([10, 2, 0, 0].into(), 16, 24)));
        reply.set_edns(edns);
    };
    let (_, out, _) = ask_at(serve(echo_subnet), |lookup| lookup.ecs = Prefix::parse("10.2.3.4/16"));
    assert!(out.contains("; CLIENT-SUBNET: 10.2.0.0/16/24"), "{out}");
    let ecs = Prefix::parse("10.2.3.4/16");
    let lookup = Lookup {
        name: "a".into(),
        rtype: "A".into(),
        server: "::1".into(),
        transport: Transport::Udp,
        ecs,
        count: 1,
        json: false,
    };
    let query = plan(&lookup).unwrap().query;
    let expected = EdnsOption::Subnet(ClientSubnet::new([10, 2, 0, 0].into(), 16, 0));
    assert_eq!(query.edns.unwrap().option(hickory_proto::rr::rdata::opt::EdnsCode::Subnet), Some(&expected));
}
