//! # What it measures
//! The target predicted from each column of a table alone: nearest values on one half of the training rows, the score
//! on the other half, at most 4,096 rows in all. The score is the share of a constant guess's errors that the
//! prediction avoids (R2 for values). Warning if one or two columns reach 0.999 while no other column reaches 0.95. A
//! column with a different whole number in each row, evenly spaced, is a note: it identifies rows.
//!
//! # Why it matters
//! A column that gives the answer away was mostly recorded together with the target or after it: a code of the
//! diagnosis, or the sum to be predicted in another currency. It will be missing for new rows. A number that identifies
//! rows can only be memorised.
//!
//! # What to try
//! Leave the column out (`data.ignore_columns`) unless it is known before the answer is.
//!
//! # When it is fine
//! If the column is known at prediction time: then no network is needed. Tables with fewer than three columns are not
//! checked, and neither are rare classes with fewer than twenty rows to test on.
//!
//! # Source
//! Kaufman, Rosset and Perlich, "Leakage in Data Mining: Formulation, Detection, and Avoidance" (2012).

use crate::case::{Case, Moment, Observation, number};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{ColumnScore, DataMeasurement};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::{Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K023";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "telling-columns",
    chinese_name: "泄露答案的列",
    summary: "a column that gives the target away, or identifies rows",
    chinese_summary: "某一列泄露了目标，或者可以用来识别行",
    kinds: &[TELLING_COLUMN, IDENTIFYING],
    source: include_str!("telling_columns.rs"),
    examine,
    roles: &[Role { symptom: Code(CODE), stage: Stage::Data, explains: &[] }],
    layer_statistics: &[],
    calibrations: &[],
};

/// A column gives the target away.
const TELLING_COLUMN: FindingKind = FindingKind {
    key: "telling",
    statistic: "score of one column alone",
    chinese_statistic: "单独一列的得分",
    chinese_message: "仅凭一列就几乎可以预测出目标",
    chinese_cause: "该列多半是与答案一同记录的，新的行中不会有它",
};

/// A column identifies rows.
const IDENTIFYING: FindingKind = FindingKind {
    key: "identifying",
    statistic: "columns that identify rows",
    chinese_statistic: "可识别行的列数",
    chinese_message: "有的列在每一行都是不同的整数，且间隔相等",
    chinese_cause: "该列看起来是行号：可以死记，对新的行却毫无意义",
};

/// Score above which a column gives the target away.
pub const TELLING: f64 = 0.999;
/// Score that no other column may reach; our own choice.
pub const OTHERS: f64 = 0.95;
/// Maximum number of columns that give the target away together: the same information in two forms.
pub const FORMS: usize = 2;
/// Minimum number of columns for the check.
pub const COLUMNS: usize = 3;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match (case.moment, case.data) {
        (Moment::Data, Some(data)) => telling(data).or_else(|| identifying(data)).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn telling(data: &DataMeasurement) -> Option<Observation> {
    let is_telling = |column: &&ColumnScore| column.score >= TELLING as f32;
    let (telling, others): (Vec<&ColumnScore>, Vec<&ColumnScore>) = data.column_scores.iter().partition(is_telling);
    // A score of NaN counts as neither.
    let none_near = others.iter().all(|column| column.score < OTHERS as f32);
    if telling.is_empty() || telling.len() > FORMS || !none_near || data.column_scores.len() < COLUMNS {
        return None;
    }
    let columns: Vec<String> = telling.iter().map(|column| column.name.clone()).collect();
    let best = telling.iter().map(|column| f64::from(column.score)).fold(0.0, f64::max);
    let (names, verb) = match columns.as_slice() {
        [one] => (format!("column `{one}`"), "predicts"),
        several => (format!("columns `{}`", several.join("` and `")), "each predict"),
    };
    let remaining = data.identifiers.iter().filter(|name| !columns.contains(name));
    let identifiers: Vec<String> = remaining.cloned().collect();
    let mut observation = Observation::new(&TELLING_COLUMN, Level::Warn, None, best, TELLING)
        .always()
        .message(format!(
            "{names} alone {verb} the target with a score of {} (1 is perfect, limit {})",
            (best * 1e4).floor() / 1e4,
            number(TELLING)
        ))
        .cause("it was probably written down together with the answer and will be missing for new rows")
        .remedy(Remedy::IgnoreColumns { columns })
        .always();
    if !identifiers.is_empty() {
        observation = observation.remedy(Remedy::IgnoreColumns { columns: identifiers });
    }
    Some(observation)
}

fn identifying(data: &DataMeasurement) -> Option<Observation> {
    let first = data.identifiers.first()?;
    let columns = data.identifiers.clone();
    let subject = match columns.len() {
        1 => format!("column `{first}` holds"),
        count => format!("column `{first}` and {} more hold", count - 1),
    };
    Some(
        Observation::new(&IDENTIFYING, Level::Info, None, columns.len() as f64, 0.0)
            .always()
            .message(format!("{subject} a different whole number in every row, evenly spaced"))
            .cause("it looks like a row number, which can be memorised but says nothing about new rows")
            .remedy(Remedy::IgnoreColumns { columns }),
    )
}
