//! Growth charts (screen C-07): one curve sheet at a time with the child's own line, and under it every measurement with its
//! z-score and percentile. Below two years by WHO, from then on by CDC; what was born early is placed by the age since term.

use crate::components::card::{empty, not_shown};
use crate::components::form::{Errors, field};
use crate::components::growth::{self, Sheet};
use crate::components::shell::Needs;
use crate::components::{icon, live, shell};
use crate::locale::Words;
use crate::request::{Answer, Visitor, id};
use axum::extract::{Path, Query};
use care::growth::{Growth, MONTH, Measure, Point, Sex, Target, percentile_words, target};
use maud::{Markup, html};
use serde::Deserialize;

const NEEDS: Needs = Needs::of(&["results.css", "growth.css"], &[]);

/// Measure → the key of its name.
pub(crate) const NAMES: [(Measure, &str); 5] = [
    (Measure::Weight, "growth-weight"),
    (Measure::Length, "growth-length"),
    (Measure::Head, "growth-head"),
    (Measure::Bmi, "growth-bmi"),
    (Measure::WeightForLength, "growth-weight-for-length"),
];

pub(crate) fn name(measure: Measure) -> &'static str {
    NAMES.iter().find(|it| it.0 == measure).map_or("growth-title", |it| it.1)
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    chart: String,
    /// `infant` or `child`; by the age of the child when nothing is said.
    ages: String,
    /// Whose curves, where the record names no sex.
    curves: String,
    mother: String,
    father: String,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let patient = id(&patient)?;
    let words = visitor.words;
    let curves = match asked.curves.as_str() {
        "male" => Some(Sex::Male),
        "female" => Some(Sex::Female),
        _ => None,
    };
    let chart = visitor.chart(&patient);
    let (banner, grown) = tokio::try_join!(chart.banner(), chart.growth(curves))?;
    let address = format!("{}/growth", visitor.address_of(patient.as_str()));
    let main = html! {
        (show(words, &address, &grown, &asked, &banner.person.name()))
        (live::source(&visitor, Some(&patient)))
    };
    Ok(shell::chart(&visitor, &banner, "growth", (words.say("growth-title"), NEEDS), main))
}

fn show(words: &Words, address: &str, grown: &Growth, asked: &Asked, patient: &str) -> Markup {
    let young = grown.age.is_none_or(|it| it < 24.0 * MONTH);
    let infant = match asked.ages.as_str() {
        "infant" => true,
        "child" => false,
        _ => young,
    };
    let chosen = Measure::parse(&asked.chart).unwrap_or(Measure::Weight);
    // Head and weight-for-length end where the sheet of small children ends.
    let infant = infant || matches!(chosen, Measure::WeightForLength | Measure::Head);
    let height = |text: &str| text.trim().replace(',', ".").parse::<f64>().ok();
    let expected = match (grown.sex, height(&asked.mother), height(&asked.father)) {
        (Some(sex), Some(mother), Some(father)) => target(sex, mother, father),
        _ => None,
    };
    html! {
        header.section-head {
            h1 { (words.say("growth-title")) }
            p { button type="button" data-print="" hidden { (words.say("growth-print")) } }
        }
        @if grown.refused { (not_shown(words, &words.say("growth-title"))) }
        @else if grown.born.is_none() { (empty(&words.say("growth-no-birth"))) }
        @else if !grown.applies() { (empty(&words.say("growth-grown-up"))) }
        @else {
            @if grown.sex.is_none() { (curves(words, address)) }
            @if let Some(weeks) = grown.gestation {
                p.notice.caution { (icon::icon("alert")) span { (words.with("growth-corrected", &[("weeks", format!("{weeks:.0}").into())])) } }
            }
            (choices(words, address, chosen, infant, &asked.curves))
            div #growth-chart data-live="Observation Patient" {
                @match grown.sex {
                    Some(sex) => {
                        @let sheet = Sheet { measure: chosen, sex, infant };
                        (growth::sheet(words, &sheet, grown, expected.as_ref(), patient))
                    }
                    None => { (empty(&words.say("growth-no-sex"))) }
                }
                (table(words, grown, chosen))
            }
            (parents(words, address, asked, chosen, expected.as_ref(), grown.sex))
            (speeds(words, grown))
            p.hint { (words.say("growth-sources")) }
        }
    }
}

fn curves(words: &Words, address: &str) -> Markup {
    html! {
        p.notice.caution { (icon::icon("alert")) span {
            (words.say("growth-choose-curves")) " "
            a href={ (address) "?curves=female" } { (words.say("growth-girls")) } " · "
            a href={ (address) "?curves=male" } { (words.say("growth-boys")) }
        } }
    }
}

fn choices(words: &Words, address: &str, chosen: Measure, infant: bool, curves: &str) -> Markup {
    let more = if curves.is_empty() { String::new() } else { format!("&curves={curves}") };
    let ages = if infant { "infant" } else { "child" };
    html! {
        nav.ranges aria-label=(words.say("growth-which")) {
            @for (measure, key) in NAMES {
                a href={ (address) "?chart=" (measure.slug()) "&ages=" (ages) (more) } aria-current=[(measure == chosen).then_some("true")] { (words.say(key)) }
            }
        }
        @if !matches!(chosen, Measure::WeightForLength | Measure::Head) {
            nav.ranges aria-label=(words.say("growth-ages")) {
                a href={ (address) "?chart=" (chosen.slug()) "&ages=infant" (more) } aria-current=[infant.then_some("true")] { (words.say("growth-infant")) }
                a href={ (address) "?chart=" (chosen.slug()) "&ages=child" (more) } aria-current=[(!infant).then_some("true")] { (words.say("growth-child")) }
            }
        }
    }
}

/// An age as people say it of children.
pub(crate) fn age(words: &Words, days: f64) -> String {
    let months = (days / MONTH).floor() as i64;
    match months {
        0 => words.with("growth-age-days", &[("count", (days as i64).into())]),
        1..24 => words.with("growth-age-months", &[("count", months.into())]),
        _ => words.with("growth-age-years", &[("years", (months / 12).into()), ("months", (months % 12).into())]),
    }
}

fn z_words(z: Option<f64>) -> Markup {
    match z {
        Some(z) => html! { (format!("{z:+.2}").replace('-', "−")) },
        None => html! { span.absent { "–" } },
    }
}

fn table(words: &Words, grown: &Growth, measure: Measure) -> Markup {
    let points: Vec<&Point> = grown.of(measure).collect();
    let corrected = points.iter().any(|it| it.corrected.is_some());
    html! {
        @if points.is_empty() { (empty(&words.say("growth-nothing"))) }
        @else {
            table.rows.labelled {
                caption { (words.with("growth-table", &[("measure", words.say(name(measure)).into())])) }
                thead { tr {
                    th scope="col" { (words.say("growth-date")) }
                    th scope="col" { (words.say("growth-age")) }
                    @if measure == Measure::WeightForLength { th scope="col" { (words.say("growth-length")) } }
                    th scope="col" { (words.say(name(measure))) }
                    th scope="col" { (words.say("growth-percentile")) }
                    th scope="col" { (words.say("growth-z")) }
                    @if corrected { th scope="col" { (words.say("growth-corrected-z")) } }
                } }
                tbody {
                    @for point in points.iter().rev() {
                        tr {
                            th scope="row" { (point.when.date()) }
                            td data-label=(words.say("growth-age")) { (age(words, point.age)) @if let Some(corrected) = point.corrected { " (" (words.with("growth-age-corrected", &[("age", age(words, corrected.max(0.0)).into())])) ")" } }
                            @if measure == Measure::WeightForLength { td data-label=(words.say("growth-length")) { @if let Some(length) = point.length { (format!("{length:.1} cm")) } } }
                            td.of-value data-label=(words.say(name(measure))) { (format!("{:.*} {}", if measure == Measure::Weight && point.value < 20.0 { 2 } else { 1 }, point.value, unit(measure))) @if point.computed { " " span.chip { (words.say("growth-computed")) } } }
                            td data-label=(words.say("growth-percentile")) { @match point.best_z() { Some(z) => (percentile_words(z)), None => { span.absent { "–" } } } }
                            td data-label=(words.say("growth-z")) { (z_words(point.z)) }
                            @if corrected { td data-label=(words.say("growth-corrected-z")) { (z_words(point.corrected_z)) } }
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn unit(measure: Measure) -> &'static str {
    if measure == Measure::Bmi { "kg/m²" } else { measure.unit() }
}

fn parents(
    words: &Words,
    address: &str,
    asked: &Asked,
    chosen: Measure,
    expected: Option<&Target>,
    sex: Option<Sex>,
) -> Markup {
    html! {
        section.growth-parents aria-labelledby="parents" {
            h2 #parents { (words.say("growth-parents")) }
            form.filters method="get" action=(address) {
                input type="hidden" name="chart" value=(chosen.slug());
                @if !asked.curves.is_empty() { input type="hidden" name="curves" value=(asked.curves); }
                (field("mother", &words.say("growth-mother")).kind("text").value(&asked.mother).maxlength(6).show(words, &Errors::none()))
                (field("father", &words.say("growth-father")).kind("text").value(&asked.father).maxlength(6).show(words, &Errors::none()))
                button type="submit" { (words.say("growth-work-out")) }
            }
            @match expected {
                Some(it) => { p { (words.with("growth-expected", &[
                    ("height", format!("{:.1}", it.height).into()),
                    ("low", format!("{:.1}", it.low).into()),
                    ("high", format!("{:.1}", it.high).into()),
                    ("percentile", it.z.map_or_else(|| "–".into(), percentile_words).into()),
                ])) } }
                None if sex.is_some() && !asked.mother.is_empty() => { p.field-error { (words.say("growth-parents-wrong")) } }
                None => {}
            }
        }
    }
}

fn speeds(words: &Words, grown: &Growth) -> Markup {
    html! {
        @if !grown.velocities.is_empty() {
            table.rows.labelled {
                caption { (words.say("growth-velocity")) }
                thead { tr {
                    th scope="col" { (words.say("growth-from-to")) } th scope="col" { (words.say("growth-what")) } th scope="col" { (words.say("growth-a-year")) }
                } }
                tbody {
                    @for it in grown.velocities.iter().take(24) {
                        tr {
                            th scope="row" { (it.from.date()) " – " (it.to.date()) }
                            td data-label=(words.say("growth-what")) { (words.say(name(it.measure))) }
                            td data-label=(words.say("growth-a-year")) { (format!("{:+.1} {}", it.a_year, unit(it.measure)).replace('-', "−")) }
                        }
                    }
                }
            }
        }
    }
}
