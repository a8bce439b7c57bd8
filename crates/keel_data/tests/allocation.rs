//! Batches are prepared in recycled memory: after an epoch to warm up, the loader allocates nothing.

use keel_data::{
    AugmentConfig, Augmenter, BatchOptions, Dataset, Loader, Position, PreprocessStep, Preprocessor, Source,
};
use keel_testkit::{CountingAllocator, count_allocations};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn a_warm_loader_allocates_nothing() {
    let digits = Arc::new(Dataset::digits().unwrap());
    let indices: Vec<usize> = (0..101).collect();
    let preprocessor = Preprocessor::fit(&digits, &indices, &[PreprocessStep::Standardize]).unwrap();
    let config = AugmentConfig { flip: true, crop_padding: 1, cutout: 2, ..AugmentConfig::default() };
    let augmenter = Augmenter::fit(&digits, &indices, &config).unwrap();
    let options = BatchOptions::shuffled(10, 0);
    let source =
        Source::new(digits, &indices, Arc::new(preprocessor), options).unwrap().with_augmentation(Arc::new(augmenter));
    let steps = source.steps_per_epoch();
    let mut loader = Loader::start(source, Position::default(), 9, 2).unwrap();
    let mut take = |count: usize| (0..count).map(|_| loader.next().unwrap().unwrap().samples()).sum::<usize>();
    take(3 * steps);
    let (samples, allocations) = count_allocations(|| take(4 * steps));
    assert_eq!(samples, 4 * 101);
    assert_eq!(allocations.calls, 0, "{allocations:?}");
}
