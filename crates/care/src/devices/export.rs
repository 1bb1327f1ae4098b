//! The export of Apple Health (export.xml): a document type definition without entities, then `Record` elements with
//! type, source, unit, value and times.

use super::{Export, Measure, Reading, measures};
use roxmltree::{Document, ParsingOptions};

/// Elements in one export at most.
const NODES: u32 = 8_000_000;

pub(super) fn read(text: &str) -> Option<Export> {
    let text = without_definition(text)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "HealthData" {
        return None;
    }
    let mut export = Export::default();
    // Readings of a pair stand in it and beside it.
    for record in root.children().filter(|it| it.has_tag_name("Record")) {
        let of = |name: &str| record.attribute(name).map(str::trim).filter(|it| !it.is_empty());
        let measure = of("type").and_then(|kind| measures().iter().find(|it| it.apple == kind));
        let (Some(measure), Some(value), Some(at)) =
            (measure, of("value").and_then(|it| it.parse::<f64>().ok()), of("startDate").and_then(moment))
        else {
            export.left_out += 1;
            continue;
        };
        let unit = of("unit").unwrap_or_default();
        // Shares of one are written as such, and called percent.
        let value = if measure.unit == "%" && value <= 1.0 { value * 100.0 } else { value };
        let at = if measure.daily { at[..10].to_owned() } else { at };
        let source = of("sourceName").unwrap_or("Apple Health").to_owned();
        let device = of("device").and_then(named);
        export.take(measure, value, unit, |value| reading(measure, at, value, source, device));
    }
    Some(export)
}

fn reading(measure: &'static Measure, at: String, value: f64, source: String, device: Option<String>) -> Reading {
    Reading { measure: &measure.key, at, value, source, device }
}

/// The document without its own definition of its type. One that defines entities is refused.
fn without_definition(text: &str) -> Option<String> {
    let Some(start) = text.find("<!DOCTYPE") else { return Some(text.to_owned()) };
    let rest = &text[start..];
    let end = match rest.find('[') {
        Some(open) if open < rest.find('>').unwrap_or(usize::MAX) => {
            let close = rest.find("]>")?;
            if rest[..close].contains("<!ENTITY") {
                return None;
            }
            close + 2
        }
        _ => rest.find('>')? + 1,
    };
    Some(format!("{}{}", &text[..start], &rest[end..]))
}

/// `2024-03-01 08:00:00 -0500` → `2024-03-01T08:00:00-05:00`.
fn moment(text: &str) -> Option<String> {
    let mut parts = text.split_whitespace();
    let (day, clock, zone) = (parts.next()?, parts.next()?, parts.next()?);
    let made = format!("{day}T{clock}{}:{}", zone.get(..3)?, zone.get(3..5)?);
    made.parse::<jiff::Timestamp>().ok().map(|_| made)
}

/// `<<HKDevice: 0x28>, name:Apple Watch, manufacturer:Apple Inc., …>` → `Apple Watch`.
fn named(text: &str) -> Option<String> {
    let rest = text.split("name:").nth(1)?;
    let name = rest.split([',', '>']).next()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
