//! A graph with its parameters and state.

use std::sync::Arc;

use keel_kernels::Buffer;

use crate::graph::Graph;
use crate::random::RandomKey;

/// A network: graph, parameters and state.
#[derive(Clone, Debug)]
pub struct Network {
    /// Graph of the computation.
    pub graph: Arc<Graph>,
    /// All learned parameters, laid out as in [`Graph::parameters`].
    pub parameters: Buffer,
    /// All state, laid out as in [`Graph::state`].
    pub state: Buffer,
}

impl Network {
    /// Creates a network of `graph` with initialised parameters, from random streams of `key` named after each parameter.
    pub fn new(graph: impl Into<Arc<Graph>>, key: RandomKey) -> Self {
        let graph = graph.into();
        let mut parameters = Buffer::zeroed(graph.parameter_length());
        for parameter in graph.parameters() {
            let following = graph.node(parameter.node).followed_by;
            let init = parameter.spec.init.unwrap_or(crate::init::InitSpec::Auto).resolve(following);
            let values = &mut parameters[parameter.range.clone()];
            init.fill(values, &parameter.spec, following, key.named(&parameter.name));
        }
        let mut state = Buffer::zeroed(graph.state_length());
        for entry in graph.state() {
            state[entry.range.clone()].fill(entry.spec.initial);
        }
        Network { graph, parameters, state }
    }
}
