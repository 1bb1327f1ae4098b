//! The correction of one measurement: another value or "entered in error", each with a reason, as the next version; and
//! what it was before.

use super::{NEEDS, name_of};
use crate::components::form::{Errors, field};
use crate::components::shell;
use crate::request::{Answer, Refusal, Visitor, id, see_other, typed};
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use care::act::{Act, ActError};
use care::versions;
use care::vitals::{self, Correction, Typed};
use fhir::Id;
use maud::html;
use store::Action;

pub(crate) async fn page(visitor: Visitor, Path((_, patient, entry)): Path<(String, String, String)>) -> Answer {
    let (patient, entry) = (id(&patient)?, id(&entry)?);
    show(&visitor, &patient, &entry, &Typed::new(), &Errors::none()).await
}

async fn show(visitor: &Visitor, patient: &Id, entry: &Id, typed: &Typed, errors: &Errors) -> Answer {
    let pen = visitor.pen();
    if !pen.may(Action::Update, "Observation") {
        return Err(Refusal::NotFound);
    }
    let chart = visitor.chart(patient);
    let key = vitals::key(entry);
    let (banner, (reading, version), parts, history) = tokio::try_join!(
        chart.banner(),
        vitals::one(&pen, patient, entry),
        vitals::parts(&pen, patient, entry),
        versions::of(&pen, patient, &key),
    )?;
    let words = visitor.words;
    let base = visitor.address_of(patient.as_str());
    let action = format!("{base}/vitals/fix/{entry}");
    let text = |name: &str| typed.get(name).map_or("", String::as_str);
    let version = version.to_string();
    let hidden = html! {
        input type="hidden" name="once" value=(visitor.once());
        input type="hidden" name="version" value=(version);
    };
    let main = html! {
        div.entry-page {
            h1 { (words.with("vitals-correct-what", &[("what", reading.name.as_str().into())])) }
            (errors.summary())
            p { (words.say("vitals-now")) " " strong { (reading.value.with_unit()) } @if let Some(when) = &reading.when { ", " (when.date_and_time()) } @if let Some(who) = &reading.performer { ", " (who) } }
            @if reading.counts() {
                @if !parts.is_empty() {
                    form.stacked.narrow-form method="post" action=(action) {
                        (hidden)
                        @for (measure, number) in &parts {
                            @let unit = &measure.units[0];
                            @let label = format!("{} ({})", name_of(words, measure.key), unit.shown);
                            @let value = typed.get(measure.key).cloned().unwrap_or_else(|| number.to_string());
                            (field(measure.key, &label).value(&value).literal().maxlength(12).show(words, errors))
                        }
                        (field("reason", &words.say("vitals-why")).value(text("reason")).maxlength(300).show(words, errors))
                        div.buttons { button.primary type="submit" name="act" value="correct" data-commit { (words.with("vitals-correct-save", &[("patient", banner.person.name().into())])) } }
                    }
                }
                details {
                    summary { (words.say("vitals-mistaken")) }
                    form.stacked.narrow-form method="post" action=(action) {
                        (hidden)
                        (field("reason-mistaken", &words.say("vitals-why")).value(text("reason-mistaken")).maxlength(300).show(words, errors))
                        div.buttons { button.danger type="submit" name="act" value="mistaken" { (words.say("vitals-mistaken-save")) } }
                    }
                }
            } @else { p.notice.caution { (words.say("vitals-is-mistaken")) } }
            section aria-labelledby="versions" {
                h2 #versions { (words.say("vitals-versions")) }
                ul.lines {
                    @for version in &history {
                        @let was = vitals::as_it_was(version);
                        li.line.tall {
                            span.main { span.value { (was.value.with_unit()) } @if !was.counts() { " " span.chip.mistaken { (words.say("vitals-entered-in-error")) } } }
                            span.side { (version.when.date_and_time()) }
                            span.under { @if let Some(who) = &version.who { (who) } @if let Some(why) = &version.why { " – " (why) } }
                        }
                    }
                }
            }
        }
    };
    let mut response =
        shell::chart(visitor, &banner, "vitals", (errors.title(words, &words.say("vitals-correct")), NEEDS), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, patient, entry)): Path<(String, String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let (patient, entry) = (id(&patient)?, id(&entry)?);
    let pen = visitor.pen();
    if !pen.may(Action::Update, "Observation") {
        return Err(Refusal::NotFound);
    }
    let typed = typed(sent);
    let text = |name: &str| typed.get(name).map_or("", String::as_str);
    let mistaken = text("act") == "mistaken";
    let place = if mistaken { "reason-mistaken" } else { "reason" };
    if text(place).is_empty() {
        let errors = Errors::one(place, visitor.words.say("vitals-why-needed"));
        return show(&visitor, &patient, &entry, &typed, &errors).await;
    }
    let version: u64 = text("version").parse().unwrap_or(0);
    let name = if mistaken { "vitals.mistaken" } else { "vitals.correct" };
    let act = Act::new(name, &patient).once(text("once")).reason(text(place));
    if mistaken {
        visitor.written(vitals::mistaken(&pen, &patient, &entry, version, act).await)?;
    } else {
        let parts = vitals::parts(&pen, &patient, &entry).await?;
        let corrections: Vec<Correction<'_>> = parts
            .iter()
            .map(|(measure, _)| Correction { measure: measure.key, words: text(measure.key), unit: None })
            .collect();
        let years = vitals::age_of(&pen, &patient).await?;
        match vitals::correct(&pen, &patient, &entry, version, years, &corrections, act).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                let mut errors = Errors::none();
                for (measure, _) in &parts {
                    let (low, high) = measure.absolute();
                    let fits =
                        text(measure.key).replace(',', ".").parse::<f64>().is_ok_and(|it| (low..=high).contains(&it));
                    if !fits {
                        let bounds =
                            [("low", low.into()), ("high", high.into()), ("unit", measure.units[0].shown.into())];
                        errors.add(measure.key, visitor.words.with("vitals-outside", &bounds));
                    }
                }
                if errors.is_empty() {
                    errors.add("reason", visitor.words.say("vitals-not-a-number"));
                }
                return show(&visitor, &patient, &entry, &typed, &errors).await;
            }
            Err(ActError::Conflict { .. }) => {
                let errors = Errors::one("reason", visitor.words.say("common-act-conflict"));
                return show(&visitor, &patient, &entry, &typed, &errors).await;
            }
            Err(other) => drop(visitor.written(Err(other))?),
        }
    }
    Ok(see_other(&format!("{}/vitals/new", visitor.address_of(patient.as_str()))))
}
