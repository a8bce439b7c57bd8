//! Health rules of neural network training: pure functions over measurements.
//!
//! A training loop in any framework describes its model once, measures every step ([`measurement`]) and passes the
//! records to a [`Monitor`]. The monitor keeps a short [`history`], evaluates the [`rules`] and returns [`Finding`]s:
//! the layer, the measured value and its limit, the cause, and the remedy, with causes before their consequences.
//!
//! ```
//! use keel_health::Monitor;
//! use keel_health::measurement::{DataMeasurement, FeatureStatistics, ModelDescription};
//!
//! let mut monitor = Monitor::new(ModelDescription::default());
//! let pixels = FeatureStatistics { mean: 128.0, std: 60.0, range: None };
//! monitor.data(&DataMeasurement { features: vec![pixels; 3], samples: 1000, ..Default::default() });
//! let findings = monitor.findings();
//! assert_eq!(findings[0].code, "K002");
//! assert_eq!(findings[0].remedies[0].settings(), ["preprocess.steps=[\"standardize\"]"]);
//! ```
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
// A NaN must not pass for a healthy number: comparisons such as !(x > limit) make its treatment explicit.

mod calibration;
mod case;
mod catalog;
mod causes;
mod diagnose;
mod error;
mod explain;
mod finding;
mod finding_kind;
pub mod history;
mod judge;
pub mod measurement;
mod monitor;
mod outcome;
mod remedy;
mod rule;
pub mod rules;

pub use calibration::{Bad, Calibration};
pub use case::{Case, Moment, Observation, Stands};
pub use catalog::{catalog, find_rule};
pub use causes::causal_order::causal_order;
pub use causes::order_by_cause;
pub use diagnose::{FORMAT_VERSION, diagnose, parse_record};
pub use error::HealthError;
pub use explain::{SECTIONS, Section, chinese_message, rules_markdown};
pub use finding::{Evidence, Finding, FindingReference, Level, Lowered, Stretch};
pub use finding_kind::FindingKind;
pub use monitor::{Monitor, MonitorState, SHORT_RUN_WINDOWS, StepOutcome};
pub use outcome::Outcome;
pub use remedy::{Application, ProgramEdit, Remedy, describe_all};
pub use rule::Rule;
pub use rule::role::{Explanation, Lies, Role, Stage};
pub use rule::symptom::Symptom;
