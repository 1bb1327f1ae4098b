//! The list of functions: their names, how many arguments they take, and where each one lives.

use super::evaluate::{Outcome, Run, Scope};
use super::node::Collection;
use super::plan::Call;
use super::{PathError, collections, conversions, elements, numbers, strings};
use regex::{Regex, RegexBuilder};
use std::fmt;

pub(super) type Body =
    for<'r, 'c, 's, 'a> fn(&'r Run<'c, 'a>, Collection<'a>, &'a Call, &'r Scope<'s, 'a>) -> Outcome<'a>;

pub(super) struct Function {
    pub(super) name: &'static str,
    least: usize,
    most: usize,
    pub(super) body: Body,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

pub(super) fn find(name: &str, arguments: usize) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|it| it.name == name && (it.least..=it.most).contains(&arguments))
}

/// A regular expression as `matches` means it: it searches, `.` takes line ends too. Its size is bounded.
pub(super) fn pattern(text: &str, whole: bool) -> Result<Regex, PathError> {
    // A slash may be escaped in the dialect of the standard, and needs no escape here.
    let text = text.replace("\\/", "/");
    let text = if whole { format!("^(?:{text})$") } else { text };
    RegexBuilder::new(&text)
        .dot_matches_new_line(true)
        .size_limit(1 << 20)
        .build()
        .map_err(|_| PathError::Evaluation("this regular expression cannot be read, or is too large"))
}

const fn row(name: &'static str, least: usize, most: usize, body: Body) -> Function {
    Function { name, least, most, body }
}

const MANY: usize = usize::MAX;

static FUNCTIONS: &[Function] = &[
    // Existence (FHIRPath N1, 5.1)
    row("empty", 0, 0, |_, input, _, _| Ok(Collection::boolean(input.is_empty()))),
    row("exists", 0, 1, collections::exists),
    row("all", 1, 1, collections::all),
    row("allTrue", 0, 0, |_, input, _, _| collections::truths(&input, |it| it.iter().all(|it| *it))),
    row("anyTrue", 0, 0, |_, input, _, _| collections::truths(&input, |it| it.iter().any(|it| *it))),
    row("allFalse", 0, 0, |_, input, _, _| collections::truths(&input, |it| it.iter().all(|it| !*it))),
    row("anyFalse", 0, 0, |_, input, _, _| collections::truths(&input, |it| it.iter().any(|it| !*it))),
    row("subsetOf", 1, 1, collections::subset_of),
    row("supersetOf", 1, 1, collections::superset_of),
    row("count", 0, 0, |_, input, _, _| Ok(Collection::integer(input.len()))),
    row("distinct", 0, 0, |run, input, _, _| super::operators::distinct(run, input)),
    row("isDistinct", 0, 0, collections::is_distinct),
    // Filtering and projection (5.2)
    row("where", 1, 1, collections::filter),
    row("select", 1, 1, collections::select),
    row("repeat", 1, 1, collections::repeat),
    row("ofType", 1, 1, collections::of_type),
    // Subsetting (5.3)
    row("single", 0, 0, collections::single_item),
    row("first", 0, 0, |_, input, _, _| Ok(input.as_slice().first().cloned().into())),
    row("last", 0, 0, |_, input, _, _| Ok(input.as_slice().last().cloned().into())),
    row("tail", 0, 0, |_, input, _, _| Ok(input.into_iter().skip(1).collect())),
    row("skip", 1, 1, collections::skip),
    row("take", 1, 1, collections::take),
    row("intersect", 1, 1, collections::intersect),
    row("exclude", 1, 1, collections::exclude),
    // Combining (5.4)
    row("union", 1, 1, collections::union),
    row("combine", 1, 2, collections::combine),
    // Conversion (5.5)
    row("iif", 2, 3, conversions::iif),
    row("toBoolean", 0, 0, |_, input, _, _| conversions::convert(&input, conversions::to_boolean)),
    row("toInteger", 0, 0, |_, input, _, _| conversions::convert(&input, conversions::to_integer)),
    row("toDate", 0, 0, |_, input, _, _| conversions::convert(&input, conversions::to_date)),
    row("toDateTime", 0, 0, |_, input, _, _| conversions::convert(&input, conversions::to_date_time)),
    row("toTime", 0, 0, |_, input, _, _| conversions::convert(&input, conversions::to_time)),
    row("toDecimal", 0, 0, |_, input, _, _| conversions::convert(&input, conversions::to_decimal)),
    row("toString", 0, 0, |_, input, _, _| conversions::convert(&input, conversions::to_text)),
    row("toQuantity", 0, 1, conversions::to_quantity_in),
    row("convertsToBoolean", 0, 0, |_, input, _, _| conversions::converts(&input, conversions::to_boolean)),
    row("convertsToInteger", 0, 0, |_, input, _, _| conversions::converts(&input, conversions::to_integer)),
    row("convertsToDate", 0, 0, |_, input, _, _| conversions::converts(&input, conversions::to_date)),
    row("convertsToDateTime", 0, 0, |_, input, _, _| conversions::converts(&input, conversions::to_date_time)),
    row("convertsToTime", 0, 0, |_, input, _, _| conversions::converts(&input, conversions::to_time)),
    row("convertsToDecimal", 0, 0, |_, input, _, _| conversions::converts(&input, conversions::to_decimal)),
    row("convertsToString", 0, 0, |_, input, _, _| conversions::converts(&input, conversions::to_text)),
    row("convertsToQuantity", 0, 1, conversions::converts_to_quantity_in),
    // Strings (5.6)
    row("indexOf", 1, 1, |run, input, call, scope| {
        strings::position(run, &input, call, scope, |it, part| it.find(part))
    }),
    row("lastIndexOf", 1, 1, |run, input, call, scope| {
        strings::position(run, &input, call, scope, |it, part| it.rfind(part))
    }),
    row("substring", 1, 2, strings::substring),
    row("startsWith", 1, 1, |run, input, call, scope| {
        strings::test(run, &input, call, scope, |it, part| it.starts_with(part))
    }),
    row("endsWith", 1, 1, |run, input, call, scope| {
        strings::test(run, &input, call, scope, |it, part| it.ends_with(part))
    }),
    row("contains", 1, 1, |run, input, call, scope| {
        strings::test(run, &input, call, scope, |it, part| it.contains(part))
    }),
    row("upper", 0, 0, |_, input, _, _| strings::change(&input, str::to_uppercase)),
    row("lower", 0, 0, |_, input, _, _| strings::change(&input, str::to_lowercase)),
    row("replace", 2, 2, strings::replace),
    row("matches", 1, 2, |run, input, call, scope| strings::matches(run, &input, call, scope, false)),
    row("matchesFull", 1, 2, |run, input, call, scope| strings::matches(run, &input, call, scope, true)),
    row("replaceMatches", 2, 3, strings::replace_matches),
    row("length", 0, 0, strings::length),
    row("toChars", 0, 0, strings::to_chars),
    row("trim", 0, 0, |_, input, _, _| strings::change(&input, |it| it.trim().to_owned())),
    row("split", 1, 1, strings::split),
    row("join", 0, 1, strings::join),
    row("encode", 1, 1, strings::encode),
    row("decode", 1, 1, strings::decode),
    row("escape", 1, 1, strings::escape),
    row("unescape", 1, 1, strings::unescape),
    // Numbers (5.7)
    row("abs", 0, 0, |_, input, _, _| numbers::abs(&input)),
    row("ceiling", 0, 0, |_, input, _, _| numbers::whole(&input, |it| it.ceil())),
    row("floor", 0, 0, |_, input, _, _| numbers::whole(&input, |it| it.floor())),
    row("truncate", 0, 0, |_, input, _, _| numbers::whole(&input, |it| it.trunc())),
    row("round", 0, 1, numbers::round),
    row("exp", 0, 0, |_, input, _, _| numbers::exp(&input)),
    row("ln", 0, 0, |_, input, _, _| numbers::ln(&input)),
    row("log", 1, 1, numbers::log),
    row("power", 1, 1, numbers::power),
    row("sqrt", 0, 0, |_, input, _, _| numbers::sqrt(&input)),
    row("lowBoundary", 0, 1, |run, input, call, scope| numbers::boundary(run, &input, call, scope, false)),
    row("highBoundary", 0, 1, |run, input, call, scope| numbers::boundary(run, &input, call, scope, true)),
    row("precision", 0, 0, |_, input, _, _| numbers::precision(&input)),
    row("comparable", 1, 1, numbers::comparable),
    // Trees, types, time and the rest (5.8, 5.9, 6.3)
    row("children", 0, 0, collections::children),
    row("descendants", 0, 0, collections::descendants),
    row("trace", 1, 2, |_, input, _, _| Ok(input)),
    row("now", 0, 0, |run, _, _, _| conversions::time(run, |now| now)),
    row("today", 0, 0, |run, _, _, _| conversions::time(run, |now| now.date())),
    row("timeOfDay", 0, 0, |run, _, _, _| conversions::time(run, |now| now.time_of_day())),
    row("not", 0, 0, |_, input, _, _| Ok(Collection::perhaps(super::evaluate::truth(&input)?.map(|it| !it)))),
    row("is", 1, 1, |run, input, call, _| run.is(&input, call.target.as_ref().expect("`is` is compiled with a type"))),
    row("as", 1, 1, |run, input, call, _| {
        run.as_type(input, call.target.as_ref().expect("`as` is compiled with a type"))
    }),
    row("type", 0, 0, |_, input, _, _| Ok(elements::types(&input))),
    row("aggregate", 1, 2, collections::aggregate),
    row("sort", 0, MANY, collections::sort),
    // What FHIR R4 adds (fhirpath.html#functions)
    row("extension", 1, 1, collections::streamed),
    row("resolve", 0, 0, collections::streamed),
    row("hasValue", 0, 0, |_, input, _, _| Ok(elements::has_value(&input))),
    row("getValue", 0, 0, |_, input, _, _| Ok(elements::get_value(&input))),
    row("hasExtension", 1, 1, elements::has_extension),
    row("memberOf", 1, 1, elements::member_of),
    row("conformsTo", 1, 1, elements::conforms_to),
    row("htmlChecks", 0, 0, |_, input, _, _| Ok(elements::html_checks(&input))),
];
