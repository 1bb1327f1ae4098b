//! Registrations: invented people as a front desk writes them down, and the same people written down once more, with the
//! mistakes and changes of life that make duplicates: nicknames, slips, turned dates, marriages, removals. Matching
//! learns its weights from them (`care::identity`), and searches are measured on them. As elsewhere in the demo,
//! the seed and the number of a person decide everything.

use super::calendar::Day;
use super::dice::Dice;
use super::tables::{Culture, Tables};
use fhir::Value;
use serde_json::json;

const FOR_HOUSEHOLD: u64 = 21;
const FOR_REGISTRATION: u64 = 22;
const FOR_MISTAKES: u64 = 23;
/// People of a household, at most.
const HOUSEHOLD: u64 = 3;

/// Parts of family names that no table holds.
const BEGINNINGS: [&str; 24] = [
    "Bar", "Bel", "Cal", "Car", "Dor", "El", "Fal", "Gar", "Hal", "Jar", "Kel", "Lan", "Mar", "Nor", "Or", "Pel",
    "Quin", "Ros", "Sal", "Tor", "Ul", "Ver", "Wal", "Yar",
];
const MIDDLES: [&str; 16] =
    ["a", "be", "ci", "de", "e", "fi", "ga", "i", "la", "me", "ni", "o", "ra", "sti", "ta", "vo"];
const ENDS: [&str; 20] = [
    "bury", "court", "dale", "der", "ford", "gren", "ham", "kin", "ley", "man", "mont", "nett", "quist", "rado", "sen",
    "ski", "ton", "vez", "well", "zek",
];

pub struct Registrations {
    tables: Tables,
    seed: u64,
}

struct Facts {
    given: String,
    nickname: Option<&'static str>,
    middle: String,
    family: String,
    female: bool,
    day: Day,
    line: String,
    town: (String, String, String),
    phone: String,
    email: String,
    social: String,
}

impl Registrations {
    pub fn new(seed: u64) -> Registrations {
        Registrations { tables: Tables::read(), seed }
    }

    /// A person as first written down.
    pub fn patient(&self, number: u64) -> Value {
        let mut dice = Dice::of(&[self.seed, FOR_MISTAKES, number, 0]);
        let facts = self.facts(number);
        self.written(&format!("p{number}"), &facts, &facts.given, &facts.family, &birth(facts.day), &mut dice)
    }

    /// The same person as written down another time.
    pub fn again(&self, number: u64, time: u64) -> Value {
        let mut dice = Dice::of(&[self.seed, FOR_MISTAKES, number, time]);
        let mut facts = self.facts(number);
        let mut given = match (dice.weighted(&[0.8, 0.09, 0.07, 0.02, 0.02]), facts.nickname) {
            (1, Some(nickname)) => nickname.to_owned(),
            (2, _) => slip(&facts.given, &mut dice),
            (3, _) => facts.given.chars().take(1).collect(),
            (4, _) => facts.middle.clone(),
            _ => facts.given.clone(),
        };
        let mut family = match dice.weighted(&[0.85, 0.07, 0.05, 0.03]) {
            1 => slip(&facts.family, &mut dice),
            2 => self.family(&mut dice, number),
            3 => format!("{}-{}", facts.family, self.family(&mut dice, number)),
            _ => facts.family.clone(),
        };
        if dice.chance(0.015) {
            std::mem::swap(&mut given, &mut family);
        }
        let born = match dice.weighted(&[0.9, 0.04, 0.02, 0.01, 0.02, 0.01]) {
            1 => digit_slip(&birth(facts.day), &mut dice),
            2 => {
                let (year, month, day) = facts.day.civil();
                if day <= 12 { format!("{year:04}-{day:02}-{month:02}") } else { birth(facts.day.plus(1)) }
            }
            3 => birth(facts.day.plus(dice.between(-900, 900))),
            4 => String::new(),
            5 => birth(facts.day)[..4].to_owned(),
            _ => birth(facts.day),
        };
        if dice.chance(0.2) {
            let moved = self.facts(number.wrapping_mul(31).wrapping_add(7_000_003));
            // Most stay in their town.
            facts.line = moved.line;
            if dice.chance(0.4) {
                facts.town = moved.town;
            }
        } else if dice.chance(0.12) {
            facts.line = slip(&facts.line, &mut dice);
        }
        if dice.chance(0.2) {
            facts.phone = phone(&mut dice);
        } else if dice.chance(0.03) {
            facts.phone = digit_slip(&facts.phone, &mut dice);
        }
        if dice.chance(0.1) {
            facts.email = format!("{}{}@example.net", letters(&facts.family), dice.below(10_000));
        }
        if dice.chance(0.05) {
            facts.social = digit_slip(&facts.social, &mut dice);
            if dice.chance(0.25) {
                facts.social = digit_slip(&facts.social, &mut dice);
            }
        } else if dice.chance(0.02) {
            // Somebody else's, or one that was never given.
            facts.social = social(&mut dice);
        }
        facts.female ^= dice.chance(0.005);
        self.written(&format!("p{number}-{time}"), &facts, &given, &family, &born, &mut dice)
    }

    fn written(&self, id: &str, facts: &Facts, given: &str, family: &str, born: &str, dice: &mut Dice) -> Value {
        let mut names = vec![given];
        if dice.chance(0.3) {
            names.push(&facts.middle);
        }
        let mut it = json!({
            "resourceType": "Patient",
            "id": id,
            "name": [{ "use": "official", "family": family, "given": names }],
            "gender": if dice.chance(0.01) { "unknown" } else if facts.female { "female" } else { "male" },
        });
        if !born.is_empty() {
            it["birthDate"] = json!(born);
        }
        let mut telecom = Vec::new();
        if dice.chance(0.85) {
            telecom.push(json!({ "system": "phone", "value": facts.phone }));
        }
        if dice.chance(0.4) {
            telecom.push(json!({ "system": "email", "value": facts.email }));
        }
        if !telecom.is_empty() {
            it["telecom"] = json!(telecom);
        }
        if dice.chance(0.93) {
            let (city, state, postal) = &facts.town;
            it["address"] = json!([{ "line": [facts.line], "city": city, "state": state, "postalCode": postal }]);
        }
        if dice.chance(0.5) {
            it["identifier"] = json!([{ "system": "http://hl7.org/fhir/sid/us-ssn", "value": facts.social }]);
        }
        it
    }

    fn facts(&self, number: u64) -> Facts {
        let household = number / HOUSEHOLD;
        let mut home = Dice::of(&[self.seed, FOR_HOUSEHOLD, household]);
        let mut dice = Dice::of(&[self.seed, FOR_REGISTRATION, number]);
        let culture = self.culture(household);
        let shared_family = self.family(&mut home, household * HOUSEHOLD);
        let street = *home.pick(&self.tables.streets);
        let line = format!("{} {street}", home.between(1, 2_400));
        let town = home.pick(&self.tables.towns);
        // As many towns as a region has, each with postal codes of its own.
        let place = home.below(400);
        let (middle, end) = (MIDDLES[place / BEGINNINGS.len() % MIDDLES.len()], ENDS[place % ENDS.len()]);
        let city = format!("{}{middle}{end}", BEGINNINGS[place % BEGINNINGS.len()]);
        let postal = format!("{:05}", 40_000 + place * 7 + home.below(7));
        let (shared_phone, oldest) = (phone(&mut home), home.between(6_000, 34_000));
        let together = !home.chance(0.3);
        let female = dice.chance(0.5);
        let name = dice.pick(if female { &culture.female } else { &culture.male });
        let middle = dice.pick(if female { &culture.female } else { &culture.male }).formal.to_owned();
        let age = match number % HOUSEHOLD {
            0 => oldest,
            1 => oldest - dice.between(-2_500, 2_500),
            _ => (oldest - dice.between(7_000, 13_000)).max(dice.between(20, 6_000)),
        };
        let family = if together || dice.chance(0.5) { shared_family } else { self.family(&mut dice, number) };
        let phone = if together && dice.chance(0.5) { shared_phone } else { phone(&mut dice) };
        let email = format!("{}.{}{}@example.org", letters(name.formal), letters(&family), dice.below(1_000));
        let social = social(&mut dice);
        Facts {
            given: name.formal.to_owned(),
            nickname: name.nickname,
            middle,
            family,
            female,
            day: Day::ymd(2026, 6, 1).plus(-age),
            line,
            town: (city, town.state.to_owned(), postal),
            phone,
            email,
            social,
        }
    }

    fn culture(&self, household: u64) -> &Culture {
        let shares: Vec<f64> = self.tables.cultures.iter().map(|it| it.share).collect();
        let at = Dice::of(&[self.seed, FOR_HOUSEHOLD, household, 1]).weighted(&shares);
        &self.tables.cultures[at]
    }

    /// Half of the families bear a name of the tables, the others one of the many that few bear.
    fn family(&self, dice: &mut Dice, number: u64) -> String {
        if dice.chance(0.5) {
            return (*dice.pick(&self.culture(number / HOUSEHOLD).family)).to_owned();
        }
        let middle = if dice.chance(0.6) { *dice.pick(&MIDDLES) } else { "" };
        format!("{}{middle}{}", dice.pick(&BEGINNINGS), dice.pick(&ENDS))
    }
}

fn birth(day: Day) -> String {
    let (year, month, day) = day.civil();
    format!("{year:04}-{month:02}-{day:02}")
}

fn letters(text: &str) -> String {
    fhir::search::fold(text).chars().filter(char::is_ascii_alphabetic).collect()
}

fn phone(dice: &mut Dice) -> String {
    format!("({}) 555-{:04}", 200 + dice.below(700), dice.below(10_000))
}

fn social(dice: &mut Dice) -> String {
    format!("{:03}-{:02}-{:04}", 1 + dice.below(898), 1 + dice.below(98), 1 + dice.below(9_998))
}

/// One letter too many, too few, another, or two the wrong way round.
fn slip(text: &str, dice: &mut Dice) -> String {
    let mut all: Vec<char> = text.chars().collect();
    if all.len() < 3 {
        return text.to_owned();
    }
    let at = 1 + dice.below(all.len() - 2);
    let other = char::from(b'a' + dice.below(26) as u8);
    match dice.below(4) {
        0 => all.insert(at, other),
        1 => drop(all.remove(at)),
        2 => all[at] = other,
        _ => all.swap(at, at + 1),
    }
    all.into_iter().collect()
}

/// One digit is another, or two stand the wrong way round; a date stays one.
fn digit_slip(text: &str, dice: &mut Dice) -> String {
    let places: Vec<usize> = text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
    for _ in 0..20 {
        let mut all = text.as_bytes().to_vec();
        let at = dice.below(places.len());
        if dice.chance(0.3) && at + 1 < places.len() {
            all.swap(places[at], places[at + 1]);
        } else {
            all[places[at]] = b'0' + dice.below(10) as u8;
        }
        let made = String::from_utf8(all).unwrap_or_default();
        let fits = made.matches('-').count() != 2 || text.len() != 10 || made.parse::<jiff::civil::Date>().is_ok();
        if fits && made != text {
            return made;
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_the_same_whoever_else_is_made_and_different_when_written_down_again() {
        let registrations = Registrations::new(7);
        assert_eq!(registrations.patient(37), registrations.patient(37));
        let changed = (0..200).filter(|it| {
            let (one, other) = (registrations.patient(*it), registrations.again(*it, 1));
            one["name"] != other["name"] || one["birthDate"] != other["birthDate"]
        });
        assert!((60..190).contains(&changed.count()));
    }

    #[test]
    fn what_is_written_down_is_a_patient() {
        let registrations = Registrations::new(7);
        for number in 0..300 {
            for it in [registrations.patient(number), registrations.again(number, 1)] {
                fhir::Draft::from_value(it.clone()).check().unwrap_or_else(|issues| panic!("{it}: {issues:?}"));
            }
        }
    }
}
