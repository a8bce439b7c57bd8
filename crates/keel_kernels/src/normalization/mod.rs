//! Normalisation: statistics of channels, and maps that differ per channel, over `[rows, channels]` in memory order.
//!
//! All norms of this project consist of the same parts. [`moments`] computes mean and variance of each channel in chunks of rows,
//! `crate::columns` contains the loops, [`batch`] combines them over a whole batch (batch norm), with [`evaluation`] from running
//! statistics, and [`sample`] for every sample separately (layer, group and instance norm). A vector is an image of one position.
//!
//! A mean is stored as `mean + low`, two floats, so that data far from zero (mean 1e4, standard deviation 1) is centred without the
//! rounding error that a single float would add to every value.

mod affine;
pub mod batch;
mod batch_activation;
mod batch_sum;
pub mod evaluation;
pub mod moments;
mod pooled;
pub mod records;
mod row;
pub mod sample;
pub mod tail;
#[cfg(test)]
mod tests;

pub use affine::{Affine, AffineGradient};

pub use crate::columns::RowPair;
