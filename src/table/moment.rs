//! A moment: everything that one zone holds between two publishes, for a zone transfer.
//!
//! In: a [`Table`] and a zone. Out: a [`Moment`], which shares the Blocks and stays as it is while the table moves on.
//! It takes the writer's lock, so no service is seen half changed and the serial belongs to the Blocks.

use super::block::Block;
use super::frame::{Frame, Zone, ZoneKind};
use super::store::Table;
use std::sync::Arc;

/// One zone at one moment.
pub struct Moment {
    frame: Arc<Frame>,
    number: u8,
    serial: u32,
    blocks: Vec<Block>,
    services: Vec<Block>,
}

impl Table {
    /// The zone of this number as it is between two publishes; `None`: no such zone. Costs 8 octets a name and, while
    /// the writer waits, one walk over the table.
    pub fn moment(&self, number: u8) -> Option<Moment> {
        self.stop_at(|frame, all| {
            let zone = frame.zone(number)?;
            let (mut blocks, mut services) = (Vec::new(), Vec::new());
            // Formed global names are not stored: they are made from the services of the first clusterset zone.
            let source = frame.first_clusterset().filter(|_| zone.kind == ZoneKind::Global);
            for block in all {
                if is_of(block, zone, number) {
                    blocks.push(block.clone());
                } else if source.is_some_and(|source| is_service(block, source)) {
                    services.push(block.clone());
                }
            }
            Some(Moment { frame: self.frame(), number, serial: zone.state.serial(), blocks, services })
        })
    }
}

/// The number alone would do, if a new configuration did not give numbers anew before it replaces the Blocks.
fn is_of(block: &Block, zone: &Zone, number: u8) -> bool {
    block.zone() == number && block.name().ends_with(zone.name.wire())
}

/// True for `<svc>.<ns>.svc.<zone>`.
fn is_service(block: &Block, zone: &Zone) -> bool {
    let Some(mut labels) = block.name().strip_suffix(zone.name.wire()) else { return false };
    for _ in 0..2 {
        let Some(rest) = labels.first().and_then(|length| labels.get(1 + usize::from(*length)..)) else { return false };
        labels = rest;
    }
    labels == b"\x03svc"
}

impl Moment {
    /// The Frame of the moment.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Its zone.
    pub fn zone(&self) -> Option<&Zone> {
        self.frame.zone(self.number)
    }

    /// Number of its zone in the Frame.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The serial that the zone had.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// The Blocks of the zone, in no order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// In a global zone, the Blocks of the services that names are formed from (DNS.md section 2), in no order.
    pub fn services(&self) -> &[Block] {
        &self.services
    }
}
