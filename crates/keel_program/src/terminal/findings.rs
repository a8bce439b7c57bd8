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

/// Formats one finding in one line, for the log of a running training run, which is at a later step.
pub(crate) fn finding_line(finding: &Finding) -> String {
    let (level, code, rule) = (finding.level.name(), &finding.code, &finding.rule);
    let time = match (finding.first_step, finding.last_step) {
        (0, 1..) => "since the start".to_owned(),
        (first, last) if first < last => format!("since step {first}"),
        _ => time_text(finding),
    };
    format!("{level} {code} {rule} ({}, {time}): {}", place(finding), finding.message)
}

/// Formats one finding about the inputs of a trained model: without step and layer, but with the remedy.
pub(crate) fn inputs_finding(finding: &Finding) -> String {
    let Finding { code, rule, message, remedy, .. } = finding;
    format!("{} {code} {rule}: {message}; {remedy}", finding.level.name())
}

fn paragraph(finding: &Finding, findings: &[Finding]) -> String {
    let (level, code, rule) = (finding.level.name(), &finding.code, &finding.rule);
    let mut text = format!("{level} {code} {rule}  ({}, {})\n", place(finding), time_text(finding));
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

/// Formats the steps of a finding, counted from 1, or its epoch if no steps are known; step 0 is the state before the first one.
fn time_text(finding: &Finding) -> String {
    match (finding.epoch, finding.first_step, finding.last_step) {
        (Some(epoch), ..) => format!("after epoch {epoch}"),
        (None, 0, 0) => "at the start".to_owned(),
        (None, 0, last) => format!("start to step {last}"),
        (None, first, last) if first == last => format!("step {first}"),
        (None, first, last) => format!("steps {first} to {last}"),
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

    /// The finding about two linear layers in a row.
    fn found() -> Finding {
        let layers = r#"[{"name":"fc1","kind":"linear","units":9},{"name":"fc2","kind":"linear","units":9}]"#;
        let model = format!(r#"{{"type":"model","layers":{layers}}}"#);
        let findings = keel_health::diagnose(model.as_bytes()).unwrap();
        findings.into_iter().find(|finding| finding.code == "K020").unwrap()
    }

    #[test]
    fn what_was_there_before_the_first_step_is_no_step() {
        let cases = [
            ((0, 0), "at the start", "at the start"),
            ((0, 90), "start to step 90", "since the start"),
            ((7, 7), "step 7", "step 7"),
            ((7, 9), "steps 7 to 9", "since step 7"),
        ];
        for ((first_step, last_step), text, live) in cases {
            let finding = Finding { first_step, last_step, ..found() };
            assert_eq!(time_text(&finding), text);
            let line = finding_line(&finding);
            assert!(line.contains(&format!("(fc2, {live}): ")), "{line}");
        }
        assert_eq!(time_text(&Finding { epoch: Some(6), ..found() }), "after epoch 6");
    }
}
