//! Any octets as a line of a watch: the event it names, or none.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| clusterset_dns_fuzz::watch_line::check(octets));
