//! Streams as clients other than tonic's may send them: in parts, too late, compressed, with more than was asked for.

use super::*;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use prost::bytes::Bytes;
use tokio::task::JoinHandle;

const QUERY: &str = "/coredns.dns.DnsService/Query";

/// A client of HTTP/2 that knows nothing of gRPC.
struct Http {
    send: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

struct Reply {
    message: Vec<u8>,
    headers: HeaderMap,
    trailers: HeaderMap,
}

impl Reply {
    /// Of the trailers, or of the headers of a status alone.
    fn code(&self) -> Code {
        let status = self.trailers.get("grpc-status").or(self.headers.get("grpc-status")).unwrap();
        Code::from_bytes(status.as_bytes())
    }
}

/// A request of which the end has not been sent.
struct Open {
    response: h2::client::ResponseFuture,
    body: h2::SendStream<Bytes>,
}

impl Open {
    fn send(&mut self, octets: &[u8], last: bool) {
        self.body.send_data(Bytes::copy_from_slice(octets), last).unwrap();
    }

    async fn reply(self) -> Reply {
        let (head, mut body) = timeout(LIMIT, self.response).await.expect("a response").unwrap().into_parts();
        assert_eq!(
            (head.status, &head.headers["content-type"]),
            (http::StatusCode::OK, &"application/grpc".parse().unwrap())
        );
        let mut message = Vec::new();
        while let Some(part) = body.data().await {
            let part = part.unwrap();
            body.flow_control().release_capacity(part.len()).unwrap();
            message.extend_from_slice(&part);
        }
        // A stream that is reset has no trailers: a status alone is in the headers.
        let trailers = body.trailers().await.ok().flatten().unwrap_or_default();
        Reply { message, headers: head.headers, trailers }
    }
}

impl Http {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        Http { send, connection: tokio::spawn(connection) }
    }

    async fn open(&mut self, path: &str, headers: &[(&'static str, &'static str)]) -> Open {
        let mut request = Request::post(format!("http://dns.example{path}")).header("content-type", "application/grpc");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut send = self.send.clone().ready().await.unwrap();
        let (response, body) = send.send_request(request.body(()).unwrap(), false).unwrap();
        Open { response, body }
    }

    async fn ask(&mut self, body: &[u8], headers: &[(&'static str, &'static str)]) -> Reply {
        let mut open = self.open(QUERY, headers).await;
        open.send(body, true);
        open.reply().await
    }
}

/// A query as a gRPC message.
pub fn framed(query: &[u8]) -> Vec<u8> {
    let packet = prost::Message::encode_to_vec(&super::super::generated::DnsPacket { msg: query.to_vec().into() });
    [&[0], &(packet.len() as u32).to_be_bytes()[..], &packet].concat()
}

#[tokio::test]
async fn a_request_may_come_in_parts_and_with_trailers_and_more_than_its_message() {
    let running = Running::plain().await;
    let mut http = Http::connect(running.address).await;
    let whole = framed(&query(1, "in parts"));
    for parts in [1, 3, 5, whole.len()] {
        let mut open = http.open(QUERY, &[]).await;
        for part in whole.chunks(whole.len().div_ceil(parts)) {
            open.send(part, false);
            // Lets it go out alone.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        open.send(b"more", false);
        open.body.send_trailers(HeaderMap::from_iter([("x-more".parse().unwrap(), "1".parse().unwrap())])).unwrap();
        let reply = open.reply().await;
        assert_eq!((reply.code(), &reply.message[7..]), (Code::Ok, &whole_reply(1, "in parts")[..]), "{parts} parts");
    }
}

fn whole_reply(id: u16, text: &str) -> Vec<u8> {
    let mut reply = query(id, text);
    reply[2] |= 0x80;
    reply
}

#[tokio::test]
async fn what_is_no_message_is_told_by_status_and_the_connection_goes_on() {
    let running = Running::plain().await;
    let mut http = Http::connect(running.address).await;
    let whole = framed(&query(1, "x"));
    let with_flag = |flag: u8| [&[flag], &whole[1..]].concat();
    let unknown_field = [&[0, 0, 0, 0, whole.len() as u8 - 5 + 2, 0x10, 7], &whole[5..]].concat();
    let gzip: &[_] = &[("grpc-encoding", "gzip")];
    let identity: &[_] = &[("grpc-encoding", "identity")];
    let cases: Vec<(&str, Vec<u8>, &[_], Code)> = vec![
        ("nothing", vec![], &[], Code::InvalidArgument),
        ("a cut prefix", whole[..3].to_vec(), &[], Code::InvalidArgument),
        ("a cut message", whole[..whole.len() - 1].to_vec(), &[], Code::InvalidArgument),
        ("no protobuf", vec![0, 0, 0, 0, 2, 0x0a, 9], &[], Code::InvalidArgument),
        ("a packet without a field", vec![0; 5], &[], Code::InvalidArgument),
        ("a flag that is none", with_flag(2), &[], Code::InvalidArgument),
        ("compressed, it does not say how", with_flag(1), &[], Code::InvalidArgument),
        ("compressed", with_flag(1), gzip, Code::Unimplemented),
        (
            "too long, told by the first octets",
            [&[0, 0, 1, 0, 4], &[0; 100][..]].concat(),
            &[],
            Code::ResourceExhausted,
        ),
        ("an unknown field", unknown_field, &[], Code::Ok),
        ("compressed by identity: by nothing", whole.clone(), identity, Code::Ok),
    ];
    for (what, body, headers, code) in cases {
        let reply = http.ask(&body, headers).await;
        assert_eq!(reply.code(), code, "{what}");
        assert_eq!(reply.headers.contains_key("grpc-accept-encoding"), code == Code::Unimplemented, "{what}");
    }
    assert_eq!(running.counters.snapshot().grpc.connections, 1, "every case went over one connection");
}

#[tokio::test]
async fn a_request_that_stops_half_way_is_cancelled_and_holds_nobody_up() {
    let limits = GrpcLimits { deadline: Duration::from_millis(300), ..GrpcLimits::default() };
    let running = Running::start(limits, None).await;
    let mut http = Http::connect(running.address).await;
    let whole = framed(&query(1, "half"));
    let mut halves = Vec::new();
    for length in [0, 3, 5, 9] {
        let mut open = http.open(QUERY, &[]).await;
        open.send(&whole[..length], false);
        halves.push(open);
    }
    // Its message is whole, its stream is not.
    let mut not_ended = http.open(QUERY, &[]).await;
    not_ended.send(&whole, false);
    halves.push(not_ended);
    assert_eq!(http.ask(&whole, &[]).await.code(), Code::Ok);
    for half in halves {
        assert_eq!(half.reply().await.code(), Code::Cancelled);
    }
    assert_eq!(http.ask(&whole, &[]).await.code(), Code::Ok);
    assert_eq!(running.counters.snapshot().grpc.connections, 1);
}

#[tokio::test]
async fn unfinished_requests_give_back_what_they_took_of_the_connections_window() {
    let limits = GrpcLimits { deadline: Duration::from_secs(1), ..GrpcLimits::default() };
    let running = Running::start(limits, None).await;
    let mut http = Http::connect(running.address).await;
    let longest = framed(&query(1, &"x".repeat(65_535 - 12)));
    let mut halves = Vec::new();
    // Four times as much as the connection may send ahead.
    for _ in 0..64 {
        let mut open = http.open(QUERY, &[]).await;
        open.send(&longest[..65_000], false);
        halves.push(open);
    }
    for half in halves {
        assert_eq!(half.reply().await.code(), Code::Cancelled);
    }
    for _ in 0..64 {
        assert_eq!(http.ask(&longest, &[]).await.code(), Code::Ok);
    }
}

#[tokio::test]
async fn a_connection_with_a_request_under_way_does_not_give_way() {
    let limits = GrpcLimits { per_client: 1, ..GrpcLimits::default() };
    let running = Running::start(limits, None).await;
    let mut http = Http::connect(running.address).await;
    let whole = framed(&query(1, "first"));
    let mut open = http.open(QUERY, &[]).await;
    open.send(&whole[..9], false);
    assert_eq!(http.ask(&whole, &[]).await.code(), Code::Ok, "what came before has been read");
    closes(TcpStream::connect(running.address).await.unwrap()).await;
    open.send(&whole[9..], true);
    assert_eq!(open.reply().await.code(), Code::Ok);
    assert_eq!(running.counters.snapshot().grpc.refused, [0, 1, 0, 0]);
}

#[tokio::test]
async fn a_drain_lets_a_request_finish_and_then_ends_the_connection() {
    let running = Running::plain().await;
    let mut http = Http::connect(running.address).await;
    let whole = framed(&query(1, "finish"));
    let mut open = http.open(QUERY, &[]).await;
    open.send(&whole[..9], false);
    assert_eq!(http.ask(&whole, &[]).await.code(), Code::Ok, "what came before has been read");
    let drain = tokio::spawn(running.serving.drain(Duration::from_secs(3600)));
    // GOAWAY has come: the client opens no stream any more.
    let refused = async {
        while http.send.clone().ready().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, refused).await.expect("the server says that it goes");
    open.send(&whole[9..], true);
    assert_eq!(open.reply().await.code(), Code::Ok);
    timeout(LIMIT, drain).await.expect("the drain ends").unwrap();
    timeout(LIMIT, http.connection).await.expect("the connection ends").unwrap().unwrap();
}

#[tokio::test]
async fn streams_and_headers_are_limited() {
    let running = Running::start(GrpcLimits { streams: 3, ..GrpcLimits::default() }, None).await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (send, mut connection) = h2::client::handshake::<_>(stream).await.unwrap();
    let reached = async {
        while connection.max_concurrent_send_streams() != 3 {
            let step = std::future::poll_fn(|cx| {
                let _ = std::pin::Pin::new(&mut connection).poll(cx);
                std::task::Poll::Ready(())
            });
            step.await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, reached).await.expect("the server says how many streams there may be");
    let connection = tokio::spawn(connection);
    let mut http = Http { send, connection };
    let long: &'static str = "x".repeat(9 * 1024).leak();
    let open = http.open(QUERY, &[("x-long", long)]).await;
    let response = timeout(LIMIT, open.response).await.expect("a response");
    assert!(response.is_err() || response.is_ok_and(|response| response.status() == 431));
    assert_eq!(http.ask(&framed(&query(1, "still here")), &[]).await.code(), Code::Ok);
}
