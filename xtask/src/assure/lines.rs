//! Results and admissions over twenty lines, with a ledger: every message is noted before it is sent and again when it is
//! acknowledged. Afterwards each acknowledged result is there, each is there once, and the one that was cut off can be
//! sent again.

use super::load::Findings;
use crate::http::{Client, Target, encode};
use crate::mllp::{Line, adt, oru};
use std::cell::RefCell;
use std::rc::Rc;
use testkit::dice::Dice;

pub const LINES: usize = 20;
/// What the number of an order at the laboratory is called here.
const SYSTEM: &str = "urn:id:LOAD";

#[derive(Clone)]
pub struct Sent {
    line: usize,
    text: String,
    /// The number of the order, or the counter of the patient.
    what: What,
    acknowledged: bool,
}

#[derive(Clone)]
enum What {
    Result(String),
    Counter(u64),
}

pub type Ledger = Rc<RefCell<Vec<Sent>>>;

fn patient(line: usize) -> String {
    format!("line-{line}")
}

/// One sender: a message, its acknowledgement, the next, until the server is gone.
pub async fn send_until_gone(address: String, line: usize, life: u64, cycle: u64, ledger: Ledger) {
    let mut dice = Dice::new(life << 16 | line as u64);
    let Ok(mut wire) = Line::open(&address).await else { return };
    for number in 0u64.. {
        let mark = format!("{life}-{line}-{number}");
        // Later messages say later times, over all the lives of the server.
        let sent = cycle * 10_000 + number;
        let (text, what) = match dice.weighted(&[70, 30]) {
            0 => (oru(&mark, &patient(line), sent, number as f64 / 10.0), What::Result(mark)),
            _ => (adt(&mark, &patient(line), sent, sent), What::Counter(sent)),
        };
        let place = {
            let mut ledger = ledger.borrow_mut();
            ledger.push(Sent { line, text: text.clone(), what, acknowledged: false });
            ledger.len() - 1
        };
        match wire.send(&text).await {
            Ok(code) if code == "AA" => ledger.borrow_mut()[place].acknowledged = true,
            Ok(code) => {
                // Every message is right, so a refusal while it runs is a finding.
                eprintln!("a message was answered with {code}");
                return;
            }
            Err(_) => return,
        }
    }
}

/// Holds the record against the ledger of one life; then sends again what had no answer, and looks that nothing is
/// there twice.
pub async fn compare(target: &Target, address: &str, ledger: &[Sent]) -> Result<Findings, String> {
    let mut http = Client::new(target);
    let mut findings = Findings::default();
    for sent in ledger {
        let (acknowledged, missing) = if sent.acknowledged { (1, 0) } else { (0, 1) };
        findings.acknowledged += acknowledged;
        findings.unacknowledged += missing;
        if let What::Result(mark) = &sent.what {
            match (count(&mut http, mark).await?, sent.acknowledged) {
                (1, _) | (0, false) => {}
                (0, true) => findings.note_of("lost", format!("the result {mark}")),
                (many, _) => findings.note_of("doubled", format!("the result {mark}: {many}")),
            }
        }
    }
    for line in 0..LINES {
        let counters = ledger.iter().filter(|it| it.line == line).filter_map(|it| match it.what {
            What::Counter(value) => Some((value, it.acknowledged)),
            What::Result(_) => None,
        });
        let (mut promised, mut asked) = (0, 0);
        for (value, acknowledged) in counters {
            asked = value;
            if acknowledged {
                promised = value;
            }
        }
        if asked == 0 {
            continue;
        }
        let there = counter(&mut http, &patient(line)).await?;
        if there < promised {
            findings.note_of("lost", format!("the counter of line {line}: {there} where {promised} was promised"));
        } else if there > asked {
            findings.note_of("doubled", format!("the counter of line {line}: {there} where {asked} was asked"));
        }
    }
    // A sender whose answer did not come sends again; some of these were written before.
    let mut wire = Line::open(address).await.map_err(|error| format!("cannot connect again: {error}"))?;
    let again = ledger.iter().rev().take(60).chain(ledger.iter().filter(|it| !it.acknowledged));
    for sent in again {
        let code = wire.send(&sent.text).await.map_err(|error| format!("cannot send again: {error}"))?;
        if code != "AA" {
            return Err(format!("a message that was sent again was answered with {code}"));
        }
        if let What::Result(mark) = &sent.what
            && count(&mut http, mark).await? != 1
        {
            findings.note_of("doubled", format!("the result {mark}, sent again"));
        }
    }
    Ok(findings)
}

async fn count(http: &mut Client, mark: &str) -> Result<u64, String> {
    let path = format!("/DiagnosticReport?identifier={}%7C{mark}&_summary=count", encode(SYSTEM));
    let answer = http.get(&path).await.map_err(|error| format!("cannot ask GET {path}: {error}"))?;
    answer.json()?["total"].as_u64().ok_or_else(|| format!("GET {path} has no total"))
}

async fn counter(http: &mut Client, patient: &str) -> Result<u64, String> {
    let path = format!("/Patient?identifier={}%7C{patient}", encode(SYSTEM));
    let answer = http.get(&path).await.map_err(|error| format!("cannot ask GET {path}: {error}"))?;
    Ok(answer.json()?["entry"][0]["resource"]["multipleBirthInteger"].as_u64().unwrap_or(0))
}
