//! H: HL7 v2 results over MLLP. Twenty lines each send a panel of three results and wait for the acknowledgement, which
//! is given when message, report, results and provenance are on disk; every result is new, of one of five hundred
//! patients.

use super::measure::{Run, median};
use super::work::Dose;
use crate::machine;
use crate::mllp::{Line, oru};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

const LINES: usize = 20;
const PATIENTS: u64 = 500;

pub fn measure(address: &str, processes: &[u32], dose: Dose) -> Result<Run, String> {
    let runs = (0..dose.runs as u64).map(|round| once(address, processes, dose.seconds, round));
    Ok(median(runs.collect::<Result<Vec<Run>, String>>()?))
}

fn once(address: &str, processes: &[u32], seconds: u64, round: u64) -> Result<Run, String> {
    let runtime = crate::program::runtime()?;
    let local = tokio::task::LocalSet::new();
    let run = Rc::new(RefCell::new(Run { times: vec![Vec::new()], ..Run::default() }));
    let cpu = machine::cpu_seconds(processes);
    let begun = Instant::now();
    let limit = Duration::from_secs(seconds);
    runtime.block_on(local.run_until(async {
        let lines: Vec<_> = (0..LINES as u64)
            .map(|line| {
                let (address, run) = (address.to_owned(), run.clone());
                tokio::task::spawn_local(async move {
                    let mut wire = match Line::open(&address).await {
                        Ok(wire) => wire,
                        Err(error) => return Err(format!("cannot connect to {address}: {error}")),
                    };
                    for number in 0u64.. {
                        if begun.elapsed() >= limit {
                            break;
                        }
                        let mark = format!("{round}-{line}-{number}");
                        // Each line has patients of its own: a laboratory sends one patient's results over one line.
                        let patient = format!("bench-{}", number % (PATIENTS / LINES as u64) * LINES as u64 + line);
                        let message = oru(&mark, &patient, round * 100_000 + number, number as f64 % 7.0 / 10.0);
                        let sent = Instant::now();
                        let answer = wire.send(&message).await;
                        let took = sent.elapsed().as_micros().min(u128::from(u32::MAX)) as u32;
                        let mut run = run.borrow_mut();
                        run.requests += 1;
                        run.times[0].push(took);
                        match answer {
                            Ok(code) if code == "AA" => run.weight += 1,
                            Ok(code) => {
                                run.errors += 1;
                                run.refusal.get_or_insert(format!("a message was answered with {code}"));
                            }
                            Err(error) => return Err(format!("a line was cut: {error}")),
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        for line in lines {
            line.await.map_err(|error| format!("a line failed: {error}"))??;
        }
        Ok::<(), String>(())
    }))?;
    let mut run = run.take();
    run.end(begun, processes, cpu);
    Ok(run)
}
