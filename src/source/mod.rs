//! Where facts come from: the only room that knows Kubernetes.
//!
//! In: API servers and folders of manifests. Out: `model::Observation`s, one cluster each, over a bounded channel.
//! `object` turns the bytes of one object into a fact and its findings, for every source alike.

#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod manifests;
pub mod object;
pub mod runtime;
