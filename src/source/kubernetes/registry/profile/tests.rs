use super::*;
use crate::source::kubernetes::registry::{Collection, Profiles};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

struct Place {
    folder: tempfile::TempDir,
    ca: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "hush").unwrap();
        let pem = rcgen::generate_simple_self_signed(vec!["ca".to_owned()]).unwrap().cert.pem();
        Place { folder, ca: STANDARD.encode(pem) }
    }

    fn cluster(&self, more: Value) -> Value {
        let mut cluster = json!({"server": "https://api.west.example", "certificate-authority-data": self.ca});
        for (key, value) in more.as_object().into_iter().flatten() {
            cluster[key] = value.clone();
        }
        cluster
    }

    fn read(&self, status: Value) -> Entry {
        let profile = json!({"metadata": {"name": "west-1", "namespace": "fleet"}, "status": status});
        let profile: Profile = serde_json::from_value(profile).unwrap();
        let tokens = BTreeMap::from([("token-provider".to_owned(), self.folder.path().join("token"))]);
        let collection = Collection {
            namespace: "fleet".to_owned(),
            sort: Sort::Profiles(Profiles { tokens, ..Profiles::default() }),
        };
        profile
            .object(&Rules { collection: &collection, allow_servers: &[], usable: &|_| Ok(()) })
            .entries
            .pop()
            .unwrap()
    }
}

#[test]
fn the_first_provider_with_a_token_file_gives_the_access() {
    let place = Place::new();
    let providers = json!([
        {"name": "plugin-provider", "cluster": {"server": "https://other"}},
        {"name": "without-a-cluster"},
        {"name": "token-provider", "cluster": place.cluster(json!({"tls-server-name": "kube"}))},
    ]);
    for field in ["accessProviders", "credentialProviders"] {
        let entry = place.read(json!({field: providers}));
        let learned = entry.learned.unwrap();
        assert_eq!((learned.id.as_str(), learned.rank, &*learned.origin), ("west-1", 4, "ClusterProfile fleet/west-1"));
        assert_eq!(learned.access.server, "https://api.west.example/");
        assert!(matches!(learned.access.token, Some(TokenSource::File(_))));
        assert_eq!(learned.access.server_name.as_deref(), Some("kube"));
    }
    let properties = json!([{"name": "location", "value": "eu"}, {"name": ID, "value": "west.eu"}]);
    let entry = place.read(json!({"properties": properties, "accessProviders": providers}));
    assert_eq!(entry.id.as_str(), "west.eu");
}

#[test]
fn what_cannot_be_used_is_a_problem_with_its_field() {
    let place = Place::new();
    let with = |more: Value| json!({"accessProviders": [{"name": "token-provider", "cluster": place.cluster(more)}]});
    let cases = [
        (json!({}), "bad-kubeconfig: status.accessProviders: names no provider"),
        (
            json!({"accessProviders": [{"name": "gke", "cluster": place.cluster(json!({}))}]}),
            "bad-kubeconfig: status.accessProviders: none of gke has a token file; name one in registry",
        ),
        (with(json!({"insecure-skip-tls-verify": true})), "bad-kubeconfig: insecure-skip-tls-verify: refused"),
        (with(json!({"proxy-url": "http://hush"})), "bad-kubeconfig: proxy-url: refused"),
        (with(json!({"certificate-authority": "/etc/passwd"})), "bad-kubeconfig: certificate-authority: refused"),
        (with(json!({"certificate-authority-data": null})), "bad-kubeconfig: certificate-authority-data: missing"),
        (with(json!({"server": "http://h"})), "bad-kubeconfig: server: refused"),
        (
            with(json!({"server": "https://127.0.0.1"})),
            "bad-kubeconfig: server: refused, because its host is a loopback",
        ),
        (json!({"properties": [{"name": ID, "value": "Hush!"}]}), "bad-cluster-id: property"),
    ];
    for (status, expected) in cases {
        let problem = place.read(status).problem.unwrap();
        let said = format!("{}: {}", problem.code, problem.reason);
        assert!(said.starts_with(expected) && !said.contains("hush"), "{said}");
    }
}

#[test]
fn conditions_that_are_false_speak_against_the_cluster() {
    let place = Place::new();
    let ill = |conditions: Value| {
        let providers = json!([{"name": "token-provider", "cluster": place.cluster(json!({}))}]);
        place.read(json!({"accessProviders": providers, "conditions": conditions})).learned.unwrap().ill
    };
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Not reachable!\n"});
    assert_eq!(ill(json!([condition("ControlPlaneHealthy", "True"), condition("Joined", "Unknown"), {}])), None);
    assert_eq!(ill(json!([condition("Scheduled", "False")])), None);
    let told = ill(json!([condition("ControlPlaneHealthy", "False"), {"type": "Joined", "status": "False"}]));
    let expected = "ClusterProfile fleet/west-1: ControlPlaneHealthy is False (Notreachable), Joined is False";
    assert_eq!(told.as_deref(), Some(expected));
}
