//! Which version this is, and what it was built for.

use crate::failure::Done;
use crate::terminal;
use serde_json::json;

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn show(as_json: bool) -> Done {
    if as_json {
        terminal::json(&json!({
            "name": "continuo",
            "version": VERSION,
            "fhir": "4.0.1",
            "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            "optimised": !cfg!(debug_assertions),
        }));
    } else {
        terminal::line(format_args!("continuo {VERSION} (FHIR 4.0.1)"));
    }
    Ok(())
}
