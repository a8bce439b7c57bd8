use super::super::steps::{ClipSpec, PcaSpec, PreprocessStep, WhitenSpec, ZcaSpec};
use super::*;
use crate::dataset::Targets;
use crate::random::{Purpose, normal, stream};
use proptest::prelude::*;

/// Slanted Gaussian cloud of `length` correlated features far from zero, optionally with one constant feature.
fn cloud(samples: usize, length: usize, seed: u64) -> Dataset {
    let mut stream = stream(seed, Purpose::Synthetic, 9, 0);
    let mut values = Vec::with_capacity(samples * length);
    for _ in 0..samples {
        let mut previous = 0.0;
        for feature in 0..length {
            previous = 0.6 * previous + normal(&mut stream);
            values.push((previous * (1.0 + feature as f64) + 50.0 * feature as f64 - 20.0) as f32);
        }
    }
    table(values, length)
}

fn table(values: Vec<f32>, length: usize) -> Dataset {
    let samples = values.len() / length;
    let targets = Targets::Values { values: vec![0.0; samples], target_names: vec!["y".into()] };
    Dataset::from_memory("cloud", SampleShape::Features(length), Inputs::Floats(values), targets).unwrap()
}

fn all(dataset: &Dataset) -> Vec<usize> {
    (0..dataset.samples()).collect()
}

fn transformed(dataset: &Dataset, preprocessor: &Preprocessor) -> Vec<f32> {
    let mut outputs = vec![0.0; dataset.samples() * preprocessor.output_shape().len()];
    preprocessor.gather(dataset, &all(dataset), &mut outputs, &mut PreprocessScratch::default()).unwrap();
    outputs
}

fn covariance(rows: &[f32], length: usize) -> Vec<f64> {
    let samples = (rows.len() / length) as f64;
    let mean: Vec<f64> = (0..length)
        .map(|column| rows.chunks_exact(length).map(|row| f64::from(row[column])).sum::<f64>() / samples)
        .collect();
    let product = |i: usize, j: usize| {
        rows.chunks_exact(length).map(|row| (f64::from(row[i]) - mean[i]) * (f64::from(row[j]) - mean[j])).sum::<f64>()
    };
    (0..length * length).map(|entry| product(entry / length, entry % length) / samples).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn standardised_features_have_mean_0_and_std_1(samples in 2usize..600, length in 1usize..7, seed in 0u64..99) {
        let data = cloud(samples, length, seed);
        let preprocessor = Preprocessor::fit(&data, &all(&data), &[PreprocessStep::Standardize]).unwrap();
        for moments in preprocessor.statistics(&data, &all(&data)).unwrap().after {
            prop_assert!(moments.mean.abs() < 1e-6 && (moments.std() - 1.0).abs() < 1e-6, "{moments:?}");
        }
    }

    #[test]
    fn whitened_covariance_is_the_identity(samples in 50usize..700, length in 1usize..7, seed in 0u64..99) {
        let data = cloud(samples, length, seed);
        for step in [PreprocessStep::Whiten(WhitenSpec { epsilon: 1e-5 }), PreprocessStep::Zca(ZcaSpec { epsilon: 1e-5 })] {
            let preprocessor = Preprocessor::fit(&data, &all(&data), &[step]).unwrap();
            let covariance = covariance(&transformed(&data, &preprocessor), length);
            for (entry, value) in covariance.iter().enumerate() {
                let expected = if entry / length == entry % length { 1.0 } else { 0.0 };
                prop_assert!((value - expected).abs() < 1e-3, "{step:?}: {covariance:?}");
            }
        }
    }
}

#[test]
fn pca_decorrelates_orders_and_keeps_variance() {
    let data = cloud(1_000, 5, 1);
    let steps = [PreprocessStep::Standardize, PreprocessStep::Pca(PcaSpec { components: 5 })];
    let preprocessor = Preprocessor::fit(&data, &all(&data), &steps).unwrap();
    let covariance = covariance(&transformed(&data, &preprocessor), 5);
    for i in 0..5 {
        assert!(i == 0 || covariance[i * 5 + i] <= covariance[(i - 1) * 5 + i - 1] + 1e-9);
        (0..i).for_each(|j| assert!(covariance[i * 5 + j].abs() < 1e-6, "{covariance:?}"));
    }
    let trace: f64 = (0..5).map(|i| covariance[i * 6]).sum();
    assert!((trace - 5.0).abs() < 1e-5);
    let FittedStep::Projection { kept_variance, .. } = &preprocessor.steps()[1] else { panic!("pca is a projection") };
    assert!((kept_variance - 1.0).abs() < 1e-9);
}

#[test]
fn statistics_come_from_the_training_split_alone() {
    let mut values: Vec<f32> = (0..100).map(|value| value as f32).collect();
    values.extend([1e6, -1e6]);
    let data = table(values, 1);
    let train: Vec<usize> = (0..100).collect();
    let preprocessor = Preprocessor::fit(&data, &train, &[PreprocessStep::Standardize]).unwrap();
    let FittedStep::Elementwise { shift, .. } = &preprocessor.steps()[0] else { panic!("one shift and scale") };
    assert!((shift[0] - 49.5).abs() < 1e-9);
    let after = preprocessor.statistics(&data, &[100]).unwrap().after[0].mean;
    assert!(after > 1e4, "{after}");
}

#[test]
fn features_without_variance_are_reported_and_not_divided() {
    let data = table(vec![1.0, 7.0, 2.0, 7.0, 3.0, 7.0], 2);
    for step in [PreprocessStep::Standardize, PreprocessStep::MinMax] {
        let preprocessor = Preprocessor::fit(&data, &[0, 1, 2], &[step]).unwrap();
        assert_eq!(preprocessor.constant_features(&data), ["feature \"feature_1\""]);
        let rows = transformed(&data, &preprocessor);
        assert!(rows.chunks_exact(2).all(|row| row[1] == 0.0), "{rows:?}");
    }
    for step in [PreprocessStep::Whiten(WhitenSpec { epsilon: 0.0 }), PreprocessStep::Zca(ZcaSpec { epsilon: 0.0 })] {
        let preprocessor = Preprocessor::fit(&data, &[0, 1, 2], &[step]).unwrap();
        let FittedStep::Projection { dropped_directions, .. } = &preprocessor.steps()[0] else { panic!("projection") };
        assert_eq!(*dropped_directions, 1);
        assert!(transformed(&data, &preprocessor).iter().all(|value| value.abs() < 2.0));
    }
}

#[test]
fn min_max_of_images_keeps_their_contrast() {
    let digits = Dataset::digits().unwrap();
    let preprocessor = Preprocessor::fit(&digits, &all(&digits), &[PreprocessStep::MinMax]).unwrap();
    let mut raw = [0.0; 64];
    digits.copy_sample(3, &mut raw).unwrap();
    let rows = transformed(&digits, &preprocessor);
    for (value, raw) in rows[3 * 64..4 * 64].iter().zip(raw) {
        assert!((value - raw / 16.0).abs() < 1e-6);
    }
}

#[test]
fn a_document_brings_back_the_same_bits() {
    let digits = Dataset::digits().unwrap();
    for steps in [
        vec![],
        vec![PreprocessStep::ChannelStandardize],
        vec![PreprocessStep::MeanImage, PreprocessStep::Zca(ZcaSpec { epsilon: 0.1 }), PreprocessStep::ChannelMean],
        vec![PreprocessStep::Center, PreprocessStep::Pca(PcaSpec { components: 7 }), PreprocessStep::Standardize],
        vec![PreprocessStep::Whiten(WhitenSpec { epsilon: 1.0 }), PreprocessStep::Pca(PcaSpec { components: 3 })],
    ] {
        let preprocessor = Preprocessor::fit(&digits, &all(&digits), &steps).unwrap();
        let text = serde_json::to_string(&preprocessor).unwrap();
        let back: Preprocessor = serde_json::from_str(&text).unwrap();
        assert_eq!(back, preprocessor);
        assert_eq!(transformed(&digits, &back), transformed(&digits, &preprocessor));
    }
}

#[test]
fn raw_rows_give_the_same_as_stored_samples() {
    let digits = Dataset::digits().unwrap();
    let steps = [PreprocessStep::Standardize, PreprocessStep::Pca(PcaSpec { components: 5 })];
    let preprocessor = Preprocessor::fit(&digits, &all(&digits), &steps).unwrap();
    let mut raw = vec![0.0; 3 * 64];
    (0..3).for_each(|sample| digits.copy_sample(sample, &mut raw[sample * 64..(sample + 1) * 64]).unwrap());
    let mut outputs = vec![0.0; 3 * 5];
    preprocessor.apply(&raw, &mut outputs, &mut PreprocessScratch::default()).unwrap();
    for (value, stored) in outputs.iter().zip(transformed(&digits, &preprocessor)) {
        assert!((value - stored).abs() < 1e-4, "{value} {stored}");
    }
    assert!(preprocessor.apply(&raw[1..], &mut outputs, &mut PreprocessScratch::default()).is_err());
}

#[test]
fn documents_that_do_not_fit_are_refused() {
    let step = |shift: &str, scale: &str| {
        format!(
            r#"{{"input_shape":{{"features":2}},"steps":[{{"type":"elementwise","step":"center","shift":{shift},"scale":{scale},"constant":[]}}]}}"#
        )
    };
    assert!(serde_json::from_str::<Preprocessor>(&step("[1.0,2.0]", "[1.0,1.0]")).is_ok());
    for (shift, scale) in [("[1.0,2.0,3.0]", "[1.0,1.0,1.0]"), ("[1.0,2.0]", "[1.0]"), ("[1.0,2.0]", "[1.0,0.0]")] {
        assert!(serde_json::from_str::<Preprocessor>(&step(shift, scale)).is_err());
    }
}

#[test]
fn steps_that_do_not_fit_the_samples_are_refused() {
    let data = cloud(10, 3, 0);
    let cases = [
        (PreprocessStep::ChannelMean, "channel_mean needs images"),
        (PreprocessStep::MeanImage, "mean_image needs images"),
        (PreprocessStep::Pca(PcaSpec { components: 4 }), "Give components from 1 to 3"),
        (PreprocessStep::Pca(PcaSpec { components: 0 }), "cannot keep 0"),
        (PreprocessStep::Zca(ZcaSpec { epsilon: -1.0 }), "epsilon of zca is -1"),
    ];
    for (step, expected) in cases {
        let message = Preprocessor::fit(&data, &all(&data), &[step]).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    assert!(Preprocessor::fit(&data, &[], &[]).is_err());
    assert!(Preprocessor::fit(&data, &[0], &[PreprocessStep::Whiten(WhitenSpec { epsilon: 0.0 })]).is_err());
}

#[test]
fn statistics_do_not_depend_on_the_number_of_threads() {
    let data = cloud(1_500, 6, 4);
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let steps = [PreprocessStep::Standardize, PreprocessStep::Whiten(WhitenSpec { epsilon: 1e-5 })];
            Preprocessor::fit(&data, &all(&data), &steps).unwrap()
        })
    };
    let one = fit(1);
    for threads in [2, 3, 5] {
        assert_eq!(fit(threads), one);
    }
}

#[test]
fn clipping_keeps_one_row_from_deciding_the_scale() {
    let mut values: Vec<f32> = (0..1_000).map(|row| (0.7 * row as f32).sin()).collect();
    values[10] = 1e6;
    let data = table(values, 1);
    let spread = |steps: &[PreprocessStep]| {
        let preprocessor = Preprocessor::fit(&data, &all(&data), steps).unwrap();
        let back: Preprocessor = serde_json::from_str(&serde_json::to_string(&preprocessor).unwrap()).unwrap();
        assert_eq!(back, preprocessor);
        let rows = transformed(&data, &back);
        (rows[100..].iter().fold(0f32, |largest, value| largest.max(value.abs())), rows[10])
    };
    let (others, extreme) = spread(&[PreprocessStep::Standardize]);
    assert!(others < 0.1 && extreme > 30.0, "{others} {extreme}");
    let (others, extreme) = spread(&[PreprocessStep::Clip(ClipSpec::default()), PreprocessStep::Standardize]);
    assert!((1.0..2.0).contains(&others) && (3.0..5.0).contains(&extreme), "{others} {extreme}");
    let digits = Dataset::digits().unwrap();
    let clip = [PreprocessStep::Clip(ClipSpec::default())];
    let message = Preprocessor::fit(&digits, &all(&digits), &clip).unwrap_err().to_string();
    assert!(message.contains("clip limits columns of tables"), "{message}");
}
