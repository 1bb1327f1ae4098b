//! Whether a caller may write what they send, asked before it enters the lane. Three things are judged: the resource
//! that is there now, what is to stand in its place, and what that refers to. What was judged is pinned by its version:
//! if somebody writes in between, the lane refuses and all is judged again.
//!
//! Whoever may not read all of a type cannot find out by writing what is there: hidden and absent are refused alike.

use crate::batch::{Change, Expect, Write};
use crate::body;
use crate::db::Session;
use crate::error::{StoreError, StoreResult};
use crate::prepare::{Index, Ready};
use crate::rights::{Action, Ruling};
use crate::search::judge::{self, Version};
use crate::search::{Reach, fetch};
use bytes::Bytes;
use fhir::search::row::{BaseUrls, Target};
use fhir::{Key, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// Version, time and packed body of what is live under a key.
pub(crate) type Present = Option<(i64, i64, Bytes)>;

/// Why not, and by which rule where one is known.
pub(crate) struct Refused {
    pub(crate) error: StoreError,
    pub(crate) key: Key,
    pub(crate) action: Action,
    pub(crate) rule: Option<Arc<str>>,
}

/// One write and what was found out about it.
struct Case<'a> {
    write: &'a Write,
    present: &'a Present,
    before: Option<Arc<Index>>,
}

/// Either everything may be written, then these keys are pinned to what was judged; or the first refusal.
pub(crate) async fn admit<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    bases: &BaseUrls,
    writes: &[Write],
    present: &[Present],
    ready: &mut [Ready],
) -> StoreResult<Result<Vec<Key>, Refused>> {
    let mut pinned: Vec<Key> = Vec::new();
    let written = |write: &&Write| !matches!(write.change, Change::Delete);
    let together: HashSet<&Key> = writes.iter().filter(written).map(|write| &write.key).collect();
    for ((write, present), ready) in writes.iter().zip(present).zip(ready) {
        let before = ready.before.as_ref().map(|(_, index)| index.clone());
        let new = ready.put.as_ref().and_then(|put| put.index.clone());
        let case = Case { write, present, before };
        match case.judge(session, reach, bases, new.as_deref(), &together).await? {
            Err(refused) => return Ok(Err(refused)),
            Ok(Some(expect)) if !pinned.contains(&write.key) => {
                ready.expect = expect;
                pinned.push(write.key.clone());
            }
            Ok(_) => {}
        }
    }
    Ok(Ok(pinned))
}

impl Case<'_> {
    /// What the lane must find for the judgement to hold, where the write itself does not demand it.
    async fn judge<S: Session>(
        &self,
        session: &mut S,
        reach: Reach<'_>,
        bases: &BaseUrls,
        new: Option<&Index>,
        together: &HashSet<&Key>,
    ) -> StoreResult<Result<Option<Expect>, Refused>> {
        let write = self.write;
        let is_new = write.expect == Expect::New;
        let action = match (&write.change, is_new) {
            (Change::Delete, _) => Action::Delete,
            (_, true) => Action::Create,
            (_, false) => Action::Update,
        };
        let ruling = reach.ruling(write.key.kind, action);
        if let Some(rule) = &ruling.refused_by {
            return Ok(Err(self.forbidden(action, rule)));
        }
        let reading = reach.ruling(write.key.kind, Action::Read);
        let expect = match (is_new, self.before.as_deref(), self.present) {
            (true, ..) => None,
            (false, Some(before), Some((version, at, _))) => {
                // Who may not read at all may still write blindly, if so permitted.
                let blind = reading.is_never();
                if !blind && let Some(rule) = self.fails(session, reach, &reading, before, *at).await? {
                    return Ok(Err(self.missing(action, Some(rule))));
                }
                if let Some(rule) = self.fails(session, reach, &ruling, before, *at).await? {
                    // Whoever sees it is told that they may not; to others it is not there.
                    let seen = !blind;
                    return Ok(Err(if seen {
                        self.forbidden(action, &rule)
                    } else {
                        self.missing(action, Some(rule))
                    }));
                }
                let loose = matches!(write.expect, Expect::Anything | Expect::Present);
                loose.then_some(Expect::Version(*version as u64))
            }
            // Nothing is there, and the caller may know it.
            _ if reading.is_always() && ruling.is_always() => {
                let create = reach.ruling(write.key.kind, Action::Create);
                match (&create.refused_by, write.expect) {
                    (Some(rule), Expect::Anything | Expect::Absent) if new.is_some() => {
                        return Ok(Err(self.forbidden(Action::Create, rule)));
                    }
                    (_, Expect::Anything) => Some(Expect::Absent).filter(|_| new.is_some()),
                    _ => None,
                }
            }
            _ => return Ok(Err(self.missing(action, None))),
        };
        let Some(new) = new else { return Ok(Ok(expect)) };
        let text;
        let value = match &write.change {
            Change::Delete => return Ok(Ok(expect)),
            Change::Put(checked) => checked.value(),
            Change::Packed(packed) => {
                let whole = body::whole(&write.key, 1, 0, &packed.body)?;
                text = serde_json::from_slice(&whole)
                    .map_err(|_| StoreError::Damaged(format!("the body of {} is not JSON", write.key)))?;
                &text
            }
        };
        let creates = is_new || self.before.is_none();
        let action = if creates { Action::Create } else { Action::Update };
        let granted = reach.caller.rights.granted(reach.registry, write.key.kind, action);
        if let Some(rule) = self.fails(session, reach, &granted, new, i64::MAX).await? {
            return Ok(Err(self.forbidden(action, &rule)));
        }
        match self.unreachable(session, reach, bases, value, together).await? {
            Some(path) => {
                let error = StoreError::UnknownReference { path };
                Ok(Err(Refused { error, key: write.key.clone(), action, rule: None }))
            }
            None => Ok(Ok(expect)),
        }
    }

    /// The first rule that a version does not pass.
    async fn fails<S: Session>(
        &self,
        session: &mut S,
        reach: Reach<'_>,
        ruling: &Ruling,
        index: &Index,
        at: i64,
    ) -> StoreResult<Option<Arc<str>>> {
        let version = Version { key: &self.write.key, rows: &index.rows, texts: &index.texts, at };
        for (rule, filter) in &ruling.rules {
            if !judge::passes(session, reach.registry, filter, version).await? {
                return Ok(Some(rule.clone()));
            }
        }
        Ok(None)
    }

    /// The place of a reference to something that the caller may not read, or that is not there: they must not be
    /// told apart. What the version now there says already may stay.
    async fn unreachable<S: Session>(
        &self,
        session: &mut S,
        reach: Reach<'_>,
        bases: &BaseUrls,
        value: &Value,
        together: &HashSet<&Key>,
    ) -> StoreResult<Option<String>> {
        let mut doubtful = references(value, bases);
        // Whoever acts in the context of a patient knows that patient, also with nothing but the right to write.
        let context = |key: &Key| key.kind.name() == "Patient" && reach.caller.patient.as_ref() == Some(&key.id);
        let known = |key: &Key| together.contains(key) || context(key);
        doubtful.retain(|(_, key)| !known(key) && !reach.ruling(key.kind, Action::Read).is_always());
        if doubtful.is_empty() {
            return Ok(None);
        }
        let keys: Vec<Key> = doubtful.iter().map(|(_, key)| key.clone()).collect();
        let seen = seen(session, reach, &keys).await?;
        doubtful.retain(|(_, key)| !seen.contains(key));
        if let (false, Some((version, at, packed))) = (doubtful.is_empty(), self.present) {
            let text = body::whole(&self.write.key, *version, *at, packed)?;
            let value: Value = serde_json::from_slice(&text)
                .map_err(|_| StoreError::Damaged(format!("the body of {} is not JSON", self.write.key)))?;
            let known: HashSet<Key> = references(&value, bases).into_iter().map(|(_, key)| key).collect();
            doubtful.retain(|(_, key)| !known.contains(key));
        }
        Ok(doubtful.into_iter().next().map(|(path, _)| path))
    }

    fn forbidden(&self, action: Action, rule: &Arc<str>) -> Refused {
        Refused { error: StoreError::Forbidden, key: self.write.key.clone(), action, rule: Some(rule.clone()) }
    }

    fn missing(&self, action: Action, rule: Option<Arc<str>>) -> Refused {
        let key = self.write.key.clone();
        Refused { error: StoreError::NotFound(key.clone()), key, action, rule }
    }
}

/// Those of the keys that the caller may read.
async fn seen<S: Session>(session: &mut S, reach: Reach<'_>, keys: &[Key]) -> StoreResult<HashSet<Key>> {
    let rids = fetch::rids(session, keys).await?;
    let seen = reach.among(session, rids, Action::Read).await?;
    Ok(fetch::keys(session, &seen).await?.into_iter().collect())
}

/// What a resource refers to here, with the elements that do.
fn references(value: &Value, bases: &BaseUrls) -> Vec<(String, Key)> {
    let mut found = Vec::new();
    let mut path = value["resourceType"].as_str().unwrap_or_default().to_owned();
    walk(value, &mut path, &mut |path, text| {
        if let Target::Local { key, .. } = Target::read(text, None, bases) {
            found.push((path.to_owned(), key));
        }
    });
    found
}

fn walk(value: &Value, path: &mut String, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "reference" => visit(path, text),
                    Value::Object(_) | Value::Array(_) => {
                        let end = path.len();
                        path.push('.');
                        path.push_str(name);
                        walk(value, path, visit);
                        path.truncate(end);
                    }
                    _ => {}
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let end = path.len();
                path.push_str(&format!("[{at}]"));
                walk(item, path, visit);
                path.truncate(end);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_told_by_their_element() {
        let value = json!({
            "resourceType": "Observation",
            "subject": {"reference": "Patient/7"},
            "performer": [{"reference": "#me"}, {"reference": "https://here.example/fhir/Practitioner/8/_history/2"}],
            "contained": [{"resourceType": "Patient", "id": "me", "managingOrganization": {"reference": "Organization/9"}}],
            "focus": [{"reference": "https://elsewhere.example/Patient/7", "identifier": {"value": "Patient/1"}}],
            "note": [{"text": "Patient/2"}],
        });
        let found = references(&value, &BaseUrls::new(["https://here.example/fhir"]));
        let told: Vec<String> = found.iter().map(|(path, key)| format!("{path}: {key}")).collect();
        assert_eq!(
            told,
            [
                "Observation.subject: Patient/7",
                "Observation.performer[1]: Practitioner/8",
                "Observation.contained[0].managingOrganization: Organization/9",
            ]
        );
    }
}
