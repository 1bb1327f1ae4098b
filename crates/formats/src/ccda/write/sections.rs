//! Sections: which a document has, and the words of each. Every entry points at its words; a section of which nothing
//! is known says so.

use super::Kind;
use super::markup::{Tag, tag};
use super::record::Record;
use super::types::{LOINC, code, list, text};
use super::{care, clinical, medicines, observed};
use serde_json::Value;

/// Where words stand in the narrative.
#[derive(Clone, Debug)]
pub(super) struct Pointer(String);

impl Pointer {
    /// `text` of an entry, by reference.
    pub(super) fn text(&self) -> Tag {
        tag("text").add(tag("reference").is("value", format!("#{}", self.0)))
    }
}

/// What a section says: rows of a table, paragraphs before it, entries.
#[derive(Debug)]
pub(super) struct Told {
    prefix: &'static str,
    heads: Vec<&'static str>,
    rows: Vec<Vec<Vec<(String, String)>>>,
    paragraphs: Vec<String>,
    entries: Vec<Tag>,
    count: usize,
}

impl Told {
    pub(super) fn new(prefix: &'static str, heads: &[&'static str]) -> Told {
        let (rows, paragraphs, entries) = (Vec::new(), Vec::new(), Vec::new());
        Told { prefix, heads: heads.to_vec(), rows, paragraphs, entries, count: 0 }
    }

    fn point(&mut self) -> String {
        self.count += 1;
        format!("{}-{}", self.prefix, self.count)
    }

    /// A row; its first cell is what entries point at.
    pub(super) fn row(&mut self, cells: Vec<String>) -> Pointer {
        let point = self.point();
        let mut cells: Vec<Vec<(String, String)>> =
            cells.into_iter().map(|it| if it.is_empty() { Vec::new() } else { vec![(String::new(), it)] }).collect();
        // The words of a note are its last cell; of everything else, the first is the name.
        let named = if self.prefix == "note" { cells.len().saturating_sub(1) } else { 0 };
        if let Some(first) = cells.get_mut(named).and_then(|it| it.first_mut()) {
            first.0.clone_from(&point);
        }
        self.rows.push(cells);
        Pointer(point)
    }

    /// Words of their own in a cell of the last row.
    pub(super) fn cell(&mut self, nth: usize, words: &str) -> Pointer {
        let point = self.point();
        if let Some(cell) = self.rows.last_mut().and_then(|it| it.get_mut(nth)) {
            cell.push((point.clone(), words.to_owned()));
        }
        Pointer(point)
    }

    pub(super) fn paragraph(&mut self, words: &str) {
        self.paragraphs.push(words.to_owned());
    }

    pub(super) fn entry(&mut self, entry: Tag) {
        self.entries.push(entry);
    }

    /// The notes of a resource as comments on its entry (Comment Activity).
    pub(super) fn comments(&mut self, record: &Record<'_>, it: &Value) -> Vec<Tag> {
        let mut made = Vec::new();
        for note in list(it, "note") {
            let Some(words) = text(note, &["text"]) else { continue };
            let at = self.cell(0, words);
            let act = tag("act")
                .is("classCode", "ACT")
                .is("moodCode", "EVN")
                .templates(&["22.4.64"])
                .add(code("code", "48767-8", LOINC, "Annotation comment"))
                .add(at.text())
                .all(record.author(note.get("authorReference"), text(note, &["time"])));
            made.push(tag("entryRelationship").is("typeCode", "SUBJ").is("inversionInd", "true").add(act));
        }
        made
    }

    fn narrative(&self) -> Tag {
        let mut out = tag("text");
        for words in &self.paragraphs {
            out = out.all(lines("paragraph", words));
        }
        if self.rows.is_empty() {
            return out;
        }
        let heads = tag("tr").all(self.heads.iter().map(|it| tag("th").text(*it)));
        let rows = self.rows.iter().map(|cells| {
            tag("tr").all(cells.iter().map(|cell| {
                let mut out = tag("td");
                for (nth, (id, words)) in cell.iter().enumerate() {
                    if nth > 0 {
                        out = out.add(tag("br"));
                    }
                    out = match id.is_empty() {
                        true => out.text(words.clone()),
                        false => out.add(broken(tag("content").is("ID", id.clone()), words)),
                    };
                }
                out
            }))
        });
        out.add(tag("table").add(tag("thead").add(heads)).add(tag("tbody").all(rows)))
    }
}

/// Text with its line breaks.
fn broken(mut into: Tag, words: &str) -> Tag {
    for (nth, line) in words.trim_end().lines().enumerate() {
        if nth > 0 {
            into = into.add(tag("br"));
        }
        into = into.text(line);
    }
    into
}

fn lines(name: &'static str, words: &str) -> Vec<Tag> {
    words.lines().map(str::trim).filter(|it| !it.is_empty()).map(|it| tag(name).text(it)).collect()
}

/// A section of C-CDA.
pub(super) struct Section {
    templates: &'static [&'static str],
    code: &'static str,
    display: &'static str,
    title: &'static str,
    /// A second code that its template demands.
    translation: Option<(&'static str, &'static str)>,
    tell: fn(&Record<'_>) -> Told,
    /// The document must have it, with or without content.
    required: bool,
    /// Without entries the section must say that there is no information.
    entries: bool,
}

const fn section(
    templates: &'static [&'static str],
    code: &'static str,
    display: &'static str,
    title: &'static str,
    tell: fn(&Record<'_>) -> Told,
) -> Section {
    Section { templates, code, display, title, translation: None, tell, required: false, entries: true }
}

impl Section {
    const fn required(mut self) -> Section {
        self.required = true;
        self
    }

    const fn of_words(mut self) -> Section {
        self.entries = false;
        self
    }

    pub(super) fn made(&self, record: &Record<'_>) -> Option<Tag> {
        let told = (self.tell)(record);
        let silent = told.entries.is_empty() && told.rows.is_empty() && told.paragraphs.is_empty();
        if silent && !self.required {
            return None;
        }
        let nothing = (self.entries && told.entries.is_empty()).then_some("NI");
        let narrative =
            if silent { tag("text").add(tag("paragraph").text("No information.")) } else { told.narrative() };
        let translation = self.translation.map(|(it, display)| code("translation", it, LOINC, display));
        let made = tag("section")
            .maybe("nullFlavor", nothing)
            .templates(self.templates)
            .add(code("code", self.code, LOINC, self.display).all(translation))
            .add(tag("title").text(self.title))
            .add(narrative);
        Some(made.all(told.entries.into_iter().map(|it| tag("entry").is("typeCode", "DRIV").add(it))))
    }
}

fn words_only(words: Option<&str>) -> Told {
    let mut told = Told::new("words", &[]);
    if let Some(words) = words {
        told.paragraph(words);
    }
    told
}

fn reason(record: &Record<'_>) -> Told {
    words_only(record.making.reason)
}

fn assessment(record: &Record<'_>) -> Told {
    words_only(record.making.assessment)
}

fn instructions(record: &Record<'_>) -> Told {
    words_only(record.making.instructions)
}

fn silence(_: &Record<'_>) -> Told {
    words_only(None)
}

/// What was diagnosed in the stay that a discharge summary is about.
fn discharge_diagnoses(record: &Record<'_>) -> Told {
    let mut told = Told::new("diagnosis", &["Diagnosis", "When", "Status"]);
    let Some(visit) = record.making.encounter else { return told };
    let pointed: Vec<&Value> =
        list(visit, "diagnosis").iter().filter_map(|it| record.at(it.get("condition"))).collect();
    let mut inner: Vec<Tag> = Vec::new();
    for it in record.all("Condition") {
        let here = record.at(it.get("encounter")).is_some_and(|it| it["id"] == visit["id"]);
        if (here || pointed.iter().any(|of| of["id"] == it["id"])) && record.tell(it) {
            inner.push(clinical::observation(record, it, "", &mut told));
        }
    }
    if !inner.is_empty() {
        told.entry(
            tag("act")
                .is("classCode", "ACT")
                .is("moodCode", "EVN")
                .templates(&["22.4.33:2015-08-01"])
                .add(code("code", "11535-2", LOINC, "Hospital discharge diagnosis"))
                .add(super::types::status("active"))
                .all(inner.into_iter().map(|it| tag("entryRelationship").is("typeCode", "SUBJ").add(it))),
        );
    }
    told
}

const ALLERGIES: Section = section(
    &["22.2.6.1:2015-08-01"],
    "48765-2",
    "Allergies and adverse reactions",
    "Allergies and intolerances",
    clinical::allergies,
);
const MEDICATIONS: Section =
    section(&["22.2.1.1:2014-06-09"], "10160-0", "History of medication use", "Medications", medicines::medications);
const PROBLEMS: Section = section(&["22.2.5.1:2015-08-01"], "11450-4", "Problem list", "Problems", clinical::problems);
const RESULTS: Section = section(
    &["22.2.3.1:2015-08-01"],
    "30954-2",
    "Relevant diagnostic tests and/or laboratory data",
    "Results",
    observed::results,
);
const SOCIAL: Section =
    section(&["22.2.17:2015-08-01"], "29762-2", "Social history", "Social history", observed::social_history)
        .of_words();
const VITALS: Section =
    section(&["22.2.4.1:2015-08-01"], "8716-3", "Vital signs", "Vital signs", observed::vital_signs);
const IMMUNIZATIONS: Section =
    section(&["22.2.2.1:2015-08-01"], "11369-6", "History of immunization", "Immunizations", medicines::immunizations);
const PROCEDURES: Section =
    section(&["22.2.7.1:2014-06-09"], "47519-4", "History of procedures", "Procedures", care::procedures);
const ENCOUNTERS: Section =
    section(&["22.2.22.1:2015-08-01"], "46240-8", "History of encounters", "Visits", care::encounters);
const FAMILY: Section =
    section(&["22.2.15:2015-08-01"], "10157-6", "Family history", "Family history", care::family_history).of_words();
const DEVICES: Section =
    section(&["22.2.23:2014-06-09"], "46264-8", "Medical equipment", "Devices", care::devices).of_words();
const PLAN: Section =
    section(&["22.2.10:2014-06-09"], "18776-5", "Plan of care note", "Plan of treatment", care::plan).of_words();
const GOALS: Section = section(&["22.2.60"], "61146-7", "Goals", "Goals", care::goals);
const CONCERNS: Section =
    section(&["22.2.58:2015-08-01"], "75310-3", "Health concerns", "Health concerns", clinical::own_concerns);
const PAYERS: Section =
    section(&["22.2.18:2015-08-01"], "48768-6", "Payment sources", "Insurance", care::payers).of_words();
const TEAMS: Section =
    section(&["22.2.500:2022-06-01"], "85847-2", "Patient care team information", "Care team", care::care_teams)
        .of_words();
const NOTES: Section = section(&["22.2.65:2016-11-01"], "34109-9", "Note", "Notes", care::notes);

static CCD: [Section; 18] = [
    ALLERGIES.required(),
    MEDICATIONS.required(),
    PROBLEMS.required(),
    RESULTS.required(),
    VITALS.required(),
    SOCIAL.required(),
    IMMUNIZATIONS,
    PROCEDURES,
    ENCOUNTERS,
    FAMILY,
    DEVICES,
    PLAN,
    GOALS,
    CONCERNS,
    PAYERS,
    TEAMS,
    NOTES,
    section(&["22.2.8"], "51848-0", "Evaluation note", "Assessment", assessment).of_words(),
];

static REFERRAL: [Section; 17] = [
    section(
        &["1.3.6.1.4.1.19376.1.5.3.1.3.1:2014-06-09"],
        "42349-1",
        "Reason for referral",
        "Reason for referral",
        reason,
    )
    .required()
    .of_words(),
    PROBLEMS.required(),
    ALLERGIES.required(),
    MEDICATIONS.required(),
    section(&["22.2.8"], "51848-0", "Evaluation note", "Assessment", assessment).required().of_words(),
    PLAN.required(),
    RESULTS,
    VITALS,
    SOCIAL,
    IMMUNIZATIONS,
    PROCEDURES,
    FAMILY,
    DEVICES,
    PAYERS,
    GOALS,
    CONCERNS,
    TEAMS,
];

static DISCHARGE: [Section; 16] = [
    section(&["1.3.6.1.4.1.19376.1.5.3.1.3.5"], "8648-8", "Hospital course", "Hospital course", reason)
        .required()
        .of_words(),
    Section {
        translation: Some(("78375-3", "Discharge diagnosis")),
        ..section(
            &["22.2.24:2015-08-01"],
            "11535-2",
            "Hospital discharge diagnosis",
            "Discharge diagnoses",
            discharge_diagnoses,
        )
        .required()
        .of_words()
    },
    ALLERGIES.required(),
    Section {
        translation: Some(("75311-1", "Discharge medications")),
        ..section(
            &["22.2.11.1:2015-08-01"],
            "10183-2",
            "Hospital discharge medications",
            "Medications at discharge",
            medicines::at_discharge,
        )
        .required()
    },
    section(&["22.2.41"], "8653-8", "Hospital discharge instructions", "Instructions", instructions).of_words(),
    PLAN.required(),
    section(&["22.2.42"], "18841-7", "Hospital consultations", "Consultations", silence).required().of_words(),
    PROCEDURES.required(),
    RESULTS.required(),
    PROBLEMS,
    VITALS,
    SOCIAL,
    IMMUNIZATIONS,
    FAMILY,
    DEVICES,
    TEAMS,
];

static CARE_PLAN: [Section; 6] = [
    section(&["22.2.58:2015-08-01"], "75310-3", "Health concerns", "Health concerns", clinical::health_concerns)
        .required(),
    GOALS.required(),
    section(&["21.2.3:2015-08-01"], "62387-6", "Interventions", "What is done", interventions).of_words(),
    MEDICATIONS,
    ALLERGIES,
    TEAMS,
];

/// What is planned, as interventions of a care plan, each for the sake of a goal. Without a goal the plan is told in
/// words alone: the template demands one.
fn interventions(record: &Record<'_>) -> Told {
    let mut told = care::plan(record);
    let planned = std::mem::take(&mut told.entries);
    let goal = record.all("Goal").into_iter().find(|it| record.is_told(it));
    let Some(goal) = goal else { return told };
    for (nth, it) in planned.into_iter().enumerate() {
        let sake = tag("act")
            .is("classCode", "ACT")
            .is("moodCode", "EVN")
            .templates(&["22.4.122"])
            .add(record.id(goal, ""))
            .add(super::types::null("code", "NP"))
            .add(super::types::status("completed"));
        let act = tag("act")
            .is("classCode", "ACT")
            .is("moodCode", "INT")
            .templates(&["22.4.146:2015-08-01"])
            .add(record.made_id(&format!("intervention-{nth}")))
            .add(code("code", "362956003", super::types::SNOMED, "Procedure / intervention"))
            .add(super::types::status("active"))
            .add(tag("entryRelationship").is("typeCode", "REFR").add(it))
            .add(tag("entryRelationship").is("typeCode", "RSON").add(sake));
        told.entries.push(act);
    }
    told
}

/// The sections of a document in their order.
pub(super) fn of(kind: Kind) -> &'static [Section] {
    match kind {
        Kind::ContinuityOfCare => &CCD,
        Kind::ReferralNote => &REFERRAL,
        Kind::DischargeSummary => &DISCHARGE,
        Kind::CarePlan => &CARE_PLAN,
    }
}
