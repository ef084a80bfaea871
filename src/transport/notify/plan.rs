//! What is to be sent to whom, and when. Pure: the clock comes in as a value.
//!
//! In: the zones with their serials, acknowledgements. Out: the messages due now, the time of the next one.

use super::message::{self, Reply};
use crate::table::{Frame, Zone};
use crate::transport::random::Random;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A zone is told to one secondary no more often.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause before the second attempt; it doubles with each one.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// Attempts for one serial: the last one 30 s after the first.
const ATTEMPTS: u32 = 5;

/// A secondary that is silent so long is complained of.
const SILENCE: Duration = Duration::from_secs(30);

/// A message to send now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sending {
    pub to: SocketAddr,
    pub message: Vec<u8>,
}

/// One zone told to one secondary.
#[derive(Debug, Default)]
struct Telling {
    /// The serial that is being told, or was.
    serial: Option<u32>,
    /// The serial of the message that was sent last.
    sent: Option<u32>,
    /// Attempts made for it; the message with this id waits for its acknowledgement.
    attempts: u32,
    id: Option<u16>,
    last: Option<Instant>,
    /// When the next attempt is due, if one is.
    due: Option<Instant>,
    /// First message since the secondary's last answer.
    silent_since: Option<Instant>,
    /// The secondary did not answer, or refused, and the log says so.
    complained: bool,
}

/// The plan.
pub(super) struct Plan {
    targets: Vec<SocketAddr>,
    /// By zone name in wire form; one entry per target.
    zones: HashMap<Vec<u8>, Vec<Telling>>,
    random: Random,
}

impl Plan {
    pub(super) fn new(targets: Vec<SocketAddr>, random: Random) -> Self {
        Plan { targets, zones: HashMap::new(), random }
    }

    /// Takes the serials in and returns what is due. A zone whose local view is not known yet is told later: it
    /// cannot be transferred.
    pub(super) fn due(&mut self, frame: &Frame, now: Instant) -> Vec<Sending> {
        let known = |name: &Vec<u8>| frame.zones().iter().any(|zone| zone.name.wire() == name);
        self.zones.retain(|name, _| known(name));
        let mut sendings = Vec::new();
        for zone in frame.zones() {
            let tellings = self.zones.entry(zone.name.wire().to_vec()).or_default();
            tellings.resize_with(self.targets.len(), Telling::default);
            for (telling, to) in tellings.iter_mut().zip(&self.targets) {
                telling.take_in(zone, now);
                if telling.due.is_some_and(|due| due <= now) {
                    sendings.extend(telling.send(zone, *to, self.random.next() as u16, now));
                }
            }
        }
        sendings
    }

    /// When [`Plan::due`] has something to return next, if no serial moves before.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.zones.values().flatten().filter_map(|telling| telling.due).min()
    }

    /// `from` answered.
    pub(super) fn acknowledged(&mut self, from: SocketAddr, reply: &Reply) {
        for (zone, tellings) in &mut self.zones {
            if reply.zone.as_ref().is_some_and(|asked| asked != zone) {
                continue;
            }
            for (telling, to) in tellings.iter_mut().zip(&self.targets) {
                if *to == from && telling.id == Some(reply.id) {
                    telling.acknowledge(reply.rcode, from, zone);
                }
            }
        }
    }
}

impl Telling {
    fn take_in(&mut self, zone: &Zone, now: Instant) {
        if zone.unknown & 1 == 1 {
            self.due = Some(now + PAUSE);
            self.serial = None;
        } else if self.serial != Some(zone.state.serial()) {
            // A new serial begins anew, no sooner than a pause after what was sent last.
            self.due = Some(self.last.map_or(now, |last| now.max(last + PAUSE)));
            (self.serial, self.attempts) = (Some(zone.state.serial()), 0);
        }
    }

    fn send(&mut self, zone: &Zone, to: SocketAddr, id: u16, now: Instant) -> Option<Sending> {
        if now - *self.silent_since.get_or_insert(now) >= SILENCE {
            self.complain(to, zone.name.wire(), "does not acknowledge NOTIFY");
        }
        if self.attempts == ATTEMPTS {
            (self.due, self.id) = (None, None);
            return None;
        }
        self.attempts += 1;
        (self.id, self.sent) = (Some(id), self.serial);
        self.last = Some(now);
        self.due = Some(now + FIRST_RETRY * (1 << (self.attempts - 1)));
        Some(Sending { to, message: message::notify(zone, id) })
    }

    fn acknowledge(&mut self, rcode: u8, from: SocketAddr, zone: &[u8]) {
        (self.id, self.silent_since) = (None, None);
        if self.sent == self.serial {
            self.due = None;
        }
        match rcode {
            0 => self.complained = false,
            rcode => self.complain(from, zone, &format!("answers NOTIFY with rcode {rcode}")),
        }
    }

    /// Once until the secondary acknowledges again.
    fn complain(&mut self, to: SocketAddr, zone: &[u8], what: &str) {
        if !std::mem::replace(&mut self.complained, true) {
            let zone = crate::dns::Name::from_wire(zone).unwrap_or_else(crate::dns::Name::root);
            tracing::warn!(
                "transfer.notify: {to} {what} of zone {zone}; it finds changes only at its own refresh. Check that it runs and \
                 is a secondary of this zone that allows NOTIFY from here"
            );
        }
    }
}
