//! What a large document costs: a process of its own reads one, and its peak is looked at afterwards. The allocator's
//! slack is in it, as it is in life.

use formats::ccda::{self, Entry, Taker};
use serde_json::Value;

const MEGABYTE: usize = 1_000_000;
/// Beside the bytes of the document.
const MOST: usize = 40 * MEGABYTE;

/// A document of so many bytes, as systems write them: sections with a table for people, and an entry for each row.
fn large(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 2 * MEGABYTE);
    text.push_str(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <id root="1.2.3"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><title>Large</title>
 <effectiveTime value="20260102030405-0500"/>
 <recordTarget><patientRole><id root="1.2.4" extension="p"/></patientRole></recordTarget>
 <component><structuredBody>"#,
    );
    let mut nth = 0;
    while text.len() < bytes {
        text.push_str("\n  <component><section><code code=\"30954-2\" codeSystem=\"2.16.840.1.113883.6.1\"/><title>Results</title>\n   <text><table><thead><tr><th>Test</th><th>Value</th></tr></thead><tbody>");
        for row in nth..nth + 500 {
            text.push_str(&format!(
                "\n    <tr ID=\"r{row}\"><td><content styleCode=\"Bold\">Glucose</content></td><td>{} mg/dL</td></tr>",
                80 + row % 60
            ));
        }
        text.push_str("</tbody></table></text>");
        for row in nth..nth + 500 {
            text.push_str(&format!(
                r##"
   <entry typeCode="DRIV">
    <observation classCode="OBS" moodCode="EVN">
     <templateId root="2.16.840.1.113883.10.20.22.4.2"/>
     <templateId root="2.16.840.1.113883.10.20.22.4.2" extension="2015-08-01"/>
     <id root="1.2.5" extension="{row}"/>
     <code code="2345-7" codeSystem="2.16.840.1.113883.6.1" displayName="Glucose"><originalText><reference value="#r{row}"/></originalText></code>
     <statusCode code="completed"/>
     <effectiveTime value="20260102030405-0500"/>
     <value xsi:type="PQ" value="{}" unit="mg/dL"/>
     <author><time value="20260102030405-0500"/><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="1999000205"/></assignedAuthor></author>
    </observation>
   </entry>"##,
                80 + row % 60
            ));
        }
        text.push_str("</section></component>");
        nth += 500;
    }
    text.push_str("</structuredBody></component></ClinicalDocument>");
    text
}

#[derive(Default)]
struct Counted {
    resources: usize,
    entries: usize,
    words: usize,
}

impl Taker for Counted {
    fn resource(&mut self, _: String, resource: Value) {
        self.resources += 1;
        if resource["resourceType"] == "Composition" {
            let sections = resource["section"].as_array().into_iter().flatten();
            self.words = sections.filter_map(|it| it["text"]["div"].as_str()).map(str::len).sum();
        }
    }

    fn entry(&mut self, _: Entry) {
        self.entries += 1;
    }
}

/// A line of the state of this process (proc(5)), in bytes; nothing where there is none.
fn status(name: &str) -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|it| it.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|it| it * 1024)
}

#[test]
fn a_document_of_twenty_megabytes_is_read_in_little_more_memory_than_its_bytes() {
    let text = large(20 * MEGABYTE);
    let before = status("VmRSS");
    let mut counted = Counted::default();
    ccda::read_to(text.as_bytes(), &mut counted).expect("is read");
    assert_eq!(counted.entries % 500, 0);
    assert!(counted.entries > 15_000 && counted.resources > 2 * counted.entries, "{}", counted.resources);
    assert!(counted.words > MEGABYTE, "the narrative is there: {}", counted.words);
    let (Some(before), Some(peak)) = (before, status("VmHWM")) else { return };
    let more = peak.saturating_sub(before);
    println!("{} entries, {} resources, {} kB more", counted.entries, counted.resources, more / 1024);
    assert!(more < MOST, "{} kB beside the bytes", more / 1024);
}
