//! Construction of the nodes and constants of a graph.

use std::collections::BTreeSet;

use crate::onnx::schema::{AttributeProto, NodeProto, TensorProto, attribute_kind};
use crate::onnx::{Data, Tensor};

/// Domain of operations on texts and categories.
pub(crate) const MACHINE_LEARNING: &str = "ai.onnx.ml";

/// A graph under construction. Values are referenced by name.
#[derive(Debug)]
pub(super) struct Builder {
    /// Version of the operator set.
    pub(super) opset: i64,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) constants: Vec<(String, Tensor)>,
    names: BTreeSet<String>,
    scope: String,
}

impl Builder {
    pub(super) fn new(opset: i64) -> Self {
        Builder { opset, nodes: Vec::new(), constants: Vec::new(), names: BTreeSet::new(), scope: String::new() }
    }

    /// Sets the prefix of all names created from now on.
    pub(super) fn enter(&mut self, scope: &str) {
        self.scope = scope.to_owned();
    }

    /// Reserves a name for an external value, such as an input; returns false if it is taken.
    pub(super) fn reserve(&mut self, name: &str) -> bool {
        self.names.insert(name.to_owned())
    }

    /// Returns an unused name with the current prefix.
    fn fresh(&mut self, wanted: &str) -> String {
        let base = if self.scope.is_empty() { wanted.to_owned() } else { format!("{}/{wanted}", self.scope) };
        let mut name = base.clone();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{base}_{number}");
        }
        name
    }

    /// Adds a constant; returns its name.
    pub(super) fn constant(&mut self, wanted: &str, tensor: Tensor) -> String {
        let name = self.fresh(wanted);
        self.constants.push((name.clone(), tensor));
        name
    }

    /// Adds a constant 32-bit float without dimensions.
    pub(super) fn number(&mut self, wanted: &str, value: f32) -> String {
        self.constant(wanted, Tensor::floats([], vec![value]))
    }

    /// Adds a node with one output; returns the name of the output.
    pub(super) fn node(&mut self, operation: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        self.node_of(operation, "", inputs, attributes)
    }

    /// Adds a node of an operation in `domain`, like [`Builder::node`].
    pub(super) fn node_of(
        &mut self,
        operation: &str,
        domain: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let name = self.fresh(operation);
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operation.to_owned(),
            attribute: attributes,
            domain: domain.to_owned(),
        });
        name
    }

    /// Makes the value `from` the graph output `to`.
    pub(super) fn output(&mut self, from: &str, to: &str) {
        self.nodes.push(NodeProto {
            input: vec![from.to_owned()],
            output: vec![to.to_owned()],
            name: format!("output/{to}"),
            op_type: "Identity".to_owned(),
            ..NodeProto::default()
        });
    }

    /// Adds a cast of `value` to element type `to`.
    pub(super) fn cast(&mut self, value: &str, to: i32) -> String {
        self.node("Cast", &[value], vec![integer("to", i64::from(to))])
    }

    /// Adds a transposition of `value`.
    pub(super) fn transpose(&mut self, value: &str, order: &[i64]) -> String {
        self.node("Transpose", &[value], vec![integers("perm", order)])
    }

    /// Adds a reshape of `value`; 0 keeps a dimension, -1 infers it.
    pub(super) fn reshape(&mut self, value: &str, shape: &[i64]) -> String {
        let shape = self.constant("shape", Tensor::integers(shape.to_vec()));
        self.node("Reshape", &[value, &shape], Vec::new())
    }

    /// Adds `ReduceMax` or another reduction over `axis`, which is removed. Axes are an attribute before version 18
    /// (for `ReduceSum`, before version 13) and an input from then on.
    pub(super) fn reduce(&mut self, operation: &str, value: &str, axis: i64) -> String {
        let keep = integer("keepdims", 0);
        if operation != "ReduceSum" && self.opset < 18 {
            return self.node(operation, &[value], vec![integers("axes", &[axis]), keep]);
        }
        let axes = self.constant("axes", Tensor::integers(vec![axis]));
        self.node(operation, &[value, &axes], vec![keep])
    }

    /// Returns the constants in file form. With `half`, large tensors of 32-bit floats are stored as 16-bit floats,
    /// each with a cast back to 32 bits that precedes all other nodes.
    pub(super) fn initializers(&mut self, half: bool) -> Vec<TensorProto> {
        let constants = std::mem::take(&mut self.constants);
        let mut widened = Vec::new();
        let mut protos = Vec::new();
        for (name, tensor) in constants {
            match &tensor.data {
                Data::Float(values) if half && values.len() >= LEAST_HALVED => {
                    let stored = format!("{name}/float16");
                    protos.push(halved(&stored, &tensor.shape, values));
                    widened.push(NodeProto {
                        input: vec![stored],
                        output: vec![name.clone()],
                        name: format!("{name}/widened"),
                        op_type: "Cast".to_owned(),
                        attribute: vec![integer("to", i64::from(crate::onnx::schema::element::FLOAT))],
                        ..NodeProto::default()
                    });
                }
                _ => protos.push(tensor.to_proto(&name)),
            }
        }
        widened.append(&mut self.nodes);
        self.nodes = widened;
        protos
    }
}

/// Minimum number of floats of a tensor stored in 16 bits: below it, the cast node takes more space than is saved.
const LEAST_HALVED: usize = 64;

fn halved(name: &str, shape: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|&dim| dim as i64).collect(),
        data_type: Some(crate::onnx::schema::element::FLOAT16),
        name: name.to_owned(),
        raw_data: Some(values.iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes()).collect()),
        ..TensorProto::default()
    }
}

/// Returns an integer attribute.
pub(super) fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: Some(value),
        kind: Some(attribute_kind::INT),
        ..AttributeProto::default()
    }
}

/// Returns an attribute of several integers.
pub(super) fn integers(name: &str, values: &[i64]) -> AttributeProto {
    let (name, ints, kind) = (name.to_owned(), values.to_vec(), Some(attribute_kind::INTS));
    AttributeProto { name, ints, kind, ..AttributeProto::default() }
}

/// Returns a float attribute.
pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        f: Some(value),
        kind: Some(attribute_kind::FLOAT),
        ..AttributeProto::default()
    }
}

/// Returns an attribute of several texts.
pub(super) fn strings(name: &str, values: &[String]) -> AttributeProto {
    let strings = values.iter().map(|text| text.as_bytes().to_vec()).collect();
    AttributeProto { name: name.to_owned(), strings, kind: Some(attribute_kind::STRINGS), ..AttributeProto::default() }
}

/// Returns an attribute of several floats.
pub(super) fn floats(name: &str, values: &[f32]) -> AttributeProto {
    let (name, floats, kind) = (name.to_owned(), values.to_vec(), Some(attribute_kind::FLOATS));
    AttributeProto { name, floats, kind, ..AttributeProto::default() }
}

/// Returns a text attribute.
pub(super) fn string(name: &str, text: &str) -> AttributeProto {
    let (name, s, kind) = (name.to_owned(), Some(text.as_bytes().to_vec()), Some(attribute_kind::STRING));
    AttributeProto { name, s, kind, ..AttributeProto::default() }
}
