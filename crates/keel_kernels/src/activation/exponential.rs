//! e^x and e^x - 1 without branches.

/// log2(e).
const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// Leading bits of ln 2; few enough that the product with an integer below 2^9 is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
/// ln 2 - [`LN_2_HIGH`].
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// 1.5 * 2^23: adding it rounds to an integer, which is in the low bits of the sum.
const ROUNDER: f32 = 12_582_912.0;

/// Returns e^x with a relative error below 2e-7; infinite above 88.72, 0 below -104, NaN for NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let reduced = reduce(x);
    (1.0 + reduced.exp_m1) * reduced.first_power * reduced.second_power
}

/// Returns e^x - 1 with a relative error below 3e-7 down to the smallest x; infinite above 88.72, -1 below -18, NaN for NaN.
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    // Near the upper end, the power is infinite, and the sum of both parts could be infinity minus infinity.
    if x > 87.0 { exp(x) } else { exp_m1_below_87(x) }
}

/// Returns e^x - 1 for x up to 87, where no power overflows; without the selection of [`exp_m1`], loops stay free of branches.
#[inline(always)]
pub(super) fn exp_m1_below_87(x: f32) -> f32 {
    let reduced = reduce(x);
    let power = reduced.first_power * reduced.second_power;
    reduced.exp_m1 * reduced.first_power * reduced.second_power + (power - 1.0)
}

/// Factors of e^x = (1 + exp_m1) * first_power * second_power.
struct Reduced {
    /// e^r - 1 of the remainder r, |r| <= ln(2) / 2.
    exp_m1: f32,
    first_power: f32,
    second_power: f32,
}

/// Splits x into n ln 2 + r (Cody & Waite 1980). The power 2^n is returned in two factors, so that n may be 128 or below -126.
#[inline(always)]
fn reduce(x: f32) -> Reduced {
    // Written as comparisons, because `clamp` and `min` would turn NaN into a number.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let shifted = x * LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    let remainder = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let half = exponent >> 1;
    Reduced {
        exp_m1: small_exp_m1(remainder),
        first_power: power_of_two(half),
        second_power: power_of_two(exponent.wrapping_sub(half)),
    }
}

/// Returns e^r - 1 for |r| <= 0.347: r + r^2 P(r), with P interpolating at Chebyshev nodes; relative error 8e-9 before rounding.
#[inline(always)]
fn small_exp_m1(r: f32) -> f32 {
    let p = 1.392_626_8e-3;
    let p = p * r + 8.363_247e-3;
    let p = p * r + 4.166_655_4e-2;
    let p = p * r + 1.666_657_7e-1;
    let p = p * r + 0.5;
    p * (r * r) + r
}

/// Returns 2^n for n in -126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}
