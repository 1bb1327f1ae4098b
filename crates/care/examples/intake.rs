//! How many results a second the intake takes, without a server or a line around it, for a profiler:
//! `cargo run --profile fuzz -p care --example intake -- STORE SECONDS [LINES]`, STORE a file or `postgres://…`.

use care::access::{Access, AccessSettings, HashCost};
use care::exchange::channel::{Channel, Interfaces};
use care::exchange::intake::{DONE, Intake};
use care::organisation::Surroundings;
use care::{Organisation, access::LabelRules, identity};
use fhir::search::row::BaseUrls;
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use store::{Labels, Settings, Store};

/// 15 June 2026, noon.
const NOON: i64 = 1_781_524_800_000_000;

#[derive(Default)]
struct Counting(AtomicU64);

impl Surroundings for Counting {
    fn now(&self) -> i64 {
        NOON + self.0.fetch_add(1, Relaxed) as i64
    }

    fn new_id(&self) -> String {
        format!("id-{}-{}", std::process::id(), self.0.fetch_add(1, Relaxed))
    }

    fn new_secret(&self) -> String {
        self.new_id()
    }
}

fn oru(run: u32, line: usize, number: usize) -> String {
    let patient = number % 25 * 20 + line;
    let letters = |it: usize| {
        ["Ab", "Bon", "Cas", "Dvo", "Eri"][it % 5].to_owned() + ["ara", "net", "tile", "rak", "ksen"][it / 5 % 5]
    };
    let born = format!("19{}{:02}{:02}", 30 + patient * 7 % 60, patient % 12 + 1, patient % 27 + 1);
    let at = format!(
        "202605{:02}{:02}{:02}{:02}",
        number / 86_400 % 28 + 1,
        number / 3600 % 24,
        number / 60 % 60,
        number % 60
    );
    let mark = format!("{run}-{line}-{number}");
    let obx: String = [("2823-3", "Potassium", 4.1), ("2951-2", "Sodium", 140.0), ("2345-7", "Glucose", 92.0)]
        .iter()
        .enumerate()
        .map(|(at_, (code, name, usual))| {
            format!(
                "OBX|{}|NM|{code}^{name}^LN||{:.1}|mmol/L|3.5-5.1|N|||F|||{at}\r",
                at_ + 1,
                usual + number as f64 % 7.0 / 10.0
            )
        })
        .collect();
    format!(
        "MSH|^~\\&|LAB|LOAD|EHR|TRIAL|{at}||ORU^R01^ORU_R01|{mark}|P|2.5.1\r\
         PID|1||{patient}^^^LOAD^MR||{}^{}||{born}|F\r\
         OBR|1||{mark}^LOAD|24326-1^Electrolytes^LN|||{at}|||||||||||||||{at}||LAB|F\r{obx}",
        letters(patient),
        letters(patient / 25)
    )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let address = words.next().ok_or("the store")?;
    let seconds: u64 = words.next().ok_or("how many seconds")?.parse()?;
    let lines: usize = words.next().map_or(Ok(20), |it| it.parse())?;
    let base = "http://ehr.example/trial".to_owned();
    let settings = Settings {
        organisation: "trial".into(),
        address,
        bases: BaseUrls::new([format!("{base}/fhir")]),
        labels: Labels(Some(LabelRules::ours())),
        likeness: Some(identity::keys_of),
        ..Settings::default()
    };
    let store = Store::open(settings).await?;
    let surroundings: Arc<dyn Surroundings> = Arc::new(Counting::default());
    let settings = AccessSettings {
        cost: HashCost { memory: 64, passes: 1, lanes: 1 },
        ..AccessSettings::of("Trial", &base, [7; 32])
    };
    let access = Access::new(store.clone(), surroundings.clone(), settings);
    let organisation =
        Arc::new(Organisation { slug: "trial".into(), name: "Trial".into(), base, store, access, surroundings });
    let interfaces = Arc::new(Interfaces::default());
    for run in 0..3 {
        let (begun, mut tasks) = (Instant::now(), Vec::new());
        for line in 0..lines {
            let (organisation, interfaces) = (organisation.clone(), interfaces.clone());
            tasks.push(tokio::spawn(async move {
                let channel = Channel::new("lab", "Lab");
                let (mut done, mut times) = (0, Vec::new());
                while begun.elapsed() < Duration::from_secs(seconds) {
                    let message = oru(run, line, times.len());
                    let sent = Instant::now();
                    let intake = Intake { organisation: &organisation, interfaces: &interfaces, channel: &channel };
                    done += usize::from(intake.take(message.as_bytes(), false, organisation.now()).await.state == DONE);
                    times.push(sent.elapsed());
                }
                (done, times)
            }));
        }
        let (mut done, mut times) = (0, Vec::new());
        for task in tasks {
            let (more, took) = task.await?;
            done += more;
            times.extend(took);
        }
        times.sort_unstable();
        let rate = done as f64 / begun.elapsed().as_secs_f64();
        let (half, most) = (times[times.len() / 2], times[times.len() * 99 / 100]);
        writeln!(std::io::stdout(), "{rate:.0} a second, {} others; p50 {half:?}, p99 {most:?}", times.len() - done)?;
    }
    Ok(())
}
