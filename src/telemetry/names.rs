//! The one list of every metric: name, kind, labels, help (OPERATIONS.md section 2).
//!
//! Tests compare it with what is gathered, and with the names of OPERATIONS.md, in both directions.

use prometheus::proto::MetricType;

/// The prefix of everything that `metrics.prefix` does not rename.
pub const PREFIX: &str = "clusterset_dns";

/// Which prefix a name stands behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// CoreDNS's names: behind `metrics.prefix`.
    CoreDns,
    /// Behind [`PREFIX`].
    Own,
    /// Standard names of any process: no prefix.
    Process,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub group: Group,
    pub kind: MetricType,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

const fn metric(
    group: Group,
    kind: MetricType,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, group, kind, labels, help }
}

use Group::{CoreDns, Own, Process};
use MetricType::{COUNTER, GAUGE, HISTOGRAM};

const VIEW: &[&str] = &["server", "zone", "view"];
const VIEW_PROTO: &[&str] = &["server", "zone", "view", "proto"];
const CLUSTER: &[&str] = &["source_cluster"];
const CLUSTER_KIND: &[&str] = &["source_cluster", "kind"];

/// Every metric that this server exports.
#[rustfmt::skip]
pub const METRICS: &[Metric] = &[
    metric(CoreDns, COUNTER, "dns_requests_total", &["server", "zone", "view", "proto", "family", "type"], "Queries received."),
    metric(CoreDns, COUNTER, "dns_responses_total", &["server", "zone", "view", "rcode", "plugin"], "Replies sent, by response code."),
    metric(CoreDns, HISTOGRAM, "dns_request_duration_seconds", VIEW, "Time from the receive to the reply of a batch, once per reply."),
    metric(CoreDns, HISTOGRAM, "dns_request_size_bytes", VIEW_PROTO, "Size of queries in octets."),
    metric(CoreDns, HISTOGRAM, "dns_response_size_bytes", VIEW_PROTO, "Size of replies in octets."),
    metric(CoreDns, COUNTER, "dns_do_requests_total", VIEW, "Queries with the DO bit set."),
    metric(CoreDns, GAUGE, "plugin_enabled", &["server", "zone", "view", "name"], "1: this zone is answered by the plugin of that name on this listener."),
    metric(CoreDns, COUNTER, "panics_total", &[], "Tasks or threads that panicked and were started again."),
    metric(CoreDns, COUNTER, "reload_failed_total", &[], "Reloads of the configuration that were refused; the old one stayed."),
    metric(CoreDns, HISTOGRAM, "health_request_duration_seconds", &[], "Time of one request to our own health endpoint."),
    metric(CoreDns, GAUGE, "build_info", &["version", "revision", "goversion"], "1; version of the program, its revision, and of rustc (label goversion)."),
    metric(CoreDns, HISTOGRAM, "kubernetes_dns_programming_duration_seconds", &["service_kind", "source_cluster"], "Time from a change in the API (endpoints.kubernetes.io/last-change-trigger-time) to the changed answer."),

    metric(Own, GAUGE, "cluster_state", &["source_cluster", "state"], "1 for the state a cluster is in, 0 for the others."),
    metric(Own, GAUGE, "cluster_synced", CLUSTER, "1: every required kind of the cluster was listed once."),
    metric(Own, GAUGE, "cluster_contact_age_seconds", CLUSTER_KIND, "Time since the last sign of life of a kind."),
    metric(Own, GAUGE, "cluster_kind_degraded", CLUSTER_KIND, "1: the kind cannot be read (missing permission, not served); the rest of the cluster goes on."),
    metric(Own, GAUGE, "cluster_grace_expired", CLUSTER, "1: the cluster was never reached and its grace is over; names it could own are denied."),
    metric(Own, GAUGE, "cluster_reported", CLUSTER, "1: a ClusterProfile, or the Submariner gateways of other clusters, speak against the cluster."),
    metric(Own, GAUGE, "cluster_drained", CLUSTER, "1: the configuration drains the cluster: it is left out where another one can answer."),
    metric(Own, GAUGE, "cluster_snapshot_age_seconds", CLUSTER, "While a cluster is served from a snapshot: time since its last contact."),
    metric(Own, GAUGE, "cluster_brake_active", CLUSTER, "1: a list lacked most of the cluster; what it lacked is served until a second list agrees."),
    metric(Own, COUNTER, "cluster_brake_total", CLUSTER, "Lists of which the deletions had to wait for a second one."),
    metric(Own, COUNTER, "cluster_syncs_total", &["source_cluster", "kind", "reason"], "Complete lists swapped in."),
    metric(Own, COUNTER, "cluster_watch_errors_total", &["source_cluster", "kind", "code"], "Watches and lists that ended in an error, by status code."),
    metric(Own, COUNTER, "cluster_requests_total", &["source_cluster", "verb", "code"], "Requests to the API server."),
    metric(Own, COUNTER, "cluster_auth_failures_total", CLUSTER, "Requests that the API server answered with 401, or whose credentials could not be made."),
    metric(Own, GAUGE, "cluster_objects", CLUSTER_KIND, "Objects held."),
    metric(Own, GAUGE, "cluster_findings", &["source_cluster", "code"], "Warnings about objects that stand now; `check` and `explain` list them."),
    metric(Own, GAUGE, "cluster_connections", &["source_cluster", "witness", "status"], "What the Submariner gateways of another cluster say of their connection to this one: 1 for its status."),
    metric(Own, GAUGE, "cluster_probe_targets", &["source_cluster", "state"], "Addresses with a health check, by what it shows: well or ill."),

    metric(Own, COUNTER, "table_publish_total", &[], "Publishes: one or more changed names applied together."),
    metric(Own, HISTOGRAM, "table_publish_duration_seconds", &["phase"], "Time of one publish in merge, compile and apply."),
    metric(Own, HISTOGRAM, "table_event_to_answer_seconds", CLUSTER, "Time from an event received to the answer changed."),
    metric(Own, GAUGE, "table_generation", &[], "Names changed in the table since the start."),
    metric(Own, GAUGE, "table_names", &[], "Owner names in the table."),
    metric(Own, GAUGE, "table_endpoints", &[], "Endpoint addresses held for merging."),
    metric(Own, GAUGE, "table_bytes", &[], "Octets of the Blocks in the table."),
    metric(Own, GAUGE, "table_serial", &["zone"], "SOA serial of a zone."),
    metric(Own, GAUGE, "table_conflicts", &["reason"], "Services whose exports disagree, by KEP-1645 reason."),

    metric(Own, COUNTER, "stale_answers_total", &["view"], "Replies that held addresses of a stale cluster."),
    metric(Own, COUNTER, "truncated_total", &["proto"], "Replies with TC set."),
    metric(Own, COUNTER, "ede_total", &["code"], "Replies with an extended DNS error (RFC 8914)."),
    metric(Own, COUNTER, "udp_dropped_total", &["reason"], "Datagrams that got no reply."),
    metric(Own, COUNTER, "malformed_total", &["transport"], "Messages that were not well-formed."),
    metric(Own, GAUGE, "tcp_connections", &[], "Open TCP connections."),
    metric(Own, COUNTER, "tcp_refused_total", &["reason"], "TCP connections closed at once because of a limit."),
    metric(Own, COUNTER, "tcp_timeouts_total", &["kind"], "TCP connections closed by a time limit."),
    metric(Own, GAUGE, "grpc_connections", &[], "Open gRPC connections."),
    metric(Own, COUNTER, "grpc_refused_total", &["reason"], "gRPC connections or streams refused because of a limit."),

    metric(Own, GAUGE, "config_last_reload_successful", &[], "1: the configuration on disk is the one in use."),
    metric(Own, GAUGE, "config_generation", &[], "Configurations taken into use since the start."),
    metric(Own, COUNTER, "snapshot_write_failures_total", &[], "Snapshots that could not be written."),
    metric(Own, COUNTER, "probes_total", &["result"], "Probes of health checks, by result."),
    metric(Own, GAUGE, "guard_active", &[], "1: no cluster is in contact, so the fault is likely on this side and none is demoted."),
    metric(Own, GAUGE, "tasks", &["thread"], "Tasks alive on a thread: watches of clusters on sources, everything beside DNS on control."),
    metric(Own, GAUGE, "snapshot_bytes", &[], "Octets of the last snapshot written."),
    metric(Own, GAUGE, "snapshot_loaded_clusters", &[], "Clusters whose data came from a snapshot at the start."),

    metric(Process, GAUGE, "process_resident_memory_bytes", &[], "Resident memory."),
    metric(Process, GAUGE, "process_open_fds", &[], "Open file descriptors."),
    metric(Process, GAUGE, "process_max_fds", &[], "Most file descriptors that may be open."),
    metric(Process, COUNTER, "process_cpu_seconds_total", &[], "User and system CPU time."),
    metric(Process, GAUGE, "process_start_time_seconds", &[], "Start of the process, Unix time."),
];

/// Names of OPERATIONS.md whose feature is not built yet; each moves to [`METRICS`] with its feature.
pub const NOT_YET: &[&str] = &[];

impl Metric {
    /// The name as scraped; `renamed` is `metrics.prefix`.
    pub fn full_name(&self, renamed: &str) -> String {
        match self.group {
            Group::CoreDns => format!("{renamed}_{}", self.name),
            Group::Own => format!("{PREFIX}_{}", self.name),
            Group::Process => self.name.to_owned(),
        }
    }
}
