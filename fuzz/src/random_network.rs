//! Small networks from the bytes of the fuzzer.

use keel_nn::layers::LayerSpec;
use keel_nn::{Graph, Shape};
use serde_json::{Value, json};

use crate::bytes::Bytes;

/// Functions between layers.
const FUNCTIONS: [&str; 13] = [
    "relu",
    "tanh",
    "gelu",
    "leaky_relu",
    "prelu",
    "sigmoid",
    "identity",
    "silu",
    "elu",
    "selu",
    "softplus",
    "mish",
    "hard_swish",
];

/// A network with what it is run on.
pub(crate) struct RandomNetwork {
    /// The layers without a loss.
    pub(crate) graph: Graph,
    /// The layers as text, for messages.
    pub(crate) text: String,
    /// Shape of a sample.
    pub(crate) shape: Shape,
    /// Samples of a batch.
    pub(crate) samples: usize,
    /// Seed of parameters and inputs.
    pub(crate) seed: u64,
    /// The loss is that of several members.
    pub(crate) ensemble: bool,
}

impl RandomNetwork {
    /// The network that `input` describes, with `outputs` values for a sample; none where its layers do not fit each other.
    pub(crate) fn of(input: &[u8], outputs: usize) -> Option<Self> {
        let mut bytes = Bytes::new(input);
        let [height, width, channels, samples, seed, flags] = [(); 6].map(|()| usize::from(bytes.byte()));
        let shape = match flags & 1 {
            0 => Shape::Image { height: 1 + height % 8, width: 1 + width % 8, channels: 1 + channels % 18 },
            _ => Shape::Features(1 + height % 40),
        };
        let mut layers = Vec::new();
        if matches!(shape, Shape::Image { .. }) {
            for _ in 0..bytes.byte() % 4 {
                image_layers(&mut bytes, &mut layers);
            }
            layers.push(json!({ "type": bytes.choice(&["flatten", "global_avg_pool"]) }));
        }
        for _ in 0..bytes.byte() % 3 {
            feature_layers(&mut bytes, &mut layers);
        }
        layers.push(json!({ "type": "linear", "bias": flags & 4 != 0 }));
        let text = format!("{} on {shape}", Value::Array(layers.clone()));
        let layers: Vec<LayerSpec> = serde_json::from_value(Value::Array(layers)).expect("layers of the catalog");
        let graph = Graph::build(shape, &layers, outputs).ok()?;
        let ensemble = flags & 2 != 0;
        Some(RandomNetwork { graph, text, shape, samples: 1 + samples % 3, seed: seed as u64, ensemble })
    }
}

fn convolution(bytes: &mut Bytes<'_>) -> Value {
    let (channels, flags) = (1 + bytes.byte() % 33, bytes.byte());
    let padding = match bytes.byte() % 3 {
        0 => json!("same"),
        1 => json!("valid"),
        _ => json!(1),
    };
    json!({
        "type": "conv2d", "out_channels": channels, "kernel": bytes.choice(&[3, 1, 5, 2, 4]), "stride": 1 + (flags & 1),
        "padding": padding, "bias": flags & 2 != 0, "dilation": if flags & 12 == 12 { 2 } else { 1 },
        "frozen": flags & 0x70 == 0x70,
    })
}

/// Layers that keep an image an image.
fn image_layers(bytes: &mut Bytes<'_>, layers: &mut Vec<Value>) {
    let activation = |bytes: &mut Bytes<'_>| json!({ "type": "activation", "function": bytes.choice(&FUNCTIONS) });
    match bytes.byte() % 8 {
        0..=3 => {
            layers.push(convolution(bytes));
            let flags = bytes.byte();
            layers.extend((flags & 1 != 0).then(|| json!({ "type": "batch_norm" })));
            layers.push(activation(bytes));
            layers.extend((flags & 2 != 0).then(|| json!({ "type": "max_pool", "padding": "same" })));
        }
        4..=5 => {
            let (channels, stride, flags) = (1 + bytes.byte() % 20, 1 + bytes.byte() % 2, bytes.byte());
            let mut body = vec![
                json!({ "type": "conv2d", "out_channels": channels, "stride": stride }),
                json!({ "type": "batch_norm" }),
                json!({ "type": "activation", "function": "relu" }),
                json!({ "type": "conv2d", "out_channels": channels, "bias": false }),
            ];
            body.extend((flags & 1 != 0).then(|| json!({ "type": "batch_norm" })));
            layers.push(json!({ "type": "residual", "body": body, "after": bytes.choice(&FUNCTIONS) }));
        }
        _ => {
            layers.push(plain_layer(bytes.choice(&["layer_norm", "instance_norm", "dropout", "avg_pool", "max_pool"])))
        }
    }
}

/// Layers of vectors.
fn feature_layers(bytes: &mut Bytes<'_>, layers: &mut Vec<Value>) {
    let (features, flags) = (1 + bytes.byte() % 40, bytes.byte());
    if flags & 3 == 3 {
        layers.push(json!({ "type": "maxout", "out_features": features, "pieces": 1 + (flags >> 2) % 4 }));
        return;
    }
    layers.push(json!({ "type": "linear", "out_features": features, "bias": flags & 4 != 0 }));
    layers.extend((flags & 8 != 0).then(|| json!({ "type": "batch_norm" })));
    layers.push(json!({ "type": "activation", "function": bytes.choice(&FUNCTIONS) }));
}

/// A layer by its name, with the settings it needs.
fn plain_layer(name: &str) -> Value {
    match name {
        "dropout" => json!({ "type": name, "probability": 0.3 }),
        "avg_pool" | "max_pool" => json!({ "type": name, "kernel": 3, "stride": 1, "padding": "same" }),
        name => json!({ "type": name }),
    }
}
