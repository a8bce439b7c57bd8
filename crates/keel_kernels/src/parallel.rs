//! Work shared among the threads of the current `rayon` pool, in pieces that never depend on the number of threads.
//!
//! Kernels divide their work into *tasks* that depend only on the shape of the data, and every sum over tasks is taken in task
//! order: so the same input gives the same bits with any number of threads. Small work stays on the calling thread. Nothing here
//! allocates.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

/// Number of element-wise operations (elements accessed) below which waking another thread costs more than it saves.
pub const MINIMUM_WORK: usize = 64 * 1024;

/// Number of multiply-adds of a matrix product that take about as long as one element-wise operation: their operands are in
/// registers, not in memory.
pub const MULTIPLY_ADDS_PER_OPERATION: usize = 16;

/// Returns the number of threads of the current pool.
pub fn workers() -> usize {
    rayon::current_num_threads()
}

/// Calls `task(index)` once for every index below `tasks`; on several threads if `work`, the number of element-wise operations of
/// all tasks together, is large enough.
pub fn for_each_task(tasks: usize, work: usize, task: impl Fn(usize) + Sync) {
    let threads = if work < MINIMUM_WORK { 1 } else { workers().min(tasks) };
    let next = Next::of(tasks);
    on_threads(threads, &|_| {
        while let Some(index) = next.take() {
            task(index);
        }
    });
}

/// Scratch buffer that threads share.
#[derive(Debug)]
pub struct WorkerScratch<'a> {
    /// Number of floats of all threads together.
    pub floats: &'a mut [f32],
    /// Number of floats of each thread.
    pub per_worker: usize,
}

/// Calls `task(index, part)` like [`for_each_task`], with a part of the scratch buffer for each thread.
///
/// # Panics
/// If the buffer is too short for one thread. If it is too short for all threads, fewer threads are used.
pub fn for_each_task_with_scratch(
    tasks: usize,
    work: usize,
    scratch: WorkerScratch<'_>,
    task: impl Fn(usize, &mut [f32]) + Sync,
) {
    let WorkerScratch { floats: scratch, per_worker } = scratch;
    assert!(scratch.len() >= per_worker, "scratch of {} floats for tasks that need {per_worker}", scratch.len());
    let parts = scratch.len().checked_div(per_worker).unwrap_or(usize::MAX);
    let threads = if work < MINIMUM_WORK { 1 } else { workers().min(tasks).min(parts) };
    let (next, pieces) = (Next::of(tasks), Pieces::new(scratch));
    on_threads(threads, &|thread| {
        // SAFETY: each thread has a different number, so that no two parts overlap.
        let part = unsafe { pieces.piece(thread * per_worker..(thread + 1) * per_worker) };
        while let Some(index) = next.take() {
            task(index, part);
        }
    });
}

/// Calls `work(thread)` once for every number below `threads`, at least for 0, concurrently if the pool has enough threads. This
/// function is not generic, so that the sharing of work is compiled only once and not for each kernel.
fn on_threads(threads: usize, work: &(dyn Fn(usize) + Sync)) {
    if threads <= 1 {
        return work(0);
    }
    (0..threads).into_par_iter().with_max_len(1).for_each(work);
}

/// Distributes the tasks of a call, each once.
struct Next {
    index: AtomicUsize,
    tasks: usize,
}

impl Next {
    fn of(tasks: usize) -> Self {
        Next { index: AtomicUsize::new(0), tasks }
    }

    #[inline(always)]
    fn take(&self) -> Option<usize> {
        let index = self.index.fetch_add(1, Ordering::Relaxed);
        (index < self.tasks).then_some(index)
    }
}

/// Executes element-wise work on one long slice: calls `operation(range)` for consecutive ranges of at most `chunk` elements.
pub fn for_each_chunk(length: usize, chunk: usize, operation: impl Fn(Range<usize>) + Sync) {
    for_each_task(length.div_ceil(chunk), length, |index| {
        operation(index * chunk..((index + 1) * chunk).min(length));
    });
}

/// Executes element-wise work on one long slice: calls `operation(index, part)` for consecutive parts of `values` of at most
/// `chunk` elements.
pub fn for_each_chunk_mut(values: &mut [f32], chunk: usize, operation: impl Fn(usize, &mut [f32]) + Sync) {
    let length = values.len();
    let pieces = Pieces::new(values);
    for_each_task(length.div_ceil(chunk), length, |index| {
        // SAFETY: ranges of different tasks do not overlap.
        let part = unsafe { pieces.piece(index * chunk..((index + 1) * chunk).min(length)) };
        operation(index, part);
    });
}

/// A mutable slice whose disjoint pieces are accessed by concurrent tasks.
#[derive(Clone, Copy)]
pub struct Pieces<'a, T = f32> {
    pointer: *mut T,
    length: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: only `piece` gives access, and its contract keeps concurrent pieces disjoint.
unsafe impl<T: Send> Send for Pieces<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Pieces<'_, T> {}

impl<'a, T> Pieces<'a, T> {
    /// Borrows `slice` for as long as pieces of it are in use.
    pub fn new(slice: &'a mut [T]) -> Self {
        Pieces { pointer: slice.as_mut_ptr(), length: slice.len(), slice: PhantomData }
    }

    /// Returns the elements in `range`.
    ///
    /// # Safety
    /// No two pieces alive at the same time may overlap.
    ///
    /// # Panics
    /// If `range` reaches outside the slice.
    #[allow(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    pub unsafe fn piece(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.length, "{range:?} of {} elements", self.length);
        // SAFETY: inside the borrowed slice (asserted), exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.add(range.start), range.len()) }
    }

    /// Returns the address of element `index`, for kernels that write strided rows.
    ///
    /// # Safety
    /// As described at [`Pieces::piece`], for every element that the caller writes through the address.
    pub unsafe fn pointer(&self, index: usize) -> *mut T {
        assert!(index <= self.length, "element {index} of {}", self.length);
        // SAFETY: inside or one past the borrowed slice (asserted).
        unsafe { self.pointer.add(index) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn every_task_runs_once_whatever_the_number_of_threads() {
        for threads in [1, 2, 3, 5] {
            let mut counts = vec![0.0f32; 37];
            let pieces = Pieces::new(&mut counts);
            // SAFETY: each task takes its own element.
            let count = |index: usize| unsafe { pieces.piece(index..index + 1) }[0] += 1.0;
            pool(threads).install(|| for_each_task(37, usize::MAX, count));
            assert!(counts.iter().all(|&count| count == 1.0), "{threads} threads: {counts:?}");
        }
    }

    #[test]
    fn scratch_for_fewer_workers_than_threads_is_enough() {
        let mut scratch = vec![0.0; 6];
        let sum = AtomicUsize::new(0);
        pool(5).install(|| {
            let scratch = WorkerScratch { floats: &mut scratch, per_worker: 3 };
            for_each_task_with_scratch(11, usize::MAX, scratch, |index, part| {
                assert_eq!(part.len(), 3);
                sum.fetch_add(index, Ordering::Relaxed);
            });
        });
        assert_eq!(sum.into_inner(), 55);
    }
}
