//! The commands and their flags.

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (revision ",
    env!("CLUSTERSET_DNS_REVISION"),
    ", ",
    env!("CLUSTERSET_DNS_RUSTC"),
    ")"
);

/// Authoritative DNS for Kubernetes clustersets: many clusters in, locality-ordered answers out.
#[derive(Debug, Clone, Parser)]
#[command(name = "clusterset-dns", version = LONG_VERSION, max_term_width = 100, after_help = "\
Examples:
  clusterset-dns serve --manifests examples/two-clusters --listen 127.0.0.1:5300
  clusterset-dns check --config config.yaml
  clusterset-dns explain web.shop.svc.clusterset.local --manifests examples/two-clusters
  clusterset-dns lookup web.shop.svc.clusterset.local --server 127.0.0.1:5300")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Answer DNS queries until told to stop
    Serve(ServeArgs),
    /// Validate everything and say what would be served
    Check(CheckArgs),
    /// Say why a name is answered as it is
    Explain(ExplainArgs),
    /// Ask a server
    Lookup(LookupArgs),
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// Where the configuration comes from. Flags override the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct SettingsArgs {
    /// Configuration file. Without one, all keys have their defaults and only what is named on the command line listens
    #[arg(long, value_name = "FILE", env = "CLUSTERSET_DNS_CONFIG", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub config: Option<PathBuf>,

    /// Folder with one sub-folder of YAML or JSON files per cluster, named after it. These are the clusters then; an
    /// entry of the file with the same name keeps its other settings
    #[arg(long, value_name = "DIR")]
    pub manifests: Option<PathBuf>,

    /// The cluster in which clients stand (`local.cluster`). Default with --manifests: the first folder by name
    #[arg(long, value_name = "NAME")]
    pub local_cluster: Option<String>,
}

/// `serve`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # two clusters from folders of YAML, no cluster needed
  clusterset-dns serve --manifests examples/two-clusters --listen 127.0.0.1:5300
  # real clusters, everything from the file
  clusterset-dns serve --config /etc/clusterset-dns/config.yaml

SIGTERM and SIGINT stop it after its `lameduck` time; SIGHUP reads the configuration again.
Exit code: 0 stopped, 1 failed while running, 2 wrong usage or configuration.")]
pub struct ServeArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Address for DNS over UDP and TCP (`listen.dns`); may be given more than once
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    pub listen: Vec<SocketAddr>,

    /// How log lines are written (`log.format`)
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
}

/// `check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  clusterset-dns check --config config.yaml
  clusterset-dns check --config config.yaml --connect     # is each cluster reached, what may be read there
  clusterset-dns check --manifests examples/two-clusters --format json
  clusterset-dns check --config config.yaml --print-config

Exit code: 0 no errors, 1 errors (with --strict also warnings), 2 could not check.")]
pub struct CheckArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Connect to each cluster of the configuration and of the registry, and list each kind
    #[arg(long)]
    pub connect: bool,

    /// Treat warnings as errors
    #[arg(long)]
    pub strict: bool,

    /// Print the effective configuration as YAML, with all defaults, and nothing else
    #[arg(long, conflicts_with = "schema")]
    pub print_config: bool,

    /// Print the JSON schema of the configuration file, and nothing else
    #[arg(long)]
    pub schema: bool,

    /// How results are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub format: Format,
}

/// `explain`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # of a running server, by its admin listener
  clusterset-dns explain web.shop.svc.clusterset.local
  clusterset-dns explain web.shop.svc.clusterset.local SRV --from west --server http://127.0.0.1:9154
  # of folders, without a server
  clusterset-dns explain web.shop.svc.clusterset.local --manifests examples/two-clusters

Exit code: 0 data, 3 no data of this type, 4 no such name, 5 refused or failed, 1 no reply, 2 wrong usage.")]
pub struct ExplainArgs {
    /// The name, with its zone
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The record type; without it, A and AAAA and every other type that the name has
    #[arg(value_name = "TYPE", default_value = "", hide_default_value = true)]
    pub rtype: String,

    /// The view from which it is asked: its name in `views`, or `local`
    #[arg(long, value_name = "VIEW", default_value = "local")]
    pub from: String,

    /// Admin address of a running server; without it and without --manifests, that of the configuration is asked
    #[arg(long, value_name = "URL", conflicts_with_all = ["manifests", "local_cluster"])]
    pub server: Option<String>,

    #[command(flatten)]
    pub settings: SettingsArgs,

    /// How results are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub format: Format,
}

/// `lookup`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  clusterset-dns lookup web.shop.svc.clusterset.local --server 127.0.0.1:5300
  clusterset-dns lookup _http._tcp.web.shop.svc.clusterset.local SRV --tcp
  clusterset-dns lookup web.shop.svc.clusterset.local --count 20     # does the order vary?

Exit code: 0 data, 3 no data of this type, 4 no such name, 5 SERVFAIL or REFUSED, 1 no reply, 2 wrong usage.")]
pub struct LookupArgs {
    /// The name, with its zone
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The record type
    #[arg(value_name = "TYPE", default_value = "A")]
    pub rtype: String,

    /// The server to ask; without a port it is 53, or 8053 with --grpc
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub server: String,

    /// Ask over TCP
    #[arg(long, conflicts_with = "grpc")]
    pub tcp: bool,

    /// Ask over CoreDNS's gRPC protocol
    #[arg(long)]
    pub grpc: bool,

    /// Send this client subnet (RFC 7871), such as 10.2.0.0/24
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    pub ecs: Option<crate::model::Prefix>,

    /// Ask so many times and say how the order of the answers varies
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub count: u32,

    /// How results are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub format: Format,
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    crate::config::value::parse(text).map(|address: crate::config::value::ListenAddress| address.0)
}

fn prefix(text: &str) -> Result<crate::model::Prefix, String> {
    crate::config::value::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_says_what_to_write() {
        let cases: [(&[&str], &str); 5] = [
            (&["serve", "--listen", "127.0.0.1"], "it has no port; add one: 127.0.0.1:53"),
            (&["serve", "--listen", ":5300"], "it has no address; write [::]:5300 for all addresses"),
            (&["lookup", "a", "--ecs", "x"], "it is not an address range; write it like 10.1.0.0/16"),
            (&["lookup", "a", "--tcp", "--grpc"], "cannot be used with"),
            (&["explain", "a", "--server", "u", "--manifests", "d"], "cannot be used with"),
        ];
        for (arguments, expected) in cases {
            let error = Cli::try_parse_from(["clusterset-dns"].iter().chain(arguments)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{arguments:?}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn an_empty_file_name_is_accepted_as_none() {
        let cli = Cli::try_parse_from(["clusterset-dns", "check", "--config", ""]).unwrap();
        let Command::Check(args) = cli.command else { panic!("check") };
        assert_eq!(args.settings.config, Some(PathBuf::new()));
    }
}
