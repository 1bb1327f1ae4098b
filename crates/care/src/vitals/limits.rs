//! What can be, what is usual and what change is likely, by age: the tables of `content/vitals/limits.toml`.

use crate::content::{Head, head_of_toml};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What the set says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct About {
    pub title: String,
    pub version: String,
    pub reviewed: String,
    pub expires: String,
    pub source: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Usual {
    from: f64,
    to: f64,
    low: f64,
    high: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Change {
    from: f64,
    to: f64,
    percent: f64,
    days: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Limits {
    absolute: (f64, f64),
    #[serde(default)]
    usual: Vec<Usual>,
    #[serde(default)]
    change: Vec<Change>,
}

#[derive(Deserialize)]
struct Book {
    set: About,
    #[serde(flatten)]
    of: BTreeMap<String, Limits>,
}

const TEXT: &str = include_str!("../../../../content/vitals/limits.toml");

static BOOK: LazyLock<Book> =
    LazyLock::new(|| toml::from_str(TEXT).expect("content/vitals/limits.toml is read by a test"));

/// What the set says of itself, and how many measures it has limits for.
pub(crate) fn tell() -> Result<(Head, usize), String> {
    let file: toml::Table = TEXT.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let book: Book = toml::from_str(TEXT).map_err(|error| error.to_string())?;
    Ok((head_of_toml(&file)?, book.of.len()))
}

/// For the page that shows what ships.
pub fn about() -> &'static About {
    &BOOK.set
}

fn of(key: &str) -> &'static Limits {
    BOOK.of.get(key).expect("every measure has its limits, a test holds")
}

/// What can be at all.
pub(super) fn absolute(key: &str) -> (f64, f64) {
    of(key).absolute
}

/// What is usual at this age.
pub(super) fn usual(key: &str, years: Option<f64>) -> Option<(f64, f64)> {
    let years = years?;
    of(key).usual.iter().find(|it| (it.from..it.to).contains(&years)).map(|it| (it.low, it.high))
}

/// How many percent a value may differ from one taken `days` ago before it asks for a second look.
pub(super) fn change(key: &str, years: Option<f64>, days: f64) -> Option<f64> {
    let years = years?;
    of(key).change.iter().find(|it| (it.from..it.to).contains(&years) && days <= it.days).map(|it| it.percent)
}
