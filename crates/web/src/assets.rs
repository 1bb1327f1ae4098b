//! Style sheets and scripts: plain files built into the program, served under names that hold a digest of
//! their content, so that browsers may keep them for ever and never show an old one.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
    address: String,
}

/// Every file, in one list.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    const CSS: &str = "text/css; charset=utf-8";
    const JS: &str = "text/javascript; charset=utf-8";
    const SVG: &str = "image/svg+xml";
    let asset = |name: &'static str, content_type, text: &'static str| {
        let (stem, extension) = name.rsplit_once('.').expect("an asset has an extension");
        Asset { name, content_type, text, address: format!("/assets/{stem}-{:016x}.{extension}", digest(text)) }
    };
    vec![
        asset("continuo.css", CSS, include_str!("assets/continuo.css")),
        asset("search.js", JS, include_str!("assets/search.js")),
        asset("keys.js", JS, include_str!("assets/keys.js")),
        asset("trend.js", JS, include_str!("assets/trend.js")),
        asset("session.js", JS, include_str!("assets/session.js")),
        asset("passkey.js", JS, include_str!("assets/passkey.js")),
        asset("acts.js", JS, include_str!("assets/acts.js")),
        asset("live.js", JS, include_str!("assets/live.js")),
        asset("inbox.js", JS, include_str!("assets/inbox.js")),
        asset("inbox.css", CSS, include_str!("assets/inbox.css")),
        asset("results.css", CSS, include_str!("assets/results.css")),
        asset("growth.css", CSS, include_str!("assets/growth.css")),
        asset("launcher.js", JS, include_str!("assets/launcher.js")),
        asset("icon.svg", SVG, include_str!("assets/icon.svg")),
    ]
});

/// FNV-1a: it only has to differ when the content differs.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Where a file is served: `/assets/continuo-0123456789abcdef.css`.
pub(crate) fn address(name: &str) -> &'static str {
    &ASSETS.iter().find(|it| it.name == name).expect("a file of the list").address
}

pub(crate) fn routes() -> Router {
    ASSETS
        .iter()
        .fold(Router::new(), |router, asset| router.route(&asset.address, get(move || async move { serve(asset) })))
}

fn serve(asset: &'static Asset) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (StatusCode::OK, headers, asset.text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_a_digest_of_the_content() {
        let address = address("continuo.css");
        assert!(address.starts_with("/assets/continuo-") && address.ends_with(".css"), "{address}");
        assert_eq!(address.len(), "/assets/continuo-.css".len() + 16);
        assert_ne!(digest("a"), digest("b"));
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for asset in ASSETS.iter().filter(|it| it.name != "icon.svg") {
            assert!(!asset.text.contains("http://") && !asset.text.contains("https://"), "{}", asset.name);
            assert!(!asset.text.contains("@import") && !asset.text.contains("url("), "{}", asset.name);
        }
    }

    #[test]
    fn a_page_stays_light() {
        let size =
            |kind: &str| ASSETS.iter().filter(|it| it.name.ends_with(kind)).map(|it| it.text.len()).sum::<usize>();
        assert!(size(".css") <= 60_000, "{}", size(".css"));
        assert!(size(".js") <= 60_000, "{}", size(".js"));
    }
}
