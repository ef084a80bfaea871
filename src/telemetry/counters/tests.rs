use super::*;
use std::thread;

fn elapsed(micros: u64) -> Elapsed {
    Duration::from_micros(micros).into()
}

#[test]
fn sizes_and_durations_fall_into_the_bucket_of_their_bound() {
    for size in 0..70_000usize {
        let expected = SIZE_BOUNDS.iter().position(|bound| size as u64 <= *bound).unwrap_or(SIZE_BOUNDS.len());
        assert_eq!(size_bucket(size), expected, "size {size}");
    }
    let bounds = duration_bounds();
    for (micros, expected) in [(0, 0), (250, 0), (251, 1), (500, 1), (501, 2), (8_192_000, 15), (8_193_000, 16)] {
        assert_eq!(elapsed(micros).bucket, expected, "{micros} us");
        let counted = bounds.iter().position(|bound| micros as f64 / 1e6 <= *bound).unwrap_or(bounds.len());
        assert_eq!(counted, expected, "{micros} us against the bounds");
    }
}

#[test]
fn one_reply_counts_once_in_each_figure() {
    let counters = Counters::default();
    let worker = counters.worker("dns://:53", Transport::Udp);
    let outcome = Outcome::new(2, 5, 1, 3).with_ede(3).with_truncated(true).with_stale(true).with_dnssec_ok(true);
    worker.record(outcome, Family::V6, 50, 512, elapsed(300));
    let snapshot = counters.snapshot();
    let [server] = &snapshot.servers[..] else { panic!("one server: {snapshot:?}") };
    let [cell] = &server.cells[..] else { panic!("one cell: {server:?}") };
    assert_eq!((server.server.as_str(), server.transport), ("dns://:53", Transport::Udp));
    assert_eq!((cell.zone, cell.view), (2, 5));
    assert_eq!((cell.requests[1][1], cell.requests[0][1], cell.responses[3]), (1, 0, 1));
    assert_eq!((cell.durations[1], cell.duration_nanos), (1, 300_000));
    assert_eq!((cell.request_sizes[1], cell.request_octets), (1, 50));
    assert_eq!((cell.response_sizes[6], cell.response_octets), (1, 512));
    assert_eq!((cell.dnssec_ok, cell.stale, cell.truncated, server.ede[3]), (1, 1, 1, 1));
    assert_eq!((server.malformed, server.panics), (0, 0));
}

#[test]
fn workers_of_one_server_are_summed_and_others_stay_apart() {
    let counters = Arc::new(Counters::default());
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let worker = counters.worker(if number < 2 { "dns://:53" } else { "dns://:5301" }, Transport::Udp);
            thread::spawn(move || {
                for _ in 0..1_000 {
                    worker.record(Outcome::new(NO_ZONE, 0, 19, 5), Family::V4, 30, 30, elapsed(1));
                    worker.record(Outcome::new(0, 63, 0, 0), Family::V4, 30, 90, elapsed(1));
                }
                worker.drop_messages(Dropped::Short, 1);
                worker.panicked();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let snapshot = counters.snapshot();
    assert_eq!(snapshot.panics(), 4);
    assert_eq!(snapshot.servers.len(), 2);
    for server in &snapshot.servers {
        let seen: Vec<_> =
            server.cells.iter().map(|cell| (cell.zone, cell.view, cell.responses.iter().sum())).collect();
        assert_eq!(seen, [(0, 63, 2_000u64), (NO_ZONE, 0, 2_000)], "{}", server.server);
        assert_eq!((server.dropped[Dropped::Short as usize], server.malformed), (2, 2));
    }
}

#[test]
fn numbers_out_of_range_are_counted_in_the_last_slot() {
    let counters = Counters::default();
    let worker = counters.worker("dns://:53", Transport::Tcp);
    let outcome = Outcome::new(254, 200, 200, 200).with_ede(200).with_malformed(true);
    worker.record(outcome, Family::V4, 70_000, 70_000, elapsed(60_000_000));
    let server = &counters.snapshot().servers[0];
    assert_eq!((server.cells[0].zone, server.cells[0].view), (254, 63));
    assert_eq!((server.cells[0].responses[17], server.cells[0].durations[16]), (1, 1));
    assert_eq!((server.ede[31], server.malformed), (1, 1));
}

#[test]
fn connections_are_a_gauge() {
    let counters = Counters::default();
    counters.tcp.opened();
    counters.tcp.opened();
    counters.tcp.closed();
    counters.grpc.refused(Refusal::Client);
    counters.tcp.timed_out(Timeout::Write);
    let snapshot = counters.snapshot();
    assert_eq!((snapshot.tcp.connections, snapshot.tcp.timeouts), (1, [0, 0, 1]));
    assert_eq!(snapshot.grpc.refused, [0, 1, 0, 0]);
}
