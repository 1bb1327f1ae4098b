//! Where something stands in a message: `OBX[2]-5.1.2` is the second OBX, field 5, component 1, subcomponent 2;
//! `PID-3[2].4` the fourth component of the second repetition. Everything counts from one, as the standard does.

use std::fmt;
use std::str::FromStr;

/// A place in a message. Zero means "not said": the whole of what is above it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub segment: String,
    /// Which of the segments of that name.
    pub occurrence: usize,
    pub field: usize,
    pub repetition: usize,
    pub component: usize,
    pub subcomponent: usize,
}

impl Place {
    pub fn segment(name: &str, occurrence: usize) -> Place {
        Place { segment: name.to_owned(), occurrence, field: 0, repetition: 0, component: 0, subcomponent: 0 }
    }

    pub fn field(name: &str, occurrence: usize, field: usize) -> Place {
        Place { field, ..Place::segment(name, occurrence) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.segment)?;
        if self.occurrence > 1 {
            write!(out, "[{}]", self.occurrence)?;
        }
        if self.field > 0 {
            write!(out, "-{}", self.field)?;
            if self.repetition > 1 {
                write!(out, "[{}]", self.repetition)?;
            }
            for part in [self.component, self.subcomponent].into_iter().take_while(|it| *it > 0) {
                write!(out, ".{part}")?;
            }
        }
        Ok(())
    }
}

/// What is wrong with a written place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place in a message is written like OBX[2]-5.1.2 or PID-3[2].4")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Place, NoPlace> {
        let (head, tail) = match text.split_once('-') {
            Some((head, tail)) => (head, Some(tail)),
            None => (text, None),
        };
        let (name, occurrence) = counted(head)?;
        let named = name.len() == 3 && name.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit());
        if !named {
            return Err(NoPlace);
        }
        let mut place = Place::segment(name, occurrence.unwrap_or(1));
        let Some(tail) = tail else { return Ok(place) };
        let mut parts = tail.split('.');
        let (field, repetition) = counted(parts.next().unwrap_or(""))?;
        place.field = number(field)?;
        place.repetition = repetition.unwrap_or(1);
        if let Some(part) = parts.next() {
            place.component = number(part)?;
        }
        if let Some(part) = parts.next() {
            place.subcomponent = number(part)?;
        }
        if parts.next().is_some() { Err(NoPlace) } else { Ok(place) }
    }
}

/// `name[2]` as its parts.
fn counted(text: &str) -> Result<(&str, Option<usize>), NoPlace> {
    match text.split_once('[') {
        None => Ok((text, None)),
        Some((name, rest)) => Ok((name, Some(number(rest.strip_suffix(']').ok_or(NoPlace)?)?))),
    }
}

fn number(text: &str) -> Result<usize, NoPlace> {
    match text.parse::<usize>() {
        Ok(count) if (1..=100_000).contains(&count) => Ok(count),
        _ => Err(NoPlace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_they_are_read() {
        for text in ["PID", "OBX[2]", "OBX[2]-5", "OBX[2]-5.1.2", "PID-3[2].4", "ZZ1-1", "MSH-9.2"] {
            assert_eq!(text.parse::<Place>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in
            ["", "PI", "pid-3", "PID-", "PID-0", "PID-3.1.1.1", "PID[0]-1", "PID[x", "PID-3[", "PID-99999999999"]
        {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
