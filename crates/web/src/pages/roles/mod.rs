//! What each role may do, read from the data that decides it (`content/roles`), and which roles need a second
//! factor. The page shows; changing a role is changing its file.

use crate::components::form::Errors;
use crate::components::form::boxes;
use crate::components::table::table;
use crate::components::{notice, shell, words};
use crate::locale::Words;
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
    ("people", "roles-patients-and-their-relatives"),
    ("schedule", "roles-appointments-and-schedules"),
    ("clinical", "roles-the-clinical-record"),
    ("consent", "roles-consents-and-where-data-came"),
    ("money", "roles-insurance-claims-and-payments"),
    ("directory", "roles-clinicians-places-devices-and-medicines"),
    ("knowledge", "roles-definitions-and-terminology"),
    ("integration", "roles-connections-to-other-systems"),
    ("audit", "roles-the-audit-log"),
    ("other", "roles-everything-else"),
];

/// Permissions → what they let one do.
const PERMISSIONS: [(&str, &str); 16] = [
    ("chart.open", "roles-open-charts"),
    ("orders.sign", "roles-sign-orders"),
    ("orders.write", "roles-write-orders"),
    ("break-glass", "roles-use-emergency-access"),
    ("break-glass.review", "roles-review-emergency-access"),
    ("audit.read", "roles-read-the-audit-log"),
    ("users.manage", "roles-manage-users"),
    ("patients.duplicates", "roles-look-at-duplicates"),
    ("patients.merge", "roles-merge-records"),
    ("roles.read", "roles-see-what-roles-may-do"),
    ("sessions.manage", "roles-end-sessions-of-others"),
    ("apps.manage", "roles-manage-apps"),
    ("operate", "roles-operate-the-server"),
    ("export.bulk", "roles-export-in-bulk"),
    ("interfaces", "roles-look-after-interfaces"),
    ("interfaces.who", "roles-see-whom-messages-are-about"),
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
            html! { (permissions(visitor.words, role).join(", ")) @if role.permissions.is_empty() { span.quiet { "–" } } },
            html! { @if policy.second_factor.iter().any(|it| **it == *role.key) { span.chip.good { (visitor.words.say("roles-needed")) } } @else { span.quiet { (visitor.words.say("roles-as-they-like")) } } },
        ]
    });
    let main = html! {
        header.section-head { h1 { (visitor.words.say("roles-roles")) } p.quiet { (visitor.words.say("roles-what-is-not-named-is")) } }
        (notice::done(visitor.words, asked.done.as_deref()))
        (table(visitor.words, &visitor.words.say("roles-roles"), &[&visitor.words.say("roles-role"), &visitor.words.say("roles-permissions"), &visitor.words.say("roles-second-factor")], rows.collect()))
        @if visitor.may("users.manage") { (policy_form(&visitor, &policy)) }
    };
    Ok(shell::administration(&visitor, "roles", visitor.words.say("roles-roles"), main))
}

fn permissions(words: &Words, role: &Role) -> Vec<String> {
    PERMISSIONS.iter().filter(|(key, _)| role.permissions.contains(*key)).map(|(_, key)| words.say(key)).collect()
}

fn policy_form(visitor: &Visitor, policy: &SignInPolicy) -> Markup {
    let options: Vec<(String, String, bool)> = words::STAFF
        .iter()
        .map(|key| {
            ((*key).to_owned(), words::role(visitor.words, key), policy.second_factor.iter().any(|it| it == key))
        })
        .collect();
    crate::pages::account::panel(
        "second-factor",
        &visitor.words.say("roles-who-needs-a-second-factor"),
        html! {},
        html! {
            form.stacked method="post" action=(visitor.at("admin/roles/policy")) {
                (boxes("roles", &visitor.words.say("roles-at-their-next-sign-in"), &options, &Errors::none()))
                div.buttons { button.primary type="submit" { (visitor.words.say("roles-save")) } }
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
    let main = show(visitor.words, &roles, role, &visitor.at("admin/roles"));
    Ok(shell::administration(&visitor, "roles", &role.name, main))
}

fn show(words: &Words, roles: &Roles, role: &Role, up: &str) -> Markup {
    let rows = role.grants.iter().map(|grant| {
        vec![
            html! { (what(words, roles, grant)) },
            html! { (may(words, grant.actions)) },
            html! { (grant.within.words()) },
        ]
    });
    html! {
        header.section-head { h1 { (role.name) } p { a href=(up) { (words.say("roles-all-roles")) } } }
        p.lead { (role.about) }
        @if role.grants.is_empty() { p.empty { (words.say("roles-by-itself-this-role-reaches")) } }
        @else { (table(words, &words.say("roles-data"), &[&words.say("roles-what"), &words.say("roles-may"), &words.say("roles-of-whom")], rows.collect())) }
        section.panel-card aria-labelledby="permissions" {
            header { h2 #permissions { (words.say("roles-permissions")) } }
            @let all = permissions(words, role);
            @if all.is_empty() { p.quiet { (words.say("roles-none")) } }
            @else { ul.lines { @for permission in all { li.line { span.main { (permission) } } } } }
        }
    }
}

/// Whole groups by their name, single types by theirs.
fn what(words: &Words, roles: &Roles, grant: &RoleGrant) -> Markup {
    let mut left: Vec<_> = grant.kinds.iter().collect();
    let mut whole = Vec::new();
    for (group, kinds) in roles.groups() {
        let of: Vec<_> = kinds.iter().collect();
        if !of.is_empty() && of.iter().all(|it| left.contains(it)) {
            left.retain(|it| !of.contains(it));
            whole.push(
                GROUPS
                    .iter()
                    .find(|(key, _)| *key == group)
                    .map_or_else(|| group.to_owned(), |(_, key)| words.say(key)),
            );
        }
    }
    html! {
        @for group in &whole { p { (group) } }
        @if !left.is_empty() { p.kinds { (left.iter().map(|kind| words::kind(words, kind.name())).collect::<Vec<_>>().join(", ")) } }
    }
}

/// `look, add, change, delete`.
fn may(words: &Words, actions: Actions) -> String {
    let all = [
        ("roles-may-look", Action::Read),
        ("roles-may-add", Action::Create),
        ("roles-may-change", Action::Update),
        ("roles-may-delete", Action::Delete),
    ];
    let may: Vec<String> = all.iter().filter(|(_, it)| actions.contains(*it)).map(|(key, _)| words.say(key)).collect();
    may.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_we_ship_can_be_read() {
        let (roles, words) = (Roles::ours(), crate::locale::Locale::English.words());
        for role in roles.all() {
            let shown = show(words, &roles, role, "/x/admin/roles").into_string();
            assert!(shown.contains(&role.name), "{shown}");
            assert_eq!(
                permissions(words, role).len(),
                role.permissions.len(),
                "{} has a permission without words",
                role.key
            );
        }
        let clinician = show(words, &roles, roles.role("clinician").unwrap(), "").into_string();
        assert!(
            clinician.contains("The clinical record") && clinician.contains("look, add, change, delete"),
            "{clinician}"
        );
    }
}
