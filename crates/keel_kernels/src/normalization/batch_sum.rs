//! The end of a residual block: batch norm, addition of the shortcut and an activation, in one pass in each direction.

use super::batch::for_each_row_chunk;
use super::batch_activation::Activated;
use super::records::Records;
use crate::activation::{Elementwise, Function, Visitor};
use crate::columns::{PairSums, RowPair, map_columns, paired_sums};
use crate::parallel::{Pieces, for_each_task};
use crate::simd::SimdLevel;

/// Computes `y = f((x - center) * factor + offset + shortcut)`; the shortcut is the second input of `rows`.
pub(super) fn forward(rows: RowPair<'_>, activated: Activated<'_>, y: &mut [f32]) {
    assert_eq!((rows.x.len(), rows.other.len()), (y.len(), y.len()), "inputs and output");
    activated.function.visit(Forward { rows, activated, y, spread: true });
}

/// Computes [`forward`] for some rows on this thread.
pub(super) fn forward_rows(rows: RowPair<'_>, activated: Activated<'_>, y: &mut [f32]) {
    assert_eq!((rows.x.len(), rows.other.len()), (y.len(), y.len()), "inputs and output");
    activated.function.visit(Forward { rows, activated, y, spread: false });
}

struct Forward<'a> {
    rows: RowPair<'a>,
    activated: Activated<'a>,
    y: &'a mut [f32],
    spread: bool,
}

impl Visitor for Forward<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        let Forward { rows, activated, y, spread } = self;
        let tables = activated.tables();
        let map = |shortcut: f32, x: f32, [center, factor, offset]: [f32; 3]| {
            function.value((x - center) * factor + offset + shortcut)
        };
        if spread {
            for_each_row_chunk(
                activated.simd,
                tables[0].len(),
                y,
                #[inline(always)]
                |range, y| map_columns(rows.part(range), tables, map, y),
            );
        } else {
            activated.simd.run(
                #[inline(always)]
                || map_columns(rows, tables, map, y),
            );
        }
    }
}

/// Operands of [`gradient_sums`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Summed<'a> {
    pub(super) simd: SimdLevel,
    /// Input of the norm.
    pub(super) x: &'a [f32],
    /// Output of the forward pass.
    pub(super) y: &'a [f32],
    /// Means, `[channels]`.
    pub(super) mean: &'a [f32],
    /// Activation; its derivative can be computed from the output ([`Function::from_output`]).
    pub(super) function: Function,
}

/// Multiplies `dy` by the activation's derivative, in place, which gives the gradient of the shortcut and of the norm's output, and
/// sums it up like [`super::batch::gradient_sums`].
pub(super) fn gradient_sums(dy: &mut [f32], summed: Summed<'_>, records: &mut [f32]) -> usize {
    assert_eq!((summed.x.len(), summed.y.len()), (dy.len(), dy.len()), "gradient, input and output");
    assert!(
        summed.function.from_output(),
        "the derivative of {:?} cannot be computed from its output",
        summed.function
    );
    summed.function.visit(GradientSums { dy, summed, records })
}

struct GradientSums<'a> {
    dy: &'a mut [f32],
    summed: Summed<'a>,
    records: &'a mut [f32],
}

impl Visitor for GradientSums<'_> {
    type Output = usize;

    fn visit<F: Elementwise>(self, function: F) -> usize {
        let GradientSums { dy, summed: Summed { simd, x, y, mean, .. }, records } = self;
        let channels = mean.len();
        let layout = Records::of_rows(x.len() / channels, channels, 2 * channels);
        let (dy, records) = (Pieces::new(dy), Pieces::new(records));
        for_each_task(layout.count(), 4 * x.len(), |task| {
            let (_, rows) = layout.rows(task);
            let range = rows.start * channels..rows.end * channels;
            // SAFETY: each task has its own chunk and its own record.
            let (dy, record) = unsafe { (dy.piece(range.clone()), records.piece(layout.floats(task))) };
            let (x, y) = (&x[range.clone()], &y[range]);
            simd.run(
                #[inline(always)]
                || {
                    dy.iter_mut().zip(y).for_each(|(dy, &y)| *dy *= function.derivative_from_output(y));
                    let terms = |dy: f32, x: f32, [mean]: [f32; 1]| [dy, dy * (x - mean)];
                    paired_sums(RowPair { x, other: dy }, [mean], terms, PairSums::of_record(record));
                },
            );
        });
        layout.length()
    }
}
