//! Sessions: who has shown who they are and goes on working. A session is known by a random token of which only the
//! digest is kept; it ends when it is left alone, after half a day at the latest, when it is revoked, and when
//! something about the user's rights or credentials changes.
//!
//! Sessions in use are kept in memory, so that a request does not have to ask the store; what is written elsewhere is
//! noticed within `BELIEVED`. NIST SP 800-63B-4, section 5; OWASP ASVS 5.0, chapter 7.

use super::accounts::{Charge, Relation, User, is_portal};
use super::shelf::{self, SESSION};
use super::{Access, AccessError, AccessResult, MINUTE, Principal, SECOND, Secret, Visit, as_text};
use fhir::Id;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, RwLock};
use store::audit::Event;
use store::{Caller, ItemChange, ItemExpect, Purpose, StoreError, StoreResult};

/// How long memory is believed before the store is asked again: a session that was revoked elsewhere ends by then.
const BELIEVED: i64 = 2 * SECOND;
/// How often it is written down that a session is in use.
const SAVED: i64 = 2 * MINUTE;
/// How long someone who proved who they are may change what is sensitive.
pub(super) const FRESH: i64 = 5 * MINUTE;
/// How long a sign-in may be under way.
pub(super) const UNDER_WAY: i64 = 10 * MINUTE;
/// The permission to see and end the sessions of others.
const MANAGE: &str = "sessions.manage";

/// How far a sign-in has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// The second factor is missing.
    Second,
    /// A second factor must be set up first.
    Enrol,
    Open,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) user: String,
    pub(super) stage: Stage,
    pub(super) role: String,
    /// The record in view, of users of the portal.
    #[serde(with = "as_text::maybe_id")]
    pub(super) patient: Option<Id>,
    pub(super) signed_in: i64,
    /// When they last proved who they are.
    pub(super) proved: i64,
    pub(super) last_used: i64,
    pub(super) ends: i64,
    pub(super) address: String,
    pub(super) agent: String,
    /// Second factors that did not fit.
    pub(super) tries: u8,
}

/// Someone signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Names it in lists; tells nothing of the token.
    pub id: String,
    pub user: String,
    pub username: String,
    pub principal: Principal,
    /// Roles they may switch between.
    pub roles: Vec<String>,
    /// Records that a user of the portal may switch between.
    pub charges: Vec<Charge>,
    pub signed_in: i64,
    pub idle_minutes: u32,
    pub idle_until: i64,
    pub ends: i64,
    pub fresh_until: i64,
    me: Me,
}

impl Session {
    /// Whether they proved who they are so lately that sensitive things may be changed.
    pub fn is_fresh(&self, now: i64) -> bool {
        now <= self.fresh_until
    }

    pub fn me(&self) -> Me {
        self.me.clone()
    }
}

/// Someone about to look at or change their own account. Made of a session, or of a sign-in that has to set up a
/// factor first.
#[derive(Clone, Debug)]
pub struct Me {
    pub(super) user: String,
    pub(super) session: String,
    pub(super) role: String,
    pub(super) purpose: Purpose,
    pub(super) fresh_until: i64,
    pub(super) visit: Visit,
}

impl Me {
    /// For the audit log alone.
    pub(super) fn caller(&self, user: &User) -> Caller {
        self.visit.caller(&user.who(), &user.display, &self.role, self.purpose)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct SessionInfo {
    pub id: String,
    pub user: String,
    pub display: String,
    pub role: String,
    pub signed_in: i64,
    pub last_used: i64,
    pub ends: i64,
    pub address: String,
    pub agent: String,
}

/// A session as memory knows it.
struct Held {
    body: Body,
    version: u64,
    session: Session,
    idle: i64,
    checked: i64,
    used: AtomicI64,
    saved: AtomicI64,
}

/// The sessions in use.
#[derive(Default)]
pub(super) struct Open(RwLock<HashMap<Secret, Arc<Held>>>);

/// More than this are looked through for what has ended.
const MANY: usize = 10_000;

impl Open {
    fn get(&self, key: &Secret) -> Option<Arc<Held>> {
        self.0.read().expect("nobody panics while holding the sessions").get(key).cloned()
    }

    fn put(&self, key: Secret, held: Held, now: i64) -> Arc<Held> {
        let held = Arc::new(held);
        let mut open = self.0.write().expect("nobody panics while holding the sessions");
        if open.len() >= MANY {
            open.retain(|_, it| now <= it.used.load(Relaxed) + it.idle);
        }
        open.insert(key, held.clone());
        held
    }

    fn drop(&self, key: &Secret) {
        self.0.write().expect("nobody panics while holding the sessions").remove(key);
    }

    /// The next use of each session of this user asks the store.
    pub(super) fn forget(&self, user: &str) {
        self.0.write().expect("nobody panics while holding the sessions").retain(|_, it| it.body.user != user);
    }
}

/// The public name of a session.
fn public(name: &str) -> String {
    name.chars().take(16).collect()
}

impl Access {
    /// Who signed in under this token; using a session keeps it open.
    pub async fn session(&self, token: &str, now: i64) -> StoreResult<Option<Session>> {
        let key = Secret::of(token);
        let Some(held) = self.open_still(&key, now).await? else { return Ok(None) };
        held.used.fetch_max(now, Relaxed);
        let saved = held.saved.load(Relaxed);
        // One of many requests at once writes it down.
        if now - saved >= SAVED && held.saved.compare_exchange(saved, now, Relaxed, Relaxed).is_ok() {
            self.save(&key, &held, now).await?;
        }
        Ok(Some(Session { idle_until: now + held.idle, ..held.session.clone() }))
    }

    /// The same without using it: what a page asks by itself does not keep the session of someone who went away open.
    pub async fn glance(&self, token: &str, now: i64) -> StoreResult<Option<Session>> {
        let held = self.open_still(&Secret::of(token), now).await?;
        Ok(held.map(|held| Session { idle_until: held.used.load(Relaxed) + held.idle, ..held.session.clone() }))
    }

    async fn open_still(&self, key: &Secret, now: i64) -> StoreResult<Option<Arc<Held>>> {
        let held = match self.sessions.get(key) {
            Some(held) if now - held.checked < BELIEVED => held,
            before => match self.load(key, before, now).await? {
                Some(held) => held,
                None => {
                    self.sessions.drop(key);
                    return Ok(None);
                }
            },
        };
        if now > held.used.load(Relaxed) + held.idle || now >= held.body.ends {
            self.sessions.drop(key);
            return Ok(None);
        }
        Ok(Some(held))
    }

    /// Whether a token names an open session, without using it.
    pub async fn is_open(&self, token: &str, now: i64) -> StoreResult<bool> {
        let key = Secret::of(token);
        let Some(held) = self.load(&key, self.sessions.get(&key), now).await? else { return Ok(false) };
        Ok(now <= held.used.load(Relaxed) + held.idle && now < held.body.ends)
    }

    async fn save(&self, key: &Secret, held: &Held, now: i64) -> StoreResult<()> {
        let body = Body { last_used: now, ..held.body.clone() };
        // Never brings back what was revoked in the meantime.
        let change = self.session_item(&key.hex(), &body, held.idle, ItemExpect::Version(held.version));
        let principal = &held.session.principal;
        let caller =
            held.session.me.visit.caller(&principal.who, &principal.display, &principal.role, principal.purpose);
        let done = self.store.keep(&caller, Event::of("session").detail("in use"), vec![change], now).await;
        // The version has changed in any case.
        self.sessions.drop(key);
        match done {
            Err(StoreError::ItemConflict { .. }) => Ok(()),
            other => other,
        }
    }

    fn session_item(&self, name: &str, body: &Body, idle: i64, expect: ItemExpect) -> ItemChange {
        let until = match body.stage {
            Stage::Open => body.ends.min(body.last_used + idle + SAVED + MINUTE),
            Stage::Second | Stage::Enrol => body.ends,
        };
        shelf::put(SESSION, name, &body.user, Some(until), body, expect)
    }

    async fn load(&self, key: &Secret, before: Option<Arc<Held>>, now: i64) -> StoreResult<Option<Arc<Held>>> {
        let found: Option<(Body, u64)> = shelf::get(&self.store, SESSION, &key.hex(), now).await?;
        let Some((body, version)) = found.filter(|(body, _)| body.stage == Stage::Open) else { return Ok(None) };
        let Some(user) = self.user_by_id(&body.user, now).await? else { return Ok(None) };
        let Some(held) = self.held(key, body, version, &user, now) else { return Ok(None) };
        if let Some(before) = before {
            held.used.fetch_max(before.used.load(Relaxed), Relaxed);
        }
        Ok(Some(self.sessions.put(*key, held, now)))
    }

    fn held(&self, key: &Secret, body: Body, version: u64, user: &User, now: i64) -> Option<Held> {
        if !user.active || !user.roles_at(now).contains(&body.role) {
            return None;
        }
        let charges: Vec<Charge> = user.patients.iter().filter(|it| it.counts(now)).cloned().collect();
        let in_role: Vec<Id> =
            charges.iter().filter(|it| it.role() == body.role).map(|it| it.patient.clone()).collect();
        if is_portal(&body.role) && !body.patient.as_ref().is_some_and(|it| in_role.contains(it)) {
            return None;
        }
        let idle = self.idle(&body.role);
        let fresh_until = body.proved + FRESH;
        let visit = Visit { address: body.address.clone(), agent: body.agent.clone(), request: None };
        let purpose = self.usual_purpose(&body.role);
        let me = Me { user: user.id.clone(), session: key.hex(), role: body.role.clone(), purpose, fresh_until, visit };
        let session = Session {
            id: public(&key.hex()),
            user: user.id.clone(),
            username: user.username.clone(),
            principal: Principal {
                who: user.who(),
                display: user.display.clone(),
                role: body.role.clone(),
                person: user.person.clone(),
                patients: in_role,
                client: None,
                scopes: None,
                patient: body.patient.clone(),
                purpose,
            },
            roles: user.roles_at(now),
            charges,
            signed_in: body.signed_in,
            idle_minutes: (idle / MINUTE) as u32,
            idle_until: now + idle,
            ends: body.ends,
            fresh_until,
            me,
        };
        let (used, saved) = (AtomicI64::new(body.last_used), AtomicI64::new(body.last_used));
        Some(Held { body, version, session, idle, checked: now, used, saved })
    }

    fn idle(&self, role: &str) -> i64 {
        if is_portal(role) { self.settings.portal_idle } else { self.settings.staff_idle }
    }

    /// A new session, in a role and with a record in view that the user has.
    pub(super) fn fresh_body(&self, visit: &Visit, user: &User, stage: Stage, now: i64) -> Option<Body> {
        let (role, patient) = if user.is_staff() {
            (user.roles.first()?.clone(), None)
        } else {
            let mut charges = user.patients.iter().filter(|it| it.counts(now));
            let own = charges.clone().find(|it| it.relation == Relation::Own);
            let charge = own.or_else(|| charges.next())?;
            (charge.role().to_owned(), Some(charge.patient.clone()))
        };
        let lasts = if stage == Stage::Open { self.settings.longest } else { UNDER_WAY };
        Some(Body {
            user: user.id.clone(),
            stage,
            role,
            patient,
            signed_in: now,
            proved: now,
            last_used: now,
            ends: now + lasts,
            address: visit.address.clone(),
            agent: visit.agent.chars().take(200).collect(),
            tries: 0,
        })
    }

    /// A fresh token and what keeps its digest.
    pub(super) fn with_token(&self, body: &Body) -> (String, ItemChange) {
        let token = self.chance();
        let name = Secret::of(&token).hex();
        (token, self.session_item(&name, body, self.idle(&body.role), ItemExpect::Absent))
    }

    /// A sign-in under way, or a session, as it lies in the store.
    pub(super) async fn body(&self, token: &str, now: i64) -> StoreResult<Option<(Body, u64)>> {
        shelf::get(&self.store, SESSION, &Secret::of(token).hex(), now).await
    }

    /// Counts a second factor that did not fit; after a few the sign-in has to begin anew.
    pub(super) fn tried(&self, token: &str, body: &Body, version: u64) -> ItemChange {
        const TRIES: u8 = 5;
        let name = Secret::of(token).hex();
        let body = Body { tries: body.tries.saturating_add(1), ..body.clone() };
        if body.tries >= TRIES {
            return shelf::remove(SESSION, name, ItemExpect::Anything);
        }
        self.session_item(&name, &body, self.idle(&body.role), ItemExpect::Version(version))
    }

    /// Replaces a session by one with another token: after every step that gives more.
    pub(super) async fn exchange(
        &self,
        visit: &Visit,
        token: &str,
        change: impl FnOnce(&mut Body, &User) -> AccessResult<()>,
        event: Event,
        mut items: Vec<ItemChange>,
        now: i64,
    ) -> AccessResult<super::Opened> {
        let (mut body, version) = self.body(token, now).await?.ok_or(AccessError::Expired)?;
        let user = self.user_by_id(&body.user, now).await?.filter(|it| it.active).ok_or(AccessError::Expired)?;
        change(&mut body, &user)?;
        let (fresh, item) = self.with_token(&body);
        items.push(shelf::remove(SESSION, Secret::of(token).hex(), ItemExpect::Version(version)));
        items.push(item);
        let caller = visit.caller(&user.who(), &user.display, &body.role, self.usual_purpose(&body.role));
        self.store.keep(&caller, event, items, now).await?;
        self.sessions.drop(&Secret::of(token));
        let session = self.session(&fresh, now).await?.ok_or(AccessError::Expired)?;
        Ok(super::Opened { token: fresh, session })
    }

    /// Goes on in another of one's roles.
    pub async fn switch_role(&self, token: &str, role: &str, now: i64) -> AccessResult<super::Opened> {
        let session = self.session(token, now).await?.ok_or(AccessError::Expired)?;
        let change = |body: &mut Body, user: &User| {
            if !user.is_staff() || !user.roles.iter().any(|it| it == role) {
                return Err(AccessError::Forbidden);
            }
            body.role = role.to_owned();
            Ok(())
        };
        let event = Event::of("session").detail(format!("goes on as {role}"));
        self.exchange(&session.me.visit, token, change, event, Vec::new(), now).await
    }

    /// Goes on with another record that one may see.
    pub async fn switch_patient(&self, token: &str, patient: &Id, now: i64) -> AccessResult<super::Opened> {
        let session = self.session(token, now).await?.ok_or(AccessError::Expired)?;
        let change = |body: &mut Body, user: &User| {
            let mut charges = user.patients.iter().filter(|it| it.counts(now));
            let charge = charges.find(|it| it.patient == *patient).ok_or(AccessError::Forbidden)?;
            (body.role, body.patient) = (charge.role().to_owned(), Some(charge.patient.clone()));
            Ok(())
        };
        let event = Event::of("session").patient(patient.clone()).detail("goes on with another record");
        self.exchange(&session.me.visit, token, change, event, Vec::new(), now).await
    }

    pub async fn sign_out(&self, token: &str, now: i64) -> AccessResult<()> {
        let Some((body, _)) = self.body(token, now).await? else { return Ok(()) };
        let key = Secret::of(token);
        self.sessions.drop(&key);
        let user = self.user_by_id(&body.user, now).await?;
        let display = user.map_or(String::new(), |it| it.display);
        let visit = Visit { address: body.address, agent: body.agent, request: None };
        let caller = visit.caller(&format!("user/{}", body.user), &display, &body.role, self.usual_purpose(&body.role));
        let gone = shelf::remove(SESSION, key.hex(), ItemExpect::Anything);
        self.store.keep(&caller, Event::of("sign-out"), vec![gone], now).await?;
        Ok(())
    }

    // ---- lists

    fn may_see_sessions(&self, caller: &Caller, user: &str) -> AccessResult<()> {
        let own = *caller.who == format!("user/{user}") && caller.client.is_none();
        if own || caller.rights.may(MANAGE) { Ok(()) } else { Err(AccessError::Forbidden) }
    }

    /// The open sessions of one user: oneself, or anyone for who looks after sessions.
    pub async fn sessions_of(&self, caller: &Caller, user: &str, now: i64) -> AccessResult<Vec<SessionInfo>> {
        self.may_see_sessions(caller, user)?;
        let items = shelf::owned(&self.store, SESSION, user, now).await?;
        self.infos(items, now).await
    }

    pub async fn all_sessions(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: usize,
        now: i64,
    ) -> AccessResult<Vec<SessionInfo>> {
        if !caller.rights.may(MANAGE) {
            return Err(AccessError::Forbidden);
        }
        let items = self.store.items(SESSION, None, after, limit, now).await?;
        self.infos(items, now).await
    }

    async fn infos(&self, items: Vec<store::Item>, now: i64) -> AccessResult<Vec<SessionInfo>> {
        let mut users: HashMap<String, Option<User>> = HashMap::new();
        let mut infos = Vec::new();
        for item in items {
            let body: Body = shelf::read(&item)?;
            if body.stage != Stage::Open {
                continue;
            }
            if !users.contains_key(&body.user) {
                users.insert(body.user.clone(), self.user_by_id(&body.user, now).await?);
            }
            let display = users[&body.user].as_ref().map_or(String::new(), |it| it.display.clone());
            infos.push(SessionInfo {
                id: public(&item.name),
                user: body.user,
                display,
                role: body.role,
                signed_in: body.signed_in,
                last_used: body.last_used,
                ends: body.ends,
                address: body.address,
                agent: body.agent,
            });
        }
        infos.sort_by_key(|it| std::cmp::Reverse(it.last_used));
        Ok(infos)
    }

    /// Ends one session.
    pub async fn revoke(&self, caller: &Caller, user: &str, session: &str, now: i64) -> AccessResult<()> {
        self.may_see_sessions(caller, user)?;
        let items = shelf::owned(&self.store, SESSION, user, now).await?;
        let gone = items.into_iter().filter(|it| public(&it.name) == session);
        self.end(caller, user, gone.collect(), now).await.map(drop)
    }

    /// Ends all sessions of a user, but perhaps one.
    pub async fn revoke_all(&self, caller: &Caller, user: &str, except: Option<&str>, now: i64) -> AccessResult<usize> {
        self.may_see_sessions(caller, user)?;
        let items = shelf::owned(&self.store, SESSION, user, now).await?;
        let gone = items.into_iter().filter(|it| except != Some(public(&it.name).as_str()));
        self.end(caller, user, gone.collect(), now).await
    }

    async fn end(&self, caller: &Caller, user: &str, gone: Vec<store::Item>, now: i64) -> AccessResult<usize> {
        let count = gone.len();
        if count == 0 {
            return Ok(0);
        }
        let gone = gone.into_iter().map(|it| shelf::remove(SESSION, it.name, ItemExpect::Anything)).collect();
        let event = Event::of("configure").detail(format!("{count} sessions of user {user} ended"));
        self.store.keep(caller, event, gone, now).await?;
        self.forget(user);
        Ok(count)
    }
}
