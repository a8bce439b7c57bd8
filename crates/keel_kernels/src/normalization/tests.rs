//! Chunk functions against plain loops in double precision.

use keel_testkit::{Tolerance, assert_close, deterministic_values};

use super::moments::{RECORD, chunk_moments, combine, record_chunk};
use super::tail::{Extra, Hidden, Tail, TailGradient, TailInput, TailInputGradient, TailOutput};
use super::{Affine, AffineGradient, batch};
use crate::activation::{self, Function};
use crate::columns;
use crate::columns::{PairSums, RowPair};
use crate::pooling::PoolShape;
use crate::scratch::Scratch;
use crate::simd::SimdLevel;
use crate::statistics::{Limits, SAMPLED_IMAGES, Signal, UnitCounts, signal};

const SHAPES: [(usize, usize); 12] =
    [(1, 1), (2, 1), (33, 1), (1025, 1), (7, 3), (200, 3), (64, 8), (37, 17), (65, 31), (19, 32), (9, 100), (3, 512)];

fn plain_moments(x: &[f32], channels: usize, channel: usize) -> (f64, f64) {
    let values: Vec<f64> = x.iter().skip(channel).step_by(channels).map(|&value| f64::from(value)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    (mean, variance)
}

#[test]
fn moments_of_a_chunk_are_right_far_from_zero_at_every_level() {
    for level in SimdLevel::available() {
        for (rows, channels) in SHAPES {
            for offset in [0.0, 1e4, -3e5] {
                let x: Vec<f32> =
                    deterministic_values(1, rows * channels, -2.0, 2.0).iter().map(|value| value + offset).collect();
                let mut record = vec![f32::NAN; RECORD * channels];
                level.run(
                    #[inline(always)]
                    || record_chunk(&x, channels, &mut record),
                );
                for channel in 0..channels {
                    let (mean, variance) = plain_moments(&x, channels, channel);
                    let moments = chunk_moments(&record, channel, rows);
                    let what = format!("{} {rows}x{channels} + {offset}, channel {channel}", level.name());
                    assert!((moments.mean - mean).abs() <= 1e-6, "{what}: mean {} not {mean}", moments.mean);
                    let wrong = (moments.variance - variance).abs() > 2e-6 * variance + 1e-9;
                    assert!(!wrong, "{what}: variance {} not {variance}", moments.variance);
                }
            }
        }
    }
}

#[test]
fn an_outlier_in_the_first_row_does_not_spoil_the_rest() {
    let mut x = deterministic_values(3, 1000, -1.0, 1.0);
    x[0] = 1e6;
    let mut record = [0.0; RECORD];
    record_chunk(&x, 1, &mut record);
    let (mean, variance) = plain_moments(&x, 1, 0);
    let moments = chunk_moments(&record, 0, 1000);
    assert!((moments.mean / mean - 1.0).abs() < 1e-5 && (moments.variance / variance - 1.0).abs() < 1e-5);
}

#[test]
fn combining_parts_equals_the_whole_and_not_a_number_stays() {
    let x = deterministic_values(5, 301, 9_999.0, 10_001.0);
    let parts = x.chunks(64).map(|part| {
        let (mean, variance) = plain_moments(part, 1, 0);
        (part.len(), super::moments::Moments { mean, variance })
    });
    let whole = combine(parts);
    let (mean, variance) = plain_moments(&x, 1, 0);
    assert!((whole.mean - mean).abs() < 1e-9 && (whole.variance - variance).abs() < 1e-9);

    let mut statistics = [0.0; batch::STATISTICS];
    let mut records = vec![0.0; batch::records(3, 1).length()];
    for simd in SimdLevel::available() {
        batch::statistics(simd, &[1.0, f32::NAN, 2.0], 1e-5, &mut statistics, Scratch(&mut records));
        assert!(statistics.iter().all(|value| value.is_nan()), "{}: {statistics:?}", simd.name());
    }
}

#[test]
fn maps_and_sums_equal_plain_loops_at_every_level() {
    for simd in SimdLevel::available() {
        SHAPES.into_iter().for_each(|(rows, channels)| check_columns(simd, rows, channels));
    }
}

fn check_columns(simd: SimdLevel, rows: usize, channels: usize) {
    let length = rows * channels;
    let (a, x) = (deterministic_values(11, length, -1.0, 1.0), deterministic_values(12, length, -1.0, 1.0));
    let tables: Vec<Vec<f32>> = (0..4).map(|seed| deterministic_values(20 + seed, channels, -1.0, 1.0)).collect();
    let mut y = vec![f32::NAN; length];
    let map = |a: f32, x: f32, [p, q, r, s]: [f32; 4]| a * p + (x - q) * r + s;
    let pair = RowPair { x: &x, other: &a };
    simd.run(
        #[inline(always)]
        || columns::map_columns(pair, [&tables[0], &tables[1], &tables[2], &tables[3]], map, &mut y),
    );
    let expected: Vec<f32> =
        (0..length).map(|i| map(a[i], x[i], [0, 1, 2, 3].map(|table: usize| tables[table][i % channels]))).collect();
    assert_close(&y, &expected, Tolerance::TIGHT, &format!("map {rows}x{channels}, {}", simd.name()));

    let (mut first, mut second) = (vec![f32::NAN; channels], vec![f32::NAN; channels]);
    let terms = |a: f32, x: f32, [center]: [f32; 1]| [a, a * (x - center)];
    let sums = PairSums { first: &mut first, second: &mut second };
    simd.run(
        #[inline(always)]
        || columns::paired_sums(pair, [&tables[0]], terms, sums),
    );
    for c in 0..channels {
        let indices = (c..length).step_by(channels);
        let one: f64 = indices.clone().map(|i| f64::from(a[i])).sum();
        let two: f64 = indices.map(|i| f64::from(a[i]) * (f64::from(x[i]) - f64::from(tables[0][c]))).sum();
        let tolerance = Tolerance::new(1e-5, 1e-5);
        let what = format!("{rows}x{channels}, {}", simd.name());
        assert!(tolerance.accepts(f64::from(first[c]), one), "{what}: {} not {one}", first[c]);
        assert!(tolerance.accepts(f64::from(second[c]), two), "{what}: {} not {two}", second[c]);
    }
}

/// Statistics of a hidden activation, and how often each unit was active and saturated.
#[derive(Clone, Debug, PartialEq)]
struct Measured {
    signal: Signal,
    counts: Vec<[u32; 2]>,
}

/// Computes the statistics of the activation before pooling, of every measured image, with plain loops.
fn plain_activation(tail: &Tail, limits: Limits, x: &[f32], table: &[f32]) -> Measured {
    let windows = *tail.windows().unwrap();
    let (image, channels) = (windows.input_length(), windows.channels);
    let sampled: Vec<f32> = x.chunks(image).step_by(SAMPLED_IMAGES).flatten().copied().collect();
    let values = sampled.iter().enumerate().map(|(index, x)| {
        let c = index % channels;
        (x - table[c]) * table[channels + c] + table[2 * channels + c]
    });
    let mut y = vec![0.0; sampled.len()];
    activation::forward(SimdLevel::Scalar, tail.function, &values.collect::<Vec<f32>>(), &mut y);
    let mut counts = vec![[0, 0]; channels];
    for (index, value) in y.iter().enumerate() {
        counts[index % channels][0] += u32::from(*value > 0.0);
        counts[index % channels][1] += u32::from(*value < limits.low || *value > limits.high);
    }
    Measured { signal: signal(SimdLevel::Scalar, &y, limits, &mut Vec::new()), counts }
}

/// A norm over images with pooling, on inputs that may contain non-finite values.
struct HiddenCase {
    images: usize,
    input: [usize; 2],
    channels: usize,
    function: Function,
    limits: Limits,
    is_finite: bool,
}

impl HiddenCase {
    fn tail(&self) -> Tail {
        let windows = PoolShape {
            input: self.input,
            channels: self.channels,
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
            output: self.input.map(|size| size / 2),
        };
        Tail { function: self.function, extra: Extra::Pooling(windows) }
    }

    fn check(&self, simd: SimdLevel) {
        let (tail, channels) = (self.tail(), self.channels);
        let windows = *tail.windows().unwrap();
        let mut x = deterministic_values(7, self.images * windows.input_length(), -2.0, 2.0);
        if !self.is_finite {
            let last = x.len() - 1;
            (x[0], x[last / 2], x[last]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
        }
        let table = deterministic_values(8, batch::FORWARD_TABLE * channels, 0.5, 1.5);
        let input = TailInput { simd, x: &x, shortcut: &[], table: &table };
        let buffers = || (vec![0.0; self.images * windows.output_length()], vec![0; tail.places_length(self.images)]);
        let (mut plain_y, mut plain_places) = buffers();
        tail.forward(input, TailOutput { y: &mut plain_y, places: &mut plain_places });
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (mut y, mut places) = buffers();
                let (mut units, mut parts) = (UnitCounts::new(channels), Vec::new());
                let hidden = Hidden { units: &mut units, limits: self.limits, parts: &mut parts };
                let output = TailOutput { y: &mut y, places: &mut places };
                let signal = tail.forward_measured(input, output, hidden);
                let fired: Vec<u32> = units.fired().collect();
                let counts: Vec<[u32; 2]> = fired.into_iter().zip(units.saturated()).map(<[u32; 2]>::from).collect();
                assert!(y.iter().zip(&plain_y).all(|(one, two)| one.to_bits() == two.to_bits()), "output");
                assert_eq!(places, plain_places, "places");
                Measured { signal, counts }
            })
        };
        let (measured, expected) = (run(1), plain_activation(&tail, self.limits, &x, &table));
        let what = format!(
            "{} images {:?} of {channels} channels, {:?}, {}, {}",
            self.images,
            self.input,
            self.function,
            self.is_finite,
            simd.name()
        );
        assert_eq!(measured.counts, expected.counts, "{what}");
        let (signal, plain) = (measured.signal, expected.signal);
        assert!((signal.mean - plain.mean).abs() < 1e-5, "{what}: {signal:?} {plain:?}");
        assert!((signal.variance / plain.variance - 1.0).abs() < 1e-5, "{what}: {signal:?} {plain:?}");
        let rest = |signal: Signal| Signal { mean: 0.0, variance: 0.0, ..signal };
        assert_eq!(rest(signal), rest(plain), "{what}");
        assert_eq!(run(2), measured, "{what}");
    }
}

#[test]
fn what_pooling_hides_is_measured_on_the_way_and_changes_no_bit() {
    let saturating = Limits { low: -0.97, high: 0.97 };
    let cases = [
        (1, [2, 2], 1, Function::Relu, Limits::NONE),
        (9, [6, 8], 3, Function::Tanh, saturating),
        (17, [4, 4], 37, Function::Relu, Limits::NONE),
        (16, [32, 32], 32, Function::Relu, Limits::NONE),
    ];
    for (images, input, channels, function, limits) in cases {
        for is_finite in [true, false] {
            let case = HiddenCase { images, input, channels, function, limits, is_finite };
            SimdLevel::available().into_iter().for_each(|simd| case.check(simd));
        }
    }
}

/// A batch norm with its tail, forward and backward with plain loops in double precision.
struct PlainNorm<'a> {
    tail: &'a Tail,
    images: usize,
    positions: usize,
    channels: usize,
    x: &'a [f32],
    shortcut: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
}

const EPSILON: f32 = 1e-3;

/// Results of both directions.
#[derive(Default)]
struct PlainResults {
    y: Vec<f64>,
    grad_x: Vec<f64>,
    grad_shortcut: Vec<f64>,
    grad_scale: Vec<f64>,
    grad_shift: Vec<f64>,
}

impl PlainNorm<'_> {
    fn run(&self, dy: &[f32]) -> PlainResults {
        let (channels, rows) = (self.channels, (self.images * self.positions) as f64);
        let moments: Vec<(f64, f64)> = (0..channels).map(|c| plain_moments(self.x, channels, c)).collect();
        let inverse: Vec<f64> = moments.iter().map(|(_, v)| 1.0 / (v + f64::from(EPSILON)).sqrt()).collect();
        let normalized = |i: usize| (f64::from(self.x[i]) - moments[i % channels].0) * inverse[i % channels];
        let before = |i: usize| {
            let (scale, shift) = (f64::from(self.scale[i % channels]), f64::from(self.shift[i % channels]));
            normalized(i) * scale + shift + self.shortcut.get(i).map_or(0.0, |value| f64::from(*value))
        };
        let value = |i: usize| f64::from(self.tail.function.value(before(i) as f32));
        let slope = |i: usize| f64::from(self.tail.function.derivative(before(i) as f32));
        let mut results = PlainResults::default();
        // Input that each output depends on.
        let sources: Vec<usize> = match self.tail.windows() {
            None => (0..self.x.len()).collect(),
            Some(windows) => {
                (0..self.images * windows.output_length()).map(|o| self.largest(windows, o, &value)).collect()
            }
        };
        results.y = sources.iter().map(|&i| value(i)).collect();
        let mut gradient = vec![0.0; self.x.len()];
        sources.iter().zip(dy).for_each(|(&i, dy)| gradient[i] += f64::from(*dy) * slope(i));
        let total = |c: usize, of: &dyn Fn(usize) -> f64| (c..self.x.len()).step_by(channels).map(of).sum::<f64>();
        results.grad_shift = (0..channels).map(|c| total(c, &|i| gradient[i])).collect();
        results.grad_scale = (0..channels).map(|c| total(c, &|i| gradient[i] * normalized(i))).collect();
        let dx = |i: usize| {
            let c = i % channels;
            let mean = results.grad_shift[c] / rows + normalized(i) * results.grad_scale[c] / rows;
            f64::from(self.scale[c]) * inverse[c] * (gradient[i] - mean)
        };
        results.grad_x = (0..self.x.len()).map(dx).collect();
        results.grad_shortcut = gradient;
        results
    }

    /// Returns the first input with the maximum value under the window of output `o`.
    fn largest(&self, windows: &PoolShape, o: usize, value: &dyn Fn(usize) -> f64) -> usize {
        let (image, within) = (o / windows.output_length(), o % windows.output_length());
        let (position, channel) = (within / self.channels, within % self.channels);
        let starts = windows.pair_starts(position / windows.output[1], position % windows.output[1]);
        let places = starts.map(|start| image * windows.input_length() + start + channel);
        places.into_iter().reduce(|best, next| if value(next) > value(best) { next } else { best }).unwrap()
    }
}

#[test]
fn norms_with_every_tail_equal_plain_loops_both_ways_at_every_level() {
    for (images, [height, width], channels) in
        [(1, [2, 2], 1), (3, [5, 4], 3), (2, [4, 7], 8), (2, [6, 6], 17), (3, [4, 4], 33), (1, [3, 9], 40)]
    {
        let windows = PoolShape {
            input: [height, width],
            channels,
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
            output: [height / 2, width / 2],
        };
        for extra in [Extra::None, Extra::Shortcut, Extra::Pooling(windows)] {
            for function in [Function::Identity, Function::Tanh] {
                let tail = Tail { function, extra };
                SimdLevel::available().into_iter().for_each(|simd| check_tail(simd, &tail, images, windows));
            }
        }
    }
}

fn check_tail(simd: SimdLevel, tail: &Tail, images: usize, windows: PoolShape) {
    let (channels, positions) = (windows.channels, windows.input[0] * windows.input[1]);
    let length = images * positions * channels;
    let x = deterministic_values(31, length, 1.0, 4.0);
    let shortcut = deterministic_values(32, if tail.adds() { length } else { 0 }, -1.0, 1.0);
    let (scale, shift) = (deterministic_values(33, channels, 0.5, 1.5), deterministic_values(34, channels, -1.0, 1.0));
    let outputs = if tail.windows().is_some() { images * windows.output_length() } else { length };
    let dy = deterministic_values(35, outputs, -1.0, 1.0);
    let plain =
        PlainNorm { tail, images, positions, channels, x: &x, shortcut: &shortcut, scale: &scale, shift: &shift };
    let expected = plain.run(&dy);
    let what = format!("{} {images} x {windows:?} {tail:?}", simd.name());
    let near = |part: &str, actual: &[f32], expected: &[f64]| {
        assert_eq!(actual.len(), expected.len(), "{what}: {part}");
        let largest = expected.iter().fold(1.0, |largest: f64, value| largest.max(value.abs()));
        for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            let difference = (f64::from(*actual) - expected).abs();
            assert!(difference <= 2e-4 * largest, "{what}: {part} [{index}]: {actual} not {expected}");
        }
    };

    let affine = Affine { scale: &scale, shift: &shift };
    let sizes = super::records::ImageRows { images, rows: positions, row_length: channels };
    let mut records = vec![f32::NAN; tail.records_length(sizes)];
    let mut statistics = vec![f32::NAN; batch::STATISTICS * channels];
    let mut table = vec![f32::NAN; batch::FORWARD_TABLE * channels];
    batch::statistics(simd, &x, EPSILON, &mut statistics, Scratch(&mut records));
    batch::forward_table(&statistics, affine, &mut table);
    let (mut y, mut places) = (vec![f32::NAN; outputs], vec![0; tail.places_length(images)]);
    let input = TailInput { simd, x: &x, shortcut: &shortcut, table: &table };
    tail.forward(input, TailOutput { y: &mut y, places: &mut places });
    near("output", &y, &expected.y);
    let (image, result) = (positions * channels, outputs / images);
    for (index, y) in y.chunks_exact(result).enumerate() {
        let (mut alone, part) = (vec![f32::NAN; result], index * image..(index + 1) * image);
        let shortcut = shortcut.get(part.clone()).unwrap_or_default();
        tail.forward_image(TailInput { x: &x[part], shortcut, ..input }, &mut alone);
        assert_eq!(alone, y, "{what}: image {index}");
    }

    let read = TailGradient { simd, x: &x, y: &y, places: &places, table: &table };
    let mut gradient = dy.clone();
    let used = tail.gradient_sums(&mut gradient, read, &mut records);
    if tail.adds() {
        near("shortcut gradient", &gradient, &expected.grad_shortcut);
    }
    let rows = images * positions;
    let sums =
        batch::BackwardSums { records: &records[..used], rows, whole: &[], statistics: &statistics, scale: &scale };
    let (mut grad_scale, mut grad_shift) = (vec![f32::NAN; channels], vec![f32::NAN; channels]);
    let mut backward = vec![f32::NAN; batch::BACKWARD_TABLE * channels];
    batch::backward_table(sums, AffineGradient { scale: &mut grad_scale, shift: &mut grad_shift }, &mut backward);
    near("scale gradient", &grad_scale, &expected.grad_scale);
    near("shift gradient", &grad_shift, &expected.grad_shift);
    let given = TailInputGradient { read, dy: &gradient, backward: &backward };
    let mut grad_x = vec![f32::NAN; length];
    tail.input_gradient(given, &mut grad_x);
    near("input gradient", &grad_x, &expected.grad_x);
    let row_length = windows.input[1] * channels;
    for (index, whole) in grad_x.chunks_exact(row_length).enumerate() {
        let (image, y) = (index / windows.input[0], index % windows.input[0]);
        let mut row = vec![f32::NAN; row_length];
        let place = super::tail::ImageRow { image, y, image_length: positions * channels };
        tail.input_gradient_row(given, place, &mut row);
        assert_eq!(row, whole, "{what}: row {index}");
    }
}
