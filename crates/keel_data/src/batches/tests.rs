use super::*;
use crate::augment::{AugmentConfig, Augmenter};
use crate::dataset::{Dataset, Inputs, SampleShape, Targets};
use crate::preprocess::{PreprocessStep, Preprocessor};
use std::sync::Arc;

fn digits_source(options: BatchOptions, samples: usize) -> BatchSource {
    let moved = AugmentConfig { flip: true, crop_padding: 1, cutout: 2, ..AugmentConfig::default() };
    augmented_source(&moved, options, samples)
}

fn augmented_source(config: &AugmentConfig, options: BatchOptions, samples: usize) -> BatchSource {
    let digits = Arc::new(Dataset::digits().unwrap());
    let indices: Vec<usize> = (0..samples).collect();
    let preprocessor = Preprocessor::fit(&digits, &indices, &[PreprocessStep::Standardize]).unwrap();
    let augmenter = Augmenter::fit(&digits, &indices, config).unwrap();
    BatchSource::new(digits, &indices, Arc::new(preprocessor), options).unwrap().with_augmentation(Arc::new(augmenter))
}

fn collect(source: BatchSource, start: Position, epochs: u64) -> Vec<Batch> {
    let mut loader = Loader::start(source, start, epochs, 2).unwrap();
    std::iter::from_fn(|| loader.next()).map(|batch| batch.unwrap().clone()).collect()
}

#[test]
fn sizes_of_batches() {
    let cases: [(usize, usize, LastBatch, &[usize]); 9] = [
        (10, 4, LastBatch::Keep, &[4, 4, 2]),
        (9, 4, LastBatch::Keep, &[4, 4, 1]),
        (10, 4, LastBatch::Drop, &[4, 4]),
        (3, 4, LastBatch::Drop, &[3]),
        (9, 4, LastBatch::MergeSingle, &[4, 5]),
        (10, 4, LastBatch::MergeSingle, &[4, 4, 2]),
        (1, 4, LastBatch::MergeSingle, &[1]),
        (8, 4, LastBatch::MergeSingle, &[4, 4]),
        (3, 1, LastBatch::MergeSingle, &[1, 1, 1]),
    ];
    for (samples, batch_size, last, expected) in cases {
        let options = BatchOptions { last, ..BatchOptions::in_order(batch_size) };
        let sizes: Vec<usize> = (0..options.steps(samples)).map(|step| options.range(samples, step).len()).collect();
        assert_eq!(sizes, expected, "{samples} in batches of {batch_size}, {last:?}");
        assert_eq!(options.largest_batch(samples), expected.iter().copied().max().unwrap_or(0));
    }
}

#[test]
fn every_epoch_is_another_permutation_and_repeats_exactly() {
    let source = digits_source(BatchOptions::shuffled(32, 7), 101);
    let (first, second) = (source.epoch_order(0), source.epoch_order(1));
    assert_ne!(first, second);
    assert_eq!(first, source.epoch_order(0));
    let mut sorted = first.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..101).collect::<Vec<_>>());
    let batches = collect(source, Position::default(), 2);
    let seen: Vec<usize> = batches.iter().flat_map(|batch| batch.indices.clone()).collect();
    assert_eq!(seen, [first, second].concat());
}

#[test]
fn a_run_resumed_mid_epoch_sees_the_same_bits() {
    let source = digits_source(BatchOptions::shuffled(16, 3), 101);
    let whole = collect(source.clone(), Position::default(), 3);
    for start in [1, 5, 6, 7, 13] {
        let resumed = collect(source.clone(), whole[start].position, 3);
        assert_eq!(resumed, whole[start..]);
    }
}

#[test]
fn a_sample_is_the_same_in_any_batch_and_thread() {
    let moved = AugmentConfig { flip: true, crop_padding: 1, cutout: 2, ..AugmentConfig::default() };
    let enlarged = AugmentConfig { flip: true, random_resized_crop: 0.3, ..AugmentConfig::default() };
    for config in [moved, enlarged] {
        let source = |batch| augmented_source(&config, BatchOptions::shuffled(batch, 3), 50);
        let small = collect(source(7), Position::default(), 1);
        let mut large = Batches::new(source(50), Position::default());
        let large = large.next().unwrap().unwrap();
        let small: Vec<f32> = small.iter().flat_map(|batch| batch.inputs.clone()).collect();
        assert_eq!(small, large.inputs);
    }
}

#[test]
fn batches_carry_their_targets() {
    let mut batches = Batches::new(digits_source(BatchOptions::in_order(4), 10), Position::default());
    let mut classes = Vec::new();
    while let Some(batch) = batches.next() {
        let BatchTargets::Classes(labels) = &batch.unwrap().targets else { panic!("digits have classes") };
        classes.extend_from_slice(labels);
    }
    assert_eq!(classes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn an_error_in_the_middle_arrives_and_ends_the_batches() {
    let huge = vec![1.0, f32::MAX, -f32::MAX, 2.0];
    let targets = Targets::Values { values: vec![0.0; 4], target_names: vec!["y".into()] };
    let dataset = Dataset::from_memory("huge", SampleShape::Features(1), Inputs::Floats(huge), targets).unwrap();
    let text = r#"{"input_shape":{"features":1},"steps":[{"type":"elementwise","step":"standardize","shift":[0.0],"scale":[2.0],"constant":[]}]}"#;
    let preprocessor: Preprocessor = serde_json::from_str(text).unwrap();
    let source =
        BatchSource::new(Arc::new(dataset), &[0, 1, 2, 3], Arc::new(preprocessor), BatchOptions::in_order(1)).unwrap();
    let mut loader = Loader::start(source, Position::default(), 1, 3).unwrap();
    assert_eq!(loader.next().unwrap().unwrap().inputs, [2.0]);
    let message = loader.next().unwrap().unwrap_err().to_string();
    assert!(message.starts_with("sample 1, after preprocessing: the value is inf"), "{message}");
    assert!(loader.next().is_none());
}

#[test]
fn a_loader_may_be_dropped_at_any_time_and_before_its_batches() {
    for taken in 0..4 {
        let mut loader =
            Loader::start(digits_source(BatchOptions::shuffled(8, 0), 100), Position::default(), 9, 2).unwrap();
        let kept: Vec<LoadedBatch> = (0..taken.min(2)).map(|_| loader.next().unwrap().unwrap()).collect();
        drop(loader);
        assert!(kept.iter().all(|batch| batch.samples() == 8));
    }
}

#[test]
fn impossible_sources_are_refused() {
    let digits = Arc::new(Dataset::digits().unwrap());
    let fitting = Arc::new(Preprocessor::identity(*digits.sample_shape()));
    let other = Arc::new(Preprocessor::identity(SampleShape::Features(64)));
    let cases: [(&[usize], &Arc<Preprocessor>, usize); 4] =
        [(&[], &fitting, 4), (&[0], &fitting, 0), (&[1_797], &fitting, 4), (&[0], &other, 4)];
    for (indices, preprocessor, batch_size) in cases {
        let options = BatchOptions::in_order(batch_size);
        assert!(BatchSource::new(Arc::clone(&digits), indices, Arc::clone(preprocessor), options).is_err());
    }
}
