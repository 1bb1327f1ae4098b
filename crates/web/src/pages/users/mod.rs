//! The people who may sign in (screen S-01): found by name, created, changed, deactivated, given a new password.
//! Nobody's password is ever seen or set by somebody else: a link that works once is handed over.

pub(crate) mod invite;
pub(crate) mod new;
pub(crate) mod one;

use crate::components::table::{moment, table};
use crate::components::{counted, notice, shell, words};
use crate::request::{Answer, Visitor};
use axum::extract::Query;
use care::access::{AccessResult, Link, User};
use fhir::search::fold;
use maud::{Markup, html};
use serde::Deserialize;

/// How many are looked through and shown; an organisation of more is searched by name.
const READ: usize = 5_000;
const SHOWN: usize = 100;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    standing: String,
    done: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let all = everyone(&visitor).await?;
    let found: Vec<&User> = all.iter().filter(|it| fits(it, &asked, visitor.now)).collect();
    let rows = found.iter().take(SHOWN).map(|user| row(&visitor, user)).collect();
    let count = counted(visitor.words, "users-count", found.len());
    let main = html! {
        header.section-head {
            h1 { (visitor.words.say("users-users")) }
            a.button.primary href=(visitor.at("admin/users/new")) { (visitor.words.say("users-new-user")) }
            a.button href=(visitor.at("admin/invitations")) { (visitor.words.say("users-invitations-of-patients")) }
        }
        (notice::done(visitor.words, asked.done.as_deref()))
        (filters(&visitor, &asked))
        @if found.is_empty() { p.empty { (visitor.words.say("users-nobody-fits-this")) } }
        @else {
            (table(visitor.words, &count, &[&visitor.words.say("users-name"), &visitor.words.say("users-user-name"), &visitor.words.say("users-roles"), &visitor.words.say("users-state"), &visitor.words.say("users-since")], rows))
            @if found.len() > SHOWN { p.quiet { (counted(visitor.words, "users-first", SHOWN)) } }
        }
    };
    Ok(shell::administration(&visitor, "users", visitor.words.say("users-users"), main))
}

async fn everyone(visitor: &Visitor) -> AccessResult<Vec<User>> {
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map(|it| it.id.clone());
        let some = visitor.access().users(&visitor.caller, after.as_deref(), 500, visitor.now).await?;
        let last = some.len() < 500;
        all.extend(some);
        if last || all.len() >= READ {
            break;
        }
    }
    all.sort_by_key(|it| (!it.active, fold(&it.display)));
    Ok(all)
}

fn fits(user: &User, asked: &Asked, now: i64) -> bool {
    let text = fold(&format!("{} {} {}", user.display, user.username, user.email.as_deref().unwrap_or_default()));
    let named = fold(&asked.q).split_whitespace().all(|word| text.contains(word));
    let in_role = asked.role.is_empty() || user.roles_at(now).contains(&asked.role);
    let stands = match asked.standing.as_str() {
        "inactive" => !user.active,
        "all" => true,
        _ => user.active,
    };
    named && in_role && stands
}

fn filters(visitor: &Visitor, asked: &Asked) -> Markup {
    let roles = words::STAFF.iter().chain(&["patient", "proxy", "proxy-limited"]);
    html! {
        form.filters role="search" action=(visitor.at("admin/users")) {
            div.field { label for="q" { (visitor.words.say("users-name")) } input #q type="search" name="q" value=(asked.q) autocomplete="off"; }
            div.field { label for="role" { (visitor.words.say("users-role")) } select #role name="role" {
                option value="" { (visitor.words.say("users-any")) }
                @for role in roles { option value=(role) selected[asked.role == **role] { (words::role(visitor.words, role)) } }
            } }
            div.field { label for="standing" { (visitor.words.say("users-state")) } select #standing name="standing" {
                @for (value, name) in [("", "users-active"), ("inactive", "users-deactivated"), ("all", "users-all")] {
                    option value=(value) selected[asked.standing == value] { (visitor.words.say(name)) }
                }
            } }
            button type="submit" { (visitor.words.say("users-show")) }
        }
    }
}

fn row(visitor: &Visitor, user: &User) -> Vec<Markup> {
    let roles: Vec<String> = user.roles_at(visitor.now).iter().map(|it| words::role(visitor.words, it)).collect();
    vec![
        html! { a href={ (visitor.at("admin/users/")) (user.id) } { (user.display) } },
        html! { code { (user.username) } },
        html! { (roles.join(", ")) },
        html! { @if user.active { (visitor.words.say("users-active")) } @else { span.chip.notable { (visitor.words.say("users-deactivated")) } } },
        moment(user.created),
    ]
}

/// A link that was made, shown once, to hand over.
pub(crate) fn handed(visitor: &Visitor, path: &str, link: &Link, for_whom: &str) -> Markup {
    let origin = visitor.organisation.base.trim_end_matches(visitor.organisation.slug.as_str()).trim_end_matches('/');
    let address = format!("{origin}{}", visitor.at(&format!("{path}?code={}", link.code)));
    html! {
        (notice::caution(html! {
            p { strong { (visitor.words.with("users-hand-over", &[("name", for_whom.into())])) } " " (visitor.words.say("users-it-is-shown-once-works")) " " (moment(link.until)) "." }
        }))
        dl.handed {
            dt { (visitor.words.say("users-link")) } dd { code { (address) } }
            @if path == "invitation" { dt { (visitor.words.say("users-code")) } dd { code.secret { (link.code) } } }
        }
        p.no-print { button type="button" data-print="" hidden { (visitor.words.say("users-print")) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_role_and_state() {
        let user = |display: &str, role: &str, active| User {
            id: "1".into(),
            username: "okafor".into(),
            display: display.into(),
            email: Some("a@example.org".into()),
            roles: vec![role.into()],
            person: None,
            patients: Vec::new(),
            sites: Vec::new(),
            active,
            created: 0,
            changed: 0,
            version: 1,
        };
        let asked = |q: &str, role: &str, standing: &str| Asked {
            q: q.into(),
            role: role.into(),
            standing: standing.into(),
            done: None,
        };
        let amara = user("Dr. Amára Okafor", "clinician", true);
        for (q, role, standing, expected) in [
            ("", "", "", true),
            ("amara oka", "", "", true),
            ("example.org", "clinician", "all", true),
            ("amara", "nurse", "", false),
            ("smith", "", "", false),
            ("", "", "inactive", false),
        ] {
            assert_eq!(fits(&amara, &asked(q, role, standing), 0), expected, "{q} {role} {standing}");
        }
        assert!(!fits(&user("X", "nurse", false), &asked("", "", ""), 0));
    }
}
