//! Who asks. The first argument of every call of the store and of `care`; there is no way around it.

use fhir::Id;
use std::fmt;
use std::sync::Arc;

/// Someone, or some part of the program, that reads or writes, with what they may reach.
/// Made by `care::access` for people and clients, and by [`Caller::system`] for our own work.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// A stable name for the audit log: `user/7f3c`, `client/lab-portal`, `system/reindex`.
    pub who: Arc<str>,
    /// What people call them: `Dr. Amara Okafor`.
    pub display: Arc<str>,
    /// The role under which they act: `clinician`, `front-desk`, `system`.
    pub role: Arc<str>,
    pub purpose: Purpose,
    pub reach: Reach,
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
    System,
}

impl Purpose {
    /// The code of HL7 v3 PurposeOfUse.
    pub fn code(self) -> &'static str {
        match self {
            Purpose::Treatment => "TREAT",
            Purpose::Payment => "HPAYMT",
            Purpose::Operations => "HOPERAT",
            Purpose::PatientRequest => "PATRQT",
            Purpose::System => "HSYSADMIN",
        }
    }
}

/// What the caller may see; the query builder adds it to every query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everything of the organisation.
    Organisation,
    /// One patient's compartment (FHIR R4 CompartmentDefinition/patient), and nothing to write.
    Patient(Id),
}

impl Caller {
    /// Our own work: `Caller::system("reindex")`. Audited like any other.
    pub fn system(work: &str) -> Caller {
        Caller {
            who: format!("system/{work}").into(),
            display: "Continuo".into(),
            role: "system".into(),
            purpose: Purpose::System,
            reach: Reach::Organisation,
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
