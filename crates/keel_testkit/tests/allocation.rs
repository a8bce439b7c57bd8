//! The counting allocator, in a separate process with one test.

use std::hint::black_box;

use keel_testkit::{CountingAllocator, count_allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn counts_allocations_while_enabled_and_only_then() {
    let (mut values, count) = count_allocations(|| black_box(Vec::<u64>::with_capacity(100)));
    assert_eq!((count.calls, count.bytes), (1, 800));

    let (sum, count) = count_allocations(|| {
        for value in 0..100 {
            values.push(value);
        }
        values.iter().sum::<u64>()
    });
    assert_eq!(sum, 4950);
    assert_eq!(count.calls, 0, "pushing within the capacity allocates nothing");

    let (_, count) = count_allocations(|| values.reserve(1000));
    assert_eq!(count.calls, 1, "growing counts");

    let (_, count) =
        count_allocations(|| std::thread::scope(|scope| drop(scope.spawn(|| black_box(vec![1_u8; 4096])).join())));
    assert!(count.bytes >= 4096, "other threads count: {count:?}");
}
