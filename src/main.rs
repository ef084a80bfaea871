//! The program `clusterset-dns`: parse the command line, run, exit code.

use clap::Parser;
use clusterset_dns::cli::{self, Cli};
use std::process::ExitCode;

// Facts are many small objects, decoded by one thread and kept by another, and Blocks are dropped by readers: glibc's arenas
// waste a third of the memory on that. One arena, set up in .cargo/config.toml.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::run(&Cli::parse())
}
