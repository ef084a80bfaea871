//! What goes wrong: one fault at a time, chosen by the seed, healed after a while.

use super::fleet::{CLUSTERS, Fleet};
use crate::support::apiserver::{On, Piece, Reply, TOKEN};
use crate::support::faultproxy;
use std::time::Duration;

/// The kinds whose requests are answered by faults.
const PLURALS: [&str; 4] = ["services", "endpointslices", "serviceexports", "namespaces"];
const STATUSES: [u16; 6] = [401, 403, 429, 500, 503, 504];

/// A fault of one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The port refuses.
    Refused,
    /// Every list and watch has this status.
    Status(u16),
    /// Requests are taken and never answered.
    Mute,
    /// Watches break in the middle of a line.
    Cut,
    /// Watches end at once, cleanly.
    Ended,
    /// 410 as a status of the watch.
    Gone,
    /// The store forgets its events: 410 inside watches.
    Compacted,
    /// The store comes back with older versions.
    Restored,
    /// A page of a list fails after a 410.
    PageFails,
    /// The credential is refused.
    Token,
    /// Connections stay open and silent.
    BlackHole,
    /// Connections are reset.
    Reset,
    /// An octet now and then.
    Drip,
}

impl Fault {
    /// One of them.
    pub fn any(random: u64) -> Self {
        match random % 15 {
            0 => Fault::Refused,
            1 => Fault::Status(STATUSES[(random >> 8) as usize % STATUSES.len()]),
            2 => Fault::Mute,
            3 => Fault::Cut,
            4 => Fault::Ended,
            5 => Fault::Gone,
            6..=8 => Fault::Compacted,
            9 => Fault::Restored,
            10 => Fault::PageFails,
            11 => Fault::Token,
            12 => Fault::BlackHole,
            13 => Fault::Reset,
            _ => Fault::Drip,
        }
    }

    /// Brings it about.
    pub fn begin(self, fleet: &Fleet, cluster: usize) {
        fleet.at_fault(cluster);
        eprintln!("{}: {self:?}", CLUSTERS[cluster]);
        let proxy = |fault| fleet.proxy(cluster).set(fault);
        match self {
            Fault::BlackHole => return proxy(faultproxy::Fault::BlackHole),
            Fault::Reset => return proxy(faultproxy::Fault::Reset),
            Fault::Drip => return proxy(faultproxy::Fault::Drip(Duration::from_millis(100))),
            _ => {}
        }
        let mut server = fleet.server(cluster);
        match self {
            Fault::Refused => server.stop(),
            Fault::Compacted => server.compact(),
            Fault::Restored => {
                server.stop();
                fleet.restore(cluster, &server);
            }
            Fault::Token => server.accept_token("another"),
            _ => self.script(&server),
        }
        if self != Fault::Refused && self != Fault::Restored {
            server.end_watches();
        }
    }

    fn script(self, server: &crate::support::apiserver::ApiServer) {
        for plural in PLURALS {
            match self {
                Fault::Status(code) => [On::List, On::Watch, On::Check]
                    .into_iter()
                    .for_each(|on| server.always(plural, on, Reply::status(code))),
                Fault::Mute => {
                    [On::List, On::Watch].into_iter().for_each(|on| server.always(plural, on, Reply::Mute));
                }
                Fault::Cut => {
                    let half = vec![Piece::Text("{\"type\":\"MODIFIED\",\"obj".to_owned()), Piece::Cut];
                    server.script(plural, On::Watch, vec![Reply::Body(half); 2]);
                }
                Fault::Ended => server.script(plural, On::Watch, vec![Reply::lines(&[]); 3]),
                Fault::PageFails => {
                    server.script(plural, On::Watch, [Reply::status(410)]);
                    server.script(plural, On::List, [Reply::status(500)]);
                }
                _ => server.script(plural, On::Watch, [Reply::status(410)]),
            }
        }
    }

    /// Takes it back.
    pub fn end(self, fleet: &Fleet, cluster: usize) {
        fleet.at_fault(cluster);
        match self {
            Fault::BlackHole | Fault::Reset | Fault::Drip => fleet.proxy(cluster).set(faultproxy::Fault::None),
            Fault::Refused | Fault::Restored => fleet.server(cluster).resume(),
            Fault::Token => fleet.server(cluster).accept_token(TOKEN),
            _ => {
                let server = fleet.server(cluster);
                for plural in PLURALS {
                    [On::List, On::Watch, On::Check].into_iter().for_each(|on| server.unscript(plural, on));
                }
            }
        }
    }
}
