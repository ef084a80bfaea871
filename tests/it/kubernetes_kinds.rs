//! Kinds: versions by discovery, CRDs that come and go, permissions.

use crate::kubernetes::{Watched, import, server};
use crate::support::apiserver::{On, Reply};
use clusterset_dns::model::{Change, Kind, Mode};

const IMPORTS: &str = "serviceimports";

#[test]
fn the_mcs_version_is_found_by_discovery_and_never_two_of_them() {
    let cases: [(&[&str], &str); 3] =
        [(&["v1alpha1"], "v1alpha1"), (&["v1beta1"], "v1beta1"), (&["v1alpha1", "v1beta1"], "v1beta1")];
    for (served, expected) in cases {
        let server = server();
        server.serve_mcs(served);
        server.put(import("web"));
        let mut watched = Watched::new(server);
        assert_eq!(watched.replaced(Kind::ServiceImport), 1);
        let path = format!("/apis/multicluster.x-k8s.io/{expected}/");
        let journal = watched.server.journal();
        let requests: Vec<_> = journal.iter().filter(|request| request.plural == IMPORTS).collect();
        assert!(!requests.is_empty() && requests.iter().all(|request| request.uri.starts_with(&path)), "{requests:#?}");
    }
}

#[test]
fn a_missing_crd_is_absence_until_it_appears() {
    let server = server();
    server.serve_mcs(&[]);
    let mut watched = Watched::new(server);
    let reason = watched.absent(Kind::ServiceImport);
    assert!(reason.starts_with("not-served: ") && reason.contains("v1beta1, v1alpha1"), "{reason}");
    watched.server.serve_mcs(&["v1alpha1"]);
    watched.server.put(import("web"));
    assert_eq!(watched.replaced(Kind::ServiceImport), 1);
}

#[test]
fn discovery_that_fails_proves_no_absence() {
    for code in [404, 403, 500] {
        let server = server();
        // Every kind that is discovered asks for the groups by itself.
        server.script("", On::Discover, vec![Reply::status(code); 10]);
        let mut watched = Watched::new(server);
        let (mut failures, mut done) = (0, false);
        while !done {
            watched.wait("the list", |change| {
                match change {
                    Change::Absent { kind: kind @ (Kind::ServiceExport | Kind::ServiceImport), reason } => {
                        panic!("{kind:?}: {reason}")
                    }
                    Change::Failed { kind: Kind::ServiceImport, error } => {
                        assert!(error.starts_with("discover serviceimports.multicluster.x-k8s.io: "), "{error}");
                        failures += 1;
                    }
                    Change::Replace { kind: Kind::ServiceImport, .. } => done = true,
                    _ => {}
                }
                Some(())
            });
        }
        assert!(failures > 0);
    }
}

#[test]
fn a_crd_removed_while_running_needs_two_discoveries() {
    let server = server();
    server.put(import("web"));
    let mut watched = Watched::new(server);
    assert_eq!(watched.replaced(Kind::ServiceImport), 1);
    watched.server.serve_mcs(&[]);
    watched.server.end_watches();
    let error = watched.wait("the first discovery", |change| match change {
        Change::Failed { kind: Kind::ServiceImport, error } if error.contains("no longer lists") => Some(error.clone()),
        Change::Absent { kind: Kind::ServiceImport, .. } => panic!("absent after one discovery"),
        _ => None,
    });
    assert!(error.contains("the last data is kept"), "{error}");
    watched.absent(Kind::ServiceImport);
    watched.server.serve_mcs(&["v1beta1"]);
    assert_eq!(watched.replaced(Kind::ServiceImport), 1);
}

#[test]
fn a_changed_version_is_found_after_a_404() {
    let server = server();
    server.serve_mcs(&["v1alpha1"]);
    let mut watched = Watched::new(server);
    watched.replaced(Kind::ServiceImport);
    watched.server.serve_mcs(&["v1beta1"]);
    watched.server.put(import("web"));
    watched.server.end_watches();
    assert_eq!(watched.replaced(Kind::ServiceImport), 1);
}

#[test]
fn a_forbidden_optional_kind_is_absent_and_looked_for_again() {
    let server = server();
    server.always("nodes", On::List, Reply::status(403));
    let mut watched = Watched::new(server);
    let reason = watched.absent(Kind::Node);
    assert!(reason.starts_with("forbidden: list nodes: 403") && reason.contains("grant"), "{reason}");
    watched.server.unscript("nodes", On::List);
    watched.replaced(Kind::Node);
    assert!(watched.counters.auth_failures() > 0);
}

#[test]
fn a_forbidden_required_kind_is_a_fault_that_names_verb_and_kind() {
    let server = server();
    server.always("services", On::List, Reply::status(403));
    let mut watched = Watched::new(server);
    let error = watched.failed(Kind::Service);
    assert!(error.starts_with("list services: 403") && error.contains("grant `list` and `watch`"), "{error}");
}

#[test]
fn a_mode_reads_only_its_kinds() {
    for (mode, unread) in [(Mode::Import, "serviceexports"), (Mode::Direct, IMPORTS)] {
        let mut watched = Watched::with(server(), |spec| spec.mode = mode);
        watched.replaced(Kind::EndpointSlice);
        watched.contact(Kind::EndpointSlice);
        assert!(watched.server.journal().iter().all(|request| request.plural != unread), "{mode:?}");
    }
}
