//! Batch norm, an activation and 2x2 max pooling as one sweep each way.
//!
//! Neither the normalised nor the activated values exist in memory: forward writes the pooled values and the place of
//! each maximum (one byte), backward computes what it needs again from the norm's input `x`. Gradient reaches only the
//! maxima, so the sums over the gradient visit one value of four.

use super::batch::{self, BACKWARD_TABLE, FORWARD_TABLE};
use super::records::Records;
use crate::activation::{Elementwise, Function, Visitor};
use crate::parallel::{Pieces, for_each_task};
use crate::pooling::PoolShape;
use crate::pooling::pairs::{LANES, PLACES, block, block_mut, chosen, window};
use crate::pooling::{bytes, bytes_mut};
use crate::simd;

/// What both directions share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pooled<'a> {
    /// Windows over one image; [`PoolShape::is_pairs`].
    pub(super) windows: &'a PoolShape,
    /// Table the norm applies, `[FORWARD_TABLE, channels]`.
    pub(super) table: &'a [f32],
    /// The activation between norm and pooling; identity for none.
    pub(super) function: Function,
}

/// Floats that hold the places of `images` images.
pub(super) fn places_length(windows: &PoolShape, images: usize) -> usize {
    (images * windows.output_length()).div_ceil(size_of::<f32>())
}

/// `y = max over each window of f((x - center) * factor + offset)`, all images; `places` ([`places_length`] floats)
/// keeps where the maxima were, unless it is empty. `look(image, x)` sees each image before its turn, on the same thread.
pub(super) fn forward(
    pooled: Pooled<'_>,
    x: &[f32],
    (y, places): (&mut [f32], &mut [f32]),
    look: impl Fn(usize, &[f32]) + Sync,
) {
    let (from, to) = (pooled.windows.input_length(), pooled.windows.output_length());
    let images = x.len() / from;
    assert_eq!((x.len(), y.len()), (images * from, images * to), "input and output");
    let keep = !places.is_empty();
    let (y, places) = (Pieces::new(y), Pieces::new(bytes_mut(places)));
    for_each_task(images, x.len(), |image| {
        let (x, outputs) = (&x[image * from..(image + 1) * from], image * to..(image + 1) * to);
        // SAFETY: each task takes its own image.
        let (y, places) = unsafe { (y.piece(outputs.clone()), places.piece(if keep { outputs } else { 0..0 })) };
        look(image, x);
        forward_image(pooled, x, y, places);
    });
}

/// [`forward`] for one image on this thread; `places` holds one byte an output, or none.
pub(super) fn forward_image(pooled: Pooled<'_>, x: &[f32], y: &mut [f32], places: &mut [u8]) {
    assert!(pooled.windows.is_pairs(), "{:?}", pooled.windows);
    assert_eq!((x.len(), y.len()), (pooled.windows.input_length(), pooled.windows.output_length()), "one image");
    assert!(places.is_empty() || places.len() == y.len(), "places");
    pooled.function.visit(Forward { pooled, x, y, places });
}

struct Forward<'a> {
    pooled: Pooled<'a>,
    x: &'a [f32],
    y: &'a mut [f32],
    places: &'a mut [u8],
}

impl Visitor for Forward<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        let Forward { pooled: Pooled { windows, table, .. }, x, y, places } = self;
        let channels = windows.channels;
        simd::level().run(
            #[inline(always)]
            || {
                for_each_window(
                    windows,
                    0..windows.output[0],
                    #[inline(always)]
                    |starts, start| {
                        let y = &mut y[start..start + channels];
                        if places.is_empty() {
                            pool_window::<F, false>((function, table), (x, starts), y, &mut []);
                        } else {
                            pool_window::<F, true>(
                                (function, table),
                                (x, starts),
                                y,
                                &mut places[start..start + channels],
                            );
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
    (function, table): (F, &[f32]),
    (x, [left, right, lower_left, lower_right]): (&[f32], [usize; PLACES]),
    y: &mut [f32],
    places: &mut [u8],
) {
    let channels = y.len();
    let part = |start: usize| &x[start..start + channels];
    let (left, right, lower_left, lower_right) = (part(left), part(right), part(lower_left), part(lower_right));
    let row = |index: usize| &table[index * channels..(index + 1) * channels];
    let (center, factor, offset) = (row(0), row(1), row(2));
    for channel in 0..channels {
        let activated = |x: f32| function.value((x - center[channel]) * factor[channel] + offset[channel]);
        let best = (activated(left[channel]), 0);
        let best = larger(best, (activated(right[channel]), 1));
        let best = larger(best, (activated(lower_left[channel]), 2));
        let best = larger(best, (activated(lower_right[channel]), 3));
        y[channel] = best.0;
        if KEEP {
            places[channel] = best.1 as u8;
        }
    }
}

/// The first of equal values, NaN before everything.
#[inline(always)]
fn larger(best: (f32, u32), next: (f32, u32)) -> (f32, u32) {
    let better = (next.0 > best.0) | next.0.is_nan();
    (if better { next.0 } else { best.0 }, if better { next.1 } else { best.1 })
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
    let floats = 4 * windows.output[1] * windows.channels;
    Records::per_image(images, (windows.output[0], floats), 2 * windows.channels)
}

/// Multiplies `dy` by the activation's derivative at each maximum, in place, and sums it up, and `dy * (x - center)`
/// with it, in records `[2, channels]` ([`gradient_records`]).
pub(super) fn gradient_sums(
    pooled: Pooled<'_>,
    (dy, places): (&mut [f32], &[f32]),
    x: &[f32],
    records: &mut [f32],
) -> usize {
    let images = dy.len() / pooled.windows.output_length();
    assert_eq!(x.len(), images * pooled.windows.input_length(), "input");
    pooled.function.visit(GradientSums { pooled, dy, places: bytes(places), x, records })
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
        let GradientSums { pooled: Pooled { windows, table, .. }, dy, places, x, records } = self;
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
            simd::level().run(
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
                                let dy = &mut dy[at..at + step];
                                if step == LANES {
                                    sum_window::<LANES, F>(
                                        function,
                                        (table, channel),
                                        (x, starts),
                                        (dy, &places[at..]),
                                        &mut sums,
                                    );
                                } else {
                                    sum_window::<1, F>(
                                        function,
                                        (table, channel),
                                        (x, starts),
                                        (dy, &places[at..]),
                                        &mut sums,
                                    );
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

#[inline(always)]
fn sum_window<const N: usize, F: Elementwise>(
    function: F,
    (table, channel): (&[f32], usize),
    (x, starts): (&[f32], [usize; PLACES]),
    (dy, places): (&mut [f32], &[u8]),
    sums: &mut [[f32; LANES]; 2],
) {
    let [center, factor, offset] = rows_of_table::<N>(table, channel);
    let x = chosen(window::<N>(x, starts, channel), block::<N, _>(places, 0));
    let dy = block_mut::<N, _>(dy, 0);
    for lane in 0..N {
        let deviation = x[lane] - center[lane];
        let gradient = dy[lane] * function.derivative(deviation * factor[lane] + offset[lane]);
        dy[lane] = gradient;
        sums[0][lane] += gradient;
        sums[1][lane] += gradient * deviation;
    }
}

/// Row `y` of the gradient by `x` of one image, `[width, channels]`. `dy` is what [`gradient_sums`] left of the image,
/// `table` `[BACKWARD_TABLE, channels]`.
pub(super) fn input_gradient_row(
    (windows, y): (&PoolShape, usize),
    (dy, places): (&[f32], &[u8]),
    (x, table): (&[f32], &[f32]),
    dx: &mut [f32],
) {
    let channels = windows.channels;
    let row_length = windows.input[1] * channels;
    assert_eq!((dy.len(), x.len()), (windows.output_length(), windows.input_length()), "one image");
    assert_eq!((places.len(), table.len()), (dy.len(), BACKWARD_TABLE * channels), "places and table");
    assert_eq!(dx.len(), row_length, "a row");
    let x = &x[y * row_length..(y + 1) * row_length];
    let covered = if y / 2 < windows.output[0] { windows.output[1] } else { 0 };
    let pooled = (y / 2) * windows.output[1] * channels;
    simd::level().run(
        #[inline(always)]
        || {
            for column in 0..covered {
                let from = pooled + column * channels..pooled + (column + 1) * channels;
                for side in 0..2 {
                    let at = (2 * column + side) * channels..(2 * column + side + 1) * channels;
                    let place = (2 * (y % 2) + side) as u8;
                    scatter(place, (&dy[from.clone()], &places[from.clone()]), (&x[at.clone()], table), &mut dx[at]);
                }
            }
            let rest = 2 * covered * channels..;
            batch::apply_constant_gradient(&x[rest.clone()], table, &mut dx[rest]);
        },
    );
}

/// The gradient by the values at one place of a window.
#[inline(always)]
fn scatter(place: u8, (dy, places): (&[f32], &[u8]), (x, table): (&[f32], &[f32]), dx: &mut [f32]) {
    let channels = x.len();
    let part = |index: usize| &table[index * channels..(index + 1) * channels];
    let (center, factor, slope, constant) = (part(0), part(1), part(2), part(3));
    let (dy, places, dx) = (&dy[..channels], &places[..channels], &mut dx[..channels]);
    for c in 0..channels {
        let gradient = if places[c] == place { dy[c] } else { 0.0 };
        dx[c] = gradient * factor[c] + ((x[c] - center[c]) * slope[c] + constant[c]);
    }
}

/// The gradient by `x` of all images: [`input_gradient_row`] for every row.
pub(super) fn input_gradient(
    windows: &PoolShape,
    (dy, places): (&[f32], &[f32]),
    (x, table): (&[f32], &[f32]),
    dx: &mut [f32],
) {
    let (from, to) = (windows.input_length(), windows.output_length());
    let (images, row) = (x.len() / from, windows.input[1] * windows.channels);
    assert_eq!((x.len(), dy.len()), (dx.len(), images * to), "gradients and input");
    let (places, dx) = (bytes(places), Pieces::new(dx));
    for_each_task(images, x.len(), |image| {
        let outputs = image * to..(image + 1) * to;
        let (dy, places) = (&dy[outputs.clone()], &places[outputs]);
        // SAFETY: each task takes its own image.
        let dx = unsafe { dx.piece(image * from..(image + 1) * from) };
        for (y, dx) in dx.chunks_exact_mut(row).enumerate() {
            input_gradient_row((windows, y), (dy, places), (&x[image * from..(image + 1) * from], table), dx);
        }
    });
}

/// The places of one image among those of all, one byte an output.
pub(super) fn places_of<'a>(windows: &PoolShape, places: &'a [f32], image: usize) -> &'a [u8] {
    let length = windows.output_length();
    &bytes(places)[image * length..(image + 1) * length]
}
