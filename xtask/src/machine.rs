//! The machine we run on: what it is, how fast its disk keeps its promises, and how much time and memory a
//! process uses (read from /proc, so Linux only).

use crate::step;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What a reader of a figure must know about the machine.
pub fn description() -> Value {
    let first = |path: &str, key: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().find(|line| line.starts_with(key)).and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let run = |program: &str, argument: &str| {
        step::output(Command::new(program).arg(argument)).map(|it| it.trim().to_owned()).unwrap_or_default()
    };
    json!({
        "processor": first("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
        "cores": std::thread::available_parallelism().map_or(1, |it| it.get()),
        "memory": first("/proc/meminfo", "MemTotal").unwrap_or_else(|| "unknown".into()),
        "system": run("uname", "-sr"),
        "compiler": run("rustc", "--version"),
    })
}

/// The same in one sentence without its end.
pub fn sentence() -> String {
    let machine = description();
    let text = |name: &str| machine[name].as_str().map_or_else(|| machine[name].to_string(), str::to_owned);
    let [cores, processor, memory, system, compiler] = ["cores", "processor", "memory", "system", "compiler"].map(text);
    format!("{cores} cores of {processor}, {memory} memory, {system}, {compiler}")
}

/// How many times a second the disk makes 4 kB durable, one after another.
pub fn syncs_per_second(folder: &Path) -> Result<f64, String> {
    let path = folder.join("canary");
    let measure = || -> std::io::Result<f64> {
        let mut file = std::fs::File::create(&path)?;
        let begun = Instant::now();
        let mut count = 0;
        while begun.elapsed().as_millis() < 1_500 {
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            count += 1;
        }
        Ok(f64::from(count) / begun.elapsed().as_secs_f64())
    };
    let result = measure().map_err(|error| format!("cannot measure the disk at {}: {error}", folder.display()));
    std::fs::remove_file(&path).ok();
    result
}

/// Processor time used by these processes so far, in seconds (user and system).
pub fn cpu_seconds(processes: &[u32]) -> f64 {
    // The kernel tells it in hundredths on every Linux that Rust runs on.
    processes.iter().filter_map(|pid| ticks(*pid)).map(|ticks| ticks as f64 / 100.0).sum()
}

fn ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; the numbers follow its last bracket.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    // utime, stime, and those of children that ended (PostgreSQL's workers come and go).
    Some(number(11)? + number(12)? + number(13)? + number(14)?)
}

pub fn children(parent: u32) -> Vec<u32> {
    let Ok(folder) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let of = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        of == Some(parent)
    })
    .collect()
}

/// Resident memory in bytes.
pub fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

/// Who listens on this port of this machine, if we may know.
pub fn listener(port: u16) -> Option<u32> {
    let wanted = format!(":{port:04X}");
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|path| {
        let text = std::fs::read_to_string(path).ok()?;
        text.lines().skip(1).find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(3) == Some(&"0A") && fields.get(1)?.ends_with(&wanted);
            listens.then(|| fields.get(9).map(|it| it.to_string()))?
        })
    })?;
    let socket = format!("socket:[{inode}]");
    let pids =
        std::fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.into_iter().find(|pid| {
        let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        open.flatten().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|it| it.to_string_lossy() == socket))
    })
}

/// Bytes of all files in a folder and below.
pub fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let one = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(it) if it.is_dir() => folder_bytes(&entry.path()),
        Ok(it) => it.len(),
        Err(_) => 0,
    };
    entries.flatten().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_find_ourselves_in_proc() {
        let me = std::process::id();
        assert!(resident(me) > 100_000);
        let listener_of_ours = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(listener(listener_of_ours.local_addr().unwrap().port()), Some(me));
        let before = cpu_seconds(&[me]);
        let begun = Instant::now();
        while begun.elapsed().as_millis() < 100 {
            std::hint::black_box(begun.elapsed());
        }
        assert!(cpu_seconds(&[me]) > before);
    }
}
