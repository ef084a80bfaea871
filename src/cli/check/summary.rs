//! What would be served, in words and as JSON.

use super::{ClusterSurvey, Survey};
use crate::config::{Config, ConfiguredCluster, Diagnostic, Severity};
use crate::model::View;
use serde_json::{Value, json};
use std::fmt::Write;
use std::net::SocketAddr;

/// Configuration and survey; `None` when the configuration has errors.
type Serves<'a> = Option<(&'a Config, &'a Survey)>;

/// A few lines for people.
pub(super) fn text(serves: Serves<'_>, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    if let Some((config, survey)) = serves {
        for (title, line) in lines(config) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", format!("{title:<10}{line}").trim_end());
        }
        for line in cluster_lines(config, survey) {
            let _ = writeln!(text, "  {line}");
        }
        if !survey.reached.is_empty() {
            let _ = writeln!(text, "connect");
        }
        for line in super::connect::lines(&survey.reached) {
            let _ = writeln!(text, "  {line}");
        }
        if !survey.clusters.is_empty() {
            let _ = writeln!(
                text,
                "{:<10}{}, {}",
                "serves",
                counted(survey.services, "service"),
                counted(survey.names, "name")
            );
        }
    }
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let _ = writeln!(text, "{}, {}", counted(errors, "error"), counted(warnings, "warning"));
    text
}

fn lines(config: &Config) -> Vec<(&'static str, String)> {
    let zones = |zones: &[crate::config::value::ZoneName]| joined(zones.iter().map(|zone| zone.as_str().to_owned()));
    let views = config.views();
    let mut lines = vec![
        ("zones", zones(&config.zones)),
        ("global", zones(&config.global_zones)),
        ("listen", joined(listeners(config).into_iter().map(|(name, addresses)| format!("{name} {addresses}")))),
    ];
    lines.extend(views.iter().enumerate().map(|(number, view)| ("view", described(config, number, view))));
    lines.push(("clusters", if config.clusters.is_empty() { "none".to_owned() } else { String::new() }));
    lines
}

fn described(config: &Config, number: usize, view: &View) -> String {
    let name = if number == 0 { "local" } else { &view.name };
    let cluster = view.cluster.as_ref().map(|id| format!("cluster {id}"));
    let locality =
        [("region", &view.locality.region), ("zone", &view.locality.zone), ("network", &view.locality.network)];
    let places = locality.into_iter().filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} {value}")));
    let clients = config.client_prefixes().into_iter().filter(|(_, of)| usize::from(*of) == number);
    let clients: Vec<_> = clients.map(|(prefix, _)| prefix.to_string()).collect();
    let clients = Some(clients).filter(|list| !list.is_empty()).map(|list| format!("clients {}", list.join(" ")));
    format!("{name}: {}", joined(cluster.into_iter().chain(places).chain(clients)))
}

fn cluster_lines(config: &Config, survey: &Survey) -> Vec<String> {
    let clusters = config.clusters();
    let width = clusters.iter().map(|entry| entry.cluster.id.as_str().len()).max().unwrap_or(0);
    let line = |entry: &ConfiguredCluster| {
        let read = match surveyed(survey, entry) {
            Some(read) => format!("{}, {}", counted(read.objects, "object"), counted(read.services, "service")),
            None if !survey.reached.is_empty() => "see below".to_owned(),
            None => "not read; --connect connects to it".to_owned(),
        };
        let warnings = survey.findings.iter().filter(|finding| *finding.cluster == *entry.cluster.id.as_str()).count();
        let warnings = if warnings > 0 { format!(", {}", counted(warnings, "warning")) } else { String::new() };
        format!("{:<width$}  {}: {read}{warnings}", entry.cluster.id.as_str(), entry.source)
    };
    clusters.iter().map(line).collect()
}

fn surveyed<'a>(survey: &'a Survey, entry: &ConfiguredCluster) -> Option<&'a ClusterSurvey> {
    survey.clusters.iter().find(|read| read.name == entry.cluster.id.as_str())
}

fn listeners(config: &Config) -> Vec<(&'static str, String)> {
    let listen = &config.listen;
    let list = |addresses: Vec<SocketAddr>| addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(" ");
    let dns = config.dns_listeners().into_iter().map(|(address, _)| address).collect();
    let all = [
        ("dns", list(dns)),
        ("grpc", list(listen.grpc.addresses().collect())),
        ("health", list(listen.health.addresses().collect())),
        ("ready", list(listen.ready.addresses().collect())),
        ("metrics", list(listen.metrics.addresses().collect())),
        ("admin", list(listen.admin.addresses().collect())),
    ];
    all.into_iter().filter(|(_, addresses)| !addresses.is_empty()).collect()
}

/// One object with everything for programs.
pub(super) fn json(serves: Serves<'_>, diagnostics: &[Diagnostic]) -> Value {
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let mut result = json!({
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "diagnostics": diagnostics,
    });
    if let Some((config, survey)) = serves {
        let clusters = config.clusters();
        let cluster = |entry: &ConfiguredCluster| {
            let read = surveyed(survey, entry);
            json!({
                "name": entry.cluster.id.as_str(),
                "source": entry.source.to_string(),
                "read": read.is_some(),
                "objects": read.map(|read| read.objects),
                "services": read.map(|read| read.services),
            })
        };
        let names = |zones: &[crate::config::value::ZoneName]| {
            zones.iter().map(|zone| zone.as_str().to_owned()).collect::<Vec<_>>()
        };
        result["serves"] = json!({
            "zones": names(&config.zones),
            "globalZones": names(&config.global_zones),
            "listen": listeners(config).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "views": config.views().len(),
            "clusters": clusters.iter().map(cluster).collect::<Vec<_>>(),
            "connect": super::connect::json(&survey.reached),
            "services": survey.services,
            "names": survey.names,
        });
    }
    result
}

/// `a, b`, or `none`.
fn joined(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// `1 service`, `2 services`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Draft;
    use crate::model::Finding;

    fn config() -> Config {
        let text = "
listen: { dns: ['127.0.0.1:5300'], grpc: [], health: '', ready: '', metrics: '', admin: '' }
local: { cluster: east }
clusters:
- { name: east, source: { manifests: { path: c/east } }, region: eu }
- { name: west, source: { kubeconfig: { path: /w, context: x } } }
views: [{ name: w, clients: [10.2.0.0/16, 10.3.0.0/16], listen: '127.0.0.1:5301', cluster: west }]
";
        Draft::parse(text, "config.yaml").check().0
    }

    fn survey() -> Survey {
        let finding = Finding {
            code: "refused-address",
            cluster: "east".into(),
            kind: "".into(),
            object: "".into(),
            place: None,
            message: "x".into(),
        };
        Survey {
            findings: vec![finding],
            clusters: vec![ClusterSurvey { name: "east".into(), objects: 9, services: 1 }],
            reached: Vec::new(),
            services: 1,
            names: 12,
        }
    }

    #[test]
    fn the_summary_says_what_would_be_served() {
        let (config, survey) = (config(), survey());
        let warning = Diagnostic::from(&survey.findings[0]);
        let expected = "\
zones     clusterset.local
global    global
listen    dns 127.0.0.1:5300 127.0.0.1:5301
view      local: cluster east, region eu
view      w: cluster west, clients 10.2.0.0/16 10.3.0.0/16
clusters  
  east  manifests c/east: 9 objects, 1 service, 1 warning
  west  kubeconfig /w (x): not read; --connect connects to it
serves    1 service, 12 names
0 errors, 1 warning
";
        assert_eq!(text(Some((&config, &survey)), &[warning]), expected.replace("clusters  \n", "clusters\n"));
        assert_eq!(text(None, &[]), "0 errors, 0 warnings\n");
    }

    #[test]
    fn json_has_diagnostics_and_what_would_be_served() {
        let (config, survey) = (config(), survey());
        let json = json(Some((&config, &survey)), &[Diagnostic::from(&survey.findings[0])]);
        assert_eq!((&json["errors"], &json["warnings"]), (&0.into(), &1.into()));
        assert_eq!(json["serves"]["clusters"][0]["objects"], 9);
        assert_eq!(json["serves"]["clusters"][1]["read"], false);
        assert_eq!(json["diagnostics"][0]["code"], "refused-address");
    }
}
