//! Credential plugins (`exec` of a kubeconfig file), of which only those run whose path the configuration lists
//! (`kubeconfig.allowExec`, RESILIENCE.md section 10).
//!
//! In: command, arguments and environment as written. Out: bearer tokens. A plugin has 10 s, no input, and no environment but
//! what the kubeconfig lists and `KUBERNETES_EXEC_INFO`, none of it for loaders; what it prints is never logged. One that hangs
//! is killed with everything that it started.

use super::kubeconfig_file::Exec;
use super::token::{MAX_FILE, bearer};
use http::HeaderValue;
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::SecretString;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Time for one run.
const LIMIT: Duration = Duration::from_secs(10);
/// A plugin that failed is not run again before.
const PAUSE: Duration = Duration::from_secs(10);
/// A token is asked for anew so long before its end, and used at least so long.
const MARGIN: Duration = Duration::from_secs(60);

/// A plugin and what it last gave. Nothing here derives `Debug`: it holds credentials.
pub struct ExecToken {
    command: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    version: String,
    /// Time for one run.
    limit: Duration,
    last: Mutex<Last>,
    /// The server did not take the token.
    refused: AtomicBool,
}

/// The outcome of the last run.
enum Last {
    None,
    /// The token, and when another is due.
    Token(SecretString, Option<Instant>),
    Failed(String, Instant),
}

#[derive(Deserialize)]
struct Credential {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    expiration_timestamp: Option<String>,
}

impl ExecToken {
    /// Checks the plugin; it is not run yet.
    ///
    /// # Errors
    /// The path is not listed, or it asks for what is not given; names no argument and no value.
    pub(super) fn new(exec: &Exec, allowed: &[PathBuf]) -> Result<Arc<Self>, String> {
        let command = Path::new(&exec.command);
        if !command.is_absolute() || !allowed.iter().any(|path| path == command) {
            let advice =
                "use token, tokenFile or a client certificate, or list its absolute path in kubeconfig.allowExec";
            return Err(format!("exec: refused; {advice}"));
        }
        if exec.provide_cluster_info {
            return Err("exec: provideClusterInfo: refused; a plugin is told nothing of the cluster".to_owned());
        }
        let version = exec.api_version.clone();
        if !version.starts_with("client.authentication.k8s.io/") {
            return Err("exec: apiVersion: is not client.authentication.k8s.io/v1".to_owned());
        }
        if let Some(variable) = exec.env.iter().flatten().find(|variable| loads_code(&variable.name)) {
            let name: String = variable.name.chars().take(64).filter(|c| !c.is_control()).collect();
            return Err(format!(
                "exec: env: {name}: refused, because it makes programs load code that is not the plugin's; remove it, or set \
                 it in a script that is listed in kubeconfig.allowExec"
            ));
        }
        let environment = exec.env.iter().flatten().map(|entry| (entry.name.clone(), entry.value.clone())).collect();
        Ok(Arc::new(ExecToken {
            command: command.to_owned(),
            arguments: exec.args.clone().unwrap_or_default(),
            environment,
            version,
            limit: LIMIT,
            last: Mutex::new(Last::None),
            refused: AtomicBool::new(false),
        }))
    }

    /// The header of a request; runs the plugin where there is no token, or none that is good for long.
    pub(super) async fn header(&self) -> Result<HeaderValue, String> {
        let mut last = self.last.lock().await;
        let now = Instant::now();
        match &*last {
            Last::Failed(reason, at) if now < *at + PAUSE => return Err(reason.clone()),
            Last::Token(token, due) if !self.refused.load(Ordering::Relaxed) && due.is_none_or(|due| now < due) => {
                return bearer(token);
            }
            _ => {}
        }
        self.refused.store(false, Ordering::Relaxed);
        match self.run().await {
            Ok((token, due)) => {
                let header = bearer(&token);
                *last = Last::Token(token, due);
                header
            }
            Err(reason) => {
                let reason = format!("the plugin {} {reason}", self.command.display());
                *last = Last::Failed(reason.clone(), now);
                Err(reason)
            }
        }
    }

    /// The server answered 401: the plugin runs before the next request.
    pub(super) fn refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    async fn run(&self) -> Result<(SecretString, Option<Instant>), String> {
        let info = serde_json::json!({
            "apiVersion": self.version, "kind": "ExecCredential", "spec": {"interactive": false},
        });
        let mut command = Command::new(&self.command);
        command.args(&self.arguments).env_clear().envs(self.environment.iter().cloned());
        command.env("KUBERNETES_EXEC_INFO", info.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        // What it starts itself is in its group and ends with it.
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| format!("cannot be run: {error}"))?;
        let mut group = Group(child.id());
        let mut printed = Vec::new();
        let whole = async {
            if let Some(out) = child.stdout.take() {
                out.take(MAX_FILE).read_to_end(&mut printed).await?;
            }
            let status = child.wait().await;
            // Its number may be another's from now on.
            group.0 = None;
            status
        };
        match tokio::time::timeout(self.limit, whole).await {
            Err(_) => Err(format!("was not done within {:?}", self.limit)),
            Ok(Err(error)) => Err(format!("cannot be read: {error}")),
            Ok(Ok(status)) if !status.success() => Err(format!("failed: {status}; run it by hand to see why")),
            Ok(Ok(_)) => credential(&printed),
        }
    }
}

/// The process group of a plugin that has not ended: killed when dropped.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.0.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(leader) = leader {
            // It may have no process any more.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Variables by which loaders and interpreters are told to run more than the program.
fn loads_code(name: &str) -> bool {
    const PREFIXES: [&str; 3] = ["LD_", "DYLD_", "BASH_FUNC_"];
    const NAMES: [&str; 19] = [
        "GLIBC_TUNABLES",
        "GCONV_PATH",
        "LOCPATH",
        "BASH_ENV",
        "ENV",
        "SHELLOPTS",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PERL5LIB",
        "PERL5OPT",
        "PERLLIB",
        "RUBYOPT",
        "RUBYLIB",
        "NODE_OPTIONS",
        "NODE_PATH",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "JDK_JAVA_OPTIONS",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

/// The token that a plugin printed. What the parser says could quote it.
fn credential(printed: &[u8]) -> Result<(SecretString, Option<Instant>), String> {
    let parsed: Credential =
        serde_json::from_slice(printed).map_err(|_| "did not print an ExecCredential as JSON".to_owned())?;
    let status = parsed.status.ok_or("printed an ExecCredential without a status")?;
    let token = status.token.ok_or("gave no token; client certificates of plugins are not read")?;
    let end = status.expiration_timestamp.and_then(|text| crate::source::object::time::parse_millis(&text));
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // Whatever the clocks say, it does not run for every request: the server's 401 tells the rest.
    let left = end.map(|end| {
        Duration::from_millis(u64::try_from(end).unwrap_or_default())
            .saturating_sub(wall)
            .saturating_sub(MARGIN)
            .max(MARGIN)
    });
    Ok((SecretString::from(token), left.map(|left| Instant::now() + left)))
}

#[cfg(test)]
mod tests;
