//! The command line: what can be asked of the program, and what it answers with.
//!
//! In: arguments and `CLUSTERSET_DNS_CONFIG`. Out: an exit code (OPERATIONS.md section 9). One file per command;
//! [`settings()`] turns file and flags into one checked configuration, also at a reload.

mod args;
pub mod check;
pub mod explain;
mod folders;
pub mod lookup;
mod report;
pub mod serve;
mod settings;

pub use args::{CheckArgs, Cli, Command, ExplainArgs, Format, LookupArgs, ServeArgs, SettingsArgs};
pub use report::report;
pub use settings::{Settings, settings};

use std::process::ExitCode;

/// Version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Commit it was built from, `unknown` outside a repository.
pub const REVISION: &str = env!("CLUSTERSET_DNS_REVISION");
/// The compiler it was built with.
pub const RUSTC: &str = env!("CLUSTERSET_DNS_RUSTC");

/// Exit codes that several commands share; `lookup` and `explain` add their own.
pub mod exit {
    use std::process::ExitCode;

    /// All is well.
    pub const OK: ExitCode = ExitCode::SUCCESS;
    /// It went wrong while running; errors were found; no reply.
    pub const FAILED: ExitCode = ExitCode::FAILURE;

    /// Wrong usage or configuration; nothing could be checked.
    pub fn usage() -> ExitCode {
        ExitCode::from(2)
    }
}

/// Runs a command to its end.
pub fn run(cli: &Cli) -> ExitCode {
    match &cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(args, |config| crate::run::survey(config, args.connect)),
        Command::Explain(args) => explain::run(args),
        Command::Lookup(args) => lookup::run(args),
    }
}
