//! Where the organisations are: from the settings, or from the demo's folder. Opens their stores, and makes
//! sure that one program at a time changes a data folder.

use crate::cli::Common;
use crate::config::{Config, OrganisationConfig};
use crate::failure::{Exit, Failure};
use crate::world;
use fhir::search::row::BaseUrls;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::Store;
use store::audit::Clock;

/// One organisation and where its record lies.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) slug: String,
    pub(crate) name: String,
    /// `http://127.0.0.1:8080/riverside`.
    pub(crate) base: String,
    /// A file or `postgres://…`; may hold a password, so it is never printed as it is.
    pub(crate) store: String,
}

impl From<OrganisationConfig> for Place {
    fn from(it: OrganisationConfig) -> Place {
        Place { slug: it.slug, name: it.name, base: it.base, store: it.store }
    }
}

impl Place {
    pub(crate) async fn open(&self) -> Result<Store, Failure> {
        self.open_at(&self.store).await
    }

    /// Opens it with the limits of a server.
    pub(crate) async fn open_to_serve(&self, config: &Config) -> Result<Store, Failure> {
        let search_limit = Duration::from_secs(config.count("limits.search_seconds"));
        let mut settings = store::Settings { search_limit, ..self.settings(&self.store) };
        settings.audit.strict = config.switch("audit.strict");
        self.open_with(settings).await
    }

    /// Opens another copy of this organisation's record.
    pub(crate) async fn open_at(&self, address: &str) -> Result<Store, Failure> {
        self.open_with(self.settings(address)).await
    }

    async fn open_with(&self, settings: store::Settings) -> Result<Store, Failure> {
        Store::open(settings).await.map_err(Failure::store("open", &self.slug))
    }

    fn settings(&self, address: &str) -> store::Settings {
        store::Settings {
            organisation: self.slug.clone(),
            address: address.to_owned(),
            bases: BaseUrls::new([format!("{}/fhir", self.base)]),
            audit: store::audit::Settings { clock: Clock::new(world::now), ..store::audit::Settings::default() },
            labels: store::Labels(Some(care::access::LabelRules::ours())),
            likeness: Some(care::identity::keys_of),
            ..store::Settings::default()
        }
    }

    /// The file of an embedded store.
    pub(crate) fn file(&self) -> Option<&Path> {
        (!self.store.contains("://")).then(|| Path::new(&self.store))
    }
}

/// The flags of the command line that are settings.
pub(crate) fn flags(common: &Common) -> Result<Vec<(String, String)>, Failure> {
    let mut flags = Vec::new();
    for set in &common.set {
        let pair = set.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
        let wrong =
            || Failure::new(Exit::Usage, format!("--set needs KEY=VALUE, for example log.level=debug, not {set}"));
        flags.push(pair.ok_or_else(wrong)?);
    }
    if let Some(folder) = &common.data_dir {
        flags.push(("data.folder".into(), folder.display().to_string()));
    }
    Ok(flags)
}

/// The organisations of the settings; of the demo when its folder is named (or lies here and nothing else is
/// said).
pub(crate) fn all(common: &Common, config: &Config) -> Result<Vec<Place>, Failure> {
    let configured: Vec<Place> = config.organisations()?.into_iter().map(Place::from).collect();
    if !configured.is_empty() {
        return Ok(configured);
    }
    let folder = common.data_dir.clone().unwrap_or_else(|| PathBuf::from(crate::demo::FOLDER));
    match crate::demo::places(&folder)? {
        Some(places) => Ok(places),
        None => Err(Failure::new(
            Exit::Config,
            "no organisation: name the settings with --config, or a demo's folder with --data-dir",
        )),
    }
}

/// Those that `--organisation` means: all when it is absent.
pub(crate) fn chosen(common: &Common, config: &Config) -> Result<Vec<Place>, Failure> {
    let all = all(common, config)?;
    let Some(wanted) = &common.organisation else { return Ok(all) };
    let names: Vec<String> = all.iter().map(|place| place.slug.clone()).collect();
    match all.into_iter().find(|place| place.slug == *wanted) {
        Some(place) => Ok(vec![place]),
        None => {
            let message = format!("there is no organisation {wanted}; there are {}", names.join(", "));
            Err(Failure::new(Exit::Usage, message))
        }
    }
}

/// The only one meant.
pub(crate) fn one(common: &Common, config: &Config) -> Result<Place, Failure> {
    let mut chosen = chosen(common, config)?;
    if chosen.len() > 1 {
        let names: Vec<&str> = chosen.iter().map(|place| place.slug.as_str()).collect();
        let message = format!("say which organisation: --organisation {}", names.join(" or "));
        return Err(Failure::new(Exit::Usage, message));
    }
    chosen.pop().ok_or_else(|| Failure::new(Exit::Config, "no organisation is set up"))
}

/// The folder that holds the data of these organisations.
pub(crate) fn folder(common: &Common, config: &Config) -> Result<PathBuf, Failure> {
    if config.organisations()?.is_empty() && common.data_dir.is_none() {
        return Ok(PathBuf::from(crate::demo::FOLDER));
    }
    Ok(config.data_folder())
}

/// Held while a program may change the data folder; the system lets go of it even when we are killed.
pub(crate) struct Hold {
    _file: File,
}

pub(crate) fn hold(folder: &Path) -> Result<Hold, Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::file("make the data folder", folder))?;
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(Failure::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Hold { _file: file }),
        Err(std::fs::TryLockError::WouldBlock) => Err(Failure::new(
            Exit::Later,
            format!("another continuo (a server, an import, …) is using {}; stop it first", folder.display()),
        )),
        Err(std::fs::TryLockError::Error(error)) => Err(Failure::file("lock", &path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_program_at_a_time_holds_a_folder() {
        let folder = std::env::temp_dir().join(format!("continuo-hold-{}", std::process::id()));
        let first = hold(&folder).unwrap();
        assert_eq!(hold(&folder).err().unwrap().exit, Exit::Later);
        drop(first);
        assert!(hold(&folder).is_ok());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
