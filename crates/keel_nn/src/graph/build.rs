//! Builds a graph from a list of layers.

use std::collections::BTreeMap;

use super::{Graph, GraphError, Node, NodeId, Op, Parameter, Place, StateEntry, Value};
use crate::Shape;
use crate::activations::Activation;
use crate::layers::sizes;
use crate::layers::{
    Add, BatchNormSpec, BuildError, Conv2dSpec, FlattenSpec, LayerSpec, LinearSpec, ResidualSpec, Shortcut,
};

pub(super) fn build(input: Shape, layers: &[LayerSpec], outputs: usize) -> Result<Graph, GraphError> {
    if layers.is_empty() {
        return Err(GraphError::Empty);
    }
    let mut builder = Builder { graph: empty(input), counts: BTreeMap::new(), entry: 0 };
    let last_linear = layers.iter().rposition(|layer| matches!(layer, LayerSpec::Linear(_)));
    let mut value = Value::Input;
    for (index, layer) in layers.iter().enumerate() {
        let mut layer = layer.clone();
        if let LayerSpec::Linear(linear) = &mut layer
            && linear.out_features.is_none()
            && Some(index) == last_linear
        {
            linear.out_features = Some(outputs);
        }
        builder.entry = index;
        value = builder.add_spec(&layer, value, &index.to_string())?;
    }
    let mut graph = builder.graph;
    let actual = graph.shape(value).len();
    if actual != outputs {
        return Err(GraphError::Outputs { actual, expected: outputs });
    }
    find_following_activations(&mut graph);
    Ok(graph)
}

fn empty(input: Shape) -> Graph {
    Graph { input, nodes: Vec::new(), parameters: Vec::new(), state: Vec::new(), inferred: Vec::new(), loss: None }
}

struct Builder {
    graph: Graph,
    counts: BTreeMap<&'static str, usize>,
    /// Index of the entry of the list that is being added.
    entry: usize,
}

impl Builder {
    /// Adds the nodes of a config entry and returns its output.
    fn add_spec(&mut self, spec: &LayerSpec, input: Value, place: &str) -> Result<Value, GraphError> {
        if let LayerSpec::Residual(residual) = spec {
            return self.add_residual(residual, input, place);
        }
        let input = self.flattened_for(spec, input, place)?;
        self.add_built(spec, input, Place { path: place.to_owned(), is_written: true })
    }

    /// Returns the input of `spec`, flattened if it is an image and the layer needs features.
    fn flattened_for(&mut self, spec: &LayerSpec, input: Value, place: &str) -> Result<Value, GraphError> {
        let shape = self.graph.shape(input);
        let wants_features = matches!(spec, LayerSpec::Linear(_) | LayerSpec::Maxout(_));
        if !wants_features || !matches!(shape, Shape::Image { .. }) {
            return Ok(input);
        }
        let (name, length) = (spec.name(), shape.len());
        self.graph.inferred.push(format!("added a flatten before layer {place} ({name}): {shape} -> {length}"));
        self.add_inferred(&LayerSpec::Flatten(FlattenSpec::default()), input, place)
    }

    /// Adds the nodes that the entry at `place` implies without listing them.
    fn add_inferred(&mut self, spec: &LayerSpec, input: Value, place: &str) -> Result<Value, GraphError> {
        self.add_built(spec, input, Place { path: place.to_owned(), is_written: false })
    }

    fn add_built(&mut self, spec: &LayerSpec, input: Value, place: Place) -> Result<Value, GraphError> {
        let checked = |op: Op| -> Result<Op, BuildError> {
            sizes::check_layer(op.layer())?;
            op.parameters().iter().filter_map(|parameter| parameter.init).try_for_each(|init| init.validate())?;
            Ok(op)
        };
        let built = sizes::check_spec(spec).and_then(|()| spec.build(self.graph.shape(input)));
        match built.and_then(checked) {
            Ok(op) => Ok(self.push(op, vec![input], place)),
            Err(source) => Err(self.layer_error(spec.name(), &place.path, source)),
        }
    }

    fn layer_error(&self, kind: &'static str, place: &str, source: BuildError) -> GraphError {
        let number = self.counts.get(kind).copied().unwrap_or(0) + 1;
        GraphError::Layer { place: place.to_owned(), name: format!("{kind}_{number}"), source: Box::new(source) }
    }

    /// Adds body, shortcut, sum and activation. The shortcut runs first, so that the last layers of the body directly precede the sum.
    fn add_residual(&mut self, residual: &ResidualSpec, input: Value, place: &str) -> Result<Value, GraphError> {
        let shape = self.graph.shape(input);
        let target = body_shape(self, residual, shape, place)?;
        let projects = match residual.shortcut {
            Shortcut::Identity => false,
            Shortcut::Projection => true,
            Shortcut::Auto => target != shape,
        };
        let shortcut = if projects { self.add_projection(residual, input, target, place)? } else { input };
        let mut value = input;
        for (index, layer) in residual.body.iter().enumerate() {
            value = self.add_spec(layer, value, &format!("{place}.body.{index}"))?;
        }
        let (body, shortcut_shape) = (self.graph.shape(value), self.graph.shape(shortcut));
        if body != shortcut_shape {
            let place = place.to_owned();
            return Err(GraphError::Residual { place, input: shape, body, shortcut: shortcut_shape });
        }
        let sum = Place { path: place.to_owned(), is_written: false };
        value = self.push(Op::Add(Add::new(body)), vec![value, shortcut], sum);
        if residual.after != Activation::Identity {
            value = self.add_inferred(&LayerSpec::Activation(residual.after), value, place)?;
        }
        Ok(value)
    }

    /// Adds a residual body without shortcuts, recursively: the shape of a block is that of its body's output, and nested blocks
    /// are built once, whereas determining the shortcut of each would double the work at every level.
    fn add_bodies(&mut self, residual: &ResidualSpec, input: Value, place: &str) -> Result<Value, GraphError> {
        let mut value = input;
        for (index, layer) in residual.body.iter().enumerate() {
            let place = format!("{place}.body.{index}");
            value = match layer {
                LayerSpec::Residual(inner) => self.add_bodies(inner, value, &place)?,
                other => self.add_spec(other, value, &place)?,
            };
        }
        Ok(value)
    }

    /// Adds a 1x1 convolution (or linear layer) with batch norm from the input's shape to `target`.
    fn add_projection(
        &mut self,
        residual: &ResidualSpec,
        input: Value,
        target: Shape,
        place: &str,
    ) -> Result<Value, GraphError> {
        let init = residual.shortcut_init;
        let layer = match (self.graph.shape(input), target) {
            (Shape::Image { height, width, .. }, Shape::Image { height: to_height, width: to_width, channels }) => {
                let stride = [height.div_ceil(to_height), width.div_ceil(to_width)];
                let mut projection = Conv2dSpec::new(channels, 1);
                (projection.stride, projection.bias, projection.init) = (stride.into(), false, init);
                LayerSpec::Conv2d(projection)
            }
            (_, target) => {
                let mut projection = LinearSpec::new(target.len());
                (projection.bias, projection.init) = (false, init);
                LayerSpec::Linear(projection)
            }
        };
        let input = self.flattened_for(&layer, input, place)?;
        let value = self.add_inferred(&layer, input, place)?;
        self.add_inferred(&LayerSpec::BatchNorm(BatchNormSpec::default()), value, place)
    }

    fn push(&mut self, op: Op, inputs: Vec<Value>, place: Place) -> Value {
        let count = self.counts.entry(op.kind()).or_default();
        *count += 1;
        let name = format!("{}_{count}", op.kind());
        let id = NodeId(self.graph.nodes.len());
        let (mut parameters, mut state) = (self.graph.parameter_length(), self.graph.state_length());
        let (first_parameter, first_state) = (parameters, state);
        for spec in op.parameters() {
            let range = parameters..parameters + spec.len();
            parameters = range.end;
            let (name, trained) = (format!("{name}.{}", spec.name), op.trained(spec.role));
            self.graph.parameters.push(Parameter { name, node: id, spec, trained, learning_rate_factor: 1.0, range });
        }
        for spec in op.state() {
            let range = state..state + spec.len;
            state = range.end;
            self.graph.state.push(StateEntry { name: format!("{name}.{}", spec.name), node: id, spec, range });
        }
        let (parameters, state) = (first_parameter..parameters, first_state..state);
        let entry = self.entry;
        self.graph.nodes.push(Node { id, name, op, inputs, place, entry, parameters, state, followed_by: None });
        Value::Node(id)
    }
}

/// Returns the output shape of a residual body, found by building it separately.
fn body_shape(builder: &Builder, residual: &ResidualSpec, shape: Shape, place: &str) -> Result<Shape, GraphError> {
    let mut trial = Builder { graph: empty(shape), counts: builder.counts.clone(), entry: builder.entry };
    let value = trial.add_bodies(residual, Value::Input, place)?;
    Ok(trial.graph.shape(value))
}

/// Stores in each node the first activation downstream, before another layer with weights; the search passes through sums.
fn find_following_activations(graph: &mut Graph) {
    let mut following: Vec<Option<Activation>> = vec![None; graph.nodes.len()];
    for node in graph.nodes.iter().rev() {
        let Some(next) = graph.readers(node.id).next() else { continue };
        following[node.id.index()] = match next.op.activation() {
            Some(activation) => Some(activation),
            None if next.op.has_weight_matrix() => None,
            None => following[next.id.index()],
        };
    }
    for (node, activation) in graph.nodes.iter_mut().zip(following) {
        node.followed_by = activation;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_inside_blocks_cost_no_more_than_their_layers() {
        let widen = || LayerSpec::Linear(LinearSpec::new(3));
        let deep = (0..40).fold(widen(), |inner, _| LayerSpec::Residual(ResidualSpec::new(vec![inner])));
        let last = LayerSpec::Linear(LinearSpec::new(2));
        let graph = Graph::build(Shape::Features(5), &[deep, last], 2).unwrap();
        // Every block projects its input of 5 features to the 3 features of its body.
        let linear = graph.nodes().iter().filter(|node| node.op.kind() == "linear").count();
        assert_eq!(linear, 40 + 2);
    }
}
