//! What metrics are called and which log lines are written.

use super::super::shape::Shape;
use super::{Scalar, refuse};

/// The prefix of the metrics that CoreDNS has too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricPrefix(String);

impl MetricPrefix {
    /// A default.
    pub(in crate::config) fn known(prefix: &'static str) -> Self {
        MetricPrefix(prefix.to_owned())
    }

    /// Without the final underscore.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for MetricPrefix {
    fn schema() -> Shape {
        Shape::text("^[a-zA-Z_][a-zA-Z0-9_]*$", "the beginning of a metric name")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let fits = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if text.is_empty() || !fits || text.starts_with(|c: char| c.is_ascii_digit()) {
            return refuse("cannot begin a metric name", "use letters, digits and _, and no digit first");
        }
        Ok(MetricPrefix(text.trim_end_matches('_').to_owned()))
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}

/// Which log lines are written: a level, or levels per module (`info,clusterset_dns::source=debug`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl LogFilter {
    /// A default.
    pub(in crate::config) fn known(filter: &'static str) -> Self {
        LogFilter(filter.to_owned())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for LogFilter {
    fn schema() -> Shape {
        Shape::text("^[a-zA-Z0-9_:=,]+$", "off, error, warn, info, debug or trace, or MODULE=LEVEL,...")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let level = |directive: &str| directive.rsplit('=').next().is_some_and(|level| LEVELS.contains(&level));
        if !text.split(',').all(level) {
            let advice = "write off, error, warn, info, debug or trace, or MODULE=LEVEL separated by commas";
            return refuse("is not a log level", advice);
        }
        Ok(LogFilter(text.to_owned()))
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_filters_are_levels_per_module() {
        assert!(LogFilter::parse("warn,clusterset_dns::source=debug").is_ok());
        assert!(LogFilter::parse("verbose").is_err() && LogFilter::parse("info,").is_err());
    }

    #[test]
    fn metric_prefixes_begin_a_metric_name() {
        assert_eq!(MetricPrefix::parse("coredns_").unwrap().as_str(), "coredns");
        assert!(MetricPrefix::parse("9a").is_err() && MetricPrefix::parse("a-b").is_err());
    }
}
