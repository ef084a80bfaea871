//! The name of a question: read from the wire into a buffer of fixed size, folded to lower case, labels located.
//!
//! In: octets of a message. Out: the key of a look-up, and its suffixes. Never allocates.

use super::name::{MAX_LABEL, MAX_NAME, same_octets};

/// Most labels that 255 octets hold, the root not counted.
const MAX_LABELS: usize = 127;

/// A lower-case wire name of at most 255 octets, held by value.
#[derive(Clone)]
pub struct QuestionName {
    octets: [u8; 256],
    /// Octets in use, root label included.
    length: u8,
    labels: u8,
    /// Where each label begins, the root included.
    starts: [u8; MAX_LABELS + 1],
}

impl Default for QuestionName {
    fn default() -> Self {
        QuestionName { octets: [0; 256], length: 1, labels: 0, starts: [0; MAX_LABELS + 1] }
    }
}

impl QuestionName {
    /// Reads the name at `at`. Returns the offset after it; `None` when it is cut short, over 255 octets or
    /// compressed (a question has nothing before it that it could point to).
    ///
    /// Never inlined: by itself the loop over the labels keeps its state in registers.
    #[inline(never)]
    pub fn read(&mut self, message: &[u8], at: usize) -> Option<usize> {
        let bytes = message.get(at..)?;
        // No name ends beyond these octets, so that running out of them is the check of its length too.
        let bytes = &bytes[..bytes.len().min(MAX_NAME)];
        let mut here = 0;
        let mut labels = 0;
        loop {
            let length = usize::from(*bytes.get(here)?);
            // 255 octets hold at most MAX_LABELS labels and the root; the mask says so to the compiler.
            self.starts[labels & MAX_LABELS] = here as u8;
            if length.wrapping_sub(1) >= MAX_LABEL {
                if length == 0 {
                    break;
                }
                return None;
            }
            labels += 1;
            here += 1 + length;
        }
        let name = bytes.get(..=here)?;
        fold(name, self.octets.get_mut(..name.len())?);
        self.length = name.len() as u8;
        self.labels = labels as u8;
        Some(at + name.len())
    }

    /// The octets, root label included.
    #[inline]
    pub fn wire(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }

    /// How many labels, the root not counted.
    #[inline]
    pub fn label_count(&self) -> u8 {
        self.labels
    }

    /// Label `index`, leftmost first, without its length octet; empty beyond the last.
    pub fn label(&self, index: u8) -> &[u8] {
        match self.wire().get(self.start(index)..) {
            Some([length, rest @ ..]) => rest.get(..usize::from(*length)).unwrap_or(&[]),
            _ => &[],
        }
    }

    /// Labels `from..to` in wire form, without a root label.
    pub fn labels(&self, from: u8, to: u8) -> &[u8] {
        self.wire().get(self.start(from)..self.start(to)).unwrap_or(&[])
    }

    /// The name made of the last `labels` labels and the root; the whole name if it has no more.
    #[inline]
    pub fn suffix(&self, labels: u8) -> &[u8] {
        self.wire().get(self.suffix_start(labels)..).unwrap_or(&[])
    }

    /// Where [`QuestionName::suffix`] begins, from the start of the name.
    #[inline]
    pub fn suffix_start(&self, labels: u8) -> usize {
        self.start(self.labels.saturating_sub(labels))
    }

    /// True when `zone`, a name of `labels` labels, is this name or an ancestor of it.
    #[inline]
    pub fn is_within(&self, zone: &[u8], labels: u8) -> bool {
        labels <= self.labels && same_octets(self.suffix(labels), zone)
    }

    #[inline]
    fn start(&self, index: u8) -> usize {
        usize::from(self.starts[usize::from(index.min(self.labels)) & MAX_LABELS])
    }
}

/// Octets that are folded at once: one vector register.
const VECTOR: usize = 16;

/// Copies a wire name of the same length, folding 0x41-0x5A sixteen octets at a time. Length octets are below 64 and so
/// pass unchanged.
#[inline]
fn fold(from: &[u8], to: &mut [u8]) {
    let (vectors, _) = from.as_chunks::<VECTOR>();
    let (folded, _) = to.as_chunks_mut::<VECTOR>();
    for (vector, folded) in vectors.iter().zip(folded) {
        *folded = fold_vector(vector);
    }
    // The rest overlaps the last whole vector: folding twice does no harm.
    match (from.last_chunk::<VECTOR>(), to.last_chunk_mut::<VECTOR>()) {
        (Some(vector), Some(folded)) => *folded = fold_vector(vector),
        _ => to.iter_mut().zip(from).for_each(|(to, from)| *to = from.to_ascii_lowercase()),
    }
}

#[inline]
fn fold_vector(octets: &[u8; VECTOR]) -> [u8; VECTOR] {
    let mut folded = [0; VECTOR];
    for (folded, octet) in folded.iter_mut().zip(octets) {
        *folded = octet | u8::from(octet.wrapping_sub(b'A') < 26) << 5;
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    #[test]
    fn folds_exactly_the_ascii_capitals() {
        for length in 1..=40 {
            let from: Vec<u8> = (0..=255u8).cycle().skip(length * 7).take(length).collect();
            let mut to = vec![0; length];
            fold(&from, &mut to);
            assert_eq!(to, from.to_ascii_lowercase(), "{length} octets");
        }
        let all: Vec<u8> = (0..=255).collect();
        let mut to = vec![0; 256];
        fold(&all, &mut to);
        assert_eq!(to, all.to_ascii_lowercase());
    }

    #[test]
    fn locates_labels_and_suffixes() {
        let mut name = QuestionName::default();
        let message = [b"????".as_slice(), b"\x03WeB\x04Shop\x03svc\x00rest"].concat();
        assert_eq!(name.read(&message, 4), Some(4 + 14));
        assert_eq!(name.wire(), Name::parse("web.shop.svc").unwrap().wire());
        assert_eq!((name.label_count(), name.label(1), name.label(3)), (3, &b"shop"[..], &b""[..]));
        assert_eq!(name.labels(0, 2), b"\x03web\x04shop");
        assert_eq!((name.suffix(1), name.suffix_start(1)), (&b"\x03svc\0"[..], 9));
        assert_eq!((name.suffix(0), name.suffix(9)), (&b"\0"[..], name.wire()));
        assert!(name.is_within(b"\x03svc\0", 1) && name.is_within(b"\0", 0) && !name.is_within(b"\x02vc\0", 1));
    }

    #[test]
    fn refuses_what_is_no_plain_name() {
        let longest = [vec![63; 1], vec![b'a'; 63]].concat().repeat(3);
        let fits = [&longest[..], &[61], &[b'b'; 61], &[0]].concat();
        let over = [&longest[..], &[62], &[b'b'; 62], &[0]].concat();
        let many = [&b"\x01a".repeat(127)[..], &[0]].concat();
        let cases: [(&[u8], Option<usize>); 8] = [
            (b"\0", Some(1)),
            (b"\x01a", None),
            (b"\xc0\x0c", None),
            (b"\x01a\xc0\x0c", None),
            (b"\x40a\0", None),
            (&fits, Some(255)),
            (&over, None),
            (&many, Some(255)),
        ];
        for (wire, end) in cases {
            assert_eq!(QuestionName::default().read(wire, 0), end, "{wire:?}");
        }
        assert_eq!(QuestionName::default().read(b"", 0), None);
    }
}
