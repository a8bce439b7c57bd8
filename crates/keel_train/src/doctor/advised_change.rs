//! Changes that no finding suggested, and their reasons, in both languages.

use keel_data::Bilingual;
use serde::{Deserialize, Serialize};

/// Usual settings, all at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsualSettings {
    /// Inputs, initialisation, activations and optimizer.
    Plain,
    /// These, and the usual loss without a last activation.
    WithUsualLoss,
    /// These, with batch norm.
    WithBatchNorm,
}

/// A change that no finding suggested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdvisedChange {
    /// Standardise the inputs.
    StandardiseInputs,
    /// Use an optimizer with its usual learning rate.
    UsualOptimizer {
        /// Name of the optimizer.
        optimizer: String,
    },
    /// Use the learning rate that a range test suggests.
    SuggestedRate {
        /// The learning rate.
        rate: f64,
    },
    /// Lower the learning rate.
    LowerRate {
        /// The lower learning rate.
        rate: f64,
    },
    /// Raise the learning rate.
    RaiseRate {
        /// The higher learning rate.
        rate: f64,
    },
    /// Initialise by fan-in.
    InitialiseByFanIn,
    /// Use relu in the hidden layers.
    UseRelu,
    /// Use leaky relu in the hidden layers.
    UseLeakyRelu,
    /// Add missing activations.
    AddActivations,
    /// Add batch norm.
    AddBatchNorm,
    /// Remove the last activation.
    RemoveLastActivation,
    /// Use the usual loss.
    UseUsualLoss,
    /// Use the usual loss and remove the last activation.
    UseUsualLossAlone,
    /// Lower the dropout.
    LowerDropout {
        /// The lower probability.
        probability: f64,
    },
    /// Remove the dropout.
    RemoveDropout,
    /// Remove the weight decay.
    RemoveWeightDecay,
    /// Train all weights.
    TrainAllWeights,
    /// Use all usual settings.
    UseUsualSettings {
        /// The settings.
        settings: UsualSettings,
    },
    /// Widen narrow hidden layers.
    WidenLayers,
    /// Use another batch size.
    SetBatchSize {
        /// The batch size.
        batch_size: usize,
    },
    /// Train for more epochs.
    TrainLonger {
        /// Number of epochs.
        epochs: u64,
    },
    /// Use all usual settings, a wider network and more epochs.
    EnlargeUsual {
        /// The settings.
        settings: UsualSettings,
        /// Number of epochs.
        epochs: u64,
        /// The learning rate.
        rate: f64,
    },
}

impl UsualSettings {
    fn instruction(self) -> Bilingual {
        const ENGLISH: &str = "use the usual inputs, initialisation, activations and optimizer, all at once";
        const CHINESE: &str = "同时采用常规的输入处理、初始化、激活函数和优化器";
        let (english, chinese) = match self {
            UsualSettings::Plain => ("", ""),
            UsualSettings::WithUsualLoss => {
                (", and the usual loss without a last activation", "，并改用常规损失、去掉最后的激活函数")
            }
            UsualSettings::WithBatchNorm => (", with batch norm", "，并加批量归一化"),
        };
        Bilingual::of(format!("{ENGLISH}{english}"), format!("{CHINESE}{chinese}"))
    }
}

impl AdvisedChange {
    /// Returns the change as an instruction.
    pub(super) fn instruction(&self) -> Bilingual {
        use AdvisedChange::*;
        let (english, chinese) = match self {
            StandardiseInputs => ("standardise the inputs", "对输入做标准化"),
            UsualOptimizer { optimizer } => {
                return Bilingual::of(
                    format!("train with {optimizer} at its usual learning rate"),
                    format!("用 {optimizer} 以其常用的学习率训练"),
                );
            }
            SuggestedRate { rate } => {
                let rate = rate_text(*rate);
                return Bilingual::of(
                    format!("use the learning rate {rate} that a range test suggests"),
                    format!("采用学习率范围测试建议的 {rate}"),
                );
            }
            LowerRate { rate } => {
                let rate = rate_text(*rate);
                return Bilingual::of(format!("lower the learning rate to {rate}"), format!("把学习率降到 {rate}"));
            }
            RaiseRate { rate } => {
                let rate = rate_text(*rate);
                return Bilingual::of(format!("raise the learning rate to {rate}"), format!("把学习率提高到 {rate}"));
            }
            InitialiseByFanIn => ("initialise by fan-in", "按输入数（fan-in）初始化权重"),
            UseRelu => ("use relu in the hidden layers", "隐藏层改用 ReLU"),
            UseLeakyRelu => ("use leaky relu in the hidden layers", "隐藏层改用 Leaky ReLU"),
            AddActivations => {
                ("add relu between layers without an activation in between", "在没有激活函数隔开的层之间加 ReLU")
            }
            AddBatchNorm => ("add batch norm after the hidden layers", "在隐藏层之后加批量归一化"),
            RemoveLastActivation => ("remove the last activation", "去掉最后的激活函数"),
            UseUsualLoss => ("use the usual loss of the task", "改用该任务的常规损失"),
            UseUsualLossAlone => {
                ("use the usual loss and remove the last activation", "改用常规损失，并去掉最后的激活函数")
            }
            LowerDropout { probability } => {
                return Bilingual::of(
                    format!("lower the dropout to {probability}"),
                    format!("把丢弃概率降到 {probability}"),
                );
            }
            RemoveDropout => ("remove the dropout", "去掉随机丢弃（dropout）"),
            RemoveWeightDecay => ("remove the weight decay", "去掉权重衰减"),
            TrainAllWeights => ("train all weights", "训练所有权重"),
            UseUsualSettings { settings } => return settings.instruction(),
            WidenLayers => ("widen narrow hidden layers", "加宽过窄的隐藏层"),
            SetBatchSize { batch_size } => {
                return Bilingual::of(
                    format!("train with batches of {batch_size}"),
                    format!("把批量大小设为 {batch_size}"),
                );
            }
            TrainLonger { epochs } => {
                return Bilingual::of(format!("train for {epochs} epochs"), format!("训练 {epochs} 轮"));
            }
            EnlargeUsual { settings, epochs, rate } => {
                let Bilingual { english, chinese } = settings.instruction();
                return Bilingual::of(
                    format!("{english}; a wider network, {epochs} epochs, learning rate {rate}"),
                    format!("{chinese}；加宽网络，训练 {epochs} 轮，学习率 {rate}"),
                );
            }
        };
        Bilingual::of(english, chinese)
    }

    /// Returns the reason for the change.
    pub(super) fn reason(&self) -> Bilingual {
        use AdvisedChange::*;
        let (english, chinese) = match self {
            StandardiseInputs => (
                "with features of different scales or far from zero, no learning rate suits all weights",
                "特征的尺度不一或远离零时，没有适合所有权重的学习率",
            ),
            UsualOptimizer { .. } => (
                "it adapts the step size to each weight, so that one learning rate suits most networks",
                "它为每个权重调整步长，因此同一学习率适合大多数网络",
            ),
            SuggestedRate { .. } | LowerRate { .. } | RaiseRate { .. } => {
                ("the learning rate matters more than any other setting", "学习率比任何其他设置都重要")
            }
            InitialiseByFanIn => (
                "weights of the wrong scale shrink or amplify the signal from layer to layer",
                "尺度不当的权重会使信号逐层缩小或放大",
            ),
            UseRelu => (
                "activations that saturate on both sides pass little gradient through many layers",
                "两侧饱和的激活函数使梯度难以穿过多层",
            ),
            UseLeakyRelu => (
                "units that are never active do not learn; with leaky relu they always receive some gradient",
                "从不激活的单元不会学习；用 Leaky ReLU 时它们总能得到一些梯度",
            ),
            AddActivations => (
                "consecutive layers without an activation are equivalent to one linear layer",
                "相邻各层之间没有激活函数时，合起来只相当于一个线性层",
            ),
            AddBatchNorm => (
                "it keeps the scale of the signal constant regardless of the weights",
                "批量归一化使信号的尺度不受权重影响",
            ),
            RemoveLastActivation => (
                "the loss includes its own activation, and a second one limits the outputs of the network",
                "损失函数已包含激活函数，再加一个会限制网络的输出",
            ),
            UseUsualLoss | UseUsualLossAlone => {
                ("another loss optimises a different objective", "其他损失优化的是另一个目标")
            }
            LowerDropout { .. } | RemoveDropout | RemoveWeightDecay => (
                "a network that does not fit its training samples needs no regularisation",
                "连训练样本都拟合不好的网络不需要正则化",
            ),
            TrainAllWeights => ("frozen weights keep their initial values", "冻结的权重始终保持初始值"),
            UseUsualSettings { .. } => {
                ("faults that mask each other show no effect one by one", "相互掩盖的问题逐个修改时看不出效果")
            }
            WidenLayers => ("a network that is too small cannot fit its data", "过小的网络无法拟合数据"),
            SetBatchSize { .. } => (
                "large batches give few steps per epoch, tiny ones give noisy steps",
                "批量太大则每轮步数少，太小则每步噪声大",
            ),
            TrainLonger { .. } => ("the loss may continue to fall", "损失可能还会继续下降"),
            EnlargeUsual { .. } => (
                "faults that mask each other show no effect one by one, and small networks need more time",
                "相互掩盖的问题逐个修改时看不出效果，而小网络需要更长的训练",
            ),
        };
        Bilingual::of(english, chinese)
    }
}

/// Formats a rate with three significant digits, with an exponent for small numbers.
fn rate_text(rate: f64) -> String {
    let rounded: f64 = format!("{rate:.2e}").parse().unwrap_or(rate);
    if rounded < 1e-3 { format!("{rounded:e}") } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_testkit::check_distinct;

    #[test]
    fn rates_are_written_for_people() {
        let cases = [(3.0, "3"), (0.1, "0.1"), (1e-3, "0.001"), (5.0812e-4, "5.08e-4"), (1e-5, "1e-5")];
        for (rate, text) in cases {
            assert_eq!(rate_text(rate), text);
        }
    }

    /// Changes with different reasons.
    fn changes() -> Vec<AdvisedChange> {
        use AdvisedChange::*;
        vec![
            StandardiseInputs,
            UsualOptimizer { optimizer: "adam".into() },
            SuggestedRate { rate: 0.1 },
            InitialiseByFanIn,
            UseRelu,
            UseLeakyRelu,
            AddActivations,
            AddBatchNorm,
            RemoveLastActivation,
            UseUsualLoss,
            RemoveDropout,
            TrainAllWeights,
            UseUsualSettings { settings: UsualSettings::Plain },
            WidenLayers,
            SetBatchSize { batch_size: 32 },
            TrainLonger { epochs: 12 },
            EnlargeUsual { settings: UsualSettings::Plain, epochs: 12, rate: 0.01 },
        ]
    }

    #[test]
    fn every_change_has_its_own_instruction_and_reason() {
        use AdvisedChange::*;
        let (epochs, settings) = (12, UsualSettings::WithBatchNorm);
        let others = [
            LowerRate { rate: 0.1 },
            LowerRate { rate: 0.01 },
            RaiseRate { rate: 0.1 },
            UseUsualLossAlone,
            LowerDropout { probability: 0.2 },
            RemoveWeightDecay,
            UseUsualSettings { settings },
            UseUsualSettings { settings: UsualSettings::WithUsualLoss },
            EnlargeUsual { settings, epochs, rate: 0.01 },
            EnlargeUsual { settings, epochs, rate: 0.001 },
        ];
        check_distinct(changes().iter().chain(&others).map(AdvisedChange::instruction));
        check_distinct(changes().iter().map(AdvisedChange::reason));
    }
}
