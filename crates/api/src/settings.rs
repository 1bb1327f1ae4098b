//! What a site may choose about its FHIR door: limits and the options the standard leaves open.
//! Whatever is chosen here is what the CapabilityStatement declares.

/// Settings of the FHIR API. `server` reads them; the defaults suit a practice and a hospital alike.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The largest request body in bytes, after decompression. A whole life in one bundle is 2 to 40 MB.
    pub body_limit: usize,
    /// How deeply JSON may be nested.
    pub depth_limit: usize,
    /// How many entries a batch or transaction may have.
    pub entry_limit: usize,
    /// The longest query part of an address, in bytes; longer searches are sent with POST `_search`.
    pub query_limit: usize,
    /// Matches on a page when `_count` does not say.
    pub default_count: u32,
    /// Matches on a page at most; a larger `_count` is lowered to this.
    pub max_count: u32,
    /// Whether PUT to an id that does not exist creates it (FHIR R4, http.html#upsert).
    pub update_as_create: bool,
    /// Whether a conditional delete may delete several resources at once, and how many at most.
    pub delete_many: Option<usize>,
    /// What a create or update answers when `Prefer: return` does not say.
    pub default_return: Return,
    /// How often a request is prepared again when others write what it depends on.
    pub attempts: u32,
    /// Where a browser without a session is sent, below the organisation's address.
    pub sign_in: String,
}

impl Default for ApiSettings {
    fn default() -> ApiSettings {
        ApiSettings {
            body_limit: 64 * 1024 * 1024,
            depth_limit: 100,
            entry_limit: 50_000,
            query_limit: 32 * 1024,
            default_count: 50,
            max_count: 1000,
            update_as_create: true,
            delete_many: None,
            default_return: Return::Representation,
            attempts: 8,
            sign_in: "sign-in".into(),
        }
    }
}

/// `Prefer: return=…` (FHIR R4, http.html#return).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    Minimal,
    Representation,
    OperationOutcome,
}
