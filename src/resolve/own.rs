//! Names of our own zones: their addresses stand in the table, so no resolver is asked, which might ask us.

use crate::dns::Name;
use crate::dns::types::rtype;
use crate::table::{PackedSet, Table};
use std::net::IpAddr;

/// The view whose answer counts: the local one.
const VIEW: u8 = 0;
/// Octets of a record before its data, when its owner is a pointer.
const RECORD_HEADER: usize = 12;

/// The addresses of a name in one of our zones, in the local view; `None`: it lies in none of them. Aliases, wildcards and
/// formed names are not followed: a Service or host is named by its own name.
pub fn own_addresses(table: &Table, name: &str) -> Option<Result<Vec<IpAddr>, String>> {
    let name = Name::parse(name).ok()?;
    let pinned = table.pin();
    pinned.frame().zones().iter().find(|zone| name.is_within(&zone.name))?;
    let Some(block) = pinned.lookup(name.wire()).filter(|block| block.exists_in(VIEW)) else {
        return Some(Err("it is a name of our own zones that does not exist".to_owned()));
    };
    let sets = [rtype::A, rtype::AAAA].into_iter().filter_map(|rtype| block.set(VIEW, rtype));
    Some(Ok(sets.flat_map(|set| addresses(&set)).collect()))
}

fn addresses(set: &PackedSet<'_>) -> Vec<IpAddr> {
    let mut rest = set.records();
    let mut found = Vec::new();
    let mut index = 0;
    while let Some((record, next)) = rest.split_at_checked(set.length(index)).filter(|(record, _)| !record.is_empty()) {
        let data = record.get(RECORD_HEADER..).unwrap_or_default();
        match (<[u8; 4]>::try_from(data), <[u8; 16]>::try_from(data)) {
            (Ok(v4), _) => found.push(v4.into()),
            (_, Ok(v6)) => found.push(v6.into()),
            _ => {}
        }
        rest = next;
        index += 1;
    }
    found
}
