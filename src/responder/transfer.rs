//! Which zone transfers are granted (DNS.md section 5, "AXFR / IXFR").
//!
//! In: an AXFR or IXFR question inside a zone. Out: stream it, answer with one SOA record, or refuse.

use super::prepare::{Stage, refused};
use super::{Client, Transport};
use crate::dns::Query;
use crate::dns::query::authority_serial;
use crate::dns::types::{ede, rcode, rtype};
use crate::table::{Frame, Zone};

/// The whole zone goes over TCP to a peer of `transfer.allow`. IXFR over another transport, or from a peer that has
/// this serial or a later one, gets the SOA record alone.
#[cold]
pub(super) fn judge(frame: &Frame, zone: &Zone, client: &Client, message: &[u8], query: &Query) -> Stage {
    let at_the_apex = query.name.wire() == zone.name.wire();
    if !at_the_apex || !frame.transfer_allow.contains(client.address) {
        return refused(ede::PROHIBITED);
    }
    let streams = client.transport == Transport::Tcp;
    match query.qtype {
        rtype::AXFR if streams => whole(zone),
        rtype::IXFR if !streams => Stage::LookUp,
        rtype::IXFR => match authority_serial(message, query.question_end) {
            Some(serial) if !is_older(serial, zone.state.serial()) => Stage::LookUp,
            _ => whole(zone),
        },
        _ => refused(ede::PROHIBITED),
    }
}

/// The whole zone, once all of it is known: a secondary would say NXDOMAIN where this server says SERVFAIL (DNS.md
/// section 4), so it keeps what it has and tries again.
fn whole(zone: &Zone) -> Stage {
    match zone.unknown & 1 {
        0 => Stage::Transfer,
        _ => Stage::Error { rcode: rcode::SERVFAIL, ede: ede::NOT_READY },
    }
}

/// True when `serial` comes before `current` (RFC 1982 section 3.2).
fn is_older(serial: u32, current: u32) -> bool {
    let ahead = current.wrapping_sub(serial);
    ahead != 0 && ahead < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn serials_are_compared_around_the_wrap() {
        assert!(is_older(1, 2) && is_older(u32::MAX, 0));
        assert!(!is_older(2, 2) && !is_older(3, 2) && !is_older(0, u32::MAX));
    }
}
