//! One-time codes of an authenticator app: RFC 6238 (TOTP) over RFC 4226 (HOTP), SHA-1, six digits, thirty seconds,
//! because these are what every app understands. A code is accepted in its own half minute and the one before and
//! after, once.

use super::secret::same;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

const STEP: i64 = 30;
const MICROS: i64 = 1_000_000;
/// Clocks of telephones are off by less.
const WINDOW: i64 = 1;
/// RFC 4226, section 4, R6: 160 bits are recommended.
pub(super) const SEED: usize = 20;

/// RFC 4226, section 5.3.
fn code(seed: &[u8], step: i64) -> String {
    let mac = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed), &step.to_be_bytes());
    let mac = mac.as_ref();
    let from = usize::from(mac[mac.len() - 1] & 0x0f);
    let number = u32::from_be_bytes(mac[from..from + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The code that an app shows at this moment; for tests and tools that play the app.
pub fn code_at(seed: &[u8], now: i64) -> String {
    code(seed, now / MICROS / STEP)
}

/// The step whose code was given, if it is later than the last one used.
pub(super) fn step_of(seed: &[u8], given: &str, last: i64, now: i64) -> Option<i64> {
    let given: String = given.chars().filter(|it| !it.is_whitespace()).collect();
    let here = now / MICROS / STEP;
    let mut found = None;
    for step in here - WINDOW..=here + WINDOW {
        if same(code(seed, step).as_bytes(), given.as_bytes()) && step > last {
            found = Some(step);
        }
    }
    found
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// RFC 4648, section 6, without padding.
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut group = [0; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(group);
        let letters = (chunk.len() * 8).div_ceil(5);
        (0..letters).for_each(|at| text.push(BASE32[(bits >> (35 - at * 5) & 31) as usize] as char));
    }
    text
}

/// What an app reads (the key URI format that authenticator apps share).
pub(super) fn uri(place: &str, username: &str, seed: &[u8]) -> String {
    let (place, username) = (percent(place), percent(username));
    format!(
        "otpauth://totp/{place}:{username}?secret={}&issuer={place}&algorithm=SHA1&digits=6&period=30",
        base32(seed)
    )
}

fn percent(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The same as a square to scan.
pub(super) fn square(uri: &str) -> Option<String> {
    use qrcode::render::svg;
    let code = qrcode::QrCode::with_error_correction_level(uri.as_bytes(), qrcode::EcLevel::M).ok()?;
    let svg = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .dark_color(svg::Color("#000"))
        .light_color(svg::Color("#fff"))
        .build();
    // Only the picture: it is put into a page.
    Some(svg.split_once("<svg").map(|(_, rest)| format!("<svg{rest}")).unwrap_or(svg))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of the test vectors of both standards.
    const SEED: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_4226() {
        let wanted =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, wanted) in wanted.iter().enumerate() {
            assert_eq!(code(SEED, counter as i64), *wanted);
        }
    }

    #[test]
    fn codes_are_the_last_six_digits_of_those_of_rfc_6238() {
        for (second, wanted) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(SEED, second * MICROS), wanted);
        }
    }

    #[test]
    fn a_code_counts_half_a_minute_around_its_own_and_once() {
        let now = 1_111_111_111 * MICROS;
        let mine = code_at(SEED, now);
        let step = now / MICROS / STEP;
        let check = |later: i64, last: i64, counts: bool| {
            let found = step_of(SEED, &mine, last, now + later * MICROS);
            assert_eq!(found, counts.then_some(step), "{later} s later, last used {last}");
        };
        check(0, 0, true);
        check(30, 0, true);
        check(-30, 0, true);
        check(90, 0, false);
        check(-90, 0, false);
        check(0, step, false);
        check(0, step + 1, false);
        check(0, step - 1, true);
        assert!(step_of(SEED, "", 0, now).is_none());
        assert!(step_of(SEED, "000000", 0, now).is_none());
        assert_eq!(step_of(SEED, &format!("{} {}", &mine[..3], &mine[3..]), 0, now), Some(step));
    }

    #[test]
    fn seeds_are_written_as_rfc_4648_says() {
        for (bytes, wanted) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), wanted);
        }
    }

    #[test]
    fn the_square_is_a_picture_and_nothing_else() {
        let uri = uri("Riverside Family Practice", "a.okafor@example.org", SEED);
        assert!(uri.starts_with("otpauth://totp/Riverside%20Family%20Practice:a.okafor%40example.org?secret=GEZDGNBV"));
        let svg = square(&uri).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && !svg.contains("script"));
    }
}
