//! Questions at a rate that no child process allows: single fast ones, and one asked without pause in the background.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

/// What a name answers: its addresses, or the response code in words when that is not `NoError`.
pub type Answer = Result<BTreeSet<String>, String>;

/// Asks 127.0.0.1 by UDP for the A records of a name; silence for 2 s is the answer `no reply`.
pub fn ask(port: u16, name: &str) -> Answer {
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_ascii(name).expect("a DNS name"), RecordType::A));
    let bytes = query.to_vec().expect("a query has a wire form");
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a UDP socket");
    socket.connect((Ipv4Addr::LOCALHOST, port)).expect("connect a UDP socket");
    socket.set_read_timeout(Some(Duration::from_secs(2))).expect("set a time-out");
    let mut buffer = [0; 65_535];
    let length =
        socket.send(&bytes).and_then(|_| socket.recv(&mut buffer)).map_err(|error| format!("no reply: {error}"))?;
    let reply = Message::from_vec(&buffer[..length]).map_err(|error| format!("unreadable: {error}"))?;
    if reply.metadata.response_code != ResponseCode::NoError {
        return Err(format!("{:?}", reply.metadata.response_code));
    }
    Ok(reply.answers.iter().map(|record| record.data.to_string()).collect())
}

/// Addresses as a set, to compare with an [`Answer`].
pub fn set(addresses: &[&str]) -> BTreeSet<String> {
    addresses.iter().map(|&address| address.to_owned()).collect()
}

/// Polls a name until it answers `wanted`; the time since `since`. Fails after `limit`.
pub fn until(port: u16, name: &str, wanted: &Answer, since: Instant, limit: Duration) -> Duration {
    loop {
        let got = ask(port, name);
        if got == *wanted {
            return since.elapsed();
        }
        assert!(since.elapsed() < limit, "{name}: {got:?} instead of {wanted:?} after {limit:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Asks one name again and again in a thread of its own, and keeps every answer that is not allowed.
pub struct Probe {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<(u64, Vec<String>)>>,
}

impl Probe {
    /// Starts asking; each answer must be one of `allowed`.
    pub fn start(port: u16, name: &str, allowed: &[BTreeSet<String>]) -> Probe {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, name, allowed) = (stop.clone(), name.to_owned(), allowed.to_vec());
        let thread = std::thread::spawn(move || {
            let (mut asked, mut wrong) = (0, Vec::new());
            let started = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                let answer = ask(port, &name);
                asked += 1;
                if !answer.as_ref().is_ok_and(|addresses| allowed.contains(addresses)) {
                    wrong.push(format!("after {:?}: {name}: {answer:?}", started.elapsed()));
                }
                std::thread::sleep(Duration::from_millis(3));
            }
            (asked, wrong)
        });
        Probe { stop, thread: Some(thread) }
    }

    /// Stops, and fails if one answer was wrong. The number of questions asked.
    pub fn finish(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("a probe is finished once");
        let (asked, wrong) = thread.join().expect("the asking thread does not panic");
        assert!(
            wrong.is_empty(),
            "{} of {asked} answers were wrong, the first: {:#?}",
            wrong.len(),
            &wrong[..wrong.len().min(5)]
        );
        assert!(asked > 0, "nothing was asked");
        asked
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
