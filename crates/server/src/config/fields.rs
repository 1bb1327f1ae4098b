//! Every setting, once: its name, what it may be, what it is when nobody says, and what it does.
//! `config check`, `show`, `schema` and `default`, and the errors for wrong names and values, all read
//! this list.

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Text,
    /// `host:port`, for example `127.0.0.1:8080`.
    Socket,
    /// `http://…` or `https://…`.
    Url,
    Path,
    /// A whole number between these two.
    Count(u64, u64),
    Switch,
    Choice(&'static [&'static str]),
    /// Never printed; the environment may name a file that holds it.
    Secret,
    /// A path or `postgres://…`; a password within is never printed.
    Store,
}

#[derive(Debug)]
pub(crate) struct Field {
    /// `section.name`; `organisation.*.name` stands for one of each organisation.
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Option<&'static str>,
    pub(crate) text: &'static str,
}

const fn field(key: &'static str, kind: Kind, default: Option<&'static str>, text: &'static str) -> Field {
    Field { key, kind, default, text }
}

use Kind::{Choice, Count, Path, Secret, Socket, Store, Switch, Text, Url};

#[rustfmt::skip] // One setting, one or two lines.
pub(crate) const FIELDS: &[Field] = &[
    field("server.bind", Socket, Some("127.0.0.1:8080"),
        "Where to listen. Anything beyond this machine needs `server.behind_proxy`."),
    field("server.behind_proxy", Switch, Some("false"),
        "A proxy in front of us ends TLS. Without it we only listen on this machine, because patient data must not travel in the clear."),
    field("server.drain_seconds", Count(0, 30), Some("30"),
        "How long requests under way may take to end when the server is told to stop."),
    field("data.folder", Path, Some("./continuo-data"),
        "Where stores, tokens and checkpoints lie. One running server holds one folder."),
    field("log.format", Choice(&["auto", "json", "text"]), Some("auto"),
        "`auto` writes text to a terminal and JSON anywhere else."),
    field("log.level", Choice(&["error", "warn", "info", "debug", "trace"]), Some("info"),
        "The least important line to write."),
    field("log.requests", Choice(&["none", "problems", "all"]), Some("problems"),
        "Which requests get a line: those that fail on our side or take longer than a second, or all. Who read what is in the audit log in any case."),
    field("limits.body_bytes", Count(1_000, 2_000_000_000), Some("67108864"),
        "The largest request body accepted, after decompression."),
    field("limits.bundle_entries", Count(1, 1_000_000), Some("20000"),
        "The most entries in a batch or transaction."),
    field("limits.page_default", Count(1, 10_000), Some("50"),
        "How many matches a search page has when the request does not say."),
    field("limits.page_max", Count(1, 10_000), Some("1000"),
        "The most matches on one search page."),
    field("limits.search_seconds", Count(1, 3_600), Some("10"),
        "How long one search may run. A longer one is answered with `too-costly` and what to narrow."),
    field("access.staff_idle_minutes", Count(1, 60), Some("15"),
        "How long staff may leave a session alone before it ends."),
    field("access.portal_idle_minutes", Count(1, 60), Some("20"),
        "How long patients and proxies may leave a session alone before it ends."),
    field("access.session_hours", Count(1, 24), Some("12"),
        "How long a session lasts at most, however much it is used."),
    field("access.breached_list", Path, None,
        "A list of stolen passwords that nobody may use; `continuo breached-list` makes it from SHA-1 hashes."),
    field("access.roles", Path, None,
        "A folder with roles of your own, one TOML file each, laid over ours: a file with the name of one of ours replaces it. `continuo config check` reads them."),
    field("access.key", Secret, None,
        "Seals what must be read back (seeds of one-time codes): 32 random bytes as base64url. Several servers of one organisation need the same. \
         When absent, `installation.key` in the data folder, which is made at the first start."),
    field("egress.allow", Text, None,
        "Origins that may be called although they are private or without TLS, with spaces between: `http://10.0.0.5:8080`. Public https addresses need no leave."),
    field("egress.only_allowed", Switch, Some("false"),
        "Nothing but what `egress.allow` names may be called."),
    field("audit.strict", Switch, Some("false"),
        "Whether an answer waits until the audit log has it on disk. Otherwise reads and searches are on disk within a tenth of a second; writes always are before their answer."),
    field("health.disk_free_mb", Count(0, 1_000_000_000), Some("500"),
        "With less free space than this on the disk of the data folder, /readyz says no."),
    field("metrics.token", Secret, None,
        "Who asks for /metrics must bring this bearer token. Without it, /metrics answers callers on this machine only."),
    field("backup.folder", Path, None,
        "Where `backup now` puts copies; `backups` in the data folder when absent. Best on another disk."),
    field("backup.keep", Count(1, 10_000), Some("14"),
        "How many copies of each organisation `backup prune` leaves."),
    field("pages.language", Choice(&["en", "es"]), Some("en"),
        "The language of pages for whoever has chosen none and whose browser asks for none of ours."),
    field("identity.automatic", Count(500, 1_000), Some("990"),
        "From this probability on (in thousandths) a record that arrives is linked to a patient without a look, where nothing speaks against it; 1000 links nobody."),
    field("identity.review", Count(1, 1_000), Some("500"),
        "From this probability on (in thousandths) two records wait in the queue of duplicates."),
    field("video.relay", Text, None,
        "Addresses of a TURN relay for video visits, with commas between: `turn:turn.example.org:3478`. Without it two browsers must reach each other by themselves."),
    field("video.relay_secret", Secret, None,
        "The secret that the relay shares with us; from it each visit gets a password of one hour."),
    field("channel.*.organisation", Text, None,
        "To which organisation the channel belongs, by its short name. A channel is a line over which HL7 v2 messages of a partner come, or go to one."),
    field("channel.*.title", Text, None,
        "What people call the partner: `Lakeside General Hospital`."),
    field("channel.*.listen", Socket, None,
        "Where to listen for messages framed by MLLP. Anything beyond this machine needs TLS, or `clear`. A channel has this, or `folder`, `token` or `send`."),
    field("channel.*.folder", Path, None,
        "A folder in which messages of the partner are laid, one or a batch in each file. What was taken moves to `done` within it, what is no message to `error`, each with its answer beside it."),
    field("channel.*.token", Secret, None,
        "Messages may be sent to `/<organisation>/hl7/<channel>` by HTTP POST with this bearer token (at least 20 characters). Of a channel that sends by HTTP: the token that is shown to the partner."),
    field("channel.*.send", Text, None,
        "Messages go out over this channel, to `mllp://host:port`, `mllps://host:port` (TLS), `https://…` (POST), or `folder:/path`."),
    field("channel.*.events", Text, None,
        "Which messages go out, with commas between: `ADT, ORU^R01, OML^O21, ORM, SIU, VXU, MDM, DFT`, or `*` for all."),
    field("channel.*.application", Text, None,
        "What the partner calls its application (MSH-5)."),
    field("channel.*.facility", Text, None,
        "What the partner calls itself (MSH-6)."),
    field("channel.*.patients", Text, None,
        "About whom messages go out: `all`, `identifier:https://lake.example/mrn` for those who have a number there, or `Organization/…` and `Practitioner/…` for those whom they look after."),
    field("channel.*.restricted", Switch, None,
        "What is labelled as sensitive goes out to this partner too."),
    field("channel.*.authorities", Path, None,
        "The authorities (PEM) one of which must have signed the certificate of the partner to whom messages are sent over TLS; those of the system when absent. `certificate` and `key` show who we are."),
    field("channel.*.clear", Switch, None,
        "Messages may travel in the clear beyond this machine, because something else keeps the line closed: a tunnel, a wire of its own."),
    field("channel.*.certificate", Path, None,
        "The certificates (PEM) with which this side of a TLS line shows who it is, its own first."),
    field("channel.*.key", Path, None,
        "The private key (PEM) that belongs to `certificate`."),
    field("channel.*.clients", Path, None,
        "The authorities (PEM) one of which must have signed the certificate of the sender. Without it, any sender may connect to a TLS line."),
    field("channel.*.source", Text, None,
        "The address of the partner, for the origin of what comes: `urn:oid:2.16.840.1.113883.3.72`; made from the name of the channel when absent."),
    field("channel.*.zone", Text, None,
        "Where the sender is, for times without an offset: `America/Chicago`; universal time when absent."),
    field("channel.*.mapping", Path, None,
        "A file (TOML, as in `content/v2`) with what differs from the usual mapping."),
    field("channel.*.systems", Text, None,
        "What the sender calls a naming system and what it is here, with commas between: `RIVERSIDE=urn:oid:1.2.3, LAKE=https://lake.example/mrn`."),
    field("channel.*.silence_minutes", Count(1, 100_000), None,
        "Without a message for so long, the console says that somebody should look."),
    field("channel.*.errors", Count(1, 100), None,
        "From so many errors among the last hundred messages on, the console says that somebody should look; 20 when absent."),
    field("channel.*.keep_days", Count(1, 100_000), None,
        "After so many days what a message said is taken away, unless somebody holds it or it still waits; never when absent."),
    field("channel.*.largest_bytes", Count(1_000, 1_000_000_000), None,
        "The largest message taken; 16 MiB when absent."),
    field("organisation.*.name", Text, None,
        "What people call it: `Riverside Family Practice`."),
    field("organisation.*.base", Url, None,
        "Its address as the outside sees it, without a slash at the end; derived from `server.bind` and the short name when absent."),
    field("organisation.*.store", Store, None,
        "Where its record lies: a file for SQLite or `postgres://user@host/database`; `<short name>.db` in the data folder when absent."),
];

impl Field {
    /// Whether `key` (perhaps of one organisation) is this setting.
    pub(crate) fn is(&self, key: &str) -> bool {
        match self.key.split_once(".*.") {
            None => self.key == key,
            Some((section, name)) => {
                let mut parts = key.splitn(3, '.');
                parts.next() == Some(section) && parts.next().is_some_and(is_slug) && parts.next() == Some(name)
            }
        }
    }

    /// What is wrong with a value, if anything.
    pub(crate) fn refuse(&self, value: &str) -> Option<String> {
        let wrong = |must: String| Some(format!("must be {must}"));
        match self.kind {
            Text | Path | Secret | Store if value.trim().is_empty() => wrong("something".into()),
            Text | Path | Secret | Store => None,
            Socket if value.parse::<std::net::SocketAddr>().is_err() => {
                wrong("an address with a port, for example 127.0.0.1:8080 or [::1]:8080".into())
            }
            Url if !(value.starts_with("http://") || value.starts_with("https://")) || value.ends_with('/') => {
                wrong("an address that starts with http:// or https:// and has no slash at its end".into())
            }
            Socket | Url => None,
            Count(least, most) => match value.parse::<u64>() {
                Ok(count) if (least..=most).contains(&count) => None,
                _ => wrong(format!("a whole number from {least} to {most}")),
            },
            Switch => (value != "true" && value != "false").then(|| "must be true or false".into()),
            Choice(names) => (!names.contains(&value)).then(|| format!("must be one of {}", names.join(", "))),
        }
    }

    /// The value as it may be shown.
    pub(crate) fn shown(&self, value: &str) -> String {
        match self.kind {
            Secret => "(secret)".into(),
            Store => without_password(value),
            _ => value.to_owned(),
        }
    }

    /// Whether the environment may name a file that holds the value.
    pub(crate) fn may_lie_in_a_file(&self) -> bool {
        matches!(self.kind, Secret | Store)
    }

    /// `CONTINUO_SERVER__BIND`.
    pub(crate) fn variable(&self) -> String {
        format!("CONTINUO_{}", self.key.replace('*', "<NAME>").replace('.', "__").to_uppercase())
    }
}

/// `postgres://anna:secret@host/db` becomes `postgres://anna:(secret)@host/db`, and a `password=` parameter
/// loses its value too.
pub(crate) fn without_password(address: &str) -> String {
    let mut shown = address.to_owned();
    if let Some((scheme, rest)) = shown.split_once("://")
        && let Some((who, place)) = rest.rsplit_once('@')
        && let Some((user, _)) = who.split_once(':')
    {
        shown = format!("{scheme}://{user}:(secret)@{place}");
    }
    if let Some(at) = shown.find("password=") {
        let from = at + "password=".len();
        let to = shown[from..].find(['&', ' ']).map_or(shown.len(), |end| from + end);
        shown.replace_range(from..to, "(secret)");
    }
    shown
}

/// The short name of an organisation: the first part of its paths, so it must be plain.
pub(crate) fn is_slug(text: &str) -> bool {
    const TAKEN: [&str; 6] = ["livez", "readyz", "healthz", "metrics", "assets", "dev"];
    (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !TAKEN.contains(&text)
}
