//! Processes or threads that train one network together: each is a rank, and ranks exchange bytes and sums.
//!
//! [`Communicator`] is the interface for training. [`Alone`] is the single rank, [`Threads`] are ranks in one process, optionally
//! with the delays of a given network, and [`Mpi`] are the processes of a launcher such as `mpirun`, on one machine or several.
//! Sums have the same bits on every rank and in every implementation: `Threads` and `Mpi` differ only in the transport of messages.
//! [`cost`] predicts the duration of an exchange on a given network.
//!
//! All ranks start the same operations in the same order. Where they do not, every rank gets an error that names both sides.
//! Questions to one rank ([`Communicator::ask`]) are apart from that order; its [`Shelf`] answers them in the background.
//!
//! ```
//! use keel_ranks::{Communicator, Threads};
//!
//! let ranks = Threads::group(2);
//! std::thread::scope(|scope| {
//!     for communicator in ranks {
//!         scope.spawn(move || {
//!             let mut values = [1.0, communicator.rank() as f32];
//!             communicator.all_reduce(&mut values).expect("both ranks take part");
//!             assert_eq!(values, [2.0, 1.0]);
//!         });
//!     }
//! });
//! ```
#![deny(unsafe_code)]

mod alone;
mod backoff;
mod collectives;
mod communicator;
pub mod cost;
mod engine;
mod error;
mod launcher;
mod member;
#[allow(unsafe_code)]
mod mpi;
mod packet;
mod pieces;
mod requests;
mod threads;
mod transport;
mod variables;

pub use alone::Alone;
pub use communicator::{Communicator, Pending};
pub use error::RankError;
pub use launcher::{Launcher, launched, launched_from};
pub use mpi::Mpi;
pub use requests::{Question, Shelf};
pub use threads::{Links, Threads};
pub use variables::{LIBRARY_VARIABLE, SILENCE_VARIABLE};
