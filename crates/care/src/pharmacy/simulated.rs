//! The pharmacy of the demonstration: it takes what is newly sent, fills it, has it picked up, asks for more when no
//! refills are left, asks for something else when it is out of stock, answers cancellations, and tells what others handed
//! out. It speaks the same messages over the same line as any pharmacy, in the same order every time, and does nothing
//! about what was not sent to it. What it is going to say lies in the store until it says it.

use super::line::{Way, way};
use super::record::{Order, Stage, order_of};
use crate::Organisation;
use crate::act::moment;
use crate::exchange::channel::Wish;
use crate::exchange::outbox::{self, Outcome};
use bytes::Bytes;
use formats::script::{HEADER, Message, Part, kind, read, write};
use std::sync::LazyLock;
use store::audit::Event;
use store::{Caller, ItemChange, StoreResult};

/// What it is going to say: `<when>/<order>/<number>`.
const SHELF: &str = "simulated-pharmacy";
const SECOND: i64 = 1_000_000;
/// How long it takes, in seconds.
const VERIFIED: i64 = 2;
const FILLED: i64 = 8;
const PICKED_UP: i64 = 20;
const PUT_BACK: i64 = 40;
const ASKS_AGAIN: i64 = 30;
const ASKS_FOR_OTHER: i64 = 8;
const ANSWERS: i64 = 3;
/// Said at once, at most.
const AT_ONCE: usize = 200;

static CALLER: LazyLock<Caller> = LazyLock::new(|| Caller::system("simulated-pharmacy"));

/// What it does about medicines with this in their name; everything else is filled.
const HABITS: [(&str, Habit); 3] = [
    ("amoxicillin 500 mg tablet", Habit::OutOfStock("amoxicillin 500 mg capsule")),
    ("ibuprofen", Habit::NotPickedUp),
    ("hydrocodone", Habit::Refused("This pharmacy does not dispense this medicine")),
];

#[derive(Clone, Copy)]
enum Habit {
    OutOfStock(&'static str),
    NotPickedUp,
    Refused(&'static str),
    Fills,
}

/// What other pharmacies handed out, by whoever asks: medicine, quantity, days, directions, pharmacy, days ago.
const OUTSIDE: [(&str, &str, &str, &str, &str, i64); 3] = [
    ("cetirizine 10 mg tablet", "30", "30", "Take 1 tablet by mouth once a day", "Harbor Street Pharmacy", 23),
    ("omeprazole 20 mg capsule", "30", "30", "Take 1 capsule by mouth before breakfast", "Harbor Street Pharmacy", 51),
    (
        "prednisone 10 mg tablet",
        "15",
        "5",
        "Take 3 tablets by mouth once a day for 5 days",
        "Lakeside Outpatient Pharmacy",
        140,
    ),
];

fn habit(drug: &str) -> Habit {
    let drug = drug.to_lowercase();
    HABITS.iter().find(|(name, _)| drug.contains(name)).map_or(Habit::Fills, |it| it.1)
}

/// One round: takes what waits to be sent to it, and says what is due. Returns how many messages went either way.
pub async fn round(organisation: &Organisation, now: i64) -> StoreResult<usize> {
    let Some(way) = way(organisation).filter(|it| it.wire.simulated) else { return Ok(0) };
    // Whoever looks after interfaces may stop it as any other line.
    if way.line.wish() != Wish::Run {
        return Ok(0);
    }
    let mut done = 0;
    for queued in outbox::due(organisation, &CALLER, &way.line.channel.name, now).await? {
        let pharmacy = Counter { organisation, way: &way, now };
        let Ok(received) = read(&queued.body, way.wire.mapping()) else {
            let why = "the simulated pharmacy cannot read it".to_owned();
            outbox::settled(organisation, &CALLER, &queued.heading.id, Outcome::Refused(why.into_bytes()), now).await?;
            continue;
        };
        let reply = pharmacy.hears(&received.message).await?;
        outbox::settled(organisation, &CALLER, &queued.heading.id, Outcome::Accepted(reply.clone()), now).await?;
        say(organisation, &way, &reply, now).await;
        done += 1;
    }
    for item in organisation.store.items(SHELF, None, None, AT_ONCE, now).await? {
        let due: i64 = item.name.split('/').next().and_then(|it| it.parse().ok()).unwrap_or_default();
        if due > now {
            break;
        }
        say(organisation, &way, &item.body, now).await;
        let gone = ItemChange::delete(SHELF, item.name);
        organisation.store.keep(&CALLER, Event::of("simulate"), vec![gone], now).await?;
        done += 1;
    }
    Ok(done)
}

async fn say(organisation: &Organisation, way: &Way, message: &[u8], now: i64) {
    if let Some(interfaces) = organisation.surroundings.interfaces() {
        way.line.take(organisation, interfaces, message, now).await;
    }
}

struct Counter<'a> {
    organisation: &'a Organisation,
    way: &'a Way,
    now: i64,
}

impl Counter<'_> {
    /// What it answers at once; what it says later is kept.
    async fn hears(&self, message: &Message) -> StoreResult<Vec<u8>> {
        let mut later: Vec<(i64, Message)> = Vec::new();
        match message.kind.as_str() {
            kind::NEW_RX => self.fills(message, "prescribed", &mut later),
            kind::RENEWAL_RESPONSE => self.fills(message, "answered", &mut later),
            kind::CHANGE_RESPONSE => self.fills(message, "prescribed", &mut later),
            kind::CANCEL => later.push((ANSWERS, self.cancels(message).await?)),
            kind::HISTORY_REQUEST => later.push((ANSWERS, self.remembers(message))),
            _ => {}
        }
        let order = message.header("order").unwrap_or("none").to_owned();
        let changes: Vec<ItemChange> = later
            .into_iter()
            .enumerate()
            .map(|(at, (seconds, it))| {
                let due = self.now + seconds * SECOND + at as i64;
                let control = message.header("id").unwrap_or_default();
                let name = format!("{due:020}/{order}/{control}-{at}");
                ItemChange::put(SHELF, name, Bytes::from(write(&it, self.way.wire.mapping())))
            })
            .collect();
        if !changes.is_empty() {
            self.organisation.store.keep(&CALLER, Event::of("simulate"), changes, self.now).await?;
        }
        let status =
            Message::new(kind::STATUS).with(self.header(message, "s", 0)).with(Part::new("status").say("code", "010"));
        Ok(write(&status, self.way.wire.mapping()))
    }

    /// From the pharmacy that was written to. Its numbers are made from ours, so that it says the same each time.
    fn header(&self, about: &Message, mark: &str, seconds: i64) -> Part {
        let control = about.header("id").unwrap_or_default();
        let number: String = about.header("order").unwrap_or_default().chars().take(12).collect();
        Part::new(HEADER)
            .maybe("to", about.header("from"))
            .say("to.kind", "D")
            .maybe("from", about.header("to").or(Some("network")))
            .say("from.kind", "P")
            .say("id", format!("{mark}{}", control.chars().take(32).collect::<String>()))
            .say("relates-to", control)
            .say("sent", moment(self.now + seconds * SECOND))
            .say("pharmacy-order", format!("RX-{number}"))
            .maybe("order", about.header("order"))
    }

    fn with_parties(&self, message: Message, about: &Message) -> Message {
        let parts = ["patient", "pharmacy", "prescriber"].iter().filter_map(|it| about.part(it)).cloned();
        parts.fold(message, Message::with)
    }

    /// Fills a prescription, whichever message brought it, or does what it has a habit of.
    fn fills(&self, about: &Message, part: &str, later: &mut Vec<(i64, Message)>) {
        let Some(prescribed) = about.part(part).filter(|_| about.get("response", "outcome") != Some("denied")) else {
            return;
        };
        let prescribed = prescribed.clone().called("prescribed");
        let drug = prescribed.get("drug").unwrap_or_default();
        // Whoever agreed to the other medicine is not asked again.
        let habit = if about.kind == kind::CHANGE_RESPONSE { Habit::Fills } else { habit(drug) };
        if let Habit::Refused(says) = habit {
            let error = Part::new("status").say("code", "900").say("description", says);
            later.push((VERIFIED, Message::new(kind::ERROR).with(self.header(about, "e", VERIFIED)).with(error)));
            return;
        }
        let verify = Part::new("verify").say("code", "010");
        later.push((VERIFIED, Message::new(kind::VERIFY).with(self.header(about, "v", VERIFIED)).with(verify)));
        if let Habit::OutOfStock(instead) = habit {
            let change = Part::new("change")
                .say("code", "out-of-stock")
                .say("reason", "The tablets are out of stock; capsules are here");
            let requested = Part { name: "requested".into(), ..prescribed.clone() }.say("drug", instead);
            let requested = without(requested, &["rxnorm", "written", "effective", "schedule"]);
            let message = Message::new(kind::CHANGE_REQUEST).with(self.header(about, "c", ASKS_FOR_OTHER)).with(change);
            let message = self.with_parties(message, about).with(prescribed).with(requested);
            later.push((ASKS_FOR_OTHER, message));
            return;
        }
        later.push((FILLED, self.fill(about, &prescribed, "f", FILLED, "dispensed", None)));
        if let Habit::NotPickedUp = habit {
            later.push((
                PUT_BACK,
                self.fill(about, &prescribed, "n", PUT_BACK, "none", Some("Nobody came for it; it was put back")),
            ));
            return;
        }
        later.push((PICKED_UP, self.fill(about, &prescribed, "p", PICKED_UP, "sold", None)));
        if prescribed.get("refills").is_none_or(|it| it == "0") && prescribed.get("schedule").is_none() {
            let dispensed = self.dispensed(&prescribed, PICKED_UP, true).say("requested-refills", "3");
            let message = Message::new(kind::RENEWAL_REQUEST).with(self.header(about, "r", ASKS_AGAIN));
            later.push((ASKS_AGAIN, self.with_parties(message, about).with(dispensed).with(prescribed)));
        }
    }

    fn fill(
        &self,
        about: &Message,
        prescribed: &Part,
        mark: &str,
        seconds: i64,
        outcome: &str,
        note: Option<&str>,
    ) -> Message {
        let sold = outcome == "sold";
        let status = Part::new("fill").say("outcome", if sold { "dispensed" } else { outcome }).maybe("note", note);
        let message = Message::new(kind::FILL).with(self.header(about, mark, seconds)).with(status);
        self.with_parties(message, about).with(prescribed.clone()).with(self.dispensed(prescribed, seconds, sold))
    }

    fn dispensed(&self, prescribed: &Part, seconds: i64, sold: bool) -> Part {
        let today = moment(self.now + seconds * SECOND)[..10].to_owned();
        let part = Part { name: "dispensed".into(), ..prescribed.clone() };
        let part = without(part, &["effective", "schedule", "diagnosis", "diagnosis.words"])
            .say("last-fill", moment(self.now)[..10].to_owned());
        if sold { part.say("sold", today) } else { part }
    }

    /// What was not handed out yet is not handed out any more.
    async fn cancels(&self, about: &Message) -> StoreResult<Message> {
        let order = about.header("order").unwrap_or_default();
        let known: Option<(Order, u64)> = order_of(&self.organisation.store, order, self.now).await?;
        let gone = known.is_some_and(|(it, _)| it.stage == Stage::PickedUp && it.refills_left() == Some(0));
        let response = if gone {
            Part::new("response").say("outcome", "denied").say("denial", "It was picked up already, and has no refills")
        } else {
            let waiting = self.organisation.store.items(SHELF, None, None, AT_ONCE, self.now).await?;
            let mine = waiting.into_iter().filter(|it| it.name.split('/').nth(1) == Some(order));
            let changes: Vec<ItemChange> = mine.map(|it| ItemChange::delete(SHELF, it.name)).collect();
            if !changes.is_empty() {
                self.organisation.store.keep(&CALLER, Event::of("simulate"), changes, self.now).await?;
            }
            Part::new("response").say("outcome", "approved").say("note", "It will not be filled again")
        };
        let message = Message::new(kind::CANCEL_RESPONSE).with(self.header(about, "x", ANSWERS)).with(response);
        Ok(self.with_parties(message, about))
    }

    fn remembers(&self, about: &Message) -> Message {
        let response = Part::new("response").say("outcome", "approved");
        let message = Message::new(kind::HISTORY_RESPONSE).with(self.header(about, "h", ANSWERS)).with(response);
        let message = about.part("patient").cloned().into_iter().fold(message, Message::with);
        OUTSIDE.iter().fold(message, |message, (drug, quantity, days, sig, pharmacy, ago)| {
            let on = moment(self.now - ago * 86_400 * SECOND)[..10].to_owned();
            let part = Part::new("dispensed")
                .say("drug", *drug)
                .say("quantity", *quantity)
                .say("days", *days)
                .say("sig", *sig)
                .say("pharmacy", *pharmacy)
                .say("last-fill", on);
            message.with(part)
        })
    }
}

fn without(mut part: Part, facts: &[&str]) -> Part {
    facts.iter().for_each(|it| drop(part.facts.remove(*it)));
    part
}
