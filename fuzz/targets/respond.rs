//! Any octets, on every transport: no panic, and a well-formed reply or none.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| clusterset_dns_fuzz::respond::check(octets));
