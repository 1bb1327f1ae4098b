//! What keys of our own are called on pages: roles, factors, outcomes. A key that is not in a table is shown as
//! it is, with spaces, so that data may grow before words do.

/// Keys of `content/roles` → what people call them.
const ROLES: [(&str, &str); 12] = [
    ("front-desk", "Front desk"),
    ("nurse", "Nurse"),
    ("clinician", "Clinician"),
    ("biller", "Biller"),
    ("practice-admin", "Practice administrator"),
    ("system-admin", "System administrator"),
    ("privacy-officer", "Privacy officer"),
    ("integration-engineer", "Integration engineer"),
    ("patient", "Patient"),
    ("proxy", "Acts for a patient"),
    ("proxy-limited", "Acts for a patient, limited"),
    ("system", "System"),
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

pub(crate) fn role(key: &str) -> String {
    named(&ROLES, key)
}

/// What was done, as the audit log calls it → in words.
const ACTIONS: [(&str, &str); 26] = [
    ("read", "Read"),
    ("vread", "Read a version"),
    ("search", "Searched"),
    ("history", "Looked at the history"),
    ("create", "Created"),
    ("update", "Changed"),
    ("patch", "Changed"),
    ("delete", "Deleted"),
    ("export", "Exported"),
    ("print", "Printed"),
    ("sign-in", "Signed in"),
    ("sign-out", "Signed out"),
    ("refusal", "Refused"),
    ("break-glass", "Used emergency access"),
    ("break-glass.begin", "Began emergency access"),
    ("break-glass.end", "Ended emergency access"),
    ("break-glass.review", "Reviewed emergency access"),
    ("configure", "Changed settings"),
    ("user", "Changed a user"),
    ("password", "Changed a password"),
    ("factor", "Changed a second factor"),
    ("invite", "Invited a patient"),
    ("session", "Ended a session"),
    ("authorize", "Allowed an app"),
    ("revoke", "Withdrew access"),
    ("transaction", "Wrote several things at once"),
];

pub(crate) fn action(key: &str) -> String {
    named(&ACTIONS, key)
}

fn named(table: &[(&str, &str)], key: &str) -> String {
    match table.iter().find(|(it, _)| *it == key) {
        Some((_, words)) => (*words).to_owned(),
        None => {
            let mut words = key.replace(['-', '.', '_'], " ");
            if let Some(first) = words.get_mut(0..1) {
                first.make_ascii_uppercase();
            }
            words
        }
    }
}

/// `Observation` → `Observations`; `AllergyIntolerance` → `Allergy intolerances`: types in plain words.
pub(crate) fn kind(name: &str) -> String {
    const KINDS: [(&str, &str); 30] = [
        ("Patient", "personal details"),
        ("RelatedPerson", "relatives and carers"),
        ("Observation", "measurements and test results"),
        ("DiagnosticReport", "test reports"),
        ("Condition", "conditions"),
        ("MedicationRequest", "prescriptions"),
        ("MedicationStatement", "medicines taken"),
        ("MedicationAdministration", "medicines given"),
        ("MedicationDispense", "medicines handed out"),
        ("AllergyIntolerance", "allergies"),
        ("Immunization", "vaccines"),
        ("Procedure", "procedures"),
        ("Encounter", "visits"),
        ("Appointment", "appointments"),
        ("DocumentReference", "documents and notes"),
        ("Binary", "files"),
        ("CarePlan", "care plans"),
        ("CareTeam", "care teams"),
        ("Goal", "goals"),
        ("Coverage", "insurance"),
        ("Claim", "bills to insurers"),
        ("ExplanationOfBenefit", "answers of insurers"),
        ("ServiceRequest", "orders"),
        ("Communication", "messages"),
        ("QuestionnaireResponse", "questionnaires"),
        ("Consent", "consents"),
        ("Practitioner", "clinicians"),
        ("Organization", "organizations"),
        ("Location", "places"),
        ("AuditEvent", "the audit log"),
    ];
    match KINDS.iter().find(|(it, _)| *it == name) {
        Some((_, words)) => (*words).to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_without_words_are_still_readable() {
        assert_eq!(role("front-desk"), "Front desk");
        assert_eq!(role("night-nurse"), "Night nurse");
        assert_eq!(action("read"), "Read");
        assert_eq!(kind("AllergyIntolerance"), "allergies");
        assert_eq!(kind("SupplyRequest"), "supply request");
    }
}
