//! Narrative (FHIR R4, narrative.html#xhtml; rules txt-1 and txt-2): well-formed XHTML in one `div`, with only
//! the elements and attributes that the standard allows, and something to read in it. Nothing is repaired here. Validation
//! says what is wrong; FHIRPath's `htmlChecks()` asks only whether anything is.

/// Elements of HTML 4.0 chapters 7 to 11 (without 9.4) and 15 that are not deprecated, and `a` and `img`.
const ELEMENTS: [&str; 54] = [
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
    "ul",
    "var",
    "u",
];

/// Attributes any of these elements may have.
const ATTRIBUTES: [&str; 24] = [
    "abbr",
    "accesskey",
    "align",
    "axis",
    "char",
    "charoff",
    "class",
    "colspan",
    "dir",
    "headers",
    "height",
    "id",
    "lang",
    "rowspan",
    "scope",
    "span",
    "style",
    "tabindex",
    "title",
    "valign",
    "width",
    "xml:lang",
    "xml:space",
    "xmlns",
];

/// Attributes of one element.
const ATTRIBUTES_OF: [(&str, &[&str]); 13] = [
    ("a", &["charset", "coords", "href", "hreflang", "name", "rel", "rev", "shape", "target", "type"]),
    ("area", &["alt", "coords", "href", "nohref", "shape"]),
    ("blockquote", &["cite"]),
    ("hr", &["noshade", "size"]),
    ("img", &["alt", "border", "ismap", "longdesc", "name", "src", "usemap"]),
    ("li", &["type", "value"]),
    ("map", &["name"]),
    ("ol", &["start", "type"]),
    ("q", &["cite"]),
    ("table", &["border", "cellpadding", "cellspacing", "frame", "rules", "summary", "bgcolor"]),
    ("td", &["nowrap", "bgcolor"]),
    ("th", &["nowrap", "bgcolor"]),
    ("tr", &["bgcolor"]),
];

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Elements within elements: deeper than this is an attack, not a text.
const DEEPEST: usize = 128;

/// Checks the text of a `Narrative.div`.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let mut reader = Reader { rest: text, open: Vec::new(), has_content: false, seen_root: false };
    reader.skip_space();
    while !reader.rest.is_empty() {
        reader.next()?;
    }
    match reader.open.last() {
        Some(name) => Err(format!("is not well-formed: <{name}> is not closed")),
        None if !reader.seen_root => Err("must be one <div> element".to_owned()),
        None if !reader.has_content => Err("must have some text or an image (txt-2)".to_owned()),
        None => Ok(()),
    }
}

struct Reader<'a> {
    rest: &'a str,
    open: Vec<&'a str>,
    has_content: bool,
    seen_root: bool,
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn next(&mut self) -> Result<(), String> {
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            let (comment, rest) = rest.split_once("-->").ok_or("is not well-formed: a comment is not closed")?;
            if comment.contains("--") {
                return Err("is not well-formed: a comment holds '--'".to_owned());
            }
            self.rest = rest;
            return Ok(());
        }
        if self.rest.starts_with("<![CDATA[") {
            // Browsers read it as a comment, and what it hides as markup.
            return Err("must not hold a CDATA section: write its text with &lt; and &amp;".to_owned());
        }
        if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
            return Err("must not hold declarations or processing instructions".to_owned());
        }
        if let Some(rest) = self.rest.strip_prefix("</") {
            return self.close(rest);
        }
        if let Some(rest) = self.rest.strip_prefix('<') {
            return self.start(rest);
        }
        self.text()
    }

    fn close(&mut self, rest: &'a str) -> Result<(), String> {
        let (name, rest) = rest.split_once('>').ok_or("is not well-formed: a closing tag is not complete")?;
        match self.open.pop() {
            Some(open) if open == name.trim_end() => {
                self.rest = rest;
                Ok(())
            }
            Some(open) => Err(format!("is not well-formed: <{open}> is closed by another tag")),
            None => Err("is not well-formed: a closing tag has no opening tag".to_owned()),
        }
    }

    fn start(&mut self, rest: &'a str) -> Result<(), String> {
        let end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/')).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        if self.open.is_empty() && (self.seen_root || name != "div") {
            return Err("must be one <div> element".to_owned());
        }
        if !ELEMENTS.contains(&name) {
            let shown: String = name.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
            return Err(format!("must not hold the element <{shown}> (txt-1)"));
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("is nested deeper than {DEEPEST} elements"));
        }
        let is_root = self.open.is_empty();
        self.seen_root = true;
        self.has_content |= name == "img";
        self.rest = rest;
        let mut namespace = None;
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let before = self.rest.len();
            self.skip_space();
            let spaced = self.rest.len() < before;
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                break;
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                self.open.push(name);
                break;
            }
            if !spaced {
                return Err(format!("is not well-formed: in the tag <{name}>"));
            }
            let (attribute, value) = self.attribute(name)?;
            if seen.contains(&attribute) {
                return Err(format!("is not well-formed: <{name}> has an attribute twice"));
            }
            seen.push(attribute);
            if attribute == "xmlns" {
                namespace = Some(value);
            }
        }
        match namespace {
            Some(XHTML) => Ok(()),
            None if !is_root => Ok(()),
            _ => Err(format!("must be in the namespace {XHTML}: give the outer <div> that xmlns")),
        }
    }

    fn attribute(&mut self, element: &str) -> Result<(&'a str, &'a str), String> {
        let broken = || format!("is not well-formed: in the tag <{element}>");
        let end = self
            .rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/' | '<'))
            .ok_or_else(broken)?;
        let (name, rest) = self.rest.split_at(end);
        let rest = rest.trim_start().strip_prefix('=').ok_or_else(broken)?.trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\'')).ok_or_else(broken)?;
        let (value, rest) = rest[1..].split_once(quote).ok_or_else(broken)?;
        if value.contains('<') {
            return Err(broken());
        }
        check_entities(value)?;
        self.rest = rest;
        let own = ATTRIBUTES_OF.iter().find(|(of, _)| *of == element).map(|(_, names)| *names).unwrap_or_default();
        if !ATTRIBUTES.contains(&name) && !own.contains(&name) {
            let shown: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ':').take(20).collect();
            return Err(format!("must not hold the attribute {shown} on <{element}> (txt-1)"));
        }
        if matches!(name, "href" | "src" | "cite" | "longdesc" | "usemap") && is_active(value) {
            return Err(format!("must not hold a script in an address on <{element}> (txt-1)"));
        }
        if name == "style" && is_active_style(value) {
            return Err(format!("must not hold a script in the style of <{element}> (txt-1)"));
        }
        Ok((name, value))
    }

    fn text(&mut self) -> Result<(), String> {
        let end = self.rest.find('<').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        let blank = text.chars().all(char::is_whitespace);
        if !blank && self.open.is_empty() {
            return Err("must be one <div> element, with nothing before or after it".to_owned());
        }
        check_entities(text)?;
        self.has_content |= !blank;
        self.rest = rest;
        Ok(())
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

/// XML knows five entities and character references; the rest of HTML's names are not declared anywhere.
fn check_entities(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        rest = &rest[at + 1..];
        let end = rest
            .bytes()
            .take(12)
            .position(|byte| byte == b';')
            .ok_or("is not well-formed: '&' must be written &amp;")?;
        let name = &rest[..end];
        let numeric = match name.strip_prefix("#x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => name.strip_prefix('#').and_then(|digits| digits.parse().ok()),
        };
        let known = matches!(name, "amp" | "lt" | "gt" | "quot" | "apos")
            || numeric.is_some_and(|code| char::from_u32(code).is_some());
        if !known {
            return Err("holds an entity that XML does not know: write the character itself".to_owned());
        }
        rest = &rest[end..];
    }
    Ok(())
}
