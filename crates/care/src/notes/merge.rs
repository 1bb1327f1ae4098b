//! Two people wrote into one text: what each changed is put together line by line, against the text from which both
//! began. Where both changed the same lines, both stand there, and the merge says that somebody must look.
//! (The three-way merge that Khanna, Kunal and Pierce describe, "A Formal Investigation of Diff3", 2007.)

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    pub text: String,
    /// Neither touched what the other did.
    pub clean: bool,
}

/// Lines that are compared at most; longer texts are put one below the other.
const MOST: usize = 2_000;

/// `base` is the text from which both began, if it is still known.
pub fn merge(base: Option<&str>, mine: &str, theirs: &str) -> Merged {
    if mine == theirs {
        return Merged { text: mine.to_owned(), clean: true };
    }
    // Without it nobody knows what is new: what both have stays once, and the rest of both is kept.
    let common;
    let (base, known) = match base {
        Some(base) => (base, true),
        None => {
            common = shared(mine, theirs);
            (common.as_str(), false)
        }
    };
    let [base, mine, theirs] = [base, mine, theirs].map(lines);
    if [&base, &mine, &theirs].iter().any(|it| it.len() > MOST) {
        return Merged { text: [mine, theirs].concat().join("\n"), clean: false };
    }
    let (to_mine, to_theirs) = (same(&base, &mine), same(&base, &theirs));
    let mut out: Vec<&str> = Vec::new();
    let (mut b, mut m, mut t) = (0, 0, 0);
    let mut clean = known;
    loop {
        // The next line of the base that both still have.
        let stable = (b..base.len()).find_map(|at| Some((at, to_mine[at]?, to_theirs[at]?)));
        let (next_b, next_m, next_t) = stable.unwrap_or((base.len(), mine.len(), theirs.len()));
        let (was, my, their) = (&base[b..next_b], &mine[m..next_m], &theirs[t..next_t]);
        if my == was {
            out.extend(their);
        } else if their == was || their == my {
            out.extend(my);
        } else {
            clean = false;
            out.extend(my);
            out.extend(their);
        }
        if stable.is_none() {
            return Merged { text: out.join("\n"), clean };
        }
        out.push(base[next_b]);
        (b, m, t) = (next_b + 1, next_m + 1, next_t + 1);
    }
}

fn lines(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split('\n').collect() }
}

/// The lines that both have, in their order.
fn shared(one: &str, other: &str) -> String {
    let (one, other) = (lines(one), lines(other));
    if one.len() > MOST || other.len() > MOST {
        return String::new();
    }
    let found = same(&one, &other);
    one.iter().zip(&found).filter(|(_, at)| at.is_some()).map(|(line, _)| *line).collect::<Vec<_>>().join("\n")
}

/// For each line of `from`, where it stands in `to`, along a longest common subsequence.
fn same(from: &[&str], to: &[&str]) -> Vec<Option<usize>> {
    let width = to.len() + 1;
    // How many lines can still be matched from here on.
    let mut rest = vec![0_u16; (from.len() + 1) * width];
    for i in (0..from.len()).rev() {
        for j in (0..to.len()).rev() {
            rest[i * width + j] = if from[i] == to[j] {
                rest[(i + 1) * width + j + 1] + 1
            } else {
                rest[(i + 1) * width + j].max(rest[i * width + j + 1])
            };
        }
    }
    let mut found = vec![None; from.len()];
    let (mut i, mut j) = (0, 0);
    while i < from.len() && j < to.len() {
        if from[i] == to[j] {
            found[i] = Some(j);
            (i, j) = (i + 1, j + 1);
        } else if rest[(i + 1) * width + j] >= rest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base: Option<&str>, mine: &str, theirs: &str, wanted: &str, clean: bool) {
        let merged = merge(base, mine, theirs);
        assert_eq!((merged.text.as_str(), merged.clean), (wanted, clean), "{base:?} {mine:?} {theirs:?}");
    }

    #[test]
    fn what_each_wrote_elsewhere_is_put_together() {
        check(Some("a\nb\nc"), "a\nmine\nb\nc", "a\nb\nc\ntheirs", "a\nmine\nb\nc\ntheirs", true);
        check(Some("a\nb\nc"), "a\nc", "a\nb\nc\nd", "a\nc\nd", true);
        check(Some("a"), "a", "b", "b", true);
        check(Some("a"), "b", "a", "b", true);
        check(Some(""), "mine", "", "mine", true);
        check(Some("a\nb"), "x\nb", "x\nb", "x\nb", true);
    }

    #[test]
    fn where_both_wrote_both_stand_and_somebody_must_look() {
        check(Some("a\nb\nc"), "a\nmine\nc", "a\ntheirs\nc", "a\nmine\ntheirs\nc", false);
        check(Some(""), "mine", "theirs", "mine\ntheirs", false);
    }

    #[test]
    fn without_the_common_beginning_nothing_is_lost() {
        check(None, "a\nmine\nc", "a\nc\ntheirs", "a\nmine\nc\ntheirs", false);
        check(None, "same", "same", "same", true);
    }

    #[test]
    fn no_line_of_either_is_lost_whatever_they_wrote() {
        let texts = ["", "a", "a\nb", "b\na", "a\nb\nc", "c\nx\na", "a\na\nb", "x\ny\nz"];
        for base in texts {
            for mine in texts {
                for theirs in texts {
                    let merged = merge(Some(base), mine, theirs);
                    let out = lines(&merged.text);
                    // A new line of either side is there.
                    for side in [mine, theirs] {
                        for line in lines(side).iter().filter(|it| !lines(base).contains(it)) {
                            assert!(out.contains(line), "{base:?} {mine:?} {theirs:?} → {:?}", merged.text);
                        }
                    }
                }
            }
        }
    }
}
