//! What tests stand on: servers to talk to, and faults to order from them.

#[cfg(feature = "kubernetes")]
pub mod apiserver;
#[cfg(feature = "kubernetes")]
mod apiserver_reply;
#[cfg(feature = "kubernetes")]
pub mod apiserver_script;
#[cfg(feature = "kubernetes")]
mod apiserver_store;
#[cfg(feature = "kubernetes")]
mod apiserver_tls;
#[cfg(feature = "kubernetes")]
pub mod faultproxy;
#[cfg(feature = "kubernetes")]
pub mod faults;
