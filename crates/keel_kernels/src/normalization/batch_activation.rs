//! Batch norm followed by an activation, in as few passes over memory as each alone.
//!
//! The normalised value is never stored: backward computes it again from the input to get the activation's derivative.

use super::batch::{self, BACKWARD_TABLE, FORWARD_TABLE};
use super::columns::{paired_sums, update_columns};
use crate::activation::{Elementwise, Function, Visitor};
use crate::parallel::{Pieces, for_each_task};
use crate::simd;

/// `y = f((x - center) * factor + offset)`: as [`batch::normalize`], with the activation applied.
pub fn normalize_and_activate(x: &[f32], table: &[f32], function: Function, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "input and output");
    function.visit(NormalizeAndActivate { x, table, y });
}

struct NormalizeAndActivate<'a> {
    x: &'a [f32],
    table: &'a [f32],
    y: &'a mut [f32],
}

impl Visitor for NormalizeAndActivate<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        let channels = self.table.len() / FORWARD_TABLE;
        let (length, chunk) = (self.y.len(), batch::rows_per_chunk(channels) * channels);
        let pieces = Pieces::new(self.y);
        for_each_task(length.div_ceil(chunk), length, |task| {
            let range = task * chunk..((task + 1) * chunk).min(length);
            // SAFETY: chunks do not overlap.
            let y = unsafe { pieces.piece(range.clone()) };
            simd::level().run(
                #[inline(always)]
                || {
                    batch::normalize_chunk(&self.x[range], self.table, y);
                    y.iter_mut().for_each(|value| *value = function.value(*value));
                },
            );
        });
    }
}

/// What [`activation_gradient_sums`] reads beside the gradient.
#[derive(Clone, Copy, Debug)]
pub struct Activated<'a> {
    /// The input of the norm, `[rows, channels]`.
    pub x: &'a [f32],
    /// The table the forward pass normalised with, `[FORWARD_TABLE, channels]`.
    pub table: &'a [f32],
    /// The activation.
    pub function: Function,
}

/// Multiplies `dy` by the activation's derivative, in place, and sums up the result as [`batch::gradient_sums`] does.
pub fn activation_gradient_sums(dy: &mut [f32], activated: Activated<'_>, records: &mut [f32]) -> usize {
    assert_eq!(dy.len(), activated.x.len(), "gradient and input");
    activated.function.visit(GradientSums { dy, activated, records })
}

struct GradientSums<'a> {
    dy: &'a mut [f32],
    activated: Activated<'a>,
    records: &'a mut [f32],
}

impl Visitor for GradientSums<'_> {
    type Output = usize;

    fn visit<F: Elementwise>(self, function: F) -> usize {
        let Activated { x, table, .. } = self.activated;
        let channels = table.len() / FORWARD_TABLE;
        let part = |index: usize| &table[index * channels..(index + 1) * channels];
        let (length, chunk) = (self.dy.len(), batch::rows_per_chunk(channels) * channels);
        let chunks = length.div_ceil(chunk);
        let (pieces, records) = (Pieces::new(self.dy), Pieces::new(self.records));
        for_each_task(chunks, 4 * length, |task| {
            let range = task * chunk..((task + 1) * chunk).min(length);
            // SAFETY: each task has its own chunk and its own record.
            let (dy, record) =
                unsafe { (pieces.piece(range.clone()), records.piece(task * 2 * channels..(task + 1) * 2 * channels)) };
            let x = &x[range];
            simd::level().run(
                #[inline(always)]
                || {
                    let slope = |dy: f32, x: f32, [center, factor, offset, _]: [f32; 4]| {
                        dy * function.derivative((x - center) * factor + offset)
                    };
                    update_columns(x, [part(0), part(1), part(2), part(2)], slope, dy);
                    paired_sums((dy, x), part(0), |dy, deviation| [dy, dy * deviation], record.split_at_mut(channels));
                },
            );
        });
        chunks * 2 * channels
    }
}

/// Floats of the tables a fused backward pass needs: forward and backward.
pub const fn tables_length(channels: usize) -> usize {
    (FORWARD_TABLE + BACKWARD_TABLE) * channels
}
