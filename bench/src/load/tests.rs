//! The check itself is checked: a right responder is clean, and every kind of wrong reply is found.

use super::*;
use crate::clusterset::Clusterset;
use crate::manifests;
use crate::wire::wire_name;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;

/// Lines by name and type in wire form.
type Zone = Arc<HashMap<Vec<u8>, String>>;

fn lines() -> Vec<String> {
    let set = Clusterset::new(500, 3).unwrap();
    (0..2000).map(|number| manifests::question(&set, number)).collect()
}

fn questions(edns: bool) -> Questions {
    let mut questions = Questions::default();
    lines().iter().for_each(|line| questions.push(line, edns).unwrap());
    questions
}

fn zone() -> Zone {
    let mut zone = HashMap::new();
    for line in lines() {
        let mut words = line.split(' ');
        let (name, rtype) = (words.next().unwrap(), words.next().unwrap());
        let rtype: u16 = match rtype {
            "A" => 1,
            "AAAA" => 28,
            _ => 33,
        };
        zone.insert([wire_name(name), rtype.to_be_bytes().to_vec()].concat(), line);
    }
    Arc::new(zone)
}

/// What a responder does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    OneAddressChanged,
    OneAddressLess,
    FarthestFirst,
    WrongRcode,
    Truncated,
    NoAuthority,
    WrongQuestion,
    Silent,
    Twice,
}

/// A reply as the server under test gives it, built the slow way.
fn reply(zone: &Zone, query: &[u8], fault: Fault) -> Vec<u8> {
    let end = query.len() - if number(query, 10) > 0 { 11 } else { 0 };
    let line = &zone[&query[12..end - 2]];
    let words: Vec<&str> = line.split(' ').collect();
    let mut data: Vec<&str> = words[3..].iter().copied().filter(|word| *word != "/").collect();
    match fault {
        Fault::OneAddressLess if data.len() > 1 => drop(data.pop()),
        Fault::FarthestFirst => data.reverse(),
        _ => {}
    }
    let rcode = if words[2] == "NXDOMAIN" { 3 } else { 0 };
    let rcode = if fault == Fault::WrongRcode { 3 - rcode } else { rcode };
    let mut out = query[..end].to_vec();
    out[2] = 0x85 | if fault == Fault::Truncated { 2 } else { 0 };
    out[3] = rcode;
    out[6..8].copy_from_slice(&(data.len() as u16).to_be_bytes());
    let negative = data.is_empty() && fault != Fault::NoAuthority;
    out[8..10].copy_from_slice(&u16::from(negative).to_be_bytes());
    if fault == Fault::WrongQuestion {
        out[13] ^= 1;
    }
    for word in data {
        let rdata = match word.split_once(':') {
            Some((port, target)) => {
                let port: u16 = port.parse().unwrap();
                [&[0, 3, 0, 7], &port.to_be_bytes()[..], &wire_name(target)].concat()
            }
            None => word.parse::<std::net::Ipv4Addr>().unwrap().octets().to_vec(),
        };
        out.extend_from_slice(&[0xc0, 12]);
        out.extend_from_slice(&query[end - 4..end]);
        out.extend_from_slice(&[0, 0, 0, 5]);
        out.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        out.extend_from_slice(&rdata);
        if fault == Fault::OneAddressChanged {
            *out.last_mut().unwrap() ^= 1;
        }
    }
    if negative {
        out.extend_from_slice(&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 5, 0, 0]);
    }
    out.extend_from_slice(&query[end..]);
    out
}

fn plan(server: SocketAddr) -> Plan {
    let (warmup, measure) = (Duration::from_millis(10), Duration::from_millis(60));
    Plan { warmup, measure, sockets: 2, window: 8, ..Plan::new(server, Check::Answer) }
}

fn over_udp(fault: Fault, edns: bool) -> Tally {
    let (socket, zone) = (UdpSocket::bind("127.0.0.1:0").unwrap(), zone());
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            let query = &buffer[..length];
            if fault == Fault::Silent && query[1] == 7 {
                continue;
            }
            let reply = reply(&zone, query, fault);
            for _ in 0..if fault == Fault::Twice { 2 } else { 1 } {
                let _ = socket.send_to(&reply, client);
            }
        }
    });
    udp::run(&plan(address), &mut questions(edns)).unwrap()
}

#[test]
fn a_right_responder_is_clean() {
    for edns in [false, true] {
        let tally = over_udp(Fault::None, edns);
        assert!(tally.is_clean(), "{}", tally.text());
        assert!(tally.seconds >= 0.06 && tally.latencies.quantile(0.5) > Duration::ZERO);
    }
}

#[test]
fn every_fault_is_found() {
    for (fault, words) in [
        (Fault::OneAddressChanged, "other records"),
        (Fault::OneAddressLess, "answers, expected"),
        (Fault::FarthestFirst, "nearest records are not first"),
        (Fault::WrongRcode, "rcode"),
        (Fault::Truncated, "TC clear"),
        (Fault::NoAuthority, "records in authority"),
        (Fault::WrongQuestion, "question is not repeated"),
        (Fault::Twice, "to no query of ours"),
    ] {
        let tally = over_udp(fault, false);
        assert!(tally.wrong > 0 && !tally.is_clean(), "{fault:?}: {}", tally.text());
        assert!(tally.faults.iter().any(|text| text.contains(words)), "{fault:?}: {:?}", tally.faults);
    }
}

#[test]
fn peers_are_held_to_their_records() {
    let (zone, questions) = (zone(), questions(false));
    let found = |check: fn(&[u8], &[u8], &crate::expect::Expected) -> Option<String>, fault| {
        let wrong = |index: &usize| {
            let query = questions.query(*index);
            check(query, &reply(&zone, query, fault), questions.expected(*index)).is_some()
        };
        (0..questions.len()).filter(wrong).count()
    };
    for fault in [Fault::None, Fault::FarthestFirst, Fault::NoAuthority] {
        assert_eq!(found(fault_in_records, fault), 0, "{fault:?} is a peer's own choice");
        assert_eq!(found(fault_in_addresses, fault), 0, "{fault:?} is a peer's own choice");
    }
    for fault in [Fault::OneAddressChanged, Fault::OneAddressLess, Fault::WrongRcode, Fault::Truncated] {
        assert!(found(fault_in_records, fault) > 100, "{fault:?}");
        let addresses = found(fault_in_addresses, fault);
        assert!(addresses > 100 && addresses <= found(fault_in_records, fault), "{fault:?}: {addresses}");
    }
    let empty = |query: &[u8]| [&query[..2], &[0x81, 2], &query[4..]].concat();
    let unasked = (0..questions.len()).filter(|index| questions.expected(*index).answers == 0);
    for index in unasked {
        let query = questions.query(index);
        assert_eq!(fault_in_addresses(query, &empty(query), questions.expected(index)), None, "SERVFAIL");
    }
}

#[test]
fn a_missing_reply_is_found() {
    let tally = over_udp(Fault::Silent, false);
    assert!(tally.missing > 0 && tally.wrong == 0, "{}", tally.text());
    assert!(tally.faults[0].contains("no reply within"), "{:?}", tally.faults);
}

#[test]
fn the_open_loop_keeps_its_rate() {
    let (socket, zone) = (UdpSocket::bind("127.0.0.1:0").unwrap(), zone());
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&reply(&zone, &buffer[..length], Fault::None), client);
        }
    });
    let plan = Plan { rate: Some(1000.0), measure: Duration::from_millis(200), ..plan(address) };
    let tally = udp::run(&plan, &mut questions(false)).unwrap();
    assert!(tally.is_clean(), "{}", tally.text());
    assert!(tally.answered <= 260, "no more than was due: {}", tally.text());
}

#[test]
fn tcp_replies_are_checked_in_any_order() {
    for fault in [Fault::None, Fault::OneAddressLess] {
        let (listener, zone) = (TcpListener::bind("127.0.0.1:0").unwrap(), zone());
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let zone = Arc::clone(&zone);
                std::thread::spawn(move || {
                    // Reads what there is and answers it backwards.
                    let (mut input, mut buffer) = (Vec::new(), [0; 4096]);
                    while let Ok(length @ 1..) = stream.read(&mut buffer) {
                        input.extend_from_slice(&buffer[..length]);
                        let mut replies = Vec::new();
                        while input.len() > 2 && input.len() >= 2 + usize::from(number(&input, 0)) {
                            let end = 2 + usize::from(number(&input, 0));
                            let reply = reply(&zone, &input[2..end], fault);
                            replies.push([&(reply.len() as u16).to_be_bytes()[..], &reply].concat());
                            input.drain(..end);
                        }
                        replies.reverse();
                        if stream.write_all(&replies.concat()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        let tally = tcp::run(&plan(address), &mut questions(false)).unwrap();
        assert_eq!(tally.is_clean(), fault == Fault::None, "{}", tally.text());
    }
}

/// One message as gRPC and protobuf wrap it.
fn packet(message: &[u8]) -> Vec<u8> {
    let mut field = vec![0x0a, message.len() as u8 | 0x80, (message.len() >> 7) as u8];
    field.extend_from_slice(message);
    [&[0], &(field.len() as u32).to_be_bytes()[..], &field].concat()
}

/// Answers every stream of one connection with this gRPC status.
async fn serve_grpc(stream: tokio::net::TcpStream, zone: Zone, fault: Fault, status: &'static str) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let zone = Arc::clone(&zone);
        tokio::spawn(async move {
            let mut body = request.into_body();
            let mut whole = Vec::new();
            while let Some(Ok(part)) = body.data().await {
                let _ = body.flow_control().release_capacity(part.len());
                whole.extend_from_slice(&part);
            }
            let head = if whole[6] < 0x80 { 7 } else { 8 };
            let reply = packet(&reply(&zone, &whole[head..], fault));
            let mut out = respond.send_response(http::Response::new(()), false).unwrap();
            out.send_data(reply.into(), false).unwrap();
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", status.parse().unwrap());
            out.send_trailers(trailers).unwrap();
        });
    }
}

#[test]
fn grpc_replies_are_checked() {
    for (fault, status) in [(Fault::None, "0"), (Fault::OneAddressLess, "0"), (Fault::None, "14")] {
        let (listener, zone) = (TcpListener::bind("127.0.0.1:0").unwrap(), zone());
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve_grpc(stream, Arc::clone(&zone), fault, status));
                }
            });
        });
        let tally = grpc::run(&plan(address), &mut questions(false));
        match status {
            "0" => assert_eq!(tally.unwrap().is_clean(), fault == Fault::None),
            _ => assert!(tally.is_err_and(|error| error.to_string().contains("gRPC status"))),
        }
    }
}
