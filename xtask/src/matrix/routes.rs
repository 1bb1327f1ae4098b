//! The block of routes: every page and every address of the program × everybody × own and other organisation. The list
//! of pages is read from the source; a page that this oracle does not know is a fault of its own, so that no new page
//! goes unjudged.

use super::ask::{self, Cell, Expect, Fault, Tally};
use super::world::{Principal, World};
use crate::step;

/// For whom an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Anyone, signed in or not.
    Anyone,
    /// Roles, by their keys.
    Roles(&'static str),
    /// Whoever is signed in.
    SignedIn,
    /// Only programs with a token that may do everything.
    Programs,
}

const STAFF: &str =
    "front-desk nurse clinician biller practice-admin system-admin privacy-officer integration-engineer";
const CHART: &str = "clinician nurse front-desk biller practice-admin";
const PORTAL: &str = "patient proxy proxy-limited";

/// Pages by their beginnings; the longest that fits counts. From the permissions in docs/security/roles.md.
const PAGES: &[(&str, For)] = &[
    ("/", For::Anyone),
    ("/dev/", For::Anyone),
    ("/{org}/sign-in", For::Anyone),
    ("/{org}/sign-out", For::Anyone),
    ("/{org}/session", For::SignedIn),
    ("/{org}/", For::Roles(STAFF)),
    ("/{org}/find", For::Roles(CHART)),
    ("/{org}/patients", For::Roles(CHART)),
    ("/{org}/patients/", For::Roles(CHART)),
    ("/{org}/portal/", For::Roles(PORTAL)),
];

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
                let path = address.replace("{org}", &at.slug).replace("{id}", &world.near.own);
                let path = path.replace("{code}", "8867-4").replace("{document}", "none").replace("{nth}", "0");
                let known = word == "own organisation" && principal.role != "anonymous";
                let expect = match whom {
                    For::Anyone => Expect::Status(&[200]),
                    For::Programs => Expect::Status(&[401, 403, 404]),
                    For::SignedIn if known => Expect::Status(&[200, 204]),
                    // A page of a thing that is not there is not there for those who may see it either.
                    For::Roles(roles) if known && roles.split(' ').any(|it| it == principal.role) => {
                        if path.contains("/none") { Expect::Status(&[404]) } else { Expect::Status(&[200]) }
                    }
                    _ => Expect::Status(&[302, 303, 401, 403, 404]),
                };
                let headers = principal.headers.replace("Authorization: Bearer ", "Cookie: continuo_session=");
                cells.push(Cell { name, method: "GET", path, headers, content: "", body: None, expect });
            }
        }
    }
    total.add(ask::ask(&world.root, cells)?);
    Ok(total)
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
