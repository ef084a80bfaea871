//! The book by itself, the task with a prober and a clusterset that are played, and real probes on the loopback.

use super::book::{Book, MOST_TARGETS};
use super::*;
use crate::model::ClusterId;
use crate::model::probe::{Check, Evidence, Request};
use crate::model::remark::Remark;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn target(request: &str, address: &str) -> Target {
    let check = Check { failures: 2, successes: 2, ..Check::new(Request::parse(request).unwrap()) };
    Target { cluster: ClusterId::new("west"), address: address.parse().unwrap(), check: Arc::new(check) }
}

fn wanted(targets: &[Target]) -> BTreeMap<Target, Arc<str>> {
    targets.iter().map(|target| (target.clone(), "shop/web".into())).collect()
}

fn end(book: &mut Book, target: &Target, result: Result<(), &str>, at: i64) -> Option<Remark> {
    book.end(target, &result.map_err(String::from), at)
}

#[test]
fn probes_are_spread_over_their_interval_and_never_two_of_one_target_at_once() {
    let targets: Vec<Target> = (1..=100).map(|last| target("tcp:80", &format!("198.51.100.{last}"))).collect();
    let mut book = Book::default();
    book.want(wanted(&targets), seconds(0));
    let first = book.begin(seconds(5), 1000).len();
    assert!((20..80).contains(&first), "about half in half the interval: {first}");
    assert_eq!(first + book.begin(seconds(10), 1000).len(), 100);
    assert!(book.begin(seconds(100), 1000).is_empty(), "all are under way");
    for target in &targets {
        end(&mut book, target, Ok(()), 100);
    }
    assert_eq!(book.begin(seconds(100), 7).len(), 7, "no more than there is room for");
}

#[test]
fn an_ill_target_is_evidence_until_it_is_well_again_and_each_turn_is_one_line() {
    let web = target("http:8080/health", "198.51.100.1");
    let mut book = Book::default();
    book.want(wanted(std::slice::from_ref(&web)), seconds(0));
    assert_eq!(end(&mut book, &web, Err("connection refused"), 10), None);
    assert_eq!(book.take_changed(), None);
    let Some(Remark::Warning(line)) = end(&mut book, &web, Err("connection refused"), 20) else { panic!("no line") };
    for part in ["cluster west: shop/web:", "http:8080/health of 198.51.100.1", "2 times in a row (connection refused)"]
    {
        assert!(line.contains(part), "{line}");
    }
    let why = book.take_changed().unwrap()[&web].to_string();
    assert!(why.ends_with("since 1970-01-01T00:00:20Z"), "{why}");
    assert_eq!(end(&mut book, &web, Err("other"), 30), None, "still ill");
    assert_eq!(end(&mut book, &web, Ok(()), 40), None);
    assert!(matches!(end(&mut book, &web, Ok(()), 50), Some(Remark::Information(_))));
    assert_eq!(book.take_changed(), Some(Evidence::new()));
}

#[test]
fn a_target_that_nobody_wants_any_more_is_no_evidence() {
    let (web, db) = (target("tcp:80", "198.51.100.1"), target("tcp:80", "198.51.100.2"));
    let mut book = Book::default();
    book.want(wanted(&[web.clone(), db.clone()]), seconds(0));
    (0..2).for_each(|at| drop(end(&mut book, &web, Err("x"), at)));
    assert_eq!(book.take_changed().unwrap().len(), 1);
    book.want(wanted(&[db]), seconds(9));
    assert_eq!(book.take_changed(), Some(Evidence::new()));
    assert_eq!(end(&mut book, &web, Err("x"), 10), None);
    assert_eq!(book.counts()[&ClusterId::new("west")], (1, 0));
}

#[test]
fn targets_beyond_the_limit_are_said_once() {
    let address = |number: usize| format!("10.0.{}.{}", number / 250, number % 250);
    let many: Vec<Target> = (0..MOST_TARGETS + 5).map(|number| target("tcp:80", &address(number))).collect();
    let mut book = Book::default();
    assert!(
        matches!(book.want(wanted(&many), seconds(0)), Some(Remark::Warning(text)) if text.contains("5 addresses"))
    );
    assert_eq!(book.want(wanted(&many), seconds(1)), None);
    assert_eq!(book.counts()[&ClusterId::new("west")], (MOST_TARGETS as u64, 0));
}

/// Fails while told to.
struct Played(Arc<AtomicBool>);

impl Prober for Played {
    async fn probe(&self, _: Target) -> Result<(), String> {
        if self.0.load(Ordering::Relaxed) { Err("played".to_owned()) } else { Ok(()) }
    }
}

type Wanted = BTreeMap<Target, Arc<str>>;

struct PlayedSet(Arc<Mutex<Option<Wanted>>>, mpsc::UnboundedSender<Evidence>);

impl Clusterset for PlayedSet {
    fn changed(&mut self) -> bool {
        true
    }

    async fn targets(&mut self) -> Option<BTreeMap<Target, Arc<str>>> {
        self.0.lock().unwrap().clone()
    }

    async fn probed(&mut self, evidence: Evidence) {
        self.1.send(evidence).unwrap();
    }
}

#[tokio::test]
async fn evidence_comes_and_goes_with_the_target_and_the_task_ends_with_the_writer() {
    let mut web = target("tcp:80", "198.51.100.1");
    web.check = Arc::new(Check { interval: Duration::from_millis(100), ..(*web.check).clone() });
    let (fails, figures) = (Arc::new(AtomicBool::new(true)), Arc::new(Figures::default()));
    let targets = Arc::new(Mutex::new(Some(wanted(std::slice::from_ref(&web)))));
    let (sender, mut handed) = mpsc::unbounded_channel();
    let set = PlayedSet(Arc::clone(&targets), sender);
    let task = tokio::spawn(run(Played(Arc::clone(&fails)), set, Arc::clone(&figures)));
    assert!(handed.recv().await.unwrap().contains_key(&web));
    fails.store(false, Ordering::Relaxed);
    assert!(handed.recv().await.unwrap().is_empty());
    let (succeeded, failed) = figures.results();
    assert!(succeeded >= 2 && failed >= 2, "its thresholds: {succeeded}, {failed}");
    *targets.lock().unwrap() = None;
    task.await.unwrap();
}

/// Answers every connection with these octets.
async fn server(reply: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    });
    port
}

async fn tls_server(reply: &'static str) -> u16 {
    let made = rcgen::generate_simple_self_signed(["elsewhere.example".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    });
    port
}

async fn ask(request: String) -> Result<(), String> {
    Network::new().unwrap().probe(target(&request, "127.0.0.1")).await
}

#[tokio::test]
async fn what_counts_as_success_over_the_network() {
    let (ok, moved) = ("HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 302 Found\r\n\r\n");
    let plain = server(ok).await;
    assert_eq!(ask(format!("tcp:{plain}")).await, Ok(()));
    assert_eq!(ask(format!("http:{plain}/health")).await, Ok(()));
    assert_eq!(ask(format!("http:{}", server(moved).await)).await, Ok(()));
    let ill = ask(format!("http:{}", server("HTTP/1.1 503 Busy\r\n\r\n").await)).await;
    assert_eq!(ill, Err("HTTP status 503".to_owned()));
    let foreign = ask(format!("http:{}", server("220 mail.example ESMTP\r\n").await)).await;
    assert_eq!(foreign, Err("the reply is not HTTP".to_owned()));
    assert_eq!(ask(format!("https:{}", tls_server(ok).await)).await, Ok(()), "any certificate");
    assert!(ask(format!("https:{plain}")).await.unwrap_err().starts_with("TLS: "));
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    assert!(ask(format!("tcp:{closed}")).await.is_err());
}
