//! What can be wrong, said once: an [`Issue`] becomes one line of an OperationOutcome, of an import
//! report or of an acknowledgement. Issues name elements and rules, never values of a patient.

use serde_json::{Value, json};

/// How bad it is (FHIR R4, value set issue-severity).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Information,
    Warning,
    Error,
    Fatal,
}

impl Severity {
    pub fn code(self) -> &'static str {
        match self {
            Severity::Information => "information",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Fatal => "fatal",
        }
    }
}

/// What kind of thing is wrong (FHIR R4, value set issue-type; the subset we use).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueCode {
    Invalid,
    Structure,
    Required,
    Value,
    Invariant,
    Security,
    Login,
    Forbidden,
    NotSupported,
    Duplicate,
    MultipleMatches,
    NotFound,
    Deleted,
    TooLong,
    CodeInvalid,
    Extension,
    TooCostly,
    BusinessRule,
    Conflict,
    Throttled,
    Exception,
    Incomplete,
    Informational,
}

impl IssueCode {
    pub fn code(self) -> &'static str {
        match self {
            IssueCode::Invalid => "invalid",
            IssueCode::Structure => "structure",
            IssueCode::Required => "required",
            IssueCode::Value => "value",
            IssueCode::Invariant => "invariant",
            IssueCode::Security => "security",
            IssueCode::Login => "login",
            IssueCode::Forbidden => "forbidden",
            IssueCode::NotSupported => "not-supported",
            IssueCode::Duplicate => "duplicate",
            IssueCode::MultipleMatches => "multiple-matches",
            IssueCode::NotFound => "not-found",
            IssueCode::Deleted => "deleted",
            IssueCode::TooLong => "too-long",
            IssueCode::CodeInvalid => "code-invalid",
            IssueCode::Extension => "extension",
            IssueCode::TooCostly => "too-costly",
            IssueCode::BusinessRule => "business-rule",
            IssueCode::Conflict => "conflict",
            IssueCode::Throttled => "throttled",
            IssueCode::Exception => "exception",
            IssueCode::Incomplete => "incomplete",
            IssueCode::Informational => "informational",
        }
    }
}

/// One finding: how bad, what kind, where (a FHIRPath to the element) and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    pub severity: Severity,
    pub code: IssueCode,
    /// FHIRPath of the element, for example `Patient.name[0].given[1]`; empty when it is about the whole.
    pub expression: String,
    /// A sentence for the person who must mend it.
    pub diagnostics: String,
}

impl Issue {
    pub fn error(code: IssueCode, expression: impl Into<String>, diagnostics: impl Into<String>) -> Issue {
        Issue { severity: Severity::Error, code, expression: expression.into(), diagnostics: diagnostics.into() }
    }

    pub fn warning(code: IssueCode, expression: impl Into<String>, diagnostics: impl Into<String>) -> Issue {
        Issue { severity: Severity::Warning, code, expression: expression.into(), diagnostics: diagnostics.into() }
    }

    pub fn information(code: IssueCode, diagnostics: impl Into<String>) -> Issue {
        Issue { severity: Severity::Information, code, expression: String::new(), diagnostics: diagnostics.into() }
    }

    pub fn is_error(&self) -> bool {
        self.severity >= Severity::Error
    }
}

/// The OperationOutcome that carries these issues.
pub fn operation_outcome(issues: &[Issue]) -> Value {
    let issue: Vec<Value> = issues
        .iter()
        .map(|issue| {
            let mut entry = json!({
                "severity": issue.severity.code(),
                "code": issue.code.code(),
                "diagnostics": issue.diagnostics,
            });
            if !issue.expression.is_empty() {
                entry["expression"] = json!([issue.expression]);
            }
            entry
        })
        .collect();
    json!({ "resourceType": "OperationOutcome", "issue": issue })
}
