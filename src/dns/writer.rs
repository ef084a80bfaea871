//! A writer that stops at a limit.
//!
//! In: octets. Out: the same octets in a buffer of the caller. Never panics, never allocates.

use super::header::HEADER;

/// Appends to a buffer up to a limit; what does not fit whole is not written.
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    at: usize,
    limit: usize,
}

impl<'b> Writer<'b> {
    /// A writer over `buffer` that has written nothing.
    #[inline]
    pub fn new(buffer: &'b mut [u8]) -> Self {
        let limit = buffer.len();
        Writer { buffer, at: 0, limit }
    }

    /// Offset of the next octet.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Octets that still fit.
    #[inline]
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.at)
    }

    /// Sets the offset that writing stops at; never beyond the buffer.
    #[inline]
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.min(self.buffer.len());
    }

    /// The offset that writing stops at.
    #[inline]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Appends `octets` if they fit whole; says whether they did.
    #[inline]
    pub fn put(&mut self, octets: &[u8]) -> bool {
        match self.claim(octets.len()) {
            Some(free) => free.copy_from_slice(octets),
            None => return false,
        }
        true
    }

    /// The next `length` octets, to be filled by the caller, if they fit whole.
    #[inline]
    pub fn claim(&mut self, length: usize) -> Option<&mut [u8]> {
        let free = self.buffer.get_mut(self.at..self.limit)?.get_mut(..length)?;
        self.at += length;
        Some(free)
    }

    /// Goes back to `at`, an offset it has been at.
    pub fn rewind(&mut self, at: usize) {
        self.at = self.at.min(at);
    }

    /// The header of the message, for the counts that are known in the end; `None` in a buffer too short for one.
    #[inline]
    pub fn header(&mut self) -> Option<&mut [u8; HEADER]> {
        self.buffer.first_chunk_mut()
    }

    /// Overwrites octets that are already written; does nothing beyond them.
    #[inline]
    pub fn patch(&mut self, at: usize, octets: &[u8]) {
        if at.saturating_add(octets.len()) > self.at {
            return;
        }
        if let Some(written) = self.buffer.get_mut(at..at + octets.len()) {
            written.copy_from_slice(octets);
        }
    }

    /// What is written.
    #[inline]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.at).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_whole_or_not_at_all() {
        let mut buffer = [0; 8];
        let mut writer = Writer::new(&mut buffer);
        writer.set_limit(6);
        assert!(writer.put(b"abcd") && !writer.put(b"efg") && writer.put(b"ef"));
        writer.set_limit(100);
        assert_eq!((writer.room(), writer.written()), (2, &b"abcdef"[..]));
        writer.patch(0, b"X");
        writer.patch(5, b"YY");
        writer.rewind(5);
        assert_eq!(writer.written(), b"Xbcde");
    }
}
