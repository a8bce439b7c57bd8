//! Verdict of a proof.

use serde::{Deserialize, Serialize};

use super::Proof;
use super::comparison::Change;

/// Minimum fraction by which the distance of the statistic from its limit must decrease.
const LEAST_CHANGE: f64 = 0.1;

/// Outcome of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The result is better with the remedy, beyond the spread over seeds.
    Confirmed,
    /// The statistic of the finding changed, the result did not: the finding is a remark.
    StatisticOnly,
    /// The result is worse with the remedy, beyond the spread over seeds: the finding is a remark.
    Worse,
    /// Neither the statistic nor the result changed: the finding is withdrawn.
    #[serde(alias = "withdrawn")]
    NoEffect,
    /// The finding did not recur without the remedy, and the result is the same with it: inconclusive.
    NotReproduced,
}

impl Verdict {
    /// Returns the strength of the verdict for its remedy; of several remedies of a finding, the strongest counts.
    pub fn rank(self) -> u8 {
        match self {
            Verdict::Confirmed => 4,
            Verdict::NotReproduced => 3,
            Verdict::StatisticOnly => 2,
            Verdict::NoEffect => 1,
            Verdict::Worse => 0,
        }
    }
}

/// Returns the verdict: decided by the result, or, if it is the same, by the statistic of the seeds in which the finding
/// recurred.
pub(super) fn of(proof: &Proof) -> Verdict {
    let reproduced = proof.without.iter().any(|arm| arm.statistic.is_some());
    match proof.comparison.change {
        Change::Better => Verdict::Confirmed,
        Change::Worse => Verdict::Worse,
        Change::Same if !reproduced => Verdict::NotReproduced,
        Change::Same if statistic_moved(proof) => Verdict::StatisticOnly,
        Change::Same => Verdict::NoEffect,
    }
}

/// Returns true if in most of the seeds in which the finding recurred, the statistic returned to its range or moved towards it
/// by at least a tenth of its distance.
fn statistic_moved(proof: &Proof) -> bool {
    let pairs = proof.without.iter().zip(&proof.with);
    let reproduced: Vec<(f64, Option<f64>)> =
        pairs.filter_map(|(without, with)| Some((without.statistic?, with.statistic))).collect();
    let distance = |value: f64| (value - proof.threshold).abs();
    let moved = reproduced.iter().filter(|(without, with)| match with {
        None => true,
        Some(with) => distance(*with) < (1.0 - LEAST_CHANGE) * distance(*without),
    });
    2 * moved.count() > reproduced.len()
}

#[cfg(test)]
mod tests {
    use super::super::{Arm, Comparison, RunResult};
    use super::*;

    /// Returns a proof with one arm per seed, by statistic and accuracy; `None` for a run that ended without a result.
    fn proof_of(without: &[(Option<f64>, Option<f64>)], with: &[(Option<f64>, Option<f64>)]) -> Proof {
        let arms = |side: &[(Option<f64>, Option<f64>)]| -> Vec<Arm> {
            let arm = |&(statistic, score): &(Option<f64>, Option<f64>)| {
                let result = RunResult { loss: score.map(|score| 1.0 - score), score };
                Arm { seed: 0, statistic, loss: Some(1.0), result }
            };
            side.iter().map(arm).collect()
        };
        let (without, with) = (arms(without), arms(with));
        let results = |arms: &[Arm]| arms.iter().map(|arm| arm.result).collect::<Vec<_>>();
        let comparison = Comparison::of(&results(&without), &results(&with));
        let mut proof = Proof {
            code: "K010".into(),
            layer: None,
            remedy: String::new(),
            remedy_number: 1,
            verdict: Verdict::NotReproduced,
            from_step: 0,
            steps: 10,
            threshold: 1.0,
            score: "accuracy".into(),
            comparison,
            without,
            with,
        };
        proof.verdict = of(&proof);
        proof
    }

    #[test]
    fn the_result_decides_and_then_the_statistic() {
        let beyond = |score: f64| (Some(9.0), Some(score));
        let within = |score: f64| (None, Some(score));
        let nearly = |score: f64| (Some(8.25), Some(score));
        let failed = (Some(9.0), None);
        let cases = [
            (vec![beyond(0.3); 3], vec![within(0.9); 3], Verdict::Confirmed),
            (vec![beyond(0.3); 3], vec![beyond(0.9); 3], Verdict::Confirmed),
            (vec![within(0.3); 3], vec![within(0.9); 3], Verdict::Confirmed),
            (vec![failed; 3], vec![within(0.3); 3], Verdict::Confirmed),
            (vec![beyond(0.9); 3], vec![within(0.9); 3], Verdict::StatisticOnly),
            // 9 is at a distance of 8 from the limit of 1: 8.25 is less than a tenth nearer, 8.0 more.
            (vec![beyond(0.9); 3], vec![nearly(0.9); 3], Verdict::NoEffect),
            (vec![beyond(0.9); 3], vec![(Some(8.0), Some(0.9)); 3], Verdict::StatisticOnly),
            (vec![beyond(0.9); 3], vec![within(0.3); 3], Verdict::Worse),
            (vec![within(0.9); 3], vec![within(0.3); 3], Verdict::Worse),
            (vec![beyond(0.9); 3], vec![failed; 3], Verdict::Worse),
            (vec![beyond(0.9); 3], vec![beyond(0.9); 3], Verdict::NoEffect),
            (vec![failed; 3], vec![failed; 3], Verdict::NoEffect),
            (vec![within(0.9); 3], vec![within(0.9); 3], Verdict::NotReproduced),
            // Better on average, within the spread; the statistic changes in one of two seeds that show it.
            (
                vec![beyond(0.5), beyond(0.5), within(0.5)],
                vec![within(0.9), beyond(0.5), within(0.4)],
                Verdict::NoEffect,
            ),
        ];
        for (without, with, expected) in cases {
            assert_eq!(proof_of(&without, &with).verdict, expected, "{without:?} {with:?}");
        }
    }

    #[test]
    fn the_level_follows_the_verdict_but_a_failed_run_stays_failed() {
        let beyond = |score: f64| (Some(9.0), Some(score));
        let failed = (Some(9.0), None);
        let cases = [
            (proof_of(&[beyond(0.3); 3], &[beyond(0.9); 3]), false, false),
            (proof_of(&[beyond(0.9); 3], &[(None, Some(0.9)); 3]), true, false),
            (proof_of(&[beyond(0.9); 3], &[beyond(0.9); 3]), true, true),
            (proof_of(&[beyond(0.9); 3], &[beyond(0.3); 3]), true, false),
            (proof_of(&[(None, Some(0.9)); 3], &[(None, Some(0.9)); 3]), false, false),
            (proof_of(&[failed; 3], &[failed; 3]), false, false),
        ];
        for (proof, lowered, withdrawn) in cases {
            assert_eq!((proof.lowers_level(), proof.withdraws()), (lowered, withdrawn), "{proof:?}");
        }
    }

    #[test]
    fn a_confirmed_remedy_goes_before_all_others() {
        let order =
            [Verdict::Worse, Verdict::NoEffect, Verdict::StatisticOnly, Verdict::NotReproduced, Verdict::Confirmed];
        assert!(order.windows(2).all(|pair| pair[0].rank() < pair[1].rank()));
        assert_eq!(serde_json::from_str::<Verdict>("\"withdrawn\"").unwrap(), Verdict::NoEffect);
    }
}
