//! # What it measures
//! The share of the variance of each column of a table, after preprocessing, that disappears without its most extreme
//! samples, at most 0.5 % of them. Warning above 0.99. Measured on up to 65,536 training rows; columns with the same
//! value in half of the other rows are not checked.
//!
//! # Why it matters
//! A single row with a wrong unit or a misplaced decimal point determines the scale: after standardisation all other
//! rows are squeezed together near zero and the column carries almost no information, while that row causes a huge
//! step.
//!
//! # What to try
//! Correct the rows, or add `clip` to `preprocess.steps` before the scaling: it limits each column to three times
//! the distance between its median and its outer per cent. `robust_scale` with `soft_clip` does the same smoothly.
//!
//! # When it is fine
//! Columns that are mostly zero with some per cent of large values, such as capital gains, are not reported, and
//! neither are flags and rare categories.
//!
//! # Source
//! Tukey, "Exploratory Data Analysis" (1977), on resistant summaries; the limits of 0.5 % and 0.99 are ours.

use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{DataMeasurement, FeatureOutliers};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::Code;
use crate::rules::{exploding_gradient, loss_trend, non_finite, overfitting};

/// Code of the rule.
pub const CODE: &str = "K025";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "outliers",
    chinese_name: "离群值",
    summary: "a column flattened by a few extreme values",
    chinese_summary: "少数极端值使一列的其余取值几乎没有差别",
    kinds: &[FLATTENED],
    source: include_str!("outliers.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Data,
        explains: &[
            // One row with a huge input makes a huge gradient.
            Explanation {
                consequences: &[
                    Code(exploding_gradient::CODE),
                    Code(overfitting::CODE),
                    Code(loss_trend::CODE),
                    Code(non_finite::CODE),
                ],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// A few values determine the variance.
const FLATTENED: FindingKind = FindingKind {
    key: "flattened",
    statistic: "share of the variance in extreme samples",
    chinese_statistic: "极端样本所占的方差比例",
    chinese_message: "某一列的方差几乎全部来自少数极端值",
    chinese_cause: "少数极端值决定了该列的尺度：单位有误，或者用特殊值表示缺失",
};

/// Share of the variance in the extreme samples for a warning.
pub const VARIANCE_SHARE: f64 = 0.99;
/// Maximum share of samples called extreme.
pub const SAMPLE_SHARE: f64 = 0.005;

/// The clipping step, which comes first.
const CLIP: &str = "clip";
/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match (case.moment, case.data) {
        (Moment::Data, Some(data)) => judge(data).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn judge(data: &DataMeasurement) -> Option<Observation> {
    let flattened: Vec<&FeatureOutliers> = data.outliers.iter().filter(|outliers| is_flattened(outliers)).collect();
    let worst = flattened.iter().max_by(|a, b| a.variance_share.total_cmp(&b.variance_share))?;
    let share = f64::from(worst.variance_share);
    let others = match flattened.len() - 1 {
        0 => String::new(),
        1 => "; 1 more column has the same problem".to_owned(),
        more => format!("; {more} more columns have the same problem"),
    };
    let rows = match (worst.extreme, worst.samples) {
        (1, 1) => "row holds",
        (1, _) => "rows holds",
        _ => "rows hold",
    };
    let message = format!(
        "{} of {} {rows} {} of the variance of {} (limit {}); the others have standard deviation {}{others}",
        worst.extreme,
        worst.samples,
        percent((share * 1e3).floor() / 1e3),
        data.feature_words(worst.feature),
        percent(VARIANCE_SHARE),
        number(f64::from(worst.rest_std)),
    );
    Some(
        Observation::new(&FLATTENED, Level::Warn, None, share, VARIANCE_SHARE)
            .message(message)
            .cause(
                "a few extreme values determine the scale of the column: wrong units, or placeholders for missing cells",
            )
            .remedy(Remedy::AddPreprocess { step: CLIP.to_owned() })
            .remedy(Remedy::CleanData),
    )
}

fn is_flattened(outliers: &FeatureOutliers) -> bool {
    let few = outliers.extreme as f64 <= SAMPLE_SHARE * outliers.samples as f64;
    few && outliers.variance_share > VARIANCE_SHARE as f32
}
