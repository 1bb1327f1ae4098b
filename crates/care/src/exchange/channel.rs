//! Channels: over which line messages of which partner come, whether they are taken now, and how it goes. Where a
//! channel listens is for `server` to know; what somebody wishes of it (run, pause, stop) lies in the store, so that it
//! is still so after a restart.
//!
//! A paused channel takes messages and keeps them, and works them off in their order when it runs again. A stopped one
//! does not answer.

use crate::Organisation;
use bytes::Bytes;
use formats::v2::map::Mapping;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, RwLock};
use store::audit::Event;
use store::{Caller, ItemChange, StoreResult};
use tokio::sync::watch;

const SHELF: &str = "channel";
/// Patients whose messages may be worked on at the same time.
const TURNS: usize = 256;
/// The last minutes of which each one's messages are counted.
pub const MINUTES: usize = 60;
/// Fewer errors in an hour than this are no reason to call anybody.
const FEW: u32 = 5;
const MINUTE: i64 = 60_000_000;

/// Over which line messages of which partner come.
#[derive(Clone)]
pub struct Channel {
    /// In addresses: `riverside-hl7`.
    pub name: String,
    /// For people.
    pub title: String,
    /// The address of the partner, for the origin of what comes: `urn:oid:…`, `urn:continuo:channel:…`.
    pub source: String,
    /// Where the sender is, for times that say no offset.
    pub zone: TimeZone,
    /// Another mapping than the usual.
    pub mapping: Option<Arc<Mapping>>,
    /// What the sender calls a naming system, and what it is here: assigning authorities.
    pub systems: BTreeMap<String, String>,
    /// Without a message for this long (microseconds), somebody should look.
    pub silence: Option<i64>,
    /// What is allowed for one message, in bytes.
    pub largest: usize,
}

impl Channel {
    pub fn new(name: &str, title: &str) -> Channel {
        Channel {
            name: name.to_owned(),
            title: title.to_owned(),
            source: format!("urn:continuo:channel:{name}"),
            zone: TimeZone::UTC,
            mapping: None,
            systems: BTreeMap::new(),
            silence: None,
            largest: 16 * 1024 * 1024,
        }
    }

    pub(super) fn mapping(&self) -> &Mapping {
        self.mapping.as_deref().unwrap_or_else(|| Mapping::standard())
    }

    /// Who writes what comes over it.
    pub(super) fn caller(&self) -> Caller {
        Caller { display: self.title.as_str().into(), ..Caller::system(&format!("channel/{}", self.name)) }
    }
}

/// What somebody wishes of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    #[default]
    Run,
    Pause,
    Stop,
}

const WISHES: [(Wish, &str); 3] = [(Wish::Run, "run"), (Wish::Pause, "pause"), (Wish::Stop, "stop")];

impl Wish {
    pub fn code(self) -> &'static str {
        WISHES.iter().find(|(wish, _)| *wish == self).map_or("run", |(_, code)| code)
    }

    pub fn parse(code: &str) -> Option<Wish> {
        WISHES.iter().find(|(_, known)| *known == code).map(|(wish, _)| *wish)
    }
}

/// How a channel goes, since the program started.
#[derive(Clone, Debug, Default)]
pub struct Status {
    pub listening: Option<SocketAddr>,
    /// TLS, and whether the sender must show a certificate.
    pub secured: Option<bool>,
    /// Why it does not listen.
    pub trouble: Option<String>,
    pub connections: usize,
    pub received: u64,
    pub errors: u64,
    /// The same messages again.
    pub repeated: u64,
    pub last: Option<i64>,
    /// Messages of each of the last minutes, the latest last, and those of them that failed; and to which minute the
    /// latest belongs.
    minutes: Vec<(u32, u32)>,
    minute: i64,
}

impl Status {
    /// Messages of each of the last [`MINUTES`], the latest last.
    pub fn rate(&self, now: i64) -> Vec<u32> {
        let mut it = self.clone();
        it.turn(now);
        it.minutes.into_iter().map(|it| it.0).collect()
    }

    /// How many of the messages of the last hour failed, when those are too many: some, and more than a tenth.
    pub fn failing(&self, now: i64) -> Option<(u32, u32)> {
        let mut it = self.clone();
        it.turn(now);
        let (all, wrong) = it.minutes.iter().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        (wrong >= FEW && wrong * 10 > all).then_some((wrong, all))
    }

    fn turn(&mut self, now: i64) {
        let minute = now.div_euclid(MINUTE);
        let passed = (minute - self.minute).clamp(0, MINUTES as i64) as usize;
        self.minutes.resize(MINUTES, (0, 0));
        self.minutes.drain(..passed);
        self.minutes.resize(MINUTES, (0, 0));
        self.minute = self.minute.max(minute);
    }

    fn count(&mut self, went: Went, now: i64) {
        self.turn(now);
        if let Some(last) = self.minutes.last_mut() {
            *last = (last.0 + 1, last.1 + u32::from(went == Went::Wrong));
        }
        self.last = Some(now);
    }
}

/// A channel of an organisation while the program runs.
pub struct Line {
    /// Of which organisation.
    pub organisation: String,
    pub channel: Channel,
    wish: watch::Sender<Wish>,
    status: Mutex<Status>,
}

/// How a message went, for the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    Well,
    Wrong,
    Again,
}

impl Line {
    pub fn status(&self) -> Status {
        self.status.lock().expect("no holder panics").clone()
    }

    /// Changes how it goes.
    pub fn tell(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.lock().expect("no holder panics"));
    }

    pub fn count(&self, went: Went, now: i64) {
        self.tell(|it| {
            it.count(went, now);
            match went {
                Went::Well => it.received += 1,
                Went::Wrong => (it.received, it.errors) = (it.received + 1, it.errors + 1),
                Went::Again => it.repeated += 1,
            }
        });
    }

    pub fn wish(&self) -> Wish {
        *self.wish.borrow()
    }

    /// To hear of the next wish.
    pub fn wishes(&self) -> watch::Receiver<Wish> {
        self.wish.subscribe()
    }

    /// Whether nothing came for longer than the partner is ever silent.
    pub fn is_silent(&self, last: Option<i64>, now: i64) -> bool {
        self.channel.silence.is_some_and(|most| last.is_none_or(|last| now - last > most))
    }
}

/// All channels of the program, and whose messages are worked on.
pub struct Interfaces {
    lines: RwLock<Vec<Arc<Line>>>,
    turns: Vec<tokio::sync::Mutex<()>>,
    /// Of what others were changing when it was to be changed. Whoever waits here may hold a turn; nobody who holds one of
    /// these waits for a turn.
    contested: Vec<tokio::sync::Mutex<()>>,
}

impl Default for Interfaces {
    fn default() -> Interfaces {
        let many = || (0..TURNS).map(|_| tokio::sync::Mutex::new(())).collect();
        Interfaces { lines: RwLock::default(), turns: many(), contested: many() }
    }
}

impl Interfaces {
    /// Adds a channel, with what was last wished of it.
    pub async fn open(&self, organisation: &Organisation, channel: Channel) -> StoreResult<Arc<Line>> {
        let kept = organisation.store.item(SHELF, &channel.name, organisation.now()).await?;
        let wish = kept.and_then(|it| Wish::parse(std::str::from_utf8(&it.body).ok()?)).unwrap_or_default();
        let slug = organisation.slug.clone();
        let line = Line { organisation: slug, channel, wish: watch::Sender::new(wish), status: Mutex::default() };
        let line = Arc::new(line);
        self.lines.write().expect("no holder panics").push(line.clone());
        Ok(line)
    }

    /// The channels of an organisation.
    pub fn of(&self, organisation: &str) -> Vec<Arc<Line>> {
        let lines = self.lines.read().expect("no holder panics");
        lines.iter().filter(|it| it.organisation == organisation).cloned().collect()
    }

    pub fn line(&self, organisation: &str, name: &str) -> Option<Arc<Line>> {
        self.of(organisation).into_iter().find(|it| it.channel.name == name)
    }

    /// Messages of one patient are worked on one after the other.
    pub(super) async fn turn(&self, patient: &str) -> tokio::sync::MutexGuard<'_, ()> {
        self.turns[slot(patient)].lock().await
    }

    /// What two were about to change at once, they change one after the other from then on.
    pub(super) async fn contested(&self, what: &str) -> tokio::sync::MutexGuard<'_, ()> {
        self.contested[slot(what)].lock().await
    }
}

fn slot(name: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish() as usize % TURNS
}

/// Changes what is wished of a channel; it is so after a restart too.
pub(super) async fn wish(
    organisation: &Organisation,
    caller: &Caller,
    line: &Line,
    wish: Wish,
    now: i64,
) -> StoreResult<()> {
    let name = &line.channel.name;
    let change = ItemChange::put(SHELF, name, Bytes::from_static(wish.code().as_bytes()));
    let event = Event::of("configure").detail(format!("channel {name}: {}", wish.code()));
    organisation.store.keep(caller, event, vec![change], now).await?;
    line.wish.send_replace(wish);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hour_is_counted_by_the_minute_and_moves_on() {
        let mut status = Status::default();
        let at = |minute: i64| (29_000_000 + minute) * MINUTE;
        status.count(Went::Well, at(0));
        status.count(Went::Well, at(0) + 1);
        status.count(Went::Wrong, at(2));
        let rate = status.rate(at(2));
        assert_eq!((rate.len(), &rate[MINUTES - 3..]), (MINUTES, &[2, 0, 1][..]));
        assert_eq!(status.rate(at(3))[MINUTES - 2..], [1, 0]);
        assert_eq!(status.rate(at(90)).iter().sum::<u32>(), 0);
    }

    #[test]
    fn more_than_a_few_errors_among_few_messages_are_told_for_an_hour() {
        let mut status = Status::default();
        let at = |minute: i64| (29_000_000 + minute) * MINUTE;
        (0..4).for_each(|_| status.count(Went::Wrong, at(0)));
        assert_eq!(status.failing(at(1)), None);
        status.count(Went::Wrong, at(1));
        (0..44).for_each(|_| status.count(Went::Well, at(1)));
        assert_eq!(status.failing(at(2)), Some((5, 49)));
        status.count(Went::Well, at(2));
        assert_eq!(status.failing(at(2)), None, "a tenth is not too many");
        assert_eq!(status.failing(at(90)), None);
    }

    #[test]
    fn a_wish_is_read_as_it_was_written() {
        for (wish, code) in WISHES {
            assert_eq!((Wish::parse(code), wish.code()), (Some(wish), code));
        }
        assert_eq!(Wish::parse("halt"), None);
    }
}
