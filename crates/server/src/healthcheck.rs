//! `continuo healthcheck`: asks a running server whether it is ready, for containers and scripts. Exit code 0
//! means yes.

use crate::config::Config;
use crate::failure::{Done, Exit, Failure};
use crate::terminal;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server that needs longer is not well.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn ask(config: &Config, url: Option<&str>) -> Done {
    let host = match url {
        None => config.bind().to_string(),
        Some(url) => {
            let rest = url.strip_prefix("http://").ok_or_else(|| {
                Failure::new(Exit::Usage, "--url must start with http://: the check is made from the same machine")
            })?;
            rest.split('/').next().unwrap_or(rest).to_owned()
        }
    };
    let answer = tokio::time::timeout(PATIENCE, ready(&host)).await;
    match answer {
        Ok(Ok(200)) => {
            terminal::line("ready");
            Ok(())
        }
        Ok(Ok(status)) => Err(Failure::new(Exit::Unavailable, format!("{host} says {status} to /readyz: not ready"))),
        Ok(Err(error)) => Err(Failure::new(Exit::Unavailable, format!("{host} cannot be asked: {error}"))),
        Err(_) => {
            Err(Failure::new(Exit::Unavailable, format!("{host} did not answer within {} s", PATIENCE.as_secs())))
        }
    }
}

async fn ready(host: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = std::str::from_utf8(&answer).ok().and_then(|text| text.get(9..12)?.parse().ok());
    status.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, "that is not HTTP"))
}
