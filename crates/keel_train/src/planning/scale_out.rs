//! Predicts the duration of a training step on several ranks: measured computation, and messages by [`keel_ranks::cost`].
//!
//! A step of `p` ranks sends, with latency `α` and bandwidth `1/β` of the network:
//!
//! - two small messages of every rank to all for each synchronised batch norm: `1 + 2 · channels` numbers of 8 bytes forward,
//!   and as many backward;
//! - one for the loss;
//! - the gradients, added in buckets that leave as soon as the backward pass has filled them. The loss and all buckets but the
//!   last are sent while it goes on, so that up to its length of their time is hidden.

use std::time::Duration;

use keel_data::Share;
use keel_nn::graph::Node;
use keel_nn::{Cpu, Op, lower};
use keel_ranks::cost::Network;

use super::Outline;
use super::measured_step::{StepSeconds, measured_steps};
use crate::session::ranks::BUCKET;

/// Bytes of the loss of a rank: sum, weight, correct predictions, finite or not, whether it wants to end.
const LOSS_BYTES: u64 = 40;

/// Minimum number of samples of a measured share: batch norm has no variance of a single row.
const LEAST_SAMPLES: usize = 2;

/// Computation and messages of a training step, for any number of ranks.
#[derive(Debug, Clone, PartialEq)]
pub struct RankWork {
    /// Number of samples of a batch.
    pub batch: usize,
    /// Duration of a step of the whole batch on one rank.
    pub whole: StepSeconds,
    /// Number of samples of a rank's share in the measured division, and the duration of its step.
    pub share: (usize, StepSeconds),
    /// Number of channels of each synchronised batch norm.
    pub norms: Vec<usize>,
    /// Sizes of the gradient buckets in bytes, in the order in which they are sent.
    pub buckets: Vec<u64>,
}

/// Batch of each rank with a growing number of ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// A part of the same batch.
    Strong,
    /// A separate batch: the batch of all ranks grows.
    Weak,
}

/// A step on a number of ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankStep {
    /// Number of ranks.
    pub ranks: usize,
    /// Number of samples of the rank with the largest share.
    pub samples: usize,
    /// Seconds of forward, backward and update.
    pub compute: f64,
    /// Seconds of all messages, hidden or not.
    pub communication: f64,
    /// Seconds of messages during the backward pass.
    pub hidden: f64,
    /// Seconds of the messages of batch norms.
    pub norms: f64,
    /// Seconds of the sums of gradients.
    pub gradients: f64,
    /// Seconds of all messages if gradients were summed with a ring.
    pub ring: f64,
    /// Seconds of the step.
    pub step: f64,
    /// Samples of all ranks per second.
    pub samples_per_second: f64,
    /// Samples per second relative to as many ranks that never wait; 1 for a single rank.
    pub efficiency: f64,
}

/// Part of a step that may be its bottleneck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Forward, backward and update.
    Compute,
    /// The latency of the messages of batch norms.
    Norms,
    /// The bytes of gradients.
    Bandwidth,
    /// The latency of all other messages.
    Latency,
}

impl Outline {
    /// Measures a few steps of this machine on synthetic samples, of the whole batch and of a share of `ranks`; `None` if the
    /// training run would not fit into memory.
    pub fn rank_work(&self, ranks: usize) -> Option<RankWork> {
        if !self.estimate.fits() {
            return None;
        }
        // The fastest step: other work of the machine does not count.
        let fastest = |samples| {
            let steps = measured_steps(&self.graph, samples, Some(&self.config().optimizer));
            steps.into_iter().min_by(|one, other| one.total().total_cmp(&other.total())).unwrap_or_default()
        };
        let whole = fastest(self.batch);
        let samples = largest_share(self.batch, ranks).max(LEAST_SAMPLES).min(self.batch);
        let share = if samples == self.batch { whole } else { fastest(samples) };
        Some(RankWork {
            batch: self.batch,
            whole,
            share: (samples, share),
            norms: self.graph.nodes().iter().filter_map(synchronised_channels).collect(),
            buckets: self.buckets(),
        })
    }

    /// Returns the bytes of gradients in the order in which the backward pass completes them.
    fn buckets(&self) -> Vec<u64> {
        let program = lower(&self.graph, &Cpu::fused());
        buckets(program.instructions().iter().rev().map(|instruction| instruction.parameters.len()))
    }
}

impl RankWork {
    /// Returns the step on 1, 2, 4 … ranks up to `most`, which is always included.
    pub fn steps(&self, scaling: Scaling, network: &Network, most: usize) -> Vec<RankStep> {
        let powers = std::iter::successors(Some(1), |ranks: &usize| ranks.checked_mul(2));
        let counts = powers.take_while(|&ranks| ranks < most).chain([most]);
        counts.map(|ranks| self.step(scaling, network, ranks)).collect()
    }

    /// Returns the step on `ranks` ranks.
    pub fn step(&self, scaling: Scaling, network: &Network, ranks: usize) -> RankStep {
        let (samples, all) = match scaling {
            Scaling::Strong => (largest_share(self.batch, ranks), self.batch),
            Scaling::Weak => (self.batch, self.batch * ranks),
        };
        let parts = self.seconds_of(samples);
        let gather = |bytes| network.all_gather(ranks, bytes).as_secs_f64();
        // Forward; backward takes the same time.
        let norms: f64 = self.norms.iter().map(|channels| gather(8 * (1 + 2 * *channels as u64))).sum();
        let sums = |sum: &dyn Fn(u64) -> Duration| self.buckets.iter().map(|&bytes| sum(bytes).as_secs_f64()).sum();
        let gradients: f64 = sums(&|bytes| network.all_reduce(ranks, bytes));
        let ring: f64 = sums(&|bytes| network.all_reduce_ring(ranks, bytes));
        let last = self.buckets.last().map_or(0.0, |&bytes| network.all_reduce(ranks, bytes).as_secs_f64());
        let loss = gather(LOSS_BYTES);
        let hidden = (gradients - last + loss).min(parts.backward + norms);
        let small = 2.0 * norms + loss;
        let (compute, communication) = (parts.total(), small + gradients);
        let step = compute + communication - hidden;
        let samples_per_second = all as f64 / step;
        let alone = self.batch as f64 / self.whole.total();
        RankStep {
            ranks,
            samples,
            compute,
            communication,
            hidden,
            norms: 2.0 * norms,
            gradients,
            ring: small + ring,
            step,
            samples_per_second,
            efficiency: samples_per_second / (alone * ranks as f64),
        }
    }

    /// Returns the parts of `step` that are not hidden, with their seconds, the longest first.
    pub fn limits(&self, step: &RankStep, network: &Network) -> [(Limit, f64); 4] {
        let empty = network.all_reduce(step.ranks, 0).as_secs_f64() * self.buckets.len() as f64;
        let loss = step.communication - step.gradients - step.norms;
        let shown = (step.gradients + loss - step.hidden).max(0.0);
        let bandwidth = shown * (1.0 - empty / step.gradients.max(f64::MIN_POSITIVE));
        let mut parts = [
            (Limit::Compute, step.compute),
            (Limit::Norms, step.norms),
            (Limit::Bandwidth, bandwidth),
            (Limit::Latency, shown - bandwidth),
        ];
        parts.sort_by(|one, other| other.1.total_cmp(&one.1));
        parts
    }

    /// Returns the seconds of a step with `samples`, interpolated between the two that were measured.
    fn seconds_of(&self, samples: usize) -> StepSeconds {
        let (least, share) = self.share;
        if least >= self.batch {
            return self.whole;
        }
        let at = samples.saturating_sub(least) as f64 / (self.batch - least) as f64;
        // With few samples, noise may exceed the work.
        let between = |share: f64, whole: f64| share.min(whole) + at * (whole - share.min(whole));
        StepSeconds {
            forward: between(share.forward, self.whole.forward),
            backward: between(share.backward, self.whole.backward),
            update: self.whole.update,
        }
    }
}

/// Returns the number of samples of the largest share of a batch.
fn largest_share(batch: usize, ranks: usize) -> usize {
    (0..ranks).map(|rank| Share { rank, size: ranks }.range(batch).len()).max().unwrap_or(batch)
}

/// Returns the number of channels of a batch norm whose statistics the ranks share.
fn synchronised_channels(node: &Node) -> Option<usize> {
    match &node.op {
        Op::BatchNorm(norm) if norm.spec().synchronised && !norm.is_frozen() => Some(norm.channels()),
        _ => None,
    }
}

/// Returns the bytes of the buckets for gradients of `lengths` values, from the last parameters to the first.
fn buckets(lengths: impl Iterator<Item = usize>) -> Vec<u64> {
    let (mut buckets, mut filled) = (Vec::new(), 0);
    for length in lengths {
        filled += length;
        if filled >= BUCKET {
            buckets.push(filled);
            filled = 0;
        }
    }
    buckets.extend((filled > 0).then_some(filled));
    buckets.into_iter().map(|length| (length * size_of::<f32>()) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> RankWork {
        RankWork {
            batch: 128,
            whole: StepSeconds { forward: 0.030, backward: 0.060, update: 0.010 },
            share: (16, StepSeconds { forward: 0.0055, backward: 0.011, update: 0.010 }),
            norms: vec![64, 128],
            buckets: vec![4 << 20, 1 << 20],
        }
    }

    fn near(actual: f64, expected: f64, what: &str) {
        assert!((actual - expected).abs() < 1e-9, "{what}: {actual}, not {expected}");
    }

    #[test]
    fn a_step_is_computing_and_what_no_computing_hides() {
        let network = Network { latency: Duration::from_millis(1), bytes_per_second: 1e8 };
        let step = work().step(Scaling::Strong, &network, 4);
        assert_eq!((step.ranks, step.samples), (4, 32));
        let share = |least: f64, whole: f64| least + (whole - least) * 16.0 / 112.0;
        let backward = share(0.011, 0.060);
        near(step.compute, share(0.0055, 0.030) + backward + 0.010, "compute");
        let gather = |bytes: f64| 0.001 + 3.0 * bytes / 1e8;
        let norms = gather(8.0 * 129.0) + gather(8.0 * 257.0);
        let sum = |bytes: f64| 0.002 + 1.5 * bytes / 1e8;
        near(step.norms, 2.0 * norms, "norms");
        near(step.gradients, sum(4194304.0) + sum(1048576.0), "gradients");
        near(step.communication, step.norms + step.gradients + gather(40.0), "communication");
        near(step.hidden, backward + norms, "hidden: the first bucket takes longer than the backward pass");
        near(step.step, step.compute + step.communication - step.hidden, "step");
        near(step.ring, step.communication + 2.0 * 0.004, "a ring has two more latencies in each direction");
        near(step.efficiency, 0.1 / step.step / 4.0, "efficiency");

        let quick = Network { bytes_per_second: 1e10, ..network };
        let step = work().step(Scaling::Strong, &quick, 4);
        let loss = 0.001 + 3.0 * 40.0 / 1e10;
        near(step.hidden, 0.002 + 1.5 * 4194304.0 / 1e10 + loss, "hidden: the loss and all but the last bucket");
    }

    #[test]
    fn one_rank_sends_nothing_and_the_most_comes_last() {
        let network: Network = "25gbit".parse().unwrap();
        for scaling in [Scaling::Strong, Scaling::Weak] {
            let steps = work().steps(scaling, &network, 12);
            assert_eq!(steps.iter().map(|step| step.ranks).collect::<Vec<_>>(), [1, 2, 4, 8, 12]);
            near(steps[0].communication, 0.0, "alone");
            near(steps[0].step, 0.1, "alone");
            near(steps[0].efficiency, 1.0, "alone");
            assert!(steps.windows(2).all(|pair| pair[0].efficiency > pair[1].efficiency), "{steps:?}");
        }
        assert_eq!(work().steps(Scaling::Strong, &network, 1).len(), 1);
        assert_eq!(work().steps(Scaling::Strong, &network, 8).len(), 4);
        let weak = work().step(Scaling::Weak, &network, 12);
        assert_eq!(weak.samples, 128);
        near(weak.compute, 0.1, "each rank has a whole batch");
        assert_eq!(work().step(Scaling::Strong, &network, 12).samples, 12, "shares begin at even places");
    }

    #[test]
    fn the_longest_part_of_a_step_limits_it() {
        let cases = [("100gbit", 2, Limit::Compute), ("1gbit", 8, Limit::Bandwidth), ("100gbit,20ms", 8, Limit::Norms)];
        for (network, ranks, expected) in cases {
            let network: Network = network.parse().unwrap();
            let work = work();
            let step = work.step(Scaling::Strong, &network, ranks);
            assert_eq!(work.limits(&step, &network)[0].0, expected, "{step:?}");
        }
        let slow: Network = "100gbit,50ms".parse().unwrap();
        let bare = RankWork { norms: Vec::new(), ..work() };
        let step = bare.step(Scaling::Strong, &slow, 8);
        assert_eq!(bare.limits(&step, &slow)[0].0, Limit::Latency, "{step:?}");
    }

    #[test]
    fn buckets_are_those_of_the_exchange() {
        let bytes = |lengths: &[usize]| buckets(lengths.iter().copied());
        assert_eq!(bytes(&[]), [0u64; 0]);
        assert_eq!(bytes(&[10, 20]), [120]);
        assert_eq!(bytes(&[10, BUCKET, 5]), [4 * (10 + BUCKET as u64), 20]);
        assert_eq!(bytes(&[3 * BUCKET]), [12 * BUCKET as u64]);
    }
}
