//! The minimal lower layer protocol: a message between a start byte (0B) and an end (1C 0D). The decoder takes bytes
//! as they come from a socket, in pieces of any size, and knows nothing of sockets. The end is seen at 1C already:
//! some senders leave the 0D out and then wait for their answer.

use std::collections::VecDeque;

const START: u8 = 0x0B;
const END: u8 = 0x1C;
const RETURN: u8 = 0x0D;
/// Of what stands between frames, this much is kept to be shown.
const JUNK_KEPT: usize = 256;

/// What came over the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Message(Vec<u8>),
    /// Bytes outside of frames: how many, and the first of them.
    Junk {
        count: usize,
        first: Vec<u8>,
    },
    /// A message of this many bytes so far was larger than allowed; it is skipped to its end.
    TooLarge {
        count: usize,
    },
    /// A new message began before the end of this one.
    Unfinished(Vec<u8>),
}

enum State {
    Between,
    Inside,
    Skipping,
}

/// Frames out of bytes.
pub struct Decoder {
    largest: usize,
    state: State,
    held: Vec<u8>,
    skipped: usize,
    junk: usize,
    junk_first: Vec<u8>,
    ready: VecDeque<Frame>,
}

impl Decoder {
    /// A decoder that holds no message of more than `largest` bytes.
    pub fn new(largest: usize) -> Decoder {
        Decoder {
            largest,
            state: State::Between,
            held: Vec::new(),
            skipped: 0,
            junk: 0,
            junk_first: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// Takes what came. Then [`Decoder::frame`] gives what is complete.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Between => self.between(rest),
                State::Inside | State::Skipping => self.inside(rest),
            };
        }
        // Junk is told at once: nobody knows whether a message will follow.
        self.tell_junk();
    }

    /// The next frame that is complete.
    pub fn frame(&mut self) -> Option<Frame> {
        self.ready.pop_front()
    }

    /// The line is closed: what was begun and not ended.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        (matches!(self.state, State::Inside)).then(|| std::mem::take(&mut self.held))
    }

    /// Whether a message has begun and not ended.
    pub fn is_inside(&self) -> bool {
        !matches!(self.state, State::Between)
    }

    fn between<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let at = bytes.iter().position(|it| *it == START);
        let junk = &bytes[..at.unwrap_or(bytes.len())];
        // Line ends between frames belong to the end of the frame, or to a person with a terminal.
        for byte in junk.iter().filter(|it| !matches!(**it, RETURN | b'\n')) {
            self.junk += 1;
            if self.junk_first.len() < JUNK_KEPT {
                self.junk_first.push(*byte);
            }
        }
        match at {
            Some(at) => {
                self.tell_junk();
                self.state = State::Inside;
                &bytes[at + 1..]
            }
            None => &[],
        }
    }

    fn inside<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let at = bytes.iter().position(|it| matches!(*it, START | END));
        let body = &bytes[..at.unwrap_or(bytes.len())];
        if matches!(self.state, State::Skipping) {
            self.skipped += body.len();
        } else if self.held.len() + body.len() > self.largest {
            self.skipped = self.held.len() + body.len();
            self.held = Vec::new();
            self.state = State::Skipping;
        } else {
            self.held.extend_from_slice(body);
        }
        let Some(at) = at else { return &[] };
        let ended = bytes[at] == END;
        let held = std::mem::take(&mut self.held);
        self.ready.push_back(match self.state {
            State::Skipping => Frame::TooLarge { count: self.skipped },
            _ if ended => Frame::Message(held),
            _ => Frame::Unfinished(held),
        });
        self.state = if ended { State::Between } else { State::Inside };
        &bytes[at + 1..]
    }

    fn tell_junk(&mut self) {
        if self.junk > 0 {
            let first = std::mem::take(&mut self.junk_first);
            self.ready.push_back(Frame::Junk { count: self.junk, first });
            self.junk = 0;
        }
    }
}

/// The message as it goes over the line.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(message.len() + 3);
    framed.push(START);
    framed.extend_from_slice(message);
    framed.extend_from_slice(&[END, RETURN]);
    framed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(largest: usize, pieces: &[&[u8]]) -> Vec<Frame> {
        let mut decoder = Decoder::new(largest);
        for piece in pieces {
            decoder.push(piece);
        }
        std::iter::from_fn(|| decoder.frame()).collect()
    }

    #[test]
    fn messages_come_out_whole_however_they_arrive() {
        let line = [frame(b"MSH|one"), frame(b"MSH|two")].concat();
        let expected = vec![Frame::Message(b"MSH|one".to_vec()), Frame::Message(b"MSH|two".to_vec())];
        assert_eq!(all(100, &[&line]), expected);
        let bytes: Vec<&[u8]> = line.chunks(1).collect();
        assert_eq!(all(100, &bytes), expected);
    }

    #[test]
    fn a_missing_return_at_the_end_does_not_hold_the_message_back() {
        assert_eq!(all(100, &[b"\x0BMSH\x1C"]), vec![Frame::Message(b"MSH".to_vec())]);
    }

    #[test]
    fn junk_between_frames_is_told_with_its_first_bytes() {
        let found = all(100, &[b"GET / HTTP/1.1\r\n\x0BMSH\x1C\r"]);
        let junk = Frame::Junk { count: 14, first: b"GET / HTTP/1.1".to_vec() };
        assert_eq!(found, vec![junk, Frame::Message(b"MSH".to_vec())]);
    }

    #[test]
    fn a_message_that_is_too_large_is_skipped_and_the_next_one_read() {
        let found = all(4, &[b"\x0B123", b"45", b"678\x1C\r\x0B1234\x1C\r"]);
        assert_eq!(found, vec![Frame::TooLarge { count: 8 }, Frame::Message(b"1234".to_vec())]);
    }

    #[test]
    fn a_message_that_never_ended_is_told_when_the_next_begins() {
        let found = all(100, &[b"\x0Bhalf\x0Bwhole\x1C\r"]);
        assert_eq!(found, vec![Frame::Unfinished(b"half".to_vec()), Frame::Message(b"whole".to_vec())]);
    }
}
