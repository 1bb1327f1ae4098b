//! Is it alive (`/livez`), and should it get requests (`/readyz`, `/healthz`)? Ready means: started, not
//! about to stop, every store can be read and written with its schema current, and there is room on the
//! disk. Details are for callers on this machine; others get yes or no.

use care::Installation;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

/// Where the program is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Starting = 0,
    Serving = 1,
    Stopping = 2,
}

pub(crate) struct Health {
    stage: AtomicU8,
    data_folder: PathBuf,
    disk_free_least: u64,
}

impl Health {
    pub(crate) fn new(data_folder: PathBuf, disk_free_mb: u64) -> Health {
        Health { stage: AtomicU8::new(Stage::Starting as u8), data_folder, disk_free_least: disk_free_mb * 1_000_000 }
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, SeqCst);
    }

    fn stage(&self) -> Stage {
        match self.stage.load(SeqCst) {
            0 => Stage::Starting,
            1 => Stage::Serving,
            _ => Stage::Stopping,
        }
    }

    /// Whether requests should come, and why.
    pub(crate) async fn ready(&self, installation: Option<&Installation>) -> (bool, Value) {
        let mut checks = vec![match self.stage() {
            Stage::Starting => no("stage", "still starting"),
            Stage::Serving => yes("stage"),
            Stage::Stopping => no("stage", "about to stop"),
        }];
        checks.push(self.disk());
        for organisation in installation.iter().flat_map(|it| &it.organisations) {
            let name = format!("store {}", organisation.slug);
            checks.push(match organisation.store.health().await {
                Ok(()) => yes(&name),
                Err(error) => no(&name, &error.to_string()),
            });
        }
        let ready = checks.iter().all(|check| check["ok"] == true);
        (ready, json!({ "ready": ready, "checks": checks }))
    }

    fn disk(&self) -> Value {
        match free_bytes(&self.data_folder) {
            Ok(free) if free < self.disk_free_least => {
                let (free, least) = (crate::terminal::bytes(free), crate::terminal::bytes(self.disk_free_least));
                no("disk", &format!("{free} free, {least} wanted"))
            }
            Ok(_) => yes("disk"),
            Err(error) => no("disk", &format!("cannot ask for free space: {error}")),
        }
    }
}

/// Free space for us on the disk of this folder.
pub(crate) fn free_bytes(folder: &std::path::Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail * disk.f_frsize)
}

fn yes(name: &str) -> Value {
    json!({ "name": name, "ok": true })
}

fn no(name: &str, why: &str) -> Value {
    json!({ "name": name, "ok": false, "why": why })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ready(health: &Health) -> bool {
        health.ready(None).await.0
    }

    #[tokio::test]
    async fn it_is_ready_between_start_and_stop() {
        let health = Health::new(std::env::temp_dir(), 0);
        assert!(!ready(&health).await);
        health.enter(Stage::Serving);
        assert!(ready(&health).await);
        health.enter(Stage::Stopping);
        assert!(!ready(&health).await);
    }

    #[tokio::test]
    async fn a_full_disk_is_told() {
        let health = Health::new(std::env::temp_dir(), u64::MAX / 1_000_000);
        health.enter(Stage::Serving);
        let (ready, report) = health.ready(None).await;
        assert!(!ready);
        assert!(report["checks"][1]["why"].as_str().unwrap().ends_with("wanted"), "{report}");
    }

    #[tokio::test]
    async fn a_lost_folder_is_told() {
        let health = Health::new(PathBuf::from("/nowhere/at/all"), 0);
        health.enter(Stage::Serving);
        assert!(!ready(&health).await);
    }
}
