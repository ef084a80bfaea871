//! The slim shapes: one for all kinds, because `kind` may stand behind the fields that depend on it.
//!
//! Fields of one path have one type in every kind that is read. What is not listed here is never built.

use super::lenient::shape;
pub use super::raw_host::Labels;
use super::raw_host::{Condition, SpecEndpoint, SpecPorts, StatusAddress, TargetPort, WorkloadSelector};
use std::borrow::Cow;
use std::collections::BTreeMap;

type Text<'de> = Cow<'de, str>;
type List<T> = Vec<Option<T>>;

shape! {
    /// One object of any kind.
    Raw {
        api_version: Text<'de> = "apiVersion",
        kind: Text<'de> = "kind",
        metadata: Meta<'de> = "metadata",
        spec: Spec<'de> = "spec",
        status: Status<'de> = "status",
        address_type: Text<'de> = "addressType",
        endpoints: List<Endpoint<'de>> = "endpoints",
        ports: List<RawPort<'de>> = "ports",
        code: i64 = "code",
        reason: Text<'de> = "reason",
        message: Text<'de> = "message",
        details: StatusDetails<'de> = "details",
    }
}

shape! {
    /// `details` of the Status that an ERROR event carries.
    StatusDetails { retry_after_seconds: i64 = "retryAfterSeconds" }
}

shape! {
    /// One event of a watch.
    RawEvent { event_type: Text<'de> = "type", object: Raw<'de> = "object" }
}

shape! {
    /// `metadata` of a list.
    RawListMeta {
        resource_version: Text<'de> = "resourceVersion",
        continue_token: Text<'de> = "continue",
        remaining: i64 = "remainingItemCount",
    }
}

shape! {
    /// `metadata`.
    Meta {
        name: Text<'de> = "name",
        namespace: Text<'de> = "namespace",
        uid: Text<'de> = "uid",
        resource_version: Text<'de> = "resourceVersion",
        creation_timestamp: Text<'de> = "creationTimestamp",
        deletion_timestamp: Text<'de> = "deletionTimestamp",
        labels: Labels<'de> = "labels",
        annotations: Annotations<'de> = "annotations",
    }
}

shape! {
    /// The labels that have a meaning of their own (SOURCES.md 1.4, 3.1, 3.2, 3.10).
    KnownLabels {
        service_name: Text<'de> = "kubernetes.io/service-name",
        mcs_service_name: Text<'de> = "multicluster.kubernetes.io/service-name",
        source_cluster: Text<'de> = "multicluster.kubernetes.io/source-cluster",
        managed_by: Text<'de> = "endpointslice.kubernetes.io/managed-by",
        region: Text<'de> = "topology.kubernetes.io/region",
        zone: Text<'de> = "topology.kubernetes.io/zone",
        old_region: Text<'de> = "failure-domain.beta.kubernetes.io/region",
        old_zone: Text<'de> = "failure-domain.beta.kubernetes.io/zone",
        cilium_local_slice: Text<'de> = "service.cilium.io/local-endpointslice",
        lighthouse_namespace: Text<'de> = "lighthouse.submariner.io/sourceNamespace",
        lighthouse_cluster: Text<'de> = "lighthouse.submariner.io/sourceCluster",
        lighthouse_headless: Text<'de> = "lighthouse.submariner.io/is-headless",
        linkerd_mirrored: Text<'de> = "mirror.linkerd.io/mirrored-service",
        linkerd_gateway: Text<'de> = "mirror.linkerd.io/mirrored-gateway",
        linkerd_cluster: Text<'de> = "mirror.linkerd.io/cluster-name",
        linkerd_remote: Text<'de> = "multicluster.linkerd.io/remote-discovery",
        skupper_listener: Text<'de> = "internal.skupper.io/listener",
        consul: Text<'de> = "consul",
    }
}

shape! {
    /// The annotations that are read.
    Annotations {
        answer: Text<'de> = "clusterset-dns.io/answer",
        ttl: Text<'de> = "clusterset-dns.io/ttl",
        weight: Text<'de> = "clusterset-dns.io/weight",
        prefer: Text<'de> = "clusterset-dns.io/prefer",
        health: Text<'de> = "clusterset-dns.io/health",
        drain: Text<'de> = "clusterset-dns.io/drain",
        trigger_time: Text<'de> = "endpoints.kubernetes.io/last-change-trigger-time",
        mcs_service_name: Text<'de> = "multicluster.kubernetes.io/service-name",
        source_cluster: Text<'de> = "multicluster.kubernetes.io/source-cluster",
        karmada_cluster: Text<'de> = "endpointslice.karmada.io/provision-cluster",
        derived_service: Text<'de> = "multicluster.kubernetes.io/derived-service",
        derived_service_gke: Text<'de> = "net.gke.io/derived-service",
        derived_service_aws: Text<'de> = "multicluster.k8s.aws/derived-service",
        skupper_controlled: Text<'de> = "internal.skupper.io/controlled",
    }
}

shape! {
    /// `spec` of every kind.
    Spec {
        service_type: Text<'de> = "type",
        cluster_ip: Text<'de> = "clusterIP",
        cluster_ips: List<Text<'de>> = "clusterIPs",
        ips: List<Text<'de>> = "ips",
        ports: SpecPorts<'de> = "ports",
        ip_families: List<Text<'de>> = "ipFamilies",
        session_affinity: Text<'de> = "sessionAffinity",
        session_affinity_config: SessionAffinityConfig<'de> = "sessionAffinityConfig",
        internal_traffic_policy: Text<'de> = "internalTrafficPolicy",
        traffic_distribution: Text<'de> = "trafficDistribution",
        exported_labels: BTreeMap<Text<'de>, Text<'de>> = "exportedLabels",
        exported_annotations: BTreeMap<Text<'de>, Text<'de>> = "exportedAnnotations",
        pod_cidr: Text<'de> = "podCIDR",
        pod_cidrs: List<Text<'de>> = "podCIDRs",
        hosts: List<Text<'de>> = "hosts",
        addresses: List<Text<'de>> = "addresses",
        resolution: Text<'de> = "resolution",
        endpoints: List<SpecEndpoint<'de>> = "endpoints",
        workload_selector: WorkloadSelector<'de> = "workloadSelector",
        export_to: List<Text<'de>> = "exportTo",
        address: Text<'de> = "address",
        labels: BTreeMap<Text<'de>, Text<'de>> = "labels",
        network: Text<'de> = "network",
        locality: Text<'de> = "locality",
        weight: i64 = "weight",
    }
}

shape! {
    /// `spec.sessionAffinityConfig`.
    SessionAffinityConfig { client_ip: ClientIp<'de> = "clientIP" }
}

shape! {
    /// `spec.sessionAffinityConfig.clientIP`.
    ClientIp { timeout_seconds: i64 = "timeoutSeconds" }
}

shape! {
    /// `status` of every kind.
    Status {
        load_balancer: LoadBalancer<'de> = "loadBalancer",
        clusters: List<SourceCluster<'de>> = "clusters",
        endpoint_slice_objects: Text<'de> = "endpointSliceObjects",
        addresses: List<StatusAddress<'de>> = "addresses",
        conditions: List<Condition<'de>> = "conditions",
        ha_status: Text<'de> = "haStatus",
        connections: List<Connection<'de>> = "connections",
    }
}

shape! {
    /// One entry of `status.connections` of a Gateway.
    Connection { status: Text<'de> = "status", endpoint: ConnectionEndpoint<'de> = "endpoint" }
}

shape! {
    /// The other end of a connection.
    ConnectionEndpoint { cluster_id: Text<'de> = "cluster_id" }
}

shape! {
    /// `status.loadBalancer`.
    LoadBalancer { ingress: List<RawIngress<'de>> = "ingress" }
}

shape! {
    /// One entry of `status.loadBalancer.ingress`.
    RawIngress { ip: Text<'de> = "ip", hostname: Text<'de> = "hostname" }
}

shape! {
    /// One entry of `status.clusters`.
    SourceCluster { cluster: Text<'de> = "cluster" }
}

shape! {
    /// A port of a Service, a ServiceImport or a slice.
    RawPort {
        name: Text<'de> = "name",
        protocol: Text<'de> = "protocol",
        port: i64 = "port",
        number: i64 = "number",
        target_port: TargetPort = "targetPort",
        app_protocol: Text<'de> = "appProtocol",
    }
}

shape! {
    /// One entry of a slice's `endpoints`.
    Endpoint {
        addresses: List<Text<'de>> = "addresses",
        hostname: Text<'de> = "hostname",
        node_name: Text<'de> = "nodeName",
        zone: Text<'de> = "zone",
        conditions: Conditions<'de> = "conditions",
        target_ref: TargetRef<'de> = "targetRef",
    }
}

shape! {
    /// `endpoints[].conditions`.
    Conditions { ready: bool = "ready" }
}

shape! {
    /// `endpoints[].targetRef`. The hash stands in snapshots only, in place of what was hashed.
    TargetRef {
        hash: Text<'de> = "clusterset-dns.io/pod",
        kind: Text<'de> = "kind",
        namespace: Text<'de> = "namespace",
        name: Text<'de> = "name",
        uid: Text<'de> = "uid",
    }
}

/// The items of a list that could be read, each with its index in the source.
pub fn present<T>(list: &Option<List<T>>) -> impl Iterator<Item = (usize, &T)> {
    list.iter().flatten().enumerate().filter_map(|(index, item)| Some((index, item.as_ref()?)))
}
