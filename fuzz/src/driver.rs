//! Tries one target on input after input for a given time: each a change of one that is known. What showed something new
//! (the target says what it saw) is kept and changed further. A panic, an input that takes too long and memory without
//! end are findings: the input is made as small as it can be and written down. What ends the program itself is found by
//! whoever started it, in the file `current`.

use crate::mutate::{Grain, LARGEST, mutate};
use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use testkit::dice::Dice;

/// What is tried.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// What must hold for every input, in a line.
    pub(crate) holds: &'static str,
    pub(crate) grain: Grain,
    /// What means something to it: delimiters, names, beginnings.
    pub(crate) words: &'static [&'static [u8]],
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Tries one input: asserts what must hold, and says what it saw.
    pub(crate) run: fn(&[u8], &mut Seen),
}

/// What a target saw in one input: kinds, verdicts, complaints. Without measured coverage, these tell the new from the
/// usual.
#[derive(Default)]
pub(crate) struct Seen {
    marks: Vec<u64>,
}

impl Seen {
    pub(crate) fn mark(&mut self, what: impl Hash) {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        self.marks.push(hasher.finish());
    }

    /// A sentence, whatever numbers and names in quotation marks stand in it.
    pub(crate) fn sentence(&mut self, kind: &str, text: &str) {
        let plain: String = text.chars().filter(char::is_ascii_alphabetic).take(48).collect();
        self.mark((kind, plain));
    }

    /// An amount, by its size.
    pub(crate) fn amount(&mut self, of: &str, count: usize) {
        self.mark((of, usize::BITS - count.leading_zeros()));
    }
}

/// An input takes no longer than this.
const SLOW: Duration = Duration::from_secs(1);
/// When nobody believes that it will end.
const HANGS: Duration = Duration::from_secs(30);
/// Memory that one input may add, in bytes, with what the program keeps by itself.
const MEMORY: u64 = 1_500_000_000;
const KEPT: usize = 6_000;
const FINDINGS: usize = 20;
/// For making a finding smaller.
const SMALLER: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) runs: u64,
    pub(crate) seeds: usize,
    pub(crate) kept: usize,
    pub(crate) marks: usize,
    pub(crate) slowest: Duration,
    pub(crate) seconds: f64,
    /// What went wrong, and the smallest input that shows it.
    pub(crate) findings: BTreeMap<String, Vec<u8>>,
}

/// How long to go on.
#[derive(Clone, Copy)]
pub(crate) enum Dose {
    Seconds(u64),
    Runs(u64),
}

thread_local! {
    /// A panic of this thread is a finding and not ours.
    static TRYING: Cell<bool> = const { Cell::new(false) };
}

/// Where a panic was and what it said; none when all went well.
fn tried(target: &Target, input: &[u8], seen: &mut Seen) -> (Option<String>, Duration) {
    static SAID: Mutex<String> = Mutex::new(String::new());
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !TRYING.get() {
                return usual(info);
            }
            let at = info.location().map(|it| format!("{}:{}", it.file(), it.line())).unwrap_or_default();
            let what = info.payload_as_str().unwrap_or("a panic");
            let what: String = what.lines().next().unwrap_or_default().chars().take(120).collect();
            *SAID.lock().unwrap_or_else(PoisonError::into_inner) = format!("{at} {what}");
        }));
    });
    let begun = Instant::now();
    TRYING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input, seen)));
    TRYING.set(false);
    let took = begun.elapsed();
    (outcome.is_err().then(|| SAID.lock().unwrap_or_else(PoisonError::into_inner).clone()), took)
}

/// What is wrong with an input, if anything. What is slow is asked twice more: others use the machine too.
fn wrong(target: &Target, input: &[u8], seen: &mut Seen) -> (Option<String>, Duration) {
    let (panic, mut took) = tried(target, input, seen);
    for _ in 0..2 {
        if panic.is_none() && took > SLOW {
            took = took.min(tried(target, input, &mut Seen::default()).1);
        }
    }
    (panic.or_else(|| (took > SLOW).then(|| "it takes longer than a second".to_owned())), took)
}

/// Two findings at one place are one.
fn place(finding: &str) -> &str {
    finding.split(' ').next().unwrap_or(finding)
}

/// The smallest input found that goes wrong at the same place.
fn smaller(target: &Target, input: &[u8], finding: &str, beat: &AtomicU64) -> Vec<u8> {
    let mut best = input.to_vec();
    let (mut size, begun) = (best.len().div_ceil(2), Instant::now());
    while size > 0 && begun.elapsed() < SMALLER {
        let mut from = 0;
        while from < best.len() && begun.elapsed() < SMALLER {
            let to = (from + size).min(best.len());
            let candidate = [&best[..from], &best[to..]].concat();
            beat.fetch_add(1, Relaxed);
            let (found, _) = wrong(target, &candidate, &mut Seen::default());
            match found.is_some_and(|it| place(&it) == place(finding)) {
                true => best = candidate,
                false => from = to,
            }
        }
        size /= 2;
    }
    best
}

/// Ends the program when one input takes forever; which one it was lies in `current`.
fn watch(beat: Weak<AtomicU64>) {
    std::thread::spawn(move || {
        let (mut last, mut since) = (u64::MAX, Instant::now());
        while let Some(beat) = beat.upgrade() {
            let now = beat.load(Relaxed);
            drop(beat);
            std::thread::sleep(Duration::from_secs(1));
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > HANGS {
                eprintln!("an input takes longer than {} s", HANGS.as_secs());
                std::process::exit(3);
            }
        }
    });
}

/// Resident memory now; nothing where the system does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

/// Tries a target. In `folder` lies what is tried at this moment.
pub(crate) fn run(target: &Target, dose: Dose, seed: u64, folder: &Path) -> std::io::Result<Report> {
    let begun = Instant::now();
    let mut report = Report::default();
    let mut dice = Dice::new(seed);
    std::fs::create_dir_all(folder)?;
    let current = File::create(current(folder, target))?;
    let beat = Arc::new(AtomicU64::new(0));
    watch(Arc::downgrade(&beat));
    let mut known: HashSet<u64> = HashSet::new();
    let mut corpus: Vec<Vec<u8>> = Vec::new();
    let mut seeds = (target.seeds)();
    seeds.iter_mut().for_each(|it| it.truncate(LARGEST));
    if let Dose::Runs(runs) = dose {
        // A small dose is for changes too.
        let step = (seeds.len() * 2 / runs.max(1) as usize).max(1);
        seeds = seeds.into_iter().step_by(step).collect();
    }
    report.seeds = seeds.len();
    let mut first = seeds.into_iter();
    loop {
        let seeded = first.next();
        let over = match dose {
            Dose::Seconds(seconds) => begun.elapsed() >= Duration::from_secs(seconds),
            Dose::Runs(runs) => report.runs >= runs,
        };
        if (over && seeded.is_none()) || report.findings.len() >= FINDINGS {
            break;
        }
        let is_seed = seeded.is_some();
        let input = seeded.unwrap_or_else(|| {
            // The newest are tried more often than the old.
            let place = if dice.below(2) == 0 { dice.below(corpus.len()) } else { newest(&mut dice, corpus.len()) };
            let (base, other) = (&corpus[place], &corpus[dice.below(corpus.len())]);
            mutate(&mut dice, target.grain, target.words, base, other)
        });
        current.set_len(0)?;
        current.write_all_at(&input, 0)?;
        beat.fetch_add(1, Relaxed);
        let mut seen = Seen::default();
        let (finding, took) = wrong(target, &input, &mut seen);
        report.runs += 1;
        report.slowest = report.slowest.max(took);
        let finding = finding.or_else(|| {
            let much = report.runs.is_multiple_of(500) && resident() > MEMORY;
            much.then(|| "it keeps more memory than any input needs".to_owned())
        });
        if let Some(finding) = finding {
            let known = report.findings.keys().any(|it| place(it) == place(&finding));
            if !known {
                let smallest = smaller(target, &input, &finding, &beat);
                report.findings.insert(finding, smallest);
            }
            continue;
        }
        let new = seen.marks.iter().filter(|it| !known.contains(it)).count();
        known.extend(seen.marks);
        if is_seed || (new > 0 && corpus.len() < KEPT) {
            corpus.push(input);
        }
    }
    report.kept = corpus.len() - report.seeds.min(corpus.len());
    report.marks = known.len();
    report.seconds = begun.elapsed().as_secs_f64();
    std::fs::remove_file(self::current(folder, target))?;
    Ok(report)
}

fn newest(dice: &mut Dice, count: usize) -> usize {
    count - 1 - dice.below(count.min(64))
}

/// The file of the input that is being tried.
pub(crate) fn current(folder: &Path, target: &Target) -> PathBuf {
    folder.join(format!("{}.current", target.name))
}
