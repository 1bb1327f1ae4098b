//! Apps that act for people, and programs that act for themselves: the authorization server of one organisation.
//! Who they are is in [`clients`](super::clients), how they prove it in `assertion.rs`, what they were
//! asked and given in [`codes`](super::codes) and [`tokens`](super::tokens), and what is signed in
//! [`keys`](super::keys).
//!
//! Nothing here speaks HTTP, and no secret is ever kept: a code, token or client secret is 256 random bits, of which
//! only the digest is written.
//!
//! SMART App Launch 2.2, RFC 6749, RFC 7636 (PKCE), RFC 9700 (security best practice).

use super::clients::Client;
use super::codes::Asked;
use super::tokens::Held;
use crate::Organisation;
use ring::digest::{SHA256, digest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, RwLock};
use store::{Caller, Item, Purpose, Rights, StoreError};

/// Shelves of the store (one for each kind of small record).
pub(super) const CLIENT: &str = "client";
pub(super) const REGISTRATION: &str = "registration";
pub(super) const CODE: &str = "code";
pub(super) const LAUNCH: &str = "launch";
pub(super) const TOKEN: &str = "token";
pub(super) const REFRESH: &str = "refresh";
pub(super) const GRANT: &str = "grant";
pub(super) const KEY: &str = "key";
pub(super) const ASSERTION: &str = "assertion";

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// The error codes of RFC 6749, 5.2 and 4.1.2.1, RFC 6750, 3.1, RFC 7591, 3.2.2 and OpenID Connect Core, 3.1.2.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    InvalidToken,
    AccessDenied,
    LoginRequired,
    InvalidRedirectUri,
    InvalidClientMetadata,
    ServerError,
    TemporarilyUnavailable,
}

impl Code {
    pub fn name(self) -> &'static str {
        match self {
            Code::InvalidRequest => "invalid_request",
            Code::InvalidClient => "invalid_client",
            Code::InvalidGrant => "invalid_grant",
            Code::UnauthorizedClient => "unauthorized_client",
            Code::UnsupportedGrantType => "unsupported_grant_type",
            Code::UnsupportedResponseType => "unsupported_response_type",
            Code::InvalidScope => "invalid_scope",
            Code::InvalidToken => "invalid_token",
            Code::AccessDenied => "access_denied",
            Code::LoginRequired => "login_required",
            Code::InvalidRedirectUri => "invalid_redirect_uri",
            Code::InvalidClientMetadata => "invalid_client_metadata",
            Code::ServerError => "server_error",
            Code::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    pub fn status(self) -> u16 {
        match self {
            Code::InvalidClient | Code::InvalidToken => 401,
            Code::ServerError => 500,
            Code::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

/// Why the authorization server said no. The words tell the developer of the app what to mend; they never hold a
/// secret, nor what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub code: Code,
    pub says: &'static str,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.says)
    }
}

impl std::error::Error for Denial {}

pub(super) fn denied<T>(code: Code, says: &'static str) -> Result<T, Denial> {
    Err(Denial { code, says })
}

impl From<StoreError> for Denial {
    fn from(error: StoreError) -> Denial {
        match error {
            StoreError::ItemConflict { .. } => {
                Denial { code: Code::InvalidGrant, says: "someone else used this at the same moment" }
            }
            StoreError::ReadOnly(_) | StoreError::Unavailable(_) => {
                Denial { code: Code::TemporarilyUnavailable, says: "the record cannot be reached; try again shortly" }
            }
            error => {
                // The store's own words name shelves and rules, never what lies there.
                tracing::error!(%error, "the authorization server could not reach its records");
                Denial {
                    code: Code::ServerError,
                    says: "the server could not answer; its operator finds the cause in the log",
                }
            }
        }
    }
}

pub type Allowed<T> = Result<T, Denial>;

/// Parameters of a request, each at most once (RFC 6749, 3.1 and 3.2: they must not be repeated).
#[derive(Clone, Default)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Allowed<Parameters> {
        let mut all = BTreeMap::new();
        for (name, value) in pairs {
            if all.insert(name, value).is_some() {
                return denied(Code::InvalidRequest, "a parameter is given twice");
            }
        }
        Ok(Parameters(all))
    }

    /// An empty one counts as left out (RFC 6749, 3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// What the authorization server of one organisation keeps in memory. All of it can be lost: tokens and clients are read
/// again, and whoever was on the way to a consent page begins anew.
#[derive(Default)]
pub(crate) struct Memory {
    pub(super) tokens: RwLock<HashMap<Mark, Arc<Held>>>,
    pub(super) clients: RwLock<HashMap<String, Arc<Client>>>,
    pub(super) origins: RwLock<Option<Arc<HashSet<String>>>>,
    pub(super) asked: Mutex<Waiting>,
    pub(super) fetched: Mutex<HashMap<String, (i64, Arc<serde_json::Value>)>>,
    pub(super) keys: tokio::sync::Mutex<Option<Arc<super::keys::Ring>>>,
}

/// Requests for authorization that wait for a person, oldest first.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) by_mark: HashMap<Mark, Asked>,
    pub(super) order: VecDeque<Mark>,
}

/// The digest of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mark([u8; 32]);

impl Mark {
    pub(super) fn of(secret: &str) -> Mark {
        Mark(digest(&SHA256, secret.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// The name of its record.
    pub(super) fn name(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Two texts compared by their digests, so that the time it takes says nothing about them.
pub(super) fn same(one: &str, other: &str) -> bool {
    Mark::of(one) == Mark::of(other)
}

/// The authorization server of an organisation.
#[derive(Clone, Copy)]
pub struct Apps<'a> {
    pub(super) organisation: &'a Organisation,
}

impl Organisation {
    pub fn apps(&self) -> Apps<'_> {
        Apps { organisation: self }
    }

    /// The address of the authorization server, which is also its name in tokens: `https://ehr.example/riverside/auth`.
    pub fn issuer(&self) -> String {
        format!("{}/auth", self.base)
    }
}

impl<'a> Apps<'a> {
    pub(super) fn store(self) -> &'a store::Store {
        &self.organisation.store
    }

    pub(super) fn memory(self) -> &'a Memory {
        &self.organisation.access.apps
    }

    pub(super) fn secret(self) -> String {
        self.organisation.surroundings.new_secret()
    }

    /// A record read back as what it is.
    pub(super) async fn kept<T: DeserializeOwned>(
        self,
        shelf: &str,
        name: &str,
        now: i64,
    ) -> Allowed<Option<(T, Item)>> {
        let Some(item) = self.store().item(shelf, name, now).await? else { return Ok(None) };
        Ok(Some((body(&item)?, item)))
    }
}

pub(super) fn body<T: DeserializeOwned>(item: &Item) -> Allowed<T> {
    serde_json::from_slice(&item.body).map_err(|_| {
        tracing::error!(shelf = item.shelf, "a record of the authorization server cannot be read");
        Denial { code: Code::ServerError, says: "the server cannot read its own record" }
    })
}

pub(super) fn written(value: &impl Serialize) -> bytes::Bytes {
    serde_json::to_vec(value).expect("records are plain data").into()
}

/// An app before it acts for anyone: nothing may be read or written in its name, its steps are only logged.
pub(super) fn app(client: &Client) -> Caller {
    Caller {
        who: format!("client/{}", client.id).into(),
        display: client.name.as_str().into(),
        role: "system".into(),
        purpose: Purpose::System,
        rights: Arc::new(Rights::default()),
        patient: None,
        client: Some(client.id.as_str().into()),
        request: None,
    }
}

/// How a client may come to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
}

impl GrantType {
    pub const ALL: [GrantType; 3] =
        [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];

    pub fn name(self) -> &'static str {
        match self {
            GrantType::AuthorizationCode => "authorization_code",
            GrantType::RefreshToken => "refresh_token",
            GrantType::ClientCredentials => "client_credentials",
        }
    }

    pub fn parse(name: &str) -> Option<GrantType> {
        GrantType::ALL.into_iter().find(|it| it.name() == name)
    }
}
