//! Follows a CNAME inside our zones (DNS.md section 2): at most 8 steps, a loop ends the chain.
//!
//! In: a CNAME set already written as an answer. Out: the records it leads to, or the negative answer for the last
//! name, whose RCODE the reply takes (RFC 2308 section 2.1).

use super::Client;
use super::answer::{Finding, write_place};
use super::name_tree::{Place, Tree};
use super::prepare::Prepared;
use super::records::{Manner, RECORD_HEAD};
use super::reply::Reply;
use super::targets;
use crate::dns::QuestionName;
use crate::dns::types::{ede, rcode, rtype};
use crate::table::Pinned;

/// Most CNAMEs that one reply follows.
const STEPS: usize = 8;

/// The names of a chain: where in the reply each begins.
struct Names {
    at: [usize; STEPS + 1],
    count: usize,
}

/// Follows the CNAME of `place`, whose record is the last that was written. Returns the RCODE.
#[cold]
pub(super) fn follow<'g>(
    table: &'g Pinned<'_>,
    client: &Client,
    prepared: &Prepared,
    mut place: Place<'g>,
    reply: &mut Reply<'_, '_>,
) -> u8 {
    let mut names = Names { at: [crate::dns::header::HEADER; STEPS + 1], count: 1 };
    let mut target = QuestionName::default();
    for _ in 0..STEPS {
        // The record written last holds the target where the owner of the next record can point to it.
        let Some(at) = last_target(reply, place, prepared.view) else { return rcode::NOERROR };
        if reply.truncated || target.read(reply.out.written(), at).is_none() || names.holds(&target, reply) {
            return rcode::NOERROR;
        }
        names.push(at);
        let Some((_, zone)) = table.frame().zone_of(&target) else { return rcode::NOERROR };
        let tree = Tree { table, zone, view: prepared.view };
        place = tree.place(&target, table.lookup(target.wire()));
        let owner = 0xc000 | at as u16;
        let manner = Manner { random: client.random, owner, column: None, serial: zone.state.serial() };
        let start = reply.out.at();
        match write_place(reply, place, prepared, manner) {
            Finding::Answered => {
                if prepared.query.qtype == rtype::SRV && !reply.truncated {
                    targets::add(table, client, prepared, place, start, reply);
                }
                return rcode::NOERROR;
            }
            Finding::Alias => {}
            Finding::NoName if tree.may_be_unknown(&target) => {
                reply.clear(prepared.query.question_end);
                reply.set_ede(ede::NOT_READY);
                return rcode::SERVFAIL;
            }
            missing => {
                reply.authority(&zone.soa(owner + target.suffix_start(zone.labels) as u16));
                return if missing == Finding::NoName { rcode::NXDOMAIN } else { rcode::NOERROR };
            }
        }
    }
    rcode::NOERROR
}

/// Where the target of the CNAME record written last stands in the reply: the CNAME of `place`, which has one record.
fn last_target(reply: &Reply<'_, '_>, place: Place<'_>, view: u8) -> Option<usize> {
    let Place::Block(block) = place else { return None };
    let alias = block.set(view, rtype::CNAME).filter(|set| set.count == 1)?;
    reply.out.at().checked_sub(usize::from(alias.stride).checked_sub(RECORD_HEAD)?)
}

impl Names {
    fn push(&mut self, at: usize) {
        if let Some(free) = self.at.get_mut(self.count) {
            *free = at;
            self.count += 1;
        }
    }

    /// True when `name` was met before in this chain.
    fn holds(&self, name: &QuestionName, reply: &Reply<'_, '_>) -> bool {
        self.at.iter().take(self.count).any(|at| {
            let met = reply.out.written().get(*at..).and_then(|rest| rest.get(..name.wire().len()));
            met.is_some_and(|met| met.eq_ignore_ascii_case(name.wire()))
        })
    }
}
