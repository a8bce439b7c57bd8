//! A symptom: findings with the same meaning. One rule can have opposite symptoms.

use crate::finding::Finding;

/// Findings of one rule, either all of them or those on one side of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symptom {
    /// Any finding of the rule with this code.
    Code(&'static str),
    /// Findings of that rule whose statistic is above its limit.
    High(&'static str),
    /// Findings of that rule whose statistic is not above its limit.
    Low(&'static str),
}

impl Symptom {
    /// Returns true if `finding` shows this symptom.
    pub fn is_shown_by(self, finding: &Finding) -> bool {
        let above = finding.measured > finding.threshold;
        match self {
            Self::Code(code) => finding.code == code,
            Self::High(code) => finding.code == code && above,
            Self::Low(code) => finding.code == code && !above,
        }
    }

    /// Returns the code of the rule.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Code(code) | Self::High(code) | Self::Low(code) => code,
        }
    }
}
