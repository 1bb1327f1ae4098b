//! The channels of the settings: which listen, which look into a folder, which are posted to, and which send. Each
//! belongs to one organisation; what is wrong with one is said before anything opens.

use crate::config::Config;
use crate::drops::Drop;
use crate::failure::{Exit, Failure};
use crate::mllp;
use crate::sending::{Sending, Way};
use care::exchange::channel::Channel;
use care::exchange::subscriptions::{Partner, Patients};
use formats::v2::map::Mapping;
use formats::v2::out::Outgoing;
use jiff::tz::TimeZone;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// All channels, by what they do.
#[derive(Default)]
pub(crate) struct Channels {
    pub(crate) listening: Vec<mllp::Asked>,
    pub(crate) folders: Vec<Drop>,
    /// Those that are only posted to: organisation and channel.
    pub(crate) posted: Vec<(String, Channel)>,
    pub(crate) sending: Vec<Sending>,
}

const SHORTEST_TOKEN: usize = 20;

impl Channels {
    pub(crate) fn of(config: &Config) -> Result<Channels, Failure> {
        let mut all = Channels::default();
        for name in config.channels() {
            let given = Given { config, name };
            all.add(&given)?;
        }
        Ok(all)
    }

    fn add(&mut self, given: &Given<'_>) -> Result<(), Failure> {
        let organisation = given.needs("organisation")?.to_owned();
        let mut channel = given.channel()?;
        let ways = ["listen", "folder", "send"].into_iter().filter(|it| given.get(it).is_some()).count();
        if ways > 1 {
            return Err(given.wrong(" has more than one of listen, folder and send"));
        }
        if let Some(to) = given.get("send") {
            let way = given.way(to)?;
            channel.partner = Some(given.partner(to)?);
            self.sending.push(Sending { organisation, channel, way });
            return Ok(());
        }
        if let Some(token) = given.get("token") {
            if token.len() < SHORTEST_TOKEN {
                return Err(given.wrong(&format!(".token must have at least {SHORTEST_TOKEN} characters")));
            }
            channel.set_token(token);
        }
        if let Some(folder) = given.get("folder") {
            self.folders.push(Drop { organisation, channel, folder: PathBuf::from(folder) });
        } else if given.get("listen").is_some() {
            self.listening.push(given.listener(organisation, channel)?);
        } else if given.get("token").is_some() {
            self.posted.push((organisation, channel));
        } else {
            return Err(given.wrong(" needs listen, folder, token or send"));
        }
        Ok(())
    }
}

/// What the settings say of one channel.
struct Given<'a> {
    config: &'a Config,
    name: &'a str,
}

impl<'a> Given<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        self.config.get(&format!("channel.{}.{key}", self.name))
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::new(Exit::Config, format!("channel.{}{what}", self.name))
    }

    fn needs(&self, key: &str) -> Result<&'a str, Failure> {
        self.get(key).ok_or_else(|| self.wrong(&format!(" needs {key}")))
    }

    /// Pairs with `=` in them and commas between.
    fn pairs(&self, key: &str) -> Result<Vec<(&'a str, &'a str)>, Failure> {
        let all = self.get(key).unwrap_or_default().split(',').map(str::trim).filter(|it| !it.is_empty());
        let pair = |it: &'a str| {
            let cut = it.split_once('=').ok_or_else(|| self.wrong(&format!(".{key}: {it} has no =")))?;
            Ok((cut.0.trim(), cut.1.trim()))
        };
        all.map(pair).collect()
    }

    fn channel(&self) -> Result<Channel, Failure> {
        let mut channel = Channel::new(self.name, self.get("title").unwrap_or(self.name));
        if let Some(source) = self.get("source") {
            channel.source = source.to_owned();
        }
        if let Some(zone) = self.get("zone") {
            channel.zone = TimeZone::get(zone).map_err(|_| self.wrong(&format!(".zone: {zone} is no time zone")))?;
        }
        if let Some(path) = self.get("mapping").map(Path::new) {
            let text = std::fs::read_to_string(path).map_err(Failure::file("read the mapping in", path))?;
            let mapping = Mapping::with(&text).map_err(|error| self.wrong(&format!(".mapping: {error}")))?;
            channel.mapping = Some(Arc::new(mapping));
        }
        for (theirs, ours) in self.pairs("systems")? {
            channel.systems.insert(theirs.to_owned(), ours.to_owned());
        }
        let number = |key: &str| self.get(key).and_then(|it| it.parse::<u32>().ok());
        channel.silence = number("silence_minutes").map(|it| i64::from(it) * 60_000_000);
        channel.largest = number("largest_bytes").map_or(channel.largest, |it| it as usize);
        channel.errors = number("errors").or(channel.errors);
        channel.keep_days = number("keep_days");
        Ok(channel)
    }

    fn partner(&self, to: &str) -> Result<Partner, Failure> {
        let patients = self.get("patients").unwrap_or_default();
        let patients = Patients::parse(patients)
            .ok_or_else(|| self.wrong(".patients is none of all, identifier:…, Organization/…, Practitioner/…"))?;
        let events = self.get("events").unwrap_or_default().split([',', ' ']).filter(|it| !it.is_empty());
        let events: Vec<String> = events.map(str::to_owned).collect();
        let known: Vec<&str> = Outgoing::standard().events().collect();
        for event in events.iter().filter(|it| *it != "*") {
            if !known.iter().any(|it| it == event || it.split('^').next() == Some(event)) {
                return Err(
                    self.wrong(&format!(".events: {event} is not among what can be sent: {}", known.join(", ")))
                );
            }
        }
        let text = |key: &str| self.get(key).unwrap_or_default().to_owned();
        Ok(Partner {
            address: to.to_owned(),
            events,
            application: text("application"),
            facility: text("facility"),
            patients,
            names: self
                .pairs("systems")?
                .into_iter()
                .map(|(theirs, ours)| (ours.to_owned(), theirs.to_owned()))
                .collect(),
            restricted: self.get("restricted") == Some("true"),
        })
    }

    fn way(&self, to: &str) -> Result<Way, Failure> {
        if let Some(folder) = to.strip_prefix("folder:") {
            return Ok(Way::Folder(PathBuf::from(folder)));
        }
        if to.starts_with("https://") || to.starts_with("http://") {
            let authorization = self.get("token").map(|it| format!("Bearer {it}"));
            return Ok(Way::Http { address: to.to_owned(), authorization });
        }
        let (secure, rest) = match (to.strip_prefix("mllp://"), to.strip_prefix("mllps://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(self.wrong(".send is none of mllp://, mllps://, https:// and folder:")),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| self.wrong(".send needs a port"))?;
        let port: u16 = port.parse().map_err(|_| self.wrong(".send has a port that is no number"))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
        if !secure && !here && self.get("clear") != Some("true") {
            let what = format!(".send = {to} would carry patient data in the clear to other machines: use mllps://");
            return Err(self.wrong(&what));
        }
        let tls = if secure { Some(self.connector(&host)?) } else { None };
        Ok(Way::Mllp { host, port, tls: tls.map(Box::new) })
    }

    fn connector(&self, host: &str) -> Result<(TlsConnector, ServerName<'static>), Failure> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| self.wrong(".send names no host"))?;
        let mut roots = RootCertStore::empty();
        match self.get("authorities").map(Path::new) {
            Some(path) => {
                for it in certificates(path)? {
                    roots.add(it).map_err(|error| unusable(path, error))?;
                }
            }
            None => {
                roots.add_parsable_certificates(crate::egress::trusted());
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows the protocol versions that are safe")
            .with_root_certificates(roots);
        let config = match (self.get("certificate").map(Path::new), self.get("key").map(Path::new)) {
            (Some(certificate), Some(key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|error| unusable(certificate, error))?,
            (None, None) => builder.with_no_client_auth(),
            _ => return Err(self.wrong(" needs certificate and key, or neither")),
        };
        Ok((TlsConnector::from(Arc::new(config)), name))
    }

    fn listener(&self, organisation: String, channel: Channel) -> Result<mllp::Asked, Failure> {
        let listen: SocketAddr = self.needs("listen")?.parse().expect("the value was checked when it was taken");
        let clients = self.get("clients").map(Path::new);
        let tls = match (self.get("certificate").map(Path::new), self.get("key").map(Path::new)) {
            (Some(certificate), Some(key)) => Some(acceptor(certificate, key, clients)?),
            (None, None) => None,
            _ => return Err(self.wrong(" needs certificate and key, or neither")),
        };
        if tls.is_none() && !listen.ip().is_loopback() && self.get("clear") != Some("true") {
            let what = format!(
                ".listen = {listen} would carry patient data in the clear to other machines: give it a certificate"
            );
            return Err(self.wrong(&what));
        }
        let mutual = tls.is_some() && clients.is_some();
        Ok(mllp::Asked { organisation, channel, listen, tls, mutual, may_be_taken: false })
    }
}

fn unusable(path: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Config, format!("{}: {what}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    match CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(unusable(path, "there is no certificate in it")),
        Err(error) => Err(unusable(path, error)),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unusable(path, error))
}

fn acceptor(certificate: &Path, key: &Path, clients: Option<&Path>) -> Result<TlsAcceptor, Failure> {
    let chain = certificates(certificate)?;
    let own = private_key(key)?;
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring knows the protocol versions that are safe");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for it in certificates(path)? {
                roots.add(it).map_err(|error| unusable(path, error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| unusable(path, error))?)
        }
    };
    let config = builder.with_single_cert(chain, own).map_err(|error| unusable(certificate, error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
