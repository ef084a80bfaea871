//! Questions for `explain`, as the command line and HTTP write them, and their answers from a publisher.

use crate::dns::Name;
use crate::explain::{Context, Explanation, Question, explain, type_number};
use crate::model::{ClusterId, View};
use crate::publish::Publisher;
use crate::table::Table;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Reads a question. `rtype` and `view` may be empty; `local` is the local view.
///
/// # Errors
/// A sentence that says what cannot be read and what to write instead.
pub fn question(name: &str, rtype: &str, view: &str, views: &[View]) -> Result<Question, String> {
    let name = Name::parse(name).map_err(|error| format!("{name:?} is no domain name: {error}"))?;
    let rtype = match rtype {
        "" => None,
        text => Some(
            type_number(text)
                .ok_or_else(|| format!("{text:?} is no record type; use one such as A, AAAA, SRV or TYPE65"))?,
        ),
    };
    let wanted = if view == "local" { "" } else { view };
    let number = views.iter().position(|known| &*known.name == wanted).ok_or_else(|| {
        let known: Vec<&str> =
            views.iter().map(|view| if view.name.is_empty() { "local" } else { &*view.name }).collect();
        format!("there is no view {view:?}; this server has {}", known.join(", "))
    })?;
    Ok(Question { name, rtype, view: number as u8 })
}

/// Explains with what a publisher and its table hold. `age`: how long ago a cluster gave a sign of life.
pub(super) fn answer(
    question: &Question,
    publisher: &Publisher,
    table: &Table,
    age: &dyn Fn(&ClusterId) -> Option<Duration>,
) -> Explanation {
    let connections = publisher.figures().connections.load();
    let accused = publisher.figures().accused.load();
    let connection = |cluster: &ClusterId| -> Vec<String> {
        let about = connections.iter().filter(|connection| connection.cluster == *cluster);
        let gateways = about.map(|told| format!("gateway of {}: {}", told.witness, told.status.as_str()));
        gateways.chain(accused.get(cluster).cloned()).collect()
    };
    let doubts = publisher.figures().doubts.load();
    let context = Context {
        clusterset: publisher.clusterset(),
        views: publisher.views(),
        settings: publisher.compile_settings(),
        table,
        age,
        brake: publisher.brake(),
        refused: &|cluster| publisher.growth().refused(cluster),
        connections: &connection,
        why: &|cluster| doubts.get(cluster).map(|doubt| doubt.cause.clone()),
        guarding: publisher.figures().guarding.load(Ordering::Relaxed),
        waiting: publisher.waiting(),
    };
    explain(question, &context)
}
