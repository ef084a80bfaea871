use super::*;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A folder with a CA and a token, and a second folder that no rule allows.
struct Place {
    folder: TempDir,
    outside: TempDir,
    ca: String,
}

impl Place {
    fn new() -> Self {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ca = rcgen::generate_simple_self_signed(vec!["ca".to_owned()]).unwrap().cert.pem();
        for at in [folder.path(), outside.path()] {
            std::fs::write(at.join("ca.crt"), &ca).unwrap();
            std::fs::write(at.join("token"), "hush").unwrap();
        }
        let ca = STANDARD.encode(ca);
        Place { folder, outside, ca }
    }

    fn write(&self, cluster: &str, user: &str) -> PathBuf {
        let path = self.folder.path().join("west.kubeconfig");
        let cluster = cluster.replace("CA", &self.ca).replace("OUTSIDE", &self.outside.path().to_string_lossy());
        let user = user.replace("OUTSIDE", &self.outside.path().to_string_lossy());
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: west\npreferences: {{}}\n\
             clusters: [{{name: c, cluster: {{{cluster}}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\n\
             contexts: [{{name: west, context: {{cluster: c, user: u, namespace: x}}}}, {{name: far, context: {{cluster: d, user: u}}}}]\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, cluster: &str, user: &str, rules: &Rules) -> Result<Access, String> {
        read(&self.write(cluster, user), "", rules).map_err(|refusal| refusal.to_string())
    }
}

const SERVER: &str = "server: 'https://127.0.0.1:6443', certificate-authority-data: CA";

#[test]
fn an_ordinary_file_gives_server_trust_and_token() {
    let place = Place::new();
    let access = place.read(SERVER, "token: hush", &Rules::default()).ok().unwrap();
    assert_eq!(access.server, "https://127.0.0.1:6443/");
    assert!(matches!(&access.trust, Trust::Certificates(list) if list.len() == 1));
    assert!(matches!(access.token, Some(TokenSource::Fixed(_))) && access.identity.is_none());
    assert_eq!(access.files, [place.folder.path().join("west.kubeconfig")]);
}

#[test]
fn files_below_its_own_folder_are_read_and_listed() {
    let place = Place::new();
    let cluster = "server: 'https://h', certificate-authority: ca.crt";
    let user = "tokenFile: ./token, client-certificate: ca.crt, client-key: ca.crt";
    let access = place.read(cluster, user, &Rules::default()).ok().unwrap();
    assert!(matches!(access.token, Some(TokenSource::File(_))) && access.identity.is_some());
    assert_eq!(access.files.len(), 4);
}

#[test]
fn every_refused_field_is_named_and_nothing_is_run_or_shown() {
    let place = Place::new();
    let marker = place.outside.path().join("ran");
    let exec = format!("exec: {{apiVersion: v1, command: touch, args: ['{}']}}", marker.display());
    let gcp = format!("auth-provider: {{name: gcp, config: {{cmd-path: touch, cmd-args: '{}'}}}}", marker.display());
    let cases = [
        (SERVER, exec.as_str(), "exec"),
        (SERVER, gcp.as_str(), "auth-provider"),
        (SERVER, "username: hush", "username"),
        (SERVER, "password: hush", "password"),
        (SERVER, "token: hush, as: admin", "as"),
        (SERVER, "token: hush, as-uid: '1'", "as-uid"),
        (SERVER, "token: hush, as-groups: ['system:masters']", "as-groups"),
        (SERVER, "token: hush, as-user-extra: {a: [b]}", "as-user-extra"),
        (SERVER, "tokenFile: OUTSIDE/token", "tokenFile"),
        (SERVER, "tokenFile: ../../../../../../../etc/passwd", "tokenFile"),
        (SERVER, "client-certificate: OUTSIDE/ca.crt", "client-certificate"),
        (SERVER, "client-key: OUTSIDE/token", "client-key"),
        (SERVER, "client-key-data: aHVzaA==", "client-key"),
        ("server: 'https://h', certificate-authority: OUTSIDE/ca.crt", "token: hush", "certificate-authority"),
        ("server: 'https://h', certificate-authority-data: '!hush'", "", "certificate-authority-data"),
        ("server: 'https://h', certificate-authority-data: aHVzaA==", "", "certificate-authority-data"),
        ("server: 'https://h'", "token: hush", "certificate-authority-data"),
        ("server: 'https://h', insecure-skip-tls-verify: true", "token: hush", "insecure-skip-tls-verify"),
        ("server: 'https://h', certificate-authority-data: CA, proxy-url: 'http://hush'", "", "proxy-url"),
        ("server: 'http://h', certificate-authority-data: CA", "", "server"),
        ("server: 'https://hush@h', certificate-authority-data: CA", "", "server"),
        ("certificate-authority-data: CA", "", "server"),
    ];
    for (cluster, user, field) in cases {
        let error = place.read(cluster, user, &Rules::default()).err().unwrap_or_else(|| panic!("{field} passed"));
        assert!(error.contains(&format!("west.kubeconfig: {field}: ")), "{field}: {error}");
        assert!(!error.contains("hush"), "a value is shown: {error}");
    }
    assert!(!marker.exists(), "something ran");
}

#[test]
fn the_configuration_can_allow_some_of_them() {
    let place = Place::new();
    let insecure = "server: 'https://h', insecure-skip-tls-verify: true";
    let access = place.read(insecure, "", &Rules { allow_insecure: true, ..Rules::default() }).ok().unwrap();
    assert!(matches!(access.trust, Trust::Anything));
    let roots = Rules { system_roots: true, ..Rules::default() };
    assert!(matches!(place.read("server: 'https://h'", "", &roots).ok().unwrap().trust, Trust::SystemRoots));
    let paths = Rules { allow_paths: vec![place.outside.path().to_owned()], ..Rules::default() };
    assert!(place.read(SERVER, "tokenFile: OUTSIDE/token", &paths).is_ok());
    let proxied = format!("{SERVER}, proxy-url: 'http://proxy:3128'");
    let proxy = Rules { proxy: "http://proxy:3128".to_owned(), ..Rules::default() };
    assert_eq!(place.read(&proxied, "", &proxy).ok().unwrap().proxy.unwrap(), "http://proxy:3128/");
}

#[test]
fn a_link_out_of_the_folder_is_refused() {
    let place = Place::new();
    symlink(place.outside.path().join("token"), place.folder.path().join("link")).unwrap();
    let error = place.read(SERVER, "tokenFile: link", &Rules::default()).err().unwrap();
    assert!(error.contains("tokenFile: refused"), "{error}");
}

#[test]
fn a_missing_context_names_those_that_are_there() {
    let place = Place::new();
    let path = place.write(SERVER, "");
    let error = |context| read(&path, context, &Rules::default()).err().unwrap().message;
    assert_eq!(error("north"), "has no contexts \"north\"; there are: west, far");
    assert!(error("far").contains("there are no clusters"), "{}", error("far"));
    assert!(read(&path, "west", &Rules::default()).is_ok());
}

#[test]
fn what_is_no_kubeconfig_is_refused_with_its_place_and_without_its_text() {
    let place = Place::new();
    let path = place.folder.path().join("bad");
    let cases: [(&[u8], &str); 6] = [
        (b"clusters: [{name: hush", "bad:"),
        (b"users: [{name: u, user: {token: [hush]}}]", "bad:1:"),
        (b"a: &hush b\nusers: *hush", "bad:"),
        (b"current-context: a\n---\ncurrent-context: hush\n", "bad:"),
        (b"\xff\xfe hush", "UTF-8"),
        (b"clusters: []", "no current-context"),
    ];
    for (text, part) in cases {
        std::fs::write(&path, text).unwrap();
        let error = read(&path, "", &Rules::default()).err().unwrap().to_string();
        assert!(error.contains(part) && !error.contains("hush"), "{error}");
    }
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(read(&path, "", &Rules::default()).err().unwrap().message.contains("1 MiB"));
    let absent = read(&place.folder.path().join("absent"), "", &Rules::default()).err().unwrap();
    assert!(absent.message.contains("absent"), "{absent}");
}
