//! # What it measures
//! norm(weight decay term) / norm(data gradient) of every weight matrix, the median of a window: a warning from 2 on,
//! for five windows, while the loss is above half of that of guessing and the decay halves the weights within about
//! 2,300 steps (learning rate × decay of 3e-4 at least). Weights at rest between decay and data have a ratio of 1, or
//! less because of the noise of batches: from 0.5 on, for five windows of at least eight steps, it is a warning as well
//! if the weights have shrunk to a third of those of `kaiming_normal`. From the settings: dropout above 0.5 is a warning, from 0.8 on
//! an error, regardless of the outcome of training; a decay that halves the weights within 230 steps of plain gradient
//! descent (learning rate × decay above 0.003) is a warning, within 100 (above 0.007) an error, and a note if the
//! network learns its task nevertheless.
//!
//! # Why it matters
//! If the penalty is stronger than the data, the weights go to zero and the network gives the same output for everything.
//!
//! # What to try
//! Lower the decay to a tenth, at most 1e-3, or dropout to 0.5 and less. If the learning rate is unusual (above 1, or above 0.1 with
//! Adam and related optimizers), lower it.
//!
//! # When it is fine
//! Late in training, when the data gradient is small because the samples are learned: not reported. A weak decay with a
//! vanished gradient is a symptom of the same cause, and not reported either.
//!
//! # Source
//! Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019); Srivastava et al., "Dropout" (2014). The limits
//! are ours.

use super::{
    batch_norm, dead_relu, exploding_gradient, frozen, loss_trend, signal, stopped_early, tiny_batch, too_small,
    update_ratio, vanishing_gradient, zigzag,
};
use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{LayerKind, LayerStatistic, ParameterRole};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, High, Low};

/// Code of the rule.
pub const CODE: &str = "K019";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "regularization",
    chinese_name: "正则化过强",
    summary: "weight decay or dropout stronger than the data",
    chinese_summary: "权重衰减或 dropout 的作用强于数据",
    kinds: &[DOMINATING_DECAY, STRONG_DECAY, HIGH_RATE, STRONG_DROPOUT],
    source: include_str!("regularization.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Penalty,
        explains: &[
            // A penalty that dominates: weights, signal and gradient go to zero.
            Explanation {
                consequences: &[
                    Code(signal::CODE),
                    High(update_ratio::CODE),
                    Code(exploding_gradient::CODE),
                    Code(dead_relu::CODE),
                    Code(zigzag::CODE),
                    Code(vanishing_gradient::CODE),
                    Code(batch_norm::CODE),
                    Code(frozen::CODE),
                    Low(update_ratio::CODE),
                    Code(tiny_batch::CODE),
                    Code(loss_trend::CODE),
                    Code(stopped_early::CODE),
                    Code(too_small::CODE),
                ],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[LayerStatistic::Norm(ParameterRole::Weight)],
    calibrations: &[],
};

/// Weight decay is stronger than the data.
const DOMINATING_DECAY: FindingKind = FindingKind {
    key: "dominating-decay",
    statistic: "norm(decay) / norm(data gradient)",
    chinese_statistic: "权重衰减与数据梯度的范数之比",
    chinese_message: "权重衰减远强于数据的梯度",
    chinese_cause: "决定权重的是权重衰减，而不是数据",
};

/// Weight decay halves the weights quickly.
const STRONG_DECAY: FindingKind = FindingKind {
    key: "strong-decay",
    statistic: "learning rate * weight decay",
    chinese_statistic: "学习率与权重衰减之积",
    chinese_message: "权重衰减在很少的步数内就使权重减半",
    chinese_cause: "权重衰减把权重拉向零，比数据的作用更快",
};

/// Weight decay is strong because of the learning rate.
const HIGH_RATE: FindingKind = FindingKind {
    key: "high-rate",
    statistic: "learning rate * weight decay",
    chinese_statistic: "学习率与权重衰减之积",
    chinese_message: "权重衰减在很少的步数内就使权重减半",
    chinese_cause: "学习率过高，权重衰减的作用随之增大",
};

/// Dropout drops most inputs.
const STRONG_DROPOUT: FindingKind = FindingKind {
    key: "strong-dropout",
    statistic: "probability of dropping an input",
    chinese_statistic: "丢弃输入的概率",
    chinese_message: "dropout 丢弃了过多的输入",
    chinese_cause: "留下的信息太少，难以学习",
};

/// Ratio of decay to data gradient.
pub const RATIO: f64 = 2.0;
/// Ratio at which decay and data gradient balance each other, within the noise of batches; our own choice.
pub const BALANCE: f64 = 0.5;
/// Norm of the weights relative to that of `kaiming_normal` below which a balance is due to the decay; our own choice.
pub const SHRUNK: f64 = 1.0 / 3.0;
/// Minimum number of steps of a window for a balance: without the noise of batches, any decay balances the gradient in the end.
pub const BALANCE_STEPS: u64 = 8;
/// Largest decay of the remedy.
const MODERATE_DECAY: f64 = 1e-3;
/// Learning rate × decay below which the decay hardly changes the weights.
pub const LEAST_SHRINKAGE: f64 = 3e-4;
/// Number of consecutive windows.
pub const WINDOWS: usize = 5;
/// Loss relative to that of guessing below which the samples are being learned.
pub const LEARNING: f64 = 0.5;
/// Dropout for a warning.
pub const WARN_DROPOUT: f64 = 0.5;
/// Dropout for an error.
pub const ERROR_DROPOUT: f64 = 0.8;
/// Learning rate × decay for a warning: ln 2 / 230.
pub const WARN_SHRINKAGE: f64 = 0.003;
/// Learning rate × decay for an error: ln 2 / 100.
pub const ERROR_SHRINKAGE: f64 = 0.007;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match case.moment {
        Moment::Model => dropout(case).into_iter().chain(shrinkage(case)).collect(),
        Moment::Window => dominating_decay(case).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn dropout(case: &Case) -> Vec<Observation> {
    let layers = case.model.layers.iter().enumerate().filter(|(_, layer)| layer.kind == LayerKind::Dropout);
    let probabilities = layers.filter_map(|(index, layer)| Some((index, f64::from(layer.probability?))));
    probabilities
        .filter(|(_, probability)| !(*probability <= WARN_DROPOUT))
        .map(|(index, probability)| {
            let error = !(probability < ERROR_DROPOUT);
            let (level, threshold) = if error { (Level::Error, ERROR_DROPOUT) } else { (Level::Warn, WARN_DROPOUT) };
            let name = case.model.name(index);
            Observation::new(&STRONG_DROPOUT, level, Some(index), probability, threshold)
                .even_learned()
                .message(format!("{name} drops {} of its inputs (limit {})", percent(probability), percent(threshold)))
                .cause("too little remains to learn from")
                .remedy(Remedy::SetDropout { layer: name, probability: 0.3, config_key: case.config_key(index) })
        })
        .collect()
}

fn shrinkage(case: &Case) -> Option<Observation> {
    let (rate, decay) = (f64::from(case.model.learning_rate?), f64::from(case.model.weight_decay?));
    let product = rate * decay;
    if !(product > WARN_SHRINKAGE) {
        return None;
    }
    let (level, threshold) =
        if product > ERROR_SHRINKAGE { (Level::Error, ERROR_SHRINKAGE) } else { (Level::Warn, WARN_SHRINKAGE) };
    let highest = highest_rate(case.model.optimizer.as_deref());
    let is_rate = rate > highest && 0.1 * highest * decay <= ERROR_SHRINKAGE;
    let kind = if is_rate { &HIGH_RATE } else { &STRONG_DECAY };
    let observation = Observation::new(kind, level, None, product, threshold);
    let steps = |product: f64| std::f64::consts::LN_2 / product;
    let time = match steps(product).ceil() {
        1.0 => format!("a single step (limit {:.0})", steps(threshold)),
        count => format!("{} steps (limit {:.0})", number(count), steps(threshold)),
    };
    if is_rate {
        let value = 0.1 * highest;
        return Some(
            observation
                .message(format!(
                    "at a learning rate of {} the weight decay of {} halves the weights within {time}",
                    number(rate),
                    number(decay)
                ))
                .cause("the learning rate is far too high, and the pull of the decay grows with it")
                .remedy(Remedy::ScaleLearningRate { factor: value / rate, value: Some(value) }),
        );
    }
    Some(
        observation
            .message(format!("the weight decay of {} halves the weights within {time}", number(decay)))
            .cause("the decay pulls the weights to zero faster than the data can push them")
            .remedy(Remedy::SetWeightDecay { value: (1e-4 / rate).min(5e-4) }),
    )
}

/// Returns the learning rate above which it, rather than an unusual decay, makes their product large.
fn highest_rate(optimizer: Option<&str>) -> f64 {
    match optimizer {
        Some("adam" | "adamw" | "rmsprop") => 0.1,
        _ => 1.0,
    }
}

fn dominating_decay(case: &Case) -> Option<Observation> {
    let rate = case.window().and_then(|window| window.learning_rate());
    let shrinkage = rate.zip(case.model.weight_decay).map(|(rate, decay)| rate * f64::from(decay));
    if case.loss_fell_below(LEARNING) || shrinkage.is_some_and(|shrinkage| shrinkage < LEAST_SHRINKAGE) {
        return None;
    }
    let lowest_of = |index: usize| {
        let windows = case.history.last(WINDOWS)?;
        let ratios = windows.map(|window| window.layer(index)?.weight()?.decay_ratio());
        ratios.collect::<Option<Vec<f64>>>().map(|ratios| ratios.into_iter().fold(f64::INFINITY, f64::min))
    };
    let limit = |index: usize| if is_shrunk(case, index) { BALANCE } else { RATIO };
    let layers = case.model.weight_layers().filter(|&index| !case.model.layers[index].frozen);
    let (layer, ratio) = layers
        .filter_map(|index| Some((index, lowest_of(index)?)))
        .filter(|(index, ratio)| *ratio >= limit(*index))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let decay = case.model.weight_decay.map_or(5e-4, |decay| (f64::from(decay) / 10.0).min(MODERATE_DECAY));
    let threshold = if ratio < RATIO { BALANCE } else { RATIO };
    let shrunk =
        if ratio < RATIO { ", and its weights have shrunk to less than a third of their usual size" } else { "" };
    Some(
        Observation::new(&DOMINATING_DECAY, Level::Warn, Some(layer), ratio, threshold)
            .message(format!(
                "the weight decay of {} is {} times as strong as the gradient of the data (limit {}){shrunk}",
                case.model.name(layer),
                number(ratio),
                number(threshold)
            ))
            .cause("the decay, not the data, determines the weights")
            .remedy(Remedy::SetWeightDecay { value: decay })
            .at_once(),
    )
}

/// Returns true if the weights of layer `index` are far smaller than those of `kaiming_normal`, in a window whose batches have
/// noise.
fn is_shrunk(case: &Case, index: usize) -> bool {
    let norm = case.layer_window(index).and_then(|window| window.weight()?.weight_norm);
    let usual = case.model.layers[index].units.map(|units| (2.0 * units as f64).sqrt());
    let noisy = case.window().is_some_and(|window| window.steps >= BALANCE_STEPS);
    noisy && norm.zip(usual).is_some_and(|(norm, usual)| norm < SHRUNK * usual)
}
