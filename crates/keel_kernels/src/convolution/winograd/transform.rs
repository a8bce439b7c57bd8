//! The small matrices of minimal filtering for three taps, in one direction and in both.
//!
//! With inputs `d`, taps `g` and outputs `y` (Winograd 1980; Lavin and Gray 2016, section 4.1):
//!
//! ```text
//! y = A^T m,  m = (G g) * (B^T d)
//! ```
//!
//! The gradient of the taps is the transpose: `dg = G^T ((A dy) * (B^T d))`. In two dimensions, the rows are transformed first,
//! then the columns. A vector contains neighbouring channels.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use pulp::Simd;

/// A tile, `[row][column]`, transformed or not.
pub(super) type Tile<V, const SIDE: usize> = [[V; SIDE]; SIDE];

/// The matrices for `OUTPUTS` outputs from `INPUTS` inputs, in one direction.
pub(super) trait Filtering<const INPUTS: usize, const OUTPUTS: usize> {
    /// Computes `B^T d`.
    fn inputs<S: Simd>(simd: S, line: [S::f32s; INPUTS]) -> [S::f32s; INPUTS];
    /// Computes `A^T m`.
    fn outputs<S: Simd>(simd: S, line: [S::f32s; INPUTS]) -> [S::f32s; OUTPUTS];
    /// Computes `A dy`.
    fn output_gradients<S: Simd>(simd: S, line: [S::f32s; OUTPUTS]) -> [S::f32s; INPUTS];
    /// Computes `G g`.
    fn taps<S: Simd>(simd: S, line: [S::f32s; 3]) -> [S::f32s; INPUTS];
    /// Computes `G^T du`.
    fn tap_gradients<S: Simd>(simd: S, line: [S::f32s; INPUTS]) -> [S::f32s; 3];
}

/// Applies the matrix `line` to the rows, then to the columns.
#[inline(always)]
pub(super) fn in_both_directions<V: Copy, const FROM: usize, const TO: usize>(
    tile: Tile<V, FROM>,
    line: impl Fn([V; FROM]) -> [V; TO],
) -> Tile<V, TO> {
    let mut rows = [line(tile[0]); FROM];
    for row in 1..FROM {
        rows[row] = line(tile[row]);
    }
    let mut result = [[rows[0][0]; TO]; TO];
    for column in 0..TO {
        let mut values = [rows[0][column]; FROM];
        for row in 1..FROM {
            values[row] = rows[row][column];
        }
        let values = line(values);
        for row in 0..TO {
            result[row][column] = values[row];
        }
    }
    result
}

/// F(2, 3): two outputs with 4 products instead of the 6 of the definition, at the points 0, 1, -1 and infinity.
///
/// ```text
/// B^T = 1  0 -1  0     G =  1    0    0     A^T = 1  1  1  0
///       0  1  1  0         1/2  1/2  1/2          0  1 -1 -1
///       0 -1  1  0         1/2 -1/2  1/2
///       0  1  0 -1          0    0    1
/// ```
pub(super) struct Two;

impl Filtering<4, 2> for Two {
    #[inline(always)]
    fn inputs<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
        [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
        [simd.add_f32s(simd.add_f32s(a, b), c), simd.sub_f32s(simd.sub_f32s(b, c), d)]
    }

    #[inline(always)]
    fn output_gradients<S: Simd>(simd: S, [a, b]: [S::f32s; 2]) -> [S::f32s; 4] {
        [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), simd.neg_f32s(b)]
    }

    #[inline(always)]
    fn taps<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 4] {
        let half = simd.splat_f32s(0.5);
        let (ends, middle) = (simd.mul_f32s(half, simd.add_f32s(a, c)), simd.mul_f32s(half, b));
        [a, simd.add_f32s(ends, middle), simd.sub_f32s(ends, middle), c]
    }

    #[inline(always)]
    fn tap_gradients<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 3] {
        let half = simd.splat_f32s(0.5);
        let middle = simd.mul_f32s(half, simd.add_f32s(b, c));
        [simd.add_f32s(a, middle), simd.mul_f32s(half, simd.sub_f32s(b, c)), simd.add_f32s(middle, d)]
    }
}

/// F(4, 3): four outputs with 6 products instead of the 12 of the definition, at the points 0, r, -r, 1 / r, -1 / r and infinity
/// with r = sqrt(1/2). The usual points 1 and 2 instead of r and 1 / r would need no roots, but have larger errors.
///
/// ```text
/// B^T = 1     0  -5/2     0  1  0     G =  1       0     0     A^T = 1    1    1    1     1  0
///       0   -2r    -2     r  1  0        -2/3  -2/3 r  -1/3          0    r   -r  1/r  -1/r  0
///       0    2r    -2    -r  1  0        -2/3   2/3 r  -1/3          0  r^2  r^2    2     2  0
///       0    -r  -1/2   1/r  1  0         1/6   1/3 r   1/3          0  r^3 -r^3  4 r  -4 r  1
///       0     r  -1/2  -1/r  1  0         1/6  -1/3 r   1/3
///       0     1     0  -5/2  0  1          0       0     1
/// ```
pub(super) struct Four;

/// Returns `factor * value`.
#[inline(always)]
fn scaled<S: Simd>(simd: S, factor: f32, value: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.splat_f32s(factor), value)
}

/// Returns `sum + factor * value`.
#[inline(always)]
fn plus<S: Simd>(simd: S, sum: S::f32s, factor: f32, value: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(simd.splat_f32s(factor), value, sum)
}

impl Filtering<6, 4> for Four {
    #[inline(always)]
    fn inputs<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; 6]) -> [S::f32s; 6] {
        let (even, odd) = (plus(simd, e, -2.0, c), plus(simd, d, -2.0, b));
        let (other_even, other_odd) = (plus(simd, e, -0.5, c), plus(simd, d, -0.5, b));
        [
            plus(simd, simd.add_f32s(a, e), -2.5, c),
            plus(simd, even, FRAC_1_SQRT_2, odd),
            plus(simd, even, -FRAC_1_SQRT_2, odd),
            plus(simd, other_even, SQRT_2, other_odd),
            plus(simd, other_even, -SQRT_2, other_odd),
            plus(simd, simd.add_f32s(b, f), -2.5, d),
        ]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; 6]) -> [S::f32s; 4] {
        let (even, odd) = (simd.add_f32s(b, c), simd.sub_f32s(b, c));
        let (other_even, other_odd) = (simd.add_f32s(d, e), simd.sub_f32s(d, e));
        [
            simd.add_f32s(simd.add_f32s(a, even), other_even),
            plus(simd, scaled(simd, FRAC_1_SQRT_2, odd), SQRT_2, other_odd),
            plus(simd, scaled(simd, 0.5, even), 2.0, other_even),
            plus(simd, plus(simd, f, 0.5 * FRAC_1_SQRT_2, odd), 2.0 * SQRT_2, other_odd),
        ]
    }

    #[inline(always)]
    fn output_gradients<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 6] {
        let (even, odd) = (plus(simd, a, 0.5, c), plus(simd, b, 0.5, d));
        let (other_even, other_odd) = (plus(simd, a, 2.0, c), plus(simd, b, 2.0, d));
        [
            a,
            plus(simd, even, FRAC_1_SQRT_2, odd),
            plus(simd, even, -FRAC_1_SQRT_2, odd),
            plus(simd, other_even, SQRT_2, other_odd),
            plus(simd, other_even, -SQRT_2, other_odd),
            d,
        ]
    }

    #[inline(always)]
    fn taps<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 6] {
        let even = scaled(simd, -2.0 / 3.0, plus(simd, a, 0.5, c));
        let other_even = scaled(simd, 1.0 / 6.0, plus(simd, a, 2.0, c));
        [
            a,
            plus(simd, even, -2.0 / 3.0 * FRAC_1_SQRT_2, b),
            plus(simd, even, 2.0 / 3.0 * FRAC_1_SQRT_2, b),
            plus(simd, other_even, FRAC_1_SQRT_2 / 3.0, b),
            plus(simd, other_even, -FRAC_1_SQRT_2 / 3.0, b),
            c,
        ]
    }

    #[inline(always)]
    fn tap_gradients<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; 6]) -> [S::f32s; 3] {
        let (even, odd) = (simd.add_f32s(b, c), simd.sub_f32s(b, c));
        let (other_even, other_odd) = (simd.add_f32s(d, e), simd.sub_f32s(d, e));
        [
            plus(simd, plus(simd, a, -2.0 / 3.0, even), 1.0 / 6.0, other_even),
            plus(simd, scaled(simd, -2.0 / 3.0 * FRAC_1_SQRT_2, odd), FRAC_1_SQRT_2 / 3.0, other_odd),
            plus(simd, f, 1.0 / 3.0, simd.sub_f32s(other_even, even)),
        ]
    }
}
