//! What words and codes of FHIR R4 are in C-CDA, as data: `content/ccda/out.toml`. Value sets of C-CDA are named there
//! as far as a code of ours can be on them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

type Table = BTreeMap<String, BTreeMap<String, String>>;

static OUT: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../../../content/ccda/out.toml")).expect("the content is tested")
});

/// What a code is in C-CDA, by the table of that name.
pub(super) fn out(table: &str, code: &str) -> Option<&'static str> {
    OUT.get(table)?.get(code).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_that_is_asked_for_exists_and_is_asked_for() {
        let source = [
            include_str!("types.rs"),
            include_str!("header.rs"),
            include_str!("people.rs"),
            include_str!("clinical.rs"),
            include_str!("medicines.rs"),
            include_str!("observed.rs"),
            include_str!("care.rs"),
        ]
        .concat();
        let asked: std::collections::BTreeSet<&str> = source
            .split("agreed::out(")
            .skip(1)
            .filter_map(|it| it.trim_start().strip_prefix('"')?.split('"').next())
            .collect();
        let known: std::collections::BTreeSet<&str> = OUT.keys().map(String::as_str).collect();
        assert_eq!(asked, known);
    }
}
