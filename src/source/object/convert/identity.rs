//! What an object is and what it is called: kind, group and version, namespace and name.

use crate::model::fact::{Kind, ObjectKey};
use crate::model::id::is_label;
use crate::source::object::Interner;
use crate::source::object::raw::Raw;
use std::borrow::Cow;

/// Why an object is rejected: code, field, message.
pub type Refusal = (&'static str, &'static str, String);

/// The kind of an object; `Ok(None)` when it is of a kind that is not read.
///
/// # Errors
/// It names no kind or version, or a version that is not read; the kind as far as it is known, and the message.
pub fn kind_of(raw: &Raw<'_>, hint: Option<Kind>) -> Result<Option<Kind>, (Option<Kind>, String)> {
    if let Some(kind) = hint {
        return Ok(Some(kind));
    }
    let missing = |field| Err((None, format!("the object has no usable `{field}`; it is left out")));
    let Some(kind) = raw.kind.as_deref().filter(|kind| !kind.is_empty()) else { return missing("kind") };
    let Some(api_version) = raw.api_version.as_deref().filter(|v| !v.is_empty()) else { return missing("apiVersion") };
    let Some(known) = Kind::ALL.into_iter().find(|known| known.as_str() == kind) else { return Ok(None) };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let (own_group, versions) = versions(known);
    if group != own_group {
        return Ok(None);
    }
    if versions.contains(&version) {
        return Ok(Some(known));
    }
    let read = versions.join(" and ");
    Err((Some(known), format!("apiVersion {api_version:?} is not read, only {read} is; the object is left out")))
}

/// Group and versions of a kind that folders may hold.
fn versions(kind: Kind) -> (&'static str, &'static [&'static str]) {
    match kind {
        Kind::Namespace | Kind::Node | Kind::Service => ("", &["v1"]),
        Kind::EndpointSlice => ("discovery.k8s.io", &["v1"]),
        Kind::ServiceExport | Kind::ServiceImport => ("multicluster.x-k8s.io", &["v1alpha1", "v1beta1"]),
        Kind::ServiceEntry | Kind::WorkloadEntry => ("networking.istio.io", &["v1", "v1beta1", "v1alpha3"]),
        Kind::DnsEndpoint => ("externaldns.k8s.io", &["v1alpha1"]),
        Kind::Gateway => ("submariner.io", &["v1"]),
    }
}

/// Namespace and name as written, for a message about an object that has no key.
pub fn display_name(raw: &Raw<'_>, kind: Option<Kind>) -> String {
    let Some(meta) = &raw.metadata else { return String::new() };
    let name = meta.name.as_deref().unwrap_or("");
    match meta.namespace.as_deref() {
        Some(namespace) if !kind.is_some_and(Kind::is_cluster_scoped) => format!("{namespace}/{name}"),
        _ => name.to_owned(),
    }
}

/// Namespace and name, checked and lower-cased.
pub struct Identity<'r> {
    pub key: ObjectKey,
    /// Empty for cluster-scoped kinds.
    pub namespace: Cow<'r, str>,
    pub name: Cow<'r, str>,
}

impl<'r> Identity<'r> {
    /// Reads `metadata.name` and `metadata.namespace` (`default` when absent).
    ///
    /// # Errors
    /// No name, or one that cannot stand in an answer.
    pub fn read(raw: &'r Raw<'_>, kind: Kind, interner: &Interner) -> Result<Self, Refusal> {
        let meta = raw.metadata.as_ref();
        let text = |field: Option<&'r Cow<'_, str>>| field.map(|text| &**text).filter(|text| !text.is_empty());
        let Some(name) = text(meta.and_then(|meta| meta.name.as_ref())) else {
            return Err(("bad-object", "metadata.name", "the object has no usable name; it is left out".into()));
        };
        let name = checked(name, "metadata.name", allows_dots(kind))?;
        let namespace = match text(meta.and_then(|meta| meta.namespace.as_ref())) {
            _ if kind.is_cluster_scoped() => Cow::Borrowed(""),
            Some(namespace) => checked(namespace, "metadata.namespace", false)?,
            None => Cow::Borrowed("default"),
        };
        let key = match kind {
            Kind::Service | Kind::ServiceExport | Kind::ServiceImport => interner.key(&namespace, &name),
            _ => ObjectKey::new(&namespace, &name),
        };
        Ok(Identity { key, namespace, name })
    }

    /// `namespace/name`, or the name alone.
    pub fn shown(&self) -> &str {
        self.key.as_str().trim_start_matches('/')
    }
}

/// Kinds whose names are DNS subdomains.
fn allows_dots(kind: Kind) -> bool {
    use Kind::*;
    matches!(kind, Node | EndpointSlice | ServiceEntry | WorkloadEntry | DnsEndpoint | Gateway)
}

fn checked<'r>(text: &'r str, field: &'static str, dots_allowed: bool) -> Result<Cow<'r, str>, Refusal> {
    let lower = lower_case(text);
    if is_label(&lower) || (dots_allowed && lower.len() <= 253 && lower.split('.').all(is_label)) {
        return Ok(lower);
    }
    let wanted = "a DNS label (1 to 63 of a-z, 0-9 and `-`, no `-` at either end)";
    Err(("bad-name", field, format!("{} is not {wanted}; the object is left out", super::report::quote(text))))
}

/// `text` in lower case, copied only if it changes.
pub fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|octet| octet.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
