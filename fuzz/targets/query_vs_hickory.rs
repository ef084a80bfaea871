//! Our reading of a query against that of hickory-proto.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| clusterset_dns_fuzz::query_vs_hickory::check(octets));
