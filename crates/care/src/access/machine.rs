//! Tokens that an operator makes for programs of their own: a monitor, a script, a measurement. They carry scopes like
//! those of the authorization server, lie on the same shelf and are looked up the same way, and their programs are in
//! the registry of apps; there is no browser and no exchange in between.

use super::clients::{Client, Proof, Standing};
use super::codes::Subject;
use super::shelf::{self, CLIENT, TOKEN};
use super::tokens::Held;
use super::{AccessError, AccessResult, DAY, Scopes, Secret};
use serde::{Deserialize, Serialize};
use store::audit::Event;
use store::{Caller, ItemExpect, Store};

/// What an operator asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MachineToken {
    /// What the program is called in the audit log.
    pub name: String,
    /// `system/*.cruds` is the operator's own hand: like the operator at the database it sees everything, also what
    /// labels and consents hide from apps. Anything narrower is an app like any other.
    pub scopes: String,
    pub days: u32,
    /// The patient for whom it acts, with `patient/` scopes.
    pub patient: Option<String>,
}

/// The scopes of the operator's own hand.
const ALL: &str = "system/*.cruds";

/// Makes a token for a program; the command line does, on a store that is not being served too.
pub async fn machine_token(
    store: &Store,
    caller: &Caller,
    secret: &str,
    asked: &MachineToken,
    now: i64,
) -> AccessResult<()> {
    let MachineToken { name, scopes, days, patient } = asked;
    if !caller.rights.are_everything() {
        return Err(AccessError::Forbidden);
    }
    let plain =
        (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if !plain {
        return Err(AccessError::UserNameUnfit);
    }
    let scopes = Scopes::parse(scopes).map_err(|_| AccessError::Wrong)?.to_string();
    if scopes.is_empty() {
        return Err(AccessError::Wrong);
    }
    let until = now + i64::from((*days).clamp(1, 3650)) * DAY;
    if patient.as_deref().is_some_and(|it| fhir::Id::parse(it).is_none()) {
        return Err(AccessError::Wrong);
    }
    let subject = patient.as_ref().map(|patient| Subject {
        who: format!("patient/{patient}"),
        display: name.clone(),
        role: "patient".into(),
        person: Some(format!("Patient/{patient}")),
        patients: vec![patient.clone()],
    });
    let held = Held {
        client: name.to_owned(),
        client_name: name.to_owned(),
        scopes: scopes.clone(),
        operator: subject.is_none() && scopes == ALL,
        subject,
        patient: patient.clone(),
        encounter: None,
        grant: None,
        made: now,
        until,
    };
    // It is in the registry of apps like any other, where it can be shut out.
    let client = Client {
        id: name.to_owned(),
        name: name.to_owned(),
        // Nobody has this secret: there is no other way in than the token.
        proof: Proof::Secret { digest: Secret::of(&Secret::of(secret).hex()).hex() },
        redirect_uris: Vec::new(),
        launch_uri: None,
        grant_types: Vec::new(),
        scopes,
        origins: Vec::new(),
        id_token_alg: "RS256".into(),
        homepage: None,
        contacts: Vec::new(),
        may_introspect: false,
        standing: Standing::Active,
        made: now,
        by: caller.who.to_string(),
    };
    let known: Option<(Client, u64)> = shelf::get(store, CLIENT, name, now).await?;
    let expect = match known {
        // Never a second way in for an app that people use.
        Some((known, _)) if !known.grant_types.is_empty() => return Err(AccessError::UserNameTaken),
        Some((_, version)) => ItemExpect::Version(version),
        None => ItemExpect::Absent,
    };
    let client = shelf::put(CLIENT, name, "", None, &client, expect);
    let event = Event::of("configure").detail(format!("a token for the program {name}: {}", held.scopes));
    let owner = format!("client/{name}");
    let item = shelf::put(TOKEN, Secret::of(secret).hex(), owner, Some(until), &held, ItemExpect::Absent);
    store.keep(caller, event, vec![client, item], now).await?;
    Ok(())
}
