//! The lists of a chart as people keep them (screen C-09): problems, medications, allergies, vaccines; the history; the
//! plan of care. Each says when it was last looked over and by whom; each row who said it, when and where it came from.

pub(crate) mod labels;
pub(crate) mod one;

use crate::components::card::{empty, not_shown};
use crate::components::form::act;
use crate::components::icon::icon;
use crate::components::outside;
use crate::components::shell::{self, Needs};
use crate::components::{day, day_or_none};
use crate::request::{Answer, Refusal, Visitor, id, see_other, typed};
use axum::extract::{Form, Path};
use care::act::Act;
use care::chart::{Section, Standing};
use care::entries::{self, List, Review, Row};
use care::pharmacy::{Course, course};
use fhir::Id;
use labels::{field_name, list_empty, list_name, spoken};
use maud::{Markup, html};
use store::Action;

pub(crate) const NEEDS: Needs = Needs::of(&["entry.css", "orders.css"], &["combo.js", "entry.js"]);

type Address = Path<(String, String)>;
/// How far prescriptions have come, by their ids.
type Courses = std::collections::HashMap<String, Course>;

/// Pages of several lists: (end of the address, what it is called, its lists).
const PAGES: [(&str, &str, &[List]); 6] = [
    ("problems", "lists-problems", &[List::Problems]),
    ("medications", "lists-medications", &[List::Medications]),
    ("allergies", "lists-allergies", &[List::Allergies]),
    ("immunizations", "lists-immunizations", &[List::Immunizations]),
    (
        "history",
        "lists-history",
        &[List::Procedures, List::Family, List::Smoking, List::Social, List::Needs, List::Devices],
    ),
    ("care", "lists-care", &[List::Goals, List::Plans, List::Team]),
];

/// The page that a list stands on.
fn page_of(list: List) -> &'static str {
    PAGES.iter().find(|(_, _, lists)| lists.contains(&list)).map_or("", |(slug, ..)| slug)
}

pub(crate) async fn problems(visitor: Visitor, address: Address) -> Answer {
    page(visitor, address, 0).await
}

pub(crate) async fn medications(visitor: Visitor, address: Address) -> Answer {
    page(visitor, address, 1).await
}

pub(crate) async fn allergies(visitor: Visitor, address: Address) -> Answer {
    page(visitor, address, 2).await
}

pub(crate) async fn immunizations(visitor: Visitor, address: Address) -> Answer {
    page(visitor, address, 3).await
}

pub(crate) async fn history(visitor: Visitor, address: Address) -> Answer {
    page(visitor, address, 4).await
}

pub(crate) async fn care_plan(visitor: Visitor, address: Address) -> Answer {
    page(visitor, address, 5).await
}

async fn page(visitor: Visitor, Path((_, patient)): Address, which: usize) -> Answer {
    let patient = id(&patient)?;
    let (slug, title, lists) = PAGES[which];
    let pen = visitor.pen();
    let banner = visitor.chart(&patient).banner().await?;
    let words = visitor.words;
    let mut parts = Vec::with_capacity(lists.len());
    let medicines = lists.contains(&List::Medications);
    let courses = if medicines { course::of_patient(&pen, &patient).await? } else { Courses::new() };
    let fills = if medicines {
        crate::pages::pharmacy::of_medications(&visitor, &patient).await?
    } else {
        html! {}
    };
    for list in lists {
        let (rows, review) =
            tokio::try_join!(entries::rows(&pen, &patient, *list), entries::review(&pen, &patient, *list))?;
        parts.push(section(&visitor, (&patient, &courses), *list, &rows, review.as_ref(), lists.len() == 1));
    }
    let main = html! {
        div.entry-lists {
            @if lists.len() > 1 { header.section-head { h1 { (words.say(title)) } } }
            @for part in parts { (part) }
            (fills)
        }
    };
    Ok(shell::chart(&visitor, &banner, slug, (words.say(title), NEEDS), main))
}

/// One list with what can be done to it.
fn section(
    visitor: &Visitor,
    (patient, courses): (&Id, &Courses),
    list: List,
    rows: &Section<Row>,
    review: Option<&Review>,
    alone: bool,
) -> Markup {
    let words = visitor.words;
    let pen = visitor.pen();
    let name = words.say(list_name(list));
    let heading = format!("list-{}", list.slug());
    let base = format!("{}/lists/{}", visitor.address_of(patient.as_str()), list.slug());
    let may_add = pen.may(Action::Create, list.kind()) && !rows.refused;
    let groups = [
        (
            "lists-now",
            rows.rows
                .iter()
                .filter(|it| matches!(it.standing, Standing::Active | Standing::OnHold))
                .collect::<Vec<_>>(),
        ),
        ("lists-past", rows.rows.iter().filter(|it| it.standing == Standing::Past).collect()),
        ("lists-mistakes", rows.rows.iter().filter(|it| it.standing == Standing::Mistaken).collect()),
    ];
    html! {
        section.entry-list aria-labelledby=(heading) data-live=(list.kind()) {
            header.section-head {
                @if alone { h1 id=(heading) { (name) } } @else { h2 id=(heading) { (name) } }
                @if may_add { a.button href={ (base) "/new" } data-drawer { (icon("plus")) (words.say("lists-add")) span.spoken { ": " (name) } } }
                @if may_add && list.section().is_some() && pen.may(Action::Create, "List") {
                    @let once = visitor.once();
                    @if list == List::Allergies && rows.rows.iter().all(|it| it.standing != Standing::Active) {
                        (act(&format!("{base}/none"), &[("once", &once)], &words.say("lists-no-known-allergies"), None))
                    } @else {
                        (act(&format!("{base}/reviewed"), &[("once", &once)], &words.say("lists-reviewed"), None))
                    }
                }
                @if let Some(review) = review {
                    p.quiet.reviewed { (words.say("lists-looked-over")) " " (day(&review.when)) @if let Some(who) = &review.who { ", " (who) } @if review.none { " – " (words.say("lists-none-known")) } }
                }
            }
            @if rows.more { p.similar-note { (words.with("lists-more", &[("count", rows.rows.len().into())])) } }
            @if rows.refused { (not_shown(words, &name)) }
            @else if groups[0].1.is_empty() { (empty(&words.say(list_empty(list)))) }
            @for (at, (group, rows)) in groups.iter().enumerate() {
                @if !rows.is_empty() {
                    @if at == 0 { (table(visitor, (list, courses), &base, &name, rows)) }
                    @else { details { summary { (words.say(group)) " (" (rows.len()) ")" } (table(visitor, (list, courses), &base, &format!("{name}: {}", words.say(group)), rows)) } }
                }
            }
            @if !rows.apart.is_empty() {
                div.of-others {
                    (outside::waiting(visitor, &visitor.address_of(patient.as_str()), rows.apart.len(), page_of(list)))
                    (table(visitor, (list, courses), &base, &format!("{name}: {}", words.with("reconcile-waiting", &[("count", rows.apart.len().into())])), &rows.apart.iter().collect::<Vec<_>>()))
                }
            }
        }
    }
}

fn table(visitor: &Visitor, (list, courses): (List, &Courses), base: &str, caption: &str, rows: &[&Row]) -> Markup {
    let words = visitor.words;
    let changes = visitor.pen().may(Action::Update, list.kind());
    html! {
        table.rows.entries {
            caption.spoken { (caption) }
            thead { tr {
                th scope="col" { (words.say("lists-what")) } th scope="col" { (words.say("lists-since")) }
                th scope="col" { (words.say("lists-details")) } th scope="col" { (words.say("lists-recorded")) }
            } }
            tbody { @for row in rows { (line(visitor, list, base, row, (changes, courses.get(row.key.id.as_str())))) } }
        }
    }
}

fn line(visitor: &Visitor, list: List, base: &str, row: &Row, (changes, course): (bool, Option<&Course>)) -> Markup {
    let words = visitor.words;
    let opens = row.may_change && list != List::Team;
    html! {
        tr.mistaken[row.standing == Standing::Mistaken].critical[row.critical && row.standing == Standing::Active] {
            th scope="row" {
                @if opens { a href={ (base) "/" (row.key.id) } data-drawer { (row.title) } } @else { (row.title) }
                @if let Some(code) = &row.code { " " span.quiet.code { (code) } }
                @if row.critical { " " span.chip.critical { (icon("alert")) (words.say("lists-high-risk")) } }
                @if row.free { " " span.chip.doubt { (words.say("lists-free-text")) } }
                @if let Some(status) = &row.status { " " span.chip { (spoken(words, "status", status)) } }
                @if let Some(note) = &row.note { p.note { (note) } }
                @if let (Some(course), "MedicationRequest") = (course, row.key.kind.name()) { (crate::components::pharmacy::course(words, course)) }
                @if row.standing == Standing::Active && row.key.kind.name() == "MedicationRequest" && !row.apart {
                    @let chart = base.split("/lists/").next().unwrap_or_default();
                    (crate::components::orders::of_prescription(visitor, chart, row.key.id.as_str(), &row.title))
                }
            }
            td { (day_or_none(words, row.since.as_ref())) @if let Some(ended) = &row.ended { " – " (day(ended)) } }
            td {
                @if row.more.is_empty() { span.quiet { "–" } }
                @else { dl.known { @for (name, value) in &row.more { div { dt { (field_name(words, name)) } dd { (spoken(words, name, value)) } } } } }
            }
            td {
                (day_or_none(words, row.recorded.as_ref().or(row.since.as_ref())))
                @if let Some(who) = &row.who { " " span.quiet { (who) } }
                @if let Some(source) = &row.source { " " span.chip.source { (words.with("lists-from", &[("source", source.as_str().into())])) } }
                @if let (Some(nth), true, true) = (row.nth, changes, row.may_change) {
                    @let (once, nth, version) = (visitor.once(), nth.to_string(), row.version.to_string());
                    " " (crate::components::form::act_on(&format!("{base}/{}/settle", row.key.id), &[("once", &once), ("nth", &nth), ("version", &version), ("ending", "over")], &words.say("lists-leave"), Some(&row.title), None))
                }
            }
        }
    }
}

fn list_of(slug: &str) -> Result<List, Refusal> {
    List::parse(slug).ok_or(Refusal::NotFound)
}

/// Looked over, nothing to change.
pub(crate) async fn reviewed(
    visitor: Visitor,
    Path((_, patient, list)): Path<(String, String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let (patient, list) = (id(&patient)?, list_of(&list)?);
    let pen = visitor.pen();
    if list.section().is_none() || !pen.may(Action::Create, "List") {
        return Err(Refusal::NotFound);
    }
    let once = typed(sent).remove("once").unwrap_or_default();
    let act = Act::new("list.reviewed", &patient).once(once);
    visitor.written(entries::reviewed(&pen, &patient, list, act).await)?;
    Ok(see_other(&format!("{}/{}", visitor.address_of(patient.as_str()), page_of(list))))
}

/// Asked, and there are none.
pub(crate) async fn none(
    visitor: Visitor,
    Path((_, patient, list)): Path<(String, String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let (patient, list) = (id(&patient)?, list_of(&list)?);
    let pen = visitor.pen();
    if list != List::Allergies || !pen.may(Action::Create, list.kind()) {
        return Err(Refusal::NotFound);
    }
    let once = typed(sent).remove("once").unwrap_or_default();
    let act = Act::new("allergies.none-known", &patient).once(once);
    visitor.written(entries::no_allergies(&pen, &patient, act).await)?;
    Ok(see_other(&format!("{}/allergies", visitor.address_of(patient.as_str()))))
}
