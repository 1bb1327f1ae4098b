//! What a page says, in the language of who reads it. The texts are Fluent files under `content/words/<language>/`,
//! one for each family of pages; a message of the family `orders` is called `orders-…`. Clinical content (names of
//! drugs, of tests, what people wrote) is never translated here, and nothing in this file is about a patient.
//!
//! Project Fluent syntax 1.0; language tags of BCP 47, chosen by RFC 9110, 12.5.4 (Accept-Language).

mod pseudo;
#[cfg(test)]
mod tests;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use std::sync::LazyLock;

pub(crate) use fluent_bundle::FluentValue;

/// A language that every page is complete in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locale {
    English,
    Spanish,
    /// No language: English with accents on it, longer than it is, read from right to left. Shows in a demonstration
    /// what a page makes of languages that it does not speak yet.
    Pseudo,
}

macro_rules! families {
    ($($family:literal),* $(,)?) => {
        /// Family → its texts in English and in Spanish.
        const FAMILIES: &[(&str, &str, &str)] = &[$((
            $family,
            include_str!(concat!("../../../content/words/en/", $family, ".ftl")),
            include_str!(concat!("../../../content/words/es/", $family, ".ftl")),
        )),*];
    };
}

// A new family of pages: its two files, and its name here.
families![
    "common",
    "shell",
    "find",
    "settings",
    "door",
    "account",
    "apps",
    "audit",
    "users",
    "roles",
    "emergency",
    "portal",
    "chart",
    "video",
    "cohorts",
    "content",
    "inbox",
    "results",
    "growth",
    "orders",
    "pharmacy",
    "notes",
    "closing",
    "aftercare",
    "devices",
    "exchange",
    "filing",
    "lists",
    "reconcile",
    "register",
    "duplicates",
    "visit",
    "vitals",
    "imaging",
    "interfaces",
];

impl Locale {
    pub(crate) const ALL: [Locale; 2] = [Locale::English, Locale::Spanish];

    /// BCP 47; also the value of `lang` of the page.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Locale::English => "en-US",
            Locale::Spanish => "es-US",
            Locale::Pseudo => "ar-x-pseudo",
        }
    }

    /// Where a line begins: the value of `dir` of the page.
    pub(crate) fn direction(self) -> &'static str {
        match self {
            Locale::English | Locale::Spanish => "ltr",
            Locale::Pseudo => "rtl",
        }
    }

    /// What a language calls itself.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Locale::English => "English",
            Locale::Spanish => "Español",
            Locale::Pseudo => "Pseudo (ar)",
        }
    }

    /// The language that somebody chose, by its whole tag; what is no language only in a demonstration.
    pub(crate) fn chosen(tag: &str, demo: bool) -> Option<Locale> {
        if demo && tag == Locale::Pseudo.tag() { Some(Locale::Pseudo) } else { Locale::of_tag(tag) }
    }

    /// Those that can be chosen.
    pub(crate) fn offered(demo: bool) -> impl Iterator<Item = Locale> {
        Locale::ALL.into_iter().chain(demo.then_some(Locale::Pseudo))
    }

    /// The language of a tag: `es`, `es-MX` and `ES` are Spanish.
    pub(crate) fn of_tag(tag: &str) -> Option<Locale> {
        let language = tag.split('-').next().unwrap_or_default();
        Locale::ALL
            .into_iter()
            .find(|it| it.tag().split('-').next().is_some_and(|own| own.eq_ignore_ascii_case(language)))
    }

    /// The one of ours that a browser likes best: `Accept-Language: es-MX,es;q=0.9,en;q=0.8`.
    pub(crate) fn accepted(header: &str) -> Option<Locale> {
        let mut best: Option<(f32, Locale)> = None;
        for wish in header.split(',') {
            let mut parts = wish.split(';').map(str::trim);
            let Some(locale) = parts.next().and_then(Locale::of_tag) else { continue };
            let weight = parts.find_map(|it| it.strip_prefix("q=")).map_or(1.0, |it| it.parse().unwrap_or(0.0));
            if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }

    pub(crate) fn words(self) -> &'static Words {
        static WORDS: LazyLock<[Words; 3]> =
            LazyLock::new(|| [Locale::English, Locale::Spanish, Locale::Pseudo].map(Words::of));
        match self {
            Locale::English => &WORDS[0],
            Locale::Spanish => &WORDS[1],
            Locale::Pseudo => &WORDS[2],
        }
    }
}

/// All messages in one language.
pub(crate) struct Words {
    pub(crate) locale: Locale,
    messages: FluentBundle<FluentResource>,
}

impl Words {
    fn of(locale: Locale) -> Words {
        // What is no language counts as the one it is made of.
        let language = if locale == Locale::Pseudo { Locale::English } else { locale };
        let language = language.tag().parse().expect("the tags of our languages are tags");
        let mut messages = FluentBundle::new_concurrent(vec![language]);
        // Marks of direction around what is filled in are for chat lines; names here stand in markup of their own.
        messages.set_use_isolating(false);
        if locale == Locale::Pseudo {
            messages.set_transform(Some(pseudo::text));
        }
        for (family, english, spanish) in FAMILIES {
            let text = match locale {
                Locale::English | Locale::Pseudo => english,
                Locale::Spanish => spanish,
            };
            let texts = FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(_, errors)| {
                panic!("content/words: the texts {family} in {} cannot be read: {errors:?}", locale.tag())
            });
            messages.add_resource(texts).unwrap_or_else(|errors| panic!("content/words: {family}: {errors:?}"));
        }
        Words { locale, messages }
    }

    /// The message of this key. The keys that code asks for are checked by a test; one that is missing all the
    /// same is shown as the key, never as nothing.
    pub(crate) fn say(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// A message with something filled in: `words.with("orders-sign-count", &[("count", 3.into())])`.
    pub(crate) fn with(&self, key: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        let Some(pattern) = self.messages.get_message(key).and_then(|it| it.value()) else {
            return key.to_owned();
        };
        let values: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, value.clone())).collect();
        let mut errors = Vec::new();
        self.messages.format_pattern(pattern, Some(&values), &mut errors).into_owned()
    }
}
