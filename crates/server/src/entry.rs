//! How people and programs are let in: the key of the installation, what the settings say of sessions and passwords,
//! tokens for programs of the operator's own.

use crate::cli::{Common, Token};
use crate::config::Config;
use crate::control::{self, Wish};
use crate::failure::{Done, Exit, Failure};
use crate::places::{self, Place};
use crate::terminal;
use crate::world::{self, World};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use care::access::{Access, AccessSettings, Breached, MachineToken, Policies, Roles, machine_token};
use care::organisation::Surroundings;
use std::ffi::OsStr;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use store::{Caller, Store};

/// The file of the key, when the settings do not hold it. It belongs into no backup of the record.
pub(crate) const KEY: &str = "installation.key";

/// The key with which secrets in the store are sealed.
pub(crate) fn key(config: &Config, folder: &Path, world: &World) -> Result<[u8; 32], Failure> {
    let read = |text: &str| URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('=')).ok()?.try_into().ok();
    let wrong = |what: String| Failure::new(Exit::Config, format!("{what} must be 32 random bytes as base64url"));
    if let Some(text) = config.get("access.key") {
        return read(text).ok_or_else(|| wrong("access.key".into()));
    }
    let path = folder.join(KEY);
    match std::fs::read_to_string(&path) {
        Ok(text) => read(&text).ok_or_else(|| wrong(path.display().to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = world.new_secret();
            world::write_secret(&path, &format!("{text}\n"))?;
            read(&text).ok_or_else(|| wrong(path.display().to_string()))
        }
        Err(error) => Err(Failure::file("read the key in", &path)(error)),
    }
}

/// Who may come in at one organisation.
pub(crate) fn access(
    config: &Config,
    place: &Place,
    store: &Store,
    surroundings: &Arc<dyn Surroundings>,
    key: [u8; 32],
    demo: bool,
) -> Result<Access, Failure> {
    const MINUTE: i64 = 60_000_000;
    let minutes = |name: &str| config.count(name) as i64 * MINUTE;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let settings = AccessSettings {
        staff_idle: minutes("access.staff_idle_minutes"),
        portal_idle: minutes("access.portal_idle_minutes"),
        longest: minutes("access.session_hours") * 60,
        // Signing in must leave room for those who work.
        hashes_at_once: (cores / 2).max(1),
        breached: breached(config)?,
        policies: Policies::new(roles(config)?),
        demo,
        ..AccessSettings::of(&place.name, &place.base, key)
    };
    Ok(Access::new(store.clone(), surroundings.clone(), settings))
}

/// `continuo token`.
pub(crate) async fn token(common: &Common, config: &Config, asked: Token) -> Done {
    let place = places::one(common, config)?;
    let folder = places::folder(common, config)?;
    let Token { name, scopes, days, patient } = asked;
    let asked = MachineToken { name, scopes, days, patient };
    let wish = Wish::Token { organisation: place.slug.clone(), token: asked.clone() };
    let made = match control::ask(&folder, &wish, &|_, _| {}).await {
        Some(answer) => answer?.as_str().unwrap_or_default().to_owned(),
        None => {
            let store = place.open().await?;
            let secret = World::new().new_secret();
            let caller = Caller::system("token");
            let made = machine_token(&store, &caller, &secret, &asked, world::now()).await;
            store.close().await;
            made.map_err(|error| Failure::new(Exit::Usage, format!("the token could not be made: {error}")))?;
            secret
        }
    };
    match common.json {
        true => terminal::line(serde_json::json!({ "organisation": place.slug, "token": made })),
        false => terminal::line(made),
    }
    Ok(())
}

/// `continuo breached-list`.
pub(crate) fn breached_list(from: &Path, to: &Path) -> Done {
    let lines = || {
        let file = std::fs::File::open(from).map_err(Failure::file("read", from))?;
        Ok(std::io::BufReader::new(file).lines().map_while(Result::ok))
    };
    let mut list = Breached::for_about(lines()?.count() as u64);
    let mut others = 0_u64;
    for line in lines()?.filter(|it| !it.trim().is_empty()) {
        others += u64::from(!list.add_line(&line));
    }
    std::fs::write(to, list.write()).map_err(Failure::file("write", to))?;
    if others > 0 {
        terminal::note(format_args!("{others} lines are no SHA-1 hashes and were left out"));
    }
    Ok(())
}

fn breached(config: &Config) -> Result<Breached, Failure> {
    let Some(path) = config.get("access.breached_list").map(Path::new) else { return Ok(Breached::none()) };
    let file = std::fs::read(path).map_err(Failure::file("read the list of stolen passwords in", path))?;
    Breached::read(&file).map_err(|what| Failure::new(Exit::Config, format!("{}: {what}", path.display())))
}

/// Our roles with those of the site laid over them. A role that cannot be read keeps the program from starting: nobody
/// should work under other rules than those that were meant.
pub(crate) fn roles(config: &Config) -> Result<Roles, Failure> {
    let Some(folder) = config.get("access.roles").map(Path::new) else { return Ok(Roles::default()) };
    let unreadable = || Failure::file("read the roles in", folder);
    let mut site = Vec::new();
    for file in std::fs::read_dir(folder).map_err(unreadable())? {
        let path = file.map_err(unreadable())?.path();
        if let (Some("toml"), Some(name)) = (path.extension().and_then(OsStr::to_str), path.file_name()) {
            let text = std::fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
            site.push((name.to_string_lossy().into_owned(), text));
        }
    }
    site.sort();
    Roles::with(&site).map_err(|what| Failure::new(Exit::Config, format!("{}: {what}", folder.display())))
}
