//! The monitor receives measurements, evaluates the rules and keeps the findings.

use serde::{Deserialize, Serialize};

use crate::case::{Case, Moment, Observation};
use crate::catalog::catalog;
use crate::causes::order_by_cause;
use crate::finding::{Finding, Stretch};
use crate::history::{History, HistoryState};
use crate::judge::{Judge, Question};
use crate::measurement::{
    DataMeasurement, EpochMeasurement, EvaluationMeasurement, InputsMeasurement, ModelDescription, Record,
    ResidualMeasurement, StartMeasurement, StepMeasurement,
};
use crate::outcome::Outcome;
use crate::rules::too_small;

/// Monitor of one run.
#[derive(Debug, Clone)]
pub struct Monitor {
    model: ModelDescription,
    data: Option<DataMeasurement>,
    start: Option<StartMeasurement>,
    history: History,
    epochs: Vec<EpochMeasurement>,
    evaluations: Vec<EvaluationMeasurement>,
    residuals: Option<ResidualMeasurement>,
    inputs: Option<InputsMeasurement>,
    judge: Judge,
    last_step: u64,
    /// True if the run is over and had few windows.
    short: bool,
    /// True if the run is over.
    ended: bool,
}

/// Maximum number of windows of a run that is too short to confirm observations.
pub const SHORT_RUN_WINDOWS: u64 = 2;

/// Everything a monitor needs to continue after an interruption: measurements, windows, findings. Written as JSON; its
/// layout is specific to the program version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitorState {
    data: Option<DataMeasurement>,
    start: Option<StartMeasurement>,
    history: HistoryState,
    epochs: Vec<EpochMeasurement>,
    evaluations: Vec<EvaluationMeasurement>,
    judge: Judge,
    last_step: u64,
}

/// Result of a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepOutcome {
    /// True if the step completed a window.
    pub window_closed: bool,
    /// Findings that are new or have become more serious.
    pub findings: Vec<Finding>,
}

impl Monitor {
    /// Starts monitoring a run of `model`; the rules about the model itself are evaluated immediately.
    pub fn new(model: ModelDescription) -> Self {
        let history = History::new(model.samples_per_epoch);
        let mut monitor = Self {
            model,
            data: None,
            start: None,
            history,
            epochs: Vec::new(),
            evaluations: Vec::new(),
            residuals: None,
            inputs: None,
            judge: Judge::default(),
            last_step: 0,
            short: false,
            ended: false,
        };
        monitor.ask(Moment::Model, None);
        monitor
    }

    /// Returns everything needed to continue after an interruption.
    pub fn state(&self) -> MonitorState {
        MonitorState {
            data: self.data.clone(),
            start: self.start.clone(),
            history: HistoryState(self.history.clone()),
            epochs: self.epochs.clone(),
            evaluations: self.evaluations.clone(),
            judge: self.judge.clone(),
            last_step: self.last_step,
        }
    }

    /// Continues monitoring a run of `model` from the result of [`Monitor::state`].
    pub fn restore(model: ModelDescription, state: MonitorState) -> Self {
        let MonitorState { data, start, history: HistoryState(history), epochs, evaluations, judge, last_step } = state;
        Self {
            model,
            data,
            start,
            history,
            epochs,
            evaluations,
            residuals: None,
            inputs: None,
            judge,
            last_step,
            short: false,
            ended: false,
        }
    }

    /// Adds the statistics of the training split; returns new findings.
    pub fn data(&mut self, data: &DataMeasurement) -> Vec<Finding> {
        self.data = Some(data.clone());
        self.ask(Moment::Data, None)
    }

    /// Adds the state before the first update; returns new findings.
    pub fn start(&mut self, start: &StartMeasurement) -> Vec<Finding> {
        self.start = Some(start.clone());
        self.ask(Moment::Start, None)
    }

    /// Adds one training step; returns new findings. The first step replaces a missing start.
    pub fn step(&mut self, step: &StepMeasurement) -> StepOutcome {
        let mut findings = Vec::new();
        if self.start.is_none() {
            findings = self.start(&StartMeasurement::from_first_step(step));
        }
        self.last_step = step.step;
        let window_closed = self.history.push(step);
        match self.history.non_finite_since() {
            Some(since) if since == step.step => {
                findings.extend(self.ask(Moment::Step, Some(step)));
                findings.extend(self.ask(Moment::Collapse, Some(step)));
            }
            None if window_closed => findings.extend(self.ask(Moment::Window, None)),
            _ => {}
        }
        StepOutcome { window_closed, findings }
    }

    /// Adds the end of an epoch; returns new findings.
    pub fn epoch(&mut self, epoch: &EpochMeasurement) -> Vec<Finding> {
        // The latest running statistics are evaluated, alone and against those of the epoch before.
        let judged = self.epochs.len().saturating_sub(1);
        self.epochs[..judged].iter_mut().for_each(|epoch| epoch.norms.clear());
        self.epochs.push(epoch.clone());
        if self.history.steps() == 0 {
            self.last_step = epoch.step;
        }
        let samples = self.model.samples_per_epoch.or(self.data.as_ref().map(|data| data.samples).filter(|&n| n > 0));
        let window_closed = self.history.end_epoch(samples);
        if self.history.non_finite_since().is_some() {
            return Vec::new();
        }
        let mut findings = if window_closed { self.ask(Moment::Window, None) } else { Vec::new() };
        findings.extend(self.ask(Moment::Epoch, None));
        findings
    }

    /// Adds the evaluation of the validation split at the end of an epoch; returns new findings.
    pub fn validation(&mut self, evaluation: EvaluationMeasurement) -> Vec<Finding> {
        self.evaluations = vec![evaluation];
        self.ask(Moment::Validation, None)
    }

    /// Adds the evaluation of the splits at the end of the run; returns new findings.
    pub fn evaluation(&mut self, evaluations: Vec<EvaluationMeasurement>) -> Vec<Finding> {
        self.evaluations = evaluations;
        self.ask(Moment::Evaluation, None)
    }

    /// Adds samples that are given to the trained network; returns new findings.
    pub fn inputs(&mut self, inputs: InputsMeasurement) -> Vec<Finding> {
        self.inputs = Some(inputs);
        self.ask(Moment::Inputs, None)
    }

    /// Returns true if a rule about the end of the run needs [`Monitor::residuals`].
    pub fn wants_residuals(&self) -> bool {
        too_small::is_suspected(&self.case(Moment::End, None))
    }

    /// Adds the errors of the trained network on neighbouring training samples, before the end of the run.
    pub fn residuals(&mut self, residuals: ResidualMeasurement) {
        self.residuals = Some(residuals);
    }

    /// Ends the run; returns new findings. An incomplete window is evaluated. In a run too short for the windows that
    /// would confirm an observation, errors are reported without confirmation.
    pub fn end(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.history.non_finite_since().is_some() {
            return findings;
        }
        if self.history.end() {
            self.short = self.history.closed_windows() <= SHORT_RUN_WINDOWS;
            findings = self.ask(Moment::Window, None);
        }
        findings.extend(self.ask(Moment::End, None));
        self.ended = true;
        findings
    }

    /// Adds one record of a measurement file; returns new findings. A model record starts a new run.
    pub fn record(&mut self, record: &Record) -> Vec<Finding> {
        match record {
            Record::Model(model) => {
                *self = Self::new(model.clone());
                self.judge.findings()
            }
            Record::Data(data) => self.data(data),
            Record::Start(start) => self.start(start),
            Record::Step(step) => self.step(step).findings,
            Record::Epoch(epoch) => self.epoch(epoch),
        }
    }

    /// Returns all findings so far, causes first, each followed by its consequences. Once the run is over, levels are
    /// adjusted to its outcome.
    pub fn findings(&self) -> Vec<Finding> {
        let findings = if self.ended { self.judge.settled(self.outcome()) } else { self.judge.findings() };
        order_by_cause(&self.model, findings)
    }

    /// Returns all findings so far, causes first, each at the level it would have if the run ended with the current
    /// outcome; no level is raised. Findings despite which training succeeds become facts.
    pub fn tempered_findings(&self) -> Vec<Finding> {
        let mut findings = self.judge.settled(self.outcome());
        for (finding, raw) in findings.iter_mut().zip(self.judge.findings()) {
            finding.level = finding.level.min(raw.level);
        }
        order_by_cause(&self.model, findings)
    }

    /// Returns the outcome of the training run so far, or `None` before the measurements that determine it.
    pub fn outcome(&self) -> Option<Outcome> {
        self.case(Moment::End, None).outcome()
    }

    /// Returns the model.
    pub fn model(&self) -> &ModelDescription {
        &self.model
    }

    /// Returns the windows and trends so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    fn case<'a>(&'a self, moment: Moment, step: Option<&'a StepMeasurement>) -> Case<'a> {
        Case {
            moment,
            model: &self.model,
            data: self.data.as_ref(),
            start: self.start.as_ref(),
            step,
            history: &self.history,
            epochs: &self.epochs,
            evaluations: &self.evaluations,
            residuals: self.residuals.as_ref(),
            inputs: self.inputs.as_ref(),
        }
    }

    fn ask(&mut self, moment: Moment, step: Option<&StepMeasurement>) -> Vec<Finding> {
        let case = self.case(moment, step);
        let stretch = match (moment, self.history.latest()) {
            (Moment::Window, Some(window)) => Stretch { first_step: window.first_step, last_step: window.last_step },
            (Moment::Model | Moment::Data | Moment::Start, _) => Stretch { first_step: 0, last_step: 0 },
            _ => Stretch { first_step: self.last_step, last_step: self.last_step },
        };
        let starts = matches!(moment, Moment::Model | Moment::Data | Moment::Start);
        let epoch = self.epochs.last().filter(|_| !starts && self.last_step == 0).map(|epoch| epoch.epoch + 1);
        let answers: Vec<_> = catalog().iter().map(|rule| (rule, (rule.examine)(&case))).collect();
        let mut findings = Vec::new();
        for (rule, mut observations) in answers {
            if self.short {
                observations = observations.into_iter().map(Observation::at_once_if_error).collect();
            }
            let question = Question { rule, moment, stretch, epoch, model: &self.model };
            findings.extend(self.judge.hear(&question, observations));
        }
        findings
    }
}
