//! Evaluation of ONNX graphs with plain loops, to compare an export with its model and to fold constants of an import.
//! Real numbers are computed in 64 bits and rounded to the type of the tensor.
//!
//! Graphs come from untrusted files: every shape is checked before use, and no memory is allocated for a result of more
//! than `LARGEST` values.

mod arithmetic;
mod attributes;
mod categories;
mod elementwise;
mod norms;
mod products;
mod reductions;
mod shapes;
mod windows;

use std::collections::BTreeMap;

pub(crate) use attributes::Attributes;
pub use categories::WORD_PATTERN;
pub use elementwise::erf;
pub(crate) use windows::axes;

use crate::schema::{GraphProto, ModelProto, NodeProto};
use crate::{OnnxError, Tensor, check_subset};

/// Maximum number of values a tensor may have.
pub const LARGEST: usize = 1 << 28;

/// One node with its inputs.
pub(crate) struct Call<'a> {
    /// Attributes.
    pub(crate) attributes: Attributes<'a>,
    /// Version of the operator set.
    pub(crate) opset: i64,
    /// Input values; `None` for an omitted input.
    pub(crate) inputs: Vec<Option<&'a Tensor>>,
    /// Number of results used.
    pub(crate) outputs: usize,
}

impl<'a> Call<'a> {
    /// Returns input `place`, which must be present.
    pub(crate) fn input(&self, place: usize) -> Result<&'a Tensor, String> {
        self.optional(place).ok_or_else(|| format!("input {place} is missing"))
    }

    /// Returns input `place`, if present.
    pub(crate) fn optional(&self, place: usize) -> Option<&'a Tensor> {
        self.inputs.get(place).copied().flatten()
    }
}

/// A graph ready to be evaluated.
#[derive(Debug)]
pub struct Evaluator<'a> {
    file: String,
    graph: &'a GraphProto,
    opset: i64,
    constants: BTreeMap<&'a str, Tensor>,
    /// Index of the last node that reads a value.
    last_use: BTreeMap<&'a str, usize>,
}

impl<'a> Evaluator<'a> {
    /// Prepares `model`; `file` identifies it in messages.
    ///
    /// # Errors
    /// Fails if the model has no graph, unreadable constants, functions, or sparse or external values.
    pub fn new(model: &'a ModelProto, file: &str) -> Result<Self, OnnxError> {
        let (graph, opset) = check_subset(model, file)?;
        let mut constants = BTreeMap::new();
        for proto in &graph.initializer {
            let damaged = |reason| OnnxError::Damaged { file: file.to_owned(), reason };
            constants.insert(proto.name.as_str(), Tensor::of_proto(proto).map_err(damaged)?);
        }
        let reads = graph.node.iter().enumerate().flat_map(|(at, node)| node.input.iter().map(move |name| (name, at)));
        let mut last_use: BTreeMap<&str, usize> = reads.map(|(name, at)| (name.as_str(), at)).collect();
        last_use.extend(graph.output.iter().map(|output| (output.name.as_str(), usize::MAX)));
        Ok(Evaluator { file: file.to_owned(), graph, opset, constants, last_use })
    }

    /// Evaluates the graph on `inputs` and returns its outputs by name.
    ///
    /// # Errors
    /// Fails if an input is missing or a node cannot be evaluated.
    pub fn run(&self, inputs: BTreeMap<String, Tensor>) -> Result<BTreeMap<String, Tensor>, OnnxError> {
        let mut values: BTreeMap<&str, Tensor> = BTreeMap::new();
        for input in &self.graph.input {
            match inputs.get(&input.name) {
                Some(tensor) => {
                    values.insert(&input.name, tensor.clone());
                }
                None if self.constants.contains_key(input.name.as_str()) => {}
                None => return Err(self.incomplete(format!("input `{}` is not given", input.name))),
            }
        }
        for (place, node) in self.graph.node.iter().enumerate() {
            let wrong = |reason: String| node_error(&self.file, place, node, reason);
            let results = self.compute(node, &values).map_err(wrong)?;
            for (name, result) in node.output.iter().zip(results) {
                values.insert(name, result);
            }
            node.input.iter().filter(|name| self.last_use.get(name.as_str()) == Some(&place)).for_each(|name| {
                values.remove(name.as_str());
            });
        }
        let output = |name: &String| {
            let value = values.remove(name.as_str()).or_else(|| self.constants.get(name.as_str()).cloned());
            value.map(|value| (name.clone(), value))
        };
        let names = self.graph.output.iter().map(|output| &output.name);
        let outputs: Option<BTreeMap<String, Tensor>> = names.map(output).collect();
        outputs.ok_or_else(|| self.incomplete("no node produces an output of the graph".to_owned()))
    }

    fn compute(&self, node: &NodeProto, values: &BTreeMap<&str, Tensor>) -> Result<Vec<Tensor>, String> {
        let value = |name: &str| values.get(name).or_else(|| self.constants.get(name));
        let mut inputs = Vec::with_capacity(node.input.len());
        for name in &node.input {
            match (name.is_empty(), value(name)) {
                (true, _) => inputs.push(None),
                (false, Some(tensor)) => inputs.push(Some(tensor)),
                (false, None) => return Err(format!("no earlier node produces its input `{name}`")),
            }
        }
        compute(node, inputs, self.opset)
    }

    fn incomplete(&self, reason: String) -> OnnxError {
        let next = "give all inputs that the model declares".to_owned();
        OnnxError::Model { file: self.file.clone(), reason, next }
    }
}

/// Evaluates `node` on `inputs`.
///
/// # Errors
/// Returns a sentence if the operation is unknown or the inputs do not fit it.
pub(crate) fn compute(node: &NodeProto, inputs: Vec<Option<&Tensor>>, opset: i64) -> Result<Vec<Tensor>, String> {
    let outputs = node.output.iter().filter(|name| !name.is_empty()).count();
    let call = Call { attributes: Attributes(&node.attribute), opset, inputs, outputs };
    if call.outputs > 1 && !matches!(node.op_type.as_str(), "Dropout") {
        return Err("it has more than one output, but only the first is supported".to_owned());
    }
    let in_order: [fn(&str, &Call<'_>) -> Option<Result<Tensor, String>>; 8] = [
        elementwise::compute,
        arithmetic::compute,
        shapes::compute,
        products::compute,
        windows::compute,
        norms::compute,
        reductions::compute,
        categories::compute,
    ];
    let found = in_order.iter().find_map(|compute| compute(&node.op_type, &call));
    found.unwrap_or_else(|| Err("this operation is not supported".to_owned())).map(|tensor| vec![tensor])
}

/// Returns the error for one node.
pub(crate) fn node_error(file: &str, place: usize, node: &NodeProto, reason: String) -> OnnxError {
    OnnxError::Node {
        file: file.to_owned(),
        place,
        name: node.name.clone(),
        operation: node.op_type.clone(),
        reason,
        next: "only networks of the layers that `evenkeel catalog` lists can be read".to_owned(),
    }
}

/// Returns the number of values of `shape`.
///
/// # Errors
/// Fails if there are more than [`LARGEST`].
pub(crate) fn length_of(shape: &[usize]) -> Result<usize, String> {
    let length = shape.iter().try_fold(1usize, |length, &size| length.checked_mul(size));
    length.filter(|&length| length <= LARGEST).ok_or_else(|| format!("a result of {shape:?} is too large"))
}
