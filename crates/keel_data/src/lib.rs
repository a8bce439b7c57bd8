//! Datasets, splits, preprocessing, augmentation and batches.
#![forbid(unsafe_code)]
