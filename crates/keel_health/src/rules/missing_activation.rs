//! # What it measures
//! Linear layers that follow each other with no function between them but normalisation over the batch, dropout or
//! flattening, read off the graph: a warning, and an error if a network without any function fails to memorise the tiny
//! batch of K007, or has come less than half of the way from guessing to perfect at the end of a training run. A pair with
//! a narrow middle (fewer units than come in and go out), as in a factorised layer, is not reported, and neither is a
//! network whose description may lack functions.
//!
//! # Why it matters
//! Two linear maps in a row are one linear map: the second layer adds parameters but no capacity. Without any function
//! between its layers a network of any depth is a linear model.
//!
//! # What to try
//! An activation after every hidden layer, `relu` for a start.
//!
//! # When it is fine
//! A product of two matrices may be wanted: a bottleneck, or a study of linear networks. A network that learns its task
//! nevertheless is not reported.
//!
//! # Source
//! CS231n lecture 6: without activation functions a network of many layers is a linear classifier.

use super::{loss_trend, stopped_early, tiny_batch, too_small};
use crate::case::{Case, Moment, Observation};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{ActivationFunction, LayerKind, ModelDescription};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K020";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "missing-activation",
    chinese_name: "缺少激活函数",
    summary: "linear layers in a row, which can do no more than one of them",
    chinese_summary: "线性层直接相连，合起来只相当于一层",
    kinds: &[IN_A_ROW],
    source: include_str!("missing_activation.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Output,
        explains: &[Explanation {
            consequences: &[
                Code(tiny_batch::CODE),
                Code(loss_trend::CODE),
                Code(stopped_early::CODE),
                Code(too_small::CODE),
            ],
            lies: Anywhere,
        }],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// Linear layers follow each other.
const IN_A_ROW: FindingKind = FindingKind {
    key: "linear-layers-in-a-row",
    statistic: "linear layers that follow another directly",
    chinese_statistic: "直接相连的线性层数",
    chinese_message: "该层与前面的线性层之间没有激活函数，合起来只相当于一层",
    chinese_cause: "漏掉了激活函数",
};

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match case.moment {
        // Functions may exist that are not listed.
        _ if case.model.unlisted_functions => Vec::new(),
        Moment::Model => judge(case, Level::Warn).into_iter().collect(),
        Moment::Start | Moment::End if is_linear(case.model) && is_not_enough(case) => {
            judge(case, Level::Error).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Returns true if the tiny batch, or the outcome of the training run, shows that a linear network cannot learn the task.
fn is_not_enough(case: &Case) -> bool {
    match case.moment {
        Moment::Start => {
            case.start.and_then(|start| start.tiny_batch.as_ref()).is_some_and(tiny_batch::is_beyond_network)
        }
        _ => !case.outcome().is_some_and(|outcome| outcome.is_learning()),
    }
}

fn judge(case: &Case, level: Level) -> Option<Observation> {
    let model = case.model;
    if model.unlisted_functions {
        return None;
    }
    let pairs: Vec<(usize, usize)> =
        model.weight_layers().filter_map(|second| Some((pair(model, second)?, second))).collect();
    let &(first, second) = pairs.first()?;
    let others = match pairs.len() {
        1 => String::new(),
        2 => "; 1 more layer does the same".to_string(),
        count => format!("; {} more layers do the same", count - 1),
    };
    let message = format!(
        "{} follows {} with no activation between them, so that together they are equivalent to one layer{others}",
        model.name(second),
        model.name(first)
    );
    Some(
        Observation::new(&IN_A_ROW, level, Some(second), pairs.len() as f64, 0.0)
            .message(message)
            .cause("an activation was left out")
            .remedy(Remedy::AddActivation { function: ActivationFunction::Relu.name().to_string() }),
    )
}

/// Returns the linear layer that `second`, a linear layer, reads with only linear operations between; `None` for a
/// narrow middle.
fn pair(model: &ModelDescription, second: usize) -> Option<usize> {
    let layers = &model.layers;
    if layers[second].kind != LayerKind::Linear {
        return None;
    }
    let mut current = only_input(model, second)?;
    while matches!(layers[current].kind, LayerKind::BatchNorm | LayerKind::Dropout | LayerKind::Flatten) {
        current = only_input(model, current)?;
    }
    if layers[current].kind != LayerKind::Linear || model.readers(current).count() != 1 {
        return None;
    }
    let middle = layers[current].units?;
    let narrow = layers[current].fan_in.is_some_and(|fan_in| middle < fan_in)
        && layers[second].units.is_some_and(|units| middle < units);
    (!narrow).then_some(current)
}

fn only_input(model: &ModelDescription, index: usize) -> Option<usize> {
    match model.layers[index].inputs.as_slice() {
        &[input] => Some(input),
        _ => None,
    }
}

/// Returns true if no layer of the network is nonlinear.
fn is_linear(model: &ModelDescription) -> bool {
    let linear = |kind: LayerKind| {
        matches!(
            kind,
            LayerKind::Input | LayerKind::Linear | LayerKind::BatchNorm | LayerKind::Dropout | LayerKind::Flatten
        )
    };
    model.layers.iter().all(|layer| linear(layer.kind) || layer.function == Some(ActivationFunction::Identity))
}
