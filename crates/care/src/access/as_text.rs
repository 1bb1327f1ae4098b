//! Ids and keys of resources within the JSON of small records: as the text everybody knows them by.

use fhir::{Id, Key};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) mod id {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(it: &Id, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(it.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Id, D::Error> {
        Id::parse(&String::deserialize(from)?).ok_or_else(|| D::Error::custom("no id"))
    }
}

pub(super) mod maybe_id {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(it: &Option<Id>, to: S) -> Result<S::Ok, S::Error> {
        match it {
            Some(it) => to.serialize_some(it.as_str()),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Id>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|it| Id::parse(&it).ok_or_else(|| D::Error::custom("no id"))).transpose()
    }
}

pub(super) mod ids {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(all: &[Id], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(all.iter().map(Id::as_str))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Id>, D::Error> {
        let all = Vec::<String>::deserialize(from)?;
        all.iter().map(|it| Id::parse(it).ok_or_else(|| D::Error::custom("no id"))).collect()
    }
}

pub(super) mod maybe_key {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(it: &Option<Key>, to: S) -> Result<S::Ok, S::Error> {
        match it {
            Some(it) => to.serialize_some(&it.to_string()),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Key>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|it| Key::parse(&it).ok_or_else(|| D::Error::custom("no key"))).transpose()
    }
}
