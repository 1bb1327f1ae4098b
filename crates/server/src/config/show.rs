//! What the settings are, for people and for programs: all of it generated from the list of fields.

use super::{Config, FIELDS, Field, Origin};
use crate::failure::Done;
use crate::terminal;
use serde_json::{Map, Value, json};

/// `config check`: loading found nothing wrong; what only shows when settings meet is asked here.
pub(crate) fn check(config: &Config) -> Done {
    let bind = config.check_bind()?;
    let organisations = config.organisations()?;
    crate::entry::roles(config)?;
    terminal::line(format_args!("the settings are fine: {} organisations, listening on {bind}", organisations.len()));
    Ok(())
}

/// `config show`: every setting that has a value, secrets hidden.
pub(crate) fn show(config: &Config, origin: bool, as_json: bool) -> Done {
    let rows = config.held.iter().map(|(key, (value, from))| {
        let field = FIELDS.iter().find(|field| field.is(key)).expect("only known settings are held");
        (key, field.shown(value), from)
    });
    if as_json {
        let one = |(key, value, from): (&String, String, &Origin)| json!({ "key": key, "value": value, "origin": from.to_string() });
        terminal::json(&rows.map(one).collect());
        return Ok(());
    }
    for (key, value, from) in rows {
        let from = if origin { format!("   # {from}") } else { String::new() };
        terminal::line(format_args!("{key} = {}{from}", toml_value(&value)));
    }
    Ok(())
}

/// `config default`: a file to start from, every setting explained.
pub(crate) fn default() -> Done {
    terminal::line(default_file().trim_end());
    Ok(())
}

pub(super) fn default_file() -> String {
    let mut text =
        String::from("# Settings of Continuo. Environment variables and flags go before what is said here.\n");
    let mut section = "";
    for field in FIELDS {
        let (this, name) = field.key.rsplit_once('.').expect("keys have a section");
        if this != section {
            section = this;
            // An organisation of one's own is not a default, so its section is an example.
            let heading = match this {
                "organisation.*" => "# [organisation.riverside]",
                "channel.*" => "# [channel.lakeside-hl7]",
                _ => &format!("[{this}]"),
            };
            text.push_str(&format!("\n{heading}\n"));
        }
        text.push_str(&format!("\n# {}\n", field.text));
        text.push_str(&format!("# {} or {}\n", field.variable(), what(field)));
        match field.default {
            Some(value) => text.push_str(&format!("{name} = {}\n", typed(field, value))),
            None => text.push_str(&format!("# {name} = \"\"\n")),
        }
    }
    text
}

/// `config reference`: the page of the manual about settings.
pub(crate) fn reference() -> Done {
    terminal::line(reference_page().trim_end());
    Ok(())
}

pub(super) fn reference_page() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         A setting comes from the command line, else from the environment, else from the file that `--config` names, else it has its\n\
         default. `continuo config show --origin` says which it was. A name that does not exist is an error and offers the nearest that\n\
         does. `continuo config default` writes a file to start from, `continuo config schema` a JSON Schema of it.\n\n\
         Secrets are never printed. For those marked *secret* the environment may name a file instead, with `_FILE` at the end of the\n\
         name.\n\n\
         Written by `continuo config reference`.\n\n\
         | setting and variable | value | default | what it does |\n|---|---|---|---|\n",
    );
    for field in FIELDS {
        let key = field.key.replace('*', "<name>");
        let value = kind(field) + if field.may_lie_in_a_file() { " (*secret*)" } else { "" };
        let default = field.default.map_or("–".to_owned(), |it| format!("`{it}`"));
        page.push_str(&format!("| `{key}` `{}` | {value} | {default} | {} |\n", field.variable(), field.text));
    }
    page.push_str(
        "\nOn the command line: `--set key=value`, and for the common ones `--config`, `--data-dir`, `serve --bind`, `--port`,\n\
         `--behind-proxy`. `<name>` is the short name of an organisation, the first part of its paths, or of a channel: lower-case letters, digits and `-`\n\
         (in a variable `_` stands for `-`).\n",
    );
    page
}

fn kind(field: &Field) -> String {
    use super::fields::Kind::*;
    match field.kind {
        Text => "text".into(),
        Socket => "host:port".into(),
        Url => "http(s) address".into(),
        Path => "path".into(),
        Count(least, most) => format!("{least} to {most}"),
        Switch => "true or false".into(),
        Choice(names) => names.join(", "),
        Secret => "secret".into(),
        Store => "path or postgres:// address".into(),
    }
}

fn what(field: &Field) -> String {
    let kind = kind(field);
    let file = if field.may_lie_in_a_file() {
        format!("; {}_FILE names a file that holds it", field.variable())
    } else {
        String::new()
    };
    format!("--set {}=…: {kind}{file}", field.key.replace('*', "<name>"))
}

fn typed(field: &Field, value: &str) -> String {
    use super::fields::Kind::{Count, Switch};
    match field.kind {
        Count(..) | Switch => value.into(),
        _ => format!("\"{value}\""),
    }
}

fn toml_value(value: &str) -> String {
    match value.parse::<u64>().is_ok() || value == "true" || value == "false" {
        true => value.into(),
        false => toml::Value::String(value.into()).to_string(),
    }
}

/// `config schema`: a JSON Schema of the file.
pub(crate) fn schema() -> Done {
    terminal::json(&schema_value());
    Ok(())
}

pub(super) fn schema_value() -> Value {
    let object = |properties: Map<String, Value>| json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let mut sections: Map<String, Value> = Map::new();
    let (mut organisation, mut channel) = (Map::new(), Map::new());
    for field in FIELDS {
        let (section, name) = field.key.rsplit_once('.').expect("keys have a section");
        if section == "organisation.*" {
            organisation.insert(name.into(), property(field));
            continue;
        }
        if section == "channel.*" {
            channel.insert(name.into(), property(field));
            continue;
        }
        let section = sections.entry(section).or_insert_with(|| object(Map::new()));
        section["properties"][name] = property(field);
    }
    let mut one = object(organisation);
    one["required"] = json!(["name"]);
    let names = json!({ "pattern": "^[a-z0-9-]{1,40}$" });
    sections.insert(
        "organisation".into(),
        json!({ "type": "object", "propertyNames": names, "additionalProperties": one }),
    );
    let mut one = object(channel);
    one["required"] = json!(["organisation"]);
    sections.insert("channel".into(), json!({ "type": "object", "propertyNames": names, "additionalProperties": one }));
    let mut schema = object(sections);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("Settings of Continuo");
    schema
}

fn property(field: &Field) -> Value {
    use super::fields::Kind::*;
    let mut property = match field.kind {
        Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Switch => json!({ "type": "boolean" }),
        Choice(names) => json!({ "enum": names }),
        Url => json!({ "type": "string", "pattern": "^https?://.*[^/]$" }),
        Text | Socket | Path | Secret | Store => json!({ "type": "string", "minLength": 1 }),
    };
    property["description"] = field.text.into();
    if let Some(value) = field.default {
        property["default"] = match field.kind {
            Count(..) => value.parse::<u64>().expect("defaults fit").into(),
            Switch => (value == "true").into(),
            _ => value.into(),
        };
    }
    property
}
