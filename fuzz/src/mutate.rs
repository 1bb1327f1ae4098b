//! Changes to an input: some to its bytes, some to what it is made of, so that a good part of what comes out is still
//! nearly right. What is quite wrong is refused at the door; faults lie behind it.

use std::ops::Range;
use testkit::dice::Dice;

/// No input is longer.
pub(crate) const LARGEST: usize = 64 * 1024;

/// What the inputs of a target are made of.
#[derive(Clone, Copy)]
pub(crate) enum Grain {
    /// Pieces between separators, the coarsest first.
    Cut(&'static [&'static [u8]]),
    /// Elements in elements, between `<name …>` and `</name>`.
    #[allow(dead_code)] // For targets that read XML.
    Markup,
}

/// Bytes that mean something somewhere.
const ODD: [&[u8]; 20] = [
    b"\0",
    b"\x0B",
    b"\x1C",
    b"\x1C\r",
    b"\r\n",
    b"\n",
    b"\r",
    b"\x1B[2J",
    b"\xFF\xFE",
    b"\xEF\xBB\xBF",
    b"\xED\xA0\x80",
    b"\xC3",
    "\u{202E}".as_bytes(),
    "\u{2028}".as_bytes(),
    "e\u{301}\u{301}\u{301}".as_bytes(),
    "\u{10FFFF}".as_bytes(),
    "ß".as_bytes(),
    b"\"\"",
    b"\\",
    b"%00",
];

const NUMBERS: [&[u8]; 12] = [
    b"0",
    b"-1",
    b"1",
    b"00000000000000000000",
    b"2147483648",
    b"9223372036854775808",
    b"18446744073709551616",
    b"1e999",
    b"0.0000000000000000000000000000000001",
    b"99999999999999999999999999999999999999999",
    b"19700101",
    b"20261332256199.99999+9999",
];

/// An input made of another one, with pieces of a third.
pub(crate) fn mutate(dice: &mut Dice, grain: Grain, words: &[&'static [u8]], input: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=dice.below(4) {
        bytes = match (dice.below(3), grain) {
            (0, _) => of_bytes(dice, words, &bytes, other),
            (_, Grain::Cut(separators)) => of_pieces(dice, separators, words, &bytes, other),
            (_, Grain::Markup) => of_elements(dice, words, &bytes, other),
        };
        bytes.truncate(LARGEST);
    }
    bytes
}

fn one_of(dice: &mut Dice, all: &[&'static [u8]]) -> &'static [u8] {
    all[dice.below(all.len())]
}

/// A range of at most `most` bytes.
fn range(dice: &mut Dice, of: &[u8], most: usize) -> Range<usize> {
    let from = dice.below(of.len() + 1);
    let length = dice.below(most.min(of.len() - from) + 1);
    from..from + length
}

fn spliced(bytes: &[u8], gone: Range<usize>, new: &[u8]) -> Vec<u8> {
    [&bytes[..gone.start], new, &bytes[gone.end..]].concat()
}

fn of_bytes(dice: &mut Dice, words: &[&'static [u8]], bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let at = dice.below(bytes.len() + 1);
    match dice.below(10) {
        0 if at < bytes.len() => {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << dice.below(8);
            changed
        }
        1 if at < bytes.len() => {
            let mut changed = bytes.to_vec();
            changed[at] = dice.below(256) as u8;
            changed
        }
        2 => spliced(bytes, at..at, one_of(dice, &ODD)),
        3 if !words.is_empty() => spliced(bytes, at..at, one_of(dice, words)),
        4 => {
            let gone = range(dice, bytes, 64);
            spliced(bytes, gone, b"")
        }
        5 => {
            let again = range(dice, bytes, 256);
            spliced(bytes, at..at, &bytes[again])
        }
        6 => {
            let (gone, new) = (range(dice, bytes, 256), range(dice, other, 256));
            spliced(bytes, gone, &other[new])
        }
        7 => bytes[..at].to_vec(),
        8 => {
            let number = digits(dice, bytes);
            spliced(bytes, number, one_of(dice, &NUMBERS))
        }
        _ => {
            let piece = range(dice, bytes, 16);
            let many = bytes[piece.clone()].repeat(1 << dice.below(11));
            spliced(bytes, piece, &many)
        }
    }
}

/// A run of digits somewhere after a place drawn by chance; an empty range when there is none.
fn digits(dice: &mut Dice, bytes: &[u8]) -> Range<usize> {
    let begin = dice.below(bytes.len() + 1);
    let Some(from) = bytes[begin..].iter().position(u8::is_ascii_digit).map(|it| begin + it) else {
        return begin..begin;
    };
    let length = bytes[from..].iter().take_while(|it| it.is_ascii_digit()).count();
    from..from + length
}

/// Cut at one of the separators, pieces are lost, doubled, exchanged, brought in from elsewhere.
fn of_pieces(
    dice: &mut Dice,
    separators: &[&'static [u8]],
    words: &[&'static [u8]],
    bytes: &[u8],
    other: &[u8],
) -> Vec<u8> {
    let separator = one_of(dice, separators);
    let mut pieces = cut(bytes, separator);
    let foreign = cut(other, separator);
    let (one, two) = (dice.below(pieces.len()), dice.below(pieces.len()));
    match dice.below(11) {
        0 => drop(pieces.remove(one)),
        1 => pieces.insert(one, pieces[two]),
        2 => pieces.swap(one, two),
        3 => {
            let moved = pieces.remove(one);
            pieces.insert(two.min(pieces.len()), moved);
        }
        4 => pieces[one] = foreign[dice.below(foreign.len())],
        5 => pieces.insert(one, foreign[dice.below(foreign.len())]),
        6 => pieces[one] = b"",
        7 if !words.is_empty() => pieces[one] = one_of(dice, words),
        8 => {
            let piece = pieces[one];
            (0..1 << dice.below(9)).for_each(|_| pieces.insert(one, piece));
        }
        9 => {
            let from = dice.below(foreign.len());
            let to = from + dice.below(8.min(foreign.len() - from) + 1);
            pieces.splice(one..one, foreign[from..to].iter().copied());
        }
        _ => pieces.truncate(one + 1),
    }
    pieces.join(separator)
}

fn cut<'a>(bytes: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while !separator.is_empty() && at + separator.len() <= bytes.len() {
        if bytes[at..].starts_with(separator) {
            pieces.push(&bytes[from..at]);
            at += separator.len();
            from = at;
        } else {
            at += 1;
        }
    }
    pieces.push(&bytes[from..]);
    pieces
}

/// Elements are lost, doubled, put into each other, brought in from elsewhere; attributes likewise.
fn of_elements(dice: &mut Dice, words: &[&'static [u8]], bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let (here, there) = (elements(bytes), elements(other));
    if here.is_empty() {
        return of_bytes(dice, words, bytes, other);
    }
    let one = dice.one_of(&here).clone();
    let two = dice.one_of(&here).clone();
    let tag = one.start..one.start + bytes[one.clone()].iter().position(|it| *it == b'>').map_or(1, |it| it + 1);
    match dice.below(9) {
        0 => spliced(bytes, one, b""),
        1 => spliced(bytes, two.start..two.start, &bytes[one]),
        2 => spliced(bytes, two, &bytes[one]),
        3 if !there.is_empty() => spliced(bytes, one, &other[dice.one_of(&there).clone()]),
        4 if !there.is_empty() => spliced(bytes, tag.end..tag.end, &other[dice.one_of(&there).clone()]),
        5 => {
            let attributes: Vec<Range<usize>> = attributes(&bytes[tag.clone()])
                .into_iter()
                .map(|it| it.start + tag.start..it.end + tag.start)
                .collect();
            if attributes.is_empty() {
                return spliced(bytes, tag, b"");
            }
            let gone = dice.one_of(&attributes).clone();
            match dice.below(3) {
                0 => spliced(bytes, gone, b""),
                1 => spliced(bytes, gone.start..gone.start, &bytes[gone.clone()]),
                _ => spliced(bytes, gone, &[b" ", one_of(dice, &ODD), b"=\"1\""].concat()),
            }
        }
        6 if !words.is_empty() => spliced(bytes, tag.end..tag.end, one_of(dice, words)),
        7 => {
            // Deep nesting, as often as not without its end.
            let open = bytes[tag.clone()].repeat(1 << dice.below(12));
            spliced(bytes, tag, &open)
        }
        _ => spliced(bytes, one.end..one.end, &bytes[two].repeat(1 << dice.below(6))),
    }
}

/// From the beginning of each start tag to the end of its element.
fn elements(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Vec<(usize, &[u8])> = Vec::new();
    let mut at = 0;
    while let Some(start) = bytes[at..].iter().position(|it| *it == b'<').map(|it| at + it) {
        let Some(end) = bytes[start..].iter().position(|it| *it == b'>').map(|it| start + it + 1) else { break };
        let tag = &bytes[start + 1..end - 1];
        match tag.first() {
            Some(b'/') => {
                if let Some(place) = open.iter().rposition(|(_, name)| *name == &tag[1..]) {
                    found.push(open[place].0..end);
                    open.truncate(place);
                }
            }
            Some(it) if it.is_ascii_alphabetic() => match tag.last() {
                Some(b'/') => found.push(start..end),
                _ => {
                    let length = tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len());
                    open.push((start, &tag[..length]));
                }
            },
            _ => {}
        }
        at = end;
    }
    found
}

/// ` name="value"` in a start tag.
fn attributes(tag: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(equals) = tag[at..].windows(2).position(|it| it == b"=\"").map(|it| at + it) {
        let from = tag[..equals].iter().rposition(u8::is_ascii_whitespace).unwrap_or(0);
        let Some(end) = tag[equals + 2..].iter().position(|it| *it == b'"').map(|it| equals + 3 + it) else { break };
        found.push(from..end);
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_and_put_together_again() {
        for (bytes, separator) in [(&b"a|b||c|"[..], &b"|"[..]), (b"", b"|"), (b"\r\n\r\n", b"\r\n"), (b"abc", b"")] {
            assert_eq!(cut(bytes, separator).join(separator), bytes);
        }
    }

    #[test]
    fn elements_and_attributes_are_found() {
        let text = b"<a x=\"1\"><b/><c y=\"2\" z=\"3\">t</c><d></a>";
        let found: Vec<&[u8]> = elements(text).into_iter().map(|it| &text[it]).collect();
        assert_eq!(found, [&b"<b/>"[..], b"<c y=\"2\" z=\"3\">t</c>", text]);
        let tag = b"<c y=\"2\" z=\"3\">";
        let found: Vec<&[u8]> = attributes(tag).into_iter().map(|it| &tag[it]).collect();
        assert_eq!(found, [&b" y=\"2\""[..], b" z=\"3\""]);
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        let made = |seed| {
            let mut dice = Dice::new(seed);
            let grain = Grain::Cut(&[b"\r", b"|"]);
            let mut make = || mutate(&mut dice, grain, &[b"OBX"], b"MSH|^~\\&|A\rPID|1", b"MSH|^~\\&|B\rOBX|1|2");
            (0..200).map(|_| make()).collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }
}
