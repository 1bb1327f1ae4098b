//! `continuo migrate`: the layout of the stores. Opening a store brings it up to date in one transaction;
//! `up` does only that, so that an upgrade can be done before the server starts. `status` opens nothing.

use crate::cli::{Common, Migrate};
use crate::config::Config;
use crate::failure::Done;
use crate::places;
use crate::terminal;
use serde_json::{Value, json};

pub(crate) async fn run(common: &Common, config: &Config, migrate: Migrate) -> Done {
    let mut reports = Vec::new();
    let hold = places::hold(&places::folder(common, config)?);
    let in_use = hold.is_err();
    let _hold = match migrate {
        Migrate::Up => Some(hold?),
        Migrate::Status => None,
    };
    for place in places::chosen(common, config)? {
        let exists = place.file().is_none_or(|path| path.exists());
        let state = match (&migrate, exists) {
            (Migrate::Status, false) => "not there yet; it is made when it is first opened",
            (Migrate::Status, true) if in_use => "in use; the program that opened it brought it up to date",
            (Migrate::Status, true) => "opening it with this version brings it up to date",
            (Migrate::Up, _) => {
                let store = place.open().await?;
                store.close().await;
                "at the layout of this version"
            }
        };
        reports.push(json!({ "organisation": place.slug, "state": state }));
    }
    if common.json {
        terminal::json(&Value::Array(reports));
    } else {
        for report in &reports {
            let text = |key: &str| report[key].as_str().unwrap_or("").to_owned();
            terminal::line(format_args!("{}: {}", text("organisation"), text("state")));
        }
    }
    Ok(())
}
