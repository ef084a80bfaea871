//! The one thread on which every source runs: a current-thread runtime costs half the CPU per object of a shared one.

use std::io;
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The thread of all sources; dropping it ends every source and waits for the thread.
pub struct Sources {
    handle: Handle,
    epoch: Instant,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sources {
    /// Starts the thread. `epoch` is the start of the process, from which `received_ns` of observations counts.
    ///
    /// # Errors
    /// The system gives no thread or no descriptors.
    pub fn start(epoch: Instant) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("sources".to_owned()).spawn(move || {
            // An error means that the sender was dropped, which is a stop as well.
            let _ = runtime.block_on(stopped);
            // Does not wait for name lookups that hang.
            runtime.shutdown_background();
        })?;
        Ok(Sources { handle, epoch, stop: Some(stop), thread: Some(thread) })
    }

    /// For spawning tasks from any thread.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// As given to [`Sources::start`].
    pub fn epoch(&self) -> Instant {
        self.epoch
    }
}

impl Drop for Sources {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_tasks_on_its_own_thread_and_ends_them_when_dropped() {
        let sources = Sources::start(Instant::now()).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let held = tell.clone();
        sources.handle().spawn(async move {
            tell.send(std::thread::current().name().map(str::to_owned)).unwrap();
            std::future::pending::<()>().await;
            drop(held);
        });
        assert_eq!(told.recv().unwrap().as_deref(), Some("sources"));
        drop(sources);
        assert!(told.recv().is_err(), "the task is dropped with its senders");
    }
}
