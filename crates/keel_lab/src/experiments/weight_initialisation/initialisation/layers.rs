//! Numbers of every layer of a stack.

use keel_nn::activations::Activation;
use keel_page::{Histogram, Interval};
use serde::Serialize;

use crate::error::LabError;
use crate::signal::LayerSignal;
use crate::signal::verdict::{self, Flatness, Verdict};
use crate::statistics::{Moments, fraction};

const BINS: usize = 60;

/// Numbers of one layer.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Layer {
    pub(crate) layer: usize,
    pub(crate) pre_activation: Moments,
    pub(crate) activation: Output,
    pub(crate) gradient: GradientSizes,
    /// Verdict on the signal on its way forward.
    pub(crate) verdict: Verdict,
    /// Moments of the outputs at infinite width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) theory: Option<Moments>,
}

/// Distribution of the outputs of a layer.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Output {
    pub(crate) mean: f64,
    pub(crate) std: f64,
    pub(crate) second_moment: f64,
    pub(crate) zero_fraction: f64,
    pub(crate) near_zero_fraction: f64,
    pub(crate) saturated_fraction: f64,
    pub(crate) mean_derivative: f64,
    pub(crate) histogram: Histogram,
}

/// Root mean squares of gradients.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct GradientSizes {
    /// Equal to `weight_rms`.
    pub(crate) rms: f64,
    pub(crate) weight_rms: f64,
    pub(crate) activation_rms: f64,
    /// Verdict on dL/dh on its way back.
    pub(crate) verdict: Verdict,
}

/// Measures all layers of a stack; `theory` has one entry per layer, and `page` is the name used in errors.
///
/// # Errors
/// Fails if a value is not finite.
pub(crate) fn measured(
    page: &'static str,
    activation: Activation,
    signals: &[LayerSignal],
    theory: Option<&[Moments]>,
) -> Result<Vec<Layer>, LabError> {
    check_finite(page, signals)?;
    let frame = Frame {
        activation,
        flatness: Flatness::of(activation.initial_function()),
        range: histogram_range(activation, signals),
    };
    let theory = |index: usize| theory.and_then(|theory| theory.get(index).copied());
    let mut layers: Vec<Layer> =
        signals.iter().enumerate().map(|(index, signal)| frame.layer(index, signal, theory(index))).collect();
    let forward = verdict::along(&layers.iter().map(|layer| layer.activation.std).collect::<Vec<f64>>());
    let backward =
        verdict::along(&layers.iter().rev().map(|layer| layer.gradient.activation_rms).collect::<Vec<f64>>());
    for (layer, (forward, backward)) in layers.iter_mut().zip(forward.into_iter().zip(backward.into_iter().rev())) {
        layer.verdict = forward.with_flat_share(layer.activation.saturated_fraction);
        layer.gradient.verdict = backward;
    }
    Ok(layers)
}

fn check_finite(page: &'static str, signals: &[LayerSignal]) -> Result<(), LabError> {
    for (index, signal) in signals.iter().enumerate() {
        let parts = [
            ("the pre-activation", &signal.pre_activation),
            ("the output", &signal.output),
            ("the gradient", &signal.grad_output),
        ];
        for (part, values) in parts {
            if values.iter().any(|value| !value.is_finite()) {
                return Err(LabError::NotFinite { experiment: page, what: format!("{part} of layer {}", index + 1) });
            }
        }
    }
    Ok(())
}

/// Returns the same histogram range for all layers: the range of the function if bounded, else that of the values.
fn histogram_range(activation: Activation, signals: &[LayerSignal]) -> Interval {
    match activation {
        Activation::Tanh => Interval { low: -1.0, high: 1.0 },
        Activation::Sigmoid => Interval { low: 0.0, high: 1.0 },
        _ => {
            let first = Moments::of_slice(&signals[0].output);
            let reach = (first.mean.abs() + 4.0 * first.std).max(f64::MIN_POSITIVE);
            let negative = signals.iter().any(|signal| signal.output.iter().any(|&value| value < 0.0));
            Interval { low: if negative { -reach } else { 0.0 }, high: reach }
        }
    }
}

/// Activation, flatness and histogram range shared by all layers of a stack.
struct Frame {
    activation: Activation,
    flatness: Flatness,
    /// Range of the histograms.
    range: Interval,
}

impl Frame {
    /// Measures the layer `index`; verdicts are set once all layers are known.
    fn layer(&self, index: usize, signal: &LayerSignal, theory: Option<Moments>) -> Layer {
        let function = self.activation.initial_function();
        let output = Moments::of_slice(&signal.output);
        let slopes = signal.pre_activation.iter().map(|&z| f64::from(function.derivative(z)));
        Layer {
            layer: index + 1,
            pre_activation: Moments::of_slice(&signal.pre_activation),
            activation: Output {
                mean: output.mean,
                std: output.std,
                second_moment: output.second_moment,
                zero_fraction: fraction(&signal.output, |value| value == 0.0),
                near_zero_fraction: fraction(&signal.output, |value| value.abs() < 0.05),
                saturated_fraction: fraction(&signal.pre_activation, |z| self.flatness.holds(z)),
                mean_derivative: Moments::of(slopes).mean,
                histogram: Histogram::of(&signal.output, self.range, BINS),
            },
            gradient: GradientSizes {
                rms: signal.grad_weight_rms,
                weight_rms: signal.grad_weight_rms,
                activation_rms: Moments::of_slice(&signal.grad_output).second_moment.sqrt(),
                verdict: Verdict::InRange,
            },
            verdict: Verdict::InRange,
            theory,
        }
    }
}
