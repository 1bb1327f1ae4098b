//! The block of labels and consents: 7 purposes × 4 confidentialities × 7 sensitivities × 6 consents × 5 recipients, as
//! docs/security/consent.md, section 9, lays them out. The oracle is that page read by hand, section 2 and 3.
//!
//! Every row is a Condition of its own, of a patient whose consent is that of the row. The proxy has one patient
//! alone; there the consent is written anew for each state.

use super::ask::{self, Cell, Expect, Tally};
use super::world::{self, Organisation, Principal, World};
use serde_json::{Value, json};

pub const PURPOSES: [&str; 7] = ["TREAT", "HPAYMT", "HOPERAT", "ETREAT", "PATRQT", "HRESCH", "HLEGAL"];
const CONFIDENTIALITIES: [&str; 4] = ["N", "R", "V", ""];
const SENSITIVITIES: [&str; 7] = ["ETH", "PSY", "HIV", "SEX", "GDIS", "minor-private", ""];
const CONSENTS: [&str; 6] = ["none", "permit TPO", "permit named", "deny", "expired", "revoked"];
const RECIPIENTS: [&str; 5] = ["treating", "non-treating", "payer", "app", "proxy"];

/// A permit as far as the table knows permits.
#[derive(Clone, Copy, PartialEq)]
enum Permit {
    None,
    /// Treatment, payment, operations; names nobody.
    Tpo,
    /// Names the recipient and lists the purpose of the row.
    Named,
}

/// The page, section 2, for the rows of section 9.
fn shown(purpose: &str, confidentiality: &str, sensitivity: &str, consent: &str, recipient: &str) -> bool {
    let clinician = matches!(recipient, "treating" | "non-treating");
    // Step 1.
    let purposes: &[&str] = match recipient {
        "payer" => &["HPAYMT", "HOPERAT"],
        "app" => &["TREAT", "HPAYMT", "HOPERAT", "HRESCH", "HLEGAL"],
        "proxy" => &["PATRQT"],
        _ => &["TREAT", "HPAYMT", "HOPERAT", "HRESCH", "HLEGAL", "ETREAT"],
    };
    if !purposes.contains(&purpose) {
        return false;
    }
    // Step 4: in these rows break-glass is open for the clinicians who claim it; no denial names anybody.
    if purpose == "ETREAT" {
        return clinician;
    }
    // Step 5.
    if consent == "deny" {
        return false;
    }
    let permit = match consent {
        "permit TPO" => Permit::Tpo,
        "permit named" => Permit::Named,
        _ => Permit::None,
    };
    // Step 6.
    if recipient == "proxy" {
        return sensitivity != "minor-private" || permit == Permit::Named;
    }
    // Step 7, with the table of section 3.
    let first = confidentiality == "R" || matches!(sensitivity, "PSY" | "HIV" | "SEX" | "GDIS");
    let second = confidentiality == "V" || matches!(sensitivity, "ETH" | "minor-private");
    let (ordinary, one, two) = match (purpose, recipient) {
        ("TREAT", "treating") => (true, true, true),
        ("HRESCH", _) => (permit == Permit::Named, permit == Permit::Named, permit == Permit::Named),
        ("HLEGAL", _) => (true, permit == Permit::Named, permit == Permit::Named),
        _ => (true, permit != Permit::None, permit == Permit::Named),
    };
    ordinary && (!first || one) && (!second || two)
}

pub struct Recipients {
    pub treating: Principal,
    pub non_treating: Principal,
    pub payer: Principal,
    pub app: Principal,
    /// Sees the record of one patient alone: their own.
    pub proxy: Principal,
    /// How a Consent names each of them, in the order of the table.
    pub actors: [Value; 5],
    /// Practitioner/… of the treating clinician.
    pub practitioner: String,
}

impl Recipients {
    fn of(&self, recipient: usize) -> &Principal {
        [&self.treating, &self.non_treating, &self.payer, &self.app, &self.proxy][recipient]
    }
}

fn security(confidentiality: &str, sensitivity: &str) -> Vec<Value> {
    let mut labels = Vec::new();
    if !confidentiality.is_empty() {
        let system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
        labels.push(json!({ "system": system, "code": confidentiality }));
    }
    if !sensitivity.is_empty() {
        let system = match sensitivity {
            "minor-private" => "urn:continuo:label",
            _ => "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        };
        labels.push(json!({ "system": system, "code": sensitivity }));
    }
    labels
}

fn condition(world: &World, id: &str, patient: &str, labels: Vec<Value>) -> Value {
    let mut it = world.tables.sample("Condition", id, &format!("Patient/{patient}"));
    if !labels.is_empty() {
        it["meta"] = json!({ "security": labels });
    }
    it
}

fn purpose_coding(purpose: &str) -> Value {
    json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": purpose })
}

/// The Consent of a row, or an inactive one for none: the same resource then serves every state.
fn consent(id: &str, patient: &str, state: &str, purpose: &str, actor: &Value) -> Value {
    let role =
        json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-RoleClass", "code": "AGNT" }] });
    let named = json!({ "type": "permit", "actor": [{ "role": role, "reference": actor }],
        "purpose": [purpose_coding(purpose)] });
    let provision = match state {
        "permit TPO" => json!({ "type": "permit",
            "purpose": [purpose_coding("TREAT"), purpose_coding("HPAYMT"), purpose_coding("HOPERAT")] }),
        "deny" => json!({ "type": "deny" }),
        "expired" => {
            let mut it = named;
            it["period"] = json!({ "end": yesterday() });
            it
        }
        _ => named,
    };
    json!({
        "resourceType": "Consent", "id": id,
        "status": if matches!(state, "none" | "revoked") { "inactive" } else { "active" },
        "scope": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy" }] },
        "category": [{ "text": "a sample" }],
        "patient": { "reference": format!("Patient/{patient}") },
        "policyRule": { "text": "a sample" },
        "provision": provision
    })
}

/// The day before this one, in UTC.
fn yesterday() -> String {
    let seconds = world::now().as_secs();
    // Days since 1970-01-01 to a civil date (proleptic Gregorian calendar).
    let days = (seconds / 86_400) as i64 - 1 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

struct Row {
    purpose: usize,
    consent: usize,
    recipient: usize,
    confidentiality: usize,
    sensitivity: usize,
}

impl Row {
    fn name(&self) -> String {
        let word = |text: &'static str| if text.is_empty() { "unlabelled" } else { text };
        format!(
            "consent/{}/{}/{}/{}/{}",
            RECIPIENTS[self.recipient],
            PURPOSES[self.purpose],
            CONSENTS[self.consent],
            word(CONFIDENTIALITIES[self.confidentiality]),
            word(SENSITIVITIES[self.sensitivity])
        )
    }

    fn patient(&self, recipients: &Recipients) -> String {
        match self.recipient {
            4 => recipients.proxy.own.clone(),
            _ => format!("consenting-{}-{}-{}", self.recipient, self.purpose, self.consent),
        }
    }

    fn id(&self) -> String {
        // The proxy's patient has one Condition for each pair of labels.
        let state = if self.recipient == 4 { String::new() } else { format!("{}-{}-", self.purpose, self.consent) };
        format!("row-{}-{state}{}-{}", self.recipient, self.confidentiality, self.sensitivity)
    }

    fn shown(&self) -> bool {
        shown(
            PURPOSES[self.purpose],
            CONFIDENTIALITIES[self.confidentiality],
            SENSITIVITIES[self.sensitivity],
            CONSENTS[self.consent],
            RECIPIENTS[self.recipient],
        )
    }
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for recipient in 0..RECIPIENTS.len() {
        for purpose in 0..PURPOSES.len() {
            for consent in 0..CONSENTS.len() {
                for confidentiality in 0..CONFIDENTIALITIES.len() {
                    for sensitivity in 0..SENSITIVITIES.len() {
                        rows.push(Row { purpose, consent, recipient, confidentiality, sensitivity });
                    }
                }
            }
        }
    }
    rows
}

/// Opens break-glass for a patient in the name of somebody.
pub type Emergency<'a> = &'a dyn Fn(&Principal, &str) -> Result<(), String>;

pub fn run(
    world: &World,
    recipients: &Recipients,
    emergency: Emergency<'_>,
    keep: &dyn Fn(&str) -> bool,
) -> Result<Tally, String> {
    let rows: Vec<Row> = rows().into_iter().filter(|row| keep(&row.name())).collect();
    let near = &world.near;
    let mut total = Tally::default();
    let mut resources = Vec::new();
    let mut patients = std::collections::BTreeSet::new();
    for row in rows.iter().filter(|row| row.recipient != 4) {
        let patient = row.patient(recipients);
        if patients.insert(patient.clone()) {
            let mut it = world.tables.bare("Patient", &patient, "Patient/none");
            if row.recipient == 0 {
                it["generalPractitioner"] = json!([{ "reference": recipients.practitioner }]);
            }
            resources.push(it);
            let actor = &recipients.actors[row.recipient];
            if CONSENTS[row.consent] != "none" {
                let id = format!("consent-{patient}");
                resources.push(consent(&id, &patient, CONSENTS[row.consent], PURPOSES[row.purpose], actor));
            }
        }
        let labels = security(CONFIDENTIALITIES[row.confidentiality], SENSITIVITIES[row.sensitivity]);
        resources.push(condition(world, &row.id(), &patient, labels));
    }
    world.plant(near, resources)?;
    for row in rows.iter().filter(|row| row.recipient < 2 && PURPOSES[row.purpose] == "ETREAT") {
        let patient = row.patient(recipients);
        if patients.remove(&patient)
            && let Err(reason) = emergency(recipients.of(row.recipient), &patient)
        {
            total.note(&row.name(), ask::Fault::Odd, &reason);
        }
    }
    let (of_proxy, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.recipient == 4);
    let mut cells = Vec::new();
    for row in &others {
        cells.extend(questions(near, row, recipients.of(row.recipient)));
    }
    cells.extend(counts(world, &others, recipients));
    total.add(ask::ask(&world.root, cells)?);
    total.add(proxy(world, recipients, &of_proxy)?);
    total.cells = rows.len();
    Ok(total)
}

/// The proxy's one patient, in every state after another.
fn proxy(world: &World, recipients: &Recipients, rows: &[&Row]) -> Result<Tally, String> {
    let mut total = Tally::default();
    if rows.is_empty() {
        return Ok(total);
    }
    let (principal, patient) = (&recipients.proxy, &recipients.proxy.own);
    let mut planted = std::collections::BTreeSet::new();
    let mut resources = Vec::new();
    for row in rows {
        if planted.insert(row.id()) {
            let labels = security(CONFIDENTIALITIES[row.confidentiality], SENSITIVITIES[row.sensitivity]);
            resources.push(condition(world, &row.id(), patient, labels));
        }
    }
    world.plant(&world.near, resources)?;
    for (purpose, why) in PURPOSES.iter().enumerate() {
        for (state, consented) in CONSENTS.iter().enumerate() {
            let here: Vec<&&Row> = rows.iter().filter(|row| row.purpose == purpose && row.consent == state).collect();
            if here.is_empty() {
                continue;
            }
            let actor = &recipients.actors[4];
            let it = consent("consent-of-proxied", patient, consented, why, actor);
            world.plant(&world.near, vec![it])?;
            let cells = here.iter().flat_map(|row| questions(&world.near, row, principal)).collect();
            total.add(ask::ask(&world.root, cells)?);
        }
    }
    // Whoever comes after us finds the patient as we did.
    let it = consent("consent-of-proxied", patient, "none", "TREAT", &recipients.actors[4]);
    world.plant(&world.near, vec![it])?;
    Ok(total)
}

fn asking(principal: &Principal, purpose: usize) -> String {
    format!("{}X-Purpose-Of-Use: {}\r\n", principal.headers, PURPOSES[purpose])
}

/// A row is read, searched for, counted.
fn questions(near: &Organisation, row: &Row, principal: &Principal) -> Vec<Cell> {
    let (id, name) = (row.id(), row.name());
    let cell = |what: &str, path: String, expect: Expect| Cell {
        name: format!("{name}/{what}"),
        method: "GET",
        path: near.fhir(&path),
        headers: asking(principal, row.purpose),
        content: "",
        body: None,
        expect,
    };
    if row.shown() {
        return vec![
            cell("read", format!("Condition/{id}"), Expect::Shows(format!("\"id\":\"{id}\""))),
            cell("search", format!("Condition?_id={id}"), Expect::Shows(format!("/{id}\""))),
            cell("count", format!("Condition?_id={id}&_summary=count"), Expect::Shows("\"total\":1".into())),
        ];
    }
    vec![
        cell("read", format!("Condition/{id}"), Expect::Hidden),
        cell("search", format!("Condition?_id={id}"), Expect::Without(format!("/{id}\""))),
        cell("count", format!("Condition?_id={id}&_summary=count"), Expect::Without("\"total\":1".into())),
    ]
}

/// What a patient's search counts is what its rows show.
fn counts(world: &World, rows: &[&Row], recipients: &Recipients) -> Vec<Cell> {
    let mut sums: std::collections::BTreeMap<String, (&Row, usize, usize)> = std::collections::BTreeMap::new();
    for row in rows {
        let patient = row.patient(recipients);
        let sum = sums.entry(patient).or_insert((row, 0, 0));
        sum.1 += 1;
        sum.2 += usize::from(row.shown());
    }
    let all = CONFIDENTIALITIES.len() * SENSITIVITIES.len();
    let whole = sums.into_iter().filter(|(_, (_, count, _))| *count == all);
    let mut cells = Vec::new();
    for (patient, (row, _, shown)) in whole {
        let principal = recipients.of(row.recipient);
        for (what, path) in [
            ("total", format!("Condition?patient=Patient/{patient}&_total=accurate&_count=1")),
            ("count", format!("Condition?patient={patient}&_summary=count")),
            ("chain", format!("Condition?patient._id={patient}&_summary=count")),
        ] {
            let expect = match shown {
                // With a purpose that is not theirs the search may be refused as a whole.
                0 => Expect::Without("\"total\":1".into()),
                _ => Expect::Shows(format!("\"total\":{shown}")),
            };
            cells.push(Cell {
                name: format!("{}/of the patient/{what}", row.name()),
                method: "GET",
                path: world.near.fhir(&path),
                headers: asking(principal, row.purpose),
                content: "",
                body: None,
                expect,
            });
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_5_880_rows() {
        assert_eq!(rows().len(), 5_880);
    }

    #[test]
    fn the_page_reads_as_its_examples_say() {
        let check = |purpose, confidentiality, sensitivity, consent, recipient, expected| {
            assert_eq!(
                shown(purpose, confidentiality, sensitivity, consent, recipient),
                expected,
                "{purpose} {confidentiality} {sensitivity} {consent} {recipient}"
            );
        };
        check("TREAT", "R", "PSY", "none", "treating", true);
        check("TREAT", "R", "PSY", "none", "non-treating", false);
        check("TREAT", "R", "PSY", "permit TPO", "non-treating", true);
        check("TREAT", "V", "", "permit TPO", "non-treating", false);
        check("TREAT", "N", "ETH", "permit named", "app", true);
        check("HPAYMT", "N", "", "none", "payer", true);
        check("TREAT", "N", "", "none", "payer", false);
        check("ETREAT", "V", "ETH", "deny", "non-treating", true);
        check("ETREAT", "N", "", "none", "app", false);
        check("TREAT", "N", "", "deny", "treating", false);
        check("HRESCH", "N", "", "permit TPO", "treating", false);
        check("HRESCH", "N", "", "permit named", "treating", true);
        check("HLEGAL", "N", "ETH", "none", "treating", false);
        check("PATRQT", "V", "ETH", "none", "proxy", true);
        check("PATRQT", "N", "minor-private", "none", "proxy", false);
        check("PATRQT", "N", "minor-private", "permit named", "proxy", true);
    }

    #[test]
    fn yesterday_is_a_day() {
        let day = yesterday();
        assert_eq!(day.len(), 10);
        assert!(day.starts_with("20"), "{day}");
    }
}
