//! The tables of `content/demo`, read once. They are compiled in and covered by tests, so a row that does not
//! fit its columns is a bug of ours and ends the program with the name of the table.

use std::collections::HashMap;

/// Rows of a table: columns separated by `|`, sections begun by `[a | b]`, comments by `#`.
struct Sheet {
    sections: Vec<(Vec<&'static str>, Vec<Vec<&'static str>>)>,
}

fn sheet(text: &'static str) -> Sheet {
    let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<_>>();
    let mut sections = vec![(Vec::new(), Vec::new())];
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            Some(head) => sections.push((cells(head), Vec::new())),
            None => sections.last_mut().expect("there is a first section").1.push(cells(line)),
        }
    }
    Sheet { sections }
}

impl Sheet {
    fn rows(&self) -> impl Iterator<Item = &Vec<&'static str>> {
        self.sections[0].1.iter()
    }

    fn named(&self) -> impl Iterator<Item = &(Vec<&'static str>, Vec<Vec<&'static str>>)> {
        self.sections[1..].iter()
    }

    fn list(&self, name: &str) -> Vec<Vec<&'static str>> {
        self.named().find(|it| it.0[0] == name).unwrap_or_else(|| panic!("demo tables: no section [{name}]")).1.clone()
    }
}

fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or_else(|_| panic!("demo tables: {cell:?} is not a number"))
}

fn whole(cell: &str) -> i32 {
    cell.parse().unwrap_or_else(|_| panic!("demo tables: {cell:?} is not a whole number"))
}

/// A cell of words separated by blanks; a dash is an empty list.
fn words(cell: &'static str) -> Vec<&'static str> {
    if cell == "-" { Vec::new() } else { cell.split_whitespace().collect() }
}

/// `key@number` words.
fn dated(cell: &'static str) -> Vec<(&'static str, f64)> {
    words(cell)
        .into_iter()
        .map(|it| it.split_once('@').unwrap_or_else(|| panic!("demo tables: {it:?} lacks @")))
        .map(|(key, at)| (key, number(at)))
        .collect()
}

#[derive(Clone, Copy)]
pub(super) struct GivenName {
    pub(super) formal: &'static str,
    pub(super) nickname: Option<&'static str>,
}

pub(super) struct Culture {
    pub(super) key: &'static str,
    pub(super) share: f64,
    pub(super) race: &'static str,
    pub(super) ethnicity: &'static str,
    pub(super) language: (&'static str, &'static str),
    pub(super) second_surname: bool,
    pub(super) family: Vec<&'static str>,
    pub(super) female: Vec<GivenName>,
    pub(super) male: Vec<GivenName>,
}

pub(super) struct Town {
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) postal_code: &'static str,
}

pub(super) struct Staff {
    pub(super) org: &'static str,
    pub(super) key: &'static str,
    pub(super) given: &'static str,
    pub(super) family: &'static str,
    pub(super) suffix: &'static str,
    pub(super) npi: String,
    pub(super) role: (&'static str, &'static str),
    pub(super) specialty: (&'static str, &'static str),
    pub(super) location: &'static str,
}

pub(super) struct Place {
    pub(super) org: &'static str,
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: (&'static str, &'static str),
}

pub(super) struct Payer {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) source: (&'static str, &'static str),
    pub(super) act: (&'static str, &'static str),
    pub(super) kind: &'static str,
}

pub(super) struct Problem {
    pub(super) key: &'static str,
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) sex: &'static str,
    pub(super) risk: &'static str,
    pub(super) curve: Vec<(f64, f64)>,
    /// Steps of treatment; each step names the drugs begun.
    pub(super) treatment: Vec<Vec<&'static str>>,
    pub(super) note: &'static str,
}

impl Problem {
    /// The age at which a person with this draw (0 to 1) gets the problem, if ever.
    pub(super) fn onset_age(&self, draw: f64) -> Option<f64> {
        let percent = draw * 100.0;
        self.curve.windows(2).find(|pair| percent >= pair[0].1 && percent < pair[1].1).map(|pair| {
            let ((age, low), (later, high)) = (pair[0], pair[1]);
            age + (later - age) * (percent - low) / (high - low)
        })
    }
}

#[derive(PartialEq, Clone, Copy, Debug)]
pub(super) enum Setting {
    Clinic,
    Emergency,
    Admission,
}

pub(super) struct Illness {
    pub(super) key: &'static str,
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) setting: Setting,
    pub(super) ages: (f64, f64),
    pub(super) sex: &'static str,
    pub(super) per_year: f64,
    pub(super) drug: Option<&'static str>,
    pub(super) work: Vec<(&'static str, &'static str)>,
    pub(super) days: i32,
    pub(super) note: &'static str,
}

pub(super) struct Drug {
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) dose: (i32, &'static str, &'static str),
    pub(super) times: (i32, &'static str),
    pub(super) route: (&'static str, &'static str),
    pub(super) directions: &'static str,
    pub(super) quantity: (i32, &'static str, &'static str),
    pub(super) refills: i32,
    pub(super) days: i32,
    pub(super) as_needed: Option<&'static str>,
}

pub(super) struct Lab {
    pub(super) key: &'static str,
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) unit: &'static str,
    pub(super) ucum: &'static str,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) decimals: usize,
}

pub(super) struct Panel {
    pub(super) key: &'static str,
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) labs: Vec<Lab>,
}

pub(super) enum Schedule {
    Months(Vec<i32>),
    Autumn,
    Every { months: i32, from: i32 },
    Pregnancy,
    Covid,
}

pub(super) struct Vaccine {
    pub(super) key: &'static str,
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) maker: &'static str,
    pub(super) route: &'static str,
    pub(super) schedule: Schedule,
}

pub(super) struct ProcedureKind {
    pub(super) system: &'static str,
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) minutes: i32,
    pub(super) implant: Option<&'static str>,
}

pub(super) struct Implant {
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) maker: &'static str,
    pub(super) identifier: &'static str,
}

pub(super) struct Image {
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) findings: &'static str,
    pub(super) impression: &'static str,
    /// `CT`, and the part of the body as scanners write it.
    pub(super) kind: &'static str,
    pub(super) part: &'static str,
}

pub(super) struct Allergy {
    pub(super) key: &'static str,
    pub(super) system: &'static str,
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) kind: &'static str,
    pub(super) criticality: &'static str,
    pub(super) reaction: (&'static str, &'static str),
    pub(super) severity: &'static str,
    pub(super) share: f64,
}

/// Months of age, height, weight, head size.
pub(super) type GrowthRow = [f64; 4];

pub(super) struct Story {
    pub(super) key: &'static str,
    pub(super) sentence: &'static str,
    pub(super) female: bool,
    pub(super) months: f64,
    pub(super) culture: &'static str,
    pub(super) riverside: bool,
    pub(super) lakeside: bool,
    pub(super) bmi: f64,
    pub(super) smoker: &'static str,
    pub(super) problems: Vec<(&'static str, f64)>,
    pub(super) illnesses: Vec<(&'static str, f64)>,
    pub(super) due_in: Option<i32>,
    pub(super) difference: &'static str,
}

pub(super) struct Tables {
    pub(super) cultures: Vec<Culture>,
    pub(super) towns: Vec<Town>,
    pub(super) streets: Vec<&'static str>,
    pub(super) jobs: Vec<&'static str>,
    pub(super) staff: Vec<Staff>,
    pub(super) places: Vec<Place>,
    pub(super) payers: Vec<Payer>,
    pub(super) problems: Vec<Problem>,
    pub(super) illnesses: Vec<Illness>,
    pub(super) drugs: HashMap<&'static str, Drug>,
    pub(super) panels: HashMap<&'static str, Panel>,
    pub(super) vaccines: Vec<Vaccine>,
    pub(super) procedures: HashMap<&'static str, ProcedureKind>,
    pub(super) implants: HashMap<&'static str, Implant>,
    pub(super) images: HashMap<&'static str, Image>,
    pub(super) allergies: Vec<Allergy>,
    pub(super) boys: Vec<GrowthRow>,
    pub(super) girls: Vec<GrowthRow>,
    pub(super) stories: Vec<Story>,
}

macro_rules! table {
    ($name:literal) => {
        sheet(include_str!(concat!("../../../../content/demo/", $name, ".txt")))
    };
}

impl Tables {
    pub(super) fn read() -> Tables {
        let places = table!("places");
        let growth = table!("growth");
        let procedures = table!("procedures");
        let first = |rows: Vec<Vec<&'static str>>| rows.into_iter().map(|row| row[0]).collect::<Vec<_>>();
        let curve = |rows: Vec<Vec<&'static str>>| {
            rows.iter().map(|row| [number(row[0]), number(row[1]), number(row[2]), number(row[3])]).collect::<Vec<_>>()
        };
        Tables {
            cultures: table!("names").named().map(|(head, rows)| culture(head, rows)).collect(),
            towns: places
                .list("town")
                .iter()
                .map(|row| Town { city: row[0], state: row[1], postal_code: row[2] })
                .collect(),
            streets: first(places.list("street")),
            jobs: first(places.list("job")),
            staff: table!("staff").rows().map(|row| staff(row)).collect(),
            places: table!("locations")
                .rows()
                .map(|row| Place { org: row[0], key: row[1], name: row[2], kind: (row[3], row[4]) })
                .collect(),
            payers: table!("payers")
                .rows()
                .map(|row| Payer {
                    key: row[0],
                    name: row[1],
                    source: (row[2], row[3]),
                    act: (row[4], row[5]),
                    kind: row[6],
                })
                .collect(),
            problems: table!("problems").rows().map(|row| problem(row)).collect(),
            illnesses: table!("illnesses").rows().map(|row| illness(row)).collect(),
            drugs: table!("drugs").rows().map(|row| (row[0], drug(row))).collect(),
            panels: table!("labs").named().map(|(head, rows)| (head[0], panel(head, rows))).collect(),
            vaccines: table!("vaccines").rows().map(|row| vaccine(row)).collect(),
            procedures: procedures.rows().map(|row| (row[0], procedure(row))).collect(),
            implants: procedures.list("implant").iter().map(|row| (row[0], implant(row))).collect(),
            images: table!("imaging")
                .rows()
                .map(|row| {
                    let [code, words, findings, impression, kind, part] = [1, 2, 3, 4, 5, 6].map(|at| row[at]);
                    let image = Image { code, words, findings, impression, kind, part };
                    (row[0], image)
                })
                .collect(),
            allergies: table!("allergies").rows().map(|row| allergy(row)).collect(),
            boys: curve(growth.list("boys")),
            girls: curve(growth.list("girls")),
            stories: table!("stories").rows().map(|row| story(row)).collect(),
        }
    }

    pub(super) fn drug(&self, key: &str) -> &Drug {
        self.drugs.get(key).unwrap_or_else(|| panic!("demo tables: no drug {key:?}"))
    }

    pub(super) fn panel(&self, key: &str) -> &Panel {
        self.panels.get(key).unwrap_or_else(|| panic!("demo tables: no panel {key:?}"))
    }

    pub(super) fn procedure(&self, key: &str) -> &ProcedureKind {
        self.procedures.get(key).unwrap_or_else(|| panic!("demo tables: no procedure {key:?}"))
    }

    pub(super) fn image(&self, key: &str) -> &Image {
        self.images.get(key).unwrap_or_else(|| panic!("demo tables: no image {key:?}"))
    }

    pub(super) fn problem(&self, key: &str) -> usize {
        self.problems.iter().position(|it| it.key == key).unwrap_or_else(|| panic!("demo tables: no problem {key:?}"))
    }

    pub(super) fn illness(&self, key: &str) -> usize {
        self.illnesses.iter().position(|it| it.key == key).unwrap_or_else(|| panic!("demo tables: no illness {key:?}"))
    }

    pub(super) fn vaccine(&self, key: &str) -> &Vaccine {
        self.vaccines.iter().find(|it| it.key == key).unwrap_or_else(|| panic!("demo tables: no vaccine {key:?}"))
    }
}

fn culture(head: &[&'static str], rows: &[Vec<&'static str>]) -> Culture {
    let list = |name: &str| {
        let row = rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("demo names: no {name} row"));
        row[1].split(',').map(str::trim).collect::<Vec<_>>()
    };
    let given = |name: &str| {
        list(name)
            .into_iter()
            .map(|it| match it.split_once('=') {
                Some((formal, nickname)) => GivenName { formal, nickname: Some(nickname) },
                None => GivenName { formal: it, nickname: None },
            })
            .collect()
    };
    Culture {
        key: head[0],
        share: number(head[1]),
        race: head[2],
        ethnicity: head[3],
        language: (head[4], head[5]),
        second_surname: head[6] == "second",
        family: list("family"),
        female: given("female"),
        male: given("male"),
    }
}

/// Completes nine digits to an NPI: the Luhn check digit counts the prefix 80840 (45 CFR 162.406).
fn npi(nine: &str) -> String {
    let sum: u32 = nine
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{nine}{}", (10 - (sum + 24) % 10) % 10)
}

fn staff(row: &[&'static str]) -> Staff {
    Staff {
        org: row[0],
        key: row[1],
        given: row[2],
        family: row[3],
        suffix: row[4],
        npi: npi(row[5]),
        role: (row[6], row[7]),
        specialty: (row[8], row[9]),
        location: row[10],
    }
}

fn problem(row: &[&'static str]) -> Problem {
    let points = row[5].split_whitespace().map(|it| it.split_once(':').expect("curve points are age:percent"));
    let treatment = if row[6] == "-" {
        Vec::new()
    } else {
        row[6].split('>').map(|step| step.split('+').map(str::trim).collect()).collect()
    };
    Problem {
        key: row[0],
        code: row[1],
        words: row[2],
        sex: row[3],
        risk: row[4],
        curve: points.map(|(age, percent)| (number(age), number(percent))).collect(),
        treatment,
        note: row[7],
    }
}

fn illness(row: &[&'static str]) -> Illness {
    let setting = match row[3] {
        "clinic" => Setting::Clinic,
        "ed" => Setting::Emergency,
        "admit" => Setting::Admission,
        other => panic!("demo illnesses: unknown setting {other:?}"),
    };
    let work = if row[9] == "-" {
        Vec::new()
    } else {
        row[9].split(',').map(|it| it.split_once(':').expect("work is kind:key")).collect()
    };
    Illness {
        key: row[0],
        code: row[1],
        words: row[2],
        setting,
        ages: (number(row[4]), number(row[5])),
        sex: row[6],
        per_year: number(row[7]) / 1000.0,
        drug: (row[8] != "-").then_some(row[8]),
        work,
        days: whole(row[10]),
        note: row[11],
    }
}

fn drug(row: &[&'static str]) -> Drug {
    Drug {
        code: row[1],
        words: row[2],
        dose: (whole(row[3]), row[4], row[5]),
        times: (whole(row[6]), row[7]),
        route: (row[8], row[9]),
        directions: row[10],
        quantity: (whole(row[11]), row[12], row[13]),
        refills: whole(row[14]),
        days: whole(row[15]),
        as_needed: (row[16] != "-").then_some(row[16]),
    }
}

fn panel(head: &[&'static str], rows: &[Vec<&'static str>]) -> Panel {
    let bound = |cell: &str| (cell != "-").then(|| number(cell));
    let labs = rows
        .iter()
        .map(|row| Lab {
            key: row[0],
            code: row[1],
            words: row[2],
            unit: row[3],
            ucum: row[4],
            low: bound(row[5]),
            high: bound(row[6]),
            decimals: whole(row[7]) as usize,
        })
        .collect();
    Panel { key: head[0], code: head[1], words: head[2], labs }
}

fn vaccine(row: &[&'static str]) -> Vaccine {
    let schedule = match words(row[5]).as_slice() {
        ["each", "autumn", ..] => Schedule::Autumn,
        ["each", months, "from", from] => Schedule::Every { months: whole(months), from: whole(from) },
        ["pregnancy"] => Schedule::Pregnancy,
        ["covid"] => Schedule::Covid,
        months => Schedule::Months(months.iter().map(|it| whole(it)).collect()),
    };
    Vaccine { key: row[0], code: row[1], words: row[2], maker: row[3], route: row[4], schedule }
}

fn procedure(row: &[&'static str]) -> ProcedureKind {
    ProcedureKind {
        system: match row[1] {
            "snomed" => "http://snomed.info/sct",
            _ => "http://www.cms.gov/Medicare/Coding/ICD10",
        },
        code: row[2],
        words: row[3],
        minutes: whole(row[4]),
        implant: (row[5] != "-").then_some(row[5]),
    }
}

fn implant(row: &[&'static str]) -> Implant {
    Implant { code: row[1], words: row[2], maker: row[3], identifier: row[4] }
}

fn allergy(row: &[&'static str]) -> Allergy {
    Allergy {
        key: row[0],
        system: match row[1] {
            "rxnorm" => "http://www.nlm.nih.gov/research/umls/rxnorm",
            _ => "http://snomed.info/sct",
        },
        code: row[2],
        words: row[3],
        kind: row[4],
        criticality: row[5],
        reaction: (row[6], row[7]),
        severity: row[8],
        share: number(row[9]),
    }
}

fn story(row: &[&'static str]) -> Story {
    Story {
        key: row[0],
        sentence: row[1],
        female: row[2] == "F",
        months: number(row[3]),
        culture: row[4],
        riverside: row[5].contains('R'),
        lakeside: row[5].contains('L'),
        bmi: number(row[6]),
        smoker: row[7],
        problems: dated(row[8]),
        illnesses: dated(row[9]),
        due_in: (row[10] != "-").then(|| whole(row[10])),
        difference: row[11],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_agree_with_each_other() {
        let tables = Tables::read();
        for drug in tables.problems.iter().flat_map(|it| it.treatment.iter().flatten()) {
            tables.drug(drug);
        }
        for illness in &tables.illnesses {
            illness.drug.map(|it| tables.drug(it));
            for (kind, key) in &illness.work {
                match *kind {
                    "lab" => assert!(!tables.panel(key).labs.is_empty()),
                    "image" => assert!(!tables.image(key).words.is_empty()),
                    "procedure" => assert!(!tables.procedure(key).words.is_empty()),
                    other => panic!("{}: unknown work {other}", illness.key),
                }
            }
        }
        for (key, kind) in &tables.procedures {
            assert!(kind.implant.is_none_or(|it| tables.implants.contains_key(it)), "{key}");
        }
        for story in &tables.stories {
            assert!(tables.cultures.iter().any(|it| it.key == story.culture), "{}", story.key);
            assert!(story.problems.iter().all(|it| tables.problem(it.0) < tables.problems.len()));
            assert!(story.illnesses.iter().all(|it| tables.illness(it.0) < tables.illnesses.len()));
        }
        assert_eq!(tables.cultures.iter().map(|it| it.share).sum::<f64>(), 100.0);
    }

    #[test]
    fn an_npi_carries_its_check_digit() {
        // The example of the standard itself: 123456789 is completed by 3.
        assert_eq!(npi("123456789"), "1234567893");
    }
}
