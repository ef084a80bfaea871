//! Row "disk full, read-only, hanging": serving is not affected, the old snapshot is kept, one line in the log.

use crate::daemon::Daemon;
use crate::kubernetes::slice;
use crate::snapshot::{WEB, World, export};
use crate::support::faults::Faults;
use clusterset_dns::model::fact::{NamespaceFact, Origin};
use clusterset_dns::model::{ClusterId, Fact};
use clusterset_dns::snapshot::{Draft, Loaded, load};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Mounts 64 KiB at $0 in a mount namespace of its own, then becomes the program.
const MOUNT: &str = "mkdir -p \"$0\" && mount -t tmpfs -o size=64k,mode=700 tmpfs \"$0\" && exec \"$@\"";

fn can_mount() -> bool {
    let probe = "mount -t tmpfs tmpfs /tmp";
    let can = Command::new("unshare").args(["-rm", "sh", "-c", probe]).stderr(Stdio::null()).status();
    let can = can.is_ok_and(|status| status.success());
    if !can {
        println!("skipped: unshare -rm cannot mount here");
    }
    can
}

fn failures(daemon: &Daemon) -> f64 {
    daemon.metric("snapshot_write_failures_total").expect("it is always there")
}

/// Remounts the folder of the snapshot in the namespace of the server.
fn remount(daemon: &Daemon, folder: &Path, how: &str) {
    let pid = daemon.pid().to_string();
    let enter = ["--preserve-credentials", "-U", "-m", "-t", &pid, "mount", "-o", how];
    assert!(Command::new("nsenter").args(enter).arg(folder).status().unwrap().success());
}

#[test]
fn disk_full_and_read_only() {
    if !can_mount() {
        return;
    }
    let world = World::new("");
    let folder = world.file().parent().unwrap().to_owned();
    let shown = folder.display().to_string();
    let mut daemon = world.start_under(&["unshare", "-rm", "sh", "-c", MOUNT, &shown]);
    let inside = PathBuf::from(format!("/proc/{}/root", daemon.pid())).join(world.file().strip_prefix("/").unwrap());
    daemon.wait("a snapshot", || inside.exists());

    let many: Vec<String> = (0..600).map(|number| format!("a-service-with-a-long-name-{number}")).collect();
    many.iter().for_each(|name| world.server.put(export(name)));
    daemon.wait("two failures", || failures(&daemon) >= 2.0);
    let old = fs::read(&inside).unwrap();
    assert!(old.starts_with(b"CSDNSNAP") && old.len() < 64 << 10, "the old file is there");
    world.server.put(slice("web-2", "10.2.0.2"));
    daemon.wait("another failure", || failures(&daemon) >= 3.0);
    assert_eq!(fs::read(&inside).unwrap(), old);
    assert_eq!(daemon.ask(WEB, "A").rcode, 0);
    assert_eq!(daemon.log().matches("cannot be written").count(), 1, "{}", daemon.log());

    many.iter().for_each(|name| world.server.delete("serviceexports", "shop", name));
    daemon.wait_log("can be written again");
    remount(&daemon, &folder, "remount,ro");
    let (before, old) = (failures(&daemon), fs::read(&inside).unwrap());
    world.server.put(slice("web-3", "10.2.0.3"));
    daemon.wait("a failure", || failures(&daemon) > before);
    assert_eq!(fs::read(&inside).unwrap(), old);
    assert_eq!(daemon.ask(WEB, "A").rcode, 0);
    assert!(daemon.stop().success(), "{}", daemon.log());
}

#[test]
fn disk_hangs() {
    let (world, faults) = (World::new(""), Faults::new());
    let program = faults.program();
    let program: Vec<&str> = program.iter().map(String::as_str).collect();
    let mut daemon = world.start_under(&program);
    daemon.wait("a snapshot", || world.file().exists());
    faults.hang_disk(true);
    let old = fs::read(world.file()).unwrap();
    let draft = world.file().with_extension("new");
    world.server.put(export("one-more"));
    daemon.wait("a writer that hangs", || draft.exists());
    // Meanwhile everything else goes on.
    world.server.delete("serviceexports", "shop", "web");
    daemon.ask_until(WEB, "A", |reply| reply.rcode == 3);
    world.server.put(export("web"));
    daemon.ask_until(WEB, "A", |reply| reply.rcode == 0);
    assert!(draft.exists());
    assert_eq!(fs::read(world.file()).unwrap(), old, "the old file is kept");
    // Not even the end waits for it for ever.
    assert!(daemon.stop().success(), "{}", daemon.log());
    assert_eq!(fs::read(world.file()).unwrap(), old);
}

/// Tells the child where to write.
const CHILD: &str = "CLUSTERSET_DNS_TEST_SNAPSHOT";
const NAMESPACES: usize = 3000;

fn write(folder: &Path, generation: u64) -> std::io::Result<u64> {
    let namespace = |number| {
        Fact::Namespace(NamespaceFact {
            name: format!("n-{generation}-{number}").into(),
            origin: Origin::Api { resource_version: generation },
        })
    };
    let facts: Vec<Fact> = (0..NAMESPACES).map(namespace).collect();
    let mut draft = Draft::create(folder, 1_800_000_000_000 + generation, &[("z.".to_owned(), generation as u32)])?;
    draft.encoder().begin(&ClusterId::new("west"), "")?;
    draft.encoder().add(&facts)?;
    draft.encoder().end(1_800_000_000_000)?;
    draft.finish()
}

/// The child of [`kill_9_while_writing`]; does nothing by itself.
#[test]
fn writes_for_ever() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let first = load(&folder, |_| true, 0, None).map_or(0, |found| u64::from(found.serials[0].1));
    for generation in first + 1.. {
        write(&folder, generation).unwrap();
    }
}

/// Its generation; every namespace must be of it.
fn whole(found: &Loaded) -> u64 {
    let generation = u64::from(found.serials[0].1);
    let [section] = &found.sections[..] else { panic!("{} sections", found.sections.len()) };
    assert_eq!((section.facts.len(), found.damaged.len()), (NAMESPACES, 0));
    let begin = format!("n-{generation}-");
    let fits = |fact: &Fact| matches!(fact, Fact::Namespace(namespace) if namespace.name.starts_with(&begin));
    assert!(section.facts.iter().all(fits), "torn at {generation}");
    generation
}

#[test]
fn kill_9_while_writing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1).unwrap();
    let program = std::env::current_exe().unwrap();
    let (mut last, mut in_the_middle, start) = (1, 0, Instant::now());
    let mut kills = 0;
    while kills < 1000 && start.elapsed() < Duration::from_secs(30) {
        let draft = folder.path().join("snapshot.new");
        // Every fourth child finds what the one before it left; the others show by it that they have begun.
        if kills % 4 != 0 && draft.exists() {
            std::fs::remove_file(&draft).unwrap();
        }
        let mut child = Command::new(&program);
        child.args(["--exact", "disk::writes_for_ever"]).env(CHILD, folder.path()).stdout(Stdio::null());
        let mut child = child.spawn().unwrap();
        while !draft.exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        // Anywhere in the writing of a file or two.
        std::thread::sleep(Duration::from_micros((kills * 7919) % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        in_the_middle += u32::from(draft.exists());
        let generation = whole(&load(folder.path(), |_| true, 0, None).unwrap());
        assert!(generation >= last, "from {last} back to {generation}");
        last = generation;
    }
    println!("{kills} kills, {in_the_middle} with half a file, {last} files written");
    assert!(in_the_middle > 0 && last > 1);
}
