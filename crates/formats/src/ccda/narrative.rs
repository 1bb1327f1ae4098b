//! Narrative blocks (CDA R2, 4.3.5) as XHTML of a FHIR Narrative. Elements are translated by a table, attributes are
//! taken by name: what is on neither list contributes its words at most, and what could run contributes nothing.

use super::xml::{Element, Node};

/// Narrative block element → XHTML element.
const ELEMENTS: [(&str, &str); 22] = [
    ("br", "br"),
    ("caption", "caption"),
    ("col", "col"),
    ("colgroup", "colgroup"),
    ("content", "span"),
    ("footnote", "span"),
    ("footnoteRef", "sup"),
    ("item", "li"),
    ("linkHtml", "a"),
    ("list", "ul"),
    ("paragraph", "p"),
    ("renderMultiMedia", "span"),
    ("sub", "sub"),
    ("sup", "sup"),
    ("table", "table"),
    ("tbody", "tbody"),
    ("td", "td"),
    ("text", "div"),
    ("tfoot", "tfoot"),
    ("th", "th"),
    ("thead", "thead"),
    ("tr", "tr"),
];

/// Elements of HTML that senders use although the narrative block has none: kept as they are when harmless.
const BORROWED: [&str; 10] = ["b", "div", "em", "i", "li", "ol", "p", "span", "strong", "ul"];

/// What is left out with everything in it.
const NEVER: [&str; 10] = ["script", "style", "iframe", "object", "embed", "applet", "form", "input", "svg", "math"];

const ATTRIBUTES: [&str; 7] = ["colspan", "rowspan", "span", "scope", "abbr", "headers", "axis"];

const EMPHASES: [(&str, &str); 3] = [("bold", "b"), ("italics", "i"), ("underline", "u")];

const VOID: [&str; 2] = ["br", "col"];

/// The narrative deepens by at most two elements for each of the sender's, and FHIR allows 128.
const DEEPEST: usize = 40;

/// The `div` of a section's text; `None` when it says nothing.
pub(super) fn xhtml(text: Node<'_>) -> Option<String> {
    let mut out = String::from("<div xmlns=\"http://www.w3.org/1999/xhtml\">");
    let before = out.len();
    for child in text.children() {
        write(&mut out, child, 0);
    }
    let says = text.descendants().any(|it| it.is_text() && it.text().is_some_and(|it| !it.trim().is_empty()));
    out.push_str("</div>");
    (says && has_words(&out[before..])).then_some(out)
}

/// A sentence of our own where the sender has none.
pub(super) fn sentence(words: &str) -> String {
    let mut out = String::from("<div xmlns=\"http://www.w3.org/1999/xhtml\">");
    escape(&mut out, words);
    out.push_str("</div>");
    out
}

fn has_words(html: &str) -> bool {
    let mut inside = false;
    html.chars().any(|it| {
        match it {
            '<' => inside = true,
            '>' => inside = false,
            _ => return !inside && !it.is_whitespace(),
        }
        false
    })
}

fn write(out: &mut String, node: Node<'_>, depth: usize) {
    if let Some(text) = node.text().filter(|_| node.is_text()) {
        escape(out, text);
        return;
    }
    if !node.is_element() {
        return;
    }
    let name = node.tag_name().name();
    if NEVER.iter().any(|it| it.eq_ignore_ascii_case(name)) {
        return;
    }
    if depth >= DEEPEST {
        escape(out, &node.words());
        return;
    }
    let known = ELEMENTS.iter().find(|(from, _)| *from == name).map(|(_, to)| *to);
    let borrowed = || BORROWED.iter().copied().find(|it| *it == name);
    let Some(mut element) = known.or_else(borrowed) else {
        for child in node.children() {
            write(out, child, depth + 1);
        }
        return;
    };
    let parent = node.parent().map(|it| it.tag_name().name()).unwrap_or_default();
    element = match (name, parent) {
        ("list", _) if node.attr("listType").is_some_and(|it| it.eq_ignore_ascii_case("ordered")) => "ol",
        ("caption", "table") => "caption",
        ("caption", "list") => "li",
        ("caption", _) => "strong",
        _ => element,
    };
    let href = node.attr("href").filter(|_| element == "a").filter(|it| is_harmless(it));
    if element == "a" && href.is_none() {
        element = "span";
    }
    out.push('<');
    out.push_str(element);
    if let Some(id) = node.attribute("ID").map(str::trim).filter(|it| is_plain(it)) {
        attribute(out, "id", id);
    }
    for name in ATTRIBUTES {
        if let Some(value) = node.attr(name).filter(|it| is_plain(it)) {
            attribute(out, name, value);
        }
    }
    if let Some(href) = href {
        attribute(out, "href", href);
    }
    if VOID.contains(&element) {
        out.push_str("/>");
        return;
    }
    out.push('>');
    let style = node.attr("styleCode").unwrap_or_default().to_ascii_lowercase();
    let inline = matches!(element, "span" | "p" | "td" | "th" | "li" | "strong");
    let emphases: Vec<&str> =
        EMPHASES.iter().filter(|(code, _)| inline && style.contains(code)).map(|(_, tag)| *tag).collect();
    for tag in &emphases {
        out.push_str(&format!("<{tag}>"));
    }
    for child in node.children() {
        write(out, child, depth + 1);
    }
    for tag in emphases.iter().rev() {
        out.push_str(&format!("</{tag}>"));
    }
    out.push_str("</");
    out.push_str(element);
    out.push('>');
}

fn is_plain(value: &str) -> bool {
    value.len() <= 200 && value.chars().all(|it| it.is_alphanumeric() || matches!(it, '.' | '-' | '_' | ':' | ' '))
}

/// Only what a browser opens as a page or a place of this one.
fn is_harmless(href: &str) -> bool {
    let plain: String = href.chars().filter(|it| !it.is_whitespace() && !it.is_control()).collect();
    let lower = plain.to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://") || lower.starts_with('#')
}

fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(out, value);
    out.push('"');
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn shown(inner: &str) -> Option<String> {
        let text = format!(r#"<text xmlns="urn:hl7-org:v3">{inner}</text>"#);
        let tree = super::super::xml::parse(&text).expect("is XML");
        xhtml(tree.root_element())
    }

    fn problems(div: &str) -> Vec<fhir::Issue> {
        fhir::validate::validate(&json!({
            "resourceType": "Basic", "code": { "text": "x" }, "text": { "status": "additional", "div": div }
        }))
    }

    #[test]
    fn tables_lists_and_emphasis_stay() {
        let html = shown(
            r#"<table border="1"><caption>Labs</caption><tbody><tr ID="r1"><td colspan="2" onclick="x()">7 &lt; 9</td></tr></tbody></table>
               <list listType="ordered"><caption>First</caption><item><content styleCode="Bold">one</content></item></list>"#,
        )
        .expect("says something");
        assert!(html.contains(r#"<tr id="r1"><td colspan="2">7 &lt; 9</td></tr>"#), "{html}");
        assert!(html.contains("<ol><li>First</li><li><span><b>one</b></span></li></ol>"), "{html}");
        assert!(problems(&html).is_empty(), "{:?}", problems(&html));
    }

    #[test]
    fn nothing_in_a_narrative_can_run() {
        let html = shown(
            r#"<paragraph>a<script>alert(1)</script><linkHtml href=" java&#10;script:alert(1)">b</linkHtml></paragraph>
               <content onmouseover="x()" style="behavior:url(x)">c</content><iframe src="http://x">d</iframe><img src="x" onerror="y"/>"#,
        )
        .expect("says something");
        for word in ["script", "onmouseover", "style", "iframe", "onerror", "img"] {
            assert!(!html.contains(word), "{word} in {html}");
        }
        assert!(problems(&html).is_empty(), "{:?}", problems(&html));
    }

    #[test]
    fn a_text_without_words_is_none() {
        assert_eq!(shown("<table><tbody><tr><td> </td></tr></tbody></table>"), None);
        assert_eq!(shown("<script>alert(1)</script>"), None);
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_text_the_narrative_is_valid(
            words in "\\PC{0,30}",
            names in proptest::collection::vec("content|table|td|list|item|caption|script|svg|b|x|linkHtml|div", 0..60),
            link in "\\PC{0,20}",
        ) {
            let safe = |it: &str| it.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
            let mut inner = String::new();
            for name in &names {
                inner.push_str(&format!(r#"<{name} href="{0}" ID="{0}" styleCode="bold">"#, safe(&link)));
            }
            inner.push_str(&safe(&words));
            for name in names.iter().rev() {
                inner.push_str(&format!("</{name}>"));
            }
            let text = format!(r#"<text xmlns="urn:hl7-org:v3">{inner}</text>"#);
            if let Ok(tree) = super::super::xml::parse(&text)
                && let Some(html) = xhtml(tree.root_element())
            {
                prop_assert!(problems(&html).is_empty(), "{html} {:?}", problems(&html));
            }
        }
    }
}
