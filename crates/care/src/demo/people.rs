//! Who the demo people are: households with an address, names, ages, who knows them and under which identity.
//! People come in blocks of twelve; a block is divided into households by its own seed, so person 37 is the same
//! whether fifty or a hundred thousand are asked for. The first block holds the named stories.

use super::Org;
use super::calendar::Day;
use super::dice::{Dice, hash};
use super::tables::{Culture, GivenName, Tables};

pub(super) const BLOCK: usize = 12;

/// What the seeds are for. A new purpose gets a new number, so that old draws stay what they were.
pub(super) const FOR_BLOCK: u64 = 1;
pub(super) const FOR_PERSON: u64 = 2;
pub(super) const FOR_LIFE: u64 = 3;
pub(super) const FOR_IDS: u64 = 4;

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Difference {
    None,
    Maiden,
    Nickname,
    BirthDate,
    Typo,
    Contact,
}

#[derive(Clone)]
pub(super) struct Relative {
    /// HL7 v3 RoleCode: SPS, MTH, FTH, CHILD, SIGOTHR, SIS …
    pub(super) relation: (&'static str, &'static str),
    pub(super) given: &'static str,
    pub(super) family: String,
    pub(super) female: bool,
    /// Lives at the same address.
    pub(super) at_home: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Birth {
    pub(super) day: Day,
    pub(super) cesarean: bool,
    pub(super) female: bool,
}

#[derive(Clone)]
pub(super) struct Home {
    pub(super) line: String,
    pub(super) town: usize,
    pub(super) phone: String,
    pub(super) since: Day,
}

#[derive(Clone)]
pub(super) struct Person {
    pub(super) seed: u64,
    pub(super) female: bool,
    pub(super) birth: Day,
    pub(super) death: Option<Day>,
    pub(super) culture: usize,
    pub(super) given: GivenName,
    pub(super) middle: Option<&'static str>,
    pub(super) family: String,
    pub(super) maiden: Option<String>,
    pub(super) home: Home,
    pub(super) old_home: Home,
    pub(super) riverside: bool,
    pub(super) lakeside: bool,
    pub(super) difference: Difference,
    pub(super) relatives: Vec<Relative>,
    /// Children this woman bore, first to last; a coming one is in `due`.
    pub(super) births: Vec<Birth>,
    pub(super) due: Option<Day>,
    /// How this person was born, where the household holds the mother.
    pub(super) own_birth: Option<Birth>,
    pub(super) story: Option<usize>,
}

impl Person {
    pub(super) fn known_at(&self, org: Org) -> bool {
        match org {
            Org::Riverside => self.riverside,
            Org::Lakeside => self.lakeside,
        }
    }

    pub(super) fn known_at_both(&self) -> bool {
        self.riverside && self.lakeside
    }
}

/// How one organisation writes the person down.
pub(super) struct Identity {
    pub(super) family: String,
    pub(super) given: Vec<String>,
    pub(super) former_family: Option<String>,
    pub(super) birth: Day,
    pub(super) phone: String,
    pub(super) home: Home,
    pub(super) email: Option<String>,
    pub(super) record_number: String,
}

/// Makes the twelve people of a block.
pub(super) fn block(tables: &Tables, seed: u64, block: u64, today: Day) -> Vec<Person> {
    let mut dice = Dice::of(&[seed, FOR_BLOCK, block]);
    let mut people = Vec::with_capacity(BLOCK);
    if block == 0 {
        for story in 0..tables.stories.len() {
            people.push(story_person(tables, story, &mut dice, today));
        }
    }
    while people.len() < BLOCK {
        let room = BLOCK - people.len();
        let size = (1 + dice.weighted(&[0.34, 0.26, 0.14, 0.17, 0.09])).min(room);
        household(tables, size, &mut dice, today, &mut people);
    }
    for (place, person) in people.iter_mut().enumerate() {
        person.seed = hash(&[seed, FOR_PERSON, block * BLOCK as u64 + place as u64]);
    }
    people
}

fn given_name(culture: &Culture, female: bool, dice: &mut Dice) -> GivenName {
    *dice.pick(if female { &culture.female } else { &culture.male })
}

/// Polish surnames in -ski end in -ska for women.
fn for_sex(family: &str, female: bool) -> String {
    match family.strip_suffix("ski") {
        Some(stem) if female => format!("{stem}ska"),
        _ => family.to_owned(),
    }
}

fn surname(culture: &Culture, dice: &mut Dice) -> String {
    let first = *dice.pick(&culture.family);
    if !culture.second_surname {
        return first.to_owned();
    }
    let second = *dice.pick(&culture.family);
    if second == first { first.to_owned() } else { format!("{first} {second}") }
}

fn home(tables: &Tables, dice: &mut Dice, today: Day) -> Home {
    let number = dice.between(2, 980);
    let flat = if dice.chance(0.2) { format!(", Apt {}", dice.between(1, 24)) } else { String::new() };
    Home {
        line: format!("{number} {}{flat}", dice.pick(&tables.streets)),
        town: dice.below(tables.towns.len()),
        phone: phone(dice),
        since: today.plus(-dice.between(400, 6_000)),
    }
}

/// The numbers 555-0100 to 555-0199 are kept for fiction.
fn phone(dice: &mut Dice) -> String {
    let area = dice.pick(&["614", "740", "419", "513", "937"]);
    format!("({area}) 555-01{:02}", dice.below(100))
}

struct Adult {
    female: bool,
    age: f64,
    family: String,
    maiden: Option<String>,
}

fn household(tables: &Tables, size: usize, dice: &mut Dice, today: Day, people: &mut Vec<Person>) {
    let shares: Vec<f64> = tables.cultures.iter().map(|it| it.share).collect();
    let culture_index = dice.weighted(&shares);
    let culture = &tables.cultures[culture_index];
    let (home_now, home_before) = (home(tables, dice, today), home(tables, dice, today));
    let known = dice.weighted(&[0.38, 0.34, 0.28]);
    let single_parent = size == 2 && dice.chance(0.3) || size == 3 && dice.chance(0.25);
    let adults_count = if size == 1 || single_parent { 1 } else { 2 };
    let children_count = size - adults_count;

    // Children first: the mother's age follows from theirs.
    let mut mother_ages = Vec::new();
    let mut at = dice.range(20.5, 31.0);
    for _ in 0..children_count {
        mother_ages.push(at);
        at += dice.range(1.4, 4.2);
    }
    let last_child_age = dice.range(0.05, 17.0);
    let mother_age = mother_ages.last().map(|last| last + last_child_age);

    let mut adults: Vec<Adult> = Vec::new();
    let first_age = mother_age.unwrap_or_else(|| match dice.weighted(&[0.2, 0.3, 0.34, 0.16]) {
        0 => dice.range(20.0, 35.0),
        1 => dice.range(35.0, 55.0),
        2 => dice.range(55.0, 75.0),
        _ => dice.range(75.0, 95.0),
    });
    let first_female = children_count > 0 || dice.chance(0.5);
    let own_family = surname(culture, dice);
    if adults_count == 2 {
        let second_female = if children_count == 0 && dice.chance(0.05) { first_female } else { !first_female };
        let second_family = surname(culture, dice);
        let takes_name = !culture.second_surname && first_female != second_female && dice.chance(0.72);
        let (mut hers, mut his) = (own_family.clone(), second_family.clone());
        if !first_female {
            std::mem::swap(&mut hers, &mut his);
        }
        let wife = |female: bool, own: &str, other: &str| {
            let (family, maiden) = if female && takes_name { (other, Some(own)) } else { (own, None) };
            (for_sex(family, female), maiden.map(|it| for_sex(it, female)).filter(|it| *it != for_sex(family, female)))
        };
        let (family, maiden) = wife(first_female, &own_family, &second_family);
        adults.push(Adult { female: first_female, age: first_age, family, maiden });
        let (family, maiden) = wife(second_female, &second_family, &own_family);
        let age = (first_age + dice.range(-3.0, 5.0)).clamp(19.0, 96.0);
        adults.push(Adult { female: second_female, age, family, maiden });
    } else {
        adults.push(Adult {
            female: first_female,
            age: first_age,
            family: for_sex(&own_family, first_female),
            maiden: None,
        });
    }

    let child_family = |female: bool| -> String {
        let father = adults.get(1).map_or(&adults[0], |it| it);
        let first = |name: &str| name.split(' ').next().expect("a name has a first word").to_owned();
        if culture.second_surname && adults.len() == 2 {
            let (one, other) = (first(&father.family), first(&adults[0].family));
            return if one == other { one } else { format!("{one} {other}") };
        }
        for_sex(&father.family.replace("ska", "ski"), female)
    };

    let start = people.len();
    for adult in &adults {
        let birth = today.plus(-(adult.age * 365.25) as i32);
        let age = adult.age;
        let dies = match age as i32 {
            ..40 => 0.004,
            40..60 => 0.012,
            60..70 => 0.04,
            70..80 => 0.09,
            80..88 => 0.18,
            _ => 0.32,
        };
        let death_ago = dice.between(20, 1_500);
        let death = (dice.chance(dies) && children_count == 0).then(|| today.plus(-death_ago));
        let person = person(culture_index, culture, adult.female, birth, dice, &home_now, &home_before);
        people.push(Person { death, family: adult.family.clone(), maiden: adult.maiden.clone(), ..person });
    }
    for mother_age_then in &mother_ages {
        let age = adults[0].age - mother_age_then;
        let female = dice.chance(0.49);
        let day = today.plus(-((age * 365.25) as i32).max(3));
        let birth = Birth { day, cesarean: dice.chance(0.3), female };
        people[start].births.push(birth);
        let family = child_family(female);
        let person = person(culture_index, culture, female, day, dice, &home_now, &home_before);
        people.push(Person { family, own_birth: Some(birth), ..person });
    }
    // A few women are pregnant now.
    for place in start..start + adults.len() {
        let age = adults[place - start].age;
        let last = people[place].births.last().map(|it| it.day);
        let free = last.is_none_or(|it| today.since(it) > 500) && people[place].death.is_none();
        let due = today.plus(dice.between(10, 230));
        if dice.chance(0.07) && people[place].female && (20.0..40.0).contains(&age) && free {
            people[place].due = Some(due);
        }
    }
    // Relatives know each other, and the household mostly goes to the same places.
    let facts: Vec<_> = people[start..].iter().map(|it| (it.given.formal, it.family.clone(), it.female)).collect();
    let child_from = adults.len();
    for place in 0..facts.len() {
        let mut relatives = Vec::new();
        for (other, (given, family, female)) in facts.iter().enumerate() {
            let relation = match (place < child_from, other < child_from) {
                (true, true) if other != place => ("SPS", "spouse"),
                (true, false) => ("CHILD", "child"),
                (false, true) if *female => ("MTH", "mother"),
                (false, true) => ("FTH", "father"),
                _ => continue,
            };
            relatives.push(Relative { relation, given, family: family.clone(), female: *female, at_home: true });
        }
        let lone = relatives.is_empty();
        let female = dice.chance(0.5);
        let kin = Relative {
            relation: if female { ("SIS", "sister") } else { ("BRO", "brother") },
            given: given_name(culture, female, dice).formal,
            family: for_sex(&facts[place].1, female),
            female,
            at_home: false,
        };
        if lone && dice.chance(0.75) {
            relatives.push(kin);
        }
        let person = &mut people[start + place];
        person.relatives = relatives;
        let stray = dice.chance(0.08);
        (person.riverside, person.lakeside) = match known {
            0 if stray => (true, false),
            0 => (true, true),
            1 => (true, false),
            _ => (false, true),
        };
        let draw = dice.weighted(&[0.24, 0.22, 0.2, 0.2, 0.14]);
        let kinds =
            [Difference::None, Difference::Nickname, Difference::BirthDate, Difference::Typo, Difference::Contact];
        person.difference = differing(
            person,
            if person.maiden.is_some() && dice.chance(0.5) { Difference::Maiden } else { kinds[draw] },
            today,
        );
    }
}

/// Some differences need something to differ in; then another one takes their place.
fn differing(person: &Person, wanted: Difference, today: Day) -> Difference {
    if !person.known_at_both() {
        return Difference::None;
    }
    match wanted {
        Difference::Nickname if person.given.nickname.is_none() => Difference::Typo,
        // A birth date moved by weeks would put a child's first visits before its birth.
        Difference::BirthDate if today.years_since(person.birth) < 30.0 || moved_birth(person.birth).is_none() => {
            Difference::Contact
        }
        Difference::Maiden if person.maiden.is_none() => Difference::Typo,
        other => other,
    }
}

fn person(
    culture_index: usize,
    culture: &Culture,
    female: bool,
    birth: Day,
    dice: &mut Dice,
    home: &Home,
    old_home: &Home,
) -> Person {
    let given = given_name(culture, female, dice);
    let middle = given_name(culture, female, dice).formal;
    let has_middle = dice.chance(0.45) && !culture.second_surname && middle != given.formal && !middle.contains(' ');
    let mut own_home = home.clone();
    if dice.chance(0.5) {
        own_home.phone = phone(dice);
    }
    own_home.since = own_home.since.max(birth);
    let mut old_home = old_home.clone();
    old_home.since = birth.max(own_home.since.plus(-1_500));
    Person {
        seed: 0,
        female,
        birth,
        death: None,
        culture: culture_index,
        given,
        middle: has_middle.then_some(middle),
        family: String::new(),
        maiden: None,
        home: own_home,
        old_home,
        riverside: true,
        lakeside: false,
        difference: Difference::None,
        relatives: Vec::new(),
        births: Vec::new(),
        due: None,
        own_birth: None,
        story: None,
    }
}

fn story_person(tables: &Tables, index: usize, dice: &mut Dice, today: Day) -> Person {
    let story = &tables.stories[index];
    let culture_index =
        tables.cultures.iter().position(|it| it.key == story.culture).expect("tables are tested to agree");
    let culture = &tables.cultures[culture_index];
    let (now, before) = (home(tables, dice, today), home(tables, dice, today));
    let birth = today.plus(-(story.months * 30.4375) as i32);
    let person = person(culture_index, culture, story.female, birth, dice, &now, &before);
    let family = for_sex(&surname(culture, dice), story.female);
    let difference = match story.difference {
        "maiden" => Difference::Maiden,
        "nickname" => Difference::Nickname,
        "birthdate" => Difference::BirthDate,
        "typo" => Difference::Typo,
        _ => Difference::None,
    };
    let child = story.months < 216.0;
    let kin_female = child || dice.chance(0.5);
    let relative = Relative {
        relation: match (child, kin_female) {
            (true, _) => ("MTH", "mother"),
            (false, true) => ("SIS", "sister"),
            (false, false) => ("BRO", "brother"),
        },
        given: given_name(culture, kin_female, dice).formal,
        family: for_sex(&family.replace("ska", "ski"), kin_female),
        female: kin_female,
        at_home: child,
    };
    let mut given = person.given;
    if difference == Difference::Nickname && given.nickname.is_none() {
        let list = if story.female { &culture.female } else { &culture.male };
        given = *list.iter().find(|it| it.nickname.is_some()).expect("every culture has a nickname");
    }
    let mut birth = birth;
    while difference == Difference::BirthDate && moved_birth(birth).is_none() {
        birth = birth.plus(1);
    }
    let maiden = (difference == Difference::Maiden).then(|| {
        let own = culture.family.iter().find(|it| **it != family).expect("cultures have several family names");
        (*own).to_owned()
    });
    Person {
        given,
        birth,
        family,
        maiden,
        difference,
        riverside: story.riverside,
        lakeside: story.lakeside,
        death: (story.key == "deceased").then(|| today.plus(-300)),
        due: story.due_in.map(|days| today.plus(days)),
        own_birth: (child && story.months < 120.0).then_some(Birth {
            day: birth,
            cesarean: false,
            female: story.female,
        }),
        relatives: vec![relative],
        story: Some(index),
        ..person
    }
}

/// The birth date with two digits of the day transposed, where that is another real day.
fn moved_birth(birth: Day) -> Option<Day> {
    let (year, month, day) = birth.civil();
    let swapped = day % 10 * 10 + day / 10;
    (swapped != day && (1..=28).contains(&swapped)).then(|| Day::ymd(year, month, swapped))
}

/// A slip of the keyboard: two neighbouring letters exchanged, never the first.
fn typo(name: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let places: Vec<usize> = (1..letters.len().saturating_sub(1))
        .filter(|at| letters[*at].is_lowercase() && letters[at + 1].is_lowercase() && letters[*at] != letters[at + 1])
        .collect();
    if places.is_empty() {
        letters.push('e');
    } else {
        let at = *dice.pick(&places);
        letters.swap(at, at + 1);
    }
    letters.into_iter().collect()
}

pub(super) fn identity(person: &Person, org: Org, today: Day) -> Identity {
    let mut dice = Dice::of(&[person.seed, FOR_PERSON, org as u64]);
    let mut given = vec![person.given.formal.to_owned()];
    given.extend(person.middle.map(str::to_owned));
    let number = dice.below(9_000_000);
    let mut identity = Identity {
        family: person.family.clone(),
        given,
        former_family: person.maiden.clone(),
        birth: person.birth,
        phone: person.home.phone.clone(),
        home: person.home.clone(),
        email: None,
        record_number: match org {
            Org::Riverside => format!("RFP-{:06}", 100_000 + number % 900_000),
            Org::Lakeside => format!("{}", 10_000_000 + number),
        },
    };
    let adult = today.years_since(person.birth) >= 16.0;
    if adult && dice.chance(0.6) {
        identity.email = Some(format!("person{number}@example.com"));
    }
    if org == Org::Lakeside && person.known_at_both() {
        match person.difference {
            Difference::None => {}
            Difference::Maiden => {
                identity.former_family = None;
                identity.family = person.maiden.clone().unwrap_or(identity.family);
            }
            Difference::Nickname => {
                identity.given = vec![person.given.nickname.unwrap_or(person.given.formal).to_owned()];
            }
            Difference::BirthDate => identity.birth = moved_birth(person.birth).unwrap_or(person.birth),
            Difference::Typo => identity.family = typo(&person.family, &mut dice),
            Difference::Contact => {
                identity.given.truncate(1);
                identity.phone = phone(&mut dice);
            }
        }
        if matches!(person.difference, Difference::Maiden | Difference::Contact) {
            identity.home = person.old_home.clone();
        }
    }
    identity
}
