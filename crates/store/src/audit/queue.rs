//! Looks that wait to be written, in order. The queue is bounded: when it is full, whoever looks waits, and nothing is
//! dropped. The lane writes what waits with every commit, and on its own when it is called: some times a second, or for
//! each answer where the log is strict.

use super::event::Outcome;
use crate::caller::Caller;
use crate::error::{StoreError, StoreResult};
use crate::run::Message;
use fhir::{Id, Key, ResourceType};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, watch};

/// How the log is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether an answer waits until the look is on disk. Otherwise it is there within [`Settings::every`] and the
    /// time of one write.
    pub strict: bool,
    /// Looks that may wait before new ones are kept waiting at the door.
    pub queue: usize,
    /// How often what waits is written.
    pub every: Duration,
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { strict: false, queue: 65_536, every: Duration::from_millis(50), clock: Clock::default() }
    }
}

/// Gives the time of a look, in microseconds since 1970 UTC. `server` brings the real one. The one that is there by
/// default stands still: looks then bear the time of the commit before them.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    pub(crate) fn now(&self) -> i64 {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::new(|| 0)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a clock")
    }
}

/// One look, as it waits.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) caller: Caller,
    pub(crate) at: i64,
    pub(crate) action: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) about: Option<Key>,
    /// The type that was searched, where it was about no one resource.
    pub(crate) kind: Option<ResourceType>,
    pub(crate) version: Option<i64>,
    pub(crate) shown: Shown,
    /// Patients by their ids, where the caller of the store knew them.
    pub(crate) named: Vec<Id>,
    pub(crate) rule: Option<Arc<str>>,
    pub(crate) detail: String,
}

/// Whose data an answer held, as numbers.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) patients: Vec<i64>,
    /// Resources of which the row did not say whose they are.
    pub(crate) unclear: Vec<i64>,
}

impl Shown {
    pub(crate) fn add(&mut self, rid: i64, owner: Option<i64>) {
        match owner {
            Some(crate::owner::NOBODY) => {}
            Some(patient) if patient > 0 => {
                // Neighbours on a page mostly belong to the same patient.
                if self.patients.last() != Some(&patient) {
                    self.patients.push(patient);
                }
            }
            _ => self.unclear.push(rid),
        }
    }
}

#[derive(Default)]
struct Waiting {
    looks: Vec<Look>,
    /// How many have ever been added.
    added: u64,
    /// The lane has been called and has not come yet.
    called: bool,
    /// Why the last attempt to write failed.
    failing: Option<String>,
}

/// What has become of the looks: the numbers count them from the first one on.
#[derive(Clone, Debug, Default)]
struct Fate {
    written: u64,
    /// Up to here an attempt to write has failed; they still wait.
    failed: u64,
    why: String,
}

pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    room: Notify,
    fate: watch::Sender<Fate>,
    strict: bool,
    most: usize,
}

impl Queue {
    pub(crate) fn new(settings: &Settings) -> Queue {
        Queue {
            waiting: Mutex::default(),
            room: Notify::new(),
            fate: watch::Sender::default(),
            strict: settings.strict,
            most: settings.queue.max(1),
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("nobody panics while holding the looks")
    }

    /// Puts a look at the end, waiting for room, and in a strict log until it is on disk.
    pub(crate) async fn add(&self, look: Look, lane: &mpsc::Sender<Message>) -> StoreResult<()> {
        let mut look = Some(look);
        let ticket = loop {
            let mut room = std::pin::pin!(self.room.notified());
            // Whoever makes room between the look at the queue and the wait is not missed.
            room.as_mut().enable();
            let (ticket, call) = {
                let mut waiting = self.waiting();
                let ticket = if waiting.looks.len() < self.most {
                    waiting.looks.extend(look.take());
                    waiting.added += 1;
                    Some(waiting.added)
                } else if let Some(why) = &waiting.failing {
                    return Err(StoreError::Unavailable(format!("the audit log cannot be written: {why}")));
                } else {
                    None
                };
                let call = (self.strict || ticket.is_none()) && !waiting.called;
                waiting.called |= call;
                (ticket, call)
            };
            if call {
                self.call(lane)?;
            }
            match ticket {
                Some(ticket) => break ticket,
                None => room.await,
            }
        };
        if self.strict { self.written(ticket).await } else { Ok(()) }
    }

    /// Puts a look at the end, whether there is room or not; whoever does so keeps pace ([`Queue::keep_pace`]) before
    /// they answer.
    pub(crate) fn put(&self, look: Look) {
        let mut waiting = self.waiting();
        waiting.looks.push(look);
        waiting.added += 1;
    }

    /// Waits until what was put is on disk, if the log is strict or the queue is full.
    pub(crate) async fn keep_pace(&self, lane: &mpsc::Sender<Message>) -> StoreResult<()> {
        let behind = self.strict || self.waiting().looks.len() >= self.most;
        if behind { self.settled(lane).await } else { Ok(()) }
    }

    /// Waits until all that was added so far is on disk.
    pub(crate) async fn settled(&self, lane: &mpsc::Sender<Message>) -> StoreResult<()> {
        let (last, call) = {
            let mut waiting = self.waiting();
            let call = !waiting.called && !waiting.looks.is_empty();
            waiting.called |= call;
            (waiting.added, call)
        };
        if call {
            self.call(lane)?;
        }
        self.written(last).await
    }

    async fn written(&self, ticket: u64) -> StoreResult<()> {
        let mut fate = self.fate.subscribe();
        let fate = fate.wait_for(|it| it.written >= ticket || it.failed >= ticket).await;
        let fate = fate.map_err(|_| StoreError::Unavailable("it has been closed".to_owned()))?;
        match fate.written >= ticket {
            true => Ok(()),
            false => Err(StoreError::Unavailable(format!("the audit log cannot be written: {}", fate.why))),
        }
    }

    fn call(&self, lane: &mpsc::Sender<Message>) -> StoreResult<()> {
        match lane.try_send(Message::Looks) {
            // Full of commits: each takes the looks along.
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(StoreError::Unavailable("it has been closed".to_owned())),
        }
    }

    /// Calls the lane when something waits.
    pub(crate) fn call_if_waiting(&self, lane: &mpsc::Sender<Message>) {
        {
            let mut waiting = self.waiting();
            if waiting.looks.is_empty() && waiting.failing.is_none() || waiting.called {
                return;
            }
            waiting.called = true;
        }
        // A store that is closing writes what waits by itself.
        let _ = self.call(lane);
    }

    /// What waits, for the lane. Says also the number of the last look.
    pub(crate) fn take(&self, into: &mut Vec<Look>) -> u64 {
        let mut waiting = self.waiting();
        waiting.called = false;
        into.append(&mut waiting.looks);
        let last = waiting.added;
        drop(waiting);
        self.room.notify_waiters();
        last
    }

    /// All up to this number are on disk.
    pub(crate) fn done(&self, last: u64) {
        self.waiting().failing = None;
        self.fate.send_modify(|it| it.written = it.written.max(last));
    }

    /// All up to this number could not be written; the lane keeps them and tries again.
    pub(crate) fn failed(&self, last: u64, why: &StoreError) {
        self.waiting().failing = Some(why.to_string());
        self.fate.send_modify(|it| {
            it.failed = it.failed.max(last);
            it.why = why.to_string();
        });
        // Those who wait for room learn that there will be none.
        self.room.notify_waiters();
    }
}
