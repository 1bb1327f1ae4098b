//! Asking very many questions over a few kept-alive connections, and keeping account of the answers.

use crate::http::{Answer, Client, Request, Target};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

/// One question with the answer it must get.
#[derive(Clone)]
pub struct Cell {
    /// `fhir/nurse/Observation/read/own`: enough to find and repeat it.
    pub name: String,
    pub method: &'static str,
    /// From the root of the server: `/riverside/fhir/Observation/7`.
    pub path: String,
    /// Header lines: who asks, and what this request has of its own.
    pub headers: String,
    pub content: &'static str,
    pub body: Option<Rc<str>>,
    pub expect: Expect,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// 401: nobody we know.
    Unknown,
    /// 403: not of this type at all.
    Forbidden,
    /// 404 or 403, and this text is nowhere in the answer unless it was asked for.
    Hidden,
    /// A search that may be asked, or refused, and shows nothing of this.
    Without(String),
    /// Success.
    Done,
    /// Success, and this text is in it.
    Shows(String),
    /// What is not there for anybody: anything but a success that shows this.
    Absent(String),
    /// Success or 404: deleting what is not there.
    DoneOrAbsent,
    /// One of these statuses.
    Status(&'static [u16]),
}

/// How an answer differs from what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Something was given or done that must not be.
    Allowed,
    /// Something was refused that must be given.
    Refused,
    /// Neither: a wrong status, an error of the server.
    Odd,
}

impl Cell {
    pub fn judge(&self, answer: &Answer) -> Option<Fault> {
        let (status, done) = (answer.status, answer.ok());
        let has = |text: &str| find(&answer.body, text.as_bytes()) || answer.head.contains(text);
        let refused = matches!(status, 401 | 403 | 404);
        let otherwise = || if status >= 500 || !refused { Fault::Odd } else { Fault::Refused };
        match &self.expect {
            Expect::Unknown if status == 401 => None,
            Expect::Forbidden if status == 403 => None,
            Expect::Hidden if matches!(status, 403 | 404) => None,
            Expect::Without(text) if done && has(text) => Some(Fault::Allowed),
            Expect::Without(_) if done || matches!(status, 403 | 404) => None,
            Expect::Absent(text) if done && has(text) => Some(Fault::Allowed),
            Expect::Absent(_) if status < 500 && status != 401 => None,
            Expect::Done if done => None,
            Expect::DoneOrAbsent if done || status == 404 => None,
            Expect::Shows(text) if done && has(text) => None,
            Expect::Shows(_) if done => Some(Fault::Refused),
            Expect::Status(list) if list.contains(&status) => None,
            Expect::Done | Expect::DoneOrAbsent | Expect::Shows(_) => Some(otherwise()),
            _ if done => Some(Fault::Allowed),
            _ => Some(Fault::Odd),
        }
    }

    pub fn request(&self) -> Request<'_> {
        Request {
            method: self.method,
            path: &self.path,
            headers: &self.headers,
            content: self.content,
            body: self.body.as_deref().map(str::as_bytes),
        }
    }
}

pub fn find(text: &[u8], part: &[u8]) -> bool {
    if part.is_empty() {
        return true;
    }
    let (first, rest) = (part[0], &part[1..]);
    let mut at = 0;
    while let Some(next) = text[at..].iter().position(|byte| *byte == first) {
        at += next + 1;
        if text[at..].starts_with(rest) {
            return true;
        }
    }
    false
}

/// What came of a block.
#[derive(Default, Clone)]
pub struct Tally {
    pub cells: usize,
    pub requests: usize,
    pub seconds: f64,
    pub faults: BTreeMap<&'static str, usize>,
    /// The first differences, in words.
    pub examples: Vec<String>,
    /// How many of the cells must be given, so that nobody can pass by refusing everything.
    pub given: usize,
}

/// How many differences are told in words.
const TOLD: usize = 40_000;

impl Tally {
    pub fn note(&mut self, name: &str, fault: Fault, said: &str) {
        let word = match fault {
            Fault::Allowed => "unexpected allow",
            Fault::Refused => "unexpected refusal",
            Fault::Odd => "odd answer",
        };
        *self.faults.entry(word).or_default() += 1;
        if self.examples.len() < TOLD {
            self.examples.push(format!("{word}: {name}: {said}"));
        }
    }

    pub fn add(&mut self, other: Tally) {
        self.cells += other.cells;
        self.requests += other.requests;
        self.seconds += other.seconds;
        self.given += other.given;
        for (word, count) in other.faults {
            *self.faults.entry(word).or_default() += count;
        }
        self.examples.extend(other.examples);
        self.examples.truncate(TOLD);
    }

    pub fn wrong(&self) -> usize {
        self.faults.values().sum()
    }

    pub fn count(&self, word: &str) -> usize {
        self.faults.get(word).copied().unwrap_or(0)
    }
}

/// Does `work` for each of these, with so many connections at once.
pub fn each<T: 'static, F>(
    root: &Target,
    clients: usize,
    items: Vec<T>,
    work: impl Fn(Client, T) -> F + 'static,
) -> Result<(), String>
where
    F: Future<Output = Result<Client, String>> + 'static,
{
    let runtime = crate::program::runtime()?;
    let local = tokio::task::LocalSet::new();
    let (items, work) = (Rc::new(RefCell::new(items.into_iter())), Rc::new(work));
    let outcome: Rc<RefCell<Result<(), String>>> = Rc::new(RefCell::new(Ok(())));
    runtime.block_on(local.run_until(async {
        let workers: Vec<_> = (0..clients)
            .map(|_| {
                let (items, work, outcome, root) = (items.clone(), work.clone(), outcome.clone(), root.clone());
                tokio::task::spawn_local(async move {
                    let mut http = Client::new(&root);
                    loop {
                        let Some(item) = items.borrow_mut().next() else { return };
                        match work(http, item).await {
                            Ok(client) => http = client,
                            Err(reason) => {
                                *outcome.borrow_mut() = Err(reason);
                                return;
                            }
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.map_err(|error| format!("a connection ended badly: {error}"))?;
        }
        Ok::<(), String>(())
    }))?;
    outcome.replace(Ok(()))
}

/// How many connections ask at once: enough to keep a small machine busy.
pub const CLIENTS: usize = 16;

/// Asks all of these in any order.
pub fn ask(root: &Target, cells: Vec<Cell>) -> Result<Tally, String> {
    let begun = Instant::now();
    let given = |cell: &&Cell| matches!(cell.expect, Expect::Done | Expect::Shows(_));
    let mut total = Tally { cells: cells.len(), given: cells.iter().filter(given).count(), ..Tally::default() };
    let tally = Rc::new(RefCell::new(Tally::default()));
    let noted = tally.clone();
    each(root, CLIENTS, cells, move |mut http, cell| {
        let tally = noted.clone();
        async move {
            let answer = http.ask(cell.request()).await;
            let answer = match answer {
                Ok(answer) => answer,
                // A connection that the server closed between two requests; asking again settles it.
                Err(_) => http.ask(cell.request()).await.map_err(|error| format!("{}: {error}", cell.name))?,
            };
            let mut tally = tally.borrow_mut();
            tally.requests += 1;
            if let Some(fault) = cell.judge(&answer) {
                let said = format!("{} {} -> {}, expected {:?}", cell.method, cell.path, answer.status, cell.expect);
                tally.note(&cell.name, fault, &format!("{said}; {}", gist(&answer)));
            }
            Ok(http)
        }
    })?;
    total.add(tally.take());
    total.seconds = begun.elapsed().as_secs_f64();
    Ok(total)
}

/// What an answer says, short: the words of an OperationOutcome, or its beginning.
pub fn gist(answer: &Answer) -> String {
    let words = answer.json().ok().and_then(|it| {
        let issue = &it["issue"][0];
        issue["diagnostics"].as_str().or(issue["details"]["text"].as_str()).map(str::to_owned)
    });
    let words = words.unwrap_or_else(|| answer.text().into_owned());
    words.chars().take(160).map(|it| if it.is_control() { ' ' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(expect: Expect) -> Cell {
        let (name, path, headers) = (String::new(), String::new(), String::new());
        Cell { name, method: "GET", path, headers, content: "", body: None, expect }
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, head: String::new(), body: body.into() }
    }

    #[test]
    fn an_answer_is_held_against_what_was_expected() {
        let check = |expect: Expect, status: u16, body: &str, fault: Option<Fault>| {
            assert_eq!(cell(expect.clone()).judge(&answer(status, body)), fault, "{expect:?} {status} {body}");
        };
        check(Expect::Unknown, 401, "", None);
        check(Expect::Unknown, 200, "", Some(Fault::Allowed));
        check(Expect::Unknown, 404, "", Some(Fault::Odd));
        check(Expect::Forbidden, 200, "", Some(Fault::Allowed));
        check(Expect::Hidden, 404, "", None);
        check(Expect::Hidden, 500, "", Some(Fault::Odd));
        check(Expect::Hidden, 400, "", Some(Fault::Odd));
        check(Expect::Without("x1".into()), 200, "ax1b", Some(Fault::Allowed));
        check(Expect::Without("x1".into()), 200, "ax2b", None);
        check(Expect::Shows("x1".into()), 200, "ax1b", None);
        check(Expect::Shows("x1".into()), 200, "ax2b", Some(Fault::Refused));
        check(Expect::Shows("x1".into()), 403, "x1", Some(Fault::Refused));
        check(Expect::Done, 201, "", None);
        check(Expect::Done, 422, "", Some(Fault::Odd));
    }

    #[test]
    fn a_part_is_found_wherever_it_stands() {
        assert!(find(b"aab", b"ab") && find(b"ab", b"ab") && find(b"xab", b"ab") && find(b"a", b""));
        assert!(!find(b"aa", b"ab") && !find(b"", b"a"));
    }
}
