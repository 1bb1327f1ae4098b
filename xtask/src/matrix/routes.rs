//! The block of routes: every page and every address of the program × everybody × own and other organisation. The list
//! of pages is read from the source; a page that this oracle does not know is a fault of its own, so that no new page
//! goes unjudged.

use super::ask::{self, Cell, Expect, Fault, Tally};
use super::fhir::reach;
use super::policy::Reach;
use super::world::{Principal, World};
use crate::step;

/// For whom an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Anyone, signed in or not.
    Anyone,
    /// Steps on the way in: they show nothing of a record, and turn away who is not on that way.
    Steps,
    /// Roles, by their keys.
    Roles(&'static str),
    /// Whoever is signed in.
    SignedIn,
}

const STAFF: &str =
    "front-desk nurse clinician biller practice-admin system-admin privacy-officer integration-engineer";
const CHART: &str = "clinician nurse front-desk biller practice-admin";
const PORTAL: &str = "patient proxy proxy-limited";
const USERS: &str = "practice-admin system-admin";
const ROLES: &str = "practice-admin system-admin privacy-officer";
const APPS: &str = "system-admin practice-admin";
const SESSIONS: &str = "practice-admin system-admin privacy-officer";
const AUDIT: &str = "privacy-officer system-admin";
const INTERFACES: &str = "integration-engineer";
const REVIEW: &str = "privacy-officer";
const BREAK: &str = "clinician nurse";
/// Who writes orders, and who signs them.
const ORDERS: &str = "clinician nurse";
const SIGNS: &str = "clinician";
/// Who writes documents about patients.
const WRITERS: &str = "clinician nurse";
/// Who looks whether two records are one person's.
const DUPLICATES: &str = "front-desk practice-admin";

/// Pages by their beginnings; the longest that fits counts. From the permissions in docs/security/roles.md.
const PAGES: &[(&str, For)] = &[
    ("/", For::Anyone),
    ("/dev/", For::Anyone),
    ("/{org}/sign-in", For::Anyone),
    ("/{org}/sign-in/", For::Steps),
    ("/{org}/sign-out", For::Anyone),
    ("/{org}/set-up", For::Steps),
    ("/{org}/invitation", For::Steps),
    ("/{org}/reset", For::Steps),
    ("/{org}/unlock", For::Steps),
    ("/{org}/language", For::Steps),
    ("/{org}/desk/", For::Roles(CHART)),
    ("/{org}/lists", For::Roles(CHART)),
    ("/{org}/lists/", For::Roles(CHART)),
    ("/{org}/video/", For::Steps),
    ("/{org}/session", For::SignedIn),
    ("/{org}/account", For::SignedIn),
    ("/{org}/account/", For::SignedIn),
    ("/{org}/authorize/", For::Steps),
    ("/{org}/", For::Roles(STAFF)),
    ("/{org}/find", For::Roles(CHART)),
    ("/{org}/patients", For::Roles(CHART)),
    ("/{org}/patients/", For::Roles(CHART)),
    ("/{org}/patients/new", For::Roles("clinician front-desk practice-admin")),
    ("/{org}/patients/{id}/encounters/new", For::Roles("clinician nurse front-desk practice-admin")),
    ("/{org}/patients/{id}/vitals/new", For::Roles("clinician nurse")),
    ("/{org}/patients/{id}/reconcile", For::Roles("clinician nurse")),
    ("/{org}/patients/{id}/reconcile/review", For::Roles("clinician nurse")),
    ("/{org}/day", For::Roles(CHART)),
    ("/{org}/day/", For::Roles(CHART)),
    ("/{org}/terms", For::Roles(CHART)),
    ("/{org}/patients/{id}/emergency", For::Roles(BREAK)),
    ("/{org}/emergency/", For::Roles(BREAK)),
    ("/{org}/patients/{id}/orders", For::Roles(ORDERS)),
    ("/{org}/patients/{id}/orders/cancel", For::Roles(SIGNS)),
    ("/{org}/patients/{id}/basket", For::Roles(ORDERS)),
    ("/{org}/patients/{id}/basket/", For::Roles(ORDERS)),
    ("/{org}/patients/{id}/basket/sign", For::Roles(SIGNS)),
    ("/{org}/patients/{id}/renewal", For::Roles(ORDERS)),
    ("/{org}/patients/{id}/pharmacy", For::Roles(ORDERS)),
    ("/{org}/patients/{id}/medications/stop", For::Roles(SIGNS)),
    ("/{org}/patients/{id}/medications/history", For::Roles(ORDERS)),
    ("/{org}/patients/{id}/gaps", For::Roles(ORDERS)),
    ("/{org}/orders/", For::Roles(SIGNS)),
    ("/{org}/renewals", For::Roles(ORDERS)),
    ("/{org}/renewals/", For::Roles(ORDERS)),
    ("/{org}/notes", For::Roles(WRITERS)),
    ("/{org}/notes/", For::Roles(WRITERS)),
    ("/{org}/patients/{id}/notes", For::Roles(WRITERS)),
    ("/{org}/patients/{id}/notes/", For::Roles(WRITERS)),
    ("/{org}/patients/{id}/documents/upload", For::Roles(WRITERS)),
    ("/{org}/patients/{id}/documents/make", For::Roles(WRITERS)),
    ("/{org}/patients/{id}/encounters/{encounter}/close", For::Roles(WRITERS)),
    ("/{org}/patients/{id}/encounters/{encounter}/summary", For::Roles(WRITERS)),
    ("/{org}/launcher", For::Roles(STAFF)),
    ("/{org}/launcher/app", For::Steps),
    ("/{org}/live", For::SignedIn),
    ("/{org}/inbox", For::Roles(CHART)),
    ("/{org}/inbox/", For::Roles(CHART)),
    ("/{org}/interfaces", For::Roles(INTERFACES)),
    ("/{org}/interfaces/", For::Roles(INTERFACES)),
    ("/{org}/admin/disclosures", For::Roles(AUDIT)),
    ("/{org}/portal/", For::Roles(PORTAL)),
    // Who acts for an adolescent in part does not come along to their visit.
    ("/{org}/portal/video", For::Roles("patient proxy")),
    ("/{org}/admin/users", For::Roles(USERS)),
    ("/{org}/admin/users/", For::Roles(USERS)),
    ("/{org}/admin/users/{user}/sessions", For::Roles(SESSIONS)),
    ("/{org}/admin/invitations", For::Roles(USERS)),
    ("/{org}/admin/invitations/", For::Roles(USERS)),
    ("/{org}/admin/roles", For::Roles(ROLES)),
    ("/{org}/admin/roles/", For::Roles(ROLES)),
    ("/{org}/admin/sessions", For::Roles(SESSIONS)),
    ("/{org}/admin/sessions/", For::Roles(SESSIONS)),
    ("/{org}/admin/apps", For::Roles(APPS)),
    ("/{org}/admin/apps/", For::Roles(APPS)),
    ("/{org}/admin/audit", For::Roles(AUDIT)),
    ("/{org}/admin/audit/", For::Roles(AUDIT)),
    ("/{org}/admin/content", For::Roles(ROLES)),
    ("/{org}/admin/duplicates", For::Roles(DUPLICATES)),
    ("/{org}/admin/duplicates/", For::Roles(DUPLICATES)),
    ("/{org}/admin/merges", For::Roles(DUPLICATES)),
    ("/{org}/admin/merges/", For::Roles(DUPLICATES)),
    ("/{org}/admin/emergency", For::Roles(REVIEW)),
    ("/{org}/admin/emergency/", For::Roles(REVIEW)),
];

/// Parts of a chart show what is of one type; who may not see the type is told that there is nothing.
const PARTS: &[(&str, &str)] = &[
    ("/{org}/patients/{id}/problems", "Condition"),
    ("/{org}/patients/{id}/medications", "MedicationRequest"),
    ("/{org}/patients/{id}/allergies", "AllergyIntolerance"),
    ("/{org}/patients/{id}/immunizations", "Immunization"),
    ("/{org}/patients/{id}/encounters", "Encounter"),
    ("/{org}/patients/{id}/devices", "Observation"),
    ("/{org}/patients/{id}/vitals", "Observation"),
    ("/{org}/patients/{id}/results", "Observation"),
    ("/{org}/patients/{id}/reports", "DiagnosticReport"),
    ("/{org}/patients/{id}/documents", "DocumentReference"),
    ("/{org}/patients/{id}/imaging", "ImagingStudy"),
    ("/{org}/patients/{id}/timeline", "Observation"),
    ("/{org}/patients/{id}/video", "Encounter"),
];

/// Whether the page is a part of a chart that this role sees nothing of.
fn is_empty_to(principal: &Principal, address: &str) -> bool {
    let part = PARTS.iter().find(|(part, _)| address.starts_with(part));
    part.is_some_and(|(_, kind)| reach(principal, kind, 's') == Reach::Nothing)
}

fn audience(path: &str) -> Option<For> {
    let exact = PAGES.iter().find(|(known, _)| *known == path);
    let inside = PAGES.iter().filter(|(known, _)| known.ends_with('/') && *known != "/" && *known != "/{org}/");
    let inside = inside.filter(|(known, _)| path.starts_with(known)).max_by_key(|(known, _)| known.len());
    exact.or(inside).map(|(_, whom)| *whom)
}

/// The pages of the program, from the one list in its source: address and whether it answers GET.
fn pages() -> Result<Vec<(String, bool)>, String> {
    let path = step::root().join("crates/web/src/pages.rs");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let (_, list) = text.split_once("PAGES: &[Page] = &[").ok_or("there is no list of pages in pages.rs")?;
    let list = list.split("\n];").next().unwrap_or(list);
    let found: Vec<(String, bool)> = list
        .split("page(")
        .skip(1)
        .filter_map(|entry| {
            let address = entry.split('"').nth(1)?;
            Some((address.to_owned(), entry.contains("get(")))
        })
        .collect();
    if found.is_empty() { Err("the list of pages in pages.rs is empty".into()) } else { Ok(found) }
}

pub fn run(world: &World, principals: &[Principal], keep: &dyn Fn(&str) -> bool) -> Result<Tally, String> {
    let mut total = Tally::default();
    let mut cells = Vec::new();
    for (address, gets) in pages()? {
        let Some(whom) = audience(&address) else {
            total.note(&format!("routes/{address}"), Fault::Odd, "this oracle does not know whom the page is for");
            continue;
        };
        if !gets {
            continue;
        }
        for principal in principals.iter().filter(|it| it.role != "system" && it.role != "app") {
            for (at, word) in [(&world.near, "own organisation"), (&world.far, "other organisation")] {
                let name = format!("routes/{}{address}/{word}", principal.key);
                if !keep(&name) {
                    continue;
                }
                let path = address.replace("{org}", &at.slug).replace("{id}", &principal.own);
                let path = path.replace("{code}", "8867-4").replace("{document}", "none").replace("{nth}", "0");
                let path =
                    path.replace("{kind}", "DiagnosticReport").replace("{report}", "none").replace("{thread}", "none");
                let path = path.replace("{user}", "none").replace("{handle}", "none").replace("{provider}", "none");
                // One's own lists of people, and the lists of a chart, of which each has a page for what may be added.
                let path = path.replace("/lists/{list}/{entry}", "/lists/none/nobody").replace("{visit}", "none");
                let list = if address.starts_with("/{org}/patients/") { "none" } else { "panel" };
                let path = path.replace("{list}", list);
                let path = path.replace("{app}", "none").replace("{entry}", "none").replace("{role}", "none");
                let path = path
                    .replace("{study}", "none")
                    .replace("{series}", "1.2")
                    .replace("{instance}", "1.3")
                    .replace("{frame}", "1");
                let path = path.replace("{pair}", "none").replace("{merge}", "none");
                let path = path.replace("{set}", "none").replace("{item}", "none").replace("{request}", "none");
                let known = word == "own organisation" && principal.role != "anonymous";
                let expect = match whom {
                    For::Anyone => Expect::Status(&[200]),
                    For::Steps => Expect::Status(&[200, 302, 303, 400, 401, 403, 404, 410, 422]),
                    For::SignedIn if known => Expect::Status(&[200, 204]),
                    // A page of a thing that is not there is not there for those who may see it either.
                    For::Roles(_) if known && is_empty_to(principal, &address) => {
                        Expect::Status(&[200, 302, 303, 401, 403, 404])
                    }
                    For::Roles(roles) if known && roles.split(' ').any(|it| it == principal.role) => {
                        // Whose work is not with charts is led on to what it is with.
                        if address == "/{org}/" && !CHART.split(' ').any(|it| it == principal.role) {
                            Expect::Status(&[200, 303])
                        } else if address == "/{org}/interfaces" {
                            // The console is where the slash is.
                            Expect::Status(&[303])
                        } else if path.contains("/none") || path.contains('{') {
                            Expect::Status(&[200, 303, 404])
                        } else {
                            Expect::Status(&[200])
                        }
                    }
                    _ => Expect::Status(&[302, 303, 401, 403, 404]),
                };
                let headers = principal.headers.replace("Authorization: Bearer ", "Cookie: continuo_session=");
                cells.push(Cell { name, method: "GET", path, headers, content: "", body: None, expect });
            }
        }
    }
    cells.extend(lines(world, principals).into_iter().filter(|cell| keep(&cell.name)));
    cells.extend(addresses(world, principals).into_iter().filter(|cell| keep(&cell.name)));
    total.add(ask::ask(&world.root, cells)?);
    Ok(total)
}

/// What an address of the door for machines asks of the caller.
#[derive(Clone, Copy)]
enum Needs {
    /// Nothing: it tells what everybody may know.
    Nothing,
    /// A token; what comes back is filtered, or the whole is refused.
    Token,
    /// This letter on this type, for a thing of the own patient or of another.
    Letter(char, &'static str, bool),
}

/// Addresses of the door for machines that are not about one type and one interaction: those the block of roles asks.
const ADDRESSES: &[(&str, &str, Needs)] = &[
    ("GET", "metadata", Needs::Nothing),
    ("GET", "_history?_count=5", Needs::Token),
    ("GET", "?_type=Patient,Observation&_count=5", Needs::Token),
    ("POST", "Patient/$validate", Needs::Token),
    ("POST", "", Needs::Token),
    ("GET", "Patient/{own}/$everything?_count=5", Needs::Letter('r', "Patient", true)),
    ("GET", "Patient/{other}/$everything?_count=5", Needs::Letter('r', "Patient", false)),
    ("GET", "Patient/{own}/$meta", Needs::Letter('r', "Patient", true)),
    ("GET", "Patient/{other}/$meta", Needs::Letter('r', "Patient", false)),
    ("POST", "Patient/{own}/$meta-add", Needs::Letter('u', "Patient", true)),
    ("POST", "Patient/{other}/$meta-add", Needs::Letter('u', "Patient", false)),
    ("POST", "Patient/{own}/$meta-delete", Needs::Letter('u', "Patient", true)),
    ("GET", "Observation/$lastn?patient={own}&max=1&category=vital-signs", Needs::Letter('s', "Observation", true)),
    ("POST", "Patient/_search", Needs::Letter('s', "Patient", true)),
    ("POST", "Patient/$match", Needs::Letter('s', "Patient", true)),
];

/// Messages of partners come by HTTP with the token of a channel; nobody's token or session is one.
fn lines(world: &World, principals: &[Principal]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for principal in principals {
        for (at, word) in [(&world.near, "own organisation"), (&world.far, "other organisation")] {
            for channel in [format!("{}-hl7", at.slug), "nothing".to_owned()] {
                cells.push(Cell {
                    name: format!("routes/{}/hl7/{channel}/{word}", principal.key),
                    method: "POST",
                    path: format!("/{}/hl7/{channel}", at.slug),
                    headers: principal.headers.clone(),
                    content: "",
                    body: Some("MSH|^~\\&|LAB|LAKE|EHR|RIVER|20260601||ADT^A08|1|P|2.5.1\rPID|1||7\r".into()),
                    expect: Expect::Status(&[401]),
                });
            }
        }
    }
    cells
}

fn addresses(world: &World, principals: &[Principal]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (method, address, needs) in ADDRESSES {
        for principal in principals {
            for (at, word) in [(&world.near, "own organisation"), (&world.far, "other organisation")] {
                let known = word == "own organisation" && principal.role != "anonymous";
                let expect = match *needs {
                    Needs::Nothing => Expect::Done,
                    _ if !known => Expect::Unknown,
                    Needs::Token => Expect::Status(&[200, 403]),
                    Needs::Letter(letter, kind, own) => match reach(principal, kind, letter) {
                        Reach::All => Expect::Done,
                        Reach::Own if own => Expect::Done,
                        _ => Expect::Hidden,
                    },
                };
                let path = address.replace("{own}", &principal.own).replace("{other}", &world.near.other);
                let headers = match needs {
                    // A token of another organisation is no reason to keep what everybody may know.
                    Needs::Nothing => String::new(),
                    _ => principal.headers.clone(),
                };
                let tag = r#"{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:matrix","code":"a"}]}}]}"#;
                let (content, body) = match *address {
                    _ if *method == "GET" => ("", None),
                    "Patient/_search" => (super::doors::FORM, Some("_count=1")),
                    "" => ("", Some(r#"{"resourceType":"Bundle","type":"batch"}"#)),
                    "Patient/$match" | "Patient/$validate" => ("", Some(r#"{"resourceType":"Patient"}"#)),
                    _ => ("", Some(tag)),
                };
                let path = at.fhir(&path);
                cells.push(Cell {
                    name: format!("routes/{}/{method} {address}/{word}", principal.key),
                    method,
                    path: path.trim_end_matches('/').to_owned(),
                    headers,
                    content,
                    body: body.map(Into::into),
                    expect,
                });
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_counts() {
        assert_eq!(audience("/{org}/patients/{id}/results"), Some(For::Roles(CHART)));
        assert_eq!(audience("/{org}/portal/"), Some(For::Roles(PORTAL)));
        assert_eq!(audience("/"), Some(For::Anyone));
        assert_eq!(audience("/{org}/unheard-of"), None);
    }

    #[test]
    fn the_list_of_pages_is_found_in_the_source() {
        let pages = pages().unwrap();
        assert!(pages.iter().any(|(address, gets)| address == "/{org}/patients/{id}" && *gets));
    }
}
