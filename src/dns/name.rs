//! Owner names in canonical wire form: lower-case ASCII, uncompressed, at most 255 octets.
//!
//! In: labels from objects and configuration. Out: the octets that the table is keyed by.

use std::fmt;

/// Longest name on the wire, root label included (RFC 1035 section 2.3.4).
pub const MAX_NAME: usize = 255;
/// Longest label (RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;

/// A domain name in lower-case wire form with its root label (RFC 1035 section 3.1).
///
/// Comparison and hashing are those of the octets, which is case-insensitive because every
/// constructor folds 0x41-0x5A (RFC 4343).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<[u8]>);

/// Why a text is no domain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// A label of no octets (`a..b`), or an empty text.
    EmptyLabel,
    /// A label over 63 octets.
    LongLabel,
    /// More than 255 octets in all.
    LongName,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameError::EmptyLabel => "a label is empty",
            NameError::LongLabel => "a label is longer than 63 octets",
            NameError::LongName => "the name is longer than 255 octets",
        })
    }
}

impl std::error::Error for NameError {}

impl Name {
    /// The root name.
    pub fn root() -> Self {
        Name(Box::from([0u8]))
    }

    /// Reads `a.b.c` or `a.b.c.`; `.` is the root. No escapes: object names hold none.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Ok(Name::root());
        }
        Name::root().prepend(text.split('.').map(str::as_bytes))
    }

    /// This name with `labels` (leftmost first) in front of it.
    pub fn prepend<'a>(&self, labels: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, NameError> {
        let mut draft = NameDraft::default();
        for label in labels {
            draft.label(&[label])?;
        }
        draft.before(self)
    }

    /// This name with one label in front of it.
    pub fn child(&self, label: &str) -> Result<Self, NameError> {
        self.prepend([label.as_bytes()])
    }

    /// This name with the label `_<label>` in front of it (RFC 2782).
    pub fn underscored(&self, label: &str) -> Result<Self, NameError> {
        let mut draft = NameDraft::default();
        draft.label(&[b"_", label.as_bytes()])?;
        draft.before(self)
    }

    /// Takes octets that are already a valid wire name (as a parsed question is), folding case.
    /// `None` if they are not exactly one uncompressed name.
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        let mut at = 0;
        loop {
            let len = usize::from(*wire.get(at)?);
            at += 1 + len;
            match len {
                0 => break,
                1..=MAX_LABEL => {}
                _ => return None,
            }
        }
        (at == wire.len() && at <= MAX_NAME).then(|| Name(wire.iter().map(u8::to_ascii_lowercase).collect()))
    }

    /// The octets, root label included.
    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels, leftmost first, without the root.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let (&len, tail) = rest.split_first()?;
            let (label, next) = tail.split_at(usize::from(len));
            rest = next;
            (len > 0).then_some(label)
        })
    }

    /// How many labels, the root not counted.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// The name without its leftmost label; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let len = usize::from(self.0[0]);
        (len > 0).then(|| Name(self.0[1 + len..].into()))
    }

    /// True when this name is `zone` or below it.
    pub fn is_within(&self, zone: &Name) -> bool {
        let mut rest: &[u8] = &self.0;
        while rest.len() > zone.0.len() {
            rest = &rest[1 + usize::from(rest[0])..];
        }
        rest == &*zone.0
    }
}

/// True when `name` and `other` are the same octets. Sixteen are compared at once and in line: for a name, a call of memcmp
/// costs more than what it does.
#[inline]
pub fn same_octets(name: &[u8], other: &[u8]) -> bool {
    const VECTOR: usize = 16;
    if name.len() != other.len() {
        return false;
    }
    match (name.last_chunk::<VECTOR>(), other.last_chunk::<VECTOR>()) {
        // The last vector overlaps the one before it.
        (Some(last), Some(other_last)) => {
            let mut vectors = name.as_chunks::<VECTOR>().0.iter().zip(other.as_chunks::<VECTOR>().0);
            last == other_last && vectors.all(|(vector, other)| vector == other)
        }
        _ => name == other,
    }
}

/// A name that is being written: its octets are allocated once, when their number is known.
struct NameDraft {
    octets: [u8; MAX_NAME],
    length: usize,
}

impl Default for NameDraft {
    fn default() -> Self {
        NameDraft { octets: [0; MAX_NAME], length: 0 }
    }
}

impl NameDraft {
    /// Adds one label, given in parts, folding case.
    fn label(&mut self, parts: &[&[u8]]) -> Result<(), NameError> {
        let length = match parts.iter().map(|part| part.len()).sum() {
            0 => return Err(NameError::EmptyLabel),
            length @ 1..=MAX_LABEL => length,
            _ => return Err(NameError::LongLabel),
        };
        self.octets(&[length as u8])?;
        parts.iter().try_for_each(|part| self.octets(part))
    }

    fn octets(&mut self, octets: &[u8]) -> Result<(), NameError> {
        let room = self.octets.get_mut(self.length..self.length + octets.len()).ok_or(NameError::LongName)?;
        for (to, octet) in room.iter_mut().zip(octets) {
            *to = octet.to_ascii_lowercase();
        }
        self.length += octets.len();
        Ok(())
    }

    /// The name of these labels above `parent`.
    fn before(mut self, parent: &Name) -> Result<Name, NameError> {
        let room = self.octets.get_mut(self.length..self.length + parent.0.len()).ok_or(NameError::LongName)?;
        room.copy_from_slice(&parent.0);
        Ok(Name(self.octets[..self.length + parent.0.len()].into()))
    }
}

impl fmt::Display for Name {
    /// Presentation form with a final dot; octets that are no printable ASCII as `\DDD` (RFC 4343 section 2.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() == 1 {
            return f.write_str(".");
        }
        for label in self.labels() {
            for &octet in label {
                match octet {
                    b'.' | b'\\' => write!(f, "\\{}", octet as char)?,
                    0x21..=0x7e => write!(f, "{}", octet as char)?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_octets_are_those_that_are_equal_in_every_place() {
        for length in 0..=40usize {
            let name: Vec<u8> = (0..length as u8).collect();
            assert!(same_octets(&name, &name.clone()), "{length} octets");
            assert!(!same_octets(&name, &[&name[..], &[0]].concat()), "{length} octets and one more");
            for at in 0..length {
                let mut other = name.clone();
                other[at] ^= 1;
                assert!(!same_octets(&name, &other), "{length} octets, octet {at}");
            }
        }
    }

    #[test]
    fn folds_case_and_prints_with_a_final_dot() {
        let name = Name::parse("Web.Shop.SVC.clusterset.local").unwrap();
        assert_eq!(name.to_string(), "web.shop.svc.clusterset.local.");
        assert_eq!(name, Name::from_wire(name.wire()).unwrap());
    }

    #[test]
    fn refuses_what_is_no_name() {
        assert_eq!(Name::parse("a..b"), Err(NameError::EmptyLabel));
        assert_eq!(Name::parse(&"a".repeat(64)), Err(NameError::LongLabel));
        assert_eq!(Name::parse(&vec!["a".repeat(63); 4].join(".")), Err(NameError::LongName));
        assert!(Name::from_wire(b"\x01a\xc0\x0c").is_none());
    }

    #[test]
    fn knows_its_zone() {
        let zone = Name::parse("clusterset.local").unwrap();
        assert!(Name::parse("a.svc.clusterset.local").unwrap().is_within(&zone));
        assert!(zone.is_within(&zone));
        assert!(!Name::parse("xclusterset.local").unwrap().is_within(&zone));
        assert_eq!(zone.parent().unwrap(), Name::parse("local").unwrap());
    }
}
