//! Which ports a merged service has.

use super::Participant;
use crate::model::fact::Port;
use std::borrow::Cow;

/// The first `most` ports in sorted order; all of them, in their own order, when there are no more.
pub(super) fn bounded(ports: &[Port], most: usize) -> Cow<'_, [Port]> {
    if ports.len() <= most {
        return Cow::Borrowed(ports);
    }
    let mut kept = ports.to_vec();
    kept.sort();
    kept.truncate(most);
    Cow::Owned(kept)
}

/// The union in export order: a port is added unless its name (an empty one counts) or its protocol and number
/// are taken.
pub(super) fn union(participants: &[Participant<'_>]) -> Vec<Port> {
    let mut union: Vec<Port> = Vec::new();
    for port in participants.iter().flat_map(|participant| &*participant.ports) {
        let taken = |held: &Port| held.name == port.name || same_number(held, port);
        if !union.iter().any(taken) {
            union.push(port.clone());
        }
    }
    union
}

fn same_number(a: &Port, b: &Port) -> bool {
    (a.protocol, a.number) == (b.protocol, b.number)
}

/// True when the two are one port to a client: name, protocol and number.
pub(super) fn same_port(a: &Port, b: &Port) -> bool {
    a.name == b.name && same_number(a, b)
}

/// `http 80/TCP`, or `80/TCP` when unnamed.
pub(super) fn show(port: &Port) -> String {
    let protocol = port.protocol.label().to_ascii_uppercase();
    let gap = if port.name.is_empty() { "" } else { " " };
    format!("{}{gap}{}/{protocol}", port.name, port.number)
}
