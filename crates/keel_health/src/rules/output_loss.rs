//! # What it measures
//! The fit of the last layer and the loss, from the description of the model: an activation where the loss expects
//! logits (softmax twice, sigmoid twice), a missing log-softmax, a number of outputs that is not the number of classes,
//! a label beyond the last class, targets that the last activation cannot output. If the inputs of the loss are
//! recorded (`predictions`), they reveal an activation missing from the description, over a window: rows of
//! probabilities whose sum is 1 (to a thousandth) or values within [0, 1] that reach both ends (to 0.05) before a loss
//! that expects logits, probabilities or values above 0 before one that expects log-probabilities. Any is an error,
//! regardless of the outcome of training.
//!
//! # Why it matters
//! Softmax before a loss with a built-in softmax flattens the gradient until training crawls; relu before it cuts away
//! half of all answers. The run does not fail, but it never becomes good.
//!
//! # What to try
//! Drop the last activation, or use the loss that expects it. Set `out_features` of the last layer to the number of
//! classes.
//!
//! # When it is fine
//! Never for the combinations reported.
//!
//! # Source
//! Humbatova et al., "Taxonomy of Real Faults in Deep Learning Systems" (2020): wrong loss and wrong output activation.

use super::{
    loss_trend, non_finite, start_loss, stopped_early, tiny_batch, too_small, update_ratio, vanishing_gradient,
};
use crate::case::{Case, Moment, Observation, number};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{ActivationFunction, LossKind, ModelDescription};
use crate::remedy::{ProgramEdit, Remedy};
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, Low};

/// Code of the rule.
pub const CODE: &str = "K008";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "output-loss",
    chinese_name: "输出层与损失不匹配",
    summary: "a last layer that does not fit the loss",
    chinese_summary: "最后一层与损失函数不匹配",
    kinds: &[WRONG_ACTIVATION, WRONG_VALUES, WRONG_WIDTH, WRONG_LABEL, UNREACHABLE],
    source: include_str!("output_loss.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Output,
        explains: &[
            // A wrong output layer affects everything about the loss and makes the gradient too small everywhere.
            Explanation {
                consequences: &[
                    Code(start_loss::CODE),
                    Code(tiny_batch::CODE),
                    Code(vanishing_gradient::CODE),
                    Low(update_ratio::CODE),
                    Code(loss_trend::CODE),
                    Code(stopped_early::CODE),
                    Code(too_small::CODE),
                    Code(non_finite::CODE),
                ],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// The last activation does not fit the loss.
const WRONG_ACTIVATION: FindingKind = FindingKind {
    key: "activation",
    statistic: "activations that do not fit the loss",
    chinese_statistic: "与损失函数不匹配的激活函数个数",
    chinese_message: "最后一层的激活函数与损失函数不匹配",
    chinese_cause: "输出层与损失函数是分别选定的",
};

/// The loss receives values it does not expect.
const WRONG_VALUES: FindingKind = FindingKind {
    key: "values",
    statistic: "largest input of the loss",
    chinese_statistic: "损失函数输入的最大值",
    chinese_message: "损失函数收到的数值不符合它的要求",
    chinese_cause: "网络的输出与损失函数是分别选定的",
};

/// The last layer has a wrong width.
const WRONG_WIDTH: FindingKind = FindingKind {
    key: "width",
    statistic: "outputs of the last layer",
    chinese_statistic: "最后一层的输出数",
    chinese_message: "最后一层的输出数与类别数不符",
    chinese_cause: "最后一层的宽度与数据不符",
};

/// A label is beyond the number of classes.
const WRONG_LABEL: FindingKind = FindingKind {
    key: "label",
    statistic: "largest label",
    chinese_statistic: "最大的标签",
    chinese_message: "有的标签超出了类别数",
    chinese_cause: "标签从 1 开始编号，或者类别数有误",
};

/// Targets lie beyond the values of the last activation.
const UNREACHABLE: FindingKind = FindingKind {
    key: "targets",
    statistic: "end of the range of the targets",
    chinese_statistic: "目标值范围的端点",
    chinese_message: "目标值超出了最后一层激活函数的取值范围",
    chinese_cause: "最后的激活函数无法输出这样的目标值",
};

/// Maximum distance of a sum of probabilities from 1, and of a logarithm above 0, due to rounding.
pub const ROW_SUM: f32 = 1e-3;
/// Distance from 0 and 1 within which values count as having reached the ends of a sigmoid.
pub const ENDS: f32 = 0.05;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    let found = match case.moment {
        Moment::Model => wrong_activation(case).or_else(|| wrong_width(case)),
        Moment::Data => wrong_label(case).or_else(|| unreachable_targets(case)),
        Moment::Window if wrong_activation(case).is_none() => wrong_values(case),
        _ => None,
    };
    found.into_iter().collect()
}

fn last_activation(model: &ModelDescription) -> Option<(usize, ActivationFunction)> {
    let last = model.layers.len().checked_sub(1)?;
    Some((last, model.layers[last].function?))
}

fn wrong_activation(case: &Case) -> Option<Observation> {
    use ActivationFunction::{Identity, LogSoftmax, Sigmoid, Softmax};
    let loss = case.model.loss?;
    let (layer, function) = match last_activation(case.model) {
        Some((_, Identity)) | None => (None, Identity),
        Some((layer, function)) => (Some(layer), function),
    };
    let error = |words: &str| {
        let place = layer.map_or_else(|| "the last layer".to_string(), |layer| case.model.name(layer));
        Observation::new(&WRONG_ACTIVATION, Level::Error, layer, 1.0, 0.0)
            .even_learned()
            .message(format!("{place} does not fit the loss {}: {words}", loss.name()))
            .cause("the output layer and the loss were chosen separately")
    };
    let drop = |observation: Observation| match layer {
        Some(layer) => observation.remedy(Remedy::RemoveOutputActivation { layer: case.model.name(layer) }),
        None => observation,
    };
    match (loss, function) {
        (LossKind::CrossEntropy, Softmax | LogSoftmax) => {
            Some(drop(error("it applies softmax itself, so that softmax is applied twice")))
        }
        (LossKind::Bce, Sigmoid) => Some(drop(error("it applies sigmoid itself, so that sigmoid is applied twice"))),
        (LossKind::CrossEntropy | LossKind::Bce | LossKind::Hinge, Identity) => None,
        (LossKind::CrossEntropy | LossKind::Bce | LossKind::Hinge, other) => {
            Some(drop(error(&format!("it expects logits, which are unbounded, and {} limits them", other.name()))))
        }
        (LossKind::Nll, LogSoftmax) | (LossKind::BceProbabilities, Sigmoid | Softmax) => None,
        (LossKind::Nll | LossKind::BceProbabilities, Identity) if case.model.unlisted_functions => None,
        (LossKind::Nll, _) => Some(
            error("it expects log-probabilities, logarithms of probabilities")
                .remedy(Remedy::SetLoss { loss: "cross_entropy".to_string() }),
        ),
        (LossKind::BceProbabilities, _) => {
            Some(error("it expects probabilities, from 0 to 1").remedy(Remedy::SetLoss { loss: "bce".to_string() }))
        }
        _ => None,
    }
}

/// Reports values that reveal an activation before the loss, whatever the description contains.
fn wrong_values(case: &Case) -> Option<Observation> {
    let (loss, given) = (case.model.loss?, case.window()?.training_loop().predictions?);
    let probabilities = given.rows_are_probabilities(ROW_SUM);
    let squashed = given.lies_within(0.0, 1.0) && given.lowest <= ENDS && given.highest >= 1.0 - ENDS;
    let (words, edit) = match loss {
        LossKind::CrossEntropy if probabilities => {
            ("the sum of each row is 1, so softmax is applied twice", ProgramEdit::RemoveSoftmax)
        }
        LossKind::CrossEntropy | LossKind::Bce if squashed => {
            ("these are not logits, which are unbounded, so sigmoid is applied first", ProgramEdit::RemoveSigmoid)
        }
        LossKind::Nll if probabilities => {
            ("these are probabilities, not their logarithms", ProgramEdit::ReplaceSoftmax)
        }
        LossKind::Nll if given.highest > ROW_SUM => {
            ("log-probabilities are never above 0", ProgramEdit::ApplyLogSoftmax)
        }
        _ => return None,
    };
    let (lowest, highest) = (f64::from(given.lowest), f64::from(given.highest));
    let message =
        format!("the loss {} receives values from {} to {}: {words}", loss.name(), number(lowest), number(highest));
    Some(
        Observation::new(&WRONG_VALUES, Level::Error, None, highest, 0.0)
            .even_learned()
            .message(message)
            .cause("the output of the network and the loss were chosen separately")
            .remedy(Remedy::edit(edit))
            .at_once(),
    )
}

fn wrong_width(case: &Case) -> Option<Observation> {
    let loss =
        case.model.loss.filter(|loss| matches!(loss, LossKind::CrossEntropy | LossKind::Nll | LossKind::Hinge))?;
    let (classes, last) = (case.model.classes?, case.model.output_layer()?);
    let wanted = classes * case.model.members.unwrap_or(1);
    let units = case.model.layers[last].units.filter(|&units| units != wanted)?;
    Some(
        Observation::new(&WRONG_WIDTH, Level::Error, Some(last), units as f64, wanted as f64)
            .even_learned()
            .message(format!(
                "{} has {units} outputs for {classes} classes ({} needs {wanted})",
                case.model.name(last),
                loss.name()
            ))
            .cause("the width of the last layer does not match the data")
            .remedy(Remedy::SetOutputUnits {
                layer: case.model.name(last),
                units: wanted,
                config_key: case.config_key(last),
            }),
    )
}

fn wrong_label(case: &Case) -> Option<Observation> {
    let (label, classes) = (case.data?.largest_label?, case.model.classes?);
    if label < classes as u64 {
        return None;
    }
    Some(
        Observation::new(&WRONG_LABEL, Level::Error, None, label as f64, classes as f64 - 1.0)
            .even_learned()
            .message(format!("a label is {label}, but there are only {classes} classes, 0 to {}", classes - 1))
            .cause("labels start at 1, or the number of classes is wrong")
            .remedy(Remedy::CheckLabels),
    )
}

fn unreachable_targets(case: &Case) -> Option<Observation> {
    case.model.loss.filter(|loss| matches!(loss, LossKind::Mse | LossKind::Huber))?;
    let (lowest, highest) = case.data?.target_range?;
    let (layer, function) = last_activation(case.model)?;
    let (from, to) = match function {
        ActivationFunction::Sigmoid | ActivationFunction::Softmax => (0.0, 1.0),
        ActivationFunction::Tanh => (-1.0, 1.0),
        ActivationFunction::Relu | ActivationFunction::Softplus => (0.0, f32::INFINITY),
        _ => return None,
    };
    if lowest >= from && highest <= to {
        return None;
    }
    let (measured, threshold, side) = if lowest < from { (lowest, from, "below") } else { (highest, to, "above") };
    Some(
        Observation::new(&UNREACHABLE, Level::Error, Some(layer), f64::from(measured), f64::from(threshold))
            .even_learned()
            .message(format!(
                "the targets reach {}, but {} ({}) outputs nothing {side} {}",
                number(f64::from(measured)),
                case.model.name(layer),
                function.name(),
                number(f64::from(threshold))
            ))
            .cause("the last activation cannot produce these targets")
            .remedy(Remedy::RemoveOutputActivation { layer: case.model.name(layer) }),
    )
}
