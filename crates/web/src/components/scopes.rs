//! What an app may do, in plain words, one line for each thing; the words are those of the consent page.

use crate::locale::Words;
use care::access::Scopes;
use maud::{Markup, html};

/// To whom the words speak.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// To the patient, about their own record.
    Own,
    /// To who administers.
    General,
}

pub(crate) fn in_words(scopes: &str, voice: Voice) -> Vec<String> {
    // What cannot be read is shown as it is written: better strange than hidden.
    let Ok((read, unknown)) = Scopes::lenient(scopes) else { return vec![scopes.to_owned()] };
    let mut lines: Vec<String> = Vec::new();
    for line in read.described() {
        let words = match voice {
            Voice::Own => line.words,
            Voice::General => line.words.replace(" your ", " the patient’s ").replace(" you ", " the user "),
        };
        if !lines.contains(&words) {
            lines.push(words);
        }
    }
    lines.extend(unknown);
    lines
}

pub(crate) fn list(words: &Words, scopes: &str, voice: Voice) -> Markup {
    let lines = in_words(scopes, voice);
    html! {
        @if lines.is_empty() { p.quiet { (words.say("apps-nothing")) } }
        @else { ul.plain-list { @for line in lines { li { (line) } } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_an_app_may_do_is_left_out() {
        let own = in_words("patient/Observation.rs patient/Observation.rs openid", Voice::Own);
        assert!(own.len() == 2 && own[0].contains("your"), "what is asked twice is told once: {own:?}");
        assert!(!in_words("patient/Observation.rs", Voice::General)[0].contains(" your "));
        assert!(!in_words("patient/*.cruds", Voice::General).is_empty());
    }
}
