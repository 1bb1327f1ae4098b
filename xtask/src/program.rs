//! The `continuo` program as others use it: built, started, asked, ended. Measurements and fault tests drive
//! it from outside, never from within.

use crate::http::{Client, Target};
use crate::step;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Builds it as it is shipped.
pub fn build() -> Result<PathBuf, String> {
    step::run(step::cargo().args(["build", "--release", "--package", "server", "--bin", "continuo"]))?;
    Ok(target()?.join("release/continuo"))
}

/// The build that the tests have made anyway: the same program, with its assertions on. Asked for in any other way,
/// cargo would choose other features of libraries and build half of it again.
pub fn build_for_tests() -> Result<PathBuf, String> {
    step::run(step::cargo().args(["test", "--workspace", "--locked", "--no-run", "--quiet"]))?;
    Ok(target()?.join("debug/continuo"))
}

/// The build folder, of which this program is in a folder.
pub fn target() -> Result<PathBuf, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    exe.ancestors().nth(2).map(Path::to_owned).ok_or_else(|| "the build folder is not where it should be".into())
}

/// What to serve: one organisation called `trial` in a folder of its own.
#[derive(Clone)]
pub struct Plan {
    pub binary: PathBuf,
    pub folder: PathBuf,
    /// `postgres://…`; a file in the folder when absent.
    pub store: Option<String>,
    pub port: u16,
    /// Where HL7 v2 messages come.
    pub mllp: u16,
    pub variables: Vec<(String, String)>,
}

impl Plan {
    pub fn new(binary: &Path, folder: &Path) -> Result<Plan, String> {
        let (port, mllp) = (step::free_port()?, step::free_port()?);
        let (binary, folder) = (binary.to_owned(), folder.to_owned());
        Ok(Plan { binary, folder, store: None, port, mllp, variables: Vec::new() })
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("continuo.toml")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn write_settings(&self) -> Result<(), String> {
        let store = self.store.as_ref().map(|it| format!("store = \"{it}\"\n")).unwrap_or_default();
        let text = format!(
            "[server]\nbind = \"127.0.0.1:{}\"\n\n[data]\nfolder = \"{}\"\n\n[health]\ndisk_free_mb = 1\n\n\
             [channel.hl7]\norganisation = \"trial\"\nlisten = \"127.0.0.1:{}\"\n\n\
             [organisation.trial]\nname = \"Trial\"\n{store}",
            self.port,
            self.data().display(),
            self.mllp
        );
        step::write(&self.settings(), text)
    }

    /// A command of the program over the same settings, for example `["db", "verify", "--json"]`.
    pub fn command(&self, arguments: &[&str]) -> Result<Command, String> {
        self.write_settings()?;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.settings()).args(arguments);
        // Also what only looks writes its audit entry: a watched disk must see every process that writes.
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// `continuo token` with these arguments.
    fn token(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = self.command(&[&["token"], arguments].concat())?;
        let made = command.output().map_err(|error| format!("cannot make a token: {error}"))?;
        if !made.status.success() {
            return Err(format!("cannot make a token: {}", String::from_utf8_lossy(&made.stderr)));
        }
        Ok(String::from_utf8_lossy(&made.stdout).trim().to_owned())
    }

    /// Starts serving and waits until it is ready.
    pub fn start(&self) -> Result<Program, String> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log"));
        let log = log.map_err(|error| format!("cannot write the log: {error}"))?;
        let mut command = self.command(&["serve"])?;
        let begun = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", self.binary.display()))?;
        let mut program = Program { child, plan: self.clone(), started_in: Duration::ZERO };
        program.wait_until_ready()?;
        program.started_in = begun.elapsed();
        Ok(program)
    }
}

pub struct Program {
    child: Child,
    plan: Plan,
    pub started_in: Duration,
}

impl Program {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The FHIR address with a token for all of the organisation, which is made once for a data folder.
    pub fn target(&self) -> Result<Target, String> {
        let path = self.plan.data().join("trial.token");
        let token = match std::fs::read_to_string(&path) {
            Ok(token) => token,
            Err(_) => {
                let token = self.plan.token(&["--name", "trial", "--days", "30"])?;
                step::write(&path, token.clone())?;
                token
            }
        };
        self.target_with(&token)
    }

    /// Where HL7 v2 messages come.
    pub fn mllp(&self) -> String {
        format!("127.0.0.1:{}", self.plan.mllp)
    }

    /// The FHIR address with a token that reaches one patient.
    pub fn target_of(&self, patient: &str) -> Result<Target, String> {
        let token = self.plan.token(&[
            "--name",
            "one-patient",
            "--scopes",
            "patient/*.rs",
            "--patient",
            patient,
            "--days",
            "1",
        ])?;
        self.target_with(&token)
    }

    fn target_with(&self, token: &str) -> Result<Target, String> {
        let base = format!("http://127.0.0.1:{}/trial/fhir", self.plan.port);
        Ok(Target::parse(&base)?.bearer(token.trim()))
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let root = Target::parse(&format!("http://127.0.0.1:{}", self.plan.port))?;
        let runtime = runtime()?;
        let begun = Instant::now();
        loop {
            let answer = runtime.block_on(async { Client::new(&root).get("/readyz").await });
            if answer.is_ok_and(|it| it.status == 200) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("continuo ended with {status}; see {}", self.plan.folder.join("log").display()));
            }
            if begun.elapsed() > Duration::from_secs(60) {
                return Err(format!("continuo is not ready; see {}", self.plan.folder.join("log").display()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGKILL: no chance to tidy up.
    pub fn kill(mut self) -> Result<(), String> {
        self.child.kill().map_err(|error| format!("cannot kill continuo: {error}"))?;
        self.child.wait().map_err(|error| format!("cannot wait for continuo: {error}"))?;
        Ok(())
    }

    /// SIGTERM, and the time it took to end.
    pub fn stop(mut self) -> Result<Duration, String> {
        let begun = Instant::now();
        step::run(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let status = self.child.wait().map_err(|error| format!("cannot wait for continuo: {error}"))?;
        if status.success() { Ok(begun.elapsed()) } else { Err(format!("continuo ended with {status} after SIGTERM")) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already ended after `kill` and `stop`; otherwise a failed step leaves it behind.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One thread: the loader must leave the rest of a small machine to the server.
pub fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| format!("cannot start the runtime: {error}"))
}
