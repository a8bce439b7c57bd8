use super::*;
use crate::simd::SimdLevel;

const LENGTHS: [usize; 9] = [1, 2, 31, 33, 97, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 17];

/// Returns values around `offset` with some zeros, and non-finite ones at every `bad`-th position if that is not 0.
fn values(length: usize, offset: f32, bad: usize) -> Vec<f32> {
    let bad_values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let value = |index: usize| match index {
        _ if bad > 0 && index % bad == bad - 1 => bad_values[index / bad % 3],
        _ if index % 5 == 3 => 0.0,
        _ => offset + ((index * 7919 % 1009) as f32 / 500.0 - 1.0),
    };
    (0..length).map(value).collect()
}

fn reference(values: &[f32], limits: Limits) -> Signal {
    let finite: Vec<f64> = values.iter().filter(|value| value.is_finite()).map(|&value| f64::from(value)).collect();
    let count = finite.len().max(1) as f64;
    let mean = finite.iter().sum::<f64>() / count;
    let variance = finite.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let outside = |value: &&f32| value.is_finite() && (**value < limits.low || **value > limits.high);
    let infinite_outside = values.iter().filter(|value| value.is_infinite());
    let infinite_outside = infinite_outside.filter(|value| **value < limits.low || **value > limits.high).count();
    Signal {
        count: values.len() as u64,
        mean,
        variance,
        range: finite
            .iter()
            .copied()
            .map(|value| (value as f32, value as f32))
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))),
        zeros: Some(values.iter().filter(|value| **value == 0.0).count() as u64),
        saturated: Some((values.iter().filter(outside).count() + infinite_outside) as u64),
        non_finite: values.iter().filter(|value| !value.is_finite()).count() as u64,
    }
}

fn assert_same(actual: Signal, expected: Signal, case: &str) {
    let close = |a: f64, b: f64, scale: f64| (a - b).abs() <= 2e-5 * scale;
    let scale = expected.variance.max(1e-12);
    assert!(
        close(actual.variance, expected.variance, scale),
        "{case}: variance {} {}",
        actual.variance,
        expected.variance
    );
    assert!(
        close(actual.mean, expected.mean, scale.sqrt().max(expected.mean.abs())),
        "{case}: {} {}",
        actual.mean,
        expected.mean
    );
    let rest = |signal: Signal| Signal { mean: 0.0, variance: 0.0, ..signal };
    assert_eq!(rest(actual), rest(expected), "{case}");
}

#[test]
fn signals_agree_with_the_plain_formula() {
    let mut parts = Vec::new();
    let limits = Limits { low: -0.5, high: 0.75 };
    for length in LENGTHS {
        for (offset, bad) in [(0.0, 0), (0.0, 7), (10_000.0, 0), (-3.0, 13)] {
            let values = values(length, offset, bad);
            let expected = reference(&values, limits);
            for simd in SimdLevel::available() {
                let actual = signal(simd, &values, limits, &mut parts);
                assert_same(actual, expected, &format!("{} {length} {offset} {bad}", simd.name()));
            }
        }
    }
}

#[test]
fn nothing_finite_and_enormous_values_are_told_apart() {
    let mut parts = Vec::new();
    for simd in SimdLevel::available() {
        let nothing = signal(simd, &[f32::NAN; 5], Limits::NONE, &mut parts);
        assert_eq!((nothing.count, nothing.non_finite, nothing.range), (5, 5, None), "{simd:?}");
        let enormous = signal(simd, &[3e38, -3e38, 3e38, -3e38], Limits::NONE, &mut parts);
        assert_eq!(enormous.non_finite, 0, "{simd:?}");
        assert!((enormous.std() / 3e38 - 1.0).abs() < 1e-6, "{simd:?}: {}", enormous.std());
        assert_eq!(signal(simd, &[], Limits::NONE, &mut parts).count, 0, "{simd:?}");
    }
}

#[test]
fn units_are_counted_exactly() {
    let mut parts = Vec::new();
    let limits = Limits { low: -0.4, high: 0.4 };
    for units in [1, 2, 3, 7, 10, 16, 31, 32, 33, 64, 129] {
        for rows in [1, 2, 5, 64, 4 * CHUNK / units + 3] {
            let values = values(rows * units, 0.1, 11);
            let expected = reference(&values, limits);
            let count = |unit: usize, holds: &dyn Fn(f32) -> bool| {
                values.iter().skip(unit).step_by(units).filter(|value| holds(**value)).count() as u32
            };
            let fired: Vec<u32> = (0..units).map(|unit| count(unit, &|value| value > 0.0)).collect();
            let saturated: Vec<u32> = (0..units)
                .map(|unit| count(unit, &|value| !(-0.4..=0.4).contains(&value) && !value.is_nan()))
                .collect();
            for simd in SimdLevel::available() {
                let what = format!("{rows} rows of {units}, {}", simd.name());
                let mut counts = UnitCounts::new(units);
                assert_same(activation_signal(simd, &values, limits, &mut counts, &mut parts), expected, &what);
                assert_eq!(counts.fired().collect::<Vec<_>>(), fired, "{what}");
                assert_eq!(counts.saturated().collect::<Vec<_>>(), saturated, "{what}");
                assert_eq!(counts.observations(), rows as u64, "{what}");
            }
        }
    }
}

#[test]
fn gradients_of_any_size_keep_their_norm() {
    let mut parts = Vec::new();
    for length in LENGTHS {
        for scale in [1e-30f32, 1e-5, 1.0, 1e25] {
            let mut values: Vec<f32> = values(length, 0.0, 0).iter().map(|value| value * scale).collect();
            let expected: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
            let largest = values.iter().fold(0.0f32, |max, value| max.max(value.abs()));
            values.push(f32::NAN);
            for simd in SimdLevel::available() {
                let measured = gradient(simd, &values, &mut parts);
                let what = format!("{length} {scale} {}: {} {expected}", simd.name(), measured.squares);
                assert!((measured.squares - expected).abs() <= 1e-5 * expected, "{what}");
                let counted = (measured.max_abs, measured.non_finite, measured.count);
                assert_eq!(counted, (Some(largest), 1, length as u64 + 1), "{what}");
                assert!((measured.rms() - (expected / length as f64).sqrt()).abs() <= 1e-5 * measured.rms(), "{what}");
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let values = values(9 * CHUNK + 5, 0.3, 101);
    let whole = values.len() / 24 * 24;
    let run = |simd: SimdLevel, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut counts = UnitCounts::new(24);
            let activation = activation_signal(simd, &values[..whole], Limits::NONE, &mut counts, &mut Vec::new());
            let plain = signal(simd, &values, Limits::NONE, &mut Vec::new());
            (activation, plain, gradient(simd, &values, &mut Vec::new()), counts.fired().collect::<Vec<_>>())
        })
    };
    for simd in SimdLevel::available() {
        let one = run(simd, 1);
        for threads in [2, 3, 5] {
            assert_eq!(run(simd, threads), one, "{threads} threads, {}", simd.name());
        }
    }
}

#[test]
fn signs_agree_only_where_a_unit_has_one_sign() {
    // Columns: all positive, mixed, all zero, negative with zeros.
    let gradient = [1.0, 1.0, 0.0, -1.0, 2.0, -1.0, 0.0, 0.0, 3.0, 2.0, 0.0, -2.0];
    let mut counts = SignCounts::new(64);
    let tall: Vec<f32> =
        (0..50_000 * 3).map(|index| if index % 3 == 1 && index % 2 == 0 { -1.0 } else { 0.5 }).collect();
    // Every third column changes its sign with the row: the number of units gives blocks of every width and a remainder.
    let wide = |units: usize, rows: usize| -> Vec<f32> {
        let sign = |index: usize| if index % units % 3 == 1 && (index / units).is_multiple_of(2) { -1.0 } else { 0.5 };
        (0..rows * units).map(sign).collect()
    };
    for simd in SimdLevel::available() {
        assert_eq!(sign_agreement(simd, &gradient, 4, 0.9, &mut counts), 2.0 / 3.0, "{simd:?}");
        assert_eq!(sign_agreement(simd, &[0.0; 6], 2, 0.9, &mut counts), 0.0, "{simd:?}");
        assert_eq!(sign_agreement(simd, &tall, 3, 0.9, &mut counts), 2.0 / 3.0, "{simd:?}");
        for (units, rows) in [(5, 2), (7, 100), (33, 40), (50, 3001)] {
            let mixed = (0..units).filter(|unit| unit % 3 == 1).count() as f64;
            let share = sign_agreement(simd, &wide(units, rows), units, 0.9, &mut counts);
            assert_eq!(share, (units as f64 - mixed) / units as f64, "{simd:?} {units} {rows}");
        }
    }
}

#[test]
#[should_panic(expected = "5 units, counts of 3")]
fn more_units_than_counts_are_refused() {
    sign_agreement(SimdLevel::Scalar, &[1.0; 10], 5, 0.9, &mut SignCounts::new(3));
}

#[test]
#[should_panic(expected = "7 values of 2 units")]
fn half_a_row_of_units_is_refused() {
    activation_signal(SimdLevel::Scalar, &[1.0; 7], Limits::NONE, &mut UnitCounts::new(2), &mut Vec::new());
}

#[test]
fn histograms_keep_every_finite_value() {
    let mut counts = [0; 4];
    histogram(&[-5.0, 0.0, 0.24, 0.25, 0.6, 1.0, 7.0, f32::NAN, f32::INFINITY], 0.0..1.0, &mut counts);
    assert_eq!(counts, [3, 1, 1, 2]);
}

#[test]
fn channel_moments_add_up_to_those_of_the_tensor() {
    let signal = Signal::of_channels(ChannelMoments { means: &[1.0, 3.0], variances: &[1.0, 2.0] }, 10);
    assert_eq!((signal.count, signal.mean, signal.variance, signal.non_finite), (20, 2.0, 2.5, 0));
    let bad = ChannelMoments { means: &[f32::NAN, 3.0], variances: &[f32::NAN, 2.0] };
    assert_eq!(Signal::of_channels(bad, 10).non_finite, 1);
}
