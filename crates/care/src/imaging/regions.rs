//! Was this part of the body looked at before? Which region an order or a study is of and how it was made, by the table
//! `content/imaging/regions.toml`, and the earlier ones to be listed before a repeat is ordered. Nothing here decides that
//! a repeat is wrong.

use super::listed::Listed;
use crate::chart::When;
use crate::content::{self, Head};
use crate::orders::catalogue::Orderable;
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../content/imaging/regions.toml");
/// How many earlier ones are listed.
const MOST: usize = 6;

#[derive(Deserialize)]
struct Table {
    set: Set,
    kind: Vec<Kind>,
    region: Vec<Region>,
}

#[derive(Deserialize)]
struct Set {
    days: i64,
}

#[derive(Deserialize)]
struct Kind {
    key: String,
    codes: Vec<String>,
    words: Vec<String>,
}

#[derive(Deserialize)]
struct Region {
    key: String,
    parts: Vec<String>,
    codes: Vec<String>,
    words: Vec<String>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| toml::from_str(TEXT).expect("content/imaging is read by a test"));

/// How the self-check tells of it.
pub fn tell() -> Result<(Head, usize), String> {
    let file: toml::Table = TEXT.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let table: Table = toml::from_str(TEXT).map_err(|error| error.message().to_owned())?;
    Ok((content::head_of_toml(&file)?, table.region.len()))
}

/// Which part of a body, and how: by their keys in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    regions: BTreeSet<&'static str>,
    kinds: BTreeSet<&'static str>,
}

impl Body {
    /// From codes of kinds (`CT`), marks (codes, parts of the body as scanners write them) and words.
    fn of(codes: &[String], marks: &[String], words: &str) -> Body {
        let spoken = format!(" {} ", plain(&format!("{words} {}", marks.join(" "))));
        let says = |all: &[String]| all.iter().any(|it| spoken.contains(&format!(" {} ", plain(it))));
        let parts: Vec<String> = marks.iter().map(|it| it.to_uppercase().replace([' ', '_', '-'], "")).collect();
        let marked = |it: &Region| {
            it.parts.iter().any(|part| parts.contains(part)) || it.codes.iter().any(|code| marks.contains(code))
        };
        let kinds = TABLE.kind.iter().filter(|it| {
            let coded = it.codes.iter().any(|code| codes.contains(code));
            if codes.is_empty() { says(&it.words) } else { coded }
        });
        let regions = TABLE.region.iter().filter(|it| marked(it) || says(&it.words));
        Body { regions: regions.map(|it| &*it.key).collect(), kinds: kinds.map(|it| &*it.key).collect() }
    }

    pub fn is_known(&self) -> bool {
        !self.regions.is_empty()
    }
}

/// Letters and digits in lower case, with one space between words.
fn plain(text: &str) -> String {
    let kept: String = text.chars().map(|it| if it.is_alphanumeric() { it } else { ' ' }).collect();
    kept.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What an order is of.
pub fn body_of_order(order: Option<&Orderable>, name: &str) -> Body {
    let mut marks: Vec<String> = order.iter().map(|it| it.key.to_owned()).collect();
    marks.extend(order.iter().flat_map(|it| it.codes.iter().cloned()));
    Body::of(&[], &marks, name)
}

/// An earlier look at the same part of the body.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    pub what: String,
    /// `CT`.
    pub kinds: Vec<String>,
    pub when: When,
    /// None when it was made here.
    pub place: Option<String>,
    /// The study, or the report where there is no study.
    pub about: String,
    pub conclusion: Option<String>,
    /// It was made in the same way.
    pub same: bool,
}

/// Earlier studies and reports of the same region, wherever they were made: those made in the same way first, then the
/// newest.
pub fn priors(body: &Body, all: &[Listed], today: Date) -> Vec<Prior> {
    let mut found: Vec<Prior> = all.iter().filter_map(|it| prior(body, it, today)).collect();
    found.sort_by_key(|it| (!it.same, std::cmp::Reverse(it.when.at())));
    found.truncate(MOST);
    found
}

fn prior(body: &Body, it: &Listed, today: Date) -> Option<Prior> {
    let when = it.when?;
    when.days_before(today).filter(|days| *days <= TABLE.set.days)?;
    let theirs = Body::of(&it.kinds, &it.marks, &it.what);
    if body.regions.is_disjoint(&theirs.regions) {
        return None;
    }
    let report = it.reports.first();
    let about = match (&it.study, report) {
        (Some(study), _) => format!("ImagingStudy/{study}"),
        (None, Some(report)) => format!("DiagnosticReport/{}", report.id),
        (None, None) => return None,
    };
    Some(Prior {
        what: it.what.clone(),
        kinds: it.kinds.clone(),
        when,
        place: it.place.clone(),
        about,
        conclusion: report.and_then(|it| it.conclusion.clone()),
        same: !body.kinds.is_disjoint(&theirs.kinds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::Kind as OrderKind;
    use crate::orders::catalogue;
    use fhir::Id;

    fn study(what: &str, kind: &str, marks: &[&str], day: &str) -> Listed {
        Listed {
            study: Id::parse(&format!("s-{}", day.replace('-', ""))),
            what: what.to_owned(),
            kinds: if kind.is_empty() { Vec::new() } else { vec![kind.to_owned()] },
            when: When::parse(day),
            place: None,
            images: None,
            reports: Vec::new(),
            marks: marks.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    #[test]
    fn every_image_that_can_be_ordered_has_a_region_and_a_kind() {
        for it in catalogue::all().iter().filter(|it| it.kind == OrderKind::Imaging) {
            let body = body_of_order(Some(it), it.name);
            assert!(body.is_known() && !body.kinds.is_empty(), "{}", it.key);
        }
    }

    #[test]
    fn earlier_looks_at_the_same_part_are_listed_wherever_and_however_they_were_made() {
        let today: Date = "2026-06-15".parse().unwrap();
        let all = [
            study("Head", "MR", &["BRAIN"], "2026-05-01"),
            study("CT Kopf", "CT", &["HEAD"], "2025-01-01"),
            study("CT of the head without contrast", "", &["30799-1"], "2026-01-01"),
            study("CT head, old", "CT", &["HEAD"], "2019-01-01"),
            study("Chest", "CT", &["CHEST"], "2026-06-01"),
            study("CT head", "CT", &["HEAD"], "2026-07-01"),
        ];
        let order = catalogue::by_key("cthead").unwrap();
        let found = priors(&body_of_order(Some(order), order.name), &all, today);
        let told: Vec<(&str, bool)> = found.iter().map(|it| (it.what.as_str(), it.same)).collect();
        assert_eq!(told, [("CT of the head without contrast", true), ("CT Kopf", true), ("Head", false)]);
    }

    #[test]
    fn a_word_is_a_word_and_not_a_part_of_one() {
        let body = |words: &str| Body::of(&[], &[], words);
        assert!(body("Ultrasound of the army of forearms").regions.is_empty());
        assert_eq!(body("XR RIGHT HAND").regions, ["upper extremity"].into());
        assert_eq!(body("MRI of the lumbar spine").regions, ["lumbar spine"].into());
        assert_eq!(Body::of(&["DX".to_owned()], &["L_SPINE".to_owned()], "").kinds, ["xr"].into());
    }
}
