//! Lists of patients (screen C-21): my panel, lists kept by hand, and cohorts found by a question and asked anew each time.
//! What is taken out as a file is written into the audit log as an export, with every patient in it.

use crate::components::card::empty;
use crate::components::form::{Errors, act, act_on, choice_of, field};
use crate::components::icon::icon;
use crate::components::{counted, day_or_none, notice, shell, words as said};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::IntoResponse;
use care::cohorts::{self, COMPARED, Cohort, Found, Question};
use care::desk::{self, Kept, LISTS};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;
use store::audit::Event;

const SEXES: [(&str, &str); 5] = [
    ("", "cohorts-any"),
    ("female", "common-sex-female"),
    ("male", "common-sex-male"),
    ("other", "common-sex-other"),
    ("unknown", "common-sex-unknown"),
];

/// The list of the visitor's own patients has no other name.
const PANEL: &str = "panel";

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    /// A patient to put on a list.
    #[serde(default)]
    patient: String,
    done: Option<String>,
}

/// All lists, and how to make one.
pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let words = visitor.words;
    let lists = desk::lists(visitor.store(), &visitor.caller, visitor.now).await?;
    let adding = Id::parse(&asked.patient);
    let main = html! {
        header.section-head {
            h1 { (words.say("cohorts-title")) }
            a.button.primary href=(visitor.at("lists/find")) { (icon("search")) (words.say("cohorts-find")) }
            a.button href=(visitor.at("lists/panel")) { (words.say("cohorts-panel")) }
        }
        (notice::done(words, asked.done.as_deref()))
        @if adding.is_some() { p.lead { (words.say("cohorts-add-lead")) } }
        @if lists.is_empty() { (empty(&words.say("cohorts-none"))) }
        @else {
            ul.lines.list-names {
                @for list in &lists {
                    li.line {
                        span.main { a href={ (visitor.at("lists/")) (list.id) } { (list.name) } }
                        span.side {
                            @if list.question.is_some() { (words.say("cohorts-asked")) }
                            @else { (counted(words, "cohorts-patients", list.patients.len())) }
                            @if let Some(patient) = adding.as_ref().filter(|_| list.question.is_none()) {
                                " " (act_on(&visitor.at(&format!("lists/{}/add", list.id)), &[("patient", patient.as_str())], &words.say("cohorts-add"), Some(&list.name), None))
                            }
                        }
                    }
                }
            }
        }
        form.stacked.narrow-form method="post" action=(visitor.at("lists")) {
            @if let Some(patient) = &adding { input type="hidden" name="patient" value=(patient.as_str()); }
            (field("name", &words.say("cohorts-new")).autocomplete("off").maxlength(80).show(words, &Errors::none()))
            div.buttons { button.primary[adding.is_some()] type="submit" { (words.say("cohorts-make")) } }
        }
    };
    Ok(shell::page(&visitor, words.say("cohorts-title"), main))
}

#[derive(Deserialize)]
pub(crate) struct Named {
    #[serde(default)]
    name: String,
    #[serde(default)]
    patient: String,
    /// The address of a question, for a list that is asked anew.
    #[serde(default)]
    question: String,
}

pub(crate) async fn make(visitor: Visitor, Form(given): Form<Named>) -> Answer {
    let lists = desk::lists(visitor.store(), &visitor.caller, visitor.now).await?;
    let question: Option<Question> = serde_urlencoded::from_str(&given.question).ok();
    let question = question.filter(|it| !it.is_empty());
    let name: String = given.name.trim().chars().take(80).collect();
    let name = match (name.is_empty(), &question) {
        (false, _) => name,
        (true, Some(question)) => cohorts::title(question),
        (true, None) => return Ok(see_other(&visitor.at("lists"))),
    };
    if lists.len() >= LISTS {
        return Err(Refusal::Cannot("cohorts-full"));
    }
    let list = Kept {
        id: visitor.organisation.surroundings.new_id(),
        name,
        patients: Id::parse(&given.patient).map(|it| it.to_string()).into_iter().collect(),
        question: question.and_then(|it| serde_urlencoded::to_string(it).ok()),
    };
    desk::keep_list(visitor.store(), &visitor.caller, &list, visitor.now).await?;
    Ok(see_other(&visitor.at(&format!("lists/{}?done=saved", list.id))))
}

/// A list of the visitor's, its name and who is on it now.
async fn of(visitor: &Visitor, list: &str) -> Result<(Kept, Cohort), Refusal> {
    let (store, caller, now) = (visitor.store(), &visitor.caller, visitor.now);
    if list == PANEL {
        let name = visitor.words.say("cohorts-panel");
        let panel = Kept { id: PANEL.into(), name, question: Some(String::new()), ..Kept::default() };
        let cohort = match &visitor.session.principal.person {
            Some(person) => cohorts::panel(store, caller, person).await?,
            None => Cohort::default(),
        };
        return Ok((panel, cohort));
    }
    let kept = desk::list(store, caller, list, now).await?.ok_or(Refusal::NotFound)?;
    let cohort = match &kept.question {
        Some(question) => {
            let question: Question = serde_urlencoded::from_str(question).unwrap_or_default();
            cohorts::of(store, caller, &question, now).await?
        }
        None => cohorts::these(store, caller, &kept.patients).await?,
    };
    Ok((kept, cohort))
}

pub(crate) async fn one(
    visitor: Visitor,
    Path((_, list)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let (kept, cohort) = of(&visitor, &list).await?;
    let words = visitor.words;
    let by_hand = kept.question.is_none();
    let at = |end: &str| visitor.at(&format!("lists/{}{end}", kept.id));
    let main = html! {
        header.section-head {
            h1 { (kept.name) }
            p.quiet { (counted(words, "cohorts-patients", cohort.found.len())) }
            @if !cohort.found.is_empty() { a.button href=(at("/export")) { (words.say("cohorts-export")) } }
            a href=(visitor.at("lists")) { (words.say("cohorts-all")) }
        }
        (notice::done(words, asked.done.as_deref()))
        (table(&visitor, &cohort, by_hand.then(|| at("/remove")).as_deref()))
        @if kept.id != PANEL {
            p.no-print { (act(&at("/drop"), &[], &words.say("cohorts-drop"), Some("danger"))) }
        }
    };
    Ok(shell::page(&visitor, kept.name.clone(), main))
}

#[derive(Deserialize)]
pub(crate) struct Which {
    patient: String,
}

pub(crate) async fn add(visitor: Visitor, Path((_, list)): Path<(String, String)>, Form(given): Form<Which>) -> Answer {
    change(&visitor, &list, &given, true).await
}

pub(crate) async fn remove(
    visitor: Visitor,
    Path((_, list)): Path<(String, String)>,
    Form(given): Form<Which>,
) -> Answer {
    change(&visitor, &list, &given, false).await
}

async fn change(visitor: &Visitor, list: &str, given: &Which, onto: bool) -> Answer {
    let patient = id(&given.patient)?;
    let (store, caller, now) = (visitor.store(), &visitor.caller, visitor.now);
    let mut kept = desk::list(store, caller, list, now).await?.ok_or(Refusal::NotFound)?;
    kept.patients.retain(|it| *it != patient.as_str());
    if onto {
        // Only whom one may see can be put on a list.
        visitor.chart(&patient).banner().await?;
        kept.patients.push(patient.to_string());
        kept.patients.truncate(cohorts::MOST);
    }
    desk::keep_list(store, caller, &kept, now).await?;
    Ok(see_other(&visitor.at(&format!("lists/{}?done=changed", kept.id))))
}

pub(crate) async fn drop_list(visitor: Visitor, Path((_, list)): Path<(String, String)>) -> Answer {
    desk::drop_list(visitor.store(), &visitor.caller, &list, visitor.now).await?;
    Ok(see_other(&visitor.at("lists?done=changed")))
}

/// Finding a cohort.
pub(crate) async fn find(visitor: Visitor, Query(question): Query<Question>) -> Answer {
    let words = visitor.words;
    let cohort = match question.is_empty() {
        true => None,
        false => Some(cohorts::of(visitor.store(), &visitor.caller, &question, visitor.now).await?),
    };
    let address = serde_urlencoded::to_string(&question).unwrap_or_default();
    let main = html! {
        header.section-head {
            h1 { (words.say("cohorts-find")) }
            a href=(visitor.at("lists")) { (words.say("cohorts-all")) }
        }
        (builder(&visitor, &question))
        @if let Some(cohort) = &cohort {
            section.found aria-labelledby="found-title" {
                div role="status" { h2 #found-title { (counted(words, "cohorts-patients", cohort.found.len())) } }
                (table(&visitor, cohort, None))
                @if !cohort.found.is_empty() {
                    div.buttons.no-print {
                        form.act method="post" action=(visitor.at("lists")) {
                            input type="hidden" name="question" value=(address);
                            button.primary type="submit" { (words.say("cohorts-keep")) }
                        }
                        a.button href={ (visitor.at("lists/find/export?")) (address) } { (words.say("cohorts-export")) }
                    }
                }
            }
        }
    };
    Ok(shell::page(&visitor, words.say("cohorts-find"), main))
}

fn builder(visitor: &Visitor, question: &Question) -> Markup {
    let words = visitor.words;
    let none = Errors::none();
    let compared: Vec<(&str, &str)> = COMPARED.to_vec();
    html! {
        form.filters.cohort role="search" action=(visitor.at("lists/find")) {
            (field("condition", &words.say("cohorts-condition")).value(&question.condition).hint(&words.say("cohorts-condition-hint")).autocomplete("off").free().show(words, &none))
            (field("drug", &words.say("cohorts-drug")).value(&question.drug).hint(&words.say("cohorts-drug-hint")).autocomplete("off").free().show(words, &none))
            (field("from", &words.say("cohorts-from")).value(&question.from).kind("number").autocomplete("off").free().show(words, &none))
            (field("to", &words.say("cohorts-to")).value(&question.to).kind("number").autocomplete("off").free().show(words, &none))
            (choice_of(words, "sex", &words.say("cohorts-sex"), &SEXES, &question.sex))
            (field("test", &words.say("cohorts-test")).value(&question.test).hint(&words.say("cohorts-test-hint")).autocomplete("off").literal().free().show(words, &none))
            (crate::components::form::choice("compare", &words.say("cohorts-compare"), &compared, &question.compare))
            (field("value", &words.say("cohorts-value")).value(&question.value).autocomplete("off").literal().free().show(words, &none))
            button.primary type="submit" { (words.say("cohorts-ask")) }
        }
    }
}

/// Those found, with two identifiers each. `remove` is where they can be taken off the list.
fn table(visitor: &Visitor, cohort: &Cohort, remove: Option<&str>) -> Markup {
    let words = visitor.words;
    if cohort.refused {
        return crate::components::card::not_shown(words, &words.say("cohorts-title"));
    }
    if cohort.found.is_empty() {
        return empty(&words.say("cohorts-nobody"));
    }
    let valued = cohort.found.iter().any(|it| it.last.is_some());
    let mut heads = vec![
        words.say("cohorts-name"),
        words.say("cohorts-born"),
        words.say("cohorts-sex"),
        words.say("cohorts-mrn"),
        words.say("common-phone"),
    ];
    heads.extend(valued.then(|| words.say("cohorts-last")));
    heads.extend(remove.map(|_| String::new()));
    let rows = cohort.found.iter().map(|it| {
        let person = &it.person;
        let mut row = vec![
            html! { a href=(visitor.address_of(&person.id)) { (person.name()) } },
            html! { (day_or_none(words, person.born.as_ref())) @if let Some(age) = person.age(visitor.now) { " (" (said::age(words, &age)) ")" } },
            html! { (said::sex(words, person.sex)) },
            html! { @match person.mrn() { Some(mrn) => { span.number { (mrn.shown) } } None => { span.quiet { "–" } } } },
            html! { (person.phone.as_deref().unwrap_or("–")) },
        ];
        if valued {
            row.push(html! { @if let Some(last) = &it.last { strong { (last.shown) } " " span.quiet { (day_or_none(words, last.when.as_ref())) } } });
        }
        if let Some(remove) = remove {
            row.push(act_on(remove, &[("patient", &person.id)], &words.say("cohorts-remove"), Some(&person.name()), None));
        }
        row
    });
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    html! {
        (crate::components::table::table(words, &words.say("cohorts-title"), &heads, rows.collect()))
        @if cohort.more { p.similar-note { (words.say("cohorts-more")) } }
    }
}

pub(crate) async fn export(visitor: Visitor, Path((_, list)): Path<(String, String)>) -> Answer {
    let (kept, cohort) = of(&visitor, &list).await?;
    taken(&visitor, &kept.name, &cohort).await
}

pub(crate) async fn export_found(visitor: Visitor, Query(question): Query<Question>) -> Answer {
    let cohort = cohorts::of(visitor.store(), &visitor.caller, &question, visitor.now).await?;
    taken(&visitor, &cohorts::title(&question), &cohort).await
}

/// The file, once the audit log holds that it was taken.
async fn taken(visitor: &Visitor, name: &str, cohort: &Cohort) -> Answer {
    let words = visitor.words;
    let patients: Vec<Id> = cohort.found.iter().filter_map(|it| Id::parse(&it.person.id)).collect();
    let event = Event { patients, ..Event::of("export").detail(format!("list of patients: {name}")) };
    visitor.store().record(&visitor.caller, event, visitor.now).await?;
    let heads = ["cohorts-name", "cohorts-born", "cohorts-sex", "cohorts-mrn", "common-phone", "cohorts-last"];
    let text = cohorts::csv(&heads.map(|it| words.say(it)), cohort.found.iter().map(|it| cells(words, it)));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"patients.csv\""),
    ];
    Ok((headers, text).into_response())
}

fn cells(words: &Words, found: &Found) -> Vec<String> {
    let person = &found.person;
    vec![
        person.name(),
        person.born.map_or(String::new(), |it| it.machine()),
        said::sex(words, person.sex),
        person.mrn().map_or(String::new(), |it| it.shown.clone()),
        person.phone.clone().unwrap_or_default(),
        found.last.as_ref().map_or(String::new(), |it| it.shown.clone()),
    ]
}
