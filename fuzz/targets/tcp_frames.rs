//! A TCP stream in pieces: the replies to the whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| clusterset_dns_fuzz::tcp_frames::check(octets));
