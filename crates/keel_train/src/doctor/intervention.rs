//! A change of a config that may help, with its reason.

use keel_health::Finding;

use super::settings_changed::settings_changed;
use super::story::{Attempt, Judgement, SettingChange};
use crate::config::Config;
use crate::error::TrainError;
use crate::remedies::treatments;

/// Code of an intervention that no finding suggested.
const ADVICE: &str = "advice";

/// A change of a config.
#[derive(Debug, Clone)]
pub(super) struct Intervention {
    /// Code of the finding that suggested it, or `advice`.
    pub(super) because: String,
    /// Reason in words.
    pub(super) reason: String,
    /// Change, as an instruction.
    pub(super) change: String,
    /// Changed config, or the reason why it is impossible.
    pub(super) config: Result<Config, String>,
}

impl Intervention {
    /// Creates a change that no finding suggested.
    pub(super) fn advice(change: impl Into<String>, reason: &str, config: Config) -> Self {
        let (because, reason) = (ADVICE.to_owned(), reason.to_owned());
        Intervention { because, reason, change: change.into(), config: Ok(config) }
    }

    /// Returns the remedies of `finding` that settings of `config` can express; those that only change the weights of a trained
    /// network are omitted, because the result is a config.
    pub(super) fn remedies(config: &Config, finding: &Finding) -> Vec<Self> {
        let of = |change: String, config| Intervention {
            because: finding.code.clone(),
            reason: finding.message.clone(),
            change,
            config,
        };
        match treatments(config, finding) {
            Ok(treatments) => treatments
                .into_iter()
                .filter(|treatment| treatment.surgery.is_none() && treatment.config != *config)
                .map(|treatment| of(treatment.remedy.describe(), Ok(treatment.config)))
                .collect(),
            Err(error) => vec![of(finding.remedy.clone(), Err(TrainError::to_string(&error)))],
        }
    }

    /// Returns the record of an attempt with it, starting from `current`.
    pub(super) fn attempt(&self, current: &Config) -> Attempt {
        Attempt {
            because: self.because.clone(),
            reason: self.reason.clone(),
            change: self.change.clone(),
            settings: self.settings(current),
            without: Vec::new(),
            with: Vec::new(),
            judgement: Judgement::DidNotHelp,
            refusal: None,
        }
    }

    fn settings(&self, current: &Config) -> Vec<SettingChange> {
        self.config.as_ref().map(|config| settings_changed(current, config)).unwrap_or_default()
    }
}
