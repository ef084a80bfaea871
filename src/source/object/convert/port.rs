//! Ports and the traffic fields that Services and Imports share.

use super::report::{Report, quote};
use crate::model::Rare;
use crate::model::fact::{Family, Port, Protocol, Traffic};
use crate::model::id::is_label;
use crate::source::object::raw::{RawPort, Spec, present};
use std::sync::Arc;

/// Longest port name that makes an SRV owner name: one octet of the label is for the `_`.
const MAX_PORT_NAME: usize = 62;

/// Reads a list of ports; `base` is its path. In a slice a port without number means "all ports" and is no fault.
pub fn ports(
    list: Option<&Vec<Option<RawPort<'_>>>>,
    base: &str,
    number_required: bool,
    report: &mut Report<'_, '_>,
) -> Rare<Vec<Port>> {
    let mut ports = Vec::with_capacity(list.map_or(0, Vec::len));
    for (index, raw) in list.into_iter().flatten().enumerate() {
        let Some(raw) = raw else { continue };
        ports.extend(port(raw, &format_args!("{base}[{index}]"), number_required, report));
    }
    report.context.interner.ports(ports)
}

fn port(
    raw: &RawPort<'_>,
    path: &std::fmt::Arguments<'_>,
    number_required: bool,
    report: &mut Report<'_, '_>,
) -> Option<Port> {
    let name = super::identity::lower_case(raw.name.as_deref().unwrap_or(""));
    if !(name.is_empty() || name.len() <= MAX_PORT_NAME && is_label(&name)) {
        let wanted = "a DNS label of at most 62 characters; the port gets no SRV name";
        report.add("bad-name", &format!("{path}.name"), format!("{} is not {wanted}", quote(&name)));
    }
    let number = match raw.port {
        Some(number @ 1..=65_535) => number as u16,
        Some(number) => {
            let message = format!("{number} is not in 1..65535; the port gets no SRV records, addresses stay");
            report.add("bad-port", &format!("{path}.port"), message);
            return None;
        }
        None => {
            if number_required && !report.is_mistyped(&format!("{path}.port")) {
                report.add(
                    "bad-port",
                    &path.to_string(),
                    "has no number; it gets no SRV records, addresses stay".into(),
                );
            }
            return None;
        }
    };
    let protocol = protocol(raw, path, report)?;
    let app_protocol = raw.app_protocol.as_deref().map(|text| report.share(text));
    Some(Port { name: report.share(&name), protocol, number, app_protocol })
}

fn protocol(raw: &RawPort<'_>, path: &std::fmt::Arguments<'_>, report: &mut Report<'_, '_>) -> Option<Protocol> {
    match raw.protocol.as_deref() {
        None | Some("TCP" | "") => Some(Protocol::Tcp),
        Some("UDP") => Some(Protocol::Udp),
        Some("SCTP") => Some(Protocol::Sctp),
        Some(other) => {
            let message =
                format!("{} is not TCP, UDP or SCTP; the port gets no SRV records, addresses stay", quote(other));
            report.add("bad-port", &format!("{path}.protocol"), message);
            None
        }
    }
}

/// Reads the fields of [`Traffic`].
pub fn traffic(spec: &Spec<'_>, report: &Report<'_, '_>) -> Rare<Traffic> {
    let share = |text: &Option<std::borrow::Cow<'_, str>>| -> Option<Arc<str>> {
        text.as_deref().filter(|text| !text.is_empty()).map(|text| report.share(text))
    };
    let family = |text: &str| match text {
        "IPv4" => Some(Family::V4),
        "IPv6" => Some(Family::V6),
        _ => None,
    };
    let mut ip_families = Vec::with_capacity(spec.ip_families.as_ref().map_or(0, Vec::len));
    ip_families.extend(present(&spec.ip_families).filter_map(|(_, text)| family(text)));
    report.context.interner.traffic(Traffic {
        session_affinity: share(&spec.session_affinity),
        session_affinity_config: spec.session_affinity_config.as_ref().map(|config| {
            let client_ip = config.client_ip.as_ref();
            report.share(&match client_ip.map(|client_ip| client_ip.timeout_seconds) {
                Some(Some(seconds)) => format!(r#"{{"clientIP":{{"timeoutSeconds":{seconds}}}}}"#),
                Some(None) => r#"{"clientIP":{}}"#.into(),
                None => "{}".into(),
            })
        }),
        internal_traffic_policy: share(&spec.internal_traffic_policy),
        traffic_distribution: share(&spec.traffic_distribution),
        ip_families,
    })
}
