//! Order sets: what is usually ordered together, with what is ticked beforehand. Files of `content/orders/sets/`.

use super::catalogue::{self, Orderable};
use crate::content::{self, Head};
use crate::drugs::{self, Drug};
use serde::Deserialize;
use std::sync::LazyLock;

const FILES: [(&str, &str); 8] = [
    ("anticoagulation", include_str!("../../../../content/orders/sets/anticoagulation.toml")),
    ("asthma", include_str!("../../../../content/orders/sets/asthma.toml")),
    ("cystitis", include_str!("../../../../content/orders/sets/cystitis.toml")),
    ("diabetes", include_str!("../../../../content/orders/sets/diabetes.toml")),
    ("heart-failure", include_str!("../../../../content/orders/sets/heart-failure.toml")),
    ("hypertension", include_str!("../../../../content/orders/sets/hypertension.toml")),
    ("prenatal", include_str!("../../../../content/orders/sets/prenatal.toml")),
    ("strep", include_str!("../../../../content/orders/sets/strep.toml")),
];

/// What one line of a set orders.
#[derive(Clone, Copy, Debug)]
pub enum What {
    Drug(&'static Drug),
    Order(&'static Orderable),
}

impl What {
    pub fn key(&self) -> &'static str {
        match self {
            What::Drug(it) => &it.key,
            What::Order(it) => it.key,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            What::Drug(it) => &it.name,
            What::Order(it) => it.name,
        }
    }

    /// By the key of a drug or of an orderable.
    pub fn by_key(key: &str) -> Option<What> {
        drugs::by_key(key).map(What::Drug).or_else(|| catalogue::by_key(key).map(What::Order))
    }
}

#[derive(Clone, Debug)]
pub struct OrderSet {
    pub key: &'static str,
    pub head: Head,
    pub about: String,
    /// ICD-10-CM codes, or their beginnings, of problems it is for.
    pub problems: Vec<String>,
    /// Each line with whether it is ticked beforehand.
    pub items: Vec<(What, bool)>,
}

static ALL: LazyLock<Vec<OrderSet>> =
    LazyLock::new(|| read().unwrap_or_else(|why| panic!("content/orders/sets, which a test reads: {why}")));

pub fn all() -> &'static [OrderSet] {
    &ALL
}

pub fn by_key(key: &str) -> Option<&'static OrderSet> {
    ALL.iter().find(|it| it.key == key)
}

#[derive(Deserialize)]
struct File {
    set: About,
    item: Vec<Item>,
}

#[derive(Deserialize)]
struct About {
    about: String,
    #[serde(rename = "for")]
    problems: Vec<String>,
}

#[derive(Deserialize)]
struct Item {
    drug: Option<String>,
    order: Option<String>,
    #[serde(default)]
    checked: bool,
}

fn read() -> Result<Vec<OrderSet>, String> {
    FILES.iter().map(|(key, text)| one(key, text).map_err(|why| format!("{key}: {why}"))).collect()
}

fn one(key: &'static str, text: &str) -> Result<OrderSet, String> {
    let table: toml::Table = text.parse().map_err(|it: toml::de::Error| it.message().to_owned())?;
    let head = content::head_of_toml(&table)?;
    let file: File = toml::from_str(text).map_err(|it| it.message().to_owned())?;
    let what = |item: &Item| match (&item.drug, &item.order) {
        (Some(key), None) => drugs::by_key(key).map(What::Drug).ok_or(format!("there is no drug {key}")),
        (None, Some(key)) => catalogue::by_key(key).map(What::Order).ok_or(format!("there is no order {key}")),
        _ => Err("an item is either a drug or an order".to_owned()),
    };
    let items: Result<Vec<_>, String> = file.item.iter().map(|it| Ok((what(it)?, it.checked))).collect();
    Ok(OrderSet { key, head, about: file.set.about, problems: file.set.problems, items: items? })
}

pub(crate) fn tell() -> Result<(Head, usize), String> {
    let (head, count) = content::together(read()?.into_iter().map(|it| it.head).collect())?;
    Ok((Head { title: "Order sets".into(), ..head }, count))
}
