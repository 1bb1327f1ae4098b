//! Object identifiers and code maps, as data: `content/ccda`. What is not listed keeps the code it came with.

use std::collections::BTreeMap;
use std::sync::LazyLock;

type Table = BTreeMap<String, BTreeMap<String, String>>;

static OIDS: LazyLock<Table> = LazyLock::new(|| read(include_str!("../../../../content/ccda/oids.toml")));
static CODES: LazyLock<Table> = LazyLock::new(|| read(include_str!("../../../../content/ccda/codes.toml")));

fn read(text: &'static str) -> Table {
    toml::from_str(text).expect("the content is tested")
}

/// What a code means in FHIR, by the table of that name.
pub(super) fn map(table: &str, code: &str) -> Option<&'static str> {
    CODES.get(table)?.get(code).map(String::as_str)
}

/// The address of a code system.
pub(super) fn code_system(oid: &str) -> Option<String> {
    OIDS.get("systems").and_then(|table| table.get(oid)).cloned().or_else(|| as_urn(oid))
}

/// The address of a system of identifiers.
pub(super) fn identifier_system(root: &str) -> Option<String> {
    OIDS.get("identifiers").and_then(|table| table.get(root)).cloned().or_else(|| as_urn(root))
}

/// Of several object identifiers of one code system, the one that is written.
const WRITTEN: [&str; 4] =
    ["2.16.840.1.113883.6.96", "2.16.840.1.113883.12.292", "2.16.840.1.113883.12.227", "2.16.840.1.113883.6.103"];

static BY_ADDRESS: LazyLock<[BTreeMap<&'static str, &'static str>; 2]> = LazyLock::new(|| {
    ["systems", "identifiers"].map(|name| {
        let mut found: BTreeMap<&str, &str> = BTreeMap::new();
        for (oid, address) in OIDS.get(name).into_iter().flatten() {
            let kept = found.entry(address).or_insert(oid);
            if WRITTEN.contains(&oid.as_str()) {
                *kept = oid;
            }
        }
        found
    })
});

/// The object identifier of a code system, when it has one.
pub(super) fn system_oid(address: &str) -> Option<String> {
    BY_ADDRESS[0].get(address).map(|it| (*it).to_owned()).or_else(|| oid_of(address))
}

/// The object identifier or UUID of a system of identifiers, when it has one.
pub(super) fn identifier_oid(address: &str) -> Option<String> {
    let uuid = || address.strip_prefix("urn:uuid:").filter(|it| as_urn(it).is_some()).map(str::to_owned);
    BY_ADDRESS[1].get(address).map(|it| (*it).to_owned()).or_else(|| oid_of(address)).or_else(uuid)
}

fn oid_of(address: &str) -> Option<String> {
    address.strip_prefix("urn:oid:").filter(|it| is_oid(it)).map(str::to_owned)
}

/// An OID or a UUID as the URI it is (RFC 3061, RFC 9562); `None` for what is neither.
pub(super) fn as_urn(root: &str) -> Option<String> {
    let root = root.trim();
    if is_oid(root) {
        return Some(format!("urn:oid:{root}"));
    }
    let groups: Vec<&str> = root.split('-').collect();
    let is_uuid = groups.iter().map(|it| it.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_uuid.then(|| format!("urn:uuid:{}", root.to_ascii_lowercase()))
}

fn is_oid(root: &str) -> bool {
    let mut arcs = root.split('.');
    let arc = |it: &str| {
        !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()) && (it == "0" || !it.starts_with('0'))
    };
    matches!(arcs.next(), Some("0" | "1" | "2")) && root.contains('.') && arcs.all(arc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_whole() {
        for (name, table) in OIDS.iter() {
            for (oid, uri) in table {
                assert!(is_oid(oid), "{name}: {oid}");
                assert!(uri.contains(':'), "{name}: {uri}");
            }
        }
        assert!(CODES.values().all(|table| !table.is_empty()));
    }

    #[test]
    fn every_table_that_is_asked_for_exists() {
        let source = [
            include_str!("datatypes.rs"),
            include_str!("parties.rs"),
            include_str!("header.rs"),
            include_str!("sections.rs"),
            include_str!("entries/mod.rs"),
            include_str!("entries/problems.rs"),
            include_str!("entries/allergies.rs"),
            include_str!("entries/medications.rs"),
            include_str!("entries/immunizations.rs"),
            include_str!("entries/observations.rs"),
            include_str!("entries/procedures.rs"),
            include_str!("entries/plans.rs"),
            include_str!("entries/others.rs"),
        ]
        .concat();
        let mut asked = 0;
        for part in source.split("tables::map(\"").skip(1) {
            let name = part.split('"').next().expect("is closed");
            assert!(CODES.contains_key(name), "{name}");
            asked += 1;
        }
        assert!(asked > 10, "the tables are used");
    }

    #[test]
    fn roots_become_addresses_or_nothing() {
        assert_eq!(as_urn("1.2.3"), Some("urn:oid:1.2.3".to_owned()));
        assert_eq!(
            as_urn("DB734647-FC99-424C-A864-7E3CDA82E704").as_deref(),
            Some("urn:uuid:db734647-fc99-424c-a864-7e3cda82e704")
        );
        for neither in ["", "NI", "1", "1..2", "1.02", "3.1", "{guid}"] {
            assert_eq!(as_urn(neither), None, "{neither}");
        }
    }
}
