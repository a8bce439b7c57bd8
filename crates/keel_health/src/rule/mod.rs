//! A rule: all texts about it, and its judgement.

pub(crate) mod role;
pub(crate) mod symptom;

use crate::calibration::Calibration;
use crate::case::{Case, Observation};
use crate::measurement::LayerStatistic;
use crate::rule::role::Role;

/// One rule of the catalog. Its file in [`crate::rules`] states all of it.
#[derive(Debug)]
pub struct Rule {
    /// Code, `K` and three digits.
    pub code: &'static str,
    /// Name, such as `dead-relu`.
    pub name: &'static str,
    /// Summary of its findings, in one line.
    pub summary: &'static str,
    /// Name of its measured value, for the axis of a chart.
    pub statistic: &'static str,
    /// The source text of the rule, whose module doc explains it.
    pub(crate) source: &'static str,
    /// The judgement: returns everything beyond its limit in a case.
    pub examine: fn(&Case) -> Vec<Observation>,
    /// Roles of its symptoms among causes and consequences; the first that a finding shows counts.
    pub roles: &'static [Role],
    /// Recorded statistics of the finding's layer that are evidence where the finding holds no values of its own, best
    /// first.
    pub layer_statistics: &'static [LayerStatistic],
    /// Statistics of whole runs behind its thresholds.
    pub calibrations: &'static [Calibration],
}
