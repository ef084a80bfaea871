//! The command `lookup`.

use super::args::LookupArgs;
use super::exit;
use std::process::ExitCode;

/// Runs it. Not written yet: says so and fails.
pub fn run(_args: &LookupArgs) -> ExitCode {
    eprintln!("error[usage]: `lookup` is not part of this build yet");
    exit::FAILED
}
