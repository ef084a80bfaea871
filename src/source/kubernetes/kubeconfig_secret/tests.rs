use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::PathBuf;
use std::time::Duration;

/// A CA, a command that would leave a mark, and a file that nobody can open without waiting for ever.
struct Trap {
    folder: tempfile::TempDir,
    ca: String,
}

impl Trap {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("fifo")).status().unwrap();
        assert!(made.success());
        let pem = rcgen::generate_simple_self_signed(vec!["ca".to_owned()]).unwrap().cert.pem();
        Trap { folder, ca: STANDARD.encode(pem) }
    }

    fn mark(&self) -> PathBuf {
        self.folder.path().join("ran")
    }

    fn text(&self, cluster: &str, user: &str) -> String {
        let (fifo, mark) = (self.folder.path().join("fifo"), self.mark());
        let filled = |text: &str| {
            let text = text.replace("CA", &self.ca).replace("FIFO", &fifo.to_string_lossy());
            text.replace("MARK", &mark.to_string_lossy())
        };
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: west\n\
             clusters: [{{name: c, cluster: {{{}}}}}]\nusers: [{{name: u, user: {{{}}}}}]\n\
             contexts: [{{name: west, context: {{cluster: c, user: u}}}}]\n",
            filled(cluster),
            filled(user)
        )
    }

    /// Reads it on a thread: one that opened the file would not come back.
    fn read(&self, cluster: &str, user: &str, allow: &[&str]) -> Result<Access, String> {
        let (text, allow) = (self.text(cluster, user), allow.iter().map(|host| host.to_string()).collect::<Vec<_>>());
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(Box::new(read_allowed(text.as_bytes(), &allow))));
        *told.recv_timeout(Duration::from_secs(20)).expect("no file was opened")
    }
}

fn read_allowed(octets: &[u8], allow: &[String]) -> Result<Access, String> {
    let access = read(octets)?;
    allowed_server(&access.server, allow).map(|()| access)
}

const SERVER: &str = "server: 'https://api.west.example:6443', certificate-authority-data: CA";

#[test]
fn the_allowed_fields_are_taken() {
    let trap = Trap::new();
    let access = trap.read(&format!("{SERVER}, tls-server-name: kube"), "token: hush", &[]).ok().unwrap();
    assert_eq!(access.server, "https://api.west.example:6443/");
    assert!(matches!(&access.trust, Trust::Certificates(list) if list.len() == 1));
    assert!(matches!(access.token, Some(TokenSource::Fixed(_))) && access.identity.is_none());
    assert_eq!(access.server_name.as_deref(), Some("kube"));
    assert!(access.proxy.is_none() && access.files.is_empty());
    let certificate = "client-certificate-data: CA, client-key-data: CA, extensions: [{name: a, extension: {}}]";
    assert!(trap.read(SERVER, certificate, &[]).ok().unwrap().identity.is_some());
}

#[test]
fn every_refused_field_is_named_nothing_ran_and_nothing_was_read() {
    let trap = Trap::new();
    let with = |more: &str| format!("{SERVER}, {more}");
    let bare = "server: 'https://h'".to_owned();
    let cases: [(String, &str, &str); 22] = [
        (SERVER.into(), "exec: {apiVersion: v1, command: touch, args: ['MARK']}", "exec"),
        (SERVER.into(), "token: hush, exec: {command: /bin/sh, args: [-c, 'touch MARK']}", "exec"),
        (SERVER.into(), "auth-provider: {name: gcp, config: {cmd-path: touch, cmd-args: 'MARK'}}", "auth-provider"),
        (SERVER.into(), "auth-provider: {name: oidc, config: {id-token: hush}}", "auth-provider"),
        (SERVER.into(), "tokenFile: FIFO", "tokenFile"),
        (SERVER.into(), "token: hush, tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token", "tokenFile"),
        (SERVER.into(), "client-certificate: FIFO, client-key-data: CA", "client-certificate"),
        (SERVER.into(), "client-certificate-data: CA, client-key: FIFO", "client-key"),
        (SERVER.into(), "client-certificate-data: CA", "client-certificate"),
        (with("certificate-authority: FIFO"), "token: hush", "certificate-authority"),
        (SERVER.into(), "username: hush", "username"),
        (SERVER.into(), "password: hush", "password"),
        (SERVER.into(), "token: hush, as: admin", "as"),
        (SERVER.into(), "token: hush, as-uid: '1'", "as-uid"),
        (SERVER.into(), "token: hush, as-groups: ['system:masters']", "as-groups"),
        (SERVER.into(), "token: hush, as-user-extra: {a: [b]}", "as-user-extra"),
        (with("insecure-skip-tls-verify: true"), "token: hush", "insecure-skip-tls-verify"),
        (with("proxy-url: 'http://hush:3128'"), "token: hush", "proxy-url"),
        ("server: 'http://h', certificate-authority-data: CA".into(), "token: hush", "server"),
        ("server: 'https://hush@h', certificate-authority-data: CA".into(), "token: hush", "server"),
        (bare.clone(), "token: hush", "certificate-authority-data"),
        (format!("{bare}, certificate-authority-data: aHVzaA=="), "token: hush", "certificate-authority-data"),
    ];
    for (cluster, user, field) in cases {
        let error = trap.read(&cluster, user, &[]).err().unwrap_or_else(|| panic!("{field} passed: {user}"));
        assert!(error.starts_with(&format!("{field}: ")), "{field}: {error}");
        assert!(!error.contains("hush"), "a value is shown: {error}");
    }
    assert!(!trap.mark().exists(), "something ran");
}

#[test]
fn servers_on_this_machine_or_a_metadata_service_must_be_listed() {
    let trap = Trap::new();
    let hosts = [
        "127.0.0.1",
        "[::1]",
        "localhost",
        "LocalHost",
        "localhost.",
        "x.localhost",
        "0.0.0.0",
        "[::]",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "169.254.169.254",
        "169.254.1.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[::ffff:127.0.0.1]",
        "100.100.100.200",
        "168.63.129.16",
        "metadata.google.internal",
        "metadata",
    ];
    for host in hosts {
        let cluster = format!("server: 'https://{host}:6443', certificate-authority-data: CA");
        let error = trap.read(&cluster, "token: hush", &[]).err().unwrap_or_else(|| panic!("{host} passed"));
        assert!(error.starts_with("server: ") && error.contains("registry.allowServers"), "{host}: {error}");
        assert!(trap.read(&cluster, "token: hush", &["10.0.0.1", host]).is_ok(), "{host} is listed");
    }
    for host in ["10.0.0.1", "[fd00::1]", "kube.example", "metadata-west.example", "a.b.0xy.example"] {
        let cluster = format!("server: 'https://{host}', certificate-authority-data: CA");
        assert!(trap.read(&cluster, "token: hush", &[]).is_ok(), "{host}");
    }
}

#[test]
fn what_is_no_single_plain_document_is_refused_without_its_text() {
    let cases: [(&[u8], &str); 6] = [
        (b"clusters: [{name: hush", "line "),
        (b"users: [{name: u, user: {token: [hush]}}]", "line 1"),
        (b"a: &hush b\nusers: *hush", "line "),
        (b"current-context: a\n---\ncurrent-context: hush\n", "line "),
        (b"\xff\xfe hush", "UTF-8"),
        (b"clusters: []", "current-context"),
    ];
    for (text, part) in cases {
        let error = read(text).err().unwrap();
        assert!(error.contains(part) && !error.contains("hush"), "{error}");
    }
    assert!(read(&vec![b'#'; (1 << 20) + 1]).err().unwrap().contains("1 MiB"));
}
