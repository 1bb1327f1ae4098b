//! Lines over which messages go out: for each channel that sends, what the outbox has due goes to the partner, one
//! after the other, and what the partner answers is written down. A line that fails is tried again, later each time;
//! nothing is lost meanwhile, since the outbox keeps it. Which messages there are and what they say is for
//! `care::exchange` to know.

use crate::failure::{Exit, Failure};
use care::egress::Ask;
use care::exchange::channel::{Channel, Line, Went, Wish};
use care::exchange::feed;
use care::exchange::outbox::{self, Outcome, Queued};
use care::organisation::Surroundings;
use care::{Installation, Organisation};
use formats::v2::mllp::{Decoder, Frame, frame};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// How often a channel looks for what is new, while nothing else wakes it.
const EVERY: Duration = Duration::from_millis(500);
/// How long a connection, a handshake and an answer may take.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);
/// After the first failure, and after many.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The largest answer taken.
const LARGEST: usize = 1024 * 1024;
const PIECE: usize = 4 * 1024;

/// How messages get to a partner.
pub(crate) enum Way {
    Mllp { host: String, port: u16, tls: Option<Box<(TlsConnector, ServerName<'static>)>> },
    Http { address: String, authorization: Option<String> },
    Folder(PathBuf),
}

/// A channel that sends, as the settings have it.
pub(crate) struct Sending {
    pub(crate) organisation: String,
    pub(crate) channel: Channel,
    pub(crate) way: Way,
}

/// All lines that send.
pub(crate) struct Senders {
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Senders {
    pub(crate) async fn open(
        asked: Vec<Sending>,
        installation: &Installation,
        world: &Arc<crate::world::World>,
    ) -> Result<Senders, Failure> {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = Vec::new();
        for Sending { organisation: slug, channel, way } in asked {
            let Some(organisation) = installation.organisation(&slug).cloned() else {
                let what = format!("channel.{}: there is no organisation {slug}", channel.name);
                return Err(Failure::new(Exit::Config, what));
            };
            let interfaces = world.interfaces().expect("the world has lines");
            let line = interfaces.open(&organisation, channel).await.map_err(Failure::store("read", &slug))?;
            if let Way::Mllp { tls, .. } = &way {
                line.tell(|it| it.secured = tls.as_ref().map(|_| false));
            }
            let sender = Sender { line, organisation, way, connection: None, failures: 0, seen: 0 };
            tasks.push(tokio::spawn(sender.keep(stopping.clone())));
        }
        Ok(Senders { tasks, stop })
    }

    /// Lets the message under way be answered, and ends.
    pub(crate) async fn close(self, patience: Duration) {
        self.stop.send_replace(true);
        if timeout(patience, futures::future::join_all(self.tasks)).await.is_err() {
            tracing::warn!(target: "continuo", "some answers took too long; their messages will be sent again");
        }
    }
}

struct Sender {
    line: Arc<Line>,
    organisation: Arc<Organisation>,
    way: Way,
    connection: Option<Connection>,
    /// Tries in a row that came to nothing.
    failures: u32,
    /// How far the change log is known to ask for nothing.
    seen: u64,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

struct Connection {
    stream: Box<dyn Stream>,
    decoder: Decoder,
}

impl Sender {
    async fn keep(mut self, mut stopping: watch::Receiver<bool>) {
        let (mut wishes, mut tests) = (self.line.wishes(), self.line.tests());
        let mut troubled = false;
        while !*stopping.borrow() {
            let wish = *wishes.borrow_and_update();
            match self.feed().await {
                Ok(true) => continue,
                Ok(false) => troubled = false,
                // Told once; it begins again where it was.
                Err(error) if !troubled => {
                    troubled = true;
                    tracing::error!(target: "continuo", channel = %self.line.channel.name, %error, "what is to be sent could not be read");
                }
                Err(_) => {}
            }
            let pause = match wish {
                Wish::Run => self.work(&stopping).await,
                Wish::Pause => EVERY,
                Wish::Stop => {
                    self.connection = None;
                    self.line.tell(|it| (it.open, it.trouble) = (false, None));
                    EVERY
                }
            };
            // While a line is down, what happens is queued all the same.
            let mut left = pause;
            while !left.is_zero() {
                let step = left.min(EVERY);
                left -= step;
                tokio::select! {
                    () = tokio::time::sleep(step) => {}
                    _ = wishes.changed() => break,
                    _ = tests.changed() => {
                        self.try_line().await;
                        break;
                    }
                    _ = stopping.changed() => return,
                }
                if !left.is_zero() && self.feed().await.is_err() {
                    break;
                }
            }
        }
    }

    /// Whether the partner is reached, without a message.
    async fn try_line(&mut self) {
        let reached = match &self.way {
            Way::Mllp { .. } if self.connection.is_some() => Ok(()),
            Way::Mllp { .. } => self.connected().await.map(|it| self.connection = Some(it)),
            Way::Folder(folder) => std::fs::create_dir_all(folder).map_err(|error| format!("the folder: {error}")),
            Way::Http { address, authorization } => {
                let mut ask = Ask::get(address).within(LARGEST);
                if let Some(authorization) = authorization {
                    ask = ask.authorized(authorization);
                }
                // Whatever is answered, somebody answers.
                let answer = self.organisation.surroundings.egress().send(ask).await;
                answer.map(drop).map_err(|refused| refused.to_string())
            }
        };
        let now = self.organisation.now();
        self.line.tell(|it| {
            (it.open, it.tested, it.trouble) = (reached.is_ok(), Some((now, reached.is_ok())), reached.err())
        });
    }

    /// Puts what is new into the outbox. Whether there is more.
    async fn feed(&mut self) -> store::StoreResult<bool> {
        let now = self.organisation.now();
        feed::follow(&self.organisation, &self.line, &mut self.seen, now).await.map(|it| it.more)
    }

    /// Sends what is due. Returns how long to wait.
    async fn work(&mut self, stopping: &watch::Receiver<bool>) -> Duration {
        let caller = self.line.channel.caller();
        let due = outbox::due(&self.organisation, &caller, &self.line.channel.name, self.organisation.now()).await;
        let due = match due {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(target: "continuo", channel = %self.line.channel.name, %error, "the outbox could not be read");
                return FIRST_PAUSE;
            }
        };
        if due.is_empty() {
            return EVERY;
        }
        for message in due {
            if *stopping.borrow() || self.line.wish() != Wish::Run {
                return Duration::ZERO;
            }
            let outcome = self.deliver(&message).await;
            let now = self.organisation.now();
            let went = if matches!(outcome, Outcome::Accepted(_)) { Went::Well } else { Went::Wrong };
            let failed = match &outcome {
                Outcome::Failed(why) => Some(why.clone()),
                _ => None,
            };
            self.line.count(went, now);
            let settled = outbox::settled(&self.organisation, &caller, &message.heading.id, outcome, now).await;
            if let Err(error) = settled {
                tracing::error!(target: "continuo", channel = %self.line.channel.name, %error, "an answer could not be kept; the message is sent again");
                return FIRST_PAUSE;
            }
            match failed {
                None => {
                    self.failures = 0;
                    self.line.tell(|it| (it.open, it.trouble) = (true, None));
                }
                Some(why) => {
                    self.connection = None;
                    self.failures = self.failures.saturating_add(1);
                    self.line.tell(|it| (it.open, it.trouble) = (false, Some(why)));
                    // The whole line is down, not this message alone.
                    return (FIRST_PAUSE * (1 << self.failures.saturating_sub(1).min(10))).min(LONGEST_PAUSE);
                }
            }
        }
        // There may be more behind those.
        Duration::ZERO
    }

    async fn deliver(&mut self, message: &Queued) -> Outcome {
        let control = &message.heading.control;
        match &self.way {
            Way::Mllp { .. } => match self.over_the_line(message).await {
                Ok(answer) => outbox::judged(&answer, control),
                Err(why) => Outcome::Failed(why),
            },
            Way::Http { address, authorization } => self.posted(address, authorization.as_deref(), message).await,
            Way::Folder(folder) => match laid(folder, message).await {
                Ok(()) => Outcome::Accepted(Vec::new()),
                Err(error) => Outcome::Failed(format!("the folder: {error}")),
            },
        }
    }

    /// Sends a message over the line and waits for its acknowledgement. Those of others are left from an earlier try.
    async fn over_the_line(&mut self, message: &Queued) -> Result<Vec<u8>, String> {
        // A line that stood since the last message may have been closed meanwhile, which one only sees by using it.
        if let Some(connection) = self.connection.take()
            && let Ok(answer) = self.exchanged(connection, message).await
        {
            return Ok(answer);
        }
        let connection = self.connected().await?;
        self.exchanged(connection, message).await
    }

    async fn exchanged(&mut self, mut connection: Connection, message: &Queued) -> Result<Vec<u8>, String> {
        let bytes = frame(&message.body);
        let written = timeout(ANSWER, connection.stream.write_all(&bytes)).await;
        if !matches!(written, Ok(Ok(()))) {
            return Err("the line broke".to_owned());
        }
        let control = &message.heading.control;
        let answer = timeout(ANSWER, connection.answer(control)).await;
        let answer = answer.map_err(|_| "no acknowledgement in time".to_owned())??;
        self.connection = Some(connection);
        Ok(answer)
    }

    async fn connected(&self) -> Result<Connection, String> {
        let Way::Mllp { host, port, tls } = &self.way else { return Err("this is no line".to_owned()) };
        let stream = timeout(CONNECT, TcpStream::connect((host.as_str(), *port))).await;
        let stream = match stream {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(format!("nobody answers there: {}", error.kind())),
            Err(_) => return Err("nobody answers there in time".to_owned()),
        };
        // Messages are written whole; waiting to fill packets only delays them.
        let _ = stream.set_nodelay(true);
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(tls) => match timeout(CONNECT, tls.0.connect(tls.1.clone(), stream)).await {
                Ok(Ok(stream)) => Box::new(stream),
                Ok(Err(error)) => return Err(format!("the line could not be secured: {error}")),
                Err(_) => return Err("the line could not be secured in time".to_owned()),
            },
        };
        Ok(Connection { stream, decoder: Decoder::new(LARGEST) })
    }

    async fn posted(&self, address: &str, authorization: Option<&str>, message: &Queued) -> Outcome {
        let is_hl7 = message.body.starts_with(b"MSH");
        let kind = if is_hl7 { "x-application/hl7-v2+er7; charset=utf-8" } else { "application/xml; charset=utf-8" };
        let mut ask = Ask::post(address, kind, message.body.clone()).within(LARGEST);
        ask.patience = ANSWER;
        if let Some(authorization) = authorization {
            ask = ask.authorized(authorization);
        }
        match self.organisation.surroundings.egress().send(ask).await {
            Err(refused) => Outcome::Failed(refused.to_string()),
            // The verdict of the partner goes before the status.
            Ok(answer) if answer.body.starts_with(b"MSH") => outbox::judged(&answer.body, &message.heading.control),
            Ok(answer) => match answer.status {
                200..300 if !is_hl7 || answer.body.is_empty() => Outcome::Accepted(answer.body.to_vec()),
                200..300 => Outcome::Failed("the answer is no acknowledgement".to_owned()),
                400 | 404 | 409 | 410 | 413 | 415 | 422 => Outcome::Refused(answer.body.to_vec()),
                status => Outcome::Failed(format!("the answer has status {status}")),
            },
        }
    }
}

impl Connection {
    /// The acknowledgement of a message. One of another message is the answer to an earlier try that came too late.
    async fn answer(&mut self, control: &str) -> Result<Vec<u8>, String> {
        let mut piece = vec![0; PIECE];
        loop {
            while let Some(next) = self.decoder.frame() {
                match next {
                    Frame::Message(raw) => {
                        if !matches!(outbox::judged(&raw, control), Outcome::Failed(_)) {
                            return Ok(raw);
                        }
                    }
                    Frame::TooLarge { .. } => return Err("the answer is too large".to_owned()),
                    Frame::Unfinished(_) | Frame::Junk { .. } => {}
                }
            }
            match self.stream.read(&mut piece).await {
                Ok(0) => return Err("the partner closed the line before it answered".to_owned()),
                Ok(count) => self.decoder.push(&piece[..count]),
                Err(error) => return Err(format!("the line broke: {}", error.kind())),
            }
        }
    }
}

/// Lays a message into a folder, whole or not at all: whoever looks there sees finished files alone. The same message
/// again has the same name.
async fn laid(folder: &Path, message: &Queued) -> std::io::Result<()> {
    let name: String = message.heading.control.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-').collect();
    let kind: String =
        message.heading.kind.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).collect();
    let ending = if message.body.starts_with(b"MSH") { "hl7" } else { "xml" };
    let path = folder.join(format!("{:020}-{name}-{kind}.{ending}", message.heading.at));
    let (folder, body) = (folder.to_owned(), message.body.clone());
    let laying = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder)?;
        let part = path.with_extension("part");
        let mut file = std::fs::File::create(&part)?;
        file.write_all(&body)?;
        file.sync_all()?;
        std::fs::rename(&part, &path)?;
        std::fs::File::open(&folder)?.sync_all()
    });
    laying.await.map_err(std::io::Error::other)?
}
