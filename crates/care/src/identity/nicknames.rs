//! What people are called beside their given name: Bill for William, Paco for Francisco (`content/identity/nicknames.txt`).

use std::collections::HashMap;
use std::sync::LazyLock;

static FILE: &str = include_str!("../../../../content/identity/nicknames.txt");

/// Form → the names it may stand for; a name stands for itself.
static NAMES: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut forms: HashMap<&str, Vec<&str>> = HashMap::new();
    for line in FILE.lines().filter(|it| !it.starts_with('#') && !it.trim().is_empty()) {
        let (name, others) = line.split_once('|').unwrap_or((line, ""));
        let name = name.trim();
        for form in [name].into_iter().chain(others.split(',').map(str::trim)).filter(|it| !it.is_empty()) {
            let names = forms.entry(form).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    forms
});

/// The names that a folded given name may stand for; itself when nobody is called otherwise.
pub(super) fn names(given: &str) -> Vec<&str> {
    NAMES.get(given).map_or_else(|| vec![given], |names| names.clone())
}

/// Whether two folded given names may be the same name.
pub(super) fn may_be_one(one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (NAMES.get(one), NAMES.get(other)) else { return false };
    one.iter().any(|it| other.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_name_meet_and_others_do_not() {
        for (one, other) in [("bill", "william"), ("william", "billy"), ("paco", "francisco"), ("pat", "patricia")] {
            assert!(may_be_one(one, other), "{one} and {other}");
        }
        for (one, other) in [("bill", "robert"), ("ada", "amara"), ("patrick", "patricia")] {
            assert!(!may_be_one(one, other), "{one} and {other}");
        }
        assert_eq!(names("pat"), ["patience", "patricia", "patrick"]);
        assert_eq!(names("zzyzx"), ["zzyzx"]);
    }

    #[test]
    fn every_line_of_the_table_is_folded() {
        for (form, names) in NAMES.iter() {
            assert_eq!(fhir::search::fold(form), *form);
            assert!(form.chars().all(|c| c.is_ascii_lowercase()), "{form}: {names:?}");
        }
    }
}
