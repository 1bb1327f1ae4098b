//! The thread that owns SQLite's writing connection: takes what waits, writes it as one transaction, answers.

use crate::audit::Look;
use crate::batch::Outcome;
use crate::caller::Caller;
use crate::db::sqlite::SqliteSession;
use crate::error::{StoreError, StoreResult};
use crate::lane::{Job, Lane, Shared, gather};
use crate::maintain;
use crate::rewind;
use futures::executor::block_on;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

pub(crate) enum Message {
    Commit(Job),
    Looks {
        looks: Vec<Look>,
        reply: oneshot::Sender<StoreResult<()>>,
    },
    Reindex {
        caller: Caller,
        steps: mpsc::UnboundedSender<(u64, u64)>,
        reply: oneshot::Sender<StoreResult<u64>>,
    },
    Rewind {
        caller: Caller,
        to: i64,
        steps: mpsc::UnboundedSender<(u64, u64)>,
        reply: oneshot::Sender<StoreResult<u64>>,
    },
    Vacuum {
        reply: oneshot::Sender<StoreResult<()>>,
    },
    /// Can a transaction be written?
    Check {
        reply: oneshot::Sender<StoreResult<()>>,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

pub(crate) fn run_sqlite(mut writer: SqliteSession, shared: Arc<Shared>, mut messages: mpsc::Receiver<Message>) {
    let mut lane = Lane::new(shared.clone());
    let mut waiting = None;
    while let Some(message) = waiting.take().or_else(|| messages.blocking_recv()) {
        match message {
            Message::Commit(job) => {
                let group = gather(job, Job::weight, || match messages.try_recv() {
                    Ok(Message::Commit(job)) => Some(job),
                    Ok(other) => {
                        waiting = Some(other);
                        None
                    }
                    Err(_) => None,
                });
                commit_group(&mut lane, &mut writer, group);
            }
            Message::Looks { looks, reply } => {
                let done = in_transaction(&mut writer, |writer| block_on(lane.record(writer, &looks)));
                if done.is_err() {
                    lane.forget();
                }
                let _ = reply.send(done);
            }
            Message::Reindex { caller, steps, reply } => {
                let done = in_transaction(&mut writer, |writer| {
                    block_on(maintain::reindex(writer, &shared, &caller, &|done, of| {
                        let _ = steps.send((done, of));
                    }))
                });
                // New numbers may have been given behind the lane's back.
                lane.forget();
                drop(steps);
                let _ = reply.send(done);
            }
            Message::Rewind { caller, to, steps, reply } => {
                let done = in_transaction(&mut writer, |writer| {
                    block_on(rewind::rewind(writer, &shared, &caller, to, &|done, of| {
                        let _ = steps.send((done, of));
                    }))
                });
                lane.forget();
                drop(steps);
                let _ = reply.send(done);
            }
            Message::Vacuum { reply } => {
                let _ = reply.send(writer.run("VACUUM").and_then(|()| writer.checkpoint()));
            }
            Message::Check { reply } => {
                let _ = reply.send(in_transaction(&mut writer, |writer| {
                    writer.run("INSERT INTO setting (name, value) VALUES ('checked', x'01') ON CONFLICT (name) DO UPDATE SET value = x'01'")
                }));
            }
            Message::Close { reply } => {
                // Whoever sent after the close is refused by the closed channel.
                messages.close();
                while let Ok(message) = messages.try_recv() {
                    if let Message::Commit(job) = message {
                        commit_group(&mut lane, &mut writer, vec![job]);
                    }
                }
                let _ = writer.checkpoint();
                drop(writer);
                let _ = reply.send(());
                return;
            }
        }
    }
    let _ = writer.checkpoint();
}

fn in_transaction<T>(
    writer: &mut SqliteSession,
    work: impl FnOnce(&mut SqliteSession) -> StoreResult<T>,
) -> StoreResult<T> {
    writer.begin()?;
    let done = work(writer).and_then(|done| writer.commit().map(|()| done));
    if done.is_err() {
        writer.rollback()?;
    }
    done
}

/// Writes a group. When the database fails, each commit is tried alone, so that one that cannot be written
/// takes no other down with it.
fn commit_group(lane: &mut Lane, writer: &mut SqliteSession, group: Vec<Job>) {
    match try_group(lane, writer, &group) {
        Ok(answers) => answer_all(group, answers),
        Err(error) if group.len() == 1 => answer_all(group, vec![Err(error)]),
        Err(_) => {
            for job in group {
                let alone = vec![job];
                let answers = try_group(lane, writer, &alone).unwrap_or_else(|error| vec![Err(error)]);
                answer_all(alone, answers);
            }
        }
    }
}

fn try_group(
    lane: &mut Lane,
    writer: &mut SqliteSession,
    group: &[Job],
) -> StoreResult<Vec<StoreResult<Vec<Outcome>>>> {
    let done = in_transaction(writer, |writer| block_on(lane.apply(writer, group)));
    match &done {
        Ok(_) => lane.committed(),
        Err(_) => lane.forget(),
    }
    done
}

fn answer_all(group: Vec<Job>, answers: Vec<StoreResult<Vec<Outcome>>>) {
    for (job, answer) in group.into_iter().zip(answers) {
        // Whoever asked may have gone; the write stands all the same.
        let _ = job.reply.send(answer);
    }
}

impl From<oneshot::error::RecvError> for StoreError {
    fn from(_: oneshot::error::RecvError) -> StoreError {
        StoreError::Unavailable("it has been closed".to_owned())
    }
}
