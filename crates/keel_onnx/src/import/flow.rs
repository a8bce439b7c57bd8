//! The part of a graph that depends on its input: constants folded beforehand, and the readers of each value.

use std::collections::{BTreeMap, BTreeSet};

use crate::OnnxError;
use crate::evaluate::{Attributes, compute, node_error};
use crate::schema::{GraphProto, ModelProto, NodeProto};
use crate::{Tensor, check_subset};

/// Maximum number of nodes a network may have.
const MOST_NODES: usize = 100_000;

/// The part of a graph between the values `input` and `output`.
#[derive(Debug)]
pub(super) struct Flow<'a> {
    pub(super) file: String,
    pub(super) opset: i64,
    pub(super) nodes: &'a [NodeProto],
    constants: BTreeMap<&'a str, Tensor>,
    /// Indices of the nodes that read a value and lead to the output.
    readers: BTreeMap<&'a str, Vec<usize>>,
    pub(super) input: String,
    pub(super) output: String,
}

impl<'a> Flow<'a> {
    /// Traces the data flow through `model`.
    ///
    /// # Errors
    /// Fails if constants cannot be read, or if a value in between has no producer.
    pub(super) fn new(model: &'a ModelProto, file: &str, input: &str, output: &str) -> Result<Self, OnnxError> {
        let (graph, opset) = check_subset(model, file)?;
        if graph.node.len() > MOST_NODES {
            return Err(refused(file, format!("it has {} nodes", graph.node.len()), "give a smaller network"));
        }
        check_order(graph, file)?;
        let constants = constants(graph, file, opset)?;
        let mut flow = Flow {
            file: file.to_owned(),
            opset,
            nodes: &graph.node,
            constants,
            readers: BTreeMap::new(),
            input: input.to_owned(),
            output: output.to_owned(),
        };
        flow.find_readers()?;
        Ok(flow)
    }

    /// Returns the constant called `name`.
    pub(super) fn constant(&self, name: &str) -> Option<&Tensor> {
        self.constants.get(name)
    }

    /// Returns the constant that `node` reads as input `place`.
    pub(super) fn constant_of(&self, node: &NodeProto, place: usize) -> Option<&Tensor> {
        node.input.get(place).and_then(|name| self.constant(name))
    }

    /// Returns the indices of the nodes that read `value`.
    pub(super) fn readers(&self, value: &str) -> &[usize] {
        self.readers.get(value).map_or(&[], Vec::as_slice)
    }

    /// Returns the only node that reads `value`; `None` if `value` is the output.
    pub(super) fn reader(&self, value: &str) -> Option<(usize, &'a NodeProto)> {
        match self.readers(value) {
            &[place] if value != self.output => Some((place, &self.nodes[place])),
            _ => None,
        }
    }

    /// Returns the attributes of a node.
    pub(super) fn attributes(&self, place: usize) -> Attributes<'a> {
        Attributes(&self.nodes[place].attribute)
    }

    /// Returns an error about node `place`.
    pub(super) fn error(&self, place: usize, reason: impl Into<String>) -> OnnxError {
        node_error(&self.file, place, &self.nodes[place], reason.into())
    }

    /// Records the readers of every value that leads to the output.
    fn find_readers(&mut self) -> Result<(), OnnxError> {
        let givers: BTreeMap<&str, usize> = self
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(at, node)| node.output.iter().map(move |o| (o.as_str(), at)))
            .collect();
        let nodes = self.nodes;
        let mut wanted = vec![self.output.clone()];
        let mut seen = vec![false; nodes.len()];
        while let Some(value) = wanted.pop() {
            if value == self.input || self.constants.contains_key(value.as_str()) {
                continue;
            }
            let Some(&place) = givers.get(value.as_str()) else {
                let reason =
                    format!("its output depends on `{value}`, which is neither `{}` nor a constant", self.input);
                return Err(refused(&self.file, reason, "give a model with one input"));
            };
            if std::mem::replace(&mut seen[place], true) {
                continue;
            }
            for name in nodes[place].input.iter().filter(|name| !name.is_empty()) {
                if !self.constants.contains_key(name.as_str()) {
                    let readers = self.readers.entry(name.as_str()).or_default();
                    if !readers.contains(&place) {
                        readers.push(place);
                    }
                    wanted.push(name.clone());
                }
            }
        }
        self.readers.values_mut().for_each(|readers| readers.sort_unstable());
        Ok(())
    }
}

/// Checks that every node reads existing values and produces new ones, so that there are no cycles.
fn check_order(graph: &GraphProto, file: &str) -> Result<(), OnnxError> {
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    let mut there: BTreeSet<&str> = inputs.chain(graph.initializer.iter().map(|tensor| tensor.name.as_str())).collect();
    for (place, node) in graph.node.iter().enumerate() {
        if let Some(name) = node.input.iter().find(|name| !name.is_empty() && !there.contains(name.as_str())) {
            return Err(node_error(file, place, node, format!("no earlier node produces its input `{name}`")));
        }
        if let Some(name) = node.output.iter().find(|name| !name.is_empty() && !there.insert(name)) {
            return Err(node_error(file, place, node, format!("its output `{name}` already exists")));
        }
    }
    Ok(())
}

/// Returns initialisers, and the results of nodes that depend on nothing else.
fn constants<'a>(graph: &'a GraphProto, file: &str, opset: i64) -> Result<BTreeMap<&'a str, Tensor>, OnnxError> {
    let mut constants = BTreeMap::new();
    for proto in &graph.initializer {
        let damaged = |reason| OnnxError::Damaged { file: file.to_owned(), reason };
        constants.insert(proto.name.as_str(), Tensor::of_proto(proto).map_err(damaged)?);
    }
    // The total size of folded constants is bounded, so that a chain of small nodes cannot grow without limit.
    let mut computed = 0usize;
    for (place, node) in graph.node.iter().enumerate() {
        let inputs: Vec<Option<&Tensor>> = node.input.iter().map(|name| constants.get(name.as_str())).collect();
        let is_constant = node.input.iter().zip(&inputs).all(|(name, value)| name.is_empty() || value.is_some());
        let [output, ..] = node.output.as_slice() else { continue };
        if !is_constant || node.input.is_empty() && node.op_type != "Constant" {
            continue;
        }
        let results = compute(node, inputs, opset).map_err(|reason| node_error(file, place, node, reason))?;
        for result in results {
            computed = computed.saturating_add(result.data.len());
            if computed > crate::evaluate::LARGEST {
                let reason = "its constants grow too large".to_owned();
                return Err(node_error(file, place, node, reason));
            }
            constants.insert(output.as_str(), result);
        }
    }
    Ok(constants)
}

/// Returns an error about the model as a whole.
pub(super) fn refused(file: &str, reason: impl Into<String>, next: &str) -> OnnxError {
    OnnxError::Model { file: file.to_owned(), reason: reason.into(), next: next.to_owned() }
}
