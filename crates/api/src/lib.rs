//! Doors for machines: the FHIR R4 REST API. [`router`] gives the routes under `/{org}/fhir` of every
//! organisation of an installation; ports, TLS, metrics and time-outs are the server's.
//!
//! One table ([`routes`]) says which interactions there are; the dispatch, the label each request is
//! counted under and the CapabilityStatement are all made from it.
//!
//! FHIR R4, section 3.1.0 (RESTful API).

mod auth;
mod capability;
mod door;
mod fhir;
mod landing;
mod lines;
mod operations;
mod refusal;
mod reply;
pub mod routes;
mod settings;
pub mod smart;

pub use door::router;
pub use fhir::audit_event::audit_event;
pub use routes::Label;
pub use settings::{ApiSettings, Return};

/// Every address of the API with who may use it: those of the authorization server, and those of FHIR, where all but the
/// CapabilityStatement need a token (`Rights`: what it opens is decided for each resource); between them the one for
/// messages of partners (`Channel`: the token of the channel).
pub fn policies() -> Vec<(String, String)> {
    let smart = smart::ENDPOINTS.iter().map(|it| (it.path.to_owned(), format!("{:?}", it.policy)));
    let lines = std::iter::once((lines::PATH.to_owned(), lines::POLICY.to_owned()));
    smart.chain(lines).chain(routes::ROUTES.iter().map(|it| (it.shown(), it.policy().to_owned()))).collect()
}
