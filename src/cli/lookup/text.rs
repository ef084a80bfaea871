//! Replies in the layout of `dig`.

use super::words::{extended_errors, flags, order, rcode, tally};
use super::{Plan, Reply, Transport};
use hickory_proto::op::{Edns, Message};
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use std::io::{self, Write};

/// Prints the first reply whole, then how the order varied if there are more.
pub(super) fn print(plan: &Plan, replies: &[Reply], out: &mut impl Write) -> io::Result<()> {
    let Some(first) = replies.first() else { return Ok(()) };
    if plan.transport == Transport::Udp && first.transport == Transport::Tcp {
        writeln!(out, ";; Truncated, asked again over TCP")?;
    }
    header(&first.message, out)?;
    if let Some(edns) = &first.message.edns {
        opt(edns, &first.message, out)?;
    }
    writeln!(out, ";; QUESTION SECTION:")?;
    for question in &plan.query.queries {
        writeln!(out, ";{}\t\t{}\t{}", question.name(), question.query_class(), question.query_type())?;
    }
    let message = &first.message;
    section("ANSWER", &message.answers, out)?;
    section("AUTHORITY", &message.authorities, out)?;
    section("ADDITIONAL", &message.additionals, out)?;
    let (ms, transport) = (first.took.as_secs_f64() * 1e3, transport_name(first.transport));
    writeln!(out, "\n;; Query time: {ms:.1} msec\n;; SERVER: {} ({transport})", plan.server)?;
    writeln!(out, ";; MSG SIZE  rcvd: {}", first.octets)?;
    if replies.len() > 1 {
        orders(replies, out)?;
    }
    Ok(())
}

pub(super) fn transport_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Grpc => "gRPC",
    }
}

fn header(message: &Message, out: &mut impl Write) -> io::Result<()> {
    let header = &message.metadata;
    let (opcode, status, id) = (header.op_code, rcode(header.response_code), header.id);
    writeln!(out, ";; ->>HEADER<<- opcode: {opcode}, status: {status}, id: {id}")?;
    let additional = message.additionals.len() + usize::from(message.edns.is_some());
    writeln!(
        out,
        ";; flags: {}; QUERY: {}, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {additional}\n",
        flags(message).join(" "),
        message.queries.len(),
        message.answers.len(),
        message.authorities.len(),
    )
}

fn opt(edns: &Edns, message: &Message, out: &mut impl Write) -> io::Result<()> {
    let dnssec_ok = if edns.flags().dnssec_ok { " do" } else { "" };
    writeln!(out, ";; OPT PSEUDOSECTION:")?;
    writeln!(out, "; EDNS: version: {}, flags:{dnssec_ok}; udp: {}", edns.version(), edns.max_payload())?;
    for error in extended_errors(message) {
        write!(out, "; EDE: {} ({})", error.code, error.meaning())?;
        if !error.text.is_empty() {
            write!(out, ": {:?}", error.text)?;
        }
        writeln!(out, "{}", error.here().map(|here| format!(" - {here}")).unwrap_or_default())?;
    }
    match edns.option(EdnsCode::Subnet) {
        Some(EdnsOption::Subnet(subnet)) => {
            let (address, source, scope) = (subnet.addr(), subnet.source_prefix(), subnet.scope_prefix());
            writeln!(out, "; CLIENT-SUBNET: {address}/{source}/{scope}")
        }
        _ => Ok(()),
    }
}

fn section(title: &str, records: &[Record], out: &mut impl Write) -> io::Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n;; {title} SECTION:")?;
    for record in records {
        let Record { name, ttl, dns_class, data, .. } = record;
        writeln!(out, "{name}\t{ttl}\t{dns_class}\t{}\t{data}", record.record_type())?;
    }
    Ok(())
}

fn orders(replies: &[Reply], out: &mut impl Write) -> io::Result<()> {
    let first = |reply: &Reply| reply.message.answers.first().map(|record| record.data.to_string());
    writeln!(out, "\n;; {} replies. First record:", replies.len())?;
    for (record, times) in tally(replies.iter().filter_map(first)) {
        writeln!(out, ";; {times:6}  {record}")?;
    }
    writeln!(out, ";; Order:")?;
    for (order, times) in tally(replies.iter().map(|reply| order(&reply.message))) {
        writeln!(out, ";; {times:6}  {order}")?;
    }
    Ok(())
}
