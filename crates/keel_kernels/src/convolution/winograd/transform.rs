//! The small matrices of F(2x2, 3x3): a tile of 2x2 outputs costs 16 products where the definition takes 36.
//!
//! In one direction, with inputs `d`, taps `g` and outputs `y` (Winograd 1980; Lavin and Gray 2016, section 4.1):
//!
//! ```text
//! m = (G g) * (B^T d),  y = A^T m
//! B^T = 1  0 -1  0     G =  1    0    0     A^T = 1  1  1  0
//!       0  1  1  0         1/2  1/2  1/2          0  1 -1 -1
//!       0 -1  1  0         1/2 -1/2  1/2
//!       0  1  0 -1          0    0    1
//! ```
//!
//! The gradient by the taps is the transpose: `dg = G^T ((A dy) * (B^T d))`. Both directions of an image: the rows, then
//! the columns. A vector holds neighbouring channels.

use pulp::Simd;

/// Values of a transformed tile.
pub(super) const POSITIONS: usize = 16;

/// `[row][column]` of a tile of inputs, transformed or not.
pub(super) type Tile<V> = [[V; 4]; 4];

/// `B^T d B`.
#[inline(always)]
pub(super) fn inputs<S: Simd>(simd: S, tile: Tile<S::f32s>) -> Tile<S::f32s> {
    let mut rows = tile;
    for row in 0..4 {
        rows[row] = inputs_in_line(simd, tile[row]);
    }
    let mut result = rows;
    for column in 0..4 {
        let line = inputs_in_line(simd, [rows[0][column], rows[1][column], rows[2][column], rows[3][column]]);
        for row in 0..4 {
            result[row][column] = line[row];
        }
    }
    result
}

#[inline(always)]
fn inputs_in_line<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
}

/// `A^T m A`.
#[inline(always)]
pub(super) fn outputs<S: Simd>(simd: S, tile: Tile<S::f32s>) -> [[S::f32s; 2]; 2] {
    let mut rows = [[tile[0][0]; 2]; 4];
    for row in 0..4 {
        rows[row] = outputs_in_line(simd, tile[row]);
    }
    let left = outputs_in_line(simd, [rows[0][0], rows[1][0], rows[2][0], rows[3][0]]);
    let right = outputs_in_line(simd, [rows[0][1], rows[1][1], rows[2][1], rows[3][1]]);
    [[left[0], right[0]], [left[1], right[1]]]
}

#[inline(always)]
fn outputs_in_line<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
    [simd.add_f32s(simd.add_f32s(a, b), c), simd.sub_f32s(simd.sub_f32s(b, c), d)]
}

/// `A dy A^T`.
#[inline(always)]
pub(super) fn output_gradients<S: Simd>(simd: S, tile: [[S::f32s; 2]; 2]) -> Tile<S::f32s> {
    let rows = [output_gradients_in_line(simd, tile[0]), output_gradients_in_line(simd, tile[1])];
    let mut result = [[rows[0][0]; 4]; 4];
    for column in 0..4 {
        let line = output_gradients_in_line(simd, [rows[0][column], rows[1][column]]);
        for row in 0..4 {
            result[row][column] = line[row];
        }
    }
    result
}

#[inline(always)]
fn output_gradients_in_line<S: Simd>(simd: S, [a, b]: [S::f32s; 2]) -> [S::f32s; 4] {
    [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), simd.neg_f32s(b)]
}

/// `G g G^T`; taps `[3][3]`.
#[inline(always)]
pub(super) fn taps<S: Simd>(simd: S, taps: [[S::f32s; 3]; 3]) -> Tile<S::f32s> {
    let rows = [taps_in_line(simd, taps[0]), taps_in_line(simd, taps[1]), taps_in_line(simd, taps[2])];
    let mut result = [[rows[0][0]; 4]; 4];
    for column in 0..4 {
        let line = taps_in_line(simd, [rows[0][column], rows[1][column], rows[2][column]]);
        for row in 0..4 {
            result[row][column] = line[row];
        }
    }
    result
}

#[inline(always)]
fn taps_in_line<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 4] {
    let half = simd.splat_f32s(0.5);
    let (ends, middle) = (simd.mul_f32s(half, simd.add_f32s(a, c)), simd.mul_f32s(half, b));
    [a, simd.add_f32s(ends, middle), simd.sub_f32s(ends, middle), c]
}

/// `G^T du G`.
#[inline(always)]
pub(super) fn tap_gradients<S: Simd>(simd: S, tile: Tile<S::f32s>) -> [[S::f32s; 3]; 3] {
    let mut rows = [[tile[0][0]; 3]; 4];
    for row in 0..4 {
        rows[row] = tap_gradients_in_line(simd, tile[row]);
    }
    let mut result = [[rows[0][0]; 3]; 3];
    for column in 0..3 {
        let line = tap_gradients_in_line(simd, [rows[0][column], rows[1][column], rows[2][column], rows[3][column]]);
        for row in 0..3 {
            result[row][column] = line[row];
        }
    }
    result
}

#[inline(always)]
fn tap_gradients_in_line<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 3] {
    let half = simd.splat_f32s(0.5);
    let middle = simd.mul_f32s(half, simd.add_f32s(b, c));
    [simd.add_f32s(a, middle), simd.mul_f32s(half, simd.sub_f32s(b, c)), simd.add_f32s(middle, d)]
}
