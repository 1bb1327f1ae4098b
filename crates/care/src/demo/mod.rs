//! Demo people: whole lives made by rule from a seed, for two organisations that each know a part of them.
//!
//! The seed, the number of patients and the day called today decide every byte; nothing else is asked, no clock, no
//! file. Person number k is the same however many others are made, so people can be produced as a stream, in
//! parallel by ranges, or one alone. Resources follow FHIR R4 and carry the US Core 6.1 profile they are made for.
//! The tables behind it are in `content/demo`. Nobody described here exists.

mod body;
mod calendar;
mod chart;
mod closing;
mod dice;
mod life;
mod measure;
mod outside;
mod people;
mod registrations;
mod shared;
mod tables;
mod therapy;
mod visits;

use std::ops::Range;

use jiff::civil::Date;
use serde_json::Value;

use crate::shapes;

use calendar::Day;
use life::Life;
use people::Person;
pub use registrations::Registrations;
use tables::Tables;

/// The two places of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Org {
    /// A family practice: long relationships, chronic care, prevention.
    Riverside,
    /// A general hospital: emergencies, admissions, operations, births, imaging and its own clinics.
    Lakeside,
}

impl Org {
    pub const ALL: [Org; 2] = [Org::Riverside, Org::Lakeside];

    /// The short name used in addresses and ids.
    pub fn key(self) -> &'static str {
        match self {
            Org::Riverside => "riverside",
            Org::Lakeside => "lakeside",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Org::Riverside => "Riverside Family Practice",
            Org::Lakeside => "Lakeside General Hospital",
        }
    }

    pub fn url(self) -> &'static str {
        match self {
            Org::Riverside => "http://riverside.example.org",
            Org::Lakeside => "http://lakeside.example.org",
        }
    }

    fn other(self) -> Org {
        match self {
            Org::Riverside => Org::Lakeside,
            Org::Lakeside => Org::Riverside,
        }
    }
}

/// Everything one organisation holds about one patient. The Patient resource comes first; references lead to
/// resources of the same record or to the shared resources of the organisation.
#[derive(Clone, PartialEq)]
pub struct Record {
    pub patient_id: String,
    pub resources: Vec<Value>,
}

/// A named person worth looking at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// A short name, the same at both organisations.
    pub key: &'static str,
    /// What is to be seen, in a sentence.
    pub sentence: &'static str,
    /// The id of the Patient at the organisation asked about.
    pub patient_id: String,
}

/// A number of people, not yet made.
pub struct Population {
    tables: Tables,
    seed: u64,
    patients: usize,
    today: Day,
}

impl Population {
    /// `patients` counts people; each is known at one of the organisations or at both.
    pub fn new(seed: u64, patients: usize, today: Date) -> Population {
        Population { tables: Tables::read(), seed, patients, today: Day::of(today) }
    }

    /// How many people there are, over both organisations.
    pub fn len(&self) -> usize {
        self.patients
    }

    pub fn is_empty(&self) -> bool {
        self.patients == 0
    }

    /// What the organisation holds before its first patient: organisations, places, staff. Load these first.
    pub fn organisation(&self, org: Org) -> Vec<Value> {
        shared::resources(&self.tables, org)
    }

    /// The records of one organisation, one patient after the other.
    pub fn people(&self, org: Org) -> impl Iterator<Item = Record> + '_ {
        self.range(org, 0..self.patients)
    }

    /// The same for people number `range.start` to `range.end`: ranges may be made in parallel and in any order.
    /// Those whom the organisation does not know are left out.
    pub fn range(&self, org: Org, range: Range<usize>) -> impl Iterator<Item = Record> + '_ {
        let end = range.end.min(self.patients);
        let mut block = Vec::new();
        let mut at_block = None;
        (range.start..end).filter_map(move |index| {
            let number = index / people::BLOCK;
            if at_block != Some(number) {
                block = people::block(&self.tables, self.seed, number as u64, self.today);
                at_block = Some(number);
            }
            let person: &Person = &block[index % people::BLOCK];
            person.known_at(org).then(|| self.record(person, org))
        })
    }

    fn record(&self, person: &Person, org: Org) -> Record {
        let lived = |org: Org| Life::new(&self.tables, person, org, self.today).live().finish();
        let (patient_id, mut resources) = lived(org);
        // About the named people whom both know, the hospital has sent a summary to the practice.
        if person.story.is_some() && person.known_at_both() && person.death.is_none() && org == Org::Riverside {
            let (_, theirs) = lived(org.other());
            resources.extend(outside::sent(&patient_id, org.other(), &theirs));
        }
        Record { patient_id, resources }
    }

    /// The named people whom this organisation knows, as far as they are among the people asked for.
    pub fn examples(&self, org: Org) -> Vec<Example> {
        let people = people::block(&self.tables, self.seed, 0, self.today);
        let known = people.iter().take(self.patients).filter(|it| it.known_at(org));
        known
            .filter_map(|person| {
                let story = &self.tables.stories[person.story?];
                let patient_id = chart::Chart::new(&self.tables, org, person, self.today).patient_id().to_owned();
                Some(Example { key: story.key, sentence: story.sentence, patient_id })
            })
            .collect()
    }
}
