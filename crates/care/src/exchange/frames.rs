//! What came in one frame of a line: a message, or a file of them (HL7 v2.9, 2.10.3), and what goes back.

use super::channel::{Format, Interfaces, Line, Went, Wish};
use super::intake::{Answer, Intake, hl7_moment};
use super::kept::{DONE, HELD, IGNORED};
use crate::Organisation;
use formats::v2::acknowledge::{Stamp, answer_unreadable};
use formats::v2::{Batch, Counts, Piece};

/// The most messages of one frame.
const MANY: usize = 10_000;

impl Line {
    /// Takes a message off this line, and counts it.
    pub async fn take(&self, organisation: &Organisation, interfaces: &Interfaces, raw: &[u8], now: i64) -> Answer {
        let intake = Intake { organisation, interfaces, channel: &self.channel };
        let paused = self.wish() == Wish::Pause;
        let answer = match &self.channel.format {
            Format::V2 => intake.take(raw, paused, now).await,
            Format::Script(wire) => crate::pharmacy::intake::take(&intake, wire, raw, paused, now).await,
        };
        let went = match answer.state {
            _ if answer.again => Went::Again,
            DONE | HELD | IGNORED => Went::Well,
            _ => Went::Wrong,
        };
        self.count(went, now);
        answer
    }

    /// Takes a frame: a message, or a batch of them (HL7 v2.9, 2.10.3), which is answered as one. Returns what goes back
    /// over the line, frame by frame.
    pub async fn frame(&self, organisation: &Organisation, interfaces: &Interfaces, raw: &[u8]) -> Vec<Vec<u8>> {
        if !is_several(raw) || !matches!(self.channel.format, Format::V2) {
            return self.take(organisation, interfaces, raw, organisation.now()).await.replies;
        }
        let (mut replies, mut counts, mut wrong) = (Vec::new(), Counts::default(), Vec::new());
        let (mut taken, mut enveloped) = (0, false);
        for piece in Batch::pieces(raw) {
            wrong.extend(counts.take(&piece));
            let raw = match piece {
                Piece::Message(message) => message.write(),
                Piece::Junk(raw, Some(_)) => raw,
                Piece::Junk(_, None) => continue,
                Piece::Envelope(_) => {
                    enveloped = true;
                    continue;
                }
            };
            taken += 1;
            if taken > MANY {
                let says = format!("more than {MANY} messages at once: the others were not taken");
                replies.push(self.broken(organisation, &says));
                break;
            }
            replies.extend(self.take(organisation, interfaces, &raw, organisation.now()).await.replies);
        }
        if !enveloped || replies.is_empty() {
            return replies;
        }
        let mut whole = b"BHS|^~\\&\r".to_vec();
        replies.iter().for_each(|it| whole.extend_from_slice(it));
        // BTS-2 is for a comment: a count that is not true has cost somebody a message on the way.
        let trailer = [format!("BTS|{}", replies.len()), wrong.join("; ")].join("|");
        whole.extend_from_slice(format!("{}\r", trailer.trim_end_matches('|')).as_bytes());
        vec![whole]
    }

    /// Something on the line that is no message: it is counted, and the sender is told.
    pub fn broken(&self, organisation: &Organisation, says: &str) -> Vec<u8> {
        let now = organisation.now();
        self.count(Went::Wrong, now);
        let control = organisation.surroundings.new_id();
        answer_unreadable(says, Stamp { control_id: &control, now: &hl7_moment(now) })
    }
}

/// Whether there is more in it than one message.
fn is_several(raw: &[u8]) -> bool {
    let begins = |name: &[u8]| raw.trim_ascii_start().starts_with(name);
    let next = |it: &[u8]| matches!(it[0], b'\r' | b'\n') && &it[1..4] == b"MSH" && !it[4].is_ascii_alphanumeric();
    begins(b"FHS") || begins(b"BHS") || raw.windows(5).any(next)
}
