//! What keys of our own are called on pages: roles, factors, outcomes. A key that is not in a table is shown as
//! it is, with spaces, so that data may grow before words do. And the few fixed words that charts are read with.

use crate::locale::Words;
use care::access::{AccessError, Weakness};
use care::chart::{Distance, Event, Immunization, Measured, Unit, Visit, When};

/// Keys of `content/roles` → what people call them.
const ROLES: [(&str, &str); 12] = [
    ("front-desk", "common-role-front-desk"),
    ("nurse", "common-role-nurse"),
    ("clinician", "common-role-clinician"),
    ("biller", "common-role-biller"),
    ("practice-admin", "common-role-practice-admin"),
    ("system-admin", "common-role-system-admin"),
    ("privacy-officer", "common-role-privacy-officer"),
    ("integration-engineer", "common-role-integration-engineer"),
    ("patient", "common-role-patient"),
    ("proxy", "common-role-proxy"),
    ("proxy-limited", "common-role-proxy-limited"),
    ("system", "common-role-system"),
];

/// The roles that staff can be given.
pub(crate) const STAFF: [&str; 8] = [
    "front-desk",
    "nurse",
    "clinician",
    "biller",
    "practice-admin",
    "system-admin",
    "privacy-officer",
    "integration-engineer",
];

pub(crate) fn role(words: &Words, key: &str) -> String {
    named(words, &ROLES, key)
}

/// What was done, as the audit log calls it → in words.
const ACTIONS: [(&str, &str); 27] = [
    ("read", "common-action-read"),
    ("vread", "common-action-vread"),
    ("search", "common-action-search"),
    ("history", "common-action-history"),
    ("create", "common-action-create"),
    ("update", "common-action-update"),
    ("patch", "common-action-patch"),
    ("delete", "common-action-delete"),
    ("export", "common-action-export"),
    ("print", "common-action-print"),
    ("sign-in", "common-action-sign-in"),
    ("sign-out", "common-action-sign-out"),
    ("refusal", "common-action-refusal"),
    ("break-glass", "common-action-break-glass"),
    ("break-glass.begin", "common-action-break-glass-begin"),
    ("break-glass.end", "common-action-break-glass-end"),
    ("break-glass.review", "common-action-break-glass-review"),
    ("configure", "common-action-configure"),
    ("user", "common-action-user"),
    ("password", "common-action-password"),
    ("factor", "common-action-factor"),
    ("invite", "common-action-invite"),
    ("session", "common-action-session"),
    ("authorize", "common-action-authorize"),
    ("revoke", "common-action-revoke"),
    ("transaction", "common-action-transaction"),
    ("desk", "common-action-desk"),
];

pub(crate) fn action(words: &Words, key: &str) -> String {
    named(words, &ACTIONS, key)
}

fn named(words: &Words, table: &[(&str, &str)], key: &str) -> String {
    match table.iter().find(|(it, _)| *it == key) {
        Some((_, message)) => words.say(message),
        None => {
            let mut words = key.replace(['-', '.', '_'], " ");
            if let Some(first) = words.get_mut(0..1) {
                first.make_ascii_uppercase();
            }
            words
        }
    }
}

/// Types of FHIR → what people call many of them.
const KINDS: [(&str, &str); 30] = [
    ("Patient", "common-kind-patient"),
    ("RelatedPerson", "common-kind-relatedperson"),
    ("Observation", "common-kind-observation"),
    ("DiagnosticReport", "common-kind-diagnosticreport"),
    ("Condition", "common-kind-condition"),
    ("MedicationRequest", "common-kind-medicationrequest"),
    ("MedicationStatement", "common-kind-medicationstatement"),
    ("MedicationAdministration", "common-kind-medicationadministration"),
    ("MedicationDispense", "common-kind-medicationdispense"),
    ("AllergyIntolerance", "common-kind-allergyintolerance"),
    ("Immunization", "common-kind-immunization"),
    ("Procedure", "common-kind-procedure"),
    ("Encounter", "common-kind-encounter"),
    ("Appointment", "common-kind-appointment"),
    ("DocumentReference", "common-kind-documentreference"),
    ("Binary", "common-kind-binary"),
    ("CarePlan", "common-kind-careplan"),
    ("CareTeam", "common-kind-careteam"),
    ("Goal", "common-kind-goal"),
    ("Coverage", "common-kind-coverage"),
    ("Claim", "common-kind-claim"),
    ("ExplanationOfBenefit", "common-kind-explanationofbenefit"),
    ("ServiceRequest", "common-kind-servicerequest"),
    ("Communication", "common-kind-communication"),
    ("QuestionnaireResponse", "common-kind-questionnaireresponse"),
    ("Consent", "common-kind-consent"),
    ("Practitioner", "common-kind-practitioner"),
    ("Organization", "common-kind-organization"),
    ("Location", "common-kind-location"),
    ("AuditEvent", "common-kind-auditevent"),
];

/// Fixed words with which `care` tells of what is coded → what they are called on pages. What people wrote is not here.
const TOLD: [(&str, &str); 13] = [
    ("Office visit", "chart-class-office"),
    ("Emergency", "chart-class-emergency"),
    ("Inpatient stay", "chart-class-inpatient"),
    ("Observation stay", "chart-class-observation"),
    ("Home visit", "chart-class-home"),
    ("Remote visit", "chart-class-remote"),
    ("Short stay", "chart-class-short"),
    ("Pre-admission", "chart-class-pre-admission"),
    ("Visit", "chart-visit"),
    ("No known allergies", "chart-no-known-allergies"),
    ("not sent", "chart-value-not-sent"),
    ("nothing was sent", "chart-value-not-sent"),
    ("Waveform", "chart-value-waveform"),
];

/// A fixed word of `care` in the language of the page; anything else as it is.
pub(crate) fn told(words: &Words, text: &str) -> String {
    TOLD.iter().find(|(it, _)| *it == text).map_or_else(|| text.to_owned(), |(_, key)| words.say(key))
}

/// `Office visit – Hypertension follow-up`.
pub(crate) fn visit(words: &Words, visit: &Visit) -> String {
    because(words, &visit.class, visit.why())
}

fn because(words: &Words, class: &str, why: Option<&str>) -> String {
    match why {
        Some(why) => format!("{} – {why}", told(words, class)),
        None => told(words, class),
    }
}

/// What an event of the timeline is called.
pub(crate) fn event(words: &Words, event: &Event) -> String {
    match event.results {
        Some((rest, ..)) if rest > 0 => format!("{} {}", event.title, super::counted(words, "chart-and-more", rest)),
        _ => because(words, &event.title, event.why.as_deref()),
    }
}

/// What else is known of an event.
pub(crate) fn event_detail(words: &Words, event: &Event) -> Option<String> {
    match event.results {
        Some((_, all, 0)) => Some(super::counted(words, "chart-results-count", all)),
        Some((_, all, abnormal)) => {
            Some(words.with("chart-results-abnormal", &[("count", all.into()), ("abnormal", abnormal.into())]))
        }
        None => event.detail.clone(),
    }
}

/// A value with its unit; where there is none, why.
pub(crate) fn value(words: &Words, value: &Measured) -> String {
    match value {
        Measured::Missing(why) => words.with("chart-no-value", &[("why", told(words, why).into())]),
        other => other.with_unit(),
    }
}

/// Which dose of a series: `dose 2 of 3`.
pub(crate) fn dose(words: &Words, given: &Immunization) -> Option<String> {
    let said = given.dose.as_deref()?.strip_prefix("dose ")?;
    Some(match said.split_once(" of ") {
        Some((dose, all)) => words.with("chart-dose-of", &[("dose", dose.into()), ("all", all.into())]),
        None => words.with("chart-dose", &[("dose", said.into())]),
    })
}

/// `Observation` → `measurements and test results`: types in plain words.
pub(crate) fn kind(words: &Words, name: &str) -> String {
    match KINDS.iter().find(|(it, _)| *it == name) {
        Some((_, message)) => words.say(message),
        None => {
            let mut words = String::new();
            for c in name.chars() {
                if c.is_ascii_uppercase() && !words.is_empty() {
                    words.push(' ');
                }
                words.push(c.to_ascii_lowercase());
            }
            words
        }
    }
}

/// Why access says no, in words for who asked.
pub(crate) fn trouble(words: &Words, error: &AccessError) -> String {
    match error {
        AccessError::Password(Weakness::TooShort(least)) => {
            words.with("common-trouble-short", &[("count", (*least).into())])
        }
        other => words.say(trouble_key(other)),
    }
}

/// The same as a key, without the numbers.
pub(crate) fn trouble_key(error: &AccessError) -> &'static str {
    match error {
        AccessError::Store(_) => "shell-away",
        AccessError::Forbidden | AccessError::NoSuchUser => "shell-not-found-why",
        AccessError::NotFresh => "common-trouble-not-fresh",
        AccessError::Changed => "common-trouble-changed",
        AccessError::UserNameTaken => "common-trouble-name-taken",
        AccessError::UserNameUnfit => "common-trouble-name-unfit",
        AccessError::NameUnfit => "common-trouble-display",
        AccessError::UnknownRole(_) | AccessError::RolesUnfit => "common-trouble-roles",
        AccessError::Password(Weakness::TooShort(_)) => "common-trouble-too-short",
        AccessError::Password(Weakness::TooLong) => "common-trouble-long",
        AccessError::Password(Weakness::Guessable) => "common-trouble-guessable",
        AccessError::Password(Weakness::Stolen) => "common-trouble-stolen",
        AccessError::Password(Weakness::Unchanged) => "common-trouble-same",
        AccessError::Wrong => "common-trouble-wrong",
        AccessError::Expired => "common-trouble-expired",
        AccessError::Wait { .. } => "common-trouble-wait",
        AccessError::LastAdministrator => "common-trouble-last-administrator",
        AccessError::LastFactor => "common-trouble-last-factor",
        AccessError::Passkey(_) => "common-trouble-passkey",
        AccessError::Provider(_) => "common-trouble-provider",
        AccessError::Busy => "common-trouble-busy",
    }
}

/// The administrative sex, as `care::people` names it.
pub(crate) fn sex(words: &Words, sex: Option<&str>) -> String {
    words.say(match sex {
        Some("Female") => "common-sex-female",
        Some("Male") => "common-sex-male",
        Some("Other") => "common-sex-other",
        Some(_) => "common-sex-unknown",
        None => "common-sex-none",
    })
}

/// An age in its short form: `54 y`, `3 y 2 m`, `about 60 y`.
pub(crate) fn age(words: &Words, age: &str) -> String {
    let part = |part: &str| match part {
        "y" => words.say("common-age-years"),
        "m" => words.say("common-age-months"),
        "w" => words.say("common-age-weeks"),
        "about" => words.say("common-age-about"),
        "under" => words.say("common-age-under"),
        other => other.to_owned(),
    };
    age.split(' ').map(part).collect::<Vec<_>>().join(" ")
}

/// How far a day lies from today: `3 weeks ago`, `tomorrow`.
pub(crate) fn ago(words: &Words, when: &When, now: i64) -> String {
    let counted = |key: &str, count: i64| words.with(key, &[("count", count.into())]);
    match when.distance(now) {
        Distance::Today => words.say("common-today"),
        Distance::Yesterday => words.say("common-yesterday"),
        Distance::Tomorrow => words.say("common-tomorrow"),
        Distance::Past(count, Unit::Days) => counted("common-days-ago", count),
        Distance::Past(count, Unit::Weeks) => counted("common-weeks-ago", count),
        Distance::Past(count, Unit::Months) => counted("common-months-ago", count),
        Distance::Past(count, Unit::Years) => counted("common-years-ago", count),
        Distance::Ahead(count, Unit::Days) => counted("common-days-ahead", count),
        Distance::Ahead(count, Unit::Weeks) => counted("common-weeks-ahead", count),
        Distance::Ahead(count, Unit::Months) => counted("common-months-ahead", count),
        Distance::Ahead(count, Unit::Years) => counted("common-years-ahead", count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    #[test]
    fn keys_without_words_are_still_readable() {
        let words = Locale::English.words();
        assert_eq!(role(words, "front-desk"), "Front desk");
        assert_eq!(role(words, "night-nurse"), "Night nurse");
        assert_eq!(action(words, "read"), "Read");
        assert_eq!(kind(words, "AllergyIntolerance"), "allergies");
        assert_eq!(kind(words, "SupplyRequest"), "supply request");
    }

    #[test]
    fn ages_and_days_are_told_in_the_language_of_the_page() {
        let spanish = Locale::Spanish.words();
        assert_eq!(age(spanish, "3 y 2 m"), "3 a 2 m");
        assert_eq!(age(Locale::English.words(), "about 60 y"), "about 60 y");
        let now = 1_781_524_800_000_000;
        let day = |text: &str| When::parse(text).expect("a day");
        assert_eq!(ago(spanish, &day("2026-06-01"), now), "hace 2 semanas");
        assert_eq!(ago(Locale::English.words(), &day("2026-06-14"), now), "yesterday");
        assert_eq!(sex(spanish, Some("Female")), "Mujer");
    }
}
