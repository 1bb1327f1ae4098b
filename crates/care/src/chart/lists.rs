//! What a person has, takes, cannot stand and was protected against: problems, medications, allergies and
//! immunisations, each read from its resource (FHIR R4: Condition 9.2, MedicationRequest 11.1,
//! MedicationStatement 11.4, AllergyIntolerance 9.1, Immunization 11.5).

use super::element::{Names, at, code_in, concept, concepts, has_code, list, notes, owned, text};
use super::when::When;
use fhir::Value;

/// Whether something still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Active,
    OnHold,
    Past,
    /// Recorded by mistake: shown as such, never counted.
    Mistaken,
}

#[derive(Clone, Debug)]
pub struct Problem {
    pub id: String,
    pub name: String,
    /// `E11.9 (ICD-10-CM)`.
    pub code: Option<String>,
    pub standing: Standing,
    /// `recurrence`, `remission`, `resolved`, as sent, unless plainly active.
    pub course: Option<String>,
    /// `provisional`, `differential`, `refuted`: anything but confirmed.
    pub doubt: Option<String>,
    pub severity: Option<String>,
    pub onset: Option<When>,
    pub ended: Option<When>,
    pub recorded: Option<When>,
    pub recorder: Option<String>,
    /// Noted for one visit rather than kept on the problem list.
    pub of_visit: bool,
    pub note: Option<String>,
    /// From where it was sent, when it was not recorded here.
    pub source: Option<String>,
}

/// Code systems by the names clinicians know.
const SYSTEMS: [(&str, &str); 8] = [
    ("http://snomed.info/sct", "SNOMED CT"),
    ("http://hl7.org/fhir/sid/icd-10-cm", "ICD-10-CM"),
    ("http://hl7.org/fhir/sid/icd-10", "ICD-10"),
    ("http://hl7.org/fhir/sid/icd-9-cm", "ICD-9-CM"),
    ("http://www.nlm.nih.gov/research/umls/rxnorm", "RxNorm"),
    ("http://hl7.org/fhir/sid/cvx", "CVX"),
    ("http://hl7.org/fhir/sid/ndc", "NDC"),
    ("http://loinc.org", "LOINC"),
];

/// The first coding as staff read it.
pub(crate) fn code_and_system(value: Option<&Value>) -> Option<String> {
    let coding = list(value?, "coding").iter().find(|it| text(it, &["code"]).is_some())?;
    let code = text(coding, &["code"])?;
    let system = SYSTEMS.iter().find(|(url, _)| text(coding, &["system"]) == Some(url));
    Some(system.map_or(code.to_owned(), |(_, name)| format!("{code} ({name})")))
}

fn date(value: &Value, path: &[&str]) -> Option<When> {
    When::parse(text(value, path)?)
}

impl Problem {
    pub(crate) fn of(value: &Value, names: &Names) -> Problem {
        let clinical = value.get("clinicalStatus").and_then(|it| code_in(it, ""));
        let verification = value.get("verificationStatus").and_then(|it| code_in(it, ""));
        let ended = date(value, &["abatementDateTime"]).or_else(|| date(value, &["abatementPeriod", "start"]));
        let standing = match (verification, clinical) {
            (Some("entered-in-error"), _) => Standing::Mistaken,
            (Some("refuted"), _) => Standing::Past,
            (_, Some("active" | "recurrence" | "relapse")) => Standing::Active,
            (_, Some("inactive" | "remission" | "resolved")) => Standing::Past,
            _ if ended.is_some() => Standing::Past,
            _ => Standing::Active,
        };
        Problem {
            id: owned(value, &["id"]).unwrap_or_default(),
            name: value.get("code").and_then(concept).unwrap_or_else(|| "Problem without a name".into()),
            code: code_and_system(value.get("code")),
            standing,
            course: clinical.filter(|it| *it != "active").map(str::to_owned),
            doubt: verification.filter(|it| *it != "confirmed").map(|it| it.replace('-', " ")),
            severity: value.get("severity").and_then(concept),
            onset: date(value, &["onsetDateTime"]).or_else(|| date(value, &["onsetPeriod", "start"])),
            ended,
            recorded: date(value, &["recordedDate"]),
            recorder: names.at(value, &["recorder"]).or_else(|| names.at(value, &["asserter"])),
            of_visit: list(value, "category").iter().any(|it| has_code(it, "encounter-diagnosis")),
            note: notes(value),
            source: super::source(value),
        }
    }

    /// When it began, as far as anyone knows.
    pub fn since(&self) -> Option<&When> {
        self.onset.as_ref().or(self.recorded.as_ref())
    }
}

/// Active first, the newest first among them.
pub(crate) fn order_problems(problems: &mut [Problem]) {
    problems.sort_by_key(|it| (it.standing, std::cmp::Reverse(it.since().map_or(i64::MIN, When::at))));
}

#[derive(Clone, Debug)]
pub struct Medication {
    pub id: String,
    pub name: String,
    pub code: Option<String>,
    pub standing: Standing,
    /// The status as sent, in words.
    pub status: String,
    /// How to take it.
    pub directions: Option<String>,
    pub reason: Option<String>,
    pub started: Option<When>,
    pub ended: Option<When>,
    pub prescriber: Option<String>,
    pub refills: Option<u64>,
    /// The patient or someone else reports it; nobody here prescribed it.
    pub reported: bool,
    /// A MedicationStatement rather than a MedicationRequest.
    pub stated: bool,
    pub note: Option<String>,
    /// From where it was sent, when it was not recorded here.
    pub source: Option<String>,
}

impl Medication {
    /// From a MedicationRequest or a MedicationStatement.
    pub(crate) fn of(value: &Value, names: &Names) -> Medication {
        let stated = text(value, &["resourceType"]) == Some("MedicationStatement");
        let reported = stated
            || value.get("reportedBoolean") == Some(&Value::Bool(true))
            || value.get("reportedReference").is_some();
        let status = text(value, &["status"]).unwrap_or("unknown");
        let standing = match status {
            "active" | "intended" | "unknown" | "draft" => Standing::Active,
            "on-hold" => Standing::OnHold,
            "entered-in-error" => Standing::Mistaken,
            _ => Standing::Past,
        };
        let directions: Vec<String> =
            list(value, "dosageInstruction").iter().chain(list(value, "dosage")).filter_map(directions).collect();
        Medication {
            id: owned(value, &["id"]).unwrap_or_default(),
            name: medicine(value, names).unwrap_or_else(|| "Medication without a name".into()),
            code: code_and_system(value.get("medicationCodeableConcept")),
            standing,
            status: status.replace('-', " "),
            directions: (!directions.is_empty()).then(|| directions.join("; then ")),
            reason: concepts(value, "reasonCode").into_iter().next().or_else(|| names.at(value, &["reasonReference"])),
            started: date(value, &["authoredOn"])
                .or_else(|| date(value, &["effectivePeriod", "start"]))
                .or_else(|| date(value, &["effectiveDateTime"]))
                .or_else(|| date(value, &["dateAsserted"])),
            ended: date(value, &["dispenseRequest", "validityPeriod", "end"])
                .or_else(|| date(value, &["effectivePeriod", "end"])),
            prescriber: names.at(value, &["requester"]).or_else(|| names.at(value, &["informationSource"])),
            refills: at(value, &["dispenseRequest", "numberOfRepeatsAllowed"]).and_then(Value::as_u64),
            reported,
            stated,
            note: notes(value),
            source: super::source(value),
        }
    }
}

fn medicine(value: &Value, names: &Names) -> Option<String> {
    if let Some(concept_value) = value.get("medicationCodeableConcept") {
        return concept(concept_value);
    }
    let reference = value.get("medicationReference")?;
    let contained = || {
        let id = text(reference, &["reference"])?.strip_prefix('#')?;
        let inside = list(value, "contained").iter().find(|it| text(it, &["id"]) == Some(id))?;
        concept(inside.get("code")?)
    };
    contained().or_else(|| names.of(reference))
}

/// UCUM units of time, one and many (FHIR R4, value set units-of-time).
const PERIODS: [(&str, &str, &str); 6] = [
    ("min", "minute", "minutes"),
    ("h", "hour", "hours"),
    ("d", "day", "days"),
    ("wk", "week", "weeks"),
    ("mo", "month", "months"),
    ("a", "year", "years"),
];

/// The dosage in words: the text as written, else put together from its parts (FHIR R4, 2.27 Dosage).
fn directions(dosage: &Value) -> Option<String> {
    let written = text(dosage, &["text"]).or_else(|| text(dosage, &["patientInstruction"]));
    if let Some(written) = written {
        return Some(written.to_owned());
    }
    let mut words: Vec<String> = Vec::new();
    if let Some(dose) = at(dosage, &["doseAndRate", "doseQuantity"]) {
        let unit = text(dose, &["unit"]).or_else(|| text(dose, &["code"])).unwrap_or_default();
        words.extend(dose.get("value").and_then(Value::as_number).map(|it| format!("{it} {unit}").trim().to_owned()));
    }
    words.extend(dosage.get("route").and_then(concept).map(|it| it.to_lowercase()));
    let repeat = at(dosage, &["timing", "repeat"]);
    let how_often = repeat.and_then(|it| {
        let times = it.get("frequency").and_then(Value::as_u64).unwrap_or(1);
        let span = it.get("period")?.as_number()?.to_string();
        let (_, one, many) = PERIODS.iter().find(|(code, ..)| text(it, &["periodUnit"]) == Some(code))?;
        let times = match times {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            n => format!("{n} times"),
        };
        Some(match span.as_str() {
            "1" => format!("{times} a {one}"),
            _ => format!("{times} every {span} {many}"),
        })
    });
    let timing = dosage.get("timing").and_then(|it| it.get("code")).and_then(concept);
    words.extend(how_often.or(timing));
    if dosage.get("asNeededBoolean") == Some(&Value::Bool(true)) || dosage.get("asNeededCodeableConcept").is_some() {
        let what = dosage.get("asNeededCodeableConcept").and_then(concept);
        words.push(what.map_or("as needed".into(), |it| format!("as needed for {}", it.to_lowercase())));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

pub(crate) fn order_medications(medications: &mut [Medication]) {
    medications.sort_by_key(|it| (it.standing, std::cmp::Reverse(it.started.map_or(i64::MIN, |it| it.at()))));
}

#[derive(Clone, Debug)]
pub struct Allergy {
    pub id: String,
    pub substance: String,
    pub code: Option<String>,
    pub standing: Standing,
    /// Says that there is none, rather than what there is.
    pub none_known: bool,
    pub criticality: Criticality,
    /// `food`, `medication`, `environment`, `biologic`.
    pub category: Vec<String>,
    /// An intolerance rather than an allergy.
    pub intolerance: bool,
    pub doubt: Option<String>,
    /// `Hives (moderate)`.
    pub reactions: Vec<String>,
    pub onset: Option<When>,
    pub recorded: Option<When>,
    pub recorder: Option<String>,
    pub note: Option<String>,
    /// From where it was sent, when it was not recorded here.
    pub source: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criticality {
    High,
    /// Unable to assess, or not said.
    Unknown,
    Low,
}

/// SNOMED CT concepts, and HL7's code, that say there is no allergy: none at all, no drug, food or other.
const NONE_KNOWN: [&str; 7] =
    ["716186003", "409137002", "429625007", "428607008", "716184000", "428197003", "no-known-allergies"];
/// The ones that speak of everything, not of one category.
const NONE_AT_ALL: [&str; 2] = ["716186003", "no-known-allergies"];

impl Allergy {
    pub(crate) fn of(value: &Value, names: &Names) -> Allergy {
        let clinical = value.get("clinicalStatus").and_then(|it| code_in(it, ""));
        let verification = value.get("verificationStatus").and_then(|it| code_in(it, ""));
        let standing = match (verification, clinical) {
            (Some("entered-in-error"), _) => Standing::Mistaken,
            (Some("refuted"), _) | (_, Some("inactive" | "resolved")) => Standing::Past,
            _ => Standing::Active,
        };
        let code = value.get("code");
        let reactions = list(value, "reaction").iter().filter_map(|it| {
            let shown = concepts(it, "manifestation");
            let shown = if shown.is_empty() { owned(it, &["description"])? } else { shown.join(", ") };
            Some(text(it, &["severity"]).map_or(shown.clone(), |how| format!("{shown} ({how})")))
        });
        Allergy {
            id: owned(value, &["id"]).unwrap_or_default(),
            substance: code.and_then(concept).unwrap_or_else(|| "Substance not named".into()),
            code: code_and_system(code),
            standing,
            none_known: code.is_some_and(|it| NONE_KNOWN.iter().any(|none| has_code(it, none))),
            criticality: match text(value, &["criticality"]) {
                Some("high") => Criticality::High,
                Some("low") => Criticality::Low,
                _ => Criticality::Unknown,
            },
            category: list(value, "category").iter().filter_map(|it| Some(it.as_str()?.to_owned())).collect(),
            intolerance: text(value, &["type"]) == Some("intolerance"),
            doubt: verification.filter(|it| *it != "confirmed").map(|it| it.replace('-', " ")),
            reactions: reactions.collect(),
            onset: date(value, &["onsetDateTime"]),
            recorded: date(value, &["recordedDate"]),
            recorder: names.at(value, &["recorder"]).or_else(|| names.at(value, &["asserter"])),
            note: notes(value),
            source: super::source(value),
        }
    }
}

/// High risk first, then by name.
pub(crate) fn order_allergies(allergies: &mut [Allergy]) {
    allergies.sort_by(|a, b| (a.standing, a.criticality, &a.substance).cmp(&(b.standing, b.criticality, &b.substance)));
}

/// What is known about allergies. Absent is not the same as none: the forms must not be confused.
#[derive(Clone, Debug)]
pub enum AllergyState {
    /// These, high risk first.
    Known(Vec<Allergy>),
    /// Someone asked, and there is none (`No known allergies`, or only of the kinds named).
    NoneKnown(String),
    /// There were some, and none holds any more.
    OnlyPast(usize),
    /// Nobody has asked, or nobody wrote it down.
    NotRecorded,
    /// The caller may not look at allergies.
    NotShown,
}

impl AllergyState {
    pub fn of(allergies: &[Allergy]) -> AllergyState {
        let active = || allergies.iter().filter(|it| it.standing == Standing::Active);
        let mut known: Vec<Allergy> = active().filter(|it| !it.none_known).cloned().collect();
        if !known.is_empty() {
            order_allergies(&mut known);
            return AllergyState::Known(known);
        }
        let none: Vec<&Allergy> = active().collect();
        let of_all = |it: &&&Allergy| {
            it.code.as_deref().is_some_and(|code| NONE_AT_ALL.iter().any(|none| code.starts_with(none)))
        };
        if none.iter().any(|it| of_all(&it)) {
            return AllergyState::NoneKnown("No known allergies".into());
        }
        if !none.is_empty() {
            return AllergyState::NoneKnown(none.iter().map(|it| it.substance.clone()).collect::<Vec<_>>().join(", "));
        }
        match allergies.iter().filter(|it| it.standing == Standing::Past && !it.none_known).count() {
            0 => AllergyState::NotRecorded,
            past => AllergyState::OnlyPast(past),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Immunization {
    pub id: String,
    pub vaccine: String,
    pub code: Option<String>,
    pub given: Option<When>,
    /// Not given, and why.
    pub not_done: Option<String>,
    pub mistaken: bool,
    pub dose: Option<String>,
    pub lot: Option<String>,
    pub site: Option<String>,
    pub performer: Option<String>,
    /// Told, not given here.
    pub reported: bool,
    pub note: Option<String>,
    /// From where it was sent, when it was not recorded here.
    pub source: Option<String>,
}

impl Immunization {
    pub(crate) fn of(value: &Value, names: &Names) -> Immunization {
        let why = || {
            let reason = value.get("statusReason").and_then(concept);
            reason.map_or("Not given".to_owned(), |it| format!("Not given: {it}"))
        };
        let number = |member: &str| {
            let protocol = at(value, &["protocolApplied"])?;
            let whole = protocol.get(format!("{member}PositiveInt")).and_then(Value::as_u64).map(|it| it.to_string());
            whole.or_else(|| owned(protocol, &[&format!("{member}String")]))
        };
        let dose = number("doseNumber").map(|dose| match number("seriesDoses") {
            Some(all) => format!("dose {dose} of {all}"),
            None => format!("dose {dose}"),
        });
        Immunization {
            id: owned(value, &["id"]).unwrap_or_default(),
            vaccine: value.get("vaccineCode").and_then(concept).unwrap_or_else(|| "Vaccine not named".into()),
            code: code_and_system(value.get("vaccineCode")),
            given: date(value, &["occurrenceDateTime"]),
            not_done: (text(value, &["status"]) == Some("not-done")).then(why),
            mistaken: text(value, &["status"]) == Some("entered-in-error"),
            dose,
            lot: owned(value, &["lotNumber"]),
            site: value.get("site").and_then(concept),
            performer: names.at(value, &["performer", "actor"]),
            reported: value.get("primarySource") == Some(&Value::Bool(false)),
            note: notes(value),
            source: super::source(value),
        }
    }
}

pub(crate) fn order_immunizations(immunizations: &mut [Immunization]) {
    immunizations.sort_by_key(|it| std::cmp::Reverse(it.given.map_or(i64::MIN, |it| it.at())));
}
