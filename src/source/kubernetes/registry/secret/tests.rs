use super::*;
use crate::source::kubernetes::registry::{Collection, Sort};
use crate::source::kubernetes::token::TokenSource;
use serde_json::json;

fn kubeconfig(user: &str) -> String {
    let ca = rcgen::generate_simple_self_signed(vec!["ca".to_owned()]).unwrap().cert.pem();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster:\n    \
         certificate-authority-data: {}\n    server: https://192.0.2.1:6443\ncontexts:\n- context:\n    cluster: c\n    \
         user: c\n  name: c\npreferences: {{}}\nusers:\n- name: c\n  user:\n    {user}\n",
        STANDARD.encode(ca)
    )
}

/// A Secret as `istioctl create-remote-secret` writes it.
fn secret(annotations: serde_json::Value, data: &[(&str, &str)]) -> Secret {
    let data: BTreeMap<&str, String> = data.iter().map(|(key, text)| (*key, STANDARD.encode(text))).collect();
    let secret = json!({
        "metadata": {
            "name": "istio-remote-secret-west", "namespace": "istio-system", "resourceVersion": "7",
            "labels": {"istio/multiCluster": "true"}, "annotations": annotations,
        },
        "data": data,
    });
    serde_json::from_value(secret).unwrap()
}

fn read(secret: &Secret) -> Vec<Entry> {
    let sort = Sort::Secrets { label: "istio/multiCluster=true".to_owned() };
    let collection = Collection { namespace: "istio-system".to_owned(), sort };
    secret.object(&Rules { collection: &collection, allow_servers: &[], usable: &|_| Ok(()) }).entries
}

fn reason(entry: &Entry) -> String {
    assert!(entry.learned.is_none());
    let problem = entry.problem.as_ref().unwrap();
    format!("{}: {}", problem.code, problem.reason)
}

#[test]
fn each_key_is_a_cluster_with_the_annotations_of_the_secret() {
    let annotations = json!({
        "networking.istio.io/cluster": "west", "clusterset-dns.io/region": "eu-west-1",
        "clusterset-dns.io/network": "n2", "clusterset-dns.io/reach": "gateway", "clusterset-dns.io/mode": "direct",
    });
    let text = kubeconfig("token: hush");
    let entries = read(&secret(annotations, &[("west", &text), ("north.eu", &text)]));
    assert_eq!(entries.len(), 2);
    let west = entries[1].learned.as_ref().unwrap();
    assert_eq!((west.id.as_str(), west.rank), ("west", 3));
    assert_eq!(&*west.origin, "Secret istio-system/istio-remote-secret-west, key west");
    let expected = Traits {
        region: "eu-west-1".to_owned(),
        network: "n2".to_owned(),
        reach: Reach::Gateway,
        mode: Mode::Direct,
        ..Traits::default()
    };
    assert_eq!(west.traits, expected);
    assert!(matches!(west.access.token, Some(TokenSource::Fixed(_))));
}

#[test]
fn a_changed_kubeconfig_has_another_fingerprint() {
    let text = kubeconfig("token: a");
    let print = |text: &str| read(&secret(json!({}), &[("west", text)]))[0].learned.as_ref().unwrap().fingerprint;
    assert_eq!(print(&text), print(&text));
    assert_ne!(print(&text), print(&text.replace("token: a", "token: b")));
}

#[test]
fn one_bad_key_is_one_problem_that_shows_no_value() {
    let good = kubeconfig("token: hush");
    let plugin = kubeconfig("exec: {apiVersion: client.authentication.k8s.io/v1, command: hush}");
    let entries = read(&secret(json!({}), &[("West", &good), ("a", &good), ("b", &plugin), ("c", "hush: [")]));
    let reasons: Vec<String> = [0, 2, 3].map(|at| reason(&entries[at])).into();
    assert!(reasons[0].starts_with("bad-cluster-id: the data key is no id of a cluster"), "{reasons:?}");
    assert!(reasons[1].starts_with("bad-kubeconfig: exec: refused"), "{reasons:?}");
    assert!(reasons[2].starts_with("bad-kubeconfig: line "), "{reasons:?}");
    assert!(entries[1].learned.is_some() && !reasons.concat().contains("hush"));
    let wrong = read(&secret(json!({"clusterset-dns.io/reach": "hush"}), &[("a", &good)]));
    assert!(reason(&wrong[0]).starts_with("bad-annotation: annotation clusterset-dns.io/reach: is not one of"));
}
