//! Settings: defaults, then the file, then the environment, then the command line; the later wins. A name
//! we do not know is an error that offers the nearest one we do. Secrets are redacted in every print.
//! What settings there are is said in `fields.rs`.

mod fields;
mod show;

use crate::failure::{Exit, Failure};
#[cfg(test)]
use fields::without_password;
use fields::{FIELDS, Field};
pub(crate) use show::{check, default, reference, schema, show};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Who said so.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag => f.write_str("command line"),
        }
    }
}

/// All settings of one start, by key, each with who said so. Deliberately without `Debug`: it holds secrets.
pub(crate) struct Config {
    held: BTreeMap<String, (String, Origin)>,
}

/// One organisation as the settings describe it.
pub(crate) struct OrganisationConfig {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) base: String,
    /// A file or `postgres://…`; may hold a password, so it is never printed as it is.
    pub(crate) store: String,
}

impl Config {
    /// Reads everything there is. `flags` are the settings given on the command line.
    pub(crate) fn load(file: Option<&Path>, flags: &[(String, String)]) -> Result<Config, Failure> {
        #[allow(clippy::disallowed_methods)] // The environment is read here and nowhere else.
        let environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let text = match file {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(Failure::file("read the settings", path))?;
                Some((path, text))
            }
        };
        Config::from(text.as_ref().map(|(path, text)| (*path, text.as_str())), &environment, flags)
    }

    fn from(
        file: Option<(&Path, &str)>,
        environment: &[(String, String)],
        flags: &[(String, String)],
    ) -> Result<Config, Failure> {
        let mut config = Config { held: BTreeMap::new() };
        for field in FIELDS {
            if let Some(value) = field.default {
                config.held.insert(field.key.into(), (value.into(), Origin::Default));
            }
        }
        let mut wrong = Vec::new();
        if let Some((path, text)) = file {
            let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
                Failure::new(Exit::Config, format!("{} is not TOML: {}", path.display(), error.message()))
            })?;
            let mut leaves = Vec::new();
            flatten("", &toml::Value::Table(table), &mut leaves);
            for (key, value) in leaves {
                config.take(&key, value, Origin::File(path.to_owned()), &mut wrong);
            }
        }
        for (name, value) in environment {
            if let Some(rest) = name.strip_prefix("CONTINUO_").filter(|rest| rest.contains("__")) {
                config.take_variable(name, rest, value, &mut wrong);
            }
        }
        for (key, value) in flags {
            config.take(key, Some(value.clone()), Origin::Flag, &mut wrong);
        }
        if wrong.is_empty() { Ok(config) } else { Err(Failure::new(Exit::Config, wrong.join("\n"))) }
    }

    fn take_variable(&mut self, name: &str, rest: &str, value: &str, wrong: &mut Vec<String>) {
        let key = key_of_variable(rest);
        let origin = Origin::Variable(name.to_owned());
        let in_file = key.strip_suffix("_file");
        match in_file.filter(|key| FIELDS.iter().any(|field| field.is(key) && field.may_lie_in_a_file())) {
            None => self.take(&key, Some(value.to_owned()), origin, wrong),
            Some(key) => match std::fs::read_to_string(value) {
                Ok(text) => self.take(key, Some(text.trim_end().to_owned()), origin, wrong),
                Err(error) => wrong.push(format!("{name} names the file {value}, which cannot be read: {error}")),
            },
        }
    }

    fn take(&mut self, key: &str, value: Option<String>, origin: Origin, wrong: &mut Vec<String>) {
        let Some(field) = FIELDS.iter().find(|field| field.is(key)) else {
            let near = nearest(key);
            wrong.push(format!("{origin}: there is no setting {key}; did you mean {near}?"));
            return;
        };
        match value {
            None => wrong.push(format!("{origin}: {key} must be a single value, not a list, table or date")),
            Some(value) => match field.refuse(&value) {
                Some(reason) => wrong.push(format!("{origin}: {key} {reason}")),
                None => {
                    self.held.insert(key.to_owned(), (value, origin));
                }
            },
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.held.get(key).map(|(value, _)| value.as_str())
    }

    /// A setting that has a default.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.get(key).expect("the setting has a default")
    }

    pub(crate) fn count(&self, key: &str) -> u64 {
        self.text(key).parse().expect("the value was checked when it was taken")
    }

    pub(crate) fn switch(&self, key: &str) -> bool {
        self.text(key) == "true"
    }

    pub(crate) fn bind(&self) -> SocketAddr {
        self.text("server.bind").parse().expect("the value was checked when it was taken")
    }

    pub(crate) fn data_folder(&self) -> PathBuf {
        PathBuf::from(self.text("data.folder"))
    }

    pub(crate) fn backup_folder(&self) -> PathBuf {
        self.get("backup.folder").map_or_else(|| self.data_folder().join("backups"), PathBuf::from)
    }

    /// Refuses to carry patient data in the clear beyond this machine.
    pub(crate) fn check_bind(&self) -> Result<SocketAddr, Failure> {
        let bind = self.bind();
        if bind.ip().is_loopback() || self.switch("server.behind_proxy") {
            return Ok(bind);
        }
        Err(Failure::new(
            Exit::Config,
            format!(
                "server.bind = {bind} would carry patient data in the clear to other machines. \
                 Put a proxy that ends TLS in front and say --behind-proxy, or listen on 127.0.0.1"
            ),
        ))
    }

    /// The short names of all channels.
    pub(crate) fn channels(&self) -> Vec<&str> {
        self.named("channel")
    }

    /// The short names of all archives of images.
    pub(crate) fn archives(&self) -> Vec<&str> {
        self.named("pacs")
    }

    fn named(&self, section: &str) -> Vec<&str> {
        let name = |key| Some(str::strip_prefix(key, section)?.strip_prefix('.')?.split_once('.')?.0);
        let mut names: Vec<&str> = self.held.keys().map(String::as_str).filter_map(name).collect();
        names.dedup();
        names
    }

    pub(crate) fn organisations(&self) -> Result<Vec<OrganisationConfig>, Failure> {
        let mut slugs: Vec<&str> = self
            .held
            .keys()
            .filter_map(|key| key.strip_prefix("organisation.")?.split_once('.').map(|(slug, _)| slug))
            .collect();
        slugs.dedup();
        let one = |slug: &str| {
            let get = |name: &str| self.get(&format!("organisation.{slug}.{name}")).map(str::to_owned);
            let name = get("name").ok_or_else(|| {
                Failure::new(Exit::Config, format!("organisation.{slug} needs a name: what do people call it?"))
            })?;
            let base = get("base").unwrap_or_else(|| format!("http://{}/{slug}", self.bind()));
            let in_folder = || self.data_folder().join(format!("{slug}.db")).display().to_string();
            Ok(OrganisationConfig { slug: slug.into(), name, base, store: get("store").unwrap_or_else(in_folder) })
        };
        slugs.into_iter().map(one).collect()
    }
}

/// Leaves of a TOML table with their dotted keys; `None` for what cannot be a setting.
fn flatten(prefix: &str, value: &toml::Value, leaves: &mut Vec<(String, Option<String>)>) {
    match value {
        toml::Value::Table(table) => {
            for (name, inner) in table {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, inner, leaves);
            }
        }
        toml::Value::String(text) => leaves.push((prefix.into(), Some(text.clone()))),
        toml::Value::Integer(number) => leaves.push((prefix.into(), Some(number.to_string()))),
        toml::Value::Boolean(switch) => leaves.push((prefix.into(), Some(switch.to_string()))),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) => leaves.push((prefix.into(), None)),
    }
}

/// `ORGANISATION__NORTH_CLINIC__NAME` becomes `organisation.north-clinic.name`.
fn key_of_variable(rest: &str) -> String {
    let lower = rest.to_lowercase();
    let parts: Vec<&str> = lower.split("__").collect();
    match parts.as_slice() {
        ["channel", slug, name] => format!("channel.{}.{name}", slug.replace('_', "-")),
        ["organisation", slug, name] => format!("organisation.{}.{name}", slug.replace('_', "-")),
        parts => parts.join("."),
    }
}

/// The known name that takes the fewest keystrokes to get to.
fn nearest(key: &str) -> &'static str {
    let names = FIELDS.iter().map(|field| field.key);
    names.min_by_key(|name| distance(key, name)).expect("there are settings")
}

/// Levenshtein's edit distance.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in to.iter().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests;
