//! # What it measures
//! Mean and standard deviation of every feature (for images: every channel) over the training split, as the network
//! sees it. Noted if abs(mean) > 0.2 std or if the standard deviation is outside [0.5, 2]; warning if abs(mean) > std
//! or if the standard deviation is outside [0.1, 4]; error if abs(mean) > 2 or the standard deviation > 10, as with raw
//! pixels from 0 to 255. Tables of five columns or more are reported if more than a fifth of the columns are off or one
//! is an error, images if one channel is off. In sparse tables, such as counts of words (every column begins at 0 and at
//! least half of them are mostly 0), a single column is an error only if it is larger than all others together, in the
//! sum of squares. Constant features are left to K016. It is a note if the network learns
//! its task nevertheless.
//!
//! # Why it matters
//! If all inputs of a unit are positive, all its weight gradients have the same sign and training zigzags. Inputs far from
//! zero make the loss so steep in one direction that only a tiny learning rate survives; raw pixels kill every relu of
//! the first layer or saturate every tanh.
//!
//! # What to try
//! Add `standardize` (or `channel_standardize` for images) to `preprocess.steps`. The statistics are fitted on the
//! training split and applied to everything that follows.
//!
//! # When it is fine
//! Flags, and tables where a few columns are on another scale by design: values known to span at least half a unit
//! inside [-4, 4] are at most noted for images and not reported for tables, unless their mean is beyond 2. Batch
//! normalisation at the start of the network repairs much of it. Inputs need not lie in [-1, 1].
//!
//! # Source
//! LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998), section 4.3; CS231n course notes, neural-networks-2.

use super::{
    batch_norm, dead_relu, exploding_gradient, frozen, loss_trend, non_finite, overfitting, saturation, signal,
    start_loss, stopped_early, tiny_batch, too_small, update_ratio, vanishing_gradient, zigzag,
};
use crate::case::{Case, Moment, Observation, number};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{DataMeasurement, FeatureStatistics};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, High, Low};

/// Code of the rule.
pub const CODE: &str = "K002";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "inputs",
    chinese_name: "输入未标准化",
    summary: "inputs that are not standardised",
    chinese_summary: "输入没有标准化",
    kinds: &[OFF_CENTRE, WIDE, NARROW],
    source: include_str!("inputs.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Data,
        explains: &[
            // Inputs of the wrong scale give z the wrong scale in the first layer, with all its consequences.
            Explanation {
                consequences: &[
                    Code(signal::CODE),
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
                    Code(overfitting::CODE),
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

/// The mean is far from zero.
const OFF_CENTRE: FindingKind = FindingKind {
    key: "off-centre",
    statistic: "mean or standard deviation of a feature",
    chinese_statistic: "均值（或均值与标准差之比）",
    chinese_message: "输入没有标准化：均值离零太远",
    chinese_cause: "没有使用标准化的预处理，或者所用的预处理没有使均值接近零",
};

/// The standard deviation is too large.
const WIDE: FindingKind = FindingKind {
    key: "too-wide",
    statistic: "mean or standard deviation of a feature",
    chinese_statistic: "标准差",
    chinese_message: "输入没有标准化：数值过于分散",
    chinese_cause: "没有使用标准化的预处理，或者所用的预处理没有使标准差接近 1",
};

/// The standard deviation is too small.
const NARROW: FindingKind = FindingKind {
    key: "too-narrow",
    statistic: "mean or standard deviation of a feature",
    chinese_statistic: "标准差",
    chinese_message: "输入没有标准化：数值过于集中",
    chinese_cause: "没有使用标准化的预处理，或者所用的预处理没有使标准差接近 1",
};

/// Limit of abs(mean) / std that is noted.
pub const INFO_RELATIVE_MEAN: f64 = 0.2;
/// Range of the standard deviation without a note.
pub const INFO_STD: (f64, f64) = (0.5, 2.0);
/// Limit of abs(mean) / std for a warning.
pub const WARN_RELATIVE_MEAN: f64 = 1.0;
/// Range of the standard deviation without a warning.
pub const WARN_STD: (f64, f64) = (0.1, 4.0);
/// Limit of abs(mean) for an error.
pub const ERROR_MEAN: f64 = 2.0;
/// Limit of the standard deviation for an error.
pub const ERROR_STD: f64 = 10.0;
/// Minimum share of a table's columns that must be off; calibrated on tables with a few one-hot columns.
pub const TABLE_SHARE: f64 = 0.2;

/// Range of a feature that needs no scaling: flags, pixels from 0 to 1, positions in bins, clipped values.
pub const BOUNDED: (f32, f32) = (-4.0, 4.0);
/// Minimum difference between the largest and smallest value of such a feature.
pub const BOUNDED_SPAN: f32 = 0.5;

const FAR_FROM_ZERO: &str = "the values are far from zero";
const NOT_CENTRED: &str = "the values are not centred";
const TOO_WIDE: &str = "the values are spread too widely";
const TOO_NARROW: &str = "the values are spread too narrowly";
/// Explanation of the word in a message.
const STANDARDISED: &str = "(mean 0, standard deviation 1)";

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match (case.moment, case.data) {
        (Moment::Data, Some(data)) => judge(data).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Deviation of one feature from the range a network needs: level, measured value, threshold and description.
struct Offence {
    level: Level,
    measured: f64,
    threshold: f64,
    words: &'static str,
}

impl Offence {
    fn kind(&self) -> &'static FindingKind {
        match self.words {
            FAR_FROM_ZERO | NOT_CENTRED => &OFF_CENTRE,
            TOO_NARROW => &NARROW,
            _ => &WIDE,
        }
    }

    /// Describes the number that is off, and its limit.
    fn describe(&self, feature: &FeatureStatistics) -> String {
        let (measured, limit) = (number(self.measured), number(self.threshold));
        match self.words {
            FAR_FROM_ZERO => format!("mean {} (limit {limit} from zero)", number(f64::from(feature.mean))),
            NOT_CENTRED => format!("a mean that lies {measured} standard deviations from zero (limit {limit})"),
            TOO_NARROW => format!("standard deviation {measured} (limit: at least {limit})"),
            _ => format!("standard deviation {measured} (limit {limit})"),
        }
    }
}

fn judge(data: &DataMeasurement) -> Option<Observation> {
    let varied = data.features.iter().enumerate().filter(|(_, feature)| feature.std > 0.0);
    let count = varied.clone().count();
    let all_bounded = are_bounded_together(&data.features);
    let offences: Vec<(usize, Offence)> = varied
        .filter_map(|(index, feature)| Some((index, offence(feature, all_bounded || is_bounded(feature))?)))
        // Flags and bins of a table need no scaling.
        .filter(|(index, offence)| data.images || offence.level > Level::Info || !is_bounded(&data.features[*index]))
        .collect();
    let (worst, offence) = offences.iter().max_by(|a, b| {
        let severity = |offence: &Offence| (offence.level, (offence.measured / offence.threshold).ln().abs());
        let (a, b) = (severity(&a.1), severity(&b.1));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    })?;
    let few = !data.images && (offences.len() as f64) <= TABLE_SHARE * count as f64 && count >= 5;
    let tolerable = offence.level < Level::Error || is_sparse(data) && !dominates(data, *worst);
    if few && tolerable {
        return None;
    }
    let feature = data.features[*worst];
    let kind = if data.images { "channel" } else { "feature" };
    let part = data.measured_samples.map(|samples| format!(" over {samples} of {} samples", data.samples));
    let subject = match count {
        1 => format!("the inputs are not standardised {STANDARDISED}: they have"),
        _ => {
            let worst = data.feature_words(*worst);
            let verb = if offences.len() == 1 { "is" } else { "are" };
            format!("{} of {count} {kind}s {verb} not standardised {STANDARDISED}; {worst} has", offences.len())
        }
    };
    let message = format!("{subject} {}{}", offence.describe(&feature), part.unwrap_or_default());
    let cause = match data.preprocessing.as_slice() {
        [] => format!("{}: no preprocessing step is in use", offence.words),
        steps => format!("{} although {} is in use", offence.words, steps.join(", ")),
    };
    Some(
        Observation::new(offence.kind(), offence.level, None, offence.measured, offence.threshold)
            .message(message)
            .cause(cause)
            .remedy(standardize(data)),
    )
}

/// Returns true for a table of counts or frequencies, in one unit: every column begins at 0, and most values of at least half of
/// them are 0, so that the standard deviation is above the mean.
fn is_sparse(data: &DataMeasurement) -> bool {
    let varied = || data.features.iter().filter(|feature| feature.std > 0.0);
    let sparse = varied().filter(|feature| feature.std > feature.mean).count();
    2 * sparse >= varied().count() && varied().all(|feature| feature.range.is_some_and(|(low, _)| low == 0.0))
}

/// Returns true if the squares of column `worst` are more than those of all others together.
fn dominates(data: &DataMeasurement, worst: usize) -> bool {
    let square = |feature: &FeatureStatistics| f64::from(feature.mean).powi(2) + f64::from(feature.std).powi(2);
    let total: f64 = data.features.iter().map(square).sum();
    !(2.0 * square(&data.features[worst]) <= total)
}

fn is_bounded(feature: &FeatureStatistics) -> bool {
    feature.range.is_some_and(|(low, high)| low >= BOUNDED.0 && high <= BOUNDED.1 && high - low >= BOUNDED_SPAN)
}

/// Returns true for features that share one bounded range, as pixels do, some of which hardly vary.
fn are_bounded_together(features: &[FeatureStatistics]) -> bool {
    let ends = |(low, high): (f32, f32), feature: &FeatureStatistics| {
        feature.range.map(|range| (low.min(range.0), high.max(range.1)))
    };
    let whole = features.iter().try_fold((f32::INFINITY, f32::NEG_INFINITY), ends);
    whole.is_some_and(|(low, high)| low >= BOUNDED.0 && high <= BOUNDED.1 && high - low >= BOUNDED_SPAN)
}

/// Returns the deviation of `feature` from the range a network needs; a `bounded` feature is at most a note, unless it
/// is far from zero.
fn offence(feature: &FeatureStatistics, bounded: bool) -> Option<Offence> {
    let (mean, std) = (f64::from(feature.mean).abs(), f64::from(feature.std));
    let offence = |level, measured, threshold, words| Some(Offence { level, measured, threshold, words });
    if mean > ERROR_MEAN {
        offence(Level::Error, mean, ERROR_MEAN, FAR_FROM_ZERO)
    } else if std > ERROR_STD {
        offence(Level::Error, std, ERROR_STD, "the values are far too large")
    } else if bounded {
        mild_offence(mean, std)
    } else if mean > WARN_RELATIVE_MEAN * std {
        offence(Level::Warn, mean / std, WARN_RELATIVE_MEAN, NOT_CENTRED)
    } else if std > WARN_STD.1 {
        offence(Level::Warn, std, WARN_STD.1, TOO_WIDE)
    } else if std < WARN_STD.0 {
        offence(Level::Warn, std, WARN_STD.0, TOO_NARROW)
    } else {
        mild_offence(mean, std)
    }
}

/// Returns the deviation of a feature that a network can use as it is.
fn mild_offence(mean: f64, std: f64) -> Option<Offence> {
    let note = |measured, threshold, words| Some(Offence { level: Level::Info, measured, threshold, words });
    if mean > INFO_RELATIVE_MEAN * std {
        note(mean / std, INFO_RELATIVE_MEAN, NOT_CENTRED)
    } else if std > INFO_STD.1 {
        note(std, INFO_STD.1, TOO_WIDE)
    } else if std < INFO_STD.0 {
        note(std, INFO_STD.0, TOO_NARROW)
    } else {
        None
    }
}

fn standardize(data: &DataMeasurement) -> Remedy {
    let step = if data.images && data.features.len() > 1 { "channel_standardize" } else { "standardize" };
    Remedy::AddPreprocess { step: step.to_string() }
}
