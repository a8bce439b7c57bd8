//! Formats findings, causes first.

use keel_health::measurement::SuspectLabel;
use keel_health::{Finding, FindingReference, Level};

use super::output::Status;
use super::text::wrapped;

/// Maximum number of consequences of one cause that are listed.
const CONSEQUENCES: usize = 6;

/// Maximum number of findings of level info that are listed.
const REMARKS: usize = 5;

/// Returns the exit status for findings; `strict` counts warnings too.
pub(crate) fn status_of(findings: &[Finding], strict: bool) -> Status {
    let limit = if strict { Level::Warn } else { Level::Error };
    if findings.iter().any(|finding| finding.level >= limit) { Status::Findings } else { Status::Done }
}

/// Formats all findings: a paragraph for each cause with its consequences in one line each, and remarks of level info below;
/// one sentence if there are none.
pub(crate) fn findings_text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "No findings.\n".to_owned();
    }
    let number = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    let mut text = format!(
        "Findings: {} error, {} warn, {} info (`evenkeel explain CODE` explains each)\n",
        number(Level::Error),
        number(Level::Warn),
        number(Level::Info)
    );
    for finding in findings.iter().filter(|finding| finding.is_root() && finding.level > Level::Info) {
        text.push('\n');
        text.push_str(&paragraph(finding, findings));
    }
    let remarks: Vec<&Finding> =
        findings.iter().filter(|finding| finding.is_root() && finding.level == Level::Info).collect();
    if !remarks.is_empty() {
        text.push('\n');
    }
    for remark in remarks.iter().take(REMARKS) {
        let first = format!("info {} ({}) ", remark.code, place(remark));
        text.push_str(&wrapped(&first, &remark.message));
        remark.samples.iter().for_each(|suspect| text.push_str(&suspect_line(suspect)));
    }
    if remarks.len() > REMARKS {
        text.push_str(&format!("info: {} more in summary.json\n", remarks.len() - REMARKS));
    }
    text
}

/// Formats one finding in one line, for the log of a running training run.
pub(crate) fn finding_line(finding: &Finding) -> String {
    let (level, code, rule) = (finding.level.name(), &finding.code, &finding.rule);
    let first = finding.first_step;
    format!("{level} {code} {rule} ({}, {}): {}", place(finding), steps_text(first, first), finding.message)
}

/// Formats one finding about the inputs of a trained model: without step and layer, but with the remedy.
pub(crate) fn inputs_finding(finding: &Finding) -> String {
    let Finding { code, rule, message, remedy, .. } = finding;
    format!("{} {code} {rule}: {message}; {remedy}", finding.level.name())
}

fn paragraph(finding: &Finding, findings: &[Finding]) -> String {
    let steps = steps_text(finding.first_step, finding.last_step);
    let (level, code, rule) = (finding.level.name(), &finding.code, &finding.rule);
    let mut text = format!("{level} {code} {rule}  ({}, {steps})\n", place(finding));
    text.push_str(&wrapped("  found    ", &finding.message));
    text.push_str(&wrapped("  cause    ", &finding.cause));
    if !finding.remedy.is_empty() {
        text.push_str(&wrapped("  try      ", &finding.remedy));
    }
    for reference in finding.consequences.iter().take(CONSEQUENCES) {
        let known = findings.iter().find(|other| other.code == reference.code && other.layer == reference.layer);
        let message =
            known.map(|known| format!("{} {} {}: {}", known.level.name(), known.code, known.rule, known.message));
        text.push_str(&wrapped("  hence    ", &message.unwrap_or_else(|| name_of(reference))));
    }
    let folded = finding.consequences.len().saturating_sub(CONSEQUENCES);
    if folded > 0 {
        text.push_str(&format!("           and {folded} more in summary.json\n"));
    }
    text
}

/// Formats a sample whose label is contradicted.
fn suspect_line(suspect: &SuspectLabel) -> String {
    let SuspectLabel { sample, given, suggested, probability } = suspect;
    format!("  {sample}: labelled {given}, looks like {suggested} ({probability:.2})\n")
}

/// Formats a range of steps, counted from 1; 0 is the state before the first one.
fn steps_text(first: u64, last: u64) -> String {
    match (first, last) {
        (0, 0) => "at the start".to_owned(),
        (0, last) => format!("start to step {last}"),
        (first, last) if first == last => format!("step {first}"),
        (first, last) => format!("steps {first} to {last}"),
    }
}

/// Returns the layer of a finding, or a description if there is none.
fn place(finding: &Finding) -> &str {
    finding.layer.as_deref().unwrap_or("whole network")
}

fn name_of(reference: &FindingReference) -> String {
    match &reference.layer {
        Some(layer) => format!("{} in {layer}", reference.code),
        None => reference.code.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_before_the_first_step_is_no_step() {
        let cases =
            [((0, 0), "at the start"), ((0, 90), "start to step 90"), ((7, 7), "step 7"), ((7, 9), "steps 7 to 9")];
        for ((first, last), text) in cases {
            assert_eq!(steps_text(first, last), text);
        }
    }
}
