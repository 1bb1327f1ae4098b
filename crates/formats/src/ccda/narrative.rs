//! Narrative blocks (CDA R2, 4.3.5) as XHTML of a FHIR Narrative. Elements are translated by a table, attributes are
//! taken by name: what is on neither list contributes its words at most, and what could run contributes nothing.

use super::pull::{Event, Fault, Pull, Tag, said};
use std::borrow::Cow;

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

/// An element that is open.
struct Level<'t> {
    name: &'t str,
    /// What closes it, the innermost last.
    close: Vec<&'static str>,
    /// Nothing within it is shown.
    silent: bool,
}

/// The `div` of a section's text, as it stands in the document with its tags; `None` when it says nothing. One pass: the
/// largest narrative costs no more than its own length.
pub(super) fn xhtml(text: &str) -> Result<Option<String>, Fault> {
    let mut out = String::with_capacity(text.len() / 2 + 64);
    out.push_str("<div xmlns=\"http://www.w3.org/1999/xhtml\">");
    let before = out.len();
    let mut pull = Pull::of(text);
    let mut levels: Vec<Level<'_>> = Vec::new();
    while let Some(event) = pull.next()? {
        let silent = levels.last().is_some_and(|it| it.silent);
        match event {
            // The text itself.
            Event::Open(tag) if levels.is_empty() => {
                if tag.empty {
                    break;
                }
                levels.push(Level { name: "text", close: Vec::new(), silent: false });
            }
            Event::Open(tag) if silent => {
                if !tag.empty {
                    levels.push(Level { name: tag.local(), close: Vec::new(), silent });
                }
            }
            Event::Open(tag) => {
                let parent = levels.last().map_or("text", |it| it.name);
                let level = open(&mut out, &tag, parent, levels.len() - 1);
                match tag.empty {
                    true => close(&mut out, &level),
                    false => levels.push(level),
                }
            }
            Event::Close(_) => match levels.pop() {
                Some(level) => close(&mut out, &level),
                None => break,
            },
            Event::Text(words) if !silent && words.contains('&') => escape(&mut out, &said(words)),
            Event::Text(words) | Event::Plain(words) if !silent => escape(&mut out, words),
            Event::Text(_) | Event::Plain(_) => {}
        }
    }
    let says = has_words(&out[before..]);
    out.push_str("</div>");
    Ok(says.then_some(out))
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

/// Writes the start of an element; `depth` is how many of the sender's it stands in.
fn open<'t>(out: &mut String, tag: &Tag<'t>, parent: &str, depth: usize) -> Level<'t> {
    let name = tag.local();
    let plain = |silent| Level { name, close: Vec::new(), silent };
    if NEVER.iter().any(|it| it.eq_ignore_ascii_case(name)) {
        return plain(true);
    }
    if depth >= DEEPEST {
        out.push(' ');
        return plain(false);
    }
    let known = ELEMENTS.iter().find(|(from, _)| *from == name).map(|(_, to)| *to);
    let Some(mut element) = known.or_else(|| BORROWED.iter().copied().find(|it| *it == name)) else {
        return plain(false);
    };
    element = match (name, parent) {
        ("list", _) if tag.attribute("listType").is_some_and(|it| it.eq_ignore_ascii_case("ordered")) => "ol",
        ("caption", "table") => "caption",
        ("caption", "list") => "li",
        ("caption", _) => "strong",
        _ => element,
    };
    let href = tag.attribute("href").filter(|it| element == "a" && is_harmless(it));
    if element == "a" && href.is_none() {
        element = "span";
    }
    out.push('<');
    out.push_str(element);
    if let Some(id) = tag.attribute("ID").filter(|it| is_plain(it)) {
        attribute(out, "id", &id);
    }
    for name in ATTRIBUTES {
        if let Some(value) = tag.attribute(name).filter(|it| is_plain(it)) {
            attribute(out, name, &value);
        }
    }
    if let Some(href) = href {
        attribute(out, "href", &href);
    }
    if VOID.contains(&element) {
        out.push_str("/>");
        return plain(true);
    }
    out.push('>');
    let mut close = vec![element];
    let style = tag.attribute("styleCode").unwrap_or(Cow::Borrowed("")).to_ascii_lowercase();
    let inline = matches!(element, "span" | "p" | "td" | "th" | "li" | "strong");
    for (_, tag) in EMPHASES.iter().filter(|(code, _)| inline && style.contains(code)) {
        out.push('<');
        out.push_str(tag);
        out.push('>');
        close.push(*tag);
    }
    Level { name, close, silent: false }
}

fn close(out: &mut String, level: &Level<'_>) {
    for tag in level.close.iter().rev() {
        out.push_str("</");
        out.push_str(tag);
        out.push('>');
    }
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
        xhtml(&text).expect("is XML")
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
            if let Ok(Some(html)) = xhtml(&text) {
                prop_assert!(problems(&html).is_empty(), "{html} {:?}", problems(&html));
            }
        }
    }
}
