//! File and flags as one checked configuration; flags override the file.

use super::args::{ServeArgs, SettingsArgs};
use super::folders;
use crate::config::diagnostic::{CONFIG, Diagnostic, Severity};
use crate::config::value::{ClusterName, FilePath, ListenAddress, ListenAddresses};
use crate::config::{ClusterEntry, Config, Draft, Listen, LogFormat, Manifests, Source};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A configuration without errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub config: Config,
    /// Warnings and notes, for start-up to print.
    pub diagnostics: Vec<Diagnostic>,
}

/// What the flags of one command override.
#[derive(Debug, Clone, Default)]
pub struct Overrides<'a> {
    pub listen: &'a [SocketAddr],
    pub log_format: Option<LogFormat>,
}

impl<'a> From<&'a ServeArgs> for Overrides<'a> {
    fn from(args: &'a ServeArgs) -> Self {
        let log_format = args.format.map(|format| match format {
            super::Format::Text => LogFormat::Text,
            super::Format::Json => LogFormat::Json,
        });
        Overrides { listen: &args.listen, log_format }
    }
}

impl ServeArgs {
    /// The configuration of `serve`; read anew at each reload.
    ///
    /// # Errors
    /// All diagnostics, when one of them is an error; also when nothing would listen.
    pub fn settings(&self) -> Result<Settings, Vec<Diagnostic>> {
        let mut settings = load(&self.settings, &Overrides::from(self))?;
        if !settings.config.serves_dns() {
            let message =
                "nothing listens for DNS; give --listen ADDR, or set listen.dns or listen.grpc in a file for --config";
            settings.diagnostics.push(Diagnostic::new(Severity::Error, "usage", message));
            return Err(settings.diagnostics);
        }
        Ok(settings)
    }
}

/// The configuration of a command that does not listen.
///
/// # Errors
/// All diagnostics, when one of them is an error.
pub fn settings(args: &SettingsArgs) -> Result<Settings, Vec<Diagnostic>> {
    load(args, &Overrides::default())
}

fn load(args: &SettingsArgs, overrides: &Overrides<'_>) -> Result<Settings, Vec<Diagnostic>> {
    // An empty variable is the same as none.
    let file = args.config.as_deref().filter(|path| !path.as_os_str().is_empty());
    let mut draft = match file {
        Some(path) => Draft::load(path)?,
        None => silent(),
    };
    let mut notes = Vec::new();
    if !overrides.listen.is_empty() {
        draft.config.listen.dns = ListenAddresses(overrides.listen.iter().copied().map(ListenAddress).collect());
        draft.replaced("listen.dns");
    }
    if let Some(format) = overrides.log_format {
        draft.config.log.format = format;
        draft.replaced("log.format");
    }
    if let Some(name) = &args.local_cluster {
        draft.config.local.cluster = ClusterName::new(name);
        draft.replaced("local.cluster");
    }
    let mut errors = Vec::new();
    if let Some(folder) = &args.manifests {
        match folders::clusters(folder) {
            Ok(clusters) => notes.extend(use_folders(&mut draft, folder, clusters)),
            Err(found) => errors = found,
        }
    }
    finish(draft, errors, notes)
}

fn finish(draft: Draft, mut errors: Vec<Diagnostic>, notes: Vec<Diagnostic>) -> Result<Settings, Vec<Diagnostic>> {
    let folders_failed = !errors.is_empty();
    let (config, found) = draft.check();
    // Without its folders the clusters of a configuration are not known: no word about them.
    errors.extend(found.into_iter().filter(|found| !folders_failed || found.is_error()));
    errors.extend(notes);
    match errors.iter().any(Diagnostic::is_error) {
        true => Err(errors),
        false => Ok(Settings { config, diagnostics: errors }),
    }
}

/// All defaults, and nothing listens.
fn silent() -> Draft {
    let mut draft = Draft::new();
    draft.config.listen = Listen {
        dns: ListenAddresses::default(),
        grpc: ListenAddresses::default(),
        health: ListenAddresses::default(),
        ready: ListenAddresses::default(),
        metrics: ListenAddresses::default(),
        admin: ListenAddresses::default(),
    };
    draft
}

/// Makes the folders the clusters; an entry of the same name keeps its other settings. The first is local unless one is
/// named, which is a note.
fn use_folders(draft: &mut Draft, folder: &Path, clusters: Vec<(String, PathBuf)>) -> Option<Diagnostic> {
    let config = &mut draft.config;
    let entries = clusters.iter().map(|(name, path)| {
        let known = config.clusters.iter().find(|entry| entry.name == *name);
        let source = Source { manifests: Some(Manifests { path: FilePath::new(path) }), ..Source::default() };
        ClusterEntry { source, name: name.clone(), ..known.cloned().unwrap_or_default() }
    });
    config.clusters = entries.collect();
    let first = clusters.first().map(|(name, _)| name.as_str()).unwrap_or_default();
    let note = config.local.cluster.get().is_none().then(|| {
        let message = format!(
            "cluster {first} is local, as the first folder in {}; name another with --local-cluster",
            folder.display()
        );
        Diagnostic::new(Severity::Note, CONFIG, message)
    });
    if note.is_some() {
        config.local.cluster = ClusterName::new(first);
    }
    draft.replaced("clusters");
    note
}

#[cfg(test)]
mod tests;
