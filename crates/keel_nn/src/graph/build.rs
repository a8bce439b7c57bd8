//! From a list of layers to a graph.

use std::collections::BTreeMap;

use super::{Graph, GraphError, Node, Parameter, StateEntry, Value};
use crate::Shape;
use crate::activations::Activation;
use crate::layer::Layer;
use crate::layers::sizes;
use crate::layers::{
    Add, BatchNormSpec, BuildError, Conv2dSpec, FlattenSpec, LayerSpec, LinearSpec, ResidualSpec, Shortcut,
};

pub(super) fn build(input: Shape, layers: &[LayerSpec], outputs: usize) -> Result<Graph, GraphError> {
    if layers.is_empty() {
        return Err(GraphError::Empty);
    }
    let graph = Graph {
        input,
        nodes: Vec::new(),
        parameters: Vec::new(),
        state: Vec::new(),
        inferred: Vec::new(),
        places: BTreeMap::new(),
    };
    let mut builder = Builder { graph, counts: BTreeMap::new() };
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

struct Builder {
    graph: Graph,
    counts: BTreeMap<&'static str, usize>,
}

impl Builder {
    /// Adds what a config entry stands for and returns its output.
    fn add_spec(&mut self, spec: &LayerSpec, input: Value, place: &str) -> Result<Value, GraphError> {
        if let LayerSpec::Residual(residual) = spec {
            return self.add_residual(residual, input, place);
        }
        let mut input = input;
        if matches!(spec, LayerSpec::Linear(_) | LayerSpec::Maxout(_))
            && let Shape::Image { .. } = self.graph.shape(input)
        {
            let shape = self.graph.shape(input);
            self.graph.inferred.push(format!(
                "flatten put before layer {place} ({}): {shape} -> {}",
                spec.name(),
                shape.len()
            ));
            input = self.add_built(&LayerSpec::Flatten(FlattenSpec::default()), input, place)?;
        }
        let value = self.add_built(spec, input, place)?;
        if let Value::Node(node) = value {
            self.graph.places.insert(self.graph.nodes[node].name.clone(), place.to_owned());
        }
        Ok(value)
    }

    fn add_built(&mut self, spec: &LayerSpec, input: Value, place: &str) -> Result<Value, GraphError> {
        let checked = |layer: Box<dyn Layer>| -> Result<Box<dyn Layer>, BuildError> {
            sizes::check_layer(layer.as_ref())?;
            layer.parameters().iter().filter_map(|parameter| parameter.init).try_for_each(|init| init.validate())?;
            Ok(layer)
        };
        let built = sizes::check_spec(spec).and_then(|()| spec.build(self.graph.shape(input)));
        match built.and_then(checked) {
            Ok(layer) => Ok(self.push(layer, vec![input])),
            Err(source) => Err(self.layer_error(spec.name(), place, source)),
        }
    }

    fn layer_error(&self, kind: &'static str, place: &str, source: BuildError) -> GraphError {
        let number = self.counts.get(kind).copied().unwrap_or(0) + 1;
        GraphError::Layer { place: place.to_owned(), name: format!("{kind}_{number}"), source: Box::new(source) }
    }

    /// Body, shortcut, sum, activation. The shortcut runs first, so that the body's last layers stand next to the sum.
    fn add_residual(&mut self, residual: &ResidualSpec, input: Value, place: &str) -> Result<Value, GraphError> {
        let shape = self.graph.shape(input);
        let target = body_shape(self, residual, shape, place)?;
        let projects = match residual.shortcut {
            Shortcut::Identity => false,
            Shortcut::Projection => true,
            Shortcut::Auto => target != shape,
        };
        let shortcut = if projects { self.add_projection(input, target, place)? } else { input };
        let mut value = input;
        for (index, layer) in residual.body.iter().enumerate() {
            value = self.add_spec(layer, value, &format!("{place}.body.{index}"))?;
        }
        let (body, shortcut_shape) = (self.graph.shape(value), self.graph.shape(shortcut));
        if body != shortcut_shape {
            let place = place.to_owned();
            return Err(GraphError::Residual { place, input: shape, body, shortcut: shortcut_shape });
        }
        value = self.push(Box::new(Add::new(body)), vec![value, shortcut]);
        if residual.after != Activation::Identity {
            value = self.add_built(&LayerSpec::Activation(residual.after), value, place)?;
        }
        Ok(value)
    }

    /// A 1x1 convolution (or linear layer) with batch norm from the input's shape to `target`.
    fn add_projection(&mut self, input: Value, target: Shape, place: &str) -> Result<Value, GraphError> {
        let layer = match (self.graph.shape(input), target) {
            (Shape::Image { height, width, .. }, Shape::Image { height: to_height, width: to_width, channels }) => {
                let stride = [height.div_ceil(to_height), width.div_ceil(to_width)];
                let mut projection = Conv2dSpec::new(channels, 1);
                (projection.stride, projection.bias) = (stride.into(), false);
                LayerSpec::Conv2d(projection)
            }
            (_, target) => {
                let mut projection = LinearSpec::new(target.len());
                projection.bias = false;
                LayerSpec::Linear(projection)
            }
        };
        let place = format!("{place}.shortcut");
        let value = self.add_spec(&layer, input, &place)?;
        self.add_built(&LayerSpec::BatchNorm(BatchNormSpec::default()), value, &place)
    }

    fn push(&mut self, layer: Box<dyn Layer>, inputs: Vec<Value>) -> Value {
        let count = self.counts.entry(layer.kind()).or_default();
        *count += 1;
        let name = format!("{}_{count}", layer.kind());
        let node = self.graph.nodes.len();
        let (mut parameters, mut state) = (self.graph.parameter_length(), self.graph.state_length());
        let (first_parameter, first_state) = (parameters, state);
        for spec in layer.parameters() {
            let range = parameters..parameters + spec.len();
            parameters = range.end;
            let (name, frozen) = (format!("{name}.{}", spec.name), layer.frozen());
            self.graph.parameters.push(Parameter { name, node, spec, frozen, range });
        }
        for spec in layer.state() {
            let range = state..state + spec.len;
            state = range.end;
            self.graph.state.push(StateEntry { name: format!("{name}.{}", spec.name), node, spec, range });
        }
        let (parameters, state) = (first_parameter..parameters, first_state..state);
        let random_word = node as u64;
        let fused_by = Vec::new();
        self.graph.nodes.push(Node {
            name,
            layer,
            inputs,
            parameters,
            state,
            random_word,
            followed_by: None,
            fused_by,
        });
        Value::Node(node)
    }
}

/// The shape a residual body ends in, found by building it aside.
fn body_shape(builder: &Builder, residual: &ResidualSpec, shape: Shape, place: &str) -> Result<Shape, GraphError> {
    let graph = Graph {
        input: shape,
        nodes: vec![],
        parameters: vec![],
        state: vec![],
        inferred: vec![],
        places: BTreeMap::new(),
    };
    let mut trial = Builder { graph, counts: builder.counts.clone() };
    let mut value = Value::Input;
    for (index, layer) in residual.body.iter().enumerate() {
        value = trial.add_spec(layer, value, &format!("{place}.body.{index}"))?;
    }
    Ok(trial.graph.shape(value))
}

/// For each node, the first activation downstream before another layer with weights; a sum passes it on.
fn find_following_activations(graph: &mut Graph) {
    let mut following: Vec<Option<Activation>> = vec![None; graph.nodes.len()];
    for node in (0..graph.nodes.len()).rev() {
        let consumer = graph.nodes.iter().position(|other| other.inputs.contains(&Value::Node(node)));
        let Some(consumer) = consumer else { continue };
        let next = &graph.nodes[consumer];
        following[node] = match next.layer.activation() {
            Some(activation) => Some(activation),
            None if matches!(next.layer.kind(), "conv2d" | "linear" | "maxout") => None,
            None => following[consumer],
        };
    }
    for (node, activation) in graph.nodes.iter_mut().zip(following) {
        node.followed_by = activation;
    }
}
