//! Joins nodes whose work is faster done as one.

use super::{Fusion, FusionPasses, Graph, Node, Value};
use crate::layer::Layer;
use crate::layers::{ConvolutionBlock, NormBlock, Part};

/// Fewest positions of an image whose statistics are worth taking one image at a time.
const MINIMUM_POSITIONS: usize = 16;

/// Runs the passes in their order.
pub(super) fn fuse(mut graph: Graph, passes: FusionPasses) -> Graph {
    for pass in passes.iter() {
        if pass == Fusion::FoldNorm {
            fold(&mut graph);
            continue;
        }
        let mut index = 0;
        while index + 1 < graph.nodes.len() {
            if let Some(joined) = joined(&graph, index, pass) {
                replace_pair(&mut graph, index, joined);
            }
            index += 1;
        }
    }
    graph
}

fn fold(graph: &mut Graph) {
    for node in &mut graph.nodes {
        if let Part::ConvolutionBlock(block) = node.layer.part() {
            node.layer = Box::new(block.clone().folded());
            node.fused_by.push(Fusion::FoldNorm);
        }
    }
}

/// The node that does the work of `index` and of the node after it, if the pass joins them: the second reads the first,
/// which nobody else does.
fn joined(graph: &Graph, index: usize, pass: Fusion) -> Option<Node> {
    let (first, second) = (&graph.nodes[index], &graph.nodes[index + 1]);
    let readers = graph.nodes.iter().filter(|node| node.inputs.contains(&Value::Node(index))).count();
    let others = second.inputs.get(1..)?;
    if second.inputs.first() != Some(&Value::Node(index)) || others.contains(&Value::Node(index)) || readers != 1 {
        return None;
    }
    let layer = joined_layer(first.layer.as_ref(), second.layer.as_ref(), pass)?;
    let mut fused_by = first.fused_by.clone();
    fused_by.extend(&second.fused_by);
    fused_by.push(pass);
    Some(Node {
        name: format!("{} + {}", first.name, second.name),
        layer,
        inputs: first.inputs.iter().chain(others).copied().collect(),
        parameters: first.parameters.start..first.parameters.end.max(second.parameters.end),
        state: first.state.start..first.state.end.max(second.state.end),
        random_word: first.random_word,
        followed_by: first.followed_by,
        fused_by,
    })
}

/// One layer that does the work of two, if the pass knows one.
fn joined_layer(first: &dyn Layer, second: &dyn Layer, pass: Fusion) -> Option<Box<dyn Layer>> {
    let norm = |layer: &dyn Layer| match layer.part() {
        Part::Norm(norm) => Some(NormBlock::new(norm.clone())),
        Part::NormBlock(block) => Some(block.clone()),
        _ => None,
    };
    let block = match (pass, second.part()) {
        (Fusion::NormActivation, Part::Activation(activation)) => {
            norm(first).filter(|block| !block.adds()).and_then(|block| block.with_activation(activation))
        }
        (Fusion::NormSum, Part::Sum(_)) => norm(first).and_then(|block| block.with_sum()),
        (Fusion::SumActivation, Part::Activation(activation)) => {
            norm(first).filter(NormBlock::adds).and_then(|block| block.with_activation(activation))
        }
        (Fusion::NormPooling, Part::MaxPool(pool)) => norm(first).and_then(|block| block.with_pooling(pool.windows())),
        (Fusion::ConvolutionNorm, _) => {
            let Part::Convolution(convolution) = first.part() else { return None };
            let enough = convolution.output_shape().positions() >= MINIMUM_POSITIONS;
            let block = norm(second).filter(|_| enough)?;
            return Some(Box::new(ConvolutionBlock::new(convolution.clone(), block)));
        }
        _ => None,
    };
    block.map(|block| Box::new(block) as Box<dyn Layer>)
}

/// Puts `node` in the place of nodes `index` and `index + 1`.
fn replace_pair(graph: &mut Graph, index: usize, node: Node) {
    graph.nodes[index] = node;
    graph.nodes.remove(index + 1);
    let earlier = |node: usize| if node > index { node - 1 } else { node };
    for node in &mut graph.nodes[index + 1..] {
        for input in &mut node.inputs {
            if let Value::Node(from) = input {
                *from = earlier(*from);
            }
        }
    }
    graph.parameters.iter_mut().for_each(|parameter| parameter.node = earlier(parameter.node));
    graph.state.iter_mut().for_each(|entry| entry.node = earlier(entry.node));
}
