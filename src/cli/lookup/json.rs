//! Replies as one JSON object.

use super::text::transport_name;
use super::words::{extended_errors, flags, order, rcode, tally};
use super::{Plan, Reply, exit_code};
use hickory_proto::rr::Record;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Prints the first reply, and under `orders` how often each order came.
pub(super) fn print(plan: &Plan, replies: &[Reply], out: &mut impl Write) -> io::Result<()> {
    let Some(first) = replies.first() else { return Ok(()) };
    let message = &first.message;
    let question = plan.query.queries.first();
    let errors = extended_errors(message).into_iter().map(
        |error| json!({ "code": error.code, "meaning": error.meaning(), "text": error.text, "here": error.here() }),
    );
    let orders = tally(replies.iter().map(|reply| order(&reply.message)));
    let orders: Vec<Value> =
        orders.into_iter().map(|(order, times)| json!({ "order": order, "times": times })).collect();
    let object = json!({
        "name": question.map(|q| q.name().to_string()),
        "type": question.map(|q| q.query_type().to_string()),
        "server": plan.server.to_string(),
        "transport": transport_name(first.transport).to_lowercase(),
        "id": message.metadata.id,
        "rcode": rcode(message.metadata.response_code),
        "flags": flags(message),
        "ede": errors.collect::<Vec<Value>>(),
        "answer": records(&message.answers),
        "authority": records(&message.authorities),
        "additional": records(&message.additionals),
        "milliseconds": first.took.as_secs_f64() * 1e3,
        "octets": first.octets,
        "replies": replies.len(),
        "orders": orders,
        "exit": exit_code(message),
    });
    writeln!(out, "{object:#}")
}

fn records(records: &[Record]) -> Value {
    let record = |record: &Record| {
        json!({
            "name": record.name.to_string(),
            "ttl": record.ttl,
            "type": record.record_type().to_string(),
            "data": record.data.to_string(),
        })
    };
    records.iter().map(record).collect()
}
