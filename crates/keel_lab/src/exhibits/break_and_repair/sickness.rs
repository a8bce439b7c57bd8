//! Faults of a network, the diagnoses a reader can choose, and the repairs a reader can make.

use keel_health::{Finding, Symptom};
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_page::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Block, Data, Norm, Preprocessing, Recipe, Start};

/// Learning rate of healthy networks, and rates that are far off.
const RATE: f64 = 0.05;
const LOW_RATE: f64 = 5e-6;
const HIGH_RATE: f64 = 5.0;
/// Number of hidden layers of the deep networks and of the others.
const DEEP: usize = 6;
const SHALLOW: usize = 2;
/// Number of units of a hidden layer, and of a widened one.
const WIDTH: usize = 32;
const WIDER: usize = 64;
/// Initial bias that keeps every unit below zero.
const LOW_BIAS: f64 = -8.0;

/// A fault that keeps a network from learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sickness {
    RateTooHigh,
    RateTooLow,
    SmallWeights,
    ConstantWeights,
    LowBias,
    RawInputs,
    DeepSigmoid,
    SortedSamples,
}

/// Diagnoses a reader can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Diagnosis {
    Open,
    RateTooHigh,
    RateTooLow,
    SignalFades,
    UnitsAlike,
    DeadUnits,
    InputsOffScale,
    ActivationUnfit,
    SamplesInOrder,
}

/// Changes of a single knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Repair {
    None,
    RateLow,
    RateMiddle,
    RateHigh,
    WeightsFitting,
    WeightsSmall,
    BiasZero,
    Relu,
    Tanh,
    Standardise,
    Shuffle,
    BatchNorm,
    FewerLayers,
    Wider,
}

impl Sickness {
    /// All faults.
    pub(super) const ALL: [Sickness; 8] = [
        Sickness::RateTooHigh,
        Sickness::RateTooLow,
        Sickness::SmallWeights,
        Sickness::ConstantWeights,
        Sickness::LowBias,
        Sickness::RawInputs,
        Sickness::DeepSigmoid,
        Sickness::SortedSamples,
    ];

    /// Returns the fault of a case, counted from 1: each seed deals all faults in its own order before one repeats.
    pub(super) fn dealt(case: usize, seed: u64) -> Sickness {
        let place = case.saturating_sub(1);
        let key = RandomKey::new(seed).named("cases").child((place / Self::ALL.len()) as u64);
        let mut order = Self::ALL;
        order.sort_by_key(|sickness| key.bits(*sickness as u64));
        order[place % Self::ALL.len()]
    }

    /// Returns the network without the fault.
    pub(super) fn healthy(self) -> Recipe {
        let (depth, activation) = match self {
            Sickness::SmallWeights | Sickness::DeepSigmoid => (DEEP, Activation::Tanh),
            _ => (SHALLOW, Activation::Relu),
        };
        Recipe {
            data: Data::Digits,
            noise: 0.0,
            preprocessing: Preprocessing::Standardised,
            block: Block::Linear,
            depth,
            width: WIDTH,
            activation,
            norm: Norm::None,
            start: Start::Auto,
            bias: 0.0,
            learning_rate: RATE,
            momentum: 0.9,
            batch: 32,
            shuffled: true,
        }
    }

    /// Returns the network with the fault.
    pub(super) fn recipe(self) -> Recipe {
        let healthy = self.healthy();
        match self {
            Sickness::RateTooHigh => Recipe { learning_rate: HIGH_RATE, ..healthy },
            Sickness::RateTooLow => Recipe { learning_rate: LOW_RATE, ..healthy },
            Sickness::SmallWeights => Recipe { start: Start::Small, ..healthy },
            Sickness::ConstantWeights => Recipe { start: Start::Constant, ..healthy },
            Sickness::LowBias => Recipe { bias: LOW_BIAS, ..healthy },
            Sickness::RawInputs => Recipe { preprocessing: Preprocessing::Raw, ..healthy },
            Sickness::DeepSigmoid => Recipe { activation: Activation::Sigmoid, ..healthy },
            Sickness::SortedSamples => Recipe { shuffled: false, ..healthy },
        }
    }

    /// Returns the diagnosis that names it.
    pub(super) fn diagnosis(self) -> Diagnosis {
        match self {
            Sickness::RateTooHigh => Diagnosis::RateTooHigh,
            Sickness::RateTooLow => Diagnosis::RateTooLow,
            Sickness::SmallWeights => Diagnosis::SignalFades,
            Sickness::ConstantWeights => Diagnosis::UnitsAlike,
            Sickness::LowBias => Diagnosis::DeadUnits,
            Sickness::RawInputs => Diagnosis::InputsOffScale,
            Sickness::DeepSigmoid => Diagnosis::ActivationUnfit,
            Sickness::SortedSamples => Diagnosis::SamplesInOrder,
        }
    }

    /// Returns the displayed name.
    pub(super) fn title(self) -> Text {
        match self {
            Sickness::RateTooHigh => Text::new("a learning rate of 5", "学习率为 5"),
            Sickness::RateTooLow => Text::new("a learning rate of 0.000005", "学习率为 0.000005"),
            Sickness::SmallWeights => Text::new(
                "weights of standard deviation 0.01 in a deep tanh network",
                "深层 tanh 网络的权重标准差为 0.01",
            ),
            Sickness::ConstantWeights => Text::new("all weights 0.1", "全部权重为 0.1"),
            Sickness::LowBias => {
                Text::new("hidden biases that start at −8 before relu", "ReLU 之前的隐藏层偏置从 −8 开始")
            }
            Sickness::RawInputs => Text::new("raw inputs from 0 to 255", "未处理的 0 到 255 输入"),
            Sickness::DeepSigmoid => Text::new("sigmoid in six hidden layers", "六个隐藏层全用 sigmoid"),
            Sickness::SortedSamples => Text::new("samples sorted by class, never shuffled", "样本按类别排序且从不打乱"),
        }
    }
}

impl Diagnosis {
    /// All diagnoses except for the open one, with their names in the knob.
    pub(super) const NAMED: [(Diagnosis, &'static str); 8] = [
        (Diagnosis::RateTooHigh, "rate_too_high"),
        (Diagnosis::RateTooLow, "rate_too_low"),
        (Diagnosis::SignalFades, "signal_fades"),
        (Diagnosis::UnitsAlike, "units_alike"),
        (Diagnosis::DeadUnits, "dead_units"),
        (Diagnosis::InputsOffScale, "inputs_off_scale"),
        (Diagnosis::ActivationUnfit, "activation_unfit"),
        (Diagnosis::SamplesInOrder, "samples_in_order"),
    ];

    /// Returns the displayed name.
    pub(super) fn title(self) -> Text {
        match self {
            Diagnosis::Open => Text::new("not named yet", "尚未给出"),
            Diagnosis::RateTooHigh => Text::new("the steps are too large", "步长过大"),
            Diagnosis::RateTooLow => Text::new("the steps are too small", "步长过小"),
            Diagnosis::SignalFades => Text::new("the signal fades on its way forward", "信号在前向传播中消失"),
            Diagnosis::UnitsAlike => Text::new("all units of a layer are alike", "同一层的单元完全相同"),
            Diagnosis::DeadUnits => Text::new("units are dead from the start", "单元从一开始就已死亡"),
            Diagnosis::InputsOffScale => Text::new("the inputs are off scale", "输入的尺度不对"),
            Diagnosis::ActivationUnfit => {
                Text::new("the activation does not suit the depth", "激活函数不适合这样的深度")
            }
            Diagnosis::SamplesInOrder => Text::new("the samples come sorted by class", "样本按类别顺序出现"),
        }
    }

    /// Returns the diagnosis matching a finding of the health rules, or `None` for one that only describes the outcome.
    pub(super) fn of(finding: &Finding) -> Option<Diagnosis> {
        let named = [
            (Symptom::Code("K001"), Diagnosis::RateTooHigh),
            (Symptom::Code("K012"), Diagnosis::RateTooHigh),
            (Symptom::High("K013"), Diagnosis::RateTooHigh),
            (Symptom::Low("K013"), Diagnosis::RateTooLow),
            (Symptom::Code("K005"), Diagnosis::SignalFades),
            (Symptom::Code("K006"), Diagnosis::UnitsAlike),
            (Symptom::Code("K010"), Diagnosis::DeadUnits),
            (Symptom::Code("K002"), Diagnosis::InputsOffScale),
            (Symptom::Code("K009"), Diagnosis::ActivationUnfit),
            (Symptom::Code("K011"), Diagnosis::ActivationUnfit),
            (Symptom::Code("K014"), Diagnosis::ActivationUnfit),
            (Symptom::Code("K031"), Diagnosis::SamplesInOrder),
        ];
        named.iter().find(|(symptom, _)| symptom.is_shown_by(finding)).map(|(_, diagnosis)| *diagnosis)
    }
}

impl Repair {
    /// All repairs that change something, with their names in the knob.
    pub(super) const NAMED: [(Repair, &'static str); 13] = [
        (Repair::RateLow, "rate_low"),
        (Repair::RateMiddle, "rate_middle"),
        (Repair::RateHigh, "rate_high"),
        (Repair::WeightsFitting, "weights_fitting"),
        (Repair::WeightsSmall, "weights_small"),
        (Repair::BiasZero, "bias_zero"),
        (Repair::Relu, "relu"),
        (Repair::Tanh, "tanh"),
        (Repair::Standardise, "standardise"),
        (Repair::Shuffle, "shuffle"),
        (Repair::BatchNorm, "batch_norm"),
        (Repair::FewerLayers, "fewer_layers"),
        (Repair::Wider, "wider"),
    ];

    /// Applies the repair to a network.
    pub(super) fn applied(self, recipe: Recipe) -> Recipe {
        match self {
            Repair::None => recipe,
            Repair::RateLow => Recipe { learning_rate: LOW_RATE, ..recipe },
            Repair::RateMiddle => Recipe { learning_rate: RATE, ..recipe },
            Repair::RateHigh => Recipe { learning_rate: HIGH_RATE, ..recipe },
            Repair::WeightsFitting => Recipe { start: Start::Auto, ..recipe },
            Repair::WeightsSmall => Recipe { start: Start::Small, ..recipe },
            Repair::BiasZero => Recipe { bias: 0.0, ..recipe },
            Repair::Relu => Recipe { activation: Activation::Relu, ..recipe },
            Repair::Tanh => Recipe { activation: Activation::Tanh, ..recipe },
            Repair::Standardise => Recipe { preprocessing: Preprocessing::Standardised, ..recipe },
            Repair::Shuffle => Recipe { shuffled: true, ..recipe },
            Repair::BatchNorm => Recipe { norm: Norm::Batch, ..recipe },
            Repair::FewerLayers => Recipe { depth: SHALLOW, ..recipe },
            Repair::Wider => Recipe { width: WIDER, ..recipe },
        }
    }

    /// Returns the displayed name.
    pub(super) fn title(self) -> Text {
        match self {
            Repair::None => Text::new("none yet", "尚未选择"),
            Repair::RateLow => Text::new("learning rate 0.000005", "学习率改为 0.000005"),
            Repair::RateMiddle => Text::new("learning rate 0.05", "学习率改为 0.05"),
            Repair::RateHigh => Text::new("learning rate 5", "学习率改为 5"),
            Repair::WeightsFitting => Text::new("weights that fit the activation", "按激活函数选取权重初始化"),
            Repair::WeightsSmall => Text::new("weights of standard deviation 0.01", "权重标准差改为 0.01"),
            Repair::BiasZero => Text::new("biases from 0", "偏置从 0 开始"),
            Repair::Relu => Text::new("relu in every hidden layer", "隐藏层全用 ReLU"),
            Repair::Tanh => Text::new("tanh in every hidden layer", "隐藏层全用 tanh"),
            Repair::Standardise => Text::new("standardised inputs", "标准化输入"),
            Repair::Shuffle => Text::new("samples shuffled in every epoch", "每轮打乱样本"),
            Repair::BatchNorm => Text::new("batch norm before every activation", "每个激活函数之前加批量归一化"),
            Repair::FewerLayers => Text::new("two hidden layers", "改为两个隐藏层"),
            Repair::Wider => Text::new("64 units in every hidden layer", "每个隐藏层 64 个单元"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_deals_every_sickness_once_before_one_comes_again() {
        for seed in [0, 1, 99] {
            for round in 0..2 {
                let mut dealt: Vec<Sickness> = (1..=8).map(|case| Sickness::dealt(8 * round + case, seed)).collect();
                dealt.sort_by_key(|sickness| *sickness as usize);
                assert_eq!(dealt, Sickness::ALL);
            }
        }
        let order = |seed| (1..=8).map(|case| Sickness::dealt(case, seed)).collect::<Vec<_>>();
        assert_ne!(order(0), order(1));
    }

    #[test]
    fn names_of_knobs_are_those_of_their_values() {
        for (diagnosis, name) in Diagnosis::NAMED {
            assert_eq!(serde_json::to_value(diagnosis).unwrap(), name);
        }
        for (repair, name) in Repair::NAMED {
            assert_eq!(serde_json::to_value(repair).unwrap(), name);
        }
        for sickness in Sickness::ALL {
            let one_change = |(repair, _): &(Repair, &str)| repair.applied(sickness.recipe()) == sickness.healthy();
            assert!(Repair::NAMED.iter().any(one_change), "{sickness:?}");
        }
    }
}
