//! Under what a person is looked up before anything is compared (blocking): each key is made of few things that two
//! records of one person seldom both get wrong, and of so much that few people share it. Keys are numbers; they lie in
//! the index of the store, written with the record and made again from it (`store::Settings::likeness`).

use super::traits::Traits;
use crate::people::sounds;
use fhir::Value;

/// The keys of a resource; only patients have some. This is what the store is opened with.
pub fn keys_of(resource: &Value) -> Vec<i64> {
    // Whose record was merged into another's is found under the other.
    let patient = resource["resourceType"] == "Patient";
    let replaced = || {
        let links = resource["link"].as_array();
        links.into_iter().flatten().any(|it| it["type"] == "replaced-by")
    };
    if patient && !replaced() { keys(&Traits::of(resource)) } else { Vec::new() }
}

/// The keys of a person, in order, each once.
pub fn keys(it: &Traits) -> Vec<i64> {
    let mut all: Vec<i64> = Vec::new();
    let mut add = |parts: &[&str]| all.push(number(parts));
    for it in &it.numbers {
        add(&["number", &it.system, &it.value]);
    }
    for phone in &it.phones {
        add(&["phone", phone]);
    }
    for email in &it.emails {
        add(&["email", email]);
    }
    let postals: Vec<&str> = it.places.iter().map(|it| it.postal.as_str()).filter(|it| !it.is_empty()).collect();
    for place in it.places.iter().filter(|it| !it.postal.is_empty()) {
        for street in &place.streets {
            let street = sounds::code(street.split(' ').next().unwrap_or_default());
            add(&["home", &place.postal, place.number.as_deref().unwrap_or_default(), &street]);
        }
    }
    let (given, family) = (it.given_sounds(), it.family_sounds());
    let day = it.born.and_then(|it| it.digits());
    if let Some(day) = &day {
        // Either name, whichever is which: names are entered the wrong way round.
        for sound in given.iter().chain(&family) {
            add(&["day", day, sound]);
        }
        for postal in &postals {
            add(&["day", day, postal]);
        }
    }
    for one in &given {
        for other in &family {
            let (low, high) = if one < other { (one, other) } else { (other, one) };
            match it.born {
                Some(born) => add(&["year", low, high, &born.year.to_string()]),
                None => add(&["named", low, high]),
            }
            if let Some((month, day)) = it.born.and_then(|it| Some((it.month?, it.day?))) {
                let (one, two) = (month.min(day).to_string(), month.max(day).to_string());
                add(&["season", low, high, &one, &two]);
            }
            for postal in &postals {
                add(&["town", low, high, postal]);
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// FNV-1a with the mixing of SplitMix64, as a positive number. What is on disk depends on it: it never changes.
fn number(parts: &[&str]) -> i64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((hash ^ (hash >> 31)) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn two_records_of_one_person_share_a_key_whatever_is_wrong_with_one_of_them() {
        let whole = json!({"resourceType": "Patient", "name": [{"family": "Núñez", "given": ["William"]}],
            "birthDate": "1970-05-09", "address": [{"line": ["12 Elm St"], "postalCode": "43993"}],
            "telecom": [{"system": "phone", "value": "740 555 0188"}]});
        let base = keys_of(&whole);
        assert!((6..=14).contains(&base.len()), "{}", base.len());
        for (path, value) in [
            ("/name/0/family", json!("Smith")),
            ("/name/0/given/0", json!("Bill")),
            ("/name", json!([{"family": "William", "given": ["Nunez"]}])),
            ("/birthDate", json!("1907-05-09")),
            ("/birthDate", json!("1970-09-05")),
            ("/address", json!([])),
            ("/telecom", json!([])),
        ] {
            let mut it = whole.clone();
            it["address"][0]["line"] = json!(["elsewhere"]);
            it["telecom"] = json!([]);
            *it.pointer_mut(path).unwrap() = value;
            assert!(keys_of(&it).iter().any(|key| base.contains(key)), "{path}");
        }
    }

    #[test]
    fn only_a_patient_who_was_not_merged_away_has_keys() {
        let name = json!([{"family": "Roe", "given": ["Jane"]}]);
        assert!(keys_of(&json!({"resourceType": "Practitioner", "name": name})).is_empty());
        let link = json!([{"type": "replaced-by", "other": {"reference": "Patient/b"}}]);
        assert!(keys_of(&json!({"resourceType": "Patient", "name": name, "link": link})).is_empty());
        assert_eq!(keys_of(&json!({"resourceType": "Patient", "name": name})).len(), 1);
    }

    #[test]
    fn the_numbers_on_disk_do_not_change() {
        assert_eq!(number(&["phone", "7405550188"]), number(&["phone", "7405550188"]));
        assert_ne!(number(&["ab", "c"]), number(&["a", "bc"]));
    }
}
