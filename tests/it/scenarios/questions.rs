//! `questions.txt`: questions in the manner of `dig`, each with the reply that is due.
//!
//! ```text
//! ; what this shows
//! $ dig web.shop.svc.clusterset.local A +tcp -b 10.2.0.7 +subnet=10.2.0.0/24 @west
//! NOERROR aa
//! web.shop.svc.clusterset.local. 5 IN A 10.1.0.10
//! ~ web.shop.svc.clusterset.local. 5 IN A 10.1.0.11
//! authority: clusterset.local. 5 IN SOA
//! additional: ...
//! ```
//!
//! Answers stand in the order in which they must come; `~` marks a record that rotates with the lines above it (its tier).
//! Authority and additional records may come in any order; `SOA` without data, or with `*` for its serial, matches any serial.
//! `10.11.0.{1..3}` stands for three records of one tier. Additional records are compared only where a question names some.
//!
//! The first line after the question is the rcode (`DROPPED`: no reply at all), then the flags that must be set of
//! `aa tc rd ra ad`, then the EDNS options that are due: `ede=14 scope=24 nsid=TEXT keepalive=300`. `count=N` there says
//! that N of the records listed come, no matter which; `size=N` that the reply has at most N octets.
//!
//! `share: 80 10.1.0.10` says that this record comes first in 80 of 100 replies, within 2 points over 10,000.
//!
//! Options of a question: `+tcp +grpc +rd +edns[=VERSION] +bufsize=N +nsid +keepalive +subnet=PREFIX +ednsopt=CODE:HEX
//! +opcode=N +qdcount=N +qr -c CLASS -b CLIENT-ADDRESS @VIEW` (the listener of that view). `\DDD` in a name is one octet.

use std::collections::BTreeSet;
use std::path::Path;

/// One question and the reply that is due.
#[derive(Debug, Default, Clone)]
pub struct Question {
    /// `file:line` of the `$ dig` line.
    pub place: String,
    pub name: String,
    pub rtype: String,
    /// Words after name and type: `+tcp`, `-b ADDRESS`, `@view`, `+bufsize=N` ...
    pub options: Vec<String>,
    pub status: String,
    pub flags: BTreeSet<String>,
    /// EDNS options of the reply, such as `ede=14`.
    pub edns: BTreeSet<String>,
    /// How many of `answer` come; `None`: all.
    pub count: Option<usize>,
    /// Octets that the reply may have.
    pub size: Option<usize>,
    /// Tiers in order; the records of one tier may come in any order.
    pub answer: Vec<BTreeSet<String>>,
    pub authority: BTreeSet<String>,
    pub additional: BTreeSet<String>,
    /// Record data and in how many of 100 replies it comes first.
    pub shares: Vec<(String, u32)>,
}

/// Reads a file of questions.
pub fn read(path: &Path) -> Vec<Question> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut questions: Vec<Question> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        if let Some(words) = line.strip_prefix("$ dig ") {
            questions.push(asked(words, format!("{}:{}", path.display(), number + 1)));
            continue;
        }
        let question =
            questions.last_mut().unwrap_or_else(|| panic!("{}: a reply before any question", path.display()));
        expect(question, line);
    }
    assert!(!questions.is_empty(), "{}: no question", path.display());
    questions
}

fn asked(words: &str, place: String) -> Question {
    let mut words = words.split_whitespace().map(String::from);
    let name = words.next().unwrap_or_default();
    let rtype = words.next().unwrap_or_default();
    Question { place, name, rtype, options: words.collect(), ..Question::default() }
}

fn expect(question: &mut Question, line: &str) {
    if question.status.is_empty() {
        let mut words = line.split_whitespace();
        question.status = words.next().unwrap_or_default().to_string();
        for word in words {
            match word.split_once('=') {
                None => drop(question.flags.insert(word.to_string())),
                Some(("count", count)) => question.count = Some(count.parse().expect("a count")),
                Some(("size", octets)) => question.size = Some(octets.parse().expect("octets")),
                Some(_) => drop(question.edns.insert(word.to_string())),
            }
        }
    } else if let Some(share) = line.strip_prefix("share:") {
        let (percent, data) = share.trim().split_once(' ').expect("PERCENT DATA");
        question.shares.push((data.trim().to_string(), percent.parse().expect("a percentage")));
    } else if let Some(record) = line.strip_prefix("authority:") {
        question.authority.insert(normal(record));
    } else if let Some(record) = line.strip_prefix("additional:") {
        question.additional.insert(normal(record));
    } else if let Some(record) = line.strip_prefix('~') {
        question.answer.last_mut().expect("a record before `~`").extend(ranged(&normal(record)));
    } else {
        question.answer.push(ranged(&normal(line)).collect());
    }
}

/// `10.11.0.{1..3}` stands for three records of one tier.
fn ranged(record: &str) -> impl Iterator<Item = String> {
    let parts = record.split_once('{').and_then(|(before, rest)| {
        let (range, after) = rest.split_once('}')?;
        let (first, last) = range.split_once("..")?;
        Some((before.to_string(), first.parse().ok()?..=last.parse::<u32>().ok()?, after.to_string()))
    });
    let (before, range, after) = parts.unwrap_or((record.to_string(), 0..=0, String::new()));
    let is_range = before.len() < record.len();
    range.map(move |number| if is_range { format!("{before}{number}{after}") } else { before.clone() })
}

fn normal(record: &str) -> String {
    record.split_whitespace().collect::<Vec<_>>().join(" ")
}
