//! Doing one kind of work with many clients for a while, and what came of it.

use crate::http::{Client, Target};
use crate::machine;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// One request: its kind (a place in a list of names), method, path and body.
pub struct Job {
    pub kind: usize,
    pub method: &'static str,
    pub path: String,
    pub body: Option<Vec<u8>>,
    /// How many resources it carries, where that is what counts.
    pub weight: usize,
}

/// What a run showed.
#[derive(Default, Clone)]
pub struct Run {
    pub seconds: f64,
    pub requests: u64,
    pub weight: u64,
    pub errors: u64,
    /// The first refusal, to see what is wrong.
    pub refusal: Option<String>,
    /// Processor time of the server.
    pub server_seconds: f64,
    /// Microseconds of each request, by kind.
    pub times: Vec<Vec<u32>>,
}

impl Run {
    /// What is known when the last client has ended: how long all took, and what the server needed for it.
    pub fn end(&mut self, begun: Instant, processes: &[u32], cpu_before: f64) {
        self.seconds = begun.elapsed().as_secs_f64();
        self.server_seconds = machine::cpu_seconds(processes) - cpu_before;
        self.times.iter_mut().for_each(|times| times.sort_unstable());
    }

    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    pub fn weight_per_second(&self) -> f64 {
        self.weight as f64 / self.seconds
    }

    pub fn server_micros_per_request(&self) -> f64 {
        self.server_seconds * 1e6 / (self.requests.max(1)) as f64
    }

    pub fn all_times(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.times.iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    pub fn json(&self, per: &str) -> Value {
        let all = self.all_times();
        json!({
            "per_second": round(self.per_second()),
            per: round(self.weight_per_second()),
            "p50_ms": percentile(&all, 50.0),
            "p99_ms": percentile(&all, 99.0),
            "server_cpu_us_per_request": round(self.server_micros_per_request()),
            "requests": self.requests,
            "errors": self.errors,
            "first_refusal": self.refusal,
        })
    }
}

pub fn round(value: f64) -> f64 {
    if value >= 100.0 { value.round() } else { (value * 10.0).round() / 10.0 }
}

/// In milliseconds, of sorted microseconds.
pub fn percentile(sorted: &[u32], percent: f64) -> f64 {
    if sorted.is_empty() {
        return 0.0;
    }
    let place = ((sorted.len() as f64) * percent / 100.0).ceil() as usize;
    let micros = f64::from(sorted[place.clamp(1, sorted.len()) - 1]);
    (micros / 10.0).round() / 100.0
}

/// Sends what `next` gives, with so many clients, until it gives nothing more or the time is over.
pub fn drive(
    target: &Target,
    processes: &[u32],
    clients: usize,
    limit: Option<Duration>,
    kinds: usize,
    next: impl FnMut() -> Option<Job> + 'static,
) -> Result<Run, String> {
    let runtime = crate::program::runtime()?;
    let local = tokio::task::LocalSet::new();
    let next = Rc::new(RefCell::new(next));
    let run = Rc::new(RefCell::new(Run { times: vec![Vec::new(); kinds], ..Run::default() }));
    let cpu = machine::cpu_seconds(processes);
    let begun = Instant::now();
    runtime.block_on(local.run_until(async {
        let workers: Vec<_> = (0..clients)
            .map(|_| {
                let (next, run, target) = (next.clone(), run.clone(), target.clone());
                tokio::task::spawn_local(async move {
                    let mut http = Client::new(&target);
                    while limit.is_none_or(|limit| begun.elapsed() < limit) {
                        let job = (next.borrow_mut())();
                        let Some(job) = job else { return };
                        let sent = Instant::now();
                        let answer = http.send(job.method, &job.path, job.body.as_deref()).await;
                        let took = sent.elapsed().as_micros().min(u128::from(u32::MAX)) as u32;
                        let mut run = run.borrow_mut();
                        run.requests += 1;
                        run.times[job.kind].push(took);
                        let refusal = match &answer {
                            Ok(answer) if answer.ok() => None,
                            Ok(answer) => {
                                let said: String = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
                                Some(format!("{} {}: {} {said}", job.method, job.path, answer.status))
                            }
                            Err(error) => Some(format!("{} {}: {error}", job.method, job.path)),
                        };
                        match refusal {
                            None => run.weight += job.weight as u64,
                            Some(refusal) => {
                                run.errors += 1;
                                run.refusal.get_or_insert(refusal);
                            }
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.map_err(|error| format!("a client failed: {error}"))?;
        }
        Ok::<(), String>(())
    }))?;
    let mut run = run.take();
    run.end(begun, processes, cpu);
    Ok(run)
}

/// The run in the middle, by requests a second.
pub fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|a, b| a.per_second().total_cmp(&b.per_second()));
    let middle = runs.len() / 2;
    runs.swap_remove(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let times: Vec<u32> = (1..=1000).map(|it| it * 1000).collect();
        assert_eq!(percentile(&times, 50.0), 500.0);
        assert_eq!(percentile(&times, 99.0), 990.0);
        assert_eq!(percentile(&[7_000], 99.0), 7.0);
        assert_eq!(percentile(&[], 99.0), 0.0);
    }

    #[test]
    fn the_median_run_is_the_middle_one() {
        let run = |requests| Run { requests, seconds: 1.0, ..Run::default() };
        assert_eq!(median(vec![run(3), run(1), run(2)]).requests, 2);
    }
}
