//! A small independent reader of messages, which accepts only what a careful client would.

/// What the walk met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    pub id: [u8; 2],
    pub flags: [u8; 2],
    pub counts: [u16; 4],
    /// Offset after the question section.
    pub question_end: usize,
    /// OPT records met.
    pub opts: usize,
}

/// Walks a whole message; panics where it is not well-formed.
pub fn walk(message: &[u8]) -> Walked {
    assert!(message.len() >= 12, "a header is 12 octets");
    let count = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    let counts = [count(4), count(6), count(8), count(10)];
    let mut at = 12;
    for _ in 0..counts[0] {
        at = name(message, at) + 4;
    }
    let question_end = at;
    assert!(question_end <= message.len(), "the question is cut short");
    let mut opts = 0;
    for (section, records) in counts.into_iter().enumerate().skip(1) {
        for _ in 0..records {
            let owner = at;
            at = name(message, at);
            let rtype = count(at);
            let length = usize::from(count(at + 8));
            at += 10;
            assert!(at + length <= message.len(), "RDATA is cut short");
            rdata(message, rtype, at, length);
            if rtype == 41 {
                assert!(section == 3 && message[owner] == 0, "OPT belongs to the root, in the additional section");
                opts += 1;
            }
            at += length;
        }
    }
    assert_eq!(at, message.len(), "nothing follows the last record");
    assert!(opts <= 1, "one OPT record at most");
    Walked { id: [message[0], message[1]], flags: [message[2], message[3]], counts, question_end, opts }
}

/// Reads a name, pointers followed; returns the offset after it where it stands.
fn name(message: &[u8], start: usize) -> usize {
    let (mut at, mut end, mut length, mut lowest) = (start, None, 1, start);
    loop {
        let octet = usize::from(message[at]);
        match octet {
            0 => return end.unwrap_or(at + 1),
            1..=63 => {
                length += 1 + octet;
                assert!(length <= 255, "a name has at most 255 octets");
                at += 1 + octet;
            }
            192.. => {
                let target = (octet & 63) << 8 | usize::from(message[at + 1]);
                assert!(target < lowest && target >= 12, "a pointer leads backwards, into the message");
                end = end.or(Some(at + 2));
                (at, lowest) = (target, target);
            }
            _ => unreachable!("label type {octet:02x}"),
        }
    }
}

/// Checks RDATA of the types that hold names or have a fixed length.
fn rdata(message: &[u8], rtype: u16, at: usize, length: usize) {
    match rtype {
        1 => assert_eq!(length, 4),
        28 => assert_eq!(length, 16),
        2 | 5 | 12 => assert_eq!(name(message, at), at + length),
        6 => assert_eq!(name(message, name(message, at)) + 20, at + length),
        33 => assert_eq!(name(message, at + 6), at + length),
        _ => {}
    }
}
