//! One tensor under the names of both programs.

use super::layout::Layout;

/// One tensor with both names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// Name in the file that is read.
    pub(super) theirs: String,
    /// Name in the file that is written.
    pub(super) ours: String,
    /// Shape that is written.
    pub(super) shape: Vec<usize>,
    /// Change of axis order.
    pub(super) layout: Layout,
}

impl Pair {
    /// Returns the pair for the opposite direction.
    pub(super) fn reversed(&self) -> Pair {
        Pair {
            theirs: self.ours.clone(),
            ours: self.theirs.clone(),
            shape: self.layout.source_shape(&self.shape),
            layout: self.layout.reversed(),
        }
    }
}
