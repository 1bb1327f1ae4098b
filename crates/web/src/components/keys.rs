//! Keys that do something (screens, A3): one table of commands with the keys they have unless somebody chose others.
//! The list that ? opens is made of it, and scripts read from that list which keys do what. Every one can be changed or
//! switched off (WCAG 2.2, 2.1.4): browsers and readers of screens take some for themselves.

use crate::request::Visitor;
use care::desk::Settings;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// (command, what it does, the usual keys)
pub(crate) const COMMANDS: [(&str, &str, &str); 9] = [
    ("palette", "shell-key-palette", "Ctrl+K"),
    ("commit", "shell-key-commit", "Ctrl+Enter"),
    ("save", "shell-key-save", "Ctrl+S"),
    ("order", "shell-key-order", "Ctrl+Shift+O"),
    ("note", "shell-key-note", "Ctrl+Shift+N"),
    ("message", "shell-key-message", "Ctrl+Shift+M"),
    ("vitals", "shell-key-vitals", "Ctrl+Shift+V"),
    ("sections", "shell-key-sections", "Alt+0…9"),
    ("help", "shell-key-help", "?"),
];

/// Keys that belong to a place rather than to every page: (keys, what they do).
const ELSEWHERE: [(&str, &str); 6] = [
    ("Esc", "shell-key-escape"),
    ("↑ ↓ Home End", "shell-key-arrows"),
    ("j k e r f x", "shell-key-list"),
    ("F2, Shift+F2", "shell-key-gap"),
    (". …", "shell-key-phrase"),
    ("/ …", "shell-key-slash"),
];

/// The keys of a command for this person; none when it is switched off.
pub(crate) fn chord<'a>(settings: &'a Settings, command: &str) -> Option<&'a str> {
    let usual = COMMANDS.iter().find(|(it, ..)| *it == command).map(|(_, _, keys)| *keys)?;
    let keys = settings.keys.get(command).map_or(usual, String::as_str);
    let bare = !keys.contains('+');
    Some(keys).filter(|it| !(it.is_empty() || bare && settings.no_letters))
}

/// What somebody typed as keys, as scripts write it: `ctrl + shift+o` is `Ctrl+Shift+O`. `None` is what cannot be keys.
pub(crate) fn parse(typed: &str) -> Option<String> {
    let compact: String = typed.chars().filter(|it| !it.is_whitespace()).collect();
    if compact.is_empty() {
        return Some(String::new());
    }
    // A plus at the end is the key itself.
    let (held, key) = match compact.strip_suffix("++") {
        Some(held) => (held, "+"),
        None => compact.rsplit_once('+').unwrap_or(("", &compact)),
    };
    let (mut ctrl, mut alt, mut shift) = (false, false, false);
    for modifier in held.split('+').filter(|it| !it.is_empty()) {
        match modifier.to_ascii_lowercase().as_str() {
            "ctrl" | "control" | "cmd" | "⌘" => ctrl = true,
            "alt" | "option" => alt = true,
            "shift" => shift = true,
            _ => return None,
        }
    }
    let named = ["Enter", "Space", "Home", "End", "PageUp", "PageDown", "ArrowUp", "ArrowDown", "Insert"];
    let function = || key.strip_prefix(['f', 'F']).and_then(|it| it.parse().ok()).filter(|it| (1..=12_u8).contains(it));
    let key = match named.iter().find(|it| it.eq_ignore_ascii_case(key)) {
        Some(named) => (*named).to_owned(),
        None if key.chars().count() == 1 => key.to_uppercase(),
        None => format!("F{}", function()?),
    };
    let letter = key.chars().count() == 1;
    // A letter alone would be taken from whoever types it.
    if letter && !(ctrl || alt) && key.chars().all(char::is_alphanumeric) {
        return None;
    }
    let parts = [(ctrl, "Ctrl"), (alt, "Alt"), (shift, "Shift")];
    let mut parts: Vec<&str> = parts.iter().filter(|it| it.0).map(|it| it.1).collect();
    parts.push(&key);
    Some(parts.join("+"))
}

/// Keys that two commands would share.
pub(crate) fn doubled(keys: &BTreeMap<String, String>) -> Option<String> {
    let settings = Settings { keys: keys.clone(), ..Settings::default() };
    let mut seen: Vec<&str> = Vec::new();
    for (command, ..) in COMMANDS {
        let Some(keys) = chord(&settings, command) else { continue };
        if seen.contains(&keys) {
            return Some(keys.to_owned());
        }
        seen.push(keys);
    }
    None
}

/// The list of keys, which ? opens.
pub(crate) fn help(visitor: &Visitor) -> Markup {
    let words = visitor.words;
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { (words.say("shell-keys")) }
            table.rows.keys {
                tbody {
                    @for (command, does, _) in COMMANDS { @if let Some(keys) = chord(&visitor.desk, command) {
                        tr data-command=(command) data-chord=[(command != "sections").then_some(keys)] data-sections[command == "sections"] {
                            th scope="row" { (pressed(keys)) }
                            td { (words.say(does)) }
                        }
                    } }
                    @for (keys, does) in ELSEWHERE { tr { th scope="row" { (pressed(keys)) } td { (words.say(does)) } } }
                }
            }
            p.quiet { a href=(visitor.at("account/settings#keys-form")) { (words.say("shell-keys-change")) } }
            p { button type="button" data-close="" { (words.say("shell-close")) } }
        }
    }
}

fn pressed(keys: &str) -> Markup {
    html! { kbd { (keys.replace('+', " + ")) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_people_write_them() {
        for (typed, read) in [
            ("ctrl + shift+o", Some("Ctrl+Shift+O")),
            ("Cmd+k", Some("Ctrl+K")),
            ("alt+Enter", Some("Alt+Enter")),
            ("f2", Some("F2")),
            ("?", Some("?")),
            ("Ctrl++", Some("Ctrl++")),
            ("", Some("")),
            ("o", None),
            ("Shift+O", None),
            ("hyper+o", None),
            ("Ctrl+Nonsense", None),
            ("F13", None),
        ] {
            assert_eq!(parse(typed).as_deref(), read, "{typed}");
        }
    }

    #[test]
    fn keys_can_be_changed_switched_off_and_not_be_given_twice() {
        let mut settings = Settings::default();
        assert_eq!(chord(&settings, "help"), Some("?"));
        settings.no_letters = true;
        assert_eq!(chord(&settings, "help"), None, "a key by itself is off with the letters");
        assert_eq!(chord(&settings, "palette"), Some("Ctrl+K"));
        settings.keys.insert("palette".into(), String::new());
        assert_eq!(chord(&settings, "palette"), None);
        settings.keys.insert("save".into(), "Ctrl+Enter".into());
        assert_eq!(doubled(&settings.keys).as_deref(), Some("Ctrl+Enter"));
        assert_eq!(doubled(&BTreeMap::new()), None);
    }
}
