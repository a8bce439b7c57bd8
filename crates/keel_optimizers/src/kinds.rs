//! Kinds of parameters with separate learning rates, and the rule of each.

/// Kinds of parameters that can have separate learning rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    /// Bias of a layer with weights.
    Bias,
    /// Shift of a norm.
    Shift,
    /// Any other parameter.
    Other,
}

/// The rules of one step for the kinds of parameters with separate learning rates.
pub(super) struct Rules<R> {
    pub(super) biases: R,
    pub(super) shifts: R,
    pub(super) others: R,
}

impl<R> Rules<R> {
    /// Returns the rule for parameters of a kind.
    pub(super) fn of(&self, kind: SegmentKind) -> &R {
        match kind {
            SegmentKind::Bias => &self.biases,
            SegmentKind::Shift => &self.shifts,
            SegmentKind::Other => &self.others,
        }
    }
}

impl<R: Clone> Rules<R> {
    pub(super) fn same(rule: R) -> Self {
        Rules { biases: rule.clone(), shifts: rule.clone(), others: rule }
    }
}
