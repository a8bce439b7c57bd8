//! Training runs: sessions, health, results and predictors.

mod health;
mod predictor;
mod ranks;
mod ranks_golden;
mod results;
mod statistics;
mod training;
