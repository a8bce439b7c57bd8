//! The studio: a folder of runs in the browser, live and after they have ended.
//!
//! A server on this machine reads the files that training runs write anyway (`summary.json`, `metrics.sqlite`, the lock
//! of the run), so a run needs no option to be shown and is not slowed down: one reader per run serves all pages, at
//! most once per second and only if a file has changed. Long curves are reduced before they are sent. Actions that
//! change a run are executed by the program itself, started with arguments and never through a shell, as a separate
//! process that outlives the studio.
//!
//! Anyone who can reach the server can start training runs. It therefore listens only on the loopback address or else
//! requires a token, and rejects requests that pages of other origins make a browser send.
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
