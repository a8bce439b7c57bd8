//! CPU arithmetic on slices for training neural networks.
