//! Joins nodes whose work is faster done as one.

use super::{Graph, Node, Value};

/// Joins every layer that offers it ([`crate::Layer::with_activation`]) with the activation that alone reads it.
pub(super) fn fuse(mut graph: Graph) -> Graph {
    let mut index = 0;
    while index + 1 < graph.nodes.len() {
        if let Some(joined) = joined(&graph, index) {
            replace_pair(&mut graph, index, joined);
        }
        index += 1;
    }
    graph
}

/// The node that does the work of `index` and of the activation after it, if they can be joined.
fn joined(graph: &Graph, index: usize) -> Option<Node> {
    let (first, second) = (&graph.nodes[index], &graph.nodes[index + 1]);
    let readers = graph.nodes.iter().filter(|node| node.inputs.contains(&Value::Node(index))).count();
    if second.inputs != [Value::Node(index)] || readers != 1 || second.layer.kind() != "activation" {
        return None;
    }
    let layer = first.layer.with_activation(second.layer.activation()?)?;
    Some(Node {
        name: format!("{} + {}", first.name, second.name),
        layer,
        inputs: first.inputs.clone(),
        parameters: first.parameters.clone(),
        state: first.state.clone(),
        random_word: first.random_word,
        followed_by: first.followed_by,
    })
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
