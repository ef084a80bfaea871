//! The slim shapes for writing: the same fields that `raw` reads.

use serde::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Declares a shape whose optional fields are left out when absent.
macro_rules! shape {
    ($(#[doc = $about:literal])+ $name:ident { $($field:ident: $type:ty = $key:literal,)+ }) => {
        $(#[doc = $about])+
        #[derive(Serialize, Default)]
        pub(super) struct $name<'f> {
            $(#[serde(rename = $key, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
        }
    };
}

/// One object of any kind.
#[derive(Serialize)]
pub(super) struct Object<'f> {
    #[serde(rename = "apiVersion")]
    pub api_version: &'static str,
    pub kind: &'static str,
    pub metadata: Meta<'f>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<Spec<'f>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status<'f>>,
    /// In place of `spec`, for kinds of global zones.
    #[serde(rename = "spec", skip_serializing_if = "Option::is_none")]
    pub other_spec: Option<Value>,
    /// In place of `status`.
    #[serde(rename = "status", skip_serializing_if = "Option::is_none")]
    pub other_status: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<Endpoint<'f>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<PortShape<'f>>>,
}

impl<'f> Object<'f> {
    pub(super) fn new(api_version: &'static str, kind: &'static str, metadata: Meta<'f>) -> Self {
        Object {
            api_version,
            kind,
            metadata,
            spec: None,
            status: None,
            other_spec: None,
            other_status: None,
            endpoints: None,
            ports: None,
        }
    }
}

/// `metadata`.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta<'f> {
    pub name: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<&'static str>,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub labels: Texts<'f>,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub annotations: Texts<'f>,
}

/// Labels or annotations, written as a map.
#[derive(Default)]
pub(super) struct Texts<'f>(Vec<(&'static str, Cow<'f, str>)>);

impl<'f> Texts<'f> {
    pub(super) fn add(&mut self, key: &'static str, value: impl Into<Cow<'f, str>>) {
        self.0.push((key, value.into()));
    }

    pub(super) fn extend(&mut self, key: &'static str, value: Option<&'f str>) {
        self.0.extend(value.map(|value| (key, value.into())));
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Addresses as texts.
pub(super) struct Addresses<'f>(pub &'f [IpAddr]);

impl Serialize for Addresses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}

shape! {
    /// `spec` of every kind.
    Spec {
        object_type: &'static str = "type",
        cluster_ip: &'static str = "clusterIP",
        cluster_ips: Addresses<'f> = "clusterIPs",
        ips: Addresses<'f> = "ips",
        ports: Vec<PortShape<'f>> = "ports",
        ip_families: Vec<&'static str> = "ipFamilies",
        session_affinity: &'f str = "sessionAffinity",
        session_affinity_config: Value = "sessionAffinityConfig",
        internal_traffic_policy: &'f str = "internalTrafficPolicy",
        traffic_distribution: &'f str = "trafficDistribution",
        exported_labels: BTreeMap<String, String> = "exportedLabels",
        exported_annotations: BTreeMap<String, String> = "exportedAnnotations",
        pod_cidrs: Vec<Cow<'f, str>> = "podCIDRs",
    }
}

/// `status` of a Service and of a ServiceImport.
#[derive(Serialize, Default)]
pub(super) struct Status<'f> {
    #[serde(rename = "loadBalancer", skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer<'f>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<Cluster<'f>>,
    #[serde(rename = "endpointSliceObjects", skip_serializing_if = "Option::is_none")]
    pub endpoint_slice_objects: Option<&'static str>,
    #[serde(rename = "haStatus", skip_serializing_if = "Option::is_none")]
    pub ha_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<Value>,
}

/// `status.loadBalancer`.
#[derive(Serialize)]
pub(super) struct LoadBalancer<'f> {
    pub ingress: Vec<IngressShape<'f>>,
}

/// One entry of `status.loadBalancer.ingress`.
#[derive(Serialize)]
pub(super) struct IngressShape<'f> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<&'f str>,
}

/// One entry of `status.clusters`.
#[derive(Serialize)]
pub(super) struct Cluster<'f> {
    pub cluster: &'f str,
}

/// One entry of the AWS controller's annotation, the only one that can name several Services.
#[derive(Serialize)]
pub(super) struct Derived<'f> {
    #[serde(rename = "derived-service")]
    pub service: &'f str,
}

/// A port of a Service, a ServiceImport or a slice.
#[derive(Serialize)]
pub(super) struct PortShape<'f> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<&'static str>,
    pub port: u16,
    #[serde(rename = "appProtocol", skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<&'f str>,
}

/// One entry of a slice's `endpoints`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Endpoint<'f> {
    pub addresses: Vec<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Conditions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
}

/// `endpoints[].conditions`.
#[derive(Serialize)]
pub(super) struct Conditions {
    pub ready: bool,
}

/// `endpoints[].targetRef`: a pod by the hash of its identity, which is all that is kept of it.
#[derive(Serialize)]
pub(super) struct TargetRef {
    pub kind: &'static str,
    #[serde(rename = "clusterset-dns.io/pod")]
    pub hash: String,
}
