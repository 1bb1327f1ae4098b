//! Video visits (screens C-20 and P-07): an Encounter of class VR (HL7 v3 ActCode, virtual) that waits, is under way and
//! ends; the consent of the patient, kept as a document (LOINC 59284-0) when they are let in; how long it took, in the
//! period and the history of the Encounter. Pictures and sound go from one browser to the other and never through here.
//! Passwords for a relay are made as coturn and others read them (draft-uberti-behave-turn-rest-00).

use crate::act::{Act, ActError, Pen, Written};
use crate::ask;
use crate::chart::When;
use crate::chart::element::{list, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhir::{Id, Key, Value};
use serde_json::json;
use store::{Caller, Store, StoreResult};

const CLASSES: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// Where a video visit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The room is open; who comes waits to be let in.
    Waiting,
    /// Since when they talk.
    Talking,
    Over,
}

#[derive(Clone, Debug)]
pub struct VideoVisit {
    pub id: Id,
    pub patient: Id,
    pub version: u64,
    pub standing: Standing,
    pub from: Option<When>,
    pub to: Option<When>,
}

impl VideoVisit {
    fn of(value: &Value) -> Option<VideoVisit> {
        let standing = match text(value, &["status"])? {
            "planned" | "arrived" | "triaged" => Standing::Waiting,
            "in-progress" | "onleave" => Standing::Talking,
            _ => Standing::Over,
        };
        (text(value, &["class", "code"]) == Some("VR")).then_some(())?;
        Some(VideoVisit {
            id: Id::parse(text(value, &["id"])?)?,
            patient: Id::parse(text(value, &["subject", "reference"])?.strip_prefix("Patient/")?)?,
            version: text(value, &["meta", "versionId"])?.parse().ok()?,
            standing,
            from: text(value, &["period", "start"]).and_then(When::parse),
            to: text(value, &["period", "end"]).and_then(When::parse),
        })
    }

    fn key(&self) -> Key {
        Key::parse(&format!("Encounter/{}", self.id)).expect("a checked id")
    }
}

/// The video visit of a patient that waits or is under way.
pub async fn open_of(store: &Store, caller: &Caller, patient: &Id) -> StoreResult<Option<VideoVisit>> {
    let asked = [
        ("patient", format!("Patient/{patient}")),
        ("class", "VR".to_owned()),
        ("status", "planned,arrived,triaged,in-progress,onleave".to_owned()),
        ("_sort", "-_lastUpdated".to_owned()),
    ];
    let rows = ask::matches(store, caller, "Encounter", &asked, 1).await?;
    Ok(rows.rows.first().and_then(|it| VideoVisit::of(&it.value)))
}

/// One video visit, if the caller may see it and it is one.
pub async fn one(store: &Store, caller: &Caller, visit: &Id) -> StoreResult<Option<VideoVisit>> {
    Ok(VideoVisit::of(&ask::read(store, caller, "Encounter", visit).await?.value))
}

/// Opens a room for a patient.
pub async fn begin(pen: &Pen<'_>, patient: &Id, mut act: Act) -> Result<Written, ActError> {
    let mut visit = json!({
        "resourceType": "Encounter",
        "meta": { "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter"] },
        "status": "planned",
        "class": { "system": CLASSES, "code": "VR", "display": "virtual" },
        "type": [{ "text": "Video visit" }],
        "subject": { "reference": format!("Patient/{patient}") },
    });
    if pen.author.is_some() {
        visit["participant"] = json!([{ "individual": pen.who() }]);
    }
    act.create(pen, visit);
    pen.commit(act).await
}

/// Lets the patient in. `consent` is what they agreed to, in the words they read; it is kept as a document.
pub async fn admit(pen: &Pen<'_>, visit: &VideoVisit, consent: &str, mut act: Act) -> Result<Written, ActError> {
    let (mut value, _) = ask::own(pen.store(), pen.caller, &visit.patient, "Encounter", &visit.id).await?;
    turn(&mut value, "in-progress", &pen.moment());
    value["period"] = json!({ "start": pen.moment() });
    act.update(visit.key(), visit.version, value);
    let told = format!("{consent}\n\n{} · {}", pen.moment(), pen.caller.display);
    act.create(
        pen,
        json!({
            "resourceType": "DocumentReference",
            "status": "current",
            "type": { "coding": [{ "system": "http://loinc.org", "code": "59284-0", "display": "Consent Document" }], "text": "Consent to a video visit" },
            "category": [{ "coding": [{ "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "code": "clinical-note" }] }],
            "subject": { "reference": format!("Patient/{}", visit.patient) },
            "date": pen.moment(),
            "author": [pen.who()],
            "content": [{ "attachment": { "contentType": "text/plain", "data": STANDARD.encode(told), "title": "Consent to a video visit" } }],
            "context": { "encounter": [{ "reference": format!("Encounter/{}", visit.id) }] },
        }),
    );
    pen.commit(act).await
}

/// Ends it, whether or not anybody was let in.
pub async fn end(pen: &Pen<'_>, visit: &VideoVisit, mut act: Act) -> Result<Written, ActError> {
    let (mut value, _) = ask::own(pen.store(), pen.caller, &visit.patient, "Encounter", &visit.id).await?;
    let talked = visit.standing == Standing::Talking;
    turn(&mut value, if talked { "finished" } else { "cancelled" }, &pen.moment());
    if talked {
        value["period"]["end"] = json!(pen.moment());
    }
    act.update(visit.key(), visit.version, value);
    pen.commit(act).await
}

/// Another status; the one before goes into the history with its time.
fn turn(value: &mut Value, status: &str, now: &str) {
    let before = text(value, &["status"]).unwrap_or("planned").to_owned();
    let mut history = list(value, "statusHistory").to_vec();
    let since = history.last().and_then(|it| text(it, &["period", "end"])).map(str::to_owned);
    let since = since.or_else(|| text(value, &["meta", "lastUpdated"]).map(str::to_owned));
    let mut period = json!({ "end": now });
    if let Some(since) = since.filter(|it| it.as_str() <= now) {
        period["start"] = json!(since);
    }
    history.push(json!({ "status": before, "period": period }));
    value["statusHistory"] = json!(history);
    value["status"] = json!(status);
}

/// A relay for those whose networks keep browsers from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relay {
    /// `turn:turn.example.org:3478`; more than one with commas.
    pub urls: String,
    /// Shared with the relay; a password of one hour is made with it.
    pub secret: String,
}

/// How long a password for the relay is good, in seconds.
const GOOD: i64 = 3_600;

impl Relay {
    /// The list that browsers take (W3C WebRTC, RTCIceServer), as JSON. Empty without a relay.
    pub fn servers(&self, who: &str, now: i64) -> String {
        if self.urls.is_empty() {
            return "[]".to_owned();
        }
        let urls: Vec<&str> = self.urls.split(',').map(str::trim).collect();
        if self.secret.is_empty() {
            return json!([{ "urls": urls }]).to_string();
        }
        // The name tells the relay no more than when it ends: who it was stays here.
        let tag = ring::digest::digest(&ring::digest::SHA256, who.as_bytes());
        let tag: String = tag.as_ref().iter().take(6).map(|it| format!("{it:02x}")).collect();
        let username = format!("{}:{tag}", now / 1_000_000 + GOOD);
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret.as_bytes());
        let credential = STANDARD.encode(ring::hmac::sign(&key, username.as_bytes()));
        json!([{ "urls": urls, "username": username, "credential": credential }]).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_encounter_by_video_is_a_video_visit() {
        let visit = |class: &str, status: &str| {
            VideoVisit::of(&json!({"id": "v", "meta": {"versionId": "3"}, "status": status, "class": {"code": class},
                "subject": {"reference": "Patient/p"}}))
        };
        assert!(visit("AMB", "planned").is_none());
        let waiting = visit("VR", "planned").expect("a video visit");
        assert_eq!((waiting.standing, waiting.version, waiting.patient.as_str()), (Standing::Waiting, 3, "p"));
        assert_eq!(visit("VR", "in-progress").map(|it| it.standing), Some(Standing::Talking));
        assert_eq!(visit("VR", "finished").map(|it| it.standing), Some(Standing::Over));
    }

    #[test]
    fn each_status_is_kept_with_its_time() {
        let mut value = json!({"status": "planned", "meta": {"lastUpdated": "2026-06-15T10:00:00Z"}});
        turn(&mut value, "in-progress", "2026-06-15T10:05:00Z");
        turn(&mut value, "finished", "2026-06-15T10:25:00Z");
        assert_eq!(value["status"], "finished");
        let history = value["statusHistory"].as_array().expect("a history");
        assert_eq!(history[0]["period"], json!({"start": "2026-06-15T10:00:00Z", "end": "2026-06-15T10:05:00Z"}));
        assert_eq!(history[1]["status"], "in-progress");
        assert_eq!(history[1]["period"]["start"], "2026-06-15T10:05:00Z");
    }

    #[test]
    fn a_password_for_the_relay_ends_and_names_nobody() {
        let relay = Relay { urls: "turn:turn.example.org:3478, turns:turn.example.org".into(), secret: "north".into() };
        let servers: Value = serde_json::from_str(&relay.servers("user/7", 1_000_000_000_000)).expect("JSON");
        assert_eq!(servers[0]["urls"], json!(["turn:turn.example.org:3478", "turns:turn.example.org"]));
        let username = servers[0]["username"].as_str().expect("a name");
        assert!(username.starts_with("1003600:") && !username.contains("user"), "{username}");
        assert!(servers[0]["credential"].as_str().is_some_and(|it| it.len() == 28));
        assert_eq!(Relay::default().servers("user/7", 0), "[]");
    }
}
