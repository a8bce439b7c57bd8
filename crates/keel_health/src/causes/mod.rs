//! Explanation of findings by others: each cause comes first, followed by its consequences.
//!
//! Each rule states which symptoms its findings explain, and the required order of the layers. A finding is explained
//! by the candidate that is at least as serious, appeared no later, and comes first in the [`causal_order`]. A fact of
//! level info neither explains nor is explained. Every explanation goes forward in that order, so there are no cycles.

pub(crate) mod causal_order;
mod merge;

use self::causal_order::{causal_order, rank};
use self::merge::merge;
use crate::finding::{Finding, Level};
use crate::measurement::ModelDescription;
use crate::rule::role::Lies;

/// Number of steps by which a cause may be observed after its consequence, since both wait for two windows.
const SLACK_STEPS: u64 = 200;

/// Merges findings to one per rule and layer, fills `explained_by` and `consequences` and orders the findings: the most
/// serious causes first, each followed by its consequences.
pub fn order_by_cause(model: &ModelDescription, findings: Vec<Finding>) -> Vec<Finding> {
    let mut findings = merge(findings);
    let causes: Vec<Option<usize>> = (0..findings.len()).map(|index| explain(model, &findings, index)).collect();
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

/// Returns the finding that best explains the one at `index`.
fn explain(model: &ModelDescription, findings: &[Finding], index: usize) -> Option<usize> {
    let candidates = (0..findings.len()).filter(|&cause| cause != index && explains(model, findings, cause, index));
    candidates.min_by_key(|&cause| {
        let finding = &findings[cause];
        (rank(finding), position(model, finding), finding.first_step, cause)
    })
}

fn explains(model: &ModelDescription, findings: &[Finding], cause: usize, effect: usize) -> bool {
    let (first, second) = (&findings[cause], &findings[effect]);
    if second.level == Level::Info || first.level < second.level || first.first_step > second.first_step + SLACK_STEPS {
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
