//! Measurements of runs in memory: read once for all viewers, then updated with new rows.

mod curves;
mod distributions;
mod hub;
mod maps;
mod run_data;

pub(crate) use curves::{CurveQuery, Curves, EpochPoint, epoch_points};
pub(crate) use distributions::Distribution;
pub(crate) use hub::Hub;
pub(crate) use maps::LayerMap;
pub(crate) use run_data::RunData;
