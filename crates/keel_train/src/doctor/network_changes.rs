//! Changes of a list of layers. Each function returns true if it changed anything.

use keel_nn::activations::{Activation, LeakyReluSpec, Saturation};
use keel_nn::init::InitSpec;
use keel_nn::layers::{BatchNormSpec, LayerSpec};

/// Number of units below which a hidden layer is widened.
const NARROW: usize = 64;

/// Probability to which a higher dropout is reduced.
pub(super) const LOW_DROPOUT: f64 = 0.2;

/// Factor of the width of a narrow layer.
const WIDER: usize = 4;

/// Replaces every initialiser of weights by the automatic one, and that of biases by zeros.
pub(super) fn automatic_init(layers: &mut [LayerSpec]) -> bool {
    let mut changed = false;
    for layer in layers {
        let (init, bias) = match layer {
            LayerSpec::Linear(linear) => (&mut linear.init, &mut linear.bias_init),
            LayerSpec::Conv2d(conv) => (&mut conv.init, &mut conv.bias_init),
            LayerSpec::Maxout(maxout) => (&mut maxout.init, &mut maxout.bias_init),
            LayerSpec::Residual(block) => {
                changed |= automatic_init(&mut block.body);
                continue;
            }
            _ => continue,
        };
        changed |= *init != InitSpec::Auto || *bias != InitSpec::Zeros;
        (*init, *bias) = (InitSpec::Auto, InitSpec::Zeros);
    }
    changed
}

/// Replaces hidden activations that saturate on both sides by relu.
pub(super) fn relu_for_saturating(layers: &mut [LayerSpec]) -> bool {
    let flat = |activation: &Activation| activation.saturation().is_some_and(Saturation::is_two_sided);
    replace_hidden(layers, flat, Activation::Relu)
}

/// Replaces hidden relus by leaky relu.
pub(super) fn leaky_for_relu(layers: &mut [LayerSpec]) -> bool {
    let relu = |activation: &Activation| *activation == Activation::Relu;
    replace_hidden(layers, relu, Activation::LeakyRelu(LeakyReluSpec::DEFAULT))
}

fn replace_hidden(layers: &mut [LayerSpec], old: impl Fn(&Activation) -> bool, new: Activation) -> bool {
    let end = last_weights(layers).unwrap_or(0);
    let mut changed = false;
    for layer in &mut layers[..end] {
        if let LayerSpec::Activation(activation) = layer
            && old(activation)
        {
            *activation = new;
            changed = true;
        }
    }
    changed
}

/// Adds relu between layers with weights that have no activation in between.
pub(super) fn missing_activations(layers: &mut Vec<LayerSpec>) -> bool {
    let mut places = Vec::new();
    let mut open: Option<usize> = None;
    for (index, layer) in layers.iter().enumerate() {
        match layer {
            LayerSpec::Linear(_) | LayerSpec::Conv2d(_) => {
                places.extend(open);
                open = Some(index + 1);
            }
            // A norm belongs between the weights and the activation.
            LayerSpec::BatchNorm(_) | LayerSpec::LayerNorm(_) | LayerSpec::GroupNorm(_) => {
                open = open.map(|place| if place == index { index + 1 } else { place });
            }
            LayerSpec::Activation(activation) if *activation == Activation::Identity => {}
            LayerSpec::Activation(_) | LayerSpec::Residual(_) | LayerSpec::Maxout(_) | LayerSpec::Custom(_) => {
                open = None
            }
            _ => {}
        }
    }
    for &place in places.iter().rev() {
        layers.insert(place, LayerSpec::Activation(Activation::Relu));
    }
    !places.is_empty()
}

/// Adds batch norm after hidden layers with weights that have no norm yet.
pub(super) fn batch_norm(layers: &mut Vec<LayerSpec>) -> bool {
    let Some(end) = last_weights(layers) else { return false };
    let is_norm = |layer: &LayerSpec| {
        matches!(
            layer,
            LayerSpec::BatchNorm(_) | LayerSpec::LayerNorm(_) | LayerSpec::GroupNorm(_) | LayerSpec::InstanceNorm(_)
        )
    };
    if layers.iter().any(is_norm) {
        return false;
    }
    let weights = |layer: &LayerSpec| matches!(layer, LayerSpec::Linear(_) | LayerSpec::Conv2d(_));
    let places: Vec<usize> = (0..end).filter(|&index| weights(&layers[index])).map(|index| index + 1).collect();
    for &place in places.iter().rev() {
        layers.insert(place, LayerSpec::BatchNorm(BatchNormSpec::default()));
    }
    !places.is_empty()
}

/// Removes activations after the last layer with weights.
pub(super) fn no_last_activation(layers: &mut Vec<LayerSpec>) -> bool {
    let Some(end) = last_weights(layers) else { return false };
    let before = layers.len();
    let mut index = 0;
    layers.retain(|layer| {
        index += 1;
        index <= end + 1 || !matches!(layer, LayerSpec::Activation(_))
    });
    layers.len() < before
}

/// Reduces dropout of more than a third to a fifth; with `off`, removes it.
pub(super) fn less_dropout(layers: &mut [LayerSpec], off: bool) -> bool {
    let mut changed = false;
    for layer in layers {
        match layer {
            LayerSpec::Dropout(dropout) => {
                let new = match dropout.probability {
                    _ if off => 0.0,
                    probability if probability > 1.0 / 3.0 => LOW_DROPOUT as f32,
                    probability => probability,
                };
                changed |= new != dropout.probability;
                dropout.probability = new;
            }
            LayerSpec::Residual(block) => changed |= less_dropout(&mut block.body, off),
            _ => {}
        }
    }
    changed
}

/// Unfreezes all weights.
pub(super) fn unfrozen(layers: &mut [LayerSpec]) -> bool {
    let mut changed = false;
    for layer in layers {
        match layer {
            LayerSpec::Linear(linear) => changed |= std::mem::take(&mut linear.frozen),
            LayerSpec::Conv2d(conv) => changed |= std::mem::take(&mut conv.frozen),
            LayerSpec::Maxout(maxout) => changed |= std::mem::take(&mut maxout.frozen),
            LayerSpec::Residual(block) => changed |= unfrozen(&mut block.body),
            _ => {}
        }
    }
    changed
}

/// Makes narrow hidden layers four times as wide, up to 64 units.
pub(super) fn wider(layers: &mut [LayerSpec]) -> bool {
    let end = last_weights(layers).unwrap_or(0);
    let mut changed = false;
    for layer in &mut layers[..end] {
        let width = match layer {
            LayerSpec::Linear(linear) => match &mut linear.out_features {
                Some(width) => width,
                None => continue,
            },
            LayerSpec::Conv2d(conv) if conv.groups == 1 => &mut conv.out_channels,
            _ => continue,
        };
        if *width < NARROW {
            *width = (*width * WIDER).min(NARROW);
            changed = true;
        }
    }
    changed
}

/// Returns the position of the last layer with weights.
fn last_weights(layers: &[LayerSpec]) -> Option<usize> {
    layers.iter().rposition(|layer| matches!(layer, LayerSpec::Linear(_) | LayerSpec::Conv2d(_) | LayerSpec::Maxout(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(text: &str) -> Vec<LayerSpec> {
        let config = format!("[model]\nlayers = [{text}]");
        crate::config::parse(std::path::Path::new("x.toml"), &config, &[]).unwrap().model.layers
    }

    const LINEAR: &str = "{ type = \"linear\", out_features = 8 }";
    const RELU: &str = "{ type = \"activation\", function = \"relu\" }";
    const SIGMOID: &str = "{ type = \"activation\", function = \"sigmoid\" }";
    const NORM: &str = "{ type = \"batch_norm\" }";

    #[test]
    fn relu_comes_between_weights_that_have_nothing_between_them() {
        let mut changed = layers(&format!("{LINEAR}, {NORM}, {LINEAR}, {RELU}, {LINEAR}, {LINEAR}"));
        assert!(missing_activations(&mut changed));
        assert_eq!(changed, layers(&format!("{LINEAR}, {NORM}, {RELU}, {LINEAR}, {RELU}, {LINEAR}, {RELU}, {LINEAR}")));
        assert!(!missing_activations(&mut changed), "nothing is missing now");
    }

    #[test]
    fn the_last_activation_stays_unless_it_is_to_go() {
        let text = format!("{LINEAR}, {SIGMOID}, {LINEAR}, {SIGMOID}");
        let mut changed = layers(&text);
        assert!(relu_for_saturating(&mut changed));
        assert_eq!(changed, layers(&format!("{LINEAR}, {RELU}, {LINEAR}, {SIGMOID}")));
        assert!(no_last_activation(&mut changed) && !no_last_activation(&mut changed));
        assert_eq!(changed, layers(&format!("{LINEAR}, {RELU}, {LINEAR}")));
        assert!(leaky_for_relu(&mut changed) && !relu_for_saturating(&mut changed));
    }

    #[test]
    fn norms_widths_dropout_and_initialisers_change_once() {
        let mut changed = layers(&format!("{LINEAR}, {RELU}, {{ type = \"dropout\", probability = 0.8 }}, {LINEAR}"));
        assert!(batch_norm(&mut changed) && !batch_norm(&mut changed));
        assert_eq!(changed[1], layers(NORM)[0]);
        assert!(wider(&mut changed) && wider(&mut changed) && !wider(&mut changed), "8, 32, 64");
        assert!(less_dropout(&mut changed, false) && !less_dropout(&mut changed, false));
        assert!(less_dropout(&mut changed, true) && !less_dropout(&mut changed, true));
        assert!(!automatic_init(&mut changed) && !unfrozen(&mut changed));
        let mut spoilt = layers("{ type = \"linear\", init = \"zeros\", frozen = true }");
        assert!(automatic_init(&mut spoilt) && unfrozen(&mut spoilt));
        assert_eq!(spoilt, layers("{ type = \"linear\" }"));
    }
}
