//! Names of the tensors of a network in both programs.

use keel_nn::graph::Node;
use keel_nn::model::{ModelConfig, Preset};
use keel_nn::{Graph, Op};

use super::layout::Layout;
use super::pair::Pair;

/// Returns all tensors of the network of a torchvision preset, in graph order.
pub(super) fn pairs(graph: &Graph, preset: Preset) -> Vec<Pair> {
    let parts = ModelConfig { preset, ..ModelConfig::default() }.parts();
    let mut counts = Counts::default();
    let mut pairs = Vec::new();
    for node in graph.nodes() {
        let stage = (1..=4).find_map(|stage| {
            let part = parts.iter().find(|part| part.name == format!("stage{stage}"))?;
            part.entries.contains(&node.entry).then(|| format!("layer{stage}.{}.", node.entry - part.entries.start))
        });
        let Some(module) = counts.module(node, stage) else { continue };
        for parameter in graph.parameters_of(node.id) {
            let field = parameter.spec.name;
            let theirs = match field {
                "scale" => "weight",
                "shift" => "bias",
                other => other,
            };
            let layout = match (&node.op, field) {
                (Op::Conv2d(_), "weight") => Layout::Convolution,
                (Op::Linear(_), "weight") => Layout::Linear,
                _ => Layout::Same,
            };
            let shape = parameter.spec.shape.clone();
            pairs.push(Pair { theirs: format!("{module}.{theirs}"), ours: parameter.name.clone(), shape, layout });
        }
        for entry in graph.state().iter().filter(|entry| entry.node == node.id) {
            let (theirs, layout, shape) = match entry.spec.name {
                "running_variance" => ("running_var", Layout::Same, vec![entry.range.len()]),
                "updates" => ("num_batches_tracked", Layout::FromCounter, vec![1]),
                other => (other, Layout::Same, vec![entry.range.len()]),
            };
            pairs.push(Pair { theirs: format!("{module}.{theirs}"), ours: entry.name.clone(), shape, layout });
        }
    }
    pairs
}

/// Counters of the convolutions and norms of a block.
#[derive(Default)]
struct Counts {
    entry: Option<usize>,
    convolutions: usize,
    norms: usize,
}

impl Counts {
    /// Returns the torchvision module of a node, or `None` for a node without tensors. `stage` is the name of its block.
    fn module(&mut self, node: &Node, stage: Option<String>) -> Option<String> {
        // The two entries of the stem share one counter.
        if stage.is_some() && self.entry != Some(node.entry) {
            *self = Counts { entry: Some(node.entry), ..Counts::default() };
        }
        let block = stage.unwrap_or_default();
        let is_projection = !node.place.is_written;
        match &node.op {
            Op::Conv2d(_) if is_projection => Some(format!("{block}downsample.0")),
            Op::BatchNorm(_) if is_projection => Some(format!("{block}downsample.1")),
            Op::Conv2d(_) => {
                self.convolutions += 1;
                Some(format!("{block}conv{}", self.convolutions))
            }
            Op::BatchNorm(_) => {
                self.norms += 1;
                Some(format!("{block}bn{}", self.norms))
            }
            Op::Linear(_) => Some("fc".to_owned()),
            _ => None,
        }
    }
}
