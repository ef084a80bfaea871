//! EDNS in every combination of version, flags, payload, options and form, as conformance tools send them (RFC 6891,
//! 5001, 7828, 7871, 7873, 7830).

use super::shown::shown;
use super::{WEB, World, opt, option, query, table, with_additional};
use clusterset_dns::dns::types::rtype;
use clusterset_dns::responder::{Client, Transport, Verdict, respond};
use std::net::IpAddr;

const VERSIONS: [u8; 3] = [0, 1, 100];
/// None, DO, the first bit of Z, all of Z, everything.
const FLAGS: [[u8; 2]; 5] = [[0, 0], [0x80, 0], [0x40, 0], [0x7f, 0xff], [0xff, 0xff]];
const PAYLOADS: [u16; 6] = [0, 511, 512, 1232, 4096, 65_535];

/// What an option does to the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    None,
    /// Answered by an option of the same code.
    Answered,
    /// The same over TCP only.
    AnsweredOverTcp,
    Malformed,
}

fn options() -> Vec<(u16, Vec<u8>, Effect)> {
    vec![
        (3, vec![], Effect::Answered),
        (3, vec![1; 4], Effect::Answered),
        (8, vec![0, 1, 24, 0, 10, 2, 3], Effect::None),
        (8, vec![0, 2, 0, 0], Effect::None),
        (8, vec![0, 1, 24, 0, 10], Effect::Malformed),
        (8, vec![0, 1, 33, 0, 10, 2, 3, 4, 0], Effect::Malformed),
        (10, vec![1; 8], Effect::None),
        (10, vec![1; 16], Effect::None),
        (10, vec![1; 40], Effect::None),
        (10, vec![1; 7], Effect::Malformed),
        (10, vec![1; 41], Effect::Malformed),
        (11, vec![], Effect::AnsweredOverTcp),
        (11, vec![0, 100], Effect::AnsweredOverTcp),
        (12, vec![0; 64], Effect::None),
        (9, vec![], Effect::None),
        (100, vec![1, 2], Effect::None),
        (65_001, vec![], Effect::None),
    ]
}

/// How the OPT record, or more of them, stands in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Alone,
    BehindAnotherRecord,
    Twice,
    OfAnotherOwner,
    InTheAnswers,
    CutShort,
}

const FORMS: [Form; 6] =
    [Form::Alone, Form::BehindAnotherRecord, Form::Twice, Form::OfAnotherOwner, Form::InTheAnswers, Form::CutShort];

fn message(form: Form, record: &[u8]) -> Vec<u8> {
    let web = query(WEB, rtype::A);
    let address = [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 9];
    match form {
        Form::Alone => with_additional(web, 1, record),
        Form::BehindAnotherRecord => with_additional(web, 2, &[&address, record].concat()),
        Form::Twice => with_additional(web, 2, &record.repeat(2)),
        Form::OfAnotherOwner => with_additional(web, 1, &[&[1, b'a'], record].concat()),
        Form::InTheAnswers => super::with(with_additional(web, 0, record), 7, &[1]),
        Form::CutShort => with_additional(web, 1, &record[..record.len() - 1]),
    }
}

/// One combination.
struct Case<'o> {
    form: Form,
    version: u8,
    flags: [u8; 2],
    payload: u16,
    options: &'o [&'o (u16, Vec<u8>, Effect)],
}

impl Case<'_> {
    fn message(&self) -> Vec<u8> {
        let octets: Vec<u8> = self.options.iter().flat_map(|(code, value, _)| option(*code, value)).collect();
        // The extended RCODE of a query means nothing.
        message(self.form, &opt(self.payload, [9, self.version, self.flags[0], self.flags[1]], &octets))
    }

    /// What the RFCs say, in the words of [`shown`].
    fn due(&self, transport: Transport) -> String {
        if !matches!(self.form, Form::Alone | Form::BehindAnotherRecord) {
            return "FORMERR rd 0/0/0".to_owned();
        }
        let dnssec_ok = if self.flags[0] & 0x80 == 0 { "" } else { ",do" };
        if self.version != 0 {
            return format!("BADVERS rd 0/0/0 opt=0,1232{dnssec_ok}");
        }
        if self.options.iter().any(|(_, _, effect)| *effect == Effect::Malformed) {
            let nsid = if self.options.iter().any(|(code, ..)| *code == 3) { ",3" } else { "" };
            let idle = transport == Transport::Tcp && self.options.iter().any(|(code, ..)| *code == 11);
            return format!("FORMERR rd 0/0/0 opt=0,1232{dnssec_ok}{nsid}{}", if idle { ",11" } else { "" });
        }
        let is_answered = |effect| match effect {
            Effect::Answered => true,
            Effect::AnsweredOverTcp => transport == Transport::Tcp,
            Effect::None | Effect::Malformed => false,
        };
        let answered = self.options.iter().filter(|(_, _, effect)| is_answered(*effect));
        let mut codes: Vec<u16> = answered.map(|(code, ..)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        let codes: String = codes.iter().map(|code| format!(",{code}")).collect();
        format!("NOERROR aa rd 1/0/0 opt=0,1232{dnssec_ok}{codes}")
    }
}

const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Grpc];

#[test]
fn every_combination_of_edns_is_answered_as_the_rfcs_say() {
    let (table, options) = (table(), options());
    let mut lists: Vec<Vec<&(u16, Vec<u8>, Effect)>> = vec![Vec::new()];
    lists.extend(options.iter().map(|one| vec![one]));
    lists.extend(options.iter().flat_map(|first| options.iter().map(move |second| vec![first, second])));
    let mut asked = 0;
    let mut reply = vec![0; 2048];
    for list in &lists {
        for (form, version) in FORMS.into_iter().flat_map(|form| VERSIONS.map(|version| (form, version))) {
            // 5 and 6 have no common divisor: the steps meet every pair of flags and payload.
            for step in 0..FLAGS.len() * PAYLOADS.len() {
                let (flags, payload) = (FLAGS[step % FLAGS.len()], PAYLOADS[step % PAYLOADS.len()]);
                let case = Case { form, version, flags, payload, options: list };
                let transport = TRANSPORTS[asked % 7 % 3];
                asked += 1;
                let client =
                    Client { address: IpAddr::from([127, 0, 0, 1]), transport, listener_view: None, random: 0 };
                let message = case.message();
                let Verdict::Reply(length, _) = respond(&table.pin(), &client, &message, &mut reply) else {
                    panic!("no reply to {message:02x?}")
                };
                assert_eq!(shown(&reply[..length]), case.due(transport), "{transport:?}: {message:02x?}");
            }
        }
    }
    assert_eq!(asked, lists.len() * FORMS.len() * VERSIONS.len() * FLAGS.len() * PAYLOADS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn edns_is_answered_alike_through_every_socket() {
    let world = World::start().await;
    let options = options();
    let mut number = 0;
    for one in &options {
        for (form, version) in FORMS.into_iter().flat_map(|form| VERSIONS.map(|version| (form, version))) {
            let (flags, payload) = (FLAGS[number % FLAGS.len()], PAYLOADS[number % PAYLOADS.len()]);
            number += 1;
            let case = Case { form, version, flags, payload, options: &[one] };
            let message = case.message();
            let replies = world.ask(&message).await;
            for (reply, transport) in replies.iter().zip(TRANSPORTS) {
                let reply = reply.as_deref().expect("a reply");
                assert_eq!(shown(reply), case.due(transport), "{transport:?}: {message:02x?}");
            }
        }
    }
    world.end().await;
}
