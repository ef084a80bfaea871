//! Tells the program which revision it was built from (`--version`, the metric `build_info`).

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=CLUSTERSET_DNS_REVISION");
    // The log of HEAD changes with every commit and checkout; without a repository there is nothing to watch.
    let log = output("git", &["rev-parse", "--git-path", "logs/HEAD"]).unwrap_or_else(|| "build.rs".to_owned());
    println!("cargo:rerun-if-changed={log}");
    let given = std::env::var("CLUSTERSET_DNS_REVISION").ok().filter(|revision| !revision.is_empty());
    let revision = given.or_else(|| output("git", &["rev-parse", "--short=12", "HEAD"]));
    println!("cargo:rustc-env=CLUSTERSET_DNS_REVISION={}", revision.unwrap_or_else(|| "unknown".to_owned()));
    let rustc = std::env::var("RUSTC").ok().and_then(|rustc| output(&rustc, &["--version"]));
    println!("cargo:rustc-env=CLUSTERSET_DNS_RUSTC={}", rustc.unwrap_or_else(|| "unknown".to_owned()));
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
