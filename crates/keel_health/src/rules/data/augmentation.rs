//! # What it measures
//! The root mean square of up to 256 preprocessed training images, with augmentation and without. Warning if
//! augmentation makes it more than three times as large; a note if no known setting fixes it.
//!
//! # Why it matters
//! `standardize` divides each pixel by its own standard deviation, which is tiny for pixels at the border that hardly
//! ever vary: if an image is moved by a pixel and puts ink there, a grey level of a few per cent becomes a hundred
//! standard deviations. Such images dominate the gradient, and evaluation, which moves nothing, never shows them.
//!
//! # What to try
//! `channel_standardize` instead of `standardize`: it scales all pixels of a channel equally. Or disable the augmentation.
//!
//! # When it is fine
//! Moderate changes of brightness, contrast or colour, and moved photos, whose pixels all vary by similar amounts, stay
//! far below the limit.
//!
//! # Source
//! Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks" (2012) for moved
//! images; the limit is ours.

use crate::case::{Case, Moment, Observation, number};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::DataMeasurement;
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, High, Low};
use crate::rules::{
    batch_norm, dead_relu, exploding_gradient, loss_trend, non_finite, saturation, signal, start_loss, stopped_early,
    update_ratio, zigzag,
};

/// Code of the rule.
pub const CODE: &str = "K027";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "augmentation",
    chinese_name: "数据增强使输入过大",
    summary: "augmentation that makes inputs much larger than the training data",
    chinese_summary: "数据增强使输入远大于训练数据",
    kinds: &[BEYOND_RANGE, PER_PIXEL],
    source: include_str!("augmentation.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Data,
        explains: &[
            // Images with huge pixels make huge signals and gradients.
            Explanation {
                consequences: &[
                    Code(signal::CODE),
                    High(update_ratio::CODE),
                    Code(exploding_gradient::CODE),
                    Code(saturation::CODE),
                    Code(dead_relu::CODE),
                    Code(zigzag::CODE),
                    Code(batch_norm::CODE),
                    Low(update_ratio::CODE),
                    Code(start_loss::CODE),
                    Code(loss_trend::CODE),
                    Code(stopped_early::CODE),
                    Code(non_finite::CODE),
                ],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// Augmented inputs leave the range of preprocessing.
const BEYOND_RANGE: FindingKind = FindingKind {
    key: "beyond-range",
    statistic: "root mean square with augmentation / without",
    chinese_statistic: "增强后与增强前的均方根之比",
    chinese_message: "数据增强使预处理后的输入明显变大",
    chinese_cause: "增强后的图像超出了预处理所依据的取值范围",
};

/// Preprocessing by pixel enlarges moved images.
const PER_PIXEL: FindingKind = FindingKind {
    key: "per-pixel",
    statistic: "root mean square with augmentation / without",
    chinese_statistic: "增强后与增强前的均方根之比",
    chinese_message: "数据增强使预处理后的输入明显变大",
    chinese_cause: "逐像素的预处理把几乎不变的像素除以极小的标准差，而平移或翻转后的图像会落在这些像素上",
};

/// Limit of the ratio of root mean squares.
pub const RATIO: f64 = 3.0;

/// Steps that scale each pixel by its own spread.
const BY_PIXEL: [&str; 2] = ["standardize", "robust_scale"];
/// The step that scales all pixels of a channel equally.
const BY_CHANNEL: &str = "channel_standardize";

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match (case.moment, case.data) {
        (Moment::Data, Some(data)) => judge(data).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn judge(data: &DataMeasurement) -> Option<Observation> {
    let measured = data.augmentation.as_ref().filter(|measured| measured.samples > 0)?;
    let ratio = f64::from(measured.augmented_rms) / f64::from(measured.plain_rms);
    // Images that are zero everywhere have no ratio; a NaN is not healthy.
    if ratio <= RATIO || measured.plain_rms == 0.0 {
        return None;
    }
    let by_pixel = data.preprocessing.iter().find(|step| BY_PIXEL.contains(&step.as_str()));
    let kind = if by_pixel.is_some() { &PER_PIXEL } else { &BEYOND_RANGE };
    let mut observation = Observation::new(kind, Level::Warn, None, ratio, RATIO).message(format!(
        "augmentation makes the preprocessed inputs {} times as large as they are without it (limit {})",
        number(ratio),
        number(RATIO)
    ));
    observation = match by_pixel {
        Some(step) => observation
            .cause(format!(
                "{step} divides pixels that hardly vary by a tiny spread, and moved or mirrored images land on them"
            ))
            .remedy(Remedy::AddPreprocess { step: BY_CHANNEL.to_owned() }),
        None => observation.cause("augmented images leave the range of values that preprocessing was fitted to"),
    };
    if !measured.moving_key.is_empty() {
        observation = observation.remedy(Remedy::DropAugmentation { key: measured.moving_key.clone() });
    }
    if observation.remedies.is_empty() {
        observation.level = Level::Info;
    }
    Some(observation)
}
