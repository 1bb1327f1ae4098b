//! Forms: a field with its label, hint and error tied together, and the list of what is wrong on top. Fields
//! are real fields and forms real forms; scripts only make them quicker.

use crate::locale::Words;
use maud::{Markup, html};

/// What is wrong with a form: the field and what to do about it.
#[derive(Default)]
pub(crate) struct Errors(Vec<(String, String)>);

impl Errors {
    pub(crate) fn none() -> Errors {
        Errors::default()
    }

    pub(crate) fn one(field: &str, words: impl Into<String>) -> Errors {
        let mut errors = Errors::none();
        errors.add(field, words);
        errors
    }

    pub(crate) fn add(&mut self, field: &str, words: impl Into<String>) {
        self.0.push((field.to_owned(), words.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == field).map(|(_, words)| words.as_str())
    }

    /// `Error: ` in front of the title, so that it is heard first (WCAG 2.2, technique G199 and its like).
    pub(crate) fn title(&self, words: &Words, title: &str) -> String {
        if self.is_empty() { title.to_owned() } else { words.with("common-error-title", &[("title", title.into())]) }
    }

    /// All of them on top of the form, each leading to its field.
    pub(crate) fn summary(&self) -> Markup {
        html! {
            @if !self.is_empty() {
                div.error role="alert" {
                    @if let [(field, words)] = self.0.as_slice() { a href={ "#" (field) } { (words) } }
                    @else { ul { @for (field, words) in &self.0 { li { a href={ "#" (field) } { (words) } } } } }
                }
            }
        }
    }
}

/// One field of text. The name is the id.
pub(crate) struct Field<'a> {
    id: &'a str,
    label: &'a str,
    kind: &'a str,
    value: &'a str,
    hint: Option<&'a str>,
    autocomplete: Option<&'a str>,
    inputmode: Option<&'a str>,
    list: Option<&'a str>,
    maxlength: Option<u32>,
    optional: bool,
    free: bool,
    focus: bool,
    /// Names, codes and passwords: nothing to correct or to begin with a capital.
    literal: bool,
}

pub(crate) fn field<'a>(id: &'a str, label: &'a str) -> Field<'a> {
    Field {
        id,
        label,
        kind: "text",
        value: "",
        hint: None,
        autocomplete: None,
        inputmode: None,
        list: None,
        maxlength: None,
        optional: false,
        free: false,
        focus: false,
        literal: false,
    }
}

impl<'a> Field<'a> {
    pub(crate) fn password(self, autocomplete: &'a str) -> Field<'a> {
        Field { kind: "password", autocomplete: Some(autocomplete), literal: true, ..self }
    }

    /// A code from an app or a paper: may be pasted, and phones offer the one they got.
    pub(crate) fn code(self) -> Field<'a> {
        Field { autocomplete: Some("one-time-code"), inputmode: Some("numeric"), literal: true, ..self }
    }

    pub(crate) fn literal(self) -> Field<'a> {
        Field { literal: true, ..self }
    }

    pub(crate) fn kind(self, kind: &'a str) -> Field<'a> {
        Field { kind, ..self }
    }

    pub(crate) fn value(self, value: &'a str) -> Field<'a> {
        Field { value, ..self }
    }

    pub(crate) fn hint(self, hint: &'a str) -> Field<'a> {
        Field { hint: Some(hint), ..self }
    }

    pub(crate) fn autocomplete(self, autocomplete: &'a str) -> Field<'a> {
        Field { autocomplete: Some(autocomplete), ..self }
    }

    pub(crate) fn list(self, list: Option<&'a str>) -> Field<'a> {
        Field { list, ..self }
    }

    pub(crate) fn maxlength(self, most: u32) -> Field<'a> {
        Field { maxlength: Some(most), ..self }
    }

    pub(crate) fn optional(self) -> Field<'a> {
        Field { optional: true, ..self }
    }

    pub(crate) fn focus(self) -> Field<'a> {
        Field { focus: true, ..self }
    }

    /// May be left empty, and everybody sees that.
    pub(crate) fn free(self) -> Field<'a> {
        Field { free: true, ..self }
    }

    pub(crate) fn show(&self, words: &Words, errors: &Errors) -> Markup {
        let error = errors.of(self.id);
        let told = told_by(self.id, self.hint.is_some(), error.is_some());
        html! {
            div.field {
                label for=(self.id) { (self.label) @if self.optional { " " span.quiet { (words.say("common-optional")) } } }
                @if let Some(hint) = self.hint { p.hint id={ (self.id) "-hint" } { (hint) } }
                @if let Some(error) = error { p.field-error id={ (self.id) "-error" } { (error) } }
                input id=(self.id) name=(self.id) type=(self.kind) value=(self.value) required[!self.optional && !self.free]
                    autocomplete=[self.autocomplete] inputmode=[self.inputmode] list=[self.list] maxlength=[self.maxlength]
                    autofocus[self.focus] autocapitalize=[self.literal.then_some("none")]
                    spellcheck=[self.literal.then_some("false")]
                    aria-invalid=[error.map(|_| "true")] aria-describedby=[told];
            }
        }
    }
}

fn told_by(id: &str, hint: bool, error: bool) -> Option<String> {
    let parts: Vec<String> =
        [(hint, "hint"), (error, "error")].iter().filter(|it| it.0).map(|(_, it)| format!("{id}-{it}")).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Several lines of text.
pub(crate) fn lines(id: &str, label: &str, value: &str, hint: Option<&str>, errors: &Errors) -> Markup {
    let error = errors.of(id);
    html! {
        div.field {
            label for=(id) { (label) }
            @if let Some(hint) = hint { p.hint id={ (id) "-hint" } { (hint) } }
            @if let Some(error) = error { p.field-error id={ (id) "-error" } { (error) } }
            textarea id=(id) name=(id) rows="3" maxlength="2000" aria-invalid=[error.map(|_| "true")]
                aria-describedby=[told_by(id, hint.is_some(), error.is_some())] { (value) }
        }
    }
}

/// One of a list: (value, words).
pub(crate) fn choice(id: &str, label: &str, options: &[(&str, &str)], chosen: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            select id=(id) name=(id) {
                @for (value, words) in options { option value=(value) selected[*value == chosen] { (words) } }
            }
        }
    }
}

/// The same where the words are keys.
pub(crate) fn choice_of(words: &Words, id: &str, label: &str, options: &[(&str, &str)], chosen: &str) -> Markup {
    let said: Vec<(&str, String)> = options.iter().map(|(value, key)| (*value, words.say(key))).collect();
    let options: Vec<(&str, &str)> = said.iter().map(|(value, words)| (*value, words.as_str())).collect();
    choice(id, label, &options, chosen)
}

/// Any of a list, as boxes to tick: (value, words, ticked).
pub(crate) fn boxes(name: &str, legend: &str, options: &[(String, String, bool)], errors: &Errors) -> Markup {
    let error = errors.of(name);
    html! {
        fieldset.boxes id=(name) aria-describedby=[error.map(|_| format!("{name}-error"))] {
            legend { (legend) }
            @if let Some(error) = error { p.field-error id={ (name) "-error" } { (error) } }
            @for (value, words, ticked) in options {
                label { input type="checkbox" name=(name) value=(value) checked[*ticked]; span { (words) } }
            }
        }
    }
}

/// A button that does one thing by itself: a form of its own with what it needs.
pub(crate) fn act(action: &str, hidden: &[(&str, &str)], words: &str, class: Option<&str>) -> Markup {
    act_on(action, hidden, words, None, class)
}

/// The same where several look alike: `about` tells those who hear it which one (`Remove`, `Kim's phone`).
pub(crate) fn act_on(
    action: &str,
    hidden: &[(&str, &str)],
    words: &str,
    about: Option<&str>,
    class: Option<&str>,
) -> Markup {
    html! {
        form.act method="post" action=(action) {
            @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
            button class=[class] type="submit" { (words) @if let Some(about) = about { span.spoken { " " (about) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    #[test]
    fn a_field_is_tied_to_its_label_its_hint_and_its_error() {
        let (words, errors) = (Locale::English.words(), Errors::one("code", "Type the six digits."));
        let shown = field("code", "Code").code().hint("From your app").show(words, &errors).into_string();
        for part in [
            "<label for=\"code\">Code</label>",
            "autocomplete=\"one-time-code\"",
            "aria-describedby=\"code-hint code-error\"",
            "aria-invalid=\"true\"",
            "id=\"code-error\"",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert!(errors.summary().into_string().contains("href=\"#code\""));
        assert_eq!(errors.title(words, "Sign in"), "Error: Sign in");
    }

    #[test]
    fn what_is_typed_comes_back_escaped() {
        let shown =
            field("name", "Name").value("\"><script>").show(Locale::English.words(), &Errors::none()).into_string();
        assert!(!shown.contains("<script>"), "{shown}");
    }
}
