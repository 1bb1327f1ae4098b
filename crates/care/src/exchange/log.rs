//! The desk of whoever looks after interfaces (screens I-01 to I-05): how the channels go, which messages came, what is
//! wrong with those that failed, and what to do about it: work on it again, send it again with changes (the original
//! stays), leave it with a reason. Looking at a message is written down with whose it is, and shows who it is about
//! only to those who may know (`mask`).

mod keeping;

pub use keeping::prune;

use super::channel::{self, Channel, Format, Interfaces, Line, Status, Wish};
use super::intake::{self, DONE, FAILED, Head, Intake, REPLACED, REUSED, SKIPPED};
use super::mask::masked;
use super::outbox::{self, Depth, Outgoing};
use crate::Organisation;
use bytes::Bytes;
use fhir::{Id, Key, Value};
use formats::v2::map::{Converted, header};
use formats::v2::{Message, Place};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use store::audit::Event;
use store::{Caller, Heading, ItemExpect, Logged, MessageChange, MessageCount, MessageQuery, StoreError, StoreResult};

/// The permission of whoever looks after interfaces.
pub const LOOK_AFTER: &str = "interfaces";
/// The permission to see whom messages are about.
pub const SEE_WHO: &str = "interfaces.who";
const DAY: i64 = 86_400_000_000;
/// Worked on again at once, at most.
const AT_ONCE: usize = 500;
/// Reads what a message changed, to tell which elements.
static READER: LazyLock<Caller> = LazyLock::new(|| Caller::system("exchange"));
static NONE: LazyLock<Interfaces> = LazyLock::new(Interfaces::default);

/// Somebody at the desk.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    organisation: &'a Organisation,
    caller: &'a Caller,
    now: i64,
}

/// A channel and how it goes.
pub struct Overview {
    pub line: Arc<Line>,
    pub wish: Wish,
    pub status: Status,
    /// How many messages of each state there ever were.
    pub counts: BTreeMap<String, u64>,
    pub last: Option<i64>,
    pub silent: bool,
    /// Many of the last messages were errors.
    pub errs: bool,
    /// Of what goes out: how much waits, and since when.
    pub depth: Depth,
    /// How many messages of the last day had a number (MSH-10) that was used before for another message.
    pub reused: usize,
}

/// Messages that failed for the same reason.
pub type Cause = MessageCount;

/// A message laid open.
pub struct Opened {
    pub heading: Heading,
    pub head: Head,
    /// As text, a segment in each line; who it is about is masked for those who may not know.
    pub text: String,
    pub masked: bool,
    /// Place and value of everything in it that is valued.
    pub tree: Vec<(String, Vec<(String, String)>)>,
    /// The answers as text.
    pub answers: Vec<String>,
    /// What it is as FHIR, of the text above.
    pub resources: Vec<Value>,
    /// What it changed here, element by element.
    pub changes: Vec<Changed>,
}

/// What a message changed in one resource.
pub struct Changed {
    pub key: String,
    pub version: u64,
    pub elements: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    #[error("there is no such message")]
    Unknown,
    #[error("there is nothing at {0} that could be changed")]
    NoPlace(String),
    #[error("nothing was changed")]
    NoChange,
    #[error("a reason is needed")]
    NoReason,
    #[error("it is no message")]
    Unreadable,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of messages that were worked on again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redone {
    pub done: usize,
    pub failed: usize,
}

/// A message tried without being kept.
pub struct Tried {
    pub tree: Vec<(String, Vec<(String, String)>)>,
    pub converted: Converted,
}

impl<'a> Desk<'a> {
    /// For those who may look after interfaces.
    pub fn of(organisation: &'a Organisation, caller: &'a Caller, now: i64) -> StoreResult<Desk<'a>> {
        if caller.rights.may(LOOK_AFTER) { Ok(Desk { organisation, caller, now }) } else { Err(StoreError::Forbidden) }
    }

    fn interfaces(&self) -> &'a Interfaces {
        self.organisation.surroundings.interfaces().unwrap_or(&NONE)
    }

    fn line(&self, name: &str) -> Option<Arc<Line>> {
        self.interfaces().line(&self.organisation.slug, name)
    }

    /// The channel as it is set up; one that is no more, by its name.
    fn channel(&self, name: &str) -> Channel {
        self.line(name).map_or_else(|| Channel::new(name, name), |it| it.channel.clone())
    }

    /// The channels that there are.
    pub fn lines(&self) -> Vec<Arc<Line>> {
        self.interfaces().of(&self.organisation.slug)
    }

    pub async fn overview(&self) -> StoreResult<Vec<Overview>> {
        let counts = self.organisation.store.message_counts().await?;
        let mut reused: BTreeMap<String, usize> = BTreeMap::new();
        if counts.iter().any(|it| it.cause.as_deref() == Some(REUSED) && it.last > self.now - DAY) {
            let query =
                MessageQuery { cause: Some(REUSED.to_owned()), from: Some(self.now - DAY), ..MessageQuery::default() };
            for it in self.list(&query, AT_ONCE).await? {
                *reused.entry(it.channel).or_default() += 1;
            }
        }
        let lines = self.interfaces().of(&self.organisation.slug).into_iter();
        let overview = lines.map(|line| {
            let own = counts.iter().filter(|it| it.channel == line.channel.name);
            let mut by_state = BTreeMap::new();
            own.clone().for_each(|it| *by_state.entry(it.state.clone()).or_default() += it.count);
            let last = own.map(|it| it.last).max();
            let silent = line.is_silent(last, self.now);
            let (errs, depth) = (line.errs(), outbox::depth_of(&counts, &line.channel.name));
            let reused = reused.get(&line.channel.name).copied().unwrap_or(0);
            let (wish, status) = (line.wish(), line.status());
            Overview { wish, status, counts: by_state, last, silent, errs, depth, reused, line }
        });
        Ok(overview.collect())
    }

    pub async fn list(&self, query: &MessageQuery, limit: usize) -> StoreResult<Vec<Heading>> {
        self.organisation.store.messages(query, limit).await
    }

    pub async fn kinds(&self) -> StoreResult<Vec<String>> {
        self.organisation.store.message_kinds().await
    }

    /// What is wrong or odd, the most frequent first.
    pub async fn causes(&self) -> StoreResult<Vec<Cause>> {
        let mut counts = self.organisation.store.message_counts().await?;
        counts.retain(|it| it.state == FAILED || it.cause.as_deref() == Some(REUSED));
        counts.sort_by_key(|it| std::cmp::Reverse((it.count, it.last)));
        Ok(counts)
    }

    async fn logged(&self, id: &str) -> Result<Logged, DeskError> {
        self.organisation.store.message(id).await?.ok_or(DeskError::Unknown)
    }

    /// Lays a message open; that somebody looked at it is written down first.
    pub async fn open(&self, id: &str) -> Result<Opened, DeskError> {
        let Logged { heading, head, raw } = self.logged(id).await?;
        let mut event = Event::of("read").detail(format!("message {id}"));
        event.patients.extend(heading.patient.as_deref().and_then(Id::parse));
        self.organisation.store.record(self.caller, event, self.now).await?;
        let head = Head::read(&head)?;
        let masking = !self.caller.rights.may(SEE_WHO);
        let shown = match Message::read(&raw) {
            Ok(message) if masking => Message::read(masked(&message).as_bytes()).ok(),
            Ok(message) => Some(message),
            Err(_) => None,
        };
        let channel = self.channel(&heading.channel);
        let (text, tree, resources) = match &shown {
            _ if matches!(channel.format, Format::Script(_)) => {
                let parts = crate::pharmacy::intake::opened(&raw, masking);
                let lines = parts.iter().flat_map(|it| &it.1).map(|(place, text)| format!("{place} = {text}"));
                let text = if masking {
                    lines.collect::<Vec<_>>().join("\n")
                } else {
                    String::from_utf8_lossy(&raw).into_owned()
                };
                (text, parts, Vec::new())
            }
            Some(message) => (text_of(message), tree(message), self.intake(&channel).converted(message).read.resources),
            None => (
                if masking { String::new() } else { String::from_utf8_lossy(&raw).into_owned() },
                Vec::new(),
                Vec::new(),
            ),
        };
        let answers = head.replies().iter().map(|it| String::from_utf8_lossy(it).replace('\r', "\n")).collect();
        let mut changes = Vec::new();
        for (key, version) in &head.wrote {
            changes.extend(self.changed(key, *version).await?);
        }
        let resources = resources.into_iter().map(|it| it.1).collect();
        Ok(Opened { heading, head, text, masked: masking, tree, answers, resources, changes })
    }

    /// Which elements differ between a version and the one before.
    async fn changed(&self, key: &str, version: u64) -> StoreResult<Option<Changed>> {
        let Some(at) = Key::parse(key) else { return Ok(None) };
        let read = async |version: u64| match self.organisation.store.vread(&READER, &at, &version.to_string()).await {
            Ok(stored) => Ok(stored.value()),
            Err(StoreError::Gone { .. } | StoreError::NoSuchVersion { .. } | StoreError::NotFound(_)) => {
                Ok(Value::Null)
            }
            Err(other) => Err(other),
        };
        let after = read(version).await?;
        let before = if version > 1 { read(version - 1).await? } else { Value::Null };
        let names =
            |value: &Value| value.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let mut elements: Vec<String> = names(&after).into_iter().chain(names(&before)).collect();
        elements.sort_unstable();
        elements.dedup();
        elements.retain(|it| !matches!(it.as_str(), "id" | "meta" | "resourceType") && after.get(it) != before.get(it));
        Ok(Some(Changed { key: key.to_owned(), version, elements }))
    }

    fn intake<'b>(&'b self, channel: &'b Channel) -> Intake<'b> {
        Intake { organisation: self.organisation, interfaces: self.interfaces(), channel }
    }

    /// Works on messages again as they are. What says nothing new changes nothing.
    pub async fn replay(&self, ids: &[String]) -> Result<Redone, DeskError> {
        let mut redone = Redone::default();
        for id in ids.iter().take(AT_ONCE) {
            let logged = self.logged(id).await?;
            if logged.heading.state == REPLACED || logged.raw.is_empty() {
                redone.failed += 1;
                continue;
            }
            let heading = logged.heading.clone();
            // What goes out is sent again, as it is.
            if let Some(change) = outbox::again(logged, self.now)? {
                self.organisation.store.log(self.caller, "replay", vec![change], self.now).await?;
                redone.done += 1;
                continue;
            }
            let channel = self.channel(&heading.channel);
            match intake::redo(&self.intake(&channel), id, self.now).await? {
                Some(DONE) => redone.done += 1,
                _ => redone.failed += 1,
            }
        }
        let detail =
            format!("{} messages worked on again, {} of them failed", redone.done + redone.failed, redone.failed);
        self.organisation.store.record(self.caller, Event::of("replay").detail(detail), self.now).await?;
        Ok(redone)
    }

    /// Works on all that failed for one reason, in the order in which they came.
    pub async fn replay_cause(&self, channel: &str, cause: &str) -> Result<Redone, DeskError> {
        let query = MessageQuery {
            channel: Some(channel.to_owned()),
            state: Some(FAILED.to_owned()),
            cause: Some(cause.to_owned()),
            oldest_first: true,
            ..MessageQuery::default()
        };
        let ids: Vec<String> = self.list(&query, AT_ONCE).await?.into_iter().map(|it| it.id).collect();
        self.replay(&ids).await
    }

    /// Sends a message again with other text at some places. The original stays as it came, and says what became of it.
    pub async fn resubmit(&self, id: &str, edits: &[(String, String)]) -> Result<String, DeskError> {
        let original = self.logged(id).await?;
        let mut message = Message::read(&original.raw).map_err(|_| DeskError::Unreadable)?;
        for (at, text) in edits {
            let place: Place = at.trim().parse().map_err(|_| DeskError::NoPlace(at.clone()))?;
            if !message.set(&place, text) {
                return Err(DeskError::NoPlace(at.clone()));
            }
        }
        let raw = message.write();
        if raw == original.raw {
            return Err(DeskError::NoChange);
        }
        if original.heading.outgoing {
            return self.send_instead(original, message).await;
        }
        let channel = self.channel(&original.heading.channel);
        let new = intake::name(&[id.as_bytes(), &raw]);
        if self.organisation.store.message(&new).await?.is_none() {
            let head =
                Head { original: Some(id.to_owned()), by: Some(self.caller.display.to_string()), ..Head::default() };
            let row = intake::New { id: new.clone(), at: self.now, expect: ItemExpect::Absent, head };
            let header = header(&message, &channel.zone);
            self.intake(&channel).work(&message, &header, &raw, row, self.now).await?;
        }
        let mut head = Head::read(&original.head)?;
        head.replaced_by = Some(new.clone());
        self.set_aside(original, head, REPLACED, "resubmit").await?;
        Ok(new)
    }

    /// Queues another message in the place of one that went out, or should have, under a number of its own: the partner
    /// may have the first.
    async fn send_instead(&self, original: Logged, mut message: Message) -> Result<String, DeskError> {
        let control = format!("{}.{}", original.heading.control, self.now.rem_euclid(1_000_000_000) / 1_000);
        let control: String = control.chars().take(20).collect();
        message.set(&"MSH-10".parse().expect("a place"), &control);
        let outgoing = Outgoing {
            channel: original.heading.channel.clone(),
            patient: original.heading.patient.as_deref().and_then(Id::parse),
            kind: original.heading.kind.clone(),
            control,
            body: message.write(),
        };
        let mut change = outbox::queued(outgoing, self.now);
        let mut head = Head::read(&change.message.head)?;
        head.of = Head::read(&original.head)?.of;
        head.original = Some(original.heading.id.clone());
        head.by = Some(self.caller.display.to_string());
        change.message.head = head.write();
        let new = change.message.heading.id.clone();
        self.organisation.store.log(self.caller, "resubmit", vec![change], self.now).await?;
        let mut head = Head::read(&original.head)?;
        head.replaced_by = Some(new.clone());
        self.set_aside(original, head, REPLACED, "resubmit").await?;
        Ok(new)
    }

    /// Leaves a message that failed as it is.
    pub async fn skip(&self, id: &str, reason: &str) -> Result<(), DeskError> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(DeskError::NoReason);
        }
        let original = self.logged(id).await?;
        let mut head = Head::read(&original.head)?;
        head.reason = Some(reason.to_owned());
        head.by = Some(self.caller.display.to_string());
        self.set_aside(original, head, SKIPPED, "skip").await
    }

    async fn set_aside(
        &self,
        mut message: Logged,
        head: Head,
        state: &str,
        action: &'static str,
    ) -> Result<(), DeskError> {
        // What was done stays done: it was only sent again.
        if !matches!(message.heading.state.as_str(), DONE | outbox::SENT) {
            message.heading.state = state.to_owned();
        }
        message.heading.due = None;
        message.head = head.write();
        let expect = ItemExpect::Version(message.heading.version);
        let changes = vec![MessageChange { message, expect }];
        self.organisation.store.log(self.caller, action, changes, self.now).await?;
        Ok(())
    }

    /// Runs, pauses or stops a channel. What was kept while it was paused is worked off first.
    pub async fn wish(&self, name: &str, wish: Wish) -> Result<(), DeskError> {
        let line = self.line(name).ok_or(DeskError::Unknown)?;
        if wish == Wish::Run {
            intake::release(&self.intake(&line.channel), self.now).await?;
        }
        channel::wish(self.organisation, self.caller, &line, wish, self.now).await?;
        if wish == Wish::Run {
            // What came while the others were worked off.
            intake::release(&self.intake(&line.channel), self.now).await?;
        }
        Ok(())
    }

    /// Tries whether the partner of a channel is reached; the channel says later whether it was.
    pub fn test(&self, name: &str) -> Result<(), DeskError> {
        self.line(name).ok_or(DeskError::Unknown)?.ask_for_test();
        Ok(())
    }

    /// What would become of a message; nothing is kept.
    pub fn try_out(&self, channel: &str, text: &str) -> Result<Tried, DeskError> {
        let raw = text.trim().replace("\r\n", "\r").replace('\n', "\r");
        let message = Message::read(&Bytes::from(raw)).map_err(|_| DeskError::Unreadable)?;
        let channel = self.channel(channel);
        Ok(Tried { tree: tree(&message), converted: self.intake(&channel).converted(&message) })
    }
}

fn text_of(message: &Message) -> String {
    message.segments().iter().map(|it| it.raw()).collect::<Vec<_>>().join("\n")
}

/// Segments with the places and values that are in them.
fn tree(message: &Message) -> Vec<(String, Vec<(String, String)>)> {
    let delimiters = message.delimiters();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = Vec::new();
    for segment in message.segments() {
        let name = segment.name();
        let count = seen.entry(name).and_modify(|it| *it += 1).or_insert(1);
        let title = if *count > 1 { format!("{name}[{count}]") } else { name.to_owned() };
        let mut values = Vec::new();
        for (number, field) in segment.fields(delimiters) {
            if name == "MSH" && number < 3 {
                values.push((format!("{title}-{number}"), field.raw().to_owned()));
                continue;
            }
            let repetitions: Vec<_> = field.repetitions().collect();
            for (at, repetition) in repetitions.iter().enumerate().filter(|(_, it)| it.is_valued()) {
                let again = if repetitions.len() > 1 { format!("[{}]", at + 1) } else { String::new() };
                let parts: Vec<_> = repetition.parts().collect();
                for (component, part) in parts.iter().enumerate().filter(|(_, it)| it.is_valued()) {
                    let dot = if parts.len() > 1 { format!(".{}", component + 1) } else { String::new() };
                    values.push((format!("{title}-{number}{again}{dot}"), part.whole().into_owned()));
                }
            }
        }
        all.push((title, values));
    }
    all
}
