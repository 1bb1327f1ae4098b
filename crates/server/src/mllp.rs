//! Lines over which HL7 v2 messages come: a listener for each channel of the settings, in the clear on this machine or
//! with TLS, with or without a certificate of the sender. What is in a message is not looked at here; its answer is sent
//! when `care::exchange` gives it, which is when it is on disk. Messages of one connection are taken one after the other.
//!
//! Nobody can tie the program up: connections are counted, a message that was begun must end, a connection that never
//! brings one is closed.

use crate::failure::{Exit, Failure};
use care::exchange::channel::{Channel, Interfaces, Line, Wish};
use care::organisation::Surroundings;
use care::{Installation, Organisation};
use formats::v2::mllp::{Decoder, Frame, frame};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Connections of one channel.
const CONNECTIONS: usize = 512;
/// How long a handshake, the first message of a connection, the rest of a message, and an answer may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
const FIRST: Duration = Duration::from_secs(120);
const REST: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(30);
/// What may stand between messages before nobody believes that one will come.
const JUNK: usize = 64 * 1024;
/// How long until it is tried again to listen.
const AGAIN: Duration = Duration::from_secs(5);
const PIECE: usize = 16 * 1024;

/// A channel as the settings have it.
pub(crate) struct Asked {
    pub(crate) organisation: String,
    pub(crate) channel: Channel,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) mutual: bool,
    /// It is fine when somebody else listens there: of several demonstrations one has the usual port.
    pub(crate) may_be_taken: bool,
}

impl Asked {
    /// On this machine, in the clear.
    pub(crate) fn here(organisation: &str, channel: Channel, port: u16, may_be_taken: bool) -> Asked {
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        Asked { organisation: organisation.to_owned(), channel, listen, tls: None, mutual: false, may_be_taken }
    }
}

/// All listeners.
pub(crate) struct Lines {
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    /// Organisation, channel and where it listens.
    pub(crate) listening: Vec<(String, String, SocketAddr)>,
}

impl Lines {
    /// Opens the channels that were asked for.
    pub(crate) async fn open(
        asked: Vec<Asked>,
        installation: &Installation,
        world: &Arc<crate::world::World>,
    ) -> Result<Lines, Failure> {
        let (stop, stopping) = watch::channel(false);
        let mut lines = Lines { tasks: Vec::new(), stop, listening: Vec::new() };
        for asked in asked {
            let Some(organisation) = installation.organisation(&asked.organisation).cloned() else {
                let what = format!("channel.{}: there is no organisation {}", asked.channel.name, asked.organisation);
                return Err(Failure::new(Exit::Config, what));
            };
            let interfaces = world.interfaces().expect("the world has lines");
            let opened = interfaces.open(&organisation, asked.channel.clone()).await;
            let line = opened.map_err(Failure::store("read", &organisation.slug))?;
            line.tell(|it| it.secured = asked.tls.as_ref().map(|_| asked.mutual));
            let first = match (line.wish(), listen(asked.listen)) {
                (Wish::Stop, _) => None,
                (_, Ok(listener)) => {
                    let at = listener.local_addr().unwrap_or(asked.listen);
                    lines.listening.push((organisation.slug.clone(), line.channel.name.clone(), at));
                    Some(listener)
                }
                (_, Err(error)) if asked.may_be_taken => {
                    tracing::warn!(target: "continuo", channel = %line.channel.name, bind = %asked.listen, %error, "no messages are taken: the port is taken");
                    line.tell(|it| it.trouble = Some(error.to_string()));
                    continue;
                }
                (_, Err(error)) => {
                    let what = format!("channel {} cannot listen on {}: {error}", line.channel.name, asked.listen);
                    return Err(Failure::new(Exit::Unavailable, what));
                }
            };
            let keeper = Keeper { line, organisation, world: world.clone(), tls: asked.tls, listen: asked.listen };
            lines.tasks.push(tokio::spawn(keeper.keep(first, stopping.clone())));
        }
        Ok(lines)
    }

    /// Takes nothing new, lets what is under way be answered, and ends.
    pub(crate) async fn close(self, patience: Duration) {
        self.stop.send_replace(true);
        let all = futures::future::join_all(self.tasks);
        if timeout(patience, all).await.is_err() {
            tracing::warn!(target: "continuo", "some messages took too long and were cut; their senders will send them again");
        }
    }
}

fn listen(at: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if at.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(256)
}

struct Keeper {
    line: Arc<Line>,
    organisation: Arc<Organisation>,
    world: Arc<crate::world::World>,
    tls: Option<TlsAcceptor>,
    listen: SocketAddr,
}

impl Keeper {
    /// Listens while it is wished, until told to stop.
    async fn keep(self, mut listener: Option<TcpListener>, mut stopping: watch::Receiver<bool>) {
        let keeper = Arc::new(self);
        let mut wishes = keeper.line.wishes();
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        let (cut, _) = watch::channel(false);
        while !*stopping.borrow() {
            if *wishes.borrow_and_update() == Wish::Stop {
                listener = None;
                keeper.line.tell(|it| it.listening = None);
                cut.send_replace(true);
                while connections.join_next().await.is_some() {}
                cut.send_replace(false);
                tokio::select! {
                    _ = wishes.changed() => {}
                    _ = stopping.changed() => {}
                }
                continue;
            }
            let Some(door) = &listener else {
                match listen(keeper.listen) {
                    Ok(opened) => listener = Some(opened),
                    Err(error) => {
                        keeper.line.tell(|it| it.trouble = Some(error.to_string()));
                        tokio::select! {
                            () = tokio::time::sleep(AGAIN) => {}
                            _ = wishes.changed() => {}
                            _ = stopping.changed() => {}
                        }
                    }
                }
                continue;
            };
            let at = door.local_addr().ok();
            keeper.line.tell(|it| (it.listening, it.trouble) = (at, None));
            tokio::select! {
                accepted = door.accept() => match accepted {
                    Ok((stream, _)) => {
                        // Whoever comes when there is no room is not kept waiting.
                        let Ok(seat) = room.clone().try_acquire_owned() else { continue };
                        let (keeper, ends) = (keeper.clone(), [stopping.clone(), cut.subscribe()]);
                        connections.spawn(async move {
                            keeper.line.tell(|it| it.connections += 1);
                            keeper.connection(stream, ends).await;
                            keeper.line.tell(|it| it.connections -= 1);
                            drop(seat);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(target: "continuo", %error, "a connection could not be taken");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                _ = wishes.changed() => {}
                _ = stopping.changed() => {}
            }
        }
        drop(listener);
        keeper.line.tell(|it| it.listening = None);
        while connections.join_next().await.is_some() {}
    }

    async fn connection(&self, stream: TcpStream, ends: [watch::Receiver<bool>; 2]) {
        // Answers are written whole; waiting to fill packets only delays them.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.talk(stream, ends).await,
            Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.talk(stream, ends).await,
                Ok(Err(error)) => {
                    tracing::info!(target: "continuo", channel = %self.line.channel.name, %error, "a TLS line was not opened");
                }
                Err(_) => {}
            },
        }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        [mut stopping, mut cut]: [watch::Receiver<bool>; 2],
    ) {
        let mut decoder = Decoder::new(self.line.channel.largest);
        let mut piece = vec![0; PIECE];
        let (mut junk, mut came) = (0, false);
        loop {
            if *stopping.borrow() || *cut.borrow() {
                break;
            }
            let patience = match (decoder.is_inside(), came) {
                (true, _) => Some(REST),
                (false, false) => Some(FIRST),
                // Partners keep their line open from one message to the next, for days.
                (false, true) => None,
            };
            let waiting = async {
                match patience {
                    Some(patience) => tokio::time::sleep(patience).await,
                    None => std::future::pending().await,
                }
            };
            let read = tokio::select! {
                read = stream.read(&mut piece) => read,
                () = waiting => break,
                _ = stopping.changed() => continue,
                _ = cut.changed() => continue,
            };
            let Ok(count @ 1..) = read else { break };
            decoder.push(&piece[..count]);
            while let Some(next) = decoder.frame() {
                let replies = match next {
                    Frame::Message(raw) => {
                        came = true;
                        let interfaces = self.interfaces();
                        self.line.frame(&self.organisation, interfaces, &raw).await
                    }
                    Frame::TooLarge { .. } => {
                        vec![self.line.broken(&self.organisation, "the message is larger than is allowed here")]
                    }
                    Frame::Unfinished(_) => {
                        vec![self.line.broken(&self.organisation, "a message began before the end of another")]
                    }
                    Frame::Junk { count, .. } => {
                        junk += count;
                        Vec::new()
                    }
                };
                let bytes: Vec<u8> = replies.iter().flat_map(|it| frame(it)).collect();
                if !bytes.is_empty() && !matches!(timeout(ANSWER, stream.write_all(&bytes)).await, Ok(Ok(()))) {
                    return;
                }
            }
            if junk > JUNK {
                break;
            }
        }
        let _ = timeout(ANSWER, stream.shutdown()).await;
    }

    fn interfaces(&self) -> &Interfaces {
        self.world.interfaces().expect("the world has lines")
    }
}
