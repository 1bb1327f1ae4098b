//! A temporary PostgreSQL of our own: its own folder, its own port on this machine only, gone when we are
//! done. It never runs as root, because PostgreSQL refuses to.

use crate::step;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The account it runs under when we are root.
const ACCOUNT: &str = "postgres";

pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    pub port: u16,
}

impl Postgres {
    /// Installs PostgreSQL if it is missing, and starts one. `durable`: with synced commits, for measuring.
    pub fn start(durable: bool) -> Result<Postgres, String> {
        let programs = match programs() {
            Some(found) => found,
            None => {
                step::install(&["postgresql"])?;
                programs().ok_or("PostgreSQL was installed but pg_ctl is not where it should be")?
            }
        };
        // Not in the build folder: the account it runs under may not look in there.
        let folder = std::env::temp_dir().join(format!("continuo-postgres-{}", std::process::id()));
        std::fs::remove_dir_all(&folder).ok();
        std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        if step::is_root() {
            if step::output(Command::new("id").arg(ACCOUNT)).is_err() {
                step::run(Command::new("useradd").args(["--system", "--no-create-home", ACCOUNT]))?;
            }
            step::run(Command::new("chown").arg(ACCOUNT).arg(&folder))?;
        }
        let postgres = Postgres { programs, folder, port: step::free_port()? };
        let data = postgres.folder.join("data");
        let data = data.to_str().ok_or("the temporary folder has a strange name")?;
        let log = postgres.folder.join("log");
        let log = log.to_str().ok_or("the temporary folder has a strange name")?;
        postgres.program(
            "initdb",
            &["-D", data, "-U", "continuo", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"],
        )?;
        let sync = if durable { "on" } else { "off" };
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync={sync} \
             -c shared_buffers=512MB -c max_connections=200 -c max_wal_size=4GB",
            postgres.port,
            postgres.folder.display()
        );
        postgres.program("pg_ctl", &["-D", data, "-l", log, "-w", "-o", &options, "start"])?;
        postgres.create_database("continuo")?;
        Ok(postgres)
    }

    pub fn create_database(&self, name: &str) -> Result<(), String> {
        let port = self.port.to_string();
        self.program("createdb", &["-h", "127.0.0.1", "-p", &port, "-U", "continuo", name])
    }

    pub fn address(&self, database: &str) -> String {
        format!("postgres://continuo@127.0.0.1:{}/{database}", self.port)
    }

    pub fn version(&self) -> String {
        step::output(Command::new(self.programs.join("postgres")).arg("--version"))
            .map_or_else(|_| "unknown".into(), |it| it.trim().to_owned())
    }

    /// The processes of this server, for the time they use.
    pub fn processes(&self) -> Vec<u32> {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        let Some(main) = pid.lines().next().and_then(|line| line.trim().parse::<u32>().ok()) else { return Vec::new() };
        let mut all = vec![main];
        all.extend(crate::machine::children(main));
        all
    }

    fn program(&self, name: &str, arguments: &[&str]) -> Result<(), String> {
        let path = self.programs.join(name);
        let mut command = if step::is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", ACCOUNT, "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(&self.folder).args(arguments);
        // pg_ctl leaves the server behind, which would hold our pipes open: its output goes nowhere.
        command.stdout(std::process::Stdio::null());
        step::run(&mut command)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.join("data").display().to_string();
        if let Err(error) = self.program("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]) {
            eprintln!("PostgreSQL did not stop: {error}");
        }
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// The folder of PostgreSQL's programs: Debian keeps them off the search path, by version.
fn programs() -> Option<PathBuf> {
    let complete = |folder: &Path| folder.join("pg_ctl").is_file() && folder.join("initdb").is_file();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| complete(folder))
        .collect();
    versions.sort();
    versions.pop().or_else(|| {
        let found = step::find("pg_ctl")?;
        // A link leads to where the rest lies too.
        let real = std::fs::canonicalize(&found).unwrap_or(found);
        real.parent().filter(|folder| complete(folder)).map(Path::to_owned)
    })
}
