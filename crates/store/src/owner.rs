//! Whose record a resource belongs to: the patients in whose compartment it is (FHIR R4
//! CompartmentDefinition/patient). Nearly always that is one, so its number is kept in the row of the resource; where
//! there are more, the index of references names them.

use crate::db::{Session, Value};
use crate::error::StoreResult;
use crate::intern::Interner;
use crate::physical::Layer;
use crate::place;
use crate::prepare::Index;
use fhir::search::Registry;
use fhir::search::row::{RowValue, Target};
use fhir::{Key, ResourceType};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// In the column `owner`: nobody's.
pub(crate) const NOBODY: i64 = 0;
/// In the column `owner`: more than one patient's.
pub(crate) const SEVERAL: i64 = -1;

pub(crate) static PATIENT: LazyLock<ResourceType> =
    LazyLock::new(|| ResourceType::parse("Patient").expect("a type of R4"));

/// The patients whose record this is part of.
pub(crate) fn owners<'a>(registry: &Registry, key: &'a Key, index: &'a Index) -> BTreeSet<&'a Key> {
    let mut owners = BTreeSet::new();
    if key.kind == *PATIENT {
        owners.insert(key);
    }
    let slots = registry.compartment_slots("Patient", key.kind);
    if slots.is_empty() {
        return owners;
    }
    for row in &index.rows {
        if let RowValue::Reference(Target::Local { key, .. }) = &row.value
            && key.kind == *PATIENT
            && slots.contains(&row.slot)
        {
            owners.insert(key);
        }
    }
    owners
}

/// What the column says of these.
pub(crate) fn column(owners: &[i64]) -> i64 {
    match owners {
        [] => NOBODY,
        [one] => *one,
        _ => SEVERAL,
    }
}

/// The numbers of the patients of a resource by the index, for those that have several or whose row does not say.
pub(crate) async fn several<S: Session>(
    session: &mut S,
    interner: &Interner,
    registry: &Registry,
    rid: i64,
) -> StoreResult<Vec<i64>> {
    let Some(kind) = place::kind_of(rid) else { return Ok(Vec::new()) };
    let mut found = if kind == *PATIENT { vec![rid] } else { Vec::new() };
    let slots = slots(interner, registry, kind);
    if slots.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT DISTINCT target FROM reference f WHERE {} f.rid = ? AND target >= ? AND target < ? AND slot IN ({})",
        session.dialect().here("f"),
        list(&slots)
    );
    let values: [Value; 3] = [rid.into(), place::first_of(*PATIENT).into(), place::end_of(*PATIENT).into()];
    found.extend(session.query(&sql, &values).await?.iter().map(|row| row[0].int()));
    Ok(found)
}

/// The numbers of the slots that lead to the patient of a type.
fn slots(interner: &Interner, registry: &Registry, kind: ResourceType) -> Vec<i64> {
    let slots = registry.compartment_slots("Patient", kind);
    slots.into_iter().filter_map(|slot| interner.known_slot(&Layer::Own.slot_name(registry, slot))).collect()
}

fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// Notes the owners of what was written by a build that did not.
pub(crate) async fn fill<S: Session>(session: &mut S, registry: &Registry) -> StoreResult<()> {
    let dialect = session.dialect();
    let sql = format!("SELECT 1 FROM resource r WHERE {} version > 0 AND owner IS NULL LIMIT 1", dialect.here("r"));
    if session.query(&sql, &[]).await?.is_empty() {
        return Ok(());
    }
    let interner = Interner::load(session).await?;
    let (first, end) = (place::first_of(*PATIENT), place::end_of(*PATIENT));
    for kind in ResourceType::all() {
        let slots = slots(&interner, registry, kind);
        let (nobody, one) = if kind == *PATIENT {
            ("rid".to_owned(), SEVERAL.to_string())
        } else {
            (NOBODY.to_string(), "t.low".to_owned())
        };
        let owner = if slots.is_empty() {
            nobody
        } else {
            format!(
                "(SELECT CASE WHEN t.low IS NULL THEN {nobody} WHEN t.low = t.high THEN {one} ELSE {SEVERAL} END \
                 FROM (SELECT min(target) AS low, max(target) AS high FROM reference f WHERE {} \
                 f.rid = resource.rid AND f.target >= {first} AND f.target < {end} AND f.slot IN ({})) t)",
                dialect.here("f"),
                list(&slots)
            )
        };
        let sql = format!(
            "UPDATE resource SET owner = {owner} WHERE {} rid >= ? AND rid < ? AND version > 0 AND owner IS NULL",
            dialect.here("resource")
        );
        session.query(&sql, &[place::first_of(kind).into(), place::end_of(kind).into()]).await?;
    }
    Ok(())
}
