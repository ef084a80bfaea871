//! The program `clusterset-dns`: parse the command line, run, exit code.

use clap::Parser;
use clusterset_dns::cli::{self, Cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(&Cli::parse())
}
