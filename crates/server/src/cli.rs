//! The command line: what can be asked of the program. What each command does is in its own file.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// An electronic health record: one program, one store an organisation, FHIR R4 inside and out.
#[derive(Parser)]
#[command(name = "continuo", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Line {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Clone, Default)]
pub(crate) struct Common {
    /// Settings file (TOML); `continuo config default` writes one to start from
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where stores, tokens and checkpoints lie
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// One setting, for example --set log.level=debug; goes before file and environment
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Which organisation, by its short name, when there are several
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) organisation: Option<String>,
    /// Write the report as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the API and the pages
    Serve(Serve),
    /// Sample people: fill a store with them, or begin anew
    #[command(subcommand)]
    Demo(Demo),
    /// Bring in resources from files
    #[command(subcommand)]
    Import(Import),
    /// Write resources to files
    #[command(subcommand)]
    Export(Export),
    /// Look after a store
    #[command(subcommand)]
    Db(Db),
    /// The audit log: verify it, write it out
    #[command(subcommand)]
    Audit(Audit),
    /// Copies of the record: take, list, check, tidy
    #[command(subcommand)]
    Backup(Backup),
    /// Put a backup in the place of a store
    Restore(Restore),
    /// The layout of the stores
    #[command(subcommand)]
    Migrate(Migrate),
    /// The settings: check, show, explain
    #[command(subcommand)]
    Config(Settings),
    /// Make a token with which a program of yours may come in, and print it once
    Token(Token),
    /// Make a list of stolen passwords from SHA-1 hashes, one a line, for `access.breached_list`
    BreachedList {
        /// The hashes, as public lists have them; a count after a colon is ignored
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Look at everything that commonly goes wrong
    Doctor,
    /// Ask a running server whether it is ready (exit code 0: yes)
    Healthcheck {
        /// Its address; that of the settings when absent
        #[arg(long)]
        url: Option<String>,
    },
    /// Completions for a shell
    Completions { shell: clap_complete::Shell },
    /// Manual pages
    Man {
        /// Write one page a command into this folder, instead of the main page to standard output
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Which version this is
    Version,
}

#[derive(Args)]
pub(crate) struct Token {
    /// What the program is called in the audit log
    #[arg(long)]
    pub(crate) name: String,
    /// What it may do, as scopes of SMART App Launch; `system/*.cruds` is everything, also what labels and consents hide from apps
    #[arg(long, default_value = "system/*.cruds")]
    pub(crate) scopes: String,
    /// How long it is good
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,
    /// The id of the patient for whom it acts, with scopes like `patient/*.rs`
    #[arg(long, value_name = "ID", requires = "scopes")]
    pub(crate) patient: Option<String>,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// Two sample organisations with synthetic people, nothing to set up
    #[arg(long)]
    pub(crate) demo: bool,
    /// Where to listen, for example 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<String>,
    /// The port, on this machine only
    #[arg(long, conflicts_with = "bind")]
    pub(crate) port: Option<u16>,
    /// A proxy in front of us ends TLS
    #[arg(long)]
    pub(crate) behind_proxy: bool,
    /// How many sample people each organisation gets at the first start
    #[arg(long, default_value_t = 200, requires = "demo")]
    pub(crate) patients: u32,
    /// Which sample people: the same seed, the same people
    #[arg(long, default_value_t = 1, requires = "demo")]
    pub(crate) seed: u64,
    /// Where HL7 v2 messages for the first sample organisation come, on this machine; those for the second come one
    /// port further on. 0 takes any that are free, and `demo.json` says which
    #[arg(long, value_name = "PORT", requires = "demo")]
    pub(crate) mllp_port: Option<u16>,
    /// A PostgreSQL database (`postgres://user@host/name`) for both sample organisations, in place of files
    #[arg(long, value_name = "ADDRESS", requires = "demo")]
    pub(crate) store: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Demo {
    /// Add sample people to a store
    Seed {
        #[arg(long, default_value_t = 200)]
        patients: u32,
        /// The same seed, the same people
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Delete the demo's folder
    Reset {
        /// Yes, delete it
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Import {
    /// FHIR R4 JSON: bundles, single resources, NDJSON; folders, .gz, .zip, .tgz
    Fhir(ImportFhir),
}

#[derive(Args)]
pub(crate) struct ImportFhir {
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Check and report; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on where an interrupted import of the same files stopped
    #[arg(long)]
    pub(crate) resume: bool,
    /// Write the report to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Stop at the first resource that cannot be taken
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Subcommand)]
pub(crate) enum Export {
    /// Every resource, one NDJSON file a type
    Fhir {
        /// The folder to write to; must be new or empty
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
        /// Compress each file
        #[arg(long)]
        gzip: bool,
        /// Only these types
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
    },
    /// Everything about one patient, as one bundle
    Patient {
        id: String,
        /// The file to write; standard output when absent
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Db {
    /// Recompute everything that is derived and compare; check versions and log
    Verify,
    /// Rebuild what resources are found by, for example after adding a SearchParameter
    Reindex,
    /// Give unused space back
    Vacuum,
    /// What the store holds and how large it is
    Stats,
}

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Whether the log is as it was written; names the first entry that is not
    Verify {
        /// A copy of the anchors, kept elsewhere; those in the data folder when absent
        #[arg(long, value_name = "FILE")]
        anchors: Option<PathBuf>,
        /// A copy of the public key; that in the data folder when absent
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Entries as FHIR AuditEvents, one a line, oldest first
    Export {
        /// Only what happened at or after this moment or day
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Only what happened before this moment or day
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// The file to write; standard output when absent
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Backup {
    /// Copy every store; the server may go on
    Now,
    /// Which copies there are
    List,
    /// Check the digests of copies, and open each to check what it holds
    Verify {
        /// Only this copy, by its name in `backup list`; all when absent
        name: Option<String>,
    },
    /// Delete the oldest copies beyond `backup.keep`
    Prune {
        /// Yes, delete them; without it they are only named
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
pub(crate) struct Restore {
    /// The copy: its folder, or its name in `backup list`
    #[arg(long)]
    pub(crate) from: String,
    /// Leave out what was written after this moment (RFC 3339), which must lie before the copy was taken
    #[arg(long, value_name = "TIME")]
    pub(crate) to_time: Option<String>,
    /// Check the copy and say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Yes, put it in the place of what is there (which is kept beside it)
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Subcommand)]
pub(crate) enum Migrate {
    /// Whether the stores can be opened by this version, and whether that changes them
    Status,
    /// Bring the stores to the layout of this version
    Up,
}

#[derive(Subcommand)]
pub(crate) enum Settings {
    /// Whether the settings can be used
    Check,
    /// Every setting that has a value; secrets are hidden
    Show {
        /// Who said so
        #[arg(long)]
        origin: bool,
    },
    /// A JSON Schema of the settings file
    Schema,
    /// A settings file with every default, explained
    Default,
    /// The page of the manual about settings
    Reference,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Line::command().debug_assert();
    }
}
