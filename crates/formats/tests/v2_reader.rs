//! The reader against everything: messages that others published, and bytes that nobody meant.

use formats::v2::{Batch, Delimiters, Message, Piece, escape, mllp, unescape};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|it| it == "hl7" || it == "txt") {
            found.push(path);
        }
    }
}

/// Looks at every part there is.
fn walk(message: &Message) -> usize {
    let mut parts = 0;
    for segment in message.segments() {
        for number in 0..=segment.len() + 1 {
            for repetition in segment.field(number, message.delimiters()).repetitions() {
                for component in repetition.parts() {
                    parts += component.parts().filter(|it| !it.text().is_empty()).count();
                }
            }
        }
    }
    parts
}

#[test]
fn every_published_message_is_read_and_written_back_byte_for_byte() {
    let Some(folder) = testkit::unpacked("hl7v2-messages") else { return };
    let mut files = Vec::new();
    collect(&folder, &mut files);
    let (mut messages, mut parts, mut without) = (0, 0, 0);
    for file in &files {
        let bytes = std::fs::read(file).expect("the file can be read");
        let batch = Batch::read(&bytes);
        assert_eq!(batch.write(), bytes, "{}", file.display());
        without += usize::from(batch.messages().next().is_none());
        for message in batch.messages() {
            messages += 1;
            parts += walk(message);
        }
    }
    println!("{} files, {messages} messages, {parts} parts with text; {without} files hold no message", files.len());
    assert!(messages >= 260 && parts > 50_000, "{messages} messages, {parts} parts");
}

#[test]
fn what_is_changed_is_changed_and_nothing_else() {
    let text = "MSH|^~\\&|A|B\rPID|1||12^^^X||Old^Name\nZZZ|any\r\n";
    let mut message = Message::read(text.as_bytes()).expect("a message");
    assert!(message.set(&"PID-5.2".parse().expect("a place"), "O|Neil"));
    assert!(message.set(&"PID-8".parse().expect("a place"), "F"));
    assert!(message.set(&"PID-3[2].4.2".parse().expect("a place"), "9"));
    assert!(!message.set(&"PV1-1".parse().expect("a place"), "x"));
    let expected = "MSH|^~\\&|A|B\rPID|1||12^^^X~^^^&9||Old^O\\F\\Neil|||F\nZZZ|any\r\n";
    assert_eq!(String::from_utf8(message.write()).expect("text"), expected);
    assert_eq!(message.text("PID-5.2"), "O|Neil");
}

#[test]
fn odd_messages_are_read_and_their_oddities_said() {
    let read = |bytes: &[u8]| Message::read(bytes).expect("a message");
    let broken = read(b"MSH|^~\\&|A\rNTE|1||first\nsecond line\rPID|1\r");
    assert_eq!(broken.segments().len(), 3);
    assert_eq!(broken.text("NTE-3"), "first\nsecond line");
    assert_eq!(broken.oddities().len(), 1);

    let latin = read(b"MSH|^~\\&|A|||||||||||||||8859/1\rPID|||||M\xFCller\r");
    assert_eq!((latin.text("PID-5.1").as_ref(), latin.oddities().len()), ("Müller", 0));
    let unsaid = read(b"MSH|^~\\&|A\rPID|||||M\xFCller\r");
    assert_eq!((unsaid.text("PID-5.1").as_ref(), unsaid.oddities().len()), ("Müller", 1));

    let wide: Vec<u8> = "\u{FEFF}MSH|^~\\&|Ä\r".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&wide).text("MSH-3"), "Ä");

    let other = read(b"MSH#!*@%#SENDER\rPID#1##7!!!A%B\r");
    assert_eq!(other.text("PID-3.4.2"), "B");
    let delete = read(b"MSH|^~\\&|A\rPID|||||\"\"|\r");
    assert_eq!(delete.part(&"PID-5".parse().expect("a place")).map(|it| it.is_delete()), Some(true));
    assert!(Message::read(b"").is_err() && Message::read(b"PID|1").is_err() && Message::read(b"MSHA").is_err());
}

/// Something like a message: names, delimiters and noise.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"MSH|^~\\&|".to_vec()),
        Just(b"\rPID|".to_vec()),
        Just(b"\nOBX|1|NM|".to_vec()),
        Just(b"\r\nBTS|1\r".to_vec()),
        Just(b"BHS|^~\\&|".to_vec()),
        Just(b"\\X0D\\".to_vec()),
        Just(b"\\F\\".to_vec()),
        "[|^~&\\\\\r\n\"a-z0-9]{0,12}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|it| it.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn reading_never_panics_and_writing_gives_the_same_bytes(bytes in nearly()) {
        let batch = Batch::read(&bytes);
        prop_assert_eq!(batch.write(), &bytes[..]);
        for piece in &batch.pieces {
            if let Piece::Message(message) = piece {
                walk(message);
            }
        }
    }

    #[test]
    fn an_edit_is_read_back(text in "[ -~äß☃]{0,20}", field in 3_usize..9, component in 1_usize..5) {
        let mut message = Message::read("MSH|^~\\&|A|||||||||||||||UNICODE UTF-8\rPID|1||a~b&c^d\r".as_bytes()).expect("a message");
        let place = format!("PID-{field}.{component}");
        prop_assert!(message.set(&place.parse().expect("a place"), &text));
        let again = Message::read(&message.write()).expect("still a message");
        let expected = if text.trim() == "\"\"" { "" } else { text.trim() };
        let found = again.text(&place);
        prop_assert_eq!(found.trim(), expected);
    }

    #[test]
    fn frames_do_not_depend_on_how_the_bytes_were_cut(
        bodies in proptest::collection::vec("[A-Z|^~\r]{0,30}", 0..6),
        cuts in proptest::collection::vec(1_usize..9, 1..40),
    ) {
        let line: Vec<u8> = bodies.iter().flat_map(|it| mllp::frame(it.as_bytes())).collect();
        let mut decoder = mllp::Decoder::new(1000);
        let (mut rest, mut found) = (&line[..], Vec::new());
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            decoder.push(now);
            while let Some(frame) = decoder.frame() {
                found.push(frame);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let expected: Vec<_> = bodies.into_iter().map(|it| mllp::Frame::Message(it.into_bytes())).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_go_through_the_decoder_and_none_are_forgotten(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut decoder = mllp::Decoder::new(50);
        for piece in bytes.chunks(7) {
            decoder.push(piece);
        }
        while let Some(frame) = decoder.frame() {
            if let mllp::Frame::Message(held) | mllp::Frame::Unfinished(held) = frame {
                prop_assert!(held.len() <= 50);
            }
        }
    }

    #[test]
    fn escaped_text_means_the_same(text in "[ -~äß☃]{0,40}") {
        let usual = Delimiters::default();
        let escaped = escape(&text, &usual);
        prop_assert_eq!(unescape(&escaped, &usual), text.as_str());
    }
}
