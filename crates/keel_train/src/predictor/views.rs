//! Evaluation of several views of each image: the original, its mirror image, and both shifted.

use keel_data::{CropBorder, Preprocessor, SampleShape};
use keel_nn::{BatchInput, Executor, Network};

use crate::config::Config;
use crate::error::TrainError;

/// One view of an image, and its weight in the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
struct View {
    mirrored: bool,
    /// Shift in pixels, down and to the right.
    shift: isize,
    /// Content of the border, the same as for shifted training images.
    border: CropBorder,
    weight: f32,
}

/// Runs evaluation batches, once per view.
#[derive(Debug, Clone, Default)]
pub(crate) struct Views {
    /// Height, width and channels of the images.
    image: [usize; 3],
    /// Views; empty if only the original is used.
    views: Vec<View>,
    inputs: Vec<f32>,
    outputs: Vec<f32>,
}

impl Views {
    /// Creates the views of `train.mirrored_evaluation` and `train.shifted_evaluation`, for samples of `preprocessor`.
    ///
    /// # Errors
    /// If samples are not images, or are smaller than the shift.
    pub(crate) fn new(config: &Config, preprocessor: &Preprocessor) -> Result<Self, TrainError> {
        let (config, border) = (&config.train, config.augment.crop_border);
        let views = wanted(config.mirrored_evaluation, config.shifted_evaluation, border);
        if views.is_empty() {
            return Ok(Views::default());
        }
        let shape = *preprocessor.output_shape();
        let SampleShape::Image { height, width, channels } = shape else {
            let (key, off, what) = match config.mirrored_evaluation {
                true => ("train.mirrored_evaluation", "false", "have no mirror image"),
                false => ("train.shifted_evaluation", "0", "cannot be shifted"),
            };
            return Err(TrainError::setting(key, format!("samples of shape {shape} {what}; set it to {off}")));
        };
        if config.shifted_evaluation >= height.min(width) {
            let message = format!(
                "a shift of {} pixels moves images of {height} x {width} out of view",
                config.shifted_evaluation
            );
            return Err(TrainError::setting("train.shifted_evaluation", message));
        }
        Ok(Views { image: [height, width, channels], views, ..Views::default() })
    }

    /// Returns the outputs of a batch, `[batch, outputs]`: the network's outputs, or their mean over the views.
    pub(crate) fn outputs(&mut self, executor: &mut Executor, network: &Network, batch: BatchInput<'_>) -> &[f32] {
        self.outputs.clear();
        if self.views.is_empty() {
            self.outputs.extend_from_slice(executor.evaluate(network, batch));
        }
        for view in &self.views {
            view.write(self.image, batch.input, &mut self.inputs);
            let outputs = executor.evaluate(network, BatchInput { input: &self.inputs, ..batch });
            self.outputs.resize(outputs.len(), 0.0);
            self.outputs.iter_mut().zip(outputs).for_each(|(sum, output)| *sum += view.weight * output);
        }
        &self.outputs
    }
}

/// Returns the views; the unshifted ones have the same total weight as the shifted ones.
fn wanted(mirrored: bool, shift: usize, border: CropBorder) -> Vec<View> {
    let shift = shift as isize;
    let shifts: &[(isize, f32)] = if shift == 0 { &[(0, 1.0)] } else { &[(0, 0.5), (-shift, 0.25), (shift, 0.25)] };
    let sides: &[bool] = if mirrored { &[false, true] } else { &[false] };
    if shifts.len() * sides.len() == 1 {
        return Vec::new();
    }
    let view = |&(shift, weight): &(isize, f32), &mirrored: &bool| View {
        mirrored,
        shift,
        border,
        weight: weight / sides.len() as f32,
    };
    shifts.iter().flat_map(|shift| sides.iter().map(move |side| view(shift, side))).collect()
}

impl View {
    /// Writes this view of each image `[height, width, channels]` of `input` over the contents of `views`.
    fn write(self, [height, width, channels]: [usize; 3], input: &[f32], views: &mut Vec<f32>) {
        views.clear();
        let from = |at: usize, size: usize| self.border.source(at as isize - self.shift, size);
        for image in input.chunks_exact(height * width * channels) {
            for y in 0..height {
                for x in 0..width {
                    let x = if self.mirrored { width - 1 - x } else { x };
                    match (from(y, height), from(x, width)) {
                        (Some(y), Some(x)) => {
                            views.extend_from_slice(&image[(y * width + x) * channels..][..channels]);
                        }
                        _ => views.extend(std::iter::repeat_n(0.0, channels)),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use keel_nn::graph::Graph;
    use keel_nn::layers::{LayerSpec, LinearSpec};
    use keel_nn::{Cpu, MemoryRequest, Mode, RandomKey, Shape, lower};

    use super::*;

    /// Returns two images of 2 x 3 pixels with two channels.
    fn images() -> Vec<f32> {
        (1..=24).map(|value| value as f32).collect()
    }

    fn view_with(border: CropBorder, mirrored: bool, shift: isize) -> Vec<f32> {
        let mut views = vec![9.0; 3];
        View { mirrored, shift, border, weight: 1.0 }.write([2, 3, 2], &images(), &mut views);
        views
    }

    fn view(mirrored: bool, shift: isize) -> Vec<f32> {
        view_with(CropBorder::Zeros, mirrored, shift)
    }

    #[test]
    fn views_are_the_image_its_mirror_image_and_both_shifted_with_the_border_coming_in() {
        let reflected = view_with(CropBorder::Reflect, true, 1);
        assert_eq!(reflected[..6], [9.0, 10.0, 7.0, 8.0, 9.0, 10.0]);
        assert_eq!(reflected[6..12], [3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(view(false, 0), images());
        assert_eq!(view(true, 0)[..6], [5.0, 6.0, 3.0, 4.0, 1.0, 2.0]);
        assert_eq!(view(false, 1)[..12], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(view(false, -1)[12..], [21.0, 22.0, 23.0, 24.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(view(true, 1)[6..12], [3.0, 4.0, 1.0, 2.0, 0.0, 0.0]);
    }

    #[test]
    fn weights_of_all_views_sum_to_one_and_one_view_is_none() {
        assert_eq!(wanted(false, 0, CropBorder::Zeros), []);
        for (mirrored, shift, count) in [(true, 0, 2), (false, 1, 3), (true, 2, 6)] {
            let views = wanted(mirrored, shift, CropBorder::Zeros);
            assert_eq!((views.len(), views.iter().map(|view| view.weight).sum::<f32>()), (count, 1.0));
        }
    }

    #[test]
    fn outputs_are_the_weighted_mean_over_the_views() {
        let shape = SampleShape::Image { height: 2, width: 3, channels: 2 };
        let input = Shape::Image { height: 2, width: 3, channels: 2 };
        let graph = Graph::build(input, &[LayerSpec::Linear(LinearSpec::new(2))], 2).unwrap();
        let network = Network::new(graph, RandomKey::new(3));
        let request = MemoryRequest { batch: 2, mode: Mode::Evaluate, workers: 1 };
        let mut executor = Executor::new(lower(&network.graph, &Cpu::fused()), request);
        let images = images();
        let random = RandomKey::new(0);
        let mut config = Config::default();
        (config.train.mirrored_evaluation, config.train.shifted_evaluation) = (true, 1);
        let mut views = Views::new(&config, &Preprocessor::identity(shape)).unwrap();
        let outputs = views.outputs(&mut executor, &network, BatchInput { input: &images, random }).to_vec();
        let mut expected = vec![0.0; outputs.len()];
        for (shift, weight) in [(0, 0.25), (1, 0.125), (-1, 0.125)] {
            for mirrored in [false, true] {
                let seen = view(mirrored, shift);
                let alone = executor.evaluate(&network, BatchInput { input: &seen, random });
                expected.iter_mut().zip(alone).for_each(|(sum, output)| *sum += weight * output);
            }
        }
        assert!(outputs.iter().any(|output| output.abs() > 0.1), "{outputs:?}");
        for (output, expected) in outputs.iter().zip(&expected) {
            assert!((output - expected).abs() < 1e-4, "{outputs:?} {expected:?}");
        }
    }
}
