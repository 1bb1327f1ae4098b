//! What an expression sees besides its input: the resource around it, named values, the time, and
//! whom to ask about references, value sets and profiles. Whatever is not given is simply not known.

use super::node::Node;
use super::temporal::Temporal;
use serde_json::Value;

/// Finds what a reference points at. `None`: not here.
pub trait Resolver {
    fn resolve(&self, reference: &str) -> Option<&Value>;
}

/// Knows value sets. `None`: the value set is not known, or the code cannot be decided.
pub trait Terminology {
    fn member_of(&self, value_set: &str, coded: &Node<'_>) -> Option<bool>;
}

/// Knows profiles. `None`: the profile is not known.
pub trait Profiles {
    fn conforms_to(&self, profile: &str, element: &Node<'_>) -> Option<bool>;
}

/// How many steps an evaluation may take unless told otherwise: far more than any expression of the
/// standard needs on a resource of a megabyte.
const BUDGET: u64 = 5_000_000;

/// Everything an evaluation borrows. Cheap to make: one for each resource.
pub struct Context<'a> {
    pub(super) resource: Node<'a>,
    pub(super) root: Node<'a>,
    pub(super) focus: Node<'a>,
    pub(super) variables: Vec<(&'a str, Vec<Node<'a>>)>,
    pub(super) now: Option<Temporal>,
    pub(super) resolver: Option<&'a dyn Resolver>,
    pub(super) terminology: Option<&'a dyn Terminology>,
    pub(super) profiles: Option<&'a dyn Profiles>,
    pub(super) budget: u64,
    pub(super) indexing: bool,
    pub(super) strict: bool,
}

impl<'a> Context<'a> {
    /// The resource is the focus, `%resource`, `%rootResource` and `%context`.
    pub fn of(resource: &'a Value) -> Context<'a> {
        let node = Node::of_resource(resource);
        Context {
            resource: node.clone(),
            root: node.clone(),
            focus: node,
            variables: Vec::new(),
            now: None,
            resolver: None,
            terminology: None,
            profiles: None,
            budget: BUDGET,
            indexing: false,
            strict: false,
        }
    }

    /// For search parameters: `resolve()` answers from the text of the reference alone, and from
    /// `contained`.
    pub fn for_indexing(resource: &'a Value) -> Context<'a> {
        Context { indexing: true, ..Context::of(resource) }
    }

    /// Starts at this element of the resource rather than at the resource; `%context` too.
    pub fn focus(mut self, focus: Node<'a>) -> Context<'a> {
        self.focus = focus;
        self
    }

    /// The resource the focus stands in, when that is a contained one.
    pub fn resource(mut self, resource: &'a Value) -> Context<'a> {
        self.resource = Node::of_resource(resource);
        self
    }

    /// The resource that contains `%resource`, or the same.
    pub fn root_resource(mut self, root: &'a Value) -> Context<'a> {
        self.root = Node::of_resource(root);
        self
    }

    /// Gives `%name` a value.
    pub fn variable(mut self, name: &'a str, value: Vec<Node<'a>>) -> Context<'a> {
        self.variables.push((name, value));
        self
    }

    /// The moment that `now()`, `today()` and `timeOfDay()` tell.
    pub fn now(mut self, now: &jiff::Zoned) -> Context<'a> {
        self.now = Some(Temporal::of_zoned(now));
        self
    }

    pub fn resolver(mut self, resolver: &'a dyn Resolver) -> Context<'a> {
        self.resolver = Some(resolver);
        self
    }

    pub fn terminology(mut self, terminology: &'a dyn Terminology) -> Context<'a> {
        self.terminology = Some(terminology);
        self
    }

    pub fn profiles(mut self, profiles: &'a dyn Profiles) -> Context<'a> {
        self.profiles = Some(profiles);
        self
    }

    /// Makes `as` refuse several items, as FHIRPath has it. The invariants and search parameters of FHIR R4
    /// use it to pick among several (dom-3: `descendants().as(uri)`), so otherwise it does that.
    pub fn strict(mut self) -> Context<'a> {
        self.strict = true;
        self
    }

    /// How many steps the evaluation may take before it ends in [`super::PathError::TooCostly`].
    pub fn budget(mut self, steps: u64) -> Context<'a> {
        self.budget = steps;
        self
    }
}
