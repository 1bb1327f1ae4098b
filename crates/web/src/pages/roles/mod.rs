//! What each role may do, read from the data that decides it (`content/roles`), and which roles need a second
//! factor. The page shows; changing a role is changing its file.

use crate::components::form::Errors;
use crate::components::form::boxes;
use crate::components::table::table;
use crate::components::{notice, shell, words};
use crate::pages::users::new::Said;
use crate::request::{Answer, Refusal, Visitor, see_other, troubled};
use axum::extract::{Path, Query, RawForm};
use care::access::SignInPolicy;
use care::access::roles::{Role, RoleGrant, Roles};
use maud::{Markup, html};
use serde::Deserialize;
use store::{Action, Actions};

/// Groups of types → what people call them.
const GROUPS: [(&str, &str); 10] = [
    ("people", "Patients and their relatives"),
    ("schedule", "Appointments and schedules"),
    ("clinical", "The clinical record"),
    ("consent", "Consents and where data came from"),
    ("money", "Insurance, claims and payments"),
    ("directory", "Clinicians, places, devices and medicines"),
    ("knowledge", "Definitions and terminology"),
    ("integration", "Connections to other systems"),
    ("audit", "The audit log"),
    ("other", "Everything else"),
];

/// Permissions → what they let one do.
const PERMISSIONS: [(&str, &str); 10] = [
    ("chart.open", "Open charts"),
    ("break-glass", "Use emergency access"),
    ("break-glass.review", "Review emergency access"),
    ("audit.read", "Read the audit log"),
    ("users.manage", "Manage users"),
    ("roles.read", "See what roles may do"),
    ("sessions.manage", "End sessions of others"),
    ("apps.manage", "Manage apps"),
    ("operate", "Operate the server"),
    ("export.bulk", "Export in bulk"),
];

#[derive(Deserialize, Default)]
pub(crate) struct Done {
    done: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Done>) -> Answer {
    let policy = visitor.access().policy(visitor.now).await?;
    let roles = Roles::ours();
    let rows = roles.all().map(|role| {
        vec![
            html! { a href={ (visitor.at("admin/roles/")) (role.key) } { (role.name) } p.note { (role.about) } },
            html! { (permissions(role).join(", ")) @if role.permissions.is_empty() { span.quiet { "–" } } },
            html! { @if policy.second_factor.iter().any(|it| **it == *role.key) { span.chip.good { "needed" } } @else { span.quiet { "as they like" } } },
        ]
    });
    let main = html! {
        header.section-head { h1 { "Roles" } p.quiet { "What is not named is refused." } }
        (notice::done(visitor.words, asked.done.as_deref()))
        (table(visitor.words, "Roles", &["Role", "Permissions", "Second factor"], rows.collect()))
        @if visitor.may("users.manage") { (policy_form(&visitor, &policy)) }
    };
    Ok(shell::administration(&visitor, "roles", "Roles", main))
}

fn permissions(role: &Role) -> Vec<&'static str> {
    PERMISSIONS.iter().filter(|(key, _)| role.permissions.contains(*key)).map(|(_, words)| *words).collect()
}

fn policy_form(visitor: &Visitor, policy: &SignInPolicy) -> Markup {
    let options: Vec<(String, String, bool)> = words::STAFF
        .iter()
        .map(|key| ((*key).to_owned(), words::role(visitor.words, key), policy.second_factor.iter().any(|it| it == key)))
        .collect();
    crate::pages::account::panel(
        "second-factor",
        "Who needs a second factor",
        html! {},
        html! {
            form.stacked method="post" action=(visitor.at("admin/roles/policy")) {
                (boxes("roles", "At their next sign-in they set one up", &options, &Errors::none()))
                div.buttons { button.primary type="submit" { "Save" } }
            }
        },
    )
}

pub(crate) async fn policy(visitor: Visitor, RawForm(body): RawForm) -> Answer {
    let second_factor = Said::of(&body).all("roles");
    let policy = SignInPolicy { second_factor };
    let back = troubled(&visitor, &visitor.at("admin/roles"));
    visitor.access().set_policy(&visitor.caller, policy, visitor.now).await.map_err(back)?;
    Ok(see_other(&visitor.at("admin/roles?done=policy")))
}

pub(crate) async fn one(visitor: Visitor, Path((_, key)): Path<(String, String)>) -> Answer {
    let roles = Roles::ours();
    let role = roles.role(&key).ok_or(Refusal::NotFound)?;
    let main = show(&roles, role, &visitor.at("admin/roles"));
    Ok(shell::administration(&visitor, "roles", &role.name, main))
}

fn show(roles: &Roles, role: &Role, up: &str) -> Markup {
    let rows = role.grants.iter().map(|grant| {
        vec![html! { (what(roles, grant)) }, html! { (may(grant.actions)) }, html! { (grant.within.words()) }]
    });
    html! {
        header.section-head { h1 { (role.name) } p { a href=(up) { "All roles" } } }
        p.lead { (role.about) }
        @if role.grants.is_empty() { p.empty { "By itself this role reaches no data." } }
        @else { (table(words, "Data", &["What", "May", "Of whom"], rows.collect())) }
        section.panel-card aria-labelledby="permissions" {
            header { h2 #permissions { "Permissions" } }
            @let all = permissions(role);
            @if all.is_empty() { p.quiet { "None." } }
            @else { ul.lines { @for words in all { li.line { span.main { (words) } } } } }
        }
    }
}

/// Whole groups by their name, single types by theirs.
fn what(roles: &Roles, grant: &RoleGrant) -> Markup {
    let mut left: Vec<_> = grant.kinds.iter().collect();
    let mut whole = Vec::new();
    for (group, kinds) in roles.groups() {
        let of: Vec<_> = kinds.iter().collect();
        if !of.is_empty() && of.iter().all(|it| left.contains(it)) {
            left.retain(|it| !of.contains(it));
            whole.push(GROUPS.iter().find(|(key, _)| *key == group).map_or(group, |(_, words)| words).to_owned());
        }
    }
    html! {
        @for group in &whole { p { (group) } }
        @if !left.is_empty() { p.kinds { (left.iter().map(|kind| words::kind(words, kind.name())).collect::<Vec<_>>().join(", ")) } }
    }
}

/// `look, add, change, delete`.
fn may(actions: Actions) -> String {
    let all = [("look", Action::Read), ("add", Action::Create), ("change", Action::Update), ("delete", Action::Delete)];
    let words: Vec<&str> = all.iter().filter(|(_, it)| actions.contains(*it)).map(|(words, _)| *words).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_we_ship_can_be_read() {
        let roles = Roles::ours();
        for role in roles.all() {
            let shown = show(&roles, role, "/x/admin/roles").into_string();
            assert!(shown.contains(&role.name), "{shown}");
            assert_eq!(permissions(role).len(), role.permissions.len(), "{} has a permission without words", role.key);
        }
        let clinician = show(&roles, roles.role("clinician").unwrap(), "").into_string();
        assert!(
            clinician.contains("The clinical record") && clinician.contains("look, add, change, delete"),
            "{clinician}"
        );
    }
}
