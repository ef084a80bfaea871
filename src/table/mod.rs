//! The lookup table: one immutable Block per owner name, and the Frame for what is small and rare.
//!
//! In: [`TableChange`]s and Frames from publish, the only writer. Out: Blocks and the Frame, read by the responder
//! without locks through one [`Pinned`] per batch.

pub mod block;
pub mod draft;
pub mod frame;
mod pack;
pub mod prefix;

mod lookup;
mod moment;
mod store;
#[cfg(test)]
mod tests;

pub use block::{Block, PackedSet};
pub use draft::{Draft, Glue, NO_CLUSTER, Order, Record, RrSet};
pub use frame::{ClusterColumn, Frame, FrameSettings, Zone, ZoneKind, ZoneSettings, ZoneState};
pub use lookup::Pinned;
pub use moment::Moment;
pub use prefix::{Prefix, PrefixMap, PrefixMatch};
pub use store::{Figures, Table, TableChange};
