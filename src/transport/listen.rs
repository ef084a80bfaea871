//! All listeners together: bind everything or nothing, serve, drain, close UDP last (RESILIENCE.md section 7).

#[cfg(test)]
mod tests;

use super::admission::{Admission, Caps};
use super::answerer::{Answerer, Asked};
use super::bind::{BindError, Bound, Wanted, bind};
use super::phase::{Phase, PhaseReceiver, phases};
use super::settings::{Endpoint, ListenSettings, cores};
use super::stream::{StreamJob, StreamWorker};
use super::udp;
use crate::responder::Transport;
use crate::telemetry::counters::Counters;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long threads may take to end after they were told to.
const LAST_MOMENT: Duration = Duration::from_secs(2);
/// Descriptors beside connections: sockets of listeners, watches, files.
const OTHER_DESCRIPTORS: u64 = 256;

/// The addresses that are listened on, in the order of the settings, with the ports that were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalAddresses {
    /// UDP and TCP.
    pub dns: Vec<SocketAddr>,
    pub grpc: Vec<SocketAddr>,
}

/// Open sockets that nothing answers on yet: queries wait in them.
#[derive(Debug)]
pub struct Listeners {
    settings: ListenSettings,
    dns: Vec<Bound>,
    grpc: Vec<Bound>,
    notes: Vec<String>,
    #[cfg(feature = "grpc")]
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Listeners {
    /// Opens every socket, or none.
    ///
    /// # Errors
    /// The first address that cannot be had, or the TLS file that cannot be used, with what to do.
    pub fn bind(settings: &ListenSettings) -> Result<Self, BindError> {
        #[cfg(feature = "grpc")]
        let tls = match &settings.grpc_tls {
            Some(files) => Some(super::grpc::tls_config(files)?),
            None => None,
        };
        let workers = if settings.udp.workers == 0 { cores() } else { settings.udp.workers };
        let mut notes = Vec::new();
        let mut bind_all = |endpoints: &[Endpoint], udp: usize| -> Result<Vec<Bound>, BindError> {
            let each = endpoints.iter().map(|endpoint| {
                let (address, receive_buffer) = (endpoint.address, settings.udp.receive_buffer);
                let only_v6 = has_ipv4_twin(address, endpoints);
                bind(Wanted { address, udp, tcp: cores(), only_v6, receive_buffer }, &mut notes)
            });
            each.collect()
        };
        let dns = bind_all(&settings.dns, workers)?;
        let grpc = if cfg!(feature = "grpc") { bind_all(&settings.grpc, 0)? } else { Vec::new() };
        if cfg!(not(feature = "grpc")) && !settings.grpc.is_empty() {
            notes.push("listen.grpc: this build has no gRPC (feature `grpc`); not listening there".to_owned());
        }
        notes.extend(descriptor_note(settings));
        Ok(Listeners {
            settings: settings.clone(),
            dns,
            grpc,
            notes,
            #[cfg(feature = "grpc")]
            tls,
        })
    }

    /// Lines for the log: what was not had as asked.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Where the listeners are.
    pub fn local_addresses(&self) -> LocalAddresses {
        let of = |bound: &[Bound]| bound.iter().map(|bound| bound.address).collect();
        LocalAddresses { dns: of(&self.dns), grpc: of(&self.grpc) }
    }

    /// Starts to answer, on threads of its own.
    ///
    /// # Errors
    /// [`BindError::Thread`] when a thread or its runtime cannot be had; all sockets are closed then.
    pub async fn start<A: Answerer>(self, answerer: Arc<A>, counters: Arc<Counters>) -> Result<Serving, BindError> {
        let local_addresses = self.local_addresses();
        let (phase, receiver) = phases();
        let (udp_alive, udp_ended) = mpsc::channel(1);
        let (streams_alive, streams_ended) = mpsc::channel(1);
        let serving = Serving {
            local_addresses,
            phase,
            stop_udp: Arc::new(AtomicBool::new(false)),
            udp_ended,
            streams_ended,
            #[cfg(feature = "grpc")]
            health: super::grpc::Health::serving().await,
        };
        let start = Start { answerer, counters, settings: self.settings };
        let mut workers: Vec<StreamWorker<A>> = (0..cores()).map(|_| StreamWorker::new(receiver.clone())).collect();
        start.dns(self.dns, &serving.stop_udp, &udp_alive, &receiver, &mut workers)?;
        #[cfg(feature = "grpc")]
        start.grpc(self.grpc, self.tls, &serving, &receiver, &mut workers);
        for (number, worker) in workers.into_iter().enumerate() {
            worker.start(number, streams_alive.clone()).map_err(BindError::Thread)?;
        }
        Ok(serving)
    }
}

/// What every worker is started with.
struct Start<A> {
    answerer: Arc<A>,
    counters: Arc<Counters>,
    settings: ListenSettings,
}

impl<A: Answerer> Start<A> {
    fn dns(
        &self,
        bound: Vec<Bound>,
        stop_udp: &Arc<AtomicBool>,
        udp_alive: &mpsc::Sender<()>,
        phase: &PhaseReceiver,
        workers: &mut [StreamWorker<A>],
    ) -> Result<(), BindError> {
        let limits = &self.settings.tcp;
        let caps = Caps { total: limits.connections, per_client: limits.per_client };
        let admission = Admission::new(caps, Arc::clone(&self.counters), |counters| &counters.tcp);
        for (mut bound, endpoint) in bound.into_iter().zip(&self.settings.dns) {
            let server = server_label("dns", bound.address);
            self.udp(&mut bound, *endpoint, &server, stop_udp, udp_alive)?;
            for (worker, listener) in workers.iter_mut().zip(bound.tcp) {
                let service = super::tcp::TcpService {
                    answerer: Arc::clone(&self.answerer),
                    counters: self.counters.worker(&server, Transport::Tcp),
                    admission: Arc::clone(&admission),
                    limits: limits.clone(),
                    asked: Asked { transport: Transport::Tcp, view: endpoint.view },
                    phase: phase.clone(),
                };
                worker.add(StreamJob::Tcp { listener, service });
            }
        }
        Ok(())
    }

    fn udp(
        &self,
        bound: &mut Bound,
        endpoint: Endpoint,
        server: &str,
        stop: &Arc<AtomicBool>,
        alive: &mpsc::Sender<()>,
    ) -> Result<(), BindError> {
        for (number, socket) in bound.udp.drain(..).enumerate() {
            let worker = udp::Worker {
                socket,
                with_destination: bound.with_destination,
                batch: self.settings.udp.batch,
                reply_size: self.settings.udp.reply_size.max(512),
                view: endpoint.view,
                answerer: Arc::clone(&self.answerer),
                counters: self.counters.worker(server, Transport::Udp),
                stop: Arc::clone(stop),
            };
            let alive = alive.clone();
            let work = move || {
                worker.run();
                drop(alive);
            };
            thread::Builder::new().name(format!("dns-udp-{number}")).spawn(work).map_err(BindError::Thread)?;
        }
        Ok(())
    }

    #[cfg(feature = "grpc")]
    fn grpc(
        &self,
        bound: Vec<Bound>,
        tls: Option<Arc<rustls::ServerConfig>>,
        serving: &Serving,
        phase: &PhaseReceiver,
        workers: &mut [StreamWorker<A>],
    ) {
        let limits = &self.settings.grpc_limits;
        let caps = Caps { total: limits.connections, per_client: limits.per_client };
        let admission = Admission::new(caps, Arc::clone(&self.counters), |counters| &counters.grpc);
        for (bound, endpoint) in bound.into_iter().zip(&self.settings.grpc) {
            let server = server_label("grpc", bound.address);
            for (worker, listener) in workers.iter_mut().zip(bound.tcp) {
                let service = super::grpc::GrpcService {
                    answerer: Arc::clone(&self.answerer),
                    counters: self.counters.worker(&server, Transport::Grpc),
                    asked: Asked { transport: Transport::Grpc, view: endpoint.view },
                    health: serving.health.clone(),
                };
                let service = super::grpc::GrpcListener {
                    service: Arc::new(service),
                    admission: Arc::clone(&admission),
                    limits: limits.clone(),
                    tls: tls.clone().map(Into::into),
                    phase: phase.clone(),
                };
                worker.add(StreamJob::Grpc { listener, service });
            }
        }
    }
}

/// Listeners that answer. Dropping it closes everything at once.
#[derive(Debug)]
pub struct Serving {
    local_addresses: LocalAddresses,
    phase: watch::Sender<Phase>,
    stop_udp: Arc<AtomicBool>,
    udp_ended: mpsc::Receiver<()>,
    streams_ended: mpsc::Receiver<()>,
    #[cfg(feature = "grpc")]
    health: super::grpc::Health,
}

impl Serving {
    /// Where the listeners are.
    pub fn local_addresses(&self) -> &LocalAddresses {
        &self.local_addresses
    }

    /// The end is near: gRPC health says NOT_SERVING, every transport goes on answering (`lameduck`).
    pub async fn announce_end(&self) {
        #[cfg(feature = "grpc")]
        self.health.not_serving().await;
    }

    /// Ends the streams: GOAWAY, no new connections, what was read is answered, FIN. What is open after `limit` is
    /// closed. UDP goes on.
    pub async fn drain_streams(&mut self, limit: Duration) {
        self.announce_end().await;
        #[cfg(feature = "grpc")]
        self.health.end().await;
        self.phase.send_replace(Phase::Draining);
        if tokio::time::timeout(limit, self.streams_ended.recv()).await.is_err() {
            self.phase.send_replace(Phase::Closed);
            ended(&mut self.streams_ended).await;
        }
    }

    /// Answers what has arrived and closes UDP: the last thing, as a closed port is worse than a slow one.
    pub async fn close_udp(&mut self) {
        self.stop_udp.store(true, Ordering::Relaxed);
        ended(&mut self.udp_ended).await;
    }

    /// Both, in order.
    pub async fn drain(mut self, limit: Duration) {
        self.drain_streams(limit).await;
        self.close_udp().await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop_udp.store(true, Ordering::Relaxed);
        self.phase.send_replace(Phase::Closed);
    }
}

/// Waits until all threads that hold the other end are gone, within reason.
async fn ended(threads: &mut mpsc::Receiver<()>) {
    if tokio::time::timeout(LAST_MOMENT, threads.recv()).await.is_err() {
        tracing::warn!("some listener threads have not ended after {LAST_MOMENT:?}; leaving them");
    }
}

/// Whether an IPv4 wildcard with the port of this IPv6 wildcard is listed too.
fn has_ipv4_twin(address: SocketAddr, endpoints: &[Endpoint]) -> bool {
    let twin = |other: &Endpoint| {
        other.address.is_ipv4() && other.address.ip().is_unspecified() && other.address.port() == address.port()
    };
    address.is_ipv6() && address.ip().is_unspecified() && endpoints.iter().any(twin)
}

/// The metric label: the port, and the address if bound to one.
fn server_label(scheme: &str, address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("{scheme}://:{}", address.port()),
        false => format!("{scheme}://{address}"),
    }
}

/// A warning when the limit on open files is below what the connection caps may need.
fn descriptor_note(settings: &ListenSettings) -> Option<String> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    let needed = (settings.tcp.connections + settings.grpc_limits.connections) as u64 + OTHER_DESCRIPTORS;
    (limit < needed).then(|| {
        format!(
            "open files are limited to {limit}, up to {needed} may be needed; idle connections will give way earlier. \
             Raise ulimit -n, or lower limits.tcp.connections"
        )
    })
}
