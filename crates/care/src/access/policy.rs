//! What the organisation demands of signing in.

use super::shelf::{self, POLICY};
use super::{Access, AccessError, AccessResult, accounts};
use serde::{Deserialize, Serialize};
use store::audit::Event;
use store::{Caller, ItemExpect, StoreResult};

const NAME: &str = "sign-in";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInPolicy {
    /// Roles that need a second factor: their users cannot work before they have set one up.
    #[serde(default)]
    pub second_factor: Vec<String>,
}

impl SignInPolicy {
    pub(super) fn demands_of<'a>(&self, mut roles: impl Iterator<Item = &'a str>) -> bool {
        roles.any(|role| self.second_factor.iter().any(|it| it == role))
    }
}

impl Access {
    pub async fn policy(&self, now: i64) -> StoreResult<SignInPolicy> {
        Ok(shelf::get(&self.store, POLICY, NAME, now).await?.map(|(it, _)| it).unwrap_or_default())
    }

    /// Who has a session keeps it; the next sign-in asks.
    pub async fn set_policy(&self, caller: &Caller, policy: SignInPolicy, now: i64) -> AccessResult<()> {
        accounts::must_manage(caller)?;
        let known = |role: &&String| self.is_staff_role(role) || accounts::is_portal(role);
        if let Some(role) = policy.second_factor.iter().find(|role| !known(role)) {
            return Err(AccessError::UnknownRole(role.clone()));
        }
        let detail = format!("second factor needed by {}", policy.second_factor.join(", "));
        let change = shelf::put(POLICY, NAME, "", None, &policy, ItemExpect::Anything);
        self.store.keep(caller, Event::of("configure").detail(detail), vec![change], now).await?;
        Ok(())
    }
}
