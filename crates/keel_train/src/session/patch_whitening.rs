//! Initialises convolutions that use `patch_whitening` from the training images.

use keel_data::{Dataset, PreprocessScratch, Preprocessor, SampleShape};
use keel_nn::Network;
use keel_nn::graph::Value;
use rayon::prelude::*;

use crate::error::TrainError;

/// Number of images whose patches are used, spread evenly over the training split: about a million patches of 32x32 images.
const IMAGES: usize = 1000;

/// Number of images per task; fixed, so that sums are computed in the same order for any number of threads.
const CHUNK: usize = 16;

/// Replaces the weights of every convolution of `network` whose initialiser is `patch_whitening`.
///
/// # Errors
/// If a convolution does not read the network's input, the samples are not images, or there are too many channels.
pub(super) fn apply(
    network: &mut Network,
    preprocessor: &Preprocessor,
    dataset: &Dataset,
    training: &[usize],
) -> Result<(), TrainError> {
    let Network { graph, parameters, .. } = network;
    for parameter in graph.parameters() {
        let Some(whitening) = parameter.spec.init.and_then(|init| init.patch_whitening()) else { continue };
        let node = graph.node(parameter.node);
        let refusal =
            |reason: String| TrainError::setting("model.layers", format!("{}: patch_whitening {reason}", node.name));
        let SampleShape::Image { height, width, channels } = *preprocessor.output_shape() else {
            return Err(refusal("needs images; use another init for tables".to_owned()));
        };
        let &[kernel_h, kernel_w, in_channels, out_channels] = parameter.spec.shape.as_slice() else {
            return Err(refusal("fills the weights of a conv2d; use another init here".to_owned()));
        };
        if node.inputs != [Value::Input] || in_channels != channels || kernel_h > height || kernel_w > width {
            return Err(refusal("needs a conv2d on the network's input, without groups; use another init".to_owned()));
        }
        let patch = Patch { height, width, channels, kernel: [kernel_h, kernel_w] };
        let moments = patch_moments(patch, preprocessor, dataset, training)?;
        let filters = whitening.filters(&moments, out_channels).ok_or_else(|| {
            let most = 2 * patch.len();
            refusal(format!("makes 1 to {most} channels of a {kernel_h}x{kernel_w} window, not {out_channels}"))
        })?;
        parameters[parameter.range.clone()].copy_from_slice(&filters);
    }
    Ok(())
}

/// Geometry of an image and of its patches.
#[derive(Clone, Copy)]
struct Patch {
    height: usize,
    width: usize,
    channels: usize,
    kernel: [usize; 2],
}

impl Patch {
    fn len(self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels
    }
}

/// Returns the mean of `p p^T` over all patches p, `[patch values, patch values]`.
fn patch_moments(
    patch: Patch,
    preprocessor: &Preprocessor,
    dataset: &Dataset,
    training: &[usize],
) -> Result<Vec<f64>, TrainError> {
    let chosen: Vec<usize> = training.iter().copied().step_by(training.len().div_ceil(IMAGES)).collect();
    let length = patch.height * patch.width * patch.channels;
    let sums: Result<Vec<Vec<f64>>, TrainError> = chosen
        .par_chunks(CHUNK)
        .map(|indices| {
            let mut images = vec![0.0; indices.len() * length];
            preprocessor.gather(dataset, indices, &mut images, &mut PreprocessScratch::default())?;
            let mut sums = vec![0.0; patch.len() * patch.len()];
            images.chunks_exact(length).for_each(|image| add_patches(patch, image, &mut sums));
            Ok(sums)
        })
        .collect();
    let [kernel_h, kernel_w] = patch.kernel;
    let count = chosen.len() * (patch.height - kernel_h + 1) * (patch.width - kernel_w + 1);
    let mut moments = vec![0.0; patch.len() * patch.len()];
    for part in sums? {
        moments.iter_mut().zip(&part).for_each(|(moment, sum)| *moment += sum / count as f64);
    }
    Ok(moments)
}

fn add_patches(patch: Patch, image: &[f32], sums: &mut [f64]) {
    let [kernel_h, kernel_w] = patch.kernel;
    let (row, line) = (patch.width * patch.channels, kernel_w * patch.channels);
    let mut values = vec![0.0_f64; patch.len()];
    for top in 0..=patch.height - kernel_h {
        for left in 0..=patch.width - kernel_w {
            for (offset, target) in values.chunks_exact_mut(line).enumerate() {
                let start = (top + offset) * row + left * patch.channels;
                target.iter_mut().zip(&image[start..start + line]).for_each(|(to, from)| *to = f64::from(*from));
            }
            for (sums, first) in sums.chunks_exact_mut(patch.len()).zip(&values) {
                sums.iter_mut().zip(&values).for_each(|(sum, second)| *sum += first * second);
            }
        }
    }
}
