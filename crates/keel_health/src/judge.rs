//! From observations to findings: two in a row make a finding, repeated ones extend it, and nothing is said twice.

use serde::{Deserialize, Serialize};

use crate::case::{Moment, Observation};
use crate::finding::{Evidence, Finding};
use crate::measurement::ModelDescription;
use crate::remedy::describe_all;
use crate::rule::Rule;

/// Points kept of the statistic of a finding.
const EVIDENCE_POINTS: usize = 64;

/// Everything observed so far, per rule and layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Judge {
    cases: Vec<OpenCase>,
}

/// The observations of one rule about one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OpenCase {
    code: String,
    layer: Option<usize>,
    moment: Moment,
    in_a_row: u32,
    seen_now: bool,
    first_step: u64,
    lowest_level_in_a_row: crate::finding::Level,
    evidence: Evidence,
    finding: Option<Finding>,
}

/// The stretch of steps an observation covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) first_step: u64,
    pub(crate) last_step: u64,
}

/// A question to a rule that was answered with observations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) rule: &'static Rule,
    pub(crate) moment: Moment,
    pub(crate) stretch: Stretch,
    pub(crate) model: &'a ModelDescription,
}

impl Judge {
    /// Takes in the answer of a rule; returns the findings that are new or have become more serious.
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
            }
        }
        news
    }

    /// All findings, in the order in which their rules first observed something.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.cases.iter().filter_map(|case| case.finding.clone()).collect()
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
                seen_now: false,
                first_step: 0,
                lowest_level_in_a_row: observation.level,
                evidence: Evidence { statistic: rule.statistic.to_string(), ..Evidence::default() },
                finding: None,
            });
            self.cases.len() - 1
        });
        &mut self.cases[index]
    }
}

impl OpenCase {
    /// Returns `true` if the observation made a new finding or a more serious one.
    fn hear(&mut self, question: &Question, observation: Observation) -> bool {
        let Question { rule, stretch, model, .. } = *question;
        self.seen_now = true;
        if self.in_a_row == 0 {
            self.first_step = stretch.first_step;
            self.lowest_level_in_a_row = observation.level;
        }
        self.in_a_row += 1;
        // Values of one statistic only make a curve.
        let statistic = observation.statistic.unwrap_or(rule.statistic);
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
            if level <= finding.level {
                finding.evidence = Some(self.evidence.clone());
                return false;
            }
        } else if self.in_a_row < needed {
            return false;
        }
        let first_step = self.finding.as_ref().map_or(self.first_step, |finding| finding.first_step);
        self.finding = Some(Finding {
            code: rule.code.to_string(),
            rule: rule.name.to_string(),
            level,
            layer: observation.layer.map(|layer| model.name(layer)),
            measured: finite(observation.measured),
            threshold: observation.threshold,
            first_step,
            last_step: stretch.last_step,
            message: observation.message,
            cause: observation.cause,
            remedy: describe_all(&observation.remedies),
            remedies: observation.remedies,
            evidence: Some(self.evidence.clone()),
            samples: observation.samples,
            explained_by: None,
            consequences: Vec::new(),
        });
        true
    }
}

/// JSON has neither NaN nor infinity: both are reported as the largest number.
fn finite(measured: f64) -> f64 {
    if measured.is_nan() { f64::MAX } else { measured.clamp(f64::MIN, f64::MAX) }
}
