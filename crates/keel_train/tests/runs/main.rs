//! Training runs: sessions, health, results and predictors.

mod health;
mod predictor;
mod ranks;
mod results;
mod statistics;
mod training;
