//! Any history of observations: the table of its final facts.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| clusterset_dns_fuzz::merge_algebra::check(octets));
