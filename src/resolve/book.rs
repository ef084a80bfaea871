//! What is known of each wanted name, without I/O or a clock.
//!
//! In: the wanted names, results of lookups, the time. Out: what is due, the addresses to answer with, lines for the log.

use super::EVERY;
use crate::model::address::refusal;
use crate::model::clusterset::NamedBy;
use crate::model::remark::Remark;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Most addresses of one name; the smallest are kept.
const MOST_ADDRESSES: usize = 256;

/// All wanted names.
#[derive(Debug, Default)]
pub(super) struct Book {
    names: BTreeMap<Arc<str>, Entry>,
    /// Other addresses than those handed on last.
    changed: bool,
}

#[derive(Debug)]
struct Entry {
    by: NamedBy,
    /// The last good ones, sorted.
    addresses: Vec<IpAddr>,
    /// When they were found.
    found: Option<Duration>,
    /// When the last lookup began.
    asked: Option<Duration>,
    /// A lookup is under way.
    open: bool,
    /// A first lookup has ended, well or not.
    settled: bool,
    /// The last lookup failed.
    failing: bool,
}

impl Book {
    /// These names are wanted from now on, no others.
    pub(super) fn want(&mut self, wanted: BTreeMap<Arc<str>, NamedBy>) {
        self.names.retain(|name, entry| {
            let keep = wanted.contains_key(name);
            self.changed |= !keep && !entry.addresses.is_empty();
            keep
        });
        for (name, by) in wanted {
            let new = || Entry {
                by: by.clone(),
                addresses: Vec::new(),
                found: None,
                asked: None,
                open: false,
                settled: false,
                failing: false,
            };
            self.names.entry(name).or_insert_with(new).by = by.clone();
        }
    }

    /// At most `most` names whose lookup should begin now, those that wait longest first; they count as begun.
    pub(super) fn begin(&mut self, now: Duration, most: usize) -> Vec<Arc<str>> {
        let is_due = |entry: &Entry| !entry.open && entry.asked.is_none_or(|asked| now.saturating_sub(asked) >= EVERY);
        let mut due: Vec<(Option<Duration>, Arc<str>)> = self
            .names
            .iter()
            .filter(|(_, entry)| is_due(entry))
            .map(|(name, entry)| (entry.asked, Arc::clone(name)))
            .collect();
        due.sort();
        due.truncate(most);
        for (_, name) in &due {
            if let Some(entry) = self.names.get_mut(name) {
                entry.asked = Some(now);
                entry.open = true;
            }
        }
        due.into_iter().map(|(_, name)| name).collect()
    }

    /// Takes the result of a lookup in. The line says when a name begins to fail or is found again.
    pub(super) fn end(
        &mut self,
        name: &Arc<str>,
        result: Result<Vec<IpAddr>, String>,
        now: Duration,
    ) -> Option<Remark> {
        let entry = self.names.get_mut(name)?;
        (entry.open, entry.settled) = (false, true);
        let found = result.and_then(usable);
        let was_failing = std::mem::replace(&mut entry.failing, found.is_err());
        match found {
            Ok(addresses) => {
                entry.found = Some(now);
                self.changed |= entry.addresses != addresses;
                entry.addresses = addresses;
                let line = || Remark::Information(format!("{}: host name {name} has addresses again", entry.by));
                was_failing.then(line)
            }
            Err(error) => (!was_failing).then(|| Remark::Warning(entry.failure(name, &error, now))),
        }
    }

    /// True when every wanted name was looked up once.
    pub(super) fn is_settled(&self) -> bool {
        self.names.values().all(|entry| entry.settled)
    }

    /// The addresses, if they are others than those of the last call.
    pub(super) fn take_changed(&mut self) -> Option<HashMap<Arc<str>, Vec<IpAddr>>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let known = self.names.iter().filter(|(_, entry)| !entry.addresses.is_empty());
        Some(known.map(|(name, entry)| (Arc::clone(name), entry.addresses.clone())).collect())
    }
}

impl Entry {
    fn failure(&self, name: &str, error: &str, now: Duration) -> String {
        let effect = match self.found {
            Some(found) => {
                let age = now.saturating_sub(found).as_secs();
                format!("its addresses of {age} s ago are answered on")
            }
            None => "nothing is answered for it".to_owned(),
        };
        format!(
            "[unresolved-host]: {}: host name {name} cannot be looked up ({error}): {effect}; it is tried every {} s; correct \
             the name or the resolver of this machine, or set `resolveHostnames: false`",
            self.by,
            EVERY.as_secs()
        )
    }
}

/// The addresses that may be answered, sorted, each once.
fn usable(mut addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, String> {
    if addresses.is_empty() {
        return Err("it has no address".to_owned());
    }
    addresses.sort_unstable();
    addresses.dedup();
    let first = addresses[0];
    addresses.retain(|address| refusal(*address).is_none());
    addresses.truncate(MOST_ADDRESSES);
    if addresses.is_empty() {
        return Err(format!("its address {first} {}", refusal(first).unwrap_or("is refused")));
    }
    Ok(addresses)
}
