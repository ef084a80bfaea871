use super::*;
use std::fs;
use tempfile::TempDir;

/// A folder with a configuration of two clusters, and a folder of manifests with other two.
fn fixture(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    for name in ["west", "east"] {
        fs::create_dir_all(folder.path().join("clusters").join(name)).unwrap();
    }
    folder
}

const FILE: &str = "
listen: { dns: ['[::]:53'], metrics: '[::]:9999' }
local: { zone: z }
clusters:
- { name: west, source: { kubeconfig: { path: w } }, region: us }
- { name: north, source: { inCluster: {} } }
";

fn args(folder: &TempDir, flags: &[&str]) -> ServeArgs {
    use clap::Parser;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let flags = flags.iter().map(|flag| match *flag {
        "FILE" => path("config.yaml"),
        "DIR" => path("clusters"),
        other => other.to_owned(),
    });
    let line = ["clusterset-dns".to_owned(), "serve".to_owned()].into_iter().chain(flags);
    match super::super::Cli::parse_from(line).command {
        super::super::Command::Serve(args) => args,
        other => panic!("{other:?}"),
    }
}

fn said(diagnostics: &[Diagnostic], folder: &TempDir) -> Vec<String> {
    let shown = folder.path().display().to_string();
    diagnostics.iter().map(|found| found.to_string().replace(&shown, "TMP")).collect()
}

#[test]
fn flags_override_the_file() {
    let folder = fixture(FILE);
    let flags = [
        "--config",
        "FILE",
        "--listen",
        "127.0.0.1:5300",
        "--listen",
        "[::1]:5300",
        "--local-cluster",
        "north",
        "--format",
        "json",
    ];
    let settings = args(&folder, &flags).settings().unwrap();
    let config = settings.config;
    assert_eq!(
        config.listen.dns.addresses().map(|a| a.to_string()).collect::<Vec<_>>(),
        ["127.0.0.1:5300", "[::1]:5300"]
    );
    assert_eq!(config.listen.metrics.first().unwrap().port(), 9999);
    assert_eq!((config.local.cluster.as_str(), config.local.zone.as_str()), ("north", "z"));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(settings.diagnostics, []);
}

#[test]
fn a_wrong_value_that_a_flag_replaces_is_still_wrong() {
    let folder = fixture(
        "listen: { dns: ['53'] }\nlocal: { cluster: typo }\nclusters: [{ name: a, source: { inCluster: {} } }]",
    );
    let errors = args(&folder, &["--config", "FILE", "--listen", "127.0.0.1:5300", "--local-cluster", "b"])
        .settings()
        .unwrap_err();
    assert_eq!(
        said(&errors, &folder),
        [
            "error[config]: TMP/config.yaml:1:17: listen.dns[0]: \"53\" is not an address with a port; write it like 127.0.0.1:5300 or [::]:53",
            "warning[config]: local.cluster: \"b\" names no entry of clusters and has no effect; did you mean `a`?",
        ]
    );
}

#[test]
fn folders_are_the_clusters_and_keep_the_settings_of_their_entries() {
    let folder = fixture(FILE);
    let settings = args(&folder, &["--config", "FILE", "--manifests", "DIR"]).settings().unwrap();
    let clusters = settings.config.clusters();
    let shown: Vec<_> = clusters.iter().map(|entry| format!("{} {}", entry.cluster.id, entry.source)).collect();
    let path = |name: &str| folder.path().join("clusters").join(name).display().to_string();
    assert_eq!(shown, [format!("east manifests {}", path("east")), format!("west manifests {}", path("west"))]);
    assert_eq!(clusters[1].cluster.locality.region.as_deref(), Some("us"));
    assert_eq!(settings.config.local.cluster.as_str(), "east");
    assert_eq!(
        said(&settings.diagnostics, &folder),
        ["note[config]: cluster east is local, as the first folder in TMP/clusters; name another with --local-cluster",]
    );
}

#[test]
fn without_a_file_only_what_is_named_listens() {
    let folder = fixture("");
    let settings = args(&folder, &["--manifests", "DIR", "--listen", "127.0.0.1:5300", "--local-cluster", "west"])
        .settings()
        .unwrap();
    let listen = &settings.config.listen;
    assert!(
        listen.grpc.is_off()
            && listen.health.is_off()
            && listen.ready.is_off()
            && listen.metrics.is_off()
            && listen.admin.is_off()
    );
    assert_eq!((settings.config.local.cluster.as_str(), settings.diagnostics.len()), ("west", 0));

    let errors = args(&folder, &["--manifests", "DIR"]).settings().unwrap_err();
    let last = errors.last().unwrap().to_string();
    assert_eq!(
        last,
        "error[usage]: nothing listens for DNS; give --listen ADDR, or set listen.dns or listen.grpc in a file for --config"
    );
}

#[test]
fn without_a_cluster_it_runs_with_a_warning() {
    let folder = fixture("");
    let settings = args(&folder, &["--listen", "127.0.0.1:5300"]).settings().unwrap();
    assert_eq!(
        said(&settings.diagnostics, &folder),
        [
            "warning[config]: clusters: no cluster is configured; the zones are served without a service; add one, or use --manifests",
        ]
    );
}

#[test]
fn errors_of_file_and_folders_come_together() {
    let folder = fixture("ttl: x\n");
    fs::create_dir(folder.path().join("clusters/a.b.c")).unwrap();
    let errors = args(&folder, &["--config", "FILE", "--manifests", "DIR"]).settings().unwrap_err();
    let said = said(&errors, &folder);
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].starts_with("error[config]: TMP/clusters/a.b.c: the folder is not read: the name has 3 labels"));
    assert!(said[1].starts_with("error[config]: TMP/config.yaml:1:6: ttl: \"x\" is a text"));
}

#[test]
fn a_file_that_is_not_there_is_unreadable() {
    let folder = fixture("");
    let errors = args(&folder, &["--config", "gone.yaml"]).settings().unwrap_err();
    assert_eq!(
        said(&errors, &folder),
        [
            "error[unreadable]: gone.yaml: cannot be read: No such file or directory (os error 2); check --config and the permissions of the file",
        ]
    );
}

#[test]
fn what_is_wrong_in_a_replaced_list_names_the_entry_of_the_file() {
    let folder = fixture("\nclusters:\n- { name: west, region: us }\n");
    let errors = args(&folder, &["--config", "FILE", "--manifests", "DIR", "--listen", "127.0.0.1:0"]).settings();
    let errors = said(&errors.unwrap_err(), &folder);
    let expected = "error[config]: TMP/config.yaml:3:3: cluster west: `source` is missing; it has no default, add it";
    assert_eq!(errors[0], expected);
}
