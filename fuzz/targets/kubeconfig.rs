//! Any octets as a kubeconfig: nothing refused is accepted.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| clusterset_dns_fuzz::kubeconfig::check(octets));
