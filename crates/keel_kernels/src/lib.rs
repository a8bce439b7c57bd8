//! CPU arithmetic on slices for training neural networks.
//!
//! All kernels work on plain `&[f32]` in row-major order, with images as `[batch, height, width, channels]`. Lengths are asserted
//! once at each public entry. Results depend on the data and on the SIMD level, which is an argument of every kernel, but never on
//! the number of threads.
#![warn(clippy::unwrap_used)]

pub mod activation;
pub mod buffer;
pub mod bytes;
mod columns;
pub mod convolution;
pub mod dropout;
pub mod elementwise;
mod filter;
mod length;
pub mod machine_limits;
pub mod matmul;
pub mod normalization;
pub mod parallel;
pub mod pooling;
mod product;
mod scratch;
pub mod simd;
pub mod statistics;
mod subnormals;

pub use buffer::Buffer;
pub use columns::{MatrixColumns, column_sums};
pub use scratch::Scratch;
pub use simd::SimdLevel;
pub use subnormals::flush_subnormals;
