//! When to stop: SIGTERM or Ctrl-C begins the end, a second one cuts it short.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The wishes to stop. It is made once, before anybody can know that we run: a wish that comes while nobody waits for
/// it is kept for whoever waits next.
pub(crate) struct Wishes {
    terminate: Signal,
    interrupt: Signal,
}

impl Wishes {
    pub(crate) fn heard() -> Wishes {
        let heard = |kind| signal(kind).expect("the runtime handles signals");
        Wishes { terminate: heard(SignalKind::terminate()), interrupt: heard(SignalKind::interrupt()) }
    }

    /// Waits for the next wish to stop.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Tells systemd (`Type=notify`) how we are: `READY=1`, `STOPPING=1`. Does nothing elsewhere.
pub(crate) fn tell_service_manager(state: &str) {
    let Some(path) = crate::world::variable("NOTIFY_SOCKET") else { return };
    let Ok(socket) = std::os::unix::net::UnixDatagram::unbound() else { return };
    let sent = match path.strip_prefix('@') {
        None => socket.send_to(state.as_bytes(), &path),
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name);
            address.and_then(|address| socket.send_to_addr(state.as_bytes(), &address))
        }
    };
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager could not be told {state}");
    }
}
