//! Slash commands: what is asked for in the middle of a note becomes an entry of the chart, and a line of the note. A
//! diagnosis goes on the problem list; a prescription, a test and a referral go into the writer's order basket, where
//! they are checked and signed with the others. Nothing is ordered by a note alone.

use super::text::Command;
use super::{Note, NoteError, draft};
use crate::act::{Act, Pen};
use crate::chart::Standing;
use crate::entries::{self, List, Typed};
use crate::orders::sets::What;
use crate::orders::{self, Basket, OrderError};
use crate::terms;
use fhir::Id;

/// The commands that can be carried out.
pub const KNOWN: &[Command] = &[Command::Diagnosis, Command::Prescription, Command::Test, Command::Referral];

/// Something that a command may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What comes back when it is chosen.
    pub key: String,
    pub name: String,
    pub code: String,
}

/// What a command was answered with.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub command: Command,
    /// What was typed after it.
    pub about: &'a str,
    /// The section it stands in.
    pub part: &'a str,
    /// The key of an [`Offer`]; or nothing, and what was typed is meant as it is.
    pub key: &'a str,
    pub once: &'a str,
}

/// What is known under these words.
pub fn offers(command: Command, about: &str, most: usize) -> Vec<Offer> {
    let order = |kind: orders::Kind| {
        let found = orders::catalogue::search(kind, about, most);
        found.into_iter().map(|it| Offer { key: it.key.to_owned(), name: it.name.to_owned(), code: String::new() })
    };
    match command {
        Command::Diagnosis => terms::search(terms::Kind::Problem, about, most)
            .into_iter()
            .map(|it| Offer { key: it.display.to_owned(), name: it.display.to_owned(), code: it.code.to_owned() })
            .collect(),
        Command::Prescription => crate::drugs::search(about, most)
            .into_iter()
            .map(|it| Offer { key: it.key.clone(), name: it.name.clone(), code: String::new() })
            .collect(),
        Command::Test => order(orders::Kind::Lab).chain(order(orders::Kind::Imaging)).take(most).collect(),
        Command::Referral => order(orders::Kind::Referral).collect(),
    }
}

/// Does what was asked for, and puts its line into the note in the place of the command.
pub async fn carry_out(pen: &Pen<'_>, patient: &Id, note: &str, answer: &Answer<'_>) -> Result<Note, NoteError> {
    let open = draft::open(pen, patient, note).await?;
    let name = match answer.command {
        Command::Diagnosis => diagnose(pen, patient, &open, answer).await?,
        command => order(pen, patient, command, answer).await?,
    };
    draft::answer(pen, patient, note, answer.part, answer.command, answer.about, &line(answer.command, &name)).await
}

fn line(command: Command, name: &str) -> String {
    match command {
        Command::Diagnosis => name.to_owned(),
        Command::Prescription => format!("Prescription: {name}"),
        Command::Test => format!("Test: {name}"),
        Command::Referral => format!("Referral: {name}"),
    }
}

/// On the problem list, unless it stands there.
async fn diagnose(pen: &Pen<'_>, patient: &Id, note: &Note, answer: &Answer<'_>) -> Result<String, NoteError> {
    let name = if answer.key.is_empty() { answer.about.trim() } else { answer.key };
    let known = pen.chart(patient).problems().await?;
    let active = |it: &&crate::chart::Problem| it.standing == Standing::Active && it.name.eq_ignore_ascii_case(name);
    if let Some(problem) = known.rows.iter().find(active) {
        return Ok(called(&problem.name, problem.code.as_deref()));
    }
    let typed: Typed = [("problem".to_owned(), name.to_owned())].into();
    let judged = entries::judge(List::Problems, &typed, pen.now);
    if !judged.wrong.is_empty() {
        return Err(NoteError::Empty);
    }
    let visit = note.encounter.as_deref().and_then(Id::parse);
    let act = Act::new("note.diagnosis", patient).once(answer.once);
    entries::add(pen, patient, List::Problems, &judged, visit.as_ref(), act).await?;
    let code = terms::exactly(terms::Kind::Problem, name).map(|it| it.code);
    Ok(called(name, code.filter(|it| !it.is_empty())))
}

/// `Acute sinusitis (J01.90)`.
fn called(name: &str, code: Option<&str>) -> String {
    let code = code.and_then(|it| it.split_whitespace().next());
    code.map_or_else(|| name.to_owned(), |code| format!("{name} ({code})"))
}

/// Into the basket, unless it lies there.
async fn order(pen: &Pen<'_>, patient: &Id, command: Command, answer: &Answer<'_>) -> Result<String, NoteError> {
    let kind = match command {
        Command::Prescription => orders::Kind::Drug,
        Command::Referral => orders::Kind::Referral,
        Command::Test | Command::Diagnosis => orders::Kind::Lab,
    };
    let what = What::by_key(answer.key);
    let item = match what {
        Some(what) => Some(orders::Item::of(pen, what)),
        None => orders::Item::typed(pen, kind, answer.about),
    };
    let item = item.ok_or(NoteError::Empty)?;
    let name = item.name.clone();
    // The basket may be open in another window: look again and try again.
    for _ in 0..3 {
        let mut basket = Basket::open(pen, patient).await.map_err(trouble)?;
        if !basket.add(item.clone()) {
            return Ok(name);
        }
        match basket.keep(pen, patient).await {
            Err(OrderError::Changed) => {}
            other => return other.map(|()| name).map_err(trouble),
        }
    }
    Err(NoteError::Busy)
}

fn trouble(error: OrderError) -> NoteError {
    match error {
        OrderError::Store(error) => NoteError::Store(error),
        _ => NoteError::Busy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnosis_is_called_with_its_code() {
        assert_eq!(called("Acute sinusitis", Some("J01.90")), "Acute sinusitis (J01.90)");
        assert_eq!(called("Hypertension", Some("I10 (ICD-10-CM)")), "Hypertension (I10)");
        assert_eq!(called("Feels odd", None), "Feels odd");
        assert_eq!(line(Command::Test, "Hemoglobin A1c"), "Test: Hemoglobin A1c");
    }
}
