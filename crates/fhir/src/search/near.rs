//! `Location.near`: places around a point (FHIR R4, Location). The area is the box around the circle asked for, which
//! holds all of it and, in its corners, a little more: too far is easier to see than missing.

use super::ask::{Wrong, split, unescape};
use super::parse::Asked;
use super::query::{Filter, Prefix, QuantityTest, Source, Test, UnitTest};
use super::row::Slot;
use super::units::convert;

/// The distance when none is asked for.
const USUAL_METRES: f64 = 50_000.0;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// `latitude|longitude|distance|unit`; several values are alternatives.
pub(super) fn near(asked: &Asked<'_>, values: &[&str]) -> Result<Filter, Wrong> {
    let Some((latitude, longitude)) = asked.first.position else { return Ok(Filter::nothing()) };
    let mut places = values.iter().map(|value| one(value, latitude, longitude)).collect::<Result<Vec<_>, _>>()?;
    Ok(if places.len() == 1 { places.remove(0) } else { Filter::Any(places) })
}

fn one(value: &str, latitude: Slot, longitude: Slot) -> Result<Filter, Wrong> {
    let wrong = || "write latitude|longitude|distance|unit, for example 42.25|-83.69|11|km".to_owned();
    let parts: Vec<String> = split(value, '|').into_iter().map(unescape).collect();
    let number = |at: usize| parts.get(at).and_then(|part| part.parse::<f64>().ok()).filter(|it| it.is_finite());
    let (north, east) = (number(0).ok_or_else(wrong)?, number(1).ok_or_else(wrong)?);
    let metres = match parts.len() {
        2 => USUAL_METRES,
        3 => number(2).ok_or_else(wrong)? * 1000.0,
        4 => {
            let unit = if parts[3].is_empty() { "km" } else { parts[3].as_str() };
            convert(number(2).ok_or_else(wrong)?, unit, "m")
                .ok_or_else(|| "the unit must be a length in UCUM, for example km, m or [mi_us]".to_owned())?
        }
        _ => return Err(wrong()),
    };
    if !(-90.0..=90.0).contains(&north) || !(-180.0..=180.0).contains(&east) || metres < 0.0 {
        return Err("latitude is -90 to 90, longitude -180 to 180, and the distance not negative".to_owned());
    }
    let height = metres / METRES_PER_DEGREE;
    let mut tests = vec![between(latitude, north - height, north + height)];
    // Meridians run together towards the poles: the widest part of the circle counts.
    let widest = (north.abs() + height).to_radians().cos();
    let width = if north.abs() + height >= 90.0 { 180.0 } else { height / widest };
    if width < 180.0 {
        let (west, right) = (east - width, east + width);
        let mut spans = vec![between(longitude, west.max(-180.0), right.min(180.0))];
        if west < -180.0 {
            spans.push(between(longitude, west + 360.0, 180.0));
        }
        if right > 180.0 {
            spans.push(between(longitude, -180.0, right - 360.0));
        }
        tests.push(if spans.len() == 1 { spans.remove(0) } else { Filter::Any(spans) });
    } else {
        tests.push(between(longitude, -180.0, 180.0));
    }
    Ok(Filter::All(tests))
}

/// Both ends included.
fn between(slot: Slot, low: f64, high: f64) -> Filter {
    let test = QuantityTest { prefix: Prefix::Ap, value: (low + high) / 2.0, low, high, unit: UnitTest::Any };
    Filter::Row { sources: vec![Source { slot, only: None }], tests: vec![Test::Quantity(test)] }
}
