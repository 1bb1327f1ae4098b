//! Made-up values for the gallery and for tests of components. Nobody described here exists.

use care::chart::{
    Allergy, AllergyState, Banner, Booking, Criticality, Event, EventKind, Flag, Latest, Measured, Medication, Part,
    Problem, Range, Reading, ResultStatus, Standing, Timeline, Trend, Visit, VisitStanding, When,
};
use care::people::{Deceased, Hit, Identifier, Person, marked};

/// 15 June 2026, noon.
pub(crate) const NOW: i64 = 1_781_524_800_000_000;

fn when(text: &str) -> When {
    When::parse(text).expect("samples have dates")
}

fn person(family: &str, given: &str, born: &str, mrn: &str) -> Person {
    Person {
        id: mrn.to_lowercase(),
        family: Some(family.into()),
        given: vec![given.into()],
        born: When::parse(born),
        sex: Some("Female"),
        identifiers: vec![
            Identifier { label: "MRN", shown: mrn.into() },
            Identifier { label: "SSN", shown: "••• 1234".into() },
        ],
        phone: Some("555-0101".into()),
        language: Some("English".into()),
        ..Person::default()
    }
}

pub(crate) fn banner() -> Banner {
    let person = Person {
        prefix: Some("Mrs.".into()),
        preferred: Some("Ama".into()),
        pronouns: Some("she/her".into()),
        language: Some("Spanish".into()),
        needs_interpreter: true,
        ..person("Okafor", "Amara Ngozi", "1970-05-09", "R-1002")
    };
    Banner {
        age: person.age(NOW),
        person,
        allergies: AllergyState::Known(allergies()),
        outside_allergies: Vec::new(),
        weight: Some(reading("Weight", "29463-7", "2026-06-12", "72.4", "kg", None, None)),
        practitioner: Some("Dr. Miguel Santos".into()),
        coverage: Some("Blue Harbor, Gold PPO".into()),
        ongoing: None,
        last_visit: Some(visit("2026-03-02T10:00:00Z", VisitStanding::Done)),
        next_visit: Some(Booking { when: when("2026-07-01T09:30:00Z"), what: Some("Diabetes review".into()) }),
        flags: vec!["Fall risk".into()],
        wishes: vec!["Do not resuscitate".into()],
        not_shown: Vec::new(),
    }
}

pub(crate) fn deceased() -> Banner {
    let deceased = Some(Deceased { when: When::parse("2024-11-03") });
    let person = Person { deceased, ..person("Lindqvist", "Karl", "1931-02-11", "R-0044") };
    Banner {
        age: person.age(NOW),
        person,
        allergies: AllergyState::NoneKnown("No known allergies".into()),
        outside_allergies: Vec::new(),
        flags: Vec::new(),
        wishes: Vec::new(),
        next_visit: None,
        ..banner()
    }
}

pub(crate) fn unknown() -> Banner {
    Banner {
        person: Person::default(),
        age: None,
        allergies: AllergyState::NotRecorded,
        outside_allergies: Vec::new(),
        weight: None,
        practitioner: None,
        coverage: None,
        ongoing: None,
        last_visit: None,
        next_visit: None,
        flags: Vec::new(),
        wishes: Vec::new(),
        not_shown: Vec::new(),
    }
}

fn visit(from: &str, standing: VisitStanding) -> Visit {
    Visit {
        id: "v1".into(),
        class: "Office visit".into(),
        kind: None,
        from: When::parse(from),
        to: None,
        length: Some("25 min".into()),
        standing,
        reasons: vec!["Diabetes review".into()],
        clinician: Some("Dr. Miguel Santos".into()),
        place: Some("Room 4".into()),
        source: None,
    }
}

pub(crate) fn allergies() -> Vec<Allergy> {
    let allergy = |substance: &str, criticality, reactions: &[&str]| Allergy {
        id: substance.to_lowercase(),
        substance: substance.into(),
        code: None,
        standing: Standing::Active,
        none_known: false,
        criticality,
        category: vec!["medication".into()],
        intolerance: false,
        doubt: None,
        reactions: reactions.iter().map(|it| (*it).into()).collect(),
        onset: None,
        recorded: When::parse("2019-02-01"),
        recorder: None,
        note: None,
        source: None,
    };
    vec![
        allergy("Penicillin G", Criticality::High, &["Anaphylaxis (severe)"]),
        allergy("Sulfonamides", Criticality::Unknown, &["Rash (mild)"]),
        allergy("House dust mite", Criticality::Low, &[]),
    ]
}

pub(crate) fn problems() -> Vec<Problem> {
    let problem = |name: &str, standing, doubt: Option<&str>, onset: &str| Problem {
        id: name.to_lowercase().replace(' ', "-"),
        name: name.into(),
        code: Some("E11.9 (ICD-10-CM)".into()),
        standing,
        course: (standing == Standing::Past).then(|| "resolved".into()),
        doubt: doubt.map(str::to_owned),
        severity: None,
        onset: When::parse(onset),
        ended: None,
        recorded: When::parse("2019-02-01"),
        recorder: Some("Dr. Miguel Santos".into()),
        of_visit: false,
        note: None,
        source: None,
    };
    vec![
        problem("Type 2 diabetes mellitus", Standing::Active, None, "2016-04"),
        problem("Sleep apnea", Standing::Active, Some("provisional"), "2026"),
        problem("Community-acquired pneumonia", Standing::Past, None, "2021-01-17"),
        problem("Gout", Standing::Mistaken, None, "2020"),
    ]
}

pub(crate) fn medications() -> Vec<Medication> {
    let medication = |name: &str, standing, directions: Option<&str>| Medication {
        id: name.to_lowercase(),
        name: name.into(),
        code: None,
        standing,
        status: "active".into(),
        directions: directions.map(str::to_owned),
        reason: Some("Type 2 diabetes mellitus".into()),
        started: When::parse("2023-05-01"),
        ended: None,
        prescriber: Some("Dr. Miguel Santos".into()),
        refills: Some(3),
        reported: false,
        stated: false,
        note: None,
        source: None,
    };
    vec![
        medication("Metformin 500 mg tablet", Standing::Active, Some("One tablet with breakfast and dinner")),
        medication("Lisinopril 10 mg tablet", Standing::OnHold, Some("One tablet in the morning")),
        medication("Ibuprofen 400 mg", Standing::Active, None),
    ]
}

fn quantity(shown: &str, unit: &str) -> Measured {
    let number = shown.trim_start_matches(['<', '>']).parse().expect("samples are numbers");
    Measured::Quantity { number, shown: shown.into(), unit: unit.into() }
}

fn reading(
    name: &str,
    code: &str,
    day: &str,
    shown: &str,
    unit: &str,
    flag: Option<Flag>,
    range: Option<(f64, f64)>,
) -> Reading {
    Reading {
        id: format!("{code}-{day}"),
        code: Some(code.into()),
        name: name.into(),
        when: When::parse(day),
        value: quantity(shown, unit),
        ucum: Some(unit.into()),
        was: None,
        flag,
        range: range.map(|(low, high)| Range { low: Some(low), high: Some(high), shown: format!("{low}–{high}") }),
        status: ResultStatus::Final,
        parts: Vec::new(),
        performer: Some("Riverside Laboratory".into()),
        specimen: None,
        method: None,
        note: None,
        source: None,
        apart: false,
    }
}

fn pressure_at(day: &str, systolic: &str, diastolic: &str, flag: Flag) -> Reading {
    let part = |name: &str, code: &str, shown: &str| Part {
        code: Some(code.into()),
        name: name.into(),
        value: quantity(shown, "mmHg"),
        flag: Some(flag),
        range: None,
    };
    Reading {
        value: Measured::Words(format!("{systolic}/{diastolic} mmHg")),
        flag: Some(flag),
        parts: vec![part("Systolic", "8480-6", systolic), part("Diastolic", "8462-4", diastolic)],
        ..reading("Blood pressure", "85354-9", day, "0", "", None, None)
    }
}

fn pressures() -> Vec<Reading> {
    vec![
        pressure_at("2026-06-12", "151", "92", Flag::High),
        pressure_at("2026-01-20", "138", "84", Flag::Normal),
        pressure_at("2025-07-04", "129", "79", Flag::Normal),
        pressure_at("2024-12-01", "144", "90", Flag::High),
    ]
}

pub(crate) fn vitals() -> Vec<Latest> {
    let weights = ["72.4", "74.0", "75.8", "75.1"];
    let days = ["2026-06-12", "2026-01-20", "2025-07-04", "2024-12-01"];
    let weights = days.iter().zip(weights).map(|(day, kg)| reading("Weight", "29463-7", day, kg, "kg", None, None));
    vec![Latest { readings: pressures() }, Latest { readings: weights.collect() }]
}

fn sugars() -> Vec<Reading> {
    let range = Some((3.9, 5.6));
    let it = |day, shown, flag| reading("Glucose, fasting", "1558-6", day, shown, "mmol/L", flag, range);
    let lost = Reading { value: Measured::Missing("specimen haemolysed".into()), ..it("2024-06-20", "0", None) };
    let foreign = Reading { value: quantity("128", "mg/dL"), ..it("2023-10-02", "128", Some(Flag::High)) };
    vec![
        it("2026-06-12", "14.9", Some(Flag::CriticalHigh)),
        it("2026-01-20", "7.2", Some(Flag::High)),
        it("2025-07-04", "5.4", Some(Flag::Normal)),
        it("2025-02-11", "3.6", Some(Flag::Low)),
        it("2024-12-01", "5.1", Some(Flag::Normal)),
        lost,
        it("2024-01-15", "6.1", Some(Flag::High)),
        foreign,
    ]
}

pub(crate) fn results() -> Vec<Latest> {
    let potassium = |day, shown, flag| reading("Potassium", "2823-3", day, shown, "mmol/L", flag, Some((3.5, 5.1)));
    let culture = Reading {
        value: Measured::Words("Escherichia coli".into()),
        flag: Some(Flag::Abnormal),
        range: None,
        status: ResultStatus::Preliminary,
        ..potassium("2026-06-13", "0", None)
    };
    vec![
        Latest { readings: sugars() },
        Latest { readings: vec![Reading { name: "Urine culture".into(), code: None, ..culture }] },
        Latest {
            readings: vec![
                potassium("2026-06-12", "3.1", Some(Flag::Low)),
                Reading { status: ResultStatus::Corrected, ..potassium("2026-01-20", "4.4", Some(Flag::Normal)) },
            ],
        },
    ]
}

pub(crate) fn glucose() -> Trend {
    Trend::of("1558-6", sugars(), false)
}

pub(crate) fn pressure() -> Trend {
    Trend::of("85354-9", pressures(), false)
}

pub(crate) fn single() -> Trend {
    Trend::of("1558-6", sugars().into_iter().take(1).collect(), false)
}

pub(crate) fn words() -> Trend {
    let word = Reading { value: Measured::Words("Positive".into()), ..sugars().remove(0) };
    Trend::of("1558-6", vec![word], false)
}

pub(crate) fn timeline() -> Timeline {
    let event = |kind, day: &str, title: &str, flag| Event {
        kind,
        when: when(day),
        title: title.into(),
        why: None,
        detail: None,
        results: None,
        flag,
        id: None,
        source: None,
    };
    Timeline {
        events: vec![
            event(EventKind::Result, "2026-06-12", "Glucose and 4 more", Some(Flag::CriticalHigh)),
            event(EventKind::Visit, "2026-06-12", "Office visit – Diabetes review", None),
            event(EventKind::Document, "2026-06-12", "Progress note", None),
            event(EventKind::Immunization, "2025-10-01", "Influenza", None),
            event(EventKind::Visit, "2025-10-01", "Office visit", None),
            event(EventKind::Result, "2024-12-01", "Potassium", Some(Flag::Low)),
            event(EventKind::Visit, "2021-01-17", "Emergency – Pneumonia", None),
        ],
        more: false,
    }
}

pub(crate) fn hits() -> Vec<Hit> {
    marked(vec![
        person("Okafor", "Amara", "1970-05-09", "R-1002"),
        person("Okafor", "Amara", "1998-11-30", "R-2210"),
        Person { deceased: Some(Deceased { when: None }), ..person("Lindqvist", "Karl", "1931-02-11", "R-0044") },
        Person::default(),
    ])
}
