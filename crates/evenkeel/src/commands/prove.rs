//! `prove`: a finding put to the test, with and without its remedy.

use std::path::Path;

use clap::Args;
use clap::value_parser;
use keel_health::{Finding, Level};
use keel_train::remedies::{Arm, Proof, ProofOptions, Verdict, config_of, findings_of, prove, record_proof, treatment};
use keel_train::runs::RunFolder;

use super::chosen_remedy::Choice;
use super::report;
use crate::failure::Stop;
use crate::terminal::{Align, Output, Status, table, wrapped};

/// Seeds where none are asked for.
const SEEDS: u64 = 3;

/// Arguments of `prove`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel prove runs/digits-cnn K010
  evenkeel prove runs/digits-cnn K010 --layer activation_2 --remedy 2
  evenkeel prove runs/digits-cnn K002 --seeds 5 --steps 100 --json

Trains twice for every seed from the same point, with and without the remedy, in a temporary folder, and compares. A
finding whose remedy does not move its own statistic is withdrawn. The outcome is noted in summary.json and in the report of the run.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// Seeds, two runs each
    #[arg(long, value_name = "N", default_value_t = SEEDS, value_parser = value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Steps of each run [default: enough for the finding to come up again]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    steps: Option<u64>,
}

/// Proves the finding, records the outcome and prints it.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let (folder, finding, treatment) = arguments.choice.read()?;
    let options = ProofOptions { seeds: arguments.seeds, steps: arguments.steps };
    let proof = prove(&folder, (&finding, &treatment), options, &mut |text| output.remark(text))?;
    record_proof(&folder, &proof)?;
    report::after_change(&folder, output);
    output.result(&proof, || proof_text(&proof, folder.path()))?;
    Ok(Status::Done)
}

/// Proves and records the leading finding of the run that a program can treat; `None` if it has none.
pub(super) fn prove_leading(folder: &RunFolder, output: &Output) -> Result<Option<Proof>, Stop> {
    let config = config_of(folder)?;
    let leads = |finding: &&Finding| finding.is_root() && finding.level > Level::Info;
    for finding in findings_of(folder)?.iter().filter(leads) {
        let Some(treatment) = treatment(&config, finding, None)? else { continue };
        let options = ProofOptions { seeds: SEEDS, steps: None };
        let proof = prove(folder, (finding, &treatment), options, &mut |text| output.remark(text))?;
        record_proof(folder, &proof)?;
        return Ok(Some(proof));
    }
    Ok(None)
}

/// Both arms with their range over the seeds, and what follows.
pub(super) fn proof_text(proof: &Proof, run: &Path) -> String {
    let place = proof.layer.as_deref().unwrap_or("whole network");
    let start = match proof.from_step {
        0 => "afresh".to_owned(),
        step => format!("from step {step}"),
    };
    let seeds = proof.without.len();
    let mut text = format!("Proof of {} ({place})\n", proof.code);
    text.push_str(&wrapped("  remedy   ", &proof.remedy));
    text.push_str(&format!("  runs     {seeds} seeds with and without, {start}, {} steps each\n\n", proof.steps));
    let limit = format!("statistic (limit {})", number(proof.threshold));
    let columns = [
        ("mean (least to most)", Align::Left),
        (limit.as_str(), Align::Right),
        ("training loss", Align::Right),
        ("validation accuracy", Align::Right),
    ];
    let rows = [("without", &proof.without), ("with the remedy", &proof.with)].map(|(name, arms)| row(name, arms));
    text.push_str(&format!("{}\n\n", table(&columns, &rows)));
    text.push_str(&wrapped("", &verdict_text(proof, run)));
    text
}

fn verdict_text(proof: &Proof, run: &Path) -> String {
    let code = &proof.code;
    match proof.verdict {
        Verdict::Confirmed => {
            format!("Confirmed: the remedy moves the statistic of {code}. Next: evenkeel fix {} {code}", run.display())
        }
        Verdict::Withdrawn => format!(
            "Withdrawn: the remedy does not move the statistic of {code}; summary.json now marks the finding as withdrawn."
        ),
        Verdict::NotReproduced => format!(
            "Nothing can be said: without the remedy {code} did not come up again in {} steps; more --steps may show it.",
            proof.steps
        ),
    }
}

fn row(name: &str, arms: &[Arm]) -> Vec<String> {
    vec![
        name.to_owned(),
        statistic_text(arms),
        spread_text(arms, |arm| arm.loss).unwrap_or_else(|| "not finite".to_owned()),
        spread_text(arms, |arm| arm.accuracy).unwrap_or_else(|| "-".to_owned()),
    ]
}

/// The statistic where it is beyond its limit, and in how many runs it is not.
fn statistic_text(arms: &[Arm]) -> String {
    let within = arms.iter().filter(|arm| arm.statistic.is_none()).count();
    match (spread_text(arms, |arm| arm.statistic), within) {
        (None, _) => "within its limits".to_owned(),
        (Some(spread), 0) => spread,
        (Some(spread), within) => format!("{spread}, {within} of {} within", arms.len()),
    }
}

fn spread_text(arms: &[Arm], value: fn(&Arm) -> Option<f64>) -> Option<String> {
    let spread = Proof::spread(arms, value)?;
    if spread.min == spread.max {
        return Some(number(spread.mean));
    }
    Some(format!("{} ({} to {})", number(spread.mean), number(spread.min), number(spread.max)))
}

/// Four digits, with an exponent where the number is far from 1.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1e-3..1e5 => format!("{}", (value * 1e4).round() / 1e4),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_within_the_limits_are_counted() {
        let arm = |statistic| Arm { seed: 0, statistic, loss: Some(1.0), accuracy: None };
        let cases: [(&[Option<f64>], &str); 4] = [
            (&[None, None], "within its limits"),
            (&[Some(2.0)], "2"),
            (&[Some(2.0), Some(3.0)], "2.5 (2 to 3)"),
            (&[Some(2e-9), None], "2.00e-9, 1 of 2 within"),
        ];
        for (statistics, expected) in cases {
            let arms: Vec<Arm> = statistics.iter().map(|&statistic| arm(statistic)).collect();
            assert_eq!(statistic_text(&arms), expected);
        }
    }
}
