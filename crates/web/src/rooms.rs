//! The rooms of video visits while they are open: who sits in them, and what is to be told to whom. Two seats, one for the
//! clinician and one for the patient; what one says goes to the other. Signals of browsers to each other pass through
//! and are not kept; what was written stays until the room is left. Nothing here outlives the process, and nothing is
//! written anywhere: what belongs to the record is an Encounter (`care::video`).

use axum::response::sse::Event;
use futures::Stream;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Lines of one conversation that are kept.
const LINES: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Seat {
    Clinician,
    Patient,
}

impl Seat {
    fn other(self) -> Seat {
        match self {
            Seat::Clinician => Seat::Patient,
            Seat::Patient => Seat::Clinician,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Seat::Clinician => "clinician",
            Seat::Patient => "patient",
        }
    }
}

#[derive(Default)]
struct Room {
    seats: HashMap<Seat, (u64, UnboundedSender<Value>)>,
    lines: Vec<Value>,
    consented: bool,
}

impl Room {
    fn tell(&self, seat: Seat, what: Value) {
        if let Some((_, to)) = self.seats.get(&seat) {
            // Whoever has just left is told nothing; their seat is emptied by the stream that ends.
            to.send(what).ok();
        }
    }
}

/// All rooms of the installation, by organisation and encounter.
#[derive(Clone, Default)]
pub(crate) struct Rooms(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    rooms: HashMap<String, Room>,
    sittings: u64,
}

impl Rooms {
    /// Takes a seat. Whoever sat there before, in another window, is told that they are elsewhere now.
    pub(crate) fn sit(&self, room: &str, seat: Seat, admitted: bool) -> Sitting {
        let (to, from) = unbounded_channel();
        let mut inner = self.0.lock().expect("no holder panics");
        inner.sittings += 1;
        let number = inner.sittings;
        let here = inner.rooms.entry(room.to_owned()).or_default();
        here.tell(seat, json!({ "kind": "elsewhere" }));
        here.seats.insert(seat, (number, to));
        here.tell(
            seat,
            json!({ "kind": "state", "admitted": admitted, "other": here.seats.contains_key(&seat.other()),
                "consented": here.consented, "lines": here.lines }),
        );
        here.tell(seat.other(), json!({ "kind": "came", "who": seat.name() }));
        Sitting { rooms: self.clone(), room: room.to_owned(), seat, number, from }
    }

    /// What browsers tell each other to meet.
    pub(crate) fn signal(&self, room: &str, from: Seat, data: Value) {
        self.with(room, |here| here.tell(from.other(), json!({ "kind": "signal", "data": data })));
    }

    /// A line of the conversation, for both.
    pub(crate) fn write(&self, room: &str, from: Seat, text: &str, at: i64) {
        self.with(room, |here| {
            let line = json!({ "kind": "line", "who": from.name(), "text": text, "at": at / 1_000 });
            here.lines.push(line.clone());
            let most = here.lines.len().saturating_sub(LINES);
            here.lines.drain(..most);
            here.tell(Seat::Clinician, line.clone());
            here.tell(Seat::Patient, line);
        });
    }

    /// The patient agreed.
    pub(crate) fn consent(&self, room: &str) {
        self.with(room, |here| {
            here.consented = true;
            here.tell(Seat::Clinician, json!({ "kind": "consented" }));
        });
    }

    pub(crate) fn has_consented(&self, room: &str) -> bool {
        self.0.lock().expect("no holder panics").rooms.get(room).is_some_and(|it| it.consented)
    }

    pub(crate) fn admit(&self, room: &str) {
        self.with(room, |here| {
            here.tell(Seat::Clinician, json!({ "kind": "admitted" }));
            here.tell(Seat::Patient, json!({ "kind": "admitted" }));
        });
    }

    /// Over: both are told, and the room is gone.
    pub(crate) fn end(&self, room: &str) {
        self.with(room, |here| {
            here.tell(Seat::Clinician, json!({ "kind": "ended" }));
            here.tell(Seat::Patient, json!({ "kind": "ended" }));
        });
        self.0.lock().expect("no holder panics").rooms.remove(room);
    }

    fn with(&self, room: &str, work: impl FnOnce(&mut Room)) {
        if let Some(here) = self.0.lock().expect("no holder panics").rooms.get_mut(room) {
            work(here);
        }
    }

    fn leave(&self, room: &str, seat: Seat, number: u64) {
        let mut inner = self.0.lock().expect("no holder panics");
        let Some(here) = inner.rooms.get_mut(room) else { return };
        if here.seats.get(&seat).is_some_and(|it| it.0 == number) {
            here.seats.remove(&seat);
            here.tell(seat.other(), json!({ "kind": "left", "who": seat.name() }));
        }
        if here.seats.is_empty() && here.lines.is_empty() && !here.consented {
            inner.rooms.remove(room);
        }
    }
}

/// Someone in a seat: what they are told, one after the other. The seat is left when this ends.
pub(crate) struct Sitting {
    rooms: Rooms,
    room: String,
    seat: Seat,
    number: u64,
    from: UnboundedReceiver<Value>,
}

impl Stream for Sitting {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.from.poll_recv(context).map(|it| it.map(|what| Ok(Event::default().data(what.to_string()))))
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        self.rooms.leave(&self.room, self.seat, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sitting: &mut Sitting) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(it) = sitting.from.try_recv() {
            all.push(it["kind"].as_str().unwrap_or_default().to_owned());
        }
        all
    }

    #[test]
    fn what_one_says_the_other_is_told() {
        let rooms = Rooms::default();
        let mut clinician = rooms.sit("a", Seat::Clinician, false);
        let mut patient = rooms.sit("a", Seat::Patient, false);
        let mut elsewhere = rooms.sit("b", Seat::Patient, false);
        rooms.signal("a", Seat::Patient, json!({"sdp": "x"}));
        rooms.consent("a");
        rooms.write("a", Seat::Clinician, "Can you hear me?", 1);
        rooms.admit("a");
        assert_eq!(told(&mut clinician), ["state", "came", "signal", "consented", "line", "admitted"]);
        assert_eq!(told(&mut patient), ["state", "line", "admitted"]);
        assert_eq!(told(&mut elsewhere), ["state"], "rooms are apart");
        assert!(rooms.has_consented("a") && !rooms.has_consented("b"));
    }

    #[test]
    fn a_second_window_takes_the_seat_and_the_first_does_not_empty_it() {
        let rooms = Rooms::default();
        let mut clinician = rooms.sit("a", Seat::Clinician, true);
        let mut first = rooms.sit("a", Seat::Patient, true);
        let second = rooms.sit("a", Seat::Patient, true);
        assert_eq!(told(&mut first), ["state", "elsewhere"]);
        drop(first);
        assert_eq!(told(&mut clinician), ["state", "came", "came"], "nobody left");
        drop(second);
        assert_eq!(told(&mut clinician), ["left"]);
        rooms.end("a");
        assert_eq!(told(&mut clinician), ["ended"]);
        drop(clinician);
        assert!(rooms.0.lock().unwrap().rooms.is_empty());
    }
}
