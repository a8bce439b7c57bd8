//! Totals of one layer over one window.

use serde::{Deserialize, Serialize};

use super::ratios::Ratios;
use crate::measurement::{
    GradientMeasurement, LayerMeasurement, ParameterMeasurement, ParameterRole, SignalMeasurement,
};

/// Share of units with agreeing signs above which a step counts as a zigzag step (K014).
const AGREEING_UNITS: f32 = 0.5;

/// Totals of one layer over one window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerWindow {
    /// Number of steps in which the layer was measured.
    pub steps: u64,
    /// The output.
    pub output: SignalTotal,
    /// The gradient with respect to the output.
    pub gradient: GradientTotal,
    /// The parameters, in the order of the measurements.
    pub parameters: Vec<ParameterWindow>,
    agreement_steps: u64,
    agreeing_steps: u64,
    mean_energy_sum: f64,
    mean_energy_steps: u64,
}

/// A signal pooled over a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SignalTotal {
    count: f64,
    sum: f64,
    square_sum: f64,
    zeros: f64,
    zero_count: f64,
    saturated: f64,
    saturated_count: f64,
}

/// A gradient pooled over a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GradientTotal {
    square_sum: f64,
    count: f64,
    steps: u64,
}

/// One parameter tensor over a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterWindow {
    /// Role of the parameter in its layer.
    pub role: ParameterRole,
    /// Number of steps in which its gradient norm was measured.
    pub gradient_steps: u64,
    /// Number of steps in which gradient and update (if measured) were exactly zero.
    pub idle_steps: u64,
    /// Number of steps in which its update was measured, except for those that only accumulate a gradient.
    pub update_steps: u64,
    /// Number of those steps in which its update was exactly zero.
    pub still_steps: u64,
    /// True if an update changed it in an earlier window.
    #[serde(default)]
    pub moved_before: bool,
    /// Weight norm in the last step.
    pub weight_norm: Option<f64>,
    gradient_sum: f64,
    /// norm(update) / norm(weight).
    update_ratio: Ratios,
    /// norm(decay) / norm(data gradient).
    decay_ratio: Ratios,
}

impl LayerWindow {
    /// Returns the weight matrix or kernel.
    pub fn weight(&self) -> Option<&ParameterWindow> {
        self.parameters.iter().find(|parameter| parameter.role == ParameterRole::Weight)
    }

    /// Returns the share of steps in which more than half of the units had a gradient of one sign.
    pub fn agreeing_steps(&self) -> Option<f64> {
        (self.agreement_steps > 0).then(|| self.agreeing_steps as f64 / self.agreement_steps as f64)
    }

    /// Returns mean(x)² / mean(x²) of the layer's input, averaged over the steps.
    pub fn input_mean_energy(&self) -> Option<f64> {
        (self.mean_energy_steps > 0).then(|| self.mean_energy_sum / self.mean_energy_steps as f64)
    }

    pub(super) fn push(&mut self, layer: &LayerMeasurement) {
        self.steps += 1;
        if let Some(output) = &layer.output {
            self.output.push(output);
        }
        if let Some(gradient) = &layer.gradient {
            self.gradient.push(gradient);
        }
        if let Some(agreement) = layer.sign_agreement {
            self.agreement_steps += 1;
            self.agreeing_steps += u64::from(agreement > AGREEING_UNITS);
        }
        if let Some(energy) = layer.input_mean_energy {
            self.mean_energy_sum += f64::from(energy);
            self.mean_energy_steps += 1;
        }
        if self.parameters.len() < layer.parameters.len() {
            self.parameters.resize_with(layer.parameters.len(), ParameterWindow::default);
        }
        for (total, parameter) in self.parameters.iter_mut().zip(&layer.parameters) {
            total.push(parameter);
        }
    }

    /// Counts the updates of the parameters, in a step that should update them.
    pub(super) fn push_updates(&mut self, layer: &LayerMeasurement) {
        for (total, parameter) in self.parameters.iter_mut().zip(&layer.parameters) {
            if let Some(update) = parameter.update_norm {
                total.update_steps += 1;
                total.still_steps += u64::from(update == 0.0);
            }
        }
    }

    pub(super) fn close(&mut self) {
        for parameter in &mut self.parameters {
            parameter.update_ratio.close();
            parameter.decay_ratio.close();
        }
    }

    /// Empties the window, which follows the window `before`.
    pub(super) fn clear_after(&mut self, before: &Self) {
        let mut parameters = std::mem::take(&mut self.parameters);
        parameters.resize_with(before.parameters.len(), ParameterWindow::default);
        parameters.iter_mut().for_each(ParameterWindow::clear);
        for (parameter, before) in parameters.iter_mut().zip(&before.parameters) {
            parameter.moved_before = before.moved_before || before.update_steps > before.still_steps;
        }
        *self = Self { parameters, ..Self::default() };
    }
}

impl SignalTotal {
    /// Returns the mean over all elements of the window, or `None` if not measured.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }

    /// Returns the standard deviation over all elements of the window, or `None` if not measured.
    pub fn std(&self) -> Option<f64> {
        let mean = self.mean()?;
        Some((self.square_sum / self.count - mean * mean).max(0.0).sqrt())
    }

    /// Returns the share of elements that are exactly zero.
    pub fn zero_fraction(&self) -> Option<f64> {
        (self.zero_count > 0.0).then(|| self.zeros / self.zero_count)
    }

    /// Returns the share of saturated elements.
    pub fn saturated_fraction(&self) -> Option<f64> {
        (self.saturated_count > 0.0).then(|| self.saturated / self.saturated_count)
    }

    fn push(&mut self, signal: &SignalMeasurement) {
        let (count, mean, std) = (signal.count as f64, f64::from(signal.mean), f64::from(signal.std));
        self.count += count;
        self.sum += count * mean;
        self.square_sum += count * (mean * mean + std * std);
        if let Some(fraction) = signal.zero_fraction {
            self.zeros += count * f64::from(fraction);
            self.zero_count += count;
        }
        if let Some(fraction) = signal.saturated_fraction {
            self.saturated += count * f64::from(fraction);
            self.saturated_count += count;
        }
    }
}

impl GradientTotal {
    /// Returns the root mean square over all elements of the window, or `None` if not measured.
    pub fn rms(&self) -> Option<f64> {
        (self.count > 0.0).then(|| (self.square_sum / self.count).sqrt())
    }

    /// Returns the L2 norm of a step's gradient, averaged (in the square) over the window.
    pub fn norm(&self) -> Option<f64> {
        (self.count > 0.0).then(|| (self.square_sum / self.steps as f64).sqrt())
    }

    fn push(&mut self, gradient: &GradientMeasurement) {
        let (count, rms) = (gradient.count as f64, f64::from(gradient.rms));
        self.square_sum += count * rms * rms;
        self.count += count;
        self.steps += 1;
    }
}

impl ParameterWindow {
    /// Returns the median of norm(update) / norm(weight), or `None` if not measured or if the weight is zero.
    pub fn update_ratio(&self) -> Option<f64> {
        self.update_ratio.median()
    }

    /// Returns the largest norm(update) / norm(weight) of a step, or `None` if not measured or if the weight is zero.
    pub fn largest_update_ratio(&self) -> Option<f64> {
        self.update_ratio.largest()
    }

    /// Returns the median of norm(decay) / norm(data gradient); infinite if the data gradient is zero.
    pub fn decay_ratio(&self) -> Option<f64> {
        self.decay_ratio.median()
    }

    /// Returns true if the parameter was measured and neither had a gradient nor changed during the whole window.
    pub fn is_idle(&self) -> bool {
        self.gradient_steps > 0 && self.idle_steps == self.gradient_steps
    }

    /// Returns true if the update was measured and was exactly zero during the whole window.
    pub fn is_still(&self) -> bool {
        self.update_steps > 0 && self.still_steps == self.update_steps
    }

    /// Returns the mean gradient norm per step, or `None` if not measured.
    pub fn gradient_norm(&self) -> Option<f64> {
        (self.gradient_steps > 0).then(|| self.gradient_sum / self.gradient_steps as f64)
    }

    fn push(&mut self, parameter: &ParameterMeasurement) {
        self.role = parameter.role;
        self.weight_norm = parameter.weight_norm.map(f64::from);
        if let (Some(update), Some(weight)) = (parameter.update_norm, parameter.weight_norm)
            && weight > 0.0
        {
            self.update_ratio.push(update / weight);
        }
        if let (Some(decay), Some(gradient)) = (parameter.decay_norm, parameter.gradient_norm)
            && (decay > 0.0 || gradient > 0.0)
        {
            self.decay_ratio.push(decay / gradient);
        }
        if let Some(gradient) = parameter.gradient_norm {
            self.gradient_steps += 1;
            self.gradient_sum += f64::from(gradient);
            let moved = parameter.update_norm.is_some_and(|update| update != 0.0);
            self.idle_steps += u64::from(gradient == 0.0 && !moved);
        }
    }

    fn clear(&mut self) {
        let Self { update_ratio, decay_ratio, .. } = std::mem::take(self);
        *self = Self { update_ratio: update_ratio.cleared(), decay_ratio: decay_ratio.cleared(), ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooled_moments_are_those_of_all_elements() {
        let mut total = SignalTotal::default();
        // The elements 1 and 3, then 5, 7 and 9.
        total.push(&SignalMeasurement { count: 2, mean: 2.0, std: 1.0, ..Default::default() });
        total.push(&SignalMeasurement { count: 3, mean: 7.0, std: (8.0f32 / 3.0).sqrt(), ..Default::default() });
        assert_eq!(total.mean(), Some(5.0));
        assert!((total.std().unwrap() - 8f64.sqrt()).abs() < 1e-6);
        assert_eq!(total.zero_fraction(), None);
    }

    #[test]
    fn idle_needs_every_step() {
        let mut window = LayerWindow::default();
        let still = ParameterMeasurement { gradient_norm: Some(0.0), update_norm: Some(0.0), ..Default::default() };
        let moving = ParameterMeasurement { gradient_norm: Some(0.0), update_norm: Some(0.1), ..Default::default() };
        let layer = |parameter| LayerMeasurement { parameters: vec![parameter], ..Default::default() };
        window.push(&layer(still));
        assert!(window.weight().unwrap().is_idle());
        window.push(&layer(moving));
        assert!(!window.weight().unwrap().is_idle());
    }
}
