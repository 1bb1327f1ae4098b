//! What was done, said once on the page that follows. The address carries a word of the table below, never text.

use maud::{Markup, html};

/// Word in the address → what the page says.
const DONE: [(&str, &str); 34] = [
    ("saved", "Saved."),
    ("password", "Your password was changed. Other sessions were signed out."),
    ("totp", "Your authenticator app is set up."),
    ("no-totp", "The authenticator app was removed."),
    ("passkey", "The passkey was added."),
    ("no-passkey", "The passkey was removed."),
    ("session", "The session was signed out."),
    ("sessions", "All other sessions were signed out."),
    ("role", "You now act in the other role."),
    ("deactivated", "The user was deactivated and signed out everywhere."),
    ("activated", "The user may sign in again."),
    ("withdrawn", "The invitation was withdrawn."),
    ("policy", "The rule for second factors was changed."),
    ("reset", "Your password is set. Sign in with it."),
    ("app", "The app was registered."),
    ("app-approved", "The app was approved and may be used from now on."),
    ("app-rejected", "The request was turned down."),
    ("app-disabled", "The app was disabled. What it was given does not work any more."),
    ("app-enabled", "The app may be used again."),
    ("app-revoked", "The app no longer has access to your record."),
    ("reviewed", "The review was recorded."),
    ("ended", "Emergency access has ended."),
    ("signed-out", "You are signed out."),
    ("invited", "The invitation was made."),
    ("created", "The user was created."),
    ("changed", "Your changes were saved."),
    ("verified", "The chain was checked."),
    ("key", "A new secret was made."),
    ("proved", "Thank you. You may go on."),
    ("provider", "The sign-in provider was saved."),
    ("linked", "The accounts are linked."),
    ("revoked", "Access was withdrawn."),
    ("granted", "Access was given."),
    ("none", "Nothing was changed."),
];

/// What to say for the word of an address; an unknown word says nothing.
pub(crate) fn done(word: Option<&str>) -> Markup {
    let words = word.and_then(|word| DONE.iter().find(|(it, _)| *it == word)).map(|(_, words)| *words);
    html! { @if let Some(words) = words { p.notice.good role="status" { (super::icon::icon("check")) (words) } } }
}

/// Something to know before going on.
pub(crate) fn caution(words: Markup) -> Markup {
    html! { div.notice.caution { (super::icon::icon("alert")) div { (words) } } }
}
