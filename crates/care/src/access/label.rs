//! The labels that restrict who sees a resource: confidentiality above normal, and sensitivities (FHIR R4, 6.1.1
//! Security Labels; HL7 Data Segmentation for Privacy). Which there are, how they are written, and what counts as one.
//! docs/security/consent.md, section 1.

use fhir::Value;
use fhir::search::Registry;
use fhir::search::query::{Filter, Test, TokenTest};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::Within;

pub const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// Labels that HL7 has no code for.
pub const OURS: &str = "urn:continuo:label";
/// Everything with a restricted label bears this too, so that one question finds out whether there is any.
pub const MARK: &str = "restricted";

/// A restricted label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    Restricted,
    VeryRestricted,
    SubstanceUse,
    Psychiatry,
    Hiv,
    Sexuality,
    Genetics,
    MinorPrivate,
}

/// How much it takes to open a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    Restricted,
    Closed,
}

/// Label, system, code, name, tier.
const TABLE: [(Label, &str, &str, &str, Tier); 8] = [
    (Label::Restricted, CONFIDENTIALITY, "R", "restricted", Tier::Restricted),
    (Label::VeryRestricted, CONFIDENTIALITY, "V", "very restricted", Tier::Closed),
    (Label::SubstanceUse, ACT_CODE, "ETH", "substance use", Tier::Closed),
    (Label::Psychiatry, ACT_CODE, "PSY", "mental health", Tier::Restricted),
    (Label::Hiv, ACT_CODE, "HIV", "HIV", Tier::Restricted),
    (Label::Sexuality, ACT_CODE, "SEX", "sexual and reproductive health", Tier::Restricted),
    (Label::Genetics, ACT_CODE, "GDIS", "genetics", Tier::Restricted),
    (Label::MinorPrivate, OURS, "minor-private", "private to a minor", Tier::Closed),
];

/// Codes of HL7 v3 ActCode that count as one of ours.
const ALIKE: [(&str, Label); 17] = [
    ("SUD", Label::SubstanceUse),
    ("ETHUD", Label::SubstanceUse),
    ("OPIOIDUD", Label::SubstanceUse),
    ("42CFRPart2", Label::SubstanceUse),
    ("MH", Label::Psychiatry),
    ("BH", Label::Psychiatry),
    ("PSYTHPN", Label::Psychiatry),
    ("STD", Label::Sexuality),
    ("ADOL", Label::MinorPrivate),
    ("SDV", Label::Restricted),
    ("TBOO", Label::Restricted),
    ("SCA", Label::Restricted),
    ("VIO", Label::Restricted),
    ("MST", Label::Restricted),
    ("COGN", Label::Restricted),
    ("DVD", Label::Restricted),
    ("EMOTDIS", Label::Restricted),
];

impl Label {
    pub const ALL: [Label; 8] = {
        let mut all = [Label::Restricted; 8];
        let mut at = 0;
        while at < all.len() {
            all[at] = TABLE[at].0;
            at += 1;
        }
        all
    };

    fn row(self) -> &'static (Label, &'static str, &'static str, &'static str, Tier) {
        &TABLE[self as usize]
    }

    pub fn system(self) -> &'static str {
        self.row().1
    }

    pub fn code(self) -> &'static str {
        self.row().2
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        self.row().3
    }

    pub fn tier(self) -> Tier {
        self.row().4
    }

    /// The rule as the audit log names it: `label/ETH`.
    pub fn rule(self) -> Arc<str> {
        format!("label/{}", self.code()).into()
    }

    pub fn by_code(code: &str) -> Option<Label> {
        TABLE.iter().find(|it| it.2 == code).map(|it| it.0)
    }

    /// What a code means; a code without a system is taken as one of ours.
    pub fn of(system: Option<&str>, code: &str) -> Option<Label> {
        let own = TABLE.iter().find(|it| it.2 == code && system.is_none_or(|system| system == it.1)).map(|it| it.0);
        let alike = ALIKE.iter().find(|(alike, _)| *alike == code && system.is_none_or(|system| system == ACT_CODE));
        own.or_else(|| alike.map(|it| it.1))
    }

    /// The labels a resource bears.
    pub fn on(resource: &Value) -> BTreeSet<Label> {
        let security = resource["meta"]["security"].as_array();
        let codings = security.into_iter().flatten();
        codings.filter_map(|it| Label::of(it["system"].as_str(), it["code"].as_str()?)).collect()
    }

    /// What bears it, in a store where everything was labelled as it was written.
    pub fn within(self, registry: &Registry) -> Within {
        tagged(registry, self.system(), self.code())
    }
}

/// What bears any restricted label.
pub fn marked(registry: &Registry) -> Within {
    tagged(registry, OURS, MARK)
}

/// What has this security label.
pub fn tagged(registry: &Registry, system: &str, code: &str) -> Within {
    let any = fhir::ResourceType::parse("Basic").expect("a type of R4");
    let sources = registry.param(any, "_security").expect("every type has it").sources.clone();
    let test = TokenTest::Coding { system: Some(system.to_owned()), code: code.to_owned() };
    Within::Matching(Filter::Row { sources, tests: vec![Test::Token(test)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_labels() {
        for (at, label) in Label::ALL.into_iter().enumerate() {
            assert_eq!(label as usize, at);
            assert_eq!(Label::of(Some(label.system()), label.code()), Some(label));
            assert_eq!(Label::of(None, label.code()), Some(label));
            assert_eq!(Label::of(Some("http://elsewhere.example"), label.code()), None);
        }
        assert_eq!(Label::of(Some(ACT_CODE), "SUD"), Some(Label::SubstanceUse));
        assert_eq!(Label::of(Some(CONFIDENTIALITY), "N"), None);
        assert_eq!(Label::of(Some(ACT_CODE), "R"), None);
    }
}
