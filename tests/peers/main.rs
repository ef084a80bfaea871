//! The server among its real neighbours: kube-apiserver and etcd behind it, CoreDNS and `dig` in front of it,
//! Knot and NSD beside it; client programs behind it all.
//!
//! Objects go in by API; answers come out of `dig`. `tests/peers/build` makes the peers, `tests/run peers` runs this.
//! Plain `cargo test` skips these tests with one line; with `CLUSTERSET_DNS_PEERS` naming the folder of the built
//! peers (as tests/run sets it) nothing is skipped, and a missing peer is a failure.
//!
//! Each module says `cfg(test)`, so that the harness may `expect` as tests do (clippy.toml).

#[cfg(test)]
mod access;
#[cfg(test)]
mod api_objects;
#[cfg(test)]
mod api_server;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod coredns;
#[cfg(test)]
mod differences;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod dig;
#[cfg(test)]
mod etcd;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod front_ends;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod http;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod neighbours;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod process;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod rolling;
#[cfg(test)]
mod secondaries;
#[cfg(test)]
mod server;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod story;
#[cfg(test)]
mod transfers;
#[cfg(test)]
mod world;
