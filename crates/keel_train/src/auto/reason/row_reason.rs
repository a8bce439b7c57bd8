//! Reasons for choices for rows of numbers.

use keel_data::Bilingual;
use serde::{Deserialize, Serialize};

/// Reason for a choice for rows of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowReason {
    /// Medians and quartiles.
    Quartiles,
    /// Medians and quantiles, with bins.
    Bins,
    /// Medians and quartiles, without the bins that more rows would have.
    FewRowsPerFeature {
        /// Number of samples.
        samples: usize,
        /// Number of numeric features.
        features: usize,
    },
    /// An ensemble of perceptrons.
    Ensemble,
    /// Size of the table.
    Size {
        /// Number of samples.
        samples: usize,
        /// Number of features.
        features: usize,
    },
    /// Few rows.
    FewRows,
    /// Enough rows for a deeper network.
    EnoughRows,
    /// Very many rows.
    VeryManyRows,
    /// The members of the ensemble are averaged.
    AveragedMembers,
    /// Dropout.
    LessOverfitting,
    /// Size of the validation split.
    ValidationRows,
    /// Size of the test split.
    TestRows,
    /// Number of samples.
    Samples {
        /// Number of training samples.
        samples: usize,
    },
    /// Number of steps.
    Steps {
        /// Number of steps.
        steps: u64,
        /// Number of samples of a step.
        batch: u64,
    },
    /// Early stopping.
    Patience,
    /// The metric evaluates probabilities.
    Probabilities,
    /// The targets are values.
    Regression,
    /// The learning rate suits features of any scale.
    AnyScale,
    /// The learning rate falls to zero.
    FallsToZero,
}

impl RowReason {
    /// Returns the sentence.
    pub(super) fn sentence(self) -> Bilingual {
        use RowReason::*;
        let (english, chinese) = match self {
            Quartiles => {
                ("medians and quartiles, so that outliers have no influence", "用中位数与四分位数，不受离群值影响")
            }
            Bins => (
                "medians and quantiles, so that outliers have no influence; bins capture thresholds",
                "用中位数与分位数，不受离群值影响；分箱可以表示阈值",
            ),
            FewRowsPerFeature { samples, features } => {
                return Bilingual::of(
                    format!(
                        "medians and quartiles, so that outliers have no influence; no bins: {samples} rows are few for {features} \
                         numeric features"
                    ),
                    format!(
                        "用中位数与四分位数，不受离群值影响；不分箱：{features} 个数值特征只有 {samples} 行，相对较少"
                    ),
                );
            }
            Ensemble => {
                ("rows of a table: an ensemble of perceptrons in one network", "表格数据：在一个网络中集成多个感知机")
            }
            Size { samples, features } => {
                return Bilingual::of(
                    format!("{samples} samples with {features} features"),
                    format!("{samples} 个样本，{features} 个特征"),
                );
            }
            FewRows => ("few rows: a network that stays close to a linear model", "行数少：网络接近线性模型"),
            EnoughRows => (
                "enough rows to learn nonlinear effects and interactions of columns",
                "行数足以学习非线性关系和列之间的交互作用",
            ),
            VeryManyRows => ("very many rows", "行数很多"),
            AveragedMembers => ("averaging several predictions reduces the error", "对多个预测取平均可减小误差"),
            LessOverfitting => ("reduces overfitting of the members", "减轻集成成员的过拟合"),
            ValidationRows => ("enough rows to choose the best epoch", "行数足以选出最好的一轮"),
            TestRows => {
                ("enough rows to measure the finished model on unseen data", "行数足以在未见过的数据上评估训练好的模型")
            }
            Samples { samples } => {
                return Bilingual::of(format!("{samples} training samples"), format!("{samples} 个训练样本"));
            }
            Steps { steps, batch } => {
                return Bilingual::of(
                    format!("about {steps} steps of {batch} samples, from 20 to 200 epochs"),
                    format!("约 {steps} 步，每步 {batch} 个样本，限制在 20 到 200 轮"),
                );
            }
            Patience => (
                "epochs without a better validation result; the best weights are kept",
                "验证结果没有改善的轮数上限；保留最好的权重",
            ),
            Probabilities => (
                "evaluates probabilities, whereas accuracy changes only by whole rows",
                "评价的是概率，而准确率只能以整行为单位变化",
            ),
            Regression => ("regression: standardised targets, squared error", "回归：目标经过标准化，损失为平方误差"),
            AnyScale => ("a stable learning rate for features of any scale", "学习率对任何尺度的特征都稳定"),
            FallsToZero => ("falls to zero at the end", "最后降到零"),
        };
        Bilingual::of(english, chinese)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_testkit::check_distinct;

    #[test]
    fn every_reason_has_its_own_sentence() {
        use RowReason::*;
        check_distinct(
            [
                Quartiles,
                Bins,
                FewRowsPerFeature { samples: 1_500, features: 60 },
                FewRowsPerFeature { samples: 1_500, features: 61 },
                Ensemble,
                Size { samples: 200, features: 7 },
                Size { samples: 200, features: 8 },
                FewRows,
                EnoughRows,
                VeryManyRows,
                AveragedMembers,
                LessOverfitting,
                ValidationRows,
                TestRows,
                Samples { samples: 160 },
                Steps { steps: 3_500, batch: 32 },
                Patience,
                Probabilities,
                Regression,
                AnyScale,
                FallsToZero,
            ]
            .map(RowReason::sentence),
        );
    }
}
