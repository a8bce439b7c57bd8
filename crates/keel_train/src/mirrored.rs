//! Evaluation of images and their mirror images together.

use keel_data::{Preprocessor, SampleShape};
use keel_nn::{Batch, Executor, Network};

use crate::error::TrainError;

/// Runs evaluation batches, once or, mirrored, twice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mirrored {
    /// Width and channels of the images, where each is predicted twice.
    image: Option<[usize; 2]>,
    inputs: Vec<f32>,
    outputs: Vec<f32>,
}

impl Mirrored {
    /// For samples of `preprocessor`; `wanted` is `train.mirrored_evaluation`.
    ///
    /// # Errors
    /// Mirroring is wanted where samples are no images.
    pub(crate) fn new(wanted: bool, preprocessor: &Preprocessor) -> Result<Self, TrainError> {
        let image = match (*preprocessor.output_shape(), wanted) {
            (_, false) => None,
            (SampleShape::Image { width, channels, .. }, true) => Some([width, channels]),
            (shape, true) => {
                let message = format!("samples of shape {shape} have no mirror image; set it to false");
                return Err(TrainError::setting("train.mirrored_evaluation", message));
            }
        };
        Ok(Mirrored { image, ..Mirrored::default() })
    }

    /// Outputs of a batch, `[batch, outputs]`: those of the network, or their mean with those of the mirror images.
    pub(crate) fn outputs(&mut self, executor: &mut Executor, network: &mut Network, batch: Batch<'_>) -> &[f32] {
        self.outputs.clear();
        self.outputs.extend_from_slice(executor.forward(network, batch, &mut ()));
        let Some([width, channels]) = self.image else { return &self.outputs };
        self.inputs.clear();
        for row in batch.input.chunks_exact(width * channels) {
            self.inputs.extend(row.chunks_exact(channels).rev().flatten());
        }
        let mirrored = executor.forward(network, Batch { input: &self.inputs, ..batch }, &mut ());
        self.outputs.iter_mut().zip(mirrored).for_each(|(output, mirrored)| *output = 0.5 * (*output + mirrored));
        &self.outputs
    }
}
