//! Routes: the paths of search parameters as chains of JSON members. Nearly every expression of the standard is a
//! union of plain paths, so it is compiled once, with the standard's tables, into the members to follow and the type
//! found at the end. What does not fit is left to the FHIRPath engine: a route never guesses.

use crate::resource::ResourceType;
use crate::tables::{Element, TypeDef, is_subtype, type_def};

/// One way from a resource (or from the element of a composite) to values of one type.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// Begins at the resource (`%resource`) although the rest begins at an element.
    pub(super) from_resource: bool,
    pub(super) hops: Vec<Hop>,
    pub(super) leaf: &'static TypeDef,
    /// The element at the end, which knows the binding of a code. None for the resource itself.
    pub(super) element: Option<&'static Element>,
    /// `where(resolve() is Patient)`.
    pub(super) only: Option<ResourceType>,
}

/// A JSON member, and which of its values count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) key: String,
    pub(super) pick: Pick,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    All,
    At(usize),
    /// Those where a member has this text.
    Where {
        member: String,
        is: String,
    },
    /// Those with this extension.
    Extended {
        url: String,
    },
}

impl Route {
    /// The same for routes that lead to the same values.
    pub(super) fn name(&self) -> String {
        let mut name = String::from(if self.from_resource { "%" } else { "" });
        for hop in &self.hops {
            name.push('/');
            name.push_str(&hop.key);
            match &hop.pick {
                Pick::All => {}
                Pick::At(place) => name.push_str(&format!("[{place}]")),
                Pick::Where { member, is } => name.push_str(&format!("[{member}='{is}']")),
                Pick::Extended { url } => name.push_str(&format!("[extension '{url}']")),
            }
        }
        name.push(':');
        name.push_str(self.leaf.name);
        name
    }
}

/// The expression is beyond routes: the FHIRPath engine must evaluate it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Beyond;

/// Splits a union into its alternatives, outside brackets and quotes.
pub(super) fn alternatives(expression: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start, mut parts) = (0i32, false, 0, Vec::new());
    for (at, byte) in expression.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'(' | b'[' if !quoted => depth += 1,
            b')' | b']' if !quoted => depth -= 1,
            b'|' if !quoted && depth == 0 => {
                parts.push(expression[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(expression[start..].trim());
    parts
}

/// The routes of one alternative of an expression, from `context` (a resource type, or the type of a composite's
/// element). Empty when the alternative speaks of another resource type.
pub(super) fn routes(alternative: &str, context: &'static TypeDef) -> Result<Vec<Route>, Beyond> {
    let mut reader = Reader { tokens: tokens(alternative)?, at: 0, context };
    let routes = reader.union()?;
    if reader.at < reader.tokens.len() {
        return Err(Beyond);
    }
    Ok(routes)
}

/// The resource type an alternative begins with, if it begins with one.
pub(super) fn speaks_of(alternative: &str) -> Option<&str> {
    let text = alternative.trim_start_matches(['(', ' ']);
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let name = &text[..end];
    (name.starts_with(|c: char| c.is_ascii_uppercase())).then_some(name)
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Number(usize),
    Sign(u8),
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Beyond> {
    let bytes = text.as_bytes();
    let (mut at, mut tokens) = (0, Vec::new());
    while let Some(byte) = bytes.get(at) {
        let run = |from: usize, fits: fn(&u8) -> bool| from + bytes[from..].iter().take_while(|b| fits(b)).count();
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            b'\'' => {
                let end = at + 1 + text[at + 1..].find('\'').ok_or(Beyond)?;
                if text[at + 1..end].contains('\\') {
                    return Err(Beyond);
                }
                tokens.push(Token::Text(&text[at + 1..end]));
                at = end + 1;
            }
            b'0'..=b'9' => {
                let end = run(at, u8::is_ascii_digit);
                tokens.push(Token::Number(text[at..end].parse().map_err(|_| Beyond)?));
                at = end;
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let end = run(at, |b| b.is_ascii_alphanumeric() || *b == b'_');
                tokens.push(Token::Name(&text[at..end]));
                at = end;
            }
            b'.' | b'(' | b')' | b'[' | b']' | b'|' | b'=' | b'%' => {
                tokens.push(Token::Sign(*byte));
                at += 1;
            }
            _ => return Err(Beyond),
        }
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    context: &'static TypeDef,
}

impl<'a> Reader<'a> {
    fn next_is(&mut self, token: &Token<'_>) -> bool {
        let found = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: u8) -> bool {
        self.next_is(&Token::Sign(sign))
    }

    fn need(&mut self, sign: u8) -> Result<(), Beyond> {
        self.sign(sign).then_some(()).ok_or(Beyond)
    }

    fn name(&mut self) -> Result<&'a str, Beyond> {
        match self.tokens.get(self.at) {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(Beyond),
        }
    }

    fn text(&mut self) -> Result<&'a str, Beyond> {
        match self.tokens.get(self.at) {
            Some(Token::Text(text)) => {
                self.at += 1;
                Ok(text)
            }
            _ => Err(Beyond),
        }
    }

    fn union(&mut self) -> Result<Vec<Route>, Beyond> {
        let mut routes = self.cast()?;
        while self.sign(b'|') {
            routes.extend(self.cast()?);
        }
        Ok(routes)
    }

    /// `path as Type`.
    fn cast(&mut self) -> Result<Vec<Route>, Beyond> {
        let mut routes = self.path()?;
        while self.next_is(&Token::Name("as")) {
            let kind = self.name()?;
            keep_type(&mut routes, kind);
        }
        Ok(routes)
    }

    fn path(&mut self) -> Result<Vec<Route>, Beyond> {
        let context = self.context;
        let start = |from_resource| Route { from_resource, hops: Vec::new(), leaf: context, element: None, only: None };
        let mut routes = if self.sign(b'(') {
            let inner = self.union()?;
            self.need(b')')?;
            inner
        } else if self.sign(b'%') {
            if !matches!(self.name()?, "resource" | "rootResource") {
                return Err(Beyond);
            }
            // The members that follow are those of the resource the composite lies in.
            let owner = context.name.split('.').next().and_then(type_def).ok_or(Beyond)?;
            vec![Route { leaf: owner, ..start(true) }]
        } else {
            let route = start(false);
            let name = self.name()?;
            if name.starts_with(|c: char| c.is_ascii_uppercase()) {
                if is_subtype(context.name, name) { vec![route] } else { Vec::new() }
            } else if self.sign(b'(') {
                self.call(name, vec![route])?
            } else {
                member(vec![route], name)?
            }
        };
        loop {
            if self.sign(b'[') {
                let Some(Token::Number(place)) = self.tokens.get(self.at).cloned() else { return Err(Beyond) };
                self.at += 1;
                self.need(b']')?;
                routes = pick(routes, &Pick::At(place))?;
            } else if self.sign(b'.') {
                let name = self.name()?;
                routes = if self.sign(b'(') { self.call(name, routes)? } else { member(routes, name)? };
            } else {
                return Ok(routes);
            }
        }
    }

    /// A function whose opening bracket was read.
    fn call(&mut self, name: &str, mut routes: Vec<Route>) -> Result<Vec<Route>, Beyond> {
        match name {
            "as" | "ofType" => {
                let kind = self.name()?;
                self.need(b')')?;
                keep_type(&mut routes, kind);
                Ok(routes)
            }
            "first" => {
                self.need(b')')?;
                pick(routes, &Pick::At(0))
            }
            "extension" => {
                let url = self.text()?.to_owned();
                self.need(b')')?;
                pick(member(routes, "extension")?, &Pick::Where { member: "url".into(), is: url })
            }
            "where" => {
                let first = self.name()?;
                if first == "resolve" {
                    self.need(b'(')?;
                    self.need(b')')?;
                    if !self.next_is(&Token::Name("is")) {
                        return Err(Beyond);
                    }
                    let kind = ResourceType::parse(self.name()?).ok_or(Beyond)?;
                    self.need(b')')?;
                    if routes.iter().any(|route| route.only.is_some()) {
                        return Err(Beyond);
                    }
                    routes.iter_mut().for_each(|route| route.only = Some(kind));
                    return Ok(routes);
                }
                if first == "hasExtension" {
                    self.need(b'(')?;
                    let url = self.text()?.to_owned();
                    self.need(b')')?;
                    self.need(b')')?;
                    return pick(routes, &Pick::Extended { url });
                }
                self.need(b'=')?;
                let is = self.text()?.to_owned();
                self.need(b')')?;
                pick(routes, &Pick::Where { member: first.to_owned(), is })
            }
            _ => Err(Beyond),
        }
    }
}

/// Some expressions of the standard end at an extension and mean its value.
pub(super) fn through_extension(route: Route) -> Vec<Route> {
    if route.leaf.name != "Extension" || route.only.is_some() {
        return vec![route];
    }
    member(vec![route], "value").unwrap_or_default()
}

/// Follows a member. A choice becomes one route for each of its types; a type without the member ends there.
fn member(routes: Vec<Route>, name: &str) -> Result<Vec<Route>, Beyond> {
    let mut onward = Vec::new();
    for route in routes {
        // A resource of any type within another, and what follows a narrowed reference, is not for tables to know.
        if route.only.is_some() || (route.leaf.is_abstract && route.leaf.name == "Resource" && !route.hops.is_empty()) {
            return Err(Beyond);
        }
        let Some(element) = route.leaf.child(name) else { continue };
        for kind in element.types {
            let key = if element.is_choice && element.name == element.base_name {
                let (first, rest) = kind.name.split_at(1);
                format!("{name}{}{rest}", first.to_ascii_uppercase())
            } else {
                name.to_owned()
            };
            let mut hops = route.hops.clone();
            hops.push(Hop { key, pick: Pick::All });
            onward.push(Route { hops, leaf: kind.type_def(), element: Some(element), ..route.clone() });
        }
    }
    Ok(onward)
}

fn pick(mut routes: Vec<Route>, pick: &Pick) -> Result<Vec<Route>, Beyond> {
    for route in &mut routes {
        // A place counts over the whole collection: only plain when one member leads there.
        let countable = route.hops.len() == 1 || !matches!(pick, Pick::At(_));
        match route.hops.last_mut() {
            Some(hop) if hop.pick == Pick::All && countable && route.only.is_none() => hop.pick = pick.clone(),
            _ => return Err(Beyond),
        }
    }
    Ok(routes)
}

/// `as Quantity`; the standard's own expressions write `DateTime` for `dateTime`.
fn keep_type(routes: &mut Vec<Route>, kind: &str) {
    routes.retain(|route| {
        route.leaf.name.eq_ignore_ascii_case(kind)
            || (route.leaf.name.contains('.') && kind == "BackboneElement")
            || type_def(kind).is_some_and(|asked| route.leaf.is_a(asked.name) && route.leaf.primitive.is_none())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(expression: &str, context: &str) -> Vec<String> {
        let context = type_def(context).expect("a type of the standard");
        alternatives(expression)
            .iter()
            .flat_map(|arm| routes(arm, context).expect("plain"))
            .map(|route| route.name() + &route.only.map(|only| format!(" only {only}")).unwrap_or_default())
            .collect()
    }

    #[test]
    fn expressions_become_members_and_types() {
        let check =
            |expression: &str, context: &str, expected: &[&str]| assert_eq!(names(expression, context), expected);
        check("Patient.name.given", "Patient", &["/name/given:string"]);
        check("Patient.name | Practitioner.name", "Practitioner", &["/name:HumanName"]);
        check("(Observation.value as Quantity)", "Observation", &["/valueQuantity:Quantity"]);
        check("Observation.value.as(DateTime)", "Observation", &["/valueDateTime:dateTime"]);
        check("Patient.telecom.where(system='email')", "Patient", &["/telecom[system='email']:ContactPoint"]);
        check("Account.subject.where(resolve() is Patient)", "Account", &["/subject:Reference only Patient"]);
        check("Resource.meta.tag", "Patient", &["/meta/tag:Coding"]);
        check(
            "%resource.referenceSeq.chromosome",
            "MolecularSequence.variant",
            &["%/referenceSeq/chromosome:CodeableConcept"],
        );
        check("Bundle.entry[0].resource", "Bundle", &["/entry[0]/resource:Resource"]);
        check(
            "Patient.extension('http://x').value.code",
            "Patient",
            &[
                "/extension[url='http://x']/valueAge/code:code",
                "/extension[url='http://x']/valueCoding/code:code",
                "/extension[url='http://x']/valueCount/code:code",
                "/extension[url='http://x']/valueDistance/code:code",
                "/extension[url='http://x']/valueDuration/code:code",
                "/extension[url='http://x']/valueQuantity/code:code",
                "/extension[url='http://x']/valueTiming/code:CodeableConcept",
                "/extension[url='http://x']/valueUsageContext/code:Coding",
            ],
        );
    }

    #[test]
    fn what_routes_cannot_say_is_left_to_the_engine() {
        let patient = type_def("Patient").expect("a type");
        for expression in ["Patient.deceased.exists() and Patient.deceased != false", "Patient.name.count()"] {
            assert!(matches!(routes(expression, patient), Err(Beyond)), "{expression}");
        }
    }
}
