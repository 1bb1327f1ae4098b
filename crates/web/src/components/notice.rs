//! What was done, said once on the page that follows. The address carries a word of the table below, never text.

use crate::locale::Words;
use maud::{Markup, html};

/// Words that an address may carry → what the page says.
const DONE: [(&str, &str); 36] = [
    ("saved", "common-done-saved"),
    ("password", "common-done-password"),
    ("totp", "common-done-totp"),
    ("no-totp", "common-done-no-totp"),
    ("passkey", "common-done-passkey"),
    ("no-passkey", "common-done-no-passkey"),
    ("session", "common-done-session"),
    ("sessions", "common-done-sessions"),
    ("role", "common-done-role"),
    ("deactivated", "common-done-deactivated"),
    ("activated", "common-done-activated"),
    ("withdrawn", "common-done-withdrawn"),
    ("policy", "common-done-policy"),
    ("reset", "common-done-reset"),
    ("app", "common-done-app"),
    ("app-approved", "common-done-app-approved"),
    ("app-rejected", "common-done-app-rejected"),
    ("app-disabled", "common-done-app-disabled"),
    ("app-enabled", "common-done-app-enabled"),
    ("app-revoked", "common-done-app-revoked"),
    ("reviewed", "common-done-reviewed"),
    ("ended", "common-done-ended"),
    ("signed-out", "common-done-signed-out"),
    ("invited", "common-done-invited"),
    ("created", "common-done-created"),
    ("changed", "common-done-changed"),
    ("verified", "common-done-verified"),
    ("key", "common-done-key"),
    ("proved", "common-done-proved"),
    ("provider", "common-done-provider"),
    ("linked", "common-done-linked"),
    ("revoked", "common-done-revoked"),
    ("granted", "common-done-granted"),
    ("none", "common-done-none"),
    ("reconciled", "reconcile-done"),
    ("unreconciled", "reconcile-undone"),
];

/// What to say for the word of an address; an unknown word says nothing.
pub(crate) fn done(words: &Words, word: Option<&str>) -> Markup {
    let key = word.and_then(|word| DONE.iter().find(|(it, _)| *it == word)).map(|(_, key)| *key);
    html! { @if let Some(key) = key { p.notice.good role="status" { (super::icon::icon("check")) (words.say(key)) } } }
}

/// What was done, in words that are there already.
pub(crate) fn told(text: &str) -> Markup {
    html! { p.notice.good role="status" { (super::icon::icon("check")) (text) } }
}

/// Something to know before going on.
pub(crate) fn caution(words: Markup) -> Markup {
    html! { div.notice.caution { (super::icon::icon("alert")) div { (words) } } }
}
