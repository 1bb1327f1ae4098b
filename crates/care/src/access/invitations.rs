//! How the first user comes in, and how patients and their proxies do. There is never a password that someone else
//! knows: the first run prints a link with a code, patients get a code on paper, and both choose their own password.
//!
//! An invitation needs the code and the patient's date of birth, counts once, and ends.

use super::accounts::{Charge, NewUser, PersonLink, Relation, User, UserChange, configured, must_manage, written};
use super::lockout::Against;
use super::shelf::{self, INVITATION, SESSION, USER};
use super::{Access, AccessError, AccessResult, DAY, Me, Secret, SignIn, Visit, as_text, recovery};
use fhir::{Id, Key, ResourceType};
use serde::{Deserialize, Serialize};
use store::audit::Event;
use store::{Caller, ItemChange, ItemExpect, Purpose, StoreError, StoreResult};

/// The permission of who may invite patients without managing users.
const INVITE: &str = "patients.invite";

/// The set-up code lies under this name; a new one replaces it.
const SET_UP: &str = "set-up";

/// A code to hand over, and when it ends (microseconds).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub code: String,
    pub until: i64,
}

/// Whom to let see a record.
#[derive(Clone, Debug)]
pub struct Invite {
    pub patient: Id,
    pub relation: Relation,
    pub limited: bool,
    /// What the new user will be called.
    pub display: String,
    /// How long the code is good.
    pub days: u16,
    /// When the right to see ends, if it does: the day a child grows up.
    pub charge_until: Option<i64>,
}

/// Who accepts an invitation.
pub enum NewLogin<'a> {
    Fresh {
        username: &'a str,
        password: &'a str,
    },
    /// Someone who has an account of the portal: the record is added to it.
    Existing(&'a Me),
}

#[derive(Clone, Debug, PartialEq)]
pub struct InvitationInfo {
    pub id: String,
    pub display: String,
    pub charge: Charge,
    pub by: String,
    pub until: i64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Invitation {
    #[serde(with = "as_text::id")]
    patient: Id,
    relation: Relation,
    limited: bool,
    display: String,
    charge_until: Option<i64>,
    /// Who invited.
    by: String,
    until: i64,
}

impl Invitation {
    fn charge(&self) -> Charge {
        let Invitation { patient, relation, limited, charge_until, .. } = self.clone();
        Charge { patient, relation, limited, until: charge_until }
    }
}

#[derive(Serialize, Deserialize)]
struct SetUp {
    digest: String,
}

fn patient_key(id: &Id) -> Key {
    Key::new(ResourceType::parse("Patient").expect("a type of R4"), id.clone())
}

impl Access {
    // ---- the first user

    /// A code with which the first user can be made, while there is none. The one before ends.
    pub async fn set_up_code(&self, now: i64) -> StoreResult<Option<String>> {
        if !self.store.items(USER, None, None, 1, now).await?.is_empty() {
            return Ok(None);
        }
        let code = self.chance();
        let body = SetUp { digest: Secret::of(&code).hex() };
        let item = shelf::put(INVITATION, SET_UP, "", None, &body, ItemExpect::Anything);
        let event = Event::of("configure").detail("a set-up code for the first user");
        self.store.keep(&Caller::system("set-up"), event, vec![item], now).await?;
        Ok(Some(code))
    }

    /// Whether a set-up code is good.
    pub async fn set_up_open(&self, code: &str, now: i64) -> AccessResult<()> {
        self.set_up_version(code, now).await.map(drop)
    }

    async fn set_up_version(&self, code: &str, now: i64) -> AccessResult<u64> {
        let found: Option<(SetUp, u64)> = shelf::get(&self.store, INVITATION, SET_UP, now).await?;
        let found = found.filter(|(it, _)| it.digest == Secret::of(code).hex());
        found.map(|(_, version)| version).ok_or(AccessError::Expired)
    }

    /// Makes the first user, who may manage users and the system, and signs them in.
    pub async fn set_up(
        &self,
        visit: &Visit,
        code: &str,
        username: &str,
        display: &str,
        password: &str,
        now: i64,
    ) -> AccessResult<SignIn> {
        let against = Against::new(None, visit);
        if let Some(until) = self.locked(&against, now).await? {
            return Ok(SignIn::Wait { until });
        }
        let version = self.set_up_version(code, now).await?;
        let new = NewUser {
            username: username.to_owned(),
            display: display.to_owned(),
            email: None,
            roles: vec!["system-admin".into(), "practice-admin".into()],
            person: PersonLink::None,
            sites: Vec::new(),
        };
        let (user, _) = self.user_from(new, Vec::new(), now)?;
        self.judge_password(password, &user.about(), false)?;
        let mut items = self.new_user_items(&user);
        items.push(self.password_item(&user.id, password, now).await?);
        items.push(shelf::remove(INVITATION, SET_UP, ItemExpect::Version(version)));
        let caller = visit.caller(&user.who(), &user.display, "system-admin", Purpose::Operations);
        self.store.keep(&caller, configured(&user, "made as the first user"), items, now).await?;
        self.after_first(visit, &user, &against, "set-up", Vec::new(), now).await
    }

    // ---- patients and proxies

    fn may_invite(&self, caller: &Caller) -> AccessResult<()> {
        if caller.rights.may(INVITE) { Ok(()) } else { must_manage(caller) }
    }

    /// A code for a patient or proxy, to be handed over in person or by letter.
    pub async fn invite(&self, caller: &Caller, invite: Invite, now: i64) -> AccessResult<Link> {
        self.may_invite(caller)?;
        // Only for a record that the caller may see, and one that is there.
        self.store.read(caller, &patient_key(&invite.patient)).await?;
        let code = recovery::code(&self.chance_bytes());
        let until = now + i64::from(invite.days.clamp(1, 90)) * DAY;
        let name = self.coded(&code);
        let body = Invitation {
            patient: invite.patient.clone(),
            relation: invite.relation,
            limited: invite.limited && invite.relation != Relation::Own,
            display: invite.display.trim().chars().take(100).collect(),
            charge_until: invite.charge_until,
            by: caller.who.to_string(),
            until,
        };
        let event = Event::of("configure").patient(invite.patient).detail("invited to the portal");
        let item = shelf::put(INVITATION, name, "", Some(until), &body, ItemExpect::Absent);
        self.store.keep(caller, event, vec![item], now).await?;
        Ok(Link { code, until })
    }

    pub async fn invitations(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: usize,
        now: i64,
    ) -> AccessResult<Vec<InvitationInfo>> {
        self.may_invite(caller)?;
        let items = self.store.items(INVITATION, None, after, limit, now).await?;
        let mut infos = Vec::new();
        for item in items.iter().filter(|it| it.name != SET_UP) {
            let it: Invitation = shelf::read(item)?;
            infos.push(InvitationInfo {
                id: item.name.clone(),
                display: it.display.clone(),
                charge: it.charge(),
                by: it.by,
                until: it.until,
            });
        }
        Ok(infos)
    }

    pub async fn withdraw_invitation(&self, caller: &Caller, id: &str, now: i64) -> AccessResult<()> {
        self.may_invite(caller)?;
        if id == SET_UP {
            return Err(AccessError::Forbidden);
        }
        let item = shelf::remove(INVITATION, id, ItemExpect::Anything);
        self.store.keep(caller, Event::of("configure").detail("an invitation withdrawn"), vec![item], now).await?;
        Ok(())
    }

    /// Accepts an invitation with its code and the patient's date of birth (`1970-05-09`).
    pub async fn accept_invitation(
        &self,
        visit: &Visit,
        code: &str,
        birth_date: &str,
        who: NewLogin<'_>,
        now: i64,
    ) -> AccessResult<SignIn> {
        let name = self.coded(code);
        // Dates of birth are guessed against one code too.
        let against = Against::new(Some(&format!("invitation {name}")), visit);
        let _turn = self.lanes.turn(&name).await;
        if let Some(until) = self.locked(&against, now).await? {
            return Ok(SignIn::Wait { until });
        }
        let found: Option<(Invitation, u64)> = match name.as_str() {
            SET_UP => None,
            name => shelf::get(&self.store, INVITATION, name, now).await?,
        };
        let born = match &found {
            Some((it, _)) => self.birth_date(&it.patient).await?,
            None => None,
        };
        let fits = found.filter(|_| born.is_some_and(|it| it == birth_date.trim()));
        let Some((invitation, version)) = fits else {
            let failures = self.failed(&against, now).await?;
            let event = Event::refused("sign-in", "invitation").detail(format!("did not fit{}", visit.from()));
            self.store.keep(&visit.stranger(), event, failures, now).await?;
            return Ok(SignIn::Wrong);
        };
        let mut items = vec![shelf::remove(INVITATION, name, ItemExpect::Version(version))];
        items.extend(self.forgiven(&against));
        match who {
            NewLogin::Fresh { username, password } => {
                let user = self.portal_user(&invitation, username, now)?;
                self.judge_password(password, &user.about(), false)?;
                items.extend(self.new_user_items(&user));
                items.push(self.password_item(&user.id, password, now).await?);
                self.admit(visit, &user, &invitation, items, now).await?;
                self.after_first(visit, &user, &Against::new(None, visit), "invitation", Vec::new(), now).await
            }
            NewLogin::Existing(me) => {
                let user = self.user_by_id(&me.user, now).await?.ok_or(AccessError::NoSuchUser)?;
                if user.is_staff() {
                    return Err(AccessError::RolesUnfit);
                }
                let charge = invitation.charge();
                let mut patients = user.patients.clone();
                patients.retain(|it| it.patient != charge.patient);
                patients.push(charge);
                let user = User { patients, changed: now, ..user };
                items.push(written(&user, ItemExpect::Version(user.version)));
                let others = self.all_gone(SESSION, &user.id, now).await?;
                items.extend(others.into_iter().filter(|it| it.name == me.session));
                self.admit(visit, &user, &invitation, items, now).await?;
                self.sessions.forget(&user.id);
                // A new session knows of the new record; the old token ends.
                let opened = self.open(visit, &user, &against, "invitation", Vec::new(), now).await?;
                Ok(SignIn::Open(opened))
            }
        }
    }

    async fn admit(
        &self,
        visit: &Visit,
        user: &User,
        invitation: &Invitation,
        items: Vec<ItemChange>,
        now: i64,
    ) -> AccessResult<()> {
        let caller = visit.caller(&user.who(), &user.display, invitation.charge().role(), Purpose::PatientRequest);
        let event = configured(user, "accepted an invitation").patient(invitation.patient.clone());
        self.store.keep(&caller, event, items, now).await.map_err(|error| match error {
            StoreError::ItemConflict { shelf: shelf::LOGIN, .. } => AccessError::UserNameTaken,
            StoreError::ItemConflict { shelf: INVITATION, .. } => AccessError::Expired,
            other => other.into(),
        })
    }

    fn portal_user(&self, invitation: &Invitation, username: &str, now: i64) -> AccessResult<User> {
        let own = invitation.relation == Relation::Own;
        let new = NewUser {
            username: username.to_owned(),
            display: if invitation.display.is_empty() { username.to_owned() } else { invitation.display.clone() },
            email: None,
            roles: Vec::new(),
            person: if own { PersonLink::Existing(patient_key(&invitation.patient)) } else { PersonLink::None },
            sites: Vec::new(),
        };
        Ok(self.user_from(new, vec![invitation.charge()], now)?.0)
    }

    async fn birth_date(&self, patient: &Id) -> AccessResult<Option<String>> {
        let found = match self.store.read(&Caller::system("invitation"), &patient_key(patient)).await {
            Ok(found) => found,
            Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => return Ok(None),
            Err(other) => return Err(other.into()),
        };
        Ok(found.value()["birthDate"].as_str().map(str::to_owned))
    }

    /// Ends someone's right to see a record: a proxy's, or the patient's own account.
    pub async fn end_charge(&self, caller: &Caller, user: &str, patient: &Id, now: i64) -> AccessResult<User> {
        must_manage(caller)?;
        let found = self.user_by_id(user, now).await?.ok_or(AccessError::NoSuchUser)?;
        let patients = found.patients.iter().filter(|it| it.patient != *patient).cloned().collect();
        let change = UserChange { patients: Some(patients), ..UserChange::default() };
        self.change_user(caller, user, found.version, change, now).await
    }
}
