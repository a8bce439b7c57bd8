//! Counting global allocator, for tests which verify that a piece of code allocates nothing.
//!
//! The test binary installs it with `#[global_allocator] static ALLOCATOR: CountingAllocator = CountingAllocator;`.
//! Counting covers every thread of the process, including worker threads; a binary that uses it should therefore
//! contain only that test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static ENABLED: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// System allocator that counts while [`count_allocations`] runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

/// Allocations counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocationCount {
    /// Number of allocations and re-allocations.
    pub calls: usize,
    /// Number of bytes requested by those calls.
    pub bytes: usize,
}

/// Runs `work` and counts the allocations of all threads of the process meanwhile. Counts nothing unless the binary has
/// installed [`CountingAllocator`]. Must not be nested or run in two threads at once.
pub fn count_allocations<R>(work: impl FnOnce() -> R) -> (R, AllocationCount) {
    let _stop = StopCounting::start();
    let result = work();
    ENABLED.store(false, Ordering::SeqCst);
    (result, AllocationCount { calls: CALLS.load(Ordering::SeqCst), bytes: BYTES.load(Ordering::SeqCst) })
}

/// Stops counting even if `work` panics.
struct StopCounting;

impl StopCounting {
    fn start() -> Self {
        CALLS.store(0, Ordering::SeqCst);
        BYTES.store(0, Ordering::SeqCst);
        ENABLED.store(true, Ordering::SeqCst);
        Self
    }
}

impl Drop for StopCounting {
    fn drop(&mut self) {
        ENABLED.store(false, Ordering::SeqCst);
    }
}

fn record(bytes: usize) {
    if ENABLED.load(Ordering::Relaxed) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes, Ordering::Relaxed);
    }
}

// SAFETY: every method passes its arguments unchanged to `System`, which fulfils the contract of `GlobalAlloc`;
// counting only uses atomics, so it neither allocates nor unwinds. Counting allocations has no safe interface in Rust.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        record(layout.size());
        // SAFETY: the caller's guarantees are those of `System::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        record(layout.size());
        // SAFETY: the caller's guarantees are those of `System::alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        record(new_size);
        // SAFETY: `pointer` came from `System` through this allocator; the rest is guaranteed by the caller.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` through this allocator with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}
