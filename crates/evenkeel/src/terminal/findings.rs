//! Findings as text, causes first.

use keel_health::{Finding, FindingReference, Level};

use super::output::Status;
use super::text::wrapped;

/// The exit status findings call for; `strict` counts warnings too.
pub(crate) fn status_of(findings: &[Finding], strict: bool) -> Status {
    let limit = if strict { Level::Warn } else { Level::Error };
    if findings.iter().any(|finding| finding.level >= limit) { Status::Findings } else { Status::Done }
}

/// All findings, one paragraph each; one sentence if there is none.
pub(crate) fn findings_text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "No findings.\n".to_owned();
    }
    let number = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    let mut text = format!(
        "Findings: {} error, {} warn, {} info (`evenkeel explain CODE` tells more)\n",
        number(Level::Error),
        number(Level::Warn),
        number(Level::Info)
    );
    for finding in findings {
        text.push('\n');
        text.push_str(&paragraph(finding));
    }
    text
}

fn paragraph(finding: &Finding) -> String {
    let place = finding.layer.as_deref().unwrap_or("whole network");
    let steps = match (finding.first_step, finding.last_step) {
        (first, last) if first == last => format!("step {first}"),
        (first, last) => format!("steps {first} to {last}"),
    };
    let mut text = format!("{} {} {}  ({place}, {steps})\n", finding.level.name(), finding.code, finding.rule);
    text.push_str(&wrapped("  found  ", &finding.message));
    text.push_str(&wrapped("  cause  ", &finding.cause));
    text.push_str(&wrapped("  try    ", &finding.remedy));
    if let Some(reference) = &finding.explained_by {
        text.push_str(&wrapped("  follows from  ", &name_of(reference)));
    }
    if !finding.consequences.is_empty() {
        let names: Vec<String> = finding.consequences.iter().map(name_of).collect();
        text.push_str(&wrapped("  explains  ", &names.join(", ")));
    }
    text
}

fn name_of(reference: &FindingReference) -> String {
    match &reference.layer {
        Some(layer) => format!("{} in {layer}", reference.code),
        None => reference.code.clone(),
    }
}
