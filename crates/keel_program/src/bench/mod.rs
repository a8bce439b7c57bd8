//! Speed yardsticks: whole training steps, kernels, start and data, alternating with a peer if there is one.

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
    /// Command of the peer, unless it is left out or missing.
    pub(crate) peer: Option<PeerCommand>,
    /// Number of turns of each side.
    pub(crate) turns: usize,
    /// Folder of class folders with 32x32 images; `None` = images are generated.
    pub(crate) images: Option<PathBuf>,
    /// Variants of the peer to try.
    pub(crate) variants: Vec<String>,
    /// Reports the current work on standard error.
    pub(crate) progress: fn(&str),
    /// Fastest variant of the peer for a network and a kind of work, once it is known.
    pub(crate) fastest: RefCell<BTreeMap<String, &'static str>>,
}

/// Command that starts a peer.
#[derive(Debug, Clone)]
pub(crate) struct PeerCommand {
    /// Python with PyTorch.
    pub(crate) python: String,
    /// Path of `pytorch_peer.py`.
    pub(crate) script: PathBuf,
}
