//! Cuts a file into its documents at `---` lines, so that a broken one costs only itself.
//!
//! In: a reader. Out: documents in order, one in memory at a time.

use std::io::{self, BufRead};

/// One document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Line of its first line that is neither blank nor a comment, from 1.
    pub line: u32,
    /// Its text from that line on; may be no UTF-8.
    pub text: Vec<u8>,
}

/// Iterates over the documents of a reader; those without content are passed over.
pub struct Pieces<R> {
    reader: R,
    /// Number of the line read last.
    line: u32,
    /// What follows a `---` on its line, with that line's number.
    carried: Option<Piece>,
    finished: bool,
}

impl<R: BufRead> Pieces<R> {
    pub fn new(reader: R) -> Self {
        Pieces { reader, line: 0, carried: None, finished: false }
    }

    fn read(&mut self) -> io::Result<Option<Piece>> {
        let mut piece = self.carried.take().unwrap_or(Piece { line: 0, text: Vec::new() });
        loop {
            let start = piece.text.len();
            if self.reader.read_until(b'\n', &mut piece.text)? == 0 {
                self.finished = true;
                return Ok((!piece.text.is_empty()).then_some(piece));
            }
            self.line += 1;
            if self.line == 1 && piece.text.starts_with(b"\xef\xbb\xbf") {
                piece.text.drain(..3);
            }
            let line = &piece.text[start..];
            if let Some(rest) = after_separator(line) {
                if has_content(rest) {
                    self.carried = Some(Piece { line: self.line, text: line.to_vec() });
                }
                piece.text.truncate(start);
                if !piece.text.is_empty() {
                    return Ok(Some(piece));
                }
                if let Some(carried) = self.carried.take() {
                    piece = carried;
                }
            } else if start == 0 {
                if has_content(line) {
                    piece.line = self.line;
                } else {
                    piece.text.clear();
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for Pieces<R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let piece = self.read().transpose();
        self.finished |= matches!(piece, Some(Err(_)) | None);
        piece
    }
}

/// What follows `---` or `...` at the start of a line, if the line is a document marker.
fn after_separator(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"---").or_else(|| line.strip_prefix(b"..."))?;
    matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')).then_some(rest)
}

/// False for blank lines, comments and `%YAML` directives.
fn has_content(line: &[u8]) -> bool {
    !matches!(line.trim_ascii().first(), None | Some(b'#' | b'%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_separators_and_knows_the_lines() {
        let cases: [(&str, &[(u32, &str)]); 8] = [
            ("", &[]),
            ("# only a comment\n---\n\n", &[]),
            ("a: 1\n", &[(1, "a: 1\n")]),
            ("---\na: 1\n---\nb: 2", &[(2, "a: 1\n"), (4, "b: 2")]),
            ("%YAML 1.2\n--- # first\n# note\n\na: 1\n...\n---\nb: 2\n", &[(5, "a: 1\n"), (8, "b: 2\n")]),
            ("--- {a: 1}\n---\nb: |\n  ---\n----: x\n", &[(1, "--- {a: 1}\n"), (3, "b: |\n  ---\n----: x\n")]),
            ("a: 1\n--- {b: 2}\n--- {c: 3}", &[(1, "a: 1\n"), (2, "--- {b: 2}\n"), (3, "--- {c: 3}")]),
            ("\u{feff}a: 1\r\n---\r\nb: 2\r\n", &[(1, "a: 1\r\n"), (3, "b: 2\r\n")]),
        ];
        for (text, expected) in cases {
            let pieces: Vec<Piece> = Pieces::new(text.as_bytes()).map(|piece| piece.unwrap()).collect();
            let expected: Vec<Piece> =
                expected.iter().map(|(line, text)| Piece { line: *line, text: text.as_bytes().to_vec() }).collect();
            assert_eq!(pieces, expected, "{text:?}");
        }
    }
}
