//! Why access says no. What is shown tells what to do next, and never whether a user exists.

use super::password::Weakness;
use store::StoreError;

pub type AccessResult<T> = Result<T, AccessError>;

#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error(transparent)]
    Store(StoreError),
    #[error("you may not do this")]
    Forbidden,
    #[error("show once more that it is you, then try again")]
    NotFresh,
    #[error("there is no such user here")]
    NoSuchUser,
    #[error("someone changed this in the meantime; look at it again and repeat what you did")]
    Changed,
    #[error("this user name or address is taken; choose another")]
    UserNameTaken,
    #[error("a user name has 2 to 64 letters, digits, dots, hyphens, underscores or @, and no spaces")]
    UserNameUnfit,
    #[error("a name to show has 1 to 100 characters")]
    NameUnfit,
    #[error("there is no role {0} for staff")]
    UnknownRole(String),
    #[error("a user has staff roles or a portal role, not both, and at least one")]
    RolesUnfit,
    #[error("{0}")]
    Password(#[from] Weakness),
    #[error("this does not fit; check it and try again")]
    Wrong,
    #[error("this is not valid any more; begin again")]
    Expired,
    #[error("too many attempts; wait and try again")]
    Wait { until: i64 },
    #[error("this is the last user who may manage users; give someone else that right first")]
    LastAdministrator,
    #[error("this is the last second factor of an account that needs one; set up another first")]
    LastFactor,
    #[error("the passkey was not accepted: {0}")]
    Passkey(&'static str),
    #[error("the sign-in provider's answer was not accepted: {0}")]
    Provider(String),
    #[error("many people sign in at this moment; try again shortly")]
    Busy,
}

impl From<StoreError> for AccessError {
    fn from(error: StoreError) -> AccessError {
        match error {
            StoreError::Forbidden => AccessError::Forbidden,
            StoreError::ItemConflict { .. } => AccessError::Changed,
            other => AccessError::Store(other),
        }
    }
}
