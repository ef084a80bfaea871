//! What an operator sees of every state: its metric, its line in the log or in `/ready`, and its place in `explain`.
//!
//! [`STATES`] is the list; each scene (`scenes.rs`) brings some of them about and looks at all three places.
//! `docs/states.md` repeats the list for readers.

mod scenes;

use crate::child::Child;
use crate::support::apiserver::ApiServer;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longest wait for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(60);
const WEB: &str = "web.shop.svc.clusterset.local";

/// Where its line stands.
enum Said {
    Log(&'static str),
    Ready(&'static str),
}

use Said::{Log, Ready};

/// One state: series that are above 0, its line, and lines of `explain web.shop` (parts of them).
struct State {
    name: &'static str,
    metrics: &'static [&'static str],
    said: Said,
    explained: &'static [&'static str],
}

/// A state of the whole process has no place in `explain`: no name is answered otherwise because of it.
const NOT_OF_NAMES: &[&str] = &[];

const STATES: &[State] = &[
    State {
        name: "unknown",
        metrics: &["cluster_state{source_cluster=\"waiting\",state=\"unknown\"}"],
        said: Ready("cluster waiting: not synced: "),
        explained: &["cluster   waiting: unknown\n          no contact yet"],
    },
    State {
        name: "grace over",
        metrics: &["cluster_grace_expired{source_cluster=\"over\"}"],
        said: Log("cluster over: not synced within its grace of 1s; names only it could own are NXDOMAIN from now on"),
        explained: &["cluster   over: unknown, grace over\n          no contact yet"],
    },
    State {
        name: "suspect",
        metrics: &["cluster_state{source_cluster=\"doubtful\",state=\"suspect\"}"],
        said: Log("cluster doubtful: suspect: no contact for "),
        explained: &["cluster   doubtful: suspect, last sign of life ", "\n          no contact for "],
    },
    State {
        name: "stale",
        metrics: &["cluster_state{source_cluster=\"stale\",state=\"stale\"}"],
        said: Log("cluster stale: stale: no contact for "),
        explained: &[
            "cluster   stale: stale, last sign of life ",
            "kept      stale: 10.1.0.3 (tier 2, weight 1, stale)",
        ],
    },
    State {
        name: "expired",
        metrics: &["cluster_state{source_cluster=\"expired\",state=\"expired\"}"],
        said: Log("cluster expired: expired: no contact for "),
        explained: &["cluster   expired: expired, last sign of life ", "left out  expired: 10.1.0.4 "],
    },
    State {
        name: "recovering",
        metrics: &["cluster_state{source_cluster=\"recovering\",state=\"stale\"}"],
        said: Log("cluster recovering: in contact again: its addresses come last until it was heard of for 300s"),
        explained: &["cluster   recovering: stale", "recovering: in contact without an error for "],
    },
    State {
        name: "brake active",
        metrics: &["cluster_brake_active{source_cluster=\"braked\"}", "cluster_brake_total{source_cluster=\"braked\"}"],
        said: Log("they are kept and served until a second list agrees (`brake`)"),
        explained: &["ServiceExport: 31 objects that the last list lacks are kept until a second list agrees"],
    },
    State {
        name: "drained",
        metrics: &["cluster_drained{source_cluster=\"drained\"}"],
        said: Log("cluster drained: drained (`clusters[].drain`)"),
        explained: &[
            "drained (`clusters[].drain`): left out where another cluster can answer",
            "left out  drained: 10.1.0.7 ",
        ],
    },
    State {
        name: "a kind is forbidden",
        metrics: &[
            "cluster_kind_degraded{source_cluster=\"forbidden\",kind=\"EndpointSlice\"}",
            "cluster_watch_errors_total{source_cluster=\"forbidden\",kind=\"EndpointSlice\",code=\"403\"}",
        ],
        said: Log("cluster forbidden: EndpointSlice: list endpointslices"),
        explained: &["EndpointSlice: list endpointslices"],
    },
    State {
        name: "not allowed",
        metrics: &["cluster_findings{source_cluster=\"guest\",code=\"not-allowed\"}"],
        said: Log("[not-allowed]: cluster guest: "),
        explained: &["guest"],
    },
    State {
        name: "bad Secret",
        metrics: &["cluster_findings{source_cluster=\"home\",code=\"bad-kubeconfig\"}"],
        said: Log("[bad-kubeconfig]: cluster home: Secret fleet/bad, key south: exec: refused"),
        explained: &["registry  [bad-kubeconfig]: cluster home: Secret fleet/bad, key south: exec: refused"],
    },
    State {
        name: "duplicate cluster id",
        metrics: &["cluster_findings{source_cluster=\"home\",code=\"duplicate-cluster-id\"}"],
        said: Log("[duplicate-cluster-id]: cluster home: Secret fleet/clash, key home: "),
        explained: &["registry  [duplicate-cluster-id]: cluster home: Secret fleet/clash, key home: "],
    },
    State {
        name: "registry unreadable",
        metrics: &["cluster_findings{source_cluster=\"home\",code=\"registry-unreadable\"}"],
        said: Log("[registry-unreadable]: cluster home: "),
        explained: &["registry  [registry-unreadable]: cluster home: "],
    },
    State {
        name: "one cluster under two ids",
        metrics: &["cluster_findings{source_cluster=\"again\",code=\"same-cluster-twice\"}"],
        said: Log("same-cluster-twice: it is cluster west, which is read already"),
        explained: &["cluster   again: unknown", "same-cluster-twice: it is cluster west, which is read already"],
    },
    State {
        name: "a ClusterProfile speaks against it",
        metrics: &["cluster_reported{source_cluster=\"north\"}"],
        said: Log("cluster north: suspect: ClusterProfile fleet/north-of-the-fleet: Joined is False (Gone)"),
        explained: &[
            "cluster   north: suspect",
            "\n          ClusterProfile fleet/north-of-the-fleet: Joined is False (Gone)",
        ],
    },
    State {
        name: "gateways do not reach it",
        metrics: &[
            "cluster_reported{source_cluster=\"west\"}",
            "cluster_connections{source_cluster=\"west\",witness=\"home\",status=\"error\"}",
        ],
        said: Log("cluster west: suspect: Submariner's gateways do not reach it (home: error)"),
        explained: &["cluster   west: suspect", "          gateway of home: error"],
    },
    State {
        name: "restored from a snapshot",
        metrics: &["snapshot_loaded_clusters", "cluster_snapshot_age_seconds{source_cluster=\"west\"}"],
        said: Log("objects restored from the snapshot, last contact "),
        explained: &["cluster   west: restored from a snapshot", "\n          no contact for "],
    },
    State {
        name: "all-dead guard",
        metrics: &["guard_active"],
        said: Log("no cluster is in contact (west): the fault is likely on this side"),
        explained: &["guard     no cluster is in contact: the fault is likely on this side, so none is demoted"],
    },
    State {
        name: "connection caps",
        metrics: &["tcp_refused_total{reason=\"gave-way\"}"],
        said: Log("connections: as many are open as may be"),
        explained: NOT_OF_NAMES,
    },
    State {
        name: "reload refused",
        metrics: &["reload_failed_total"],
        said: Log("reload refused: "),
        explained: NOT_OF_NAMES,
    },
    State {
        name: "stopping",
        metrics: &[],
        said: Ready("draining: this process is stopping"),
        explained: NOT_OF_NAMES,
    },
];

/// The program, and every place an operator looks at.
struct Operator {
    child: Child,
    dns: SocketAddr,
    ready: SocketAddr,
    metrics: SocketAddr,
    admin: SocketAddr,
}

impl Operator {
    /// Starts it with this configuration, which says nothing of listeners; waits until it shows figures.
    fn start(folder: &Path, config: &str) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (dns, ready, metrics, admin) = (free(), free(), free(), free());
        let listen = format!(
            "listen: {{ dns: \"{dns}\", grpc: [], health: \"\", ready: \"{ready}\", metrics: \"{metrics}\", admin: \"{admin}\" }}\n"
        );
        let path = folder.join("config.yaml");
        fs::write(&path, listen + config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_clusterset-dns"));
        let child = Child::start(command.arg("serve").arg("--config").arg(path));
        let operator = Operator { child, dns, ready, metrics, admin };
        operator.wait("the figures", || TcpStream::connect(operator.metrics).is_ok());
        operator
    }

    fn log(&self) -> String {
        self.child.log()
    }

    /// The body of a page; empty while there is none.
    fn page(&self, server: SocketAddr, path: &str) -> String {
        let page = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(server)?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
        };
        page().unwrap_or_default()
    }

    fn explain(&self) -> String {
        self.page(self.admin, &format!("/explain?name={WEB}&type=A"))
    }

    fn wait(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "{what}; explain: {}\nlog: {}", self.explain(), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until a state shows in all three places.
    fn sees(&self, name: &str) {
        let state = STATES.iter().find(|state| state.name == name).expect("a state of the list");
        for series in state.metrics {
            self.wait(&format!("{name}: metric {series}"), || self.is_above_zero(series));
        }
        match &state.said {
            Log(line) => self.wait(&format!("{name}: {line:?} in the log"), || self.log().contains(line)),
            Ready(line) => {
                self.wait(&format!("{name}: {line:?} in /ready"), || self.page(self.ready, "/ready").contains(line));
            }
        }
        for line in state.explained {
            self.wait(&format!("{name}: {line:?} in explain"), || self.explain().contains(line));
        }
    }

    fn is_above_zero(&self, series: &str) -> bool {
        let text = self.page(self.metrics, "/metrics");
        let value = |line: &str| line.trim_start_matches("clusterset_dns_").strip_prefix(series)?.trim().parse().ok();
        text.lines().filter_map(value).any(|value: f64| value > 0.0)
    }
}

/// The entry of a cluster behind a scripted API server.
fn entry(folder: &Path, name: &str, server: &ApiServer, more: &str) -> String {
    server.kubeconfig(folder, name);
    format!("- {{ name: {name}, reach: clusterIP, source: {{ kubeconfig: {{ path: {name}.kubeconfig }} }}{more} }}\n")
}

#[test]
fn every_state_of_the_list_is_in_a_scene_and_in_the_documents() {
    let scenes = include_str!("scenes.rs");
    let document = include_str!("../../../docs/states.md");
    for State { name, metrics, .. } in STATES {
        assert!(scenes.contains(&format!("sees(\"{name}\")")), "no scene shows {name}");
        let row = document.lines().find(|line| line.starts_with(&format!("| {name} |")));
        let row = row.unwrap_or_else(|| panic!("docs/states.md has no row for {name}"));
        for series in *metrics {
            let metric = series.split('{').next().unwrap();
            assert!(row.contains(&format!("`{metric}")), "the row of {name} lacks {metric}");
        }
    }
}
