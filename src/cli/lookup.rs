//! `clusterset-dns lookup`: one query to a server, the reply printed as `dig` does, with EDE in words.
//!
//! In: the arguments. Out: text or JSON on a writer, and the exit code of OPERATIONS.md section 9.

mod ask;
mod json;
mod text;
mod words;

use super::args::{Format, LookupArgs};
use crate::model::Prefix;
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsOption};
use hickory_proto::rr::{Name, RecordType};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

/// How the query travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// UDP, then TCP when the reply is truncated.
    #[default]
    Udp,
    Tcp,
    /// CoreDNS's `DnsService/Query`; needs the feature `grpc`.
    Grpc,
}

/// The arguments, as written by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    pub name: String,
    /// A type name, or `TYPE64`.
    pub rtype: String,
    /// `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. Without a port it is 53, or 8053 for gRPC.
    pub server: String,
    pub transport: Transport,
    /// EDNS client subnet (RFC 7871).
    pub ecs: Option<Prefix>,
    /// How often to ask; over 1 the orders seen are listed.
    pub count: u32,
    pub json: bool,
}

impl From<&LookupArgs> for Lookup {
    fn from(args: &LookupArgs) -> Self {
        let transport = match (args.tcp, args.grpc) {
            (_, true) => Transport::Grpc,
            (true, false) => Transport::Tcp,
            (false, false) => Transport::Udp,
        };
        Lookup {
            name: args.name.clone(),
            rtype: args.rtype.clone(),
            server: args.server.clone(),
            transport,
            ecs: args.ecs,
            count: args.count,
            json: args.format == Format::Json,
        }
    }
}

/// Runs the command on stdout and stderr.
pub fn run(args: &LookupArgs) -> ExitCode {
    match perform(&args.into(), &mut io::stdout().lock(), &mut io::stderr().lock()) {
        Ok(code) => ExitCode::from(code),
        // The reader of our output is gone (`| head`); there is nobody to tell.
        Err(_) => super::exit::FAILED,
    }
}

/// Exit codes (OPERATIONS.md section 9).
pub mod exit {
    /// Records were answered.
    pub const DATA: u8 = 0;
    /// Nobody replied.
    pub const NO_REPLY: u8 = 1;
    /// The arguments cannot be read.
    pub const USAGE: u8 = 2;
    /// The name exists without this type.
    pub const NODATA: u8 = 3;
    /// The name does not exist.
    pub const NXDOMAIN: u8 = 4;
    /// SERVFAIL, REFUSED or any other error reply.
    pub const ERROR: u8 = 5;
}

/// A reply with what was observed around it.
struct Reply {
    message: Message,
    octets: usize,
    took: Duration,
    /// The transport it came over (TCP after a truncated reply).
    transport: Transport,
}

/// Where and how to ask, checked.
struct Plan {
    server: SocketAddr,
    transport: Transport,
    query: Message,
}

/// Asks and prints; the reply on `out`, what went wrong on `errors`. Returns the exit code.
///
/// # Errors
/// Only those of the two writers.
pub fn perform(lookup: &Lookup, out: &mut impl Write, errors: &mut impl Write) -> io::Result<u8> {
    let plan = match plan(lookup) {
        Ok(plan) => plan,
        Err(message) => {
            writeln!(errors, "error: {message}")?;
            return Ok(exit::USAGE);
        }
    };
    let mut replies: Vec<Reply> = Vec::new();
    for _ in 0..lookup.count.max(1) {
        match ask::ask(&plan) {
            Ok(reply) => replies.push(reply),
            Err(error) => {
                writeln!(errors, "error: no reply from {}: {error}", plan.server)?;
                return Ok(exit::NO_REPLY);
            }
        }
    }
    if lookup.json {
        json::print(&plan, &replies, out)?;
    } else {
        text::print(&plan, &replies, out)?;
    }
    Ok(replies.iter().map(|reply| exit_code(&reply.message)).max().unwrap_or(exit::NO_REPLY))
}

fn exit_code(message: &Message) -> u8 {
    match message.metadata.response_code {
        ResponseCode::NoError if message.answers.is_empty() => exit::NODATA,
        ResponseCode::NoError => exit::DATA,
        ResponseCode::NXDomain => exit::NXDOMAIN,
        _ => exit::ERROR,
    }
}

fn plan(lookup: &Lookup) -> Result<Plan, String> {
    let mut name =
        Name::from_ascii(&lookup.name).map_err(|error| format!("{:?} is no domain name: {error}", lookup.name))?;
    name.set_fqdn(true);
    let rtype = record_type(&lookup.rtype)?;
    let mut query = Message::query();
    query.add_query(Query::query(name, rtype));
    let mut edns = hickory_proto::op::Edns::new();
    edns.set_max_payload(1232);
    if let Some(prefix) = lookup.ecs {
        edns.options_mut().insert(EdnsOption::Subnet(ClientSubnet::new(prefix.address(), prefix.length(), 0)));
    }
    query.set_edns(edns);
    let server = server(&lookup.server, lookup.transport)?;
    Ok(Plan { server, transport: lookup.transport, query })
}

/// Reads `SRV`, `srv` or `TYPE33` (RFC 3597 section 5).
fn record_type(text: &str) -> Result<RecordType, String> {
    let upper = text.to_ascii_uppercase();
    let number = upper.strip_prefix("TYPE").and_then(|number| number.parse::<u16>().ok());
    let parsed = number.map(RecordType::from).or_else(|| upper.parse().ok());
    match parsed.ok_or_else(|| format!("{text:?} is no record type; write A, AAAA, SRV, TXT ... or TYPE64"))? {
        RecordType::AXFR | RecordType::IXFR => {
            Err(format!("{upper} is a zone transfer of many messages; use `dig @SERVER ZONE {upper}`"))
        }
        rtype => Ok(rtype),
    }
}

fn server(text: &str, transport: Transport) -> Result<SocketAddr, String> {
    let port = if transport == Transport::Grpc { 8053 } else { 53 };
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port),
        Err(_) => text.parse().map_err(|_| {
            format!("--server {text:?} is no address; write 10.96.0.53, 127.0.0.1:5300 or [::1]:5300 (no host names)")
        })?,
    };
    // A listener on every address is reached on loopback.
    Ok(if address.ip() == Ipv4Addr::UNSPECIFIED { (Ipv4Addr::LOCALHOST, address.port()).into() } else { address })
}

#[cfg(test)]
mod tests;
