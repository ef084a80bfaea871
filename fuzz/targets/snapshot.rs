//! Any octets as a snapshot: no panic, nothing in part.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| clusterset_dns_fuzz::snapshot::check(octets));
