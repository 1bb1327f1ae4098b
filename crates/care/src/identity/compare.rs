//! How far two persons agree, field by field. A field agrees at one of few levels, told apart by what goes wrong when
//! names and dates are heard, typed and changed; what is not known on either side says nothing.

use super::letters::{distance, likeness};
use super::nicknames;
use super::traits::{Born, Family, Place, Traits};
use crate::people::sounds;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Given,
    Family,
    Born,
    Sex,
    Home,
    Phone,
    Email,
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    Same,
    /// Another form of it: a nickname, a former name, one of two family names.
    Variant,
    /// Given and family name the wrong way round.
    Swapped,
    /// A slip of the pen or of the ear away.
    Close,
    /// Some of it: an initial, year and month, the town.
    Part,
    Other,
}

pub const FIELDS: [Field; 8] =
    [Field::Given, Field::Family, Field::Born, Field::Sex, Field::Home, Field::Phone, Field::Email, Field::Number];
pub const LEVELS: [Level; 6] = [Level::Same, Level::Variant, Level::Swapped, Level::Close, Level::Part, Level::Other];

impl Field {
    /// As it is called in tables and texts.
    pub fn name(self) -> &'static str {
        match self {
            Field::Given => "given",
            Field::Family => "family",
            Field::Born => "born",
            Field::Sex => "sex",
            Field::Home => "home",
            Field::Phone => "phone",
            Field::Email => "email",
            Field::Number => "number",
        }
    }
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Same => "same",
            Level::Variant => "variant",
            Level::Swapped => "swapped",
            Level::Close => "close",
            Level::Part => "part",
            Level::Other => "other",
        }
    }
}

/// The level of each of [`FIELDS`]; nothing where one side does not say.
pub type Pattern = [Option<Level>; 8];

pub fn compare(one: &Traits, other: &Traits) -> Pattern {
    let mut given = given(one, other);
    let mut family = family(one, other);
    if given == Some(Level::Other) && family == Some(Level::Other) {
        // Only one of the names may have been found again, on the wrong side.
        let [there, back] = swapped(one, other);
        given = Some(if there || back { Level::Swapped } else { Level::Other });
        family = Some(if there && back { Level::Swapped } else { Level::Other });
    }
    [
        given,
        family,
        one.born.zip(other.born).map(|(one, other)| born(one, other)),
        one.sex.zip(other.sex).map(|(one, other)| if one == other { Level::Same } else { Level::Other }),
        best(&one.places, &other.places, place),
        best(&one.phones, &other.phones, |one, other| phone(one, other)),
        best(&one.emails, &other.emails, |one, other| match distance(one, other, 1) {
            0 => Level::Same,
            1 => Level::Close,
            _ => Level::Other,
        }),
        number(one, other),
    ]
}

/// The best level of any two.
fn best<T>(one: &[T], other: &[T], level: impl Fn(&T, &T) -> Level) -> Option<Level> {
    one.iter().flat_map(|one| other.iter().map(|other| level(one, other)).collect::<Vec<_>>()).min()
}

/// A slip away: few letters, or the same to the ear.
fn is_close(one: &str, other: &str) -> bool {
    let shorter = one.chars().count().min(other.chars().count());
    if shorter < 3 {
        return false;
    }
    let slips = if shorter >= 7 { 2 } else { 1 };
    if distance(one, other, slips) <= slips || likeness(one, other) >= 0.92 {
        return true;
    }
    let sound = sounds::code(one);
    sound.chars().count() >= 3 && sound == sounds::code(other)
}

fn given(one: &Traits, other: &Traits) -> Option<Level> {
    let (first, second) = (one.first()?, other.first()?);
    if first == second {
        return Some(Level::Same);
    }
    // Two names in one: `mary ann` and `maryann`.
    if one.given.concat() == other.given.concat() || nicknames::may_be_one(first, second) {
        return Some(Level::Variant);
    }
    let all = |it: &Traits| it.given.iter().chain(&it.called).filter(|it| it.len() > 2).cloned().collect::<Vec<_>>();
    let (ours, theirs) = (all(one), all(other));
    let called = |name: &String, names: &[String]| names.iter().any(|it| it == name || nicknames::may_be_one(it, name));
    // One of them goes by the middle name.
    let main = |name: &str, names: &[String]| name.len() > 2 && called(&name.to_owned(), names);
    if main(first, &theirs) || main(second, &ours) {
        return Some(Level::Variant);
    }
    if is_close(first, second) {
        return Some(Level::Close);
    }
    let initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    let part = initial(first, second) || initial(second, first);
    Some(if part { Level::Part } else { Level::Other })
}

fn family(one: &Traits, other: &Traits) -> Option<Level> {
    let (ours, theirs) = (one.family.as_ref()?, other.family.as_ref()?);
    if ours.whole == theirs.whole {
        return Some(Level::Same);
    }
    let shares =
        |one: &Family, other: &Family| one.words.iter().any(|it| it.chars().count() > 3 && other.words.contains(it));
    let before = |now: &Family, former: &[Family]| former.iter().any(|it| it.whole == now.whole);
    if shares(ours, theirs) || before(ours, &other.former) || before(theirs, &one.former) {
        return Some(Level::Variant);
    }
    Some(if is_close(&ours.whole, &theirs.whole) { Level::Close } else { Level::Other })
}

/// Whether the given name of one is the family name of the other, there and back.
fn swapped(one: &Traits, other: &Traits) -> [bool; 2] {
    let like = |given: Option<&str>, family: Option<&Family>| {
        given.zip(family).is_some_and(|(given, family)| given == family.whole || is_close(given, &family.whole))
    };
    [like(one.first(), other.family.as_ref()), like(other.first(), one.family.as_ref())]
}

fn born(one: Born, other: Born) -> Level {
    let (Some(ours), Some(theirs)) = (one.digits(), other.digits()) else {
        // One of them knows the year or the month only.
        let month = one.month.zip(other.month).is_none_or(|(one, other)| one == other);
        return if one.year == other.year && month { Level::Part } else { Level::Other };
    };
    if ours == theirs {
        return Level::Same;
    }
    let turned = one.year == other.year && one.month == other.day && one.day == other.month;
    if turned || distance(&ours, &theirs, 1) == 1 {
        return Level::Close;
    }
    let same = [one.year == other.year, one.month == other.month, one.day == other.day];
    let slips = ours.bytes().zip(theirs.bytes()).filter(|(one, other)| one != other).count();
    let two = same.into_iter().filter(|it| *it).count() == 2;
    if two || slips == 2 { Level::Part } else { Level::Other }
}

fn place(one: &Place, other: &Place) -> Level {
    let told = |one: &str, other: &str| !one.is_empty() && !other.is_empty();
    let same = |one: &str, other: &str| told(one, other) && (one == other || is_close(one, other));
    let number = one.number.as_ref().zip(other.number.as_ref());
    let number = number.is_some_and(|(one, other)| one == other);
    let street = one.streets.iter().any(|one| other.streets.iter().any(|other| same(one, other)));
    let city = same(&one.city, &other.city);
    let postal = told(&one.postal, &other.postal) && distance(&one.postal, &other.postal, 1) <= 1;
    match (street, number, postal || city) {
        (true, true, true) => Level::Same,
        (true, true, false) | (true, false, true) | (false, true, true) => Level::Close,
        // Elm Street is in every town.
        (false, false, true) => Level::Part,
        _ => Level::Other,
    }
}

fn phone(one: &str, other: &str) -> Level {
    let end = |it: &str| it[it.len() - 7..].to_owned();
    match distance(one, other, 1) {
        0 => Level::Same,
        1 => Level::Close,
        // The code of the area was left out.
        _ if one.len() != other.len() && end(one) == end(other) => Level::Close,
        _ => Level::Other,
    }
}

fn number(one: &Traits, other: &Traits) -> Option<Level> {
    let mut found: Option<Level> = None;
    for ours in &one.numbers {
        for theirs in other.numbers.iter().filter(|it| it.system == ours.system) {
            let long = ours.lasting && ours.value.len() >= 7;
            let level = match distance(&ours.value, &theirs.value, 2) {
                0 => Level::Same,
                1 if long => Level::Close,
                2 if long => Level::Part,
                // A place gives one person two numbers when it takes them for two: that is what is asked here.
                _ if !ours.lasting => continue,
                _ => Level::Other,
            };
            found = Some(found.map_or(level, |it| it.min(level)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn jane() -> Value {
        json!({"name": [{"family": "Okafor", "given": ["Jane", "Ngozi"]}], "gender": "female",
            "birthDate": "1970-05-09", "telecom": [{"system": "phone", "value": "740 555 0188"}],
            "address": [{"line": ["12 Elm St"], "city": "Mill Hollow", "postalCode": "43993"}],
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-ssn", "value": "123-45-6789"}]})
    }

    #[test]
    fn each_field_agrees_at_the_level_of_its_mistake() {
        for (path, value, at, expected) in [
            ("/name/0/given/0", json!("Jane"), 0, Level::Same),
            ("/name/0/given/0", json!("Jenny"), 0, Level::Variant),
            ("/name/0/given", json!(["Ngozi"]), 0, Level::Variant),
            ("/name/0/given/0", json!("Jnae"), 0, Level::Close),
            ("/name/0/given", json!(["J"]), 0, Level::Part),
            ("/name/0/given", json!(["Robert"]), 0, Level::Other),
            ("/name/0/family", json!("Okaphor"), 1, Level::Close),
            ("/name/0/family", json!("Okafor-Smith"), 1, Level::Variant),
            ("/name/0/family", json!("Smith"), 1, Level::Other),
            ("/birthDate", json!("1970-09-05"), 2, Level::Close),
            ("/birthDate", json!("1907-05-09"), 2, Level::Close),
            ("/birthDate", json!("1970"), 2, Level::Part),
            ("/birthDate", json!("1984-11-23"), 2, Level::Other),
            ("/gender", json!("male"), 3, Level::Other),
            ("/address/0/line/0", json!("12 Elm Street"), 4, Level::Same),
            ("/address/0/line/0", json!("99 Oak Lane"), 4, Level::Part),
            (
                "/address/0",
                json!({"line": ["99 Oak Lane"], "city": "Lakeside", "postalCode": "10001"}),
                4,
                Level::Other,
            ),
            ("/telecom/0/value", json!("+1 740-555-0189"), 5, Level::Close),
            ("/identifier/0/value", json!("123456798"), 7, Level::Close),
            ("/identifier/0/value", json!("222334444"), 7, Level::Other),
        ] {
            let mut it = jane();
            *it.pointer_mut(path).unwrap() = value;
            let pattern = compare(&Traits::of(&jane()), &Traits::of(&it));
            assert_eq!(pattern[at], Some(expected), "{path} {it}");
            assert_eq!(pattern, compare(&Traits::of(&it), &Traits::of(&jane())), "both ways: {path}");
        }
    }

    #[test]
    fn names_the_wrong_way_round_are_seen_and_what_is_missing_says_nothing() {
        let mut it = jane();
        it["name"] = json!([{"family": "Jane", "given": ["Okafor"]}]);
        let pattern = compare(&Traits::of(&jane()), &Traits::of(&it));
        assert_eq!(pattern[..2], [Some(Level::Swapped), Some(Level::Swapped)]);
        assert_eq!(compare(&Traits::of(&jane()), &Traits::default()), [None; 8]);
    }
}
