//! Searches as they come by URL: what they mean, and what is said about those that mean nothing.

use fhir::search::query::{
    Contained, ContainedType, DateTest, Filter, Prefix, QuantityTest, Query, ReferenceTest, SortBy, StringTest,
    Summary, Test, TokenTest, Total, UnitTest, UriTest,
};
use fhir::search::row::{BaseUrls, Span, Target};
use fhir::search::{Handling, Limits, Reading, Registry, Scope};
use fhir::{Issue, IssueCode, Key, ResourceType};

fn kind(name: &str) -> ResourceType {
    ResourceType::parse(name).expect("a type of the standard")
}

fn scope(text: &str) -> Scope {
    match text.split_once(' ') {
        None if text == "*" => Scope::System,
        None => Scope::Type(kind(text)),
        Some((owner, "*")) => Scope::Compartment { owner: Key::parse(owner).expect("a key"), kind: None },
        Some((owner, of)) => Scope::Compartment { owner: Key::parse(owner).expect("a key"), kind: Some(kind(of)) },
    }
}

/// `name=value&name=value`, nothing encoded.
fn params(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').expect("name=value")).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

fn read_as(of: &str, text: &str, mode: Handling) -> Result<(Query, Vec<Issue>), Vec<Issue>> {
    let registry = Registry::r4();
    let base = BaseUrls::new(["https://here.example/fhir"]);
    // 2020-01-01
    let reading = Reading { registry: &registry, base: &base, limits: Limits::default(), now: 1_577_836_800_000 };
    reading.query(&scope(of), &params(text), mode)
}

fn query(of: &str, text: &str) -> Query {
    match read_as(of, text, Handling::Strict) {
        Ok((query, issues)) => {
            assert_eq!(issues, [], "{text}");
            query
        }
        Err(issues) => panic!("{of}?{text}: {issues:?}"),
    }
}

/// A filter in a short form that reads well in a table.
fn told(filter: &Filter) -> String {
    let registry = Registry::r4();
    let list = |all: &[Filter]| all.iter().map(told).collect::<Vec<_>>().join(", ");
    let sources = |all: &[fhir::search::query::Source]| {
        let each = all.iter().map(|source| {
            let only = source.only.map(|only| format!("→{only}")).unwrap_or_default();
            format!("{}{only}", registry.slot_def(source.slot).name)
        });
        each.collect::<Vec<_>>().join("+")
    };
    match filter {
        Filter::All(all) => format!("all({})", list(all)),
        Filter::Any(all) => format!("any({})", list(all)),
        Filter::Not(inner) => format!("not({})", told(inner)),
        Filter::Ids(ids) => format!("ids{ids:?}"),
        Filter::Keys(keys) => format!("keys{keys:?}"),
        Filter::LastUpdated(tests) => format!("updated {}", tests.iter().map(date).collect::<Vec<_>>().join(",")),
        Filter::Row { sources: from, tests } => {
            format!("{} {}", sources(from), tests.iter().map(test).collect::<Vec<_>>().join(" or "))
        }
        Filter::Chain { sources: from, kind, inner } => format!("{} is {kind} with ({})", sources(from), told(inner)),
        Filter::Has { kind, sources: from, inner } => {
            format!("{kind} points by {} with ({})", sources(from), told(inner))
        }
        Filter::InCompartment { owner, slots } => {
            let names: Vec<&str> = slots.iter().map(|slot| registry.slot_def(*slot).name.as_str()).collect();
            format!("within {owner} by {}", names.join("+"))
        }
        Filter::OfPatients { patients, of, .. } => format!("of {of:?} {:?}", patients.ids()),
        Filter::Narrative(words) => format!("narrative {:?}", words.0.iter().map(|it| &it.any_of).collect::<Vec<_>>()),
        Filter::Content(words) => format!("content {:?}", words.0.iter().map(|it| &it.any_of).collect::<Vec<_>>()),
        Filter::List(id) => format!("list {id}"),
        Filter::Kind(kinds) => format!("kinds {kinds:?}"),
    }
}

fn date(test: &DateTest) -> String {
    format!("{:?} {}..{}", test.prefix, test.asked.low, test.asked.high).to_lowercase()
}

fn token(test: &TokenTest) -> String {
    match test {
        TokenTest::Code(code) => code.clone(),
        TokenTest::Coding { system, code } => format!("{}|{code}", system.as_deref().unwrap_or("none")),
        TokenTest::System(system) => format!("{system}|"),
        TokenTest::Text(text) => format!("text '{text}'"),
        TokenTest::In(value_set) => format!("in {value_set}"),
        TokenTest::Below { system, code } => format!("below {system}|{code}"),
        TokenTest::Above { system, code } => format!("above {system}|{code}"),
    }
}

fn test(test_: &Test) -> String {
    match test_ {
        Test::Present => "present".to_owned(),
        Test::Token(it) => token(it),
        Test::String(StringTest::Starts(it)) => format!("'{it}…'"),
        Test::String(StringTest::Contains(it)) => format!("'…{it}…'"),
        Test::String(StringTest::Equals(it)) => format!("'{it}'"),
        Test::String(StringTest::Ends(it)) => format!("'…{it}'"),
        Test::String(StringTest::Exact { exact, .. }) => format!("exactly '{exact}'"),
        Test::String(StringTest::Text(words)) => {
            format!("words {:?}", words.0.iter().map(|it| &it.any_of).collect::<Vec<_>>())
        }
        Test::Reference(ReferenceTest::To(Target::Local { key, version })) => {
            format!("to {key}{}", version.as_ref().map(|it| format!("@{it}")).unwrap_or_default())
        }
        Test::Reference(ReferenceTest::To(Target::Elsewhere { url, .. })) => format!("to <{url}>"),
        Test::Reference(ReferenceTest::To(Target::Canonical { url, version })) => {
            format!("to canonical {url}{}", version.as_ref().map(|it| format!("|{it}")).unwrap_or_default())
        }
        Test::Reference(ReferenceTest::ToAny(keys)) => format!("to any of {keys:?}"),
        Test::Reference(ReferenceTest::ToId { id, kinds }) => format!("to {kinds:?}/{id}"),
        Test::Reference(ReferenceTest::CanonicalBelow(it)) => format!("below {it}"),
        Test::Reference(ReferenceTest::CanonicalAbove(it)) => format!("above {it}"),
        Test::Date(it) => date(it),
        Test::Quantity(it) => quantity(it),
        Test::Uri(UriTest::Is(it)) => format!("<{it}>"),
        Test::Uri(UriTest::Below(it)) => format!("<{it}…>"),
        Test::Uri(UriTest::Above(it)) => format!("above <{it}>"),
        Test::Composite { first, second, third } => {
            let third = third.as_ref().map(|it| format!(" $ {}", test(it))).unwrap_or_default();
            format!("{} $ {}{third}", token(first), test(second))
        }
        Test::Not(inner) => format!("other than {}", test(inner)),
    }
}

fn quantity(test: &QuantityTest) -> String {
    let unit = match &test.unit {
        UnitTest::Any => String::new(),
        UnitTest::Coded { system, code } => format!(" {system}|{code}"),
        UnitTest::Printed(unit) => format!(" {unit}"),
    };
    match test.prefix {
        Prefix::Eq | Prefix::Ne | Prefix::Ap => {
            format!("{:?} {}..{}{unit}", test.prefix, test.low, test.high).to_lowercase()
        }
        _ => format!("{:?} {}{unit}", test.prefix, test.value).to_lowercase(),
    }
}

fn check(of: &str, text: &str, expected: &str) {
    assert_eq!(told(&query(of, text).filter), expected, "{of}?{text}");
}

#[test]
fn conditions_are_read_as_the_standard_says() {
    // Strings.
    check("Patient", "family=Smith", "Patient.family 'smith…'");
    check("Patient", "family=Núñez,O\\,Brien", "Patient.family 'nunez…' or 'o,brien…'");
    check("Patient", "family:exact=Smith", "Patient.family exactly 'Smith'");
    check("Patient", "name:contains=mit", "Patient.name '…mit…'");
    check("Patient", "name:text=peter smith", r#"Patient.name words [["peter"], ["smith"]]"#);
    check("Patient", "given=Anna&given=Maria", "all(Patient.given 'anna…', Patient.given 'maria…')");
    check("Patient", "phonetic=smith", "Patient.name 'smith…'");
    // Tokens.
    check("Observation", "code=8480-6", "Observation.code 8480-6");
    check(
        "Observation",
        "code=http://loinc.org|8480-6,|x,http://loinc.org|",
        "Observation.code http://loinc.org|8480-6 or none|x or http://loinc.org|",
    );
    check("Observation", "combo-code=8480-6", "Observation.code+Observation.component-code 8480-6");
    check("Observation", "code:text=Blood", "Observation.code text 'blood'");
    check("Patient", "gender:not=male", "not(Patient.gender male)");
    check("Patient", "active=true", "Patient.active true");
    check(
        "Condition",
        "code:below=http://snomed.info/sct|73211009",
        "Condition.code below http://snomed.info/sct|73211009",
    );
    check("Condition", "code:in=http://x.example/vs", "Condition.code in http://x.example/vs");
    check("Condition", "code:not-in=ValueSet/7", "not(Condition.code in ValueSet/7)");
    check("Patient", "identifier=urn:oid:1.2|12\\|3", "Patient.identifier urn:oid:1.2|12|3");
    check("Patient", "identifier:of-type=http://t|MR|12345", "Patient.identifier:of-type http://t|MR|12345");
    check("Patient", "_tag=http://x|new", "Resource._tag http://x|new");
    // References.
    check("Observation", "subject=Patient/7", "Observation.subject to Patient/7");
    check("Observation", "subject=Patient/7/_history/2", "Observation.subject to Patient/7@2");
    check("Observation", "subject=https://here.example/fhir/Patient/7", "Observation.subject to Patient/7");
    check(
        "Observation",
        "subject=https://there.example/Patient/7",
        "Observation.subject to <https://there.example/Patient/7>",
    );
    check("Observation", "subject:Patient=7", "Observation.subject→Patient to [Patient]/7");
    check("Observation", "patient=7", "Observation.subject→Patient to [Patient]/7");
    check("Observation", "subject:identifier=http://mrn|1", "Observation.subject:identifier http://mrn|1");
    check(
        "Measure",
        "depends-on=http://x.example/Library/a|1.0",
        "Measure.depends-on to canonical http://x.example/Library/a|1.0",
    );
    check("Measure", "depends-on:below=http://x.example/", "Measure.depends-on below http://x.example/");
    // Dates (milliseconds since 1970).
    check("Patient", "birthdate=1970-01-02", "Patient.birthdate eq 86400000..172800000");
    check(
        "Patient",
        "birthdate=ge1970&birthdate=lt1971",
        "all(Patient.birthdate ge 0..31536000000, Patient.birthdate lt 31536000000..63072000000)",
    );
    check("Observation", "date=sa1970-01-01T00:00:01Z", "Observation.date sa 1000..2000");
    check("Observation", "date=ap2019-12-31", "Observation.date ap 1577741760000..1577845440000");
    check("Patient", "_lastUpdated=gt1970-01-01", "updated gt 0..86400000");
    // Numbers and quantities.
    check("RiskAssessment", "probability=gt0.8", "RiskAssessment.probability gt 0.8");
    check(
        "Observation",
        "value-quantity=5.40|http://unitsofmeasure.org|mg",
        "Observation.value-quantity eq 5.395..5.405 http://unitsofmeasure.org|mg",
    );
    check("Observation", "value-quantity=le5.4||mg", "Observation.value-quantity le 5.4 mg");
    check("Observation", "value-quantity=ap100", "Observation.value-quantity ap 90..110");
    // Addresses.
    check(
        "ValueSet",
        "url=http://x.example/a,http://x.example/b",
        "ValueSet.url <http://x.example/a> or <http://x.example/b>",
    );
    check("ValueSet", "url:below=http://x.example/", "ValueSet.url <http://x.example/…>");
    check("Patient", "_profile=http://x.example/p", "Resource._profile <http://x.example/p>");
    // Composites.
    check(
        "Observation",
        "code-value-quantity=http://loinc.org|8480-6$gt140||mm[Hg]",
        "Observation.code-value-quantity http://loinc.org|8480-6 $ gt 140 mm[hg]",
    );
    check(
        "DocumentReference",
        "relationship=replaces$DocumentReference/1",
        "DocumentReference.relationship replaces $ to DocumentReference/1",
    );
}

#[test]
fn presence_may_be_asked_of_everything() {
    check("Patient", "gender:missing=true", "not(Patient.gender present)");
    check("Patient", "gender:missing=false", "Patient.gender present");
    check("Patient", "_id:missing=true", "any()");
    check("Observation", "code-value-quantity:missing=false", "Observation.code-value-quantity present");
}

#[test]
fn chains_go_as_deep_as_wanted() {
    check("Observation", "patient.name=peter", "Observation.subject→Patient is Patient with (Patient.name 'peter…')");
    check(
        "Observation",
        "subject:Patient.name:exact=Peter",
        "Observation.subject→Patient is Patient with (Patient.name exactly 'Peter')",
    );
    check(
        "Observation",
        "subject.name=x",
        "any(Observation.subject→Patient is Patient with (Patient.name 'x…'), \
         Observation.subject→Location is Location with (Location.name 'x…'))",
    );
    check(
        "DiagnosticReport",
        "result.subject:Patient.general-practitioner:Practitioner.family=x",
        "DiagnosticReport.result→Observation is Observation with (Observation.subject→Patient is Patient with \
         (Patient.general-practitioner→Practitioner is Practitioner with (Practitioner.family 'x…')))",
    );
    check("Observation", "patient._id=7", "Observation.subject→Patient is Patient with (ids[7])");
    check(
        "Patient",
        "_has:Observation:patient:code=1234-5",
        "Observation points by Observation.subject→Patient with (Observation.code 1234-5)",
    );
    check(
        "Patient",
        "_has:Observation:patient:_has:AuditEvent:entity:type=rest",
        "Observation points by Observation.subject→Patient with \
         (AuditEvent points by AuditEvent.entity with (AuditEvent.type rest))",
    );
    check(
        "Encounter",
        "patient._has:Group:member:_id=102",
        "Encounter.subject→Patient is Patient with (Group points by Group.member with (ids[102]))",
    );
    check(
        "Patient",
        "_has:Observation:subject:performer:Practitioner.family=x",
        "Observation points by Observation.subject with (Observation.performer→Practitioner is Practitioner with (Practitioner.family 'x…'))",
    );
}

#[test]
fn a_search_may_span_types_and_compartments() {
    check("*", "_type=Observation,Condition&code=x", "Observation.code+Condition.code x");
    check("*", "_tag=x", "Resource._tag x");
    check(
        "Patient/7 Observation",
        "code=x",
        "all(within Patient/7 by Observation.performer+Observation.subject, Observation.code x)",
    );
    assert_eq!(query("*", "_type=Observation,Condition").kinds, [kind("Observation"), kind("Condition")]);
    let all = query("Patient/7 *", "");
    assert!(
        all.kinds.contains(&kind("Patient"))
            && all.kinds.contains(&kind("Claim"))
            && !all.kinds.contains(&kind("Medication"))
    );
    check("Patient", "_list=7", "list 7");
    check(
        "Condition",
        "_list=$current-problems",
        "List points by List.item with (all(List.code 11450-4 or problems, List.status current))",
    );
    check("Patient", "_text=liver cancer", r#"narrative [["liver"], ["cancer"]]"#);
    check("Patient", "_content=liver OR kidney", r#"content [["liver", "kidney"]]"#);
    check("Patient", "_id=a,b", "ids[a, b]");
}

#[test]
fn places_near_a_point_lie_in_a_box_around_it() {
    check(
        "Location",
        "near=0|0|111.195|km",
        "all(Location.near:latitude ap -1..1, Location.near:longitude ap -1.0001523280439077..1.0001523280439077)",
    );
    let across = told(&query("Location", "near=0|179.5|111.195|km").filter);
    assert!(across.contains("any(") && across.contains("-180"), "{across}");
}

#[test]
fn filters_are_conditions_in_words() {
    let filter = |of: &str, text: &str, expected: &str| check(of, &format!("_filter={text}"), expected);
    filter(
        "Patient",
        r#"given eq "peter" and birthdate ge 1970-01-01"#,
        "all(Patient.given 'peter', Patient.birthdate ge 0..86400000)",
    );
    filter("Patient", "name co \"pet\"", "Patient.name '…pet…'");
    filter(
        "Patient",
        "name sw pet or name ew er and active eq true",
        "all(any(Patient.name 'pet…', Patient.name '…er'), Patient.active true)",
    );
    filter(
        "Patient",
        "active eq true and (name sw a or name sw b)",
        "all(Patient.active true, all(any(Patient.name 'a…', Patient.name 'b…')))",
    );
    filter("Patient", "not (gender eq male)", "not(Patient.gender male)");
    filter("Patient", "gender ne male", "Patient.gender other than male");
    filter(
        "Observation",
        "patient.name co \"pet\"",
        "Observation.subject→Patient is Patient with (Patient.name '…pet…')",
    );
    filter("Observation", "code eq http://loinc.org|1234-5", "Observation.code http://loinc.org|1234-5");
    filter("Observation", "subject re Patient/7", "Observation.subject to Patient/7");
    filter(
        "Observation",
        "value-quantity gt 5.4|http://unitsofmeasure.org|mg",
        "Observation.value-quantity gt 5.4 http://unitsofmeasure.org|mg",
    );
    filter("Observation", "date po 1970-01-01", "Observation.date ap 0..86400000");
    filter("Patient", "birthdate pr false", "not(Patient.birthdate present)");
    filter("Condition", "code in http://x.example/vs", "Condition.code in http://x.example/vs");
    filter("Condition", "code ss http://snomed.info/sct|1", "Condition.code below http://snomed.info/sct|1");
    filter(
        "Patient",
        "_has:Observation:patient:code eq x",
        "Observation points by Observation.subject→Patient with (Observation.code x)",
    );
    filter("Patient", "_id eq 7 and _lastUpdated gt 1970-01-01", "all(ids[7], updated gt 0..86400000)");
}

#[test]
fn the_shape_of_the_answer_is_read() {
    let found = query(
        "Observation",
        "_sort=-date,_id&_count=20&_total=accurate&_summary=data&_elements=code,value&_contained=both&_containedType=contained\
         &_include=Observation:patient&_include:iterate=Patient:organization&_revinclude=Provenance:target:Observation&_include=*&_format=json",
    );
    let registry = Registry::r4();
    assert_eq!((found.count, found.total, found.summary), (Some(20), Total::Accurate, Summary::Data));
    assert_eq!((found.contained, found.contained_type), (Contained::Both, ContainedType::Contained));
    assert_eq!(found.elements, ["code", "value"]);
    assert!(found.sort[0].descending && !found.sort[1].descending);
    assert_eq!(found.sort[0].by, SortBy::Slots(vec![registry.slot("Observation.date").expect("a slot")]));
    assert_eq!(found.sort[1].by, SortBy::Id);
    assert_eq!(found.includes.len(), 4);
    assert_eq!(found.includes[0].to, Some(kind("Patient")));
    assert!(found.includes[1].iterate && found.includes[2].reverse);
    assert_eq!((found.includes[3].from, found.includes[3].slots.len()), (None, 0));
    assert!(found.understood.iter().all(|(name, _)| name != "_format"));
    assert_eq!(query("Patient", "_count=0").summary, Summary::Count);
}

/// What a strict search says, and that a lenient one says the same as a warning and leaves the parameter out.
fn refused(of: &str, text: &str, code: IssueCode, says: &str) {
    let issues = read_as(of, text, Handling::Strict).expect_err(text);
    let issue = issues.first().expect("an issue");
    assert_eq!(issue.code, code, "{text}: {}", issue.diagnostics);
    assert!(issue.diagnostics.contains(says), "{text}: {}", issue.diagnostics);
    if code == IssueCode::TooCostly {
        assert!(read_as(of, text, Handling::Lenient).is_err());
        return;
    }
    let (query, warnings) = read_as(of, text, Handling::Lenient).expect(text);
    assert_eq!(warnings.len(), issues.len());
    assert!(warnings.iter().all(|it| !it.is_error()));
    let without = params(text).len() - query.understood.len();
    assert!(without >= 1, "{text}: what was refused counts as understood");
}

#[test]
fn what_is_not_understood_is_said() {
    use IssueCode::{NotSupported, TooCostly, Value};
    refused("Patient", "famly=x", NotSupported, "family");
    refused("Patient", "nonsense=x", NotSupported, "no such parameter");
    refused("Patient", "family:below=x", NotSupported, ":contains");
    refused("Patient", "gender:exact=x", NotSupported, ":not");
    refused("Patient", "identifier:of-type=MR|1", Value, "system|code|value");
    refused("Patient", "birthdate=yesterday", Value, "prefix");
    refused("Patient", "birthdate=2015-02-30", Value, "2015-02-07");
    refused("Patient", "birthdate=xx2015", Value, "eq, ne, gt");
    refused("Patient", "family=", Value, "empty");
    refused("Patient", "gender=a,,b", Value, "empty");
    refused("Patient", "gender:missing=maybe", Value, "true or false");
    refused("Patient", "identifier=a|b|c", Value, "system|code");
    refused("Observation", "value-quantity=high", Value, "prefix");
    refused("Observation", "value-quantity=5|mg", Value, "value||unit");
    refused("Observation", "subject=what is this", Value, "Type/id");
    refused("Observation", "subject:Patient=Group/7", Value, "another type");
    refused("Observation", "subject:Medication=7", Value, "never points");
    refused("Observation", "subject:Medication.code=7", Value, "never points");
    refused("Observation", "subject:Patent.name=7", Value, "Patient");
    refused("Observation", "code.name=7", Value, "no reference");
    refused("Observation", "patient.nam=7", NotSupported, "name");
    refused("Observation", "code-value-quantity=8480-6", Value, "code$value-quantity");
    refused("Observation", "code-value-quantity=8480-6$high", Value, "value-quantity");
    refused("Condition", "code:below=73211009", Value, "system|code");
    refused("Patient", "_has:Observation:code=x", Value, "_has:Type:reference:parameter");
    refused("Patient", "_has:Observation:code:code=x", Value, "never points");
    refused("Patient", "_query=mine", NotSupported, "Named queries");
    refused("Patient", "_count=many", Value, "whole number");
    refused("Patient", "_count=1&_count=2", Value, "once");
    refused("Patient", "_sort=nothing", NotSupported, "not known");
    refused("Observation", "_sort=code-value-quantity", NotSupported, "no order");
    refused("Patient", "_summary=maybe", Value, "true, text, data, count, false");
    refused("Patient", "_elements=nothing", Value, "elements");
    refused("Patient", "_include=Patient:name", Value, "no reference");
    refused("Patient", "_include=Patient", Value, "Type:reference");
    refused("Patient", "_include:recurse=Patient:link", NotSupported, ":iterate");
    refused("Patient", "_type=Observation", Value, "all types");
    refused("*", "_type=Observaton", Value, "resource types");
    refused("*", "code=x", NotSupported, "all types");
    refused("*", "_type=Patient,Observation&code=x", NotSupported, "all types searched must have it");
    refused("Patient", "_list=$current-mood", Value, "$current-problems");
    refused("Location", "near=here", Value, "latitude|longitude");
    refused("Patient", "_filter=name like x", Value, "character 6");
    refused("Patient", "_filter=name eq x and", Value, "expected");
    refused("Patient", "_filter=(name eq x", Value, "expected )");
    refused("Patient", "_filter=gender gt male", NotSupported, "`gt`");
    refused("Patient", r#"_filter=name eq "open"#, Value, "JSON");
    refused("Observation", "_filter=related[type eq x].target pr true", NotSupported, "square brackets");
    let deep = format!("{}name=x", "link:Patient.".repeat(12));
    refused("Patient", &deep, TooCostly, "8 steps");
    refused("Provenance", "target.subject.subject.subject.subject.subject.code=x", TooCostly, "name them");
    refused("Patient", &format!("_id={}", "a,".repeat(2_000)), TooCostly, "1000");
    refused("Patient", &"family=x&".repeat(200), TooCostly, "100 parameters");
    refused("Patient", &format!("_filter={}", "(".repeat(60)), TooCostly, "50 brackets");
}

#[test]
fn a_lenient_search_keeps_what_it_understands() {
    let (query, issues) = read_as("Patient", "nonsense=x&family=smith", Handling::Lenient).expect("lenient");
    assert_eq!(query.understood, [("family".to_owned(), "smith".to_owned())]);
    assert_eq!(told(&query.filter), "Patient.family 'smith…'");
    assert_eq!((issues.len(), issues[0].expression.as_str()), (1, "nonsense"));
}

#[test]
fn values_asked_for_never_stand_in_what_is_said() {
    for text in [
        "birthdate=SECRET",
        "identifier=a|SECRET|c",
        "value=SECRET",
        "general-practitioner=SECRET SECRET",
        "_filter=birthdate eq SECRET",
    ] {
        for issue in read_as("Patient", text, Handling::Strict).expect_err(text) {
            assert!(!issue.diagnostics.contains("SECRET"), "{}", issue.diagnostics);
        }
    }
}

#[test]
fn spans_of_dates_are_milliseconds() {
    assert_eq!(Span::parse("1970-01-02"), Some(Span { low: 86_400_000, high: 172_800_000 }));
}
