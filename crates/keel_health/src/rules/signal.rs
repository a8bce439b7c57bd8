//! # What it measures
//! The standard deviation of z, the output of every linear layer and convolution, on one real batch before the first
//! update. Noted outside [0.25, 4]; error outside [0.1, 10], or if the variance grows or shrinks by more than a factor
//! of 10 from the first layer to the last, along a straight line through its logarithms. It is at most a warning if the
//! network learns a good part of its task, and a note if it learns all of it. Layers followed by normalisation are not
//! checked, because it resets their scale, nor layers after a relu layer that is dead, or nearly dead, from the start
//! (K010). The output of the last layer may be arbitrarily small and is only reported above 10: the loss at the start
//! (K004) covers the rest. After tanh the signal of a well-initialised network decays slowly, like 1/sqrt(depth): z is
//! compared with that.
//!
//! # Why it matters
//! If every layer shrinks the signal a little, deep layers receive almost zero, and the gradient of their weights is
//! zero, too. If every layer enlarges it, tanh and sigmoid saturate and relu networks overflow.
//!
//! # What to try
//! The initialiser that fits the activation: `xavier_normal` for tanh and sigmoid, `kaiming_normal` for relu and its
//! relatives, `lecun_normal` for selu. `lsuv` measures and corrects every layer. Batch normalisation before the
//! activation sets the scale regardless of the weights.
//!
//! # When it is fine
//! An unusual initialiser whose signal is fine is not reported: weights alone are never a reason.
//!
//! # Source
//! Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010); He et al.,
//! "Delving Deep into Rectifiers" (2015), section 2.2; Mishkin and Matas, "All you need is a good init" (2015). The
//! limits 0.25 and 4 are ours.

use super::dead_relu::silence;
use super::{
    batch_norm, dead_relu, exploding_gradient, frozen, loss_trend, non_finite, saturation, start_loss, stopped_early,
    tiny_batch, too_small, update_ratio, vanishing_gradient, zigzag,
};
use crate::case::{Case, Moment, Observation, centred, number};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{ActivationFunction, LayerKind, LayerStatistic, ModelDescription, StartMeasurement};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, High, Low};

/// Code of the rule.
pub const CODE: &str = "K005";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "signal-propagation",
    chinese_name: "信号逐层缩小或放大",
    summary: "a signal that shrinks or grows through the layers at the start",
    chinese_summary: "训练开始时，信号逐层缩小或放大",
    kinds: &[SMALL, LARGE, TREND],
    source: include_str!("signal.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Signal,
        explains: &[
            // Saturation, silence, vanishing and exploding gradients, and their symptoms.
            Explanation {
                consequences: &[
                    High(update_ratio::CODE),
                    Code(exploding_gradient::CODE),
                    Code(saturation::CODE),
                    Code(dead_relu::CODE),
                    Code(zigzag::CODE),
                    Code(vanishing_gradient::CODE),
                    Code(batch_norm::CODE),
                    Code(frozen::CODE),
                    Low(update_ratio::CODE),
                    Code(start_loss::CODE),
                    Code(tiny_batch::CODE),
                    Code(loss_trend::CODE),
                    Code(stopped_early::CODE),
                    Code(too_small::CODE),
                    Code(non_finite::CODE),
                ],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[LayerStatistic::OutputStd],
    calibrations: &[],
};

/// The outputs of a layer are too small.
const SMALL: FindingKind = FindingKind {
    key: "small-outputs",
    statistic: "standard deviation of z",
    chinese_statistic: "z 的标准差",
    chinese_message: "第一步之前，该层的输出过小",
    chinese_cause: "权重对该层的输入和激活函数来说过小，网络的输入过小，或者该层单元太少；sigmoid 则无论权重如何，都会使信号逐层变窄",
};

/// The outputs of a layer are too large.
const LARGE: FindingKind = FindingKind {
    key: "large-outputs",
    statistic: "standard deviation of z",
    chinese_statistic: "z 的标准差",
    chinese_message: "第一步之前，该层的输出过大",
    chinese_cause: "权重对该层的输入和激活函数来说过大，或者网络的输入过大",
};

/// The outputs shrink or grow from layer to layer.
const TREND: FindingKind = FindingKind {
    key: "trend",
    statistic: "ratio of the variances of the first and the last layer",
    chinese_statistic: "首末两层输出的方差之比",
    chinese_message: "第一步之前，输出的方差从第一层到最后一层变化过大",
    chinese_cause: "权重的初始化与激活函数不匹配，信号逐层缩小或放大",
};

/// Range of the standard deviation of z without a note.
pub const WARN_STD: (f64, f64) = (0.25, 4.0);
/// Range of the standard deviation of z without an error.
pub const ERROR_STD: (f64, f64) = (0.1, 10.0);
/// Factor by which the variance of z grows or shrinks from the first to the last layer, along a straight line through
/// its logarithms, above which it is an error.
pub const VARIANCE_RATIO: f64 = 10.0;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match (case.moment, case.start) {
        (Moment::Start, Some(start)) => judge(case, &signals(case.model, start)).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The signal of one layer.
struct LayerSignal {
    layer: usize,
    /// Standard deviation of z.
    std: f64,
    /// Standard deviation corrected for the slow decay after tanh, if below 1.
    corrected: f64,
    /// True if small values are allowed.
    may_be_small: bool,
    /// Largest value without a finding.
    limit: f64,
}

fn signals(model: &ModelDescription, start: &StartMeasurement) -> Vec<LayerSignal> {
    let mut tanh_before = 0;
    let mut signals = Vec::new();
    for (index, layer) in model.layers.iter().enumerate() {
        if layer.function == Some(ActivationFunction::Tanh) {
            tanh_before += 1;
        }
        let measured = start.layer(index).filter(|measured| measured.non_finite == 0);
        let Some(std) = measured.and_then(|measured| measured.output_std).map(f64::from) else { continue };
        if !layer.kind.has_weight_matrix() || model.norm_after(index).is_some() || !std.is_finite() {
            continue;
        }
        let silent = |before: usize| start.layer(before).is_some_and(|layer| silence(layer).is_some());
        if (0..index).any(|before| silent(before) && model.reaches(before, index)) {
            continue;
        }
        let feeds_sum = model.readers(index).any(|reader| model.layers[reader].kind == LayerKind::Add);
        let corrected = if std < 1.0 { (std / decay_behind_tanh(tanh_before)).min(1.0) } else { std };
        let last = model.output_layer() == Some(index);
        let (may_be_small, limit) = (feeds_sum || last, if last { ERROR_STD.1 } else { WARN_STD.1 });
        signals.push(LayerSignal { layer: index, std, corrected, may_be_small, limit });
    }
    signals
}

/// Returns the standard deviation of z after `layers` tanh layers of weight variance 1/n: tanh(z)² ≈ z² - 2z⁴/3 gives q
/// ≈ 1 / (1 + 2 layers).
fn decay_behind_tanh(layers: u32) -> f64 {
    (1.0 + 2.0 * f64::from(layers)).sqrt().recip()
}

fn judge(case: &Case, signals: &[LayerSignal]) -> Option<Observation> {
    let judged = || signals.iter().filter(|signal| !signal.may_be_small);
    let too_large = signals.iter().find(|signal| signal.std > signal.limit);
    let too_small = judged().find(|signal| signal.corrected < WARN_STD.0);
    let extreme = judged().max_by(|a, b| a.corrected.ln().abs().total_cmp(&b.corrected.ln().abs()));
    let ratio = variance_ratio(&judged().map(|signal| signal.corrected).collect::<Vec<f64>>());
    let far =
        signals.iter().any(|signal| signal.std > ERROR_STD.1) || judged().any(|signal| signal.corrected < ERROR_STD.0);
    let first = too_large.or(too_small).or(extreme.filter(|_| ratio > VARIANCE_RATIO))?;
    let level = if far || ratio > VARIANCE_RATIO { Level::Error } else { Level::Info };
    let threshold = match first {
        signal if signal.std > ERROR_STD.1 => ERROR_STD.1,
        signal if signal.std > WARN_STD.1 => WARN_STD.1,
        signal if signal.corrected < ERROR_STD.0 => ERROR_STD.0,
        signal if signal.corrected < WARN_STD.0 => WARN_STD.0,
        _ => VARIANCE_RATIO,
    };
    let is_trend = threshold == VARIANCE_RATIO && first.std <= WARN_STD.1;
    let measured = if is_trend { ratio } else { first.std };
    let message =
        if is_trend { describe_trend(ratio) } else { describe(&case.model.name(first.layer), measured, threshold) };
    let kind = match is_trend {
        true => &TREND,
        false if measured < threshold => &SMALL,
        false => &LARGE,
    };
    let observation = Observation::new(kind, level, Some(first.layer), measured, threshold)
        .message(message)
        .cause(cause(case.model, first));
    Some(with_remedies(case, first, observation))
}

/// Returns the factor between the variances at both ends of a straight line through the logarithms of `stds`, layer by
/// layer; above 1 whether they grow or shrink. Single layers off the line, such as narrow ones, do not make a trend.
fn variance_ratio(stds: &[f64]) -> f64 {
    let count = stds.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let squares: f64 = (0..stds.len()).map(|layer| (layer as f64 - middle).powi(2)).sum();
    let products: f64 = stds.iter().enumerate().map(|(layer, std)| (layer as f64 - middle) * 2.0 * std.ln()).sum();
    if squares > 0.0 { (products / squares * (count - 1.0)).abs().exp() } else { 1.0 }
}

/// Describes a layer whose outputs have a standard deviation of `std`, beyond `limit`.
fn describe(layer: &str, std: f64, limit: f64) -> String {
    let side = if std < limit { "at least " } else { "" };
    format!(
        "before the first step the outputs of {layer} have a standard deviation of {} (limit: {side}{})",
        number(std),
        number(limit)
    )
}

fn describe_trend(ratio: f64) -> String {
    format!(
        "before the first step the variance of the outputs changes {}-fold from the first layer to the last (limit {})",
        number(ratio),
        number(VARIANCE_RATIO)
    )
}

fn cause(model: &ModelDescription, signal: &LayerSignal) -> String {
    let direction = if signal.std > 1.0 { "too large" } else { "too small" };
    let description = &model.layers[signal.layer];
    let scheme = description.initializer.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    let function = model.activation_after(signal.layer).and_then(|index| model.layers[index].function);
    let matches = |function: ActivationFunction| {
        description.initializer.as_deref().is_some_and(|name| family(name) == family(function.matching_initializer()))
    };
    match function {
        Some(ActivationFunction::Sigmoid) if signal.std <= 1.0 => {
            "sigmoid narrows the signal in every layer, whatever the weights are".to_string()
        }
        Some(function) if matches(function) => format!(
            "the initialiser{scheme} suits {}, so the inputs of the network are {direction}, or the layer has few units",
            function.name()
        ),
        Some(function) => format!(
            "the weights{scheme} are {direction} for {}, which needs {}",
            function.name(),
            function.matching_initializer()
        ),
        None => format!("the weights{scheme} are {direction} for the inputs of the layer"),
    }
}

/// Returns the scheme of an initialiser: `xavier` for `xavier_normal` and `xavier_uniform`.
fn family(initializer: &str) -> &str {
    initializer.split_once('_').map_or(initializer, |(family, _)| family)
}

/// Adds remedies for the whole model, since one bad layer usually means that all are. Stacks of sigmoids shrink the
/// signal whatever their weights are.
fn with_remedies(case: &Case, first: &LayerSignal, mut observation: Observation) -> Observation {
    let next = case.model.activation_after(first.layer);
    observation.remedies.extend(next.and_then(|next| centred(case.model.layers[next].function?)));
    observation.remedies.extend(case.other_init_everywhere(first.layer));
    observation
        .remedy(Remedy::SetInit { layer: None, init: "lsuv".to_string(), config_key: None })
        .remedy(Remedy::AddBatchNorm)
}
