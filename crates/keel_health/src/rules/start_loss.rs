//! # What it measures
//! (L0 - ln C) / ln C, the loss before the first update against that of guessing among C classes, over at least 512
//! samples. Above 0.25 it is noted, above 4 a warning, unless the network learns its task nevertheless; a loss more
//! than 0.1 ln C below that of guessing with the class shares is a warning, if outputs as spread as those measured
//! could not reach it by luck, not even with the largest output at the right class for every sample. If their spread
//! is unknown: more than 0.5 ln C.
//!
//! # Why it matters
//! An untrained network should be undecided. A higher loss means that it is confidently wrong: the first epochs are
//! spent on unlearning. A lower one means that the labels leak into the inputs or the loss is not what it seems.
//!
//! # What to try
//! Initialise the last layer with smaller weights, and its bias with the log of the class shares.
//!
//! # When it is fine
//! Kaiming weights in the last layer give logits of variance 2 and a loss about 0.4 above ln C; that is gone after some
//! steps. A random network for two classes and few columns often starts far below guessing: a random direction can
//! separate the classes. Pre-trained weights start with a low loss, which is not checked if the program knows that they
//! are.
//!
//! # Source
//! CS231n course notes, neural-networks-3: look for the correct loss at chance performance. The limits 0.25, 4, -0.1
//! and -0.5 are ours.

use crate::calibration::{Bad, Calibration};
use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::history::History;
use crate::measurement::{LossKind, ModelDescription};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::{Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K004";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "start-loss",
    chinese_name: "初始损失偏离随机猜测",
    summary: "a loss at the start far from that of guessing",
    chinese_summary: "训练开始时的损失与随机猜测相差很大",
    kinds: &[HIGH, LOW],
    source: include_str!("start_loss.rs"),
    examine,
    roles: &[Role { symptom: Code(CODE), stage: Stage::Results, explains: &[] }],
    layer_statistics: &[],
    calibrations: &[Calibration {
        name: "(L0 - ln C) / ln C",
        threshold: WARN_EXCESS,
        bad: Bad::Above,
        measure: start_excess,
    }],
};

/// The loss is above that of guessing.
const HIGH: FindingKind = FindingKind {
    key: "above-guessing",
    statistic: "relative distance from the loss of guessing",
    chinese_statistic: "与随机猜测损失的相对差距",
    chinese_message: "第一步之前的损失高于随机猜测",
    chinese_cause: "最后一层的输出过大：网络还没有学习，就已过于自信",
};

/// The loss is below that of guessing.
const LOW: FindingKind = FindingKind {
    key: "below-guessing",
    statistic: "relative distance from the loss of guessing",
    chinese_statistic: "与随机猜测损失的相对差距",
    chinese_message: "第一步之前的损失低于随机猜测",
    chinese_cause: "标签泄漏到了输入中，或者损失没有对所有样本和类别取平均；如果权重事先训练过，则属正常",
};

/// Minimum number of samples the loss must be averaged over.
pub const SAMPLES: u64 = 512;
/// Relative excess that is noted.
pub const INFO_EXCESS: f64 = 0.25;
/// Relative excess for a warning: far beyond the result of any usual initialisation of the last layer.
pub const WARN_EXCESS: f64 = 4.0;
/// Relative shortfall for a warning, beyond that which luck explains.
pub const WARN_SHORTFALL: f64 = -0.1;
/// Relative shortfall for a warning if the spread of the outputs is unknown; our own choice.
pub const UNKNOWN_SHORTFALL: f64 = -0.5;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    if case.moment != Moment::Start { Vec::new() } else { judge(case).into_iter().collect() }
}

fn judge(case: &Case) -> Option<Observation> {
    let start = case.start.filter(|start| start.samples >= SAMPLES)?;
    let loss = f64::from(start.loss?);
    let (chance, informed) = (case.model.chance_loss()?, case.guessing_loss()?);
    let excess = (loss - chance) / chance;
    let least = least_shortfall(case, chance, informed);
    if case.model.pretrained != Some(true) && (loss - informed) / chance < least {
        let observation = Observation::new(&LOW, Level::Warn, None, (loss - informed) / chance, least)
            .message(format!(
                "the loss before the first step is {}, below the {} of guessing (limit {})",
                number(loss),
                number(informed),
                number(informed + least * chance)
            ))
            .cause(match case.model.pretrained {
                Some(_) => "the labels leak into the inputs, or the loss is not averaged over all samples and classes",
                None => {
                    "the weights have been trained before, and all is well; or the labels leak into the inputs, or the loss is \
                     not averaged over all samples and classes"
                }
            })
            .remedy(Remedy::CheckLabels)
            .always();
        return Some(observation);
    }
    let (level, threshold) = match excess {
        excess if excess > WARN_EXCESS => (Level::Warn, WARN_EXCESS),
        excess if excess > INFO_EXCESS => (Level::Info, INFO_EXCESS),
        _ => return None,
    };
    let mut observation = Observation::new(&HIGH, level, None, excess, threshold)
        .message(format!(
            "the loss before the first step is {} above that of guessing (limit {})",
            percent(excess),
            percent(threshold)
        ))
        .cause("the outputs of the last layer are too large: the network is confident in answers it cannot know yet");
    if let Some(last) = case.model.output_layer() {
        let (layer, config_key) = (case.model.name(last), case.config_key(last));
        observation = observation.remedy(Remedy::ShrinkLastLayer { layer: layer.clone(), std: 0.01, config_key });
        observation = observation.remedy(Remedy::PriorBias { layer });
    }
    Some(observation)
}

/// Returns the relative shortfall for a warning: that which luck cannot explain.
fn least_shortfall(case: &Case, chance: f64, informed: f64) -> f64 {
    let spread = case.model.output_layer().and_then(|last| case.start?.layer(last)?.output_std).map(f64::from);
    let Some(spread) = spread.filter(|spread| spread.is_finite()) else { return UNKNOWN_SHORTFALL };
    let luckiest = match case.model.loss {
        Some(LossKind::Bce | LossKind::BceProbabilities) => luckiest_loss(2.0, spread),
        _ => luckiest_loss(case.model.classes.unwrap_or(2) as f64, largest_lead(case.model.classes, spread)),
    };
    WARN_SHORTFALL.min((luckiest - informed) / chance)
}

/// Returns a loss that random outputs do not fall below by luck: the right one of `classes` leads the others by `lead`. The
/// loss is convex in the lead, so that its mean is not below the loss of the mean lead.
fn luckiest_loss(classes: f64, lead: f64) -> f64 {
    ((classes - 1.0) * (-lead).exp()).ln_1p()
}

/// Returns the mean lead of the largest of normal outputs with standard deviation `spread` over the others, from above: the
/// mean of the largest of C is at most sqrt(2 ln C).
fn largest_lead(classes: Option<usize>, spread: f64) -> f64 {
    let classes = classes.map_or(2.0, |classes| classes.max(2) as f64);
    spread * (2.0 * classes.ln()).sqrt() * classes / (classes - 1.0)
}

/// Returns the relative distance of the first loss from that of guessing among all classes.
fn start_excess(model: &ModelDescription, history: &History) -> Option<f64> {
    let chance = model.chance_loss()?;
    Some((history.first_loss()? - chance) / chance)
}
