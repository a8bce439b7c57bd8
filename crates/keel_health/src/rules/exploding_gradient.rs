//! # What it measures
//! Two things. The norm of the loss gradient at the first weight layer over that at the last: error above 70, in two
//! windows. And the mean gradient norm of the last 25 steps over that of the up to 475 steps before: error from 5 on,
//! at once, if it is also twice the norm the run began with. Either is a note if the loss is below half of that of
//! guessing, unless a NaN or an infinity followed.
//!
//! # Why it matters
//! One step along an exploded gradient throws away everything learned. It is the stage before NaN.
//!
//! # What to try
//! Clip the gradient norm; a third of the learning rate; the initialiser that fits the activation; batch
//! normalisation.
//!
//! # When it is fine
//! A gradient that rises from almost nothing late in training, when nearly every sample is learned, is not reported.
//!
//! # Source
//! Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013), for clipping the norm.

use super::vanishing_gradient::gradient_flow;
use super::{batch_norm, dead_relu, frozen, loss_trend, non_finite, saturation, stopped_early, zigzag};
use crate::case::{Case, Moment, Observation, number};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::LayerStatistic;
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K012";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "exploding-gradient",
    chinese_name: "梯度爆炸",
    summary: "a gradient that grows through the layers or over time",
    chinese_summary: "梯度逐层增大，或随时间增大",
    kinds: &[OVER_LAYERS, OVER_TIME],
    source: include_str!("exploding_gradient.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::GradientGrowth,
        explains: &[Explanation {
            consequences: &[
                Code(saturation::CODE),
                Code(dead_relu::CODE),
                Code(zigzag::CODE),
                Code(batch_norm::CODE),
                Code(frozen::CODE),
                Code(loss_trend::CODE),
                Code(stopped_early::CODE),
                Code(non_finite::CODE),
            ],
            lies: Anywhere,
        }],
    }],
    layer_statistics: &[LayerStatistic::GradientRms],
    calibrations: &[],
};

/// The gradient grows through the layers.
const OVER_LAYERS: FindingKind = FindingKind {
    key: "over-layers",
    statistic: "gradient growth",
    chinese_statistic: "梯度增大的倍数",
    chinese_message: "梯度在反向传播中逐层增大",
    chinese_cause: "每一层都放大梯度：权重过大",
};

/// The gradient grows over time.
const OVER_TIME: FindingKind = FindingKind {
    key: "over-time",
    statistic: "gradient growth",
    chinese_statistic: "梯度增大的倍数",
    chinese_message: "梯度比此前的平均大小增大了许多倍",
    chinese_cause: "更新的步幅过大，到达了损失越来越陡的区域",
};

/// Ratio of the gradient norms, first layer over last.
pub const LAYER_RATIO: f64 = 70.0;
/// Growth of the gradient norm over time.
pub const GROWTH: f64 = 5.0;
/// Minimum growth relative to the beginning of the run, required in addition.
pub const GROWTH_AGAINST_START: f64 = 2.0;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match case.moment {
        Moment::Window => over_time(case).or_else(|| over_layers(case)).into_iter().collect(),
        Moment::Collapse => over_time(case).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn over_layers(case: &Case) -> Option<Observation> {
    let flow = gradient_flow(case).filter(|flow| !(flow.ratio <= LAYER_RATIO))?;
    let message = format!(
        "the gradient of {} is {} times as large as that of {} (limit {}): it grows on its way back",
        case.model.name(flow.first),
        number(flow.ratio),
        case.model.name(flow.last),
        number(LAYER_RATIO)
    );
    let level = case.unless_learning(Level::Error);
    let mut observation = Observation::new(&OVER_LAYERS, level, Some(flow.first), flow.ratio, LAYER_RATIO)
        .message(message)
        .cause("every layer enlarges the gradient: the weights are too large");
    observation.remedies.extend(case.other_init_everywhere(flow.first));
    Some(calm(case, observation))
}

fn over_time(case: &Case) -> Option<Observation> {
    let growth = case.window()?.growth();
    if !(growth.factor >= GROWTH && growth.against_start >= GROWTH_AGAINST_START) {
        return None;
    }
    let message = format!(
        "at step {} the gradient had grown to {} times its mean size (limit {})",
        growth.step,
        number(growth.factor),
        number(GROWTH)
    );
    let collapsed = case.moment == Moment::Collapse;
    let level = if collapsed { Level::Error } else { case.unless_learning(Level::Error) };
    let observation = Observation::new(&OVER_TIME, level, None, growth.factor, GROWTH)
        .message(message)
        .cause("the steps are so large that they reach regions where the loss is steeper and steeper")
        .at_once();
    Some(calm(case, observation))
}

fn calm(case: &Case, observation: Observation) -> Observation {
    observation.remedy(Remedy::ClipNorm { value: 1.0 }).remedy(case.scale_learning_rate(1.0 / 3.0))
}
