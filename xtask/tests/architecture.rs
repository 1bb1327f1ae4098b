//! The shape of the workspace, kept true: which crate may use which, where SQL and the clock may be, what
//! every crate promises, under which licences others' work comes in. See ARCHITECTURE.md.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each crate may use those before it, and nothing else of ours. `api` and `web` do not know each other.
const ORDER: [(&str, &[&str]); 7] = [
    ("fhir", &[]),
    ("formats", &["fhir"]),
    ("store", &["fhir"]),
    ("care", &["fhir", "formats", "store"]),
    ("api", &["fhir", "formats", "store", "care"]),
    ("web", &["fhir", "formats", "store", "care"]),
    ("server", &["fhir", "formats", "store", "care", "api", "web"]),
];

/// What tests and chores may use; nothing shipped uses them.
const NOT_SHIPPED: [&str; 3] = ["fuzz", "testkit", "xtask"];

/// Crates that talk to a database.
const DATABASES: [&str; 9] = [
    "rusqlite",
    "libsqlite3-sys",
    "tokio-postgres",
    "postgres",
    "deadpool-postgres",
    "sqlx",
    "diesel",
    "redb",
    "mysql",
];

/// Crates that open sockets or files: not for those that only compute.
const OUTSIDE: [&str; 8] = ["tokio", "axum", "hyper", "reqwest", "socket2", "mio", "notify", "rustix"];

/// Licences that go with Apache-2.0 in a program we give away: permissive, or copyleft that ends at the file.
const LICENCES: [&str; 14] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "MPL-2.0",
    "0BSD",
    "BSL-1.0",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .output()
        .expect("cargo runs");
    assert!(done.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).expect("cargo writes JSON")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn name(value: &Value) -> &str {
    value["name"].as_str().expect("packages and dependencies have names")
}

/// Our own crates, by name.
fn ours(metadata: &Value) -> BTreeMap<&str, &Value> {
    let members: BTreeSet<&str> = list(metadata, "workspace_members").filter_map(Value::as_str).collect();
    list(metadata, "packages")
        .filter(|package| members.contains(package["id"].as_str().expect("packages have ids")))
        .map(|package| (name(package), package))
        .collect()
}

/// Direct dependencies of the shipped code (without those of tests).
fn uses(package: &Value) -> BTreeSet<&str> {
    list(package, "dependencies").filter(|it| it["kind"] != "dev").map(name).collect()
}

#[test]
fn crates_only_look_down() {
    let metadata = metadata();
    let ours = ours(&metadata);
    for (crate_name, package) in &ours {
        if NOT_SHIPPED.contains(crate_name) {
            continue;
        }
        let allowed = ORDER.iter().find(|(it, _)| it == crate_name).map(|(_, allowed)| *allowed);
        let allowed =
            allowed.unwrap_or_else(|| panic!("{crate_name} is new: give it a place in ORDER and ARCHITECTURE.md"));
        for used in uses(package).into_iter().filter(|it| ours.contains_key(it)) {
            assert!(allowed.contains(&used), "{crate_name} must not use {used}");
        }
    }
    for (crate_name, _) in ORDER {
        assert!(ours.contains_key(crate_name), "{crate_name} is gone: take it out of ORDER and ARCHITECTURE.md");
    }
}

#[test]
fn only_the_store_talks_to_databases() {
    let metadata = metadata();
    for (crate_name, package) in ours(&metadata) {
        let drivers: Vec<&str> = uses(package).into_iter().filter(|it| DATABASES.contains(it)).collect();
        assert!(crate_name == "store" || drivers.is_empty(), "{crate_name} must leave {drivers:?} to store");
    }
    for (path, text) in sources(&["fhir", "formats", "care", "api", "web", "server"]) {
        for (number, line) in code_lines(&text) {
            let upper = line.to_uppercase();
            let sql = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE "]
                .iter()
                .any(|it| upper.contains(&format!("\"{it}")));
            assert!(!sql, "{}:{number}: SQL belongs into store", path.display());
        }
    }
}

#[test]
fn fhir_only_computes() {
    let metadata = metadata();
    let ours = ours(&metadata);
    let used = ["fhir", "formats"].into_iter().flat_map(|name| uses(ours[name]));
    let found: Vec<&str> = used.filter(|it| OUTSIDE.contains(it)).collect();
    assert!(found.is_empty(), "fhir does no input or output, so it must not use {found:?}");
}

/// `clippy.toml` says the same with a reason; this also sees what an `allow` would hide.
#[test]
fn below_server_the_clock_and_the_environment_are_arguments() {
    const CALLS: [&str; 6] =
        ["SystemTime::now", "Timestamp::now", "Zoned::now", "Utc::now", "std::env::var", "Uuid::now_v7"];
    for (path, text) in sources(&["fhir", "formats", "store", "care", "api", "web"]) {
        for (number, line) in code_lines(&text) {
            let found = CALLS.iter().find(|it| line.contains(*it));
            assert!(found.is_none(), "{}:{number}: {} is for server", path.display(), found.unwrap_or(&""));
        }
    }
}

/// A route beside the tables would have no policy. The places where tables become routers, and how often each may.
#[test]
fn routes_come_from_tables_that_say_who_may_use_them() {
    const ROUTERS: [(&str, usize); 6] = [
        ("api/src/door.rs", 3),
        // One, with its policy beside it, which the list of routes takes in.
        ("api/src/lines.rs", 1),
        ("api/src/smart/mod.rs", 1),
        ("web/src/assets.rs", 1),
        ("web/src/pages.rs", 3),
        ("server/src/shell.rs", 1),
    ];
    for (path, text) in sources(&["care", "api", "web", "server"]) {
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        let made = code_lines(&text)
            .filter(|(_, line)| {
                [".route(", ".nest(", ".route_service(", ".nest_service("].iter().any(|it| line.contains(it))
            })
            .count();
        let may = ROUTERS.iter().find(|(it, _)| path.ends_with(it)).map_or(0, |(_, may)| *may);
        assert!(
            made <= may,
            "{} makes {made} routes of its own; put them into a table with their policy",
            path.display()
        );
    }
}

#[test]
fn no_crate_is_unsafe_and_all_keep_the_same_lints() {
    let metadata = metadata();
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains("unsafe_code = \"forbid\""), "the workspace forbids unsafe code");
    for (crate_name, package) in ours(&metadata) {
        let manifest = std::fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        // The chores print, which the shipped code must not.
        let kept = manifest.contains("[lints]\nworkspace = true")
            || (matches!(crate_name, "xtask" | "fuzz") && manifest.contains("unsafe_code = \"forbid\""));
        assert!(kept, "{crate_name} must inherit the lints of the workspace");
    }
}

#[test]
fn everything_we_build_on_may_be_given_away_with_us() {
    let metadata = metadata();
    let mut refused = Vec::new();
    for package in list(&metadata, "packages") {
        let licence = package["license"].as_str().unwrap_or("");
        if !allowed(licence) {
            refused.push(format!("{} {}: {licence:?}", name(package), package["version"].as_str().unwrap_or("")));
        }
    }
    assert!(refused.is_empty(), "licences to look at:\n{}", refused.join("\n"));
}

/// Reads an SPDX expression: of `OR` one side is enough, of `AND` all are needed; `/` is an old `OR`.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let any = split(&expression, " OR ");
    if any.len() > 1 {
        return any.iter().any(|it| allowed(it));
    }
    let all = split(&expression, " AND ");
    if all.len() > 1 {
        return all.iter().all(|it| allowed(it));
    }
    let one = expression.trim();
    match one.strip_prefix('(').and_then(|it| it.strip_suffix(')')) {
        Some(inner) => allowed(inner),
        None => LICENCES.contains(&one),
    }
}

/// Splits outside brackets.
fn split(text: &str, separator: &str) -> Vec<String> {
    let (mut parts, mut current, mut depth) = (Vec::new(), String::new(), 0);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if depth == 0 && rest.starts_with(separator) {
            parts.push(std::mem::take(&mut current));
            rest = &rest[separator.len()..];
            continue;
        }
        depth += i32::from(first == '(') - i32::from(first == ')');
        current.push(first);
        rest = &rest[first.len_utf8()..];
    }
    parts.push(current);
    parts
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    assert!(allowed("MIT OR GPL-3.0"));
    assert!(allowed("MIT/Apache-2.0"));
    assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!allowed("MIT AND GPL-3.0"));
    assert!(!allowed("GPL-3.0"));
    assert!(!allowed(""));
}

#[test]
fn no_file_of_logic_is_too_long_to_read() {
    for (path, text) in sources(&["fhir", "store", "care", "api", "web", "server"]) {
        // Tests and tables may be as long as they like.
        let named = |it: &str| path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains(it));
        if named("test") || named("table") || path.components().any(|it| it.as_os_str() == "tests") {
            continue;
        }
        let logic = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or("");
        let lines = logic.lines().count();
        assert!(lines <= 800, "{} has {lines} lines of logic: which part has a good name of its own?", path.display());
    }
}

/// Says what the documents promise: links between them lead somewhere.
#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut documents = vec![];
    collect(&root().join("docs"), "md", &mut documents);
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "STYLE.md", "CHANGELOG.md", "SECURITY.md"] {
        documents.push(root().join(name));
    }
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
        // What stands between backticks is code, every second part of a line.
        let prose: String =
            text.lines().flat_map(|line| line.split('`').step_by(2).chain(["\n"])).collect::<Vec<_>>().join(" ");
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or("");
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let target = document.parent().expect("documents lie in a folder").join(path);
            assert!(target.exists(), "{} links to {link}, which is not there", document.display());
        }
    }
}

/// Source files of these crates.
fn sources(crates: &[&str]) -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for name in crates {
        collect(&root().join("crates").join(name).join("src"), "rs", &mut paths);
    }
    assert!(!paths.is_empty(), "there are sources");
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(&path).expect("sources are text"))).collect()
}

fn collect(folder: &Path, extension: &str, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, extension, paths);
        } else if path.extension().is_some_and(|it| it == extension) {
            paths.push(path);
        }
    }
}

/// Numbered lines of code before the tests, without comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or("");
    code.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}
