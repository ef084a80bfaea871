use serde_json::Value;

fn fast(text: &str) -> Option<Value> {
    crate::source::object::plain_yaml_value(text)
}

fn full(text: &str) -> Option<Value> {
    crate::source::object::any_yaml_value(text)
}

/// What the fast reader must take, and exactly as the full one does.
const TAKEN: &[&str] = &[
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: web # the shop\n  labels: {}\nspec:\n  ports:\n  - name: http\n    port: 80\n",
    "a:\n- b: 1\n  c:\n  - 2\n  -\n  - d: ~\n    e: null\n- f\nz: -5\n",
    "a:\n    - 1\n    - x: why\nb:\nc: ''\nd: \"two words\"\n",
    "addresses: [10.0.0.1, \"10.0.0.2\", fd00::1]\nports: [{ name: http, port: 80 }, {\"a\": [], b: {}}]\n",
    "text: |\n  first\n    second\n\n  # no comment\n\nstrip: |-\n  one\nnext: 1\n",
    "a:\n- |\n  x\n- k: |\n    z\n",
    "time: 2024-03-01T00:00:00Z\nip: 10.0.0.1\nrange: 10.0.0.0/16\nv6: 2001:db8::1\nv6s: ::1\nversion: 1.2.3\n",
    "# head\n\n'quoted.key/x': a=b\n\"k\": c #d\ncmd: echo -n hello, world (x@y)\n",
    "a: 0\nb: 18\nc: -1\nd: true\ne: false\nt: truex\n",
    "a: b:c\nurl: http://x.y/z\n",
];

/// What the fast reader must leave to the full one.
const LEFT: &[&str] = &[
    "",
    "# a comment alone\n",
    "just text\n",
    "- a\n",
    " a: 1\n",
    "{a: 1}\n",
    "|\n  x\n",
    "a:\n  alone\n",
    "a:\n- - b\n",
    "a: 1\r\nb: 2\r\n",
    "a: |\n  x\n     \n  y\n",
    "a: |\n  x\n \n",
    "'two words': 1\n",
    "\"<<\": {b: 1}\n",
    "\"8\": 1\n",
    "yes: 1\n",
    "a: {no: 1}\n",
    "a: b#c\n",
    "a: it's\n",
    "a: [[[[[b]]]]]\n",
    "# a control\u{7} character in a comment\na: 1\n",
    "# schön\na: 1\n",
    "a: |-\n  a control\u{0} character in a literal\n",
    "a: |\n  x\r\n",
    "|\ntext\n---\na: 1\n",
    "a: &x 1\nb: *x\n",
    "a: !!str 1\n",
    "a: \"tab\\t\"\n",
    "a: 'it''s'\n",
    "a: word\n  more words\n",
    "a: \"open\n  end\"\n",
    "a: [1,\n 2]\n",
    "a: >\n  folded\n",
    "a: |+\n  keep\n\n",
    "a: |2\n    x\n",
    "a: 0x1f\n",
    "a: 007\n",
    "a: 1.5\n",
    "a: 1e3\n",
    "a: yes\n",
    "a: .inf\n",
    "? a\n: b\n",
    "<<: {a: 1}\n",
    "a: b: c\n",
    "a:\n\t- b\n",
    "a: 1\n   b: 2\n",
    "a:\n    b: 1\n  c: 2\n",
    "- a\nb: 1\n",
    "a: 1\n- b\n",
    "- a\n  - b\n",
    "a: [b\n",
    "a: {b}\n",
    "a: }\n",
    "a: @b\n",
    "null: 1\n",
    "key with space: 1\n",
    "a: \u{e9}\n",
    "a: - b\n",
];

#[test]
fn agrees_with_the_full_reader() {
    for text in TAKEN {
        let taken = fast(text);
        assert!(taken.is_some(), "left: {text:?}");
        assert_eq!(taken, full(text), "{text:?}");
    }
}

#[test]
fn leaves_what_it_does_not_know() {
    for text in LEFT {
        assert_eq!(fast(text), None, "{text:?}");
    }
}

proptest::proptest! {
    /// Whatever it takes, it takes as the full reader does.
    #[test]
    fn never_disagrees(lines in proptest::collection::vec("( {0,4}(- )?)((a|b|c: |d:|\"e\": |'f':|# x)([a-c0-9.:~-]{0,4}|\\[a, b\\]|\\{a: 1\\}|\"x y\"|\\|-?| z))?", 1..8)) {
        let text = lines.join("\n");
        if let Some(value) = fast(&text) {
            proptest::prop_assert_eq!(Some(value), full(&text), "{:?}", text);
        }
    }
}

#[test]
fn long_texts_are_read_alike() {
    for length in [100, 1_000, 1_023, 1_024, 1_025, 3_000] {
        let long = "k".repeat(length);
        let texts = [
            format!("{long}: 1\n"),
            format!("\"{long}\": 1\n"),
            format!("a: {{ {long}: 1 }}\n"),
            format!("- - {long}: 1\n"),
            format!("a: {long}\n"),
            format!("a: {}1{}\n", "[".repeat(length), "]".repeat(length)),
            format!("a: 1{}\n", "0".repeat(length)),
        ];
        for text in texts {
            if let Some(read) = fast(&text) {
                assert!(Some(read) == full(&text), "{length}: {}", &text[..60.min(text.len())]);
            }
        }
    }
}

/// Services, slices and exports as `kubectl get -o yaml` prints them: keys in order, long annotations as literals or in
/// quotes, times and numbers quoted, lists at the column of their key.
const KUBECTL: &str = "\
apiVersion: v1
items:
- apiVersion: v1
  kind: Service
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"web\"},\"spec\":{\"ports\":[{\"port\":80}]}}
    creationTimestamp: \"2024-03-01T08:00:00Z\"
    labels:
      app.kubernetes.io/name: web
      app.kubernetes.io/version: 1.2.3
    name: web
    namespace: shop
    resourceVersion: \"123456\"
    uid: 4b0f8a2e-7b3b-4a56-8c27-0f5f4d1d2a11
  spec:
    clusterIP: 10.96.12.7
    clusterIPs:
    - 10.96.12.7
    - fd00:10:96::c07
    internalTrafficPolicy: Cluster
    ipFamilies:
    - IPv4
    - IPv6
    ipFamilyPolicy: PreferDualStack
    ports:
    - name: http
      port: 80
      protocol: TCP
      targetPort: 8080
    selector:
      app: web
    sessionAffinity: None
    type: ClusterIP
  status:
    loadBalancer: {}
- addressType: IPv4
  apiVersion: discovery.k8s.io/v1
  endpoints:
  - addresses:
    - 10.244.1.7
    conditions:
      ready: true
      serving: true
      terminating: false
    hints:
      forZones:
      - name: eu-1a
    nodeName: node-1
    targetRef:
      kind: Pod
      name: web-7d9c-x2x
      namespace: shop
      uid: 9d1f0b8e-0000-4a56-8c27-0f5f4d1d2a11
    zone: eu-1a
  kind: EndpointSlice
  metadata:
    annotations:
      endpoints.kubernetes.io/last-change-trigger-time: \"2024-03-01T08:00:01Z\"
    creationTimestamp: \"2024-03-01T08:00:01Z\"
    generateName: web-
    generation: 3
    labels:
      endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io
      kubernetes.io/service-name: web
    name: web-x7k2p
    namespace: shop
    ownerReferences:
    - apiVersion: v1
      blockOwnerDeletion: true
      controller: true
      kind: Service
      name: web
      uid: 4b0f8a2e-7b3b-4a56-8c27-0f5f4d1d2a11
  ports:
  - name: http
    port: 8080
    protocol: TCP
kind: List
metadata:
  resourceVersion: \"\"
";

#[test]
fn what_kubectl_prints_goes_the_fast_way() {
    let taken = fast(KUBECTL);
    assert!(taken.is_some());
    assert_eq!(taken, full(KUBECTL));
}

/// The examples and the scenarios are what people write by hand: nearly all of it must go the fast way.
#[test]
fn folders_of_manifests_go_the_fast_way() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("tests/scenarios"), root.join("examples")];
    let (mut taken, mut left) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.components().any(|part| part.as_os_str() == "clusters" || part.as_os_str() == "examples")
                && path.extension().is_some_and(|extension| extension == "yaml")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                for document in text.split("\n---\n").filter(|text| text.contains("kind:")) {
                    match fast(document) {
                        Some(value) => {
                            taken += 1;
                            assert_eq!(Some(value), full(document), "{}", path.display());
                        }
                        None => left.push(format!("{}: {document}", path.display())),
                    }
                }
            }
        }
    }
    assert!(left.len() * 20 < taken, "{taken} taken, {} left:\n{}", left.len(), left.join("\n\n"));
}

#[test]
fn an_attempt_of_the_fast_reader_used_up_the_places_of_the_full_one() {
    use crate::source::object::{Context, Decoded, Document, Outcome, decode_yaml};
    // Ten objects without a kind; only the last line is for the full reader.
    let text = format!("kind: List\nitems:\n{}x: 'it''s'\n", "- a: 1\n".repeat(10));
    let late = format!("kind: List\nitems:\n{}x: 1.5\n", "- kind: 5\n".repeat(10));
    for text in [text, late] {
        let document = Document::new(&text);
        let context = Context::api(crate::model::ClusterId::new("east"));
        let context = context.in_file(&"a.yaml".into(), 1, Some(&document));
        let objects: Vec<Decoded> = decode_yaml(&text, &context).unwrap();
        let located = |object: &Decoded| match &object.outcome {
            Outcome::Rejected { finding, .. } => finding.place.as_ref().is_some_and(|place| place.column > 0),
            _ => false,
        };
        assert_eq!(objects.iter().filter(|object| located(object)).count(), 10, "{text}");
    }
}
