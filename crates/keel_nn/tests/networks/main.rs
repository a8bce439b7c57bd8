//! Layers, losses and networks against numerical gradients, golden files and definitions.

mod activations;
mod curves;
mod frozen;
mod fusion;
mod init;
mod layers;
mod losses;
mod norms;
mod pooling;
mod reference;
mod single_layer;
mod statistics;
