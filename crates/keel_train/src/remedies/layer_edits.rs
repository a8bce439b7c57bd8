//! Changes of a network's list of layers for remedies.

use keel_nn::InitSpec;
use keel_nn::activations::Activation;
use keel_nn::layers::{BatchNormSpec, LayerSpec};

/// Returns the layers with batch normalisation between every hidden layer with weights and the activation that directly follows
/// it, including inside residual blocks.
pub(super) fn with_batch_norm(layers: &[LayerSpec]) -> Vec<LayerSpec> {
    let mut edited = Vec::with_capacity(2 * layers.len());
    for (index, layer) in layers.iter().enumerate() {
        edited.push(match layer {
            LayerSpec::Residual(block) => {
                let body = with_batch_norm(&block.body);
                LayerSpec::Residual(keel_nn::layers::ResidualSpec { body, ..block.clone() })
            }
            other => other.clone(),
        });
        if has_weights(layer) && matches!(layers.get(index + 1), Some(LayerSpec::Activation(_))) {
            edited.push(LayerSpec::BatchNorm(BatchNormSpec::default()));
        }
    }
    edited
}

/// Returns the layers with `function` between linear layers that are separated only by batch normalisation, dropout or
/// flattening: after the normalisation, before the dropout.
pub(super) fn with_activations(layers: &[LayerSpec], function: Activation) -> Vec<LayerSpec> {
    let mut edited: Vec<LayerSpec> = Vec::with_capacity(2 * layers.len());
    // Position in `edited` after the last linear layer, as long as its output has passed through no nonlinearity.
    let mut open: Option<usize> = None;
    for layer in layers {
        if matches!(layer, LayerSpec::Linear(_))
            && let Some(place) = open
        {
            edited.insert(place, LayerSpec::Activation(function));
        }
        edited.push(layer.clone());
        open = match layer {
            LayerSpec::Linear(_) => Some(edited.len()),
            LayerSpec::BatchNorm(_) => open.map(|_| edited.len()),
            LayerSpec::Dropout(_) | LayerSpec::Flatten(_) => open,
            _ => None,
        };
    }
    edited
}

/// Returns the layers without the activations at the end.
pub(super) fn without_output_activation(layers: &[LayerSpec]) -> Vec<LayerSpec> {
    let end = layers.iter().rposition(|layer| !matches!(layer, LayerSpec::Activation(_))).map_or(0, |last| last + 1);
    layers[..end].to_vec()
}

/// Returns the layers with at least `units` units in every linear layer except the last.
pub(super) fn widened(layers: &[LayerSpec], units: usize) -> Vec<LayerSpec> {
    let last = layers.iter().rposition(|layer| matches!(layer, LayerSpec::Linear(_)));
    let mut edited = layers.to_vec();
    for (_, layer) in edited.iter_mut().enumerate().filter(|(index, _)| Some(*index) != last) {
        if let LayerSpec::Linear(linear) = layer {
            linear.out_features = linear.out_features.map(|own| own.max(units));
        }
    }
    edited
}

/// Returns the layers with biases that begin at zero.
pub(super) fn with_zero_biases(layers: &[LayerSpec]) -> Vec<LayerSpec> {
    let mut edited = layers.to_vec();
    for layer in &mut edited {
        match layer {
            LayerSpec::Linear(linear) => linear.bias_init = InitSpec::Zeros,
            LayerSpec::Conv2d(conv) => conv.bias_init = InitSpec::Zeros,
            LayerSpec::Maxout(maxout) => maxout.bias_init = InitSpec::Zeros,
            _ => {}
        }
    }
    edited
}

fn has_weights(layer: &LayerSpec) -> bool {
    matches!(layer, LayerSpec::Linear(_) | LayerSpec::Conv2d(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(text: &str) -> Vec<LayerSpec> {
        let text = format!("[model]\nlayers = [{text}]\n");
        crate::config::parse(std::path::Path::new("config.toml"), &text, &[]).unwrap().model.layers
    }

    fn names(layers: &[LayerSpec]) -> Vec<&'static str> {
        layers.iter().map(LayerSpec::name).collect()
    }

    const LINEAR: &str = "{ type = \"linear\", out_features = 4 }";
    const RELU: &str = "{ type = \"activation\", function = \"relu\" }";

    #[test]
    fn batch_norm_stands_before_activations_and_nowhere_else() {
        let block = format!("{{ type = \"residual\", body = [{LINEAR}, {RELU}, {LINEAR}] }}");
        let edited = with_batch_norm(&layers(&format!("{LINEAR}, {RELU}, {block}, {LINEAR}")));
        assert_eq!(names(&edited), ["linear", "batch_norm", "activation", "residual", "linear"]);
        let LayerSpec::Residual(block) = &edited[3] else { panic!("{edited:?}") };
        assert_eq!(names(&block.body), ["linear", "batch_norm", "activation", "linear"]);
    }

    #[test]
    fn activations_stand_between_linear_layers_behind_their_norm() {
        let relu = Activation::named("relu").unwrap();
        let norm = "{ type = \"batch_norm\" }";
        let dropout = "{ type = \"dropout\", probability = 0.5 }";
        let edited =
            with_activations(&layers(&format!("{LINEAR}, {norm}, {dropout}, {LINEAR}, {RELU}, {LINEAR}")), relu);
        let expected = ["linear", "batch_norm", "activation", "dropout", "linear", "activation", "linear"];
        assert_eq!(names(&edited), expected);
        let edited = with_activations(&layers(&format!("{LINEAR}, {LINEAR}, {LINEAR}")), relu);
        assert_eq!(names(&edited), ["linear", "activation", "linear", "activation", "linear"]);
    }

    #[test]
    fn biases_begin_at_zero_and_weights_as_before() {
        let begun = |bias: &str| {
            layers(&format!(
                "{{ type = \"linear\", out_features = 4, init = \"lsuv\", bias_init = {bias} }}, {RELU}, {LINEAR}"
            ))
        };
        let negative = begun("{ type = \"constant\", value = -6.0 }");
        assert_eq!(with_zero_biases(&negative), begun("\"zeros\""));
    }

    #[test]
    fn only_the_activation_at_the_end_is_taken_out() {
        let edited = without_output_activation(&layers(&format!("{LINEAR}, {RELU}, {LINEAR}, {RELU}")));
        assert_eq!(names(&edited), ["linear", "activation", "linear"]);
    }

    #[test]
    fn hidden_layers_are_widened_and_never_narrowed() {
        let wide = "{ type = \"linear\", out_features = 99 }";
        let edited = widened(&layers(&format!("{LINEAR}, {RELU}, {wide}, {RELU}, {LINEAR}")), 64);
        let units: Vec<Option<usize>> = edited
            .iter()
            .filter_map(|layer| match layer {
                LayerSpec::Linear(linear) => Some(linear.out_features),
                _ => None,
            })
            .collect();
        assert_eq!(units, [Some(64), Some(99), Some(4)]);
    }
}
