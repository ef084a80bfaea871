//! Many questions in flight over one UDP socket; what does not fit is asked again over TCP.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::Name;

use crate::generated::questions::Question;
use crate::process::{eventually, say};
use crate::replies::Reply;

/// The UDP payload that the questions allow.
const PAYLOAD: u16 = 1232;
/// Questions under way at a time.
const WINDOW: usize = 64;
/// After this long without any reply, what is under way is sent again.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a question is sent before its silence fails the test.
const TRIES: usize = 10;

/// The replies of two servers at 127.0.0.1 to all questions, in their order.
///
/// Where a reply comes near the limit both are asked over TCP: what is left out is each server's own choice.
pub fn ask_both(ports: [u16; 2], questions: &[Question]) -> [Vec<Reply>; 2] {
    const TC: u8 = 0x02;
    const NEAR: usize = PAYLOAD as usize / 2;
    let queries: Vec<Vec<u8>> =
        questions.iter().enumerate().map(|(number, question)| query(number, question)).collect();
    let mut raw = ports.map(|port| {
        let started = Instant::now();
        let replies = over_udp(port, &queries);
        say(&format!("{} questions answered at port {port} in {:?}", queries.len(), started.elapsed()));
        replies
    });
    for (number, query) in queries.iter().enumerate() {
        if raw.iter().any(|replies| replies[number][2] & TC != 0 || replies[number].len() > NEAR) {
            for (port, replies) in ports.iter().zip(&mut raw) {
                replies[number] = over_tcp(*port, query).unwrap_or_else(|error| panic!("port {port}: {error}"));
            }
        }
    }
    raw.map(|replies| {
        let read = |(number, bytes): (usize, &Vec<u8>)| {
            Reply::read(&queries[number], bytes).unwrap_or_else(|error| panic!("{:?}: {error}", questions[number]))
        };
        replies.iter().enumerate().map(read).collect()
    })
}

/// The wire form of a question; its id is the low half of its number.
fn query(number: usize, (name, rtype): &Question) -> Vec<u8> {
    let mut message = Message::query();
    message.metadata.id = number as u16;
    message.metadata.recursion_desired = false;
    message.add_query(Query::query(raw_name(name), *rtype));
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD);
    message.edns = Some(edns);
    message.to_vec().expect("a query has a wire form")
}

/// A name of any octets: `\.` is a dot inside a label.
fn raw_name(name: &str) -> Name {
    let marked = name.trim_end_matches('.').replace("\\.", "\0");
    let labels = marked.split('.').map(|label| label.replace('\0', ".").into_bytes());
    Name::from_labels(labels).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn over_udp(port: u16, queries: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a UDP socket");
    socket.connect((Ipv4Addr::LOCALHOST, port)).expect("connect a UDP socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("set a time-out");
    let mut replies = vec![Vec::new(); queries.len()];
    let mut under_way: HashMap<u16, (usize, usize)> = HashMap::new();
    let (mut next, mut buffer) = (0, [0; 4096]);
    while next < queries.len() || !under_way.is_empty() {
        while under_way.len() < WINDOW && next < queries.len() {
            under_way.insert(next as u16, (next, 1));
            let _ = socket.send(&queries[next]);
            next += 1;
        }
        match socket.recv(&mut buffer) {
            Ok(length) if length >= 12 => {
                if let Some((number, _)) = under_way.remove(&u16::from_be_bytes([buffer[0], buffer[1]])) {
                    replies[number] = buffer[..length].to_vec();
                }
            }
            _ => {
                for (number, tries) in under_way.values_mut() {
                    *tries += 1;
                    assert!(*tries <= TRIES, "port {port}: no reply to question {number}: {:?}", queries[*number]);
                    let _ = socket.send(&queries[*number]);
                }
            }
        }
    }
    replies
}

fn over_tcp(port: u16, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(&(query.len() as u16).to_be_bytes())?;
    stream.write_all(query)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}

/// Polls until the reply to a question is as wanted.
pub fn until_it_says(port: u16, question: &Question, wanted: impl Fn(&Reply) -> bool) {
    let query = query(0, question);
    eventually(Duration::from_secs(60), || {
        let bytes = over_tcp(port, &query).map_err(|error| format!("port {port}: {error}"))?;
        let reply = Reply::read(&query, &bytes)?;
        if wanted(&reply) { Ok(()) } else { Err(format!("port {port}: {question:?}: {reply:?}")) }
    });
}
