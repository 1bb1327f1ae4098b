//! Narratives made to run something in the page that shows them: every way of saying it, in every place it can be said.

use super::whole;
use formats::ccda;

/// What a browser might act on, each with its name.
const VECTORS: [(&str, &str); 40] = [
    ("script", "<script>alert(1)</script>"),
    ("script in capitals", "<SCRIPT>alert(1)</SCRIPT>"),
    ("script of another space", r#"<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>"#),
    ("script from elsewhere", r#"<script src="//elsewhere.example/x.js"/>"#),
    ("a script within a script", "<script><script>alert(1)</script></script>"),
    ("iframe", r#"<iframe src="https://elsewhere.example"/>"#),
    ("iframe with a document", r#"<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"/>"#),
    ("picture with a handler", r#"<img src="x" onerror="alert(1)"/>"#),
    ("picture that calls home", r#"<img src="https://elsewhere.example/p.gif"/>"#),
    ("svg", r#"<svg onload="alert(1)"><script>alert(1)</script></svg>"#),
    ("svg of its own space", r#"<svg xmlns="http://www.w3.org/2000/svg"><a href="javascript:alert(1)">x</a></svg>"#),
    ("math", r#"<math><maction actiontype="statusline" href="javascript:alert(1)">x</maction></math>"#),
    (
        "math that becomes another",
        "<math><mtext><table><mglyph><style><img src='x' onerror='alert(1)'/></style></mglyph></table></mtext></math>",
    ),
    ("style", "<style>@import 'https://elsewhere.example/x.css';</style>"),
    ("style of an element", r#"<paragraph style="background:url(javascript:alert(1))">x</paragraph>"#),
    ("behaviour", r#"<content style="behavior:url(x.htc)">x</content>"#),
    ("object", r#"<object data="data:text/html,x"/>"#),
    ("embed", r#"<embed src="javascript:alert(1)"/>"#),
    ("form", r#"<form action="https://elsewhere.example"><input name="password"/></form>"#),
    ("button", r#"<button formaction="javascript:alert(1)">x</button>"#),
    ("base", r#"<base href="https://elsewhere.example/"/>"#),
    ("meta", r#"<meta http-equiv="refresh" content="0;url=https://elsewhere.example"/>"#),
    ("link", r#"<link rel="stylesheet" href="https://elsewhere.example/x.css"/>"#),
    ("handler on a table", r#"<table onmouseover="alert(1)"><tbody><tr><td>x</td></tr></tbody></table>"#),
    ("background of a table", r#"<table background="javascript:alert(1)"><tbody><tr><td>x</td></tr></tbody></table>"#),
    ("handler on a cell", r#"<table><tbody><tr><td onclick="alert(1)">x</td></tr></tbody></table>"#),
    ("link that runs", r#"<linkHtml href="javascript:alert(1)">x</linkHtml>"#),
    ("link that runs, in pieces", r#"<linkHtml href=" java&#9;script&#10;:alert(1)">x</linkHtml>"#),
    ("link that runs, in capitals", r#"<linkHtml href="JaVaScRiPt:alert(1)">x</linkHtml>"#),
    ("link with data", r#"<linkHtml href="data:text/html;base64,PHNjcmlwdD4=">x</linkHtml>"#),
    ("link of another language", r#"<linkHtml href="vbscript:msgbox(1)">x</linkHtml>"#),
    ("link with a letter that is not seen", "<linkHtml href=\"\u{1}javascript:alert(1)\">x</linkHtml>"),
    ("anchor of html", r#"<a href="javascript:alert(1)" onclick="alert(1)">x</a>"#),
    ("a picture by reference", r#"<renderMultiMedia referencedObject="javascript:alert(1)"/>"#),
    ("words that look like markup", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("words that look like markup, kept", "<![CDATA[<script>alert(1)</script><img src=x onerror=alert(1)>]]>"),
    ("an id that breaks out", r#"<content ID="x&quot; onclick=&quot;alert(1)">x</content>"#),
    (
        "a span that breaks out",
        r#"<table><tbody><tr><td colspan="2&quot;&gt;&lt;script&gt;">x</td></tr></tbody></table>"#,
    ),
    ("a title that breaks out", r#"<content title="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;">x</content>"#),
    ("an address that breaks out", r#"<linkHtml href="https://a.example/&quot; onclick=&quot;alert(1)">x</linkHtml>"#),
];

/// Where it is said.
const PLACES: [(&str, &str, &str); 5] = [
    ("in the open", "", ""),
    ("in a paragraph", "<paragraph>words ", " words</paragraph>"),
    ("in a cell", "<table><tbody><tr><td>", "</td></tr></tbody></table>"),
    ("in an item", "<list><item>", "</item></list>"),
    ("in something unknown", "<unknown><content styleCode=\"Bold Italics\">", "</content></unknown>"),
];

const ELEMENTS: [&str; 27] = [
    "a", "b", "br", "caption", "col", "colgroup", "div", "em", "i", "li", "ol", "p", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "dl", "dt",
];
const ATTRIBUTES: [&str; 9] = ["id", "colspan", "rowspan", "span", "scope", "abbr", "headers", "axis", "href"];

#[test]
fn whatever_a_narrative_says_only_words_and_harmless_markup_arrive() {
    let mut count = 0;
    for (name, vector) in VECTORS {
        for (place, before, after) in PLACES {
            let text = format!("<section><text>kept {before}{vector}{after} also kept</text></section>");
            let document = whole(&text).expect("is a section");
            // A letter that XML forbids may have the document refused, which is as good.
            let Ok(document) = ccda::read(document.as_bytes()) else { continue };
            count += 1;
            let composition = document.read.resources.iter().find(|it| it.0 == document.head.composition);
            let div = composition.and_then(|it| it.1["section"][0]["text"]["div"].as_str()).expect("has a narrative");
            assert!(div.contains("kept") && div.contains("also kept"), "{name} {place}: {div}");
            let tree = roxmltree::Document::parse(div).unwrap_or_else(|error| panic!("{name} {place}: {error}: {div}"));
            for it in tree.descendants().filter(|it| it.is_element()) {
                assert!(ELEMENTS.contains(&it.tag_name().name()), "{name} {place}: {div}");
                for attribute in it.attributes() {
                    assert!(ATTRIBUTES.contains(&attribute.name()), "{name} {place}: {div}");
                    let value = attribute.value().trim_start().to_ascii_lowercase();
                    let harmless = attribute.name() != "href" || value.starts_with("http") || value.starts_with('#');
                    assert!(harmless && !value.contains('<'), "{name} {place}: {div}");
                }
            }
            let basic = serde_json::json!({ "resourceType": "Basic", "code": { "text": "x" },
                "text": { "status": "additional", "div": div } });
            assert!(fhir::validate::validate(&basic).is_empty(), "{name} {place}: {div}");
        }
    }
    assert!(count >= 150, "{count}");
}

#[test]
fn a_file_in_place_of_a_body_stays_a_file_whatever_it_claims_to_be() {
    for kind in [
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/javascript",
        "application/pdf",
        "x/y\" onload=\"z",
    ] {
        let text = format!(
            r#"<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/><recordTarget><patientRole><id root="1.2.4" extension="p"/></patientRole></recordTarget>
            <component><nonXMLBody><text mediaType="{}" representation="B64">PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==</text></nonXMLBody></component></ClinicalDocument>"#,
            kind.replace('"', "&quot;")
        );
        let document = ccda::read(text.as_bytes()).expect("is read");
        let told = document.read.resources.iter().map(|it| it.1.to_string()).collect::<String>();
        assert!(told.contains("PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==") && !told.contains("<script"), "{told}");
    }
}
