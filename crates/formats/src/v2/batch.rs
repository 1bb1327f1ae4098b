//! Files of messages (2.10.3): FHS and BHS open, BTS and FTS close, and between them stand messages. Also read are
//! files of messages without any of these, and messages framed for the line and then stored. Every byte belongs to a
//! piece, so that the pieces written one after the other are the file.

use super::message::{Message, Unreadable};

/// A piece of a file, in its order.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Message(Box<Message>),
    /// FHS, BHS, BTS or FTS: its line as written.
    Envelope(Vec<u8>),
    /// What is neither.
    Junk(Vec<u8>, Option<Unreadable>),
}

impl Piece {
    fn read(bytes: &[u8]) -> Piece {
        let start = bytes.iter().position(|it| !it.is_ascii_whitespace()).unwrap_or(bytes.len());
        if ENVELOPE.iter().any(|it| bytes[start..].starts_with(it)) {
            return Piece::Envelope(bytes.to_vec());
        }
        match Message::read(bytes) {
            Ok(message) => Piece::Message(Box::new(message)),
            Err(why) => {
                let blank = bytes.iter().all(|it| it.is_ascii_whitespace());
                Piece::Junk(bytes.to_vec(), (!blank).then_some(why))
            }
        }
    }
}

/// A file of messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub pieces: Vec<Piece>,
    /// What is odd about the file as a whole.
    pub oddities: Vec<String>,
}

const ENVELOPE: [&[u8]; 4] = [b"FHS", b"BHS", b"BTS", b"FTS"];

impl Batch {
    /// Reads a file; there is none that cannot be read.
    pub fn read(bytes: &[u8]) -> Batch {
        let pieces: Vec<Piece> = Batch::pieces(bytes).collect();
        let mut counts = Counts::default();
        let oddities = pieces.iter().filter_map(|it| counts.take(it)).collect();
        Batch { pieces, oddities }
    }

    /// The pieces one after the other: a file of very many need not be held in memory.
    pub fn pieces(bytes: &[u8]) -> impl Iterator<Item = Piece> + '_ {
        // UTF-16 is one message: its lines cannot be told by single bytes.
        let whole = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
        let mut from = 0;
        let ends = starts(bytes).filter(move |_| !whole).chain([bytes.len()]);
        ends.filter_map(move |at| {
            let piece = (at > from).then(|| Piece::read(&bytes[from..at]))?;
            from = at;
            Some(piece)
        })
    }

    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.pieces.iter().filter_map(|it| match it {
            Piece::Message(message) => Some(message.as_ref()),
            _ => None,
        })
    }

    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Message(message) => bytes.extend(message.write()),
                Piece::Envelope(raw) | Piece::Junk(raw, _) => bytes.extend_from_slice(raw),
            }
        }
        bytes
    }
}

/// Counts what there is between envelopes: BTS-1 and FTS-1 say how much there should be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    messages: usize,
    batches: usize,
}

impl Counts {
    /// Counts a piece, in its turn; what is wrong with the count, if it says one that is not true.
    pub fn take(&mut self, piece: &Piece) -> Option<String> {
        let Piece::Envelope(raw) = piece else {
            self.messages += usize::from(matches!(piece, Piece::Message(_)));
            return None;
        };
        let line = String::from_utf8_lossy(raw);
        let line = line.trim();
        let said = line.chars().nth(3).and_then(|cut| line.split(cut).nth(1)?.trim().parse::<usize>().ok());
        let name = line.get(..3).unwrap_or_default();
        let found = match name {
            "BHS" => {
                self.messages = 0;
                return None;
            }
            "BTS" => {
                self.batches += 1;
                self.messages
            }
            "FTS" => self.batches,
            _ => return None,
        };
        said.is_some_and(|it| it != found).then(|| format!("{name} says another count than there is"))
    }
}

/// Where lines begin that open a piece. What stands before the first is a piece of its own, or the lead of a message.
fn starts(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let line_begins = |at: usize| at == 0 || matches!(bytes[at - 1], b'\r' | b'\n' | 0x0B | 0x1C | 0xBF);
    bytes.windows(3).enumerate().filter_map(move |(at, name)| {
        let opens = name == b"MSH" || ENVELOPE.contains(&name);
        let cut = bytes.get(at + 3).is_none_or(|it| !it.is_ascii_alphanumeric());
        (opens && cut && line_begins(at)).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"FHS|^~\\&|LAB\rBHS|^~\\&|LAB\rMSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\r\nPID|2\r\nBTS|2\rFTS|1\r";

    #[test]
    fn messages_are_found_between_their_envelopes_and_the_file_is_written_as_it_was() {
        let batch = Batch::read(FILE);
        let senders: Vec<String> = batch.messages().map(|it| it.text("MSH-3").into_owned()).collect();
        assert_eq!(senders, ["A", "B"]);
        assert_eq!(batch.oddities, Vec::<String>::new());
        assert_eq!(batch.write(), FILE);
    }

    #[test]
    fn a_count_that_is_not_true_is_said() {
        let batch = Batch::read(b"BHS|^~\\&\rMSH|^~\\&|A\rBTS|7\r");
        assert_eq!(batch.oddities, ["BTS says another count than there is"]);
    }

    #[test]
    fn a_file_without_messages_is_junk_and_still_written_back() {
        for bytes in [&b"hello\nworld"[..], b"", b"\n\n", b"PID|1\r", b"\xFF\xFE\x00"] {
            let batch = Batch::read(bytes);
            assert_eq!(batch.messages().count(), 0);
            assert_eq!(batch.write(), bytes);
        }
    }
}
