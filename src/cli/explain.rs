//! The command `explain`: of a running server by its admin listener, or of folders without one.

use super::args::{ExplainArgs, Format};
use super::exit;
use super::lookup::exit as codes;
use super::report::report;
use super::settings::settings;
use crate::config::{Config, Diagnostic, Severity};
use crate::explain::Status;
use crate::run;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where a server listens for it by default (`listen.admin`).
const DEFAULT_SERVER: &str = "http://127.0.0.1:9154";

/// Runs it.
pub fn run(args: &ExplainArgs) -> ExitCode {
    let explained = if args.settings.manifests.is_some() {
        offline(args)
    } else {
        let server = args.server.clone().unwrap_or_else(|| configured_server(args));
        ask(&server, args)
    };
    match explained {
        Ok((text, code)) => {
            print!("{text}");
            ExitCode::from(code)
        }
        Err((diagnostics, code)) => {
            report(&diagnostics, args.format);
            code
        }
    }
}

type Failed = (Vec<Diagnostic>, ExitCode);

fn failed(message: String, code: ExitCode) -> Failed {
    (vec![Diagnostic::new(Severity::Error, "explain", message)], code)
}

fn offline(args: &ExplainArgs) -> Result<(String, u8), Failed> {
    let settings = settings(&args.settings).map_err(|diagnostics| (diagnostics, exit::usage()))?;
    let loaded = run::offline::load(&settings.config).map_err(|error| failed(error, exit::usage()))?;
    let question = run::question(&args.name, &args.rtype, &args.from, &settings.config.views());
    let question = question.map_err(|error| failed(error, exit::usage()))?;
    let explanation = loaded.explain(&question);
    let text = match args.format {
        Format::Text => explanation.to_text(),
        Format::Json => explanation.to_json() + "\n",
    };
    Ok((text, code(explanation.status())))
}

fn code(status: Status) -> u8 {
    match status {
        Status::Data => codes::DATA,
        Status::NoData => codes::NODATA,
        Status::Absent => codes::NXDOMAIN,
        Status::Unknown | Status::Refused => codes::ERROR,
    }
}

/// The admin listener of the configuration that the command was given.
fn configured_server(args: &ExplainArgs) -> String {
    let admin = |config: &Config| config.listen.admin.first();
    let configured = args.settings.config.as_ref().and_then(|_| settings(&args.settings).ok());
    let address = configured.and_then(|settings| admin(&settings.config));
    address.map_or_else(|| DEFAULT_SERVER.to_owned(), |address| format!("http://{address}"))
}

/// Asks a running server. The reply says NOERROR and the rest in its text, so the code is read from JSON.
fn ask(server: &str, args: &ExplainArgs) -> Result<(String, u8), Failed> {
    let address = server.trim_start_matches("http://").trim_end_matches('/');
    let unreachable = |error: std::io::Error| {
        let advice = "is it running with `listen.admin`? With --manifests DIR no server is needed";
        failed(format!("{server}: {error}; {advice}"), exit::FAILED)
    };
    let fetch = |format: &str| get(address, &path(args, format)).map_err(unreachable);
    let json = fetch("json")?;
    if json.0 != 200 {
        return Err(failed(json.1.trim().to_owned(), exit::usage()));
    }
    let status = statuses(&json.1).into_iter().min().unwrap_or(Status::Refused);
    let text = if args.format == Format::Json { json.1 + "\n" } else { fetch("text")?.1 };
    Ok((text, code(status)))
}

fn statuses(json: &str) -> Vec<Status> {
    let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let answers = value["answers"].as_array().cloned().unwrap_or_default();
    let status = |answer: &serde_json::Value| match answer["status"].as_str() {
        Some("data") => Status::Data,
        Some("no-data") => Status::NoData,
        Some("absent") => Status::Absent,
        Some("unknown") => Status::Unknown,
        _ => Status::Refused,
    };
    answers.iter().map(status).collect()
}

fn path(args: &ExplainArgs, format: &str) -> String {
    let escaped = |text: &str| -> String {
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._*".contains(&octet);
        text.bytes()
            .map(|octet| if plain(octet) { (octet as char).to_string() } else { format!("%{octet:02X}") })
            .collect()
    };
    let (name, rtype, view) = (escaped(&args.name), escaped(&args.rtype), escaped(&args.from));
    format!("/explain?name={name}&type={rtype}&view={view}&format={format}")
}

/// One HTTP/1.1 request on a connection of its own: status and body.
fn get(address: &str, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other("the reply is no HTTP"))?;
    Ok((status, body.to_owned()))
}
