//! How far a prescription has come at the pharmacy, in a line: with its icon and colour for staff, in plain words for the
//! patient. What a pharmacy wrote itself stays as it wrote it.

use super::day;
use super::icon::icon;
use crate::locale::Words;
use care::pharmacy::course::Cancelling;
use care::pharmacy::{Course, Left, Stage};
use maud::{Markup, html};

/// Stage → what staff and patients read, the colour.
const STAGES: [(Stage, &str, &str, &str); 9] = [
    (Stage::Waiting, "pharmacy-stage-waiting", "pharmacy-own-waiting", ""),
    (Stage::Sent, "pharmacy-stage-sent", "pharmacy-own-sent", ""),
    (Stage::Received, "pharmacy-stage-received", "pharmacy-own-received", ""),
    (Stage::Refused, "pharmacy-stage-refused", "pharmacy-own-refused", "critical"),
    (Stage::NotFilled, "pharmacy-stage-not-filled", "pharmacy-own-not-filled", "notable"),
    (Stage::Partial, "pharmacy-stage-partial", "pharmacy-own-partial", "notable"),
    (Stage::Filled, "pharmacy-stage-filled", "pharmacy-own-filled", "good"),
    (Stage::PickedUp, "pharmacy-stage-picked-up", "pharmacy-own-picked-up", "good"),
    (Stage::Withdrawn, "pharmacy-stage-withdrawn", "pharmacy-own-withdrawn", "quiet"),
];

/// Why it was not sent.
const TROUBLES: [(&str, &str); 4] = [
    ("no-number", "pharmacy-trouble-no-number"),
    ("no-prescriber", "pharmacy-trouble-no-prescriber"),
    ("controlled", "pharmacy-trouble-controlled"),
    ("unproved", "pharmacy-trouble-unproved"),
];

/// Why a pharmacy wants something else.
const REASONS: [(&str, &str); 7] = [
    ("generic", "pharmacy-why-generic"),
    ("therapeutic", "pharmacy-why-therapeutic"),
    ("clarification", "pharmacy-why-clarification"),
    ("authorization", "pharmacy-why-authorization"),
    ("use-review", "pharmacy-why-use-review"),
    ("out-of-stock", "pharmacy-why-out-of-stock"),
    ("provider", "pharmacy-why-provider"),
];

fn at(words: &Words, key: &str, course: &Course) -> String {
    words.with(key, &[("pharmacy", course.pharmacy.as_str().into())])
}

/// For the list of medications of staff.
pub(crate) fn course(words: &Words, it: &Course) -> Markup {
    let (_, key, _, class) = STAGES.iter().find(|row| row.0 == it.stage).expect("every stage has its words");
    html! {
        p.course data-stage=(it.stage.slug()) {
            span class={ "chip " (class) } {
                @if matches!(*class, "critical" | "notable") { (icon("alert")) } @else if *class == "good" { (icon("check")) }
                (at(words, key, it))
            }
            " " span.quiet { (day(&it.since)) }
            @if let Some(last) = &it.last_fill { span.quiet { ", " (words.say("pharmacy-last-fill")) " " (day(last)) } }
            @if let Left::Refills(count) = it.left { span.quiet { ", " (words.with("pharmacy-left", &[("count", count.into())])) } }
            @if let Some(trouble) = &it.trouble { span.under { (trouble_of(words, trouble)) } }
            @if let Some(note) = &it.note { span.under { "“" (note) "”" } }
            @if let Some(cancel) = &it.cancel { span.under { (cancelling(words, it, cancel)) } }
        }
    }
}

fn cancelling(words: &Words, course: &Course, cancel: &Cancelling) -> Markup {
    html! {
        @match cancel {
            Cancelling::Asked => (at(words, "pharmacy-cancel-asked", course)),
            Cancelling::Agreed => (at(words, "pharmacy-cancel-agreed", course)),
            Cancelling::Denied(why) => {
                span.chip.critical { (icon("alert")) (at(words, "pharmacy-cancel-denied", course)) }
                @if let Some(why) = why { " “" (why) "”" }
            }
        }
    }
}

fn trouble_of(words: &Words, trouble: &str) -> String {
    TROUBLES.iter().find(|it| it.0 == trouble).map_or_else(|| trouble.to_owned(), |(_, key)| words.say(key))
}

/// Why a pharmacy wants something else; a code that no words know is told as it came.
pub(crate) fn reason(words: &Words, code: &str) -> String {
    REASONS.iter().find(|it| it.0 == code).map_or_else(|| code.to_owned(), |(_, key)| words.say(key))
}

/// For the patient: where it is, and how often it can still be had.
pub(crate) fn own(words: &Words, it: &Course) -> Markup {
    let (_, _, key, class) = STAGES.iter().find(|row| row.0 == it.stage).expect("every stage has its words");
    let left = match it.left {
        Left::Refills(0) if it.last_fill.is_some() => Some(words.say("pharmacy-own-none-left")),
        Left::Refills(count) if count > 0 => Some(words.with("pharmacy-left", &[("count", count.into())])),
        _ => None,
    };
    html! {
        span.under.course data-stage=(it.stage.slug()) {
            span class={ "chip " (class) } { @if *class == "good" { (icon("check")) } (at(words, key, it)) }
            @if matches!(it.stage, Stage::Filled | Stage::PickedUp) { @if let Some(last) = &it.last_fill { " " (day(last)) } }
            @if let Some(left) = left { " · " (left) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;
    use care::chart::When;

    #[test]
    fn every_stage_is_told_to_staff_and_patient_in_both_languages() {
        for stage in Stage::ALL {
            let it = Course {
                pharmacy: "Harbor <Street>".into(),
                stage,
                since: When::of_micros(0),
                last_fill: None,
                left: Left::Refills(2),
                note: None,
                trouble: None,
                cancel: Some(Cancelling::Asked),
            };
            for locale in [Locale::English, Locale::Spanish] {
                for text in [course(locale.words(), &it).into_string(), own(locale.words(), &it).into_string()] {
                    assert!(text.contains("Harbor &lt;Street&gt;") && !text.contains("pharmacy-"), "{text}");
                }
            }
        }
    }
}
