//! The archives of images of the settings. What is said to them is `care::imaging`'s to know.

use crate::config::Config;
use crate::failure::{Exit, Failure};
use care::imaging::{Archive, Credential};
use jiff::tz::TimeZone;

/// The archives, each with the organisation that may ask it.
pub(crate) fn asked(config: &Config) -> Result<Vec<(String, Archive)>, Failure> {
    config.archives().into_iter().map(|name| one(config, name)).collect()
}

fn one(config: &Config, name: &str) -> Result<(String, Archive), Failure> {
    let get = |key: &str| config.get(&format!("pacs.{name}.{key}"));
    let wrong = |what: String| Failure::new(Exit::Config, format!("pacs.{name}{what}"));
    let needs = |key: &str| get(key).ok_or_else(|| wrong(format!(" needs {key}")));
    let mut archive = Archive::new(name, get("title").unwrap_or(name), needs("address")?);
    archive.credential = match (get("user"), get("password"), get("token")) {
        (None, None, None) => None,
        (None, None, Some(token)) => Some(Credential::Token(token.to_owned())),
        (Some(user), Some(password), None) => {
            Some(Credential::Password { user: user.to_owned(), password: password.to_owned() })
        }
        _ => return Err(wrong(" needs user and password, or token, or none of them".to_owned())),
    };
    archive.patients = get("patients").map(str::to_owned);
    archive.issuer = get("issuer").map(str::to_owned);
    if let Some(zone) = get("zone") {
        archive.zone = TimeZone::get(zone).map_err(|_| wrong(format!(".zone: {zone} is no time zone")))?;
    }
    let organisation = needs("organisation")?.to_owned();
    Ok((organisation, archive))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flags: &[(&str, &str)]) -> Result<Vec<(String, Archive)>, Failure> {
        let flags: Vec<(String, String)> = flags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        asked(&Config::load(None, &flags)?)
    }

    #[test]
    fn an_archive_has_an_address_an_organisation_and_at_most_one_way_to_sign_in() {
        let whole = [("pacs.main.organisation", "riverside"), ("pacs.main.address", "http://127.0.0.1:8042/dicom-web")];
        let all = read(&whole).unwrap();
        let [(of, archive)] = all.as_slice() else { panic!("one archive") };
        assert_eq!((of.as_str(), archive.title.as_str(), archive.credential.is_none()), ("riverside", "main", true));
        for (more, says) in [
            (("pacs.other.title", "Other"), "needs address"),
            (("pacs.main.user", "anna"), "user and password"),
            (("pacs.main.zone", "Mars/Olympus"), "no time zone"),
            (("pacs.main.address", "ftp://pacs"), "must be an address"),
        ] {
            let mut flags = whole.to_vec();
            flags.push(more);
            let said = read(&flags).err().map(|it| it.to_string()).unwrap_or_default();
            assert!(said.contains(says), "{more:?}: {said}");
        }
    }
}
