//! Roles as data: what each may do with which types, within what, for which purposes (`content/roles`). What no grant
//! names is refused. A site may lay a folder of its own over ours: a file there replaces the one of the same name, or
//! adds a role.
//!
//! Nothing here decides about a single resource: a role becomes a [`Layer`], which the store enforces.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};
use store::{Action, Actions, Grant, Kinds, Layer, Purpose, Within};

use fhir::ResourceType;
use fhir::search::query::Patients;
use fhir::search::row::BaseUrls;
use fhir::search::{Handling, Limits, Reading, Registry, Scope};

/// Our own roles, compiled in; `groups.toml` first.
const FILES: [(&str, &str); 13] = [
    ("groups.toml", include_str!("../../../../content/roles/groups.toml")),
    ("front-desk.toml", include_str!("../../../../content/roles/front-desk.toml")),
    ("nurse.toml", include_str!("../../../../content/roles/nurse.toml")),
    ("clinician.toml", include_str!("../../../../content/roles/clinician.toml")),
    ("biller.toml", include_str!("../../../../content/roles/biller.toml")),
    ("practice-admin.toml", include_str!("../../../../content/roles/practice-admin.toml")),
    ("system-admin.toml", include_str!("../../../../content/roles/system-admin.toml")),
    ("privacy-officer.toml", include_str!("../../../../content/roles/privacy-officer.toml")),
    ("integration-engineer.toml", include_str!("../../../../content/roles/integration-engineer.toml")),
    ("patient.toml", include_str!("../../../../content/roles/patient.toml")),
    ("proxy.toml", include_str!("../../../../content/roles/proxy.toml")),
    ("proxy-limited.toml", include_str!("../../../../content/roles/proxy-limited.toml")),
    ("system.toml", include_str!("../../../../content/roles/system.toml")),
];

/// Where types go that no group names.
const OTHER: &str = "other";

/// Permissions that are not about resources.
const PERMISSIONS: [&str; 16] = [
    "apps.manage",
    "audit.read",
    "break-glass",
    "break-glass.review",
    "chart.open",
    "export.bulk",
    "interfaces",
    "interfaces.who",
    "operate",
    "orders.sign",
    "orders.write",
    "patients.duplicates",
    "patients.merge",
    "roles.read",
    "sessions.manage",
    "users.manage",
];

/// The purpose of this code (HL7 v3 PurposeOfUse), if it is one that somebody may claim.
pub fn purpose(code: &str) -> Option<Purpose> {
    Purpose::parse(code)
}

/// What labels and consents take a role for (docs/security/consent.md, section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// Staff who may have a treating relationship.
    Treating,
    /// Other staff.
    Staff,
    Payer,
    #[serde(rename = "self")]
    Themself,
    Proxy,
    ProxyLimited,
    /// A program without a person: it has no grants but its scopes.
    Client,
}

impl Recipient {
    /// Those who see the records of certain patients only.
    pub fn is_portal(self) -> bool {
        matches!(self, Recipient::Themself | Recipient::Proxy | Recipient::ProxyLimited)
    }
}

/// Which of the resources of a type a grant of a role concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    Organisation,
    /// The records that a patient or proxy may see.
    Own,
    /// What is of no patient at all.
    OfNobody,
    /// Patients whose general practitioner they are.
    OwnPatient,
    CareTeam,
    /// Patients with an appointment with them today.
    ScheduledToday,
    /// Patients with any treating relationship.
    Treating,
    /// Orders that nobody has signed: drafts, proposals and plans.
    Unsigned,
}

impl Reach {
    pub fn words(self) -> &'static str {
        match self {
            Reach::Organisation => "all",
            Reach::Own => "own",
            Reach::OfNobody => "of no patient",
            Reach::OwnPatient => "of patients they are the general practitioner of",
            Reach::CareTeam => "of patients in whose care team they are",
            Reach::ScheduledToday => "of patients they see today",
            Reach::Treating => "of patients they treat",
            Reach::Unsigned => "drafts, proposals and plans",
        }
    }
}

/// Whose patients are meant by the words of [`Reach`], for one person.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub own: Arc<Patients>,
    pub own_patients: Arc<Patients>,
    pub care_team: Arc<Patients>,
    pub scheduled_today: Arc<Patients>,
    pub treating: Arc<Patients>,
    /// What is meant by an order that nobody has signed; nothing, where that is not known.
    pub unsigned: Vec<Within>,
}

/// Orders of each type that nobody has signed (FHIR R4, request.html: status and intent).
pub fn unsigned(registry: &Registry, base: &BaseUrls) -> Vec<Within> {
    const ORDERS: [&str; 2] = ["MedicationRequest", "ServiceRequest"];
    const SAYS: [(&str, &str); 2] = [("status", "draft"), ("intent", "proposal,plan,option")];
    let reading = Reading { registry, base, limits: Limits::default(), now: 0 };
    let of = |name: &str| {
        let kind = ResourceType::parse(name).expect("a type of R4");
        let filter = |(name, value): (&str, &str)| {
            let asked = [(name.to_owned(), value.to_owned())];
            let read = reading.query(&Scope::Type(kind), &asked, Handling::Strict);
            read.ok().map(|(query, _)| Within::Matching(query.filter))
        };
        let says = SAYS.into_iter().filter_map(filter).collect();
        Within::All(vec![Within::Kinds([kind].into_iter().collect()), Within::Any(says)])
    };
    ORDERS.into_iter().map(of).collect()
}

#[derive(Clone, Debug, PartialEq)]
pub struct RoleGrant {
    pub kinds: Kinds,
    pub actions: Actions,
    pub within: Reach,
}

/// Something that must or must not come out of a role.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub kinds: Kinds,
    pub actions: Actions,
    pub whose: Whose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    Anyone,
    /// Some, but not everybody's.
    Own,
    Nobody,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub key: Arc<str>,
    pub name: String,
    pub about: String,
    pub recipient: Recipient,
    /// The first is meant when none is claimed.
    pub purposes: Vec<Purpose>,
    pub permissions: BTreeSet<Arc<str>>,
    pub grants: Vec<RoleGrant>,
    pub cases: Vec<Case>,
}

impl Role {
    /// What is meant when no purpose is claimed.
    pub fn usual_purpose(&self) -> Purpose {
        self.purposes[0]
    }

    pub fn needs(&self, reach: Reach) -> bool {
        self.grants.iter().any(|it| it.within == reach)
    }

    /// What the role permits someone who stands so to patients.
    pub fn layer(&self, standing: &Standing) -> Layer {
        let within = |reach: Reach| match reach {
            Reach::Organisation => Within::Organisation,
            Reach::Own => Within::Of(standing.own.clone()),
            Reach::OfNobody => Within::OfNobody,
            Reach::OwnPatient => Within::Of(standing.own_patients.clone()),
            Reach::CareTeam => Within::Of(standing.care_team.clone()),
            Reach::ScheduledToday => Within::Of(standing.scheduled_today.clone()),
            Reach::Treating => Within::Of(standing.treating.clone()),
            Reach::Unsigned => Within::Any(standing.unsigned.clone()),
        };
        let grant = |it: &RoleGrant| Grant { kinds: it.kinds, actions: it.actions, within: within(it.within) };
        Layer { name: format!("role/{}", self.key).into(), grants: self.grants.iter().map(grant).collect() }
    }
}

/// All roles and the groups of types they speak of.
#[derive(Clone, Debug, PartialEq)]
pub struct Roles {
    groups: BTreeMap<String, Kinds>,
    roles: BTreeMap<Arc<str>, Arc<Role>>,
}

static OURS: LazyLock<Arc<Roles>> =
    LazyLock::new(|| Arc::new(Roles::read(&FILES).expect("a test reads the roles we ship")));

impl Default for Roles {
    fn default() -> Roles {
        Roles::clone(&OURS)
    }
}

impl Roles {
    /// The roles we ship.
    pub fn ours() -> Arc<Roles> {
        OURS.clone()
    }

    /// Ours with the files of a site laid over them (name and text). Errors say what to mend, and in which file.
    pub fn with(site: &[(String, String)]) -> Result<Roles, String> {
        let mut files: Vec<(&str, &str)> = FILES.to_vec();
        for (name, text) in site {
            match files.iter_mut().find(|(own, _)| own == name) {
                Some(file) => file.1 = text,
                None => files.push((name, text)),
            }
        }
        Roles::read(&files)
    }

    fn read(files: &[(&str, &str)]) -> Result<Roles, String> {
        let text = |wanted: &str| files.iter().find(|(name, _)| *name == wanted).map(|(_, text)| *text);
        let groups = read_groups(text("groups.toml").unwrap_or_default())?;
        let mut roles = BTreeMap::new();
        for (name, text) in files.iter().filter(|(name, _)| *name != "groups.toml") {
            let role = read_role(text, &groups).map_err(|wrong| format!("{name}: {wrong}"))?;
            if format!("{}.toml", role.key) != *name {
                return Err(format!("{name}: the key is {:?}; the file must be called {}.toml", role.key, role.key));
            }
            roles.insert(role.key.clone(), Arc::new(role));
        }
        Ok(Roles { groups, roles })
    }

    pub fn role(&self, key: &str) -> Option<&Arc<Role>> {
        self.roles.get(key)
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.roles.values()
    }

    /// The types of a group; none when there is no such group.
    pub fn group(&self, name: &str) -> Kinds {
        self.groups.get(name).copied().unwrap_or_default()
    }

    pub fn groups(&self) -> impl Iterator<Item = (&str, &Kinds)> {
        self.groups.iter().map(|(name, kinds)| (name.as_str(), kinds))
    }

    /// The page of the documentation about roles.
    pub fn document(&self) -> String {
        document(self)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupsFile {
    groups: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleFile {
    key: String,
    name: String,
    about: String,
    recipient: Recipient,
    purposes: Vec<String>,
    permissions: Vec<String>,
    #[serde(default)]
    grant: Vec<GrantFile>,
    #[serde(default)]
    case: Vec<CaseFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantFile {
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    actions: String,
    within: Reach,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    types: Vec<String>,
    actions: String,
    whose: Whose,
}

fn read_groups(text: &str) -> Result<BTreeMap<String, Kinds>, String> {
    let wrong = |what: String| format!("groups.toml: {what}");
    let file: GroupsFile = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let mut left = Kinds::all();
    let mut groups = BTreeMap::new();
    for (name, types) in file.groups {
        let kinds = kinds(&types).map_err(wrong)?;
        if let Some(twice) = kinds.iter().find(|kind| !left.contains(*kind)) {
            return Err(wrong(format!("{twice} is in two groups; it must be in one")));
        }
        left = left.iter().filter(|kind| !kinds.contains(*kind)).collect();
        groups.insert(name, kinds);
    }
    groups.insert(OTHER.to_owned(), left);
    Ok(groups)
}

fn read_role(text: &str, groups: &BTreeMap<String, Kinds>) -> Result<Role, String> {
    let file: RoleFile = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut purposes = Vec::new();
    for code in &file.purposes {
        let found = purpose(code).ok_or_else(|| named("purpose", code, Purpose::ALL.iter().map(|it| it.code())))?;
        if found == Purpose::Emergency {
            return Err("ETREAT cannot be a purpose of a role; it comes by the permission break-glass".to_owned());
        }
        purposes.push(found);
    }
    if purposes.is_empty() {
        return Err("purposes: at least one must be given".to_owned());
    }
    for permission in &file.permissions {
        if !PERMISSIONS.contains(&permission.as_str()) {
            return Err(named("permission", permission, PERMISSIONS.into_iter()));
        }
    }
    let mut grants = Vec::new();
    for grant in &file.grant {
        let mut all = kinds(&grant.types)?;
        for group in &grant.groups {
            let of = groups.get(group).ok_or_else(|| named("group", group, groups.keys().map(String::as_str)))?;
            of.iter().for_each(|kind| all.insert(kind));
        }
        let without = kinds(&grant.without)?;
        let kinds: Kinds = all.iter().filter(|kind| !without.contains(*kind)).collect();
        if kinds == Kinds::NONE {
            return Err("a grant must name groups or types".to_owned());
        }
        if file.recipient.is_portal() && !matches!(grant.within, Reach::Own | Reach::OfNobody | Reach::Organisation) {
            return Err("patients and proxies are granted what is `own`, `of-nobody` or `organisation`".to_owned());
        }
        grants.push(RoleGrant { kinds, actions: actions(&grant.actions)?, within: grant.within });
    }
    if file.recipient == Recipient::Client && !grants.is_empty() {
        return Err("a client of its own has no grants but its scopes".to_owned());
    }
    let case = |it: &CaseFile| Ok(Case { kinds: kinds(&it.types)?, actions: actions(&it.actions)?, whose: it.whose });
    Ok(Role {
        key: file.key.into(),
        name: file.name,
        about: file.about,
        recipient: file.recipient,
        purposes,
        permissions: file.permissions.iter().map(|it| Arc::from(it.as_str())).collect(),
        grants,
        cases: file.case.iter().map(case).collect::<Result<_, String>>()?,
    })
}

fn kinds(names: &[String]) -> Result<Kinds, String> {
    let kind = |name: &String| {
        ResourceType::parse(name)
            .ok_or_else(|| named("resource type", name, ResourceType::all().map(ResourceType::name)))
    };
    names.iter().map(kind).collect()
}

fn actions(letters: &str) -> Result<Actions, String> {
    Actions::parse(letters)
        .ok_or_else(|| format!("actions {letters:?} must be some of the letters cruds, in this order"))
}

/// There is none of that name; perhaps another was meant.
fn named<'a>(what: &str, wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.min_by_key(|known| distance(known, wrong)).filter(|known| distance(known, wrong) <= 3);
    let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    format!("there is no {what} {wrong:?}{hint}")
}

/// How many letters must change (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, letter) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        for (place, other) in b.iter().enumerate() {
            let here = row[place + 1];
            row[place + 1] = (before + usize::from(letter != *other)).min(here + 1).min(row[place] + 1);
            before = here;
        }
    }
    row[b.len()]
}

/// The letters of a set of actions, in their order.
pub fn letters(actions: Actions) -> String {
    let letter = |(action, letter): (Action, char)| actions.contains(action).then_some(letter);
    Action::ALL.into_iter().zip("cruds".chars()).filter_map(letter).collect()
}

fn document(roles: &Roles) -> String {
    let mut out = String::from(
        "# Roles: who may do what\n\n\
         Made from `content/roles` (a test holds this page equal and prints what it should be). Labels and consents take away from this: [consent.md](consent.md).\n\n\
         Letters: c create, r read (also versions and the history of one), u update (also patch), d delete, s search \
         (also the history of a type). *all*: of the whole organisation. *own*: in the compartment of a patient whose \
         record they may see. What is not named is refused.\n\n## Groups of types\n\nEvery type of FHIR R4 is in \
         exactly one.\n\n| group | types |\n|---|---|\n",
    );
    for (name, kinds) in roles.groups() {
        let types: Vec<&str> = kinds.iter().map(ResourceType::name).collect();
        let types = if types.is_empty() { "what no group names".to_owned() } else { types.join(", ") };
        let _ = writeln!(out, "| {name} | {types} |");
    }
    for role in roles.all() {
        let list = |all: Vec<&str>| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        let _ = write!(
            out,
            "\n## {} (`{}`)\n\n{}\n\nPurposes: {}. Permissions: {}.\n",
            role.name,
            role.key,
            role.about,
            list(role.purposes.iter().map(|it| it.code()).collect()),
            list(role.permissions.iter().map(|it| &**it).collect()),
        );
        if !role.grants.is_empty() {
            out.push_str("\n| types | actions | which |\n|---|---|---|\n");
        }
        for grant in &role.grants {
            let types = told(&grant.kinds, roles);
            let _ = writeln!(out, "| {types} | {} | {} |", letters(grant.actions), grant.within.words());
        }
    }
    out
}

/// Types by their groups where a group is there entirely, or but for a few.
fn told(kinds: &Kinds, roles: &Roles) -> String {
    let mut parts = Vec::new();
    for (name, of) in roles.groups() {
        let (inside, missing): (Vec<_>, Vec<_>) = of.iter().partition(|kind| kinds.contains(*kind));
        let names = |all: &[ResourceType]| all.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        match (inside.len(), missing.len()) {
            (0, _) => {}
            (_, 0) => parts.push(format!("*{name}*")),
            (some, few) if few <= 2 && some > few => parts.push(format!("*{name}* without {}", names(&missing))),
            _ => parts.push(names(&inside)),
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{Permit, Rights};

    #[test]
    fn every_type_is_in_one_group() {
        let roles = Roles::ours();
        assert_eq!(roles.group(OTHER).iter().collect::<Vec<_>>(), []);
        let counted: usize = roles.groups().map(|(_, kinds)| kinds.iter().count()).sum();
        assert_eq!(counted, 146);
    }

    #[test]
    fn roles_permit_and_refuse_what_their_cases_say() {
        let registry = Registry::r4();
        let own: Arc<Patients> = Arc::new(fhir::Id::parse("7").into_iter().collect());
        let unsigned = unsigned(&registry, &BaseUrls::default());
        let standing = Standing { own, unsigned, ..Standing::default() };
        for role in Roles::ours().all() {
            assert!(role.recipient == Recipient::Client || role.cases.len() >= 4, "{}", role.key);
            let rights = Rights::new(vec![role.layer(&standing)], Vec::new(), BTreeSet::new());
            for case in &role.cases {
                for kind in case.kinds.iter() {
                    for action in Action::ALL.into_iter().filter(|it| case.actions.contains(*it)) {
                        let came = match rights.permit(&registry, kind, action) {
                            Permit::Never => Whose::Nobody,
                            Permit::Always => Whose::Anyone,
                            Permit::Only(_) => Whose::Own,
                        };
                        assert_eq!(came, case.whose, "{} {action:?} {kind}", role.key);
                    }
                }
            }
        }
    }

    #[test]
    fn the_page_about_roles_says_what_the_roles_are() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security/roles.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let page = Roles::ours().document();
        assert!(written == page, "docs/security/roles.md is not what content/roles says. It should be:\n{page}");
    }

    #[test]
    fn a_wrong_role_is_refused_with_what_to_mend() {
        let check = |change: &dyn Fn(&str) -> String, expected: &str| {
            let nurse = FILES.iter().find(|(name, _)| *name == "nurse.toml").unwrap().1;
            let wrong = Roles::with(&[("nurse.toml".into(), change(nurse))]).unwrap_err();
            assert!(wrong.starts_with("nurse.toml: ") && wrong.contains(expected), "{wrong}");
        };
        check(&|it| it.replace("\"people\"", "\"poeple\""), "there is no group \"poeple\"; did you mean people?");
        check(&|it| it.replace("\"Coverage\"", "\"Coverge\""), "no resource type \"Coverge\"; did you mean Coverage?");
        check(&|it| it.replace("\"rus\"", "\"sur\""), "in this order");
        check(&|it| it.replace("\"TREAT\"", "\"TRET\""), "there is no purpose \"TRET\"; did you mean TREAT?");
        check(&|it| it.replace("\"TREAT\"", "\"ETREAT\""), "break-glass");
        check(&|it| it.replace("\"chart.open\"", "\"chart.opne\""), "did you mean chart.open?");
        check(&|it| it.replace("\"organisation\"", "\"everything\""), "unknown variant");
        check(&|it| it.replace("about =", "abuot ="), "abuot");
        check(&|it| it.replace("\"nurse\"", "\"sister\""), "must be called sister.toml");
    }

    #[test]
    fn a_site_may_change_a_role_and_add_one() {
        let added = "key = \"student\"\nname = \"Student\"\nabout = \"Looks.\"\nrecipient = \"staff\"\n\
                     purposes = [\"TREAT\"]\npermissions = []\n\n[[grant]]\ngroups = [\"knowledge\"]\n\
                     actions = \"rs\"\nwithin = \"organisation\"\n";
        let roles = Roles::with(&[("student.toml".into(), added.into())]).unwrap();
        assert_eq!(roles.role("student").unwrap().grants.len(), 1);
        assert_eq!(roles.all().count(), Roles::ours().all().count() + 1);
        let twice = FILES[0].1.replace("\"AuditEvent\"", "\"AuditEvent\", \"Patient\"");
        assert!(Roles::with(&[("groups.toml".into(), twice)]).unwrap_err().contains("Patient is in two groups"));
    }

    #[test]
    fn a_forgotten_type_is_reached_by_the_system_administrator_alone() {
        let fewer = FILES[0].1.replace("\"Flag\", ", "");
        let roles = Roles::with(&[("groups.toml".into(), fewer)]).unwrap();
        let flag = ResourceType::parse("Flag").unwrap();
        assert!(roles.group(OTHER).contains(flag));
        let reaches = |role: &&Arc<Role>| role.grants.iter().any(|it| it.kinds.contains(flag));
        let who: Vec<_> = roles.all().filter(reaches).map(|role| role.key.to_string()).collect();
        // The front desk names it by itself.
        assert_eq!(who, ["front-desk", "system-admin"]);
    }
}
