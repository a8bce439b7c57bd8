//! AlexNet's colour jitter (Krizhevsky et al. 2012, section 4.1): add `[p1 p2 p3] [a1 l1, a2 l2, a3 l3]` to every pixel,
//! with p and l the eigenvectors and eigenvalues of the colour covariance and a normal with a standard deviation of 0.1.
//! The eigenvalues are computed on colours scaled to `[0, 1]`, as in the original code; the step is scaled back to raw units.

use crate::catalog::CatalogEntry;
use crate::dataset::{Dataset, SampleShape, Work};
use crate::error::DataError;
use crate::random::normal;
use faer::{Mat, Side};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "color_pca", summary: "shift the colours along their principal axes (AlexNet)" };

/// Colour axes of a training split.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ColorAxes {
    /// Row `axis`: eigenvector times eigenvalue times value range, in raw units.
    steps: [[f64; 3]; 3],
}

/// Sums over pixels of the colours and of their products.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Sums {
    pixels: f64,
    colors: [f64; 3],
    products: [[f64; 3]; 3],
}

impl ColorAxes {
    pub(super) fn fit(dataset: &Dataset, indices: &[usize]) -> Result<Self, DataError> {
        if !matches!(dataset.sample_shape(), SampleShape::Image { channels: 3, .. }) {
            return Err(DataError::setting(
                "augment.color_pca",
                format!("images of shape {} have no colours", dataset.sample_shape()),
                "Set it to 0 for grey images",
            ));
        }
        let range = f64::from(dataset.value_range().1 - dataset.value_range().0).max(f64::MIN_POSITIVE);
        let parts = dataset.map_chunks(Work::Shared, indices, |indices| sums(dataset, indices, range))?;
        let total = parts.iter().fold(Sums::default(), |mut total, part| {
            total.pixels += part.pixels;
            for row in 0..3 {
                total.colors[row] += part.colors[row];
                (0..3).for_each(|column| total.products[row][column] += part.products[row][column]);
            }
            total
        });
        let mean = total.colors.map(|sum| sum / total.pixels.max(1.0));
        let covariance = Mat::from_fn(3, 3, |row, column| {
            total.products[row][column] / total.pixels.max(1.0) - mean[row] * mean[column]
        });
        let eigen = covariance
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| DataError::setting("augment.color_pca", "the colour axes did not converge", "Set it to 0"))?;
        let mut steps = [[0.0; 3]; 3];
        for axis in 0..3 {
            for channel in 0..3 {
                steps[axis][channel] = eigen.U()[(channel, axis)] * eigen.S()[axis].max(0.0) * range;
            }
        }
        Ok(Self { steps })
    }

    /// Draws the values to add to red, green and blue.
    pub(super) fn draw(&self, stream: &mut ChaCha8Rng, std: f64) -> [f32; 3] {
        let mut color = [0.0f64; 3];
        for step in &self.steps {
            let size = normal(stream) * std;
            color.iter_mut().zip(step).for_each(|(color, step)| *color += size * step);
        }
        color.map(|value| value as f32)
    }
}

/// Sums the colours, divided by `range`, over the pixels of `indices`.
fn sums(dataset: &Dataset, indices: &[usize], range: f64) -> Result<Sums, DataError> {
    let mut sums = Sums::default();
    let mut sample_values = vec![0.0f32; dataset.sample_shape().len()];
    for row in dataset.rows(indices)?.iter() {
        row.write(&mut sample_values);
        for pixel in sample_values.chunks_exact(3) {
            let color = [0, 1, 2].map(|channel| f64::from(pixel[channel]) / range);
            sums.pixels += 1.0;
            for row in 0..3 {
                sums.colors[row] += color[row];
                (0..3).for_each(|column| sums.products[row][column] += color[row] * color[column]);
            }
        }
    }
    Ok(sums)
}
