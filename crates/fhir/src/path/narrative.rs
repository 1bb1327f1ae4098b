//! What the text of a resource may contain (FHIR R4, narrative.html, txt-1 and txt-2): well-formed XHTML in
//! one `div`, formatting elements only, nothing active, and something to read. It only judges; what is
//! shown to people is cleaned elsewhere all the same.

const ELEMENTS: [&str; 60] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "area",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "map",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "strike",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "s",
    "font",
    "center",
];

/// Allowed on every element.
const EVERYWHERE: [&str; 21] = [
    "title",
    "style",
    "class",
    "id",
    "lang",
    "xml:lang",
    "xml:space",
    "dir",
    "accesskey",
    "tabindex",
    "span",
    "width",
    "align",
    "valign",
    "char",
    "charoff",
    "abbr",
    "axis",
    "headers",
    "scope",
    "xmlns",
];

/// Allowed on one element.
const PARTICULAR: [(&str, &[&str]); 12] = [
    ("a", &["href", "name", "charset", "type", "hreflang", "rel", "rev", "shape", "coords"]),
    ("area", &["shape", "coords", "href", "nohref", "alt"]),
    ("blockquote", &["cite"]),
    ("col", &["height"]),
    ("img", &["src", "alt", "longdesc", "height", "usemap", "ismap", "border"]),
    ("map", &["name"]),
    ("ol", &["start", "type"]),
    ("pre", &["space"]),
    ("q", &["cite"]),
    ("table", &["summary", "border", "frame", "rules", "cellspacing", "cellpadding", "bgcolor"]),
    ("td", &["rowspan", "colspan", "nowrap", "bgcolor", "height"]),
    ("th", &["rowspan", "colspan", "nowrap", "bgcolor", "height"]),
];

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Nesting beyond this is an attack, not a narrative.
const MAX_DEPTH: usize = 200;

/// Whether the text is a narrative as the standard allows.
pub(super) fn is_allowed(text: &str) -> bool {
    check(text).is_some()
}

/// `None` at the first thing that is not allowed.
fn check(text: &str) -> Option<()> {
    let mut rest = text.trim();
    let mut open: Vec<&str> = Vec::new();
    let mut closed = false;
    let mut readable = false;
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            let words = &rest[..end];
            if open.is_empty() {
                return None;
            }
            check_entities(words)?;
            readable |= !words.trim().is_empty();
            rest = &rest[end..];
            continue;
        };
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->")?.1;
            continue;
        }
        if let Some(closing) = tag.strip_prefix('/') {
            let (name, after) = closing.split_once('>')?;
            if open.pop()? != name.trim_end() {
                return None;
            }
            closed = open.is_empty();
            rest = after;
            continue;
        }
        // One root element and nothing after it; declarations and instructions have no place.
        if closed && open.is_empty() {
            return None;
        }
        let length = tag.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(tag.len());
        let name = &tag[..length];
        if !ELEMENTS.contains(&name) || (open.is_empty() && name != "div") || open.len() >= MAX_DEPTH {
            return None;
        }
        let after = check_attributes(name, &tag[length..])?;
        readable |= name == "img";
        rest = match after.strip_prefix("/>") {
            Some(empty) => {
                closed |= open.is_empty();
                empty
            }
            None => {
                open.push(name);
                after.strip_prefix('>')?
            }
        };
    }
    (closed && open.is_empty() && readable).then_some(())
}

/// Reads the attributes of a start tag up to its end.
fn check_attributes<'t>(element: &str, mut rest: &'t str) -> Option<&'t str> {
    let mut names: Vec<&str> = Vec::new();
    loop {
        let trimmed = rest.trim_start();
        if trimmed.starts_with('>') || trimmed.starts_with("/>") {
            return Some(trimmed);
        }
        // White space stands between attributes.
        if trimmed.len() == rest.len() {
            return None;
        }
        let (name, after) = trimmed.split_once('=')?;
        let name = name.trim_end();
        let after = after.trim_start();
        let quote = after.chars().next().filter(|it| *it == '"' || *it == '\'')?;
        let (value, after) = after[1..].split_once(quote)?;
        let particular = PARTICULAR.iter().find(|(known, _)| *known == element).map_or(&[][..], |(_, allowed)| allowed);
        let allowed = EVERYWHERE.contains(&name) || particular.contains(&name);
        if !allowed || names.contains(&name) || value.contains('<') {
            return None;
        }
        check_entities(value)?;
        match name {
            "xmlns" if value != XHTML => return None,
            "href" | "src" | "cite" | "longdesc" | "usemap" if is_active(value) => return None,
            "style" if is_active_style(value) => return None,
            _ => {}
        }
        names.push(name);
        rest = after;
    }
}

/// A link that would run something. White space, control characters and entities do not hide it.
fn is_active(link: &str) -> bool {
    let plain: String = decoded(link).chars().filter(|it| !it.is_whitespace() && !it.is_control()).collect();
    let plain = plain.to_ascii_lowercase();
    let image = plain.starts_with("data:image/") && !plain.starts_with("data:image/svg");
    ["javascript:", "vbscript:"].iter().any(|it| plain.starts_with(it)) || (plain.starts_with("data:") && !image)
}

fn is_active_style(style: &str) -> bool {
    let plain = decoded(style).to_ascii_lowercase();
    ["expression(", "javascript:", "behavior:", "-moz-binding", "@import"].iter().any(|it| plain.contains(it))
}

/// Numeric entities resolved, as a browser would before it looks at a link.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        out.push_str(before);
        let Some((name, after)) = entity.split_once(';') else {
            out.push('&');
            rest = entity;
            continue;
        };
        out.push(entity_character(name).unwrap_or('&'));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn entity_character(name: &str) -> Option<char> {
    let code = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        },
        None => match name {
            "colon" => u32::from(':'),
            "Tab" | "NewLine" => u32::from(' '),
            _ => return None,
        },
    };
    char::from_u32(code)
}

/// XML knows five named entities; XHTML adds those of HTML 4, which are all letters and digits.
fn check_entities(text: &str) -> Option<()> {
    let mut rest = text;
    while let Some((_, entity)) = rest.split_once('&') {
        let (name, after) = entity.split_once(';')?;
        let named = !name.is_empty() && name.len() <= 10 && name.bytes().all(|it| it.is_ascii_alphanumeric());
        if !named && !name.starts_with('#') || name.starts_with('#') && entity_character(name).is_none() {
            return None;
        }
        rest = after;
    }
    Some(())
}
