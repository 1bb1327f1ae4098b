//! The answer to a message (2.9): which one is wanted and how it reads. Original mode (MSH-15 and MSH-16 empty) has one
//! answer, AA, AE or AR; enhanced mode has the commit answer CA, CE or CR at once and, if MSH-16 wants it, the
//! application's answer later. ERR is written as the version of the message has it. The time and the identifier of the
//! answer are given: nothing here asks a clock.

use super::charset::Charset;
use super::escape::escape;
use super::message::{Delimiters, Message};
use super::place::Place;

/// Which of the two answers of enhanced mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The message is in safe storage, or not.
    Commit,
    /// The message was worked on, or not.
    Application,
}

/// How it went (table 0008).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    /// Something in it is wrong.
    Error,
    /// It is not for us, or we cannot take it now: the sender may try again.
    Rejected,
}

impl Verdict {
    pub fn code(self, step: Step, enhanced: bool) -> &'static str {
        match (self, step == Step::Commit && enhanced) {
            (Verdict::Accepted, false) => "AA",
            (Verdict::Error, false) => "AE",
            (Verdict::Rejected, false) => "AR",
            (Verdict::Accepted, true) => "CA",
            (Verdict::Error, true) => "CE",
            (Verdict::Rejected, true) => "CR",
        }
    }
}

/// Error codes of table 0357 and what they are called there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    SegmentSequence = 100,
    RequiredFieldMissing = 101,
    DataType = 102,
    TableValue = 103,
    UnsupportedMessageType = 200,
    UnsupportedEvent = 201,
    UnsupportedProcessingId = 202,
    UnsupportedVersion = 203,
    UnknownKey = 204,
    DuplicateKey = 205,
    RecordLocked = 206,
    Internal = 207,
}

impl FaultCode {
    fn words(self) -> &'static str {
        match self {
            FaultCode::SegmentSequence => "Segment sequence error",
            FaultCode::RequiredFieldMissing => "Required field missing",
            FaultCode::DataType => "Data type error",
            FaultCode::TableValue => "Table value not found",
            FaultCode::UnsupportedMessageType => "Unsupported message type",
            FaultCode::UnsupportedEvent => "Unsupported event code",
            FaultCode::UnsupportedProcessingId => "Unsupported processing id",
            FaultCode::UnsupportedVersion => "Unsupported version id",
            FaultCode::UnknownKey => "Unknown key identifier",
            FaultCode::DuplicateKey => "Duplicate key identifier",
            FaultCode::RecordLocked => "Application record locked",
            FaultCode::Internal => "Application internal error",
        }
    }
}

/// One thing that is wrong, for the sender. The text must not hold what stands in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub place: Option<Place>,
    pub code: FaultCode,
    pub text: String,
    /// A warning does not refuse the message.
    pub warning: bool,
}

/// What the answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub verdict: Verdict,
    pub faults: Vec<Fault>,
}

impl Outcome {
    pub fn accepted() -> Outcome {
        Outcome { verdict: Verdict::Accepted, faults: Vec::new() }
    }
}

/// What the answer needs from outside.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// MSH-10 of the answer.
    pub control_id: &'a str,
    /// Now, as `20261122204500+0000`.
    pub now: &'a str,
}

/// Whether the sender speaks enhanced mode.
pub fn is_enhanced(message: &Message) -> bool {
    ["MSH-15", "MSH-16"].iter().any(|it| !message.text(it).is_empty())
}

/// Whether this answer is wanted (table 0155). Original mode wants the application's answer and no other.
pub fn is_wanted(message: &Message, step: Step, verdict: Verdict) -> bool {
    let condition = match (is_enhanced(message), step) {
        (false, Step::Commit) => return false,
        (false, Step::Application) => return true,
        (true, Step::Commit) => message.text("MSH-15"),
        (true, Step::Application) => message.text("MSH-16"),
    };
    match condition.to_ascii_uppercase().as_str() {
        "AL" => true,
        "ER" => verdict != Verdict::Accepted,
        "SU" => verdict == Verdict::Accepted,
        _ => false,
    }
}

/// The answer, with the delimiters, the version and the processing id of the message; nothing when none is wanted.
pub fn answer(message: &Message, step: Step, outcome: &Outcome, stamp: Stamp<'_>) -> Option<Vec<u8>> {
    if !is_wanted(message, step, outcome.verdict) {
        return None;
    }
    Some(write(Some(message), step, outcome, stamp))
}

/// The answer to what could not be read as a message.
pub fn answer_unreadable(text: &str, stamp: Stamp<'_>) -> Vec<u8> {
    let fault = Fault { place: None, code: FaultCode::SegmentSequence, text: text.to_owned(), warning: false };
    write(None, Step::Application, &Outcome { verdict: Verdict::Rejected, faults: vec![fault] }, stamp)
}

fn write(message: Option<&Message>, step: Step, outcome: &Outcome, stamp: Stamp<'_>) -> Vec<u8> {
    let delimiters = message.map(|it| it.delimiters().clone()).unwrap_or_default();
    let cut = delimiters.field;
    // Fields of the message are given back as they are written in it; what would end a frame or a line is left out.
    let plain = |text: &str| text.chars().filter(|it| !it.is_control()).collect::<String>();
    let raw = |number| {
        let header = message.and_then(|it| it.segment("MSH", 1));
        header.map(|it| plain(it.field(number, &delimiters).raw())).unwrap_or_default()
    };
    let version = message.map(|it| it.text("MSH-12").into_owned()).filter(|it| !it.is_empty());
    let version = version.unwrap_or_else(|| "2.5".to_owned());
    let marks: String = [delimiters.component, delimiters.repetition, delimiters.escape, delimiters.subcomponent]
        .into_iter()
        .chain(delimiters.truncation)
        .collect();
    let event = message.map(|it| plain(&escape(&it.text("MSH-9.2"), &delimiters))).unwrap_or_default();
    let between = delimiters.component;
    let kind = match (event.as_str(), before(&version, 2.31)) {
        ("", _) => "ACK".to_owned(),
        (_, true) => format!("ACK{between}{event}"),
        (_, false) => format!("ACK{between}{event}{between}ACK"),
    };
    let or = |text: String, usual: &str| if text.is_empty() { usual.to_owned() } else { text };
    let escaped = |text: &str| escape(text, &delimiters).into_owned();
    let mut header = vec![
        format!("MSH{cut}{marks}"),
        raw(5),
        raw(6),
        raw(3),
        raw(4),
        escaped(stamp.now),
        String::new(),
        kind,
        escaped(stamp.control_id),
        or(raw(11), "P"),
        or(raw(12), &version),
    ];
    // MSH-18: the answer is written in the characters of the message. Those of two bytes have bytes that end a frame.
    let wide = message.is_some_and(|it| matches!(it.charset(), Charset::Utf16Le | Charset::Utf16Be));
    let charset = if wide { "UNICODE UTF-8".to_owned() } else { raw(18) };
    if !charset.is_empty() {
        header.extend(["", "", "", "", ""].map(str::to_owned));
        header.push(charset);
    }
    let enhanced = message.is_some_and(is_enhanced);
    let mut lines = vec![header];
    let mut answer = vec!["MSA".to_owned(), outcome.verdict.code(step, enhanced).to_owned(), raw(10)];
    // MSA-3 is the text of the first error until v2.4; then ERR has it.
    if let Some(fault) = outcome.faults.first().filter(|_| before(&version, 2.5)) {
        answer.push(escaped(&fault.text));
    }
    lines.push(answer);
    if before(&version, 2.5) {
        if !outcome.faults.is_empty() {
            let repeated: Vec<String> = outcome.faults.iter().map(|it| old_error(it, &delimiters)).collect();
            lines.push(vec!["ERR".to_owned(), repeated.join(&delimiters.repetition.to_string())]);
        }
    } else {
        lines.extend(outcome.faults.iter().map(|it| new_error(it, &delimiters)));
    }
    let text: String = lines.iter().map(|it| it.join(&cut.to_string()) + "\r").collect();
    match message.filter(|_| !wide) {
        Some(message) => message.charset().encode(&text).0,
        None => text.into_bytes(),
    }
}

/// Versions as numbers: 2.3.1 is 2.31.
fn before(version: &str, other: f64) -> bool {
    let digits: String = version.chars().filter(char::is_ascii_digit).collect();
    let (whole, rest) = digits.split_at(digits.len().min(1));
    format!("{whole}.{rest}").parse::<f64>().is_ok_and(|it| it < other)
}

/// ERR-1 until v2.4: segment, its number, field, code.
fn old_error(fault: &Fault, delimiters: &Delimiters) -> String {
    let code = [fault.code as usize, 0].map(|it| it.to_string());
    let code = [code[0].as_str(), fault.code.words(), "HL70357"].join(&delimiters.subcomponent.to_string());
    let (segment, occurrence, field) = match &fault.place {
        Some(place) => (place.segment.as_str(), numbered(place.occurrence), numbered(place.field)),
        None => ("", String::new(), String::new()),
    };
    [segment, &occurrence, &field, &code].join(&delimiters.component.to_string())
}

/// ERR from v2.5: location, code, severity, and the text for a person in ERR-8.
fn new_error(fault: &Fault, delimiters: &Delimiters) -> Vec<String> {
    let join = |parts: &[&str]| parts.join(&delimiters.component.to_string());
    let location = fault.place.as_ref().map(|it| {
        let numbers = [it.occurrence, it.field, it.repetition, it.component, it.subcomponent].map(numbered);
        let parts: Vec<&str> = std::iter::once(it.segment.as_str()).chain(numbers.iter().map(String::as_str)).collect();
        join(&parts).trim_end_matches(delimiters.component).to_owned()
    });
    let code = (fault.code as usize).to_string();
    vec![
        "ERR".to_owned(),
        String::new(),
        location.unwrap_or_default(),
        join(&[&code, fault.code.words(), "HL70357"]),
        if fault.warning { "W" } else { "E" }.to_owned(),
        String::new(),
        String::new(),
        String::new(),
        escape(&fault.text, delimiters).into_owned(),
    ]
}

fn numbered(number: usize) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp<'static> = Stamp { control_id: "R1", now: "20261122204500+0000" };

    fn message(header: &str) -> Message {
        Message::read(header.as_bytes()).expect("a message")
    }

    fn said(header: &str, step: Step, outcome: &Outcome) -> Option<String> {
        answer(&message(header), step, outcome, STAMP)
            .map(|it| String::from_utf8(it).expect("text").replace('\r', "\n"))
    }

    fn refused() -> Outcome {
        let place = Some("OBX[2]-5".parse().expect("a place"));
        let text = "not a number | for NM".to_owned();
        let fault = Fault { place, code: FaultCode::DataType, text, warning: false };
        Outcome { verdict: Verdict::Error, faults: vec![fault] }
    }

    #[test]
    fn original_mode_has_one_answer() {
        let header = "MSH|^~\\&|LAB|HOSP|EHR|CLINIC|20200101||ORU^R01|77|P|2.3";
        assert_eq!(said(header, Step::Commit, &Outcome::accepted()), None);
        assert_eq!(
            said(header, Step::Application, &Outcome::accepted()).as_deref(),
            Some("MSH|^~\\&|EHR|CLINIC|LAB|HOSP|20261122204500+0000||ACK^R01|R1|P|2.3\nMSA|AA|77\n")
        );
    }

    #[test]
    fn enhanced_mode_answers_what_was_asked_for() {
        let header = "MSH|^~\\&|LAB|HOSP|EHR|CLINIC|20200101||ORU^R01^ORU_R01|77|P|2.5.1|||AL|ER";
        let commit = said(header, Step::Commit, &Outcome::accepted()).expect("asked for");
        assert!(commit.contains("MSA|CA|77\n"), "{commit}");
        assert_eq!(said(header, Step::Application, &Outcome::accepted()), None);
        let refused = said(header, Step::Application, &refused()).expect("asked for");
        let error = "ERR||OBX^2^5^1|102^Data type error^HL70357|E||||not a number \\F\\ for NM\n";
        assert!(refused.ends_with(error) && refused.contains("MSA|AE|77\n"), "{refused}");
    }

    #[test]
    fn errors_are_written_as_the_version_has_them_and_in_its_delimiters() {
        let refused = said("MSH*:;!%*LAB*H*E*C*2020**ADT:A01*5*P*2.3.1", Step::Application, &refused());
        let expected = "MSH*:;!%*E*C*LAB*H*20261122204500+0000**ACK:A01:ACK*R1*P*2.3.1\n\
                        MSA*AE*5*not a number | for NM\nERR*OBX:2:5:102%Data type error%HL70357\n";
        assert_eq!(refused.as_deref(), Some(expected));
    }

    #[test]
    fn what_stands_in_a_header_ends_neither_the_line_nor_the_frame_of_the_answer() {
        let header = "MSH|^~\\&|A\u{1C}B|C|D\u{B}|E|2026||ADT^A01\\X0D\\MSA\\F\\AA|7\u{1C}|P|2.5";
        let said = said(header, Step::Application, &Outcome::accepted()).expect("an answer");
        assert!(!said.contains(['\u{B}', '\u{1C}']) && said.matches("MSA|").count() == 1, "{said:?}");
        assert!(said.contains("\nMSA|AA|7\n"), "{said:?}");
        let wide: Vec<u8> =
            "\u{FEFF}MSH|^~\\&|A|B|C|D|2026||ADT^A01|7|P|2.5\r".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let answer = answer(&Message::read(&wide).expect("a message"), Step::Application, &Outcome::accepted(), STAMP);
        assert!(String::from_utf8(answer.expect("an answer")).expect("UTF-8").contains("|UNICODE UTF-8\rMSA|AA|7\r"));
    }

    #[test]
    fn what_is_no_message_is_rejected() {
        let text = String::from_utf8(answer_unreadable("no MSH", STAMP)).expect("text");
        assert!(text.contains("\rMSA|AR|\rERR||"), "{text}");
    }
}
