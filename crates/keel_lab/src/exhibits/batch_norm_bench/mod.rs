//! One layer with batch norm: its input, the normalised values, and the values after γ and β.

mod bench;
mod page;

use keel_page::Text;
use keel_page::charts::Scale;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::LabError;
use crate::exhibit::{Control, Exhibit, ExhibitEntry, Preset, View};
use crate::experiment::Chapter;
use bench::{Data, Numbers};

pub(crate) const ENTRY: ExhibitEntry = ExhibitEntry::of::<BatchNormBench>();

struct BatchNormBench;

impl Exhibit for BatchNormBench {
    const NAME: &'static str = "batch_norm_bench";
    const TITLE: [&'static str; 2] = ["Batch norm on the bench", "批量归一化试验台"];
    const SUMMARY: [&'static str; 2] = [
        "One layer's pre-activations before and after batch norm: give them any mean and deviation, move γ, β and ε, watch the \
         running statistics arrive, and fold the layer.",
        "一层的预激活值在批量归一化前后的样子：任意设定均值与标准差，调整 γ、β 与 ε，观察滑动平均统计量逐渐收敛，并把它折叠进前一层。",
    ];
    const CHAPTER: Chapter = Chapter::BatchNormalisation;
    const EXPERIMENT: &'static str = "batch_norm";

    type State = State;
    type Numbers = Numbers;
    type Memory = Data;

    fn compute(state: &State, seed: u64, memory: &mut Data) -> Result<Numbers, LabError> {
        let numbers = bench::measured(state, seed, memory.samples(state.source, seed)?)?;
        let what = "an output".to_owned();
        if numbers.is_finite() { Ok(numbers) } else { Err(LabError::NotFinite { experiment: Self::NAME, what }) }
    }

    fn view(state: &State, numbers: &Numbers) -> View {
        page::view(state, numbers)
    }

    fn controls() -> Vec<Control> {
        let slider = |knob, english: &str, chinese: &str, scale| Control::Slider {
            knob,
            label: Text::new(english, chinese),
            scale,
        };
        vec![
            Control::Presets { label: Text::new("Try", "试一试"), presets: presets() },
            Control::Choice {
                knob: "source",
                label: Text::new("Inputs of the layer", "这一层的输入"),
                words: vec![
                    ("normal", Text::new("normal draws", "正态随机数")),
                    ("digits", Text::new("embedded digits", "内置手写数字")),
                ],
            },
            slider("std", "Std of the pre-activations", "预激活值的标准差", Scale::Logarithmic),
            slider("mean", "Their mean", "预激活值的均值", Scale::Linear),
            slider("gamma", "γ", "γ", Scale::Linear),
            slider("beta", "β", "β", Scale::Linear),
            Control::Switch {
                knob: "recover", label: Text::new("γ = √(σ² + ε), β = μ", "γ = √(σ² + ε)，β = μ")
            },
            slider("batch", "Batch size", "批量大小", Scale::Logarithmic),
            slider("epsilon", "ε", "ε", Scale::Logarithmic),
            Control::Choice {
                knob: "mode",
                label: Text::new("Mode", "模式"),
                words: vec![
                    ("train", Text::new("training: own statistics", "训练：本批统计量")),
                    ("evaluate", Text::new("evaluation: running statistics", "推理：滑动平均统计量")),
                ],
            },
            Control::Play { knob: "batches", label: Text::new("Batches seen", "已统计的批数"), step: 1 },
            slider("batches", "Batches seen", "已统计的批数", Scale::Linear),
            slider("momentum", "Momentum: weight of the new batch", "动量：当前批的权重", Scale::Logarithmic),
            Control::Switch { knob: "fold", label: Text::new("Fold into the weights", "折叠进权重") },
            Control::Drag { figure: 2, x: None, y: Some("beta") },
            Control::Drag { figure: 3, x: Some("std"), y: None },
            Control::Drag { figure: 4, x: Some("batches"), y: None },
        ]
    }

    fn draft(state: &State) -> Option<State> {
        let batches = state.batches.min(DRAFT_SAMPLES / state.batch.max(1));
        (batches < state.batches).then(|| State { batches, ..state.clone() })
    }
}

/// Number of samples from which a draft gathers running statistics.
const DRAFT_SAMPLES: usize = 8192;

fn presets() -> Vec<Preset> {
    let preset = |english: &str, chinese: &str, settings: &[(&'static str, Value)]| Preset {
        label: Text::new(english, chinese),
        settings: settings.to_vec(),
    };
    let plain = |mean: f64, std: f64| -> Vec<(&'static str, Value)> {
        vec![
            ("mean", mean.into()),
            ("std", std.into()),
            ("gamma", 1.0.into()),
            ("beta", 0.0.into()),
            ("epsilon", 1e-5.into()),
            ("recover", false.into()),
            ("fold", false.into()),
            ("mode", "train".into()),
        ]
    };
    let with = |base: Vec<(&'static str, Value)>, more: Vec<(&'static str, Value)>| -> Vec<(&'static str, Value)> {
        base.into_iter().filter(|(knob, _)| more.iter().all(|(other, _)| other != knob)).chain(more.clone()).collect()
    };
    vec![
        preset("Weights too small", "权重过小", &plain(0.0, 0.05)),
        preset("Too large, off centre", "权重过大且偏离零点", &plain(15.0, 30.0)),
        preset("So small that ε wins", "小到被 ε 淹没", &plain(0.0, 1e-3)),
        preset(
            "The same with a smaller ε",
            "同样的权重，更小的 ε",
            &with(plain(0.0, 1e-3), vec![("epsilon", 1e-10.into())]),
        ),
        preset(
            "γ = 2, β = 12",
            "γ = 2，β = 12",
            &with(plain(1.0, 0.1), vec![("gamma", 2.0.into()), ("beta", 12.0.into())]),
        ),
        preset("Identity again", "恢复恒等映射", &with(plain(3.0, 2.0), vec![("recover", true.into())])),
        preset(
            "Evaluated too early",
            "过早推理",
            &with(
                plain(15.0, 30.0),
                vec![("mode", "evaluate".into()), ("batches", 5.into()), ("momentum", 0.1.into())],
            ),
        ),
        preset(
            "Evaluated and folded",
            "推理并折叠",
            &with(
                plain(3.0, 2.0),
                vec![
                    ("mode", "evaluate".into()),
                    ("batches", 100.into()),
                    ("momentum", 0.1.into()),
                    ("fold", true.into()),
                ],
            ),
        ),
    ]
}

/// Inputs of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Source {
    Normal,
    Digits,
}

/// Statistics that batch norm uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum BenchMode {
    Train,
    Evaluate,
}

/// Knobs of the exhibit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct State {
    /// Inputs of the layer: standard normal draws, or the embedded digits, standardised.
    #[schemars(extend("zh" = "这一层的输入：标准正态随机数，或标准化后的内置手写数字。"))]
    source: Source,
    /// Mean of the pre-activations: the bias of the layer.
    #[schemars(extend("zh" = "预激活值的均值，即这一层的偏置。"))]
    #[schemars(range(min = -20.0, max = 20.0))]
    mean: f64,
    /// Standard deviation of the pre-activations for inputs of unit variance: √64 times that of a weight.
    #[schemars(extend("zh" = "输入方差为 1 时预激活值的标准差，即权重标准差的 √64 倍。"))]
    #[schemars(range(min = 0.000001, max = 100.0))]
    std: f64,
    /// Scale after the normalisation.
    #[schemars(extend("zh" = "归一化之后的缩放 γ。"))]
    #[schemars(range(min = -5.0, max = 5.0))]
    gamma: f64,
    /// Shift after the normalisation.
    #[schemars(extend("zh" = "归一化之后的平移 β。"))]
    #[schemars(range(min = -20.0, max = 20.0))]
    beta: f64,
    /// Sets γ of each unit to the deviation that it is divided by and β to the mean that is subtracted.
    #[schemars(extend("zh" = "令每个单元的 γ 等于所除的标准差、β 等于所减的均值。"))]
    recover: bool,
    /// Number of samples per batch.
    #[schemars(extend("zh" = "一批的样本数。"))]
    #[schemars(range(min = 2, max = 256))]
    batch: usize,
    /// Value ε added to the variance before the square root.
    #[schemars(extend("zh" = "开方之前加到方差上的 ε。"))]
    #[schemars(range(min = 0.000000000001, max = 0.1))]
    epsilon: f64,
    /// Statistics in use: those of the batch in training, the running ones in evaluation.
    #[schemars(extend("zh" = "所用的统计量：训练时为本批统计量，推理时为滑动平均统计量。"))]
    mode: BenchMode,
    /// Training batches from which the running statistics are gathered.
    #[schemars(extend("zh" = "滑动平均统计量已统计的训练批次数。"))]
    #[schemars(range(min = 0, max = 100))]
    batches: usize,
    /// Weight of a new batch in the running statistics.
    #[schemars(extend("zh" = "当前批在滑动平均统计量中的权重。"))]
    #[schemars(range(min = 0.01, max = 1.0))]
    momentum: f64,
    /// Folds batch norm with its running statistics into the layer before it, and compares the outputs.
    #[schemars(extend("zh" = "用滑动平均统计量把批量归一化折叠进前一层，并比较输出。"))]
    fold: bool,
}

impl Default for State {
    fn default() -> Self {
        State {
            source: Source::Normal,
            mean: 1.0,
            std: 0.1,
            gamma: 1.0,
            beta: 0.0,
            recover: false,
            batch: 64,
            epsilon: 1e-5,
            mode: BenchMode::Train,
            batches: 20,
            momentum: 0.1,
            fold: false,
        }
    }
}

#[cfg(test)]
mod tests;
