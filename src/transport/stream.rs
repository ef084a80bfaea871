//! Stream workers: threads with one small tokio runtime each, so that every connection stays on one core and every
//! worker's counters have one writer.

use super::answerer::Answerer;
use super::phase::PhaseReceiver;
use super::tcp::{self, TcpService};
use std::io;
use std::net::TcpListener;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use tokio::runtime::Builder;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

/// One listener of one worker.
pub enum StreamJob<A> {
    Tcp {
        listener: TcpListener,
        service: TcpService<A>,
    },
    #[cfg(feature = "grpc")]
    Grpc {
        listener: TcpListener,
        service: super::grpc::GrpcListener<A>,
    },
}

/// A worker that is not running yet.
pub struct StreamWorker<A> {
    jobs: Vec<StreamJob<A>>,
    phase: PhaseReceiver,
}

impl<A: Answerer> StreamWorker<A> {
    /// Without listeners.
    pub fn new(phase: PhaseReceiver) -> Self {
        StreamWorker { jobs: Vec::new(), phase }
    }

    /// Gives it one more listener.
    pub fn add(&mut self, job: StreamJob<A>) {
        self.jobs.push(job);
    }

    /// Runs it on a thread, which drops `alive` when it ends.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be had.
    pub fn start(self, number: usize, alive: Sender<()>) -> io::Result<()> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        let (ready, started) = mpsc::sync_channel(1);
        let work = move || {
            self.run(&ready);
            drop(alive);
        };
        thread::Builder::new().name(format!("dns-stream-{number}")).spawn(work)?;
        started.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")))
    }

    fn run(mut self, ready: &SyncSender<io::Result<()>>) {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return report(ready, Err(error)),
        };
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for job in self.jobs {
                if let Err(error) = spawn(job, &mut tasks) {
                    return report(ready, Err(error));
                }
            }
            report(ready, Ok(()));
            let all = async { while tasks.join_next().await.is_some() {} };
            tokio::select! {
                () = all => {}
                () = self.phase.closed() => {}
            }
        });
    }
}

fn report(ready: &SyncSender<io::Result<()>>, result: io::Result<()>) {
    // The starter waits for exactly one message; it cannot be gone.
    let _ = ready.send(result);
}

fn spawn<A: Answerer>(job: StreamJob<A>, tasks: &mut JoinSet<()>) -> io::Result<()> {
    match job {
        StreamJob::Tcp { listener, service } => {
            tasks.spawn(tcp::serve(tokio::net::TcpListener::from_std(listener)?, service));
        }
        #[cfg(feature = "grpc")]
        StreamJob::Grpc { listener, service } => {
            tasks.spawn(super::grpc::serve(tokio::net::TcpListener::from_std(listener)?, service));
        }
    }
    Ok(())
}
