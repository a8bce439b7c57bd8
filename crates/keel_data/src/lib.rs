//! Datasets, splits, preprocessing, augmentation and batches.
//!
//! The path of a sample: a reader creates a [`Dataset`], [`Split`] divides it, [`Preprocessor::fit`] computes
//! statistics on the training split, and [`Batches`] (on the calling thread) or [`Loader`] (ahead of the step) fill
//! batches with augmented and preprocessed samples. Every random draw is a function of seed, epoch and sample alone.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
#![cfg_attr(not(test), warn(clippy::expect_used, clippy::panic, clippy::unreachable, clippy::todo))]

mod augment;
mod batches;
mod catalog;
mod config;
mod dataset;
mod equal_samples;
mod error;
mod format;
mod imputation;
mod inspection;
mod load;
mod moments;
mod picture;
mod preprocess;
mod printable;
pub mod random;
mod readers;
mod split;
mod synthetic;

pub use augment::{AUGMENTATIONS, AugmentConfig, Augmenter, CropBorder};
pub use batches::{
    Batch, BatchOptions, BatchSource, BatchTargets, Batches, LastBatch, LoadedBatch, Loader, Order, Position, Share,
};
pub use catalog::CatalogEntry;
pub use config::{ColorMode, DataConfig, Fit, ImageSize, ResizeFilter, Task};
pub use dataset::{
    Bilingual, ColumnEncoding, ColumnKind, ColumnReport, Dataset, DateOrder, Grouping, ImageDecoding, Inputs, LentRows,
    NumberEncoding, NumberFormat, OfficialDivision, Peers, Provenance, RowRequest, RowsOfFile, SampleOrigin,
    SampleShape, Schema, SplitKeys, TableColumn, TableTarget, TargetKind, Targets, TimeEncoding, TimePart,
};
pub use error::DataError;
pub use format::Format;
pub use imputation::Imputation;
pub use inspection::{ColumnSurvey, ScoredColumn, SplitDuplicates, TrainingRange, TrainingRanges, Unlike};
pub use load::{
    IN_MEMORY, Wanted, built_in_sets, is_built_in, load, load_for_model, load_images_for_model, load_shared,
    load_table_for_model, load_to_predict, survey,
};
pub use moments::Moments;
pub use picture::batch_picture;
pub use preprocess::{
    ClipSpec, FeatureExtremes, FittedStep, Matrix, PREPROCESSING, PcaSpec, PiecewiseLinearSpec, PreprocessConfig,
    PreprocessScratch, PreprocessStatistics, PreprocessStep, Preprocessor, Recipe, SoftClipSpec, WhitenSpec, ZcaSpec,
};
pub use printable::{printable, printable_path, shell_path, shell_word};
pub use readers::{
    Cell, ColumnCells, ImageFiles, ImageSizeChoice, ImageSurvey, PIXEL_BUDGET, Table, TableSource, TextForm,
    check_is_file, choose_image_size, image_files_below, is_data_file, is_folder_of_runs, is_image, is_run_folder,
    missing_texts, nearest_path, readers, truth_texts, why_unlabelled,
};
pub use split::{Split, SplitDataset};
pub use synthetic::synthetic_sets;
