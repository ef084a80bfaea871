//! Follows one collection of the registry: list, watch, and a list again after every fault (Secrets are few).
//!
//! In: an API server. Out: [`Told`]s. An object that a later list leaves out is kept until a second list agrees: a restored
//! etcd or a wrong endpoint must not take every cluster away at once.

use super::item::{Item, NAMELESS, Rules, Unreadable};
use super::{Collection, Spec, Told};
use crate::source::kubernetes::backoff::{Backoff, SharedBackoff, jitter};
use crate::source::kubernetes::client::{Connection, Deadline, short};
use crate::source::kubernetes::counters::{Counters, Verb};
use crate::source::kubernetes::fault::Fault;
use crate::source::kubernetes::list;
use crate::source::kubernetes::timing::Timing;
use crate::source::kubernetes::watch::{Line, Lines};
use crate::source::kubernetes::{Access, Limits};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Objects of one page.
const PAGE: u32 = 100;
/// Pages of one list; what is behind them is not read.
const PAGES: usize = 100;

/// One collection.
pub(super) struct Follower {
    number: usize,
    collection: Collection,
    connection: Connection,
    allow_servers: Vec<String>,
    sender: mpsc::Sender<Told>,
    backoff: Backoff,
    limits: Limits,
    confirm: Duration,
    /// What was told and not taken back.
    known: HashSet<Arc<str>>,
    /// What the last list left out, and since when.
    missing: Option<(HashSet<Arc<str>>, Instant)>,
}

/// Why a round ended.
enum End {
    Fault(Fault),
    /// Nobody listens any more.
    Closed,
    /// It is time for the second list.
    Confirm,
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        End::Fault(fault)
    }
}

#[derive(Deserialize)]
struct Page {
    metadata: PageMeta,
    #[serde(default)]
    items: Option<Vec<Box<RawValue>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    resource_version: String,
    #[serde(rename = "continue", default)]
    more: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    sort: String,
    object: Box<RawValue>,
}

/// What an ERROR or a BOOKMARK carries.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    code: Option<u16>,
    reason: Option<String>,
    message: Option<String>,
    metadata: SaidMeta,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SaidMeta {
    resource_version: Option<String>,
}

impl Follower {
    pub fn new(
        number: usize,
        collection: &Collection,
        spec: &Spec,
        connection: Connection,
        sender: mpsc::Sender<Told>,
    ) -> Self {
        Follower {
            number,
            collection: collection.clone(),
            backoff: Backoff::new(connection.timing().backoff, SharedBackoff::default()),
            connection,
            allow_servers: spec.allow_servers.clone(),
            sender,
            limits: spec.limits.clone(),
            confirm: spec.confirm,
            known: HashSet::new(),
            missing: None,
        }
    }

    /// Goes on until nobody listens.
    pub async fn run(mut self) {
        loop {
            let delay = match self.round().await {
                Err(End::Closed) | Ok(()) => return,
                Err(End::Confirm) => Duration::ZERO,
                // A list follows, as after every fault, without delay at the first time.
                Err(End::Fault(fault)) => {
                    let delay = self.backoff.fail(Instant::now(), fault.retry_after(), jitter());
                    // The same text at each retry: who hears it tells news from repetition by it.
                    let error = format!(
                        "list {}: {fault}; what is known stays, it is tried again{}",
                        self.collection,
                        fault.advice()
                    );
                    // An expired version is ordinary.
                    let told = matches!(fault, Fault::Status { code: 410, .. })
                        || self.tell(Told::Failed { collection: self.number, error }).await.is_ok();
                    if !told {
                        return;
                    }
                    delay
                }
            };
            tokio::time::sleep(delay).await;
        }
    }

    /// A list, then watches until something ends them.
    async fn round(&mut self) -> Result<(), End> {
        let mut version = self.list().await?;
        loop {
            let started = Instant::now();
            version = self.watch(version).await?;
            self.backoff.reset();
            tokio::time::sleep(self.connection.timing().pace.saturating_sub(started.elapsed())).await;
        }
    }

    async fn list(&mut self) -> Result<u64, End> {
        let deadline = Deadline::after(self.connection.timing().list);
        let (mut items, mut token, mut version, mut limit) = (Vec::new(), String::new(), 0, PAGE);
        for _ in 0..PAGES {
            let page = self.page(&token, &mut limit, deadline).await?;
            version = page.metadata.resource_version.parse().unwrap_or(0);
            items.extend(page.items.into_iter().flatten().map(|item| Item::decode(&self.collection.sort, &item)));
            token = page.metadata.more;
            if token.is_empty() {
                break;
            }
        }
        if version == 0 {
            return Err(Fault::Garbled("the list's resourceVersion is no number".to_owned()).into());
        }
        self.take_list(items).await?;
        Ok(version)
    }

    /// The page behind a continue token; one that is too large is asked for in halves from now on.
    async fn page(&self, token: &str, limit: &mut u32, deadline: Deadline) -> Result<Page, Fault> {
        loop {
            let query = format!("limit={limit}{}", list::continued(token));
            let path = list::with_query(&self.collection.path(), &query);
            match list::page(&self.connection, Verb::List, &path, self.limits.page_octets, deadline).await {
                Err(Fault::TooLarge(..)) if *limit > 1 => *limit /= 2,
                // What the parser says may quote a Secret.
                page => {
                    return serde_json::from_slice(&page?)
                        .map_err(|error| Fault::Garbled(format!("no list (line {})", error.line())));
                }
            }
        }
    }

    async fn take_list(&mut self, items: Vec<Result<Item, Unreadable>>) -> Result<(), End> {
        let mut keys: HashSet<Arc<str>> = HashSet::new();
        for item in items {
            keys.insert(self.take(item).await?);
        }
        let mut absent: HashSet<Arc<str>> = self.known.difference(&keys).cloned().collect();
        if keys.contains(NAMELESS) {
            // It may be any of them.
            absent.clear();
        }
        let now = Instant::now();
        let (agreed, since) = match self.missing.take() {
            Some((before, since)) if since + self.confirm <= now => (before, now),
            Some((_, since)) => (HashSet::new(), since),
            None => (HashSet::new(), now),
        };
        for key in absent.intersection(&agreed) {
            self.forget(key).await?;
        }
        let held: HashSet<Arc<str>> = absent.difference(&agreed).cloned().collect();
        if !held.is_empty() {
            tracing::warn!(
                "registry: {}: {} of the objects known are not in the list any more; their clusters stay until a second \
                 list agrees, in {:?}",
                self.collection,
                held.len(),
                self.confirm
            );
            self.missing = Some((held, since));
        }
        self.tell(Told::Listed { collection: self.number }).await
    }

    async fn watch(&mut self, mut version: u64) -> Result<u64, End> {
        let path = self.collection.path();
        let mut lines = Lines::start(&self.connection, &path, version, &self.limits).await?;
        loop {
            let line = match &self.missing {
                None => lines.next().await?,
                Some((_, since)) => {
                    let due = tokio::time::Instant::from_std(*since + self.confirm);
                    tokio::select! {
                        line = lines.next() => line?,
                        () = tokio::time::sleep_until(due) => return Err(End::Confirm),
                    }
                }
            };
            match line {
                Line::Whole(range) => version = self.event(lines.line(range)).await?.unwrap_or(version).max(version),
                Line::Part => {}
                Line::End => return Ok(version),
            }
        }
    }

    async fn event(&mut self, line: &[u8]) -> Result<Option<u64>, End> {
        let garbled = |error: serde_json::Error| Fault::Garbled(format!("no event (column {})", error.column()));
        let Event { sort, object } = serde_json::from_slice(line).map_err(garbled)?;
        if sort == "ERROR" || sort == "BOOKMARK" {
            let said: Said = serde_json::from_str(object.get()).unwrap_or_default();
            return said.outcome(sort == "ERROR");
        }
        let item = Item::decode(&self.collection.sort, &object);
        let version = item.as_ref().ok().and_then(Item::version);
        match (sort.as_str(), item) {
            ("DELETED", Ok(item)) => self.forget(&item.key()).await?,
            ("DELETED", Err(Unreadable { key })) => self.forget(&key).await?,
            (_, item) => drop(self.take(item).await?),
        }
        Ok(version)
    }

    /// Tells of one object; its key is returned. What one that cannot be read said before stands.
    async fn take(&mut self, item: Result<Item, Unreadable>) -> Result<Arc<str>, End> {
        let (key, told) = self.read(item);
        self.known.insert(Arc::clone(&key));
        self.tell(told).await?;
        Ok(key)
    }

    fn read(&self, item: Result<Item, Unreadable>) -> (Arc<str>, Told) {
        let collection = self.number;
        let rules = Rules { collection: &self.collection, allow_servers: &self.allow_servers, usable: &usable };
        match item {
            Ok(item) => (item.key(), Told::Object { collection, object: item.object(&rules) }),
            Err(Unreadable { key }) => (Arc::clone(&key), Told::Unreadable { collection, key }),
        }
    }

    async fn forget(&mut self, key: &Arc<str>) -> Result<(), End> {
        self.known.remove(key);
        self.tell(Told::Gone { collection: self.number, key: Arc::clone(key) }).await
    }

    async fn tell(&self, told: Told) -> Result<(), End> {
        self.sender.send(told).await.map_err(|_| End::Closed)
    }
}

impl Said {
    /// The version that a bookmark has reached, or the fault that an error is.
    fn outcome(self, is_error: bool) -> Result<Option<u64>, End> {
        if !is_error {
            return Ok(self.metadata.resource_version.and_then(|version| version.parse().ok()));
        }
        let text = |text: Option<String>| text.as_deref().map(short).unwrap_or_default();
        let text = format!("{}: {}", text(self.reason), text(self.message));
        Err(Fault::Status { code: self.code.unwrap_or(500), text, retry_after: None }.into())
    }
}

/// Whether certificates and key are such that a client can be built. Connects to nothing.
fn usable(access: &Access) -> Result<(), String> {
    Connection::new(access, Arc::new(Timing::default()), Arc::new(Counters::default())).map(drop)
}
