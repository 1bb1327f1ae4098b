//! Codes that people copy from paper: recovery codes and invitations. Sixty random bits in the alphabet of Crockford's
//! Base 32, which has no letters that look alike; case, spaces and hyphens do not count.

/// Crockford's alphabet.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many recovery codes someone gets.
pub(super) const RECOVERY: usize = 10;

/// Letters of a code: sixty bits, enough beside the limits on attempts.
const LENGTH: usize = 12;

/// `K7QF-29MX-WPT3`, from fresh random bytes.
pub(super) fn code(chance: &[u8; 32]) -> String {
    let letters: Vec<char> = chance.iter().take(LENGTH).map(|byte| LETTERS[usize::from(byte % 32)] as char).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// A code as it is compared.
pub(super) fn plain(code: &str) -> String {
    let one = |it: char| match it.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        it if it.is_ascii_alphanumeric() => Some(it),
        _ => None,
    };
    code.chars().take(64).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_however_they_were_copied() {
        let code = code(&[
            7, 1, 31, 0, 200, 55, 13, 99, 12, 30, 66, 250, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3,
        ]);
        assert_eq!(code, "71Z0-8QD3-CY2T");
        assert_eq!(plain(&code), "71Z08QD3CY2T");
        assert_eq!(plain(" 7lzo 8qd3 cy2t "), plain(&code));
        assert_ne!(plain("71Z0-8QD3-CY2"), plain(&code));
    }
}
