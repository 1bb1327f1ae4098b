//! What lists, fields and their choices are called: keys of `content/words`, by the names that `care::entries` has.

use crate::locale::Words;
use care::entries::List;

/// (list, its name, what it says when it is empty)
const LISTS: [(List, &str, &str); 13] = [
    (List::Problems, "lists-problems", "lists-empty-problems"),
    (List::Medications, "lists-medications", "lists-empty-medications"),
    (List::Allergies, "lists-allergies", "lists-empty-allergies"),
    (List::Immunizations, "lists-immunizations", "lists-empty-immunizations"),
    (List::Procedures, "lists-procedures", "lists-empty-procedures"),
    (List::Family, "lists-family", "lists-empty-family"),
    (List::Smoking, "lists-smoking", "lists-empty-smoking"),
    (List::Social, "lists-social", "lists-empty-social"),
    (List::Needs, "lists-needs", "lists-empty-needs"),
    (List::Devices, "lists-devices", "lists-empty-devices"),
    (List::Goals, "lists-goals", "lists-empty-goals"),
    (List::Plans, "lists-plans", "lists-empty-plans"),
    (List::Team, "lists-team", "lists-empty-team"),
];

/// (field, its label)
const FIELDS: [(&str, &str); 43] = [
    ("problem", "lists-field-problem"),
    ("onset", "lists-field-onset"),
    ("severity", "lists-field-severity"),
    ("certainty", "lists-field-certainty"),
    ("note", "lists-field-note"),
    ("drug", "lists-field-drug"),
    ("directions", "lists-field-directions"),
    ("since", "lists-field-since"),
    ("reason", "lists-field-reason"),
    ("substance", "lists-field-substance"),
    ("reaction", "lists-field-reaction"),
    ("risk", "lists-field-risk"),
    ("sort", "lists-field-sort"),
    ("vaccine", "lists-field-vaccine"),
    ("given", "lists-field-given"),
    ("how", "lists-field-how"),
    ("dose", "lists-field-dose"),
    ("lot", "lists-field-lot"),
    ("site", "lists-field-site"),
    ("procedure", "lists-field-procedure"),
    ("done", "lists-field-done"),
    ("relation", "lists-field-relation"),
    ("condition", "lists-field-condition"),
    ("age", "lists-field-age"),
    ("living", "lists-field-living"),
    ("smoking", "lists-field-smoking"),
    ("topic", "lists-field-topic"),
    ("answer", "lists-field-answer"),
    ("need", "lists-field-need"),
    ("device", "lists-field-device"),
    ("udi", "lists-field-udi"),
    ("maker", "lists-field-maker"),
    ("serial", "lists-field-serial"),
    ("expires", "lists-field-expires"),
    ("goal", "lists-field-goal"),
    ("due", "lists-field-due"),
    ("progress", "lists-field-progress"),
    ("title", "lists-field-title"),
    ("plan", "lists-field-plan"),
    ("member", "lists-field-member"),
    ("role", "lists-field-role"),
    ("category", "lists-field-category"),
    ("refills", "lists-field-refills"),
];

/// (field, choice, what it is called)
const CHOICES: [(&str, &str, &str); 52] = [
    ("severity", "mild", "lists-severity-mild"),
    ("severity", "moderate", "lists-severity-moderate"),
    ("severity", "severe", "lists-severity-severe"),
    ("certainty", "confirmed", "lists-certainty-confirmed"),
    ("certainty", "provisional", "lists-certainty-provisional"),
    ("certainty", "differential", "lists-certainty-differential"),
    ("risk", "high", "lists-risk-high"),
    ("risk", "low", "lists-risk-low"),
    ("risk", "unable-to-assess", "lists-risk-unable-to-assess"),
    ("risk", "at-risk", "lists-risk-at-risk"),
    ("risk", "no-risk", "lists-risk-no-risk"),
    ("sort", "allergy", "lists-sort-allergy"),
    ("sort", "intolerance", "lists-sort-intolerance"),
    ("how", "here", "lists-how-here"),
    ("how", "elsewhere", "lists-how-elsewhere"),
    ("how", "refused", "lists-how-refused"),
    ("site", "left-arm", "lists-site-left-arm"),
    ("site", "right-arm", "lists-site-right-arm"),
    ("site", "left-thigh", "lists-site-left-thigh"),
    ("site", "right-thigh", "lists-site-right-thigh"),
    ("relation", "mother", "lists-relation-mother"),
    ("relation", "father", "lists-relation-father"),
    ("relation", "sister", "lists-relation-sister"),
    ("relation", "brother", "lists-relation-brother"),
    ("relation", "daughter", "lists-relation-daughter"),
    ("relation", "son", "lists-relation-son"),
    ("relation", "mothers-mother", "lists-relation-mothers-mother"),
    ("relation", "mothers-father", "lists-relation-mothers-father"),
    ("relation", "fathers-mother", "lists-relation-fathers-mother"),
    ("relation", "fathers-father", "lists-relation-fathers-father"),
    ("relation", "aunt", "lists-relation-aunt"),
    ("relation", "uncle", "lists-relation-uncle"),
    ("relation", "cousin", "lists-relation-cousin"),
    ("living", "living", "lists-living-living"),
    ("living", "dead", "lists-living-dead"),
    ("smoking", "daily", "lists-smoking-daily"),
    ("smoking", "some-days", "lists-smoking-some-days"),
    ("smoking", "former", "lists-smoking-former"),
    ("smoking", "never", "lists-smoking-never"),
    ("smoking", "unknown", "lists-smoking-unknown"),
    ("topic", "alcohol", "lists-topic-alcohol"),
    ("topic", "drugs", "lists-topic-drugs"),
    ("topic", "work", "lists-topic-work"),
    ("topic", "other", "lists-topic-other"),
    ("need", "food", "lists-need-food"),
    ("need", "housing", "lists-need-housing"),
    ("need", "transport", "lists-need-transport"),
    ("progress", "in-progress", "lists-progress-in-progress"),
    ("progress", "improving", "lists-progress-improving"),
    ("progress", "worsening", "lists-progress-worsening"),
    ("progress", "achieved", "lists-progress-achieved"),
    ("progress", "not-achieved", "lists-progress-not-achieved"),
];

/// (status as sent, what it is called)
const STATUSES: [(&str, &str); 16] = [
    ("reported", "lists-status-reported"),
    ("resolved", "lists-status-resolved"),
    ("inactive", "lists-status-inactive"),
    ("remission", "lists-status-remission"),
    ("recurrence", "lists-status-recurrence"),
    ("relapse", "lists-status-relapse"),
    ("completed", "lists-status-completed"),
    ("stopped", "lists-status-stopped"),
    ("on-hold", "lists-status-on-hold"),
    ("entered-in-error", "lists-status-entered-in-error"),
    ("active", "lists-status-active"),
    ("unknown", "lists-status-unknown"),
    ("draft", "lists-status-draft"),
    ("cancelled", "lists-status-cancelled"),
    ("revoked", "lists-status-revoked"),
    ("intolerance", "lists-status-intolerance"),
];

pub(super) fn list_name(list: List) -> &'static str {
    LISTS.iter().find(|(it, ..)| *it == list).map_or("", |(_, name, _)| name)
}

pub(super) fn list_empty(list: List) -> &'static str {
    LISTS.iter().find(|(it, ..)| *it == list).map_or("", |(.., empty)| empty)
}

pub(crate) fn field_name(words: &Words, field: &str) -> String {
    FIELDS.iter().find(|(it, _)| *it == field).map_or_else(|| field.to_owned(), |(_, key)| words.say(key))
}

pub(super) fn choice_name(words: &Words, field: &str, choice: &str) -> String {
    let known = CHOICES.iter().find(|(of, it, _)| *of == field && *it == choice);
    known.map_or_else(|| choice.to_owned(), |(.., key)| words.say(key))
}

/// A status in words; one we do not know, as it was sent.
pub(super) fn status_of(words: &Words, status: &str) -> String {
    let known = STATUSES.iter().find(|(it, _)| *it == status.replace(' ', "-"));
    known.map_or_else(|| status.replace('-', " "), |(_, key)| words.say(key))
}

/// A detail of a row in words: choices and statuses are told in the language of the page, what people wrote is not.
pub(crate) fn spoken(words: &Words, field: &str, value: &str) -> String {
    if field == "status" { status_of(words, value) } else { choice_name(words, field, value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;
    use care::entries::Input;

    #[test]
    fn every_list_field_and_choice_has_its_words() {
        for words in Locale::ALL.map(Locale::words) {
            for list in List::all() {
                assert!(!words.say(list_name(list)).starts_with("lists-"), "{list:?}");
                assert!(!words.say(list_empty(list)).starts_with("lists-"), "{list:?}");
                for field in list.fields() {
                    assert!(FIELDS.iter().any(|(it, _)| *it == field.name), "{}", field.name);
                    let Input::Choice(choices) = field.input else { continue };
                    for choice in choices {
                        let known = CHOICES.iter().any(|(of, it, _)| *of == field.name && it == choice);
                        assert!(known, "{} {choice}", field.name);
                    }
                }
            }
        }
    }
}
