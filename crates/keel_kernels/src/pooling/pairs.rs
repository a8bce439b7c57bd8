//! Adjacent windows of 2x2 values, the common case of max pooling: every value is in at most one window, so that forward and
//! backward are one pass each, vectorised over channels.

use super::PoolShape;

/// Number of channels processed at once.
pub(crate) const LANES: usize = 16;

/// Number of values in a window.
pub(crate) const PLACES: usize = 4;

impl PoolShape {
    /// Returns true if the windows are 2x2 with stride 2 and inside the image: with padding "same", the last window of an odd side
    /// is not.
    pub fn is_pairs(&self) -> bool {
        let inside = (0..2).all(|side| 2 * self.output[side] <= self.input[side]);
        self.kernel == [2, 2] && self.stride == [2, 2] && self.padding == [0, 0] && inside
    }

    /// Returns the indices in the image of the four values of the window at (`row`, `column`).
    #[inline(always)]
    pub(crate) fn pair_starts(&self, row: usize, column: usize) -> [usize; PLACES] {
        let first = (2 * row * self.input[1] + 2 * column) * self.channels;
        let below = first + self.input[1] * self.channels;
        [first, first + self.channels, below, below + self.channels]
    }
}

/// Returns the maximum of four values in each lane and its position: the first of equal values is chosen, NaN is larger than everything.
#[inline(always)]
pub(crate) fn largest<const N: usize>(values: [[f32; N]; PLACES]) -> ([f32; N], [u8; N]) {
    let (mut best, mut places) = (values[0], [0u32; N]);
    for (place, values) in values.iter().enumerate().skip(1) {
        for lane in 0..N {
            let better = (values[lane] > best[lane]) | values[lane].is_nan();
            best[lane] = if better { values[lane] } else { best[lane] };
            places[lane] = if better { place as u32 } else { places[lane] };
        }
    }
    let mut narrow = [0u8; N];
    for lane in 0..N {
        narrow[lane] = places[lane] as u8;
    }
    (best, narrow)
}

/// Returns the value at `places` in each lane.
#[inline(always)]
pub(crate) fn chosen<const N: usize>(values: [[f32; N]; PLACES], places: &[u8; N]) -> [f32; N] {
    let mut chosen = values[0];
    for (place, values) in values.iter().enumerate().skip(1) {
        for lane in 0..N {
            chosen[lane] = if u32::from(places[lane]) == place as u32 { values[lane] } else { chosen[lane] };
        }
    }
    chosen
}

/// A window of an image.
#[derive(Clone, Copy)]
pub(crate) struct PairWindow<'a> {
    /// Values of the image.
    pub(crate) values: &'a [f32],
    /// Start indices of its four positions, [`PoolShape::pair_starts`].
    pub(crate) starts: [usize; PLACES],
}

impl PairWindow<'_> {
    /// Returns the values of some channels at the four positions. Written without a closure: one passed to `map` is compiled
    /// without the wide vectors of its caller.
    #[inline(always)]
    pub(crate) fn channels<const N: usize>(self, first: usize) -> [[f32; N]; PLACES] {
        let (values, [left, right, lower_left, lower_right]) = (self.values, self.starts);
        [
            *block(values, left + first),
            *block(values, right + first),
            *block(values, lower_left + first),
            *block(values, lower_right + first),
        ]
    }
}

/// Returns `values[start..start + N]`.
#[inline(always)]
pub(crate) fn block<const N: usize, T>(values: &[T], start: usize) -> &[T; N] {
    values[start..].first_chunk().expect("the channels of one position")
}

/// Returns `values[start..start + N]` for writing.
#[inline(always)]
pub(crate) fn block_mut<const N: usize, T>(values: &mut [T], start: usize) -> &mut [T; N] {
    values[start..].first_chunk_mut().expect("the channels of one position")
}

/// Pools one image; `keep(start, places)` gets the positions of the maxima.
#[inline(always)]
pub(super) fn pool_image(shape: &PoolShape, input: &[f32], output: &mut [f32], places: Option<&mut [u8]>) {
    match places {
        Some(places) => pool_rows(
            shape,
            input,
            output,
            #[inline(always)]
            |start, from: &[u8]| {
                places[start..start + from.len()].copy_from_slice(from);
            },
        ),
        None => pool_rows(
            shape,
            input,
            output,
            #[inline(always)]
            |_, _| {},
        ),
    }
}

#[inline(always)]
fn pool_rows(shape: &PoolShape, input: &[f32], output: &mut [f32], mut keep: impl FnMut(usize, &[u8])) {
    for row in 0..shape.output[0] {
        for column in 0..shape.output[1] {
            let window = PairWindow { values: input, starts: shape.pair_starts(row, column) };
            let start = (row * shape.output[1] + column) * shape.channels;
            let mut channel = 0;
            while channel + LANES <= shape.channels {
                let (best, places) = largest(window.channels::<LANES>(channel));
                *block_mut(output, start + channel) = best;
                keep(start + channel, &places);
                channel += LANES;
            }
            while channel + 4 <= shape.channels {
                let (best, places) = largest(window.channels::<4>(channel));
                *block_mut(output, start + channel) = best;
                keep(start + channel, &places);
                channel += 4;
            }
            while channel < shape.channels {
                let (best, places) = largest(window.channels::<1>(channel));
                *block_mut(output, start + channel) = best;
                keep(start + channel, &places);
                channel += 1;
            }
        }
    }
}

/// Writes one image's input gradient: each output's gradient at the position of its maximum, zeros elsewhere.
#[inline(always)]
pub(super) fn scatter_image(shape: &PoolShape, grad_output: &[f32], places: &[u8], grad_input: &mut [f32]) {
    let [height, width] = shape.input;
    let (row_length, covered) = (width * shape.channels, shape.output[1] * 2 * shape.channels);
    for (row, lines) in grad_input.chunks_mut(2 * row_length).enumerate().take(height.div_ceil(2)) {
        if row >= shape.output[0] {
            lines.fill(0.0);
            continue;
        }
        let (upper, lower) = lines.split_at_mut(row_length);
        for column in 0..shape.output[1] {
            let from = (row * shape.output[1] + column) * shape.channels;
            let gradient = &grad_output[from..from + shape.channels];
            let places = &places[from..from + shape.channels];
            let to = 2 * column * shape.channels..2 * (column + 1) * shape.channels;
            for (first, line) in [(0, &mut upper[to.clone()]), (2, &mut lower[to])] {
                let (left, right) = line.split_at_mut(shape.channels);
                for (place, target) in [(first, left), (first + 1, right)] {
                    for ((target, gradient), chosen) in target.iter_mut().zip(gradient).zip(places) {
                        *target = if *chosen == place { *gradient } else { 0.0 };
                    }
                }
            }
        }
        upper[covered..].fill(0.0);
        lower[covered..].fill(0.0);
    }
}
