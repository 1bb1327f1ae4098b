//! Which statements mean the same: by a code they share, by the ingredients of a medicine, by their words. Of each source
//! at most one statement stands in a row: what one record tells apart is not thrown together here.

use super::{By, Decision, Entry, Kind, Row};
use crate::chart::Standing;
use crate::chart::element::{list, owned};
use crate::drugs::{self, Recognised, folded};
use crate::exchange::origin::Origin;
use fhir::Value;
use serde_json::json;
use std::collections::BTreeSet;

/// Words that tell nothing of what is meant.
const EMPTY: [&str; 26] = [
    "a",
    "and",
    "by",
    "disease",
    "disorder",
    "due",
    "finding",
    "for",
    "in",
    "nec",
    "nos",
    "not",
    "of",
    "on",
    "or",
    "other",
    "primary",
    "situation",
    "specified",
    "the",
    "to",
    "unspecified",
    "with",
    "without",
    "complications",
    "complication",
];
/// Words of forms and of how something is given: two tablets are not the same medicine for that.
const FORMS: [&str; 34] = [
    "actuat",
    "actuation",
    "capsule",
    "cream",
    "day",
    "dose",
    "dry",
    "elixir",
    "er",
    "extended",
    "hour",
    "hr",
    "hydrochloride",
    "inhalation",
    "inhaler",
    "injectable",
    "injection",
    "iu",
    "mcg",
    "meq",
    "metered",
    "mg",
    "ml",
    "ointment",
    "oral",
    "pack",
    "powder",
    "prefilled",
    "release",
    "solution",
    "suspension",
    "syringe",
    "tablet",
    "unit",
];
/// Words of which one cannot stand for the other.
const OPPOSED: [(&str, &str); 5] =
    [("left", "right"), ("acute", "chronic"), ("upper", "lower"), ("benign", "malignant"), ("primary", "secondary")];
/// How much of their words two statements must share.
const ALIKE: f64 = 0.5;

/// What a statement means, as far as it can be compared.
struct Means {
    codes: BTreeSet<String>,
    drug: Recognised,
    local: bool,
    words: BTreeSet<String>,
    all_words: BTreeSet<String>,
    day: Option<String>,
}

/// The concept that says what a statement is about.
pub(super) fn concept(value: &Value) -> Option<Value> {
    let own = ["code", "medicationCodeableConcept", "vaccineCode"].iter().find_map(|it| value.get(*it));
    if let Some(own) = own {
        return Some(own.clone());
    }
    let reference = value.get("medicationReference")?;
    let id = reference["reference"].as_str().and_then(|it| it.strip_prefix('#'));
    let inside = id.and_then(|id| list(value, "contained").iter().find(|it| it["id"] == *id));
    inside.and_then(|it| it.get("code").cloned()).or_else(|| Some(json!({ "text": reference["display"].as_str()? })))
}

impl Means {
    fn of(kind: Kind, entry: &Entry) -> Means {
        let concept = concept(&entry.value).unwrap_or_default();
        let code = |it: &Value| Some(format!("{}|{}", it["system"].as_str()?, it["code"].as_str()?));
        let is_drug = matches!(kind, Kind::Medications | Kind::Allergies);
        let all_words: BTreeSet<String> = folded(&entry.row.title).split(' ').map(str::to_owned).collect();
        let plain = |it: &&String| {
            let form = kind == Kind::Medications && (FORMS.contains(&it.as_str()) || has_digit(it));
            !it.is_empty() && !form && !EMPTY.contains(&it.as_str())
        };
        Means {
            codes: list(&concept, "coding").iter().filter_map(code).collect(),
            drug: if is_drug { drugs::recognise(&concept) } else { Recognised::default() },
            local: kind == Kind::Medications && drugs::is_local(&entry.row.title),
            words: all_words.iter().filter(plain).cloned().collect(),
            all_words,
            day: ["occurrenceDateTime", "effectiveDateTime"]
                .iter()
                .find_map(|it| owned(&entry.value, &[it]))
                .map(|it| it.chars().take(10).collect()),
        }
    }
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|it| it.is_ascii_digit())
}

/// How well two statements fit together: the way, and more for better.
fn fit(kind: Kind, a: &Means, b: &Means) -> Option<(By, u32)> {
    if kind == Kind::Immunizations && a.day != b.day {
        return None;
    }
    if a.codes.intersection(&b.codes).next().is_some() {
        return Some((By::Code, 1_000));
    }
    let known = |it: &Means| !it.drug.ingredients.is_empty();
    if known(a) && known(b) {
        let same = a.drug.ingredients == b.drug.ingredients && a.local == b.local;
        return same.then_some((By::Ingredient, 800));
    }
    if a.drug.allergy_classes.intersection(&b.drug.allergy_classes).next().is_some() {
        return Some((By::Ingredient, 780));
    }
    let alike = alike(kind, a, b)?;
    Some((By::Text, (alike * 600.0) as u32))
}

/// The part of their words that two statements share, where that is enough.
fn alike(kind: Kind, a: &Means, b: &Means) -> Option<f64> {
    let numbers = |it: &Means| -> BTreeSet<String> { it.words.iter().filter(|it| has_digit(it)).cloned().collect() };
    let (left, right) = (numbers(a), numbers(b));
    // Stage 3a is not stage 3b, type 1 not type 2.
    if kind != Kind::Medications && !left.is_empty() && !right.is_empty() && left != right {
        return None;
    }
    let says = |it: &Means, word: &str| it.all_words.contains(word);
    let against = |(one, other): &(&str, &str)| {
        (says(a, one) && says(b, other) && !says(a, other) && !says(b, one))
            || (says(a, other) && says(b, one) && !says(a, one) && !says(b, other))
    };
    if OPPOSED.iter().any(against) {
        return None;
    }
    let shared = a.words.intersection(&b.words).count();
    let all = a.words.union(&b.words).count();
    let part = shared as f64 / all.max(1) as f64;
    (shared > 0 && part >= ALIKE).then_some(part)
}

/// The same but for who wrote it down, when and under which name: word for word a copy.
pub(super) fn signature(value: &Value) -> String {
    const ASIDE: [&str; 16] = [
        "id",
        "meta",
        "identifier",
        "text",
        "recorder",
        "asserter",
        "requester",
        "performer",
        "informationSource",
        "encounter",
        "context",
        "subject",
        "patient",
        "recordedDate",
        "authoredOn",
        "dateAsserted",
    ];
    let mut plain = value.clone();
    if let Some(members) = plain.as_object_mut() {
        members.retain(|name, _| !ASIDE.contains(&name.as_str()));
    }
    // Members are compared by name, whatever their order.
    let sorted: std::collections::BTreeMap<_, _> = plain.as_object().into_iter().flatten().collect();
    serde_json::to_string(&sorted).unwrap_or_default()
}

/// Copies of one source become one statement, the newest of them first.
pub(super) fn collapsed(entries: Vec<Entry>) -> Vec<Entry> {
    let mut kept: Vec<(String, Entry)> = Vec::new();
    for entry in entries {
        let name = signature(&entry.value);
        let same = kept.iter_mut().find(|(other, it)| *other == name && same_source(it, &entry));
        match same {
            Some((_, there)) => {
                there.copies += 1;
                there.also.push((entry.row.key, entry.row.version, entry.value));
            }
            None => kept.push((name, entry)),
        }
    }
    kept.into_iter().map(|(_, entry)| entry).collect()
}

fn same_source(a: &Entry, b: &Entry) -> bool {
    let name = |it: &Origin| (it.source.clone(), it.name.clone());
    a.from.as_ref().map(name) == b.from.as_ref().map(name)
}

/// Puts what means the same into rows. What only this record says has a row if it holds.
pub(super) fn rows(kind: Kind, ours: Vec<Entry>, theirs: Vec<Entry>) -> Vec<Row> {
    let mut rows: Vec<(Means, Row)> =
        ours.into_iter().map(|it| (Means::of(kind, &it), Row { ours: Some(it), ..blank(kind) })).collect();
    let mut theirs: Vec<(Means, Entry)> = theirs.into_iter().map(|it| (Means::of(kind, &it), it)).collect();
    theirs.sort_by_key(|(_, it)| (!it.holds(), std::cmp::Reverse(it.changed.map_or(i64::MIN, |it| it.at()))));
    for (means, entry) in theirs {
        let fits = |(there, row): &(Means, Row)| {
            if row.theirs.iter().any(|it| same_source(it, &entry)) {
                return None;
            }
            let (by, score) = fit(kind, there, &means)?;
            // What holds is the better partner than what is past.
            let holds = row.ours.as_ref().is_some_and(Entry::holds) == entry.holds();
            Some((score + u32::from(row.ours.is_some()) * 20 + u32::from(holds) * 5, by))
        };
        let best = rows.iter().enumerate().filter_map(|(at, it)| Some((fits(it)?, at)));
        match best.max_by_key(|((score, _), at)| (*score, std::cmp::Reverse(*at))) {
            Some(((_, by), at)) => {
                let row = &mut rows[at].1;
                row.by = row.by.max(Some(by));
                row.theirs.push(entry);
            }
            None => rows.push((means, Row { theirs: vec![entry], ..blank(kind) })),
        }
    }
    let mut rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    rows.retain(|it| it.is_open() || it.ours.as_ref().is_some_and(Entry::holds));
    let some_allergy = kind == Kind::Allergies
        && rows.iter().flat_map(|it| it.ours.iter().chain(&it.theirs)).any(|it| it.row.holds() && !it.row.none);
    for row in &mut rows {
        row.differs = differs(row);
        row.suggested = suggested(row, some_allergy);
        row.id = name(row);
    }
    rows.sort_by_key(|it| {
        let lead = it.theirs.first().or(it.ours.as_ref());
        let lead = lead.map(|it| (!it.holds(), !it.row.critical, folded(&it.row.title)));
        (!it.is_open(), lead)
    });
    rows
}

pub(super) fn blank(kind: Kind) -> Row {
    Row { id: String::new(), kind, ours: None, theirs: Vec::new(), by: None, differs: Vec::new(), suggested: None }
}

/// FNV-1a over what the row consists of, each in its version.
pub(super) fn name(row: &Row) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for (key, version, _) in row.ours.iter().chain(&row.theirs).flat_map(Entry::all) {
        for byte in format!("{key}@{version};").bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    format!("{}-{hash:016x}", row.kind.slug())
}

/// What the others say otherwise than we, or besides.
fn differs(row: &Row) -> Vec<&'static str> {
    let Some(ours) = &row.ours else { return Vec::new() };
    let mut names: Vec<&'static str> = Vec::new();
    for their in &row.theirs {
        if their.holds() != ours.holds() {
            names.push("status");
        }
        let said = |name: &str| ours.row.more.iter().find(|(it, _)| *it == name).map(|(_, it)| folded(it));
        let other = their.row.more.iter().filter(|(name, it)| said(name) != Some(folded(it)));
        names.extend(other.map(|(name, _)| *name));
        if their.row.critical && !ours.row.critical {
            names.push("risk");
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn suggested(row: &Row, some_allergy: bool) -> Option<Decision> {
    let lead = row.theirs.first()?;
    let Some(ours) = &row.ours else {
        return match row.kind {
            _ if lead.row.none && some_allergy => Some(Decision::Ignore),
            Kind::Medications if lead.row.standing == Standing::Past => Some(Decision::Ignore),
            _ => Some(Decision::Keep),
        };
    };
    let same_words = folded(&ours.row.title) == folded(&lead.row.title);
    if row.by == Some(By::Text) && !same_words || row.differs.contains(&"status") {
        return None;
    }
    if row.differs.is_empty() {
        // Another strength of the same medicine is for a person to judge.
        let exact = row.by == Some(By::Code) || same_words || row.kind != Kind::Medications;
        return exact.then_some(Decision::Keep);
    }
    let silent = |name: &str| name != "risk" && ours.row.more.iter().all(|(it, _)| *it != name);
    let only_more = row.by == Some(By::Code) && row.differs.iter().all(|it| silent(it));
    only_more.then_some(Decision::Merge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::gather::entry;
    use crate::shapes::{ICD10, RXNORM, SNOMED, concept};

    fn by(kind: Kind, a: Value, b: Value) -> Option<By> {
        let whole = |code: Value| {
            let (kind, member) = match kind {
                Kind::Medications => ("MedicationRequest", "medicationCodeableConcept"),
                Kind::Allergies => ("AllergyIntolerance", "code"),
                _ => ("Condition", "code"),
            };
            json!({ "resourceType": kind, "id": "x", "status": "active", member: code })
        };
        let entry = |code: Value| Means::of(kind, &entry(kind, &whole(code), 0, &Default::default()));
        fit(kind, &entry(a), &entry(b)).map(|(by, _)| by)
    }

    #[test]
    fn problems_pair_by_code_and_by_words_but_not_across_what_makes_them_different() {
        let of = |a: &str, b: &str| by(Kind::Problems, json!({ "text": a }), json!({ "text": b }));
        let code = |system: &str, code: &str, words: &str| concept(system, code, words);
        let icd = code(ICD10, "I10", "Essential (primary) hypertension");
        let sct = code(SNOMED, "59621000", "Essential hypertension (disorder)");
        assert_eq!(by(Kind::Problems, icd.clone(), icd.clone()), Some(By::Code));
        assert_eq!(by(Kind::Problems, icd, sct), Some(By::Text));
        assert_eq!(of("Type 2 diabetes mellitus without complications", "Diabetes mellitus type 2"), Some(By::Text));
        assert_eq!(of("Type 1 diabetes mellitus", "Type 2 diabetes mellitus"), None);
        assert_eq!(of("Chronic kidney disease, stage 3a", "Chronic kidney disease, stage 3b"), None);
        assert_eq!(of("Acute bronchitis", "Chronic bronchitis"), None);
        assert_eq!(of("Cataract of left eye", "Cataract of right eye"), None);
        assert_eq!(of("Asthma", "Pneumonia"), None);
        assert_eq!(of("Disease, unspecified", "Disorder, unspecified"), None, "words that mean nothing pair nothing");
    }

    #[test]
    fn medicines_pair_by_code_then_by_ingredient_whatever_the_strength() {
        let drug = |code: &str, words: &str| concept(RXNORM, code, words);
        let of = |a: Value, b: Value| by(Kind::Medications, a, b);
        let text = |it: &str| json!({ "text": it });
        assert_eq!(of(drug("861007", "metformin 500 mg"), drug("861007", "metFORMIN 500")), Some(By::Code));
        assert_eq!(of(text("Metformin 500 mg tablet"), text("metformin 1000 MG Oral Tablet")), Some(By::Ingredient));
        assert_eq!(of(text("Metformin 500 mg tablet"), text("Lisinopril 10 mg tablet")), None);
        assert_eq!(of(text("Zzyloprix 5 MG Oral Tablet"), text("zzyloprix 10 mg tablet")), Some(By::Text));
        assert_eq!(of(text("Zzyloprix 5 MG Oral Tablet"), text("Quandarol 5 MG Oral Tablet")), None);
    }

    #[test]
    fn allergies_pair_by_substance_and_members_of_a_class_stay_apart() {
        let of = |a: &str, b: &str| by(Kind::Allergies, json!({ "text": a }), json!({ "text": b }));
        assert_eq!(of("Ampicillin", "Amoxicillin"), None);
        assert_eq!(of("Sulfa", "Sulfa drugs"), Some(By::Ingredient));
        assert_eq!(of("Peanut", "Peanuts"), None);
        assert_eq!(of("Latex", "latex"), Some(By::Text));
    }
}
