//! Images (screens C-06, C-19): what studies and reports there are of a patient, wherever they were made, one study with
//! its pictures, and the pictures themselves, which this program fetches from the archive for whoever may see them.

mod viewer;

use crate::components::card::{empty, not_shown};
use crate::components::form::act;
use crate::components::shell::{self, Needs, section_address};
use crate::components::table::table;
use crate::components::{day_or_none, flag, notice};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use care::chart::ResultStatus;
use care::imaging::{self, ImagingError, Listed, Report, Standing, Wanted};
use maud::{Markup, html};
use serde::Deserialize;

pub(crate) const NEEDS: Needs = Needs::of(&["imaging.css"], &[]);
pub(crate) const VIEWER: Needs = Needs::of(&["imaging.css"], &["viewer.js"]);

/// Kinds of images (DICOM) → what people call them.
const KINDS: [(&str, &str); 12] = [
    ("CT", "imaging-kind-ct"),
    ("MR", "imaging-kind-mr"),
    ("CR", "imaging-kind-xr"),
    ("DX", "imaging-kind-xr"),
    ("RG", "imaging-kind-xr"),
    ("US", "imaging-kind-us"),
    ("MG", "imaging-kind-mg"),
    ("NM", "imaging-kind-nm"),
    ("PT", "imaging-kind-pt"),
    ("BMD", "imaging-kind-bd"),
    ("XA", "imaging-kind-xa"),
    ("SR", "imaging-kind-sr"),
];

/// `CT`, `X-ray`; a kind without a word is called as DICOM calls it.
pub(crate) fn kind(words: &Words, code: &str) -> String {
    KINDS.iter().find(|(it, _)| *it == code).map_or_else(|| code.to_owned(), |(_, key)| words.say(key))
}

pub(crate) fn kinds(words: &Words, codes: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for it in codes.iter().map(|it| kind(words, it)) {
        if !all.contains(&it) {
            all.push(it);
        }
    }
    all
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// What came of asking the archives: counts, and whether any was silent or knows no such person.
    new: Option<usize>,
    changed: usize,
    known: usize,
    left: usize,
    silent: usize,
    unnamed: usize,
}

pub(crate) async fn list(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let patient = id(&patient)?;
    let (words, pen) = (visitor.words, visitor.pen());
    let chart = visitor.chart(&patient);
    let (banner, found) = tokio::try_join!(chart.banner(), imaging::of_patient(&pen, &patient))?;
    let base = visitor.address_of(patient.as_str());
    let connected = imaging::is_connected(&pen);
    let main = html! {
        header.section-head {
            h1 { (words.say("imaging-title")) }
            @if connected && imaging::may_fetch(&pen) {
                (act(&section_address(&base, "imaging"), &[], &words.say("imaging-fetch"), None))
            }
        }
        (told(words, &asked))
        @if found.refused { (not_shown(words, &words.say("imaging-title"))) }
        @else {
            @if !connected { (unconnected(words)) }
            @if found.more { p.similar-note { (words.say("imaging-more")) } }
            @if found.rows.is_empty() { (empty(&words.say(if connected { "imaging-none-fetch" } else { "imaging-none" }))) }
            @else { (rows(words, &base, &found.rows)) }
        }
    };
    Ok(shell::chart(&visitor, &banner, "imaging", (words.say("imaging-title"), NEEDS), main))
}

/// That pictures cannot be seen here, and what to do about it.
fn unconnected(words: &Words) -> Markup {
    html! { (notice::caution(html! { p { strong { (words.say("imaging-unconnected")) } " " (words.say("imaging-unconnected-next")) } })) }
}

fn told(words: &Words, asked: &Asked) -> Markup {
    let Some(new) = asked.new else { return html! {} };
    let counts = [("new", new.into()), ("changed", asked.changed.into()), ("known", asked.known.into())];
    let cautions =
        [(asked.left, "imaging-left-out"), (asked.silent, "imaging-silent"), (asked.unnamed, "imaging-unnamed")];
    html! {
        (notice::told(&words.with("imaging-fetched", &counts)))
        @for (count, key) in cautions.into_iter().filter(|(count, _)| *count > 0) {
            (notice::caution(html! { p { (words.with(key, &[("count", count.into())])) } }))
        }
    }
}

fn rows(words: &Words, base: &str, all: &[Listed]) -> Markup {
    let heads = ["imaging-what", "imaging-date", "imaging-kind", "imaging-place", "imaging-pictures", "imaging-report"];
    let heads: Vec<String> = heads.iter().map(|it| words.say(it)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let cells = all.iter().map(|it| {
        let what = if it.what.is_empty() { words.say("imaging-unnamed-study") } else { it.what.clone() };
        vec![
            html! { @match &it.study {
                Some(study) => { a href={ (base) "/imaging/" (study) } { (what) } },
                None => { (what) },
            } },
            html! { (day_or_none(words, it.when.as_ref())) },
            html! { @let named = kinds(words, &it.kinds); @if named.is_empty() { span.absent { (words.say("common-not-recorded")) } } @else { (named.join(", ")) } },
            html! { @match &it.place { Some(place) => (place), None => { span.quiet { (words.say("imaging-here")) } } } },
            html! { @match (it.images, &it.study) {
                (Some(count), _) => { span.number { (count) } },
                (None, Some(_)) => { span.absent { (words.say("common-not-recorded")) } },
                (None, None) => { span.absent { (words.say("imaging-no-study")) } },
            } },
            html! { @if it.reports.is_empty() { span.absent { (words.say("imaging-no-report")) } } @for report in &it.reports { (one_report(words, base, report)) } },
        ]
    });
    html! { div.imaging-list { (table(words, &words.say("imaging-caption"), &heads, cells.collect())) } }
}

/// A report with its conclusion and the way to all of it.
pub(crate) fn one_report(words: &Words, base: &str, report: &Report) -> Markup {
    html! {
        div.imaging-report {
            a href={ (base) "/reports/DiagnosticReport/" (report.id) } { (words.say("imaging-read")) span.spoken { " " (report.name) } }
            @if report.status != ResultStatus::Final { " " (flag::status(words, report.status)) }
            @if let Some(conclusion) = &report.conclusion { p.quiet { (conclusion) } }
        }
    }
}

pub(crate) async fn fetch(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    let to = section_address(&visitor.address_of(patient.as_str()), "imaging");
    let it = imaging::fetch(&visitor.pen(), &patient).await?;
    let (new, changed, known, left) = (it.new, it.changed, it.known, it.left_out);
    let (silent, unnamed) = (it.silent.len(), it.unnamed.len());
    let said = format!("new={new}&changed={changed}&known={known}&left={left}&silent={silent}&unnamed={unnamed}");
    Ok(see_other(&format!("{to}?{said}")))
}

pub(crate) async fn study(
    visitor: Visitor,
    Path((_, patient, study)): Path<(String, String, String)>,
    Query(asked): Query<viewer::Asked>,
) -> Answer {
    let (words, patient, study) = (visitor.words, id(&patient)?, id(&study)?);
    let pen = visitor.pen();
    let opened = imaging::open(&pen, &patient, &study).await?;
    let banner = visitor.chart(&patient).banner().await?;
    let base = visitor.address_of(patient.as_str());
    let (shown, listed) = (&opened.shown, &opened.shown.listed);
    let title = if listed.what.is_empty() { words.say("imaging-unnamed-study") } else { listed.what.clone() };
    let named = kinds(words, &listed.kinds);
    let main = html! {
        header.section-head {
            h1 { (title) }
            p { a href=(section_address(&base, "imaging")) { (words.say("imaging-all")) } }
        }
        dl.details {
            div { dt { (words.say("imaging-date")) } dd { @match &listed.when { Some(when) => (when.date_and_time()), None => { span.absent { (words.say("common-not-recorded")) } } } } }
            @if !named.is_empty() { div { dt { (words.say("imaging-kind")) } dd { (named.join(", ")) } } }
            div { dt { (words.say("imaging-place")) } dd { @match &listed.place { Some(place) => (place), None => (words.say("imaging-here")) } } }
            @if let Some(order) = &shown.order { div { dt { (words.say("imaging-order")) } dd { (order) } } }
            @if let Some(referrer) = &shown.referrer { div { dt { (words.say("imaging-referrer")) } dd { (referrer) } } }
            @if let Some(number) = &shown.number { div { dt { (words.say("imaging-accession")) } dd.number { (number) } } }
        }
        @match &opened.standing {
            Standing::Pictures(series) => (viewer::show(words, &format!("{base}/imaging/{study}"), &title, series, &asked)),
            Standing::NoArchive => (unconnected(words)),
            Standing::Away => (notice::caution(html! { p { (words.say("imaging-away")) } })),
            Standing::NotThere => (notice::caution(html! { p { (words.say("imaging-not-there")) } })),
            Standing::AnotherPatient => (notice::caution(html! { p { (words.say("imaging-another-patient")) } })),
        }
        section.imaging-reports aria-labelledby="reports" {
            h2 #reports { (words.say("imaging-reports")) }
            @if shown.reports.is_empty() { (empty(&words.say("imaging-no-report-yet"))) }
            @for report in &shown.reports { (one_report(words, &base, report)) }
        }
    };
    Ok(shell::chart(&visitor, &banner, "imaging", (title.as_str(), VIEWER), main))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    window: Option<String>,
    small: bool,
}

type OfPicture = Path<(String, String, String, String, String, u32)>;

/// A picture. Whoever may not see the study is told what somebody is told for whom there is none.
pub(crate) async fn picture(
    visitor: Visitor,
    Path((_, patient, study, series, instance, frame)): OfPicture,
    Query(look): Query<Look>,
) -> Answer {
    let (patient, study) = (id(&patient)?, id(&study)?);
    let window = look.window.as_deref().filter(|it| !it.is_empty());
    let wanted = Wanted { series: &series, instance: &instance, frame, window, small: look.small };
    let picture = imaging::picture(&visitor.pen(), &patient, &study, wanted).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(picture.content_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    Ok((StatusCode::OK, headers, picture.bytes).into_response())
}

impl From<ImagingError> for Refusal {
    fn from(error: ImagingError) -> Refusal {
        match error {
            ImagingError::Store(error) => Refusal::from(error),
            ImagingError::NotThere | ImagingError::AnotherPatient => Refusal::NotFound,
            ImagingError::NoArchive => Refusal::Cannot("imaging-unconnected-next"),
            ImagingError::Away => Refusal::Cannot("imaging-away"),
            ImagingError::Busy => Refusal::Cannot("common-act-conflict"),
            ImagingError::Invalid => Refusal::Cannot("common-act-invalid"),
        }
    }
}
