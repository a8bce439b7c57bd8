//! Batch norm followed by an activation, in as few passes over memory as each alone.
//!
//! The normalised value is never stored: backward recomputes it from the input to get the activation's derivative, once for the
//! sums and once for the input gradient, so that no intermediate gradient is written.

use super::batch::{BACKWARD_TABLE, FORWARD_TABLE, for_each_row_chunk};
use super::records::Records;
use crate::activation::{Elementwise, Function, Visitor};
use crate::columns::{PairSums, RowPair, map_columns, paired_sums};
use crate::parallel::{Pieces, for_each_task};
use crate::simd::SimdLevel;
use crate::statistics::{CountedUnits, SignalPart, unit_signal_chunk};

/// A batch norm with the activation that follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activated<'a> {
    pub(super) simd: SimdLevel,
    /// Table that the norm applies, `[FORWARD_TABLE, channels]`.
    pub(super) table: &'a [f32],
    /// Activation.
    pub(super) function: Function,
}

impl Activated<'_> {
    /// Returns center, factor and offset, `[channels]` each.
    #[inline(always)]
    pub(super) fn tables(&self) -> [&[f32]; 3] {
        let channels = self.table.len() / FORWARD_TABLE;
        [0, 1, 2].map(|part| &self.table[part * channels..(part + 1) * channels])
    }
}

/// Computes `y = f((x - center) * factor + offset)`: [`super::batch::normalize`] followed by the activation.
pub(super) fn normalize_and_activate(x: &[f32], activated: Activated<'_>, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "input and output");
    activated.function.visit(Forward { x, activated, y, spread: true });
}

/// Computes [`normalize_and_activate`] for some rows on this thread.
pub(super) fn normalize_and_activate_rows(x: &[f32], activated: Activated<'_>, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "input and output");
    activated.function.visit(Forward { x, activated, y, spread: false });
}

/// Measures some rows of the activation without writing them; its channels are the units. On this thread.
pub(super) fn measure_rows(x: &[f32], activated: Activated<'_>, units: CountedUnits<'_>) -> SignalPart {
    activated.function.visit(Measure { x, activated, units })
}

struct Measure<'a> {
    x: &'a [f32],
    activated: Activated<'a>,
    units: CountedUnits<'a>,
}

impl Visitor for Measure<'_> {
    type Output = SignalPart;

    fn visit<F: Elementwise>(self, function: F) -> SignalPart {
        let Measure { x, activated, units } = self;
        let map = |x: f32, [center, factor, offset]: [f32; 3]| function.value((x - center) * factor + offset);
        activated.simd.run(
            #[inline(always)]
            || unit_signal_chunk(x, activated.tables(), map, units),
        )
    }
}

struct Forward<'a> {
    x: &'a [f32],
    activated: Activated<'a>,
    y: &'a mut [f32],
    spread: bool,
}

impl Visitor for Forward<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        let Forward { x, activated, y, spread } = self;
        let tables = activated.tables();
        let map = |_, x: f32, [center, factor, offset]: [f32; 3]| function.value((x - center) * factor + offset);
        if spread {
            for_each_row_chunk(
                activated.simd,
                tables[0].len(),
                y,
                #[inline(always)]
                |range, y| map_columns(RowPair::alone(&x[range]), tables, map, y),
            );
        } else {
            activated.simd.run(
                #[inline(always)]
                || map_columns(RowPair::alone(x), tables, map, y),
            );
        }
    }
}

/// Computes the sums of `dy * f'` and of `dy * f' * (x - center)` like [`super::batch::gradient_sums`].
pub(super) fn gradient_sums(rows: RowPair<'_>, activated: Activated<'_>, records: &mut [f32]) -> usize {
    assert_eq!(rows.other.len(), rows.x.len(), "gradient and input");
    activated.function.visit(GradientSums { rows, activated, records })
}

struct GradientSums<'a> {
    rows: RowPair<'a>,
    activated: Activated<'a>,
    records: &'a mut [f32],
}

impl Visitor for GradientSums<'_> {
    type Output = usize;

    fn visit<F: Elementwise>(self, function: F) -> usize {
        let tables = self.activated.tables();
        let (channels, length) = (tables[0].len(), self.rows.x.len());
        let layout = Records::of_rows(length / channels, channels, 2 * channels);
        let records = Pieces::new(self.records);
        for_each_task(layout.count(), 4 * length, |task| {
            // SAFETY: each task has its own record.
            let record = unsafe { records.piece(layout.floats(task)) };
            let (_, band) = layout.rows(task);
            let rows = self.rows.part(band.start * channels..band.end * channels);
            self.activated.simd.run(
                #[inline(always)]
                || {
                    let terms = |dy: f32, x: f32, [center, factor, offset]: [f32; 3]| {
                        let deviation = x - center;
                        let gradient = dy * function.derivative(deviation * factor + offset);
                        [gradient, gradient * deviation]
                    };
                    paired_sums(rows, tables, terms, PairSums::of_record(record));
                },
            );
        });
        layout.length()
    }
}

/// Computes `dx` from the gradient `dy` of the output, the second input: [`super::batch::apply_gradient`] of `dy * f'`, with
/// `table` `[BACKWARD_TABLE, channels]`.
pub(super) fn apply_gradient(rows: RowPair<'_>, activated: Activated<'_>, table: &[f32], dx: &mut [f32]) {
    assert_eq!((rows.other.len(), rows.x.len()), (dx.len(), dx.len()), "gradients and input");
    activated.function.visit(ApplyGradient { rows, activated, table, dx, spread: true });
}

/// Computes [`apply_gradient`] for some rows on this thread.
pub(super) fn apply_gradient_rows(rows: RowPair<'_>, activated: Activated<'_>, table: &[f32], dx: &mut [f32]) {
    assert_eq!((rows.other.len(), rows.x.len()), (dx.len(), dx.len()), "gradients and input");
    activated.function.visit(ApplyGradient { rows, activated, table, dx, spread: false });
}

struct ApplyGradient<'a> {
    rows: RowPair<'a>,
    activated: Activated<'a>,
    table: &'a [f32],
    dx: &'a mut [f32],
    spread: bool,
}

impl Visitor for ApplyGradient<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        let ApplyGradient { rows, activated, table, dx, spread } = self;
        let [center, factor, offset] = activated.tables();
        let channels = center.len();
        let part = |index: usize| &table[index * channels..(index + 1) * channels];
        assert_eq!(table.len(), BACKWARD_TABLE * channels, "backward table");
        let tables = [center, factor, offset, part(1), part(2), part(3)];
        let map = |dy: f32, x: f32, [center, factor, offset, gradient_factor, slope, constant]: [f32; 6]| {
            let deviation = x - center;
            let gradient = dy * function.derivative(deviation * factor + offset);
            gradient * gradient_factor + (deviation * slope + constant)
        };
        if spread {
            for_each_row_chunk(
                activated.simd,
                channels,
                dx,
                #[inline(always)]
                |range, dx| map_columns(rows.part(range), tables, map, dx),
            );
        } else {
            activated.simd.run(
                #[inline(always)]
                || map_columns(rows, tables, map, dx),
            );
        }
    }
}
