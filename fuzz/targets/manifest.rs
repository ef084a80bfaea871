//! Any octets as a file of manifests: findings with file and line, both YAML readers agree.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| clusterset_dns_fuzz::manifest::check(octets));
