//! Statistics a layer notes about its own values while it holds them in cache.
//!
//! An [`Observer`](crate::Observer) that wants statistics hands every node a [`Probe`]; the node's forward and backward
//! functions fill what [`Layer::measures`](crate::Layer::measures) promises, and the observer measures the rest from the
//! values it is shown. Without an observer there is no probe and nothing is measured.
//!
//! To save a pass over memory in a layer: set the flag in `measures`, and fill the slot in every training call in which
//! the probe is there. An instruction that computes several nodes has a
//! [`LayerProbe`] for each, in order; what lies between them is seen by nobody else, so it fills what it can.

use keel_kernels::statistics::{GradientSignal, Signal, SignalPart, UnitCounts};

/// What a node fills by itself in every training step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// [`Probe::input`]: nobody has to measure the output of the layer before.
    pub input: bool,
    /// [`LayerProbe::output`] of the last layer, and its [`LayerProbe::units`] if it is an activation.
    pub output: bool,
    /// [`LayerProbe::gradient`] of the last layer: the gradient by the node's output.
    pub gradient: bool,
    /// [`Probe::grad_input`]: nobody has to measure the gradient by the output of the layer before.
    pub grad_input: bool,
}

/// The slots of one node.
#[derive(Debug, Default)]
pub struct Probe {
    /// The first input, `[batch, ...]`.
    pub input: Option<Signal>,
    /// The gradient by the first input, as this node alone gives it, `[batch, ...]`.
    pub grad_input: Option<GradientSignal>,
    /// One for each node the instruction computes, in order; the last one's output is the instruction's.
    pub layers: Vec<LayerProbe>,
}

/// The slots of one layer.
#[derive(Debug, Default)]
pub struct LayerProbe {
    /// The layer's output, `[batch, ...]`.
    pub output: Option<Signal>,
    /// The gradient of the loss by the layer's output.
    pub gradient: Option<GradientSignal>,
    /// How often each unit (feature or channel) of an activation was above zero or saturated; begun anew by whoever
    /// fills `output`. Without units for other layers.
    pub units: UnitCounts,
    /// Room of whoever fills the slots, kept from step to step.
    pub parts: Vec<SignalPart>,
}

impl Probe {
    /// Empties all slots before a step; keeps their memory.
    pub fn clear(&mut self) {
        (self.input, self.grad_input) = (None, None);
        for layer in &mut self.layers {
            (layer.output, layer.gradient) = (None, None);
            layer.units.begin(0);
        }
    }

    /// The slots of the last layer.
    pub fn last(&mut self) -> Option<&mut LayerProbe> {
        self.layers.last_mut()
    }
}
