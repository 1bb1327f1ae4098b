//! Documents made to harm.

use super::whole;
use formats::ccda::{self, Refusal};

fn with_section(inner: &str) -> String {
    whole(&format!("<section><code code=\"51848-0\" codeSystem=\"2.16.840.1.113883.6.1\"/>{inner}</section>"))
        .expect("is a section")
}

#[test]
fn entities_are_refused_whatever_they_are() {
    let laughs = r#"<!DOCTYPE ClinicalDocument [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><ClinicalDocument xmlns="urn:hl7-org:v3">&b;</ClinicalDocument>"#;
    let outside = r#"<!DOCTYPE ClinicalDocument [<!ENTITY a SYSTEM "file:///etc/passwd">]><ClinicalDocument xmlns="urn:hl7-org:v3">&a;</ClinicalDocument>"#;
    assert_eq!(ccda::read(laughs.as_bytes()).err(), Some(Refusal::DocumentType));
    assert_eq!(ccda::read(outside.as_bytes()).err(), Some(Refusal::DocumentType));
}

#[test]
fn depth_and_size_are_limited() {
    let deep = with_section(&format!("<text>{}{}</text>", "<content>".repeat(50_000), "</content>".repeat(50_000)));
    assert_eq!(ccda::read(deep.as_bytes()).err(), Some(Refusal::TooDeep));
    assert_eq!(ccda::read(&vec![b' '; ccda::LARGEST + 1]).err(), Some(Refusal::TooLarge));
}

#[test]
fn statements_within_statements_do_not_exhaust_the_stack() {
    let open = r#"<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.131"/><entryRelationship typeCode="REFR">"#;
    let inner = format!("{}{}", open.repeat(60), "</entryRelationship></act>".repeat(60));
    let document = ccda::read(with_section(&format!("<entry>{inner}</entry>")).as_bytes()).expect("is read");
    assert_eq!(document.entries.len(), 1);
}

#[test]
fn a_script_in_a_narrative_does_not_arrive() {
    let text = r#"<text><paragraph onclick="x()">seen<script>alert(1)</script></paragraph>
        <linkHtml href="javascript:alert(1)">here</linkHtml></text>"#;
    let document = ccda::read(with_section(text).as_bytes()).expect("is read");
    let composition =
        document.read.resources.iter().find(|(address, _)| *address == document.composition).expect("is there");
    let div = composition.1["section"][0]["text"]["div"].as_str().expect("has a narrative");
    assert!(div.contains("seen") && div.contains("here"));
    assert!(!div.contains("script") && !div.contains("onclick"), "{div}");
}

#[test]
fn what_is_no_document_is_refused_with_a_reason() {
    for (text, expected) in [
        ("", Refusal::NotXml { line: 1, column: 1 }),
        ("<html/>", Refusal::NotCda),
        (r#"<ClinicalDocument xmlns="urn:hl7-org:v3"/>"#, Refusal::NobodysRecord),
    ] {
        assert_eq!(ccda::read(text.as_bytes()).err(), Some(expected), "{text}");
    }
}

#[test]
fn two_patients_with_the_same_entry_ids_do_not_share_a_resource() {
    let entry = r#"<entry><observation classCode="OBS" moodCode="EVN"><id root="1.2.5" extension="1"/>
        <code code="1" codeSystem="2.16.840.1.113883.6.1"/><value xsi:type="INT" value="3"/></observation></entry>"#;
    let one = with_section(entry);
    let other = one.replace(r#"extension="p""#, r#"extension="q""#);
    let addresses = |text: &str| -> Vec<String> {
        let document = ccda::read(text.as_bytes()).expect("is read");
        document.read.resources.into_iter().map(|(address, _)| address).collect()
    };
    let (first, second) = (addresses(&one), addresses(&other));
    assert_eq!(first.len(), 3);
    assert!(first.iter().all(|it| !second.contains(it)));
}

#[test]
fn a_later_version_keeps_the_addresses_of_what_it_tells_again() {
    let entry = |value: &str| {
        let text = format!(
            r#"<entry><observation classCode="OBS" moodCode="EVN"><id root="1.2.5" extension="1"/>
            <code code="1" codeSystem="2.16.840.1.113883.6.1"/><value xsi:type="INT" value="{value}"/></observation></entry>"#
        );
        let text = with_section(&text);
        let versioned = format!(r#"<setId root="1.2.9"/><versionNumber value="{value}"/><recordTarget>"#);
        ccda::read(text.replace("<recordTarget>", &versioned).as_bytes()).expect("is read")
    };
    let (first, second) = (entry("1"), entry("2"));
    let addresses =
        |it: &ccda::Document| it.read.resources.iter().map(|(address, _)| address.clone()).collect::<Vec<_>>();
    assert_eq!(addresses(&first), addresses(&second));
    assert_eq!((first.version, second.version), (Some(1), Some(2)));
    assert_ne!(first.read, second.read);
}
