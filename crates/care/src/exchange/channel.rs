//! Channels: over which line messages of which partner come, whether they are taken now, and how it goes. Where a
//! channel listens is for `server` to know; what somebody wishes of it (run, pause, stop) lies in the store, so that it
//! is still so after a restart.
//!
//! A paused channel takes messages and keeps them, and works them off in their order when it runs again. A stopped one
//! does not answer.

use super::subscriptions::Partner;
use crate::Organisation;
use bytes::Bytes;
use formats::v2::map::Mapping;
use jiff::tz::TimeZone;
use ring::digest::{SHA256, digest};
use std::collections::{BTreeMap, VecDeque};
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
/// The latest messages whose errors are counted.
const RECENT: usize = 100;
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
    /// The digest of the token with which messages are posted to it.
    token: Option<[u8; 32]>,
    /// Messages go out over it, to this partner; over all others they come in.
    pub partner: Option<Partner>,
    /// From how many errors among the last hundred messages on somebody should look.
    pub errors: Option<u32>,
    /// After how many days what a message said is taken away; never, when absent.
    pub keep_days: Option<u32>,
    pub format: Format,
}

/// In which language messages of a channel are.
#[derive(Clone, Debug, Default)]
pub enum Format {
    /// HL7 v2.
    #[default]
    V2,
    /// NCPDP SCRIPT, with pharmacies.
    Script(Arc<crate::pharmacy::Wire>),
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
            format: Format::default(),
            token: None,
            partner: None,
            errors: Some(20),
            keep_days: None,
        }
    }

    /// Lets in whoever posts with this token.
    pub fn set_token(&mut self, token: &str) {
        self.token = Some(digest_of(token));
    }

    /// Whether it is the token of the channel. Digests are compared, so that time tells nothing of the token.
    pub fn is_token(&self, given: &str) -> bool {
        self.token.is_some_and(|own| own == digest_of(given))
    }

    /// Whether messages may be posted to it.
    pub fn is_posted_to(&self) -> bool {
        self.token.is_some()
    }

    pub(super) fn mapping(&self) -> &Mapping {
        self.mapping.as_deref().unwrap_or_else(|| Mapping::standard())
    }

    /// Who writes what comes over it.
    pub fn caller(&self) -> Caller {
        Caller { display: self.title.as_str().into(), ..Caller::system(&format!("channel/{}", self.name)) }
    }
}

fn digest_of(token: &str) -> [u8; 32] {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
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
    /// Where messages come into a folder, or that they come by HTTP; and of what goes out, that the line stands.
    pub open: bool,
    /// Why it does not listen, or is not reached.
    pub trouble: Option<String>,
    pub connections: usize,
    pub received: u64,
    pub errors: u64,
    /// The same messages again.
    pub repeated: u64,
    pub last: Option<i64>,
    /// When it was last tried whether the partner is reached, and whether it was.
    pub tested: Option<(i64, bool)>,
    /// Which of the last hundred messages were errors, the latest last.
    recent: VecDeque<bool>,
    /// Messages of each of the last minutes, the latest last; and to which minute that one belongs.
    minutes: Vec<u32>,
    minute: i64,
}

impl Status {
    /// Messages of each of the last [`MINUTES`], the latest last.
    pub fn rate(&self, now: i64) -> Vec<u32> {
        let mut it = self.clone();
        it.turn(now);
        it.minutes
    }

    /// How many of the last hundred messages were errors.
    pub fn recent_errors(&self) -> u32 {
        self.recent.iter().filter(|it| **it).count() as u32
    }

    fn turn(&mut self, now: i64) {
        let minute = now.div_euclid(MINUTE);
        let passed = (minute - self.minute).clamp(0, MINUTES as i64) as usize;
        self.minutes.resize(MINUTES, 0);
        self.minutes.drain(..passed);
        self.minutes.resize(MINUTES, 0);
        self.minute = self.minute.max(minute);
    }

    fn count(&mut self, now: i64) {
        self.turn(now);
        if let Some(last) = self.minutes.last_mut() {
            *last += 1;
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
    tests: watch::Sender<u64>,
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
            it.count(now);
            it.recent.push_back(went == Went::Wrong);
            if it.recent.len() > RECENT {
                it.recent.pop_front();
            }
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

    /// Asks for a try whether the partner is reached, without a message.
    pub fn ask_for_test(&self) {
        self.tests.send_modify(|it| *it += 1);
    }

    /// To hear of the next such try.
    pub fn tests(&self) -> watch::Receiver<u64> {
        self.tests.subscribe()
    }

    /// To hear of the next wish.
    pub fn wishes(&self) -> watch::Receiver<Wish> {
        self.wish.subscribe()
    }

    /// Whether so many of the last messages were errors that somebody should look.
    pub fn errs(&self) -> bool {
        self.channel.errors.is_some_and(|most| self.status().recent_errors() >= most)
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
        let (wish, tests) = (watch::Sender::new(wish), watch::Sender::new(0));
        let line = Line { organisation: slug, channel, wish, tests, status: Mutex::default() };
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
    pub(crate) async fn turn(&self, patient: &str) -> tokio::sync::MutexGuard<'_, ()> {
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
        status.count(at(0));
        status.count(at(0) + 1);
        status.count(at(2));
        let rate = status.rate(at(2));
        assert_eq!((rate.len(), &rate[MINUTES - 3..]), (MINUTES, &[2, 0, 1][..]));
        assert_eq!(status.rate(at(3))[MINUTES - 2..], [1, 0]);
        assert_eq!(status.rate(at(90)).iter().sum::<u32>(), 0);
    }

    #[test]
    fn a_wish_is_read_as_it_was_written() {
        for (wish, code) in WISHES {
            assert_eq!((Wish::parse(code), wish.code()), (Some(wish), code));
        }
        assert_eq!(Wish::parse("halt"), None);
    }
}
