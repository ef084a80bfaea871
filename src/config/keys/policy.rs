//! One entry of `policies`.

use super::super::section::{choices, section};
use super::super::value::{Bounded, Glob, HealthPath, Period};
use crate::model::AnswerMode;
use crate::model::policy::Preference;
use crate::model::probe::{Action, Probe};
use std::collections::BTreeMap;

section! {
    /// How matching services and hosts are answered; what is not set stays as it is.
    Policy [sparse] {
        /// Which services and hosts it is about.
        matches "match": PolicyMatch = PolicyMatch::default();
        /// How their addresses are ordered.
        answer "answer": Option<AnswerMode> = None;
        /// TTL of their answers, in seconds.
        ttl "ttl": Option<Bounded<0, 3600>> = None;
        /// Failover order: clusters, `region:NAME`, `zone:NAME`; what is not named comes after.
        prefer "prefer": Vec<Preference> = Vec::new();
        /// Share of each cluster, 0 to 1000; 0 drains.
        weights "weights": BTreeMap<String, Bounded<0, 1000>> = BTreeMap::new();
        /// Active health check.
        health "health": Option<HealthCheck> = None;
    }
}

section! {
    /// Which services and hosts a policy is about; an empty list matches all.
    PolicyMatch {
        /// Namespaces of services, by pattern.
        namespaces "namespaces": Vec<Glob> = Vec::new();
        /// Names of services, by pattern.
        names "names": Vec<Glob> = Vec::new();
        /// Global names, by pattern.
        hosts "hosts": Vec<Glob> = Vec::new();
    }
}

section! {
    /// An active health check.
    HealthCheck requires ["probe", "port"] {
        /// How the endpoint is asked.
        probe "probe": Probe = Probe::Http;
        /// The port that is asked.
        port "port": Bounded<1, 65_535> = Bounded::of(8080);
        /// The path that is asked, with `http` and `https`.
        path "path": HealthPath = HealthPath::known("/health");
        /// Time between two checks of one endpoint.
        interval "interval": Period = Period::seconds(10);
        /// Time for one answer.
        timeout "timeout": Period = Period::seconds(2);
        /// Failures in a row that make an endpoint ill.
        failures "failures": Bounded<1, 100> = Bounded::of(3);
        /// Successes in a row that make it well.
        successes "successes": Bounded<1, 100> = Bounded::of(2);
        /// What becomes of an ill endpoint.
        action "action": Action = Action::Demote;
    }
}

choices!(Probe { "tcp" => Probe::Tcp, "http" => Probe::Http, "https" => Probe::Https });
choices!(Action { "demote" => Action::Demote, "drop" => Action::Drop });
