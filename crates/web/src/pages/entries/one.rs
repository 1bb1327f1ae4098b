//! One entry of a list: the form to add it, to change it, to end it or take it back, and what it was before.

use super::labels::{choice_name, field_name, list_name, status_of};
use super::{NEEDS, list_of, page_of};
use crate::components::combo::{Combo, picked};
use crate::components::form::{Errors, field, lines};
use crate::components::shell;
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other, typed};
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use care::act::{Act, ActError};
use care::chart::Standing;
use care::entries::{self, ENDINGS, Ending, Field, Input, List, Typed, Why};
use care::terms::Term;
use care::{versions, visits};
use fhir::{Id, Key};
use maud::{Markup, html};
use store::Action;

/// What is known of the entry that a form changes.
struct Open {
    id: Id,
    version: u64,
    standing: Standing,
    history: Vec<versions::Version>,
}

/// A form with what is wrong with it.
struct Shown {
    typed: Typed,
    errors: Errors,
    /// Terms to pick from, by field.
    near: Vec<(&'static str, Vec<Term>)>,
    once: String,
}

impl Shown {
    fn new(visitor: &Visitor, typed: Typed) -> Shown {
        Shown { typed, errors: Errors::none(), near: Vec::new(), once: visitor.once() }
    }
}

pub(crate) async fn new(visitor: Visitor, Path((_, patient, list)): Path<(String, String, String)>) -> Answer {
    let (patient, list) = (id(&patient)?, list_of(&list)?);
    may(&visitor, Action::Create, list)?;
    show(&visitor, &patient, list, None, Shown::new(&visitor, Typed::new())).await
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient, list, entry)): Path<(String, String, String, String)>,
) -> Answer {
    let (patient, list, entry) = (id(&patient)?, list_of(&list)?, id(&entry)?);
    let (open, typed) = opened(&visitor, &patient, list, &entry).await?;
    show(&visitor, &patient, list, Some(open), Shown::new(&visitor, typed)).await
}

fn may(visitor: &Visitor, action: Action, list: List) -> Result<(), Refusal> {
    if visitor.pen().may(action, list.kind()) { Ok(()) } else { Err(Refusal::NotFound) }
}

async fn opened(visitor: &Visitor, patient: &Id, list: List, entry: &Id) -> Result<(Open, Typed), Refusal> {
    if list == List::Team {
        return Err(Refusal::NotFound);
    }
    let pen = visitor.pen();
    let key = entries::key(list, entry);
    let ((typed, version, row), history) =
        tokio::try_join!(entries::open(&pen, patient, list, entry), versions::of(&pen, patient, &key))?;
    Ok((Open { id: entry.clone(), version, standing: row.standing, history }, typed))
}

async fn show(visitor: &Visitor, patient: &Id, list: List, open: Option<Open>, it: Shown) -> Answer {
    let banner = visitor.chart(patient).banner().await?;
    let staff = match list {
        List::Team => entries::staff(&visitor.pen()).await?,
        _ => Vec::new(),
    };
    let words = visitor.words;
    let name = words.say(list_name(list));
    let base = format!("{}/lists/{}", visitor.address_of(patient.as_str()), list.slug());
    let title = match &open {
        Some(_) => words.with("lists-change-title", &[("list", name.as_str().into())]),
        None => words.with("lists-add-title", &[("list", name.as_str().into())]),
    };
    let may_change = open.is_none() || visitor.pen().may(Action::Update, list.kind());
    let holds = open.as_ref().is_none_or(|it| it.standing != Standing::Mistaken);
    let save = match &open {
        Some(_) => words.with("lists-save-change", &[("patient", banner.person.name().into())]),
        None => words.with("lists-save-add", &[("patient", banner.person.name().into())]),
    };
    let main = html! {
        div.entry-page {
            h1 { (title) }
            (it.errors.summary())
            @if !holds { p.notice.caution { (words.say("lists-is-mistaken")) } }
            @if may_change && holds {
                form.stacked.narrow-form method="post" action=(match &open { Some(open) => format!("{base}/{}", open.id), None => format!("{base}/new") }) {
                    input type="hidden" name="once" value=(it.once);
                    @if let Some(open) = &open { input type="hidden" name="version" value=(open.version); }
                    @for (at, field) in list.fields().iter().enumerate() { (input(visitor, field, &it, &staff, at == 0 && open.is_none())) }
                    @if open.is_some() { (field("reason", &words.say("lists-why")).optional().value(it.typed.get("reason").map_or("", String::as_str)).maxlength(300).show(words, &it.errors)) }
                    div.buttons {
                        button.primary type="submit" data-commit { (save) }
                        a href={ (visitor.address_of(patient.as_str())) "/" (page_of(list)) } { (words.say("lists-cancel")) }
                    }
                }
            }
            @if let Some(open) = &open {
                @if may_change && holds { (endings(visitor, list, open, &base, &it)) }
                (history(words, list, open))
            }
        }
    };
    let mut response = shell::chart(visitor, &banner, page_of(list), (it.errors.title(words, &title), NEEDS), main);
    if !it.errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn input(visitor: &Visitor, of: &Field, it: &Shown, staff: &[(Key, String)], focus: bool) -> Markup {
    let words = visitor.words;
    let label = field_name(words, of.name);
    let text = |name: &str| it.typed.get(name).map_or("", String::as_str);
    let value = text(of.name);
    let plain = |hint: Option<&str>, mode: Option<&str>| {
        let mut made = field(of.name, &label).value(value).maxlength(300);
        if !of.needed {
            made = made.optional();
        }
        if focus {
            made = made.focus();
        }
        if let Some(hint) = hint {
            made = made.hint(hint);
        }
        if mode.is_some() {
            made = made.literal();
        }
        made.show(words, &it.errors)
    };
    match of.input {
        Input::Coded(kind) => {
            let near = it.near.iter().find(|(name, _)| *name == of.name).map_or(&[][..], |(_, near)| near);
            Combo {
                name: of.name,
                label: &label,
                kind,
                value,
                code: text(&format!("{}-code", of.name)),
                free: it.typed.contains_key(&format!("{}-free", of.name)),
                needed: of.needed,
                focus,
                address: &visitor.at("terms"),
            }
            .show(words, &it.errors, near)
        }
        Input::Words => plain(None, None),
        Input::Day => plain(Some(&words.say("lists-day-hint")), Some("day")),
        Input::Number => plain(None, Some("number")),
        Input::Lines => lines(of.name, &label, value, None, &it.errors),
        Input::Choice(choices) => {
            let options = choices.iter().map(|it| ((*it).to_owned(), choice_name(words, of.name, it))).collect();
            select(words, of, &label, options, value, &it.errors)
        }
        Input::Staff => {
            let options = staff.iter().map(|(key, name)| (key.to_string(), name.clone())).collect();
            select(words, of, &label, options, value, &it.errors)
        }
    }
}

fn select(
    words: &Words,
    of: &Field,
    label: &str,
    options: Vec<(String, String)>,
    chosen: &str,
    errors: &Errors,
) -> Markup {
    let error = errors.of(of.name);
    html! {
        div.field {
            label for=(of.name) { (label) @if !of.needed { " " span.quiet { (words.say("common-optional")) } } }
            @if let Some(error) = error { p.field-error id={ (of.name) "-error" } { (error) } }
            select id=(of.name) name=(of.name) required[of.needed] aria-invalid=[error.map(|_| "true")] aria-describedby=[error.map(|_| format!("{}-error", of.name))] {
                option value="" { "–" }
                @for (value, words) in options { option value=(value) selected[value == chosen] { (words) } }
            }
        }
    }
}

/// What ends an entry, takes it up again, or takes it back.
fn endings(visitor: &Visitor, list: List, open: &Open, base: &str, it: &Shown) -> Markup {
    let words = visitor.words;
    let over = match list {
        List::Problems | List::Allergies => Some("lists-resolve"),
        List::Medications => Some("lists-stop"),
        List::Devices => Some("lists-take-out"),
        List::Goals => Some("lists-reached"),
        List::Plans => Some("lists-finish"),
        _ => None,
    };
    let action = format!("{base}/{}/settle", open.id);
    let one = |ending: &str, words_key: String, danger: bool, needed: bool| {
        let (reason, why) = (format!("reason-{ending}"), words.say("lists-why"));
        html! {
            form.stacked.narrow-form.ending method="post" action=(action) {
                input type="hidden" name="once" value=(visitor.once());
                input type="hidden" name="version" value=(open.version);
                input type="hidden" name="ending" value=(ending);
                @let made = field(&reason, &why).value(it.typed.get(&reason).map_or("", String::as_str)).maxlength(300);
                @if needed { (made.show(words, &it.errors)) } @else { (made.optional().show(words, &it.errors)) }
                div.buttons { button.danger[danger] type="submit" { (words_key) } }
            }
        }
    };
    html! {
        div.endings {
            @if let Some(over) = over {
                @if open.standing == Standing::Past { details { summary { (words.say("lists-again")) } (one("again", words.say("lists-again"), false, false)) } }
                @else { details { summary { (words.say(over)) } (one("over", words.say(over), false, false)) } }
            }
            details open[it.errors.of("reason-mistaken").is_some()] { summary { (words.say("lists-mistaken")) } (one("mistaken", words.say("lists-mistaken-save"), true, true)) }
        }
    }
}

fn history(words: &Words, list: List, open: &Open) -> Markup {
    html! {
        section.versions aria-labelledby="versions" {
            h2 #versions { (words.say("lists-versions")) }
            ol.lines reversed {
                @for version in &open.history {
                    @let (title, status, more) = entries::as_it_was(list, version);
                    li.line.tall {
                        span.main { (title) @if let Some(status) = status { " " span.chip { (status_of(words, &status)) } } }
                        span.side { (version.when.date_and_time()) }
                        span.under {
                            @if let Some(who) = &version.who { (who) } @if let Some(why) = &version.why { " – " (why) }
                            @if !more.is_empty() { " · " (more) }
                        }
                    }
                }
            }
        }
    }
}

fn said(words: &Words, why: &Why) -> String {
    match why {
        Why::Needed => words.say("lists-needed"),
        Why::NotADay => words.say("lists-not-a-day"),
        Why::Future => words.say("lists-future"),
        Why::NotANumber => words.say("lists-not-a-number"),
        Why::NotAChoice => words.say("lists-not-a-choice"),
        Why::TooLong => words.say("lists-too-long"),
        Why::NoTerm(_) => words.say("lists-no-term"),
    }
}

/// The form as it was sent, with what was picked from a list put in its place.
fn read(list: List, sent: Vec<(String, String)>) -> Typed {
    let mut typed = typed(sent);
    for field in list.fields() {
        if let Input::Coded(kind) = field.input {
            picked(&mut typed, field.name, kind);
        }
    }
    typed
}

pub(crate) async fn add(
    visitor: Visitor,
    Path((_, patient, list)): Path<(String, String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let (patient, list) = (id(&patient)?, list_of(&list)?);
    may(&visitor, Action::Create, list)?;
    let pen = visitor.pen();
    let typed = read(list, sent);
    let judged = entries::judge(list, &typed, visitor.now);
    if !judged.wrong.is_empty() {
        return show(&visitor, &patient, list, None, wrong(&visitor, typed, &judged)).await;
    }
    // The same form sent twice finds what it wrote; another that says the same finds it on the list.
    let title = typed.get(list.fields()[0].name).cloned().unwrap_or_default();
    if matches!(list, List::Problems | List::Medications | List::Allergies)
        && let Some(there) =
            entries::rows(&pen, &patient, list).await?.rows.into_iter().find(|it| it.holds() && it.title == title)
        && !entries::written_by(&pen, typed.get("once").map_or("", String::as_str), &there.key).await?
    {
        let mut shown = wrong(&visitor, typed, &judged);
        shown.errors.add(list.fields()[0].name, visitor.words.say("lists-already"));
        return show(&visitor, &patient, list, None, shown).await;
    }
    let visit = visits::open_visit(&pen, &patient).await?;
    let act = Act::new("entry.add", &patient).once(typed.get("once").cloned().unwrap_or_default());
    visitor.written(entries::add(&pen, &patient, list, &judged, visit.as_ref(), act).await)?;
    Ok(see_other(&format!("{}/{}", visitor.address_of(patient.as_str()), page_of(list))))
}

fn wrong(visitor: &Visitor, typed: Typed, judged: &entries::Judged) -> Shown {
    let mut errors = Errors::none();
    let mut near = Vec::new();
    for it in &judged.wrong {
        errors.add(it.field, said(visitor.words, &it.why));
        if let Why::NoTerm(terms) = &it.why {
            near.push((it.field, terms.clone()));
        }
    }
    let once = typed.get("once").cloned().unwrap_or_else(|| visitor.once());
    Shown { typed, errors, near, once }
}

pub(crate) async fn change(
    visitor: Visitor,
    Path((_, patient, list, entry)): Path<(String, String, String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let (patient, list, entry) = (id(&patient)?, list_of(&list)?, id(&entry)?);
    may(&visitor, Action::Update, list)?;
    let pen = visitor.pen();
    let typed = read(list, sent);
    let judged = entries::judge(list, &typed, visitor.now);
    let (open, before) = opened(&visitor, &patient, list, &entry).await?;
    // Words of another list of terms that nobody changed are no mistake.
    let kept = |name: &str| before.get(name).is_some_and(|it| typed.get(name) == Some(it));
    let stands = judged.wrong.iter().all(|it| matches!(it.why, Why::NoTerm(_)) && kept(it.field));
    let judged = match (judged.wrong.is_empty(), stands) {
        (false, true) => {
            let mut typed = typed.clone();
            judged.wrong.iter().for_each(|it| drop(typed.insert(format!("{}-free", it.field), "yes".to_owned())));
            entries::judge(list, &typed, visitor.now)
        }
        _ => judged,
    };
    if !judged.wrong.is_empty() {
        return show(&visitor, &patient, list, Some(open), wrong(&visitor, typed, &judged)).await;
    }
    let text = |name: &str| typed.get(name).cloned().unwrap_or_default();
    let act = Act::new("entry.change", &patient).once(text("once")).reason(text("reason"));
    let version = text("version").parse().unwrap_or(0);
    match entries::change(&pen, &patient, list, &entry, version, &judged, act).await {
        Err(ActError::Conflict { .. }) => {
            let mut shown = wrong(&visitor, typed, &judged);
            shown.errors.add("versions", visitor.words.say("lists-conflict"));
            shown.once = visitor.once();
            show(&visitor, &patient, list, Some(open), shown).await
        }
        done => {
            visitor.written(done)?;
            Ok(see_other(&format!("{}/{}", visitor.address_of(patient.as_str()), page_of(list))))
        }
    }
}

pub(crate) async fn settle(
    visitor: Visitor,
    Path((_, patient, list, entry)): Path<(String, String, String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let (patient, list, entry) = (id(&patient)?, list_of(&list)?, id(&entry)?);
    may(&visitor, Action::Update, list)?;
    let pen = visitor.pen();
    let typed = typed(sent);
    let text = |name: &str| typed.get(name).cloned().unwrap_or_default();
    let ending =
        ENDINGS.iter().find(|(name, _)| *name == text("ending")).map(|(_, it)| *it).ok_or(Refusal::NotFound)?;
    let version = text("version").parse().unwrap_or(0);
    let reason = text(&format!("reason-{}", text("ending")));
    if ending == Ending::Mistaken && reason.is_empty() {
        let (open, mut before) = opened(&visitor, &patient, list, &entry).await?;
        before.extend(typed);
        let mut shown = Shown::new(&visitor, before);
        shown.errors = Errors::one("reason-mistaken", visitor.words.say("lists-why-needed"));
        return show(&visitor, &patient, list, Some(open), shown).await;
    }
    let act = Act::new("entry.settle", &patient).once(text("once")).reason(reason);
    let done = match (list, text("nth").parse()) {
        (List::Team, Ok(nth)) => entries::leave(&pen, &patient, &entry, version, nth, act).await,
        (List::Team, Err(_)) => return Err(Refusal::NotFound),
        _ => entries::settle(&pen, &patient, list, &entry, version, ending, act).await,
    };
    visitor.written(done)?;
    Ok(see_other(&format!("{}/{}", visitor.address_of(patient.as_str()), page_of(list))))
}
