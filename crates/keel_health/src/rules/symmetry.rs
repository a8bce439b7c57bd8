//! # What it measures
//! Units of a layer with exactly the same incoming weights and exactly the same gradient as another unit, before the
//! first update. Two such units are an error, regardless of the outcome of training.
//!
//! # Why it matters
//! Units that start equal and get the same gradient stay equal forever: a layer of a hundred units then works like a
//! layer of one.
//!
//! # What to try
//! Draw the weights at random: `xavier_normal` for tanh, `kaiming_normal` for relu.
//!
//! # When it is fine
//! Zero weights in the last layer are fine, because its units get different gradients; so are zero scales at the end of
//! a residual branch. Neither is reported.
//!
//! # Source
//! CS231n course notes, neural-networks-2: pitfall, all zero initialization.

use super::{
    dead_relu, exploding_gradient, frozen, loss_trend, saturation, signal, start_loss, stopped_early, tiny_batch,
    too_small, update_ratio, vanishing_gradient, zigzag,
};
use crate::case::{Case, Moment, Observation};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, Low};

/// Code of the rule.
pub const CODE: &str = "K006";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "symmetry",
    chinese_name: "同层单元完全相同",
    summary: "units of a layer that compute and learn the same",
    chinese_summary: "同一层的单元计算和学习的内容完全相同",
    kinds: &[SAME],
    source: include_str!("symmetry.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Symmetry,
        explains: &[
            // The signal and the gradient of a single unit.
            Explanation {
                consequences: &[
                    Code(signal::CODE),
                    Code(saturation::CODE),
                    Code(dead_relu::CODE),
                    Code(zigzag::CODE),
                    Code(vanishing_gradient::CODE),
                    Code(exploding_gradient::CODE),
                    Code(frozen::CODE),
                    Low(update_ratio::CODE),
                    Code(start_loss::CODE),
                    Code(tiny_batch::CODE),
                    Code(loss_trend::CODE),
                    Code(stopped_early::CODE),
                    Code(too_small::CODE),
                ],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// Units have the same weights and gradients.
const SAME: FindingKind = FindingKind {
    key: "identical-units",
    statistic: "identical units",
    chinese_statistic: "相同的单元数",
    chinese_message: "该层有多个单元的权重和梯度完全相同",
    chinese_cause: "权重的初始值都是同一个常数，所有单元学到的内容因此相同",
};

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    let (Moment::Start, Some(start)) = (case.moment, case.start) else { return Vec::new() };
    let symmetric =
        start.layers.iter().filter_map(|layer| Some((layer, layer.identical_units.filter(|&units| units > 1)?)));
    symmetric
        .map(|(layer, identical)| {
            let name = case.model.name(layer.layer);
            let of = layer.units.map(|units| format!(" of {units}")).unwrap_or_default();
            Observation::new(&SAME, Level::Error, Some(layer.layer), identical as f64, 1.0)
                .always()
                .message(format!(
                    "{identical}{of} units of {name} have the same weights and the same gradient (limit 1)"
                ))
                .cause("the weights start at one constant value, so that all units learn the same")
                .remedy(case.matching_init_everywhere(layer.layer))
        })
        .collect()
}
