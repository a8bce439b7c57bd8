//! Merging of findings to one per rule and layer, so that code and layer identify a finding everywhere.

use crate::causes::causal_order::rank;
use crate::finding::{Evidence, Finding};
use crate::remedy::describe_all;

/// Merges findings of the same rule about the same layer made at different moments, such as before the first step and
/// in a window. The earliest in causal order leads, then the more serious, then the older; it takes over the messages
/// and remedies of the others, except for remedies that change what one of its own changes.
pub(crate) fn merge(findings: Vec<Finding>) -> Vec<Finding> {
    let mut merged: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match merged.iter_mut().find(|known| known.reference() == finding.reference()) {
            Some(known) => join(known, finding),
            None => merged.push(finding),
        }
    }
    merged
}

fn join(known: &mut Finding, mut other: Finding) {
    let seriousness = |finding: &Finding| (std::cmp::Reverse(rank(finding)), finding.level);
    if seriousness(&other) > seriousness(known) {
        std::mem::swap(known, &mut other);
    }
    known.level = known.level.max(other.level);
    known.first_step = known.first_step.min(other.first_step);
    known.last_step = known.last_step.max(other.last_step);
    known.epoch = known.epoch.zip(other.epoch).map(|(first, second)| first.min(second));
    if other.message.contains(&known.message) {
        known.message = other.message;
    } else if !known.message.contains(&other.message) {
        known.message = format!("{}; {}", known.message, other.message);
    }
    known.evidence = both(known.evidence.take(), other.evidence);
    let own = known.remedies.len();
    for remedy in other.remedies {
        let (own, taken) = known.remedies.split_at(own);
        if !taken.contains(&remedy) && !own.iter().any(|own| own.changes_the_same_as(&remedy)) {
            known.remedies.push(remedy);
        }
    }
    known.remedy = describe_all(&known.remedies);
}

/// Returns the values of both, ordered by step.
fn both(first: Option<Evidence>, second: Option<Evidence>) -> Option<Evidence> {
    let (Some(mut first), Some(second)) = (first.clone(), second.clone()) else { return first.or(second) };
    if first.statistic == second.statistic {
        let pairs = |evidence: &Evidence| -> Vec<(u64, f64)> {
            evidence.steps.iter().copied().zip(evidence.values.iter().copied()).collect()
        };
        let mut points = [pairs(&first), pairs(&second)].concat();
        points.sort_by_key(|&(step, _)| step);
        (first.steps, first.values) = points.into_iter().unzip();
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Level;
    use crate::remedy::Remedy;

    /// Returns a finding of layer `a`, measured at one step.
    fn finding(code: &str, level: Level, measured: f64, remedy: Remedy) -> Finding {
        Finding {
            code: code.to_owned(),
            rule: String::new(),
            kind: String::new(),
            level,
            layer: Some("a".to_owned()),
            measured,
            latest: None,
            window: None,
            threshold: 0.4,
            first_step: 0,
            last_step: 0,
            epoch: None,
            message: format!("measured {measured}"),
            cause: String::new(),
            lowered: None,
            remedy: remedy.describe(),
            remedies: vec![remedy],
            evidence: Some(Evidence { statistic: "share".to_owned(), steps: vec![0], values: vec![measured] }),
            samples: Vec::new(),
            explained_by: None,
            consequences: Vec::new(),
        }
    }

    /// Returns the same finding, observed in a window.
    fn seen(finding: Finding, first_step: u64, last_step: u64) -> Finding {
        let evidence = finding.evidence.map(|evidence| Evidence { steps: vec![last_step], ..evidence });
        Finding { first_step, last_step, evidence, ..finding }
    }

    #[test]
    fn the_more_serious_finding_of_a_layer_takes_the_other_in() {
        let start = finding("K010", Level::Error, 0.6, Remedy::Augment);
        let window = seen(finding("K010", Level::Warn, 0.3, Remedy::AddResidual), 40, 90);
        let elsewhere = Finding { layer: None, ..window.clone() };
        let merged = merge(vec![window, start, elsewhere.clone()]);
        assert_eq!((merged.len(), &merged[1]), (2, &elsewhere));
        let joined = &merged[0];
        assert_eq!((joined.level, joined.measured, joined.first_step, joined.last_step), (Level::Error, 0.6, 0, 90));
        assert_eq!(joined.message, "measured 0.6; measured 0.3");
        assert_eq!(joined.evidence.as_ref().map(|evidence| evidence.steps.clone()), Some(vec![0, 90]));
        assert_eq!(joined.remedy, "augment the training samples; or add residual connections");
    }

    #[test]
    fn remedies_do_not_contradict_each_other() {
        let scaled = |factor: f64| Remedy::ScaleLearningRate { factor, value: Some(factor) };
        let shock = finding("K013", Level::Error, 0.6, scaled(0.1));
        let mut small = seen(finding("K013", Level::Warn, 0.0001, scaled(10.0)), 40, 90);
        small.remedies.push(Remedy::SetEpochs { epochs: 24 });
        let merged = merge(vec![small, shock]);
        assert_eq!(merged[0].remedies, [scaled(0.1), Remedy::SetEpochs { epochs: 24 }]);
    }

    #[test]
    fn a_message_that_both_share_is_kept_once() {
        let start = finding("K020", Level::Warn, 2.0, Remedy::Augment);
        let end = seen(Finding { level: Level::Error, epoch: Some(3), ..start.clone() }, 42, 42);
        let merged = merge(vec![start, end]);
        assert_eq!((merged.len(), merged[0].level, merged[0].message.as_str()), (1, Level::Error, "measured 2"));
        assert_eq!((merged[0].first_step, merged[0].last_step), (0, 42));
        assert_eq!(merged[0].epoch, None, "it was there before the first epoch");
    }

    #[test]
    fn the_cause_leads_and_the_higher_level_is_kept() {
        // Below its limit, K015 reports batches with too few samples, which explain wrong statistics.
        let few = finding("K015", Level::Warn, 0.1, Remedy::SetBatchSize { batch_size: 16 });
        let recompute = Remedy::RecomputeBatchNormStatistics { batches: 50 };
        let off = seen(finding("K015", Level::Error, 0.9, recompute), 50, 50);
        let merged = merge(vec![off, few]);
        assert_eq!((merged.len(), merged[0].level, merged[0].measured), (1, Level::Error, 0.1));
        assert_eq!(merged[0].remedies.len(), 2);
    }
}
