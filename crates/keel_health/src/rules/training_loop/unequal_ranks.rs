//! # What it measures
//! Several ranks (processes or threads) that train one network, at the end of every epoch: a checksum of each rank's
//! weights and running statistics, and the computing time of each rank in a step, without the time it waits for others.
//! A rank whose checksum differs from that of most ranks is an immediate error. A rank that takes more than 1.5 times
//! the median of all ranks, and at least 10 milliseconds more, in two epochs in a row is a warning.
//!
//! # Why it matters
//! All ranks must have bit-identical weights: sums over ranks are added in the same order everywhere. Once one differs,
//! its gradients are those of another network, and the difference grows with every step. A slow rank makes all others
//! wait.
//!
//! # What to try
//! For different weights: resume from the last checkpoint, and test the memory of the named machine. For a slow rank:
//! look for other programs on its machine, and for processors that the launcher gave to two ranks (`mpirun
//! --report-bindings`).
//!
//! # When it is fine
//! Machines of different kinds differ in speed. A single rank is not checked, and small differences between short steps
//! are normal noise.
//!
//! # Source
//! Our own. Replicas that drift apart without an error are known from silent data corruption in large training runs
//! (Dixit et al., "Silent Data Corruptions at Scale", 2021).

use crate::case::{Case, Moment, Observation};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::RankMeasurement;
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::Code;
use crate::rules::{loss_trend, overfitting};

/// Code of the rule.
pub const CODE: &str = "K033";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "unequal-ranks",
    chinese_name: "进程不一致",
    summary: "a rank with different weights from the others, or a slower one",
    chinese_summary: "某个进程的权重与其他进程不同，或者速度较慢",
    kinds: &[SLOWER, DIFFERING],
    source: include_str!("unequal_ranks.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Loop,
        explains: &[Explanation { consequences: &[Code(loss_trend::CODE), Code(overfitting::CODE)], lies: Anywhere }],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// A rank is slow.
const SLOWER: FindingKind = FindingKind {
    key: "slower",
    statistic: "time of a step over the median",
    chinese_statistic: "每步用时与中位数之比",
    chinese_message: "有一个进程明显较慢，其他进程都在等待它",
    chinese_cause: "所在的机器较慢，正忙于其他程序，或者多个进程共用一个处理器",
};

/// Ranks have different weights.
const DIFFERING: FindingKind = FindingKind {
    key: "differing",
    statistic: "ranks that differ",
    chinese_statistic: "不一致的进程数",
    chinese_message: "有的进程的权重与其他进程不同",
    chinese_cause: "所在机器的内存或处理器有故障，或者运行的程序不是同一版本",
};

/// Time of a rank's step over the median of all ranks.
pub const SLOW: f64 = 1.5;
/// Minimum extra time of a slow rank's step, in seconds.
pub const LEAST_SECONDS: f64 = 1e-2;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    let (Moment::Epoch, Some(epoch)) = (case.moment, case.epochs.last()) else { return Vec::new() };
    let others = out_of_step(&epoch.ranks);
    if others.is_empty() { slow(&epoch.ranks).into_iter().collect() } else { others }
}

/// Reports ranks whose weights differ from those of most ranks; of two equal groups, the one with the first rank counts
/// as the majority.
fn out_of_step(ranks: &[RankMeasurement]) -> Vec<Observation> {
    let alike = |checksum: u32| ranks.iter().filter(|rank| rank.checksum == checksum).count();
    // First of the largest groups.
    let Some(common) = ranks.iter().rev().map(|rank| rank.checksum).max_by_key(|&checksum| alike(checksum)) else {
        return Vec::new();
    };
    let differs = |&(_, rank): &(u64, &RankMeasurement)| rank.checksum != common;
    let differing: Vec<u64> = (0..).zip(ranks).filter(differs).map(|(rank, _)| rank).collect();
    if differing.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = differing.iter().map(u64::to_string).collect();
    let names = match &names[..] {
        [one] => format!("rank {one} has"),
        several => format!("ranks {} have", several.join(", ")),
    };
    let message =
        format!("{names} different weights from the other {} of {} ranks (limit 0)", alike(common), ranks.len());
    vec![
        Observation::new(&DIFFERING, Level::Error, None, differing.len() as f64, 0.0)
            .at_once()
            .always()
            .message(message)
            .cause("faulty memory or a faulty processor in its machine, or a different build of the program")
            .remedy(Remedy::InspectRanks { ranks: differing }),
    ]
}

/// Returns the slowest rank, if it is far slower than most.
fn slow(ranks: &[RankMeasurement]) -> Option<Observation> {
    let mut seconds: Vec<f64> = ranks.iter().map(|rank| f64::from(rank.step_seconds)).collect();
    let (slowest, &longest) = seconds.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1))?;
    seconds.sort_by(f64::total_cmp);
    let median = f64::midpoint(seconds[(seconds.len() - 1) / 2], seconds[seconds.len() / 2]);
    // For two ranks, use the mean of both as the median.
    let median = if seconds.len() == 2 { seconds[0] } else { median };
    let ratio = longest / median;
    if !(ratio > SLOW && longest - median >= LEAST_SECONDS) {
        return None;
    }
    let message = format!(
        "rank {slowest} computes {:.1} ms in a step, {ratio:.1} times the median of {} ranks (limit {SLOW}): the others wait for it",
        1e3 * longest,
        seconds.len()
    );
    Some(
        Observation::new(&SLOWER, Level::Warn, None, ratio, SLOW)
            .while_seen()
            .message(message)
            .cause("its machine is slower, busy with other programs, or gives one processor to several ranks")
            .remedy(Remedy::InspectRanks { ranks: vec![slowest as u64] }),
    )
}
