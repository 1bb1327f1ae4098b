//! How quickly documents are read, and how much memory a large one takes:
//! `cargo run --release -p formats --example ccda_speed -- FOLDER_OF_XML [size of a large one in megabytes]`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut open: Vec<PathBuf> = words.next().into_iter().map(PathBuf::from).collect();
    let mut files = Vec::new();
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("xml")) {
                files.push(std::fs::read(path)?);
            }
        }
    }
    let begun = Instant::now();
    let (mut read, mut bytes, mut resources) = (0, 0, 0);
    for file in &files {
        if let Ok(document) = formats::ccda::read(file) {
            read += 1;
            bytes += file.len();
            resources += document.read.resources.len();
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let size = bytes as f64 / 1e6;
    writeln!(
        std::io::stdout(),
        "{read} documents, {size:.1} MB, {resources} resources in {took:.2} s: {:.0} documents/s",
        f64::from(read) / took
    )?;
    let Some(size) = words.next().and_then(|it| it.parse::<usize>().ok()) else { return Ok(()) };
    drop(files);
    let large = large(size * 1_000_000);
    let before = resident();
    let begun = Instant::now();
    let document = formats::ccda::read(large.as_bytes());
    let told = document.map_or(0, |it| it.read.resources.len());
    let took = begun.elapsed().as_secs_f64();
    let most = peak().saturating_sub(before);
    writeln!(
        std::io::stdout(),
        "{:.1} MB in one document, {told} resources: {took:.2} s, {most} MB above what was held before",
        large.len() as f64 / 1e6
    )?;
    Ok(())
}

/// One document with as many results as it takes.
fn large(size: usize) -> String {
    let mut inner = String::with_capacity(size + 2_000);
    let mut nth = 0;
    while inner.len() < size {
        inner.push_str(&format!(
            r#"<entry><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.5" extension="{nth}"/><code code="2345-7" codeSystem="2.16.840.1.113883.6.1" displayName="Glucose"/><statusCode code="completed"/><effectiveTime value="20260102030405-0500"/><value xsi:type="PQ" value="{}" unit="mg/dL"/></observation></entry>"#,
            80 + nth % 60
        ));
        nth += 1;
    }
    format!(
        r#"<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="1.2.3"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><title>Large</title><effectiveTime value="20260102030405-0500"/><recordTarget><patientRole><id root="1.2.4" extension="p"/></patientRole></recordTarget><component><structuredBody><component><section><code code="30954-2" codeSystem="2.16.840.1.113883.6.1"/>{inner}</section></component></structuredBody></component></ClinicalDocument>"#
    )
}

fn status(name: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|it| it.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|it| it.parse::<usize>().ok()).unwrap_or_default() / 1024
}

fn resident() -> usize {
    status("VmRSS")
}

fn peak() -> usize {
    status("VmHWM")
}
