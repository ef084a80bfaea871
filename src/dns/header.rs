//! The 12-octet message header (RFC 1035 section 4.1.1).
//!
//! In: octets of a message. Out: its fields.

/// Octets of the header.
pub const HEADER: usize = 12;

/// Bits of the third octet of a message.
pub mod flag {
    pub const QR: u8 = 0x80;
    pub const OPCODE: u8 = 0x78;
    pub const AA: u8 = 0x04;
    pub const TC: u8 = 0x02;
    pub const RD: u8 = 0x01;
}

/// The header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub id: [u8; 2],
    /// QR, OPCODE, AA, TC, RD.
    pub flags: u8,
    pub questions: u16,
    pub answers: u16,
    pub authorities: u16,
    pub additionals: u16,
}

impl Header {
    /// `None` when the message is shorter than a header.
    #[inline]
    pub fn read(message: &[u8]) -> Option<Header> {
        let [i0, i1, flags, _, counts @ ..] = *message.first_chunk::<HEADER>()?;
        // One load for the four of them.
        let counts = u64::from_be_bytes(counts);
        Some(Header {
            id: [i0, i1],
            flags,
            questions: (counts >> 48) as u16,
            answers: (counts >> 32) as u16,
            authorities: (counts >> 16) as u16,
            additionals: counts as u16,
        })
    }

    /// True for a response.
    #[inline]
    pub fn is_response(&self) -> bool {
        self.flags & flag::QR != 0
    }

    /// The operation code; 0 is QUERY.
    #[inline]
    pub fn opcode(&self) -> u8 {
        (self.flags & flag::OPCODE) >> 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_field() {
        let header = Header::read(&[1, 2, 0xa1, 0, 0, 1, 0, 2, 0, 3, 1, 0, 9]).unwrap();
        assert_eq!((header.id, header.is_response(), header.opcode()), ([1, 2], true, 4));
        assert_eq!((header.questions, header.answers, header.authorities, header.additionals), (1, 2, 3, 256));
        assert!(Header::read(&[0; 11]).is_none());
    }
}
