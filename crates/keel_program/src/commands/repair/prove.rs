//! `prove`: tests a finding by training with and without its remedy.

use clap::Args;
use clap::value_parser;
use keel_data::shell_path;
use keel_health::rules::{dead_relu, inputs};
use keel_health::{Finding, FindingReference, Level};
use keel_train::remedies::{
    Arm, Comparison, Proof, ProofOptions, Treatment, Verdict, config_of, findings_of, prove, record_proof, treatments,
};
use keel_train::runs::RunFolder;

use super::chosen_remedy::Choice;
use crate::commands::pages::report;
use crate::failure::{Failure, Stop};
use crate::interruption::{Scratch, stop_flag};
use crate::terminal::{Align, Output, Status, table, wrapped};

/// Default number of seeds.
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
folder, and compares the validation results. Confirmed means: better by more than a minimum and
by more than the spread over seeds (mean of the paired differences against its standard error
times the 0.95 quantile of Student's t). If the first remedy is not confirmed, the next one is
tried, unless --remedy names one. A finding whose remedies do not improve the result becomes a
note, and one whose remedies change nothing is withdrawn; both are recorded in summary.json and in
the report of the run. Ctrl-C ends the proof without recording anything.",
    dead = dead_relu::CODE,
    inputs = inputs::CODE,
))]
pub(crate) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// Seeds, two runs each
    #[arg(long, value_name = "N", default_value_t = SEEDS, value_parser = value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Steps of each run [default: the whole training run if it is short, or else enough for the finding to appear again]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    steps: Option<u64>,
}

/// Tests the finding, records the outcome and prints it.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let (folder, finding, treatments) = arguments.choice.read_all(output)?;
    if let Some(FindingReference { code, .. }) = &finding.explained_by {
        output.remark(&format!("{} is a consequence of {code}: prove that first", finding.code));
    }
    let amount = Amount { seeds: arguments.seeds, steps: arguments.steps };
    let Some(proof) = proved(&folder, &finding, &treatments, amount, output)? else {
        let failure = Failure::new("stopped before the end of the proof; nothing was recorded");
        return Err(failure.next_step("Run it again, with fewer --seeds or --steps if it takes too long").into());
    };
    report::after_change(&folder, output);
    let fix = arguments.choice.with_remedy(number_of(&proof, &treatments)).command("fix");
    output.result(&proof, || proof_text(&proof, &fix) + &next_code(&finding, &proof, &folder))?;
    Ok(Status::Done)
}

/// Names the first consequence of another code of a cause that was not confirmed, as the next finding to test.
fn next_code(finding: &Finding, proof: &Proof, folder: &RunFolder) -> String {
    let refuted = matches!(proof.verdict, Verdict::StatisticOnly | Verdict::Worse | Verdict::NoEffect);
    let next = finding.consequences.iter().find(|consequence| consequence.code != finding.code);
    let Some(FindingReference { code, .. }) = next.filter(|_| refuted) else { return String::new() };
    let run = shell_path(folder.path());
    wrapped("", &format!("{code}, listed as its consequence, may have another cause: evenkeel prove {run} {code}"))
}

/// Returns the number of the remedy that was tested, if it is not the default one.
fn number_of(proof: &Proof, treatments: &[Treatment]) -> Option<usize> {
    let first = treatments.first().map(|treatment| treatment.number);
    (first != Some(proof.remedy_number)).then_some(proof.remedy_number)
}

/// Amount of training for a proof.
#[derive(Debug, Clone, Copy)]
struct Amount {
    /// Number of seeds, with two runs each.
    seeds: u64,
    /// Number of steps of each run; `None` for enough steps for the finding to recur.
    steps: Option<u64>,
}

/// Tests in a temporary folder, with one remedy after the other until one is confirmed, and records the best outcome; `None` if
/// it was stopped before.
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
    let mut best: Option<Proof> = None;
    for treatment in treatments {
        output.remark(&format!("{} remedy {}: {}", finding.code, treatment.number, treatment.remedy.describe()));
        let Some(proof) = prove(folder, finding, treatment, &options, &mut |text| output.remark(text))? else {
            return Ok(None);
        };
        output.remark(&format!("{} remedy {}: {}", finding.code, treatment.number, verdict_words(proof.verdict)));
        // A finding that does not recur without a remedy cannot be tested with another remedy either.
        let last = matches!(proof.verdict, Verdict::Confirmed | Verdict::NotReproduced);
        if best.as_ref().is_none_or(|best| proof.verdict.rank() > best.verdict.rank()) {
            best = Some(proof);
        }
        if last {
            break;
        }
    }
    if let Some(proof) = &best {
        record_proof(folder, proof)?;
    }
    Ok(best)
}

/// Outcome of testing a run's leading finding.
pub(crate) enum Leading {
    /// The finding was tested; with the command that applies the remedy.
    Proved(Box<Proof>, String),
    /// The test was stopped; with the code of the finding.
    Stopped(String),
    /// No finding has a remedy that a program can apply.
    None,
}

/// Tests the leading finding of the run that a program can treat, and records the outcome.
pub(crate) fn prove_leading(folder: &RunFolder, output: &Output) -> Result<Leading, Stop> {
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
        return Ok(Leading::Proved(Box::new(proof), choice.command("fix")));
    }
    Ok(Leading::None)
}

/// Formats both arms with their range over the seeds, and the conclusion; `fix` is the command that applies the remedy.
pub(crate) fn proof_text(proof: &Proof, fix: &str) -> String {
    let place = proof.layer.as_deref().unwrap_or("whole network");
    let start = match proof.from_step {
        0 => "from the start".to_owned(),
        step => format!("from step {step}"),
    };
    let seeds = match proof.without.len() {
        1 => "1 seed".to_owned(),
        seeds => format!("{seeds} seeds"),
    };
    let mut text = format!("Proof of {} ({place})\n", proof.code);
    text.push_str(&wrapped("  remedy   ", &proof.remedy));
    text.push_str(&format!("  runs     {seeds} with and without, {start}, {} each\n\n", steps_text(proof.steps)));
    text.push_str(&format!("{}\n\n", measures_table(proof)));
    text.push_str(&wrapped("", &verdict_text(proof, fix)));
    text
}

/// Formats a verdict in a few words.
fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed => "the result is better",
        Verdict::StatisticOnly => "the statistic changed, the result did not",
        Verdict::Worse => "the result is worse",
        Verdict::NoEffect => "no effect",
        Verdict::NotReproduced => "the finding did not appear again",
    }
}

fn verdict_text(proof: &Proof, fix: &str) -> String {
    let code = &proof.code;
    let gain = gain_text(proof);
    let level = match (proof.withdraws(), proof.lowers_level()) {
        (true, _) => "summary.json now marks the finding as withdrawn",
        (_, true) => "summary.json now lists the finding as info",
        _ => "the finding keeps its level, because the run without the remedy has no result",
    };
    match proof.verdict {
        Verdict::Confirmed => format!("Confirmed: the result is better with the remedy ({gain}). Next: {fix}"),
        Verdict::StatisticOnly => format!(
            "Not confirmed: the statistic of {code} changed, the result did not ({gain}); {level}. Next: read about the \
             rule with evenkeel explain {code}, or test again with more --seeds or --steps"
        ),
        Verdict::Worse => format!(
            "Not confirmed: the result is worse with the remedy ({gain}); {level}. Next: another remedy (--remedy NUMBER), \
             or evenkeel explain {code}"
        ),
        Verdict::NoEffect => format!(
            "No effect: neither the statistic of {code} nor the result changed ({gain}); {level}. Next: read about the \
             rule with evenkeel explain {code}, or test again with more --seeds or --steps"
        ),
        Verdict::NotReproduced => format!(
            "Inconclusive: without the remedy, {code} did not appear again in {}, and the result is the same with it \
             ({gain}); more --steps may show it.",
            steps_text(proof.steps)
        ),
    }
}

/// Formats the paired difference that decided, with its limit.
fn gain_text(proof: &Proof) -> String {
    let Comparison { score, loss, .. } = proof.comparison;
    let seeds = "mean of the paired differences";
    if !proof.score.is_empty() && score.mean.abs() > score.needed {
        return format!("{} {:+.4}, limit {:.4}, {seeds}", proof.score, score.mean, score.needed);
    }
    format!("loss {:+.1} %, limit {:.1} %, {seeds}", 0.0 - 100.0 * loss.mean, 100.0 * loss.needed)
}

fn steps_text(steps: u64) -> String {
    if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") }
}

/// Formats the measures, one row each, without and with the remedy.
fn measures_table(proof: &Proof) -> String {
    type Cell = fn(&[Arm]) -> String;
    let score = if proof.score.is_empty() { "score" } else { &proof.score };
    let measures: [(String, Cell); 4] = [
        (format!("statistic (limit {})", number(proof.threshold)), statistic_text),
        ("training loss".to_owned(), |arms| loss_range(arms, |arm| arm.loss)),
        ("validation loss".to_owned(), |arms| loss_range(arms, |arm| arm.result.loss)),
        (format!("validation {score}"), |arms| {
            spread_text(arms, |arm| arm.result.score, number).unwrap_or_else(|| "-".to_owned())
        }),
    ];
    // The ranges are text, which is broken on a narrow terminal.
    let columns = [("mean (least to most)", Align::Left), ("without", Align::Left), ("with the remedy", Align::Left)];
    let rows = measures.map(|(name, cell)| vec![name, cell(&proof.without), cell(&proof.with)]);
    table(&columns, &rows)
}

fn loss_range(arms: &[Arm], value: fn(&Arm) -> Option<f64>) -> String {
    spread_text(arms, value, number).unwrap_or_else(|| "not finite".to_owned())
}

/// Formats the statistic in the runs in which it exceeds its limit, and the number of the other runs.
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

/// Formats a number with four significant digits, with an exponent if it is far from 1.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size @ 1e-3..1e5 => {
            let scale = 10_f64.powf(3.0 - size.log10().floor());
            format!("{}", (value * scale).round() / scale)
        }
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use keel_train::remedies::RunResult;

    use super::*;

    fn arm(statistic: Option<f64>, score: f64) -> Arm {
        let result = RunResult { loss: Some(1.0 - score), score: Some(score) };
        Arm { seed: 0, statistic, loss: Some(1.0), result }
    }

    #[test]
    fn every_verdict_says_what_to_do_next() {
        let proof = |verdict, scores: (f64, f64)| {
            let (without, with) = (vec![arm(Some(0.9), scores.0)], vec![arm(None, scores.1)]);
            Proof {
                code: "K010".into(),
                layer: None,
                remedy: "use leaky_relu".into(),
                remedy_number: 1,
                verdict,
                from_step: 0,
                steps: 1,
                threshold: 0.4,
                score: "accuracy".into(),
                comparison: Comparison::of(&[without[0].result], &[with[0].result]),
                without,
                with,
            }
        };
        let cases = [
            (Verdict::Confirmed, (0.1, 0.9), "better with the remedy (accuracy +0.8000, limit 0.2250, mean of"),
            (Verdict::Confirmed, (0.1, 0.9), "Next: FIX"),
            (
                Verdict::StatisticOnly,
                (0.5, 0.5),
                "the statistic of K010 changed, the result did not (loss +0.0 %, limit 25.0 %",
            ),
            (Verdict::StatisticOnly, (0.5, 0.5), "lists the finding as info"),
            (Verdict::Worse, (0.9, 0.1), "worse with the remedy (accuracy -0.8000"),
            (Verdict::NoEffect, (0.5, 0.5), "marks the finding as withdrawn"),
            (Verdict::NotReproduced, (0.5, 0.5), "did not appear again in 1 step, and"),
        ];
        for (verdict, scores, expected) in cases {
            let text = proof_text(&proof(verdict, scores), "FIX");
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                text.contains(expected) && text.contains("1 seed with and without, from the start, 1 step each"),
                "{text}"
            );
        }
    }

    #[test]
    fn runs_within_the_limits_are_counted() {
        let cases: [(&[Option<f64>], &str); 5] = [
            (&[None, None], "within its limits"),
            (&[Some(2.0)], "2"),
            (&[Some(2.0), Some(3.0)], "2.5 (2 to 3)"),
            (&[Some(3912.9126), Some(0.868_055)], "1957 (0.8681 to 3913)"),
            (&[Some(2e-9), None], "2.00e-9, 1 of 2 within"),
        ];
        for (statistics, expected) in cases {
            let arms: Vec<Arm> = statistics.iter().map(|&statistic| arm(statistic, 0.5)).collect();
            assert_eq!(statistic_text(&arms), expected);
        }
    }
}
