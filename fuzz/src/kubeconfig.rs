//! `kubeconfig`: any octets as a kubeconfig: no panic, nothing that is refused is accepted, and no secret in a message.

use clusterset_dns::source::kubernetes::{Access, Rules, Trust, accept_kubeconfig};
use serde_json::Value;
use std::path::Path;

/// Fields of a user that are refused whatever they hold (RESILIENCE.md section 10).
const REFUSED: [&str; 8] =
    ["exec", "auth-provider", "username", "password", "as", "as-uid", "as-groups", "as-user-extra"];

/// Reads `octets` under strict and under lenient rules. The folder does not exist, so no file may be named.
pub fn check(octets: &[u8]) {
    let path = Path::new("/nonexistent/kubeconfig");
    let lenient = Rules { allow_insecure: true, system_roots: true, ..Rules::default() };
    for rules in [Rules::default(), lenient] {
        match accept_kubeconfig(path, octets, "", &rules) {
            Ok(access) => accepted(octets, &access, &rules),
            Err(refusal) => no_secret(octets, &refusal.to_string()),
        }
    }
}

fn accepted(octets: &[u8], access: &Access, rules: &Rules) {
    assert_eq!(access.server.scheme_str(), Some("https"));
    assert!(access.proxy.is_none() && access.files.len() == 1);
    match &access.trust {
        Trust::Certificates(list) => assert!(!list.is_empty()),
        Trust::SystemRoots => assert!(rules.system_roots),
        Trust::Anything => assert!(rules.allow_insecure),
        Trust::File(path) => unreachable!("{path:?}"),
    }
    let text = std::str::from_utf8(octets).expect("only text is accepted");
    // Values of unknown fields may be beyond JSON's.
    let Ok(file) = serde_saphyr::from_str::<Value>(text) else { return };
    let named = |list: &str, name: &Value, field: &str| {
        let list = file[list].as_array().into_iter().flatten();
        list.clone().find(|entry| entry["name"] == *name).map_or(Value::Null, |entry| entry[field].clone())
    };
    let context = named("contexts", &file["current-context"], "context");
    let user = named("users", &context["user"], "user");
    for field in REFUSED {
        assert!(user[field].is_null(), "{field} was accepted: {text}");
    }
    let cluster = named("clusters", &context["cluster"], "cluster");
    assert!(cluster["proxy-url"].is_null(), "another proxy was accepted: {text}");
}

/// Texts that begin with `s3cr3t` and stand once in the file stand in no message.
fn no_secret(octets: &[u8], message: &str) {
    let text = String::from_utf8_lossy(octets);
    let Ok(file) = serde_saphyr::from_str::<Value>(&text) else { return };
    let users = file["users"].as_array().into_iter().flatten();
    for value in users.filter_map(|user| user["user"].as_object()).flat_map(|user| user.values()) {
        let secret = value.as_str().filter(|value| value.starts_with("s3cr3t") && text.matches(value).count() == 1);
        assert!(!secret.is_some_and(|secret| message.contains(secret)), "{message}");
    }
}
