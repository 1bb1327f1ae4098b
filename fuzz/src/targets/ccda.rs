//! C-CDA: XML as it stands, documents with what they become in FHIR, and narratives with what is shown of them.

use super::files_of;
use crate::driver::{Seen, Target};
use crate::mutate::Grain;
use formats::ccda::{self, Became};
use std::collections::HashSet;

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "xml",
        holds: "it is well-formed or refused, and what is no document is not read; depth, parts and names in floods are refused",
        grain: Grain::Markup,
        words: WORDS,
        seeds: small,
        run: markup,
    },
    Target {
        name: "ccda",
        holds: "the same document gives the same; addresses are unique, every resource is valid, every reference leads to one",
        grain: Grain::Markup,
        words: WORDS,
        seeds: documents,
        run: document,
    },
    Target {
        name: "narrative",
        holds: "what is shown is valid narrative of FHIR: well-formed, with harmless elements and attributes alone",
        grain: Grain::Markup,
        words: NARRATIVE_WORDS,
        seeds: narratives,
        run: narrative,
    },
];

const WORDS: &[&[u8]] = &[
    b"<!DOCTYPE x [<!ENTITY a \"b\">]>",
    b"&a;",
    b"&lt;",
    b"&#0;",
    b"&#x41;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"<?x ",
    b"?>",
    b"xmlns=\"urn:hl7-org:v3\"",
    b"xmlns:x=\"urn:x\"",
    b"xsi:type=\"PQ\"",
    b"xsi:type=\"IVL_TS\"",
    b"nullFlavor=\"UNK\"",
    b"negationInd=\"true\"",
    b"<entry>",
    b"<section>",
    b"<component>",
    b"<entryRelationship typeCode=\"SUBJ\">",
    b"<templateId root=\"2.16.840.1.113883.10.20.22.4.2\"/>",
    b"<templateId root=\"2.16.840.1.113883.10.20.22.4.3\"/>",
    b"<id root=\"1.2.3\" extension=\"4\"/>",
    b"<value xsi:type=\"PQ\" value=\"1e999\" unit=\"mg\"/>",
    b"<effectiveTime value=\"20260230\"/>",
    b"<reference value=\"#a\"/>",
    b"ID=\"a\"",
    b"<text>",
    b"<confidentialityCode code=\"R\"/>",
];

const NARRATIVE_WORDS: &[&[u8]] = &[
    b"<script>",
    b"<svg onload=\"x\">",
    b"<style>",
    b"<linkHtml href=\"javascript:x\">",
    b"<linkHtml href=\"https://a\">",
    b"<td colspan=\"2\" onclick=\"x\">",
    b"<content styleCode=\"Bold Italics\" ID=\"a\">",
    b"<list listType=\"ordered\">",
    b"<caption>",
    b"<br/>",
    b"<br>x</br>",
    b"&amp;lt;",
    b"&nbsp;",
    b"&#1;",
    b"<![CDATA[<script>]]>",
    b"</text>",
    b"<text>",
    b"<renderMultiMedia referencedObject=\"a\"/>",
];

const BEFORE: &str = r#"<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc"><id root="1.2.3" extension="d"/><effectiveTime value="20260102030405-0500"/><recordTarget><patientRole><id root="1.2.4" extension="p"/></patientRole></recordTarget><component><structuredBody><component><section><code code="30954-2" codeSystem="2.16.840.1.113883.6.1"/>"#;
const AFTER: &str = "</section></component></structuredBody></component></ClinicalDocument>";

fn small() -> Vec<Vec<u8>> {
    let entry = r##"<text><table><tbody><tr ID="a"><td>one</td></tr></tbody></table></text><entry><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.5" extension="1"/><code code="2345-7" codeSystem="2.16.840.1.113883.6.1"><originalText><reference value="#a"/></originalText></code><effectiveTime value="20260102"/><value xsi:type="PQ" value="5" unit="mg/dL"/></observation></entry>"##;
    let file = format!(
        "{}<component><nonXMLBody><text mediaType=\"text/plain\" representation=\"B64\">{}</text></nonXMLBody></component></ClinicalDocument>",
        BEFORE.split("<component>").next().unwrap_or_default(),
        "QUJD".repeat(10_000)
    );
    vec![
        format!("<?xml version=\"1.0\"?><!-- one -->{BEFORE}{entry}{AFTER}").into_bytes(),
        file.into_bytes(),
        b"<a xmlns='urn:x'><b c='&amp;'>d<![CDATA[e]]></b><?f g?></a>".to_vec(),
    ]
}

/// Documents that are small enough to be changed often.
fn documents() -> Vec<Vec<u8>> {
    let mut all = small();
    for archive in ["ccda-hl7-examples", "ccda-onc-2015-testdata", "ccda-vendors"] {
        let mut some = files_of(archive, &["xml"]);
        some.retain(|it| it.len() <= 60 * 1024 && ccda::is_document(it));
        all.extend(some.into_iter().take(60));
    }
    all
}

fn narratives() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![
        b"<table border='1'><caption>Labs</caption><tbody><tr ID='r1'><td colspan='2'>7 &lt; 9</td></tr></tbody></table>".to_vec(),
        b"<list listType='ordered'><item><content styleCode='Bold'>one</content></item></list><paragraph>x<br/>y</paragraph>".to_vec(),
        b"<linkHtml href='https://a.example'>here</linkHtml><footnote ID='f'>x</footnote><sub>2</sub>".to_vec(),
    ];
    for file in files_of("ccda-hl7-examples", &["xml"]).iter().take(200) {
        let text = String::from_utf8_lossy(file);
        let inner = text.split_once("<text>").and_then(|(_, rest)| rest.split_once("</text>"));
        all.extend(inner.map(|(inner, _)| inner.as_bytes().to_vec()).filter(|it| it.len() < 20_000));
    }
    all
}

fn markup(input: &[u8], seen: &mut Seen) {
    let is_document = ccda::is_document(input);
    let read = ccda::read(input);
    assert!(is_document || read.is_err(), "what is no document was read");
    match read {
        Ok(document) => seen.amount("resources", document.read.resources.len()),
        Err(why) => seen.sentence("refused", &why.to_string()),
    }
}

fn document(input: &[u8], seen: &mut Seen) {
    let document = match ccda::read(input) {
        Ok(document) => document,
        Err(why) => return seen.sentence("refused", &why.to_string()),
    };
    let again = ccda::read(input).expect("what was read once can be read twice");
    assert_eq!(again.read, document.read, "the same bytes are another document");
    let known: HashSet<&str> = document.read.resources.iter().map(|(address, _)| address.as_str()).collect();
    assert_eq!(known.len(), document.read.resources.len(), "an address comes twice");
    for (_, resource) in &document.read.resources {
        let issues = fhir::validate::validate(resource);
        assert!(!issues.iter().any(fhir::Issue::is_error), "a resource is not valid: {issues:?}");
        references(resource, &mut |it| assert!(known.contains(it), "a reference leads nowhere"));
        seen.mark(resource["resourceType"].as_str().unwrap_or_default());
    }
    for entry in &document.entries {
        match &entry.became {
            Became::Resources(_) => seen.sentence("read", &entry.statement),
            Became::Narrative(why) | Became::Nothing(why) => seen.sentence("kept", why),
        }
    }
    document.read.notes.iter().for_each(|it| seen.sentence("note", &it.says));
}

fn references(value: &serde_json::Value, visit: &mut dyn FnMut(&str)) {
    match value {
        serde_json::Value::Object(members) => {
            let reference = members.get("reference").and_then(serde_json::Value::as_str);
            reference.filter(|it| it.starts_with("urn:uuid:")).into_iter().for_each(&mut *visit);
            members.values().for_each(|it| references(it, visit));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|it| references(it, visit)),
        _ => {}
    }
}

fn narrative(input: &[u8], seen: &mut Seen) {
    let text = String::from_utf8_lossy(input);
    let whole = format!("{BEFORE}<text>{text}</text>{AFTER}");
    let document = match ccda::read(whole.as_bytes()) {
        Ok(document) => document,
        Err(why) => return seen.sentence("refused", &why.to_string()),
    };
    let composition = document.read.resources.iter().find(|it| it.0 == document.head.composition);
    let Some((_, composition)) = composition else { panic!("a document has a Composition") };
    for section in composition["section"].as_array().into_iter().flatten() {
        let Some(div) = section["text"]["div"].as_str() else { continue };
        let basic = serde_json::json!({ "resourceType": "Basic", "code": { "text": "x" },
            "text": { "status": "additional", "div": div } });
        assert!(fhir::validate::validate(&basic).is_empty(), "it is no narrative of FHIR");
        for tag in div.split('<').skip(1).filter_map(|it| it.split('>').next()) {
            let plain = tag.to_ascii_lowercase();
            let name = plain.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            let never = ["script", "style", "svg", "math", "iframe", "object", "img", "form", "base", "meta", "link"];
            assert!(!never.contains(&name), "it holds what acts: {name}");
            let acts = plain.contains(" on") && plain.split('"').step_by(2).any(|it| it.contains(" on"));
            assert!(!acts && !plain.contains("href=\"javascript") && !plain.contains("style="), "it acts");
            seen.mark(name.to_owned());
        }
        seen.amount("words", div.len());
    }
}
