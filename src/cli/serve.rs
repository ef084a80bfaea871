//! The command `serve`.

use super::args::ServeArgs;
use super::exit;
use std::process::ExitCode;

/// Runs it. Not written yet: says so and fails.
pub fn run(_args: &ServeArgs) -> ExitCode {
    eprintln!("error[usage]: `serve` is not part of this build yet");
    exit::FAILED
}
