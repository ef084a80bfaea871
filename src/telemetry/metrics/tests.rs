use super::*;
use crate::responder::{NO_ZONE, Outcome, Transport};
use crate::telemetry::counters::{Dropped, Family};
use crate::telemetry::figures::ClusterFigures;
use crate::telemetry::histogram::{self, Histogram};
use crate::telemetry::names::{Group, METRICS, NOT_YET, PREFIX};
use prometheus::proto::MetricType;
use std::collections::BTreeSet;
use std::time::Duration;

/// Figures in which nothing is missing.
struct Full;

fn one(bounds: histogram::Bounds, value: f64) -> Histogram {
    let mut histogram = Histogram::new(bounds);
    histogram.observe(value);
    histogram
}

impl Figures for Full {
    fn clusters(&self) -> Vec<ClusterFigures> {
        vec![ClusterFigures {
            name: "west".into(),
            state: "suspect",
            synced: true,
            grace_expired: false,
            snapshot_age: Some(12.5),
            brake_active: true,
            brake_total: 2,
            contact_age: vec![("EndpointSlice", 1.5)],
            degraded: vec![("Node", true)],
            objects: vec![("Service", 3)],
            findings: vec![("refused-address", 2)],
            probe_targets: vec![("well", 3), ("ill", 1)],
            connections: vec![("east".into(), "connected")],
            reported: true,
            drained: true,
            syncs: vec![("Service", "start", 1)],
            watch_errors: vec![("Service", "410".into(), 4)],
            requests: vec![("watch", "200".into(), 9)],
            auth_failures: 1,
            panics: 0,
            event_to_answer: Some(one(histogram::LATENCY_SECONDS, 0.0002)),
            programming: vec![("headless_with_selector", one(histogram::PROGRAMMING_SECONDS, 0.3))],
        }]
    }

    fn table(&self) -> TableFigures {
        TableFigures {
            names: 47_863,
            endpoints: 45_000,
            bytes: 10_000_000,
            generation: 50_000,
            publishes: 12,
            phases: vec![("merge", one(histogram::LATENCY_SECONDS, 3e-6))],
            zones: vec![("clusterset.local.".into(), 1_795_000_000), ("global.".into(), 7)],
            views: vec![String::new(), "west".into()],
            conflicts: vec![("PortConflict", 1)],
        }
    }

    fn process(&self) -> ProcessFigures {
        ProcessFigures {
            panics: 1,
            reloads_failed: 2,
            last_reload_successful: true,
            config_generation: 3,
            snapshot_write_failures: 4,
            snapshot_bytes: 5,
            snapshot_loaded_clusters: 6,
            probes: vec![("success", 7), ("failure", 8)],
            tasks: vec![("sources", 9)],
            guarding: true,
        }
    }
}

/// Queries over every transport, with everything that can be counted.
fn counters() -> Arc<Counters> {
    let counters = Counters::default();
    let took = Duration::from_micros(300).into();
    let udp = counters.worker("dns://:53", Transport::Udp);
    let plain = Outcome::new(0, 0, 0, 0);
    udp.record(plain, Family::V4, 50, 130, took);
    udp.record(plain, Family::V4, 50, 130, took);
    udp.record(Outcome::new(NO_ZONE, 0, 19, 5).with_ede(20), Family::V6, 40, 60, took);
    let worst = Outcome::new(1, 1, 8, 0).with_ede(3).with_stale(true).with_truncated(true).with_dnssec_ok(true);
    udp.record(worst, Family::V6, 60, 512, took);
    udp.drop_messages(Dropped::Short, 7);
    // TCP and gRPC of one server label are one series, so that a clash cannot make a scrape fail.
    counters.worker("dns://:53", Transport::Tcp).record(plain, Family::V4, 50, 130, took);
    counters.worker("dns://:53", Transport::Grpc).record(plain, Family::V4, 50, 130, took);
    counters.tcp.opened();
    Arc::new(counters)
}

fn text(prefix: &str) -> String {
    let health = Arc::new(Shared::new(histogram::HEALTH_SECONDS));
    health.observe(0.001);
    Metrics::new(prefix, Sources { counters: counters(), figures: Arc::new(Full), health }).unwrap().text()
}

/// Names of the families in a text, with kind and label names (`le` aside).
fn families(text: &str) -> BTreeSet<(String, String, BTreeSet<String>)> {
    let mut found = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let series = text
            .lines()
            .find(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name}_bucket{{")));
        let labels = series
            .and_then(|line| line.split_once('{'))
            .and_then(|(_, rest)| rest.split_once("} "))
            .map_or("", |(labels, _)| labels);
        let labels = labels.split("\",").filter_map(|pair| pair.split_once('=')).map(|(label, _)| label.to_owned());
        found.insert((name.to_owned(), kind.to_owned(), labels.filter(|label| label != "le").collect()));
    }
    found
}

fn listed(prefix: &str) -> BTreeSet<(String, String, BTreeSet<String>)> {
    let kind = |kind| match kind {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        _ => "histogram",
    };
    let entry = |metric: &crate::telemetry::names::Metric| {
        let labels = metric.labels.iter().map(|label| (*label).to_owned()).collect();
        (metric.full_name(prefix), kind(metric.kind).to_owned(), labels)
    };
    METRICS.iter().map(entry).collect()
}

#[test]
fn what_is_gathered_is_what_is_listed() {
    for prefix in [PREFIX, "coredns"] {
        let (gathered, listed) = (families(&text(prefix)), listed(prefix));
        let missing: Vec<_> = listed.difference(&gathered).collect();
        let unlisted: Vec<_> = gathered.difference(&listed).collect();
        assert!(missing.is_empty() && unlisted.is_empty(), "missing {missing:?}, not listed {unlisted:?}");
    }
}

#[test]
fn the_list_holds_every_name_of_operations_md() {
    // Section 2 of OPERATIONS.md, in its order.
    const OPERATIONS: &str = "dns_requests_total dns_responses_total dns_request_duration_seconds dns_request_size_bytes \
        dns_response_size_bytes dns_do_requests_total plugin_enabled panics_total reload_failed_total \
        health_request_duration_seconds build_info kubernetes_dns_programming_duration_seconds cluster_state \
        cluster_synced cluster_contact_age_seconds cluster_kind_degraded cluster_grace_expired cluster_brake_active \
        cluster_brake_total cluster_syncs_total cluster_watch_errors_total cluster_requests_total \
        cluster_auth_failures_total cluster_objects cluster_findings cluster_snapshot_age_seconds table_publish_total \
        table_publish_duration_seconds table_event_to_answer_seconds table_generation table_names table_endpoints \
        table_bytes table_serial table_conflicts stale_answers_total truncated_total ede_total udp_dropped_total \
        malformed_total tcp_connections tcp_refused_total tcp_timeouts_total grpc_connections grpc_refused_total \
        snapshot_write_failures_total snapshot_bytes snapshot_loaded_clusters config_last_reload_successful \
        config_generation process_resident_memory_bytes process_open_fds process_max_fds process_cpu_seconds_total \
        process_start_time_seconds";
    // Health checks, other evidence, drained clusters, the all-dead guard, and tasks (a soak watches these for growth), which
    // OPERATIONS.md does not list yet.
    const FURTHER: &str = "cluster_connections cluster_drained cluster_probe_targets cluster_reported guard_active \
        probes_total tasks";
    let operations: BTreeSet<&str> = OPERATIONS.split_whitespace().chain(FURTHER.split_whitespace()).collect();
    let ours: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).chain(NOT_YET.iter().copied()).collect();
    assert_eq!(ours, operations);
    assert_eq!(METRICS.len() + NOT_YET.len(), operations.len(), "each name once");
}

#[test]
fn the_prefix_renames_coredns_names_alone() {
    let text = text("coredns");
    for metric in METRICS {
        let expected = match metric.group {
            Group::CoreDns => format!("coredns_{}", metric.name),
            Group::Own => format!("clusterset_dns_{}", metric.name),
            Group::Process => metric.name.to_owned(),
        };
        assert!(text.contains(&format!("# TYPE {expected} ")), "{expected}");
    }
}

#[test]
fn counters_become_the_series_of_operations_md() {
    let text = text(PREFIX);
    for line in [
        // Two over UDP; TCP and gRPC are one protocol.
        "dns_requests_total{family=\"1\",proto=\"udp\",server=\"dns://:53\",type=\"A\",view=\"\",zone=\"clusterset.local.\"} 2",
        "dns_requests_total{family=\"1\",proto=\"tcp\",server=\"dns://:53\",type=\"A\",view=\"\",zone=\"clusterset.local.\"} 2",
        "dns_requests_total{family=\"2\",proto=\"udp\",server=\"dns://:53\",type=\"SRV\",view=\"west\",zone=\"global.\"} 1",
        "dns_responses_total{plugin=\"clusterset\",rcode=\"NOERROR\",server=\"dns://:53\",view=\"\",zone=\"clusterset.local.\"} 4",
        "dns_responses_total{plugin=\"clusterset\",rcode=\"REFUSED\",server=\"dns://:53\",view=\"\",zone=\"dropped\"} 1",
        "dns_request_duration_seconds_bucket{server=\"dns://:53\",view=\"\",zone=\"clusterset.local.\",le=\"0.0005\"} 4",
        "dns_response_size_bytes_sum{proto=\"udp\",server=\"dns://:53\",view=\"\",zone=\"clusterset.local.\"} 260",
        "dns_do_requests_total{server=\"dns://:53\",view=\"west\",zone=\"global.\"} 1",
        "plugin_enabled{name=\"clusterset\",server=\"dns://:53\",view=\"\",zone=\"global.\"} 1",
        "stale_answers_total{view=\"west\"} 1",
        "truncated_total{proto=\"udp\"} 1",
        "ede_total{code=\"20\"} 1",
        "udp_dropped_total{reason=\"short\"} 7",
        "malformed_total{transport=\"udp\"} 7",
        "tcp_connections 1",
        "cluster_state{source_cluster=\"west\",state=\"suspect\"} 1",
        "cluster_state{source_cluster=\"west\",state=\"fresh\"} 0",
        "table_serial{zone=\"clusterset.local.\"} 1795000000",
        "kubernetes_dns_programming_duration_seconds_count{service_kind=\"headless_with_selector\",source_cluster=\"west\"} 1",
        "panics_total 1",
    ] {
        let line = format!("{PREFIX}_{line}");
        let sorted = |line: &str| {
            let (name, rest) = line.split_once('{').unwrap_or((line, ""));
            let mut labels: Vec<_> = rest.split(',').map(|label| label.trim_end_matches('}').to_owned()).collect();
            labels.sort();
            (name.to_owned(), labels)
        };
        let (series, value) = line.rsplit_once(' ').unwrap();
        let found =
            text.lines().filter_map(|line| line.rsplit_once(' ')).find(|(found, _)| sorted(found) == sorted(series));
        assert_eq!(found.map(|(_, value)| value), Some(value), "{series}\n{text}");
    }
}

#[test]
fn the_buckets_are_those_that_are_counted() {
    use crate::telemetry::counters::{SIZE_BOUNDS, duration_bounds};
    assert!(histogram::MESSAGE_BYTES.iter().zip(SIZE_BOUNDS).all(|(ours, counted)| *ours == counted as f64));
    assert_eq!(histogram::MESSAGE_BYTES.len(), SIZE_BOUNDS.len());
    assert_eq!(histogram::REQUEST_SECONDS, duration_bounds());
}

#[test]
fn a_prefix_that_makes_no_name_is_refused() {
    let health = Arc::new(Shared::new(histogram::HEALTH_SECONDS));
    assert!(Metrics::new("1 2", Sources { counters: counters(), figures: Arc::new(Full), health }).is_err());
}

/// The text is what Prometheus reads; needs `promtool`: `cargo test promtool -- --ignored`.
#[test]
#[ignore = "needs promtool of the Debian package prometheus"]
fn promtool_finds_nothing_to_say() {
    use std::io::Write;
    let mut promtool = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("promtool");
    promtool.stdin.take().unwrap().write_all(text(PREFIX).as_bytes()).unwrap();
    assert!(promtool.wait().unwrap().success());
}
