//! The command `check`: everything is validated, and what would be served is said.
//!
//! In: the configuration, and a [`Survey`] of the objects behind it. Out: diagnostics, a summary, an exit code.

mod connect;
mod summary;

pub use connect::{Found, FoundKind, Reached};

use super::args::{CheckArgs, Format};
use super::exit;
use super::report::report;
use super::settings::settings;
use crate::config::Config;
use crate::config::diagnostic::{Diagnostic, NOT_BUILT, Severity, UNREADABLE};
use crate::model::Finding;
use std::io::Write;
use std::process::ExitCode;

/// What was read of the clusters, and what would be served.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// Of all clusters and of the merge.
    pub findings: Vec<Finding>,
    /// One for each cluster that was read from a folder.
    pub clusters: Vec<ClusterSurvey>,
    /// One for each API server that was connected to (`--connect`).
    pub reached: Vec<Reached>,
    /// Services after the merge, in all views.
    pub services: usize,
    /// Owner names in the table.
    pub names: usize,
}

/// What was read of one cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterSurvey {
    pub name: String,
    /// Objects that were read, of all kinds.
    pub objects: usize,
    /// Services that it exports or imports.
    pub services: usize,
}

/// Runs it; `survey` reads the objects of the clusters, or says why it cannot.
pub fn run(args: &CheckArgs, survey: impl FnOnce(&Config) -> Result<Survey, Vec<Diagnostic>>) -> ExitCode {
    let result = match (args.schema, args.print_config) {
        (true, _) => print(&format!("{:#}\n", Config::schema())).map(|()| Verdict::Clean),
        (_, true) => print_config(args),
        _ => check(args, survey),
    };
    match result {
        Ok(Verdict::Clean) => exit::OK,
        Ok(Verdict::Errors) => exit::FAILED,
        // Nobody reads what is found, so nothing was checked.
        Ok(Verdict::CouldNotCheck) | Err(_) => exit::usage(),
    }
}

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Clean,
    Errors,
    CouldNotCheck,
}

fn print_config(args: &CheckArgs) -> std::io::Result<Verdict> {
    let (yaml, diagnostics) = match settings(&args.settings) {
        Ok(settings) => (settings.config.to_yaml(), settings.diagnostics),
        Err(diagnostics) => (String::new(), diagnostics),
    };
    let diagnostics = judged(diagnostics, args.strict);
    report(&diagnostics, args.format);
    print(&yaml)?;
    Ok(verdict(&diagnostics, args.strict))
}

fn check(
    args: &CheckArgs,
    survey: impl FnOnce(&Config) -> Result<Survey, Vec<Diagnostic>>,
) -> std::io::Result<Verdict> {
    let (serves, diagnostics) = match settings(&args.settings) {
        Err(diagnostics) => (None, diagnostics),
        Ok(settings) => {
            let mut diagnostics = settings.diagnostics;
            let surveyed = survey(&settings.config);
            let survey = surveyed.unwrap_or_else(|errors| {
                diagnostics.extend(errors);
                Survey::default()
            });
            diagnostics.extend(connect::diagnostics(&survey.reached));
            diagnostics.extend(survey.findings.iter().map(Diagnostic::from));
            (Some((settings.config, survey)), diagnostics)
        }
    };
    let diagnostics = judged(diagnostics, args.strict);
    let serves = serves.as_ref().map(|(config, survey)| (config, survey));
    match args.format {
        Format::Text => {
            report(&diagnostics, Format::Text);
            print(&summary::text(serves, &diagnostics))?;
        }
        Format::Json => print(&format!("{:#}\n", summary::json(serves, &diagnostics)))?,
    }
    Ok(verdict(&diagnostics, args.strict))
}

/// A key without effect is an error where warnings are not tolerated.
fn judged(mut diagnostics: Vec<Diagnostic>, strict: bool) -> Vec<Diagnostic> {
    for diagnostic in diagnostics.iter_mut().filter(|found| strict && found.code == NOT_BUILT) {
        diagnostic.severity = Severity::Error;
    }
    diagnostics
}

fn verdict(diagnostics: &[Diagnostic], strict: bool) -> Verdict {
    let worst = diagnostics.iter().map(|found| found.severity).max();
    match worst {
        Some(Severity::Error) if diagnostics.iter().any(|found| found.code == UNREADABLE) => Verdict::CouldNotCheck,
        Some(Severity::Error) => Verdict::Errors,
        Some(Severity::Warning) if strict => Verdict::Errors,
        _ => Verdict::Clean,
    }
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(severity: Severity, code: &'static str) -> Diagnostic {
        Diagnostic::new(severity, code, "x")
    }

    #[test]
    fn the_exit_code_follows_the_worst_diagnostic() {
        let note = found(Severity::Note, "config");
        let warning = found(Severity::Warning, "refused-address");
        let error = found(Severity::Error, "config");
        let unreadable = found(Severity::Error, UNREADABLE);
        let cases: [(&[&Diagnostic], bool, Verdict); 7] = [
            (&[], true, Verdict::Clean),
            (&[&note], true, Verdict::Clean),
            (&[&note, &warning], false, Verdict::Clean),
            (&[&note, &warning], true, Verdict::Errors),
            (&[&warning, &error], false, Verdict::Errors),
            (&[&error, &unreadable], false, Verdict::CouldNotCheck),
            (&[&unreadable], true, Verdict::CouldNotCheck),
        ];
        for (diagnostics, strict, expected) in cases {
            let diagnostics: Vec<_> = diagnostics.iter().copied().cloned().collect();
            assert_eq!(verdict(&diagnostics, strict), expected, "{diagnostics:?} strict {strict}");
        }
    }

    #[test]
    fn a_key_without_effect_is_an_error_under_strict() {
        let diagnostics = vec![found(Severity::Warning, NOT_BUILT), found(Severity::Warning, "config")];
        let severities =
            |strict| judged(diagnostics.clone(), strict).iter().map(|found| found.severity).collect::<Vec<_>>();
        assert_eq!(severities(false), [Severity::Warning, Severity::Warning]);
        assert_eq!(severities(true), [Severity::Error, Severity::Warning]);
    }
}
