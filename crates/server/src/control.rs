//! How commands reach a running server: a socket in the data folder that only its owner may open. The server
//! holds its stores alone, so copies, checks and counts of a living record are made by it.

use crate::audit;
use crate::failure::{Exit, Failure};
use care::Installation;
use care::access::{MachineToken, machine_token};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use store::{Caller, StoreError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// What can be asked of a running server.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Wish {
    Backup { organisation: String, to: PathBuf },
    Verify { organisation: String },
    Stats { organisation: String },
    AuditVerify { organisation: String, anchors: PathBuf, key: String },
    AuditPage { organisation: String, base: String, from: Option<i64>, to: Option<i64>, cursor: Option<String> },
    Token { organisation: String, token: MachineToken },
}

impl Wish {
    fn organisation(&self) -> &str {
        match self {
            Wish::Backup { organisation, .. }
            | Wish::Verify { organisation }
            | Wish::Stats { organisation }
            | Wish::AuditVerify { organisation, .. }
            | Wish::AuditPage { organisation, .. }
            | Wish::Token { organisation, .. } => organisation,
        }
    }
}

/// A line of the answer: how far it is, then how it ended.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Progress(u64, u64),
    Done(Value),
    Failed(String),
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("control")
}

/// Listens until the program ends. Whoever holds the data folder may replace what a dead server left behind.
pub(crate) fn listen(folder: &Path, installation: Installation) -> Result<(), Failure> {
    let path = socket(folder);
    std::fs::remove_file(&path).ok();
    let listener = UnixListener::bind(&path).map_err(Failure::file("listen at", &path))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(Failure::file("protect", &path))?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let installation = installation.clone();
            tokio::spawn(async move {
                if let Err(error) = serve(stream, installation).await {
                    tracing::warn!(target: "continuo", %error, "a command went away before its answer");
                }
            });
        }
    });
    Ok(())
}

pub(crate) fn close(folder: &Path) {
    std::fs::remove_file(socket(folder)).ok();
}

async fn serve(stream: UnixStream, installation: Installation) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read).read_line(&mut line).await?;
    let (sender, mut answers) = unbounded_channel();
    let work = tokio::spawn(async move {
        let end = match serde_json::from_str::<Wish>(&line) {
            Err(_) => Answer::Failed("this server does not know that wish; is the command of another version?".into()),
            Ok(wish) => match fulfil(&wish, &installation, &sender).await {
                Ok(done) => Answer::Done(done),
                Err(told) => Answer::Failed(told),
            },
        };
        // Nobody listens any more when the command was stopped.
        let _ = sender.send(end);
    });
    while let Some(answer) = answers.recv().await {
        let mut line = serde_json::to_string(&answer).expect("an answer can be written as JSON");
        line.push('\n');
        write.write_all(line.as_bytes()).await?;
    }
    let _ = work.await;
    Ok(())
}

async fn fulfil(wish: &Wish, installation: &Installation, answers: &UnboundedSender<Answer>) -> Result<Value, String> {
    let name = wish.organisation();
    let organisation = installation.organisation(name).ok_or_else(|| format!("{name} is not served here"))?;
    let store = &organisation.store;
    let told = |done, total| drop(answers.send(Answer::Progress(done, total)));
    let words = |error: StoreError| error.to_string();
    match wish {
        Wish::Backup { to, .. } => {
            store.backup(&Caller::system("backup"), to, &told).await.map_err(words)?;
            Ok(Value::Null)
        }
        Wish::Verify { .. } => {
            let issues = store.verify(&Caller::system("verify"), &told).await.map_err(words)?;
            Ok(issues.into_iter().map(|issue| issue.diagnostics).collect())
        }
        Wish::AuditVerify { anchors, key, .. } => {
            let anchors = audit::anchors_of(anchors, key, name).map_err(|failure| failure.to_string())?;
            audit::verified(store, &anchors, &told).await.map_err(words)
        }
        Wish::AuditPage { base, from, to, cursor, .. } => {
            audit::exported(store, name, base, *from, *to, cursor.clone()).await.map_err(words)
        }
        Wish::Token { token, .. } => {
            let (secret, now) = (organisation.surroundings.new_secret(), organisation.now());
            let made = machine_token(store, &Caller::system("token"), &secret, token, now).await;
            made.map_err(|error| error.to_string()).map(|()| Value::String(secret))
        }
        Wish::Stats { .. } => {
            let stats = store.stats(&Caller::system("stats")).await.map_err(words)?;
            Ok(
                json!({ "resources": stats.resources, "versions": stats.versions, "rows": stats.rows, "bytes": stats.bytes }),
            )
        }
    }
}

/// Asks the server that holds this folder. `None`: there is none, and the caller may open the store itself.
pub(crate) async fn ask(
    folder: &Path,
    wish: &Wish,
    told: &(dyn Fn(u64, u64) + Send + Sync),
) -> Option<Result<Value, Failure>> {
    let stream = UnixStream::connect(socket(folder)).await.ok()?;
    Some(talk(stream, wish, told).await)
}

async fn talk(stream: UnixStream, wish: &Wish, told: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<Value, Failure> {
    let lost =
        |error: std::io::Error| Failure::new(Exit::Unavailable, format!("the running server went away: {error}"));
    let (read, mut write) = stream.into_split();
    let line = serde_json::to_string(wish).expect("a wish can be written as JSON") + "\n";
    write.write_all(line.as_bytes()).await.map_err(lost)?;
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await.map_err(lost)? {
        match serde_json::from_str(&line) {
            Ok(Answer::Progress(done, total)) => told(done, total),
            Ok(Answer::Done(value)) => return Ok(value),
            Ok(Answer::Failed(told)) => {
                return Err(Failure::new(Exit::Software, format!("the running server: {told}")));
            }
            Err(_) => return Err(Failure::new(Exit::Software, "the running server speaks another version")),
        }
    }
    Err(Failure::new(Exit::Unavailable, "the running server stopped before it was done"))
}
