//! `version.bind` and `id.server` in class CH (RFC 4892).
//!
//! In: a CH question. Out: one TXT record, if the configuration has a text.

use super::prepare::{Stage, refused};
use super::reply::Reply;
use crate::dns::Query;
use crate::dns::types::{class, ede, rtype};
use crate::table::Frame;

/// The names that can be enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChaosName {
    Version,
    Id,
}

/// Disabled names are prohibited (EDE 18), others are not ours (EDE 20).
#[cold]
pub(super) fn judge(frame: &Frame, query: &Query) -> Stage {
    let name = match query.name.wire() {
        b"\x07version\x04bind\0" => ChaosName::Version,
        b"\x02id\x06server\0" => ChaosName::Id,
        _ => return refused(ede::NOT_AUTHORITATIVE),
    };
    match text(frame, name) {
        Some(_) => Stage::Chaos(name),
        None => refused(ede::PROHIBITED),
    }
}

fn text(frame: &Frame, name: ChaosName) -> Option<&[u8]> {
    match name {
        ChaosName::Version => frame.chaos_version.as_deref(),
        ChaosName::Id => frame.chaos_id.as_deref(),
    }
}

/// Writes the TXT record; other types than TXT and ANY have none.
pub(super) fn write(frame: &Frame, name: ChaosName, qtype: u16, reply: &mut Reply<'_, '_>) {
    let Some(text) = text(frame, name).filter(|_| matches!(qtype, rtype::TXT | rtype::ANY)) else { return };
    let mut record = [0; 13 + 255];
    let [t0, t1] = rtype::TXT.to_be_bytes();
    let [c0, c1] = class::CH.to_be_bytes();
    let [l0, l1] = (text.len() as u16 + 1).to_be_bytes();
    record[..13].copy_from_slice(&[0xc0, 0x0c, t0, t1, c0, c1, 0, 0, 0, 0, l0, l1, text.len() as u8]);
    let length = 13 + text.len().min(255);
    record[13..length].copy_from_slice(&text[..length - 13]);
    if reply.out.put(&record[..length]) {
        reply.answers += 1;
    } else {
        reply.truncated = true;
    }
}
