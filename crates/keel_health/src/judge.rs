//! Conversion of observations to findings: two in a row make a finding, further ones extend it, and nothing is reported twice.

use serde::{Deserialize, Serialize};

use crate::case::{Moment, Observation, Stands};
use crate::finding::{Evidence, Finding, Level, Lowered, Stretch};
use crate::measurement::ModelDescription;
use crate::outcome::Outcome;
use crate::remedy::describe_all;
use crate::rule::Rule;

/// Number of epochs in a row at the end in which a finding must be observed to count as still present.
const CONFIRMED: u32 = 2;

/// Number of windows in a row without an observation after which a finding has passed.
const SILENT_WINDOWS: u32 = 2;

/// Number of points kept of a finding's statistic.
const EVIDENCE_POINTS: usize = 64;

/// All observations so far, by rule and layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Judge {
    cases: Vec<OpenCase>,
}

/// Observations of one rule about one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OpenCase {
    code: String,
    layer: Option<usize>,
    moment: Moment,
    in_a_row: u32,
    /// Number of consecutive evaluations at this moment without an observation.
    missed: u32,
    seen_now: bool,
    first_step: u64,
    lowest_level_in_a_row: Level,
    stands: Stands,
    evidence: Evidence,
    finding: Option<Finding>,
}

/// An evaluation of a rule that returned observations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) rule: &'static Rule,
    pub(crate) moment: Moment,
    pub(crate) stretch: Stretch,
    /// Epoch that ended, counted from 1, if no step is known.
    pub(crate) epoch: Option<u64>,
    pub(crate) model: &'a ModelDescription,
}

impl Judge {
    /// Processes the observations of a rule; returns the findings that are new or have become more serious.
    pub(crate) fn hear(&mut self, question: &Question, observations: Vec<Observation>) -> Vec<Finding> {
        self.cases.iter_mut().for_each(|case| case.seen_now = false);
        let mut news = Vec::new();
        for observation in observations {
            let case = self.case(question, &observation);
            if case.seen_now {
                continue;
            }
            if case.hear(question, observation)
                && let Some(finding) = &case.finding
            {
                news.push(finding.clone());
            }
        }
        let Question { rule, moment, .. } = *question;
        for case in self.cases.iter_mut().filter(|case| case.code == rule.code && case.moment == moment) {
            if !case.seen_now {
                case.in_a_row = 0;
                case.missed += 1;
            }
        }
        news
    }

    /// Returns all findings, ordered by the first observation of their rules.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.cases.iter().filter_map(|case| case.finding.clone()).collect()
    }

    /// Returns all findings at the end of a run with this `outcome`, which determines their levels.
    pub(crate) fn settled(&self, outcome: Option<Outcome>) -> Vec<Finding> {
        self.cases.iter().filter_map(|case| case.settled(outcome)).collect()
    }

    fn case(&mut self, question: &Question, observation: &Observation) -> &mut OpenCase {
        let Question { rule, moment, .. } = *question;
        let known = self
            .cases
            .iter()
            .position(|case| case.code == rule.code && case.layer == observation.layer && case.moment == moment);
        let index = known.unwrap_or_else(|| {
            self.cases.push(OpenCase {
                code: rule.code.to_string(),
                layer: observation.layer,
                moment,
                in_a_row: 0,
                missed: 0,
                seen_now: false,
                first_step: 0,
                lowest_level_in_a_row: observation.level,
                stands: observation.stands,
                evidence: Evidence { statistic: observation.kind.statistic.to_string(), ..Evidence::default() },
                finding: None,
            });
            self.cases.len() - 1
        });
        &mut self.cases[index]
    }
}

impl OpenCase {
    /// Returns true if the observation created a finding or made one more serious.
    fn hear(&mut self, question: &Question, observation: Observation) -> bool {
        let Question { rule, stretch, epoch, model, .. } = *question;
        debug_assert_eq!(rule.kind(observation.kind.key), Some(observation.kind), "{} lacks a kind", rule.code);
        self.seen_now = true;
        self.missed = 0;
        if self.in_a_row == 0 {
            self.first_step = stretch.first_step;
            self.lowest_level_in_a_row = observation.level;
        }
        self.in_a_row += 1;
        // A curve contains the values of one statistic only.
        let statistic = observation.kind.statistic;
        if self.evidence.statistic != statistic {
            self.evidence = Evidence { statistic: statistic.to_string(), ..Evidence::default() };
        }
        if self.evidence.steps.len() < EVIDENCE_POINTS {
            self.evidence.steps.push(stretch.last_step);
            self.evidence.values.push(finite(observation.measured));
        }
        let windowed = matches!(self.moment, Moment::Window | Moment::Epoch);
        let needed = if windowed { observation.confirmations } else { 1 };
        let mut level = observation.level;
        if needed > 1 {
            level = level.min(self.lowest_level_in_a_row);
            self.lowest_level_in_a_row = observation.level;
        }
        if let Some(finding) = &mut self.finding {
            finding.last_step = stretch.last_step;
            finding.latest = Some(finite(observation.measured));
            if level <= finding.level {
                finding.evidence = Some(self.evidence.clone());
                return false;
            }
        } else if self.in_a_row < needed {
            return false;
        }
        self.stands = observation.stands;
        let known = self.finding.as_ref();
        let (first_step, epoch) = known.map_or((self.first_step, epoch), |known| (known.first_step, known.epoch));
        self.finding = Some(Finding {
            code: rule.code.to_string(),
            rule: rule.name.to_string(),
            kind: observation.kind.key.to_string(),
            level,
            layer: observation.layer.map(|layer| model.name(layer)),
            measured: finite(observation.measured),
            latest: None,
            window: windowed.then_some(stretch),
            threshold: observation.threshold,
            first_step,
            last_step: stretch.last_step,
            epoch,
            message: observation.message,
            cause: observation.cause,
            lowered: None,
            remedy: describe_all(&observation.remedies),
            remedies: observation.remedies,
            evidence: Some(self.evidence.clone()),
            samples: observation.samples,
            explained_by: None,
            consequences: Vec::new(),
        });
        true
    }

    /// Returns the finding at the end of a run with this `outcome`.
    fn settled(&self, outcome: Option<Outcome>) -> Option<Finding> {
        let mut finding = self.finding.clone()?;
        let learned = outcome.is_some_and(Outcome::has_learned);
        let learning = outcome.is_some_and(Outcome::is_learning);
        let passed = match self.moment {
            Moment::Window => self.missed >= SILENT_WINDOWS,
            Moment::Epoch => self.in_a_row < CONFIRMED,
            _ => false,
        };
        let lowered = match self.stands {
            Stands::Always => return Some(finding),
            Stands::EvenLearned => {
                if learned {
                    finding.level = finding.level.min(Level::Warn);
                } else if outcome.is_some_and(Outcome::has_failed) && finding.level == Level::Warn {
                    finding.level = Level::Error;
                }
                return Some(finding);
            }
            Stands::UnlessLearned | Stands::AsWarning if learned => Lowered::Learned,
            Stands::WhileSeen if passed => Lowered::Passed,
            Stands::UnlessLearned | Stands::AsWarning if passed && learning => Lowered::Passed,
            Stands::UnlessLearned | Stands::AsWarning if learning => {
                finding.level = finding.level.min(Level::Warn);
                return Some(finding);
            }
            Stands::AsWarning => return Some(finding),
            Stands::WhileSeen | Stands::UnlessLearned => {
                if outcome.is_some_and(Outcome::has_failed) && finding.level == Level::Warn {
                    finding.level = Level::Error;
                }
                return Some(finding);
            }
        };
        if finding.level > Level::Info {
            finding.level = Level::Info;
            finding.cause = format!("{}; {}", finding.cause, lowered.describe());
            finding.lowered = Some(lowered);
        }
        Some(finding)
    }
}

/// Replaces NaN and infinity, which JSON lacks, with the largest number.
fn finite(measured: f64) -> f64 {
    if measured.is_nan() { f64::MAX } else { measured.clamp(f64::MIN, f64::MAX) }
}
