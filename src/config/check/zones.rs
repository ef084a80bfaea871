//! Zones: each once, and none that hides names of another.

use super::super::value::ZoneName;
use super::Checker;

/// Zones have numbers of one octet, one of which means none.
const MAX_ZONES: usize = 255;

pub(super) fn check(checker: &mut Checker<'_>) {
    let config = checker.config;
    let named = |key: &str, zones: Vec<&ZoneName>| -> Vec<(String, ZoneName)> {
        zones.into_iter().enumerate().map(|(index, zone)| (format!("{key}[{index}]"), zone.clone())).collect()
    };
    let clusterset = named("zones", config.zones.iter().collect());
    let global = named("globalZones", config.global_zones.iter().collect());
    let reverse = named("reverseZones", config.reverse_zones.iter().map(|zone| &zone.0).collect());
    let all: Vec<_> = clusterset.iter().chain(&global).chain(&reverse).cloned().collect();
    if all.is_empty() {
        checker.warning("zones", "", "no zone is configured; every query is refused; name one in zones or globalZones");
    }
    if all.len() > MAX_ZONES {
        checker.error(
            "zones",
            "",
            format!("there are {} zones, at most {MAX_ZONES} are allowed; remove some", all.len()),
        );
    }
    check_unique(checker, &all);
    check_nested(checker, &clusterset, &global, &all);
}

fn check_unique(checker: &mut Checker<'_>, all: &[(String, ZoneName)]) {
    for (index, (field, zone)) in all.iter().enumerate() {
        if let Some((first, _)) = all[..index].iter().find(|(_, other)| other == zone) {
            let line = checker.line_of(first);
            let message = format!("the zone {} is already in {first}{line}; remove one of the two", zone.as_str());
            checker.error(field, zone.as_str(), message);
        }
    }
}

/// A zone inside another takes all names below it, so it must not lie where the outer zone has names of its own.
fn check_nested(
    checker: &mut Checker<'_>,
    clusterset: &[(String, ZoneName)],
    global: &[(String, ZoneName)],
    all: &[(String, ZoneName)],
) {
    for (field, zone) in all {
        for (_, outer) in clusterset {
            let nearest = zone.below(outer).and_then(|labels| labels.rsplit('.').next());
            if let Some(label @ ("svc" | "pod" | "dns" | "dns-version")) = nearest {
                let message = format!(
                    "the zone {} would hide names of the clusterset zone {} below {label}.{}; choose another zone",
                    zone.as_str(),
                    outer.as_str(),
                    outer.as_str()
                );
                checker.error(field, zone.as_str(), message);
            }
        }
        for (_, outer) in global {
            if let Some(labels) = zone.below(outer) {
                let namespace = labels.rsplit('.').next().unwrap_or_default();
                let message = format!(
                    "the zone {} lies in the global zone {}: names there of a namespace or cluster `{namespace}` \
                     are not answered; choose another zone if there is one",
                    zone.as_str(),
                    outer.as_str()
                );
                checker.warning(field, zone.as_str(), message);
            }
        }
    }
}
