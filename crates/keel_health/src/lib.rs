//! Health rules of neural network training: pure functions over measurements.
#![forbid(unsafe_code)]
