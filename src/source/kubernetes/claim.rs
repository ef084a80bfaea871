//! A cluster keeps its identity: nothing of another one behind the same URL is taken in, and no cluster is read twice.
//!
//! In: the UID of the kube-system Namespace, asked for beside lists and watches. Out: go on, or a [`Fault`]. The first UID of a
//! watcher set, and another one that a second look confirms, are put to whoever knows all clusters, as [`Claim`]s.

use super::client::Connection;
use super::fault::Fault;
use super::{Spec, identity};
use crate::model::ClusterId;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot};

/// May this cluster be read as the one with this UID?
#[derive(Debug)]
pub struct Claim {
    pub cluster: ClusterId,
    /// Of the watcher set that asks.
    pub generation: u64,
    pub uid: String,
    /// `Err`: the cluster that is read with this UID already.
    pub reply: oneshot::Sender<Result<(), ClusterId>>,
}

/// Where claims go, and how long another UID has to stay before it is claimed.
#[derive(Debug, Clone)]
pub struct Desk {
    pub claims: mpsc::UnboundedSender<Claim>,
    /// `brake.confirmAfter`.
    pub confirm: Duration,
}

/// The identity of one watcher set.
#[derive(Debug)]
pub(super) struct Identity {
    cluster: ClusterId,
    generation: u64,
    desk: Option<Desk>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: Option<String>,
    /// It was put to whoever knows all clusters.
    claimed: bool,
    /// Up to when it is known to be so.
    checked: Option<Instant>,
    /// It cannot be told before.
    silent_until: Option<Instant>,
    /// Another UID, and since when it is seen.
    other: Option<(String, Instant)>,
}

impl Identity {
    pub fn new(spec: &Spec) -> Self {
        let state = State { known: spec.expected.clone(), ..State::default() };
        let (cluster, generation, desk) = (spec.cluster.clone(), spec.generation, spec.desk.clone());
        Identity { cluster, generation, desk, state: Mutex::new(state) }
    }

    /// Makes sure that the API server is, or was after `since`, that of the cluster. True when the cluster is another one
    /// from now on, so that everything has to be listed again.
    ///
    /// # Errors
    /// It is another cluster, or one that is read already; or it cannot be asked.
    pub async fn confirm(&self, connection: &Connection, since: Instant) -> Result<bool, Fault> {
        let Some(desk) = &self.desk else { return Ok(false) };
        // The kinds of a cluster ask one after the other, so that one request serves those that began before it.
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if state.checked.is_some_and(|at| at >= since) || state.silent_until.is_some_and(|until| now < until) {
            return Ok(false);
        }
        let Some(uid) = identity::uid(connection).await? else {
            state.silent_until = Some(now + connection.timing().reprobe);
            return Ok(false);
        };
        let changed = match &state.known {
            Some(known) if *known == uid => false,
            Some(known) => {
                let known = known.clone();
                state.settled(&known, &uid, now, desk.confirm)?;
                true
            }
            None => false,
        };
        if changed || !state.claimed {
            self.claim(desk, &uid).await?;
            (state.known, state.claimed) = (Some(uid), true);
        }
        (state.other, state.checked) = (None, Some(now));
        Ok(changed)
    }

    async fn claim(&self, desk: &Desk, uid: &str) -> Result<(), Fault> {
        let (reply, told) = oneshot::channel();
        let (cluster, generation, uid) = (self.cluster.clone(), self.generation, uid.to_owned());
        // Nobody answers at the end of the process.
        let _ = desk.claims.send(Claim { cluster, generation, uid, reply });
        match told.await {
            Ok(Err(holder)) => Err(Fault::Identity(format!(
                "same-cluster-twice: it is cluster {holder}, which is read already (the UID of the kube-system Namespace is the \
                 same); it waits until {holder} is removed or becomes another cluster; remove one of the two"
            ))),
            _ => Ok(()),
        }
    }
}

impl State {
    /// Passes once the other UID has been seen for long enough.
    fn settled(&mut self, known: &str, uid: &str, now: Instant, confirm: Duration) -> Result<(), Fault> {
        let since = match &self.other {
            Some((other, since)) if other == uid => *since,
            _ => {
                self.other = Some((uid.to_owned(), now));
                now
            }
        };
        if now.saturating_duration_since(since) >= confirm {
            return Ok(());
        }
        Err(Fault::Identity(format!(
            "another cluster answers (the UID of its kube-system Namespace is {uid}, it was {known}): nothing of it is taken \
             in for {confirm:?}; check the URL and what stands behind it"
        )))
    }
}
