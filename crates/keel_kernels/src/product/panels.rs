//! The right-hand matrix, packed so that the inner loop reads it in order.
//!
//! Columns are divided into panels of two vectors (the last one may be one vector), padded with zeros; a panel stores its columns
//! for every depth index in turn: `[depth][width]`.

use super::microkernel::FULL_VECTORS;
use crate::simd::SimdLevel;

/// Sizes of a packed matrix, at the level whose vectors its panels consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PanelLayout {
    /// Number of rows of the matrix.
    pub(crate) depth: usize,
    /// Number of columns of the matrix.
    pub(crate) columns: usize,
    pub(crate) simd: SimdLevel,
}

/// A matrix to be packed, with strides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strided<'a> {
    pub(crate) values: &'a [f32],
    /// Number of floats between neighbouring columns.
    pub(crate) column_stride: usize,
}

impl PanelLayout {
    /// Returns the number of floats of the packed matrix.
    pub(crate) fn length(self) -> usize {
        self.depth * self.columns.next_multiple_of(self.simd.lanes())
    }

    /// Returns the number of columns of a full panel.
    #[inline(always)]
    fn full(self) -> usize {
        FULL_VECTORS * self.simd.lanes()
    }

    /// Returns the panel that begins with column `first_column`.
    #[inline(always)]
    fn panel(self, first_column: usize) -> PanelPlace {
        let columns = self.full().min(self.columns - first_column);
        let width = columns.next_multiple_of(self.simd.lanes());
        PanelPlace { first_column, columns, width, start: first_column * self.depth }
    }

    /// Returns the index of element (`row`, `column`) in the packed matrix.
    #[inline(always)]
    pub(crate) fn place(self, row: usize, column: usize) -> usize {
        let panel = self.panel(column / self.full() * self.full());
        panel.start + row * panel.width + column - panel.first_column
    }

    /// Packs the matrix whose row `row` begins at `start(row)` in the source.
    pub(crate) fn pack(self, source: Strided<'_>, start: impl Fn(usize) -> usize, packed: &mut [f32]) {
        assert_eq!(packed.len(), self.length(), "packing {self:?}");
        let Strided { values, column_stride } = source;
        for first_column in (0..self.columns).step_by(self.full()) {
            let panel = self.panel(first_column);
            let target = &mut packed[panel.start..panel.start + self.depth * panel.width];
            for (row, target) in target.chunks_exact_mut(panel.width).enumerate() {
                let origin = start(row) + first_column * column_stride;
                let (present, padding) = target.split_at_mut(panel.columns);
                if column_stride == 1 {
                    present.copy_from_slice(&values[origin..origin + panel.columns]);
                } else {
                    for (column, value) in present.iter_mut().enumerate() {
                        *value = values[origin + column * column_stride];
                    }
                }
                padding.fill(0.0);
            }
        }
    }
}

/// Position of a panel.
#[derive(Clone, Copy)]
struct PanelPlace {
    first_column: usize,
    columns: usize,
    width: usize,
    /// Index of its first float in the packed matrix.
    start: usize,
}

/// A packed matrix.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    values: &'a [f32],
    layout: PanelLayout,
}

/// One panel.
pub(crate) struct Panel<'a> {
    /// Index of the first column of the matrix in this panel.
    pub(crate) first_column: usize,
    /// Number of columns of the matrix in this panel.
    pub(crate) columns: usize,
    /// Number of columns with padding: floats per depth index.
    pub(crate) width: usize,
    /// Values, `[depth][width]`.
    pub(crate) values: &'a [f32],
}

impl<'a> Panels<'a> {
    /// Creates the panels from a matrix packed by [`PanelLayout::pack`].
    pub(crate) fn new(values: &'a [f32], layout: PanelLayout) -> Self {
        assert_eq!(values.len(), layout.length(), "packed {layout:?}");
        Panels { values, layout }
    }

    /// Returns the level whose vectors the panels consist of.
    #[inline(always)]
    pub(crate) fn simd(self) -> SimdLevel {
        self.layout.simd
    }

    #[inline(always)]
    pub(crate) fn iter(self) -> impl Iterator<Item = Panel<'a>> {
        let full = self.layout.full();
        (0..self.layout.columns.div_ceil(full)).map(move |index| {
            let PanelPlace { first_column, columns, width, start } = self.layout.panel(index * full);
            Panel { first_column, columns, width, values: &self.values[start..start + self.layout.depth * width] }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_lies_at_its_place_and_padding_is_zero_at_every_level() {
        for simd in SimdLevel::available() {
            for (depth, columns) in [(1, 1), (3, 7), (5, 16), (2, 17), (4, 33), (3, 48), (1, 65), (0, 9)] {
                let layout = PanelLayout { depth, columns, simd };
                // Transposed in the source, so that zeros can only be padding.
                let values: Vec<f32> = (1..=depth * columns).map(|index| index as f32).collect();
                let mut packed = vec![f32::NAN; layout.length()];
                layout.pack(Strided { values: &values, column_stride: depth }, |row| row, &mut packed);
                let mut seen = 0;
                for row in 0..depth {
                    for column in 0..columns {
                        assert_eq!(packed[layout.place(row, column)], values[column * depth + row], "{layout:?}");
                        seen += 1;
                    }
                }
                assert_eq!(packed.iter().filter(|&&value| value == 0.0).count(), packed.len() - seen, "{layout:?}");
                let widths = Panels::new(&packed, layout).iter().map(|panel| panel.width);
                assert!(widths.into_iter().all(|width| width.is_multiple_of(simd.lanes())), "{layout:?}");
            }
        }
    }
}
