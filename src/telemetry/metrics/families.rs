//! Builds the families of one scrape from the list of names.

use crate::telemetry::histogram::Histogram;
use crate::telemetry::names::{METRICS, Metric};
use prometheus::proto::{self, Bucket, Counter, Gauge, LabelPair, MetricFamily, MetricType};
use std::collections::BTreeMap;

/// The families of one scrape.
pub(super) struct Families {
    prefix: String,
    by_name: BTreeMap<&'static str, Vec<proto::Metric>>,
}

impl Families {
    pub(super) fn new(prefix: &str) -> Self {
        Families { prefix: prefix.to_owned(), by_name: BTreeMap::new() }
    }

    /// Adds one counter or gauge; `values` go with the labels of the list, in their order.
    pub(super) fn add(&mut self, name: &str, values: &[&str], value: f64) {
        let Some((listed, mut metric)) = start(name, values) else { return };
        match listed.kind {
            MetricType::COUNTER => {
                let mut counter = Counter::default();
                counter.set_value(value);
                metric.set_counter(counter);
            }
            _ => {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                metric.set_gauge(gauge);
            }
        }
        self.by_name.entry(listed.name).or_default().push(metric);
    }

    /// Adds one histogram.
    pub(super) fn histogram(&mut self, name: &str, values: &[&str], histogram: &Histogram) {
        let Some((listed, mut metric)) = start(name, values) else { return };
        let mut counts = proto::Histogram::default();
        counts.set_sample_count(histogram.count());
        counts.set_sample_sum(histogram.sum());
        counts.set_bucket(histogram.buckets().map(bucket).collect());
        metric.set_histogram(counts);
        self.by_name.entry(listed.name).or_default().push(metric);
    }

    /// The families, those without a series left out.
    pub(super) fn finish(self) -> Vec<MetricFamily> {
        let Families { prefix, mut by_name } = self;
        let family = |listed: &Metric| {
            let metrics = by_name.remove(listed.name)?;
            let mut family = MetricFamily::default();
            family.set_name(listed.full_name(&prefix));
            family.set_help(listed.help.to_owned());
            family.set_field_type(listed.kind);
            family.set_metric(metrics);
            Some(family)
        };
        METRICS.iter().filter_map(family).collect()
    }
}

fn bucket((bound, cumulative): (f64, u64)) -> Bucket {
    let mut bucket = Bucket::default();
    bucket.set_upper_bound(bound);
    bucket.set_cumulative_count(cumulative);
    bucket
}

/// A series with its labels; `None` for a name that is not in the list (a test finds that).
fn start(name: &str, values: &[&str]) -> Option<(&'static Metric, proto::Metric)> {
    let listed = METRICS.iter().find(|metric| metric.name == name);
    debug_assert!(listed.is_some(), "{name} is not in the list of metrics");
    let listed = listed?;
    debug_assert_eq!(listed.labels.len(), values.len(), "{name} has the labels {:?}", listed.labels);
    let pair = |(label, value): (&&str, &&str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*label).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    Some((listed, proto::Metric::from_label(listed.labels.iter().zip(values).map(pair).collect())))
}
