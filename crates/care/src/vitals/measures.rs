//! What is measured at a visit, in the order in which it is measured: its code and profile (US Core vital signs), the
//! unit it is stored in, and the units people measure in.

/// One thing that is measured.
#[derive(Debug)]
pub struct Measure {
    /// Its name in forms and in the table of limits.
    pub key: &'static str,
    /// LOINC.
    pub(super) code: &'static str,
    pub(super) display: &'static str,
    pub(super) profile: &'static str,
    /// The first is the one it is stored in.
    pub units: &'static [Unit],
    /// Digits after the point of a value that was converted.
    pub(super) digits: usize,
    /// Only below this age.
    pub(super) until: Option<f64>,
}

/// A unit people measure in.
#[derive(Debug, PartialEq)]
pub struct Unit {
    pub key: &'static str,
    /// As people read it.
    pub shown: &'static str,
    pub(super) ucum: &'static str,
    /// stored = (typed - zero) × factor
    pub(super) factor: f64,
    pub(super) zero: f64,
}

const fn unit(key: &'static str, shown: &'static str, ucum: &'static str, factor: f64, zero: f64) -> Unit {
    Unit { key, shown, ucum, factor, zero }
}

impl Unit {
    pub(super) fn stored(&self, typed: f64) -> f64 {
        (typed - self.zero) * self.factor
    }

    /// A stored value in this unit.
    pub fn of_stored(&self, stored: f64) -> f64 {
        stored / self.factor + self.zero
    }
}

const WEIGHTS: &[Unit] = &[
    unit("kg", "kg", "kg", 1.0, 0.0),
    unit("lb", "lb", "[lb_av]", 0.453_592_37, 0.0),
    unit("g", "g", "g", 0.001, 0.0),
];
const LENGTHS: &[Unit] = &[unit("cm", "cm", "cm", 1.0, 0.0), unit("in", "in", "[in_i]", 2.54, 0.0)];
const DEGREES: &[Unit] = &[unit("c", "°C", "Cel", 1.0, 0.0), unit("f", "°F", "[degF]", 5.0 / 9.0, 32.0)];
const PRESSURES: &[Unit] = &[unit("mmhg", "mmHg", "mm[Hg]", 1.0, 0.0)];
const BEATS: &[Unit] = &[unit("min", "beats/minute", "/min", 1.0, 0.0)];
const BREATHS: &[Unit] = &[unit("min", "breaths/minute", "/min", 1.0, 0.0)];
const PERCENT: &[Unit] = &[unit("percent", "%", "%", 1.0, 0.0)];
const FLOW: &[Unit] = &[unit("lmin", "L/min", "L/min", 1.0, 0.0)];
const SCORE: &[Unit] = &[unit("score", "score", "{score}", 1.0, 0.0)];

const fn measure(
    key: &'static str,
    (code, display): (&'static str, &'static str),
    profile: &'static str,
    units: &'static [Unit],
    digits: usize,
) -> Measure {
    Measure { key, code, display, profile, units, digits, until: None }
}

/// In the order in which they are taken, which is that of the tab key.
pub(super) const MEASURES: [Measure; 11] = [
    measure("weight", ("29463-7", "Body weight"), "us-core-body-weight", WEIGHTS, 2),
    measure("height", ("8302-2", "Body height"), "us-core-body-height", LENGTHS, 1),
    Measure {
        until: Some(3.0),
        ..measure("head", ("9843-4", "Head circumference"), "us-core-head-circumference", LENGTHS, 1)
    },
    measure("temperature", ("8310-5", "Body temperature"), "us-core-body-temperature", DEGREES, 1),
    measure("systolic", ("8480-6", "Systolic blood pressure"), "us-core-blood-pressure", PRESSURES, 0),
    measure("diastolic", ("8462-4", "Diastolic blood pressure"), "us-core-blood-pressure", PRESSURES, 0),
    measure("pulse", ("8867-4", "Heart rate"), "us-core-heart-rate", BEATS, 0),
    measure("breaths", ("9279-1", "Respiratory rate"), "us-core-respiratory-rate", BREATHS, 0),
    measure("saturation", ("59408-5", "Oxygen saturation by pulse oximetry"), "us-core-pulse-oximetry", PERCENT, 0),
    measure("oxygen", ("3151-8", "Inhaled oxygen flow rate"), "us-core-pulse-oximetry", FLOW, 1),
    measure("pain", ("72514-3", "Pain severity, 0-10 verbal numeric rating"), "us-core-vital-signs", SCORE, 0),
];

/// How something was measured: (value of the form, words, SNOMED CT where it is one of the few we know).
pub type Way = (&'static str, &'static str, Option<&'static str>);

/// Where a cuff was.
pub const SITES: [Way; 4] = [
    ("left-arm", "Left arm", Some("368208006")),
    ("right-arm", "Right arm", Some("368209003")),
    ("left-thigh", "Left thigh", None),
    ("right-thigh", "Right thigh", None),
];

pub const POSITIONS: [Way; 3] = [
    ("sitting", "Sitting", Some("33586001")),
    ("standing", "Standing", Some("10904000")),
    ("lying", "Lying down", Some("102538003")),
];

/// Where a thermometer was.
pub const ROUTES: [Way; 5] = [
    ("oral", "Mouth", None),
    ("ear", "Ear", None),
    ("forehead", "Forehead", None),
    ("armpit", "Armpit", None),
    ("rectal", "Rectum", None),
];

pub(super) fn measure_of(key: &str) -> Option<&'static Measure> {
    MEASURES.iter().find(|it| it.key == key)
}
