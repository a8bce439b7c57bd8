//! Which finding explains which: the cause leads, its consequences follow.
//!
//! The table says which rule can explain which other, and how their layers must lie. A finding is explained by the
//! candidate that is at least as serious, was there no later, and stands earliest in [`CAUSAL_ORDER`]. Every
//! explanation in the table goes forward in that order, so there are no circles.

use crate::finding::{Finding, Level};
use crate::measurement::ModelDescription;
use crate::merge::merge;

/// Steps by which a cause may be noticed after its consequence: both wait for two windows.
const SLACK_STEPS: u64 = 200;

/// What a finding stands for. One rule can stand for opposite things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symptom {
    /// Any finding of the rule.
    Code(&'static str),
    /// A finding whose statistic is above its limit.
    High(&'static str),
    /// A finding whose statistic is below its limit.
    Low(&'static str),
}

/// How the layer of the cause must lie to that of the consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Anywhere.
    Anywhere,
    /// In front of it, in the forward direction, or the same layer.
    Before,
    /// Behind it, in the forward direction, or the same layer: gradients come from there.
    Behind,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Explanation {
    /// What explains.
    pub cause: Symptom,
    /// What is explained.
    pub consequences: &'static [Symptom],
    /// How their layers must lie.
    pub position: Position,
}

use Position::{Anywhere, Before, Behind};
use Symptom::{Code, High, Low};

/// From causes to symptoms; a finding can only be explained by one that comes earlier.
pub const CAUSAL_ORDER: [Symptom; 21] = [
    Code("K008"),
    Code("K002"),
    Code("K003"),
    Code("K006"),
    Code("K005"),
    Code("K019"),
    Low("K015"),
    High("K013"),
    Code("K012"),
    Code("K009"),
    Code("K010"),
    Code("K014"),
    Code("K011"),
    Code("K015"),
    Code("K016"),
    Low("K013"),
    Code("K004"),
    Code("K007"),
    Code("K018"),
    Code("K017"),
    Code("K001"),
];

/// Who explains whom. Where a rule speaks of several layers, the first in the graph explains the others.
pub const EXPLANATIONS: &[Explanation] = &[
    // A wrong output layer: everything about the loss, and a gradient that is too small everywhere.
    Explanation {
        cause: Code("K008"),
        consequences: &[Code("K004"), Code("K007"), Code("K011"), Low("K013"), Code("K017"), Code("K001")],
        position: Anywhere,
    },
    // Inputs off scale make z off scale in the first layer and everything that follows from it.
    Explanation {
        cause: Code("K002"),
        consequences: &[
            Code("K005"),
            High("K013"),
            Code("K012"),
            Code("K009"),
            Code("K010"),
            Code("K014"),
            Code("K011"),
            Code("K015"),
            Code("K016"),
            Low("K013"),
            Code("K004"),
            Code("K007"),
            Code("K018"),
            Code("K017"),
            Code("K001"),
        ],
        position: Anywhere,
    },
    // Labels: only what is judged by the loss.
    Explanation {
        cause: Code("K003"),
        consequences: &[Code("K004"), Code("K007"), Code("K018"), Code("K017")],
        position: Anywhere,
    },
    // Identical units: the signal and the gradient of a single unit.
    Explanation {
        cause: Code("K006"),
        consequences: &[
            Code("K005"),
            Code("K009"),
            Code("K010"),
            Code("K014"),
            Code("K011"),
            Code("K012"),
            Code("K016"),
            Low("K013"),
            Code("K004"),
            Code("K007"),
            Code("K017"),
        ],
        position: Anywhere,
    },
    // Initialisation: saturation, silence, fading and exploding gradients, and their symptoms.
    Explanation {
        cause: Code("K005"),
        consequences: &[
            High("K013"),
            Code("K012"),
            Code("K009"),
            Code("K010"),
            Code("K014"),
            Code("K011"),
            Code("K015"),
            Code("K016"),
            Low("K013"),
            Code("K004"),
            Code("K007"),
            Code("K017"),
            Code("K001"),
        ],
        position: Anywhere,
    },
    // A penalty that wins: weights, signal and gradient go to zero.
    Explanation {
        cause: Code("K019"),
        consequences: &[
            High("K013"),
            Code("K012"),
            Code("K010"),
            Code("K014"),
            Code("K011"),
            Code("K015"),
            Code("K016"),
            Low("K013"),
            Code("K007"),
            Code("K017"),
        ],
        position: Anywhere,
    },
    // Batches of too few samples: noise in everything that is normalised.
    Explanation {
        cause: Low("K015"),
        consequences: &[
            Code("K012"),
            Code("K009"),
            Code("K010"),
            Code("K011"),
            Code("K015"),
            Code("K016"),
            Code("K018"),
            Code("K017"),
        ],
        position: Anywhere,
    },
    // Steps too large: units die or saturate, gradients explode, NaN.
    Explanation {
        cause: High("K013"),
        consequences: &[
            Code("K012"),
            Code("K009"),
            Code("K010"),
            Code("K014"),
            Code("K015"),
            Code("K016"),
            Code("K017"),
            Code("K001"),
        ],
        position: Anywhere,
    },
    Explanation {
        cause: Code("K012"),
        consequences: &[
            Code("K009"),
            Code("K010"),
            Code("K014"),
            Code("K015"),
            Code("K016"),
            Code("K017"),
            Code("K001"),
        ],
        position: Anywhere,
    },
    // A saturated layer: constant inputs for what follows it, no gradient for what comes before it.
    Explanation { cause: Code("K009"), consequences: &[Code("K014"), Code("K016")], position: Before },
    Explanation { cause: Code("K009"), consequences: &[Code("K011"), Code("K016"), Low("K013")], position: Behind },
    Explanation { cause: Code("K009"), consequences: &[Code("K007"), Code("K017")], position: Anywhere },
    Explanation { cause: Code("K010"), consequences: &[Code("K014"), Code("K016")], position: Before },
    Explanation { cause: Code("K010"), consequences: &[Code("K011"), Code("K016"), Low("K013")], position: Behind },
    Explanation { cause: Code("K010"), consequences: &[Code("K007"), Code("K017")], position: Anywhere },
    Explanation { cause: Code("K014"), consequences: &[Code("K017")], position: Anywhere },
    Explanation {
        cause: Code("K011"),
        consequences: &[Code("K016"), Low("K013"), Code("K007"), Code("K017")],
        position: Anywhere,
    },
    Explanation { cause: Code("K015"), consequences: &[Code("K018")], position: Anywhere },
    Explanation { cause: Code("K016"), consequences: &[Low("K013"), Code("K007"), Code("K017")], position: Anywhere },
    Explanation { cause: Low("K013"), consequences: &[Code("K017")], position: Anywhere },
    Explanation { cause: Code("K007"), consequences: &[Code("K017")], position: Anywhere },
];

impl Symptom {
    /// `true` if `finding` shows this symptom.
    pub fn shows(self, finding: &Finding) -> bool {
        match self {
            Code(code) => finding.code == code,
            High(code) => finding.code == code && finding.measured > finding.threshold,
            Low(code) => finding.code == code && !(finding.measured > finding.threshold),
        }
    }
}

/// Leaves one finding a rule and layer, fills `explained_by` and `consequences` and orders the findings: the most serious causes first, each followed by
/// its consequences.
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

/// The finding that best explains the one at `index`.
fn explain(model: &ModelDescription, findings: &[Finding], index: usize) -> Option<usize> {
    let effect = &findings[index];
    let candidates = (0..findings.len()).filter(|&cause| cause != index && explains(model, findings, cause, index));
    candidates.min_by_key(|&cause| {
        let finding = &findings[cause];
        let weaker = finding.level < effect.level;
        (weaker, rank(finding), position(model, finding), finding.first_step, cause)
    })
}

fn explains(model: &ModelDescription, findings: &[Finding], cause: usize, effect: usize) -> bool {
    let (first, second) = (&findings[cause], &findings[effect]);
    if first.level == Level::Info || first.first_step > second.first_step + SLACK_STEPS {
        return false;
    }
    if rank(first) == rank(second) {
        let key = |finding: &Finding| (std::cmp::Reverse(finding.level), position(model, finding));
        return (key(first), cause) < (key(second), effect);
    }
    rank(first) < rank(second)
        && EXPLANATIONS.iter().any(|line| {
            line.cause.shows(first)
                && line.consequences.iter().any(|consequence| consequence.shows(second))
                && lies(model, line.position, first, second)
        })
}

fn lies(model: &ModelDescription, wanted: Position, cause: &Finding, effect: &Finding) -> bool {
    let (Some(cause), Some(effect)) = (position(model, cause), position(model, effect)) else { return true };
    match wanted {
        Anywhere => true,
        Before => model.reaches(cause, effect),
        Behind => model.reaches(effect, cause),
    }
}

fn position(model: &ModelDescription, finding: &Finding) -> Option<usize> {
    finding.layer.as_deref().and_then(|name| model.find(name))
}

/// Place of a finding in [`CAUSAL_ORDER`]; behind all where its rule is not in it.
pub(crate) fn rank(finding: &Finding) -> usize {
    CAUSAL_ORDER.iter().position(|symptom| symptom.shows(finding)).unwrap_or(CAUSAL_ORDER.len())
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
