//! The lane at work: takes what waits, writes it as one transaction, answers. The same for every database;
//! SQLite runs it on a thread of its own, PostgreSQL as a task.

use crate::audit::Look;
use crate::batch::Outcome;
use crate::caller::Caller;
use crate::db::Writer;
use crate::error::{StoreError, StoreResult};
use crate::lane::{Job, Lane, Shared, gather};
use crate::maintain;
use crate::rewind;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

pub(crate) enum Message {
    Commit(Box<Job>),
    /// Looks wait in the queue.
    Looks,
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

pub(crate) async fn run<W: Writer>(writer: W, shared: Arc<Shared>, mut messages: mpsc::Receiver<Message>) {
    let lane = Lane::new(shared.clone());
    let mut runner = Runner { lane, writer, shared, looks: Vec::new(), last_look: 0 };
    let mut waiting = None;
    loop {
        let message = match waiting.take() {
            Some(message) => message,
            None => match messages.recv().await {
                Some(message) => message,
                None => break,
            },
        };
        match message {
            Message::Commit(job) => {
                let group = gather(*job, Job::weight, || match messages.try_recv() {
                    Ok(Message::Commit(job)) => Some(*job),
                    Ok(other) => {
                        waiting = Some(other);
                        None
                    }
                    Err(_) => None,
                });
                runner.commit_group(group).await;
            }
            Message::Looks => runner.write_looks().await,
            Message::Reindex { caller, steps, reply } => {
                let progress = |done, of| {
                    // Whoever asked may have gone.
                    let _ = steps.send((done, of));
                };
                let done = runner.reindex(&caller, &progress).await;
                drop(steps);
                let _ = reply.send(done);
            }
            Message::Rewind { caller, to, steps, reply } => {
                let progress = |done, of| {
                    let _ = steps.send((done, of));
                };
                let done = runner.rewind(&caller, to, &progress).await;
                drop(steps);
                let _ = reply.send(done);
            }
            Message::Vacuum { reply } => {
                let _ = reply.send(runner.writer.vacuum().await);
            }
            Message::Check { reply } => {
                let _ = reply.send(runner.check().await);
            }
            Message::Close { reply } => {
                // Whoever sends after the close is refused by the closed channel.
                messages.close();
                while let Some(message) = messages.recv().await {
                    if let Message::Commit(job) = message {
                        runner.commit_group(vec![*job]).await;
                    }
                }
                runner.write_looks().await;
                runner.settle().await;
                drop(runner);
                let _ = reply.send(());
                return;
            }
        }
    }
    runner.settle().await;
}

struct Runner<W> {
    lane: Lane,
    writer: W,
    shared: Arc<Shared>,
    /// Looks taken from the queue that are not on disk yet, and the number of the last of them.
    looks: Vec<Look>,
    last_look: u64,
}

impl<W: Writer> Runner<W> {
    /// Ends a transaction: what went well is kept, anything else undone.
    async fn end<T>(&mut self, done: StoreResult<T>) -> StoreResult<T> {
        let error = match done {
            Ok(done) => match self.writer.commit().await {
                Ok(()) => return Ok(done),
                Err(error) => error,
            },
            Err(error) => error,
        };
        if let Err(second) = self.writer.rollback().await {
            tracing::warn!(%second, "a transaction could not be undone; the database undoes it");
        }
        Err(error)
    }

    async fn reindex(&mut self, caller: &Caller, progress: &maintain::Progress<'_>) -> StoreResult<u64> {
        self.writer.begin().await?;
        let done = maintain::reindex(&mut self.writer, &self.shared, caller, progress).await;
        let done = self.end(done).await;
        // New numbers may have been given behind the lane's back.
        self.lane.forget();
        done
    }

    async fn rewind(&mut self, caller: &Caller, to: i64, progress: &maintain::Progress<'_>) -> StoreResult<u64> {
        self.writer.begin().await?;
        let done = rewind::rewind(&mut self.writer, &self.shared, caller, to, progress).await;
        let done = self.end(done).await;
        self.lane.forget();
        done
    }

    /// Takes over the looks that wait.
    fn take_looks(&mut self) {
        self.last_look = self.shared.queue.take(&mut self.looks);
    }

    /// Writes what waits in the queue. What cannot be written is kept for the next time.
    async fn write_looks(&mut self) {
        if let Err(error) = self.try_group(&[]).await {
            tracing::error!(%error, "who looked at what cannot be written down; it is kept and tried again");
        }
    }

    async fn check(&mut self) -> StoreResult<()> {
        self.writer.begin().await?;
        let done = maintain::check(&mut self.writer).await;
        self.end(done).await
    }

    async fn settle(&mut self) {
        if let Err(error) = self.writer.settle().await {
            tracing::warn!(%error, "closing could not tidy up; nothing is lost");
        }
    }

    /// Writes a group. When the database fails, each commit is tried alone, so that one that cannot be written
    /// takes no other down with it. A lost connection is no reason to try again: the group may have been written.
    async fn commit_group(&mut self, group: Vec<Job>) {
        match self.try_group(&group).await {
            Ok(answers) => answer_all(group, answers),
            Err(error) if group.len() == 1 => answer_all(group, vec![Err(error)]),
            Err(StoreError::Unavailable(why)) => {
                let answers = group.iter().map(|_| Err(StoreError::Unavailable(why.clone()))).collect();
                answer_all(group, answers);
            }
            Err(_) => {
                for job in group {
                    let alone = vec![job];
                    let answers = self.try_group(&alone).await.unwrap_or_else(|error| vec![Err(error)]);
                    answer_all(alone, answers);
                }
            }
        }
    }

    async fn try_group(&mut self, group: &[Job]) -> StoreResult<Vec<StoreResult<Vec<Outcome>>>> {
        self.take_looks();
        if group.is_empty() && self.looks.is_empty() {
            self.shared.queue.done(self.last_look);
            return Ok(Vec::new());
        }
        let done = match self.writer.begin().await {
            Ok(last) => {
                let done = self.apply(last, group).await;
                self.end(done).await
            }
            Err(error) => Err(error),
        };
        match &done {
            Ok(_) => {
                self.lane.committed();
                self.looks.clear();
                self.shared.queue.done(self.last_look);
            }
            Err(error) => {
                self.lane.forget();
                self.shared.queue.failed(self.last_look, error);
            }
        }
        done
    }

    async fn apply(&mut self, last: Option<i64>, group: &[Job]) -> StoreResult<Vec<StoreResult<Vec<Outcome>>>> {
        self.catch_up(last).await?;
        self.lane.apply(&mut self.writer, &self.looks, group).await
    }

    /// Takes over what another process has done since our last transaction.
    async fn catch_up(&mut self, last: Option<i64>) -> StoreResult<()> {
        if self.lane.is_behind(last) {
            self.lane.forget();
            maintain::refresh(&mut self.writer, &self.shared).await?;
        }
        Ok(())
    }
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
