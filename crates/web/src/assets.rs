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
    text: String,
    address: String,
}

/// Every file, in one list; a script stands after those it imports.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    const CSS: &str = "text/css; charset=utf-8";
    const JS: &str = "text/javascript; charset=utf-8";
    const SVG: &str = "image/svg+xml";
    let mut all: Vec<Asset> = Vec::new();
    for (name, content_type, text) in [
        ("wire.js", JS, include_str!("assets/wire.js")),
        ("continuo.css", CSS, include_str!("assets/continuo.css")),
        ("orders.css", CSS, include_str!("assets/orders.css")),
        ("summary.css", CSS, include_str!("assets/summary.css")),
        ("search.js", JS, include_str!("assets/search.js")),
        ("keys.js", JS, include_str!("assets/keys.js")),
        ("trend.js", JS, include_str!("assets/trend.js")),
        ("session.js", JS, include_str!("assets/session.js")),
        ("passkey.js", JS, include_str!("assets/passkey.js")),
        ("acts.js", JS, include_str!("assets/acts.js")),
        ("live.js", JS, include_str!("assets/live.js")),
        ("inbox.js", JS, include_str!("assets/inbox.js")),
        ("reconcile.css", CSS, include_str!("assets/reconcile.css")),
        ("reconcile.js", JS, include_str!("assets/reconcile.js")),
        ("inbox.css", CSS, include_str!("assets/inbox.css")),
        ("results.css", CSS, include_str!("assets/results.css")),
        ("growth.css", CSS, include_str!("assets/growth.css")),
        ("duplicates.css", CSS, include_str!("assets/duplicates.css")),
        ("interfaces.css", CSS, include_str!("assets/interfaces.css")),
        ("launcher.js", JS, include_str!("assets/launcher.js")),
        ("drawer.js", JS, include_str!("assets/drawer.js")),
        ("rtc.js", JS, include_str!("assets/rtc.js")),
        ("video.css", CSS, include_str!("assets/video.css")),
        ("notes.css", CSS, include_str!("assets/notes.css")),
        ("composer.js", JS, include_str!("assets/composer.js")),
        ("combo.js", JS, include_str!("assets/combo.js")),
        ("entry.js", JS, include_str!("assets/entry.js")),
        ("entry.css", CSS, include_str!("assets/entry.css")),
        ("devices.css", CSS, include_str!("assets/devices.css")),
        ("imaging.css", CSS, include_str!("assets/imaging.css")),
        ("viewer.js", JS, include_str!("assets/viewer.js")),
        ("icon.svg", SVG, include_str!("assets/icon.svg")),
    ] {
        let (stem, extension) = name.rsplit_once('.').expect("an asset has an extension");
        // Scripts name each other plainly; browsers are told the address with the digest.
        let text = all.iter().fold(text.to_owned(), |text, other| {
            text.replace(&format!("'./{}'", other.name), &format!("'{}'", other.address))
        });
        let address = format!("/assets/{stem}-{:016x}.{extension}", digest(&text));
        all.push(Asset { name, content_type, text, address });
    }
    all
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
    (StatusCode::OK, headers, asset.text.as_str()).into_response()
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

    /// What every page has, and the largest that one page adds to it. The scan with a browser adds up each page.
    #[test]
    fn what_every_page_has_leaves_room_for_what_is_its_own() {
        let of = |names: &[&str]| names.iter().map(|it| text(it).len()).sum::<usize>();
        let scripts = of(&crate::components::shell::SCRIPTS) + text("wire.js").len();
        assert!(scripts <= 38_000, "{scripts}");
        assert!(text("continuo.css").len() <= 44_000, "{}", text("continuo.css").len());
    }

    #[test]
    fn scripts_import_each_other_by_the_address_that_is_served() {
        for asset in ASSETS.iter().filter(|it| it.name.ends_with(".js")) {
            assert!(!asset.text.contains("from './"), "{} imports what stands after it in the list", asset.name);
        }
        assert!(text("keys.js").contains(address("wire.js")));
    }

    fn text(name: &str) -> &'static str {
        &ASSETS.iter().find(|it| it.name == name).expect("a file of the list").text
    }
}
