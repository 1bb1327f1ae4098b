//! The people who may sign in: staff with roles, patients and their proxies with the records they may see. Only who may
//! manage users looks at or changes others, nobody changes their own rights, and every change is in the audit log.
//!
//! A user is not a resource: the Practitioner, Patient or RelatedPerson that they are in the record is linked.

use super::roles::Recipient;
use super::shelf::{self, CREDENTIAL, LOGIN, RESET, SESSION, USER};
use super::{Access, AccessError, AccessResult, DAY, Link, Secret, Visit, as_text};
use fhir::{Draft, Id, Key, ResourceType};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::audit::Event;
use store::{Batch, Caller, Change, Expect, ItemChange, ItemExpect, StoreResult, Write};
use unicode_normalization::UnicodeNormalization;

/// The permission of whoever looks after users.
pub const MANAGE: &str = "users.manage";

pub(super) fn is_portal(role: &str) -> bool {
    matches!(role, "patient" | "proxy" | "proxy-limited")
}

pub(super) fn must_manage(caller: &Caller) -> AccessResult<()> {
    if caller.rights.may(MANAGE) { Ok(()) } else { Err(AccessError::Forbidden) }
}

/// What someone is to a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// It is their own record.
    Own,
    Parent,
    Guardian,
    Spouse,
    Child,
    Carer,
    Other,
}

/// A record that a user of the portal may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    #[serde(with = "as_text::id")]
    pub patient: Id,
    pub relation: Relation,
    /// Only what a proxy of an adolescent sees.
    #[serde(default)]
    pub limited: bool,
    /// When it ends, in microseconds.
    #[serde(default)]
    pub until: Option<i64>,
}

impl Charge {
    pub fn role(&self) -> &'static str {
        match (self.relation, self.limited) {
            (Relation::Own, _) => "patient",
            (_, false) => "proxy",
            (_, true) => "proxy-limited",
        }
    }

    pub(super) fn counts(&self, now: i64) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Someone who may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: String,
    pub username: String,
    pub display: String,
    #[serde(default)]
    pub email: Option<String>,
    /// Roles of staff; empty for users of the portal.
    pub roles: Vec<String>,
    /// Who they are in the record.
    #[serde(with = "as_text::maybe_key")]
    pub person: Option<Key>,
    pub patients: Vec<Charge>,
    /// Locations where they work.
    #[serde(with = "as_text::ids")]
    pub sites: Vec<Id>,
    pub active: bool,
    pub created: i64,
    pub changed: i64,
    /// Grows with every change.
    #[serde(skip)]
    pub version: u64,
}

impl User {
    pub fn is_staff(&self) -> bool {
        !self.roles.is_empty()
    }

    /// Roles under which they may act at this moment.
    pub fn roles_at(&self, now: i64) -> Vec<String> {
        if self.is_staff() {
            return self.roles.clone();
        }
        let mut roles = Vec::new();
        for charge in self.patients.iter().filter(|it| it.counts(now)) {
            if !roles.iter().any(|it| it == charge.role()) {
                roles.push(charge.role().to_owned());
            }
        }
        roles
    }

    /// Their name in the audit log: `user/7f3c`.
    pub fn who(&self) -> String {
        format!("user/{}", self.id)
    }

    /// Words that belong to them, which are no passwords.
    pub(super) fn about(&self) -> Vec<&str> {
        [Some(self.username.as_str()), Some(&self.display), self.email.as_deref()].into_iter().flatten().collect()
    }
}

/// Who a new user is in the record.
#[derive(Clone, Debug, PartialEq)]
pub enum PersonLink {
    None,
    Existing(Key),
    /// Makes a Practitioner in the same transaction.
    New {
        family: String,
        given: String,
    },
}

#[derive(Clone, Debug)]
pub struct NewUser {
    pub username: String,
    pub display: String,
    pub email: Option<String>,
    pub roles: Vec<String>,
    pub person: PersonLink,
    pub sites: Vec<Id>,
}

/// What to change; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    pub display: Option<String>,
    pub email: Option<Option<String>>,
    pub roles: Option<Vec<String>>,
    pub person: Option<Option<Key>>,
    pub sites: Option<Vec<Id>>,
    pub patients: Option<Vec<Charge>>,
    pub active: Option<bool>,
}

/// A user name as it is compared.
pub(super) fn folded(name: &str) -> String {
    name.trim().nfkc().flat_map(char::to_lowercase).collect()
}

fn fit_username(name: &str) -> AccessResult<String> {
    let name: String = name.trim().nfc().collect();
    let fits = (2..=64).contains(&name.chars().count())
        && name.chars().all(|it| it.is_alphanumeric() || matches!(it, '.' | '-' | '_' | '@' | '+'));
    if fits { Ok(name) } else { Err(AccessError::UserNameUnfit) }
}

fn fit_display(name: &str) -> AccessResult<String> {
    let name: String = name.trim().nfc().collect();
    let fits = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(AccessError::NameUnfit) }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Means {
    pub(super) user: String,
}

fn named(user: &User) -> impl Iterator<Item = String> + '_ {
    let email = user.email.iter().map(|it| format!("email/{}", folded(it)));
    std::iter::once(format!("name/{}", folded(&user.username))).chain(email)
}

fn login_names(user: &User) -> Vec<ItemChange> {
    let means = Means { user: user.id.clone() };
    named(user).map(|name| shelf::put(LOGIN, name, &user.id, None, &means, ItemExpect::Absent)).collect()
}

/// A link with which a password may be set.
#[derive(Serialize, Deserialize)]
struct Reset {
    user: String,
}

/// How long such a link is good.
const FIRST_PASSWORD: i64 = 7 * DAY;
const NEW_PASSWORD: i64 = DAY;

impl Access {
    /// Whether this is a role of staff; those of the portal follow from the records someone may see.
    pub(super) fn is_staff_role(&self, role: &str) -> bool {
        let found = self.roles().role(role);
        found.is_some_and(|it| matches!(it.recipient, Recipient::Treating | Recipient::Staff | Recipient::Payer))
    }

    fn fit_roles(&self, roles: &[String]) -> AccessResult<()> {
        if let Some(role) = roles.iter().find(|it| !self.is_staff_role(it)) {
            return Err(AccessError::UnknownRole(role.clone()));
        }
        if roles.is_empty() { Err(AccessError::RolesUnfit) } else { Ok(()) }
    }

    /// Whether they may manage users; somebody must.
    fn manages(&self, user: &User) -> bool {
        let permitted = |role: &String| self.roles().role(role).is_some_and(|it| it.permissions.contains(MANAGE));
        user.active && user.roles.iter().any(permitted)
    }

    pub async fn users(&self, caller: &Caller, after: Option<&str>, limit: usize, now: i64) -> AccessResult<Vec<User>> {
        must_manage(caller)?;
        Ok(self.user_page(after, limit, now).await?)
    }

    async fn user_page(&self, after: Option<&str>, limit: usize, now: i64) -> StoreResult<Vec<User>> {
        let items = self.store.items(USER, None, after, limit, now).await?;
        items.iter().map(|it| Ok(User { version: it.version, ..shelf::read(it)? })).collect()
    }

    async fn all_users(&self, now: i64) -> StoreResult<Vec<User>> {
        let mut all: Vec<User> = Vec::new();
        loop {
            let after = all.last().map(|it| it.id.clone());
            let page = self.user_page(after.as_deref(), 500, now).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// The staff who can sign in and are somebody in the record: to whom work can be given.
    pub async fn colleagues(&self, now: i64) -> StoreResult<Vec<(Key, String)>> {
        let users = self.all_users(now).await?.into_iter().filter(|it| it.active && it.is_staff());
        let of_record = |it: User| Some((it.person.filter(|key| key.kind.name() == "Practitioner")?, it.display));
        Ok(users.filter_map(of_record).collect())
    }

    /// Who can sign in, to be listed on the page of a demonstration; nobody anywhere else.
    pub async fn demo_logins(&self, now: i64) -> StoreResult<Vec<User>> {
        if self.settings.demo { self.user_page(None, 50, now).await } else { Ok(Vec::new()) }
    }

    /// Someone else for who may manage users, oneself for everybody.
    pub async fn user(&self, caller: &Caller, id: &str, now: i64) -> AccessResult<User> {
        if *caller.who != format!("user/{id}") {
            must_manage(caller)?;
        }
        self.user_by_id(id, now).await?.ok_or(AccessError::NoSuchUser)
    }

    pub(super) async fn user_by_id(&self, id: &str, now: i64) -> StoreResult<Option<User>> {
        let found: Option<(User, u64)> = shelf::get(&self.store, USER, id, now).await?;
        Ok(found.map(|(user, version)| User { version, ..user }))
    }

    pub(super) async fn user_by_name(&self, name: &str, now: i64) -> StoreResult<Option<User>> {
        self.user_of(&format!("name/{}", folded(name)), now).await
    }

    pub(super) async fn user_by_email(&self, email: &str, now: i64) -> StoreResult<Option<User>> {
        self.user_of(&format!("email/{}", folded(email)), now).await
    }

    async fn user_of(&self, name: &str, now: i64) -> StoreResult<Option<User>> {
        let found: Option<(Means, u64)> = shelf::get(&self.store, LOGIN, name, now).await?;
        match found {
            Some((means, _)) => self.user_by_id(&means.user, now).await,
            // As many questions as for someone who is there.
            None => self.user_by_id("nobody", now).await.map(|_| None),
        }
    }

    /// A new member of staff, and the link with which they set their password.
    pub async fn create_user(&self, caller: &Caller, new: NewUser, now: i64) -> AccessResult<(User, Link)> {
        must_manage(caller)?;
        self.fit_roles(&new.roles)?;
        let (user, writes) = self.user_from(new, Vec::new(), now)?;
        let (link, reset) = self.reset_link(&user.id, FIRST_PASSWORD, now);
        let items = [login_names(&user), vec![written(&user, ItemExpect::Absent), reset]].concat();
        self.make(caller, &user, writes, items, now).await?;
        Ok((User { version: self.version_of(&user.id, now).await?, ..user }, link))
    }

    /// A user with a password, for our own work alone: the demonstration and tests.
    pub async fn create_with_password(
        &self,
        caller: &Caller,
        new: NewUser,
        patients: Vec<Charge>,
        password: &str,
        now: i64,
    ) -> AccessResult<User> {
        if !caller.rights.are_everything() {
            return Err(AccessError::Forbidden);
        }
        let (user, writes) = self.user_from(new, patients, now)?;
        let password = self.password_item(&user.id, password, now).await?;
        let items = [login_names(&user), vec![written(&user, ItemExpect::Absent), password]].concat();
        self.make(caller, &user, writes, items, now).await?;
        Ok(User { version: self.version_of(&user.id, now).await?, ..user })
    }

    /// Whether a user of this name is there, for our own work alone.
    pub async fn has_user(&self, caller: &Caller, username: &str, now: i64) -> AccessResult<bool> {
        if !caller.rights.are_everything() {
            return Err(AccessError::Forbidden);
        }
        Ok(self.user_by_name(username, now).await?.is_some())
    }

    /// A user as a record that can be written with others in one transaction.
    pub(super) fn new_user_items(&self, user: &User) -> Vec<ItemChange> {
        [login_names(user), vec![written(user, ItemExpect::Absent)]].concat()
    }

    async fn version_of(&self, id: &str, now: i64) -> StoreResult<u64> {
        Ok(self.user_by_id(id, now).await?.map_or(0, |it| it.version))
    }

    pub(super) fn user_from(&self, new: NewUser, patients: Vec<Charge>, now: i64) -> AccessResult<(User, Vec<Write>)> {
        if new.roles.is_empty() == patients.is_empty() {
            return Err(AccessError::RolesUnfit);
        }
        let (person, writes) = match new.person {
            PersonLink::None => (None, Vec::new()),
            PersonLink::Existing(key) => (Some(key), Vec::new()),
            PersonLink::New { family, given } => {
                let (key, write) = self.practitioner(&family, &given)?;
                (Some(key), vec![write])
            }
        };
        let user = User {
            id: self.world.new_id(),
            username: fit_username(&new.username)?,
            display: fit_display(&new.display)?,
            email: new.email.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()),
            roles: new.roles,
            person,
            patients,
            sites: new.sites,
            active: true,
            created: now,
            changed: now,
            version: 0,
        };
        Ok((user, writes))
    }

    fn practitioner(&self, family: &str, given: &str) -> AccessResult<(Key, Write)> {
        let (family, given) = (fit_display(family)?, fit_display(given)?);
        let id = Id::parse(&self.world.new_id()).ok_or(AccessError::NameUnfit)?;
        let key = Key::new(ResourceType::parse("Practitioner").expect("a type of R4"), id);
        let resource = json!({
            "resourceType": "Practitioner",
            "id": key.id.as_str(),
            "active": true,
            "name": [{ "use": "official", "family": family, "given": [given] }],
        });
        let checked = Draft::from_value(resource).check().map_err(|_| AccessError::NameUnfit)?;
        Ok((key.clone(), Write { key, expect: Expect::New, change: Change::Put(checked) }))
    }

    async fn make(
        &self,
        caller: &Caller,
        user: &User,
        writes: Vec<Write>,
        items: Vec<ItemChange>,
        now: i64,
    ) -> AccessResult<()> {
        let done = if writes.is_empty() {
            self.store.keep(caller, configured(user, "created"), items, now).await
        } else {
            let batch = Batch { writes, items, action: "configure", ..Batch::default() };
            self.store.commit(caller, batch, now).await.map(drop)
        };
        done.map_err(|error| match error {
            store::StoreError::ItemConflict { shelf: LOGIN, .. } => AccessError::UserNameTaken,
            other => other.into(),
        })
    }

    /// Changes a user whom the caller saw at `version`. Who loses or changes roles, records or the account itself is
    /// signed out everywhere.
    pub async fn change_user(
        &self,
        caller: &Caller,
        id: &str,
        version: u64,
        change: UserChange,
        now: i64,
    ) -> AccessResult<User> {
        must_manage(caller)?;
        let before = self.user_by_id(id, now).await?.ok_or(AccessError::NoSuchUser)?;
        if before.version != version {
            return Err(AccessError::Changed);
        }
        let mut user = before.clone();
        if let Some(display) = change.display {
            user.display = fit_display(&display)?;
        }
        if let Some(email) = change.email {
            user.email = email.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
        }
        user.person = change.person.unwrap_or(user.person);
        user.sites = change.sites.unwrap_or(user.sites);
        user.patients = change.patients.unwrap_or(user.patients);
        user.active = change.active.unwrap_or(user.active);
        if let Some(roles) = change.roles {
            if user.is_staff() || !roles.is_empty() {
                self.fit_roles(&roles)?;
            }
            user.roles = roles;
        }
        if user.is_staff() && !user.patients.is_empty() {
            return Err(AccessError::RolesUnfit);
        }
        let rights = |it: &User| (it.roles.clone(), it.patients.clone(), it.person.clone(), it.active);
        let other_rights = rights(&before) != rights(&user);
        if other_rights && *caller.who == user.who() {
            return Err(AccessError::Forbidden);
        }
        if self.manages(&before) && !self.manages(&user) && !self.others_manage(&user.id, now).await? {
            return Err(AccessError::LastAdministrator);
        }
        user.changed = now;
        let mut items = vec![written(&user, ItemExpect::Version(version))];
        let (old, new): (Vec<_>, Vec<_>) = (named(&before).collect(), named(&user).collect());
        items
            .extend(old.iter().filter(|it| !new.contains(it)).map(|it| shelf::remove(LOGIN, it, ItemExpect::Anything)));
        let means = Means { user: user.id.clone() };
        let added = new.iter().filter(|it| !old.contains(it));
        items.extend(added.map(|it| shelf::put(LOGIN, it, &user.id, None, &means, ItemExpect::Absent)));
        if other_rights {
            items.extend(self.all_gone(SESSION, id, now).await?);
        }
        if !user.active {
            items.extend(self.all_gone(RESET, id, now).await?);
        }
        self.make(caller, &user, Vec::new(), items, now).await?;
        self.forget(id);
        Ok(User { version: self.version_of(id, now).await?, ..user })
    }

    async fn others_manage(&self, id: &str, now: i64) -> StoreResult<bool> {
        Ok(self.all_users(now).await?.iter().any(|it| it.id != id && self.manages(it)))
    }

    /// Takes away all that someone has on a shelf.
    pub(super) async fn all_gone(&self, on: &'static str, user: &str, now: i64) -> StoreResult<Vec<ItemChange>> {
        let items = shelf::owned(&self.store, on, user, now).await?;
        Ok(items.into_iter().map(|it| shelf::remove(on, it.name, ItemExpect::Anything)).collect())
    }

    fn reset_link(&self, user: &str, lasts: i64, now: i64) -> (Link, ItemChange) {
        let code = self.chance();
        let body = Reset { user: user.to_owned() };
        let name = Secret::of(&code).hex();
        let item = shelf::put(RESET, name, user, Some(now + lasts), &body, ItemExpect::Absent);
        (Link { code, until: now + lasts }, item)
    }

    /// A link that the administrator hands over; with it a password can be set, once. Older links end, and so do
    /// sessions. With `also_factors` the second factors go too: for a telephone that was lost.
    pub async fn reset_password(&self, caller: &Caller, id: &str, also_factors: bool, now: i64) -> AccessResult<Link> {
        must_manage(caller)?;
        let user = self.user_by_id(id, now).await?.ok_or(AccessError::NoSuchUser)?;
        if *caller.who == user.who() {
            // One changes one's own password by knowing it.
            return Err(AccessError::Forbidden);
        }
        let mut items = self.all_gone(RESET, id, now).await?;
        items.extend(self.all_gone(SESSION, id, now).await?);
        if also_factors {
            items.extend(self.all_gone(CREDENTIAL, id, now).await?);
        }
        let (link, item) = self.reset_link(id, NEW_PASSWORD, now);
        items.push(item);
        let what = if also_factors { "password and second factors reset" } else { "password reset" };
        self.store.keep(caller, configured(&user, what), items, now).await?;
        self.forget(id);
        Ok(link)
    }

    async fn reset_behind(&self, code: &str, now: i64) -> AccessResult<(User, String, u64)> {
        let name = Secret::of(code).hex();
        let found: Option<(Reset, u64)> = shelf::get(&self.store, RESET, &name, now).await?;
        let (reset, version) = found.ok_or(AccessError::Expired)?;
        let user = self.user_by_id(&reset.user, now).await?.filter(|it| it.active).ok_or(AccessError::Expired)?;
        Ok((user, name, version))
    }

    /// Whose password a link sets.
    pub async fn reset_of(&self, code: &str, now: i64) -> AccessResult<String> {
        Ok(self.reset_behind(code, now).await?.0.username)
    }

    /// Sets the password with a link; whoever did then signs in.
    pub async fn set_password(&self, visit: &Visit, code: &str, password: &str, now: i64) -> AccessResult<()> {
        let (user, name, version) = self.reset_behind(code, now).await?;
        self.judge(&user, password, now).await?;
        let mut items = vec![shelf::remove(RESET, name, ItemExpect::Version(version))];
        items.push(self.password_item(&user.id, password, now).await?);
        items.extend(self.all_gone(SESSION, &user.id, now).await?);
        let caller = visit.caller(&user.who(), &user.display, "anonymous", store::Purpose::Operations);
        let event = configured(&user, &format!("password set with a link{}", visit.from()));
        self.store.keep(&caller, event, items, now).await.map_err(|error| match error {
            store::StoreError::ItemConflict { .. } => AccessError::Expired,
            other => other.into(),
        })?;
        self.forget(&user.id);
        Ok(())
    }
}

pub(super) fn written(user: &User, expect: ItemExpect) -> ItemChange {
    shelf::put(USER, &user.id, "", None, user, expect)
}

/// The event of a change of a user.
pub(super) fn configured(user: &User, what: &str) -> Event {
    Event::of("configure").detail(format!("user {} ({}): {what}", user.id, user.username))
}
