//! Findings reported by rules: the layer, the measurement and its limit, the cause, and the remedy.

use serde::{Deserialize, Serialize};

use crate::measurement::SuspectLabel;
use crate::remedy::Remedy;

/// Level of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; no action required.
    Info,
    /// Probably costs accuracy or time.
    Warn,
    /// Training cannot work like this.
    Error,
}

impl Level {
    /// Returns the name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Reason why a finding became a note at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lowered {
    /// The network learned its task nevertheless.
    Learned,
    /// It was over before the end of training.
    Passed,
}

impl Lowered {
    /// Describes the reason.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Learned => "the network learned its task nevertheless",
            Self::Passed => "it was over before the end of training",
        }
    }

    /// Describes the reason in Chinese.
    pub fn describe_in_chinese(self) -> &'static str {
        match self {
            Self::Learned => "网络仍然学会了任务",
            Self::Passed => "训练结束之前已经消失",
        }
    }
}

/// One finding, in the form used by every output of the project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Code of the rule, such as `K010`.
    pub code: String,
    /// Name of the rule, such as `dead-relu`.
    pub rule: String,
    /// Key of its kind among those of the rule, such as `dead-at-start`; empty if recorded by an older version.
    #[serde(default)]
    pub kind: String,
    /// Level.
    pub level: Level,
    /// Name of the layer, or `None` for the whole network or the data.
    pub layer: Option<String>,
    /// The statistic when the finding was made or became more serious; the number in its message.
    pub measured: f64,
    /// The statistic when it was last beyond its limit, if that was later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<f64>,
    /// Steps covered by `measured`, if it was measured over a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Stretch>,
    /// Limit it crossed.
    pub threshold: f64,
    /// Step at which the statistic first crossed its limit.
    pub first_step: u64,
    /// Last step at which it was still beyond its limit.
    pub last_step: u64,
    /// Epoch at whose end it was found, counted from 1, if the recording contains epochs but no steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Sentence describing the finding.
    pub message: String,
    /// Probable cause, with the reason why the level was lowered, if it was.
    pub cause: String,
    /// Reason why the finding became a note at the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowered: Option<Lowered>,
    /// Remedies as text, best first.
    pub remedy: String,
    /// The same remedies in machine-readable form.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
    /// The statistic over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Affected samples, with their labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SuspectLabel>,
    /// Reference to the finding that explains this one, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained_by: Option<FindingReference>,
    /// References to the findings explained by this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consequences: Vec<FindingReference>,
}

/// Range of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// First step.
    pub first_step: u64,
    /// Last step.
    pub last_step: u64,
}

/// Reference to another finding of the same run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FindingReference {
    /// Code of the rule.
    pub code: String,
    /// Name of the layer.
    pub layer: Option<String>,
}

/// The statistic of a finding over time, for a chart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Name of the values.
    pub statistic: String,
    /// Steps of the values.
    pub steps: Vec<u64>,
    /// The values, one per step.
    pub values: Vec<f64>,
}

impl Finding {
    /// Returns the reference by which other findings refer to this one.
    pub fn reference(&self) -> FindingReference {
        FindingReference { code: self.code.clone(), layer: self.layer.clone() }
    }

    /// Returns true if no other finding explains this one.
    pub fn is_root(&self) -> bool {
        self.explained_by.is_none()
    }
}
