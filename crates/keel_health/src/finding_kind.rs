//! Kinds of findings of a rule: the measured value, and the Chinese texts.

/// Findings of one rule with the same meaning and cause. Their English texts are written with the numbers of each
/// finding, where it is measured; pages in Chinese show the texts of the kind beside the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingKind {
    /// Key within the rule, such as `few-steps`, stored with every finding.
    pub key: &'static str,
    /// Name of the measured value, used as the axis label of a chart.
    pub statistic: &'static str,
    /// The same name in Chinese.
    pub chinese_statistic: &'static str,
    /// Sentence describing the findings, in Chinese.
    pub chinese_message: &'static str,
    /// Probable cause, in Chinese.
    pub chinese_cause: &'static str,
}
