use super::*;
use crate::source::kubernetes::kubeconfig_file::Variable;
use std::os::unix::fs::PermissionsExt;

/// A plugin that runs these lines of shell.
fn plugin(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("plugin");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn exec(command: &Path) -> Exec {
    Exec {
        api_version: "client.authentication.k8s.io/v1".to_owned(),
        command: command.to_string_lossy().into_owned(),
        args: Some(vec!["first".to_owned()]),
        env: Some(vec![Variable { name: "LISTED".to_owned(), value: "yes".to_owned() }]),
        provide_cluster_info: false,
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn shown(header: Result<HeaderValue, String>) -> String {
    header.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_else(|error| error)
}

#[test]
fn a_listed_plugin_runs_once_until_the_server_refuses_its_token() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing of our own environment, PATH aside, which the shell itself makes.
    let script = format!(
        "echo x >> {0}/runs; /usr/bin/env > {0}/environment\n\
         printf '{{\"status\": {{\"token\": \"%s-%s\"}}}}' \"$1\" \"$(/usr/bin/wc -l < {0}/runs)\"",
        folder.path().display()
    );
    let path = plugin(folder.path(), &script);
    let token = ExecToken::new(&exec(&path), std::slice::from_ref(&path)).ok().unwrap();
    assert!(!folder.path().join("runs").exists(), "not run before it is needed");
    run(async {
        assert_eq!(shown(token.header().await), "Bearer first-1");
        assert_eq!(shown(token.header().await), "Bearer first-1");
        token.refused();
        assert_eq!(shown(token.header().await), "Bearer first-2");
    });
    let environment = std::fs::read_to_string(folder.path().join("environment")).unwrap();
    let mut names: Vec<&str> = environment.lines().filter_map(|line| line.split('=').next()).collect();
    names.retain(|name| !["PWD", "_", "SHLVL", "OLDPWD"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["KUBERNETES_EXEC_INFO", "LISTED"], "{environment}");
    assert!(environment.contains("\"interactive\":false"));
}

#[test]
fn what_is_not_listed_or_asks_for_more_is_refused_and_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = plugin(folder.path(), &format!("echo x > {}/ran", folder.path().display()));
    let listed = [path.clone(), "plugin".into()];
    let refused = |exec: Exec, listed: &[PathBuf]| ExecToken::new(&exec, listed).err().unwrap();
    assert!(refused(exec(&path), &[]).contains("kubeconfig.allowExec"));
    assert!(refused(exec(&path), &["/bin/true".into()]).starts_with("exec: refused"));
    assert!(refused(exec(Path::new("plugin")), &listed).starts_with("exec: refused"));
    let around = folder.path().join("x/../plugin");
    assert!(refused(exec(&around), &listed).starts_with("exec: refused"));
    let more = Exec { provide_cluster_info: true, ..exec(&path) };
    assert!(refused(more, &listed).starts_with("exec: provideClusterInfo"));
    let old = Exec { api_version: "v1".to_owned(), ..exec(&path) };
    assert!(refused(old, &listed).starts_with("exec: apiVersion"));
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn a_plugin_that_fails_is_named_and_not_run_for_every_request() {
    let cases = [
        ("echo hush; exit 3", "failed: exit status: 3"),
        ("echo hush", "did not print an ExecCredential"),
        ("echo '{\"kind\": \"ExecCredential\"}'", "without a status"),
        ("echo '{\"status\": {\"clientKeyData\": \"hush\"}}'", "gave no token"),
    ];
    for (script, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        let path = plugin(folder.path(), &format!("echo x >> {}\n{script}", runs.display()));
        let token = ExecToken::new(&exec(&path), std::slice::from_ref(&path)).ok().unwrap();
        let (first, second) = run(async { (token.header().await, token.header().await) });
        assert!(shown(first).contains(expected) && !shown(second.clone()).contains("hush"), "{second:?}");
        assert_eq!(std::fs::read_to_string(runs).unwrap().lines().count(), 1, "{script}");
    }
}

#[test]
fn an_end_far_away_is_believed_and_one_in_the_past_is_not() {
    let due = |end: &str| {
        let printed = format!("{{\"status\": {{\"token\": \"t\", \"expirationTimestamp\": \"{end}\"}}}}");
        credential(printed.as_bytes()).unwrap().1.map(|due| due - Instant::now())
    };
    assert!(due("2000-01-01T00:00:00Z").unwrap() > Duration::from_secs(30));
    assert!(due("2999-01-01T00:00:00Z").unwrap() > Duration::from_secs(86_400));
    assert_eq!(due("never"), None);
}

#[test]
fn a_variable_that_loads_other_code_was_handed_to_an_allowed_plugin() {
    let path = PathBuf::from("/bin/true");
    let with = |name: &str| {
        let env = Some(vec![Variable { name: name.to_owned(), value: "/tmp/evil.so".to_owned() }]);
        ExecToken::new(&Exec { env, ..exec(&path) }, std::slice::from_ref(&path)).err()
    };
    for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "GLIBC_TUNABLES", "BASH_ENV", "PYTHONPATH", "NODE_OPTIONS"] {
        let error = with(name).unwrap();
        assert!(error.starts_with(&format!("exec: env: {name}: refused")) && !error.contains("evil"), "{error}");
    }
    for name in ["HOME", "AWS_PROFILE", "PATH", "LDAP_URL", "ENVIRONMENT"] {
        assert_eq!(with(name), None, "{name}");
    }
}

#[test]
fn a_plugin_that_hangs_left_what_it_had_started_behind() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    // A child that outlives the plugin; it holds no pipe of ours.
    let script = format!("/bin/sleep 600 > /dev/null 2>&1 &\necho $! > {at}/child\n/bin/sleep 600");
    let path = plugin(folder.path(), &script);
    let mut token = ExecToken::new(&exec(&path), std::slice::from_ref(&path)).ok().unwrap();
    Arc::get_mut(&mut token).unwrap().limit = Duration::from_secs(2);
    let error = shown(run(token.header()));
    assert!(error.contains("was not done within"), "{error}");
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    let state = PathBuf::from(format!("/proc/{}/stat", child.trim()));
    // Whoever adopts it may not have waited for it yet.
    let lives = || std::fs::read_to_string(&state).is_ok_and(|stat| !stat.contains(") Z "));
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while lives() {
        assert!(std::time::Instant::now() < end, "{child} still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
}
