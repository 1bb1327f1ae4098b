//! What people and scripts see: results on standard output, progress on standard error. Colours only for
//! a terminal, and never when `NO_COLOR` is set (no-color.org). A closed pipe ends the output quietly.

use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Writes one line of a result.
pub(crate) fn line(text: impl Display) {
    // Whoever closed the pipe (`| head`) has seen enough.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes a report for scripts.
pub(crate) fn json(value: &serde_json::Value) {
    line(serde_json::to_string_pretty(value).expect("a JSON value can be written"));
}

/// Writes one line of news beside the result.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Bold and colour, or plain text.
#[derive(Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    pub(crate) fn for_stdout() -> Paint {
        Paint(std::io::stdout().is_terminal() && crate::world::variable("NO_COLOR").is_none_or(|it| it.is_empty()))
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub(crate) fn link(self, text: &str) -> String {
        self.wrap("36", text)
    }
}

/// How often a line is written where no bar can be drawn.
const QUIET: Duration = Duration::from_secs(5);

/// How far a long piece of work has come: a bar on a terminal, else one line every five seconds.
pub(crate) struct Progress {
    label: String,
    unit: &'static str,
    bar: Option<ProgressBar>,
    last: Mutex<Instant>,
}

impl Progress {
    pub(crate) fn new(label: impl Into<String>, unit: &'static str) -> Progress {
        let label = label.into();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = "{msg}  {wide_bar}  {human_pos} of {human_len} · {per_sec} · {eta} left";
            bar.set_style(ProgressStyle::with_template(style).expect("the template is well-formed"));
            bar.set_message(label.clone());
            bar
        });
        Progress { label, unit, bar, last: Mutex::new(Instant::now()) }
    }

    /// `total` may grow while the work is being found.
    pub(crate) fn set(&self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            return;
        }
        let mut last = self.last.lock().expect("no holder panics");
        if last.elapsed() >= QUIET {
            *last = Instant::now();
            note(format_args!("{}: {done} of {total} {}", self.label, self.unit));
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `1.4 GB`, for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit < UNITS.len() - 1 {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_a_person_would_use() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_400_000), "1.4 MB");
        assert_eq!(bytes(2_000_000_000), "2.0 GB");
    }
}
