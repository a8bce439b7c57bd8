//! The weights: transformed once per step and packed for the product of each position.

use pulp::Simd;

use super::transform::{Filtering, Four, in_both_directions};
use super::{CHANNEL_STEP, Direction, Winograd, first_vector, lanes};
use crate::parallel::{Pieces, for_each_task};
use crate::product::panels::{PanelLayout, Panels};
use crate::simd::SimdLevel;

impl Winograd {
    /// Returns the layout of the packed weights of one position.
    #[inline(always)]
    fn panel_layout(&self, simd: SimdLevel) -> PanelLayout {
        PanelLayout { depth: self.in_channels, columns: self.out_channels, simd }
    }

    /// Returns the number of floats of the transformed weights, the same at every level: channels are whole vectors at each.
    pub(in crate::convolution) fn packed_length(&self) -> usize {
        self.positions() * self.packed_stride()
    }

    /// Returns the distance in floats between the packed weights of consecutive positions. Not a multiple of the page size, whose
    /// multiples map to few cache sets.
    fn packed_stride(&self) -> usize {
        self.in_channels * self.out_channels + CHANNEL_STEP
    }

    /// Iterates over the packed weights of each position.
    #[inline(always)]
    pub(super) fn panels<'a>(&self, simd: SimdLevel, packed: &'a [f32]) -> impl Iterator<Item = Panels<'a>> {
        let layout = self.panel_layout(simd);
        packed.chunks_exact(self.packed_stride()).map(move |values| Panels::new(&values[..layout.length()], layout))
    }

    /// Transforms weights `[3, 3, in_channels, out_channels]` of the forward convolution and packs those of each position.
    pub(in crate::convolution) fn pack(&self, simd: SimdLevel, weights: &[f32], packed: &mut [f32]) {
        assert_eq!(weights.len(), 9 * self.in_channels * self.out_channels, "weights");
        assert_eq!(packed.len(), self.packed_length(), "packed weights");
        let work = packed.len();
        let packed = Pieces::new(packed);
        for_each_task(self.in_channels / CHANNEL_STEP, work, |block| {
            let first_row = block * CHANNEL_STEP;
            simd.dispatch(PackRows { winograd: self, level: simd, weights, packed, first_row });
        });
    }

    /// Returns the taps of `F32_LANES` output channels of the pass, starting with `column`, for its input channel `row`.
    #[inline(always)]
    fn taps<S: Simd>(&self, simd: S, weights: &[f32], row: usize, column: usize) -> [[S::f32s; 3]; 3] {
        let (depth, columns) = (self.in_channels, self.out_channels);
        let mut taps = [[simd.splat_f32s(0.0); 3]; 3];
        for (index, values) in weights.chunks_exact(depth * columns).enumerate() {
            if self.direction == Direction::Backward {
                let mut gathered = [0.0; CHANNEL_STEP];
                for (lane, value) in gathered[..S::F32_LANES].iter_mut().enumerate() {
                    *value = values[(column + lane) * depth + row];
                }
                let tap = 8 - index;
                taps[tap / 3][tap % 3] = first_vector(simd, &gathered);
            } else {
                taps[index / 3][index % 3] = first_vector(simd, &values[row * columns + column..]);
            }
        }
        taps
    }
}

/// A few input channels of [`Winograd::pack`].
struct PackRows<'a> {
    winograd: &'a Winograd,
    level: SimdLevel,
    weights: &'a [f32],
    packed: Pieces<'a>,
    first_row: usize,
}

impl pulp::WithSimd for PackRows<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let layout = self.winograd.panel_layout(self.level);
        let stride = self.winograd.packed_stride();
        for column in (0..layout.columns).step_by(S::F32_LANES) {
            for row in self.first_row..self.first_row + CHANNEL_STEP {
                let tile = in_both_directions(
                    self.winograd.taps(simd, self.weights, row, column),
                    #[inline(always)]
                    |line| Four::taps(simd, line),
                );
                let place = layout.place(row, column);
                for (position, value) in tile.as_flattened().iter().enumerate() {
                    let start = position * stride + place;
                    // SAFETY: each task has its own rows.
                    let target = unsafe { self.packed.piece(start..start + S::F32_LANES) };
                    target.copy_from_slice(lanes(simd, value));
                }
            }
        }
    }
}
