//! Train neural networks on the CPU you have, and see whether they are healthy.
#![forbid(unsafe_code)]
