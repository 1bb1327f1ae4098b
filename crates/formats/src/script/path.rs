//! The path of an element as a mapping writes it: `Quantity/Value`, `To/@Qualifier`, `WrittenDate/Date|DateTime`,
//! `OtherMedicationDate[OtherMedicationDateQualifier=SoldDate]/OtherMedicationDate/Date`, `*/Note`.

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Any of these; the first is written.
    Element {
        names: Vec<String>,
        with: Option<(String, String)>,
    },
    /// The element that the outcome of the part chooses.
    Choice,
    Attribute(String),
}

/// How deep a path may go.
const DEEPEST: usize = 12;

/// Reads a path; the empty one is the place itself.
pub(super) fn steps(text: &str) -> Result<Vec<Step>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<&str> = text.split('/').collect();
    if parts.len() > DEEPEST {
        return Err(format!("{text} goes deeper than {DEEPEST} steps"));
    }
    let last = parts.len() - 1;
    let step = |(at, part): (usize, &&str)| match part.strip_prefix('@') {
        Some(name) if at == last => name_of(name).map(Step::Attribute),
        Some(_) => Err(format!("{text}: nothing is inside an attribute")),
        None if *part == "*" => Ok(Step::Choice),
        None => element(part),
    };
    parts.iter().enumerate().map(step).collect()
}

fn element(part: &str) -> Result<Step, String> {
    let (names, with) = match part.split_once('[') {
        None => (part, None),
        Some((names, rest)) => {
            let inside = rest.strip_suffix(']').and_then(|it| it.split_once('='));
            let (child, value) = inside.ok_or_else(|| format!("{part}: it must be Name[Child=text]"))?;
            if value.trim().is_empty() {
                return Err(format!("{part}: it must be Name[Child=text]"));
            }
            (names, Some((name_of(child)?, value.trim().to_owned())))
        }
    };
    let names: Vec<String> = names.split('|').map(name_of).collect::<Result<_, _>>()?;
    Ok(Step::Element { names, with })
}

/// A name that may be written as it is: what is in a mapping must never become markup.
pub(super) fn name_of(text: &str) -> Result<String, String> {
    let text = text.trim();
    let begins = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    let fits =
        text.len() <= 80 && text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.'));
    if begins && fits { Ok(text.to_owned()) } else { Err(format!("`{text}` is no name of an element")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_where_and_nothing_else() {
        assert_eq!(steps("").unwrap(), []);
        let both = steps("WrittenDate/Date|DateTime").unwrap();
        assert_eq!(both[1], Step::Element { names: vec!["Date".into(), "DateTime".into()], with: None });
        let sold = steps("Other[Kind=SoldDate]/@x").unwrap();
        assert_eq!(
            sold[0],
            Step::Element { names: vec!["Other".into()], with: Some(("Kind".into(), "SoldDate".into())) }
        );
        assert_eq!(sold[1], Step::Attribute("x".into()));
        for wrong in ["a/@b/c", "a><b", "a[b]", "a[b=]", "1a", "a//b", &"a/".repeat(20)] {
            assert!(steps(wrong).is_err(), "{wrong}");
        }
    }
}
