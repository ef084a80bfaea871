//! The octets of a question, from a line written in the manner of `dig`.

use super::questions::Question;
use crate::wire;
use clusterset_dns::responder::{Client, Transport};
use std::net::IpAddr;

/// An OPT record under construction.
struct Edns {
    version: u8,
    payload: u16,
    options: Vec<u8>,
}

impl Default for Edns {
    fn default() -> Self {
        Edns { version: 0, payload: 1232, options: Vec::new() }
    }
}

/// Who asks, and the message. `view` gives the number of a view by name.
pub fn asked(question: &Question, view: &dyn Fn(&str) -> Option<usize>, random: u64) -> (Client, Vec<u8>) {
    let mut client = Client { random, ..wire::client(Transport::Udp) };
    let mut query = plain(&question.name, &question.rtype);
    let mut edns: Option<Edns> = None;
    let mut words = question.options.iter();
    while let Some(word) = words.next() {
        let number = |text: &str| text.parse::<u16>().unwrap_or_else(|_| panic!("{}: {word}", question.place));
        let mut value = || words.next().unwrap_or_else(|| panic!("{}: nothing behind {word}", question.place));
        match word.split_once('=').unwrap_or((word.as_str(), "")) {
            ("+tcp", _) => client.transport = Transport::Tcp,
            ("+grpc", _) => client.transport = Transport::Grpc,
            ("+rd", _) => query[2] |= 1,
            ("+qr", _) => query[2] |= 0x80,
            ("+opcode", code) => query[2] |= (number(code) as u8) << 3,
            ("+qdcount", count) => query[5] = number(count) as u8,
            ("+edns", "") => _ = edns.get_or_insert_default(),
            ("+edns", version) => edns.get_or_insert_default().version = number(version) as u8,
            ("+bufsize", size) => edns.get_or_insert_default().payload = number(size),
            ("+nsid", _) => edns.get_or_insert_default().options.extend([0, 3, 0, 0]),
            ("+keepalive", _) => edns.get_or_insert_default().options.extend([0, 11, 0, 0]),
            ("+subnet", prefix) => edns.get_or_insert_default().options.extend(subnet(prefix)),
            ("+ednsopt", option) => edns.get_or_insert_default().options.extend(raw_option(option)),
            ("-c", _) => {
                let class: u16 = match value().as_str() {
                    "CH" => 3,
                    "HS" => 4,
                    "ANY" => 255,
                    other => panic!("{}: class {other}", question.place),
                };
                let at = query.len() - 2;
                query[at..].copy_from_slice(&class.to_be_bytes());
            }
            ("-b", _) => client.address = value().parse().unwrap_or_else(|_| panic!("{}: {word}", question.place)),
            (name, _) if name.starts_with('@') => {
                let number = view(&name[1..]).unwrap_or_else(|| panic!("{}: no view {name}", question.place));
                client.listener_view = Some(number as u8);
            }
            (other, _) => panic!("{}: unknown option {other}", question.place),
        }
    }
    if let Some(edns) = edns {
        query[11] = 1;
        query.extend_from_slice(&[0, 0, 41]);
        query.extend_from_slice(&edns.payload.to_be_bytes());
        query.extend_from_slice(&[0, edns.version, 0, 0]);
        query.extend_from_slice(&(edns.options.len() as u16).to_be_bytes());
        query.extend_from_slice(&edns.options);
    }
    (client, query)
}

/// A query with RD clear and without EDNS; `\DDD` in the name is one octet.
fn plain(name: &str, rtype: &str) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let octets = unescaped(label);
        query.push(octets.len() as u8);
        query.extend(octets);
    }
    query.push(0);
    query.extend_from_slice(&wire::type_number(rtype).to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    query
}

fn unescaped(label: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = label.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'\\' && after.len() >= 3 {
            let (digits, behind) = after.split_at(3);
            octets.push(std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).expect("\\DDD"));
            rest = behind;
        } else {
            octets.push(*first);
            rest = after;
        }
    }
    octets
}

/// An EDNS client subnet option (RFC 7871 section 6).
fn subnet(prefix: &str) -> Vec<u8> {
    let (address, length) = prefix.split_once('/').expect("ADDRESS/LENGTH");
    let length: u8 = length.parse().expect("a prefix length");
    let (family, octets) = match address.parse().expect("an address") {
        IpAddr::V4(v4) => (1u8, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2u8, v6.octets().to_vec()),
    };
    let octets = &octets[..usize::from(length).div_ceil(8)];
    [&[0, 8, 0, 4 + octets.len() as u8, 0, family, length, 0], octets].concat()
}

/// `CODE:HEX`, as dig writes any other option.
fn raw_option(text: &str) -> Vec<u8> {
    let (code, hex) = text.split_once(':').unwrap_or((text, ""));
    let code: u16 = code.parse().expect("an option code");
    let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal octets");
    let data: Vec<u8> = (0..hex.len()).step_by(2).map(octet).collect();
    [&code.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), &data].concat()
}
