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
        document.read.resources.iter().find(|(address, _)| *address == document.head.composition).expect("is there");
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
    assert_eq!((first.head.version, second.head.version), (Some(1), Some(2)));
    assert_ne!(first.read, second.read);
}

/// Documents that are XML or nearly, each made to cost too much or to reach outside; they are refused or read at once.
#[test]
fn markup_made_to_harm_is_read_or_refused_at_once() {
    let body = |inner: &str| with_section(&format!("<text>{inner}</text>"));
    let plain = body("words");
    let after_declaration = |what: &str| format!("{what}{plain}");
    let mut cases: Vec<Vec<u8>> = Vec::new();
    for definition in [
        "<!DOCTYPE ClinicalDocument>",
        "<!DOCTYPE ClinicalDocument SYSTEM \"http://elsewhere.example/x.dtd\">",
        "<!DOCTYPE ClinicalDocument PUBLIC \"x\" \"file:///etc/passwd\">",
        "<!DOCTYPE x [<!ENTITY % a SYSTEM \"http://elsewhere.example\"> %a;]>",
        "<!DOCTYPE x [<!ENTITY a \"&a;\">]>",
        "<!DOCTYPE x [<!ATTLIST ClinicalDocument xmlns CDATA #FIXED \"urn:x\">]>",
        "<!doctype x>",
        "<?xml-stylesheet type=\"text/xsl\" href=\"http://elsewhere.example/x.xsl\"?>",
        "<?php system('id') ?>",
        "<!-- a -- b -->",
        "<!--",
        "<![CDATA[",
    ] {
        cases.push(after_declaration(definition).into_bytes());
        cases.push(body(definition).into_bytes());
    }
    for hostile in [
        "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\" parse=\"text\"/>",
        "<a xmlns:x=\"urn:x\" x:y=\"1\" x:y=\"2\"/>",
        "<a b=\"1\" b=\"2\"/>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<content ID=\"a\"/><content ID=\"a\"/>",
        "<a xsi:schemaLocation=\"urn:hl7-org:v3 http://elsewhere.example/x.xsd\"/>",
        "&undefined;",
        "&#0;",
        "&#x1F;",
        "&#xFFFE;",
        "&#99999999999;",
        "<a>",
        "</a>",
        "<a></b>",
        "<1/>",
        "<a b=c/>",
        "<a b=\"<\"/>",
        "]]>",
    ] {
        cases.push(body(hostile).into_bytes());
        cases.push(
            whole(&format!("<entry><observation classCode=\"OBS\" moodCode=\"EVN\">{hostile}</observation></entry>"))
                .expect("is an entry")
                .into_bytes(),
        );
        cases.push(format!("{hostile}{plain}").into_bytes());
        cases.push(format!("{plain}{hostile}").into_bytes());
    }
    // Many of everything.
    let names: String = (0..20_000).map(|it| format!(" a{it}=\"x\"")).collect();
    cases.push(body(&format!("<content{names}/>")).into_bytes());
    let spaces: String = (0..5_000).map(|it| format!(" xmlns:n{it}=\"urn:{it}\"")).collect();
    cases.push(body(&format!("<content{spaces}/>")).into_bytes());
    cases.push(body(&"<br/>".repeat(200_000)).into_bytes());
    cases.push(body(&"x".repeat(2_000_000)).into_bytes());
    cases.push(body(&"&amp;".repeat(300_000)).into_bytes());
    cases.push(body(&format!("<{0}/>", "a".repeat(500_000))).into_bytes());
    let ids: String =
        (0..20_000).map(|it| format!("<content ID=\"i{it}\"><reference value=\"#i{}\"/></content>", it + 1)).collect();
    cases.push(body(&ids).into_bytes());
    // Encodings that lie.
    for encoding in ["UTF-7", "UTF-16", "UTF-32", "EBCDIC-US", "ISO-2022-JP", "x", "utf-8\0", "windows-1252"] {
        cases.push(format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{plain}").into_bytes());
        cases.push(format!("<?xml version=\"9.9\" encoding=\"{encoding}\"?>{plain}").into_bytes());
    }
    for start in [
        &[0xEF, 0xBB, 0xBF][..],
        &[0xFE, 0xFF],
        &[0xFF, 0xFE],
        &[0xFF, 0xFE, 0, 0],
        &[0x1F, 0x8B],
        &[0x50, 0x4B, 3, 4],
        &[0, 0, 0, 0x3C],
    ] {
        cases.push([start, plain.as_bytes()].concat());
        cases.push([plain.as_bytes(), start].concat());
    }
    // A good document cut anywhere, and with bytes changed.
    for cut in (0..plain.len()).step_by(plain.len() / 24 + 1) {
        cases.push(plain.as_bytes()[..cut].to_vec());
        let mut changed = plain.clone().into_bytes();
        changed[cut] ^= 0x15;
        cases.push(changed);
    }
    assert!(cases.len() >= 150, "{}", cases.len());
    for (nth, case) in cases.iter().enumerate() {
        let begun = std::time::Instant::now();
        let read = ccda::read(case);
        let took = begun.elapsed();
        assert!(took.as_secs() < 5, "case {nth} took {took:?}");
        if let Ok(document) = read {
            let told = serde_json::to_string(&document.read.resources.iter().map(|it| &it.1).collect::<Vec<_>>())
                .expect("JSON");
            assert!(!told.contains("root:x:0") && !told.contains("<script"), "case {nth}");
        }
    }
}
