//! Signing in, step by step: a name and a password, then a second factor where there is one, then a session; or a
//! passkey alone. Each step is given the token of the one before and gives another, so that no step can be left out and
//! no token from before counts after.
//!
//! An unknown user, a wrong password and an account that was closed look the same and cost the same.

use super::accounts::{User, folded};
use super::factors::Question;
use super::lockout::Against;
use super::sessions::{FRESH, Me, Session, Stage};
use super::shelf::{self, SESSION};
use super::{Access, AccessError, AccessResult, Secret, Visit};
use store::audit::Event;
use store::{ItemChange, ItemExpect};

/// What came of a step.
#[allow(clippy::large_enum_variant)] // One for each person who signs in, and soon taken apart.
#[derive(Debug)]
pub enum SignIn {
    Open(Opened),
    /// One of these is needed besides.
    Second {
        pending: String,
        factors: Vec<Factor>,
    },
    /// The organisation demands a second factor, and there is none yet.
    Enrol {
        pending: String,
    },
    /// It does not fit; whether there is such a user is not said.
    Wrong,
    /// Too many attempts.
    Wait {
        until: i64,
    },
}

/// A session that was just opened.
#[derive(Debug)]
pub struct Opened {
    /// For the cookie, and for nothing else.
    pub token: String,
    pub session: Session,
}

/// That someone who is signed in has just shown a second factor: made by [`Access::show_second`] alone.
#[derive(Debug)]
pub struct SecondFactor(());

#[cfg(test)]
impl SecondFactor {
    pub(crate) fn for_tests() -> SecondFactor {
        SecondFactor(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    Passkey,
    Totp,
    Recovery,
}

/// What someone shows.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    Password(&'a str),
    Totp(&'a str),
    Recovery(&'a str),
    /// `answer` is the JSON of the browser's credential.
    Passkey {
        handle: &'a str,
        answer: &'a str,
    },
}

impl Proof<'_> {
    fn name(&self) -> &'static str {
        match self {
            Proof::Password(_) => "password",
            Proof::Totp(_) => "one-time code",
            Proof::Recovery(_) => "recovery code",
            Proof::Passkey { .. } => "passkey",
        }
    }
}

impl Access {
    pub async fn sign_in(&self, visit: &Visit, username: &str, password: &str, now: i64) -> AccessResult<SignIn> {
        let name = folded(username);
        let against = Against::new(Some(&name), visit);
        let _turn = self.lanes.turn(&name).await;
        if let Some(until) = self.locked(&against, now).await? {
            return Ok(SignIn::Wait { until });
        }
        let user = self.user_by_name(&name, now).await?;
        // As many questions to the store whether or not there is such a user.
        let id = user.as_ref().map_or("nobody", |it| it.id.as_str());
        let stored = self.password_of(id, now).await?;
        let fits = self.hasher.fits(password, stored.as_ref().map(|it| &it.hashed)).await?;
        match user.filter(|it| fits && it.active && !it.roles_at(now).is_empty()) {
            None => self.refused(visit, &against, "password", now).await,
            Some(user) => {
                let stale = stored.is_some_and(|it| it.hashed.cost() != self.hasher.cost());
                let items = match stale {
                    true => vec![self.password_item(&user.id, password, now).await?],
                    false => Vec::new(),
                };
                self.after_first(visit, &user, &against, "password", items, now).await
            }
        }
    }

    /// Someone has shown one thing. What else is needed?
    pub(super) async fn after_first(
        &self,
        visit: &Visit,
        user: &User,
        against: &Against,
        how: &'static str,
        items: Vec<ItemChange>,
        now: i64,
    ) -> AccessResult<SignIn> {
        let factors = self.factors_of(user, now).await?;
        let second = factors.second();
        if !second.is_empty() {
            let pending = self.pending(visit, user, Stage::Second, how, items, now).await?;
            return Ok(SignIn::Second { pending, factors: second });
        }
        if factors.required {
            let pending = self.pending(visit, user, Stage::Enrol, how, items, now).await?;
            return Ok(SignIn::Enrol { pending });
        }
        self.open(visit, user, against, how, items, now).await.map(SignIn::Open)
    }

    async fn pending(
        &self,
        visit: &Visit,
        user: &User,
        stage: Stage,
        how: &'static str,
        mut items: Vec<ItemChange>,
        now: i64,
    ) -> AccessResult<String> {
        let body = self.fresh_body(visit, user, stage, now).ok_or(AccessError::Expired)?;
        let (token, item) = self.with_token(&body);
        items.push(item);
        let caller = visit.caller(&user.who(), &user.display, &body.role, self.usual_purpose(&body.role));
        let event = Event::of("sign-in").detail(format!("{how}{}, a second factor to follow", visit.from()));
        self.store.keep(&caller, event, items, now).await?;
        Ok(token)
    }

    /// Opens a session.
    pub(super) async fn open(
        &self,
        visit: &Visit,
        user: &User,
        against: &Against,
        how: &str,
        mut items: Vec<ItemChange>,
        now: i64,
    ) -> AccessResult<Opened> {
        let body = self.fresh_body(visit, user, Stage::Open, now).ok_or(AccessError::Expired)?;
        let (token, item) = self.with_token(&body);
        items.push(item);
        items.extend(self.forgiven(against));
        let caller = visit.caller(&user.who(), &user.display, &body.role, self.usual_purpose(&body.role));
        let event = Event::of("sign-in").detail(format!("{how}{}", visit.from()));
        self.store.keep(&caller, event, items, now).await?;
        let session = self.session(&token, now).await?.ok_or(AccessError::Expired)?;
        Ok(Opened { token, session })
    }

    async fn refused(&self, visit: &Visit, against: &Against, rule: &'static str, now: i64) -> AccessResult<SignIn> {
        let failures = self.failed(against, now).await?;
        // Which name was tried is not written: people type passwords into the wrong field.
        let event = Event::refused("sign-in", rule).detail(format!("did not fit{}", visit.from()));
        self.store.keep(&visit.stranger(), event, failures, now).await?;
        Ok(SignIn::Wrong)
    }

    /// The sign-in under way under this token.
    async fn under_way(
        &self,
        pending: &str,
        stage: Stage,
        now: i64,
    ) -> AccessResult<(super::sessions::Body, u64, User)> {
        let found = self.body(pending, now).await?.filter(|(body, _)| body.stage == stage);
        let (body, version) = found.ok_or(AccessError::Expired)?;
        let user = self.user_by_id(&body.user, now).await?.filter(|it| it.active).ok_or(AccessError::Expired)?;
        Ok((body, version, user))
    }

    /// The second factor.
    pub async fn second(&self, visit: &Visit, pending: &str, proof: Proof<'_>, now: i64) -> AccessResult<SignIn> {
        let (body, version, user) = self.under_way(pending, Stage::Second, now).await?;
        let name = folded(&user.username);
        let against = Against::new(Some(&name), visit);
        let _turn = self.lanes.turn(&name).await;
        if let Some(until) = self.locked(&against, now).await? {
            return Ok(SignIn::Wait { until });
        }
        // What was shown already is no second factor.
        let shown = match proof {
            Proof::Password(_) => None,
            _ => self.shows(&user, proof, now).await?,
        };
        let gone = shelf::remove(SESSION, Secret::of(pending).hex(), ItemExpect::Version(version));
        if let Some(mut items) = shown {
            items.push(gone);
            let opened = self.open(visit, &user, &against, proof.name(), items, now).await;
            return match opened {
                // Someone else used the same code or the same step a moment before.
                Err(AccessError::Changed) => Ok(SignIn::Wrong),
                other => other.map(SignIn::Open),
            };
        }
        let mut items = self.failed(&against, now).await?;
        items.push(self.tried(pending, &body, version));
        let caller = visit.caller(&user.who(), &user.display, "anonymous", self.usual_purpose(&body.role));
        let event = Event::refused("sign-in", proof.name()).detail(format!("did not fit{}", visit.from()));
        self.store.keep(&caller, event, items, now).await?;
        Ok(SignIn::Wrong)
    }

    /// Whether a proof fits this user, and what is written when it is used.
    async fn shows(&self, user: &User, proof: Proof<'_>, now: i64) -> AccessResult<Option<Vec<ItemChange>>> {
        Ok(match proof {
            Proof::Password(given) => {
                let stored = self.password_of(&user.id, now).await?;
                let fits = self.hasher.fits(given, stored.as_ref().map(|it| &it.hashed)).await?;
                fits.then(Vec::new)
            }
            Proof::Totp(code) => self.totp_fits(&user.id, code, now).await?.map(|it| vec![it]),
            Proof::Recovery(code) => self.recovery_fits(&user.id, code, now).await?.map(|it| vec![it]),
            Proof::Passkey { handle, answer } => match self.passkey_fits(Some(&user.id), handle, answer, now).await {
                Ok((_, items)) => Some(items),
                Err(AccessError::Passkey(_) | AccessError::Expired) => None,
                Err(other) => return Err(other),
            },
        })
    }

    /// Whose factors are to be set up in a sign-in that demands one.
    pub async fn pending_me(&self, pending: &str, now: i64) -> AccessResult<Me> {
        let (body, _, user) = self.under_way(pending, Stage::Enrol, now).await?;
        let visit = Visit { address: body.address, agent: body.agent, request: None };
        let session = Secret::of(pending).hex();
        let purpose = self.usual_purpose(&body.role);
        Ok(Me { user: user.id, session, role: body.role, purpose, fresh_until: body.proved + 2 * FRESH, visit })
    }

    /// Goes on after a factor was set up.
    pub async fn enrolled(&self, visit: &Visit, pending: &str, now: i64) -> AccessResult<SignIn> {
        let (_, version, user) = self.under_way(pending, Stage::Enrol, now).await?;
        if self.factors_of(&user, now).await?.second().is_empty() {
            return Ok(SignIn::Enrol { pending: pending.to_owned() });
        }
        let against = Against::new(Some(&folded(&user.username)), visit);
        let gone = shelf::remove(SESSION, Secret::of(pending).hex(), ItemExpect::Version(version));
        let opened = self.open(visit, &user, &against, "second factor set up", vec![gone], now).await?;
        Ok(SignIn::Open(opened))
    }

    /// What to ask the browser: of the user of a sign-in under way or of a session, or of anyone with a passkey.
    pub async fn passkey_question(&self, token: Option<&str>, now: i64) -> AccessResult<Question> {
        let Some(token) = token else { return self.passkey_options(None, now).await };
        let (body, _) = self.body(token, now).await?.ok_or(AccessError::Expired)?;
        let user = self.user_by_id(&body.user, now).await?.ok_or(AccessError::Expired)?;
        self.passkey_options(Some(&user), now).await
    }

    /// Signs in with a passkey alone, which stands for two factors: having the device, and what unlocks it.
    pub async fn passkey_sign_in(&self, visit: &Visit, handle: &str, answer: &str, now: i64) -> AccessResult<SignIn> {
        let against = Against::new(None, visit);
        if let Some(until) = self.locked(&against, now).await? {
            return Ok(SignIn::Wait { until });
        }
        let (user, items) = match self.passkey_fits(None, handle, answer, now).await {
            Ok(fits) => fits,
            Err(AccessError::Passkey(_)) => return self.refused(visit, &against, "passkey", now).await,
            Err(other) => return Err(other),
        };
        let user = self.user_by_id(&user, now).await?;
        match user.filter(|it| it.active && !it.roles_at(now).is_empty()) {
            None => self.refused(visit, &against, "passkey", now).await,
            Some(user) => match self.open(visit, &user, &against, "passkey", items, now).await {
                Err(AccessError::Changed) => self.refused(visit, &against, "passkey", now).await,
                other => other.map(SignIn::Open),
            },
        }
    }

    /// Proves it with something that one has, a one-time code or a passkey: for what a password is not enough for.
    pub async fn show_second(
        &self,
        visit: &Visit,
        token: &str,
        proof: Proof<'_>,
        now: i64,
    ) -> AccessResult<(Opened, SecondFactor)> {
        match proof {
            Proof::Totp(_) | Proof::Passkey { .. } => {
                self.prove(visit, token, proof, now).await.map(|opened| (opened, SecondFactor(())))
            }
            Proof::Password(_) | Proof::Recovery(_) => Err(AccessError::Wrong),
        }
    }

    /// Proves once more who someone is who is signed in: sensitive things may be changed for five minutes.
    pub async fn prove(&self, visit: &Visit, token: &str, proof: Proof<'_>, now: i64) -> AccessResult<Opened> {
        let session = self.session(token, now).await?.ok_or(AccessError::Expired)?;
        let user = self.user_by_id(&session.user, now).await?.ok_or(AccessError::Expired)?;
        let name = folded(&user.username);
        let against = Against::new(Some(&name), visit);
        let turn = self.lanes.turn(&name).await;
        if let Some(until) = self.locked(&against, now).await? {
            return Err(AccessError::Wait { until });
        }
        let role = &session.principal.role;
        let Some(mut items) = self.shows(&user, proof, now).await? else {
            let failures = self.failed(&against, now).await?;
            let caller = visit.caller(&user.who(), &user.display, role, self.usual_purpose(role));
            let event = Event::refused("sign-in", proof.name()).detail(format!("did not fit{}", visit.from()));
            self.store.keep(&caller, event, failures, now).await?;
            return Err(AccessError::Wrong);
        };
        drop(turn);
        items.extend(self.forgiven(&against));
        let event = Event::of("sign-in").detail(format!("shown again: {}{}", proof.name(), visit.from()));
        let again = |body: &mut super::sessions::Body, _: &User| {
            body.proved = now;
            Ok(())
        };
        self.exchange(visit, token, again, event, items, now).await
    }
}
