//! `prove`: a finding put to the test, with and without its remedy.

use clap::Args;
use clap::value_parser;
use keel_health::rules::{dead_relu, inputs};
use keel_health::{Finding, Level};
use keel_train::remedies::{
    Arm, Proof, ProofOptions, Treatment, Verdict, config_of, findings_of, prove, record_proof, treatments,
};
use keel_train::runs::RunFolder;

use super::chosen_remedy::Choice;
use super::report;
use crate::failure::{Failure, Stop};
use crate::interruption::{Scratch, stop_flag};
use crate::terminal::{Align, Output, Status, percent, table, wrapped};

/// Seeds where none are asked for.
const SEEDS: u64 = 3;

/// Arguments of `prove`.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "\
Examples:
  evenkeel prove runs/digits-cnn {dead}
  evenkeel prove runs/digits-cnn {dead} --layer activation_2 --remedy 2
  evenkeel prove runs/digits-cnn {inputs} --seeds 5 --steps 100 --json

Trains twice for every seed from the same point, with and without the remedy, in a temporary
folder, and compares. Where the first remedy does not move the statistic of the finding, the next
one is tried, unless --remedy names one; a finding that none of them moves is withdrawn. The
outcome is noted in summary.json and in the report of the run. Ctrl-C ends it with nothing
recorded.",
    dead = dead_relu::CODE,
    inputs = inputs::CODE,
))]
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
    let (folder, finding, treatments) = arguments.choice.read_all()?;
    let amount = Amount { seeds: arguments.seeds, steps: arguments.steps };
    let Some(proof) = proved(&folder, &finding, &treatments, amount, output)? else {
        let failure = Failure::new("stopped before the end of the proof; nothing was recorded");
        return Err(failure.next_step("Run it again, with fewer --seeds or --steps where it takes too long").into());
    };
    report::after_change(&folder, output);
    let fix = arguments.choice.with_remedy(number_of(&proof, &treatments)).command("fix");
    output.result(&proof, || proof_text(&proof, &fix))?;
    Ok(Status::Done)
}

/// The number of the remedy that was proved, where it is not the one that is taken anyway.
fn number_of(proof: &Proof, treatments: &[Treatment]) -> Option<usize> {
    let first = treatments.first().map(|treatment| treatment.number);
    (first != Some(proof.remedy_number)).then_some(proof.remedy_number)
}

/// How much is trained for a proof.
#[derive(Debug, Clone, Copy)]
struct Amount {
    /// Seeds, two runs each.
    seeds: u64,
    /// Steps of each run; `None` for enough of them for the finding to come up again.
    steps: Option<u64>,
}

/// Proves in a temporary folder, with one remedy after the other until one moves the statistic, and records the outcome;
/// `None` if it was stopped before.
fn proved(
    folder: &RunFolder,
    finding: &Finding,
    treatments: &[Treatment],
    amount: Amount,
    output: &Output,
) -> Result<Option<Proof>, Stop> {
    let scratch = Scratch::new("proof")?;
    let Amount { seeds, steps } = amount;
    let options = ProofOptions { seeds, steps, scratch: scratch.path().to_owned(), stop: stop_flag() };
    let mut last = None;
    for treatment in treatments {
        output.remark(&format!("{} remedy {}: {}", finding.code, treatment.number, treatment.remedy.describe()));
        let Some(proof) = prove(folder, (finding, treatment), &options, &mut |text| output.remark(text))? else {
            return Ok(None);
        };
        let withdrawn = proof.verdict == Verdict::Withdrawn;
        last = Some(proof);
        if !withdrawn {
            break;
        }
        output.remark(&format!("{} remedy {} does not move the statistic", finding.code, treatment.number));
    }
    if let Some(proof) = &last {
        record_proof(folder, proof)?;
    }
    Ok(last)
}

/// What came of the leading finding of a run.
pub(super) enum Leading {
    /// It was put to the test; the command that applies the remedy.
    Proved(Proof, String),
    /// Its proof was stopped; its code.
    Stopped(String),
    /// No finding has a remedy a program can apply.
    None,
}

/// Proves and records the leading finding of the run that a program can treat.
pub(super) fn prove_leading(folder: &RunFolder, output: &Output) -> Result<Leading, Stop> {
    let config = config_of(folder)?;
    let leads = |finding: &&Finding| finding.is_root() && finding.level > Level::Info;
    for finding in findings_of(folder)?.iter().filter(leads) {
        let treatments = treatments(&config, finding)?;
        if treatments.is_empty() {
            continue;
        }
        let Some(proof) = proved(folder, finding, &treatments, Amount { seeds: SEEDS, steps: None }, output)? else {
            return Ok(Leading::Stopped(finding.code.clone()));
        };
        let choice = Choice::of(folder, finding).with_remedy(number_of(&proof, &treatments));
        return Ok(Leading::Proved(proof, choice.command("fix")));
    }
    Ok(Leading::None)
}

/// Both arms with their range over the seeds, and what follows; `fix` is the command that applies the remedy.
pub(super) fn proof_text(proof: &Proof, fix: &str) -> String {
    let place = proof.layer.as_deref().unwrap_or("whole network");
    let start = match proof.from_step {
        0 => "afresh".to_owned(),
        step => format!("from step {step}"),
    };
    let seeds = match proof.without.len() {
        1 => "1 seed".to_owned(),
        seeds => format!("{seeds} seeds"),
    };
    let mut text = format!("Proof of {} ({place})\n", proof.code);
    text.push_str(&wrapped("  remedy   ", &proof.remedy));
    text.push_str(&format!("  runs     {seeds} with and without, {start}, {} each\n\n", steps_text(proof.steps)));
    let limit = format!("statistic (limit {})", number(proof.threshold));
    let columns = [
        ("mean (least to most)", Align::Left),
        (limit.as_str(), Align::Right),
        ("training loss", Align::Right),
        ("validation accuracy", Align::Right),
    ];
    let rows = [("without", &proof.without), ("with the remedy", &proof.with)].map(|(name, arms)| row(name, arms));
    text.push_str(&format!("{}\n\n", table(&columns, &rows)));
    text.push_str(&wrapped("", &verdict_text(proof, fix)));
    text
}

fn verdict_text(proof: &Proof, fix: &str) -> String {
    let code = &proof.code;
    match proof.verdict {
        Verdict::Confirmed if proof.raises_loss() => format!(
            "Confirmed, at a price: the remedy moves the statistic of {code}, but the training loss is worse with it. \
             Another remedy (--remedy NUMBER) may do better. Next, to apply this one all the same: {fix}"
        ),
        Verdict::Confirmed => format!("Confirmed: the remedy moves the statistic of {code}. Next: {fix}"),
        Verdict::Withdrawn => format!(
            "Withdrawn: the remedy does not move the statistic of {code}, nor does one tried before it; summary.json now \
             marks the finding as withdrawn. Next, if you doubt that: evenkeel explain {code}"
        ),
        Verdict::NotReproduced => format!(
            "Nothing can be said: without the remedy {code} did not come up again in {}; more --steps may show it.",
            steps_text(proof.steps)
        ),
    }
}

fn steps_text(steps: u64) -> String {
    if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") }
}

fn row(name: &str, arms: &[Arm]) -> Vec<String> {
    vec![
        name.to_owned(),
        statistic_text(arms),
        spread_text(arms, |arm| arm.loss, number).unwrap_or_else(|| "not finite".to_owned()),
        spread_text(arms, |arm| arm.accuracy, percent).unwrap_or_else(|| "-".to_owned()),
    ]
}

/// The statistic where it is beyond its limit, and in how many runs it is not.
fn statistic_text(arms: &[Arm]) -> String {
    let within = arms.iter().filter(|arm| arm.statistic.is_none()).count();
    match (spread_text(arms, |arm| arm.statistic, number), within) {
        (None, _) => "within its limits".to_owned(),
        (Some(spread), 0) => spread,
        (Some(spread), within) => format!("{spread}, {within} of {} within", arms.len()),
    }
}

fn spread_text(arms: &[Arm], value: fn(&Arm) -> Option<f64>, text: fn(f64) -> String) -> Option<String> {
    Proof::spread(arms, value).map(|spread| spread.text(text, " to "))
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

    fn arm(statistic: Option<f64>, loss: f64) -> Arm {
        Arm { seed: 0, statistic, loss: Some(loss), accuracy: Some(0.5) }
    }

    #[test]
    fn every_verdict_says_what_to_do_next() {
        let proof = |verdict, losses: (f64, f64)| Proof {
            code: "K010".into(),
            layer: None,
            remedy: "use leaky_relu".into(),
            remedy_number: 1,
            verdict,
            from_step: 0,
            steps: 1,
            threshold: 0.4,
            without: vec![arm(Some(0.9), losses.0)],
            with: vec![arm(None, losses.1)],
        };
        let cases = [
            (Verdict::Confirmed, (2.0, 1.0), "Confirmed: the remedy moves the statistic of K010. Next: FIX"),
            (Verdict::Confirmed, (1.0, 2.0), "the training loss is worse with it"),
            (Verdict::Withdrawn, (1.0, 1.0), "evenkeel explain K010"),
            (Verdict::NotReproduced, (1.0, 1.0), "did not come up again in 1 step; more"),
        ];
        for (verdict, losses, expected) in cases {
            let text = proof_text(&proof(verdict, losses), "FIX");
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(expected) && text.contains("1 seed with and without, afresh, 1 step each"), "{text}");
        }
    }

    #[test]
    fn runs_within_the_limits_are_counted() {
        let cases: [(&[Option<f64>], &str); 4] = [
            (&[None, None], "within its limits"),
            (&[Some(2.0)], "2"),
            (&[Some(2.0), Some(3.0)], "2.5 (2 to 3)"),
            (&[Some(2e-9), None], "2.00e-9, 1 of 2 within"),
        ];
        for (statistics, expected) in cases {
            let arms: Vec<Arm> = statistics.iter().map(|&statistic| arm(statistic, 1.0)).collect();
            assert_eq!(statistic_text(&arms), expected);
        }
    }
}
