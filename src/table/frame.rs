//! The Frame: what is small and rare. Zones, views, prefixes, cluster columns, the server's own texts.
//!
//! In: [`FrameSettings`] of publish. Out: read by the responder, one load per batch. Swapped whole; what moves with
//! every update (the serial) sits in a [`ZoneState`] that outlives the Frame.

use super::prefix::{Prefix, PrefixMap};
use crate::dns::{Name, QuestionName};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// Most zones of one server: a zone's number is one octet, 255 is no zone.
pub const MAX_ZONES: usize = 255;
/// Octets of a zone's SOA record with pointers for names.
pub const SOA_LENGTH: usize = 54;
/// Longest TTL of a negative answer's SOA record, seconds (DNS.md section 4).
const LONGEST_NEGATIVE_TTL: u32 = 300;

/// What a zone holds (DNS.md sections 1 and 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneKind {
    Clusterset,
    Global,
    Reverse,
}

/// One zone as publish knows it. Its number is its index in [`FrameSettings::zones`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSettings {
    pub name: Name,
    pub kind: ZoneKind,
    /// Seconds; TTL of the zone's own records and MINIMUM of its SOA.
    pub ttl: u32,
    /// Bit v: in view v a cluster that could own a name here has neither synced nor run out its grace, so that a
    /// missing name is SERVFAIL and not NXDOMAIN (DNS.md section 4).
    pub unknown: u64,
}

/// One cluster id that formed names may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterColumn {
    /// The id as a name: one label or two.
    pub id: Name,
    /// Its number in the cluster columns of Blocks.
    pub column: u16,
    /// Bit v: known in view v.
    pub views: u64,
}

/// Everything the Frame is made of.
#[derive(Debug, Clone)]
pub struct FrameSettings {
    /// At most [`MAX_ZONES`].
    pub zones: Vec<ZoneSettings>,
    /// Client prefix and view number.
    pub views: Vec<(Prefix, u8)>,
    /// Prefixes whose client subnet option is believed.
    pub trusted_forwarders: Vec<Prefix>,
    /// Who may ask; empty = all.
    pub allow_query: Vec<Prefix>,
    /// Who may transfer zones; empty = nobody.
    pub transfer_allow: Vec<Prefix>,
    /// The clusters that formed global names may name.
    pub clusters: Vec<ClusterColumn>,
    /// Answer to NSID (RFC 5001); at most 255 octets are used.
    pub nsid: Vec<u8>,
    /// Largest UDP reply, octets.
    pub udp_max_size: u16,
    /// Text of `version.bind`; `None`: REFUSED.
    pub chaos_version: Option<String>,
    /// Text of `id.server`; `None`: REFUSED.
    pub chaos_id: Option<String>,
    /// Idle time told to TCP clients that ask (RFC 7828), in units of 100 ms.
    pub tcp_idle: u16,
}

impl Default for FrameSettings {
    fn default() -> Self {
        FrameSettings {
            zones: Vec::new(),
            views: Vec::new(),
            trusted_forwarders: Vec::new(),
            allow_query: Vec::new(),
            transfer_allow: Vec::new(),
            clusters: Vec::new(),
            nsid: Vec::new(),
            udp_max_size: 1232,
            chaos_version: None,
            chaos_id: None,
            tcp_idle: 300,
        }
    }
}

/// What moves without a new Frame. Kept across Frames for the zone of the same name.
#[derive(Debug, Default)]
pub struct ZoneState {
    serial: AtomicU32,
    /// Labels of the deepest wildcard's name; 0: the zone has none.
    wildcard_labels: AtomicU8,
}

impl ZoneState {
    /// The SOA serial.
    #[inline]
    pub fn serial(&self) -> u32 {
        self.serial.load(Ordering::Relaxed)
    }

    /// To max(last + 1, `unix_seconds`); returns the new serial. One writer.
    pub(super) fn bump(&self, unix_seconds: u32) -> u32 {
        let next = self.serial().saturating_add(1).max(unix_seconds);
        self.serial.store(next, Ordering::Relaxed);
        next
    }

    /// Never again a serial that is not beyond `serial`, one of an earlier process.
    pub(super) fn raise(&self, serial: u32) {
        self.serial.fetch_max(serial, Ordering::Relaxed);
    }

    /// Labels of the deepest wildcard's name (`*` counted); 0: the zone has none. Never shrinks.
    #[inline]
    pub fn wildcard_labels(&self) -> u8 {
        self.wildcard_labels.load(Ordering::Acquire)
    }

    pub(super) fn note_wildcard(&self, labels: u8) {
        self.wildcard_labels.fetch_max(labels, Ordering::Release);
    }
}

/// A zone in compiled form.
#[derive(Debug, Clone)]
pub struct Zone {
    pub name: Name,
    /// Labels of the name.
    pub labels: u8,
    pub kind: ZoneKind,
    pub ttl: u32,
    /// Bit per view: see [`ZoneSettings::unknown`].
    pub unknown: u64,
    pub state: Arc<ZoneState>,
    soa: [u8; SOA_LENGTH],
}

impl Zone {
    fn new(settings: ZoneSettings) -> Self {
        Zone {
            labels: settings.name.label_count() as u8,
            soa: soa_template(settings.ttl),
            name: settings.name,
            kind: settings.kind,
            ttl: settings.ttl,
            unknown: settings.unknown,
            state: Arc::default(),
        }
    }

    /// The SOA record of a negative answer. `pointer` is the compression pointer to the zone's name in the message.
    #[inline]
    pub fn soa(&self, pointer: u16) -> [u8; SOA_LENGTH] {
        let [high, low] = pointer.to_be_bytes();
        let serial = self.state.serial().to_be_bytes();
        let mut soa = self.soa;
        for at in [soa_field::OWNER, soa_field::MNAME_ZONE, soa_field::RNAME_ZONE] {
            soa[at] = high;
            soa[at + 1] = low;
        }
        soa[soa_field::SERIAL..soa_field::SERIAL + 4].copy_from_slice(&serial);
        soa
    }
}

/// Where in the template stands what is filled in per answer.
mod soa_field {
    pub const OWNER: usize = 0;
    pub const MNAME_ZONE: usize = 12 + 7;
    pub const RNAME_ZONE: usize = MNAME_ZONE + 2 + 11;
    pub const SERIAL: usize = RNAME_ZONE + 2;
}

fn soa_template(ttl: u32) -> [u8; SOA_LENGTH] {
    let mut soa = [0; SOA_LENGTH];
    let mut at = 2;
    let mut put = |octets: &[u8]| {
        soa[at..at + octets.len()].copy_from_slice(octets);
        at += octets.len();
    };
    put(&[0, 6, 0, 1]);
    put(&ttl.min(LONGEST_NEGATIVE_TTL).to_be_bytes());
    put(&(SOA_LENGTH as u16 - 12).to_be_bytes());
    put(b"\x02ns\x03dns\0\0\x0ahostmaster\0\0");
    // Serial (filled in), refresh, retry, expire, minimum: DNS.md section 4.
    for seconds in [0, 7200, 1800, 86_400, ttl] {
        put(&u32::to_be_bytes(seconds));
    }
    soa
}

/// The compiled settings.
#[derive(Debug)]
pub struct Frame {
    zones: Vec<Zone>,
    /// Zone numbers, longest name first.
    by_length: Vec<u8>,
    first_clusterset: Option<u8>,
    pub views: PrefixMap,
    pub trusted_forwarders: PrefixMap,
    pub allow_query: PrefixMap,
    pub transfer_allow: PrefixMap,
    clusters: Vec<ClusterColumn>,
    pub nsid: Box<[u8]>,
    pub udp_max_size: u16,
    pub chaos_version: Option<Box<[u8]>>,
    pub chaos_id: Option<Box<[u8]>>,
    pub tcp_idle: u16,
}

impl Default for Frame {
    fn default() -> Self {
        Frame::new(FrameSettings::default())
    }
}

impl Frame {
    /// Compiles the settings. Zones after the 255th are left out.
    pub fn new(settings: FrameSettings) -> Self {
        let zones: Vec<Zone> = settings.zones.into_iter().take(MAX_ZONES).map(Zone::new).collect();
        let mut by_length: Vec<u8> = (0..zones.len() as u8).collect();
        by_length.sort_by_key(|number| std::cmp::Reverse(zones[usize::from(*number)].labels));
        let first_clusterset = zones.iter().position(|zone| zone.kind == ZoneKind::Clusterset);
        let holds = |prefixes: Vec<Prefix>| PrefixMap::new(prefixes.into_iter().map(|prefix| (prefix, 0)));
        let text = |text: Option<String>| text.map(|text| text.as_bytes()[..text.len().min(255)].into());
        Frame {
            by_length,
            first_clusterset: first_clusterset.map(|number| number as u8),
            zones,
            views: PrefixMap::new(settings.views),
            trusted_forwarders: holds(settings.trusted_forwarders),
            allow_query: holds(settings.allow_query),
            transfer_allow: holds(settings.transfer_allow),
            clusters: settings.clusters,
            nsid: settings.nsid.into_iter().take(255).collect(),
            udp_max_size: settings.udp_max_size.max(512),
            chaos_version: text(settings.chaos_version),
            chaos_id: text(settings.chaos_id),
            tcp_idle: settings.tcp_idle,
        }
    }

    /// All zones, by number.
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// The zone of this number.
    #[inline]
    pub fn zone(&self, number: u8) -> Option<&Zone> {
        self.zones.get(usize::from(number))
    }

    /// The number of the zone of this name.
    pub fn zone_number(&self, name: &Name) -> Option<u8> {
        self.zones.iter().position(|zone| zone.name == *name).map(|number| number as u8)
    }

    /// The zone that `name` is in.
    #[inline(always)]
    pub fn zone_of(&self, name: &QuestionName) -> Option<(u8, &Zone)> {
        for number in &self.by_length {
            if let Some(zone) = self.zones.get(usize::from(*number))
                && name.is_within(zone.name.wire(), zone.labels)
            {
                return Some((*number, zone));
            }
        }
        None
    }

    /// Numbers and zones, longest name first.
    pub fn zones_by_length(&self) -> impl Iterator<Item = (u8, &Zone)> {
        self.by_length.iter().filter_map(|number| Some((*number, self.zone(*number)?)))
    }

    /// The zone that formed global names are taken from.
    #[inline]
    pub fn first_clusterset(&self) -> Option<&Zone> {
        self.first_clusterset.and_then(|number| self.zone(number))
    }

    /// The clusters that formed names may hold.
    pub fn clusters(&self) -> &[ClusterColumn] {
        &self.clusters
    }

    /// Carries serials and wildcard depths over from the Frame before, by zone name.
    pub(super) fn adopt_state(&mut self, before: &Frame) {
        for zone in &mut self.zones {
            if let Some(known) = before.zones.iter().find(|known| known.name == zone.name) {
                zone.state = Arc::clone(&known.state);
            }
        }
    }
}
