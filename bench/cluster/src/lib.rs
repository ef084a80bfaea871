//! etcd and real kube-apiservers with a bench clusterset in them; the processes are those of ../../tests/peers.

#[path = "../../../tests/peers/access.rs"]
pub mod access;
#[path = "../../../tests/peers/api_objects.rs"]
pub mod api_objects;
#[path = "../../../tests/peers/api_server.rs"]
pub mod api_server;
#[path = "../../../tests/peers/etcd.rs"]
pub mod etcd;
#[path = "../../../tests/peers/http.rs"]
pub mod http;
#[path = "../../../tests/peers/objects.rs"]
pub mod objects;
pub mod objects_of_set;
#[expect(unused_macros, unused_imports, reason = "the tests skip by it")]
#[path = "../../../tests/peers/process.rs"]
pub mod process;
