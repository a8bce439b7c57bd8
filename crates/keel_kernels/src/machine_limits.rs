//! Measured limits of the processor: the ceiling that kernels are compared with.
//!
//! Two numbers make a roofline: multiply-adds per second with all operands in registers, and bytes per second copied between
//! buffers much larger than the inner caches. Both are the best of several short runs, on one thread and on all threads of the
//! current pool.

use std::hint::black_box;
use std::time::Instant;

use pulp::Simd;

use crate::Buffer;
use crate::parallel::{Pieces, workers};
use crate::simd::SimdLevel;

/// Measured ceilings of this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineLimits {
    /// Number of threads for the `all_threads` numbers.
    pub threads: usize,
    /// Billions of floating-point operations per second (multiplication and addition counted separately), on one thread.
    pub gigaflops_one_thread: f64,
    /// Billions of floating-point operations per second, on all threads.
    pub gigaflops_all_threads: f64,
    /// Billions of bytes read plus bytes written per second while copying, on one thread.
    pub copy_gigabytes_one_thread: f64,
    /// Billions of bytes read plus bytes written per second while copying, on all threads.
    pub copy_gigabytes_all_threads: f64,
}

/// Number of runs of which the best counts.
const TRIES: usize = 12;

/// Number of rounds of the arithmetic loop per run, 4 to 15 ms: threads that sleep take some 50 microseconds to wake, which counts as
/// arithmetic.
const ROUNDS: usize = 1_200_000;

/// Number of floats that each thread copies per run.
const COPY_FLOATS: usize = 4 << 20;

impl MachineLimits {
    /// Measures this machine at one SIMD level in less than half a second; other work on it lowers the result. Temporarily uses 32
    /// MiB per thread.
    pub fn measure(simd: SimdLevel) -> MachineLimits {
        let threads = workers();
        let (one, all) = (gigaflops(simd, 1, TRIES, ROUNDS), gigaflops(simd, threads, TRIES, ROUNDS));
        let (copy_one, copy_all) = (copy_gigabytes(1), copy_gigabytes(threads));
        MachineLimits {
            threads,
            gigaflops_one_thread: one,
            gigaflops_all_threads: all.max(one),
            copy_gigabytes_one_thread: copy_one,
            copy_gigabytes_all_threads: copy_all.max(copy_one),
        }
    }

    /// Returns the billions of floating-point operations per second on all threads, from one run of about ten milliseconds. Clock
    /// rates change and virtual machines share their cores: the efficiency of a kernel is relative to the limit at the same moment.
    pub fn gigaflops_now(simd: SimdLevel) -> f64 {
        gigaflops(simd, workers(), 1, ROUNDS)
    }

    /// Returns the maximum billions of operations per second, on all threads, of a kernel that executes `flops` operations while
    /// moving at least `bytes` bytes to and from memory.
    pub fn attainable_gigaflops(&self, flops: f64, bytes: f64) -> f64 {
        let seconds = (flops / self.gigaflops_all_threads).max(bytes / self.copy_gigabytes_all_threads);
        flops / seconds
    }
}

fn gigaflops(simd: SimdLevel, threads: usize, tries: usize, rounds: usize) -> f64 {
    let seconds = best_seconds(threads, tries, &|_| {
        black_box(multiply_add_rounds(simd, rounds));
    });
    let flops_a_round = multiply_add_rounds(simd, 1);
    (threads * rounds * flops_a_round) as f64 / seconds / 1e9
}

fn copy_gigabytes(threads: usize) -> f64 {
    let source = Buffer::from_slice(&vec![1.0; threads * COPY_FLOATS]);
    let mut target = Buffer::zeroed(threads * COPY_FLOATS);
    let pieces = Pieces::new(&mut target);
    let seconds = best_seconds(threads, TRIES, &|thread| {
        let range = thread * COPY_FLOATS..(thread + 1) * COPY_FLOATS;
        // SAFETY: each thread has its own range.
        unsafe { pieces.piece(range.clone()) }.copy_from_slice(&source[range]);
    });
    (2 * threads * COPY_FLOATS * size_of::<f32>()) as f64 / seconds / 1e9
}

/// Returns the seconds of the fastest of `tries` runs of `work(thread)` on `threads` threads at once.
fn best_seconds(threads: usize, tries: usize, work: &(impl Fn(usize) + Sync)) -> f64 {
    let run = || match threads {
        1 => work(0),
        _ => drop(rayon::broadcast(|context| {
            if context.index() < threads {
                work(context.index());
            }
        })),
    };
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..tries).map(time).fold(f64::INFINITY, f64::min)
}

/// Runs multiply-adds between registers; returns the number of floating-point operations per round.
fn multiply_add_rounds(level: SimdLevel, rounds: usize) -> usize {
    struct Rounds(usize);
    impl pulp::WithSimd for Rounds {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> usize {
            // Enough sums to hide the latency, few enough to leave registers for both factors.
            if S::REGISTER_COUNT >= 32 { rounds_of::<S, 24>(simd, self.0) } else { rounds_of::<S, 12>(simd, self.0) }
        }
    }
    level.dispatch(Rounds(rounds))
}

#[inline(always)]
fn rounds_of<S: Simd, const SUMS: usize>(simd: S, rounds: usize) -> usize {
    let (left, right) = (simd.splat_f32s(black_box(1e-3)), simd.splat_f32s(black_box(1e-3)));
    // Different initial values, so that no two sums are the same computation.
    let mut sums = [simd.splat_f32s(0.0); SUMS];
    for (index, sum) in sums.iter_mut().enumerate() {
        *sum = simd.splat_f32s(black_box(index as f32));
    }
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = simd.mul_add_e_f32s(left, right, *sum);
        }
    }
    black_box(sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum::<f32>());
    2 * SUMS * S::F32_LANES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_of_the_arithmetic_loop_counts_whole_vectors() {
        for level in SimdLevel::available() {
            let flops = multiply_add_rounds(level, 3);
            assert!(flops > 0 && flops.is_multiple_of(2 * level.lanes()), "{}: {flops}", level.name());
        }
    }

    #[test]
    fn the_attainable_rate_is_the_lower_of_both_roofs() {
        let limits = MachineLimits {
            threads: 2,
            gigaflops_one_thread: 100.0,
            gigaflops_all_threads: 200.0,
            copy_gigabytes_one_thread: 10.0,
            copy_gigabytes_all_threads: 20.0,
        };
        assert_eq!(limits.attainable_gigaflops(1000.0, 1.0), 200.0);
        assert_eq!(limits.attainable_gigaflops(1000.0, 1000.0), 20.0);
    }
}
