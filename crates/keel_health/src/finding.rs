//! Findings, which rules report: the layer, the measurement and its limit, the cause, and the remedy.

use serde::{Deserialize, Serialize};

use crate::measurement::SuspectLabel;
use crate::remedy::Remedy;

/// Seriousness of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; nothing has to change.
    Info,
    /// Probably costs accuracy or time.
    Warn,
    /// Training cannot work like this.
    Error,
}

impl Level {
    /// The word in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One finding, in the form every output of the project shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Code of the rule, such as `K010`.
    pub code: String,
    /// Name of the rule, such as `dead-relu`.
    pub rule: String,
    /// Seriousness.
    pub level: Level,
    /// Name of the layer, or `None` for the whole network or the data.
    pub layer: Option<String>,
    /// The statistic when the finding was made or became more serious: the number of its message.
    pub measured: f64,
    /// The statistic when it was last beyond its limit, where that was later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<f64>,
    /// Steps that `measured` covers, where it is of a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Stretch>,
    /// The limit it crossed.
    pub threshold: f64,
    /// Step at which the statistic first crossed its limit.
    pub first_step: u64,
    /// Last step at which it was still beyond its limit.
    pub last_step: u64,
    /// Sentence that describes the finding.
    pub message: String,
    /// Probable cause.
    pub cause: String,
    /// Remedies in words, best first.
    pub remedy: String,
    /// The same remedies for a program.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
    /// The statistic over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Samples it is about, with their labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SuspectLabel>,
    /// The finding that explains this one, if another does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained_by: Option<FindingReference>,
    /// The findings this one explains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consequences: Vec<FindingReference>,
}

/// A stretch of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its first step.
    pub first_step: u64,
    /// Its last step.
    pub last_step: u64,
}

/// Names another finding of the same run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FindingReference {
    /// Code of its rule.
    pub code: String,
    /// Its layer.
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
    /// The reference other findings use for this one.
    pub fn reference(&self) -> FindingReference {
        FindingReference { code: self.code.clone(), layer: self.layer.clone() }
    }

    /// `true` if no other finding explains this one.
    pub fn is_root(&self) -> bool {
        self.explained_by.is_none()
    }
}
