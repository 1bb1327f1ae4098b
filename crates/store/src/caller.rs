//! Who asks. The first argument of every call of the store and of `care`; there is no way around it.

use crate::rights::Rights;
use fhir::Id;
use std::fmt;
use std::sync::Arc;

/// Someone, or some part of the program, that reads or writes, with what they may reach.
/// Made by `care::access` for people and clients, and by [`Caller::system`] for our own work.
#[derive(Clone, PartialEq)]
pub struct Caller {
    /// A stable name for the audit log: `user/7f3c`, `client/lab-portal`, `system/reindex`.
    pub who: Arc<str>,
    /// What people call them: `Dr. Amara Okafor`.
    pub display: Arc<str>,
    /// The role under which they act: `clinician`, `front-desk`, `system`.
    pub role: Arc<str>,
    pub purpose: Purpose,
    pub rights: Arc<Rights>,
    /// The patient in whose name or context they act: the portal's own record, the context of a SMART launch.
    pub patient: Option<Id>,
    /// The app they act through, by its client id.
    pub client: Option<Arc<str>>,
    /// Ties the audit entry to the request.
    pub request: Option<Arc<str>>,
}

/// Why (a subset of HL7 v3 PurposeOfUse).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Treatment,
    Payment,
    Operations,
    PatientRequest,
    /// Break-glass.
    Emergency,
    Research,
    Legal,
    System,
}

impl Purpose {
    pub const ALL: [Purpose; 8] = [
        Purpose::Treatment,
        Purpose::Payment,
        Purpose::Operations,
        Purpose::PatientRequest,
        Purpose::Emergency,
        Purpose::Research,
        Purpose::Legal,
        Purpose::System,
    ];

    /// What a code means, if it is one of these.
    pub fn parse(code: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|it| it.code() == code)
    }

    /// What a code means; our own work where it is none of these.
    pub(crate) fn from_code(code: &str) -> Purpose {
        Purpose::parse(code).unwrap_or(Purpose::System)
    }

    /// The code of HL7 v3 PurposeOfUse.
    pub fn code(self) -> &'static str {
        match self {
            Purpose::Treatment => "TREAT",
            Purpose::Payment => "HPAYMT",
            Purpose::Operations => "HOPERAT",
            Purpose::PatientRequest => "PATRQT",
            Purpose::Emergency => "ETREAT",
            Purpose::Research => "HRESCH",
            Purpose::Legal => "HLEGAL",
            Purpose::System => "HSYSADMIN",
        }
    }
}

impl Caller {
    /// Our own work: `Caller::system("reindex")`. Audited like any other.
    pub fn system(work: &str) -> Caller {
        Caller {
            who: format!("system/{work}").into(),
            display: "Continuo".into(),
            role: "system".into(),
            purpose: Purpose::System,
            rights: Rights::everything(),
            patient: None,
            client: None,
            request: None,
        }
    }

    pub fn with_request(mut self, request: &str) -> Caller {
        self.request = Some(request.into());
        self
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.who, self.role)
    }
}
