//! Random whole graphs: programs of the CPU, with and without fusion, against the reference.

use keel_nn::layers::LayerSpec;
use keel_nn::{Graph, Network, RandomKey, Shape};
use keel_testkit::deterministic_values;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::reference::comparison::{
    Answers, Case, OUTPUTS, agrees_with_reference, by_reference, every_level, is_well_conditioned, with_loss,
};

/// Layers from an image to an image.
fn image_layer() -> impl Strategy<Value = Vec<Value>> {
    let function = prop::sample::select(vec!["relu", "tanh", "gelu", "leaky_relu", "prelu", "sigmoid", "identity"]);
    let convolution = (1..20_usize, prop::sample::select(vec![1, 3, 5]), 1..3_usize, any::<bool>(), any::<bool>())
        .prop_map(|(channels, kernel, stride, bias, frozen)| {
            json!({ "type": "conv2d", "out_channels": channels, "kernel": kernel, "stride": stride, "bias": bias,
                        "frozen": frozen })
        });
    let block = (convolution.clone(), function.clone(), any::<bool>(), any::<bool>()).prop_map(
        |(convolution, function, norm, pool)| {
            let mut layers = vec![convolution];
            layers.extend(norm.then(|| json!({ "type": "batch_norm" })));
            layers.push(json!({ "type": "activation", "function": function }));
            layers.extend(pool.then(|| json!({ "type": "max_pool", "padding": "same" })));
            layers
        },
    );
    let residual = (1..12_usize, 1..3_usize, function, any::<bool>()).prop_map(|(channels, stride, after, norm)| {
        let mut body = vec![
            json!({ "type": "conv2d", "out_channels": channels, "stride": stride }),
            json!({ "type": "batch_norm" }),
            json!({ "type": "activation", "function": "relu" }),
            json!({ "type": "conv2d", "out_channels": channels, "bias": false }),
        ];
        body.extend(norm.then(|| json!({ "type": "batch_norm" })));
        vec![json!({ "type": "residual", "body": body, "after": after })]
    });
    let other = prop::sample::select(vec![
        json!({ "type": "layer_norm" }),
        json!({ "type": "dropout", "probability": 0.3 }),
        json!({ "type": "avg_pool", "kernel": 3, "stride": 1, "padding": "same" }),
    ]);
    prop_oneof![4 => block, 2 => residual, 1 => other.prop_map(|layer| vec![layer])]
}

/// Layers from a vector to a vector.
fn feature_layer() -> impl Strategy<Value = Vec<Value>> {
    let linear = (1..30_usize, any::<bool>(), prop::sample::select(vec!["relu", "silu", "elu", "softplus"])).prop_map(
        |(features, norm, function)| {
            let mut layers = vec![json!({ "type": "linear", "out_features": features })];
            layers.extend(norm.then(|| json!({ "type": "batch_norm" })));
            layers.push(json!({ "type": "activation", "function": function }));
            layers
        },
    );
    let maxout = (1..9_usize, 1..4_usize)
        .prop_map(|(out, pieces)| vec![json!({ "type": "maxout", "out_features": out, "pieces": pieces })]);
    prop_oneof![3 => linear, 1 => maxout]
}

fn layers() -> impl Strategy<Value = Vec<LayerSpec>> {
    let images = prop::collection::vec(image_layer(), 0..4);
    let end = prop::sample::select(vec!["flatten", "global_avg_pool"]);
    let features = prop::collection::vec(feature_layer(), 0..3);
    (images, end, features).prop_map(|(images, end, features)| {
        let mut layers: Vec<Value> = images.concat();
        layers.push(json!({ "type": end }));
        layers.extend(features.concat());
        layers.push(json!({ "type": "linear" }));
        serde_json::from_value(Value::Array(layers)).expect("layers of the catalog")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_of_random_graphs_compute_what_the_reference_does(
        layers in layers(), side in 5..13_usize, channels in 1..4_usize, samples in 2..6_usize, seed in 0..1000_u64,
        ensemble: bool,
    ) {
        let shape = Shape::Image { height: side, width: side + 1, channels };
        let Ok(graph) = Graph::build(shape, &layers, OUTPUTS) else { return Ok(()) };
        let what = format!("{layers:?} on {shape}");
        prop_assume!(agrees_with_reference(graph, Case { ensemble, samples, seed }, &every_level(), &what));
    }
}

#[test]
fn rounding_alone_decides_about_a_centred_mean() {
    let judged = |layers: &[Value]| {
        let layers: Vec<LayerSpec> =
            layers.iter().map(|layer| serde_json::from_value(layer.clone()).unwrap()).collect();
        let graph = Graph::build(Shape::Image { height: 5, width: 6, channels: 1 }, &layers, OUTPUTS).unwrap();
        let network = Network::new(with_loss(graph, false), RandomKey::new(3));
        let input = deterministic_values(7, 4 * 30, -1.0, 2.0);
        let grad_outputs = deterministic_values(8, 4 * OUTPUTS, -1.0, 1.0);
        let expected = by_reference(&network, &input, &grad_outputs, &Answers::of(false, 4, 3));
        is_well_conditioned(&network, &input, &grad_outputs, &expected)
    };
    let [center, pool] = [json!({ "type": "layer_norm" }), json!({ "type": "global_avg_pool" })];
    let [linear, last] = [json!({ "type": "linear", "out_features": 1 }), json!({ "type": "linear" })];
    for next in [json!({ "type": "activation", "function": "relu" }), json!({ "type": "batch_norm" })] {
        assert!(!judged(&[center.clone(), pool.clone(), linear.clone(), next.clone(), last.clone()]), "{next}");
        assert!(judged(&[pool.clone(), linear.clone(), next.clone(), last.clone()]), "{next}");
    }
}
