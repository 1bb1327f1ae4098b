//! The first block: everybody × every type × ten interactions × whose it is. Reads come first, then creates, changes
//! and deletions, so that no cell disturbs a later one; what may be deleted is made for that cell alone.

use super::ask::{self, Cell, Expect, Tally};
use super::policy::{self, Reach};
use super::world::{Principal, World};
use serde_json::{Value, json};
use std::rc::Rc;

/// Interactions, with the letter that permits each.
const INTERACTIONS: [(&str, &str); 10] = [
    ("read", "r"),
    ("vread", "r"),
    ("history-instance", "r"),
    ("history-type", "s"),
    ("search-type", "s"),
    ("search-compartment or conditional update", "s"),
    ("create", "c"),
    ("update", "u"),
    ("patch", "u"),
    ("delete", "d"),
];

/// Whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whose {
    Own,
    Other,
    /// An id of the other organisation, asked for at ours.
    FarId,
    /// Our token, at the other organisation.
    FarToken,
}

const WHOSE: [(Whose, &str); 4] = [
    (Whose::Own, "own"),
    (Whose::Other, "other"),
    (Whose::FarId, "id of another organisation"),
    (Whose::FarToken, "token of another organisation"),
];

/// Those of the audit log are not written by anyone; they come about.
fn is_written(kind: &str) -> bool {
    kind != "AuditEvent"
}

/// The patient it is about; `owner` is whose own it would be.
fn about(world: &World, whose: Whose, owner: &str) -> String {
    match whose {
        Whose::Own => format!("Patient/{owner}"),
        Whose::Other => format!("Patient/{}", world.near.other),
        Whose::FarId | Whose::FarToken => "Patient/far-person".into(),
    }
}

fn id(world: &World, kind: &str, whose: Whose, owner: &str) -> String {
    match (kind, whose) {
        ("Patient", Whose::Own) => owner.to_owned(),
        ("Patient", Whose::Other) => world.near.other.clone(),
        ("Patient", _) => "far-person".into(),
        (_, Whose::Own) => format!("own-{}-{kind}", world.near.owner(owner)),
        (_, Whose::Other) => format!("other-{kind}"),
        (_, _) => format!("far-{kind}"),
    }
}

fn doomed(principal: &str, kind: &str, whose: Whose) -> String {
    format!("{principal}-{}-{kind}", if whose == Whose::Own { "mine" } else { "theirs" })
}

/// How far somebody reaches: a role of the table, a client with all scopes, an app of a patient.
pub fn reach(principal: &Principal, kind: &str, letter: char) -> Reach {
    match principal.role {
        "system" => Reach::All,
        "app" if !matches!(letter, 'r' | 's') => Reach::Nothing,
        "app" => policy::reach("patient", kind, letter),
        role => policy::reach(role, kind, letter),
    }
}

/// Whether this cell must be given.
fn permitted(world: &World, principal: &Principal, kind: &str, letter: char, whose: Whose) -> bool {
    // What is of another patient is nobody's to see in a portal, of whatever type.
    let portal = matches!(principal.role, "patient" | "proxy" | "proxy-limited" | "app");
    if portal && whose == Whose::Other && world.tables.in_compartment(kind) {
        return false;
    }
    match reach(principal, kind, letter) {
        Reach::Nothing => false,
        Reach::All => true,
        Reach::Own => whose == Whose::Own && world.tables.in_compartment(kind),
    }
}

struct Block<'a> {
    world: &'a World,
    cells: Vec<Cell>,
}

/// Plants what is looked for.
pub fn seed(world: &World, principals: &[Principal], kinds: &[String]) -> Result<(), String> {
    let tables = &world.tables;
    let mut near = Vec::new();
    let mut far = vec![tables.bare("Patient", "far-person", "Patient/none")];
    for kind in kinds.iter().filter(|kind| is_written(kind)) {
        for owner in world.near.owners() {
            if kind != "Patient" {
                let (id, about) = (id(world, kind, Whose::Own, owner), about(world, Whose::Own, owner));
                near.push(tables.sample(kind, &id, &about));
            }
        }
        for whose in [Whose::Own, Whose::Other] {
            let patient = about(world, whose, &world.near.own);
            if kind != "Patient" && whose == Whose::Other {
                near.push(tables.sample(kind, &id(world, kind, whose, ""), &patient));
            }
            near.push(tables.sample(kind, &doomed("spare", kind, whose), &patient));
            for principal in principals.iter().filter(|it| permitted(world, it, kind, 'd', whose)) {
                near.push(tables.sample(kind, &doomed(principal.key, kind, whose), &patient));
            }
        }
        if kind != "Patient" {
            far.push(tables.sample(kind, &id(world, kind, Whose::FarId, ""), &about(world, Whose::FarId, "")));
        }
    }
    world.plant(&world.near, near)?;
    world.plant(&world.far, far)
}

pub fn run(
    world: &World,
    principals: &[Principal],
    kinds: &[String],
    keep: &dyn Fn(&str) -> bool,
) -> Result<Tally, String> {
    // Patients who sign in were there before us: changing them must keep what they are.
    let owners = world.near.owners();
    let own = owners.iter().map(|it| world.look(&world.near, &format!("Patient/{it}")));
    let own: Vec<Value> = own.collect::<Result<_, String>>()?;
    let mut total = Tally::default();
    for phase in [&INTERACTIONS[..5], &INTERACTIONS[5..6], &INTERACTIONS[6..7], &INTERACTIONS[7..9], &INTERACTIONS[9..]]
    {
        let mut block = Block { world, cells: Vec::new() };
        for kind in kinds {
            for principal in principals {
                for (interaction, letter) in phase {
                    for (whose, word) in WHOSE {
                        let name = format!("fhir/{}/{kind}/{interaction}/{word}", principal.key);
                        let letter = letter.chars().next().expect("each has a letter");
                        if keep(&name) {
                            block.cell(name, principal, kind, interaction, letter, whose, &own);
                        }
                    }
                }
            }
        }
        total.add(ask::ask(&world.root, block.cells)?);
    }
    total.add(untouched(world, kinds)?);
    Ok(total)
}

/// At the end everything of the other organisation is still what it was.
fn untouched(world: &World, kinds: &[String]) -> Result<Tally, String> {
    let cell = |kind: &String| Cell {
        name: format!("fhir/untouched/{kind}"),
        method: "GET",
        path: world.far.fhir(&format!("{kind}/{}", id(world, kind, Whose::FarId, ""))),
        headers: world.far.bearer(),
        content: "",
        body: None,
        expect: Expect::Shows("\"versionId\":\"1\"".into()),
    };
    ask::ask(&world.root, kinds.iter().filter(|kind| is_written(kind)).map(cell).collect())
}

impl Block<'_> {
    #[expect(clippy::too_many_arguments, reason = "a cell has that many sides")]
    fn cell(
        &mut self,
        name: String,
        principal: &Principal,
        kind: &str,
        interaction: &'static str,
        letter: char,
        whose: Whose,
        own: &[Value],
    ) {
        let world = self.world;
        let at = if whose == Whose::FarToken { &world.far } else { &world.near };
        let owner = principal.own.as_str();
        let id = id(world, kind, whose, owner);
        let patient = about(world, whose, owner);
        let mut headers = principal.headers.clone();
        let given = permitted(world, principal, kind, letter, whose);
        let mut body: Option<Value> = None;
        let changed = || {
            let mut it = if kind == "Patient" && whose == Whose::Own {
                own[world.near.owner(owner)].clone()
            } else {
                world.tables.sample(kind, &id, &patient)
            };
            it["language"] = "en".into();
            it
        };
        // An address in a Bundle, or the id of the resource itself; what was asked for is repeated in links.
        let shows = format!("/{id}\"");
        let mut given_is = match interaction {
            "read" | "vread" => Expect::Shows(format!("\"id\":\"{id}\"")),
            _ => Expect::Shows(shows.clone()),
        };
        let conditional = interaction.starts_with("search-c") && !world.tables.in_compartment(kind);
        // Whose compartment it is, one must be allowed to know.
        let knows = interaction.starts_with("search-c") && !conditional;
        let mut permitted = given && (!knows || self::permitted(world, principal, "Patient", 'r', whose));
        let (method, path) = match interaction {
            "read" => ("GET", format!("{kind}/{id}")),
            "vread" => ("GET", format!("{kind}/{id}/_history/1")),
            "history-instance" => ("GET", format!("{kind}/{id}/_history")),
            "history-type" => ("GET", format!("{kind}/_history?_count=1000")),
            "search-type" => ("GET", format!("{kind}?_id={id}")),
            "create" => {
                let mut it = changed();
                it.as_object_mut().expect("a resource is an object").remove("id");
                body = Some(it);
                given_is = Expect::Done;
                ("POST", kind.to_owned())
            }
            "update" => {
                body = Some(changed());
                given_is = Expect::Done;
                if whose == Whose::FarId {
                    headers.push_str("If-Match: W/\"1\"\r\n");
                }
                ("PUT", format!("{kind}/{id}"))
            }
            "patch" => {
                body = Some(json!([{ "op": "add", "path": "/language", "value": "en" }]));
                given_is = Expect::Done;
                ("PATCH", format!("{kind}/{id}"))
            }
            "delete" => {
                let principal = if given { principal.key } else { "spare" };
                let id = if whose == Whose::Own || whose == Whose::Other {
                    doomed(principal, kind, whose)
                } else {
                    id.clone()
                };
                given_is = Expect::Done;
                ("DELETE", format!("{kind}/{id}"))
            }
            _ if conditional && whose != Whose::FarId => {
                body = Some(changed());
                given_is = Expect::Done;
                permitted = given && self::permitted(world, principal, kind, 'u', whose);
                ("PUT", format!("{kind}?_id={id}"))
            }
            _ if conditional => ("GET", format!("{kind}?_id={id}&_total=accurate")),
            _ => ("GET", format!("{patient}/{kind}?_id={id}")),
        };
        let searches = letter == 's' && !(conditional && body.is_some());
        let everywhere = reach(principal, kind, letter);
        let expect = if principal.role == "anonymous" || whose == Whose::FarToken {
            Expect::Unknown
        } else if whose == Whose::FarId {
            match (method, everywhere) {
                // Nothing of that name is here, whoever asks.
                ("GET", Reach::Nothing) => Expect::Hidden,
                ("GET", _) => Expect::Without(shows),
                ("POST", Reach::All) => Expect::Status(&[201, 400, 403, 404, 409, 422]),
                ("DELETE", Reach::All) => Expect::DoneOrAbsent,
                ("PUT", Reach::All) => Expect::Status(&[403, 404, 409, 412]),
                _ => Expect::Hidden,
            }
        } else if permitted {
            given_is
        } else if searches && everywhere != Reach::Nothing {
            Expect::Without(shows)
        } else {
            Expect::Hidden
        };
        let expect = match kind {
            "AuditEvent" => audit(principal, method, expect),
            "MolecularSequence" => labelled(principal, whose, expect),
            _ => expect,
        };
        self.cells.push(Cell {
            name,
            method,
            path: at.fhir(&path),
            headers,
            content: "",
            body: body.map(|it| Rc::from(it.to_string())),
            expect,
        });
    }
}

/// The audit log is looked at through its FHIR face; what the product writes there nobody changes, and no role writes. A
/// program may keep events of its own.
fn audit(principal: &Principal, method: &str, expect: Expect) -> Expect {
    match expect {
        Expect::Unknown => Expect::Unknown,
        _ if principal.role == "system" => Expect::Status(&[200, 201, 204, 403, 404, 405, 409, 412, 422]),
        _ if method != "GET" => Expect::Status(&[403, 404, 405]),
        // Entries have names of their own; the sample ids are not there for anybody.
        Expect::Shows(id) => Expect::Absent(id),
        other => other,
    }
}

/// A rule of content/labels marks every sequence as genetics. Whom that keeps out the block of labels and consents
/// says; here it is asked of those alone for whom their own record is open whatever it bears.
fn labelled(principal: &Principal, whose: Whose, expect: Expect) -> Expect {
    let self_or_nobody = matches!(principal.role, "patient" | "proxy" | "proxy-limited" | "anonymous");
    let treats = principal.key == "clinician-treating" && whose == Whose::Own;
    match expect {
        Expect::Shows(_) | Expect::Done if !self_or_nobody && !treats => Expect::Status(&[200, 201, 204, 403, 404]),
        other => other,
    }
}
