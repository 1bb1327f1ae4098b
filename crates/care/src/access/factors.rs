//! What someone shows to prove that it is them: a password, one-time codes, passkeys, recovery codes. Set up and taken
//! away by their owner alone, who has to have proved it shortly before.

use super::accounts::{User, configured, folded};
use super::lockout::Against;
use super::passkey::{self, ALGORITHMS};
use super::password::{Hashed, LEAST_ALONE, Weakness, judge};
use super::secret::{base64url, from_base64url};
use super::sessions::Me;
use super::shelf::{self, CREDENTIAL, SESSION, SPENT};
use super::sign_in::Factor;
use super::{Access, AccessError, AccessResult, MINUTE, recovery, totp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::audit::Event;
use store::{ItemChange, ItemExpect, StoreResult};

/// How long a question may wait for its answer.
const PATIENCE: i64 = 5 * MINUTE;

#[derive(Serialize, Deserialize)]
pub(super) struct Password {
    pub(super) hashed: Hashed,
    set: i64,
    /// Whether it may stand alone.
    long: bool,
}

#[derive(Serialize, Deserialize)]
struct Totp {
    /// Sealed.
    seed: String,
    added: i64,
    /// The step of the last code that was used.
    last: i64,
}

#[derive(Serialize, Deserialize)]
struct Recovery {
    digests: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Passkey {
    id: String,
    key: String,
    count: u32,
    name: String,
    added: i64,
    last_used: Option<i64>,
}

/// What someone has.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    /// When the password was set.
    pub password: Option<i64>,
    pub totp: Option<i64>,
    pub recovery_left: usize,
    pub passkeys: Vec<PasskeyInfo>,
    /// Whether the organisation demands a second factor of them.
    pub required: bool,
}

impl Factors {
    pub(super) fn second(&self) -> Vec<Factor> {
        let has = [
            (Factor::Passkey, !self.passkeys.is_empty()),
            (Factor::Totp, self.totp.is_some()),
            // Recovery codes stand in for another factor; alone they are none.
            (Factor::Recovery, self.recovery_left > 0 && (self.totp.is_some() || !self.passkeys.is_empty())),
        ];
        has.into_iter().filter_map(|(factor, has)| has.then_some(factor)).collect()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct PasskeyInfo {
    pub id: String,
    pub name: String,
    pub added: i64,
    pub last_used: Option<i64>,
}

/// What an authenticator app is given.
#[derive(Clone, Debug)]
pub struct TotpOffer {
    /// To be sent back with the first code.
    pub handle: String,
    /// To type, in groups of four.
    pub secret: String,
    pub uri: String,
    /// To scan.
    pub svg: String,
}

/// What the browser is asked: `options` are for `navigator.credentials`, `handle` is sent back with the answer.
#[derive(Clone, Debug)]
pub struct Question {
    pub handle: String,
    pub options: Value,
}

/// What a handle holds, sealed: nothing is written before an answer fits.
#[derive(Serialize, Deserialize)]
struct Asked {
    /// Empty when anyone may answer.
    user: String,
    challenge: String,
    until: i64,
}

fn name(user: &str, what: &str) -> String {
    format!("{user}/{what}")
}

impl Access {
    pub async fn factors(&self, me: &Me, now: i64) -> AccessResult<Factors> {
        let user = self.me(me, now).await?;
        Ok(self.factors_of(&user, now).await?)
    }

    async fn me(&self, me: &Me, now: i64) -> AccessResult<User> {
        self.user_by_id(&me.user, now).await?.filter(|it| it.active).ok_or(AccessError::NoSuchUser)
    }

    async fn fresh(&self, me: &Me, now: i64) -> AccessResult<User> {
        if now > me.fresh_until {
            return Err(AccessError::NotFresh);
        }
        self.me(me, now).await
    }

    pub(super) async fn factors_of(&self, user: &User, now: i64) -> StoreResult<Factors> {
        let items = shelf::owned(&self.store, CREDENTIAL, &user.id, now).await?;
        let policy = self.policy(now).await?;
        let mut found = Factors {
            password: None,
            totp: None,
            recovery_left: 0,
            passkeys: Vec::new(),
            required: policy.demands_of(user.roles_at(now).iter().map(String::as_str)),
        };
        for item in &items {
            let kind = item.name.split('/').nth(1).unwrap_or_default();
            match kind {
                "password" => found.password = Some(shelf::read::<Password>(item)?.set),
                "totp" => found.totp = Some(shelf::read::<Totp>(item)?.added),
                "recovery" => found.recovery_left = shelf::read::<Recovery>(item)?.digests.len(),
                "passkey" => {
                    let it: Passkey = shelf::read(item)?;
                    found.passkeys.push(PasskeyInfo {
                        id: it.id,
                        name: it.name,
                        added: it.added,
                        last_used: it.last_used,
                    });
                }
                _ => {}
            }
        }
        found.passkeys.sort_by_key(|it| it.added);
        Ok(found)
    }

    // ---- passwords

    pub(super) async fn password_of(&self, user: &str, now: i64) -> StoreResult<Option<Password>> {
        Ok(shelf::get(&self.store, CREDENTIAL, &name(user, "password"), now).await?.map(|(it, _)| it))
    }

    pub(super) async fn password_item(&self, user: &str, password: &str, now: i64) -> AccessResult<ItemChange> {
        let hashed = self.hasher.hash(password, &self.chance()).await?;
        let long = super::password::normal(password).chars().count() >= LEAST_ALONE;
        let body = Password { hashed, set: now, long };
        Ok(shelf::put(CREDENTIAL, name(user, "password"), user, None, &body, ItemExpect::Anything))
    }

    /// Whether this would be accepted. `about` are words that belong to the user; a form can ask while someone types.
    pub fn judge_password(&self, password: &str, about: &[&str], with_second_factor: bool) -> Result<(), Weakness> {
        let about = [about, &["continuo", &self.settings.name]].concat();
        judge(&self.settings.breached, password, &about, with_second_factor)
    }

    pub(super) async fn judge(&self, user: &User, password: &str, now: i64) -> AccessResult<()> {
        let factors = self.factors_of(user, now).await?;
        let second = factors.required || !factors.second().is_empty();
        Ok(self.judge_password(password, &user.about(), second)?)
    }

    /// Changes the password of someone who knows it, and ends their other sessions.
    pub async fn change_password(&self, me: &Me, old: &str, new: &str, now: i64) -> AccessResult<()> {
        let user = self.me(me, now).await?;
        let stored = self.password_of(&user.id, now).await?;
        let login = folded(&user.username);
        let against = Against::new(Some(&login), &me.visit);
        let _turn = self.lanes.turn(&login).await;
        if let Some(until) = self.locked(&against, now).await? {
            return Err(AccessError::Wait { until });
        }
        if !self.hasher.fits(old, stored.as_ref().map(|it| &it.hashed)).await? {
            let failures = self.failed(&against, now).await?;
            let event = Event::refused("configure", "password").detail("the old password did not fit");
            self.store.keep(&me.caller(&user), event, failures, now).await?;
            return Err(AccessError::Wrong);
        }
        if super::password::normal(old) == super::password::normal(new) {
            return Err(Weakness::Unchanged.into());
        }
        self.judge(&user, new, now).await?;
        let items = vec![self.password_item(&user.id, new, now).await?];
        self.changed(me, &user, "password changed", items, now).await
    }

    /// Writes a change of credentials, and ends the other sessions with it.
    async fn changed(
        &self,
        me: &Me,
        user: &User,
        what: &str,
        mut items: Vec<ItemChange>,
        now: i64,
    ) -> AccessResult<()> {
        let sessions = self.all_gone(SESSION, &user.id, now).await?;
        items.extend(sessions.into_iter().filter(|it| it.name != me.session));
        self.store.keep(&me.caller(user), configured(user, what), items, now).await?;
        self.forget(&user.id);
        Ok(())
    }

    // ---- one-time codes

    pub async fn begin_totp(&self, me: &Me, now: i64) -> AccessResult<TotpOffer> {
        let user = self.fresh(me, now).await?;
        let seed = &self.chance_bytes()[..totp::SEED];
        let asked = Asked { user: user.id.clone(), challenge: base64url(seed), until: now + PATIENCE };
        let uri = totp::uri(&self.settings.name, &user.username, seed);
        let letters: Vec<char> = totp::base32(seed).chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|it| it.iter().collect()).collect();
        Ok(TotpOffer {
            handle: self.sealer.seal_json(&self.chance(), "totp", &asked),
            secret: groups.join(" "),
            svg: totp::square(&uri).unwrap_or_default(),
            uri,
        })
    }

    /// The first code shows that the app has the seed. Returns recovery codes, to be shown once, unless there are some.
    pub async fn finish_totp(&self, me: &Me, handle: &str, code: &str, now: i64) -> AccessResult<Vec<String>> {
        let user = self.fresh(me, now).await?;
        let asked = self.asked("totp", handle, &user.id, now)?;
        let seed = from_base64url(&asked.challenge).ok_or(AccessError::Expired)?;
        let step = totp::step_of(&seed, code, 0, now).ok_or(AccessError::Wrong)?;
        let place = name(&user.id, "totp");
        let body = Totp { seed: self.sealer.seal(&self.chance(), &place, &seed), added: now, last: step };
        let mut items = vec![shelf::put(CREDENTIAL, place, &user.id, None, &body, ItemExpect::Anything)];
        let codes = self.first_recovery(&user, &mut items, now).await?;
        self.changed(me, &user, "authenticator app set up", items, now).await?;
        Ok(codes)
    }

    pub async fn remove_totp(&self, me: &Me, now: i64) -> AccessResult<()> {
        let user = self.fresh(me, now).await?;
        let mut left = self.factors_of(&user, now).await?;
        left.totp = None;
        self.may_leave(&user, &left, now).await?;
        let items = vec![shelf::remove(CREDENTIAL, name(&user.id, "totp"), ItemExpect::Anything)];
        self.changed(me, &user, "authenticator app removed", items, now).await
    }

    /// A second factor can go when another stays, or when none is demanded and the password is long enough.
    async fn may_leave(&self, user: &User, left: &Factors, now: i64) -> AccessResult<()> {
        if !left.second().is_empty() {
            return Ok(());
        }
        let long = self.password_of(&user.id, now).await?.is_some_and(|it| it.long);
        match (left.required, long) {
            (true, _) => Err(AccessError::LastFactor),
            (false, false) => Err(Weakness::TooShort(LEAST_ALONE).into()),
            (false, true) => Ok(()),
        }
    }

    /// Whether a code fits, and what is written when it is used.
    pub(super) async fn totp_fits(&self, user: &str, code: &str, now: i64) -> StoreResult<Option<ItemChange>> {
        let place = name(user, "totp");
        let found: Option<(Totp, u64)> = shelf::get(&self.store, CREDENTIAL, &place, now).await?;
        let Some((mut it, version)) = found else { return Ok(None) };
        let Some(seed) = self.sealer.open(&place, &it.seed) else { return Ok(None) };
        let Some(step) = totp::step_of(&seed, code, it.last, now) else { return Ok(None) };
        it.last = step;
        // Of two who bring the same code at the same time, one finds another version.
        Ok(Some(shelf::put(CREDENTIAL, place, user, None, &it, ItemExpect::Version(version))))
    }

    // ---- recovery codes

    pub async fn new_recovery_codes(&self, me: &Me, now: i64) -> AccessResult<Vec<String>> {
        let user = self.fresh(me, now).await?;
        let (codes, item) = self.recovery(&user.id);
        self.store.keep(&me.caller(&user), configured(&user, "new recovery codes"), vec![item], now).await?;
        Ok(codes)
    }

    fn recovery(&self, user: &str) -> (Vec<String>, ItemChange) {
        let codes: Vec<String> = (0..recovery::RECOVERY).map(|_| recovery::code(&self.chance_bytes())).collect();
        let body = Recovery { digests: codes.iter().map(|it| self.coded(it)).collect() };
        (codes, shelf::put(CREDENTIAL, name(user, "recovery"), user, None, &body, ItemExpect::Anything))
    }

    async fn first_recovery(&self, user: &User, items: &mut Vec<ItemChange>, now: i64) -> AccessResult<Vec<String>> {
        if self.factors_of(user, now).await?.recovery_left > 0 {
            return Ok(Vec::new());
        }
        let (codes, item) = self.recovery(&user.id);
        items.push(item);
        Ok(codes)
    }

    pub(super) async fn recovery_fits(&self, user: &str, code: &str, now: i64) -> StoreResult<Option<ItemChange>> {
        let place = name(user, "recovery");
        let found: Option<(Recovery, u64)> = shelf::get(&self.store, CREDENTIAL, &place, now).await?;
        let Some((mut it, version)) = found else { return Ok(None) };
        let given = self.coded(code);
        let before = it.digests.len();
        it.digests.retain(|digest| *digest != given);
        let used = it.digests.len() < before;
        Ok(used.then(|| shelf::put(CREDENTIAL, place, user, None, &it, ItemExpect::Version(version))))
    }

    // ---- passkeys

    fn asked(&self, purpose: &str, handle: &str, user: &str, now: i64) -> AccessResult<Asked> {
        let asked: Option<Asked> = self.sealer.open_json(purpose, handle);
        asked.filter(|it| it.user == user && now < it.until).ok_or(AccessError::Expired)
    }

    pub async fn begin_passkey(&self, me: &Me, now: i64) -> AccessResult<Question> {
        let user = self.fresh(me, now).await?;
        let challenge = base64url(&self.chance_bytes());
        let known = self.factors_of(&user, now).await?.passkeys;
        let known: Vec<Value> = known.iter().map(|it| json!({ "type": "public-key", "id": it.id })).collect();
        let kinds: Vec<Value> = ALGORITHMS.iter().map(|it| json!({ "type": "public-key", "alg": it })).collect();
        let options = json!({
            "rp": { "id": self.place.rp, "name": self.settings.name },
            "user": { "id": base64url(user.id.as_bytes()), "name": user.username, "displayName": user.display },
            "challenge": challenge,
            "pubKeyCredParams": kinds,
            "timeout": PATIENCE / 1_000,
            "excludeCredentials": known,
            "authenticatorSelection": {
                "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
            },
            "attestation": "none",
        });
        let asked = Asked { user: user.id, challenge, until: now + PATIENCE };
        Ok(Question { handle: self.sealer.seal_json(&self.chance(), "passkey-new", &asked), options })
    }

    /// Returns recovery codes, to be shown once, unless there are some.
    pub async fn finish_passkey(
        &self,
        me: &Me,
        handle: &str,
        answer: &str,
        title: &str,
        now: i64,
    ) -> AccessResult<Vec<String>> {
        let user = self.fresh(me, now).await?;
        let asked = self.asked("passkey-new", handle, &user.id, now)?;
        let challenge = from_base64url(&asked.challenge).ok_or(AccessError::Expired)?;
        let made = passkey::made(&self.place, answer, &challenge, true).map_err(AccessError::Passkey)?;
        let title: String = title.trim().chars().filter(|it| !it.is_control()).take(60).collect();
        let body = Passkey {
            id: made.id.clone(),
            key: made.key,
            count: made.count,
            name: if title.is_empty() { "Passkey".into() } else { title },
            added: now,
            last_used: None,
        };
        let place = name(&user.id, &format!("passkey/{}", made.id));
        let mut items =
            vec![self.spent(&asked), shelf::put(CREDENTIAL, place, &user.id, None, &body, ItemExpect::Absent)];
        let codes = self.first_recovery(&user, &mut items, now).await?;
        self.changed(me, &user, "passkey set up", items, now).await?;
        Ok(codes)
    }

    pub async fn remove_passkey(&self, me: &Me, id: &str, now: i64) -> AccessResult<()> {
        let user = self.fresh(me, now).await?;
        let mut left = self.factors_of(&user, now).await?;
        left.passkeys.retain(|it| it.id != id);
        self.may_leave(&user, &left, now).await?;
        let items = vec![shelf::remove(CREDENTIAL, name(&user.id, &format!("passkey/{id}")), ItemExpect::Anything)];
        self.changed(me, &user, "passkey removed", items, now).await
    }

    /// A challenge that was answered is never answered again.
    fn spent(&self, asked: &Asked) -> ItemChange {
        let digest = super::Secret::of(&asked.challenge).hex();
        shelf::put(SPENT, digest, "", Some(asked.until + MINUTE), &(), ItemExpect::Absent)
    }

    /// What to ask the browser: for one user, or for anyone who has a passkey of this place.
    pub(super) async fn passkey_options(&self, user: Option<&User>, now: i64) -> AccessResult<Question> {
        let challenge = base64url(&self.chance_bytes());
        let known = match user {
            Some(user) => self.factors_of(user, now).await?.passkeys,
            None => Vec::new(),
        };
        let known: Vec<Value> = known.iter().map(|it| json!({ "type": "public-key", "id": it.id })).collect();
        let options = json!({
            "rpId": self.place.rp,
            "challenge": challenge,
            "timeout": PATIENCE / 1_000,
            "allowCredentials": known,
            // With a password before, being there is enough; alone, the device must know its owner.
            "userVerification": if user.is_some() { "preferred" } else { "required" },
        });
        let asked = Asked { user: user.map_or(String::new(), |it| it.id.clone()), challenge, until: now + PATIENCE };
        Ok(Question { handle: self.sealer.seal_json(&self.chance(), "passkey-use", &asked), options })
    }

    /// Whether an answer fits this user, who is already known (`bound`) or named by the passkey alone. Returns who it is
    /// and what is written when it is used.
    pub(super) async fn passkey_fits(
        &self,
        bound: Option<&str>,
        handle: &str,
        answer: &str,
        now: i64,
    ) -> AccessResult<(String, Vec<ItemChange>)> {
        let asked = self.asked("passkey-use", handle, bound.unwrap_or_default(), now)?;
        let challenge = from_base64url(&asked.challenge).ok_or(AccessError::Expired)?;
        let (id, named) = passkey::claimed(answer).ok_or(AccessError::Passkey("it is no answer of a browser"))?;
        let user = match (bound, named) {
            (Some(bound), Some(named)) if named != bound => {
                return Err(AccessError::Passkey("it belongs to someone else"));
            }
            (Some(bound), _) => bound.to_owned(),
            (None, Some(named)) => named,
            (None, None) => return Err(AccessError::Passkey("it does not say whose it is")),
        };
        let place = name(&user, &format!("passkey/{id}"));
        let found: Option<(Passkey, u64)> = shelf::get(&self.store, CREDENTIAL, &place, now).await?;
        let (mut it, version) = found.ok_or(AccessError::Passkey("it is not known here"))?;
        it.count = passkey::used(&self.place, answer, &challenge, &it.key, it.count, bound.is_none())
            .map_err(AccessError::Passkey)?;
        it.last_used = Some(now);
        let used = shelf::put(CREDENTIAL, place, &user, None, &it, ItemExpect::Version(version));
        Ok((user, vec![self.spent(&asked), used]))
    }
}
