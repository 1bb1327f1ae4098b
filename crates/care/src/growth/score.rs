//! From a measurement to its z-score and percentile and back: Cole's LMS method as WHO and CDC apply it.
//!
//! WHO (Child Growth Standards 2006, chapter 7): what is made of weight is measured beyond three standard deviations by
//! the distance between the second and the third, because the tails of LMS go wrong there. CDC (2022): BMI above the 95th
//! percentile follows a half-normal distribution whose scale the table gives.

use super::tables::{Lms, Measure, Reference, Sex, lms};

/// The z-score of the 95th percentile, as CDC rounds it.
const P95: f64 = 1.645;

/// The z-score of a value at one point of a table.
pub fn z_of(reference: Reference, measure: Measure, it: Lms, value: f64) -> Option<f64> {
    if !(value > 0.0 && value.is_finite()) {
        return None;
    }
    if let (Reference::Cdc, Some(scale)) = (reference, it.above) {
        let p95 = plain_value(it, P95);
        if value > p95 {
            let share = 0.9 + 0.1 * below((value - p95) / scale);
            return Some(z_at(share));
        }
    }
    let z = plain_z(it, value);
    let of_weight = matches!(measure, Measure::Weight | Measure::Bmi | Measure::WeightForLength);
    if reference == Reference::Who && of_weight && z.abs() > 3.0 {
        let [second, third] = [2.0, 3.0].map(|it| it * z.signum()).map(|z| plain_value(it, z));
        let step = (third - second).abs();
        return Some(z.signum() * 3.0 + (value - third) / step);
    }
    Some(z)
}

/// The value that lies at a z-score: what curves are drawn from.
pub fn value_at(reference: Reference, it: Lms, z: f64) -> f64 {
    match (reference, it.above) {
        (Reference::Cdc, Some(scale)) if z > P95 => plain_value(it, P95) + scale * z_at((below(z) - 0.9) * 10.0),
        _ => plain_value(it, z),
    }
}

fn plain_z(it: Lms, value: f64) -> f64 {
    let ratio = value / it.m;
    if it.l.abs() < 1e-9 { ratio.ln() / it.s } else { (ratio.powf(it.l) - 1.0) / (it.l * it.s) }
}

fn plain_value(it: Lms, z: f64) -> f64 {
    if it.l.abs() < 1e-9 { it.m * (it.s * z).exp() } else { it.m * (1.0 + it.l * it.s * z).powf(1.0 / it.l) }
}

/// The percentile of a z-score, 0 to 100.
pub fn percentile(z: f64) -> f64 {
    100.0 * below(z)
}

/// A percentile in words people use: `54th`, `under the 0.1th`… with one digit at the ends, where it matters.
pub fn percentile_words(z: f64) -> String {
    let percentile = percentile(z);
    match percentile {
        it if it < 0.1 => "< 0.1".into(),
        it if it > 99.9 => "> 99.9".into(),
        it if !(3.0..=97.0).contains(&it) => format!("{it:.1}"),
        it => format!("{it:.0}"),
    }
}

/// The share of a normal distribution below z. Error below 2·10⁻⁷ (complementary error function by Chebyshev fitting).
fn below(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.5 * x.abs());
    const C: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let series = C.iter().rev().fold(0.0, |sum, c| sum * t + c);
    let it = t * (-x * x + series).exp();
    if x >= 0.0 { it } else { 2.0 - it }
}

/// The z below which this share lies (Acklam's rational approximation, one step of Newton after it).
fn z_at(share: f64) -> f64 {
    let share = share.clamp(1e-12, 1.0 - 1e-12);
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416, 1.0];
    let polynomial = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |share: f64| {
        let q = (-2.0 * share.ln()).sqrt();
        polynomial(&C, q) / polynomial(&D, q)
    };
    if share < 0.02425 {
        tail(share)
    } else if share > 1.0 - 0.02425 {
        -tail(1.0 - share)
    } else {
        let q = share - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / polynomial(&B, r)
    }
}

/// The z-score of a measurement by the chart that is used at this age: WHO to two years, CDC from then on.
/// `at` is the age in days, or the length in centimetres for weight-for-length.
pub fn z_score(measure: Measure, sex: Sex, at: f64, value: f64) -> Option<f64> {
    let (reference, place) = place(measure, at);
    z_of(reference, measure, lms(reference, measure, sex, place)?, value)
}

/// Days of an average month.
pub const MONTH: f64 = 30.4375;

/// Which table is used at an age in days, and where in it.
pub fn place(measure: Measure, at: f64) -> (Reference, f64) {
    match measure {
        Measure::WeightForLength => (Reference::Who, at),
        _ if at < 24.0 * MONTH => (Reference::Who, at.min(730.0)),
        _ => (Reference::Cdc, at / MONTH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_z_score_is_what_other_programs_find() {
        let mut compared = 0;
        let mut worst = 0.0_f64;
        for line in include_str!("points.txt").lines().filter(|it| !it.starts_with('#')) {
            let words: Vec<&str> = line.split(' ').collect();
            let measure = Measure::parse(words[0]).unwrap();
            let sex = if words[1] == "male" { Sex::Male } else { Sex::Female };
            let [at, value, expected]: [f64; 3] = [2, 3, 4].map(|it| words[it].parse().unwrap());
            let z = z_score(measure, sex, at, value).unwrap_or_else(|| panic!("{line}: no score"));
            assert!((z - expected).abs() < 0.01, "{line}: {z}");
            worst = worst.max((z - expected).abs());
            compared += 1;
        }
        assert!(compared >= 450, "{compared}");
        assert!(worst > 0.0, "two programs never agree to the last digit: nothing was compared");
    }

    #[test]
    fn a_worked_example_of_cdc_comes_out() {
        let at = |months: f64| months * MONTH;
        // The median has a z-score of nothing.
        let z = z_score(Measure::Weight, Sex::Male, at(24.0), 12.6707633).unwrap();
        assert!(z.abs() < 1e-6, "{z}");
        // Its table of stature prints these percentiles for boys of 24.5 months.
        for (value, percent) in [(81.08868, 5.0), (92.63177, 95.0)] {
            let it = percentile(z_score(Measure::Length, Sex::Male, at(24.5), value).unwrap());
            assert!((it - percent).abs() < 0.02, "{value}: {it}");
        }
    }

    #[test]
    fn a_value_and_its_score_lead_to_each_other() {
        for (reference, measure, at) in [
            (Reference::Who, Measure::Weight, 200.0),
            (Reference::Who, Measure::Head, 10.0),
            (Reference::Cdc, Measure::Length, 100.5),
            (Reference::Cdc, Measure::Bmi, 150.0),
        ] {
            for z in [-2.9, -1.0, 0.0, 1.0, 1.7, 2.5, 2.9] {
                let it = lms(reference, measure, Sex::Female, at).unwrap();
                let back = z_of(reference, measure, it, value_at(reference, it, z)).unwrap();
                assert!((back - z).abs() < 2e-3, "{reference:?} {measure:?} {z}: {back}");
            }
        }
    }

    #[test]
    fn percentiles_are_told_as_people_say_them() {
        assert_eq!(percentile_words(0.0), "50");
        assert_eq!(percentile_words(-2.0), "2.3");
        assert_eq!(percentile_words(1.881), "97.0");
        assert_eq!(percentile_words(-5.0), "< 0.1");
        assert_eq!(percentile_words(4.0), "> 99.9");
    }

    #[test]
    fn what_is_no_measurement_has_no_score() {
        for value in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert_eq!(z_score(Measure::Weight, Sex::Male, 100.0, value), None);
        }
        assert_eq!(z_score(Measure::Head, Sex::Male, 2_000.0, 50.0), None, "no table of heads goes to five years");
    }
}
