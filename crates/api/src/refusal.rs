//! Why a request was refused: a status, issues that say what to fix, and the headers that belong to it.
//! Every refusal leaves as an OperationOutcome; none holds data of a patient.

use ::fhir::{Issue, IssueCode};
use http::{HeaderName, HeaderValue, StatusCode};
use store::StoreError;

/// What every step of an interaction gives.
pub(crate) type Answer<T> = Result<T, Refusal>;

#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) issues: Vec<Issue>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: IssueCode, diagnostics: impl Into<String>) -> Refusal {
        Refusal { status, issues: vec![Issue::error(code, "", diagnostics)], headers: Vec::new() }
    }

    pub(crate) fn of(status: StatusCode, issues: Vec<Issue>) -> Refusal {
        Refusal { status, issues, headers: Vec::new() }
    }

    /// 400: the request itself cannot be understood.
    pub(crate) fn invalid(diagnostics: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, IssueCode::Invalid, diagnostics)
    }

    pub(crate) fn not_supported(diagnostics: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, IssueCode::NotSupported, diagnostics)
    }

    /// 412: a condition of the request does not hold.
    pub(crate) fn condition(code: IssueCode, diagnostics: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::PRECONDITION_FAILED, code, diagnostics)
    }

    /// 409, after every attempt met someone else's write.
    pub(crate) fn busy() -> Refusal {
        Refusal::new(
            StatusCode::CONFLICT,
            IssueCode::Conflict,
            "others keep changing what this request depends on; nothing was written, send it again",
        )
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Refusal {
        self.headers.push((name, value));
        self
    }

    /// Says of every issue in which element of the request it lies: `Bundle.entry[3].resource`.
    pub(crate) fn within(mut self, place: &str) -> Refusal {
        for issue in &mut self.issues {
            issue.expression = match issue.expression.split_once('.') {
                // `Patient.name[0]` inside an entry is `Bundle.entry[3].resource.name[0]`.
                Some((kind, rest)) if kind.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    format!("{place}.resource.{rest}")
                }
                _ if issue.expression.starts_with(|c: char| c.is_ascii_uppercase()) => format!("{place}.resource"),
                _ => place.to_owned(),
            };
        }
        self
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        let (status, _) = error.kind();
        if status >= 500 {
            // The database's own words are for the operator; they may quote values.
            tracing::error!(%error, "the store could not answer");
        }
        let issue = match &error {
            StoreError::Damaged(_) | StoreError::Database(_) => Issue::error(
                IssueCode::Exception,
                "",
                "the store could not answer; the operator finds the cause in the log under this X-Request-Id",
            ),
            _ => error.issue(),
        };
        let status = StatusCode::from_u16(status).expect("the store names real statuses");
        let refusal = Refusal::of(status, vec![issue]);
        match &error {
            StoreError::Gone { version, .. } => match HeaderValue::from_str(&format!("W/\"{version}\"")) {
                Ok(etag) => refusal.with(http::header::ETAG, etag),
                Err(_) => refusal,
            },
            StoreError::ReadOnly(_) | StoreError::Unavailable(_) => {
                refusal.with(http::header::RETRY_AFTER, HeaderValue::from_static("5"))
            }
            _ => refusal,
        }
    }
}
