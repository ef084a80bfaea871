//! The series of one cluster (label `source_cluster`).

use super::families::Families;
use crate::telemetry::figures::{ClusterFigures, STATES};

/// Adds every series of `cluster`.
pub(super) fn add(families: &mut Families, cluster: &ClusterFigures) {
    let name = cluster.name.as_str();
    for state in STATES {
        families.add("cluster_state", &[name, state], truth(state == cluster.state));
    }
    families.add("cluster_synced", &[name], truth(cluster.synced));
    families.add("cluster_grace_expired", &[name], truth(cluster.grace_expired));
    if let Some(age) = cluster.snapshot_age {
        families.add("cluster_snapshot_age_seconds", &[name], age);
    }
    families.add("cluster_reported", &[name], truth(cluster.reported));
    families.add("cluster_drained", &[name], truth(cluster.drained));
    families.add("cluster_brake_active", &[name], truth(cluster.brake_active));
    families.add("cluster_brake_total", &[name], cluster.brake_total as f64);
    families.add("cluster_auth_failures_total", &[name], cluster.auth_failures as f64);
    for (kind, age) in &cluster.contact_age {
        families.add("cluster_contact_age_seconds", &[name, kind], *age);
    }
    for (kind, degraded) in &cluster.degraded {
        families.add("cluster_kind_degraded", &[name, kind], truth(*degraded));
    }
    for (kind, objects) in &cluster.objects {
        families.add("cluster_objects", &[name, kind], *objects as f64);
    }
    for (code, findings) in &cluster.findings {
        families.add("cluster_findings", &[name, code], *findings as f64);
    }
    for (state, addresses) in &cluster.probe_targets {
        families.add("cluster_probe_targets", &[name, state], *addresses as f64);
    }
    for (witness, status) in &cluster.connections {
        families.add("cluster_connections", &[name, witness, status], 1.0);
    }
    histories(families, cluster);
}

/// What only grows.
fn histories(families: &mut Families, cluster: &ClusterFigures) {
    let name = cluster.name.as_str();
    for (kind, reason, lists) in &cluster.syncs {
        families.add("cluster_syncs_total", &[name, kind, reason], *lists as f64);
    }
    for (kind, code, errors) in &cluster.watch_errors {
        families.add("cluster_watch_errors_total", &[name, kind, code], *errors as f64);
    }
    for (verb, code, requests) in &cluster.requests {
        families.add("cluster_requests_total", &[name, verb, code], *requests as f64);
    }
    if let Some(durations) = &cluster.event_to_answer {
        families.histogram("table_event_to_answer_seconds", &[name], durations);
    }
    for (service_kind, durations) in &cluster.programming {
        families.histogram("kubernetes_dns_programming_duration_seconds", &[service_kind, name], durations);
    }
}

fn truth(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}
