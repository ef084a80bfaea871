//! Which findings are logged: each once, and of one code in one cluster only so many.
//!
//! In: findings as they come along, repeats included. Out: lines for the log. Counting is the model's matter.

use crate::model::Finding;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Lines of one code in one cluster; `check`, `explain` and metrics show the rest.
const LINES: usize = 20;

/// What was logged so far.
#[derive(Debug, Default)]
pub(super) struct FindingLog {
    /// Hashes of the lines: findings are many, and each is asked for at every list.
    seen: HashSet<u64>,
    lines: HashMap<(Arc<str>, &'static str), usize>,
    hasher: RandomState,
}

impl FindingLog {
    /// The line to log; `None` when it was logged already or is one too many.
    pub(super) fn admit(&mut self, finding: &Finding) -> Option<String> {
        let lines = self.lines.entry((Arc::clone(&finding.cluster), finding.code)).or_default();
        if *lines > LINES || !self.seen.insert(self.hasher.hash_one(finding)) {
            return None;
        }
        *lines += 1;
        if *lines > LINES {
            let (code, cluster) = (finding.code, &finding.cluster);
            return Some(format!(
                "[{code}]: cluster {cluster}: more of these; `clusterset-dns check` lists folders, metrics count them"
            ));
        }
        Some(finding.to_string().trim_start_matches("warning").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(object: &str) -> Finding {
        Finding {
            code: "refused-address",
            cluster: "west".into(),
            kind: "EndpointSlice".into(),
            object: object.into(),
            place: None,
            message: "x".into(),
        }
    }

    #[test]
    fn each_finding_once_and_a_flood_ends_with_one_line() {
        let mut log = FindingLog::default();
        assert_eq!(log.admit(&finding("shop/a")).unwrap(), "[refused-address]: cluster west: EndpointSlice shop/a: x");
        assert_eq!(log.admit(&finding("shop/a")), None);
        let lines: Vec<String> = (0..100).filter_map(|n| log.admit(&finding(&format!("shop/{n}")))).collect();
        assert_eq!(lines.len(), LINES);
        assert!(lines.last().unwrap().contains("more of these"));
    }
}
