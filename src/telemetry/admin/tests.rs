use super::*;
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// A running admin server on one loopback port, with what `/ready` shall miss.
struct Server {
    address: SocketAddr,
    missing: Arc<Mutex<Vec<String>>>,
    sources: Arc<Sources>,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<()>,
}

async fn start(monitor: Monitor) -> Server {
    let address: Vec<SocketAddr> = vec!["127.0.0.1:0".parse().unwrap()];
    let addresses =
        Addresses { health: address.clone(), ready: address.clone(), metrics: address.clone(), admin: address };
    let bound = bind(&addresses).await.unwrap();
    let address = bound.addresses(Path::Health)[0];
    assert_eq!(bound.addresses(Path::Explain), [address], "equal addresses share a listener");
    let missing = Arc::new(Mutex::new(Vec::new()));
    let of_gate = Arc::clone(&missing);
    let sources = Arc::new(Sources {
        hanging: Box::new(Vec::new),
        readiness: Arc::new(Gate::new(monitor, move || of_gate.lock().unwrap().clone())),
        metrics: Box::new(|| "clusterset_dns_panics_total 0\n".to_owned()),
        explain: Some(Box::new(|question| match &*question.format {
            "json" => Explained::Json(format!("{{\"name\":\"{}\"}}", question.name)),
            "" | "text" => Explained::Text(format!("{} {} {}", question.name, question.rtype, question.view)),
            other => Explained::Refused(format!("format {other}: use text or json")),
        })),
    });
    let (stop, stopped) = oneshot::channel();
    let served = serve(bound, Arc::clone(&sources), async {
        let _ = stopped.await;
    });
    let running = tokio::spawn(served);
    Server { address, missing, sources, stop, running }
}

/// Status, content type and body of one request.
async fn get(address: SocketAddr, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let content = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    (status, content.to_owned(), body.to_owned())
}

async fn status(address: SocketAddr, path: &str) -> (u16, String) {
    let (status, _, body) = get(address, path).await;
    (status, body)
}

#[tokio::test]
async fn ready_lists_what_is_missing_until_it_was_ready_once() {
    let server = start(Monitor::UntilReady).await;
    let line = "cluster west: not synced: list endpointslices: 403 Forbidden";
    server.missing.lock().unwrap().push(line.to_owned());
    server.missing.lock().unwrap().push("zone clusterset.local: no data".to_owned());
    let body = format!("{line}\nzone clusterset.local: no data\n");
    assert_eq!(status(server.address, "/ready").await, (503, body));
    assert_eq!(status(server.address, "/health").await, (200, "OK".to_owned()), "health knows no clusters");
    server.missing.lock().unwrap().clear();
    assert_eq!(status(server.address, "/ready").await, (200, "OK".to_owned()));
    server.missing.lock().unwrap().push(line.to_owned());
    assert_eq!(status(server.address, "/ready").await, (200, "OK".to_owned()), "stays ready through an outage");
    server.sources.readiness.drain();
    assert_eq!(status(server.address, "/ready").await.0, 503, "not ready from the drain on");
    server.stop.send(()).unwrap();
    server.running.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "closed after the stop");
}

#[tokio::test]
async fn ready_reports_continuously_when_told_to() {
    let server = start(Monitor::Continuously).await;
    assert_eq!(status(server.address, "/ready").await.0, 200);
    server.missing.lock().unwrap().push("cluster west: stale".to_owned());
    assert_eq!(status(server.address, "/ready").await, (503, "cluster west: stale\n".to_owned()));
}

#[tokio::test]
async fn metrics_and_explain_answer_in_their_formats() {
    let server = start(Monitor::UntilReady).await;
    let (code, content, body) = get(server.address, "/metrics").await;
    assert_eq!((code, &*body), (200, "clusterset_dns_panics_total 0\n"));
    assert_eq!(content, "text/plain; version=0.0.4; charset=utf-8");
    let (code, content, body) = get(server.address, "/explain?name=a.b&type=SRV&view=west").await;
    assert_eq!((code, &*body), (200, "a.b SRV west"));
    assert!(content.starts_with("text/plain"), "{content}");
    let (_, content, body) = get(server.address, "/explain?name=a.b&format=json").await;
    assert_eq!((&*content, &*body), ("application/json", "{\"name\":\"a.b\"}"));
    for bad in ["/explain", "/explain?name=", "/explain?name=a&format=xml"] {
        assert_eq!(status(server.address, bad).await.0, 400, "{bad}");
    }
    assert_eq!(status(server.address, "/other").await.0, 404);
}

#[tokio::test]
async fn bind_errors_name_the_key_and_the_way_out() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(&Addresses { ready: vec![address], ..Addresses::default() }).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("listen.ready: {address}: the address is in use;")), "{error}");
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let admin = vec![open.parse().unwrap()];
        let error = bind(&Addresses { admin, ..Addresses::default() }).await.unwrap_err().to_string();
        assert!(error.contains("loopback only"), "{error}");
    }
    let health = vec!["192.0.2.1:0".parse().unwrap()];
    let error = bind(&Addresses { health, ..Addresses::default() }).await.unwrap_err().to_string();
    assert!(error.contains("no interface has this address"), "{error}");
}

#[tokio::test]
async fn nothing_listens_where_every_path_is_off() {
    let bound = bind(&Addresses::default()).await.unwrap();
    assert!(Path::ALL.into_iter().all(|path| bound.addresses(path).is_empty()));
}
