//! # What it measures
//! At the end of an epoch, in two epochs in a row: the loss in evaluation mode against the loss in training mode on the
//! same samples (relative gap above 0.5); the running statistics against exact ones, channel by channel (more than 10 %
//! of the channels shifted by over half a standard deviation or with a variance ratio outside [0.5, 2]); and how much
//! of the initial statistics is left in the running ones, (1 - momentum)^updates above 0.05. Each is a warning, a note
//! once it has passed, and an error if training fails. The gap is taken relative to the loss in training mode, or to
//! three tenths of that of guessing if that is more: a small gap next to a tiny loss does no harm. A gap of at most 0.1
//! turns the other two into notes, and shifted channels are notes if no gap is known. Batches of fewer than 4 samples
//! are an error before training begins, unless the network learns its task nevertheless.
//!
//! # Why it matters
//! Training normalises with the statistics of the batch, inference with the running ones. If they differ, the network
//! that is used is not the one that was trained, and the validation loss measures a different function.
//!
//! # What to try
//! Compute the exact statistics over some batches with the current weights. Use a momentum of 0.1 and a batch size of
//! at least 16.
//!
//! # When it is fine
//! In the first epochs, while the running statistics are still catching up: they are not checked before 30 updates.
//!
//! # Source
//! Ioffe and Szegedy, "Batch Normalization" (2015), algorithm 2; Wu and He,
//! "Group Normalization" (2018), figure 1, for small batches; Wu and Johnson, "Rethinking 'Batch' in BatchNorm"
//! (2021). The limits on channels are ours.

use super::{
    dead_relu, exploding_gradient, frozen, loss_trend, overfitting, saturation, stopped_early, too_small, update_ratio,
    vanishing_gradient,
};
use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{EpochMeasurement, LayerKind, NormStatistics};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, Low};

/// Code of the rule.
pub const CODE: &str = "K015";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "batch-norm",
    chinese_name: "批量归一化统计量有误",
    summary: "batch normalisation that behaves differently in inference than in training",
    chinese_summary: "批量归一化在推理时与训练时表现不同",
    kinds: &[UNLIKE_TRAINING, SMALL_BATCHES, FEW_SAMPLES, STALE, SHIFTED],
    source: include_str!("batch_norm.rs"),
    examine,
    roles: &[
        Role {
            symptom: Low(CODE),
            stage: Stage::BatchSize,
            explains: &[
                // Batches with too few samples: noise in everything that is normalised.
                Explanation {
                    consequences: &[
                        Code(exploding_gradient::CODE),
                        Code(saturation::CODE),
                        Code(dead_relu::CODE),
                        Code(vanishing_gradient::CODE),
                        Code(CODE),
                        Code(frozen::CODE),
                        Code(overfitting::CODE),
                        Code(loss_trend::CODE),
                        Code(stopped_early::CODE),
                        Code(too_small::CODE),
                    ],
                    lies: Anywhere,
                },
            ],
        },
        Role {
            symptom: Code(CODE),
            stage: Stage::Layers,
            explains: &[Explanation {
                consequences: &[Low(update_ratio::CODE), Code(overfitting::CODE), Code(stopped_early::CODE)],
                lies: Anywhere,
            }],
        },
    ],
    layer_statistics: &[],
    calibrations: &[],
};

/// The losses of evaluation and training mode differ.
const UNLIKE_TRAINING: FindingKind = FindingKind {
    key: "unlike-training",
    statistic: "gap between inference and training",
    chinese_statistic: "推理与训练之间的损失差",
    chinese_message: "对于同样的样本，评估模式下的损失明显高于训练模式",
    chinese_cause: "评估时所用的滑动平均统计量与权重不符",
};

/// Losses differ because batches are small.
const SMALL_BATCHES: FindingKind = FindingKind {
    key: "small-batches",
    statistic: "gap between inference and training",
    chinese_statistic: "推理与训练之间的损失差",
    chinese_message: "对于同样的样本，评估模式下的损失明显高于训练模式",
    chinese_cause: "批量太小，批次的统计量只是噪声",
};

/// Batches have two or three samples.
const FEW_SAMPLES: FindingKind = FindingKind {
    key: "few-samples",
    statistic: "samples per batch",
    chinese_statistic: "每批样本数",
    chinese_message: "用于批量归一化的批次只有极少的样本",
    chinese_cause: "样本太少，统计量只是噪声：一个样本的输出取决于同批的其他样本",
};

/// Running statistics are still initial values.
const STALE: FindingKind = FindingKind {
    key: "stale",
    statistic: "share of the initial values",
    chinese_statistic: "初始值所占比例",
    chinese_message: "滑动平均统计量中，初始值仍占较大比例",
    chinese_cause: "动量太小，更新次数又不够多",
};

/// Running statistics are far from the exact ones.
const SHIFTED: FindingKind = FindingKind {
    key: "shifted",
    statistic: "share of channels off",
    chinese_statistic: "有偏差的通道所占比例",
    chinese_message: "许多通道的滑动平均统计量与精确值相差很大",
    chinese_cause: "权重变化太快，滑动平均统计量跟不上，或者批量太小",
};

/// Relative gap between the losses for a warning.
pub const LOSS_GAP: f64 = 0.5;
/// Relative gap below which shifted channels do no harm.
pub const HARMLESS_GAP: f64 = 0.1;
/// Share of shifted channels.
pub const CHANNEL_SHARE: f64 = 0.1;
/// Shift of a channel's mean, in standard deviations.
pub const SHIFT: f64 = 0.5;
/// Range of running over exact variance.
pub const VARIANCE_RATIO: (f64, f64) = (0.5, 2.0);
/// Share of the initial statistics that remains.
pub const RESIDUE: f64 = 0.05;
/// Number of samples per batch below which its statistics are noise in any case.
pub const FEWEST_SAMPLES: u64 = 4;
/// Minimum loss used as the denominator, relative to guessing.
pub const LOSS_FLOOR: f64 = 0.3;
/// Number of updates after which momentum 0.1 has forgotten the initial statistics: 0.9^30 < 0.05.
pub const UPDATES: u64 = 30;
/// Recommended momentum.
const MOMENTUM: f64 = 0.1;
/// Number of batches for exact statistics.
const EXACT_BATCHES: u64 = 50;
/// Minimum batch size with usable statistics.
const LEAST_BATCH: u64 = 16;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    if case.moment == Moment::Model {
        return too_few_samples(case).into_iter().collect();
    }
    let (Moment::Epoch, Some(epoch)) = (case.moment, case.epochs.last()) else { return Vec::new() };
    let gap = loss_gap(case, epoch);
    let caught_up = || epoch.norms.iter().filter(|norm| norm.updates >= UPDATES);
    if !epoch.norms.is_empty() && caught_up().next().is_none() {
        return Vec::new();
    }
    let overall = gap.filter(|&gap| !(gap <= LOSS_GAP)).map(|gap| different_losses(case, gap));
    let layers = caught_up().filter_map(|norm| stale(case, norm, gap).or_else(|| shifted(case, norm, gap)));
    overall.into_iter().chain(layers).collect()
}

/// Reports a network that normalises over batches of two or three samples.
fn too_few_samples(case: &Case) -> Option<Observation> {
    let samples = case.model.batch_size.filter(|&size| size < FEWEST_SAMPLES)?;
    let norm = case.model.layers.iter().position(|layer| layer.kind == LayerKind::BatchNorm)?;
    let message = format!(
        "{} normalises over batches of {samples} {} (limit: at least {FEWEST_SAMPLES})",
        case.model.name(norm),
        if samples == 1 { "sample" } else { "samples" }
    );
    Some(
        Observation::new(&FEW_SAMPLES, Level::Error, Some(norm), samples as f64, FEWEST_SAMPLES as f64)
            .message(message)
            .cause(
                "the statistics of so few samples are noise: the output for a sample depends on the rest of its batch",
            )
            .remedy(Remedy::SetBatchSize { batch_size: LEAST_BATCH }),
    )
}

/// Returns (evaluation - training) / training on the same samples. Losses near zero are not compared.
fn loss_gap(case: &Case, epoch: &EpochMeasurement) -> Option<f64> {
    let (inference, training) = (f64::from(epoch.eval_mode_loss?), f64::from(epoch.train_mode_loss?));
    let floor = training.max(case.model.chance_loss().map_or(0.05, |chance| LOSS_FLOOR * chance));
    Some((inference - training) / floor)
}

fn different_losses(case: &Case, gap: f64) -> Observation {
    let small = case.model.batch_size.is_some_and(|size| size < LEAST_BATCH);
    let kind = if small { &SMALL_BATCHES } else { &UNLIKE_TRAINING };
    let mut observation = Observation::new(kind, Level::Warn, None, gap, LOSS_GAP)
        .while_seen()
        .message(format!(
            "on the same samples the loss in evaluation mode is {} above that in training mode (limit {})",
            percent(gap),
            percent(LOSS_GAP)
        ))
        .cause("the running statistics, which batch normalisation uses in evaluation, do not match the weights")
        .remedy(Remedy::RecomputeBatchNormStatistics { batches: EXACT_BATCHES });
    if small {
        observation = observation
            .cause("the batches are too small: their statistics are noise")
            .remedy(Remedy::SetBatchSize { batch_size: LEAST_BATCH });
    }
    observation
}

fn stale(case: &Case, norm: &NormStatistics, gap: Option<f64>) -> Option<Observation> {
    let momentum = f64::from(norm.momentum?);
    let residue = (1.0 - momentum).powf(norm.updates as f64);
    if !(residue > RESIDUE) {
        return None;
    }
    let message = format!(
        "{} of the running statistics of {} (limit {}) are still their initial values",
        percent(residue),
        case.model.name(norm.layer),
        percent(RESIDUE)
    );
    let cause = format!("momentum {} is too small for {} updates", number(momentum), norm.updates);
    Some(repair(
        case,
        norm,
        Observation::new(&STALE, level(gap), Some(norm.layer), residue, RESIDUE)
            .while_seen()
            .message(message)
            .cause(cause),
    ))
}

fn shifted(case: &Case, norm: &NormStatistics, gap: Option<f64>) -> Option<Observation> {
    let running = norm.running_mean.iter().zip(&norm.running_variance);
    let exact = norm.exact_mean.iter().zip(&norm.exact_variance);
    let mut channels = 0;
    let mut off = 0;
    for ((&mean, &variance), (&exact_mean, &exact_variance)) in running.zip(exact) {
        let scale = f64::from(exact_variance).max(1e-10);
        let shift = f64::from(mean - exact_mean).abs() / scale.sqrt();
        let ratio = f64::from(variance).max(1e-10) / scale;
        channels += 1;
        off += u64::from(!(shift <= SHIFT && ratio >= VARIANCE_RATIO.0 && ratio <= VARIANCE_RATIO.1));
    }
    let share = off as f64 / f64::from(channels);
    if channels == 0 || !(share > CHANNEL_SHARE) {
        return None;
    }
    let name = case.model.name(norm.layer);
    let message = format!(
        "the running statistics of {off} of {channels} channels of {name} ({}, limit {}) are far from the exact ones",
        percent(share),
        percent(CHANNEL_SHARE)
    );
    let level = if gap.is_none() { Level::Info } else { level(gap) };
    let observation = Observation::new(&SHIFTED, level, Some(norm.layer), share, CHANNEL_SHARE)
        .while_seen()
        .message(message)
        .cause("the weights move faster than the running statistics follow, or the batches are too small");
    Some(repair(case, norm, observation))
}

fn level(gap: Option<f64>) -> Level {
    if gap.is_some_and(|gap| gap <= HARMLESS_GAP) { Level::Info } else { Level::Warn }
}

fn repair(case: &Case, norm: &NormStatistics, observation: Observation) -> Observation {
    let observation = observation.remedy(Remedy::RecomputeBatchNormStatistics { batches: EXACT_BATCHES });
    match norm.momentum {
        Some(momentum) if f64::from(momentum) < 0.5 * MOMENTUM => observation.remedy(Remedy::SetNormMomentum {
            layer: case.model.name(norm.layer),
            momentum: MOMENTUM,
            config_key: case.config_key(norm.layer),
        }),
        _ => observation,
    }
}
