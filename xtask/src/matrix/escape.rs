//! The third block: out of one's own compartment. For each of the 100 links by which something belongs to a patient,
//! something that belongs to another patient by that link alone, and sixteen ways to reach for it. What cannot be
//! guessed is planted in it; none of it may come back, in bodies, heads, counts or words of refusals.
//!
//! Most probes are asked twice: for what is hidden, and for what was never there. The two answers must be the same
//! but for the names that were asked for: hidden and absent look alike.

use super::ask::{self, Fault, Tally, each};
use super::fhir::reach;
use super::policy::Reach;
use super::tables::{Link, Tables};
use super::world::{self, Principal, World};
use crate::http::{Answer, Request};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;
use testkit::dice::Dice;

pub const WAYS: [&str; 16] = [
    "direct read",
    "version read",
    "history",
    "type search",
    "_include",
    "_revinclude",
    "chain",
    "_has",
    "_id list",
    "batch and transaction",
    "conditional reference",
    "$everything",
    "compartment search",
    "system search",
    "_list",
    "counts and words of refusals",
];

/// Marks what we planted, hidden or not.
const PLANTED: &str = "planted-by-matrix";

/// Names that cannot be guessed: of what is there, or of what never was.
#[derive(Clone)]
struct Names {
    /// The hidden resource.
    id: String,
    /// The other patient, and the family name nobody may learn.
    patient: String,
    family: String,
    /// A tag of the hidden resource alone.
    tag: String,
    /// A list of the own patient that points at it.
    list: String,
}

struct Planted {
    link: Link,
    real: Names,
    never: Names,
    /// A text within it.
    marker: String,
    /// The same kind of thing of the own patient.
    mine: String,
    /// A parameter of the type that leads to the shared practitioner or organisation.
    shared: Option<(String, String)>,
}

pub struct Escape {
    planted: Vec<Planted>,
}

fn name(dice: &mut Dice) -> String {
    format!("{:016x}{:08x}", dice.roll(), dice.roll() as u32)
}

/// Plants what must not come back.
pub fn seed(world: &World, own: &str, every: usize) -> Result<Escape, String> {
    let tables = &world.tables;
    let mut dice = Dice::new(world::now().as_nanos() as u64);
    let own = format!("Patient/{own}");
    let mut resources = vec![
        tables.bare("Patient", "third-person", "Patient/none"),
        tables.bare("Practitioner", "shared-practitioner", "Patient/none"),
        tables.bare("Organization", "shared-organization", "Patient/none"),
        tables.bare("Location", "shared-location", "Patient/none"),
    ];
    let mut planted = Vec::new();
    for link in tables.links.iter().step_by(every.max(1)) {
        let mut names = || Names {
            id: name(&mut dice),
            patient: name(&mut dice),
            family: name(&mut dice),
            tag: name(&mut dice),
            list: name(&mut dice),
        };
        let (real, never) = (names(), names());
        let it = Planted {
            shared: shared(tables, link),
            marker: name(&mut dice),
            mine: name(&mut dice),
            link: link.clone(),
            real,
            never,
        };
        let mut patient = tables.bare("Patient", &it.real.patient, "Patient/none");
        patient["name"] = json!([{ "family": it.real.family }]);
        patient["identifier"] = json!([{ "system": "urn:matrix", "value": it.real.family }]);
        resources.push(patient);
        if link.kind != "AuditEvent" {
            let hidden = format!("Patient/{}", it.real.patient);
            resources.push(thing(tables, &it, &it.real.id, &hidden, Some(&it.real.tag), &it.marker));
            resources.push(thing(tables, &it, &it.mine, &own, None, "mine"));
        }
        for names in [&it.real, &it.never] {
            let mut list = tables.sample("List", &names.list, &own);
            list["entry"] = json!([{ "item": { "reference": format!("{}/{}", link.kind, names.id) } }]);
            resources.push(list);
        }
        planted.push(it);
    }
    world.plant(&world.near, resources)?;
    Ok(Escape { planted })
}

/// A parameter that leads from this type to something everybody may see.
fn shared(tables: &Tables, link: &Link) -> Option<(String, String)> {
    let fitting = tables.references.iter().filter(|it| it.kind == link.kind && it.path != link.path);
    let of_links = |path: &str| tables.links.iter().any(|it| it.kind == link.kind && it.path == path);
    ["Practitioner", "Organization", "Location"].into_iter().find_map(|target| {
        let mut fitting = fitting.clone().filter(|it| !of_links(&it.path));
        let found = fitting.find(|it| it.targets.iter().any(|one| one == target))?;
        Some((found.parameter.clone(), format!("{target}/shared-{}", target.to_lowercase())))
    })
}

/// Something bound to a patient by the link alone; what must name some patient besides names a third.
fn thing(tables: &Tables, it: &Planted, id: &str, patient: &str, tag: Option<&str>, text: &str) -> Value {
    let kind = &it.link.kind;
    let mut thing = tables.bare(kind, id, "Patient/third-person");
    if let Some((parameter, target)) = &it.shared {
        let path = tables.references.iter().find(|one| one.kind == *kind && one.parameter == *parameter);
        if let Some(path) = path.map(|it| it.path.clone()) {
            tables.bind(&mut thing, &path, target);
        }
    }
    tables.bind(&mut thing, &it.link.path, patient);
    let tags: Vec<Value> = [Some(PLANTED), tag]
        .into_iter()
        .flatten()
        .map(|code| json!({ "system": "urn:matrix", "code": code }))
        .collect();
    thing["meta"] = json!({ "tag": tags });
    let div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>");
    thing["text"] = json!({ "status": "generated", "div": div });
    thing
}

/// One reach: a request with `{id}`, `{patient}`, `{family}`, `{tag}`, `{list}` where names come in.
struct Probe {
    way: &'static str,
    method: &'static str,
    path: String,
    headers: String,
    body: Option<String>,
    /// Where what is one's own must come back, so that refusing everything is not enough.
    shows: bool,
}

impl Probe {
    fn get(way: &'static str, path: String) -> Probe {
        Probe { way, method: "GET", path, headers: String::new(), body: None, shows: false }
    }

    fn send(way: &'static str, method: &'static str, path: String, body: &Value) -> Probe {
        Probe { way, method, path, headers: String::new(), body: Some(body.to_string()), shows: false }
    }

    fn showing(mut self, shows: bool) -> Probe {
        self.shows = shows;
        self
    }

    fn named(&self) -> bool {
        self.path.contains('{') || self.headers.contains('{') || self.body.as_deref().is_some_and(holes)
    }
}

const HOLES: [&str; 5] = ["{id}", "{patient}", "{family}", "{tag}", "{list}"];

fn holes(text: &str) -> bool {
    HOLES.iter().any(|hole| text.contains(hole))
}

impl Names {
    fn all(&self) -> [&str; 5] {
        [&self.id, &self.patient, &self.family, &self.tag, &self.list]
    }

    fn fill(&self, text: &str) -> String {
        HOLES.iter().zip(self.all()).fold(text.to_owned(), |text, (hole, name)| text.replace(hole, name))
    }

    fn forget(&self, text: &str) -> String {
        HOLES.iter().zip(self.all()).fold(text.to_owned(), |text, (hole, name)| text.replace(name, hole))
    }
}

/// All the ways to one hidden thing.
fn ways(world: &World, own: &str, it: &Planted, sees: bool) -> Vec<Probe> {
    let (kind, parameter, mine) = (&it.link.kind, &it.link.parameter, &it.mine);
    let tag = format!("_tag=urn:matrix%7C{PLANTED}");
    let get = Probe::get;
    let observation = |reference: Value| {
        let mut it = world.tables.sample("Observation", "none", &format!("Patient/{own}"));
        it.as_object_mut().expect("a resource is an object").remove("id");
        it["derivedFrom"] = json!([reference]);
        it
    };
    let bundle = |what: &str, entries: Vec<Value>| json!({ "resourceType": "Bundle", "type": what, "entry": entries });
    let asks = |url: String| json!({ "request": { "method": "GET", "url": url } });
    let mut all = vec![
        get(WAYS[0], format!("{kind}/{{id}}")),
        get(WAYS[0], "Patient/{patient}".into()),
        get(WAYS[1], format!("{kind}/{{id}}/_history/1")),
        get(WAYS[2], format!("{kind}/{{id}}/_history")),
        get(WAYS[2], format!("{kind}/_history?_count=1000")),
        get(WAYS[2], "_history?_count=1000".into()),
        get(WAYS[3], format!("{kind}?{tag}&_total=accurate&_count=200")).showing(sees),
        get(WAYS[3], format!("{kind}?{parameter}=Patient/{{patient}}&_total=accurate")),
        get(WAYS[3], format!("{kind}?_tag=urn:matrix%7C{{tag}}&_total=accurate")),
        get(WAYS[4], "List?_id={list}&_include=List:item".into()),
        get(WAYS[4], "List?_id={list}&_include=*&_include:iterate=*".into()),
        get(WAYS[4], format!("{kind}?{tag}&_include={kind}:{parameter}&_count=200")).showing(sees),
        get(WAYS[5], format!("Patient?_id={own}&_revinclude={kind}:{parameter}&_revinclude=List:subject")),
        get(WAYS[5], format!("Patient?_id={{patient}}&_revinclude={kind}:{parameter}")),
        get(WAYS[6], format!("{kind}?{parameter}:Patient.family={{family}}&_total=accurate")),
        get(WAYS[6], format!("List?item:{kind}._tag=urn:matrix%7C{{tag}}&_total=accurate")),
        get(WAYS[6], format!("List?_id={{list}}&item:{kind}._tag=urn:matrix%7C{PLANTED}&_total=accurate")),
        get(WAYS[7], format!("Patient?_has:{kind}:{parameter}:_id={{id}}&_total=accurate")),
        get(WAYS[7], format!("Patient?_has:{kind}:{parameter}:_tag=urn:matrix%7C{{tag}}&_total=accurate")),
        get(WAYS[8], format!("{kind}?_id={mine},{{id}}&_total=accurate")).showing(sees),
        Probe::send(
            WAYS[9],
            "POST",
            String::new(),
            &bundle("batch", vec![asks(format!("{kind}/{{id}}")), asks(format!("{kind}?_tag=urn:matrix%7C{{tag}}"))]),
        ),
        Probe::send(WAYS[9], "POST", String::new(), &bundle("transaction", vec![asks(format!("{kind}/{{id}}"))])),
        Probe::send(
            WAYS[10],
            "POST",
            String::new(),
            &bundle(
                "transaction",
                vec![json!({
                    "resource": observation(json!({ "reference": format!("{kind}?_tag=urn:matrix|{{tag}}") })),
                    "request": { "method": "POST", "url": "Observation" } })],
            ),
        ),
        Probe::send(
            WAYS[10],
            "POST",
            String::new(),
            &bundle(
                "batch",
                vec![json!({
                    "resource": observation(json!({ "reference": "Patient?identifier=urn:matrix|{family}" })),
                    "request": { "method": "POST", "url": "Observation", "ifNoneExist": "_tag=urn:matrix|{tag}x" } })],
            ),
        ),
        get(WAYS[11], "Patient/{patient}/$everything".into()),
        get(WAYS[11], format!("Patient/{own}/$everything?_type={kind}&_count=1000")),
        get(WAYS[12], format!("Patient/{{patient}}/{kind}")),
        get(WAYS[12], format!("Patient/{own}/{kind}?{tag}&_count=200&_total=accurate")).showing(sees),
        get(WAYS[13], format!("?_type={kind}&{tag}&_total=accurate&_count=200")).showing(sees),
        get(WAYS[13], format!("?_type={kind}&_tag=urn:matrix%7C{{tag}}&_total=accurate")),
        get(WAYS[14], format!("{kind}?_list={{list}}&_total=accurate")),
        get(WAYS[14], format!("{kind}?_contained=both&_tag=urn:matrix%7C{{tag}}&_total=accurate")),
        get(WAYS[15], format!("{kind}?{parameter}=Patient/{{patient}}&_summary=count")),
        get(WAYS[15], format!("{kind}?_tag=urn:matrix%7C{{tag}}&_summary=count")),
        Probe::send(
            WAYS[15],
            "PATCH",
            format!("{kind}/{{id}}"),
            &json!([{ "op": "test", "path": "/id", "value": "{id}" }]),
        ),
        Probe::send(
            WAYS[15],
            "PUT",
            format!("{kind}/{{id}}"),
            &json!({ "resourceType": kind, "id": "{id}", "nonsense": 1 }),
        ),
        Probe { method: "DELETE", ..get(WAYS[15], format!("{kind}/{{id}}")) },
        get(WAYS[15], format!("{kind}/{{id}}/$meta")),
    ];
    if let Some((parameter, target)) = &it.shared {
        let (shared, id) = target.split_once('/').unwrap_or((target, ""));
        all.push(get(WAYS[5], format!("{shared}?_id={id}&_revinclude={kind}:{parameter}")).showing(false));
        all.push(get(WAYS[7], format!("{shared}?_id={id}&_has:{kind}:{parameter}:_tag=urn:matrix%7C{{tag}}")));
        all.push(get(WAYS[6], format!("{kind}?{parameter}:{shared}._id={id}&_total=accurate&_count=200")));
    }
    all
}

/// What does not depend on the moment: without ids and times of the answer itself.
fn plain(answer: &Answer, names: &Names) -> String {
    let text = names.forget(&answer.text());
    let Ok(mut value) = serde_json::from_str::<Value>(&text) else { return text };
    fn forget(value: &mut Value) {
        match value {
            Value::Object(members) => {
                if members.get("resourceType").and_then(Value::as_str) == Some("Bundle") {
                    members.remove("id");
                }
                for moment in ["lastUpdated", "timestamp", "lastModified"] {
                    members.remove(moment);
                }
                members.values_mut().for_each(forget);
            }
            Value::Array(items) => items.iter_mut().for_each(forget),
            _ => {}
        }
    }
    forget(&mut value);
    value.to_string()
}

pub fn run(world: &World, escape: Escape, asker: &Principal, keep: &dyn Fn(&str) -> bool) -> Result<Tally, String> {
    let begun = Instant::now();
    let mut items = Vec::new();
    let mut probes = std::collections::BTreeSet::new();
    for planted in escape.planted {
        let planted = Rc::new(planted);
        let kind = &planted.link.kind;
        let sees = kind != "AuditEvent" && reach(asker, kind, 's') != Reach::Nothing;
        for way in ways(world, &asker.own, &planted, sees) {
            let Link { kind, parameter, .. } = &planted.link;
            let name = format!("escape/{}/{kind}.{parameter}/{}", asker.key, way.way);
            if keep(&name) {
                probes.insert(name.clone());
                items.push((name, asker.headers.clone(), way, planted.clone()));
            }
        }
    }
    let mut total = Tally { cells: probes.len(), ..Tally::default() };
    total.given = items.iter().filter(|(_, _, way, _)| way.shows).count();
    let tally = Rc::new(RefCell::new(Tally::default()));
    let noted = tally.clone();
    let base = world.near.fhir("");
    each(&world.root, ask::CLIENTS, items, move |mut http, (name, who, way, planted)| {
        let (tally, base) = (noted.clone(), base.clone());
        async move {
            let mut answers = Vec::new();
            for names in [&planted.real, &planted.never] {
                let path = format!("{base}{}", names.fill(&way.path));
                let path = if way.path.is_empty() { path.trim_end_matches('/') } else { &path };
                let headers = format!("{who}{}", names.fill(&way.headers));
                let body = way.body.as_deref().map(|it| names.fill(it));
                let request = Request {
                    method: way.method,
                    path,
                    headers: &headers,
                    content: "",
                    body: body.as_deref().map(str::as_bytes),
                };
                let answer = http.ask(request).await.map_err(|error| format!("{name}: {error}"))?;
                tally.borrow_mut().requests += 1;
                answers.push(answer);
                if !way.named() {
                    break;
                }
            }
            judge(&mut tally.borrow_mut(), &name, &way, &planted, &answers);
            Ok(http)
        }
    })?;
    total.add(tally.take());
    total.seconds = begun.elapsed().as_secs_f64();
    Ok(total)
}

fn judge(tally: &mut Tally, name: &str, way: &Probe, planted: &Planted, answers: &[Answer]) {
    let real = &answers[0];
    let asked = format!("{} {} -> {}", way.method, planted.real.fill(&way.path), real.status);
    let has = |text: &str| ask::find(&real.body, text.as_bytes()) || real.head.contains(text);
    if has(&planted.marker) {
        tally.note(name, Fault::Allowed, &format!("{asked}: a text of the other patient came back"));
        return;
    }
    if real.status >= 500 {
        tally.note(name, Fault::Odd, &format!("{asked}: {}", ask::gist(real)));
        return;
    }
    match answers.get(1) {
        Some(never) => {
            let (first, second) = (plain(real, &planted.real), plain(never, &planted.never));
            if real.status != never.status || first != second {
                let told = format!("{asked}, never there -> {}: {}", never.status, difference(&first, &second));
                tally.note(name, Fault::Allowed, &told);
            }
        }
        None => {
            let names = &planted.real;
            // A list of the own patient may name what it cannot show.
            let secrets = [&names.patient, &names.family, &names.tag];
            if let Some(secret) = secrets.into_iter().find(|it| has(it)) {
                tally.note(name, Fault::Allowed, &format!("{asked}: {secret} came back"));
            } else if has(&format!("\"id\":\"{}\"", names.id)) {
                tally.note(name, Fault::Allowed, &format!("{asked}: {} came back", names.id));
            }
        }
    }
    if way.shows && !(real.ok() && has(&format!("\"id\":\"{}\"", planted.mine))) {
        tally.note(name, Fault::Refused, &format!("{asked}: what is one's own did not come: {}", ask::gist(real)));
    }
}

/// Where two texts begin to differ.
fn difference(first: &str, second: &str) -> String {
    let same = first.bytes().zip(second.bytes()).take_while(|(a, b)| a == b).count();
    let part = |text: &str| {
        let from = same.saturating_sub(30);
        text.get(from..).map_or_else(String::new, |it| it.chars().take(110).collect())
    };
    format!("«{}» is not «{}»", part(first), part(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_and_forgotten_again() {
        let names =
            Names { id: "a1".into(), patient: "b2".into(), family: "c3".into(), tag: "d4".into(), list: "e5".into() };
        assert_eq!(names.fill("x/{id}?p={patient}&l={list}"), "x/a1?p=b2&l=e5");
        assert_eq!(names.forget("x/a1?p=b2&l=e5"), "x/{id}?p={patient}&l={list}");
    }

    #[test]
    fn two_answers_are_the_same_but_for_names_and_moments() {
        let names = |id: &str| Names {
            id: id.into(),
            patient: format!("p{id}"),
            family: format!("f{id}"),
            tag: format!("t{id}"),
            list: format!("l{id}"),
        };
        let answer = |id: &str, moment: &str, total: u32| {
            let body = format!(
                "{{\"resourceType\":\"Bundle\",\"id\":\"{moment}\",\"meta\":{{\"lastUpdated\":\"{moment}\"}},\"total\":{total},\"self\":\"x/{id}\"}}"
            );
            Answer { status: 200, head: String::new(), body: body.into_bytes() }
        };
        let (real, never) = (names("aaaa1"), names("bbbb2"));
        assert_eq!(plain(&answer("aaaa1", "1", 0), &real), plain(&answer("bbbb2", "2", 0), &never));
        assert_ne!(plain(&answer("aaaa1", "1", 1), &real), plain(&answer("bbbb2", "2", 0), &never));
    }
}
