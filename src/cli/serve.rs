//! The command `serve`.

use super::args::{Format, ServeArgs};
use super::exit;
use super::report::report;
use crate::config::{Config, Diagnostic, LogFormat, Severity};
use crate::run::{Failure, Origin, serve};
use crate::telemetry::log;
use std::process::ExitCode;

/// Runs it until a signal.
pub fn run(args: &ServeArgs) -> ExitCode {
    let format = args.format.unwrap_or(Format::Text);
    let settings = match args.settings() {
        Ok(settings) => settings,
        Err(diagnostics) => {
            report(&diagnostics, format);
            return exit::usage();
        }
    };
    report(&settings.diagnostics, format);
    let result = start_log(&settings.config).and_then(|()| serve(&settings.config, origin(args.clone())));
    let error = |code, message: String| report(&[Diagnostic::new(Severity::Error, code, message)], format);
    match result {
        Ok(()) => exit::OK,
        Err(Failure::Usage(lines)) => {
            lines.lines().for_each(|line| error("config", line.to_owned()));
            exit::usage()
        }
        Err(Failure::Running(failure)) => {
            error("serve", format!("{failure:#}"));
            exit::FAILED
        }
    }
}

/// The same flags and files once more, at each reload.
fn origin(args: ServeArgs) -> Origin {
    let file = args.settings.config.clone().filter(|path| !path.as_os_str().is_empty());
    let load = move || args.settings().map(|settings| (settings.config, settings.diagnostics));
    Origin { load: Box::new(load), file }
}

fn start_log(config: &Config) -> Result<(), Failure> {
    let format = match config.log.format {
        LogFormat::Text => log::Format::Text,
        LogFormat::Json => log::Format::Json,
    };
    log::init(format, config.log.level.as_str()).map_err(|error| Failure::Usage(error.to_string()))
}
