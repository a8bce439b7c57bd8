//! A symptom: findings that stand for the same thing. One rule can stand for opposite things.

use crate::finding::Finding;

/// Findings of one rule, all of them or those on one side of their limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symptom {
    /// Any finding of the rule with this code.
    Code(&'static str),
    /// A finding of that rule whose statistic is above its limit.
    High(&'static str),
    /// A finding of that rule whose statistic is not above its limit.
    Low(&'static str),
}

impl Symptom {
    /// Returns `true` if `finding` shows this symptom.
    pub fn is_shown_by(self, finding: &Finding) -> bool {
        let above = finding.measured > finding.threshold;
        match self {
            Self::Code(code) => finding.code == code,
            Self::High(code) => finding.code == code && above,
            Self::Low(code) => finding.code == code && !above,
        }
    }

    /// Code of the rule.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Code(code) | Self::High(code) | Self::Low(code) => code,
        }
    }
}
