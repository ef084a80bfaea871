//! The checked-in code must be what `proto/dns.proto` gives. After a change of the one, write the other:
//! `UPDATE_GENERATED=1 cargo test generated`.

#[test]
fn generated_code_is_up_to_date() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let checked_in = root.join("src/transport/grpc/generated.rs");
    let folder = tempfile::tempdir().unwrap();
    let descriptors = protox::compile(["dns.proto"], [root.join("proto")]).unwrap();
    let mut config = tonic_prost_build::Config::new();
    config.bytes(["."]);
    tonic_prost_build::configure()
        .out_dir(folder.path())
        .build_transport(false)
        .build_server(false)
        .compile_fds_with_config(descriptors, config)
        .unwrap();
    let fresh = std::fs::read_to_string(folder.path().join("coredns.dns.rs")).unwrap();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&checked_in, &fresh).unwrap();
    }
    let present = std::fs::read_to_string(&checked_in).unwrap();
    assert!(present == fresh, "src/transport/grpc/generated.rs is stale: run UPDATE_GENERATED=1 cargo test generated");
}
