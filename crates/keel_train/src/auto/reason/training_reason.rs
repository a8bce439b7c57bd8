//! Reasons for choices for any data: averaged weights, imbalanced classes, time limits and ranks.

use keel_data::Bilingual;
use serde::{Deserialize, Serialize};

/// Growth of the learning rate with the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateScaling {
    /// In proportion.
    Proportional,
    /// With the square root.
    SquareRoot,
}

/// Reason for a choice for any data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingReason {
    /// Averaged weights.
    AveragedWeights,
    /// Imbalanced classes.
    Imbalance {
        /// Ratio of the sizes of the largest and the smallest class.
        ratio: usize,
    },
    /// Accuracy ignores rare classes.
    RareClasses,
    /// Epochs that fit into the time limit.
    TimeLimit {
        /// Seconds of an epoch.
        epoch_seconds: f64,
        /// Seconds of the limit.
        limit_seconds: f64,
    },
    /// Epochs that were reduced during training.
    Shortened {
        /// Number of epochs before.
        planned: u64,
    },
    /// Batches of all ranks.
    RankBatches {
        /// Batch size of a rank.
        batch_size: usize,
        /// Number of ranks.
        ranks: usize,
    },
    /// Learning rate for the batches of all ranks.
    ScaledRate {
        /// Learning rate of a single rank.
        learning_rate: f64,
        /// Growth with the batch.
        scaling: RateScaling,
    },
    /// Warm-up to the learning rate for the batches of all ranks.
    WarmUp {
        /// Maximum number of epochs.
        epochs: u64,
    },
}

impl TrainingReason {
    /// Returns the sentence.
    pub(super) fn sentence(self) -> Bilingual {
        use TrainingReason::*;
        match self {
            AveragedWeights => Bilingual::of(
                "averaged weights generalise better than the final ones",
                "平均后的权重比最终的权重泛化得更好",
            ),
            Imbalance { ratio } => Bilingual::of(
                format!(
                    "the largest class has {ratio} times as many samples as the smallest; without weights, probabilities \
                     stay calibrated (\"balanced\" finds more samples of the rare class)"
                ),
                format!(
                    "最大类别的样本数是最小类别的 {ratio} 倍；不加权时概率保持校准（\"balanced\" 能找出更多稀少类别的样本）"
                ),
            ),
            RareClasses => {
                Bilingual::of("accuracy hardly reflects classes with few samples", "准确率几乎不反映样本很少的类别")
            }
            TimeLimit { epoch_seconds, limit_seconds } => {
                let [epoch, limit] = [epoch_seconds, limit_seconds].map(duration);
                Bilingual::of(
                    format!(
                        "an epoch takes {epoch}: as many as fit into {limit}, so that the learning rate schedule is completed"
                    ),
                    format!("每轮用时 {epoch}：取 {limit} 内能完成的轮数，使学习率调度能够走完"),
                )
            }
            Shortened { planned } => Bilingual::of(
                format!(
                    "shortened from {planned} during training, which is slower than measured: the learning rate schedule \
                     is still completed within the time limit"
                ),
                format!("原定 {planned} 轮；训练比预先测得的慢，因此中途缩短，使学习率调度仍能在时限内走完"),
            ),
            RankBatches { batch_size, ranks } => Bilingual::of(
                format!("{batch_size} on each of {ranks} ranks"),
                format!("{ranks} 个进程，每个进程 {batch_size} 个样本"),
            ),
            ScaledRate { learning_rate, scaling: RateScaling::Proportional } => Bilingual::of(
                format!("{learning_rate} scaled in proportion to the batch"),
                format!("由 {learning_rate} 按批量大小成比例放大"),
            ),
            ScaledRate { learning_rate, scaling: RateScaling::SquareRoot } => Bilingual::of(
                format!(
                    "{learning_rate} scaled with the square root of the batch, as the optimizer divides by the size of \
                     gradients"
                ),
                format!("由 {learning_rate} 按批量大小的平方根放大，因为该优化器会除以梯度的大小"),
            ),
            WarmUp { epochs } => Bilingual::of(
                format!("the larger learning rate is reached over {epochs} epochs, or a tenth of the training run"),
                format!("在 {epochs} 轮内（至多训练的十分之一）升到放大后的学习率"),
            ),
        }
    }
}

/// Formats seconds with two digits below ten seconds, in milliseconds below one.
fn duration(seconds: f64) -> String {
    match seconds {
        ..0.01 => format!("{:.1} ms", 1e3 * seconds),
        ..0.9995 => format!("{:.0} ms", 1e3 * seconds),
        ..9.95 if seconds.fract() != 0.0 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_testkit::check_distinct;

    #[test]
    fn every_reason_has_its_own_sentence() {
        use TrainingReason::*;
        let rate = |scaling| ScaledRate { learning_rate: 0.1, scaling };
        check_distinct(
            [
                AveragedWeights,
                Imbalance { ratio: 12 },
                RareClasses,
                TimeLimit { epoch_seconds: 2.5, limit_seconds: 60.0 },
                TimeLimit { epoch_seconds: 2.5, limit_seconds: 90.0 },
                Shortened { planned: 20 },
                RankBatches { batch_size: 50, ranks: 4 },
                rate(RateScaling::Proportional),
                rate(RateScaling::SquareRoot),
                WarmUp { epochs: 5 },
            ]
            .map(TrainingReason::sentence),
        );
    }

    #[test]
    fn short_times_are_in_milliseconds() {
        let cases = [
            (0.0012, "1.2 ms"),
            (0.031, "31 ms"),
            (0.9996, "1.0 s"),
            (1.26, "1.3 s"),
            (5.0, "5 s"),
            (9.96, "10 s"),
            (900.0, "900 s"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected);
        }
    }
}
