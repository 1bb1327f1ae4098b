//! A field that offers terms while one types (WAI-ARIA 1.2, combobox with a list). Without scripts it is a field of
//! text: what is sent comes back with a list to pick from when the words mean no term. Free words are always possible,
//! and marked as such wherever they are shown.

use super::form::Errors;
use crate::locale::Words;
use care::terms::{Kind, Term};
use maud::{Markup, html};

pub(crate) struct Combo<'a> {
    /// The name of the field; its code goes as `<name>-code`, and `<name>-free` says that the words are meant as they are.
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) kind: Kind,
    pub(crate) value: &'a str,
    pub(crate) code: &'a str,
    pub(crate) free: bool,
    pub(crate) needed: bool,
    pub(crate) focus: bool,
    /// Where terms are asked for: `/riverside/terms`.
    pub(crate) address: &'a str,
}

impl Combo<'_> {
    /// The field. `near` are terms to pick from, when the words that were sent mean none.
    pub(crate) fn show(&self, words: &Words, errors: &Errors, near: &[Term]) -> Markup {
        let error = errors.of(self.name);
        let name = self.name;
        html! {
            div.field.combo data-combo={ (self.address) "?kind=" (self.kind.name()) } data-word-free=(words.say("lists-combo-free"))
                data-word-found=(words.say("lists-combo-found")) data-word-none=(words.say("lists-combo-none")) {
                label for=(name) { (self.label) @if !self.needed { " " span.quiet { (words.say("common-optional")) } } }
                @if let Some(error) = error { p.field-error id={ (name) "-error" } { (error) } }
                div.combo-box {
                    input id=(name) name=(name) value=(self.value) autocomplete="off" spellcheck="false" maxlength="300"
                        required[self.needed] autofocus[self.focus] aria-invalid=[error.map(|_| "true")]
                        aria-describedby=[error.map(|_| format!("{name}-error"))];
                    input type="hidden" name={ (name) "-code" } value=(self.code) data-code;
                    input type="hidden" name={ (name) "-free" } value=(if self.free { "yes" } else { "" }) data-free;
                }
                @if !near.is_empty() { (self.picks(words, near)) }
            }
        }
    }

    fn picks(&self, words: &Words, near: &[Term]) -> Markup {
        let pick = format!("{}-pick", self.name);
        html! {
            fieldset.boxes.picks {
                legend { (words.say("lists-combo-pick")) }
                @for (at, term) in near.iter().enumerate() {
                    label { input type="radio" name=(pick) value=(key(term)) checked[at == 0]; span { (term.display) " " span.quiet { (term.code) } } }
                }
                label { input type="radio" name=(pick) value="-"; span { (words.with("lists-combo-keep", &[("words", self.value.into())])) } }
            }
        }
    }
}

/// By what a picked term is found again.
fn key(term: &Term) -> &str {
    if term.code.is_empty() { term.display } else { term.code }
}

/// Puts what was picked from the list in place of the words: for a form that was sent without scripts.
pub(crate) fn picked(typed: &mut std::collections::BTreeMap<String, String>, name: &str, kind: Kind) {
    let Some(pick) = typed.remove(&format!("{name}-pick")) else { return };
    if pick == "-" {
        typed.insert(format!("{name}-free"), "yes".to_owned());
    } else if let Some(term) = care::terms::term(kind, &pick) {
        typed.insert(name.to_owned(), term.display.to_owned());
        typed.insert(format!("{name}-code"), term.code.to_owned());
    }
}

/// The terms for some words, as the script puts them under the field.
pub(crate) fn options(found: &[Term]) -> Markup {
    html! {
        ul {
            @for term in found {
                li data-code=(term.code) data-text=(term.display) {
                    span { (term.display) }
                    @if !term.code.is_empty() { " " span.quiet { (term.code) } }
                    @if !term.also.is_empty() { " " span.also { (term.also.join(", ")) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;
    use std::collections::BTreeMap;

    #[test]
    fn without_scripts_words_come_back_with_terms_to_pick_from() {
        let combo = Combo {
            name: "problem",
            label: "Problem",
            kind: Kind::Problem,
            value: "high blood",
            code: "",
            free: false,
            needed: true,
            focus: false,
            address: "/riverside/terms",
        };
        let near = care::terms::search(Kind::Problem, "high blood pressure", 3);
        let shown = combo.show(Locale::English.words(), &Errors::one("problem", "Pick one"), &near).into_string();
        for part in
            ["name=\"problem-pick\" value=\"I10\" checked", "name=\"problem-code\"", "aria-invalid", "high blood"]
        {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let mut typed: BTreeMap<String, String> =
            [("problem", "high blood"), ("problem-pick", "I10")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        picked(&mut typed, "problem", Kind::Problem);
        assert_eq!(
            (typed["problem"].as_str(), typed["problem-code"].as_str()),
            ("Essential (primary) hypertension", "I10")
        );
        typed.insert("problem-pick".into(), "-".into());
        picked(&mut typed, "problem", Kind::Problem);
        assert_eq!(typed["problem-free"], "yes");
    }
}
