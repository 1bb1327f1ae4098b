//! What becomes of the messages that others published, and whether the facts are those that other converters found in
//! them: the page docs/interfaces/hl7-v2-report.md, which `cargo xtask interfaces` writes. Facts are compared, not the
//! shape of resources: codes, dates, values, units, identifiers, names and references, for each kind of resource.

use formats::Fate;
use formats::v2::map::{Converted, Mapping, Settings, convert};
use formats::v2::{Batch, Piece, Place};
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, endings, found);
        } else if path.extension().is_some_and(|it| endings.iter().any(|ending| it == *ending)) {
            found.push(path);
        }
    }
    found.sort();
}

fn converted(bytes: &[u8]) -> Vec<Converted> {
    let settings = Settings { mapping: Mapping::standard(), zone: &TimeZone::UTC };
    Batch::read(bytes).messages().map(|it| convert(it, settings)).collect()
}

/// What was seen of the messages of one publisher.
#[derive(Default)]
struct Seen {
    files: usize,
    messages: usize,
    unreadable: usize,
    segments: usize,
    unknown: usize,
    fields: usize,
    mapped: usize,
    kept: usize,
    resources: usize,
    invalid: usize,
}

/// `PID-3[2].1` and `OBX[4]-5` as `PID-3` and `OBX-5`; a whole segment as its name.
fn field_of(place: &str) -> String {
    let name = place.get(..3).unwrap_or(place);
    let field = place.split_once('-').map(|it| it.1.split(['[', '.']).next().unwrap_or_default());
    field.map_or_else(|| name.to_owned(), |field| format!("{name}-{field}"))
}

/// What is said beside a field that is mapped.
const BESIDE: [&str; 2] =
    ["only the first repetition has a place in FHIR", "there is no mapping for messages of this kind"];
const NO_SEGMENT: &str = "there is no mapping for this segment in messages of this kind";

/// For which reasons fields are kept unmapped: reason, fields, how often.
type Reasons = BTreeMap<String, (BTreeSet<String>, usize)>;

/// What was seen of each publisher, and what was kept.
fn seen(root: &Path) -> (BTreeMap<String, Seen>, Reasons) {
    let mut files = Vec::new();
    collect(root, &["hl7", "txt"], &mut files);
    let mut all: BTreeMap<String, Seen> = BTreeMap::new();
    let mut reasons = Reasons::new();
    let settings = Settings { mapping: Mapping::standard(), zone: &TimeZone::UTC };
    for file in &files {
        let publisher = file.strip_prefix(root).expect("it lies there").components().next().expect("a folder");
        let it = all.entry(publisher.as_os_str().to_string_lossy().into_owned()).or_default();
        it.files += 1;
        for piece in Batch::read(&std::fs::read(file).expect("the file can be read")).pieces {
            let message = match piece {
                Piece::Message(message) => message,
                Piece::Junk(_, Some(_)) => {
                    it.unreadable += 1;
                    continue;
                }
                Piece::Junk(_, None) | Piece::Envelope(_) => continue,
            };
            let found = convert(&message, settings);
            it.messages += 1;
            it.segments += message.segments().len();
            it.fields += found.fields;
            it.mapped += found.mapped;
            it.resources += found.read.resources.len();
            let valid = |it: &Value| !fhir::validate::validate(it).iter().any(|it| it.is_error());
            it.invalid += found.read.resources.iter().filter(|(_, it)| !valid(it)).count();
            for note in found.read.notes.iter().filter(|note| note.fate == Fate::Kept) {
                let place = field_of(&note.place);
                let entry = reasons.entry(note.says.clone()).or_default();
                if note.says == NO_SEGMENT {
                    it.unknown += 1;
                    let at: Place = note.place.parse().expect("a note has a place");
                    let segment = message.segment(&at.segment, at.occurrence).expect("the segment is there");
                    it.kept += segment.fields(message.delimiters()).filter(|it| it.1.is_valued()).count();
                } else if !BESIDE.iter().any(|it| note.says.starts_with(it)) {
                    it.kept += 1;
                }
                entry.0.insert(place);
                entry.1 += 1;
            }
        }
    }
    (all, reasons)
}

/// What a person would check: kind of fact and the fact, for each kind of resource.
type Facts = BTreeSet<(String, &'static str, String)>;

/// Resources that another converter makes of the transport of a message, or as parts of the ones compared.
const NOT_COMPARED: [&str; 2] = ["MessageHeader", "Provenance"];

fn facts_of(kinds: &BTreeMap<String, String>, resource: &Value, facts: &mut Facts) {
    let kind = resource["resourceType"].as_str().unwrap_or("").to_owned();
    let kind = if kind == "PractitionerRole" { "Practitioner".to_owned() } else { kind };
    walk(kinds, &kind, "", resource, facts);
}

fn walk(kinds: &BTreeMap<String, String>, kind: &str, name: &str, value: &Value, facts: &mut Facts) {
    let mut put = |what: &'static str, fact: String| {
        if !fact.is_empty() {
            facts.insert((kind.to_owned(), what, fact));
        }
    };
    match value {
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or("").trim().to_owned();
            match name {
                "coding" | "class" | "valueCoding" => put("code", text("code")),
                "identifier" | "masterIdentifier" | "accessionIdentifier" => put("identifier", text("value")),
                "name" => put("name", text("family")),
                "valueQuantity" | "doseQuantity" | "quantity" | "low" | "high" => {
                    put("value", members.get("value").map(|it| number(&it.to_string())).unwrap_or_default());
                    put("unit", text("unit"));
                }
                _ => {}
            }
            if let Some(target) = members.get("reference").and_then(Value::as_str).and_then(|it| kinds.get(it)) {
                put("reference", format!("{name} {target}"));
            }
            for (name, value) in members {
                if !matches!(name.as_str(), "text" | "extension" | "meta" | "id" | "contained") || value.is_string() {
                    walk(kinds, kind, name, value, facts);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|it| walk(kinds, kind, name, it, facts)),
        Value::String(text) => match name {
            "gender" | "status" => put("code", text.clone()),
            "given" | "line" | "city" | "postalCode" => put("name", text.trim().to_owned()),
            "valueString" => put("value", number(text.trim())),
            "lotNumber" => put("value", text.trim().to_owned()),
            "birthDate" | "start" | "end" | "issued" | "expirationDate" | "receivedTime" | "recorded"
            | "authoredOn" | "date" => {
                put("date", moment(text));
            }
            _ if name.ends_with("DateTime") || name.ends_with("Date") => put("date", moment(text)),
            _ => {}
        },
        _ => {}
    }
}

/// Numbers are compared as numbers.
fn number(text: &str) -> String {
    text.parse::<f64>().map(|it| it.to_string()).unwrap_or_else(|_| text.to_owned())
}

/// A moment to the minute, in universal time when it says an offset other than that.
fn moment(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.to_string().get(..16).unwrap_or("").to_owned(),
        Err(_) => text.to_owned(),
    }
}

/// A message and what another converter made of it.
fn pairs(root: &Path) -> Vec<(String, PathBuf, PathBuf)> {
    let (mut json, mut fhir) = (Vec::new(), Vec::new());
    let folder = root.join("converter-pairs");
    collect(&folder.join("expected/Hl7v2"), &["json"], &mut json);
    collect(&root.join("newborn-screening"), &["fhir"], &mut fhir);
    let stem = |it: &Path| it.file_stem().expect("a name").to_string_lossy().into_owned();
    let first = json.iter().map(|file| {
        let name = stem(file).replace("-expected", "");
        (name.clone(), folder.join("input-hl7v2").join(format!("{name}.hl7")), file.clone())
    });
    let second = fhir.iter().filter_map(|file| {
        let name = stem(file).strip_suffix("_1_hl7_translation")?.to_owned();
        Some((name.clone(), file.with_file_name(format!("{name}_0_initial_message.hl7")), file.clone()))
    });
    first.chain(second).filter(|it| it.1.is_file()).collect()
}

/// Differences that are meant, where the fields of the message do not tell it themselves: kind of resource, kind of fact,
/// what the other says (several with a bar between them, a star for any beginning), the reason.
const ARGUED: &[(&str, &str, &str, &str)] = &[
    ("", "reference", "*PractitionerRole", "people are Practitioners here; their roles elsewhere are not kept"),
    ("Practitioner", "reference", "practitioner Practitioner", "a role elsewhere is not kept; the person is"),
    ("Practitioner", "reference", "organization Organization", "a role elsewhere is not kept; the person is"),
    ("Practitioner", "reference", "location Location", "a role elsewhere is not kept; the person is"),
    ("", "reference", "*EpisodeOfCare", "there are no episodes of care here"),
    ("", "reference", "*ResearchStudy", "there are no studies here"),
    ("Organization", "reference", "partOf Organization", "how organisations are part of each other is not kept"),
    ("Patient", "reference", "organization Organization", "kin are RelatedPersons and no contacts in the Patient"),
    ("Observation", "reference", "basedOn ServiceRequest", "the report refers to the order, and to its results"),
    ("", "reference", "authorReference Practitioner", "who wrote a comment is kept with the message"),
    ("Patient", "code", "ar|en", "languages are kept as the sender codes them (ISO 639-2); the other writes ISO 639-1"),
    (
        "RelatedPerson",
        "code",
        "ar|en|de",
        "languages are kept as the sender codes them (ISO 639-2); the other writes ISO 639-1",
    ),
    ("Patient", "code", "MC|MA|MI", "kinds of the numbers of IN2, which is kept with the message"),
    ("Coverage", "code", "PLN|MC|MA", "kinds of the numbers of IN1-2 and IN2, which are kept with the message"),
    ("RelatedPerson", "code", "NI|SPS|SB", "kinds of the numbers of GT1 and IN2, which are kept with the message"),
    ("RelatedPerson", "identifier", "HMO-12345", "numbers of GT1 and IN2 are kept with the message"),
    ("RelatedPerson", "code", "CHILD|MTH|C|E", "how somebody is related is kept as the sender codes it"),
    (
        "Practitioner",
        "code",
        "MDIR|RO|OP|EP|IP|filler-contact|placer-contact",
        "what somebody is in this message says the element that names them",
    ),
    ("Observation", "code", "ADI|AJRI|PNI|injury-incident", "accidents (ACC) are kept with the message"),
    ("Observation", "code", "coroner|death-certificate", "deaths (PDA) are kept with the message"),
    (
        "Procedure",
        "code",
        "autopsy-performed|death-certification|procedure-practitioner",
        "deaths (PDA) are kept with the message",
    ),
    ("Procedure", "code", "anesthesiologist|surgeon", "who did what is told by the element that names them"),
    ("", "code", "unknown", "the other writes a status where the message says none; here it is what the event says"),
    ("Observation", "code", "FILL", "the kind of an identifier: of a result there is one only, its filler's"),
    ("", "code", "FGN|PGN", "group numbers of orders stand in the requisition"),
    (
        "Encounter",
        "code",
        "UR|EL",
        "the priority (PV2-25) is kept as the sender codes it; the other writes ActPriority",
    ),
    ("Encounter", "code", "planned", "places where a patient is to go (PV1-42) are kept with the message"),
    ("Encounter", "code", "DD", "what became of a visit is kept as the sender codes it"),
    ("ChargeItem", "code", "TID", "the kind of an identifier: of a charge there is one only"),
    (
        "ChargeItem",
        "reference",
        "*Organization|*Device|*MedicationDispense|*Procedure|*ServiceRequest|*MedicationRequest|*Observation|*Condition",
        "a charge says for whom, what and when; what it follows from is kept with the message",
    ),
    (
        "Location",
        "code",
        "lvl|bu|bd|ro",
        "a place is read as the deepest that is named; of an empty part nothing is made",
    ),
    (
        "Coverage",
        "reference",
        "subscriber RelatedPerson|policyHolder RelatedPerson|assigner Organization",
        "whose insurance it is stands in IN1-16 to 19 and is kept with the message",
    ),
    (
        "Account",
        "reference",
        "party RelatedPerson|party Organization|party Patient",
        "guarantors (GT1) are kept with the message",
    ),
    (
        "Account",
        "reference",
        "coverage Coverage",
        "the coverage refers to the patient, not the account to the coverage",
    ),
    ("", "reference", "assigner Organization", "who gave a number is told as its system"),
    ("Procedure", "reference", "partOf Procedure", "procedures of one message stand beside each other"),
    ("", "reference", "*Device", "devices are told where the standard's table names them"),
    ("Device", "reference", "patient Patient", "a device of a message is the sender's, not the patient's"),
    ("", "name", "Addsm", "the prefix of an own surname (PID-5.1.2) is kept in the name as it is written"),
    (
        "Patient",
        "code",
        "SB",
        "the other calls the number of PID-19 a beneficiary's; here it is what the table says, SS",
    ),
];

/// What stands in a message, leaf by leaf, with the field and, where the field is kept unmapped, the reason.
struct Leaves(Vec<(String, String, Option<String>)>);

impl Leaves {
    fn of(bytes: &[u8]) -> Leaves {
        let settings = Settings { mapping: Mapping::standard(), zone: &TimeZone::UTC };
        let mut all = Vec::new();
        for message in Batch::read(bytes).messages() {
            let notes = convert(message, settings).read.notes;
            let kept: BTreeMap<&str, &str> = notes
                .iter()
                .filter(|it| it.fate == Fate::Kept)
                .map(|it| (it.place.as_str(), it.says.as_str()))
                .collect();
            let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
            for segment in message.segments() {
                let occurrence = *seen.entry(segment.name()).and_modify(|it| *it += 1).or_insert(1);
                let whole = kept.get(Place::segment(segment.name(), occurrence).to_string().as_str()).copied();
                for (number, field) in segment.fields(message.delimiters()) {
                    let place = Place::field(segment.name(), occurrence, number).to_string();
                    let why = kept.get(place.as_str()).copied().filter(|it| !BESIDE[1..].contains(it)).or(whole);
                    let name = format!("{}-{number}", segment.name());
                    let leaves = field.repetitions().flat_map(|it| it.parts().collect::<Vec<_>>());
                    for leaf in leaves.flat_map(|it| it.parts().collect::<Vec<_>>()).filter(|it| it.is_valued()) {
                        all.push((leaf.text().trim().to_owned(), name.clone(), why.map(str::to_owned)));
                    }
                }
            }
        }
        Leaves(all)
    }

    /// The leaves that a fact may be made of.
    fn like<'a>(&'a self, what: &'a str, fact: &'a str) -> impl Iterator<Item = &'a (String, String, Option<String>)> {
        let month: String = fact.chars().filter(char::is_ascii_digit).take(6).collect();
        self.0.iter().filter(move |(text, ..)| match what {
            "date" => text.starts_with(&month) || text.starts_with(fact.get(..7).unwrap_or(fact)),
            "value" => number(text) == fact || text == fact,
            _ => text.eq_ignore_ascii_case(fact),
        })
    }
}

/// Why a fact that another converter tells is not told so here.
fn argument(found: &Facts, leaves: &Leaves, kind: &str, what: &'static str, fact: &str) -> Option<String> {
    let meant = |it: &&(&str, &str, &str, &str)| {
        let same = it.2.split('|').any(|it| it.strip_prefix('*').map_or(it == fact, |end| fact.ends_with(end)));
        (it.0.is_empty() || it.0 == kind) && it.1 == what && same
    };
    if let Some(meant) = ARGUED.iter().find(meant) {
        return Some(meant.3.to_owned());
    }
    if what == "reference" {
        return None;
    }
    if let Some(other) = found.iter().find(|it| it.1 == what && it.2 == fact) {
        return Some(format!("here {} tells it", other.0));
    }
    if let Some((_, field, _)) = leaves.like(what, fact).find(|it| it.1.starts_with("MSH-")) {
        return Some(format!("{field}: the header is kept with the message"));
    }
    if let Some((_, field, Some(why))) = leaves.like(what, fact).find(|it| it.2.is_some()) {
        return Some(format!("{field} is kept: {why}"));
    }
    let nowhere = what != "code" && leaves.like(what, fact).next().is_none();
    nowhere.then(|| "it does not stand in the message".to_owned())
}

#[derive(Default)]
struct Agreement {
    agree: usize,
    argued: usize,
    all: usize,
}

#[test]
fn what_becomes_of_published_messages_is_what_the_page_says() {
    let Some(root) = testkit::unpacked("hl7v2-messages") else { return };
    let (seen, reasons) = seen(&root);
    let mut page = String::from(
        "# HL7 v2: what becomes of the messages that others published\n\nMade from the public test data by `cargo xtask \
         interfaces`; do not edit. No message fails to be read, and every resource that is made is valid.\n\n## Read\n\n\
         | Publisher | files | messages | no message | segments | of them without a mapping | populated fields | mapped | kept, with the reason | resources | not valid |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let mut messages = 0;
    for (publisher, it) in &seen {
        messages += it.messages;
        assert_eq!(it.invalid, 0, "{publisher}");
        assert_eq!(it.mapped + it.kept, it.fields, "{publisher}: every field is mapped or kept");
        let _ = writeln!(
            page,
            "| {publisher} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            it.files,
            it.messages,
            it.unreadable,
            it.segments,
            it.unknown,
            it.fields,
            it.mapped,
            it.kept,
            it.resources,
            it.invalid
        );
    }
    assert!(messages >= 290, "{messages} messages");
    page.push_str("\n## Kept unmapped, and why\n\nWhat is kept stands with the message in the log, and the reason in its notes.\n\n| Reason | how often | where |\n|---|---:|---|\n");
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|it| (std::cmp::Reverse(it.1.1), it.0.clone()));
    for (says, (places, count)) in &reasons {
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        let _ = writeln!(page, "| {says} | {count} | {} |", places.join(", "));
    }
    let (share, differ, without, compared) = compared(&root);
    let (agree, argued, all) =
        share.values().fold((0, 0, 0), |sum, it| (sum.0 + it.agree, sum.1 + it.argued, sum.2 + it.all));
    let percent = |count: usize| format!("{:.1}", count as f64 * 100.0 / all as f64);
    println!("{compared} pairs: {agree} of {all} facts agree ({} %), {argued} differ with a reason", percent(agree));
    let _ = writeln!(
        page,
        "\n## Facts, compared with other converters\n\n{compared} messages were published with what another converter made \
         of them. {agree} of {all} facts are the same ({} %); of the {} others {argued} are argued below, and with them it \
         is {} %.\n\n| Kind of resource | fact | the same | differ, argued | differ | of |\n|---|---|---:|---:|---:|---:|",
        percent(agree),
        all - agree,
        percent(agree + argued),
    );
    for ((kind, what), it) in &share {
        let _ = writeln!(
            page,
            "| {kind} | {what} | {} | {} | {} | {} |",
            it.agree,
            it.argued,
            it.all - it.agree - it.argued,
            it.all
        );
    }
    let kinds: Vec<String> = without.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
    let _ = writeln!(
        page,
        "\nKinds of resources that are not made here of these messages, with their facts: {}.\n\n## Differences\n",
        kinds.join(", ")
    );
    let open = differ.iter().filter(|it| it.0.0.is_empty());
    page.push_str("### Open\n\n");
    open.for_each(|it| page.push_str(&line(it)));
    page.push_str("\n### Argued\n\n");
    let mut why = "";
    for it in differ.iter().filter(|it| !it.0.0.is_empty()) {
        if it.0.0 != why {
            why = &it.0.0;
            let _ = writeln!(page, "- {why}:");
        }
        page.push_str("  ");
        page.push_str(&line(it));
    }
    testkit::holds("docs/interfaces/hl7-v2-report.md", &page);
    assert!((agree + argued) * 100 >= all * 97, "{agree} and {argued} of {all}");
}

/// The facts of one kind that differ for one reason.
fn line(((_, kind, what), facts): (&(String, String, &str), &BTreeMap<String, usize>)) -> String {
    let times =
        |it: (&String, &usize)| if *it.1 > 1 { format!("`{}` × {}", it.0, it.1) } else { format!("`{}`", it.0) };
    format!("- **{kind}, {what}**: {}\n", facts.iter().map(times).collect::<Vec<_>>().join("; "))
}

type Shares = BTreeMap<(String, &'static str), Agreement>;
/// By the argument, the kind of resource and of fact: what the other says, and how often.
type Differences = BTreeMap<(String, String, &'static str), BTreeMap<String, usize>>;

fn compared(root: &Path) -> (Shares, Differences, BTreeMap<String, usize>, usize) {
    let (mut share, mut differ, mut without) = (Shares::new(), Differences::new(), BTreeMap::<String, usize>::new());
    let pairs = pairs(root);
    for (_, message, made) in &pairs {
        let bytes = std::fs::read(message).expect("the message can be read");
        let made: Value = serde_json::from_slice(&std::fs::read(made).expect("readable")).expect("JSON");
        let entries: Vec<&Value> = made["entry"].as_array().into_iter().flatten().map(|it| &it["resource"]).collect();
        let mut kinds: BTreeMap<String, String> = BTreeMap::new();
        for entry in made["entry"].as_array().into_iter().flatten() {
            let kind = entry["resource"]["resourceType"].as_str().unwrap_or("");
            kinds.insert(format!("{kind}/{}", entry["resource"]["id"].as_str().unwrap_or("")), kind.to_owned());
            kinds.insert(entry["fullUrl"].as_str().unwrap_or("").to_owned(), kind.to_owned());
        }
        let ours = converted(&bytes);
        let resources: Vec<&(String, Value)> = ours.iter().flat_map(|it| &it.read.resources).collect();
        let our_kinds: BTreeMap<String, String> =
            resources.iter().map(|it| (it.0.clone(), it.1["resourceType"].as_str().unwrap_or("").to_owned())).collect();
        let leaves = Leaves::of(&bytes);
        let (mut theirs, mut found) = (Facts::new(), Facts::new());
        entries.iter().for_each(|it| facts_of(&kinds, it, &mut theirs));
        resources.iter().for_each(|it| facts_of(&our_kinds, &it.1, &mut found));
        let made: BTreeSet<&str> = our_kinds.values().map(String::as_str).collect();
        for (kind, what, fact) in theirs {
            if NOT_COMPARED.contains(&kind.as_str()) {
                continue;
            }
            if !made.contains(kind.as_str()) {
                *without.entry(kind).or_default() += 1;
                continue;
            }
            let counts = share.entry((kind.clone(), what)).or_default();
            counts.all += 1;
            if found.contains(&(kind.clone(), what, fact.clone())) {
                counts.agree += 1;
                continue;
            }
            let why = argument(&found, &leaves, &kind, what, &fact).unwrap_or_default();
            counts.argued += usize::from(!why.is_empty());
            let told = differ.entry((why, kind, what)).or_default();
            *told.entry(fact.replace(['|', '`', '\n'], " ").chars().take(60).collect()).or_default() += 1;
        }
    }
    (share, differ, without, pairs.len())
}
