//! Facts on disk and back, so that a restart answers at once while clusters are out of reach (RESILIENCE.md section 6).
//!
//! In: the facts of each cluster in parts, SOA serials, wall times. Out: one file; at the next start the same facts, of
//! every section that is whole.
//!
//! ```text
//! file     magic "CSDNSNAP" | version | written | zones: name, serial | CRC        numbers big-endian, times in ms
//! section  marker FF "SEC" | id | kube-system UID | last contact | octets | CRC of the body | CRC of these | body
//! body     slim objects, one line of JSON each, as `source::object` writes and reads them
//! ```
//!
//! A marker cannot stand in a body, which is UTF-8: behind a damaged section the next one is found by it. The checksum
//! is CRC-32C (Castagnoli, as in iSCSI and ext4; the crate `crc32c`): it finds torn writes, not forgery.

mod encode;
mod file;
mod read;
#[cfg(test)]
mod tests;

pub use encode::Encoder;
pub use file::{Draft, load};
pub use read::{Ignored, Loaded, Section, read};

/// First octets of the file.
const MAGIC: &[u8; 8] = b"CSDNSNAP";
/// Of the layout and of the shapes in the bodies; a file of another version is ignored.
const VERSION: u32 = 1;
/// First octets of a section; FF never stands in UTF-8.
const MARKER: &[u8; 4] = b"\xffSEC";

/// Milliseconds since the Unix epoch.
pub type UnixMillis = u64;
