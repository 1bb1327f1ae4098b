//! When to stop: SIGTERM or Ctrl-C begins the end, a second one cuts it short.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for the wish to stop.
pub(crate) async fn asked_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("the runtime handles signals");
    let mut interrupt = signal(SignalKind::interrupt()).expect("the runtime handles signals");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
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
