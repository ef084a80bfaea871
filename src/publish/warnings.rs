//! Findings that stand: those of merges and answers by what was published, those of a survey over all clusters by the survey.
//!
//! In: findings of one service or host as it is published, repeats included; findings of a survey. Out: lines for the log, each once,
//! and counts by cluster and code. Only the series of a finding is kept: the text is in the log, `check` and `explain`.

use super::findings::FindingLog;
use crate::model::Finding;
use crate::model::hashed::Map;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

/// Cluster and code of a finding.
type Series = (Arc<str>, &'static str);

/// The book of findings. `E` is what can be published.
#[derive(Debug)]
pub(super) struct Warnings<E> {
    log: FindingLog,
    lines: Vec<String>,
    counts: HashMap<Series, u64>,
    /// What gives rise to findings, and to which; nothing else is held.
    of: Map<E, Box<[Series]>>,
    survey: Vec<Series>,
    /// Something changed that a survey looks at.
    pub survey_due: bool,
}

impl<E> Default for Warnings<E> {
    fn default() -> Self {
        Warnings {
            log: FindingLog::default(),
            lines: Vec::new(),
            counts: HashMap::new(),
            of: Map::default(),
            survey: Vec::new(),
            survey_due: true,
        }
    }
}

impl<E: Hash + Eq> Warnings<E> {
    /// Logs a finding that is counted elsewhere.
    pub fn tell(&mut self, finding: &Finding) {
        self.lines.extend(self.log.admit(finding));
    }

    /// Findings of one service or host replace its earlier ones. Those about a view are the survey's: every service
    /// would repeat them.
    pub fn replace(&mut self, entity: E, findings: HashSet<Finding>) {
        let series = self.enter(findings.iter().filter(|finding| &*finding.kind != VIEW));
        let before = match series.is_empty() {
            true => self.of.remove(&entity),
            false => self.of.insert(entity, series.into()),
        };
        self.withdraw(&before.unwrap_or_default());
    }

    /// Findings of a survey replace those of the last one.
    pub fn surveyed(&mut self, findings: &[Finding]) {
        let series = self.enter(findings.iter());
        let before = std::mem::replace(&mut self.survey, series);
        self.withdraw(&before);
        self.survey_due = false;
    }

    fn enter<'f>(&mut self, findings: impl Iterator<Item = &'f Finding>) -> Vec<Series> {
        let mut entered = Vec::new();
        for finding in findings {
            self.tell(finding);
            let series = (Arc::clone(&finding.cluster), finding.code);
            *self.counts.entry(series.clone()).or_default() += 1;
            entered.push(series);
        }
        entered
    }

    fn withdraw(&mut self, gone: &[Series]) {
        for series in gone {
            if let Some(count) = self.counts.get_mut(series) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(series);
                }
            }
        }
    }

    /// How many of each code stand in one cluster.
    pub fn counts_of(&self, cluster: &str) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().filter(move |((of, _), _)| **of == *cluster).map(|((_, code), count)| (*code, *count))
    }

    /// The lines to log since the last call.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }
}

/// Kind of the findings about a view.
const VIEW: &str = "View";

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(cluster: &str, kind: &str, message: &str) -> Finding {
        Finding {
            code: "reach-unproven",
            cluster: cluster.into(),
            kind: kind.into(),
            object: "shop/web".into(),
            place: None,
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_finding_is_told_once_and_counted_while_it_stands() {
        let mut book: Warnings<u8> = Warnings::default();
        let one = || HashSet::from([finding("west", "Service", "a"), finding("west", VIEW, "v")]);
        let count = |book: &Warnings<u8>| book.counts_of("west").collect::<Vec<_>>();
        book.replace(1, one());
        assert_eq!((count(&book), book.take_lines().len()), (vec![("reach-unproven", 1)], 1));
        book.replace(1, one());
        assert_eq!((count(&book), book.take_lines().len()), (vec![("reach-unproven", 1)], 0));
        book.surveyed(&[finding("west", "", "s"), finding("east", "", "s")]);
        assert_eq!((count(&book), book.take_lines().len()), (vec![("reach-unproven", 2)], 2));
        book.replace(1, HashSet::new());
        book.surveyed(&[]);
        assert_eq!((count(&book), book.take_lines().len()), (vec![], 0));
        book.replace(2, one());
        assert_eq!((count(&book), book.take_lines().len()), (vec![("reach-unproven", 1)], 0), "told already");
        assert!(book.of.len() == 1 && book.counts.len() == 1);
    }
}
