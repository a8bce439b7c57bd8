//! What the fusion passes know a layer as.

use super::{Add, BatchNorm, Conv2d, ConvolutionBlock, Linear, MaxPool, NormBlock};
use crate::activations::Activation;

/// A layer the fusion passes can join with its neighbour.
#[derive(Debug)]
pub enum Part<'a> {
    /// None of those below.
    Other,
    /// A convolution.
    Convolution(&'a Conv2d),
    /// A linear layer.
    Linear(&'a Linear),
    /// A batch norm.
    Norm(&'a BatchNorm),
    /// A batch norm already joined with something after it.
    NormBlock(&'a NormBlock),
    /// A convolution joined with the norm after it.
    ConvolutionBlock(&'a ConvolutionBlock),
    /// An activation without parameters.
    Activation(Activation),
    /// Max pooling.
    MaxPool(&'a MaxPool),
    /// The sum that ends a residual block.
    Sum(&'a Add),
}
