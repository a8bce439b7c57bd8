//! Training runs: sessions, health, results and predictors.

mod exchange;
mod health;
mod predictor;
mod results;
mod statistics;
mod training;
