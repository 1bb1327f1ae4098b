//! Ids and keys of resources within the JSON of small records: as the text everybody knows them by.

use fhir::{Id, Key};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) mod id {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(it: &Id, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(it.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Id, D::Error> {
        Id::parse(&String::deserialize(from)?).ok_or_else(|| D::Error::custom("no id"))
    }
}

pub(crate) mod maybe_id {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(it: &Option<Id>, to: S) -> Result<S::Ok, S::Error> {
        match it {
            Some(it) => to.serialize_some(it.as_str()),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Id>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|it| Id::parse(&it).ok_or_else(|| D::Error::custom("no id"))).transpose()
    }
}

pub(crate) mod ids {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(all: &[Id], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(all.iter().map(Id::as_str))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Id>, D::Error> {
        let all = Vec::<String>::deserialize(from)?;
        all.iter().map(|it| Id::parse(it).ok_or_else(|| D::Error::custom("no id"))).collect()
    }
}

pub(crate) mod maybe_key {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(it: &Option<Key>, to: S) -> Result<S::Ok, S::Error> {
        match it {
            Some(it) => to.serialize_some(&it.to_string()),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Key>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|it| Key::parse(&it).ok_or_else(|| D::Error::custom("no key"))).transpose()
    }
}
