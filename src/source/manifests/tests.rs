use super::folder::{Folder, Reason};
use super::{Watch, discover_clusters};
use crate::model::fact::{Fact, Kind, Origin};
use crate::model::id::ClusterId;
use crate::model::{Change, Finding};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Every list of a folder.
const KINDS: usize = Kind::ALL.len();

fn service(name: &str, port: u16) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{ name: {name} }}\nspec: {{ ports: [{{ port: {port} }}] }}\n")
}

/// A folder under test, and the clusters' objects as a model would hold them.
struct Bench {
    home: TempDir,
    folder: Folder,
    /// `Kind key` to the first port or `-`, with the file.
    held: BTreeMap<String, String>,
    unreadable: Vec<Finding>,
    /// Changes of the last reading, by name.
    last: Vec<&'static str>,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let home = TempDir::new().unwrap();
        let root = home.path().join("east");
        fs::create_dir(&root).unwrap();
        let folder = Folder::new(ClusterId::new("east"), root);
        let mut bench = Bench { home, folder, held: BTreeMap::new(), unreadable: Vec::new(), last: Vec::new() };
        files.iter().for_each(|(path, text)| bench.write(path, text));
        bench.read();
        bench
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&mut self) {
        self.read_as(Reason::Event);
    }

    fn read_as(&mut self, reason: Reason) {
        self.last.clear();
        for change in self.folder.read(reason) {
            self.take(change);
        }
    }

    fn take(&mut self, change: Change) {
        let news = match change {
            Change::Apply { fact, .. } => {
                self.hold(&fact);
                "apply"
            }
            Change::Delete { kind, key } => {
                self.held.remove(&format!("{} {key}", kind.as_str()));
                "delete"
            }
            Change::Replace { kind, facts, .. } => {
                self.held.retain(|name, _| !name.starts_with(&format!("{} ", kind.as_str())));
                facts.iter().for_each(|fact| self.hold(fact));
                "replace"
            }
            Change::Unreadable { findings } => {
                self.unreadable = findings;
                "unreadable"
            }
            Change::Contact { .. } => "contact",
            Change::Failed { .. } => "failed",
            other => panic!("{other:?}"),
        };
        self.last.push(news);
    }

    fn hold(&mut self, fact: &Fact) {
        let name = format!("{} {}", fact.kind().as_str(), fact.key());
        let value = match fact {
            Fact::Service(fact) => {
                let Origin::File { path, line } = &fact.origin else { panic!("{fact:?}") };
                let file = path.strip_prefix(&*self.folder.path().to_string_lossy()).unwrap();
                let port = fact.ports.first().map_or(0, |port| port.number);
                format!("{port} {file}:{line}")
            }
            _ => "-".to_owned(),
        };
        self.held.insert(name, value);
    }

    fn held(&self) -> Vec<String> {
        self.held.iter().map(|(name, value)| format!("{name} {value}")).collect()
    }

    fn codes(&self) -> Vec<String> {
        let line = |finding: &Finding| finding.place.as_ref().map_or(0, |place| place.line);
        self.unreadable.iter().map(|finding| format!("{} {}", finding.code, line(finding))).collect()
    }

    /// Names of the last changes without contact.
    fn news(&self) -> Vec<&str> {
        self.last.iter().copied().filter(|change| *change != "contact").collect()
    }
}

#[test]
fn reads_yaml_and_json_nested_folders_and_lists() {
    let list = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: { name: c }\n- apiVersion: v1\n  kind: Namespace\n  metadata: { name: shop }\nkind: List\n";
    let typed = r#"{"items": [{"metadata": {"name": "d"}}, 5], "kind": "ServiceList", "apiVersion": "v1"}"#;
    let bench = Bench::new(&[
        ("a.yaml", &format!("# the shop\n---\n{}---\n{}", service("a", 1), "kind: Deployment\napiVersion: apps/v1\n")),
        ("deep/er/b.yml", &service("b", 2)),
        ("deep/list.yaml", list),
        ("typed.json", typed),
        (".hidden/x.yaml", &service("x", 1)),
        (".x.yaml", &service("x", 1)),
        ("README.md", "no: manifest"),
        ("empty.yaml", ""),
    ]);
    assert_eq!(
        bench.held(),
        [
            "Namespace /shop -",
            "Service default/a 1 /a.yaml:3",
            "Service default/b 2 /deep/er/b.yml:1",
            "Service default/c 0 /deep/list.yaml:1",
            "Service default/d 0 /typed.json:1",
        ]
    );
    assert_eq!(bench.codes(), ["bad-object 1"]);
    assert_eq!(bench.last, ["replace"; KINDS].iter().chain(&["unreadable"]).copied().collect::<Vec<_>>());
}

#[test]
fn gives_single_changes_for_what_changed() {
    let mut bench =
        Bench::new(&[("a.yaml", &service("a", 1)), ("b.yaml", &(service("b", 1) + "---\n" + &service("c", 1)))]);
    bench.read();
    assert_eq!(bench.last, ["contact"; KINDS]);
    bench.write("b.tmp", &(service("b", 1) + "---\n" + &service("c", 2)));
    fs::rename(bench.path("b.tmp"), bench.path("b.yaml")).unwrap();
    bench.read();
    assert_eq!(bench.news(), ["apply"]);
    fs::remove_file(bench.path("a.yaml")).unwrap();
    bench.read();
    assert_eq!(bench.news(), ["delete"]);
    assert_eq!(bench.held(), ["Service default/b 1 /b.yaml:1", "Service default/c 2 /b.yaml:6"]);
}

#[test]
fn a_write_that_leaves_size_and_age_alone_is_seen() {
    let mut bench = Bench::new(&[("a.yaml", &service("a", 1))]);
    bench.write("a.yaml", &service("a", 2));
    bench.read();
    assert_eq!(bench.held(), ["Service default/a 2 /a.yaml:1"]);
}

#[test]
fn a_kubernetes_volume_swap_is_one_change() {
    let mut bench = Bench::new(&[("..v1/a.yaml", &service("a", 1)), ("..v2/a.yaml", &service("a", 2))]);
    symlink("..v1", bench.path("..data")).unwrap();
    symlink("..data/a.yaml", bench.path("a.yaml")).unwrap();
    bench.read();
    assert_eq!(bench.held(), ["Service default/a 1 /a.yaml:1"]);
    symlink("..v2", bench.path("..tmp")).unwrap();
    fs::rename(bench.path("..tmp"), bench.path("..data")).unwrap();
    bench.read();
    assert_eq!(bench.news(), ["apply"]);
    assert_eq!(bench.held(), ["Service default/a 2 /a.yaml:1"]);
}

#[test]
fn links_that_lead_back_end() {
    let bench = Bench::new(&[("sub/a.yaml", &service("a", 1))]);
    symlink("..", bench.path("sub/back")).unwrap();
    let mut bench = bench;
    bench.read();
    assert_eq!(bench.held().len(), 1);
}

#[test]
fn a_broken_document_costs_only_itself() {
    let good = service("a", 1) + "---\n" + &service("b", 1);
    let mut bench = Bench::new(&[("a.yaml", &good)]);
    // Document a is new, b is cut off: b stays as it was.
    bench.write("a.yaml", &(service("a", 2) + "---\napiVersion: v1\nkind: Serv\n  metadata: [\n"));
    bench.read();
    assert_eq!(bench.news(), ["apply", "unreadable"]);
    assert_eq!(bench.held(), ["Service default/a 2 /a.yaml:1", "Service default/b 1 /a.yaml:6"]);
    assert_eq!(bench.codes(), ["bad-document 8"]);
    // The reader counts from the start of the document: only the place of the finding is told.
    assert!(!bench.unreadable[0].message.contains("line"), "{}", bench.unreadable[0].message);
    assert!(bench.unreadable[0].message.contains("what it held before stays"), "{}", bench.unreadable[0]);
    bench.write("a.yaml", &service("a", 2));
    bench.read();
    assert_eq!(bench.news(), ["delete", "unreadable"]);
    assert_eq!((bench.held().len(), bench.codes().len()), (1, 0));
}

#[test]
fn a_document_that_begins_below_its_first_line_was_placed_behind_its_end() {
    // The lone CR is a line of its own.
    let bench = Bench::new(&[("a.yaml", "a: [}\n---\n\r?\r\n")]);
    assert_eq!(bench.codes(), ["bad-document 1", "bad-document 5"]);
}

#[test]
fn a_rejected_object_keeps_its_last_good_version() {
    let slice = |label: &str| {
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: web-x\n  labels:\n    kubernetes.io/service-name: {label}\n"
        )
    };
    let mut bench = Bench::new(&[("a.yaml", &slice("web"))]);
    bench.write("a.yaml", &slice("not_a_name"));
    bench.read();
    assert_eq!(bench.held(), ["EndpointSlice default/web-x -"]);
    assert_eq!(bench.codes(), ["bad-name 6"]);
    let nameless = service("a", 1).replace("{ name: a }", "{}");
    let mut bench = Bench::new(&[("a.yaml", &service("a", 1))]);
    bench.write("a.yaml", &nameless);
    bench.read();
    assert_eq!((bench.held().len(), bench.codes()), (1, vec!["bad-object 1".to_owned()]));
}

#[test]
fn an_object_that_turns_into_a_mirror_is_forgotten() {
    let import = |namespace: &str| {
        format!("apiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceImport\nmetadata:\n  name: web\n{namespace}")
    };
    let mut bench = Bench::new(&[("a.yaml", &import(""))]);
    bench.write("a.yaml", &import("  labels: { multicluster.kubernetes.io/service-name: web }\n"));
    bench.read();
    assert_eq!((bench.news(), bench.held().len()), (vec!["delete"], 0));
}

#[test]
fn the_first_file_by_path_defines_an_object() {
    let mut bench =
        Bench::new(&[("b.yaml", &service("a", 2)), ("c.yaml", &(service("a", 3) + "---\n" + &service("a", 4)))]);
    assert_eq!(bench.held(), ["Service default/a 2 /b.yaml:1"]);
    assert_eq!(bench.codes(), ["duplicate-object 1", "duplicate-object 6"]);
    bench.write("a.yaml", &service("a", 1));
    bench.read();
    bench.read();
    assert_eq!(bench.held(), ["Service default/a 1 /a.yaml:1"]);
    assert_eq!(bench.codes().len(), 3);
    fs::remove_file(bench.path("a.yaml")).unwrap();
    fs::remove_file(bench.path("b.yaml")).unwrap();
    bench.read();
    assert_eq!(bench.held(), ["Service default/a 3 /c.yaml:1"]);
    assert_eq!(bench.codes(), ["duplicate-object 6"]);
}

#[test]
fn a_folder_that_vanishes_keeps_everything() {
    let mut bench = Bench::new(&[("a.yaml", &service("a", 1))]);
    let aside = bench.home.path().join("aside");
    fs::rename(bench.folder.path(), &aside).unwrap();
    bench.read();
    assert_eq!((bench.last.clone(), bench.held().len()), (vec!["failed"; KINDS], 1));
    // Unmounted: an empty folder stands in its place.
    fs::create_dir(bench.folder.path()).unwrap();
    bench.read();
    assert_eq!((bench.last.clone(), bench.held().len()), (vec!["failed"; KINDS], 1));
    fs::remove_dir(bench.folder.path()).unwrap();
    fs::rename(&aside, bench.folder.path()).unwrap();
    bench.read();
    assert_eq!((bench.last.clone(), bench.held().len()), (vec!["contact"; KINDS], 1));
    fs::remove_file(bench.path("a.yaml")).unwrap();
    bench.read();
    assert_eq!((bench.news(), bench.held().len()), (vec!["delete"], 0));
}

#[test]
fn many_deletions_come_as_whole_lists_and_are_repeated() {
    let many: String = (0..60).map(|n| format!("---\n{}", service(&format!("s{n}"), 1))).collect();
    let mut bench = Bench::new(&[("many.yaml", &many), ("one.yaml", &service("one", 1))]);
    fs::remove_file(bench.path("many.yaml")).unwrap();
    bench.read();
    assert_eq!((bench.last.clone(), bench.held().len()), (vec!["replace"; KINDS], 1));
    bench.read_as(Reason::Periodic);
    bench.read_as(Reason::Periodic);
    assert_eq!(bench.last, ["replace"; KINDS]);
    bench.read_as(Reason::Periodic);
    assert_eq!(bench.last, ["contact"; KINDS]);
    bench.read_as(Reason::Requested);
    assert_eq!(bench.last, ["replace"; KINDS], "the brake asks for its second list");
}

#[test]
fn text_that_is_no_utf_8_is_one_finding() {
    let bench = Bench::new(&[]);
    fs::write(bench.path("a.yaml"), [b"a: \xff\n---\n".as_slice(), service("a", 1).as_bytes()].concat()).unwrap();
    let mut bench = bench;
    bench.read();
    assert_eq!((bench.codes(), bench.held().len()), (vec!["bad-document 1".to_owned()], 1));
}

#[test]
fn a_large_json_file_is_read_as_it_streams() {
    let padding = "x".repeat(5 << 20);
    let items = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}},{"metadata":{"name":"b"}}"#;
    let text = format!(r#"{{"padding":"{padding}","items":[{items}],"kind":"ServiceList","apiVersion":"v1"}}"#);
    let mut bench = Bench::new(&[("all.json", &text)]);
    assert_eq!(bench.held(), ["Service default/a 0 /all.json:1", "Service default/b 0 /all.json:1"]);
    bench.write("all.json", &text[..text.len() - 1]);
    bench.read();
    assert_eq!((bench.held().len(), bench.codes()), (2, vec!["bad-document 1".to_owned()]));
}

#[test]
fn clusters_are_the_sub_folders() {
    let home = TempDir::new().unwrap();
    let make = |name: &str| fs::create_dir(home.path().join(name)).unwrap();
    let found = |path: &Path| {
        discover_clusters(path).map(|list| list.into_iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>())
    };
    assert!(found(home.path()).unwrap_err().to_string().contains("holds no sub-folder"));
    ["west", "east.eu", ".git"].into_iter().for_each(make);
    fs::write(home.path().join("README.md"), "").unwrap();
    assert_eq!(found(home.path()).unwrap(), ["east.eu", "west"]);
    make("North_1");
    assert!(found(home.path()).unwrap_err().to_string().contains("North_1: the folder's name is no cluster id"));
    assert!(found(&home.path().join("none")).unwrap_err().to_string().contains("cannot be read"));
}

#[tokio::test]
async fn a_watched_folder_tells_its_changes() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("east");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("a.yaml"), service("a", 1)).unwrap();
    let cluster = ClusterId::new("east");
    let folder = Folder::new(cluster.clone(), path.clone());
    let watch = Watch {
        folder,
        cluster,
        generation: 3,
        started: Instant::now(),
        reload: Arc::default(),
        confirm: Arc::default(),
        period: super::PERIOD,
    };
    let (sender, mut receiver) = tokio::sync::mpsc::channel(64);
    let task = tokio::spawn(watch.run(sender));
    let mut wait_for = async |wanted: fn(&Change) -> bool| loop {
        let next = tokio::time::timeout(Duration::from_secs(20), receiver.recv());
        let observation = next.await.expect("an observation in time").expect("the watch runs");
        assert_eq!((observation.cluster.as_str(), observation.generation), ("east", 3));
        if wanted(&observation.change) {
            return;
        }
    };
    wait_for(|change| matches!(change, Change::Replace { kind: Kind::ServiceImport, .. })).await;
    fs::create_dir(path.join("sub")).unwrap();
    fs::write(path.join("sub/b.tmp"), service("b", 1)).unwrap();
    fs::rename(path.join("sub/b.tmp"), path.join("sub/b.yaml")).unwrap();
    wait_for(|change| matches!(change, Change::Apply { fact, .. } if fact.key().name() == "b")).await;
    fs::remove_file(path.join("a.yaml")).unwrap();
    wait_for(|change| matches!(change, Change::Delete { key, .. } if key.name() == "a")).await;
    fs::rename(&path, home.path().join("aside")).unwrap();
    wait_for(|change| matches!(change, Change::Failed { .. })).await;
    task.abort();
}
