//! Gradient descent on the squared error of a linear unit with a bias: the stable rates, and one run.

use serde::Serialize;

use crate::experiments::data_preprocessing::why_preprocess::{Cloud, eigenvalues};

/// Number of steps in a run.
pub(super) const STEPS: usize = 200;
/// Loss above which a run is stopped.
pub(super) const CEILING: f64 = 1e6;

/// Curvature of the error of one cloud, and the learning rates it allows.
#[derive(Debug, Serialize)]
pub(super) struct Rates {
    pub(super) offset: f64,
    pub(super) condition_number: f64,
    /// Largest stable learning rate found by trial.
    pub(super) largest_learning_rate: f64,
    /// 2 / λ of the largest eigenvalue λ.
    pub(super) theory: f64,
    /// Value on the slide: for the logistic loss at weights of 0, where the curvature is a quarter, with the clouds at (d, -d).
    pub(super) logistic: f64,
}

impl Rates {
    /// Computes the rates of a cloud at `offset`, and of the cloud in the position of the slide.
    pub(super) fn of(cloud: &Cloud, on_slide: &Cloud, offset: f64) -> Self {
        let [largest, _, smallest] = eigenvalues(cloud.curvature());
        Rates {
            offset,
            condition_number: largest / smallest,
            largest_learning_rate: cloud.largest_learning_rate(),
            theory: 2.0 / largest,
            logistic: 8.0 / eigenvalues(on_slide.curvature())[0],
        }
    }
}

/// A run from weights of 0.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) learning_rate: f64,
    /// Loss before the first step and after each step; ends with the first one above [`CEILING`].
    pub(super) losses: Vec<f64>,
    /// True if the loss ends above its start.
    pub(super) diverged: bool,
}

impl Run {
    /// Descends with one learning rate. The loss is the mean of (w·(x, y, 1) - class)² / 2.
    pub(super) fn new(cloud: &Cloud, learning_rate: f64) -> Self {
        let (curvature, target) = (cloud.curvature(), cloud.target());
        let mut weights = [0.0_f64; 3];
        let mut losses = Vec::with_capacity(STEPS + 1);
        loop {
            let product = curvature.map(|row| row.iter().zip(&weights).map(|(a, b)| a * b).sum::<f64>());
            let loss = 0.5 + (0..3).map(|i| weights[i] * (0.5 * product[i] - target[i])).sum::<f64>();
            losses.push(loss);
            if losses.len() > STEPS || !(loss <= CEILING) {
                break;
            }
            for i in 0..3 {
                weights[i] -= learning_rate * (product[i] - target[i]);
            }
        }
        let diverged = losses.last() > losses.first();
        Run { learning_rate, losses, diverged }
    }

    /// Returns the number of steps taken.
    pub(super) fn steps(&self) -> usize {
        self.losses.len() - 1
    }
}

/// Returns the loss of the best weights: half the part of the classes' variance that the coordinates do not explain.
pub(super) fn smallest_loss(cloud: &Cloud) -> f64 {
    let (m, t) = (cloud.curvature(), cloud.target());
    let covariance = |i: usize, j: usize| m[i][j] - m[i][2] * m[j][2];
    let [a, b, c] = [covariance(0, 0), covariance(0, 1), covariance(1, 1)];
    let [x, y] = [t[0] - m[0][2] * t[2], t[1] - m[1][2] * t[2]];
    let explained = (c * x * x - 2.0 * b * x * y + a * y * y) / (a * c - b * b);
    0.5 * (1.0 - t[2] * t[2] - explained)
}
