//! The lists of a chart and what is asked for an entry of each. Pages make their forms of these tables, so a list that
//! is added here has its page.

use crate::terms::Kind;

/// A list of the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    Problems,
    Medications,
    Allergies,
    Immunizations,
    Procedures,
    Family,
    Smoking,
    Social,
    Needs,
    Devices,
    Goals,
    Plans,
    Team,
}

/// How a field is filled in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input {
    /// Chosen from a list of terms, or typed freely and marked as such.
    Coded(Kind),
    Words,
    Lines,
    /// A day, a month or a year, as precisely as it is known.
    Day,
    Number,
    Choice(&'static [&'static str]),
    /// Somebody who works here.
    Staff,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    pub name: &'static str,
    pub input: Input,
    pub needed: bool,
}

const fn must(name: &'static str, input: Input) -> Field {
    Field { name, input, needed: true }
}

const fn may(name: &'static str, input: Input) -> Field {
    Field { name, input, needed: false }
}

const NOTE: Field = may("note", Input::Lines);

/// What is known of a list.
struct Known {
    list: List,
    /// Its name in addresses.
    slug: &'static str,
    kind: &'static str,
    /// LOINC of the section, where a review of it is recorded (FHIR R4, List).
    section: Option<(&'static str, &'static str)>,
    fields: &'static [Field],
}

const LISTS: [Known; 13] = [
    Known {
        list: List::Problems,
        slug: "problems",
        kind: "Condition",
        section: Some(("11450-4", "Problem list")),
        fields: &[
            must("problem", Input::Coded(Kind::Problem)),
            may("onset", Input::Day),
            may("severity", Input::Choice(&["mild", "moderate", "severe"])),
            may("certainty", Input::Choice(&["confirmed", "provisional", "differential"])),
            NOTE,
        ],
    },
    Known {
        list: List::Medications,
        slug: "medications",
        kind: "MedicationStatement",
        section: Some(("10160-0", "Medication list")),
        fields: &[
            must("drug", Input::Coded(Kind::Drug)),
            may("directions", Input::Words),
            may("since", Input::Day),
            may("reason", Input::Coded(Kind::Problem)),
            NOTE,
        ],
    },
    Known {
        list: List::Allergies,
        slug: "allergies",
        kind: "AllergyIntolerance",
        section: Some(("48765-2", "Allergies")),
        fields: &[
            must("substance", Input::Coded(Kind::Allergen)),
            may("reaction", Input::Words),
            may("severity", Input::Choice(&["mild", "moderate", "severe"])),
            may("risk", Input::Choice(&["high", "low", "unable-to-assess"])),
            may("sort", Input::Choice(&["allergy", "intolerance"])),
            may("onset", Input::Day),
            NOTE,
        ],
    },
    Known {
        list: List::Immunizations,
        slug: "immunizations",
        kind: "Immunization",
        section: Some(("11369-6", "Immunizations")),
        fields: &[
            must("vaccine", Input::Coded(Kind::Vaccine)),
            must("given", Input::Day),
            must("how", Input::Choice(&["here", "elsewhere", "refused"])),
            may("dose", Input::Number),
            may("lot", Input::Words),
            may("site", Input::Choice(&["left-arm", "right-arm", "left-thigh", "right-thigh"])),
            NOTE,
        ],
    },
    Known {
        list: List::Procedures,
        slug: "procedures",
        kind: "Procedure",
        section: Some(("47519-4", "Procedures")),
        fields: &[must("procedure", Input::Coded(Kind::Procedure)), may("done", Input::Day), NOTE],
    },
    Known {
        list: List::Family,
        slug: "family",
        kind: "FamilyMemberHistory",
        section: Some(("10157-6", "Family history")),
        fields: &[
            must("relation", Input::Choice(&RELATION_NAMES)),
            must("condition", Input::Coded(Kind::Problem)),
            may("age", Input::Number),
            may("living", Input::Choice(&["living", "dead"])),
            NOTE,
        ],
    },
    Known {
        list: List::Smoking,
        slug: "smoking",
        kind: "Observation",
        section: None,
        fields: &[must("smoking", Input::Choice(&["daily", "some-days", "former", "never", "unknown"])), NOTE],
    },
    Known {
        list: List::Social,
        slug: "social",
        kind: "Observation",
        section: Some(("29762-2", "Social history")),
        fields: &[
            must("topic", Input::Choice(&["alcohol", "drugs", "work", "other"])),
            must("answer", Input::Words),
            NOTE,
        ],
    },
    Known {
        list: List::Needs,
        slug: "needs",
        kind: "Observation",
        section: None,
        fields: &[
            must("need", Input::Choice(&["food", "housing", "transport"])),
            must("risk", Input::Choice(&["at-risk", "no-risk"])),
            NOTE,
        ],
    },
    Known {
        list: List::Devices,
        slug: "devices",
        kind: "Device",
        section: Some(("46264-8", "Medical devices")),
        fields: &[
            must("device", Input::Words),
            may("udi", Input::Words),
            may("maker", Input::Words),
            may("lot", Input::Words),
            may("serial", Input::Words),
            may("expires", Input::Day),
            NOTE,
        ],
    },
    Known {
        list: List::Goals,
        slug: "goals",
        kind: "Goal",
        section: Some(("61146-7", "Goals")),
        fields: &[
            must("goal", Input::Words),
            must("since", Input::Day),
            may("due", Input::Day),
            may("progress", Input::Choice(&["in-progress", "improving", "worsening", "achieved", "not-achieved"])),
            NOTE,
        ],
    },
    Known {
        list: List::Plans,
        slug: "plans",
        kind: "CarePlan",
        section: Some(("18776-5", "Plan of care")),
        fields: &[must("title", Input::Words), must("plan", Input::Lines), may("since", Input::Day)],
    },
    Known {
        list: List::Team,
        slug: "team",
        kind: "CareTeam",
        section: None,
        fields: &[must("member", Input::Staff), must("role", Input::Words)],
    },
];

/// Relatives: (name in forms, HL7 v3 RoleCode, words, sex).
pub(super) const RELATIONS: [(&str, &str, &str, &str); 13] = [
    ("mother", "MTH", "mother", "female"),
    ("father", "FTH", "father", "male"),
    ("sister", "SIS", "sister", "female"),
    ("brother", "BRO", "brother", "male"),
    ("daughter", "DAUC", "daughter", "female"),
    ("son", "SONC", "son", "male"),
    ("mothers-mother", "MGRMTH", "maternal grandmother", "female"),
    ("mothers-father", "MGRFTH", "maternal grandfather", "male"),
    ("fathers-mother", "PGRMTH", "paternal grandmother", "female"),
    ("fathers-father", "PGRFTH", "paternal grandfather", "male"),
    ("aunt", "AUNT", "aunt", "female"),
    ("uncle", "UNCLE", "uncle", "male"),
    ("cousin", "COUSN", "cousin", "unknown"),
];

const RELATION_NAMES: [&str; 13] = [
    "mother",
    "father",
    "sister",
    "brother",
    "daughter",
    "son",
    "mothers-mother",
    "mothers-father",
    "fathers-mother",
    "fathers-father",
    "aunt",
    "uncle",
    "cousin",
];

/// Smoking status (US Core, required): (name in forms, SNOMED CT, words).
pub(super) const SMOKING: [(&str, &str, &str); 5] = [
    ("daily", "449868002", "Smokes every day"),
    ("some-days", "428041000124106", "Smokes some days"),
    ("former", "8517006", "Former smoker"),
    ("never", "266919005", "Never smoked"),
    ("unknown", "266927001", "Smoking status unknown"),
];

/// Topics of the social history: (name in forms, LOINC or none, words).
pub(super) const TOPICS: [(&str, &str, &str); 4] = [
    ("alcohol", "11331-6", "Alcohol use"),
    ("drugs", "11343-1", "Other drug use"),
    ("work", "11341-5", "Occupation"),
    ("other", "", "Social history"),
];

/// Social needs asked about: (name in forms, LOINC, words).
pub(super) const NEEDS: [(&str, &str, &str); 3] = [
    ("food", "88124-3", "Food insecurity risk"),
    ("housing", "71802-3", "Housing status"),
    ("transport", "93030-5", "Lack of transportation"),
];

impl List {
    pub fn all() -> impl Iterator<Item = List> {
        LISTS.iter().map(|it| it.list)
    }

    fn known(self) -> &'static Known {
        LISTS.iter().find(|it| it.list == self).expect("every list is in the table")
    }

    pub fn parse(slug: &str) -> Option<List> {
        LISTS.iter().find(|it| it.slug == slug).map(|it| it.list)
    }

    pub fn slug(self) -> &'static str {
        self.known().slug
    }

    /// The type of its entries.
    pub fn kind(self) -> &'static str {
        self.known().kind
    }

    pub fn fields(self) -> &'static [Field] {
        self.known().fields
    }

    /// The section a review of it is recorded under.
    pub fn section(self) -> Option<(&'static str, &'static str)> {
        self.known().section
    }
}
