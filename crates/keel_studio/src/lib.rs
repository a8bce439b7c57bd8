//! The studio: a folder of runs in the browser, as they happen and when they are over.
//!
//! A server on this machine reads what training runs write anyway (`summary.json`, `metrics.sqlite`, the lock of the run), so a
//! run needs no flag to be seen and pays nothing for being watched: one reader per run serves all pages, at most once a second
//! and only when a file has changed. Long curves are reduced before they are sent. Actions that change a run are done by
//! the program itself, started with arguments and never through a shell, as a process of its own that outlives the studio.
//!
//! Anybody who can reach the server can start training runs. So it listens on the loopback address only, or else requires a
//! token, and refuses requests that pages of other origins make a browser send.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod assets;
mod catalog;
mod comparison;
mod error;
mod events;
mod guard;
mod jobs;
mod lab;
mod live;
mod predict;
mod report;
mod routes;
mod runs;
mod server;
mod shared;

pub use error::StudioError;
pub use server::{Studio, StudioOptions};
