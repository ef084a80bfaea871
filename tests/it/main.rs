//! The integration tests: one binary, one module per subject.
#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod binary;
#[cfg(feature = "kubernetes")]
mod child;
#[cfg(feature = "kubernetes")]
mod clock;
#[cfg(feature = "kubernetes")]
mod cluster_leaves;
#[cfg(feature = "kubernetes")]
mod connect;
#[cfg(feature = "kubernetes")]
mod daemon;
mod dependencies;
mod differential;
#[cfg(feature = "kubernetes")]
mod disk;
mod explain;
#[cfg(all(feature = "kubernetes", feature = "grpc"))]
mod flood;
mod folder_outages;
#[cfg(feature = "kubernetes")]
mod gateways;
#[cfg(feature = "kubernetes")]
mod health;
mod house;
#[cfg(feature = "kubernetes")]
mod identities;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(feature = "kubernetes")]
mod kubernetes_faults;
#[cfg(feature = "kubernetes")]
mod kubernetes_kinds;
#[cfg(feature = "kubernetes")]
mod kubernetes_lists;
#[cfg(feature = "kubernetes")]
mod kubernetes_watches;
#[cfg(feature = "kubernetes")]
mod limits;
#[cfg(feature = "kubernetes")]
mod operators_view;
#[cfg(feature = "kubernetes")]
mod outages;
#[cfg(feature = "kubernetes")]
mod registry;
#[cfg(feature = "kubernetes")]
mod registry_edges;
#[cfg(feature = "kubernetes")]
mod registry_lists;
#[cfg(feature = "kubernetes")]
mod registry_profiles;
#[cfg(feature = "kubernetes")]
mod registry_restart;
#[cfg(feature = "kubernetes")]
mod reload;
#[cfg(feature = "kubernetes")]
mod rename;
mod scenarios;
#[cfg(feature = "kubernetes")]
mod shutdown;
#[cfg(feature = "kubernetes")]
mod snapshot;
mod splitmix;
#[cfg(feature = "grpc")]
mod transports;
mod wire;
