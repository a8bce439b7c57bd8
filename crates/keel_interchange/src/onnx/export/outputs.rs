//! Outputs of the graph: labels with probabilities, or values in their original unit.

use keel_data::Schema;
use keel_nn::losses::LossSpec;
use keel_train::{Objective, Probabilities};

use super::builder::{Builder, integer};
use super::value_info;
use crate::InterchangeError;
use crate::onnx::schema::{ValueInfoProto, element};
use crate::onnx::{Data, Tensor};

/// Names and declarations of the outputs.
pub(super) struct Outputs {
    /// Name of the labels; `None` for values.
    pub(super) label: Option<String>,
    /// Name of the probabilities, scores or values.
    pub(super) numbers: String,
    /// Declared outputs.
    pub(super) infos: Vec<ValueInfoProto>,
}

/// Adds the nodes after the network's `outputs`, `[batch, members * width]`.
///
/// # Errors
/// Fails on a loss defined by a program.
pub(super) fn export(
    builder: &mut Builder,
    objective: &Objective,
    schema: &Schema,
    outputs: &str,
) -> Result<Outputs, InterchangeError> {
    builder.enter("outputs");
    if matches!(objective.loss_spec(), LossSpec::Custom(_)) {
        return Err(InterchangeError::Export {
            part: "train.loss".to_owned(),
            reason: "only the program that defines this loss knows the meaning of its outputs".to_owned(),
            next: "train with a loss that `evenkeel catalog` lists".to_owned(),
        });
    }
    let numbers = probabilities(builder, objective, outputs);
    if objective.class_names().is_empty() {
        values(builder, objective, schema, &numbers)
    } else {
        classes(builder, objective, &numbers)
    }
}

/// Returns the predictions of the network, `[batch, width]`: probabilities, or values on the network's scale.
fn probabilities(builder: &mut Builder, objective: &Objective, outputs: &str) -> String {
    let (members, width) = (objective.members(), objective.outputs());
    let outputs = match members {
        1 => outputs.to_owned(),
        _ => builder.reshape(outputs, &[0, members as i64, width as i64]),
    };
    let soft = |builder: &mut Builder, value: &str| builder.node("Softmax", &[value], vec![integer("axis", -1)]);
    let mean = |builder: &mut Builder, value: &str| {
        let sum = builder.reduce("ReduceSum", value, 1);
        let share = builder.number("share", 1.0 / members as f32);
        builder.node("Mul", &[&sum, &share], Vec::new())
    };
    // Members with cross-entropy are averaged by their probabilities, those with other losses by their outputs.
    match (objective.loss_spec(), members) {
        (LossSpec::CrossEntropy { .. }, 2..) => {
            let each = soft(builder, &outputs);
            mean(builder, &each)
        }
        (spec, _) => {
            let combined = if members > 1 { mean(builder, &outputs) } else { outputs };
            match spec {
                LossSpec::CrossEntropy { .. } | LossSpec::Hinge {} => soft(builder, &combined),
                LossSpec::Bce {} => builder.node("Sigmoid", &[&combined], Vec::new()),
                _ => combined,
            }
        }
    }
}

fn classes(builder: &mut Builder, objective: &Objective, numbers: &str) -> Result<Outputs, InterchangeError> {
    let names = builder.constant("class_names", Tensor::texts(objective.class_names()));
    let index = builder.node("ArgMax", &[numbers], vec![integer("axis", 1), integer("keepdims", 0)]);
    let label = builder.node("Gather", &[&names, &index], vec![integer("axis", 0)]);
    let (name, words) = match objective.probabilities() {
        Probabilities::OneClass => ("probabilities", "probability of each class; the sum is 1"),
        Probabilities::Independent => ("probabilities", "probability of each class by itself"),
        Probabilities::None => ("scores", "scores of the classes, which only rank them"),
    };
    let label_name = free_name(builder, "label");
    let numbers_name = free_name(builder, name);
    builder.output(&label, &label_name);
    builder.output(numbers, &numbers_name);
    let infos = vec![
        value_info(&label_name, element::STRING, &[], "the most probable class"),
        value_info(&numbers_name, element::FLOAT, &[objective.outputs()], words),
    ];
    Ok(Outputs { label: Some(label_name), numbers: numbers_name, infos })
}

/// Adds values in their original unit; in 64 bits if an origin is added that 32 bits cannot hold.
fn values(
    builder: &mut Builder,
    objective: &Objective,
    schema: &Schema,
    numbers: &str,
) -> Result<Outputs, InterchangeError> {
    let mut value = numbers.to_owned();
    if let scaling @ [_, ..] = objective.scaling() {
        let width = scaling.len();
        let std = builder.constant("std", Tensor::floats([width], scaling.iter().map(|scale| scale.std).collect()));
        let mean = builder.constant("mean", Tensor::floats([width], scaling.iter().map(|scale| scale.mean).collect()));
        value = builder.node("Mul", &[&value, &std], Vec::new());
        value = builder.node("Add", &[&value, &mean], Vec::new());
    }
    let origin = schema.target_origin();
    let kind = if origin == 0.0 { element::FLOAT } else { element::DOUBLE };
    if origin != 0.0 {
        let origin = builder.constant("origin", Tensor::new([], Data::Double(vec![origin])));
        value = builder.cast(&value, element::DOUBLE);
        value = builder.node("Add", &[&value, &origin], Vec::new());
    }
    let name = free_name(builder, "values");
    builder.output(&value, &name);
    let infos = vec![value_info(&name, kind, &[objective.outputs()], "one value for each target, in its own unit")];
    Ok(Outputs { label: None, numbers: name, infos })
}

/// Returns a name for an output that no column of the table has.
fn free_name(builder: &mut Builder, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    while !builder.reserve(&name) {
        name = format!("predicted_{name}");
    }
    name
}
