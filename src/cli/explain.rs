//! The command `explain`.

use super::args::ExplainArgs;
use super::exit;
use std::process::ExitCode;

/// Runs it. Not written yet: says so and fails.
pub fn run(_args: &ExplainArgs) -> ExitCode {
    eprintln!("error[usage]: `explain` is not part of this build yet");
    exit::FAILED
}
