//! A message for the eyes of somebody who looks after interfaces and has no business with the patient: every segment and
//! every field is there with its shape, but who it is about is not. A digit is shown as 9, a letter as x, so that a date
//! of eight digits is still one and a name with a caret in it is too.

use formats::v2::{Delimiters, Message};

/// Segments that tell who somebody is or how to find them. Segments of the house may tell anything.
const PERSONS: [&str; 11] = ["PID", "PD1", "NK1", "GT1", "IN1", "IN2", "IN3", "MRG", "ACC", "PDA", "STF"];
/// Fields of these that tell nothing of the kind: the sequence, sex, and codes of the marital status and the like.
const PLAIN: [(&str, usize); 8] =
    [("PID", 1), ("PID", 8), ("PID", 15), ("PID", 16), ("PID", 17), ("NK1", 1), ("NK1", 3), ("IN1", 1)];
/// Fields elsewhere that do: numbers of visits and accounts, comments, and the words of a report.
const TOLD: [(&str, usize); 8] =
    [("PV1", 19), ("PV1", 50), ("PV1", 5), ("NTE", 3), ("ORC", 24), ("OBR", 13), ("TXA", 25), ("SCH", 10)];
/// Results that are text or a whole document.
const WORDS: [&str; 6] = ["TX", "FT", "ST", "ED", "RP", ""];
/// What is shown of something long.
const SHOWN: usize = 160;

/// The message, line by line.
pub fn masked(message: &Message) -> String {
    let delimiters = message.delimiters();
    let lines: Vec<String> = message
        .segments()
        .iter()
        .map(|segment| {
            let raw = segment.raw();
            let name = segment.name();
            let parts: Vec<&str> = raw.split(delimiters.field).collect();
            let shown = parts.iter().enumerate().map(|(at, part)| match at {
                0 => (*part).to_owned(),
                _ if is_told(name, at, &parts) => hide(part, delimiters),
                _ if part.chars().count() > SHOWN => hide(part, delimiters),
                _ => (*part).to_owned(),
            });
            shown.collect::<Vec<_>>().join(&delimiters.field.to_string())
        })
        .collect();
    lines.join("\r")
}

fn is_told(name: &str, field: usize, parts: &[&str]) -> bool {
    if matches!(name, "MSH" | "FHS" | "BHS") {
        return false;
    }
    if name.starts_with('Z') {
        return true;
    }
    if PERSONS.contains(&name) {
        return !PLAIN.contains(&(name, field));
    }
    let words = name == "OBX" && field == 5 && WORDS.contains(&parts.get(2).copied().unwrap_or_default());
    words || TOLD.contains(&(name, field))
}

/// The shape of a field: its delimiters, and of an identifier who gave it and of which kind it is.
fn hide(part: &str, delimiters: &Delimiters) -> String {
    let Delimiters { component, repetition, subcomponent, escape, .. } = delimiters;
    let mut shown: String = part
        .chars()
        .take(SHOWN)
        .map(|it| match it {
            it if [component, repetition, subcomponent, escape].contains(&&it) => it,
            it if it.is_ascii_digit() => '9',
            it if it.is_alphanumeric() => 'x',
            it => it,
        })
        .collect();
    if part.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_it_is_about_is_not_told_and_what_was_found_is() {
        let raw = "MSH|^~\\&|LAB|LAKE|EHR|RIVER|20260601||ORU^R01|7|P|2.5.1\rPID|1||77^^^LAKE^MR||Byron^Ada||19860203|F\r\
                   OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L\rOBX|2|FT|x||Ms Byron was seen\rNTE|1||Call Ada\rZAB|Ada\r";
        let message = Message::read(raw.as_bytes()).unwrap();
        let shown = masked(&message);
        assert!(shown.contains("PID|1||99^^^xxxx^xx||xxxxx^xxx||99999999|F"), "{shown}");
        assert!(shown.contains("OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L"), "{shown}");
        assert!(!shown.contains("Ada") && !shown.contains("Byron"), "{shown}");
        let again = Message::read(shown.as_bytes()).unwrap();
        assert_eq!(again.segments().len(), message.segments().len());
    }
}
