//! The responder from the outside: octets in, octets out, read back by an independent decoder.

mod chains;
mod edns;
mod formed;
mod gate;
mod order;
mod reading;
mod sections;
mod sizes;
mod transfers;
mod views;
mod world;
mod zone_copy;
