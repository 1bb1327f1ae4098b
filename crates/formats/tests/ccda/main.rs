//! C-CDA documents of real systems, of certification, and of HL7's own examples. The documents are test data that are
//! not part of the repository: without them these tests check nothing, and say so.

mod attacks;
mod corpus;
mod narrative;
mod pairs;

use std::path::{Path, PathBuf};

/// Every XML file of a folder of test data, in a fixed order.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).expect("a folder can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("xml")) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Examples are often one section or one entry, without the prefixes they use: a document is put around them.
fn whole(text: &str) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let text = if text.starts_with("<?xml") { text.split_once("?>").map_or(text, |(_, rest)| rest) } else { text };
    let mut rest = text.trim_start();
    while let Some((_, after)) = rest.strip_prefix("<!--").and_then(|it| it.split_once("-->")) {
        rest = after.trim_start();
    }
    let name: String = rest.strip_prefix('<')?.chars().take_while(|it| it.is_alphanumeric()).collect();
    let (before, after) = match name.as_str() {
        "section" => ("<component>", "</component>"),
        "component" => ("", ""),
        "entry" => ("<component><section>", "</section></component>"),
        "act" | "observation" | "organizer" | "procedure" | "substanceAdministration" | "supply" | "encounter" => {
            ("<component><section><entry>", "</entry></section></component>")
        }
        _ => return None,
    };
    Some(format!(
        r#"<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc" xmlns:voc="urn:hl7-org:v3/voc">
        <id root="1.2.3" extension="example"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><title>Example</title>
        <effectiveTime value="20200102030405-0500"/>
        <recordTarget><patientRole><id root="1.2.4" extension="p"/><patient><name><given>A</given><family>B</family></name></patient></patientRole></recordTarget>
        <component><structuredBody>{before}{text}{after}</structuredBody></component></ClinicalDocument>"#
    ))
}
