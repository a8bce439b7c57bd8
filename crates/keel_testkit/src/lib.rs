//! Test tools of Evenkeel: numerical gradients, golden files, tolerances, a browser for pages, sentences in two
//! languages.
//!
//! This crate is only a dev-dependency and depends on no other crate of the workspace, so that every crate can use it
//! in its tests. It provides three independent proofs for learning code: the numerical gradient check
//! ([`GradientCheck`]), values from another implementation ([`golden`], made by `tools/golden`) and golden loss curves
//! ([`golden::CurveCase`]).

pub mod allocation;
pub mod bilingual;
pub mod browser;
pub mod closeness;
pub mod course;
pub mod deterministic;
pub mod golden;
pub mod gradient_check;
pub mod shared_data;
pub mod skipping;

pub use allocation::{AllocationCount, CountingAllocator, count_allocations};
pub use bilingual::check_distinct;
pub use closeness::{Mismatch, Tolerance, assert_close, compare};
pub use course::CourseConformance;
pub use deterministic::{deterministic_labels, deterministic_values, kaiming_limit};
pub use gradient_check::{GradientCheck, GradientReport, choose_indices, weighted_sum};
pub use shared_data::{shared_data_or_skip, shared_data_path};
pub use skipping::skipped;
