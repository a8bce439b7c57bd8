//! A rule: its texts and its check.

pub(crate) mod role;
pub(crate) mod symptom;

use crate::calibration::Calibration;
use crate::case::{Case, Observation};
use crate::finding_kind::FindingKind;
use crate::measurement::LayerStatistic;
use crate::rule::role::Role;

/// One rule of the catalog, defined completely by its file in [`crate::rules`].
#[derive(Debug)]
pub struct Rule {
    /// Code, `K` and three digits.
    pub code: &'static str,
    /// Name, such as `dead-relu`.
    pub name: &'static str,
    /// Name in Chinese.
    pub chinese_name: &'static str,
    /// One-line summary of its findings.
    pub summary: &'static str,
    /// The same summary in Chinese.
    pub chinese_summary: &'static str,
    /// Kinds of its findings; the first one is the most typical.
    pub kinds: &'static [FindingKind],
    /// Source text of the rule, whose module doc explains it.
    pub(crate) source: &'static str,
    /// Check of the rule: returns everything beyond its limit in a case.
    pub examine: fn(&Case) -> Vec<Observation>,
    /// Roles of its symptoms among causes and consequences; the first role that matches a finding applies.
    pub roles: &'static [Role],
    /// Recorded statistics of the finding's layer used as evidence if the finding has no values of its own, best first.
    pub layer_statistics: &'static [LayerStatistic],
    /// Whole-run statistics behind its thresholds.
    pub calibrations: &'static [Calibration],
}

impl Rule {
    /// Returns the kind of its findings with this key.
    pub fn kind(&self, key: &str) -> Option<&'static FindingKind> {
        self.kinds.iter().find(|kind| kind.key == key)
    }

    /// Returns the name of the measured value of its most typical findings.
    pub fn statistic(&self) -> &'static str {
        self.kinds.first().map_or("", |kind| kind.statistic)
    }
}
