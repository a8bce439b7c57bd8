//! Training runs: sessions, health, results and predictors.

mod health;
mod predictor;
mod ranks;
mod ranks_golden;
mod results;
mod scale_out;
mod statistics;
mod training;
