//! Any octets as a snapshot: no panic, and what is loaded was whole: it is written and read back as it is.

use clusterset_dns::snapshot::{Encoder, Ignored, Loaded, read};
use std::io::Cursor;

fn load(octets: &[u8]) -> Result<Loaded, Ignored> {
    read(Cursor::new(octets), |_| true, u64::MAX, None)
}

/// Reads `octets`, and the same behind a head that is whole.
pub fn check(octets: &[u8]) {
    if let Ok(loaded) = load(octets) {
        written_again(&loaded);
    }
    let (empty, length) = Encoder::new(Cursor::new(Vec::new()), 1, &[("z.".to_owned(), 1)])
        .and_then(Encoder::finish)
        .expect("memory takes it");
    let mut behind = empty.into_inner();
    assert_eq!(behind.len() as u64, length);
    behind.extend_from_slice(octets);
    written_again(&load(&behind).expect("the head is whole"));
}

fn written_again(loaded: &Loaded) {
    let mut encoder = Encoder::new(Cursor::new(Vec::new()), loaded.written, &loaded.serials).expect("memory takes it");
    for section in &loaded.sections {
        encoder.begin(&section.cluster, &section.uid).expect("it was read");
        encoder.add(&section.facts).expect("memory takes it");
        encoder.end(section.contact).expect("memory takes it");
    }
    let (out, _) = encoder.finish().expect("memory takes it");
    let again = load(&out.into_inner()).expect("it was just written");
    assert_eq!((&again.sections, &again.serials), (&loaded.sections, &loaded.serials));
}
