//! The compartment escape: every link of the Patient compartment (FHIR R4 CompartmentDefinition/patient) by every way
//! in. Two patients have one resource for each link; each sees their own and nothing of the other, in bodies, counts
//! or error texts.

use crate::places::{Place, all, me, write_all};
use fhir::search::query::Query;
use fhir::search::row::{RowValue, Target};
use fhir::search::{Handling, Limits, Reading, Registry, Scope};
use fhir::{Id, Key, ResourceType, Value, tables};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{
    Actions, Batch, Caller, Everything, Grant, Guard, HistoryQuery, HistoryScope, Kinds, Layer, PageQuery, Rights,
    StoreError, Within,
};

/// Stands in everything of the other patient and nowhere else.
const SECRET: &str = "zebrafinch";

fn kind(name: &str) -> ResourceType {
    ResourceType::parse(name).unwrap()
}

/// Every type and parameter by which something belongs to a patient.
fn links(registry: &Registry) -> Vec<(ResourceType, String)> {
    let compartment = tables::compartment("Patient").unwrap();
    let codes = |of: ResourceType| compartment.parameters(of.name()).iter().map(move |code| (of, (*code).to_owned()));
    let found: Vec<_> = ResourceType::all().flat_map(codes).collect();
    assert!(found.iter().all(|(of, code)| registry.param(*of, code).is_some()));
    found
}

/// A resource that points at a patient by a parameter.
fn pointing(registry: &Registry, of: ResourceType, code: &str, id: &str, owner: &str, words: &str) -> Value {
    let expression = &registry.param(of, code).unwrap().expression;
    let own = expression.split('|').map(|it| it.trim().trim_start_matches('('));
    let path = own.into_iter().find(|it| it.starts_with(&format!("{of}."))).unwrap();
    let is_choice = path.contains(" as Reference") || path.contains(".as(Reference)");
    let end = [" as ", ".as(", ".where(", ")"].iter().filter_map(|it| path.find(it)).min().unwrap_or(path.len());
    let names: Vec<&str> = path[..end].split('.').skip(1).collect();
    let mut value = json!({"reference": format!("Patient/{owner}")});
    for (at, name) in names.iter().rev().enumerate() {
        let name = if at == 0 && is_choice { format!("{name}Reference") } else { (*name).to_owned() };
        value = json!({ name: value });
    }
    let mut it = json!({"resourceType": of.name(), "id": id,
        "meta": {"tag": [{"system": "urn:words", "code": words}, {"system": "urn:words", "code": "all"}]},
        "text": {"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{words}</div>")}});
    for (name, value) in value.as_object().unwrap() {
        it[name] = value.clone();
    }
    it
}

/// What a link's resource is called.
fn name(of: ResourceType, code: &str, whose: &str) -> String {
    format!("{whose}-{}-{code}", of.number())
}

fn world(registry: &Registry) -> Vec<Value> {
    let mut all = Vec::new();
    for (whose, other, words) in [("mine", "theirs", "sparrow"), ("theirs", "mine", SECRET)] {
        all.push(json!({"resourceType": "Patient", "id": whose, "name": [{"family": words}],
            "meta": {"tag": [{"system": "urn:words", "code": words}, {"system": "urn:words", "code": "all"}]}}));
        let mut own = Vec::new();
        let mut others = Vec::new();
        for (of, code) in links(registry) {
            all.push(pointing(registry, of, &code, &name(of, &code, whose), whose, words));
            own.push(json!({"item": {"reference": format!("{of}/{}", name(of, &code, whose))}}));
            others.push(json!({"item": {"reference": format!("{of}/{}", name(of, &code, other))}}));
        }
        // A list of each that holds what is of both.
        own.extend(others);
        all.push(json!({"resourceType": "List", "id": format!("list-{whose}"), "status": "current", "mode": "working",
            "title": words, "subject": {"reference": format!("Patient/{whose}")}, "entry": own,
            "meta": {"tag": [{"system": "urn:words", "code": words}]}}));
    }
    all
}

/// Looks at a place as one of the patients.
struct Looker<'a> {
    place: &'a Place,
    caller: Caller,
    registry: Arc<Registry>,
    wrong: Vec<String>,
}

impl Looker<'_> {
    fn query(&self, scope: Scope, params: &[(&str, &str)]) -> Query {
        let reading =
            Reading { registry: &self.registry, base: self.place.store.bases(), limits: Limits::default(), now: 0 };
        let params: Vec<_> = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        reading.query(&scope, &params, Handling::Strict).unwrap_or_else(|issues| panic!("{params:?}: {issues:?}")).0
    }

    /// What is shown speaks of nothing of the other's.
    fn look(&mut self, way: &str, shown: &str) {
        let lists_only = shown.replace("/theirs-", "/").replace("\"Patient/theirs\"", "");
        if shown.contains(SECRET) || lists_only.contains("theirs") {
            self.wrong.push(format!("{way}: {}", &shown[..shown.len().min(300)]));
        }
    }

    /// Every match of every page; counts agree with what is shown.
    async fn search(&mut self, scope: Scope, params: &[(&str, &str)]) -> BTreeSet<String> {
        let query = self.query(scope, params);
        let way = format!("{:?}?{params:?}", query.kinds);
        let size = if params.iter().any(|(name, _)| *name == "_sort") { 1 } else { 500 };
        let mut asked = PageQuery { query, default_count: size, max_count: size, cursor: None };
        let (mut found, mut matched) = (BTreeSet::new(), 0);
        loop {
            let page = match self.place.store.search(&self.caller, &asked).await {
                Ok(page) => page,
                Err(error) => {
                    self.look(&way, &error.to_string());
                    self.wrong.push(format!("{way}: {error}"));
                    return found;
                }
            };
            for entry in &page.entries {
                let key = entry.stored.key.to_string();
                self.look(&way, std::str::from_utf8(&entry.stored.body).unwrap());
                if key.contains("theirs") {
                    self.wrong.push(format!("{way} shows {key}"));
                }
                matched += u64::from(entry.role == store::Role::Match);
                found.insert(key);
            }
            if page.next.is_none() {
                if asked.query.summary == fhir::search::query::Summary::Count {
                    return BTreeSet::from([format!("{:?}", page.total)]);
                }
                if page.total.is_some_and(|total| total != matched) {
                    self.wrong.push(format!("{way}: total {:?} of {matched}", page.total));
                }
                return found;
            }
            asked.cursor = page.next;
        }
    }

    /// A refusal, in words that fit the absent one as well.
    async fn refused<T>(
        &mut self,
        way: &str,
        hidden: Result<T, StoreError>,
        absent: Result<T, StoreError>,
        ids: [&str; 2],
    ) {
        let told = |answer: Result<T, StoreError>, id: &str| match answer {
            Ok(_) => "shown".to_owned(),
            Err(error) => format!("{:?} {}", error.kind(), error.to_string().replace(id, "*")),
        };
        let (hidden, absent) = (told(hidden, ids[0]), told(absent, ids[1]));
        if hidden == "shown" || hidden != absent {
            self.wrong.push(format!("{way}: hidden is {hidden}, absent is {absent}"));
        }
    }

    async fn link(&mut self, of: ResourceType, code: &str) {
        let store = self.place.store.clone();
        let caller = self.caller.clone();
        let (mine, theirs) = (name(of, code, "mine"), name(of, code, "theirs"));
        let key = |id: &str| Key::new(of, Id::parse(id).unwrap());
        let own = key(&mine).to_string();
        let ids = [theirs.as_str(), "nobody"];
        // By their name: what is mine is shown, what is theirs is as if it were not there.
        assert!(store.read(&caller, &key(&mine)).await.is_ok(), "{of}.{code}");
        assert!(store.vread(&caller, &key(&mine), "1").await.is_ok(), "{of}.{code}");
        let (a, b) = (store.read(&caller, &key(&theirs)).await, store.read(&caller, &key("nobody")).await);
        self.refused("read", a, b, ids).await;
        let (a, b) = (store.vread(&caller, &key(&theirs), "1").await, store.vread(&caller, &key("nobody"), "1").await);
        self.refused("vread", a, b, ids).await;
        let history = |scope: HistoryScope| HistoryQuery { scope, since: None, at: None, count: 1_000, cursor: None };
        let of_one = |id: &str| history(HistoryScope::Instance(key(id)));
        assert_eq!(store.history(&caller, &of_one(&mine)).await.unwrap().versions.len(), 1);
        let (a, b) = (store.history(&caller, &of_one(&theirs)).await, store.history(&caller, &of_one("nobody")).await);
        self.refused("history", a, b, ids).await;
        let page = store.history(&caller, &history(HistoryScope::Kind(of))).await.unwrap();
        assert!(page.total.is_none());
        for stored in &page.versions {
            self.look("type history", std::str::from_utf8(&stored.body).unwrap());
            self.look("type history", stored.key.id.as_str());
        }
        assert!(page.versions.iter().any(|it| it.key.to_string() == own), "{of}.{code}");
        // By searches.
        let theirs_of_type = format!("{theirs},{mine}");
        let compartment = |owner: &str, of| Scope::Compartment { owner: Key::parse(owner).unwrap(), kind: of };
        let in_type = || Scope::Type(of);
        let tag = format!("urn:words|{SECRET}");
        let chain = format!("item:{of}._tag");
        let back = format!("_has:{of}:{code}:_tag");
        assert!(self.search(in_type(), &[]).await.contains(&own), "{of}.{code}");
        assert_eq!(self.search(in_type(), &[("_id", &theirs_of_type)]).await, BTreeSet::from([own.clone()]));
        for scope in [in_type(), Scope::System] {
            assert_eq!(self.search(scope, &[("_tag", &tag)]).await, BTreeSet::new());
        }
        for (param, value) in [(code, "Patient/theirs"), ("_content", SECRET), ("_text", SECRET)] {
            assert_eq!(self.search(in_type(), &[(param, value)]).await, BTreeSet::new(), "{of}?{param}");
        }
        assert!(self.search(in_type(), &[(code, "Patient/mine")]).await.contains(&own), "{of}.{code}");
        assert!(self.search(compartment("Patient/mine", Some(of)), &[]).await.contains(&own), "{of}.{code}");
        assert_eq!(self.search(compartment("Patient/theirs", Some(of)), &[]).await, BTreeSet::new());
        let sorted = self.search(in_type(), &[("_tag", "urn:words|all"), ("_sort", "-_lastUpdated")]).await;
        assert!(sorted.contains(&own));
        let counted = self.search(in_type(), &[("_id", &theirs_of_type), ("_summary", "count")]).await;
        assert_eq!(counted, BTreeSet::from(["Some(1)".to_owned()]));
        self.search(in_type(), &[("_total", "accurate"), ("_count", "1"), ("_tag", "urn:words|all")]).await;
        // By what leads there.
        let along = self
            .search(Scope::Type(kind("List")), &[("_include", "List:item"), ("_id", "list-mine,list-theirs")])
            .await;
        assert!(along.contains(&own) && along.contains("List/list-mine"), "{along:?}");
        let along = self.search(in_type(), &[("_id", &theirs_of_type), ("_revinclude", "List:item")]).await;
        assert_eq!(along.iter().filter(|it| it.starts_with("List/list-")).collect::<Vec<_>>(), ["List/list-mine"]);
        self.search(
            in_type(),
            &[("_id", &mine), ("_revinclude:iterate", "List:item"), ("_include:iterate", "List:item")],
        )
        .await;
        assert_eq!(self.search(Scope::Type(kind("List")), &[(&chain, &tag)]).await, BTreeSet::new());
        assert_eq!(self.search(in_type(), &[("_has:List:item:_tag", &tag)]).await, BTreeSet::new());
        assert_eq!(self.search(Scope::Type(kind("Patient")), &[(&back, &tag)]).await, BTreeSet::new());
        assert_eq!(self.search(in_type(), &[("_list", "list-theirs")]).await, BTreeSet::new());
        assert!(self.search(in_type(), &[("_list", "list-mine")]).await.contains(&own));
        self.search(in_type(), &[("_contained", "both"), ("_tag", &tag)]).await;
        // By conditions.
        let condition = self.query(in_type(), &[("_tag", &tag)]);
        assert_eq!(store.find(&caller, &condition, 9).await.unwrap(), Vec::<Key>::new());
        for (found, stands) in [(vec![], true), (vec![key(&theirs)], false)] {
            let guards = vec![Guard { query: condition.clone(), found }];
            let done = store.commit(&caller, Batch { guards, action: "test", ..Batch::default() }, 0).await;
            assert_eq!(done.is_ok(), stands, "{of}.{code}: {done:?}");
        }
    }
}

fn patient(id: &str) -> Caller {
    let within = Within::Patients(vec![Id::parse(id).unwrap()]);
    let grant = Grant { kinds: Kinds::all(), actions: Actions::ALL, within };
    let layer = Layer { name: "patient".into(), grants: vec![grant] };
    let rights = Arc::new(Rights::new(vec![layer], Vec::new(), BTreeSet::new()));
    Caller { rights, who: "user/mine".into(), ..Caller::system("portal") }
}

#[tokio::test]
async fn no_link_of_the_compartment_leads_to_another_patient() {
    for place in all().await {
        let registry = place.store.registry();
        for some in world(&registry).chunks(60) {
            write_all(&place.store, some.to_vec()).await;
        }
        let mut looker =
            Looker { place: &place, caller: patient("mine"), registry: registry.clone(), wrong: Vec::new() };
        let links = links(&registry);
        assert_eq!(links.len(), 100);
        for (of, code) in &links {
            // The test resource is found by the very parameter it is about.
            let slots: Vec<_> = registry.param(*of, code).unwrap().sources.iter().map(|it| it.slot).collect();
            let value = pointing(&registry, *of, code, "x", "mine", "x");
            let mine = Target::Local { key: Key::parse("Patient/mine").unwrap(), version: None };
            let rows = registry.rows(*of, &value, place.store.bases());
            let points =
                rows.iter().any(|it| slots.contains(&it.slot) && it.value == RowValue::Reference(mine.clone()));
            assert!(points, "{of}.{code}: {value}");
            looker.link(*of, code).await;
        }
        // By whole records.
        let everything = |id: &str| Everything::of(Key::parse(&format!("Patient/{id}")).unwrap(), 1_000);
        let store = &place.store;
        let page = store.everything(&looker.caller, &everything("mine")).await.unwrap();
        assert!(page.entries.len() >= 100);
        assert_eq!(page.total, Some(page.entries.len() as u64));
        for entry in &page.entries {
            looker.look("$everything", entry.stored.key.id.as_str());
            looker.look("$everything", std::str::from_utf8(&entry.stored.body).unwrap());
        }
        let (a, b) = (
            store.everything(&looker.caller, &everything("theirs")).await,
            store.everything(&looker.caller, &everything("nobody")).await,
        );
        looker.refused("$everything", a, b, ["theirs", "nobody"]).await;
        let observations = looker.query(Scope::Type(kind("Observation")), &[("_tag", "urn:words|all")]);
        let page = store.last_n(&looker.caller, &observations, 9).await.unwrap();
        assert!(!page.entries.is_empty());
        page.entries.iter().for_each(|it| looker.look("$lastn", it.stored.key.id.as_str()));
        let asked = HistoryQuery { scope: HistoryScope::System, since: None, at: None, count: 9, cursor: None };
        let mut asked = asked;
        let mut versions = 0;
        loop {
            let page = store.history(&looker.caller, &asked).await.unwrap();
            versions += page.versions.len();
            for stored in &page.versions {
                looker.look("system history", stored.key.id.as_str());
                looker.look("system history", std::str::from_utf8(&stored.body).unwrap());
            }
            asked.cursor = page.next;
            if asked.cursor.is_none() {
                break;
            }
        }
        // One for each link, the patient, and the list.
        assert_eq!(versions, 102);
        let shown = looker.wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(looker.wrong.is_empty(), "{} escapes:\n{shown}", looker.wrong.len());
        // The same ways do find the other's for who may see it: the test would notice.
        let mut all_seeing = Looker { place: &place, caller: me(), registry: registry.clone(), wrong: Vec::new() };
        let tag = format!("urn:words|{SECRET}");
        for params in
            [vec![("_tag", tag.as_str())], vec![("_content", SECRET)], vec![("_list", "list-mine"), ("_count", "300")]]
        {
            all_seeing.search(Scope::Type(kind("Observation")), &params).await;
            assert!(!std::mem::take(&mut all_seeing.wrong).is_empty(), "{params:?}");
        }
    }
}
