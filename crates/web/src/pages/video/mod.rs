//! The video visit (screens C-20 and P-07): the clinician opens a room, the patient finds it in the portal, checks the
//! device, agrees and waits; the clinician lets them in, with the chart beside the picture. Signals go through here
//! (server-sent events one way, posts the other); pictures and sound go from browser to browser.

use crate::components::card::empty;
use crate::components::{lists, shell};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use crate::rooms::Seat;
use axum::Form;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use care::act::Act;
use care::chart::{Standing as Stands, Summary};
use care::video::{self, Standing, VideoVisit};
use futures::StreamExt;
use maud::{Markup, html};
use serde::Deserialize;
use std::time::Duration;

/// How often a room looks whether the program is stopping.
const GLANCE: Duration = Duration::from_millis(500);

const NEEDS: shell::Needs = shell::Needs::of(&["video.css"], &["rtc.js"]);

/// The one place where a page may ask for camera and microphone.
fn with_devices(mut response: Response) -> Response {
    let policy = HeaderValue::from_static("camera=(self), microphone=(self), geolocation=()");
    response.headers_mut().insert(HeaderName::from_static("permissions-policy"), policy);
    response
}

/// The chart's page of it: the room when there is one, else how to open it.
pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let visit = video::open_of(visitor.store(), &visitor.caller, &patient);
    let (summary, visit) = tokio::try_join!(chart.summary(), visit)?;
    let words = visitor.words;
    let main = match &visit {
        Some(visit) => room(&visitor, visit, Seat::Clinician, Some(&summary)),
        None => html! {
            header.section-head { h1 { (words.say("video-title")) } }
            p.lead { (words.say("video-lead")) }
            form method="post" action={ (visitor.address_of(patient.as_str())) "/video" } {
                input type="hidden" name="once" value=(visitor.once());
                input type="hidden" name="act" value="begin";
                button.primary type="submit" { (words.say("video-begin")) }
            }
        },
    };
    Ok(with_devices(shell::chart(&visitor, &summary.banner, "video", (words.say("video-title"), NEEDS), main)))
}

#[derive(Deserialize)]
pub(crate) struct Given {
    act: String,
    #[serde(default)]
    once: String,
}

/// Opens a room, lets the patient in, ends the visit.
pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Answer {
    let patient = id(&patient)?;
    let (pen, once) = (visitor.pen(), given.once.as_str());
    let open = video::open_of(visitor.store(), &visitor.caller, &patient).await?;
    match (given.act.as_str(), open) {
        ("begin", None) => {
            let act = Act::new("video.begin", &patient).once(once);
            visitor.written(video::begin(&pen, &patient, act).await)?;
        }
        ("admit", Some(visit)) if visit.standing == Standing::Waiting => {
            let room = room_of(&visitor, &visit);
            // Nobody is let in who has not agreed; they agree on their own page, or in words to the clinician.
            let said = match visitor.web.rooms.has_consented(&room) {
                true => visitor.words.say("video-consent-own"),
                false => visitor.words.say("video-consent-spoken"),
            };
            let consent = format!("{}\n{said}", visitor.words.say("video-consent"));
            let act = Act::new("video.admit", &patient).once(once);
            visitor.written(video::admit(&pen, &visit, &consent, act).await)?;
            visitor.web.rooms.admit(&room);
        }
        ("end", Some(visit)) => {
            let act = Act::new("video.end", &patient).once(once);
            visitor.written(video::end(&pen, &visit, act).await)?;
            visitor.web.rooms.end(&room_of(&visitor, &visit));
            return Ok(see_other(&visitor.address_of(patient.as_str())));
        }
        _ => {}
    }
    Ok(see_other(&format!("{}/video", visitor.address_of(patient.as_str()))))
}

/// The portal's page of it.
pub(crate) async fn own(visitor: Visitor) -> Answer {
    let Some(patient) = visitor.caller.patient.clone() else { return Err(Refusal::NotFound) };
    let words = visitor.words;
    let main = match video::open_of(visitor.store(), &visitor.caller, &patient).await? {
        Some(visit) => room(&visitor, &visit, Seat::Patient, None),
        None => html! {
            h1 { (words.say("video-title")) }
            (empty(&words.say("video-none")))
            p { (words.say("video-none-when")) }
        },
    };
    Ok(with_devices(shell::portal(&visitor, "portal/video", (words.say("video-title"), NEEDS), main)))
}

fn room_of(visitor: &Visitor, visit: &VideoVisit) -> String {
    format!("{}/{}", visitor.organisation.slug, visit.id)
}

/// The visit and where this visitor sits; `NotFound` for everybody else.
async fn seat(visitor: &Visitor, visit: &str) -> Result<(VideoVisit, Seat), Refusal> {
    let visit = video::one(visitor.store(), &visitor.caller, &id(visit)?).await?.ok_or(Refusal::NotFound)?;
    match (visitor.is_patient(), visitor.caller.patient.as_ref() == Some(&visit.patient)) {
        (true, true) => Ok((visit, Seat::Patient)),
        (false, _) if visitor.may(shell::CHART) => Ok((visit, Seat::Clinician)),
        _ => Err(Refusal::NotFound),
    }
}

/// What the room tells whoever sits in it, as it happens.
pub(crate) async fn events(visitor: Visitor, Path((_, visit)): Path<(String, String)>) -> Answer {
    let (visit, seat) = seat(&visitor, &visit).await?;
    if visit.standing == Standing::Over {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let sitting = visitor.web.rooms.sit(&room_of(&visitor, &visit), seat, visit.standing == Standing::Talking);
    // A room must not keep the program from stopping; browsers come back by themselves.
    let surroundings = visitor.organisation.surroundings.clone();
    let stop = async move {
        while !surroundings.closing() {
            tokio::time::sleep(GLANCE).await;
        }
    };
    Ok(Sse::new(sitting.take_until(Box::pin(stop))).keep_alive(KeepAlive::default()).into_response())
}

#[derive(Deserialize)]
pub(crate) struct Said {
    kind: String,
    #[serde(default)]
    data: String,
}

/// The longest line of the conversation, and the longest signal.
const LINE: usize = 2_000;
const SIGNAL: usize = 60_000;

/// What somebody in the room says: a signal, a line, that they agree.
pub(crate) async fn say(visitor: Visitor, Path((_, visit)): Path<(String, String)>, Form(said): Form<Said>) -> Answer {
    let (visit, seat) = seat(&visitor, &visit).await?;
    let room = room_of(&visitor, &visit);
    let rooms = &visitor.web.rooms;
    match (said.kind.as_str(), visit.standing) {
        // Before they are let in there is nothing to see or to hear.
        ("signal", Standing::Talking) if said.data.len() <= SIGNAL => match serde_json::from_str(&said.data) {
            Ok(data) => rooms.signal(&room, seat, data),
            Err(_) => return Ok(StatusCode::BAD_REQUEST.into_response()),
        },
        ("line", Standing::Waiting | Standing::Talking) => {
            let text: String = said.data.trim().chars().take(LINE).collect();
            if !text.is_empty() {
                rooms.write(&room, seat, &text, visitor.now);
            }
        }
        ("consent", Standing::Waiting | Standing::Talking) if seat == Seat::Patient => rooms.consent(&room),
        _ => return Ok(StatusCode::CONFLICT.into_response()),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The room as this seat sees it. What changes is changed by `rtc.js`; without it the page says so.
fn room(visitor: &Visitor, visit: &VideoVisit, seat: Seat, summary: Option<&Summary>) -> Markup {
    let (words, clinician) = (visitor.words, seat == Seat::Clinician);
    let talking = visit.standing == Standing::Talking;
    let base = visitor.address_of(visit.patient.as_str());
    let servers = visitor.organisation.surroundings.relay().servers(&visitor.caller.who, visitor.now);
    html! {
        h1 { (words.say("video-title")) }
        noscript { p.error { (words.say("video-needs-script")) } }
        div.room data-room=(visitor.at(&format!("video/{}", visit.id))) data-seat=(if clinician { "clinician" } else { "patient" })
            data-servers=(servers) data-admitted[talking] data-from=[visit.from.as_ref().filter(|_| talking).map(|it| it.at())] {
            p.room-state role="status" data-state=""
                data-waiting=(words.say(if clinician { "video-waiting" } else { "video-wait" }))
                data-here=(words.say("video-here")) data-connecting=(words.say("video-connecting")) data-talking=(words.say("video-talking"))
                data-left=(words.say("video-left")) data-ended=(words.say("video-ended")) data-elsewhere=(words.say("video-elsewhere"))
                data-consented=(words.say("video-consented")) data-nodevice=(words.say("video-no-device")) {
                (words.say(if clinician { "video-waiting" } else { "video-wait" }))
            }
            div.stage {
                video.theirs autoplay playsinline aria-label=(words.say("video-theirs")) {}
                video.mine autoplay playsinline muted aria-label=(words.say("video-mine")) {}
            }
            div.buttons.room-tools {
                button type="button" data-devices="" { (words.say("video-check")) }
                button type="button" data-mute="" aria-pressed="false" disabled { (words.say("video-mute")) }
                button type="button" data-dark="" aria-pressed="false" disabled { (words.say("video-dark")) }
                span.room-clock data-clock="" aria-label=(words.say("video-clock")) {}
                @if clinician {
                    @if !talking {
                        form.act method="post" action={ (base) "/video" } {
                            input type="hidden" name="act" value="admit";
                            input type="hidden" name="once" value=(visitor.once());
                            button.primary type="submit" { (words.say("video-admit")) }
                        }
                    }
                    form.act method="post" action={ (base) "/video" } {
                        input type="hidden" name="act" value="end";
                        input type="hidden" name="once" value=(visitor.once());
                        button.danger type="submit" { (words.say("video-end")) }
                    }
                }
            }
            @if clinician && !talking { p.quiet { (words.say("video-admit-consent")) } }
            @if !clinician {
                form.room-consent data-consent="" {
                    label.tick { input type="checkbox" required; span { (words.say("video-consent")) } }
                    button.primary type="submit" { (words.say("video-agree")) }
                }
                p.help { (words.say("video-phone")) }
            }
            section.chat aria-labelledby="chat-title" {
                h2 #chat-title { (words.say("video-chat")) }
                ol.chat-lines role="log" aria-live="polite" tabindex="0" aria-labelledby="chat-title" data-lines=""
                    data-clinician=(words.say("video-clinician")) data-patient=(words.say("video-patient")) {}
                form.search-row data-chat="" {
                    label.spoken for="chat-line" { (words.say("video-line")) }
                    input #chat-line type="text" maxlength=(LINE) autocomplete="off";
                    button type="submit" { (words.say("video-send")) }
                }
            }
            @if let Some(summary) = summary { (beside(words, summary, &base)) }
        }
    }
}

/// What one wants to have in sight while talking.
fn beside(words: &Words, summary: &Summary, base: &str) -> Markup {
    let problems = || summary.problems.rows.iter().filter(|it| it.standing == Stands::Active && !it.of_visit);
    let medications =
        || summary.medications.rows.iter().filter(|it| matches!(it.standing, Stands::Active | Stands::OnHold));
    html! {
        section.peek aria-label=(words.say("video-chart")) {
            h2 { a href=(base) target="_blank" { (words.say("video-chart")) } }
            h3 { (words.say("chart-problems")) }
            @if problems().count() == 0 { (empty(&words.say("chart-no-active-problems"))) }
            @else { ul.lines { @for it in problems().take(8) { (lists::problem_line(words, it)) } } }
            h3 { (words.say("chart-medications")) }
            @if medications().count() == 0 { (empty(&words.say("chart-no-current-medications"))) }
            @else { ul.lines { @for it in medications().take(10) { (lists::medication_line(words, it)) } } }
        }
    }
}
