//! Every call that leaves the building goes through here: which addresses may be called is decided in this file and
//! nowhere else; `server` brings the sockets. A call says which address it wants; the policy says whether, before a name is
//! looked up and again when its addresses are known, and the connection is made to just those addresses, so that a name
//! that changes its mind in between gains nothing.
//!
//! No call carries credentials it was not given, follows a redirect to another origin, or is larger or slower than it
//! said.

use bytes::Bytes;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::time::Duration;
use url::{Host, Url};

/// A call.
#[derive(Clone)]
pub struct Ask {
    pub method: &'static str,
    pub address: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// The largest answer taken, in bytes.
    pub limit: usize,
    pub patience: Duration,
    /// An origin that this one call may reach although it is private or without TLS: the settings name it for just this.
    pub leave: Option<String>,
    /// With which certificate of ours the call shows who we are, by the name under which the settings have it.
    pub identity: Option<String>,
}

impl Ask {
    pub fn get(address: &str) -> Ask {
        Ask {
            method: "GET",
            address: address.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
            limit: 1024 * 1024,
            patience: Duration::from_secs(10),
            leave: None,
            identity: None,
        }
    }

    pub fn post(address: &str, kind: &str, body: impl Into<Bytes>) -> Ask {
        let headers = vec![("content-type", kind.to_owned())];
        Ask { method: "POST", headers, body: body.into(), ..Ask::get(address) }
    }

    pub fn accepting(mut self, kind: &str) -> Ask {
        self.headers.push(("accept", kind.to_owned()));
        self
    }

    /// Given on purpose: nothing else ever sends a credential.
    pub fn authorized(mut self, value: &str) -> Ask {
        self.headers.push(("authorization", value.to_owned()));
        self
    }

    /// To an address of the settings, never to one that came from elsewhere: its origin may be called.
    pub fn granted(self, address: &str) -> Ask {
        let origin = Url::parse(address).ok().map(|it| it.origin().ascii_serialization());
        Ask { leave: origin, ..self }
    }

    /// Shows a certificate of ours (mutual TLS).
    pub fn showing(self, identity: &str) -> Ask {
        Ask { identity: Some(identity.to_owned()), ..self }
    }

    pub fn within(self, limit: usize) -> Ask {
        Ask { limit, ..self }
    }
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: Bytes,
}

/// Why a call was not made or not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nobody gave this organisation a way out.
    Closed,
    NotAnAddress,
    Scheme,
    Credentials,
    Origin,
    Address,
    NoSuchName,
    Redirect,
    TooLarge,
    TooSlow,
    Unreachable,
    Tls,
    Garbled,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Closed => "no call may leave this server",
            Refused::NotAnAddress => "this is not a web address",
            Refused::Scheme => "only https may be called (http where egress.allow names the origin)",
            Refused::Credentials => "an address has no user name or password in it",
            Refused::Origin => "this origin is not among those that may be called",
            Refused::Address => "this name leads into a private network; egress.allow can permit it",
            Refused::NoSuchName => "there is no such name",
            Refused::Redirect => "the answer leads to another origin, where we do not go",
            Refused::TooLarge => "the answer is too large",
            Refused::TooSlow => "the answer took too long",
            Refused::Unreachable => "nobody answers there",
            Refused::Tls => "the connection could not be secured",
            Refused::Garbled => "the answer is not HTTP",
        })
    }
}

impl std::error::Error for Refused {}

pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Answer, Refused>> + Send + 'a>>;

/// The way out.
pub trait Egress: Send + Sync {
    fn send(&self, ask: Ask) -> Sending<'_>;
}

/// No way out.
pub struct Closed;

impl Egress for Closed {
    fn send(&self, _: Ask) -> Sending<'_> {
        Box::pin(async { Err(Refused::Closed) })
    }
}

/// Where calls may go. Without anything said: https to public addresses.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Origins that may be called although they are private or without TLS: `http://10.0.0.5:8080`, exactly.
    pub allow: BTreeSet<String>,
    /// When set, nothing but what is allowed may be called.
    pub only_allowed: bool,
}

/// An address that may be called, once it is known where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub url: Url,
    /// `https://keys.example:8443`.
    pub origin: String,
    pub port: u16,
    /// Named by the operator, so its addresses may be private.
    pub trusted: bool,
}

impl Policy {
    /// Reads `https://a.example http://10.0.0.5:8080`; what is not an origin is given back.
    pub fn allowing(text: &str) -> Result<Policy, String> {
        let mut policy = Policy::default();
        for word in text.split([',', ' ']).filter(|it| !it.is_empty()) {
            let origin = Url::parse(word).ok().map(|it| it.origin().ascii_serialization());
            match origin {
                Some(origin) if origin == word.trim_end_matches('/') => policy.allow.insert(origin),
                _ => return Err(word.to_owned()),
            };
        }
        Ok(policy)
    }

    /// The same, with leave to one more origin.
    pub fn granting(&self, origin: &str) -> Policy {
        let mut policy = self.clone();
        policy.allow.insert(origin.to_owned());
        policy
    }

    /// Whether this may be called at all. An address is parsed once, by the rules browsers have, and what is called is
    /// what was parsed.
    pub fn target(&self, address: &str) -> Result<Target, Refused> {
        // The parser would quietly drop or repair these.
        if address.len() > 4000 || address.bytes().any(|b| !b.is_ascii_graphic() || b == b'\\') {
            return Err(Refused::NotAnAddress);
        }
        let url = Url::parse(address).map_err(|_| Refused::NotAnAddress)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Refused::Scheme);
        }
        // `https:host` and `https:///host` would be repaired too.
        let head = format!("{}://", url.scheme());
        match address.get(..head.len()) {
            Some(given) if given.eq_ignore_ascii_case(&head) && !address[head.len()..].starts_with('/') => {}
            _ => return Err(Refused::NotAnAddress),
        }
        if !url.username().is_empty() || url.password().is_some() || address_has_user(address) {
            return Err(Refused::Credentials);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Refused::NotAnAddress);
        };
        if port == 0 {
            return Err(Refused::NotAnAddress);
        }
        let origin = url.origin().ascii_serialization();
        let trusted = self.allow.contains(&origin);
        if !trusted {
            if url.scheme() != "https" {
                return Err(Refused::Scheme);
            }
            if self.only_allowed {
                return Err(Refused::Origin);
            }
            match &host {
                Host::Ipv4(address) if !is_public(IpAddr::V4(*address)) => return Err(Refused::Address),
                Host::Ipv6(address) if !is_public(IpAddr::V6(*address)) => return Err(Refused::Address),
                Host::Domain(name) if !is_public_name(name) => return Err(Refused::Address),
                _ => {}
            }
        }
        Ok(Target { origin, port, trusted, url })
    }

    /// Whether a name that leads to these addresses may be called: all of them must be fit, since the next look-up may give
    /// them in another order.
    pub fn check(&self, target: &Target, addresses: &[IpAddr]) -> Result<(), Refused> {
        match addresses {
            [] => Err(Refused::NoSuchName),
            _ if target.trusted || addresses.iter().all(|it| is_public(*it)) => Ok(()),
            _ => Err(Refused::Address),
        }
    }

    /// Where a redirect leads: to the same origin, or nowhere.
    pub fn redirect(&self, from: &Target, to: &str) -> Result<Target, Refused> {
        if to.bytes().any(|b| !b.is_ascii_graphic() || b == b'\\') {
            return Err(Refused::Redirect);
        }
        let next = from.url.join(to).map_err(|_| Refused::Redirect)?;
        let next = self.target(next.as_str()).map_err(|_| Refused::Redirect)?;
        if next.origin == from.origin { Ok(next) } else { Err(Refused::Redirect) }
    }
}

/// `https://@evil.example` and `https://:@evil.example`, which parse as if there were no user.
fn address_has_user(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

/// Names that never mean a machine on the public internet.
fn is_public_name(name: &str) -> bool {
    const PRIVATE: [&str; 9] =
        ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa", "localdomain"];
    let name = name.trim_end_matches('.');
    let within = |zone: &&str| name == *zone || name.strip_suffix(*zone).is_some_and(|rest| rest.ends_with('.'));
    name.contains('.') && !PRIVATE.iter().any(within)
}

/// Whether an address belongs to a machine on the public internet (IANA special-purpose registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => is_public_4(it),
        IpAddr::V6(it) => is_public_6(it),
    }
}

fn is_public_4(it: Ipv4Addr) -> bool {
    const SPECIAL: [(u32, u8); 16] = [
        (0x0000_0000, 8),  // this network
        (0x0a00_0000, 8),  // private
        (0x6440_0000, 10), // shared between carriers; also metadata of some clouds
        (0x7f00_0000, 8),  // loopback
        (0xa9fe_0000, 16), // link-local; metadata of most clouds
        (0xac10_0000, 12), // private
        (0xc000_0000, 24), // protocol assignments
        (0xc000_0200, 24), // documentation
        (0xc058_6300, 24), // 6to4 relays
        (0xc0a8_0000, 16), // private
        (0xc612_0000, 15), // benchmarks
        (0xc633_6400, 24), // documentation
        (0xcb00_7100, 24), // documentation
        (0xe000_0000, 4),  // multicast
        (0xf000_0000, 4),  // reserved, and broadcast
        (0xa83f_8110, 32), // the wire server of a large cloud
    ];
    let bits = u32::from(it);
    !SPECIAL.iter().any(|(net, length)| (bits ^ net) >> (32 - length) == 0)
}

fn is_public_6(it: Ipv6Addr) -> bool {
    let parts = it.segments();
    let last = Ipv4Addr::from((u32::from(parts[6]) << 16) | u32::from(parts[7]));
    // Addresses that carry an IPv4 address inside are as good as that one.
    if parts[..5] == [0; 5] && parts[5] == 0xffff {
        return is_public_4(last);
    }
    if parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_4(last);
    }
    if parts[0] == 0x2002 {
        return is_public_4(Ipv4Addr::from((u32::from(parts[1]) << 16) | u32::from(parts[2])));
    }
    // Only what is handed out to the public: 2000::/3 without documentation, Teredo, benchmarks and ORCHID.
    let global = parts[0] & 0xe000 == 0x2000;
    let special =
        (parts[0] == 0x2001 && (parts[1] < 0x0200 || parts[1] == 0x0db8)) || (parts[0] == 0x3fff && parts[1] < 0x1000);
    global && !special
}
