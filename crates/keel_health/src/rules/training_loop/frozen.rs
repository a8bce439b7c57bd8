//! # What it measures
//! Parameters whose gradient and update were exactly zero at every step of a window: a warning, or a note if the layer
//! was frozen on purpose. A layer whose output is the same for every element of a window: a warning. Either is a note
//! if the network learns its task nevertheless. From the description: a bias right before batch normalisation, and
//! input features or targets that never change: notes.
//!
//! # Why it matters
//! Parameters that do not change cost memory and time and usually mean that the graph is not the intended one: a
//! detached branch, a dead layer, a forgotten freeze. A bias before batch normalisation is subtracted again
//! immediately.
//!
//! # What to try
//! Remove the layer, unfreeze it, or repair the graph. Disable the bias before batch normalisation.
//!
//! # When it is fine
//! Layers frozen for fine-tuning, a zero scale at the end of a residual branch (its inner layers get a gradient after the
//! first step), constant border pixels of an image.
//!
//! # Source
//! Ioffe and Szegedy (2015), section 3.2, for the bias; the rest is ours.

use crate::case::{Case, Moment, Observation};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{LayerKind, LayerStatistic, ParameterRole};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, Low};
use crate::rules::{loss_trend, stopped_early, tiny_batch, update_ratio};

/// Code of the rule.
pub const CODE: &str = "K016";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "frozen",
    chinese_name: "参数不更新",
    summary: "parameters without effect: frozen, redundant or constant",
    chinese_summary: "不起作用的参数：被冻结、多余，或输入恒定",
    kinds: &[IDLE, ON_PURPOSE, REDUNDANT_BIAS, CONSTANT_FEATURES, CONSTANT_TARGETS, CONSTANT_OUTPUT],
    source: include_str!("frozen.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Layers,
        explains: &[Explanation {
            consequences: &[
                Low(update_ratio::CODE),
                Code(tiny_batch::CODE),
                Code(loss_trend::CODE),
                Code(stopped_early::CODE),
            ],
            lies: Anywhere,
        }],
    }],
    layer_statistics: &[LayerStatistic::UpdateRatio(ParameterRole::Weight)],
    calibrations: &[],
};

/// A parameter gets no gradient.
const IDLE: FindingKind = FindingKind {
    key: "idle",
    statistic: "share of steps without gradient",
    chinese_statistic: "没有梯度的步所占比例",
    chinese_message: "该层有参数没有收到梯度，也没有变化",
    chinese_cause: "参数被冻结，或者没有梯度传到它",
};

/// The layer is frozen by its config.
const ON_PURPOSE: FindingKind = FindingKind {
    key: "frozen-on-purpose",
    statistic: "share of steps without gradient",
    chinese_statistic: "没有梯度的步所占比例",
    chinese_message: "该层有参数没有收到梯度，也没有变化",
    chinese_cause: "该层是有意冻结的",
};

/// Batch normalisation removes the bias.
const REDUNDANT_BIAS: FindingKind = FindingKind {
    key: "redundant-bias",
    statistic: "biases without effect",
    chinese_statistic: "不起作用的偏置数",
    chinese_message: "该层的偏置不起作用，会被随后的批量归一化减去",
    chinese_cause: "批量归一化会减去每个通道的均值",
};

/// Input features never change.
const CONSTANT_FEATURES: FindingKind = FindingKind {
    key: "constant-features",
    statistic: "features that never change",
    chinese_statistic: "恒定不变的特征数",
    chinese_message: "有些输入特征从不变化",
    chinese_cause: "这些特征在训练集中只有一个取值",
};

/// Targets never change.
const CONSTANT_TARGETS: FindingKind = FindingKind {
    key: "constant-targets",
    statistic: "targets that never change",
    chinese_statistic: "恒定不变的目标数",
    chinese_message: "有些目标从不变化",
    chinese_cause: "这些目标在训练集中只有一个取值",
};

/// The output is the same for every sample.
const CONSTANT_OUTPUT: FindingKind = FindingKind {
    key: "constant-output",
    statistic: "standard deviation of the output",
    chinese_statistic: "输出的标准差",
    chinese_message: "该层的输出对所有样本都相同",
    chinese_cause: "权重为零，或者输入恒定不变",
};

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match case.moment {
        Moment::Model => redundant_biases(case),
        Moment::Data => constant_features(case).or_else(|| constant_targets(case)).into_iter().collect(),
        Moment::Window => (0..case.model.layers.len()).filter_map(|index| idle(case, index)).collect(),
        _ => Vec::new(),
    }
}

fn redundant_biases(case: &Case) -> Vec<Observation> {
    let biased = case.model.weight_layers().filter(|&index| case.model.layers[index].bias);
    let redundant = biased.filter_map(|index| {
        let norm = case.model.norm_after(index)?;
        (case.model.layers[norm].kind == LayerKind::BatchNorm).then_some((index, norm))
    });
    redundant
        .map(|(index, norm)| {
            let (name, config_key) = (case.model.name(index), case.config_key(index));
            Observation::new(&REDUNDANT_BIAS, Level::Info, Some(index), 1.0, 0.0)
                .message(format!("the bias of {name} has no effect: {} subtracts it again", case.model.name(norm)))
                .cause("batch normalisation removes the mean of every channel")
                .remedy(Remedy::RemoveBias { layer: name, config_key })
        })
        .collect()
}

fn constant_features(case: &Case) -> Option<Observation> {
    let data = case.data?;
    let features = &data.features;
    let constant: Vec<usize> = (0..features.len()).filter(|&index| features[index].std == 0.0).collect();
    let first = data.feature_words(*constant.first()?);
    Some(
        Observation::new(&CONSTANT_FEATURES, Level::Info, None, constant.len() as f64, 0.0)
            .message(format!(
                "{} of {} input features never {} (limit 0); the first is {first}",
                constant.len(),
                features.len(),
                if constant.len() == 1 { "changes" } else { "change" }
            ))
            .cause("the training split holds a single value for each of them"),
    )
}

fn constant_targets(case: &Case) -> Option<Observation> {
    let constant = &case.data?.constant_targets;
    let first = constant.first()?;
    let verb = if constant.len() == 1 { "target never changes" } else { "targets never change" };
    Some(
        Observation::new(&CONSTANT_TARGETS, Level::Info, None, constant.len() as f64, 0.0)
            .message(format!("{} {verb} (limit 0); the first is `{first}`", constant.len()))
            .cause("the training split holds a single value for each of them, so that there is nothing to learn about them"),
    )
}

fn idle(case: &Case, index: usize) -> Option<Observation> {
    let window = case.layer_window(index)?;
    let name = case.model.name(index);
    let frozen = case.model.layers[index].frozen;
    if let Some(parameter) = window.parameters.iter().find(|parameter| parameter.is_idle()) {
        let (kind, level, cause) = if frozen {
            (&ON_PURPOSE, Level::Info, "the layer was frozen on purpose")
        } else {
            (&IDLE, Level::Warn, "the parameter is frozen, or no gradient reaches it")
        };
        let steps = match case.window()?.steps {
            1 => "a step".to_string(),
            steps => format!("{steps} steps in a row"),
        };
        return Some(
            Observation::new(kind, level, Some(index), 1.0, 1.0)
                .message(format!(
                    "the {} of {name} received no gradient and did not change in {steps}",
                    parameter.role.name()
                ))
                .cause(cause)
                .remedy(Remedy::Unfreeze { layer: name }),
        );
    }
    let kind = case.model.layers[index].kind;
    let informative = kind.has_weight_matrix() || kind == LayerKind::Activation;
    let constant = informative && window.output.std().is_some_and(|std| std == 0.0);
    constant.then(|| {
        Observation::new(&CONSTANT_OUTPUT, Level::Warn, Some(index), 0.0, 0.0)
            .message(format!("the output of {name} is the same for every sample: its standard deviation is 0"))
            .cause("its weights are zero, or its inputs are constant")
            .remedy(case.matching_init(index))
    })
}
