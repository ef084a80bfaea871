//! A reply in one line of text, read by an independent decoder.

use crate::wire::status;
use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::rdata::opt::EdnsCode;

/// `RCODE flags answers/authorities/additionals`, then `bare` without a question, or `opt` with version, payload, DO and
/// the codes of its options; an extended error with its number.
pub fn shown(reply: &[u8]) -> String {
    if reply == b"UNAVAILABLE" {
        return "UNAVAILABLE".to_owned();
    }
    let message = Message::from_vec(reply).unwrap_or_else(|error| panic!("{error}: {reply:02x?}"));
    let meta = message.metadata;
    assert_eq!((meta.id, meta.message_type), (0x1234, MessageType::Response), "{reply:02x?}");
    assert_eq!(reply[3] & 0xf0, 0, "RA, Z, AD and CD are clear");
    let mut parts = vec![status(&message).to_owned()];
    let flags = [(meta.authoritative, "aa"), (meta.truncation, "tc"), (meta.recursion_desired, "rd")];
    parts.extend(flags.iter().filter(|(set, _)| *set).map(|(_, flag)| (*flag).to_owned()));
    let counts = [&message.answers, &message.authorities, &message.additionals].map(Vec::len);
    parts.push(format!("{}/{}/{}", counts[0], counts[1], counts[2]));
    if reply.len() == 12 {
        parts.push("bare".to_owned());
    }
    parts.extend(edns(&message));
    parts.join(" ")
}

fn edns(message: &Message) -> Option<String> {
    let edns = message.edns.as_ref()?;
    let mut text = format!("opt={},{}", edns.version(), edns.max_payload());
    if edns.flags().dnssec_ok {
        text += ",do";
    }
    assert_eq!(edns.flags().z, 0, "the other EDNS flags are clear");
    let mut codes: Vec<u16> = edns.options().as_ref().iter().map(|(code, _)| u16::from(*code)).collect();
    codes.sort_unstable();
    for code in codes {
        text += &format!(",{code}");
        if code == 15
            && let Some(hickory_proto::rr::rdata::opt::EdnsOption::Unknown(_, value)) = edns.option(EdnsCode::from(15))
        {
            text += &format!(":{}", u16::from_be_bytes([value[0], value[1]]));
        }
    }
    Some(text)
}
