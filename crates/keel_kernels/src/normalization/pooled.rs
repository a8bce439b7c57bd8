//! Batch norm, an activation and 2x2 max pooling as one sweep each way.
//!
//! Neither the normalised nor the activated values exist in memory: forward writes the pooled values and the place of
//! each maximum (one byte), backward computes what it needs again from the norm's input `x`. Gradient reaches only the
//! maxima, so the sums over the gradient visit one value of four.

use super::batch::{self, BACKWARD_TABLE, FORWARD_TABLE, TableInput};
use super::records::{ImageRows, Records};
use crate::activation::{Elementwise, Function, Visitor};
use crate::parallel::{Pieces, for_each_task};
use crate::pooling::PoolShape;
use crate::pooling::pairs::{LANES, PLACES, PairWindow, block, block_mut, chosen};
use crate::simd::SimdLevel;

/// Norm, activation and windows of forward and of the sums of backward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pooled<'a> {
    pub(super) simd: SimdLevel,
    /// Windows over one image; [`PoolShape::is_pairs`].
    pub(super) windows: &'a PoolShape,
    /// Table the norm applies, `[FORWARD_TABLE, channels]`.
    pub(super) table: &'a [f32],
    /// The activation between norm and pooling; identity for none.
    pub(super) function: Function,
}

/// Results of the forward pass.
#[derive(Debug)]
pub(super) struct PooledOutput<'a> {
    /// Pooled values.
    pub(super) y: &'a mut [f32],
    /// Place of each maximum, one byte a pooled value; empty if nobody wants them.
    pub(super) places: &'a mut [u8],
}

/// Returns the number of bytes that hold the places of `images` images.
pub(super) fn places_length(windows: &PoolShape, images: usize) -> usize {
    images * windows.output_length()
}

/// `y = max over each window of f((x - center) * factor + offset)`, all images. `look(image, x)` sees each image before its
/// turn, on the same thread.
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

/// [`forward`] for one image on this thread.
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

/// The largest activation of a window in each channel and, if they are to be kept, its place: a loop over channels, which
/// compilers turn into wide vectors where they leave short arrays alone.
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

/// A value of a window that may be the largest.
#[derive(Clone, Copy)]
struct Candidate {
    value: f32,
    place: u32,
}

impl Candidate {
    /// The larger one; the first of equal values, NaN before everything.
    #[inline(always)]
    fn or(self, next: Candidate) -> Candidate {
        let better = (next.value > self.value) | next.value.is_nan();
        Candidate {
            value: if better { next.value } else { self.value },
            place: if better { next.place } else { self.place },
        }
    }
}

/// Center, factor and offset of some channels.
#[inline(always)]
fn rows_of_table<const N: usize>(table: &[f32], channel: usize) -> [&[f32; N]; FORWARD_TABLE] {
    let channels = table.len() / FORWARD_TABLE;
    [block(table, channel), block(table, channels + channel), block(table, 2 * channels + channel)]
}

/// Calls `visit(starts, start)` for the windows of some rows of the output: where the four values and the output start.
#[inline(always)]
fn for_each_window(windows: &PoolShape, rows: std::ops::Range<usize>, mut visit: impl FnMut([usize; PLACES], usize)) {
    for row in rows {
        for column in 0..windows.output[1] {
            visit(windows.pair_starts(row, column), (row * windows.output[1] + column) * windows.channels);
        }
    }
}

/// The records [`gradient_sums`] leaves for `images` images: bands of rows of the output.
pub(super) fn gradient_records(windows: &PoolShape, images: usize) -> Records {
    let row_length = 4 * windows.output[1] * windows.channels;
    Records::per_image(ImageRows { images, rows: windows.output[0], row_length }, 2 * windows.channels)
}

/// Multiplies `dy` by the activation's derivative at each maximum, in place, and sums it up, and `dy * (x - center)`
/// with it, in records `[2, channels]` ([`gradient_records`]).
pub(super) fn gradient_sums(
    pooled: Pooled<'_>,
    x: &[f32],
    dy: &mut [f32],
    places: &[u8],
    records: &mut [f32],
) -> usize {
    let images = dy.len() / pooled.windows.output_length();
    assert_eq!(x.len(), images * pooled.windows.input_length(), "input");
    pooled.function.visit(GradientSums { pooled, dy, places, x, records })
}

struct GradientSums<'a> {
    pooled: Pooled<'a>,
    dy: &'a mut [f32],
    places: &'a [u8],
    x: &'a [f32],
    records: &'a mut [f32],
}

impl Visitor for GradientSums<'_> {
    type Output = usize;

    fn visit<F: Elementwise>(self, function: F) -> usize {
        let GradientSums { pooled: Pooled { simd, windows, table, .. }, dy, places, x, records } = self;
        let (from, to) = (windows.input_length(), windows.output_length());
        let layout = gradient_records(windows, dy.len() / to);
        let (row, work) = (windows.output[1] * windows.channels, x.len());
        let (dy, records) = (Pieces::new(dy), Pieces::new(records));
        for_each_task(layout.count(), work, |task| {
            let (image, rows) = layout.rows(task);
            let outputs = image * to + rows.start * row..image * to + rows.end * row;
            // SAFETY: each task has its own rows and its own record.
            let (dy, record) = unsafe { (dy.piece(outputs.clone()), records.piece(layout.floats(task))) };
            let (x, places) = (&x[image * from..(image + 1) * from], &places[outputs]);
            let first = rows.start * row;
            simd.run(
                #[inline(always)]
                || {
                    record.fill(0.0);
                    let mut channel = 0;
                    while channel < windows.channels {
                        let step = if channel + LANES <= windows.channels { LANES } else { 1 };
                        let mut sums = [[0.0f32; LANES]; 2];
                        for_each_window(
                            windows,
                            rows.clone(),
                            #[inline(always)]
                            |starts, start| {
                                let at = start - first + channel;
                                let maxima = Maxima { dy: &mut dy[at..at + step], places: &places[at..] };
                                let (window, sums) = (PairWindow { values: x, starts }, &mut sums);
                                if step == LANES {
                                    let tables = rows_of_table::<LANES>(table, channel);
                                    let values = chosen(window.channels(channel), block(maxima.places, 0));
                                    sum_window(function, tables, &values, maxima, sums);
                                } else {
                                    let tables = rows_of_table::<1>(table, channel);
                                    let values = chosen(window.channels(channel), block(maxima.places, 0));
                                    sum_window(function, tables, &values, maxima, sums);
                                }
                            },
                        );
                        for (part, sums) in sums.iter().enumerate() {
                            record[part * windows.channels + channel..][..step].copy_from_slice(&sums[..step]);
                        }
                        channel += step;
                    }
                },
            );
        });
        layout.length()
    }
}

/// The maxima of a window in some channels.
struct Maxima<'a> {
    /// Gradient of each.
    dy: &'a mut [f32],
    places: &'a [u8],
}

/// Adds the maxima of a window, whose inputs are `x`, to the sums.
#[inline(always)]
fn sum_window<const N: usize, F: Elementwise>(
    function: F,
    [center, factor, offset]: [&[f32; N]; FORWARD_TABLE],
    x: &[f32; N],
    maxima: Maxima<'_>,
    sums: &mut [[f32; LANES]; 2],
) {
    let dy = block_mut::<N, _>(maxima.dy, 0);
    for lane in 0..N {
        let deviation = x[lane] - center[lane];
        let gradient = dy[lane] * function.derivative(deviation * factor[lane] + offset[lane]);
        dy[lane] = gradient;
        sums[0][lane] += gradient;
        sums[1][lane] += gradient * deviation;
    }
}

/// Makes the gradient with respect to the norm's input.
#[derive(Clone, Copy, Debug)]
pub(super) struct InputGradient<'a> {
    pub(super) simd: SimdLevel,
    pub(super) windows: &'a PoolShape,
    /// `[BACKWARD_TABLE, channels]`.
    pub(super) backward: &'a [f32],
}

/// Values of the backward pass: of one image, of all, or of some positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct PooledGradient<'a> {
    /// Gradient of the pooled values, as [`gradient_sums`] left it.
    pub(super) dy: &'a [f32],
    /// Place of each maximum.
    pub(super) places: &'a [u8],
    /// Input of the norm.
    pub(super) x: &'a [f32],
}

impl InputGradient<'_> {
    /// Row `y` of the gradient with respect to `x` of one image, `[width, channels]`.
    pub(super) fn row(self, image: PooledGradient<'_>, y: usize, dx: &mut [f32]) {
        let InputGradient { simd, windows, backward } = self;
        let PooledGradient { dy, places, x } = image;
        let channels = windows.channels;
        let row_length = windows.input[1] * channels;
        assert_eq!((dy.len(), x.len()), (windows.output_length(), windows.input_length()), "one image");
        assert_eq!((places.len(), backward.len()), (dy.len(), BACKWARD_TABLE * channels), "places and table");
        assert_eq!(dx.len(), row_length, "a row");
        let x = &x[y * row_length..(y + 1) * row_length];
        let covered = if y / 2 < windows.output[0] { windows.output[1] } else { 0 };
        let pooled = (y / 2) * windows.output[1] * channels;
        simd.run(
            #[inline(always)]
            || {
                for column in 0..covered {
                    let from = pooled + column * channels..pooled + (column + 1) * channels;
                    for side in 0..2 {
                        let at = (2 * column + side) * channels..(2 * column + side + 1) * channels;
                        let place = (2 * (y % 2) + side) as u8;
                        let (dy, places) = (&dy[from.clone()], &places[from.clone()]);
                        scatter(place, PooledGradient { dy, places, x: &x[at.clone()] }, backward, &mut dx[at]);
                    }
                }
                let rest = 2 * covered * channels..;
                let input = TableInput { x: &x[rest.clone()], table: backward };
                batch::apply_constant_gradient(input, &mut dx[rest]);
            },
        );
    }

    /// The gradient with respect to `x` of all images: [`InputGradient::row`] for every row.
    pub(super) fn images(self, batch: PooledGradient<'_>, dx: &mut [f32]) {
        let windows = self.windows;
        let (from, to) = (windows.input_length(), windows.output_length());
        let (images, row) = (batch.x.len() / from, windows.input[1] * windows.channels);
        assert_eq!((batch.x.len(), batch.dy.len()), (dx.len(), images * to), "gradients and input");
        let dx = Pieces::new(dx);
        for_each_task(images, batch.x.len(), |image| {
            // SAFETY: each task takes its own image.
            let dx = unsafe { dx.piece(image * from..(image + 1) * from) };
            let image = batch.image(windows, image);
            for (y, dx) in dx.chunks_exact_mut(row).enumerate() {
                self.row(image, y, dx);
            }
        });
    }
}

impl<'a> PooledGradient<'a> {
    /// The values of one image of all.
    pub(super) fn image(self, windows: &PoolShape, image: usize) -> Self {
        let (from, to) = (windows.input_length(), windows.output_length());
        let outputs = image * to..(image + 1) * to;
        PooledGradient {
            dy: &self.dy[outputs.clone()],
            places: &self.places[outputs],
            x: &self.x[image * from..(image + 1) * from],
        }
    }
}

/// The gradient with respect to the values at one place of a window, `[channels]`.
#[inline(always)]
fn scatter(place: u8, window: PooledGradient<'_>, backward: &[f32], dx: &mut [f32]) {
    let PooledGradient { dy, places, x } = window;
    let channels = x.len();
    let part = |index: usize| &backward[index * channels..(index + 1) * channels];
    let (center, factor, slope, constant) = (part(0), part(1), part(2), part(3));
    let (dy, places, dx) = (&dy[..channels], &places[..channels], &mut dx[..channels]);
    for c in 0..channels {
        let gradient = if places[c] == place { dy[c] } else { 0.0 };
        dx[c] = gradient * factor[c] + ((x[c] - center[c]) * slope[c] + constant[c]);
    }
}
