//! Two records beside each other: who they are, what speaks for one person and what against, and field by field what each
//! says. What differs is marked by a sign and a word, not by colour alone.

use crate::components::day;
use crate::components::icon::icon;
use crate::components::words as said_words;
use crate::locale::Words;
use crate::request::Visitor;
use care::chart::When;
use care::identity::merge::CHOICES;
use care::identity::queue::Pair;
use care::identity::{Field, Level, Score};
use care::people::Person;
use fhir::Value;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Field of a score → its name.
const FIELDS: [(Field, &str); 8] = [
    (Field::Given, "duplicates-given"),
    (Field::Family, "duplicates-family"),
    (Field::Born, "duplicates-born"),
    (Field::Sex, "duplicates-gender"),
    (Field::Home, "duplicates-address"),
    (Field::Phone, "duplicates-phone"),
    (Field::Email, "duplicates-email"),
    (Field::Number, "duplicates-identifier"),
];

const LEVELS: [(Level, &str); 6] = [
    (Level::Same, "duplicates-level-same"),
    (Level::Variant, "duplicates-level-variant"),
    (Level::Swapped, "duplicates-level-swapped"),
    (Level::Close, "duplicates-level-close"),
    (Level::Part, "duplicates-level-part"),
    (Level::Other, "duplicates-level-other"),
];

/// Member of Patient → its name.
const MEMBERS: [(&str, &str); 10] = [
    ("name", "duplicates-name"),
    ("birthDate", "duplicates-born"),
    ("gender", "duplicates-gender"),
    ("address", "duplicates-address"),
    ("telecom", "duplicates-telecom"),
    ("communication", "duplicates-communication"),
    ("maritalStatus", "duplicates-marital"),
    ("contact", "duplicates-contact"),
    ("generalPractitioner", "duplicates-practitioner"),
    ("identifier", "duplicates-identifier"),
];

fn key_of<T: PartialEq>(table: &[(T, &'static str)], of: &T) -> &'static str {
    table.iter().find(|(it, _)| it == of).map_or("common-not-recorded", |(_, key)| key)
}

/// How likely it is, as a chip.
pub(super) fn chance(words: &Words, score: &Score) -> Markup {
    html! { span.chip.notable { (words.with("duplicates-percent", &[("percent", score.percent().into())])) } }
}

/// Who the two are, by more than one mark each.
pub(super) fn identity(visitor: &Visitor, people: &[Person; 2]) -> Markup {
    let words = visitor.words;
    html! {
        div.pair-people {
            @for person in people {
                p {
                    strong { (person.name()) } br;
                    (words.say("common-born")) " " @match &person.born { Some(born) => (day(born)), None => (words.say("common-not-recorded")) }
                    ", " (said_words::sex(words, person.sex)) br;
                    @match person.mrn() { Some(mrn) => { "MRN " span.number { (mrn.shown) } } None => { (words.say("common-no-mrn")) } }
                }
            }
        }
    }
}

/// What each field says, in words and as a bar: to the right what speaks for one person, to the left what against.
pub(super) fn explained(words: &Words, score: &Score) -> Markup {
    html! {
        ul.weights {
            @for it in &score.fields {
                li {
                    span.weight-field { (words.say(key_of(&FIELDS, &it.field))) }
                    span.weight-level { (words.say(key_of(&LEVELS, &it.level))) }
                    (bar(it.weight))
                    span.weight-says { (words.say(if it.weight >= 0.5 { "duplicates-for" } else if it.weight <= -0.5 { "duplicates-against" } else { "duplicates-neither" })) }
                }
            }
        }
    }
}

/// From the middle, at most sixteen bits to either side.
fn bar(weight: f64) -> Markup {
    let length = (weight.abs() * 100.0 / 16.0).min(100.0);
    let from = if weight < 0.0 { 100.0 - length } else { 100.0 };
    let class = if weight < 0.0 { "against" } else { "for" };
    html! {
        svg.weight-bar viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.track x="0" y="0" width="200" height="10" {}
            rect class=(class) x=(format!("{from:.1}")) y="0" width=(format!("{length:.1}")) height="10" {}
            rect.middle x="99.5" y="0" width="1" height="10" {}
        }
    }
}

/// Both records field by field. With a choice it is part of a form: which of the two stays, and which says what.
pub(super) fn table(
    visitor: &Visitor,
    pair: &Pair,
    people: &[Person; 2],
    choice: Option<(&str, &BTreeMap<String, String>)>,
) -> Markup {
    let words = visitor.words;
    let sides = [("one", &pair.one), ("other", &pair.other)];
    let at = |side: usize| visitor.address_of(&people[side].id);
    html! {
        div.sides {
            @if let Some((stays, _)) = choice {
                fieldset.side-row.stays {
                    legend { (words.say("duplicates-which-stays")) }
                    @for (number, (side, _)) in sides.iter().enumerate() {
                        label.tick { input type="radio" name="survivor" value=(side) checked[*side == stays]; span { (words.with("duplicates-record", &[("number", (number + 1).into())])) ": " (people[number].name()) @if let Some(mrn) = people[number].mrn() { ", MRN " (mrn.shown) } } }
                    }
                }
            }
            p.side-links { @for (number, person) in people.iter().enumerate() { a href=(at(number)) { (words.with("duplicates-open", &[("number", (number + 1).into())])) span.spoken { " " (person.name()) } } " " } }
            @for (member, key) in MEMBERS {
                @let told = sides.map(|(_, patient)| said(words, patient, member));
                @if told.iter().any(|it| !it.is_empty()) {
                    @let differs = told[0] != told[1];
                    @let chosen = choice.filter(|_| differs && CHOICES.contains(&member) && told.iter().all(|it| !it.is_empty()));
                    fieldset.side-row.differs[differs] {
                        legend { (words.say(key)) @if differs { " " span.chip.notable { (icon("alert")) (words.say("duplicates-differs")) } } }
                        @for (number, (side, _)) in sides.iter().enumerate() {
                            div.side {
                                @if let Some((stays, typed)) = chosen {
                                    @let checked = typed.get(member).map_or(stays, String::as_str) == *side;
                                    label.tick { input type="radio" name=(member) value=(side) checked[checked]; span { (listed(words, &told[number])) } }
                                } @else { (listed(words, &told[number])) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn listed(words: &Words, lines: &[String]) -> Markup {
    html! {
        @if lines.is_empty() { span.absent { (words.say("common-not-recorded")) } }
        @for (at, line) in lines.iter().enumerate() { @if at > 0 { br; } (line) }
    }
}

/// What a record says in a member, in lines.
fn said(words: &Words, patient: &Value, member: &str) -> Vec<String> {
    let text = |value: &Value, member: &str| value[member].as_str().unwrap_or_default().to_owned();
    let each = |member: &str| patient[member].as_array().cloned().unwrap_or_default();
    let joined =
        |parts: Vec<String>, by: &str| parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(by);
    let strings = |value: &Value, member: &str| {
        let items = value[member].as_array().into_iter().flatten();
        items.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    let concept = |value: &Value| {
        let text = text(value, "text");
        if text.is_empty() {
            value["coding"][0]["display"]
                .as_str()
                .or(value["coding"][0]["code"].as_str())
                .unwrap_or_default()
                .to_owned()
        } else {
            text
        }
    };
    let mut lines: Vec<String> = match member {
        "birthDate" => {
            let born = patient["birthDate"].as_str().and_then(When::parse);
            vec![born.map_or(String::new(), |it| it.date())]
        }
        "gender" => match Person::of(patient).sex {
            Some(sex) => vec![said_words::sex(words, Some(sex))],
            None => Vec::new(),
        },
        "name" => each("name")
            .iter()
            .map(|it| {
                let name = joined(vec![text(it, "family").to_uppercase(), strings(it, "given")], ", ");
                let name = if name.is_empty() { text(it, "text") } else { name };
                joined(vec![name, text(it, "use")], " – ")
            })
            .collect(),
        "address" => each("address")
            .iter()
            .map(|it| {
                let place = joined(
                    vec![strings(it, "line"), text(it, "city"), text(it, "state"), text(it, "postalCode")],
                    ", ",
                );
                if place.is_empty() { text(it, "text") } else { place }
            })
            .collect(),
        "telecom" => each("telecom").iter().map(|it| text(it, "value")).collect(),
        "communication" => each("communication").iter().map(|it| concept(&it["language"])).collect(),
        "maritalStatus" => vec![concept(&patient["maritalStatus"])],
        "contact" => each("contact")
            .iter()
            .map(|it| {
                joined(vec![text(&it["name"], "text"), strings(&it["name"], "given"), text(&it["name"], "family")], " ")
            })
            .collect(),
        "generalPractitioner" => each("generalPractitioner")
            .iter()
            .map(|it| {
                let name = text(it, "display");
                if name.is_empty() { text(it, "reference") } else { name }
            })
            .collect(),
        _ => Person::of(patient).identifiers.iter().map(|it| format!("{} {}", it.label, it.shown)).collect(),
    };
    lines.retain(|it| !it.trim().is_empty());
    lines
}
