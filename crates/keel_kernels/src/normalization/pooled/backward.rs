//! The gradient of a norm that is pooled: sums over the maxima, then the gradient of the norm's input, row by row.

use super::{Pooled, for_each_window};
use crate::activation::{Elementwise, Visitor};
use crate::normalization::batch::{self, BACKWARD_TABLE, FORWARD_TABLE, TableInput};
use crate::normalization::records::{ImageRows, Records};
use crate::parallel::{Pieces, for_each_task};
use crate::pooling::PoolShape;
use crate::pooling::pairs::{LANES, PairWindow, block, block_mut, chosen};
use crate::simd::SimdLevel;

/// Returns the layout of the records of [`gradient_sums`] for `images` images: bands of rows of the output.
pub(in crate::normalization) fn gradient_records(windows: &PoolShape, images: usize) -> Records {
    let row_length = 4 * windows.output[1] * windows.channels;
    Records::per_image(ImageRows { images, rows: windows.output[0], row_length }, 2 * windows.channels)
}

/// Multiplies `dy` by the activation's derivative at each maximum, in place, and sums it and `dy * (x - center)` in records
/// `[2, channels]` ([`gradient_records`]).
pub(in crate::normalization) fn gradient_sums(
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

/// Maxima of a window in some channels.
struct Maxima<'a> {
    /// Gradient of each maximum.
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

/// Computes the gradient with respect to the norm's input.
#[derive(Clone, Copy, Debug)]
pub(in crate::normalization) struct InputGradient<'a> {
    pub(in crate::normalization) simd: SimdLevel,
    pub(in crate::normalization) windows: &'a PoolShape,
    /// Backward table, `[BACKWARD_TABLE, channels]`.
    pub(in crate::normalization) backward: &'a [f32],
}

/// Operands of the backward pass: of one image, of all, or of some positions.
#[derive(Clone, Copy, Debug)]
pub(in crate::normalization) struct PooledGradient<'a> {
    /// Gradient of the pooled values, as left by [`gradient_sums`].
    pub(in crate::normalization) dy: &'a [f32],
    /// Position of each maximum.
    pub(in crate::normalization) places: &'a [u8],
    /// Input of the norm.
    pub(in crate::normalization) x: &'a [f32],
}

impl InputGradient<'_> {
    /// Computes row `y` of the gradient with respect to `x` of one image, `[width, channels]`.
    pub(in crate::normalization) fn row(self, image: PooledGradient<'_>, y: usize, dx: &mut [f32]) {
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

    /// Computes the gradient with respect to `x` of all images: [`InputGradient::row`] for every row.
    pub(in crate::normalization) fn images(self, batch: PooledGradient<'_>, dx: &mut [f32]) {
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
    /// Returns the operands of one image.
    pub(in crate::normalization) fn image(self, windows: &PoolShape, image: usize) -> Self {
        let (from, to) = (windows.input_length(), windows.output_length());
        let outputs = image * to..(image + 1) * to;
        PooledGradient {
            dy: &self.dy[outputs.clone()],
            places: &self.places[outputs],
            x: &self.x[image * from..(image + 1) * from],
        }
    }
}

/// Computes the gradient with respect to the values at one position of a window, `[channels]`.
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

/// Returns center, factor and offset of some channels.
#[inline(always)]
fn rows_of_table<const N: usize>(table: &[f32], channel: usize) -> [&[f32; N]; FORWARD_TABLE] {
    let channels = table.len() / FORWARD_TABLE;
    [block(table, channel), block(table, channels + channel), block(table, 2 * channels + channel)]
}
