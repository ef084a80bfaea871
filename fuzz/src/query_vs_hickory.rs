//! Our reading of a query against hickory-proto's: where both read it, they agree; where only ours gives up, it is for
//! a reason that DNS.md section 5 names.

use clusterset_dns::dns::{Header, Query, Unreadable};
use hickory_proto::op::Message;

/// Reads `octets` with both.
pub fn check(octets: &[u8]) {
    let Some(header) = Header::read(octets) else { return };
    if header.is_response() || header.opcode() != 0 || header.questions != 1 {
        return;
    }
    let Ok(theirs) = Message::from_vec(octets) else { return read_without_panic(octets, &header) };
    let mut ours = Query::default();
    match ours.read(octets, &header) {
        Ok(()) => compare(&ours, &theirs),
        Err(Unreadable::Question) => assert!(has_pointer(octets), "only compressed names are refused: {octets:02x?}"),
        Err(Unreadable::Record) => {
            assert!(is_about_opt(octets), "only OPT records are read more strictly: {octets:02x?}")
        }
    }
}

fn read_without_panic(octets: &[u8], header: &Header) {
    let _ = Query::default().read(octets, header);
}

fn compare(ours: &Query, theirs: &Message) {
    let question = &theirs.queries[0];
    let labels: Vec<Vec<u8>> = question.name.iter().map(<[u8]>::to_ascii_lowercase).collect();
    let mine: Vec<Vec<u8>> = (0..ours.name.label_count()).map(|index| ours.name.label(index).to_vec()).collect();
    assert_eq!(mine, labels);
    assert_eq!(ours.qtype, u16::from(question.query_type));
    assert_eq!(ours.qclass, u16::from(question.query_class));
    assert_eq!(ours.edns.is_some(), theirs.edns.is_some());
    if let (Some(mine), Some(edns)) = (ours.edns, &theirs.edns) {
        // hickory-proto raises the payload to 512 while it reads, we when we use it.
        assert_eq!(mine.payload.max(512), edns.max_payload().max(512));
        assert_eq!((mine.version, mine.dnssec_ok), (edns.version(), edns.flags().dnssec_ok));
    }
}

/// True when the first name of the message holds a compression pointer or a reserved label type.
fn has_pointer(octets: &[u8]) -> bool {
    let mut at = 12;
    while let Some(length) = octets.get(at).filter(|length| **length > 0) {
        if *length > 63 {
            return true;
        }
        at += 1 + usize::from(*length);
    }
    false
}

/// True when the message may hold an OPT record at all.
fn is_about_opt(octets: &[u8]) -> bool {
    octets.windows(2).any(|pair| pair == [0, 41])
}
