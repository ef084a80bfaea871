//! Where the server answers otherwise than an NSD that copied its zone, and why.

use crate::differential::Rule;

/// All of them; the first that holds counts.
pub const RULES: &[Rule] = &[Rule {
    reason: "a name without records and without names below it does not transfer (DNS.md 5): the copy denies it",
    holds: |case| !case.in_use && case.ours.is_nodata() && case.theirs.is_nxdomain(),
}];
