//! Whose own annotations apply to a merged service: those of the oldest export that sets them.

use super::Participant;
use crate::model::fact::Kind;
use crate::model::finding::Finding;
use crate::model::id::ServiceKey;
use crate::model::policy::OwnPolicy;

/// `answer`, `ttl`, `prefer` and `health`; weight and drain stay with each cluster.
pub(super) fn merge(key: &ServiceKey, participants: &[Participant<'_>], findings: &mut Vec<Finding>) -> OwnPolicy {
    let mut field = Field { key, participants, findings };
    OwnPolicy {
        answer: field.oldest("answer", |own| own.answer),
        ttl: field.oldest("ttl", |own| own.ttl),
        prefer: field.oldest("prefer", |own| own.prefer.clone()),
        health: field.oldest("health", |own| own.health.clone()),
        weight: None,
        drain: false,
    }
}

struct Field<'a> {
    key: &'a ServiceKey,
    participants: &'a [Participant<'a>],
    findings: &'a mut Vec<Finding>,
}

impl Field<'_> {
    /// The value of the oldest export that sets it (its ServiceExport before its Service). Others that set another
    /// one get a `policy-differs`.
    fn oldest<T: PartialEq>(&mut self, name: &str, pick: fn(&OwnPolicy) -> Option<T>) -> Option<T> {
        let value = |p: &Participant<'_>| pick(&p.export.own).or_else(|| pick(&p.service.own));
        let mut set = self.participants.iter().filter_map(|p| Some((p.cluster, value(p)?)));
        let (winner, used) = set.next()?;
        for (cluster, _) in set.filter(|(_, other)| *other != used) {
            self.findings.push(Finding {
                code: "policy-differs",
                cluster: cluster.as_str().into(),
                kind: Kind::ServiceExport.as_str().into(),
                object: self.key.as_str().into(),
                place: None,
                message: format!(
                    "annotation clusterset-dns.io/{name} differs from that of cluster {winner}, whose older export \
                     wins: this one is ignored; set the same value in both"
                ),
            });
        }
        Some(used)
    }
}
