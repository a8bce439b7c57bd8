//! # What it measures
//! NaN and infinite values in the inputs, and at every step in outputs, loss, gradients and weights. The first
//! operation that produced one is named, in the order in which a step computes: forward through the graph, the loss,
//! backward through the graph, the weights. At the end of an epoch and of the run, samples of a split whose outputs are not
//! finite: they are left out of its metrics. Any such value is an error, at once, regardless of the outcome.
//!
//! # Why it matters
//! A NaN spreads to every weight within one step and never leaves. Everything measured afterwards is meaningless.
//!
//! # What to try
//! Look at the named operation and its operands. If the values grew over the last steps, lower the learning rate to a
//! tenth or clip the gradient norm at 1. If they appeared from nothing: a NaN in the data, a division by a standard
//! deviation of zero, a log of zero, an epsilon that is too small. A sample of the validation or test split without a
//! result contains a value far from all of the training split: correct it or drop the sample.
//!
//! # When it is fine
//! Never: after one such value a run learns nothing more.
//!
//! # Source
//! Karpathy, CS231n course notes, neural-networks-3: a NaN cost almost always means that the learning rate is too high.

use crate::case::{Case, Moment, Observation};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{EvaluationMeasurement, StepMeasurement};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::{Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K001";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "non-finite",
    chinese_name: "数值非有限",
    summary: "NaN or infinity, at the operation where it first appears",
    chinese_summary: "网络中出现 NaN 或无穷大",
    kinds: &[IN_FORWARD, IN_WEIGHTS, IN_LOSS, IN_BACKWARD, IN_DATA, IN_RESULTS],
    source: include_str!("non_finite.rs"),
    examine,
    roles: &[Role { symptom: Code(CODE), stage: Stage::Collapse, explains: &[] }],
    layer_statistics: &[],
    calibrations: &[],
};

/// The forward pass produces the value.
const IN_FORWARD: FindingKind = FindingKind {
    key: "forward",
    statistic: "non-finite values",
    chinese_statistic: "非有限值的个数",
    chinese_message: "前向传播中，该层的输出出现 NaN 或无穷大",
    chinese_cause: "该层的权重都是有限的：批次中含有这样的值，求和或平方时溢出，或者除以零、对零取了对数",
};

/// The weights of the layer are broken.
const IN_WEIGHTS: FindingKind = FindingKind {
    key: "weights",
    statistic: "non-finite values",
    chinese_statistic: "非有限值的个数",
    chinese_message: "该层的参数出现 NaN 或无穷大",
    chinese_cause: "参数的更新溢出",
};

/// The loss produces the value.
const IN_LOSS: FindingKind = FindingKind {
    key: "loss",
    statistic: "non-finite values",
    chinese_statistic: "非有限值的个数",
    chinese_message: "计算损失时出现 NaN 或无穷大",
    chinese_cause: "各层的输出都是有限的：损失函数对零取了对数，或者对过大的输出取了指数",
};

/// The backward pass produces the value.
const IN_BACKWARD: FindingKind = FindingKind {
    key: "backward",
    statistic: "non-finite values",
    chinese_statistic: "非有限值的个数",
    chinese_message: "反向传播中，梯度出现 NaN 或无穷大",
    chinese_cause: "前向传播的数值都是有限的：梯度溢出，或者求导时除以零",
};

/// The training split holds the value.
const IN_DATA: FindingKind = FindingKind {
    key: "data",
    statistic: "non-finite values",
    chinese_statistic: "非有限值的个数",
    chinese_message: "训练数据中含有 NaN 或无穷大",
    chinese_cause: "文件中本来就有这样的值，或者预处理时除以了等于零的标准差",
};

/// An evaluated split has samples without a result.
const IN_RESULTS: FindingKind = FindingKind {
    key: "results",
    statistic: "samples without a result",
    chinese_statistic: "没有结果的样本数",
    chinese_message: "有些样本的输出是 NaN 或无穷大，未计入指标",
    chinese_cause: "输入与训练集相差太远，网络中的数值溢出",
};

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match case.moment {
        Moment::Data => in_data(case),
        Moment::Step => case.step.map(|step| in_step(case, step)).unwrap_or_default(),
        Moment::Validation | Moment::Evaluation => in_splits(case).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Location where a NaN or an infinity first appeared in a step.
struct Origin {
    kind: &'static FindingKind,
    layer: Option<usize>,
    tensor: String,
    cause: String,
    count: u64,
}

fn in_data(case: &Case) -> Vec<Observation> {
    let Some(data) = case.data else { return Vec::new() };
    let hidden = data.features.iter().filter(|feature| !feature.mean.is_finite() || !feature.std.is_finite()).count();
    let inputs = data.non_finite.max(hidden as u64);
    let count = inputs + data.non_finite_targets;
    if count == 0 {
        return Vec::new();
    }
    let place = data.first_non_finite_sample.map(|sample| format!(", first in sample {sample}")).unwrap_or_default();
    let kind = if inputs > 0 { "inputs" } else { "targets" };
    let values = if count == 1 {
        format!("value of the training {kind} is")
    } else {
        format!("values of the training {kind} are")
    };
    let observation = Observation::new(&IN_DATA, Level::Error, None, count as f64, 0.0)
        .always()
        .message(format!("{count} {values} not finite (NaN or infinity; limit 0){place}"))
        .cause("the file holds such values, or preprocessing divided by a standard deviation of zero".to_string())
        .remedy(Remedy::CleanData);
    vec![observation]
}

fn in_splits(case: &Case) -> Option<Observation> {
    let affected = || case.evaluations.iter().filter(|split| split.non_finite > 0);
    let count: u64 = affected().map(|split| split.non_finite).sum();
    if count == 0 {
        return None;
    }
    let splits: Vec<String> = affected().map(split_words).collect();
    Some(
        Observation::new(&IN_RESULTS, Level::Error, None, count as f64, 0.0)
            .always()
            .message(format!("{}; the limit is 0, and they are left out of the metrics", splits.join("; ")))
            .cause(
                "an input is so far from those of the training split that values in the network overflowed".to_string(),
            )
            .remedy(Remedy::CleanData),
    )
}

fn split_words(split: &EvaluationMeasurement) -> String {
    let noun = if split.samples == 1 { "sample" } else { "samples" };
    let (count, all) = (split.non_finite, split.samples);
    let more = if count > split.first.len() as u64 { ", …" } else { "" };
    let first = if split.first.is_empty() { String::new() } else { format!(" ({}{more})", split.first.join("; ")) };
    format!("{count} of {all} {noun} of the {} split gave NaN or infinity{first}", split.split)
}

fn in_step(case: &Case, step: &StepMeasurement) -> Vec<Observation> {
    let origin = forward_origin(case, step).or_else(|| loss_origin(step)).or_else(|| backward_origin(step));
    let Some(origin) = origin.or_else(|| weight_origin(step)) else { return Vec::new() };
    let place = origin.layer.map(|layer| format!(" of {}", case.model.name(layer))).unwrap_or_default();
    let observation = Observation::new(origin.kind, Level::Error, origin.layer, origin.count.max(1) as f64, 0.0)
        .always()
        .message(format!(
            "at step {} the first NaN or infinity (limit 0) appeared in the {}{place}",
            step.step, origin.tensor
        ))
        .cause(origin.cause)
        .remedy(case.scale_learning_rate(0.1))
        .remedy(Remedy::ClipNorm { value: 1.0 })
        .remedy(Remedy::ReplayStep { step: step.step });
    vec![observation]
}

fn forward_origin(case: &Case, step: &StepMeasurement) -> Option<Origin> {
    let layer = step.layers.iter().find(|layer| layer.output_non_finite())?;
    let weights = layer.parameters.iter().find(|parameter| parameter.values_non_finite());
    let reads_input = case.model.layers.get(layer.layer).is_some_and(|description| description.inputs.is_empty());
    let cause = match weights {
        Some(parameter) => {
            format!("its {} is not finite: the update of the step before broke it", parameter.role.name())
        }
        None if reads_input => {
            "its weights are finite: the batch contains the value, or the sums of the layer overflowed".to_string()
        }
        None => "its inputs and weights are finite: its sums overflowed, or it divided by zero or took the log of zero"
            .to_string(),
    };
    let counted = layer.output.filter(|output| output.non_finite > 0);
    let kind = if weights.is_some() { &IN_WEIGHTS } else { &IN_FORWARD };
    let (tensor, cause) = match counted {
        None if weights.is_none() && layer.output.is_some_and(|output| output.mean.is_finite()) => {
            ("variance of the output", "its values are so large that their squares overflowed".to_string())
        }
        _ => ("output", cause),
    };
    let count = counted.map_or(0, |output| output.non_finite);
    Some(Origin { kind, layer: Some(layer.layer), tensor: tensor.to_string(), cause, count })
}

fn loss_origin(step: &StepMeasurement) -> Option<Origin> {
    (!step.loss.is_finite()).then(|| Origin {
        kind: &IN_LOSS,
        layer: None,
        tensor: "loss".to_string(),
        cause:
            "the outputs of all measured layers are finite: the loss took the log of zero, or the exp of outputs that are too large"
                .to_string(),
        count: 1,
    })
}

fn backward_origin(step: &StepMeasurement) -> Option<Origin> {
    for layer in step.layers.iter().rev() {
        let parameter = layer.parameters.iter().find(|parameter| parameter.gradient_non_finite());
        let tensor = match parameter {
            _ if layer.gradient_non_finite() => "gradient with respect to the output".to_string(),
            Some(parameter) => format!("gradient of the {}", parameter.role.name()),
            None => continue,
        };
        let cause = "the forward pass is finite: the gradient overflowed, or a derivative divided by zero".to_string();
        let count = layer.gradient.map_or(0, |gradient| gradient.non_finite);
        return Some(Origin { kind: &IN_BACKWARD, layer: Some(layer.layer), tensor, cause, count });
    }
    let overall = step.gradient_norm.is_some_and(|norm| !norm.is_finite());
    overall.then(|| Origin {
        kind: &IN_BACKWARD,
        layer: None,
        tensor: "gradient norm".to_string(),
        cause:
            "the gradients of all measured layers are finite: their squares overflowed, or another layer is at fault"
                .to_string(),
        count: 1,
    })
}

fn weight_origin(step: &StepMeasurement) -> Option<Origin> {
    step.layers.iter().find_map(|layer| {
        let parameter = layer.parameters.iter().find(|parameter| parameter.values_non_finite())?;
        Some(Origin {
            kind: &IN_WEIGHTS,
            layer: Some(layer.layer),
            tensor: parameter.role.name().to_string(),
            cause: "the gradients are finite, so the update itself overflowed".to_string(),
            count: parameter.non_finite,
        })
    })
}
