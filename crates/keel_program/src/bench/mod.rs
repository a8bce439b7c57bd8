//! The speed yardsticks: whole training steps, kernels, start and data, timed in turn with a peer where there is one.

pub(crate) mod doctor;
mod formula;
pub(crate) mod health;
mod health_cost;
pub(crate) mod machine;
pub(crate) mod matrix;
pub(crate) mod memory;
mod networks;
pub(crate) mod peer;
pub(crate) mod rows;
pub(crate) mod scaling;
pub(crate) mod tables;
mod turns;
mod workload;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use machine::Limits;

/// Seed of the weights and batches of both sides.
const SEED: u64 = 1;

/// Settings shared by all rows.
#[derive(Debug)]
pub(crate) struct Context {
    /// Limits of the machine.
    pub(crate) limits: Limits,
    /// The peer, unless it is left out or missing.
    pub(crate) peer: Option<PeerCommand>,
    /// Turns of each side.
    pub(crate) turns: usize,
    /// A folder of class folders with images of 32x32; none = images made up for the purpose.
    pub(crate) images: Option<PathBuf>,
    /// Variants of the peer that are tried.
    pub(crate) variants: Vec<String>,
    /// Reports the current work on standard error.
    pub(crate) progress: fn(&str),
    /// The fastest variant of the peer for a network and a kind of work, once it has been found.
    pub(crate) fastest: RefCell<BTreeMap<String, &'static str>>,
}

/// Command that starts a peer.
#[derive(Debug, Clone)]
pub(crate) struct PeerCommand {
    /// The Python that has PyTorch.
    pub(crate) python: String,
    /// `pytorch_peer.py`.
    pub(crate) script: PathBuf,
}
