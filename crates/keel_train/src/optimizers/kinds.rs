//! Kinds of parameters that can differ in learning rate, and the rule of each.

/// Kinds of parameters that can have learning rates of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    /// Bias of a layer with weights.
    Bias,
    /// Shift of a norm.
    Shift,
    /// Anything else.
    Other,
}

/// The rule of one step for the kinds of parameters that can differ in learning rate.
pub(super) struct Rules<R> {
    pub(super) biases: R,
    pub(super) shifts: R,
    pub(super) others: R,
}

impl<R> Rules<R> {
    /// The rule for parameters of a kind.
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
