//! Taking vital signs (screen C-08): one form for one set in the order in which they are measured, what was taken lately
//! beside it, and the correction of a value.

pub(crate) mod fix;

use crate::components::form::Errors;
use crate::components::shell::{self, Needs};
use crate::components::{flag, notice};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other, typed};
use axum::Json;
use axum::extract::{Form, Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use care::act::Act;
use care::draft::{DraftError, Drafts};
use care::visits;
use care::vitals::{self, Board, Measure, POSITIONS, ROUTES, SITES, Trouble, Typed, Way, Why};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;
use store::Action;

pub(crate) const NEEDS: Needs = Needs::of(&["entry.css"], &["combo.js", "entry.js"]);

/// What each measure is called.
const NAMES: [(&str, &str); 11] = [
    ("weight", "vitals-weight"),
    ("height", "vitals-height"),
    ("head", "vitals-head"),
    ("temperature", "vitals-temperature"),
    ("systolic", "vitals-systolic"),
    ("diastolic", "vitals-diastolic"),
    ("pulse", "vitals-pulse"),
    ("breaths", "vitals-breaths"),
    ("saturation", "vitals-saturation"),
    ("oxygen", "vitals-oxygen"),
    ("pain", "vitals-pain"),
];

const WAYS: [(&str, &str); 12] = [
    ("left-arm", "vitals-left-arm"),
    ("right-arm", "vitals-right-arm"),
    ("left-thigh", "vitals-left-thigh"),
    ("right-thigh", "vitals-right-thigh"),
    ("sitting", "vitals-sitting"),
    ("standing", "vitals-standing"),
    ("lying", "vitals-lying"),
    ("oral", "vitals-oral"),
    ("ear", "vitals-ear"),
    ("forehead", "vitals-forehead"),
    ("armpit", "vitals-armpit"),
    ("rectal", "vitals-rectal"),
];

fn called(words: &Words, table: &[(&str, &str)], name: &str) -> String {
    table.iter().find(|(it, _)| *it == name).map_or_else(|| name.to_owned(), |(_, key)| words.say(key))
}

pub(crate) fn name_of(words: &Words, measure: &str) -> String {
    called(words, &NAMES, measure)
}

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    visit: Option<String>,
    done: Option<String>,
}

/// What the form shows beside what was typed.
struct Shown<'a> {
    board: &'a Board,
    typed: &'a Typed,
    errors: Errors,
    doubtful: &'a [Trouble],
    notable: &'a [Trouble],
    version: Option<u64>,
    once: String,
    said: Option<String>,
}

fn may_take(visitor: &Visitor) -> Result<(), Refusal> {
    if visitor.pen().may(Action::Create, "Observation") { Ok(()) } else { Err(Refusal::NotFound) }
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    may_take(&visitor)?;
    let patient = id(&patient)?;
    let pen = visitor.pen();
    let (board, units) = tokio::try_join!(vitals::board(&pen, &patient), vitals::usual_units(&pen))?;
    let draft = Drafts::of(&pen).read("vitals", &patient).await?;
    let (mut typed, version) = match draft {
        Some(draft) => (serde_json::from_value(draft.body).unwrap_or_default(), Some(draft.version)),
        None => (units, None),
    };
    if let Some(visit) = asked.visit {
        typed.insert("visit".to_owned(), visit);
    }
    let said = asked.done.as_deref().filter(|it| *it == "set").map(|_| visitor.words.say("vitals-set-saved"));
    let shown = Shown {
        board: &board,
        typed: &typed,
        errors: Errors::none(),
        doubtful: &[],
        notable: &[],
        version,
        once: visitor.once(),
        said,
    };
    show(&visitor, &patient, shown).await
}

async fn show(visitor: &Visitor, patient: &Id, it: Shown<'_>) -> Answer {
    let banner = visitor.chart(patient).banner().await?;
    let words = visitor.words;
    let base = visitor.address_of(patient.as_str());
    let title = it.errors.title(words, &words.say("vitals-take"));
    let wrong = !it.errors.is_empty() || !it.doubtful.is_empty();
    let main = html! {
        div.entry-page {
            header.section-head { h1 { (words.say("vitals-take")) } a href={ (base) "/vitals" } { (words.say("vitals-all")) } }
            @if let Some(said) = &it.said { p.notice.good role="status" { (said) } }
            (it.errors.summary())
            (form(words, &base, &it, &banner.person.name()))
            (sets(words, &base, it.board))
        }
    };
    let mut response = shell::chart(visitor, &banner, "vitals", (title, NEEDS), main);
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn form(words: &Words, base: &str, it: &Shown<'_>, patient: &str) -> Markup {
    let text = |name: &str| it.typed.get(name).map_or("", String::as_str);
    let has = |key: &str| it.board.measures.iter().any(|measure| measure.key == key);
    let body =
        |key: &str| it.board.before.iter().find(|before| before.key == key).map(|before| before.number.to_string());
    let single = |key: &str| {
        it.board.measures.iter().find(|measure| measure.key == key).map(|measure| measured(words, it, measure))
    };
    html! {
        form.vitals method="post" action={ (base) "/vitals/new" } data-draft={ (base) "/vitals/draft" }
            data-word-number=(words.say("vitals-not-a-number")) data-word-outside=(words.say("vitals-outside-script"))
            data-word-high=(words.say("vitals-high-short")) data-word-low=(words.say("vitals-low-short"))
            data-word-unkept=(words.say("vitals-draft-unkept")) {
            input type="hidden" name="once" value=(it.once);
            input type="hidden" name="draft-version" value=(it.version.map_or(String::new(), |it| it.to_string()));
            input type="hidden" name="visit" value=(text("visit"));
            (doubts(words, it))
            @for key in ["weight", "height", "head"] { @if let Some(shown) = single(key) { (shown) } }
            @if has("weight") {
                div.vital.worked-out {
                    span.vital-name { (words.say("vitals-body-mass-index")) }
                    output data-body data-weight=[body("weight")] data-height=[body("height")] { "–" }
                }
            }
            @if let Some(shown) = single("temperature") { (shown) div.vital { span.vital-name {} (way(words, "route", &words.say("vitals-route"), &ROUTES, text("route"))) } }
            fieldset.vital.pressure {
                legend { (words.say("vitals-pressure")) }
                div.measured {
                    (number(words, it, "systolic")) span aria-hidden="true" { "/" } (number(words, it, "diastolic")) span.unit { "mmHg" }
                    (last_pressure(words, it))
                }
                (told(words, it, "systolic")) (told(words, it, "diastolic"))
                div.ways {
                    (way(words, "site", &words.say("vitals-site"), &SITES, text("site")))
                    (way(words, "position", &words.say("vitals-position"), &POSITIONS, text("position")))
                }
            }
            @for key in ["pulse", "breaths", "saturation", "oxygen", "pain"] { @if let Some(shown) = single(key) { (shown) } }
            div.field { label for="note" { (words.say("vitals-note")) " " span.quiet { (words.say("common-optional")) } }
                textarea id="note" name="note" rows="2" maxlength="2000" { (text("note")) } }
            div.field {
                label for="taken" { (words.say("vitals-taken")) " " span.quiet { (words.say("vitals-taken-hint")) } }
                @if let Some(error) = it.errors.of("taken") { p.field-error #taken-error { (error) } }
                input id="taken" name="taken" type="datetime-local" value=(text("taken")) aria-describedby=[it.errors.of("taken").map(|_| "taken-error")];
            }
            div.buttons {
                button.primary type="submit" name="act" value="save" data-commit { (words.with("vitals-save", &[("patient", patient.into())])) }
                button type="submit" name="act" value="again" { (words.say("vitals-save-again")) }
                button type="submit" name="act" value="draft" { (words.say("vitals-keep-draft")) }
                span.quiet role="status" data-draft-said { @if it.version.is_some() { (words.say("vitals-draft-there")) } }
            }
        }
    }
}

/// What must be confirmed before it is written.
fn doubts(words: &Words, it: &Shown<'_>) -> Markup {
    html! {
        @if !it.doubtful.is_empty() {
            (notice::caution(html! {
                p { strong { (words.say("vitals-sure")) } }
                ul { @for doubt in it.doubtful { li { a href={ "#" (doubt.field) } { (name_of(words, doubt.field)) } ": " (said(words, &doubt.why)) } } }
                label.tick { input #confirm type="checkbox" name="confirm" value="yes" required; span { (words.say("vitals-confirm")) } }
            }))
        }
    }
}

/// One measure with its unit.
fn measured(words: &Words, it: &Shown<'_>, measure: &Measure) -> Markup {
    let unit = format!("{}-unit", measure.key);
    let chosen = it.typed.get(&unit).map_or("", String::as_str);
    html! {
        div.vital {
            label.vital-name for=(measure.key) { (name_of(words, measure.key)) }
            div.measured {
                (input(words, it, measure, None))
                @if let [only] = measure.units { span.unit { (only.shown) } }
                @else {
                    select name=(unit) aria-label=(words.with("vitals-unit-of", &[("measure", name_of(words, measure.key).into())])) {
                        @for unit in measure.units {
                            @let (factor, zero) = unit.conversion();
                            option value=(unit.key) selected[unit.key == chosen] data-factor=(factor) data-zero=(zero) data-shown=(unit.shown) { (unit.shown) }
                        }
                    }
                }
                (last(words, it, measure))
            }
            (told(words, it, measure.key))
        }
    }
}

/// What it was the last time, in the unit that is stored.
fn last(words: &Words, it: &Shown<'_>, measure: &Measure) -> Markup {
    let before = it.board.before.iter().find(|before| before.key == measure.key);
    html! {
        @if let Some(before) = before {
            span.quiet.last { (words.say("vitals-last")) " " span.number { (before.number) " " (measure.units[0].shown) } ", " (care::chart::When::of_micros(before.at * 1000).date()) }
        }
    }
}

fn last_pressure(words: &Words, it: &Shown<'_>) -> Markup {
    let before = |key: &str| it.board.before.iter().find(|before| before.key == key);
    html! {
        @if let (Some(high), Some(low)) = (before("systolic"), before("diastolic")) {
            span.quiet.last { (words.say("vitals-last")) " " span.number { (high.number) "/" (low.number) } ", " (care::chart::When::of_micros(high.at * 1000).date()) }
        }
    }
}

fn number(words: &Words, it: &Shown<'_>, key: &str) -> Markup {
    let measure = it.board.measures.iter().find(|measure| measure.key == key);
    html! { @if let Some(measure) = measure { (input(words, it, measure, Some(&name_of(words, key)))) } }
}

fn input(_: &Words, it: &Shown<'_>, measure: &Measure, label: Option<&str>) -> Markup {
    let (low, high) = measure.absolute();
    let usual = measure.usual(it.board.years);
    let value = it.typed.get(measure.key).map_or("", String::as_str);
    html! {
        input id=(measure.key) name=(measure.key) value=(value) inputmode="decimal" autocomplete="off" maxlength="12"
            aria-label=[label] data-low=(low) data-high=(high) data-usual-low=[usual.map(|it| it.0)] data-usual-high=[usual.map(|it| it.1)]
            data-shown=(measure.units[0].shown) autofocus[measure.key == "weight" && value.is_empty()]
            aria-invalid=[it.errors.of(measure.key).map(|_| "true")] aria-describedby={ (measure.key) "-said" };
    }
}

/// What is to be said of a value, under it.
fn told(words: &Words, it: &Shown<'_>, key: &str) -> Markup {
    let notable = it.notable.iter().find(|trouble| trouble.field == key);
    html! {
        p id={ (key) "-said" } class={ "said" @if it.errors.of(key).is_some() { " wrong" } @else if notable.is_some() { " high" } } data-said=(key) {
            @if let Some(error) = it.errors.of(key) { (error) }
            @else if let Some(notable) = notable { (said(words, &notable.why)) }
        }
    }
}

fn way(words: &Words, name: &str, label: &str, ways: &[Way], chosen: &str) -> Markup {
    html! {
        div.way {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { "–" }
                @for (key, ..) in ways { option value=(key) selected[*key == chosen] { (called(words, &WAYS, key)) } }
            }
        }
    }
}

pub(crate) fn said(words: &Words, why: &Why) -> String {
    match why {
        Why::Nothing => words.say("vitals-nothing"),
        Why::NotANumber => words.say("vitals-not-a-number"),
        Why::Outside { low, high, unit } => words.with(
            "vitals-outside",
            &[("low", low.as_str().into()), ("high", high.as_str().into()), ("unit", (*unit).into())],
        ),
        Why::Half => words.say("vitals-half"),
        Why::Crossed => words.say("vitals-crossed"),
        Why::NoMoment => words.say("vitals-no-moment"),
        Why::Future => words.say("vitals-future"),
        Why::Changed { percent, before, when } => words.with(
            "vitals-changed",
            &[("percent", (*percent).into()), ("before", before.as_str().into()), ("when", when.as_str().into())],
        ),
        Why::High { usual, unit } => {
            words.with("vitals-high", &[("usual", usual.as_str().into()), ("unit", (*unit).into())])
        }
        Why::Low { usual, unit } => {
            words.with("vitals-low", &[("usual", usual.as_str().into()), ("unit", (*unit).into())])
        }
    }
}

/// What was taken lately, each value with the way to correct it.
fn sets(words: &Words, base: &str, board: &Board) -> Markup {
    html! {
        section.taken aria-labelledby="taken-lately" {
            h2 #taken-lately { (words.say("vitals-lately")) }
            @if board.sets.is_empty() { p.empty { (words.say("vitals-lately-none")) } }
            @for set in &board.sets {
                div.set {
                    h3 { (set.when.date_and_time()) }
                    ul.lines {
                        @for reading in &set.readings {
                            li.line {
                                span.main { (reading.name) ": " span.value { (reading.value.with_unit()) } " " (flag::badge(words, reading.flag)) }
                                span.side { a href={ (base) "/vitals/fix/" (reading.id) } data-drawer { (words.say("vitals-correct")) span.spoken { " " (reading.name) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    may_take(&visitor)?;
    let patient = id(&patient)?;
    let pen = visitor.pen();
    let mut typed = typed(sent);
    let take = |typed: &mut Typed, name: &str| typed.remove(name).unwrap_or_default();
    let (what, once, confirmed) =
        (take(&mut typed, "act"), take(&mut typed, "once"), take(&mut typed, "confirm") == "yes");
    let version: Option<u64> = take(&mut typed, "draft-version").parse().ok();
    let board = vitals::board(&pen, &patient).await?;
    let drafts = Drafts::of(&pen);
    if what == "draft" {
        let body = serde_json::to_value(&typed).expect("text can be written");
        let (version, said) = match drafts.keep("vitals", &patient, body, version).await {
            Ok(draft) => (Some(draft.version), visitor.words.say("vitals-draft-kept")),
            Err(error) => (version, unkept(&visitor, error)?),
        };
        let once = visitor.once();
        let shown = Shown {
            board: &board,
            typed: &typed,
            errors: Errors::none(),
            doubtful: &[],
            notable: &[],
            version,
            once,
            said: Some(said),
        };
        return show(&visitor, &patient, shown).await;
    }
    let judged = vitals::judge(&typed, board.years, &board.before, visitor.now);
    if !judged.wrong.is_empty() || (!judged.doubtful.is_empty() && !confirmed) {
        let mut errors = Errors::none();
        judged.wrong.iter().for_each(|it| errors.add(it.field, said(visitor.words, &it.why)));
        let doubtful = if judged.wrong.is_empty() { judged.doubtful.as_slice() } else { &[] };
        let shown = Shown {
            board: &board,
            typed: &typed,
            errors,
            doubtful,
            notable: &judged.notable,
            version,
            once,
            said: None,
        };
        return show(&visitor, &patient, shown).await;
    }
    let visit = match typed.get("visit").and_then(|it| Id::parse(it)) {
        Some(visit) => Some(visit),
        None => visits::open_visit(&pen, &patient).await?,
    };
    let mut act = Act::new("vitals", &patient).once(once);
    act.keep(drafts.done("vitals", &patient));
    act.keep(vitals::keep_units(&pen, &typed));
    let done = vitals::take(&pen, &patient, &judged.taken, board.years, &board.before, visit.as_ref(), act).await;
    visitor.written(done)?;
    let base = visitor.address_of(patient.as_str());
    Ok(see_other(&match (what.as_str(), typed.get("visit")) {
        ("again", Some(visit)) => format!("{base}/vitals/new?done=set&visit={visit}"),
        ("again", None) => format!("{base}/vitals/new?done=set"),
        (_, Some(visit)) => format!("{base}/encounters/{visit}"),
        (_, None) => format!("{base}/vitals"),
    }))
}

/// What to say when a draft could not be kept.
fn unkept(visitor: &Visitor, error: DraftError) -> Result<String, Refusal> {
    match error {
        DraftError::Conflict(_) => Ok(visitor.words.say("vitals-draft-conflict")),
        DraftError::TooLong => Ok(visitor.words.say("vitals-draft-long")),
        DraftError::Store(error) => Err(Refusal::from(error)),
    }
}

/// The draft, as the script sends it while somebody types.
pub(crate) async fn draft(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    may_take(&visitor)?;
    let patient = id(&patient)?;
    let mut typed = typed(sent);
    let version = typed.remove("draft-version").and_then(|it| it.parse().ok());
    ["once", "act", "confirm"].iter().for_each(|it| drop(typed.remove(*it)));
    let pen = visitor.pen();
    // Whose chart is not open to them, about them nothing is kept.
    visitor.chart(&patient).banner().await?;
    let body = serde_json::to_value(&typed).expect("text can be written");
    let answer = match Drafts::of(&pen).keep("vitals", &patient, body, version).await {
        Ok(draft) => {
            let at = care::chart::When::of_micros(draft.at).time();
            let says = visitor.words.with("vitals-draft-kept-at", &[("time", at.into())]);
            serde_json::json!({ "version": draft.version, "says": says })
        }
        Err(error) => serde_json::json!({ "says": unkept(&visitor, error)? }),
    };
    Ok(json(&answer))
}

fn json(value: &serde_json::Value) -> Response {
    Json(value).into_response()
}
