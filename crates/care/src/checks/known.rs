//! What is known of a person, as far as orders are checked against it, read from the chart's resources.

use crate::chart::element::Names;
use crate::chart::element::{at, concept, decimal, has_code, list, owned, text};
use crate::chart::{Allergy, Criticality, Reading, Standing, When};
use crate::drugs::{self, Recognised};
use crate::imaging::Listed;
use fhir::Value;
use jiff::civil::Date;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Default)]
pub struct Known {
    pub allergies: Vec<KnownAllergy>,
    /// What other records tell of and nobody here has decided about: mentioned, not counted.
    pub outside_allergies: Vec<KnownAllergy>,
    /// Somebody asked, whatever they found.
    pub allergies_asked: bool,
    pub medicines: Vec<Taken>,
    /// The newest of each test, by code.
    pub results: Vec<Done>,
    /// Images of them, wherever they were made.
    pub imaged: Vec<Listed>,
    /// Orders that have not come back.
    pub pending: Vec<Pending>,
    /// In whole years.
    pub age: Option<u32>,
    pub weight: Option<Weight>,
    pub today: Option<Date>,
}

#[derive(Clone, Debug)]
pub struct KnownAllergy {
    /// As it was recorded.
    pub name: String,
    pub means: Recognised,
    pub criticality: Criticality,
    /// The record that tells of it, when it is not this one.
    pub source: Option<String>,
    /// Unpleasant rather than allergic.
    pub intolerance: bool,
    pub id: String,
}

/// A medicine that is being taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub name: String,
    pub ingredients: BTreeSet<String>,
    pub classes: BTreeSet<String>,
    pub local: bool,
    /// `MedicationRequest/7`.
    pub about: String,
}

#[derive(Clone, Debug)]
pub struct Done {
    pub codes: Vec<String>,
    pub name: String,
    pub value: String,
    pub when: When,
    pub by: Option<String>,
    pub about: String,
}

#[derive(Clone, Debug)]
pub struct Pending {
    pub codes: Vec<String>,
    pub name: String,
    pub ordered: Option<When>,
    pub about: String,
}

#[derive(Clone, Debug)]
pub struct Weight {
    pub kilograms: Decimal,
    pub when: Option<When>,
}

impl KnownAllergy {
    /// From an AllergyIntolerance that holds; none for one that is past, a mistake, or says that there is none.
    pub(crate) fn of(value: &Value) -> Option<KnownAllergy> {
        let seen = Allergy::of(value, &Names::default());
        let holds = seen.standing == Standing::Active && !seen.none_known;
        holds.then(|| KnownAllergy {
            means: value.get("code").map(drugs::recognise).unwrap_or_default(),
            name: seen.substance,
            criticality: seen.criticality,
            source: seen.source,
            intolerance: seen.intolerance,
            id: seen.id,
        })
    }
}

impl Taken {
    /// From a MedicationRequest or MedicationStatement that is active or on hold.
    pub(crate) fn of(value: &Value) -> Option<Taken> {
        let status = text(value, &["status"]).unwrap_or_default();
        let request = text(value, &["resourceType"]) == Some("MedicationRequest");
        if request && !crate::chart::is_ordered(value)
            || !matches!(status, "active" | "on-hold" | "intended" | "unknown")
        {
            return None;
        }
        let contained = |reference: &str| {
            let id = reference.strip_prefix('#')?;
            list(value, "contained").iter().find(|it| text(it, &["id"]) == Some(id))?.get("code")
        };
        let code = value.get("medicationCodeableConcept");
        let code = code.or_else(|| contained(text(value, &["medicationReference", "reference"])?));
        let shown = || owned(value, &["medicationReference", "display"]);
        let name = code.and_then(concept).or_else(shown)?;
        let means = match code {
            Some(code) => drugs::recognise(code),
            None => drugs::recognise(&serde_json::json!({ "text": name })),
        };
        Some(Taken {
            local: drugs::is_local(&name),
            about: format!("{}/{}", text(value, &["resourceType"])?, text(value, &["id"])?),
            ingredients: means.ingredients,
            classes: means.classes,
            name,
        })
    }
}

pub(crate) fn codes(value: Option<&Value>) -> Vec<String> {
    value.map_or(Vec::new(), |it| list(it, "coding").iter().filter_map(|it| owned(it, &["code"])).collect())
}

impl Done {
    pub(crate) fn of(value: &Value, names: &Names) -> Option<Done> {
        let reading = Reading::of(value, names);
        if !reading.counts() {
            return None;
        }
        let by = list(value, "performer").iter().find_map(|it| names.of(it));
        let by = by.or_else(|| owned(value, &["meta", "source"]).filter(|it| it.starts_with("http")));
        Some(Done {
            codes: codes(value.get("code")),
            name: reading.name.clone(),
            value: reading.value.with_unit(),
            when: reading.when?,
            by,
            about: format!("Observation/{}", text(value, &["id"])?),
        })
    }
}

impl Pending {
    /// From a ServiceRequest that is active.
    pub(crate) fn of(value: &Value) -> Option<Pending> {
        (text(value, &["status"]) == Some("active") && text(value, &["intent"]) == Some("order")).then_some(())?;
        Some(Pending {
            codes: codes(value.get("code")),
            name: value.get("code").and_then(concept)?,
            ordered: text(value, &["authoredOn"]).and_then(When::parse),
            about: format!("ServiceRequest/{}", text(value, &["id"])?),
        })
    }
}

impl Weight {
    /// From a body weight; kilograms, grams and pounds are understood.
    pub(crate) fn of(value: &Value) -> Option<Weight> {
        let quantity = at(value, &["valueQuantity"])?;
        let (_, shown) = decimal(quantity.get("value")?)?;
        let number: Decimal = shown.parse().ok()?;
        let unit = text(quantity, &["code"]).or_else(|| text(quantity, &["unit"]))?;
        let kilograms = match unit {
            "kg" => number,
            "g" => number / Decimal::from(1000),
            "[lb_av]" | "lb" | "lbs" => number * Decimal::new(45_359_237, 8),
            _ => return None,
        };
        let when = text(value, &["effectiveDateTime"]).and_then(When::parse);
        let mistaken = matches!(text(value, &["status"]), Some("entered-in-error" | "cancelled"));
        (!mistaken && kilograms > Decimal::ZERO).then_some(Weight { kilograms, when })
    }
}

/// Age in whole years on a day.
pub(crate) fn years(born: &str, today: Date) -> Option<u32> {
    let born: Date = born.parse().ok()?;
    let span = born.until((jiff::Unit::Year, today)).ok()?;
    u32::try_from(span.get_years()).ok()
}

/// Somebody asked about allergies: there is any statement that is no mistake.
pub(crate) fn asked(allergies: &[Value]) -> bool {
    let mistaken = |it: &Value| it.get("verificationStatus").is_some_and(|it| has_code(it, "entered-in-error"));
    allergies.iter().any(|it| !mistaken(it))
}
