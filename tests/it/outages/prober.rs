//! Asks the responder about a thousand times a second and keeps every reply, run-length coded.

use crate::wire;
use clusterset_dns::responder::Transport;
use clusterset_dns::table::Table;
use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::serialize::binary::BinDecodable;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two rounds of all questions.
const PERIOD: Duration = Duration::from_millis(1);
/// Rounds that a record needs.
const ENOUGH: u64 = 100;

/// One question and the replies so far.
struct Probe {
    question: String,
    query: Vec<u8>,
    last: Vec<u8>,
    history: Vec<String>,
    asked: u64,
}

/// A running prober.
pub struct Prober {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Probe>>,
}

/// Everything that was answered.
pub struct Record(Vec<Probe>);

impl Prober {
    /// Starts asking `name type` each.
    pub fn start(table: Arc<Table>, questions: &[&str]) -> Self {
        let probe = |question: &&str| {
            let (name, rtype) = question.split_once(' ').expect("name and type");
            let mut query = wire::query(name, rtype);
            query[11] = 1;
            query.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
            Probe { question: (*question).to_owned(), query, last: Vec::new(), history: Vec::new(), asked: 0 }
        };
        let mut probes: Vec<Probe> = questions.iter().map(probe).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            // However fast the rest is, enough is asked to say something.
            while !told.load(Ordering::Relaxed) || probes.iter().any(|probe| probe.asked <= ENOUGH) {
                probes.iter_mut().for_each(|probe| probe.ask(&table));
                std::thread::sleep(PERIOD);
            }
            // What stood when it was told to stop is seen.
            probes.iter_mut().for_each(|probe| probe.ask(&table));
            probes
        });
        Prober { stop, thread }
    }

    /// Stops and says what was answered.
    pub fn stop(self) -> Record {
        self.stop.store(true, Ordering::Relaxed);
        Record(self.thread.join().unwrap())
    }
}

impl Probe {
    fn ask(&mut self, table: &Table) {
        let reply = wire::reply_to(table, &wire::client(Transport::Tcp), &self.query).expect("a reply");
        self.asked += 1;
        if reply == self.last {
            return;
        }
        let words = words(&reply);
        self.last = reply;
        // Serials and the like may differ.
        if self.history.last() != Some(&words) {
            self.history.push(words);
        }
    }
}

impl Record {
    /// The replies to a question in order, each as long as it stood: `10.1.0.1 10.2.0.1 ede=3`, or the rcode.
    pub fn of(&self, question: &str) -> &[String] {
        let probe = self.0.iter().find(|probe| probe.question == question).expect("a question that was asked");
        assert!(probe.asked > ENOUGH, "{question}: only {} replies", probe.asked);
        &probe.history
    }

    /// Every question had an answer all the time: never a negative reply, never SERVFAIL.
    pub fn has_no_gap(&self) {
        for probe in &self.0 {
            let is_gap = |reply: &String| reply.starts_with(|c: char| c.is_ascii_uppercase());
            assert!(!probe.history.iter().any(is_gap), "{}: {:#?}", probe.question, probe.history);
        }
    }
}

/// What a reply says at this moment.
pub fn now(table: &Table, question: &str) -> String {
    let (name, rtype) = question.split_once(' ').expect("name and type");
    words(&wire::ask_tcp(table, name, rtype))
}

fn words(reply: &[u8]) -> String {
    let message = Message::from_bytes(reply).expect("hickory reads every reply");
    let asked = message.queries.first().map(|query| query.query_type());
    let answers = message.answers.iter().filter(|record| Some(record.record_type()) == asked);
    let mut words: Vec<String> = answers
        .map(|record| match record.record_type() {
            RecordType::SRV => wire::srv_target(record).unwrap_or_default(),
            _ => record.data.to_string(),
        })
        .collect();
    if words.is_empty() {
        words.push(wire::status(&message).to_owned());
    }
    let edns = message.edns.as_ref().and_then(|edns| edns.options().get(EdnsCode::Unknown(15)));
    if let Some(EdnsOption::Unknown(_, octets)) = edns {
        words.push(format!("ede={}", octets.get(1).copied().unwrap_or_default()));
    }
    words.join(" ")
}
