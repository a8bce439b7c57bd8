//! Chunk functions against plain loops in double precision.

use keel_testkit::{Tolerance, assert_close, deterministic_values};

use super::moments::{RECORD, chunk_moments, combine, record_chunk};
use super::tail::{Extra, Hidden, Tail};
use super::{batch, columns};
use crate::activation::{self, Function};
use crate::pooling::PoolShape;
use crate::simd::Level;
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
    for level in Level::available() {
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
    batch::statistics(&[1.0, f32::NAN, 2.0], 1e-5, &mut statistics, &mut records);
    assert!(statistics.iter().all(|value| value.is_nan()), "{statistics:?}");
}

#[test]
fn maps_and_sums_equal_plain_loops() {
    for (rows, channels) in SHAPES {
        let length = rows * channels;
        let (a, x) = (deterministic_values(11, length, -1.0, 1.0), deterministic_values(12, length, -1.0, 1.0));
        let tables: Vec<Vec<f32>> = (0..4).map(|seed| deterministic_values(20 + seed, channels, -1.0, 1.0)).collect();
        let mut y = vec![f32::NAN; length];
        let map = |a: f32, x: f32, [p, q, r, s]: [f32; 4]| a * p + (x - q) * r + s;
        columns::map_columns((&a, &x), [&tables[0], &tables[1], &tables[2], &tables[3]], map, &mut y);
        let expected: Vec<f32> = (0..length)
            .map(|i| map(a[i], x[i], [0, 1, 2, 3].map(|table: usize| tables[table][i % channels])))
            .collect();
        assert_close(&y, &expected, Tolerance::TIGHT, &format!("map {rows}x{channels}"));

        let (mut first, mut second) = (vec![f32::NAN; channels], vec![f32::NAN; channels]);
        let terms = |a: f32, x: f32, [center]: [f32; 1]| [a, a * (x - center)];
        columns::paired_sums((&a, &x), [&tables[0]], terms, (&mut first, &mut second));
        for c in 0..channels {
            let indices = (c..length).step_by(channels);
            let one: f64 = indices.clone().map(|i| f64::from(a[i])).sum();
            let two: f64 = indices.map(|i| f64::from(a[i]) * (f64::from(x[i]) - f64::from(tables[0][c]))).sum();
            let tolerance = Tolerance::new(1e-5, 1e-5);
            assert!(tolerance.accepts(f64::from(first[c]), one), "{rows}x{channels}: {} not {one}", first[c]);
            assert!(tolerance.accepts(f64::from(second[c]), two), "{rows}x{channels}: {} not {two}", second[c]);
        }
    }
}

/// Statistics of the activation before pooling, of every image that is looked at, from plain loops.
fn plain_activation(x: &[f32], table: &[f32], (tail, limits): (&Tail, Limits)) -> (Signal, Vec<[u32; 2]>) {
    let windows = *tail.windows().unwrap();
    let (image, channels) = (windows.input_length(), windows.channels);
    let sampled: Vec<f32> = x.chunks(image).step_by(SAMPLED_IMAGES).flatten().copied().collect();
    let values = sampled.iter().enumerate().map(|(index, x)| {
        let c = index % channels;
        (x - table[c]) * table[channels + c] + table[2 * channels + c]
    });
    let mut y = vec![0.0; sampled.len()];
    activation::forward(tail.function, &values.collect::<Vec<f32>>(), &mut y);
    let mut counts = vec![[0, 0]; channels];
    for (index, value) in y.iter().enumerate() {
        counts[index % channels][0] += u32::from(*value > 0.0);
        counts[index % channels][1] += u32::from(*value < limits.low || *value > limits.high);
    }
    (signal(&y, limits, &mut Vec::new()), counts)
}

#[test]
fn what_pooling_hides_is_measured_on_the_way_and_changes_no_bit() {
    let cases = [
        (1, [2, 2], 1, Function::Relu, Limits::NONE),
        (9, [6, 8], 3, Function::Tanh, Limits { low: -0.97, high: 0.97 }),
        (17, [4, 4], 37, Function::Relu, Limits::NONE),
        (16, [32, 32], 32, Function::Relu, Limits::NONE),
    ];
    for ((images, input, channels, function, limits), bad) in
        cases.into_iter().flat_map(|case| [(case, false), (case, true)])
    {
        let windows = PoolShape {
            input,
            channels,
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
            output: input.map(|size| size / 2),
        };
        let tail = Tail { function, extra: Extra::Pooling(windows) };
        let mut x = deterministic_values(7, images * windows.input_length(), -2.0, 2.0);
        if bad {
            let last = x.len() - 1;
            (x[0], x[last / 2], x[last]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
        }
        let table = deterministic_values(8, batch::FORWARD_TABLE * channels, 0.5, 1.5);
        let plain = {
            let mut y = vec![0.0; images * windows.output_length()];
            let mut places = vec![0.0; tail.places_length(images)];
            tail.forward((&x, &[]), &table, &mut y, &mut places);
            (y, places)
        };
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut y = vec![0.0; images * windows.output_length()];
                let mut places = vec![0.0; tail.places_length(images)];
                let (mut units, mut parts) = (UnitCounts::new(channels), Vec::new());
                let hidden = Hidden { units: &mut units, limits, parts: &mut parts };
                let signal = tail.forward_measured(&x, &table, (&mut y, &mut places), hidden);
                let fired: Vec<u32> = units.fired().collect();
                let counts: Vec<[u32; 2]> = fired.into_iter().zip(units.saturated()).map(<[u32; 2]>::from).collect();
                assert!(y.iter().zip(&plain.0).all(|(one, two)| one.to_bits() == two.to_bits()), "output");
                assert!(places.iter().zip(&plain.1).all(|(one, two)| one.to_bits() == two.to_bits()), "places");
                (signal, counts)
            })
        };
        let (signal, counts) = run(1);
        let (expected, expected_counts) = plain_activation(&x, &table, (&tail, limits));
        let what = format!("{images} images {input:?} of {channels} channels, {function:?}, {bad}");
        assert_eq!(counts, expected_counts, "{what}");
        assert!((signal.mean - expected.mean).abs() < 1e-5, "{what}: {signal:?} {expected:?}");
        assert!((signal.variance / expected.variance - 1.0).abs() < 1e-5, "{what}: {signal:?} {expected:?}");
        assert_eq!(
            Signal { mean: 0.0, variance: 0.0, ..signal },
            Signal { mean: 0.0, variance: 0.0, ..expected },
            "{what}"
        );
        assert_eq!(run(2), (signal, counts), "{what}");
    }
}
