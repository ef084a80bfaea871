//! One binary for all integration tests.
#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

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
