//! The rows of a batch, shared among threads, with sums in a fixed order.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use keel_kernels::SimdLevel;
use keel_kernels::parallel::{for_each_chunk_mut, for_each_task};

/// Maximum number of tasks of a batch: each has a slot for its sum on the stack.
const MAXIMUM_TASKS: usize = 64;
/// Minimum number of outputs per task.
const MINIMUM_OUTPUTS: usize = 8 * 1024;

/// Sums of a task.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    /// Loss over the task's rows.
    pub(super) loss: f64,
    /// Number of rows with a correct prediction.
    pub(super) correct: usize,
}

/// Rows of a batch to sum over.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) simd: SimdLevel,
    /// Outputs, `[batch, width]`.
    pub(super) outputs: &'a [f32],
    pub(super) width: usize,
    /// Weight of each row, `[batch]`; empty if all are 1.
    pub(super) weights: &'a [f32],
    /// Factor of every gradient.
    pub(super) scale: f32,
}

/// Returns the sum over all rows of `operation(rows, outputs, gradient, scale)` and whether everything was finite. `gradient` is
/// `[batch, width]`, or empty, in which case `operation` gets an empty slice too. If rows have weights, `operation` gets one row at
/// a time.
pub(super) fn sum_rows(
    all: Rows<'_>,
    gradient: &mut [f32],
    operation: impl Fn(Range<usize>, &[f32], &mut [f32], f32) -> Sum + Sync,
) -> (Sum, bool) {
    let Rows { simd, outputs, width, weights, scale } = all;
    let batch = outputs.len() / width;
    let rows_per_task = batch.div_ceil(MAXIMUM_TASKS).max(MINIMUM_OUTPUTS.div_ceil(width));
    let tasks = batch.div_ceil(rows_per_task);
    let losses = [const { AtomicU64::new(0) }; MAXIMUM_TASKS];
    let (correct, finite) = (AtomicUsize::new(0), AtomicBool::new(true));
    let summed = |rows: Range<usize>, outputs: &[f32], gradient: &mut [f32]| {
        if weights.is_empty() {
            return operation(rows, outputs, gradient, scale);
        }
        let (mut sum, has_gradient) = (Sum::default(), !gradient.is_empty());
        for (index, row) in rows.enumerate() {
            let part = index * width..(index + 1) * width;
            let gradient = if has_gradient { &mut gradient[part.clone()] } else { &mut [] };
            let one = operation(row..row + 1, &outputs[part], gradient, scale * weights[row]);
            sum.loss += f64::from(weights[row]) * one.loss;
            sum.correct += one.correct;
        }
        sum
    };
    let run = |task: usize, gradient: &mut [f32]| {
        let rows = task * rows_per_task..((task + 1) * rows_per_task).min(batch);
        let outputs = &outputs[rows.start * width..rows.end * width];
        let (sum, task_finite) = simd.run(
            #[inline(always)]
            || (summed(rows, outputs, gradient), outputs.iter().fold(true, |all, value| all & value.is_finite())),
        );
        losses[task].store(sum.loss.to_bits(), Ordering::Relaxed);
        correct.fetch_add(sum.correct, Ordering::Relaxed);
        finite.fetch_and(task_finite, Ordering::Relaxed);
    };
    match gradient.is_empty() {
        true => for_each_task(tasks, outputs.len(), |task| run(task, &mut [])),
        false => for_each_chunk_mut(gradient, rows_per_task * width, run),
    }
    let loss: f64 = losses[..tasks].iter().map(|loss| f64::from_bits(loss.load(Ordering::Relaxed))).sum();
    (Sum { loss, correct: correct.into_inner() }, finite.into_inner() && loss.is_finite())
}

/// Returns the index of the maximum, the first of equal values; NaN is never the maximum.
#[inline(always)]
pub(super) fn largest(row: &[f32]) -> usize {
    let (mut best, mut value) = (0, f32::NEG_INFINITY);
    for (index, &candidate) in row.iter().enumerate() {
        if candidate > value {
            (best, value) = (index, candidate);
        }
    }
    best
}
