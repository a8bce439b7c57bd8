//! Output at the end of a training run: results, layers, findings and the next steps.

use std::path::Path;

use keel_data::shell_path;
use keel_health::history::{LAST_WINDOW_SAMPLES, WINDOW_SAMPLES};
use keel_health::{Finding, Level};
use keel_train::Config;
use keel_train::config::HealthLevel;
use keel_train::metrics::MetricName;
use keel_train::remedies::{findings_of, treatment};
use keel_train::runs::{PartMetrics, RankSummary, RunFolder, Status, Summary};

use crate::terminal::{
    findings_text, layers_table, metric_text, metrics_line, metrics_table, plural, status_word, wrapped,
};

/// Number of samples below which there are not two windows, which most rules about the course of training need.
const JUDGED_SAMPLES: u64 = WINDOW_SAMPLES + LAST_WINDOW_SAMPLES;

/// Formats everything for a run that ended.
pub(super) fn ending(folder: &RunFolder, config: &Config, summary: &Summary, findings: &[Finding]) -> String {
    let mut text = format!("{}\n", headline(summary));
    let metrics = &summary.metrics;
    let parts = [("train", &metrics.train), ("validation", &metrics.validation), ("test", &metrics.test)];
    let lines = parts.iter().filter_map(|(part, metrics)| Some(format!("\n{}", metrics_line(part, metrics.as_ref()?))));
    let lines: String = lines.collect();
    if !lines.is_empty() {
        let present: Vec<_> = parts.iter().filter_map(|(part, metrics)| Some((*part, metrics.as_ref()?))).collect();
        text.push_str(&format!("{lines}\n\n{}\n", metrics_table(&present)));
    }
    let health = health_text(findings, config, summary);
    let guess = guess_text(folder, config, metrics);
    text.push_str(&format!("\n{}\n\n{guess}{health}\n", layers_table(&summary.layers)));
    text + &next_steps(folder, config, summary, findings)
}

/// Formats findings and next steps for a run that failed; empty if there is nothing to read.
pub(super) fn after_failure(folder: &Path, config: &Config) -> String {
    let read = || {
        let folder = RunFolder::open(folder)?;
        let (summary, findings) = (folder.read_summary()?, findings_of(&folder)?);
        Ok((folder, summary, findings))
    };
    match read() {
        Ok((folder, summary, findings)) if summary.status == Status::Failed => {
            let health = if findings.is_empty() { String::new() } else { findings_text(&findings) + "\n" };
            health + &next_steps(&folder, config, &summary, &findings)
        }
        // The error that ended training matters more than a file that is missing now.
        Ok(_) | Err::<_, keel_train::TrainError>(_) => String::new(),
    }
}

fn headline(summary: &Summary) -> String {
    let reason = summary.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let best = match summary.best_epoch {
        0 => String::new(),
        epoch => format!("; best epoch {epoch}"),
    };
    let ranks = summary.ranks.as_ref().map(ranks_text).unwrap_or_default();
    format!(
        "{}{reason}: {}, {}, {:.1} s, {:.0} samples/s{best}{ranks}",
        status_word(summary.status),
        plural(summary.epochs, "epoch"),
        plural(summary.steps, "step"),
        summary.seconds,
        summary.samples_per_second,
    )
}

/// Formats the part of the headline about several ranks.
fn ranks_text(ranks: &RankSummary) -> String {
    let RankSummary { count, waited, sent_bytes_per_step } = ranks;
    format!(
        "; {count} ranks, waits {:.0} % for others, sends {:.1} MB a step",
        100.0 * waited,
        sent_bytes_per_step / 1e6
    )
}

/// Formats a sentence about a model that is no better than a constant guess, with the next step; empty for any other model.
fn guess_text(folder: &RunFolder, config: &Config, metrics: &PartMetrics) -> String {
    let Some((part, metrics)) = metrics.no_better_than_guess(config) else { return String::new() };
    let baseline = metrics.baseline.as_ref();
    let (guess, checked) = if metrics.is_classification() {
        let class = baseline.and_then(|baseline| baseline.class.as_ref());
        let class = class.map_or_else(|| "the largest class".to_owned(), |class| format!("`{class}`"));
        let share = baseline.and_then(|baseline| baseline.value(MetricName::Accuracy));
        let share = metric_text(MetricName::Accuracy, share);
        (format!("answering {class} ({share} of the {part} samples)"), "classes of the samples")
    } else {
        let r2 = metric_text(MetricName::R2, MetricName::R2.value(metrics));
        (format!("predicting the mean (R2 {r2} on the {part} samples)"), "target column")
    };
    let sentence = format!(
        "The model is no better than always {guess}. Next: check the {checked}, train for more epochs, or let \
         `evenkeel doctor {}` search for better settings.",
        shell_path(folder.path())
    );
    format!("{}\n", wrapped("", &sentence))
}

/// Formats the findings, or the meaning of their absence.
fn health_text(findings: &[Finding], config: &Config, summary: &Summary) -> String {
    if !findings.is_empty() {
        return findings_text(findings);
    }
    if config.health.level == HealthLevel::Off {
        return "Health: not watched (health.level is off).\n".to_owned();
    }
    let samples = summary.steps * config.train.batch_size as u64;
    if samples < JUDGED_SAMPLES {
        let steps = plural(summary.steps, "step");
        let needed = plural(JUDGED_SAMPLES, "sample");
        let short = format!(
            "no findings, but a run of {steps} is short: most rules about the course of training need {needed}."
        );
        return wrapped("Health: ", &short);
    }
    "Health: no findings; every layer was watched at every step.\n".to_owned()
}

/// Formats the folder of the run and the commands to continue with.
fn next_steps(folder: &RunFolder, config: &Config, summary: &Summary, findings: &[Finding]) -> String {
    let (run, status) = (shell_path(folder.path()), summary.status);
    let mut commands: Vec<(String, &str)> = Vec::new();
    if status == Status::Stopped {
        commands.push((format!("evenkeel train --resume {run}"), "continue from the checkpoint"));
    }
    if folder.flight_record().exists() && status == Status::Failed {
        commands.push((
            folder.flight_record().display().to_string(),
            "the last 50 steps, and the operation that failed with its inputs",
        ));
    }
    if folder.report().exists() {
        commands.push((folder.report().display().to_string(), "the run as a page, for a browser"));
    }
    if status != Status::Failed {
        let evaluated = evaluation(&summary.metrics);
        commands.push((format!("evenkeel eval {run}{}", evaluated.option), evaluated.purpose));
        if folder.importance().exists() {
            commands.push((format!("evenkeel importance {run}"), "how much the model relies on each column"));
        }
        commands.push((format!("evenkeel predict {run} INPUT"), evaluated.prediction));
        commands.push((format!("evenkeel compare {run} RUN"), "this run next to another"));
    }
    if let Some(finding) = findings.iter().find(|finding| finding.is_root() && finding.level > Level::Info) {
        commands.extend(remedy_commands(&run, config, finding));
    }
    if commands.is_empty() {
        return format!("Run: {}\n", folder.path().display());
    }
    let column = commands.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    let line = |(command, purpose): &(String, &str)| wrapped(&format!("  {command:<column$}  "), purpose);
    format!("Run: {}\nNext:\n{}", folder.path().display(), commands.iter().map(line).collect::<String>())
}

/// Parts of the next steps that depend on the data of a run.
struct Evaluation {
    /// Option of `eval`, after a space, that selects a part that the data has.
    option: &'static str,
    /// Purpose of `eval`.
    purpose: &'static str,
    /// Purpose of `predict`.
    prediction: &'static str,
}

/// Describes how to evaluate a run with these `metrics`: on the validation split if there is no test split.
fn evaluation(metrics: &PartMetrics) -> Evaluation {
    let has_values = [&metrics.train, &metrics.validation, &metrics.test]
        .into_iter()
        .flatten()
        .any(|metrics| !metrics.is_classification());
    let only_validation = metrics.test.is_none() && metrics.validation.is_some();
    let purpose = match (has_values, only_validation) {
        (false, false) => "classes, mistakes and errors on the test split",
        (false, true) => "classes, mistakes and errors on the validation split",
        (true, false) => "every metric, target by target, on the test split",
        (true, true) => "every metric, target by target, on the validation split",
    };
    Evaluation {
        option: if only_validation { " --part validation" } else { "" },
        purpose,
        prediction: if has_values { "values for new data" } else { "labels and probabilities of new data" },
    }
}

/// Returns the possible commands for the leading finding.
fn remedy_commands(run: &str, config: &Config, finding: &Finding) -> Vec<(String, &'static str)> {
    let code = &finding.code;
    if matches!(treatment(config, finding, None), Ok(Some(_))) {
        return vec![
            (format!("evenkeel prove {run} {code}"), "the effect of the remedy, over several seeds"),
            (format!("evenkeel fix {run} {code}"), "apply the remedy"),
        ];
    }
    vec![(format!("evenkeel explain {code}"), "the measurement, the reason, the remedies")]
}
