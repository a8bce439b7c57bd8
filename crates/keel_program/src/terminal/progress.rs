//! Shows progress on standard error: a live bar on a terminal, lines at intervals elsewhere.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use keel_health::{Finding, Level};
use keel_train::auto::Choice;
use keel_train::metrics::Metrics;
use keel_train::planning::Timing;
use keel_train::{EpochEvent, EvaluationEvent, Event, Started, StepEvent, TrainingObserver};

use super::columns::columns_text;
use super::findings::finding_line;
use super::layers::shape_text;
use super::metrics::percent;
use super::output::is_quiet;
use super::text::{count, error_width, folded, loss_text, plural, time_text};
use crate::shown::shown;

/// Time between two lines if there is no bar.
const INTERVAL: Duration = Duration::from_secs(5);

/// Indentation of the continuation of a broken line.
const INDENT: usize = 12;

/// Maximum number of findings shown during training; further ones are in the table at the end.
const FINDING_LINES: usize = 12;

/// Shows a training run in progress.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The bar; hidden if standard error is not a terminal.
    bar: ProgressBar,
    folder: Option<PathBuf>,
    epochs: u64,
    steps: u64,
    samples: u64,
    steps_seen: u64,
    /// Seconds that steps spent waiting for their batches.
    waited: f64,
    began: Instant,
    last_line: Instant,
    /// First event of the split being evaluated, and its time.
    evaluation: Option<(EvaluationEvent, Instant)>,
    finding_lines: usize,
}

impl Progress {
    /// Creates a display that has shown nothing yet.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let bar = ProgressBar::hidden();
        Progress {
            bar,
            folder: None,
            epochs: 0,
            steps: 0,
            samples: 0,
            steps_seen: 0,
            waited: 0.0,
            began: now,
            last_line: now,
            evaluation: None,
            finding_lines: 0,
        }
    }

    /// Returns the folder of the run, once it has started.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Removes the bar.
    pub(crate) fn close(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line, above the bar if there is one; broken if the terminal is too narrow for it.
    fn line(&self, text: &str) {
        if is_quiet() {
            return;
        }
        let fit = |line: &str| error_width().map_or_else(|| line.to_owned(), |width| folded(line, width, INDENT));
        let text: Vec<String> = shown(text).lines().map(fit).collect();
        let write = || writeln!(io::stderr().lock(), "{}", text.join("\n"));
        let _ = self.bar.suspend(write);
    }

    fn started(&mut self, started: &Started) {
        self.line(&start_text(started));
        self.folder = started.folder.as_ref().map(|folder| folder.path().to_owned());
        (self.epochs, self.steps) = (started.epochs, started.epochs * started.steps_per_epoch);
        (self.began, self.last_line) = (Instant::now(), Instant::now());
        if io::stderr().is_terminal() && !is_quiet() {
            // Both lines fit any width: the bar fills the rest of the first line, and the second line is truncated. The step is that
            // of the bar: a line may be drawn before all of its texts are replaced.
            let template = "{wide_bar} {percent:>3} %  step {pos}/{len}  {prefix}\n{wide_msg}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            self.bar = ProgressBar::new(self.steps).with_style(style).with_position(started.resumed_steps);
        }
    }

    fn step(&mut self, event: StepEvent) {
        self.samples += event.samples as u64;
        self.steps_seen += 1;
        self.waited += event.waited;
        self.evaluation = None;
        if !self.bar.is_hidden() {
            self.bar.set_prefix(self.epoch_text(event));
            self.bar.set_message(self.measured_text(event));
            self.bar.set_position(event.step);
        } else if self.last_line.elapsed() >= INTERVAL {
            self.last_line = Instant::now();
            let (epoch, measured) = (self.epoch_text(event), self.measured_text(event));
            self.line(&format!("step {}/{}  {epoch}  {measured}", event.step, self.steps));
        }
    }

    fn epoch_text(&self, event: StepEvent) -> String {
        format!("epoch {}/{}  {} left", event.epoch, self.epochs, self.time_left(event.step))
    }

    fn measured_text(&self, event: StepEvent) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(1e-9);
        let accuracy = event.epoch_accuracy.map(|share| format!("  accuracy {}", percent(share))).unwrap_or_default();
        format!(
            "loss {}{accuracy}  {:.1} steps/s  {:.0} samples/s  data {:.0} %",
            loss_text(event.epoch_loss),
            self.steps_seen as f64 / seconds,
            self.samples as f64 / seconds,
            100.0 * self.waited / seconds,
        )
    }

    fn time_left(&self, step: u64) -> String {
        let each = self.began.elapsed().as_secs_f64() / self.steps_seen.max(1) as f64;
        time_text(each * self.steps.saturating_sub(step) as f64)
    }

    /// Shows the progress of the evaluation of a split, which can take minutes for many samples and views.
    fn evaluation(&mut self, event: EvaluationEvent) {
        let Some((first, began)) = self.evaluation.filter(|(first, _)| first.part == event.part) else {
            self.evaluation = Some((event, Instant::now()));
            return;
        };
        let text = evaluation_text(event, event.done - first.done, began.elapsed());
        if !self.bar.is_hidden() {
            self.bar.set_message(text);
        } else if self.last_line.elapsed() >= INTERVAL {
            self.last_line = Instant::now();
            self.line(&text);
        }
    }

    /// Prints a line for a cause when it is first found; consequences and remarks are shown at the end.
    fn finding(&mut self, finding: &Finding) {
        if finding.is_root() && finding.level > Level::Info && self.finding_lines < FINDING_LINES {
            self.finding_lines += 1;
            self.line(&finding_line(finding));
            if self.finding_lines == FINDING_LINES {
                self.line("more findings are shown at the end");
            }
        }
    }

    fn shortened(&mut self, total_steps: u64, epochs: f64) {
        self.steps = total_steps;
        self.epochs = epochs.ceil() as u64;
        if !self.bar.is_hidden() {
            self.bar.set_length(total_steps);
        }
        self.line(&format!(
            "time        slower than measured: shortened to {} epochs to end within the limit",
            (epochs * 100.0).round() / 100.0
        ));
    }

    fn epoch(&mut self, event: EpochEvent<'_>) {
        self.last_line = Instant::now();
        let validation = event.validation.map(|metrics| part_text("validation", metrics)).unwrap_or_default();
        let best = if event.best { "  best" } else { "" };
        let train = part_text("train", event.train);
        self.line(&format!(
            "epoch {:>3}/{}{train}{validation}  {:.1} s{best}",
            event.epoch, self.epochs, event.seconds
        ));
    }
}

impl TrainingObserver for Progress {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Started(started) => self.started(started),
            Event::Step(step) => self.step(step),
            Event::Epoch(epoch) => self.epoch(epoch),
            Event::Evaluation(evaluation) => self.evaluation(evaluation),
            Event::Finding(finding) => self.finding(finding),
            Event::Shortened { total_steps, epochs } => self.shortened(total_steps, epochs),
            _ => {}
        }
    }
}

fn start_text(started: &Started) -> String {
    let [train, validation, test] = started.samples.map(count);
    let classes = match started.classes.len() {
        0 => "regression".to_owned(),
        1 => "1 class".to_owned(),
        classes => format!("{classes} classes"),
    };
    let output = started.layers.last().map(|layer| shape_text(&layer.output_shape)).unwrap_or_default();
    let mut lines = vec![format!(
        "data        {}: {train} train, {validation} validation, {test} test samples, {classes}",
        started.data
    )];
    if !started.columns.is_empty() {
        lines.push(columns_text(&started.columns));
    }
    lines.push(format!(
        "network     {}, {}, output {output}",
        plural(started.layers.len() as u64, "layer"),
        plural(started.parameters as u64, "parameter")
    ));
    lines.extend(
        started
            .choices
            .iter()
            .map(|Choice { key, value, reason, .. }| format!("auto        {key} = {value}: {reason}")),
    );
    lines.extend(started.preprocessing.iter().map(|step| format!("preprocess  {step}")));
    let notes = started.inferred.iter().chain(&started.notes);
    lines.extend(notes.map(|sentence| format!("note        {sentence}")));
    let simd = keel_kernels::simd::level().name();
    lines.push(format!("machine     {}, {simd}", plural(started.threads as u64, "thread")));
    lines.extend(started.timing.as_ref().map(|timing| format!("time        {}", timing_text(timing))));
    lines.extend(started.folder.iter().map(|folder| format!("run         {}", folder.path().display())));
    if started.resumed_steps > 0 {
        lines.push(format!("resumed     after step {}", started.resumed_steps));
    }
    lines.join("\n")
}

/// Formats the expected time of a training run: `about 1m 3s: at most 100 epochs of 631 ms`.
pub(crate) fn timing_text(timing: &Timing) -> String {
    let (total, each) = (time_text(timing.seconds.max(1.0)), timing.pace.epoch_seconds);
    let each = if each < 1.0 { format!("{:.0} ms", 1000.0 * each) } else { format!("{each:.1} s") };
    format!("about {total}: at most {} of {each}", plural(timing.epochs, "epoch"))
}

/// Formats the progress of an evaluation; the rate is that of `counted` samples in `time`.
fn evaluation_text(event: EvaluationEvent, counted: usize, time: Duration) -> String {
    let rate = counted as f64 / time.as_secs_f64().max(1e-9);
    format!(
        "evaluating {}  {} of {} samples  {} left  {rate:.0} samples/s",
        event.part,
        count(event.done),
        count(event.samples),
        time_text((event.samples - event.done) as f64 / rate.max(1e-9)),
    )
}

fn part_text(part: &str, metrics: &Metrics) -> String {
    if !metrics.loss.is_finite() {
        return format!("  {part} without a finite result");
    }
    let quality = match (metrics.accuracy, &metrics.regression) {
        (Some(accuracy), _) => format!("  accuracy {}", percent(accuracy)),
        (None, Some(errors)) => match errors.r2 {
            Some(r2) => format!("  R2 {r2:.4}"),
            None => format!("  RMSE {}", loss_text(errors.rmse)),
        },
        (None, None) => String::new(),
    };
    format!("  {part} loss {}{quality}", loss_text(metrics.loss))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_evaluation_tells_its_rate_and_the_time_left() {
        let event = EvaluationEvent { part: "train", done: 12_800, samples: 50_000 };
        assert_eq!(
            evaluation_text(event, 6_200, Duration::from_secs(10)),
            "evaluating train  12,800 of 50,000 samples  1m left  620 samples/s"
        );
    }
}
