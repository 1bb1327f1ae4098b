//! HL7 v2: bytes of a line, messages and files of them, what becomes of them in FHIR.

use super::files_of;
use crate::driver::{Seen, Target};
use crate::mutate::Grain;
use formats::v2::acknowledge::{Fault, FaultCode, Outcome, Stamp, Step, Verdict, answer};
use formats::v2::map::{Mapping, Settings, convert, header};
use formats::v2::mllp::{Decoder, Frame, frame};
use formats::v2::{Batch, Message, Place, Valued, escape, unescape};
use jiff::tz::TimeZone;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use std::collections::HashSet;

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "mllp",
        holds: "the same messages in pieces of any size; none longer than allowed; a message framed comes out as it went in",
        grain: Grain::Cut(&[b"\x0B", b"\x1C", b"\r"]),
        words: &[b"\x0B", b"\x1C\r", b"\x1C", b"\x0BMSH|^~\\&|\x1C\r", b"\x0B\x0B", b"\x1C\x1C"],
        seeds: lines,
        run: on_the_line,
    },
    Target {
        name: "v2",
        holds: "what is read is written back byte for byte; text escaped reads as it was; an answer answers this message and no other",
        grain: MESSAGE,
        words: WORDS,
        seeds: messages,
        run: read,
    },
    Target {
        name: "v2-mapping",
        holds: "the same message gives the same; every resource is valid and every reference leads to one; the size stays in bounds",
        grain: MESSAGE,
        words: WORDS,
        seeds: messages,
        run: mapped,
    },
];

const MESSAGE: Grain = Grain::Cut(&[b"\r", b"\r", b"|", b"|", b"^", b"~", b"&", b"\\", b"\n"]);

const WORDS: &[&[u8]] = &[
    b"MSH|^~\\&|",
    b"MSH|^~\\&#|",
    b"MSH!@#$%!",
    b"MSH|||||",
    b"FHS|^~\\&|",
    b"BHS|^~\\&|",
    b"BTS|9",
    b"FTS|1",
    b"PID|1||",
    b"PV1|1|I",
    b"MRG|",
    b"ORC|RE",
    b"OBR|1|",
    b"OBX|1|NM|",
    b"OBX|1|ED|",
    b"NTE|1|",
    b"SCH|",
    b"RXA|0|1|",
    b"TXA|1|",
    b"ZZZ|1|",
    b"ADT^A40",
    b"ORU^R01",
    b"UNICODE UTF-16",
    b"8859/1",
    b"\\X0D\\",
    b"\\X0D4D5348\\",
    b"\\.br\\",
    b"\\.sp9999999\\",
    b"\\E\\",
    b"\\F\\",
    b"\\H\\",
    b"\\C2842\\",
    b"\"\"",
    b"^^^^^^^^^^^^",
    b"&&&&",
    b"~~~~~~~~",
];

/// A few of our own, for where the public data are absent, and what they do not have.
const OWN: [&[u8]; 8] = [
    b"MSH|^~\\&|LAB|LAKE|EHR|RIVER|20260601100000||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||77^^^LAKE^MR||Byron^Ada||19860203|F\rOBR|1|P1|F1|24326-1^Electrolytes^LN|||20260601080000|||||||||||||||20260601100000||LAB|F\rOBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|3.5-5.1|N|||F|||20260601080000\rOBX|2|ED|PDF^Report||^application^pdf^Base64^JVBERi0=||||||F\r",
    b"MSH|^~\\&|ADT|LAKE|EHR|RIVER|20260601100000+0200||ADT^A40^ADT_A39|2|P|2.8|||AL|AL|||UNICODE UTF-8\rEVN|A40|20260601\rPID|1||77^^^LAKE^MR~X7^^^SOCIETY^MB||Byron^Ada|||F|||1 Main St^^Riverside||\"\"\rMRG|70^^^LAKE^MR\r",
    b"MSH*:;!%*LAB*H*E*C*2020**ADT:A01*5*P*2.3.1\rPID*1**7:::X**Byron:Ada\rPV1*1*I*3W:1\r",
    b"FHS|^~\\&|LAB\rBHS|^~\\&|LAB\rMSH|^~\\&|A||||||ADT^A08|1|P|2.4\rPID|||1\rMSH|^~\\&|B||||||ADT^A08|2|P|2.4\r\nPID|||2\r\nBTS|2\rFTS|1\r",
    b"\xEF\xBB\xBFMSH|^~\\&|A|B|C|D|2026||SIU^S26|9|P|2.7\nSCH|1|2||||Add\nRGS|1\nAIS|1|A|1\n",
    b"\xFF\xFEM\0S\0H\0|\0^\0~\0\\\0&\0|\0A\0\r\0P\0I\0D\0|\0\xE4\0\r\0",
    b"MSH|^~\\&|A|B|C|D|2026||VXU^V04|9|P|2.5.1|||||||8859/1\rPID|||1||M\xFCller^J\rORC|RE||1\rRXA|0|1|20260101||03^MMR^CVX|0.5|mL\rOBX|1|CE|64994-7^Eligibility^LN||V02^VFC^HL70064||||||F\r",
    b"hello\r\nMSH|",
];

fn messages() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = OWN.iter().map(|it| it.to_vec()).collect();
    all.extend(files_of("hl7v2-messages", &["hl7", "txt"]));
    all
}

fn lines() -> Vec<Vec<u8>> {
    let few: Vec<Vec<u8>> = messages().into_iter().filter(|it| it.len() < 2_000).take(40).collect();
    let mut all: Vec<Vec<u8>> = few.iter().map(|it| frame(it)).collect();
    all.push(few.iter().flat_map(|it| frame(it)).collect());
    all.push(b"\x0Bhalf\x0Bwhole\x1C\r\n\n\x1C\r\x0B\x1C\rGET / HTTP/1.1\r\n\r\n".to_vec());
    all
}

/// Larger than most and smaller than some, so that both ways are gone.
const ALLOWED: usize = 700;

fn decoded(largest: usize, pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> Vec<Frame> {
    let mut decoder = Decoder::new(largest);
    let mut all = Vec::new();
    for piece in pieces {
        decoder.push(piece.as_ref());
        all.extend(std::iter::from_fn(|| decoder.frame()));
    }
    all
}

fn on_the_line(input: &[u8], seen: &mut Seen) {
    // Junk is told piece by piece; what it adds up to is the same.
    let without_junk = |all: &[Frame]| -> (Vec<Frame>, usize) {
        let junk = all.iter().map(|it| if let Frame::Junk { count, .. } = it { *count } else { 0 }).sum();
        (all.iter().filter(|it| !matches!(it, Frame::Junk { .. })).cloned().collect(), junk)
    };
    let whole = decoded(ALLOWED, std::iter::once(input));
    // Sizes of pieces come out of the input itself: the same input, the same pieces.
    let mut sizes = digest(&SHA256, input).as_ref().to_vec().into_iter().cycle();
    let mut rest = input;
    let pieces = std::iter::from_fn(|| {
        let size = usize::from(sizes.next()?) % 97 + 1;
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    });
    let in_pieces = decoded(ALLOWED, pieces);
    assert_eq!(without_junk(&whole), without_junk(&in_pieces), "the size of the pieces makes a difference");
    let mut total = 0;
    for it in &whole {
        let kind = match it {
            Frame::Message(body) => {
                assert!(body.len() <= ALLOWED, "a message is longer than allowed");
                let again = decoded(ALLOWED, std::iter::once(frame(body)));
                assert_eq!(again, [Frame::Message(body.clone())], "a message framed is another one");
                total += body.len();
                "message"
            }
            Frame::Unfinished(body) => {
                assert!(body.len() <= ALLOWED, "a begun message is longer than allowed");
                total += body.len();
                "unfinished"
            }
            Frame::TooLarge { count } => {
                assert!(*count > ALLOWED, "a message of an allowed size was skipped");
                total += count;
                "large"
            }
            Frame::Junk { count, first } => {
                assert!(first.len() <= *count && !first.contains(&0x0B), "junk is counted wrong");
                total += count;
                "junk"
            }
        };
        seen.amount(kind, total);
    }
    assert!(total <= input.len(), "more came out than went in");
    seen.amount("frames", whole.len());
}

/// So much of a message is looked at: the rest is of the same kind.
const LOOKED_AT: usize = 300;

fn read(input: &[u8], seen: &mut Seen) {
    let batch = Batch::read(input);
    assert_eq!(batch.write(), input, "a file is written back otherwise");
    batch.oddities.iter().for_each(|it| seen.sentence("file", it));
    for message in batch.messages().take(20) {
        looked_at(message, seen);
    }
    match Message::read(input) {
        Ok(message) => {
            assert_eq!(message.write(), input, "a message is written back otherwise");
            assert_eq!(Message::read(input).as_ref(), Ok(&message), "the same bytes are another message");
            looked_at(&message, seen);
            edited(message, seen);
        }
        Err(why) => seen.mark(format!("{why:?}")),
    }
}

fn looked_at(message: &Message, seen: &mut Seen) {
    let delimiters = message.delimiters();
    message.oddities().iter().for_each(|it| seen.sentence("message", it));
    for segment in message.segments().iter().take(LOOKED_AT) {
        seen.mark(("segment", segment.name().len(), segment.name().is_ascii()));
        assert_eq!(segment.raw().get(..segment.name().len()), Some(segment.name()), "a name is not the beginning");
        for number in 0..=segment.len().min(40) + 1 {
            let field = segment.field(number, delimiters);
            assert!(segment.raw().contains(field.raw()), "a field is not in its segment");
            for repetition in field.repetitions().take(20) {
                for component in repetition.parts().take(20) {
                    for part in component.parts().take(10).chain([component, repetition]) {
                        let valued = match part.valued() {
                            Valued::Absent => 0,
                            Valued::Delete => 1,
                            Valued::Text(text) => 2 + usize::from(text.len() != part.raw().len()),
                        };
                        seen.mark(("part", valued));
                        let whole = part.whole();
                        let back = escape(&whole, delimiters);
                        if usual(message) {
                            let lines = whole.replace("\r\n", "\n");
                            assert_eq!(unescape(&back, delimiters), lines, "text is another after escaping");
                            assert!(!back.contains(['|', '^', '~', '&', '\r', '\n']), "an escape lets a delimiter out");
                        }
                    }
                }
            }
        }
    }
    answered(message, seen);
}

/// Delimiters of which none is another and none is a letter that escapes are written with.
fn usual(message: &Message) -> bool {
    let it = message.delimiters();
    (it.field, it.component, it.repetition, it.escape, it.subcomponent) == ('|', '^', '~', '\\', '&')
}

/// The answer is one message for this one, whatever stands in it.
fn answered(message: &Message, seen: &mut Seen) {
    let fault = Fault {
        place: Some(Place::field("OBX", 2, 5)),
        code: FaultCode::DataType,
        text: "a | text ^ with \r MSH|^~\\& in it".to_owned(),
        warning: false,
    };
    let outcome = Outcome { verdict: Verdict::Error, faults: vec![fault] };
    for step in [Step::Commit, Step::Application] {
        let stamp = Stamp { control_id: "A1", now: "20260601100000+0000" };
        let Some(bytes) = answer(message, step, &outcome, stamp) else { continue };
        if !usual(message) {
            continue;
        }
        let answer = Message::read(&bytes).expect("an answer is a message");
        let names: Vec<&str> = answer.segments().iter().map(|it| it.name()).collect();
        assert_eq!(names, ["MSH", "MSA", "ERR"], "an answer has other segments");
        // What would end the frame is left out.
        let number: String = message.text("MSH-10").chars().filter(|it| !it.is_control()).collect();
        let said: String = answer.text("MSA-2").chars().filter(|it| !it.is_control()).collect();
        assert_eq!(said.trim(), number.trim(), "an answer is for another message");
        assert_eq!(answer.text("MSH-10"), "A1", "the number of an answer is another");
        assert_eq!(Batch::read(&bytes).messages().count(), 1, "an answer is several");
        let framed = decoded(usize::MAX, std::iter::once(frame(&bytes)));
        assert_eq!(framed.len(), 1, "an answer is several frames");
        seen.mark(("answer", answer.text("MSA-1").into_owned()));
    }
}

/// What is put at a place stands there, and nothing else moves.
fn edited(mut message: Message, seen: &mut Seen) {
    if !usual(&message) {
        return;
    }
    let segments = message.segments().len();
    for place in ["PID-3.1", "OBX[2]-5", "MSH-10", "PV1-3[2].4.2"] {
        let place: Place = place.parse().expect("a place");
        if message.set(&place, "a|b^c") {
            let found = message.part(&place).map(|it| it.whole().into_owned());
            assert_eq!(found.as_deref(), Some("a|b^c"), "another text stands at {place}");
            seen.mark(("set", place.to_string()));
        }
    }
    assert_eq!(message.segments().len(), segments, "there are more segments than before");
}

fn mapped(input: &[u8], seen: &mut Seen) {
    let settings = Settings { mapping: Mapping::standard(), zone: &TimeZone::UTC };
    for message in Batch::read(input).messages().take(10) {
        let first = convert(message, settings);
        assert_eq!(first.header.control_id, header(message, &TimeZone::UTC).control_id, "the header is another");
        assert!(first.mapped <= first.fields, "more is mapped than there is");
        let resources = &first.read.resources;
        let addresses: HashSet<&str> = resources.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(addresses.len(), resources.len(), "an address stands twice");
        let mut size = 0;
        for (_, resource) in resources {
            let errors = fhir::validate::validate(resource).iter().filter(|it| it.is_error()).count();
            assert_eq!(errors, 0, "a resource is not valid");
            references(resource, &mut |it| assert!(addresses.contains(it), "a reference leads nowhere"));
            size += resource.to_string().len();
            seen.mark(("resource", resource["resourceType"].as_str().unwrap_or_default().to_owned()));
        }
        assert!(size < 2_000_000 + 200 * input.len(), "it grows without end");
        for note in &first.read.notes {
            seen.mark(("note", format!("{:?}", note.fate), note.place.chars().take(3).collect::<String>()));
            seen.sentence("says", &note.says);
        }
        seen.amount("resources", resources.len());
        if input.len().is_multiple_of(4) {
            assert!(convert(message, settings) == first, "the same message gives another");
        }
    }
}

fn references(value: &Value, look: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(it)) = members.get("reference") {
                look(it);
            }
            members.values().for_each(|it| references(it, look));
        }
        Value::Array(list) => list.iter().for_each(|it| references(it, look)),
        _ => {}
    }
}
