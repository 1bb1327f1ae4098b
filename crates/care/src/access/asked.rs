//! The scopes an app asks for, as a set that can be cut down: to what the client registered, to what the person left
//! switched on, to what was given before. What scopes mean for a resource is decided in [`scopes`](super::scopes).
//!
//! SMART App Launch 2.2, scopes and launch context (also the v1 forms `.read`, `.write`, `.*`).

use fhir::ResourceType;
use std::fmt;
use store::{Action, Actions};

/// What is asked besides resources.
const PLAIN: [&str; 8] =
    ["openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter", "offline_access", "online_access"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    Patient,
    User,
    System,
}

impl Context {
    fn name(self) -> &'static str {
        match self {
            Context::Patient => "patient",
            Context::User => "user",
            Context::System => "system",
        }
    }
}

/// One scope.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    Plain(&'static str),
    Resource(Resource),
}

/// `patient/Observation.rs?category=laboratory`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub context: Context,
    /// `None` is every type.
    pub kind: Option<ResourceType>,
    pub actions: Actions,
    pub query: Option<String>,
    /// As it was written.
    text: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scopes(Vec<Scope>);

/// What is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAScope;

fn actions(text: &str) -> Option<Actions> {
    match text {
        "read" => Actions::parse("rs"),
        "write" => Actions::parse("cud"),
        "*" => Some(Actions::ALL),
        other => Actions::parse(other),
    }
}

fn letters(actions: Actions) -> String {
    let letter = |(action, letter): (Action, char)| actions.contains(action).then_some(letter);
    Action::ALL.into_iter().zip("cruds".chars()).filter_map(letter).collect()
}

impl Scope {
    /// A word that begins like a scope for resources must be one; other words nobody here knows are left out, as RFC 6749
    /// allows, because apps ask many servers for many things.
    fn parse(text: &str) -> Result<Option<Scope>, NotAScope> {
        if let Some(plain) = PLAIN.iter().find(|it| **it == text) {
            return Ok(Some(Scope::Plain(plain)));
        }
        let (context, rest) = match text.split_once('/') {
            Some(("patient", rest)) => (Context::Patient, rest),
            Some(("user", rest)) => (Context::User, rest),
            Some(("system", rest)) => (Context::System, rest),
            _ => return Ok(None),
        };
        let (head, query) = match rest.split_once('?') {
            Some((head, query)) if !query.is_empty() => (head, Some(query.to_owned())),
            Some(_) => return Err(NotAScope),
            None => (rest, None),
        };
        let (kind, access) = head.split_once('.').ok_or(NotAScope)?;
        let kind = match kind {
            "*" => None,
            name => Some(ResourceType::parse(name).ok_or(NotAScope)?),
        };
        let actions = actions(access).ok_or(NotAScope)?;
        Ok(Some(Scope::Resource(Resource { context, kind, actions, query, text: text.to_owned() })))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Plain(text) => f.write_str(text),
            Scope::Resource(it) => f.write_str(&it.text),
        }
    }
}

impl Resource {
    /// What of this a wider scope covers.
    fn covered_by(&self, wider: &Resource) -> Option<Resource> {
        if self.context != wider.context {
            return None;
        }
        let kind = match (self.kind, wider.kind) {
            (own, None) => own,
            (None, wider) => wider,
            (own, wider) if own == wider => own,
            _ => return None,
        };
        let query = match (&self.query, &wider.query) {
            (own, None) => own.clone(),
            (None, wider) => wider.clone(),
            (own, wider) if own == wider => own.clone(),
            (Some(own), Some(wider)) => Some(format!("{own}&{wider}")),
        };
        let shared = Action::ALL.into_iter().filter(|it| self.actions.contains(*it) && wider.actions.contains(*it));
        let actions = shared.fold(Actions::NONE, Actions::with);
        if actions == Actions::NONE {
            return None;
        }
        if kind == self.kind && query == self.query && actions == self.actions {
            return Some(self.clone());
        }
        let name = kind.map_or("*", |it| it.name());
        let asked = query.as_ref().map_or(String::new(), |it| format!("?{it}"));
        let text = format!("{}/{name}.{}{asked}", self.context.name(), letters(actions));
        Some(Resource { context: self.context, kind, actions, query, text })
    }
}

impl Scopes {
    pub fn parse(text: &str) -> Result<Scopes, NotAScope> {
        let mut all: Vec<Scope> = Vec::new();
        for word in text.split(' ').filter(|it| !it.is_empty()) {
            if word.bytes().any(|b| !b.is_ascii_graphic() || b == b'"' || b == b'\\') {
                return Err(NotAScope);
            }
            if let Some(scope) = Scope::parse(word)?
                && !all.contains(&scope)
            {
                all.push(scope);
            }
        }
        if all.len() > 200 { Err(NotAScope) } else { Ok(Scopes(all)) }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is asked besides resources.
    pub fn has(&self, plain: &str) -> bool {
        self.0.iter().any(|it| matches!(it, Scope::Plain(name) if *name == plain))
    }

    fn contexts(&self) -> impl Iterator<Item = Context> {
        self.0.iter().filter_map(|it| match it {
            Scope::Resource(it) => Some(it.context),
            Scope::Plain(_) => None,
        })
    }

    pub fn mentions_patient(&self) -> bool {
        self.contexts().any(|it| it == Context::Patient)
    }

    pub fn mentions_system(&self) -> bool {
        self.contexts().any(|it| it == Context::System)
    }

    pub fn only_system(&self) -> bool {
        self.0.iter().all(|it| matches!(it, Scope::Resource(it) if it.context == Context::System))
    }

    /// What of this is within `most`.
    pub fn narrow(&self, most: &Scopes) -> Scopes {
        let mut all: Vec<Scope> = Vec::new();
        for scope in &self.0 {
            match scope {
                Scope::Plain(name) if most.has(name) => all.push(scope.clone()),
                Scope::Plain(_) => {}
                Scope::Resource(own) => {
                    let wider = most.0.iter().filter_map(|it| match it {
                        Scope::Resource(it) => Some(it),
                        Scope::Plain(_) => None,
                    });
                    for covered in wider.filter_map(|it| own.covered_by(it)) {
                        let covered = Scope::Resource(covered);
                        if !all.contains(&covered) {
                            all.push(covered);
                        }
                    }
                }
            }
        }
        Scopes(all)
    }

    /// Whether nothing of this reaches beyond `whole`.
    pub fn within(&self, whole: &Scopes) -> bool {
        self.0.iter().all(|scope| match scope {
            Scope::Plain(name) => whole.has(name),
            Scope::Resource(own) => whole.0.iter().any(|it| match it {
                Scope::Resource(wider) => own.covered_by(wider).is_some_and(|it| it == *own),
                Scope::Plain(_) => false,
            }),
        })
    }

    /// Those that are named.
    pub fn only(&self, named: &[String]) -> Scopes {
        Scopes(self.0.iter().filter(|it| named.contains(&it.to_string())).cloned().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Scopes {
        Scopes::parse(text).unwrap()
    }

    #[test]
    fn what_is_asked_is_cut_down_to_what_was_registered() {
        let check = |asked: &str, most: &str, granted: &str| {
            assert_eq!(scopes(asked).narrow(&scopes(most)).to_string(), granted, "{asked} within {most}");
        };
        check("openid patient/Patient.rs", "openid patient/*.rs", "openid patient/Patient.rs");
        check("patient/*.cruds", "patient/Observation.rs", "patient/Observation.rs");
        check("patient/*.read", "patient/*.read", "patient/*.read");
        check("patient/*.read", "patient/*.rs", "patient/*.read");
        check("patient/Observation.rs", "user/Observation.rs", "");
        check("patient/Observation.rs?category=a", "patient/Observation.rs", "patient/Observation.rs?category=a");
        check("patient/Observation.rs", "patient/Observation.r?category=a", "patient/Observation.r?category=a");
        check("system/*.cruds", "system/Patient.rs system/Group.r", "system/Patient.rs system/Group.r");
        check("offline_access launch", "launch", "launch");
        check("patient/Patient.c", "patient/Patient.rs", "");
    }

    #[test]
    fn what_is_refreshed_cannot_grow() {
        let whole = scopes("openid patient/Observation.rs patient/Condition.rs?category=x");
        for good in ["openid", "patient/Observation.r", "patient/Observation.rs?code=1", "patient/Observation.read"] {
            assert!(scopes(good).within(&whole), "{good}");
        }
        for bad in [
            "profile",
            "patient/*.rs",
            "patient/Observation.cruds",
            "user/Observation.rs",
            "patient/Condition.rs",
            "patient/Condition.rs?category=y",
        ] {
            assert!(!scopes(bad).within(&whole), "{bad}");
        }
    }

    #[test]
    fn half_a_scope_is_none() {
        for bad in [
            "patient/Patient",
            "patient/Patient.",
            "patient/.rs",
            "patient/Nobody.rs",
            "user/Patient.sr",
            "user/Patient.rs?",
            "system/*.x",
            "patient/Patient.READ",
            "a\"b",
        ] {
            assert_eq!(Scopes::parse(bad), Err(NotAScope), "{bad}");
        }
        assert!(scopes("email address phone").is_empty());
    }
}
