//! What an app may do, in plain words (SMART App Launch 2.2, scopes). What is not understood is shown as it is
//! written: better strange than hidden.

use super::words;
use maud::{Markup, html};

/// What is asked besides data → what it means.
const PLAIN: [(&str, &str); 8] = [
    ("openid", "Know who signs in"),
    ("profile", "Know who signs in"),
    ("fhirUser", "Know who signs in"),
    ("launch", "Know which record is open"),
    ("launch/patient", "Know which record is open"),
    ("launch/encounter", "Know which visit is open"),
    ("offline_access", "Keep access when nobody is there, until it is taken back"),
    ("online_access", "Keep access while you are signed in"),
];

/// Whose data a scope speaks of, for someone who reads about their own record or about an app in general.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    Own,
    General,
}

/// One line for each thing, each only once, data first.
pub(crate) fn in_words(scopes: &str, voice: Voice) -> Vec<String> {
    let (mut data, mut other): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for scope in scopes.split_whitespace() {
        let (list, line) = match PLAIN.iter().find(|(it, _)| *it == scope) {
            Some((_, words)) => (&mut other, (*words).to_owned()),
            None => (&mut data, resource(scope, voice).unwrap_or_else(|| scope.to_owned())),
        };
        if !list.contains(&line) {
            list.push(line);
        }
    }
    data.append(&mut other);
    data
}

fn resource(scope: &str, voice: Voice) -> Option<String> {
    let (context, rest) = scope.split_once('/')?;
    let (head, query) = match rest.split_once('?') {
        Some((head, query)) => (head, Some(query)),
        None => (rest, None),
    };
    let (kind, letters) = head.split_once('.')?;
    let verbs = verbs(letters)?;
    let of = match (context, voice) {
        ("patient", Voice::Own) => "your ",
        ("patient", Voice::General) => "the patient’s ",
        ("user", _) | ("system", _) => "",
        _ => return None,
    };
    let what = if kind == "*" { "whole record".to_owned() } else { words::kind(kind) };
    let of = if kind == "*" && of.is_empty() { "the " } else { of };
    let whose = match (context, voice) {
        ("user", Voice::Own) => " of all you may see",
        ("user", Voice::General) => " of all that the user may see",
        ("system", _) => " of everybody",
        _ => "",
    };
    let only = query.map(|query| format!(", only where {}", condition(query))).unwrap_or_default();
    Some(format!("{verbs} {of}{what}{whose}{only}"))
}

fn verbs(letters: &str) -> Option<String> {
    let letters = match letters {
        "read" => "rs",
        "write" => "cud",
        "*" => "cruds",
        other => other,
    };
    if letters.is_empty() || !letters.chars().all(|it| "cruds".contains(it)) {
        return None;
    }
    let has = |it: char| letters.contains(it);
    let mut verbs = Vec::new();
    if has('r') || has('s') {
        verbs.push("see");
    }
    if has('c') {
        verbs.push("add to");
    }
    if has('u') {
        verbs.push("change");
    }
    if has('d') {
        verbs.push("delete");
    }
    let mut words = match verbs.as_slice() {
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
        [] => return None,
    };
    words[..1].make_ascii_uppercase();
    Some(words)
}

/// `category=http://…|laboratory` → `category is laboratory`.
fn condition(query: &str) -> String {
    let part = |it: &str| match it.split_once('=') {
        Some((name, value)) => {
            let code = value.rsplit(['|', '/']).next().unwrap_or(value);
            format!("{name} is {code}")
        }
        None => it.to_owned(),
    };
    query.split('&').map(part).collect::<Vec<_>>().join(" and ")
}

pub(crate) fn list(scopes: &str, voice: Voice) -> Markup {
    let lines = in_words(scopes, voice);
    html! {
        @if lines.is_empty() { p.quiet { "Nothing." } }
        @else { ul.plain-list { @for line in lines { li { (line) } } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_told_in_words() {
        let check = |scope: &str, voice: Voice, words: &str| assert_eq!(in_words(scope, voice), [words], "{scope}");
        check("patient/Observation.rs", Voice::Own, "See your measurements and test results");
        check("patient/Observation.read", Voice::General, "See the patient’s measurements and test results");
        check("patient/*.*", Voice::Own, "See, add to, change and delete your whole record");
        check("user/Patient.cruds", Voice::Own, "See, add to, change and delete personal details of all you may see");
        check("system/*.rs", Voice::General, "See the whole record of everybody");
        check(
            "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
            Voice::Own,
            "See your measurements and test results, only where category is laboratory",
        );
        check("openid fhirUser", Voice::Own, "Know who signs in");
        // What is not understood is not hidden.
        check("patient/Observation.zz", Voice::Own, "patient/Observation.zz");
        check("strange", Voice::Own, "strange");
        assert_eq!(in_words("openid patient/Patient.r", Voice::Own).len(), 2);
    }
}
