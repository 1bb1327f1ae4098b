//! Labels are set here, on everything that is written, by whatever way it comes: the store asks for it before it
//! prepares a batch ([`store::Labeller`]). Rules are data (`content/labels`): by code, by type, by the visit something
//! belongs to, by age.
//!
//! A client cannot take away a label that a rule demands; labels it sets in addition stay, in the form in which the
//! store asks for them. docs/security/consent.md, section 8.

use super::consent::local;
use super::label::{ACT_CODE, CONFIDENTIALITY, Label, MARK, OURS, marked};
use super::roles::Roles;
use fhir::search::query::{Filter, Query};
use fhir::search::row::Span;
use fhir::{Id, Key, ResourceType, Value};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use store::{Caller, Change, Kinds, Labeller, Store, StoreError, StoreResult, Within, Write};

const FILES: [(&str, &str); 6] = [
    ("substance-use.toml", include_str!("../../../../content/labels/substance-use.toml")),
    ("mental-health.toml", include_str!("../../../../content/labels/mental-health.toml")),
    ("hiv.toml", include_str!("../../../../content/labels/hiv.toml")),
    ("sexual-health.toml", include_str!("../../../../content/labels/sexual-health.toml")),
    ("genetics.toml", include_str!("../../../../content/labels/genetics.toml")),
    ("minor-private.toml", include_str!("../../../../content/labels/minor-private.toml")),
];

/// Confidentiality from low to high (HL7 v3 Confidentiality).
const LEVELS: [&str; 6] = ["U", "L", "M", "N", "R", "V"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    label: String,
    #[serde(default)]
    visits: bool,
    #[serde(default)]
    rule: Vec<RuleFile>,
    minor: Option<MinorFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    /// For who reads the file.
    #[serde(rename = "name")]
    _name: String,
    #[serde(default)]
    types: Vec<String>,
    /// By system; `F10*` is every code that begins so.
    #[serde(default)]
    codes: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MinorFile {
    from: i64,
    below: i64,
    labels: Vec<String>,
}

/// A label that something demands while a patient is of an age.
#[derive(Debug)]
struct Minor {
    label: Label,
    from: i64,
    below: i64,
    because: BTreeSet<Label>,
}

/// The rules by which labels are set.
#[derive(Debug)]
pub struct LabelRules {
    /// The types that can be labelled by rule.
    kinds: Kinds,
    codes: HashMap<(String, String), BTreeSet<Label>>,
    starts: HashMap<String, Vec<(String, Label)>>,
    types: HashMap<ResourceType, BTreeSet<Label>>,
    visits: BTreeSet<Label>,
    minors: Vec<Minor>,
}

static OURS_RULES: LazyLock<Arc<LabelRules>> =
    LazyLock::new(|| Arc::new(LabelRules::read(&FILES).expect("a test reads the labels we ship")));

impl LabelRules {
    /// The rules we ship.
    pub fn ours() -> Arc<LabelRules> {
        OURS_RULES.clone()
    }

    /// Ours with the files of a site (name and text) laid over them.
    pub fn with(site: &[(String, String)]) -> Result<LabelRules, String> {
        let mut files: Vec<(&str, &str)> = FILES.to_vec();
        for (name, text) in site {
            match files.iter_mut().find(|(own, _)| own == name) {
                Some(file) => file.1 = text,
                None => files.push((name, text)),
            }
        }
        LabelRules::read(&files)
    }

    fn read(files: &[(&str, &str)]) -> Result<LabelRules, String> {
        let roles = Roles::ours();
        let mut rules = LabelRules {
            kinds: ["clinical", "money", "schedule"]
                .iter()
                .flat_map(|it| roles.group(it).iter().collect::<Vec<_>>())
                .collect(),
            codes: HashMap::new(),
            starts: HashMap::new(),
            types: HashMap::new(),
            visits: BTreeSet::new(),
            minors: Vec::new(),
        };
        files.iter().try_for_each(|(name, text)| rules.take(text).map_err(|wrong| format!("{name}: {wrong}")))?;
        Ok(rules)
    }

    fn take(&mut self, text: &str) -> Result<(), String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let named = |code: &str| Label::by_code(code).ok_or_else(|| format!("there is no label {code:?}"));
        let label = named(&file.label)?;
        if file.visits {
            self.visits.insert(label);
        }
        for rule in file.rule {
            if rule.types.is_empty() && rule.codes.is_empty() {
                return Err("a rule needs types or codes".to_owned());
            }
            for name in &rule.types {
                let kind = ResourceType::parse(name).ok_or_else(|| format!("there is no resource type {name:?}"))?;
                self.types.entry(kind).or_default().insert(label);
            }
            for (system, codes) in rule.codes {
                for code in codes {
                    match code.strip_suffix('*') {
                        Some(start) => self.starts.entry(system.clone()).or_default().push((start.to_owned(), label)),
                        None => {
                            self.codes.entry((system.clone(), code)).or_default().insert(label);
                        }
                    }
                }
            }
        }
        if let Some(minor) = file.minor {
            let because = minor.labels.iter().map(|it| named(it)).collect::<Result<_, _>>()?;
            self.minors.push(Minor { label, from: minor.from, below: minor.below, because });
        }
        Ok(())
    }

    /// What the content of a resource demands by itself.
    fn demanded(&self, resource: &Value) -> BTreeSet<Label> {
        let kind = resource["resourceType"].as_str().and_then(ResourceType::parse);
        let Some(kind) = kind.filter(|it| self.kinds.contains(*it)) else { return BTreeSet::new() };
        let mut found = self.types.get(&kind).cloned().unwrap_or_default();
        let Some(fields) = resource.as_object() else { return found };
        fields.iter().filter(|(name, _)| *name != "meta").for_each(|(_, value)| self.codings(value, &mut found));
        found
    }

    fn codings(&self, value: &Value, found: &mut BTreeSet<Label>) {
        match value {
            Value::Array(all) => all.iter().for_each(|it| self.codings(it, found)),
            Value::Object(fields) => {
                if let (Some(system), Some(code)) = (value["system"].as_str(), value["code"].as_str()) {
                    found.extend(self.codes.get(&(system.to_owned(), code.to_owned())).into_iter().flatten());
                    let starts = self.starts.get(system).into_iter().flatten();
                    found.extend(starts.filter(|(start, _)| code.starts_with(start.as_str())).map(|(_, label)| *label));
                }
                fields.values().for_each(|it| self.codings(it, found));
            }
            _ => {}
        }
    }

    /// Sets the labels of one resource, in place. `visit` are the labels of the visit it belongs to, `age` is that of its
    /// patient in years. Returns the labels it bears now.
    pub fn label(&self, resource: &mut Value, visit: &BTreeSet<Label>, age: Option<i64>) -> BTreeSet<Label> {
        let mut all = self.demanded(resource);
        all.extend(visit.intersection(&self.visits));
        let own = Label::on(resource);
        let minors = self.minors.iter().filter(|it| {
            age.is_some_and(|age| (it.from..it.below).contains(&age))
                && it.because.iter().any(|because| all.contains(because) || own.contains(because))
        });
        let minors: Vec<Label> = minors.map(|it| it.label).collect();
        all.extend(minors);
        if !all.is_empty() && !own.contains(&Label::VeryRestricted) {
            all.insert(Label::Restricted);
        }
        all.extend(own);
        if all.is_empty() {
            // Asked with `get`: an index would put a member `security` there where none is.
            let security = resource.get_mut("meta").and_then(|meta| meta.get_mut("security"));
            if let Some(security) = security.and_then(|it| it.as_array_mut()) {
                security.retain(|it| it["system"] != OURS || it["code"] != MARK);
            }
            return all;
        }
        write(resource, &all);
        all
    }

    /// Whether a patient's age decides about a resource with these labels.
    fn asks_age(&self, labels: &BTreeSet<Label>) -> bool {
        self.minors.iter().any(|it| !it.because.is_disjoint(labels))
    }
}

/// Writes labels in the form in which the store asks for them, beside those that are there.
fn write(resource: &mut Value, labels: &BTreeSet<Label>) {
    let Some(fields) = resource.as_object_mut() else { return };
    let meta = fields.entry("meta").or_insert_with(|| json!({}));
    let Some(meta) = meta.as_object_mut() else { return };
    let Some(security) = meta.entry("security").or_insert_with(|| json!([])).as_array_mut() else { return };
    // The highest confidentiality alone.
    let level = |it: &Value| {
        let system = it["system"].as_str();
        let code = it["code"].as_str().filter(|_| system.is_none_or(|own| own == CONFIDENTIALITY))?;
        LEVELS.iter().position(|level| *level == code)
    };
    let highest = if labels.contains(&Label::VeryRestricted) { "V" } else { "R" };
    let confidential = labels.contains(&Label::Restricted) || labels.contains(&Label::VeryRestricted);
    if confidential {
        let kept = |it: &Value| it["code"] == highest && it["system"] == CONFIDENTIALITY;
        security.retain(|it| level(it).is_none() || kept(it));
    }
    let mut add = |system: &str, code: &str| {
        let there = |it: &Value| it["system"].as_str() == Some(system) && it["code"].as_str() == Some(code);
        if !security.iter().any(there) {
            security.push(json!({ "system": system, "code": code }));
        }
    };
    if confidential {
        add(CONFIDENTIALITY, highest);
    }
    for label in labels.iter().filter(|it| it.system() != CONFIDENTIALITY) {
        add(label.system(), label.code());
    }
    if labels.contains(&Label::SubstanceUse) {
        add(ACT_CODE, "NORDSCLCD");
    }
    add(OURS, MARK);
}

impl Labeller for LabelRules {
    fn label<'a>(
        &'a self,
        store: &'a Store,
        writes: &'a mut [Write],
        now: i64,
    ) -> Pin<Box<dyn Future<Output = StoreResult<()>> + Send + 'a>> {
        Box::pin(self.batch(store, writes, now))
    }
}

impl LabelRules {
    async fn batch(&self, store: &Store, writes: &mut [Write], now: i64) -> StoreResult<()> {
        let bases = store.bases();
        let mut visits: BTreeSet<Key> = BTreeSet::new();
        let mut known: HashMap<Key, BTreeSet<Label>> = HashMap::new();
        let mut births: HashMap<Key, Option<i64>> = HashMap::new();
        for write in writes.iter() {
            let Change::Put(resource) = &write.change else { continue };
            let value = resource.value();
            match write.key.kind.name() {
                "Encounter" => {
                    let labels = &self.demanded(value) | &Label::on(value);
                    known.insert(write.key.clone(), labels);
                }
                "Patient" => {
                    births.insert(write.key.clone(), born(value));
                }
                _ if self.kinds.contains(write.key.kind) => visits.extend(visit_of(value, bases)),
                _ => {}
            }
        }
        visits.retain(|it| !known.contains_key(it));
        self.visits_here(store, visits, &mut known).await?;
        let none = BTreeSet::new();
        for write in writes.iter_mut() {
            let Change::Put(resource) = &mut write.change else { continue };
            let visit = if self.kinds.contains(write.key.kind) { visit_of(resource.value(), bases) } else { None };
            let visit = visit.and_then(|it| known.get(&it)).unwrap_or(&none);
            let may_have = |value: &Value| &(&self.demanded(value) | &Label::on(value)) | visit;
            let age = if self.asks_age(&may_have(resource.value())) {
                age(store, resource.value(), &mut births, now).await?
            } else {
                None
            };
            resource.relabel(|value| {
                self.label(value, visit, age);
            });
        }
        Ok(())
    }

    /// The labels of visits that are in the store already.
    async fn visits_here(
        &self,
        store: &Store,
        visits: BTreeSet<Key>,
        known: &mut HashMap<Key, BTreeSet<Label>>,
    ) -> StoreResult<()> {
        if visits.is_empty() || self.visits.is_empty() {
            return Ok(());
        }
        let caller = Caller::system("labels");
        let registry = store.registry();
        let Within::Matching(restricted) = marked(&registry) else { return Ok(()) };
        let kind = ResourceType::parse("Encounter").expect("a type of R4");
        let ids: Vec<Id> = visits.into_iter().filter(|it| it.kind == kind).map(|it| it.id).collect();
        let many = ids.len();
        let filter = Filter::All(vec![restricted, Filter::Ids(ids)]);
        let query = Query { kinds: vec![kind], filter, ..Query::default() };
        for key in store.find(&caller, &query, many).await? {
            match store.read(&caller, &key).await {
                Ok(stored) => {
                    known.insert(key, Label::on(&stored.value()));
                }
                Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

/// The visit a resource belongs to.
fn visit_of(value: &Value, bases: &fhir::search::row::BaseUrls) -> Option<Key> {
    [&value["encounter"], &value["context"], &value["context"]["encounter"][0]]
        .into_iter()
        .find_map(|it| local(it, bases))
        .filter(|it| it.kind.name() == "Encounter")
}

/// When a patient was born, in milliseconds.
fn born(patient: &Value) -> Option<i64> {
    patient["birthDate"].as_str().and_then(Span::parse).map(|it| it.low)
}

/// How old the patient of a resource is, in years.
async fn age(
    store: &Store,
    value: &Value,
    births: &mut HashMap<Key, Option<i64>>,
    now: i64,
) -> StoreResult<Option<i64>> {
    let owner = ["subject", "patient", "beneficiary", "for"].iter().find_map(|it| local(&value[*it], store.bases()));
    let Some(key) = owner.filter(|it| it.kind.name() == "Patient") else { return Ok(None) };
    let born = match births.get(&key) {
        Some(known) => *known,
        None => {
            let read = match store.read(&Caller::system("labels"), &key).await {
                Ok(stored) => born(&stored.value()),
                Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => None,
                Err(other) => return Err(other),
            };
            births.insert(key, read);
            read
        }
    };
    Ok(born.and_then(|born| years(born, now.div_euclid(1_000))))
}

/// Whole years between two moments (milliseconds).
fn years(from: i64, to: i64) -> Option<i64> {
    let date = |ms: i64| Some(jiff::Timestamp::from_millisecond(ms).ok()?.to_zoned(jiff::tz::TimeZone::UTC).date());
    let (born, today) = (date(from)?, date(to)?);
    let before = (today.month(), today.day()) < (born.month(), born.day());
    Some(i64::from(today.year()) - i64::from(born.year()) - i64::from(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(mut resource: Value, visit: &[Label], age: Option<i64>) -> Vec<String> {
        let rules = LabelRules::ours();
        let visit: BTreeSet<Label> = visit.iter().copied().collect();
        rules.label(&mut resource, &visit, age);
        let once = resource.clone();
        rules.label(&mut resource, &visit, age);
        assert_eq!(resource, once, "labelling again changes nothing");
        let security = resource["meta"]["security"].as_array().cloned().unwrap_or_default();
        security.iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
    }

    fn condition(system: &str, code: &str) -> Value {
        json!({"resourceType": "Condition", "code": {"coding": [{"system": system, "code": code}]}})
    }

    #[test]
    fn rules_label_by_code_type_visit_and_age() {
        let snomed = "http://snomed.info/sct";
        let icd = "http://hl7.org/fhir/sid/icd-10-cm";
        assert_eq!(labelled(condition(snomed, "7200002"), &[], None), ["R", "ETH", "NORDSCLCD", "restricted"]);
        assert_eq!(labelled(condition(icd, "F10.20"), &[], Some(30)), ["R", "ETH", "NORDSCLCD", "restricted"]);
        assert_eq!(labelled(condition(icd, "F32.9"), &[], Some(15)), ["R", "PSY", "minor-private", "restricted"]);
        assert_eq!(labelled(condition(icd, "F32.9"), &[], Some(18)), ["R", "PSY", "restricted"]);
        assert_eq!(labelled(condition(icd, "F32.9"), &[], Some(11)), ["R", "PSY", "restricted"]);
        assert_eq!(labelled(condition(snomed, "86406008"), &[], None), ["R", "HIV", "restricted"]);
        assert_eq!(labelled(condition(icd, "E11.9"), &[], Some(15)), [] as [&str; 0]);
        assert_eq!(labelled(json!({"resourceType": "MolecularSequence"}), &[], None), ["R", "GDIS", "restricted"]);
        let plain = json!({"resourceType": "Observation", "code": {"text": "x"}});
        let of_visit = labelled(plain.clone(), &[Label::SubstanceUse, Label::Restricted], None);
        assert_eq!(of_visit, ["R", "ETH", "NORDSCLCD", "restricted"]);
        // HIV does not spread to everything of a visit.
        assert_eq!(labelled(plain, &[Label::Hiv], None), [] as [&str; 0]);
        // What is no record of a patient is never labelled by its codes.
        let set = json!({"resourceType": "ValueSet", "compose": {"x": {"system": snomed, "code": "7200002"}}});
        assert_eq!(labelled(set, &[], None), [] as [&str; 0]);
    }

    #[test]
    fn what_a_client_sets_stays_and_the_higher_level_wins() {
        let with = |mut it: Value, security: Value| {
            it["meta"] = json!({ "security": security });
            labelled(it, &[], None)
        };
        let plain = || json!({"resourceType": "Observation"});
        let level = |code: &str| json!([{"system": CONFIDENTIALITY, "code": code}]);
        assert_eq!(
            with(condition("http://snomed.info/sct", "7200002"), level("N")),
            ["R", "ETH", "NORDSCLCD", "restricted"]
        );
        assert_eq!(
            with(condition("http://snomed.info/sct", "7200002"), level("V")),
            ["V", "ETH", "NORDSCLCD", "restricted"]
        );
        assert_eq!(with(plain(), level("N")), ["N"]);
        assert_eq!(with(plain(), level("R")), ["R", "restricted"]);
        assert_eq!(
            with(plain(), json!([{"system": ACT_CODE, "code": "SUD"}])),
            ["SUD", "ETH", "NORDSCLCD", "restricted"]
        );
        assert_eq!(with(plain(), json!([{"code": "PSY"}])), ["PSY", "PSY", "restricted"]);
        assert_eq!(with(plain(), json!([{"system": "http://other.example", "code": "PSY"}])), ["PSY"]);
    }

    #[test]
    fn a_wrong_file_is_refused_with_what_to_mend() {
        let check = |text: &str, expected: &str| {
            let wrong = LabelRules::with(&[("mine.toml".into(), text.into())]).unwrap_err();
            assert!(wrong.starts_with("mine.toml: ") && wrong.contains(expected), "{wrong}");
        };
        check("label = \"XYZ\"", "there is no label \"XYZ\"");
        check("label = \"ETH\"\n[[rule]]\nname = \"x\"", "needs types or codes");
        check("label = \"ETH\"\n[[rule]]\nname = \"x\"\ntypes = [\"Obs\"]", "there is no resource type \"Obs\"");
        check("label = \"ETH\"\ncolour = 1", "colour");
    }
}
