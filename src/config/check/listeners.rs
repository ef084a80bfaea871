//! Listen addresses: each used once; certificates whole.

use super::Checker;
use std::net::SocketAddr;

pub(super) fn check(checker: &mut Checker<'_>) {
    let mut used: Vec<(String, SocketAddr)> = Vec::new();
    for (field, address) in all(checker) {
        // Port 0 is a different free port each time.
        let same = |other: &SocketAddr| address.port() != 0 && *other == address;
        if let Some((first, _)) = used.iter().find(|(_, other)| same(other)) {
            let message = format!("{address} is used by {first} already; choose another port");
            checker.error(&field, &address.to_string(), message);
        }
        used.push((field, address));
    }
    check_certificates(checker);
}

fn all(checker: &Checker<'_>) -> Vec<(String, SocketAddr)> {
    let listen = &checker.config.listen;
    let many = [("listen.dns", &listen.dns), ("listen.grpc", &listen.grpc)];
    let one = [
        ("listen.health", &listen.health),
        ("listen.ready", &listen.ready),
        ("listen.metrics", &listen.metrics),
        ("listen.admin", &listen.admin),
    ];
    let mut all = Vec::new();
    for (key, addresses) in many {
        all.extend(addresses.addresses().enumerate().map(|(index, address)| (format!("{key}[{index}]"), address)));
    }
    all.extend(one.into_iter().filter_map(|(key, address)| Some((key.to_owned(), address.first()?))));
    for (index, view) in checker.config.views.iter().enumerate() {
        let field = |at| format!("views[{index}].listen[{at}]");
        all.extend(view.listen.addresses().enumerate().map(|(at, address)| (field(at), address)));
    }
    all
}

fn check_certificates(checker: &mut Checker<'_>) {
    let grpc = &checker.config.tls.grpc;
    match (grpc.cert.get(), grpc.key.get()) {
        (Some(_), None) => {
            checker.error("tls.grpc", "", "cert is set but key is not; TLS needs both, set key or remove cert")
        }
        (None, Some(_)) => {
            checker.error("tls.grpc", "", "key is set but cert is not; TLS needs both, set cert or remove key")
        }
        (None, None) if grpc.client_ca.get().is_some() => {
            checker.error("tls.grpc", "", "clientCA is set but cert and key are not; set both, or remove clientCA");
        }
        _ => {}
    }
}
