//! Totals over one window.

use serde::{Deserialize, Serialize};

use super::gradient_trend::GradientGrowth;
use super::layer_window::LayerWindow;
use super::loop_window::LoopWindow;
use crate::measurement::StepMeasurement;

/// Totals over one window of steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// First step.
    pub first_step: u64,
    /// Last step.
    pub last_step: u64,
    /// Number of steps.
    pub steps: u64,
    /// Number of samples.
    pub samples: u64,
    /// True if a NaN or an infinity was measured; no statistic of the window is reliable then.
    pub non_finite: bool,
    loss_sum: f64,
    learning_rate_sum: f64,
    learning_rate_steps: u64,
    #[serde(default)]
    gradient_norm_sum: f64,
    #[serde(default)]
    gradient_norm_steps: u64,
    growth: GradientGrowth,
    training_loop: LoopWindow,
    layers: Vec<LayerWindow>,
}

impl Window {
    /// Returns the mean loss.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.steps as f64
    }

    /// Returns the mean learning rate, if given.
    pub fn learning_rate(&self) -> Option<f64> {
        (self.learning_rate_steps > 0).then(|| self.learning_rate_sum / self.learning_rate_steps as f64)
    }

    /// Returns the mean norm of the whole gradient before clipping, if given.
    pub fn gradient_norm(&self) -> Option<f64> {
        (self.gradient_norm_steps > 0).then(|| self.gradient_norm_sum / self.gradient_norm_steps as f64)
    }

    /// Returns the strongest growth of the gradient norm within the window.
    pub fn growth(&self) -> GradientGrowth {
        self.growth
    }

    /// Returns the totals of layer `index`, if measured.
    pub fn layer(&self, index: usize) -> Option<&LayerWindow> {
        self.layers.get(index).filter(|layer| layer.steps > 0)
    }

    /// Returns the totals of the training loop.
    pub fn training_loop(&self) -> &LoopWindow {
        &self.training_loop
    }

    pub(super) fn note_growth(&mut self, growth: GradientGrowth) {
        if growth.factor > self.growth.factor {
            self.growth = growth;
        }
    }

    pub(super) fn push(&mut self, step: &StepMeasurement) {
        if self.steps == 0 {
            self.first_step = step.step;
        }
        self.last_step = step.step;
        self.steps += 1;
        self.samples += step.samples;
        self.loss_sum += f64::from(step.loss);
        if let Some(rate) = step.learning_rate {
            self.learning_rate_sum += f64::from(rate);
            self.learning_rate_steps += 1;
        }
        if let Some(norm) = step.gradient_norm {
            self.gradient_norm_sum += f64::from(norm);
            self.gradient_norm_steps += 1;
        }
        self.training_loop.push(step);
        for layer in &step.layers {
            if self.layers.len() <= layer.layer {
                self.layers.resize_with(layer.layer + 1, LayerWindow::default);
            }
            self.layers[layer.layer].push(layer);
            if step.updated != Some(false) {
                self.layers[layer.layer].push_updates(layer);
            }
        }
        self.non_finite |= step.has_non_finite();
    }

    pub(super) fn close(&mut self) {
        self.layers.iter_mut().for_each(LayerWindow::close);
    }

    /// Returns an empty window with the same number of layers, reusing the buffers of `recycled` if given.
    pub(super) fn successor(&self, recycled: Option<Window>) -> Window {
        let mut next = recycled.unwrap_or_else(|| self.clone());
        let mut layers = std::mem::take(&mut next.layers);
        layers.resize_with(self.layers.len(), LayerWindow::default);
        layers.iter_mut().zip(&self.layers).for_each(|(layer, before)| layer.clear_after(before));
        let training_loop = next.training_loop.cleared(&self.training_loop);
        Window { training_loop, layers, ..Window::default() }
    }
}
