//! Which zones a changed name changes: their serials must move (DNS.md section 4).
//!
//! In: a name that was put or removed. Out: marks, one per zone number.

use crate::compile::{Zone, ZoneKind, Zones};

/// Marks the zone of a changed name, and with a service or namespace of the first clusterset zone every global zone: its
/// formed names changed with it (DNS.md section 2).
pub(super) fn mark(changed: &mut [bool], zones: &Zones, number: u8, name: &[u8]) {
    let mut mark = |number: u8| {
        if let Some(changed) = changed.get_mut(usize::from(number)) {
            *changed = true;
        }
    };
    mark(number);
    let source = zones.of_kind(ZoneKind::Clusterset).next().filter(|zone| zone.number == number);
    if let Some(source) = source
        && forms_global_names(name, source)
    {
        zones.of_kind(ZoneKind::Global).for_each(|zone| mark(zone.number));
    }
}

/// True for `<svc>.<ns>.svc.<zone>` and `<ns>.svc.<zone>`.
fn forms_global_names(name: &[u8], zone: &Zone) -> bool {
    let above = parent(name);
    above == zone.svc.wire() || parent(above) == zone.svc.wire()
}

/// A wire name without its first label.
fn parent(name: &[u8]) -> &[u8] {
    name.first().and_then(|length| name.get(1 + usize::from(*length)..)).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    #[test]
    fn services_and_namespaces_of_the_first_zone_change_the_global_zones_too() {
        let name = |text: &str| Name::parse(text).unwrap();
        let (clusterset, global) = ([name("c.local"), name("d.local")], [name("global"), name("g")]);
        let zones = Zones::new(&clusterset, &global, 5, Vec::new()).unwrap();
        for (number, owner, expected) in [
            (0, "web.shop.svc.c.local", [true, false, true, true]),
            (0, "shop.svc.c.local", [true, false, true, true]),
            (0, "_tcp.web.shop.svc.c.local", [true, false, false, false]),
            (0, "svc.c.local", [true, false, false, false]),
            (0, "c.local", [true, false, false, false]),
            (1, "web.shop.svc.d.local", [false, true, false, false]),
            (2, "api.global", [false, false, true, false]),
            (9, "x", [false; 4]),
        ] {
            let mut changed = [false; 4];
            mark(&mut changed, &zones, number, name(owner).wire());
            assert_eq!(changed, expected, "{owner}");
        }
    }
}
