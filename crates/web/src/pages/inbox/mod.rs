//! What requires action (screen C-13): folders, the entries of one, and one entry with what can be done about it. Every way
//! out is a disposition; there is no button that merely makes an entry disappear. All of it are forms; the script adds keys.

mod detail;
mod settings;
mod write;

pub(crate) use detail::conversation;
pub(crate) use settings::{page as settings, submit as settings_submit};
pub(crate) use write::{page as new, patient_page, patient_submit, submit as new_submit};

use crate::components::card::{empty, not_shown};
use crate::components::icon::icon;
use crate::components::shell::Needs;
use crate::components::{live, shell};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::Query;
use care::act::ActError;
use care::inbox::{self, Count, Detail, Entry, Folder, Inbox, Priority};
use care::people::Hit;
use fhir::{Id, Key};
use maud::{Markup, html};
use serde::Deserialize;

pub(crate) const NEEDS: Needs = Needs::of(&["inbox.css"], &["inbox.js"]);

/// Folder → the key of its name. The order is that of the page.
const NAMES: [(Folder, &str); 12] = [
    (Folder::Results, "inbox-folder-results"),
    (Folder::Refills, "inbox-folder-refills"),
    (Folder::PatientMessages, "inbox-folder-messages"),
    (Folder::StaffMessages, "inbox-folder-staff"),
    (Folder::Documents, "inbox-folder-documents"),
    (Folder::Outside, "inbox-folder-outside"),
    (Folder::Referrals, "inbox-folder-referrals"),
    (Folder::CoSigns, "inbox-folder-cosigns"),
    (Folder::Unsigned, "inbox-folder-unsigned"),
    (Folder::Expiring, "inbox-folder-expiring"),
    (Folder::Alerts, "inbox-folder-alerts"),
    (Folder::Unmatched, "inbox-folder-unmatched"),
];

/// What was done, in the address → what the page says.
const SAID: [(&str, &str); 8] = [
    ("acknowledged", "inbox-said-acknowledged"),
    ("forwarded", "inbox-said-forwarded"),
    ("sent", "inbox-said-sent"),
    ("filed", "inbox-said-filed"),
    ("matched", "inbox-said-matched"),
    ("batch", "inbox-said-batch"),
    ("part", "inbox-said-part"),
    ("faster", "inbox-said-faster"),
];

pub(super) fn name(folder: Folder) -> &'static str {
    NAMES.iter().find(|it| it.0 == folder).map_or("inbox-title", |it| it.1)
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    folder: String,
    item: Option<String>,
    said: Option<String>,
    /// Of a result without a patient: what to look for, and who was chosen.
    q: Option<String>,
    to: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let pen = visitor.pen();
    inbox::catch_up(&visitor.organisation, visitor.now).await?;
    let inbox = inbox::open(&pen).await?;
    let folder = Folder::parse(&asked.folder).unwrap_or_else(|| first(&inbox));
    let item = match asked.item.as_deref() {
        Some(item) => Some(id(item)?),
        None => None,
    };
    let detail = match &item {
        Some(item) => Some(Detail::of(&pen, item).await?),
        None => None,
    };
    let words = visitor.words;
    let shown = match &detail {
        Some(detail) => detail::show(&visitor, folder, detail, asked.q.as_deref(), asked.to.as_deref()).await?,
        None => html! { (empty(&words.say("inbox-choose"))) },
    };
    let main = html! {
        header.section-head.inbox-head {
            h1 { (words.say("inbox-title")) }
            p.buttons {
                a.button href=(visitor.at("inbox/new")) { (words.say("inbox-write")) }
                a.button href=(visitor.at("inbox/settings")) { (words.say("inbox-settings")) }
            }
        }
        @if let Some(said) = asked.said.as_deref().and_then(|it| SAID.iter().find(|(word, _)| *word == it)) {
            p.notice.good role="status" { (icon("check")) (words.say(said.1)) }
        }
        @if inbox.refused { (not_shown(words, &words.say("inbox-title"))) }
        @else {
            @if !inbox.covering.is_empty() {
                p.notice.caution { (icon("alert")) span { (words.with("inbox-covering", &[("names", inbox.covering.join(", ").into())])) } }
            }
            div.inbox.with-item[item.is_some()] data-inbox="" {
                (folders(&visitor, &inbox.counts(), folder))
                (list(&visitor, &inbox, folder, item.as_ref()))
                section.inbox-detail aria-label=(words.say("inbox-detail")) { (shown) }
            }
            p.hint.inbox-keys { (words.say("inbox-keys")) }
        }
        (live::source(&visitor, None))
    };
    Ok(shell::page(&visitor, (words.say("inbox-title"), NEEDS), main))
}

/// Where there is something to do, in the order of the folders.
fn first(inbox: &Inbox) -> Folder {
    inbox.counts().into_iter().find(|it| it.all > 0).map_or(Folder::Results, |it| it.folder)
}

fn folders(visitor: &Visitor, counts: &[Count], current: Folder) -> Markup {
    let words = visitor.words;
    html! {
        nav #inbox-folders.inbox-folders aria-label=(words.say("inbox-folders")) data-live="Task Communication DiagnosticReport DocumentReference Observation" {
            ul {
                @for (folder, key) in NAMES {
                    @let count = counts.iter().find(|it| it.folder == folder);
                    @let (all, urgent, overdue) = count.map_or((0, 0, 0), |it| (it.all, it.urgent, it.overdue));
                    li {
                        a href={ (visitor.at("inbox")) "?folder=" (folder.slug()) } aria-current=[(folder == current).then_some("page")] {
                            span.folder-name { (words.say(key)) }
                            @if all > 0 { span.count { (all) } }
                            @else { span.count.none { "0" } }
                            @if urgent > 0 { span.chip.notable { (words.with("inbox-urgent-count", &[("count", urgent.into())])) } }
                            @if overdue > 0 { span.chip.critical { (words.with("inbox-overdue-count", &[("count", overdue.into())])) } }
                        }
                    }
                }
            }
        }
    }
}

/// Two identifiers after a name, for every line that leads to an act.
pub(super) fn who(hit: &Hit, words: &Words) -> Markup {
    html! {
        strong { (hit.person.name()) }
        " "
        span.quiet {
            @if let Some(born) = &hit.person.born { (words.with("inbox-born", &[("date", born.date().into())])) }
            @if let Some(mrn) = hit.person.mrn() { ", MRN " span.number { (mrn.shown) } }
        }
    }
}

pub(super) fn marks(entry: &Entry, words: &Words) -> Markup {
    html! {
        @match entry.priority {
            Priority::Stat => { span.chip.critical { (icon("critical")) (words.say("inbox-priority-stat")) } }
            Priority::Urgent => { span.chip.notable { (icon("up")) (words.say("inbox-priority-urgent")) } }
            Priority::Routine => {}
        }
        @if entry.overdue { span.chip.critical { (icon("alert")) (words.say("inbox-overdue")) } }
        @if let Some(place) = entry.place.as_deref().filter(|it| !it.is_empty()) { span.chip { (place) } }
    }
}

fn list(visitor: &Visitor, inbox: &Inbox, folder: Folder, current: Option<&Id>) -> Markup {
    let words = visitor.words;
    let entries: Vec<&Entry> = inbox.of(folder).collect();
    let batch = folder == Folder::Results && entries.iter().any(|it| it.normal);
    let here = format!("{}?folder={}", visitor.at("inbox"), folder.slug());
    html! {
        section #inbox-list.inbox-list aria-labelledby="entries-title" data-live="Task Communication DiagnosticReport DocumentReference Observation" {
            h2 #entries-title { (words.say(name(folder))) " " span.count { (entries.len()) } }
            @if entries.is_empty() { (empty(&words.say("inbox-nothing"))) }
            @if batch {
                form #inbox-batch.inbox-batch method="post" action=(visitor.at("inbox/batch")) {
                    input type="hidden" name="once" value=(visitor.once());
                    button type="submit" { (icon("check")) (words.say("inbox-batch")) }
                    span.hint { (words.say("inbox-batch-hint")) }
                }
            }
            ul.entries {
                @for entry in &entries { (line(visitor, entry, &here, current, batch)) }
            }
            @if inbox.more { p.similar-note { (words.say("inbox-more")) } }
        }
    }
}

fn line(visitor: &Visitor, entry: &Entry, here: &str, current: Option<&Id>, batch: bool) -> Markup {
    let words = visitor.words;
    let task = entry.task.as_ref().map(|it| &it.0);
    let title = if entry.title.is_empty() { words.say("inbox-untitled") } else { entry.title.clone() };
    let to = match (task, &entry.patient, &entry.form, &entry.focus) {
        (Some(task), ..) => format!("{here}&item={task}#inbox-item"),
        (None, Some(patient), Some(_), _) => format!("{}/notes", visitor.address_of(patient.as_str())),
        (None, Some(patient), None, Some(focus)) if focus.kind.name() == "MedicationRequest" => {
            format!("{}/medications", visitor.address_of(patient.as_str()))
        }
        (None, Some(patient), ..) => visitor.address_of(patient.as_str()),
        (None, None, ..) => here.to_owned(),
    };
    let row = task.map_or_else(|| format!("row-{}", slug_of(entry)), |it| format!("row-{it}"));
    html! {
        li.entry.current[task.is_some() && task == current].overdue[entry.overdue] id=(row) data-entry="" {
            @if batch {
                @match task.filter(|_| entry.normal) {
                    Some(task) => { input type="checkbox" form="inbox-batch" name="item" value=(task) aria-label=(words.with("inbox-select", &[("title", title.as_str().into())])); }
                    None => { span.no-box {} }
                }
            }
            div.entry-main {
                a.entry-title href=(to) data-open="" aria-current=[(task.is_some() && task == current).then_some("true")] { (title) }
                @if let Some(hit) = &entry.person { p { (who(hit, words)) } }
                @else if entry.folder == Folder::Unmatched { p.absent { (words.say("inbox-nobody")) } }
                p.entry-facts {
                    (marks(entry, words))
                    @if entry.normal { span.chip.good { (icon("check")) (words.say("inbox-all-normal")) } }
                    @if let Some(from) = &entry.from { span { (from) } }
                    @if let Some(came) = &entry.came { span { time datetime=(came.machine()) { (came.date_and_time()) } } }
                    @if let Some(due) = &entry.due { span { (words.with("inbox-due", &[("date", due.date().into())])) } }
                }
            }
            @if let Some(task) = task.filter(|_| entry.normal && entry.folder == Folder::Results) {
                form.act method="post" action=(visitor.at("inbox/do")) data-done="" {
                    (hidden(visitor, task, entry.folder))
                    button type="submit" name="do" value="acknowledge" { (words.say("inbox-acknowledge")) span.spoken { " " (title) } }
                }
            }
        }
    }
}

/// A name for the row of something that is no Task.
fn slug_of(entry: &Entry) -> String {
    let of = entry.form.clone().or_else(|| entry.focus.as_ref().map(|it| it.id.to_string())).unwrap_or_default();
    of.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect()
}

pub(super) fn hidden(visitor: &Visitor, task: &Id, folder: Folder) -> Markup {
    html! {
        input type="hidden" name="item" value=(task);
        input type="hidden" name="folder" value=(folder.slug());
        input type="hidden" name="once" value=(visitor.once());
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Done {
    item: String,
    folder: String,
    once: String,
    #[serde(rename = "do")]
    what: String,
    note: String,
    to: String,
    words: String,
    done: Option<String>,
    title: String,
    patient: String,
    reason: String,
    /// Where to go on, when the form was not on the inbox: a page of ours.
    back: String,
}

pub(crate) async fn dispose(visitor: Visitor, Form(form): Form<Done>) -> Answer {
    let pen = visitor.pen();
    let item = id(&form.item)?;
    let once = form.once.as_str();
    let (said, done) = match form.what.as_str() {
        "acknowledge" => ("acknowledged", inbox::acknowledge(&pen, &item, &form.note, once).await),
        "forward" => {
            let to = Key::parse(&form.to).ok_or(Refusal::Cannot("inbox-needs-whom"))?;
            ("forwarded", inbox::forward(&pen, &item, &to, &form.note, once).await)
        }
        "message" => {
            if form.words.trim().is_empty() {
                return Err(Refusal::Cannot("inbox-needs-words"));
            }
            ("sent", inbox::message(&pen, &item, &form.words, form.done.is_some(), once).await)
        }
        "file" => ("filed", inbox::file(&pen, &item, &form.title, &form.note, once).await),
        "match" => {
            if form.reason.trim().is_empty() {
                return Err(Refusal::Cannot("inbox-needs-reason"));
            }
            ("matched", inbox::match_to(&pen, &item, &id(&form.patient)?, &form.reason, once).await)
        }
        _ => return Err(Refusal::NotFound),
    };
    let said = match done {
        Ok(_) => said,
        // Somebody else saw to it meanwhile: that is no fault of who clicked.
        Err(ActError::Conflict { .. }) => "faster",
        Err(other) => return Err(other.into()),
    };
    // Only ever to a page of this organisation.
    let own = format!("/{}/", visitor.organisation.slug);
    if form.back.starts_with(&own) && !form.back.contains("..") && !form.back.contains(['\r', '\n', '\\']) {
        return Ok(see_other(&form.back));
    }
    let folder = Folder::parse(&form.folder).unwrap_or(Folder::Results);
    Ok(see_other(&format!("{}?folder={}&said={said}", visitor.at("inbox"), folder.slug())))
}

/// The boxes that were ticked: names come more than once.
pub(crate) async fn batch(visitor: Visitor, Form(fields): Form<Vec<(String, String)>>) -> Answer {
    let pen = visitor.pen();
    let once = fields.iter().find(|(name, _)| name == "once").map_or("", |(_, value)| value.as_str());
    let mut items = Vec::new();
    for (_, value) in fields.iter().filter(|(name, _)| name == "item") {
        items.push(id(value)?);
    }
    let batched = inbox::acknowledge_normal(&pen, &items, once).await?;
    let said = if batched.left > 0 { "part" } else { "batch" };
    Ok(see_other(&format!("{}?folder=results&said={said}", visitor.at("inbox"))))
}
