//! Texts and code fit together: nothing is asked for that is not there, nothing is there that nobody asks for,
//! and both languages say the same things.

use super::{FAMILIES, Locale};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Key → the variables of its message.
type Messages<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The messages of a file: a key at the start of a line begins one, indented lines go on with it.
fn messages(text: &str) -> Messages<'_> {
    let mut all = Messages::new();
    let mut current = None;
    for line in text.lines() {
        let begins = line.starts_with(|c: char| c.is_ascii_lowercase());
        if let Some((key, _)) = line.split_once('=').filter(|_| begins) {
            let key = key.trim();
            assert!(all.insert(key, BTreeSet::new()).is_none(), "{key} is there twice");
            current = Some(key);
        }
        let Some(key) = current.filter(|_| !line.starts_with('#')) else { continue };
        for variable in line.split('$').skip(1) {
            let end = variable.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
            all.get_mut(key).expect("it was just put there").insert(&variable[..end.unwrap_or(variable.len())]);
        }
    }
    all
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("our own sources can be listed") {
        let path = entry.expect("our own sources can be listed").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("locale/tests.rs") {
            into.push(path);
        }
    }
}

/// Every key that code of this crate says or keeps in a table → a file that does.
fn asked() -> BTreeMap<String, String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut keys = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("our own sources can be read");
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let text = code.join("\n");
        for call in [".say(\"", ".with(\""] {
            for rest in text.split(call).skip(1) {
                let key = rest.split('"').next().expect("a split has a first part");
                keys.insert(key.to_owned(), file.display().to_string());
            }
        }
        // Tables of keys: any quoted text that begins with the name of a family and is made like a key.
        for quoted in text.split('"') {
            let made_like_one = quoted.contains('-')
                && quoted.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            let family = quoted.split('-').next().unwrap_or_default();
            if made_like_one
                && FAMILIES.iter().any(|(name, english, _)| *name == family && messages(english).contains_key(quoted))
            {
                keys.entry(quoted.to_owned()).or_insert_with(|| file.display().to_string());
            }
        }
    }
    keys
}

#[test]
fn both_languages_have_the_same_messages_with_the_same_variables() {
    for (family, english, spanish) in FAMILIES {
        let (english, spanish) = (messages(english), messages(spanish));
        assert!(!english.is_empty(), "{family} is empty");
        for key in english.keys().chain(spanish.keys()) {
            assert!(key.starts_with(&format!("{family}-")), "{key} must begin with the name of its family, {family}");
            assert_eq!(english.get(key), spanish.get(key), "{family}: {key} is not the same in both languages");
        }
    }
}

#[test]
fn code_asks_only_for_messages_that_exist_and_for_each_of_them() {
    let there: BTreeSet<&str> = FAMILIES.iter().flat_map(|(_, english, _)| messages(english).into_keys()).collect();
    let asked = asked();
    for (key, file) in &asked {
        assert!(there.contains(key.as_str()), "{file} asks for {key}, which content/words/en does not have");
    }
    for key in there {
        assert!(asked.contains_key(key), "nobody asks for {key}: remove it from content/words");
    }
}

#[test]
fn every_message_can_be_said_in_every_language() {
    for locale in Locale::ALL {
        for (family, english, _) in FAMILIES {
            for (key, variables) in messages(english) {
                let values: Vec<_> = variables.iter().map(|it| (*it, 3.into())).collect();
                let said = locale.words().with(key, &values);
                assert!(!said.is_empty() && said != key && !said.contains('{'), "{family}: {key} says “{said}”");
            }
        }
    }
}

#[test]
fn the_language_is_the_one_the_browser_likes_best_of_ours() {
    let cases = [
        ("es-MX,es;q=0.9,en;q=0.8", Some(Locale::Spanish)),
        ("de-DE,de;q=0.9,en;q=0.5,es;q=0.4", Some(Locale::English)),
        ("en;q=0.2, ES;q=0.7", Some(Locale::Spanish)),
        ("es;q=0,en", Some(Locale::English)),
        ("fr", None),
        ("", None),
        ("en;q=nonsense", None),
    ];
    for (header, locale) in cases {
        assert_eq!(Locale::accepted(header), locale, "{header}");
    }
}
