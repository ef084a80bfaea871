use super::*;
use crate::source::kubernetes::registry::{Object, Profiles, Sort, Traits};
use crate::source::kubernetes::{Access, TokenFile, TokenSource, Trust};
use std::path::PathBuf;

fn collections() -> Vec<Collection> {
    ["clusterset-dns.io/cluster=true", "istio/multiCluster=true"]
        .map(|label| Collection { namespace: "fleet".to_owned(), sort: Sort::Secrets { label: label.to_owned() } })
        .into()
}

/// One Secret; each key with the fingerprint of its kubeconfig, or 0 for a bad one.
fn told(collection: usize, name: &str, keys: &[(&str, u64)]) -> Told {
    let rank = collections()[collection].rank();
    let entry = |(id, fingerprint): &(&str, u64)| {
        let (id, origin): (_, Arc<str>) = (ClusterId::new(id), format!("Secret fleet/{name}, key {id}").into());
        let access = Access {
            server: "https://h".parse().unwrap(),
            trust: Trust::SystemRoots,
            identity: None,
            token: None,
            server_name: None,
            proxy: None,
            files: Vec::new(),
        };
        let (traits, fingerprint) = (Traits::default(), *fingerprint);
        let good =
            Learned { id: id.clone(), rank, origin: Arc::clone(&origin), traits, access, fingerprint, ill: None };
        let problem = Problem::new("bad-kubeconfig", "exec: refused".to_owned());
        let is_bad = fingerprint == 0;
        Entry { id, rank, origin, learned: (!is_bad).then_some(good), problem: is_bad.then_some(problem) }
    };
    let object = Object { key: format!("fleet/{name}").into(), entries: keys.iter().map(entry).collect() };
    Told::Object { collection, object }
}

fn roster(all: impl IntoIterator<Item = Told>) -> Roster {
    let mut roster = Roster::new(ClusterId::new("home"), collections());
    for told in all {
        roster.take(told);
    }
    roster
}

/// `id fingerprint` of each cluster, then the findings as they are shown.
fn shown(roster: &Roster, configured: &[&str]) -> (Vec<String>, Vec<String>) {
    let configured: Vec<ClusterId> = configured.iter().map(|id| ClusterId::new(id)).collect();
    let (clusters, findings) = roster.clusters(&configured, &Allowed::new(&[], &collections()));
    (
        clusters.iter().map(|learned| format!("{} {}", learned.id, learned.fingerprint)).collect(),
        findings.iter().map(Finding::to_string).collect(),
    )
}

#[test]
fn the_first_rank_keeps_an_id_and_every_other_one_is_a_finding() {
    let roster = roster([
        told(1, "istio", &[("west", 1), ("north", 2), ("east", 3)]),
        told(0, "own", &[("west", 4)]),
        told(0, "a-copy", &[("south", 5)]),
        told(0, "b-copy", &[("south", 6)]),
    ]);
    let (clusters, findings) = shown(&roster, &["east", "home"]);
    assert_eq!(clusters, ["south 5", "west 4", "north 2"]);
    let expected = [
        ("Secret fleet/b-copy, key south: the id south comes from Secret fleet/a-copy, key south already"),
        ("Secret fleet/istio, key east: the id east comes from `clusters` of the configuration already"),
        ("Secret fleet/istio, key west: the id west comes from Secret fleet/own, key west already"),
    ];
    assert_eq!(findings.len(), expected.len(), "{findings:#?}");
    for (finding, expected) in findings.iter().zip(expected) {
        assert!(finding.starts_with("warning[duplicate-cluster-id]: cluster home: "), "{finding}");
        assert!(finding.contains(expected), "{finding}");
    }
}

#[test]
fn a_secret_with_both_labels_counts_once() {
    let both = roster([told(0, "own", &[("west", 1)]), told(1, "own", &[("west", 1)])]);
    assert_eq!(shown(&both, &[]), (vec!["west 1".to_owned()], Vec::new()));
    // It loses one of them.
    let mut one = both;
    one.take(Told::Gone { collection: 0, key: "fleet/own".into() });
    assert_eq!(shown(&one, &[]).0, ["west 1"]);
    one.take(Told::Gone { collection: 1, key: "fleet/own".into() });
    assert!(shown(&one, &[]).0.is_empty());
}

#[test]
fn one_that_turns_bad_keeps_what_it_had_and_stops_no_other() {
    let mut roster = roster([told(0, "own", &[("west", 1), ("north", 2), ("bad", 0)])]);
    let (clusters, findings) = shown(&roster, &[]);
    assert_eq!(clusters, ["north 2", "west 1"]);
    assert_eq!(
        findings,
        ["warning[bad-kubeconfig]: cluster home: Secret fleet/own, key bad: exec: refused; its cluster is not read"]
    );
    roster.take(told(0, "own", &[("west", 0), ("north", 3)]));
    let (clusters, findings) = shown(&roster, &[]);
    assert_eq!(clusters, ["north 3", "west 1"]);
    assert!(findings[0].ends_with("its cluster goes on being read by the version before"), "{findings:?}");
    // Twice bad is the same as once; a key that is gone is gone.
    roster.take(told(0, "own", &[("west", 0)]));
    assert_eq!(shown(&roster, &[]).0, ["west 1"]);
    roster.take(told(0, "own", &[("west", 9)]));
    assert_eq!(shown(&roster, &[]), (vec!["west 9".to_owned()], Vec::new()));
}

#[test]
fn it_is_listed_when_every_collection_is_and_says_what_is_missing() {
    let mut roster = roster([]);
    assert!(!roster.is_listed());
    roster.take(Told::Listed { collection: 1 });
    let failed = || Told::Failed { collection: 0, error: "403 Forbidden".to_owned() };
    assert_eq!(roster.take(failed()).as_deref(), Some("403 Forbidden"));
    assert_eq!(roster.take(failed()), None, "once");
    assert_eq!(
        roster.missing(),
        [
            "registry: cluster home: Secrets labelled clusterset-dns.io/cluster=true in namespace fleet: not listed: 403 \
             Forbidden"
        ]
    );
    assert_eq!(shown(&roster, &[]).1.len(), 1);
    roster.take(Told::Listed { collection: 0 });
    assert!(roster.is_listed() && roster.missing().is_empty() && shown(&roster, &[]).1.is_empty());
}

/// The one entry of a roster, as it is read.
fn access(roster: &mut Roster) -> &mut Access {
    let learned = roster.objects.values_mut().flatten().find_map(|entry| entry.learned.as_mut());
    &mut learned.unwrap().access
}

#[test]
fn a_server_that_a_tightened_configuration_refuses_went_on_being_read() {
    let mut before = roster([told(0, "own", &[("west", 1)])]);
    access(&mut before).server = "https://127.0.0.1:6443".parse().unwrap();
    // As read under the new configuration, which refuses it.
    let mut next = roster([told(0, "own", &[("west", 0)])]);
    next.inherit(&before);
    for (roster, reason) in [(&before, "server: refused"), (&next, "exec: refused")] {
        let ids = |servers: &[String]| {
            let (clusters, findings) = roster.clusters(&[], &Allowed::new(servers, &[]));
            let ids: Vec<String> = clusters.iter().map(|learned| learned.id.to_string()).collect();
            (ids, findings)
        };
        assert_eq!(ids(&["127.0.0.1".to_owned()]).0, ["west"]);
        let (read, findings) = ids(&[]);
        assert!(read.is_empty());
        let shown = findings[0].to_string();
        assert!(shown.contains(reason) && shown.ends_with("its cluster is not read"), "{shown}");
    }
}

#[test]
fn a_token_file_that_is_no_longer_named_went_on_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "hush").unwrap();
    let mut roster = roster([told(0, "own", &[("west", 1)])]);
    let file = TokenFile::new(path.clone(), vec![folder.path().to_owned()]).ok().unwrap();
    access(&mut roster).token = Some(TokenSource::File(file));
    let count = |tokens: &[(String, PathBuf)]| {
        let sort = Sort::Profiles(Profiles { tokens: tokens.iter().cloned().collect(), ..Profiles::default() });
        let collections = [Collection { namespace: "fleet".to_owned(), sort }];
        roster.clusters(&[], &Allowed::new(&[], &collections)).0.len()
    };
    assert_eq!((count(&[("provider".to_owned(), path)]), count(&[])), (1, 0));
}
