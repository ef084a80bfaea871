//! Each reader rule of SOURCES.md section 4 and each mirror of section 1.4, from YAML to the fact or the finding.

mod hosts;

use crate::model::fact::{Fact, Ingress, Kind, ServiceFact, ServiceKind, ServiceType, SliceFact, SliceRole};
use crate::model::id::ClusterId;
use crate::model::{AnswerMode, Finding};
use crate::source::object::{Context, Decoded, Document, Outcome, decode_yaml};
use std::sync::Arc;

/// The outcome of one document of cluster east, in file `a.yaml`.
fn outcome(text: &str) -> Outcome {
    let document = Document::new(text);
    let mut context = Context::api(ClusterId::new("east"));
    context.known_clusters = [ClusterId::new("west"), ClusterId::new("west-2")].into();
    let context = context.in_file(&Arc::from("a.yaml"), 1, Some(&document));
    let mut objects: Vec<Decoded> = decode_yaml(text, &context).expect("YAML");
    assert_eq!(objects.len(), 1, "{text}");
    objects.remove(0).outcome
}

fn object(text: &str) -> (Fact, Vec<Finding>) {
    match outcome(text) {
        Outcome::Object { fact, findings } => (fact, findings),
        other => panic!("{other:?}"),
    }
}

/// `code line message` of each finding.
fn shown(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| finding.place.as_ref().map_or(0, |place| place.line);
    findings.iter().map(|finding| format!("{} {} {}", finding.code, line(finding), finding.message)).collect()
}

fn service(body: &str) -> (ServiceFact, Vec<String>) {
    let text = format!("apiVersion: v1\nkind: Service\nmetadata: {{ name: web, namespace: shop }}\n{body}");
    match object(&text) {
        (Fact::Service(fact), findings) => (*fact, shown(&findings)),
        other => panic!("{other:?}"),
    }
}

fn slice_text(meta: &str, body: &str) -> String {
    format!("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  namespace: shop\n{meta}{body}")
}

fn slice(meta: &str, body: &str) -> (SliceFact, Vec<String>) {
    match object(&slice_text(meta, body)) {
        (Fact::Slice(fact), findings) => (*fact, shown(&findings)),
        other => panic!("{other:?}"),
    }
}

const NATIVE: &str = "  name: web-x\n  labels: { kubernetes.io/service-name: web }\n";

#[test]
fn refuses_addresses_and_names_their_place() {
    let body = "addressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n- addresses: [\"10.0.0.256\"]\n- addresses:\n  - 10.0.0.3\n  - 127.0.0.1\n  - 010.0.0.1\n  - fd00::1\n  - \"fe80::1%eth0\"\n  - web.example\n";
    let (fact, findings) = slice(NATIVE, body);
    let kept: Vec<String> = fact.endpoints.iter().map(|endpoint| endpoint.address.to_string()).collect();
    assert_eq!(kept, ["10.0.0.1", "10.0.0.3"]);
    assert_eq!(
        findings,
        [
            "refused-address 10 endpoints[1].addresses[0]: \"10.0.0.256\" is not an IPv4 address; endpoint left out",
            "refused-address 13 endpoints[2].addresses[1]: \"127.0.0.1\" is a loopback address; endpoint left out",
            "refused-address 14 endpoints[2].addresses[2]: \"010.0.0.1\" has an octet with a leading zero; endpoint left out",
            "refused-address 15 endpoints[2].addresses[3]: \"fd00::1\" is not an IPv4 address; endpoint left out",
            "refused-address 16 endpoints[2].addresses[4]: \"fe80::1%eth0\" has a zone id; endpoint left out",
            "refused-address 17 endpoints[2].addresses[5]: \"web.example\" is not an IPv4 address; endpoint left out",
        ]
    );
}

#[test]
fn a_finding_reads_as_operations_says() {
    let (_, findings) = object(&slice_text(NATIVE, "addressType: IPv6\nendpoints:\n- addresses: [10.0.0.1]\n"));
    assert_eq!(
        findings[0].to_string(),
        "warning[refused-address]: a.yaml:9:15: cluster east: EndpointSlice shop/web-x: endpoints[0].addresses[0]: \
         \"10.0.0.1\" is not an IPv6 address; endpoint left out"
    );
}

#[test]
fn a_wrong_type_loses_that_field_only() {
    let (fact, findings) = service(
        "spec:\n  type: [ClusterIP]\n  clusterIP: 10.96.0.1\n  ports:\n  - name: http\n    port: eighty\n  - port: 443\n  - 5\n",
    );
    assert_eq!(fact.cluster_ips.len(), 1);
    assert_eq!(fact.ports.iter().map(|port| port.number).collect::<Vec<_>>(), [443]);
    assert_eq!(
        findings,
        [
            "wrong-type 5 spec.type: is a list, text is expected; the field counts as absent",
            "wrong-type 9 spec.ports[0].port: is text, a number is expected; the field counts as absent",
            "wrong-type 11 spec.ports[2]: is a number, a map is expected; the field counts as absent",
        ]
    );
}

#[test]
fn ports_out_of_range_lose_their_srv_only() {
    let (fact, findings) = service(
        "spec:\n  clusterIP: 10.96.0.1\n  ports:\n  - { name: a, port: 70000 }\n  - { name: b, port: 0 }\n  - { name: c, port: 1, protocol: HTTP }\n  - { name: Bad_Name, port: 2 }\n",
    );
    assert_eq!(fact.cluster_ips.len(), 1);
    assert_eq!(fact.ports.iter().map(|port| &*port.name).collect::<Vec<_>>(), ["bad_name"]);
    let starts = [
        "bad-port 7 spec.ports[0].port: 70000 is not in 1..65535",
        "bad-port 8 spec.ports[1].port: 0 is not",
        "bad-port 9 spec.ports[2].protocol: \"HTTP\" is not TCP, UDP or SCTP",
        "bad-name 10 spec.ports[3].name: \"bad_name\" is not a DNS label",
    ];
    assert_eq!(findings.len(), starts.len());
    for (finding, start) in findings.iter().zip(starts) {
        assert!(finding.starts_with(start), "{finding}");
    }
}

#[test]
fn services_have_one_of_three_kinds() {
    let cases = [
        ("spec: { clusterIP: None }\n", ServiceKind::Headless, 0),
        ("spec: { clusterIPs: [None] }\n", ServiceKind::Headless, 0),
        (
            "spec: { type: NodePort, clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, \"fd00::1\"] }\n",
            ServiceKind::ClusterIp,
            2,
        ),
        ("spec: { type: LoadBalancer, clusterIP: \"\" }\n", ServiceKind::ClusterIp, 0),
        ("spec: { type: ExternalName, externalName: a.example }\n", ServiceKind::ExternalName, 0),
        ("", ServiceKind::ClusterIp, 0),
    ];
    for (body, kind, addresses) in cases {
        let (fact, findings) = service(body);
        assert_eq!((fact.kind, fact.cluster_ips.len(), findings.len()), (kind, addresses, 0), "{body}");
    }
}

#[test]
fn load_balancers_have_addresses_or_host_names() {
    let (fact, findings) = service(
        "status:\n  loadBalancer:\n    ingress:\n    - ip: 203.0.113.7\n    - hostname: LB.example.com.\n    - hostname: \"not a host\"\n    - ip: 169.254.0.1\n",
    );
    assert_eq!(*fact.ingress, [Ingress::Ip("203.0.113.7".parse().unwrap()), Ingress::Host("lb.example.com".into())]);
    assert_eq!(findings.len(), 2);
    assert!(findings[0].starts_with("bad-name 9 status.loadBalancer.ingress[2].hostname"), "{findings:?}");
}

#[test]
fn objects_without_a_usable_identity_are_rejected() {
    let cases = [
        ("kind: Service\nmetadata: { name: web }\n", "bad-object", "no usable `apiVersion`"),
        ("apiVersion: v1\nmetadata: { name: web }\n", "bad-object", "no usable `kind`"),
        ("apiVersion: v1\nkind: Service\n", "bad-object", "no usable name"),
        ("apiVersion: v1\nkind: Service\nmetadata: { name: 5 }\n", "bad-object", "no usable name"),
        ("apiVersion: v1\nkind: Service\nmetadata: { name: web_1 }\n", "bad-name", "\"web_1\" is not a DNS label"),
        ("apiVersion: v1\nkind: Service\nmetadata: { name: a.b }\n", "bad-name", "\"a.b\" is not a DNS label"),
        ("apiVersion: v1\nkind: Service\nmetadata: { name: a, namespace: x/y }\n", "bad-name", "\"x/y\" is not"),
        ("apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\n", "bad-object", "only v1 is"),
    ];
    for (text, code, part) in cases {
        match outcome(text) {
            Outcome::Rejected { key: None, finding, .. } => {
                assert_eq!(finding.code, code, "{text}");
                assert!(finding.message.contains(part), "{}", finding.message);
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_line_break_in_a_name_wrote_a_line_of_its_own_into_the_log() {
    let long =
        format!("apiVersion: v1\nkind: Service\nmetadata: {{ name: \"web\\nwarning[x]: {}\" }}\n", "y".repeat(900));
    let Outcome::Rejected { finding, .. } = outcome(&long) else { panic!("it is no name") };
    assert!(!finding.to_string().contains('\n'), "{finding}");
    assert!(finding.object.starts_with("web\\nwarning") && finding.object.len() < 400, "{}", finding.object);
}

#[test]
fn kinds_that_are_not_read_pass_without_a_finding() {
    for text in [
        "apiVersion: apps/v1\nkind: Deployment\nspec: { ports: 5 }\n",
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: { name: web }\n",
        "apiVersion: net.gke.io/v1\nkind: ServiceExport\nmetadata: { name: web }\n",
    ] {
        assert_eq!(outcome(text), Outcome::Ignored { object: None }, "{text}");
    }
}

#[test]
fn names_are_lower_cased_and_namespaces_default() {
    let (fact, _) = object("apiVersion: v1\nkind: Service\nmetadata: { name: Web }\n");
    assert_eq!(fact.key().as_str(), "default/web");
}

#[test]
fn slices_are_native_copies_or_nobodys() {
    let copy = |id: &str| SliceRole::Copy { source: ClusterId::new(id) };
    let mcs = "multicluster.kubernetes.io/service-name: web";
    let managed = "endpointslice.kubernetes.io/managed-by";
    let cases = [
        ("web-x", "kubernetes.io/service-name: web".to_owned(), Some(SliceRole::Native)),
        ("web-x", format!("{mcs}, multicluster.kubernetes.io/source-cluster: west"), Some(copy("west"))),
        ("web-x", format!("{mcs}, multicluster.kubernetes.io/source-cluster: A.B.C"), Some(copy("A.B.C"))),
        ("web-x", mcs.to_owned(), Some(copy("east"))),
        ("web-x", format!("{mcs}, {managed}: aws-cloud-map-mcs-controller-for-k8s"), Some(copy("east"))),
        (
            "web-x",
            format!("{mcs}, kubernetes.io/service-name: web, service.cilium.io/local-endpointslice: \"true\""),
            Some(copy("east")),
        ),
        ("web-x", format!("kubernetes.io/service-name: web, {managed}: endpointslice-mesh-controller.cilium.io"), None),
        (
            "imported-west-2-web-abcde",
            format!("kubernetes.io/service-name: derived-web, {managed}: endpointslice-dispatch-controller.karmada.io"),
            Some(copy("west-2")),
        ),
        (
            "imported-member1-web-abcde",
            format!("kubernetes.io/service-name: derived-web, {managed}: endpointslice-controller.karmada.io"),
            Some(copy("member1")),
        ),
        (
            "web-x",
            format!(
                "{mcs}, {managed}: lighthouse-agent.submariner.io, lighthouse.submariner.io/sourceNamespace: other"
            ),
            None,
        ),
        (
            "web-x",
            format!("{mcs}, {managed}: lighthouse-agent.submariner.io, lighthouse.submariner.io/sourceNamespace: shop"),
            Some(copy("east")),
        ),
        ("web-x", "app: web".to_owned(), None),
    ];
    for (name, labels, expected) in cases {
        let text = slice_text(&format!("  name: {name}\n  labels: {{ {labels} }}\n"), "addressType: IPv4\n");
        let role = match outcome(&text) {
            Outcome::Object { fact: Fact::Slice(fact), .. } => {
                assert_eq!(fact.service.as_str(), "shop/web", "{text}");
                Some(fact.role)
            }
            Outcome::Ignored { object: Some((Kind::EndpointSlice, _)) } => None,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(role, expected, "{text}");
    }
}

#[test]
fn lighthouse_slices_of_a_virtual_address_say_so() {
    for (headless, expected) in [("false", true), ("true", false)] {
        let labels = format!(
            "  name: web-x\n  labels:\n    multicluster.kubernetes.io/service-name: web\n    endpointslice.kubernetes.io/managed-by: lighthouse-agent.submariner.io\n    lighthouse.submariner.io/is-headless: \"{headless}\"\n"
        );
        assert_eq!(slice(&labels, "").0.virtual_address, expected);
    }
}

#[test]
fn endpoints_carry_readiness_host_name_and_pod() {
    let body = "addressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n  hostname: DB-0\n  nodeName: n1\n  zone: z1\n  conditions: {}\n  targetRef: { kind: Pod, namespace: shop, name: db-0 }\n- addresses: [10.0.0.2]\n  hostname: a.b\n  conditions: { ready: false }\n  targetRef: { kind: VM, name: db-0 }\nports:\n- name: sql\n  port: 5432\n- name: all\n";
    let (fact, findings) = slice(NATIVE, body);
    let [first, second] = &fact.endpoints[..] else { panic!("{fact:?}") };
    assert_eq!((first.ready, first.hostname.as_deref(), first.place.zone.as_deref()), (true, Some("db-0"), Some("z1")));
    assert_eq!((second.ready, second.hostname.as_deref(), second.pod.get()), (false, None, None));
    let (other_family, _) = slice(
        "  name: web-y\n  labels: { kubernetes.io/service-name: web }\n",
        "addressType: IPv6\nendpoints:\n- addresses: [\"fd00::1\"]\n  targetRef: { kind: Pod, namespace: shop, name: db-0 }\n",
    );
    assert!(first.pod.get().is_some() && first.pod == other_family.endpoints[0].pod);
    assert_eq!(fact.ports.len(), 1);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with("bad-name 16 endpoints[1].hostname"), "{findings:?}");
}

#[test]
fn fqdn_slices_are_passed_over() {
    let ignored = outcome(&slice_text(NATIVE, "addressType: FQDN\nendpoints: [{ addresses: [a.example] }]\n"));
    assert!(matches!(ignored, Outcome::Ignored { object: Some((Kind::EndpointSlice, _)) }), "{ignored:?}");
}

#[test]
fn mirrors_are_marked_or_ignored() {
    let marks = [
        ("labels: { mirror.linkerd.io/mirrored-service: \"true\" }", "", true),
        ("labels: { mirror.linkerd.io/cluster-name: west }", "", true),
        ("labels: { multicluster.linkerd.io/remote-discovery: west }", "", true),
        ("annotations: { internal.skupper.io/controlled: \"true\" }", "", true),
        ("labels: { consul: \"true\" }", "spec: { type: ExternalName }", true),
        ("labels: { consul: \"true\" }", "", false),
        ("labels: { app: web }", "", false),
    ];
    for (mark, spec, expected) in marks {
        let text = format!("apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  {mark}\n{spec}\n");
        match object(&text).0 {
            Fact::Service(fact) => assert_eq!(fact.mirror, expected, "{text}"),
            other => panic!("{other:?}"),
        }
    }
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: { mirror.linkerd.io/mirrored-service: \"true\" }\n";
    assert!(matches!(outcome(namespace), Outcome::Ignored { object: Some((Kind::Namespace, _)) }));
}

#[test]
fn lighthouse_imports_are_ignored() {
    for meta in [
        "name: web-shop-east\n  labels: { multicluster.kubernetes.io/service-name: web }",
        "name: web-shop-east\n  annotations: { multicluster.kubernetes.io/service-name: web }",
        "name: web\n  namespace: submariner-operator",
    ] {
        let text = format!("apiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceImport\nmetadata:\n  {meta}\n");
        assert!(matches!(outcome(&text), Outcome::Ignored { object: Some((Kind::ServiceImport, _)) }), "{text}");
    }
}

#[test]
fn imports_take_any_number_of_addresses_and_the_services_behind_them() {
    let text = "apiVersion: multicluster.x-k8s.io/v1beta1\nkind: ServiceImport\nmetadata:\n  name: web\n  annotations:\n    multicluster.k8s.aws/derived-service: '[{\"cluster\":\"a\",\"derived-service\":\"imported-1\"},{\"cluster\":\"b\",\"derived-service\":\"imported-2\"}]'\nspec:\n  type: ClusterSetIP\n  ips: [10.1.0.1, None, 10.1.0.1, 10.1.0.2, nonsense]\n  sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } }\nstatus:\n  clusters: [{ cluster: west }, {}]\n  endpointSliceObjects: Present\n";
    let (Fact::Import(fact), findings) = object(text) else { panic!() };
    assert_eq!(fact.service_type, Some(ServiceType::ClusterSetIp));
    assert_eq!(fact.ips.len(), 2);
    assert_eq!(fact.derived_services, ["imported-1".into(), "imported-2".into()]);
    assert_eq!(fact.source_clusters, [ClusterId::new("west")]);
    assert_eq!(fact.slices_present, Some(true));
    assert_eq!(fact.traffic.session_affinity_config.as_deref(), Some(r#"{"clientIP":{"timeoutSeconds":5}}"#));
    assert_eq!(shown(&findings), ["refused-address 9 spec.ips[4]: \"nonsense\" is not an IP address; it is left out"]);
    let plain = "apiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceImport\nmetadata: { name: web }\nspec: { type: Other }\n";
    let (Fact::Import(fact), _) = object(plain) else { panic!() };
    assert_eq!((fact.service_type, &*fact.derived_services[0]), (None, "derived-web"));
}

#[test]
fn exports_have_an_age_and_canonical_maps() {
    let text = "apiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceExport\nmetadata:\n  name: web\n  creationTimestamp: 2024-03-01T00:00:00Z\n  deletionTimestamp: 2024-03-02T00:00:00Z\n  annotations:\n    clusterset-dns.io/ttl: \"9999\"\n    clusterset-dns.io/weight: \"1001\"\n    clusterset-dns.io/prefer: west, region:eu-west-1,zone:z\n    clusterset-dns.io/health: ftp:1\nspec:\n  exportedLabels: { b: \"2\", a: \"1\", c: 3 }\n  exportedAnnotations: { clusterset-dns.io/answer: weighted, clusterset-dns.io/ttl: \"7\" }\n";
    let (Fact::Export(fact), findings) = object(text) else { panic!() };
    assert_eq!((fact.created, fact.deleting), (Some(1_709_251_200), true));
    assert_eq!(fact.exported.labels.as_deref(), Some(r#"{"a":"1","b":"2"}"#));
    assert_eq!((fact.own.answer, fact.own.ttl, fact.own.weight), (Some(AnswerMode::Weighted), Some(3600), None));
    assert_eq!(fact.own.prefer.as_ref().map(|prefer| prefer.len()), Some(3));
    let starts = [
        "wrong-type 13 spec.exportedLabels[c]: is a number, text is expected",
        "bad-annotation 9 metadata.annotations[clusterset-dns.io/weight]: \"1001\" is not a number in 0..1000",
        "bad-annotation 11 metadata.annotations[clusterset-dns.io/health]: \"ftp:1\" is not a probe",
    ];
    let findings = shown(&findings);
    assert_eq!(findings.len(), starts.len(), "{findings:?}");
    for (finding, start) in findings.iter().zip(starts) {
        assert!(finding.starts_with(start), "{finding}");
    }
}

#[test]
fn nodes_have_region_zone_and_ranges() {
    let text = "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1.example\n  labels: { topology.kubernetes.io/zone: z, failure-domain.beta.kubernetes.io/region: r }\nspec: { podCIDRs: [10.0.0.0/24, x] }\n";
    let (Fact::Node(fact), findings) = object(text) else { panic!() };
    assert_eq!((fact.region.as_deref(), fact.zone.as_deref(), fact.pod_cidrs.len()), (Some("r"), Some("z"), 1));
    assert_eq!(findings.len(), 1);
}

#[test]
fn many_findings_of_one_object_are_counted() {
    let addresses = vec!["127.0.0.1"; 40].join(", ");
    let (_, findings) = slice(NATIVE, &format!("addressType: IPv4\nendpoints: [{{ addresses: [{addresses}] }}]\n"));
    assert_eq!(findings.len(), 17);
    assert!(findings[16].contains("24 more findings"), "{}", findings[16]);
}
