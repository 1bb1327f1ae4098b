//! What the patient's own devices measured: each measure with its last value, its days as a picture, mean, range and time
//! in range; and the form by which an export is brought.

use crate::components::card::empty;
use crate::components::form::{Errors, field};
use crate::components::shell::{self, Needs};
use crate::components::table::table;
use crate::components::{day, notice};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::extract::{Multipart, Path, Query};
use axum::http::StatusCode;
use care::chart::When;
use care::devices::{self, DeviceError, LARGEST, Overview, Trend};
use care::exchange::door::DoorError;
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;

const NEEDS: Needs = Needs::of(&["devices.css"], &[]);
/// What the form may hold.
pub(crate) const BODY: usize = LARGEST + 64 * 1024;
/// Days that are looked at.
const DAYS: i64 = 30;

/// Key of a measure → the key of its name.
const NAMES: [(&str, &str); 9] = [
    ("heart-rate", "devices-heart-rate"),
    ("systolic", "devices-systolic"),
    ("diastolic", "devices-diastolic"),
    ("oxygen", "devices-oxygen"),
    ("glucose", "devices-glucose"),
    ("weight", "devices-weight"),
    ("temperature", "devices-temperature"),
    ("respiration", "devices-respiration"),
    ("steps", "devices-steps"),
];

fn named(words: &Words, trend: &Trend) -> String {
    NAMES.iter().find(|(key, _)| *key == trend.key).map_or_else(|| trend.name.to_owned(), |(_, name)| words.say(name))
}

fn unit(words: &Words, trend: &Trend) -> String {
    match trend.unit {
        "mm[Hg]" => "mmHg".to_owned(),
        "Cel" => "°C".to_owned(),
        "{steps}/d" => words.say("devices-steps-unit"),
        other => other.to_owned(),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    new: Option<u32>,
    known: u32,
    left: u32,
    alarms: u32,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let patient = id(&patient)?;
    show(&visitor, &patient, &asked, &Errors::none()).await
}

async fn show(visitor: &Visitor, patient: &Id, asked: &Asked, errors: &Errors) -> Answer {
    let words = visitor.words;
    let pen = visitor.pen();
    let banner = visitor.chart(patient).banner().await?;
    let seen = devices::overview(pen.organisation, pen.caller, patient, DAYS, pen.now).await?;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        header.section-head {
            h1 { (words.say("devices-title")) }
            p { a href={ (base) "/vitals" } { (words.say("devices-to-vitals")) } }
        }
        (errors.summary())
        @if let Some(new) = asked.new {
            (notice::told(&words.with("devices-taken", &[("new", new.into()), ("known", asked.known.into()), ("left", asked.left.into())])))
            @if asked.alarms > 0 { (notice::caution(html! { (words.with("devices-alarms", &[("count", asked.alarms.into())])) })) }
        }
        @if seen.trends.is_empty() { (empty(&words.with("devices-none", &[("days", DAYS.into())]))) }
        @else { (measured(words, &seen)) }
        @if devices::may_bring(pen.organisation, pen.caller) {
            section aria-labelledby="bring" {
                h2 #bring { (words.say("devices-bring")) }
                form.stacked.narrow-form method="post" enctype="multipart/form-data" action={ (base) "/devices" } data-commit="" {
                    (field("file", &words.say("devices-file")).kind("file").hint(&words.say("devices-file-hint")).show(words, errors))
                    div.buttons { button.primary type="submit" { (words.with("devices-bring-for", &[("patient", banner.person.name().into())])) } }
                }
            }
        }
    };
    let title = errors.title(words, &words.say("devices-title"));
    let mut response = shell::chart(visitor, &banner, "vitals", (title, NEEDS), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn measured(words: &Words, seen: &Overview) -> Markup {
    let heads =
        ["devices-measure", "devices-last", "devices-mean", "devices-range", "devices-in-range", "devices-days"];
    let heads: Vec<String> = heads.iter().map(|it| words.say(it)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows = seen.trends.iter().map(|it| {
        let unit = unit(words, it);
        vec![
            html! { (named(words, it)) },
            html! { (it.last) " " (unit) " " @if let Some(when) = When::parse(&it.at) { span.quiet { (day(&when)) } } },
            html! { (it.mean) " " (unit) },
            html! { (it.least) "–" (it.most) " " (unit) " " span.quiet { (words.with("devices-count", &[("count", it.count.into())])) } },
            html! { @match (it.in_range, it.usual) {
                (Some(part), Some([low, high])) => { (part) " % " span.quiet { (low) "–" (high) } },
                _ => { "–" },
            } },
            picture(words, it),
        ]
    });
    html! {
        (table(words, &words.with("devices-caption", &[("days", DAYS.into())]), &heads, rows.collect()))
        p.quiet { (words.with("devices-from", &[("sources", seen.sources.join(", ").into())])) " " (words.say("devices-patient-reported")) }
    }
}

/// The days of a measure: a bar from least to most with a dot at the mean, the usual range behind them.
fn picture(words: &Words, trend: &Trend) -> Markup {
    const WIDE: f64 = 180.0;
    const HIGH: f64 = 48.0;
    let (least, most) =
        trend.usual.map_or((trend.least, trend.most), |[low, high]| (trend.least.min(low), trend.most.max(high)));
    let span = (most - least).max(1.0);
    let y = |value: f64| 3.0 + (HIGH - 6.0) * (1.0 - (value - least) / span);
    let step = WIDE / trend.days.len().max(1) as f64;
    let says =
        words.with("devices-picture", &[("measure", named(words, trend).into()), ("days", trend.days.len().into())]);
    html! {
        svg.device-days viewBox={ "0 0 " (WIDE) " " (HIGH) } role="img" aria-label=(says) {
            @if let Some([low, high]) = trend.usual {
                rect.usual x="0" width=(WIDE) y=(format!("{:.1}", y(high))) height=(format!("{:.1}", (y(low) - y(high)).max(0.5))) {}
            }
            @for (nth, day) in trend.days.iter().rev().enumerate() {
                @let x = format!("{:.1}", step * (nth as f64 + 0.5));
                line.spread x1=(x) x2=(x) y1=(format!("{:.1}", y(day.least))) y2=(format!("{:.1}", y(day.most))) {}
                circle.mean cx=(x) cy=(format!("{:.1}", y(day.mean))) r="2.2" {}
            }
        }
    }
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    mut form: Multipart,
) -> Answer {
    let (words, patient) = (visitor.words, id(&patient)?);
    let Some(bytes) = sent(&mut form).await else {
        let errors = Errors::one("file", words.say("devices-error-size"));
        return show(&visitor, &patient, &Asked::default(), &errors).await;
    };
    let pen = visitor.pen();
    let key = match devices::take(pen.organisation, pen.caller, &patient, &bytes, pen.now).await {
        Ok(it) => {
            let said = format!("new={}&known={}&left={}&alarms={}", it.new, it.known, it.left_out, it.alarms);
            return Ok(see_other(&format!("{}/devices?{said}", visitor.address_of(patient.as_str()))));
        }
        Err(DeviceError::TooLarge) => "devices-error-size",
        Err(DeviceError::Unreadable | DeviceError::Door(DoorError::Invalid(_))) => "devices-error-unreadable",
        Err(DeviceError::Door(DoorError::Busy)) => "devices-error-busy",
        Err(DeviceError::Store(error) | DeviceError::Door(DoorError::Store(error))) => {
            return Err(Refusal::from(error));
        }
    };
    show(&visitor, &patient, &Asked::default(), &Errors::one("file", words.say(key))).await
}

/// The file of a form, empty when there was none; nothing when it is too large or broke off.
async fn sent(form: &mut Multipart) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(part) = form.next_field().await.ok()? {
        if part.name() == Some("file") {
            bytes = part.bytes().await.ok()?.to_vec();
        }
    }
    Some(bytes)
}
