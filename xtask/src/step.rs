//! Running other programs, with what failed said in words.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the workspace").to_owned()
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // Set by `cargo xtask` for this crate; they must not leak into other builds.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_MANIFEST_PATH"] {
        command.env_remove(name);
    }
    command
}

/// Runs to the end, output shown.
pub fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    let status = command.status().map_err(|error| format!("cannot run {shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown} ended with {status}")) }
}

/// Runs to the end and gives what it wrote to standard output.
pub fn output(command: &mut Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let done = command.stdin(Stdio::null()).output().map_err(|error| format!("cannot run {shown}: {error}"))?;
    if !done.status.success() {
        return Err(format!("{shown} ended with {}: {}", done.status, String::from_utf8_lossy(&done.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

pub fn installed(program: &str) -> bool {
    find(program).is_some()
}

/// Where a program lies on the search path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|it| it.is_file())
}

pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Installs packages of the operating system; only where that needs no question (root and apt).
pub fn install(packages: &[&str]) -> Result<(), String> {
    if !is_root() || !installed("apt-get") {
        return Err(format!("please install {} (we only do it ourselves as root with apt-get)", packages.join(", ")));
    }
    let mut update = Command::new("apt-get");
    run(update.args(["-qq", "update"]))?;
    let mut install = Command::new("apt-get");
    install.args(["-qq", "-y", "--no-install-recommends", "install"]).args(packages);
    run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// A port nobody listens on right now.
pub fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// A new empty folder under the build folder, on a real disk: temporary folders may lie in memory.
pub fn scratch(name: &str) -> Result<PathBuf, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = exe.ancestors().nth(2).ok_or("the build folder is not where it should be")?;
    let folder = target.join("scratch").join(format!("{name}-{}", std::process::id()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| format!("cannot empty {}: {error}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

pub fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), String> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Steps done one after another, with their times, for the summary at the end.
pub struct Steps {
    begun: Instant,
    done: Vec<(String, f64, Result<(), String>)>,
}

impl Steps {
    pub fn new() -> Steps {
        Steps { begun: Instant::now(), done: Vec::new() }
    }

    /// Does one step and goes on whatever comes of it.
    pub fn take(&mut self, name: &str, step: impl FnOnce() -> Result<(), String>) -> bool {
        eprintln!("\n── {name}");
        let begun = Instant::now();
        let result = step();
        let fine = result.is_ok();
        self.done.push((name.to_owned(), begun.elapsed().as_secs_f64(), result));
        fine
    }

    pub fn finish(self) -> Result<(), String> {
        eprintln!();
        for (name, seconds, result) in &self.done {
            match result {
                Ok(()) => eprintln!("  ok    {seconds:7.1} s  {name}"),
                Err(reason) => eprintln!("  FAIL  {seconds:7.1} s  {name}: {reason}"),
            }
        }
        let failed = self.done.iter().filter(|(_, _, result)| result.is_err()).count();
        eprintln!("  {} steps in {:.0} s", self.done.len(), self.begun.elapsed().as_secs_f64());
        if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} steps failed", self.done.len())) }
    }
}
