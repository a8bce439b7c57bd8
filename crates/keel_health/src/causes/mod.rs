//! Explanation of findings by others: each cause comes first, followed by its consequences.
//!
//! Each rule states which symptoms its findings explain, and the required order of the layers. A finding is explained
//! by the candidate that is at least as serious, appeared no later, and comes first in the [`causal_order`]. If no
//! candidate is as serious, a warning explains an error and becomes one: a cause is as serious as its consequences. A
//! warning that may be a symptom itself ([`update_ratio::may_be_symptom`]), or be intended (K020), does not, and a fact of
//! level info neither explains nor is explained. Every explanation goes forward in that order, so there are no cycles.

pub(crate) mod causal_order;
mod merge;

use self::causal_order::{causal_order, rank};
use self::merge::merge;
use crate::finding::{Finding, Level};
use crate::measurement::ModelDescription;
use crate::rule::role::Lies;
use crate::rules::{missing_activation, update_ratio};

/// Number of steps by which a cause may be observed after its consequence, since both wait for two windows.
const SLACK_STEPS: u64 = 200;

/// Merges findings to one per rule and layer, fills `explained_by` and `consequences` and orders the findings: the most
/// serious causes first, each followed by its consequences.
pub fn order_by_cause(model: &ModelDescription, findings: Vec<Finding>) -> Vec<Finding> {
    let mut findings = merge(findings);
    let causes: Vec<Option<usize>> = (0..findings.len()).map(|index| explain(model, &findings, index)).collect();
    raise(&causes, &mut findings);
    let roots: Vec<usize> = (0..findings.len()).map(|index| root(&causes, index)).collect();
    for finding in &mut findings {
        finding.explained_by = None;
        finding.consequences.clear();
    }
    for index in 0..findings.len() {
        if let Some(cause) = causes[index] {
            findings[index].explained_by = Some(findings[cause].reference());
            let consequence = findings[index].reference();
            findings[roots[index]].consequences.push(consequence);
        }
    }
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|&index| {
        let (finding, lead) = (&findings[index], &findings[roots[index]]);
        let lead_key = (std::cmp::Reverse(lead.level), rank(lead), std::cmp::Reverse(lead.consequences.len()));
        (lead_key, roots[index], roots[index] != index, std::cmp::Reverse(finding.level), rank(finding), index)
    });
    order.into_iter().map(|index| findings[index].clone()).collect()
}

/// Returns the finding that best explains the one at `index`: one of at least its level, if there is one.
fn explain(model: &ModelDescription, findings: &[Finding], index: usize) -> Option<usize> {
    let candidates = (0..findings.len()).filter(|&cause| cause != index && explains(model, findings, cause, index));
    candidates.min_by_key(|&cause| {
        let finding = &findings[cause];
        let is_milder = finding.level < findings[index].level;
        (is_milder, rank(finding), position(model, finding), finding.first_step, cause)
    })
}

/// Raises every cause to the level of its most serious consequence.
fn raise(causes: &[Option<usize>], findings: &mut [Finding]) {
    for index in 0..findings.len() {
        let level = findings[index].level;
        let mut current = index;
        // As in `root`, the walk is shorter than the number of findings.
        for _ in 0..causes.len() {
            let Some(cause) = causes[current] else { break };
            findings[cause].level = findings[cause].level.max(level);
            current = cause;
        }
    }
}

/// Returns true for a warning that is no proof against other causes.
fn is_guess(finding: &Finding) -> bool {
    update_ratio::may_be_symptom(finding) || finding.code == missing_activation::CODE
}

fn explains(model: &ModelDescription, findings: &[Finding], cause: usize, effect: usize) -> bool {
    let (first, second) = (&findings[cause], &findings[effect]);
    let milder_guess = first.level < second.level && is_guess(first);
    if second.level == Level::Info || first.level == Level::Info || milder_guess {
        return false;
    }
    if first.first_step > second.first_step + SLACK_STEPS {
        return false;
    }
    let (place, later) = (rank(first), rank(second));
    if place == later {
        let key = |finding: &Finding| (std::cmp::Reverse(finding.level), position(model, finding));
        return (key(first), cause) < (key(second), effect);
    }
    place < later
        && causal_order()[place].explains.iter().any(|explanation| {
            explanation.consequences.iter().any(|consequence| consequence.is_shown_by(second))
                && is_placed(model, explanation.lies, first, second)
        })
}

/// Returns true if the layer of `cause` has the required position relative to the layer of `effect`.
fn is_placed(model: &ModelDescription, wanted: Lies, cause: &Finding, effect: &Finding) -> bool {
    let (Some(cause), Some(effect)) = (position(model, cause), position(model, effect)) else { return true };
    match wanted {
        Lies::Anywhere => true,
        Lies::Upstream => model.reaches(cause, effect),
        Lies::Downstream => model.reaches(effect, cause),
    }
}

fn position(model: &ModelDescription, finding: &Finding) -> Option<usize> {
    finding.layer.as_deref().and_then(|name| model.find(name))
}

fn root(causes: &[Option<usize>], index: usize) -> usize {
    let mut current = index;
    // Explanations go strictly forward in a total order, so the walk is shorter than the number of findings.
    for _ in 0..causes.len() {
        match causes[current] {
            Some(cause) => current = cause,
            None => break,
        }
    }
    current
}
