//! Batches are prepared in recycled memory: after a warm-up epoch, the loader allocates nothing.

use keel_data::{
    AugmentConfig, Augmenter, BatchOptions, BatchSource, Dataset, Loader, Position, PreprocessStep, Preprocessor,
};
use keel_testkit::{CountingAllocator, count_allocations};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn a_warm_loader_allocates_nothing() {
    let moved = AugmentConfig { flip: true, crop_padding: 1, cutout: 2, ..AugmentConfig::default() };
    let enlarged = AugmentConfig { flip: true, random_resized_crop: 0.3, ..AugmentConfig::default() };
    // Run one after the other, since allocations are counted over all threads.
    [moved, enlarged].iter().for_each(allocates_nothing);
}

fn allocates_nothing(config: &AugmentConfig) {
    let digits = Arc::new(Dataset::digits().unwrap());
    let indices: Vec<usize> = (0..101).collect();
    let preprocessor = Preprocessor::fit(&digits, &indices, &[PreprocessStep::Standardize]).unwrap();
    let augmenter = Augmenter::fit(&digits, &indices, config).unwrap();
    let options = BatchOptions::shuffled(10, 0);
    let source = BatchSource::new(digits, &indices, Arc::new(preprocessor), options)
        .unwrap()
        .with_augmentation(Arc::new(augmenter));
    let steps = source.steps_per_epoch();
    let mut loader = Loader::start(source, Position::default(), 12, 2).unwrap();
    let mut take = |count: usize| (0..count).map(|_| loader.next().unwrap().unwrap().samples()).sum::<usize>();
    take(3 * steps);
    // Allocations are counted over all threads, and those of the test harness may allocate once at start-up; a loader
    // that allocated would do so in every window.
    let quietest =
        (0..3).map(|_| count_allocations(|| take(2 * steps))).min_by_key(|(_, allocations)| allocations.calls);
    let (samples, allocations) = quietest.unwrap();
    assert_eq!(samples, 2 * 101);
    assert_eq!(allocations.calls, 0, "{allocations:?}");
}
