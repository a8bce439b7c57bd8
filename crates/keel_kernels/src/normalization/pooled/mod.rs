//! Batch norm, an activation and 2x2 max pooling in one pass in each direction.
//!
//! Neither the normalised nor the activated values are stored: forward writes the pooled values and the position of each maximum
//! (one byte), backward recomputes what it needs from the norm's input `x`. Only the maxima have a gradient, so that the sums over
//! the gradient visit one value in four.

mod backward;

pub(super) use backward::{InputGradient, PooledGradient, gradient_records, gradient_sums};

use crate::activation::{Elementwise, Function, Visitor};
use crate::parallel::{Pieces, for_each_task};
use crate::pooling::PoolShape;
use crate::pooling::pairs::{PLACES, PairWindow};
use crate::simd::SimdLevel;

/// Norm, activation and windows of forward and of the sums of backward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pooled<'a> {
    pub(super) simd: SimdLevel,
    /// Windows over one image; [`PoolShape::is_pairs`].
    pub(super) windows: &'a PoolShape,
    /// Table the norm applies, `[FORWARD_TABLE, channels]`.
    pub(super) table: &'a [f32],
    /// Activation between norm and pooling; identity for none.
    pub(super) function: Function,
}

/// Results of the forward pass.
#[derive(Debug)]
pub(super) struct PooledOutput<'a> {
    /// Pooled values.
    pub(super) y: &'a mut [f32],
    /// Position of each maximum, one byte per pooled value; empty if they are not needed.
    pub(super) places: &'a mut [u8],
}

/// Returns the number of bytes of the positions of `images` images.
pub(super) fn places_length(windows: &PoolShape, images: usize) -> usize {
    images * windows.output_length()
}

/// Computes `y = max over each window of f((x - center) * factor + offset)` of all images. `look(image, x)` is called for each
/// image before it is processed, on the same thread.
pub(super) fn forward(pooled: Pooled<'_>, x: &[f32], output: PooledOutput<'_>, look: impl Fn(usize, &[f32]) + Sync) {
    let PooledOutput { y, places } = output;
    let (from, to) = (pooled.windows.input_length(), pooled.windows.output_length());
    let images = x.len() / from;
    assert_eq!((x.len(), y.len()), (images * from, images * to), "input and output");
    let keep = !places.is_empty();
    assert!(!keep || places.len() >= y.len(), "{} bytes for {} places", places.len(), y.len());
    let (y, places) = (Pieces::new(y), Pieces::new(places));
    for_each_task(images, x.len(), |image| {
        let (x, outputs) = (&x[image * from..(image + 1) * from], image * to..(image + 1) * to);
        // SAFETY: each task takes its own image.
        let (y, places) = unsafe { (y.piece(outputs.clone()), places.piece(if keep { outputs } else { 0..0 })) };
        look(image, x);
        forward_image(pooled, x, PooledOutput { y, places });
    });
}

/// Computes [`forward`] for one image on this thread.
pub(super) fn forward_image(pooled: Pooled<'_>, x: &[f32], output: PooledOutput<'_>) {
    let (windows, y) = (pooled.windows, &output.y);
    assert!(windows.is_pairs(), "{windows:?}");
    assert_eq!((x.len(), y.len()), (windows.input_length(), windows.output_length()), "one image");
    assert!(output.places.is_empty() || output.places.len() == y.len(), "places");
    pooled.function.visit(Forward { pooled, x, output });
}

struct Forward<'a> {
    pooled: Pooled<'a>,
    x: &'a [f32],
    output: PooledOutput<'a>,
}

impl Visitor for Forward<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        let Forward { pooled: Pooled { simd, windows, table, .. }, x, output: PooledOutput { y, places } } = self;
        let channels = windows.channels;
        simd.run(
            #[inline(always)]
            || {
                for_each_window(
                    windows,
                    0..windows.output[0],
                    #[inline(always)]
                    |starts, start| {
                        let (window, outputs) = (PairWindow { values: x, starts }, start..start + channels);
                        let y = &mut y[outputs.clone()];
                        if places.is_empty() {
                            pool_window::<F, false>(function, table, window, y, &mut []);
                        } else {
                            pool_window::<F, true>(function, table, window, y, &mut places[outputs]);
                        }
                    },
                );
            },
        );
    }
}

/// Computes the maximum activation of a window in each channel and, if required, its position: a loop over channels, which
/// compilers vectorise, unlike short arrays.
#[inline(always)]
fn pool_window<F: Elementwise, const KEEP: bool>(
    function: F,
    table: &[f32],
    window: PairWindow<'_>,
    y: &mut [f32],
    places: &mut [u8],
) {
    let channels = y.len();
    let part = |start: usize| &window.values[start..start + channels];
    let [left, right, lower_left, lower_right] = window.starts;
    let (left, right, lower_left, lower_right) = (part(left), part(right), part(lower_left), part(lower_right));
    let row = |index: usize| &table[index * channels..(index + 1) * channels];
    let (center, factor, offset) = (row(0), row(1), row(2));
    for channel in 0..channels {
        let activated = |x: f32| function.value((x - center[channel]) * factor[channel] + offset[channel]);
        let best = Candidate { value: activated(left[channel]), place: 0 };
        let best = best.or(Candidate { value: activated(right[channel]), place: 1 });
        let best = best.or(Candidate { value: activated(lower_left[channel]), place: 2 });
        let best = best.or(Candidate { value: activated(lower_right[channel]), place: 3 });
        y[channel] = best.value;
        if KEEP {
            places[channel] = best.place as u8;
        }
    }
}

/// A candidate for the maximum of a window.
#[derive(Clone, Copy)]
struct Candidate {
    value: f32,
    place: u32,
}

impl Candidate {
    /// Returns the larger one; the first of equal values, NaN above everything.
    #[inline(always)]
    fn or(self, next: Candidate) -> Candidate {
        let better = (next.value > self.value) | next.value.is_nan();
        Candidate {
            value: if better { next.value } else { self.value },
            place: if better { next.place } else { self.place },
        }
    }
}

/// Calls `visit(starts, start)` for the windows of some rows of the output: the start indices of the four values and of the output.
#[inline(always)]
fn for_each_window(windows: &PoolShape, rows: std::ops::Range<usize>, mut visit: impl FnMut([usize; PLACES], usize)) {
    for row in rows {
        for column in 0..windows.output[1] {
            visit(windows.pair_starts(row, column), (row * windows.output[1] + column) * windows.channels);
        }
    }
}
