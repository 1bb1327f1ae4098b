//! The operator's log: text for a terminal, JSON for collectors, always one line an event, never patient
//! data. Requests are named by their route, not their path: a path holds ids and searched values.

use crate::config::Config;
use std::io::{IsTerminal, Write};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Which requests get a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Requests {
    None,
    Problems,
    All,
}

impl Requests {
    pub(crate) fn of(config: &Config) -> Requests {
        match config.text("log.requests") {
            "none" => Requests::None,
            "all" => Requests::All,
            _ => Requests::Problems,
        }
    }
}

/// Starts the log on standard error. Only the first call of a process counts.
pub(crate) fn start(config: &Config) {
    let format = config.text("log.format");
    let json = format == "json" || (format == "auto" && !std::io::stderr().is_terminal());
    let filter =
        EnvFilter::new(format!("warn,continuo={0},api={0},web={0},care={0},store={0}", config.text("log.level")));
    let plain = !std::io::stderr().is_terminal() || crate::world::variable("NO_COLOR").is_some_and(|it| !it.is_empty());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(OneLine).with_ansi(!plain);
    // A second start in one process is a test; its lines go where the first said.
    let _ = if json { builder.json().flatten_event(true).try_init() } else { builder.with_target(false).try_init() };
}

/// Writes an event as one line: whatever a client managed to bring into a field cannot begin a line of its own.
#[derive(Clone, Copy)]
struct OneLine;

impl<'a> MakeWriter<'a> for OneLine {
    type Writer = OneLine;

    fn make_writer(&'a self) -> OneLine {
        OneLine
    }
}

impl Write for OneLine {
    /// The formatter hands over one whole event at a time.
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().lock().write_all(&one_line(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

fn one_line(event: &[u8]) -> Vec<u8> {
    let body = event.strip_suffix(b"\n").unwrap_or(event);
    let mut line = Vec::with_capacity(event.len() + 8);
    for &byte in body {
        match byte {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            byte => line.push(byte),
        }
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_cannot_forge_a_line() {
        assert_eq!(one_line(b"GET\r\nERROR all is lost\n"), b"GET\\r\\nERROR all is lost\n");
        assert_eq!(one_line(b"no end"), b"no end\n");
    }
}
