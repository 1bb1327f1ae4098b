//! Documents that go to others (screen C-17): what is known of the patient as one document, made on the spot, kept as
//! it went out, and ready to be opened or sent.

use crate::components::form::{Errors, choice, field, lines};
use crate::components::{day, shell};
use crate::locale::Words;
use crate::pages::notes::{SHEET, writes};
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::Path;
use care::chart::When;
use care::exchange::documents::Kind;
use care::exchange::documents::{self, Made, Told};
use maud::{Markup, html};
use serde::Deserialize;

/// Documents that can be made → what pages call them.
const KINDS: [(&str, Kind, &str); 4] = [
    ("summary", Kind::ContinuityOfCare, "exchange-kind-summary"),
    ("referral", Kind::ReferralNote, "exchange-kind-referral"),
    ("discharge", Kind::DischargeSummary, "exchange-kind-discharge"),
    ("plan", Kind::CarePlan, "exchange-kind-plan"),
];

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    recipient: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    instructions: String,
    #[serde(default)]
    once: String,
}

fn named(words: &Words) -> Vec<(&'static str, String)> {
    KINDS.iter().map(|(key, _, name)| (*key, words.say(name))).collect()
}

pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    if !writes(&visitor) {
        return Err(Refusal::NotFound);
    }
    let words = visitor.words;
    let banner = visitor.chart(&patient).banner().await?;
    let base = visitor.address_of(patient.as_str());
    let kinds = named(words);
    let kinds: Vec<(&str, &str)> = kinds.iter().map(|(key, name)| (*key, name.as_str())).collect();
    let none = Errors::none();
    let main = html! {
        header.section-head {
            h1 { (words.say("exchange-make")) }
            p { a href={ (base) "/documents" } { (words.say("notes-to-documents")) } }
        }
        p { (words.say("exchange-make-says")) }
        form.stacked.narrow-form method="post" action={ (base) "/documents/make" } data-commit="" {
            input type="hidden" name="once" value=(visitor.once());
            (choice("kind", &words.say("exchange-kind"), &kinds, "summary"))
            (field("recipient", &words.say("exchange-recipient")).maxlength(120).hint(&words.say("exchange-recipient-hint")).optional().show(words, &none))
            (lines("reason", &words.say("exchange-reason"), "", Some(&words.say("exchange-reason-hint")), &none))
            (lines("instructions", &words.say("exchange-instructions"), "", None, &none))
            div.buttons {
                button.primary type="submit" { (words.with("exchange-make-for", &[("patient", banner.person.name().into())])) }
                a href={ (base) "/documents" } { (words.say("filing-cancel")) }
            }
        }
    };
    Ok(shell::chart(&visitor, &banner, "documents", (words.say("exchange-make"), SHEET), main))
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Answer {
    let patient = id(&patient)?;
    if !writes(&visitor) {
        return Err(Refusal::NotFound);
    }
    let (_, kind, _) = KINDS.iter().find(|(key, ..)| *key == given.kind).ok_or(Refusal::NotFound)?;
    let said = |text: &'_ str| Some(text.trim().to_owned()).filter(|it| !it.is_empty());
    let (recipient, reason, instructions) = (said(&given.recipient), said(&given.reason), said(&given.instructions));
    let made = Made {
        kind: *kind,
        recipient: recipient.as_deref(),
        reason: reason.as_deref(),
        instructions: instructions.as_deref(),
        once: &given.once,
    };
    let document = documents::make(&visitor.pen(), &patient, &made).await?;
    Ok(see_other(&format!("{}/documents/{document}?done=made", visitor.address_of(patient.as_str()))))
}

/// Types of entries → what pages call them.
const ENTRIES: [(&str, &str); 9] = [
    ("Condition", "exchange-problems"),
    ("AllergyIntolerance", "exchange-allergies"),
    ("MedicationRequest", "exchange-medications"),
    ("Immunization", "exchange-immunizations"),
    ("Procedure", "exchange-procedures"),
    ("DiagnosticReport", "exchange-reports"),
    ("Observation", "exchange-observations"),
    ("Goal", "exchange-goals"),
    ("FamilyMemberHistory", "exchange-family"),
];

/// What a document told, beside its words: by kind, with what still waits for somebody to decide.
pub(crate) fn told(visitor: &Visitor, base: &str, told: &[Told]) -> Markup {
    let words = visitor.words;
    if told.is_empty() {
        return html! {};
    }
    let waits = told.iter().filter(|it| it.waits).count();
    html! {
        section aria-labelledby="told" {
            h2 #told { (words.say("exchange-told")) }
            @if waits > 0 {
                p {
                    (words.with("exchange-waits", &[("count", waits.into())]))
                    @if writes(visitor) { " " a href={ (base) "/reconcile" } { (words.say("exchange-reconcile")) } }
                }
            }
            @for (kind, name) in ENTRIES {
                @let of: Vec<&Told> = told.iter().filter(|it| it.kind == kind).collect();
                @if !of.is_empty() {
                    details open[of.len() <= 12] {
                        summary { (words.say(name)) " (" (of.len()) ")" }
                        ul.lines {
                            @for it in of {
                                li { (it.name) @if let Some(when) = it.when.as_deref().and_then(When::parse) { " " span.quiet { (day(&when)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
