//! Randomness for the demo people: a small generator (SplitMix64) seeded by what the draw is for. Its streams
//! depend on nothing but their seeds, and its arithmetic uses only operations that IEEE 754 rounds the same way
//! everywhere, so that one seed gives the same bytes on every machine. It is never used for secrets.

#[derive(Clone)]
pub(super) struct Dice {
    state: u64,
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One number from several: who, what for, which one.
pub(super) fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9E37_79B9_7F4A_7C15, |sum, part| {
        mix(sum ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93)).wrapping_add(*part)
    })
}

impl Dice {
    pub(super) fn of(parts: &[u64]) -> Dice {
        Dice { state: hash(parts) }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// 0 ≤ n < bound.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// low ≤ n ≤ high.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low + 1).max(1) as usize) as i32
    }

    /// 0 ≤ x < 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// About the standard normal distribution (a sum of six uniform numbers), never beyond ±4.3.
    pub(super) fn normal(&mut self) -> f64 {
        let sum: f64 = (0..6).map(|_| self.unit()).sum();
        (sum - 3.0) * std::f64::consts::SQRT_2
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// The index of one of the weights, drawn in proportion.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len() - 1
    }

    /// Days until the next of events that come `rate` times a year.
    pub(super) fn wait_days(&mut self, rate: f64) -> f64 {
        -ln(1.0 - self.unit()) / rate * 365.25
    }
}

/// Natural logarithm for x > 0. The library's own may differ in the last bit between platforms.
pub(super) fn ln(x: f64) -> f64 {
    let (mut x, mut twos) = (x, 0.0);
    while x > 1.5 {
        x /= 2.0;
        twos += 1.0;
    }
    while x < 0.75 {
        x *= 2.0;
        twos -= 1.0;
    }
    let ratio = (x - 1.0) / (x + 1.0);
    let (mut term, mut sum) = (ratio, 0.0);
    for odd in (1..30).step_by(2) {
        sum += term / f64::from(odd);
        term *= ratio * ratio;
    }
    2.0 * sum + twos * std::f64::consts::LN_2
}

/// e to the power x.
pub(super) fn exp(x: f64) -> f64 {
    let halvings = 10;
    let small = x / f64::from(1 << halvings);
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..12 {
        term *= small / f64::from(n);
        sum += term;
    }
    for _ in 0..halvings {
        sum *= sum;
    }
    sum
}

pub(super) fn pow(base: f64, power: f64) -> f64 {
    exp(power * ln(base))
}

/// The share of a normal population below z (logistic approximation, error below 1 %).
pub(super) fn share_below(z: f64) -> f64 {
    1.0 / (1.0 + exp(-(1.5976 * z + 0.070_565_66 * z * z * z)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_power_agree_with_the_library() {
        for x in [0.001, 0.3, 0.75, 1.0, 1.4, 2.0, 17.5, 900.0] {
            assert!((ln(x) - x.ln()).abs() < 1e-9, "ln {x}");
            assert!((pow(x, -1.2) / x.powf(-1.2) - 1.0).abs() < 1e-9, "pow {x}");
        }
    }

    #[test]
    fn draws_keep_their_bounds_and_shares() {
        let mut dice = Dice::of(&[1, 2, 3]);
        let mut heads = 0;
        for _ in 0..20_000 {
            assert!((3..=9).contains(&dice.between(3, 9)));
            assert!(dice.normal().abs() < 4.3);
            heads += u32::from(dice.chance(0.3));
        }
        assert!((5_600..6_400).contains(&heads), "{heads} of 20,000 at 30 %");
    }
}
