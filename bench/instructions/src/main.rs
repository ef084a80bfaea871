//! Answers `COUNT` queries of one class as a UDP worker does, 32 at a time and without sockets, so that cachegrind can
//! count what one costs: the difference between two counts (PERFORMANCE.md section 8). `bench/instructions/gate` runs it.
//!
//! The table is that of the fuzz targets: two zones, three views chosen by client prefix, every kind of name.

use clusterset_dns::dns::header::HEADER;
use clusterset_dns::dns::types::rtype;
use clusterset_dns::dns::{Name, Writer};
use clusterset_dns::responder::{Client, DropReason, Transport, Verdict};
use clusterset_dns::table::Table;
use clusterset_dns::transport::answerer::{Answerer, Slot};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

#[path = "../../../fuzz/src/world.rs"]
mod world;

const BATCH: usize = 32;
/// What the reply buffer of a UDP worker holds.
const REPLY: usize = 1232;

/// A class of questions: its name, owner, type, EDNS, and the RCODE and number of answers that are due.
struct Class(&'static str, &'static str, u16, bool, u8, u16);

const CLASSES: [Class; 6] = [
    Class("a", "a.n.svc.clusterset.local", rtype::A, false, 0, 3),
    Class("a-edns", "a.n.svc.clusterset.local", rtype::A, true, 0, 3),
    Class("nodata", "a.n.svc.clusterset.local", rtype::AAAA, false, 0, 0),
    Class("nxdomain", "nobody.n.svc.clusterset.local", rtype::A, false, 3, 0),
    Class("srv", "a.n.svc.clusterset.local", rtype::SRV, false, 0, 2),
    Class("global", "a.n.global", rtype::A, false, 0, 3),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (name, count) = (arguments.next().unwrap_or_default(), arguments.next().and_then(|text| text.parse().ok()));
    let (Some(class), Some(count)) = (CLASSES.iter().find(|class| class.0 == name), count) else {
        let names: Vec<&str> = CLASSES.iter().map(|class| class.0).collect();
        eprintln!("usage: clusterset-dns-instructions {} COUNT", names.join("|"));
        return ExitCode::from(2);
    };
    match ask(class, count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reply) => {
            eprintln!("{name}: an answer that is not due: {reply:02x?}");
            ExitCode::FAILURE
        }
    }
}

/// Asks `count` times, rounded up to whole batches; `Err` holds a reply that is wrong.
fn ask(class: &Class, count: usize) -> Result<(), Vec<u8>> {
    let table = world::table();
    let query = query(class);
    let mut scratch = <Table as Answerer>::Scratch::default();
    let mut replies = vec![[0u8; REPLY]; BATCH];
    let mut random = 1u64;
    for _ in 0..count.div_ceil(BATCH) {
        let mut free = replies.iter_mut();
        let mut slots: [Slot<'_>; BATCH] = std::array::from_fn(|_| {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
            let client = Client { address, transport: Transport::Udp, listener_view: None, random };
            let reply = free.next().map_or(&mut [][..], |reply| &mut reply[..]);
            Slot { client, query: &query, reply, verdict: Verdict::Drop(DropReason::Short) }
        });
        table.answer_batch(&mut scratch, &mut slots);
        black_box(&slots);
    }
    match replies.iter().find(|reply| !is_due(class, &reply[..])) {
        Some(wrong) => Err(wrong[..64].to_vec()),
        None => Ok(()),
    }
}

fn query(class: &Class) -> Vec<u8> {
    let mut buffer = [0; 512];
    let mut out = Writer::new(&mut buffer);
    out.put(&[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(class.3)]);
    out.put(Name::parse(class.1).expect("the names of this file are valid").wire());
    out.put(&[0, class.2 as u8, 0, 1]);
    if class.3 {
        out.put(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    }
    out.written().to_vec()
}

fn is_due(class: &Class, reply: &[u8]) -> bool {
    reply.len() > HEADER && reply[3] & 15 == class.4 && u16::from_be_bytes([reply[6], reply[7]]) == class.5
}
