//! Table of the columns and their treatment.

use keel_data::{ColumnKind, ColumnReport};

use super::tables::{Align, table_within};
use super::text::{TABLE_WIDTH, count, error_width};

/// Maximum number of rows shown of a table with many columns.
const ROWS: usize = 40;
/// Maximum number of characters shown of a name.
const NAME: usize = 20;

/// Formats the target first, then the columns in the order of the table.
pub(crate) fn columns_text(reports: &[ColumnReport]) -> String {
    let width = error_width().map_or(TABLE_WIDTH, |width| width.min(TABLE_WIDTH));
    text_within(width, reports)
}

fn text_within(width: usize, reports: &[ColumnReport]) -> String {
    let (targets, others): (Vec<&ColumnReport>, Vec<&ColumnReport>) =
        reports.iter().partition(|report| report.kind == ColumnKind::Target);
    let ordered: Vec<&ColumnReport> = targets.into_iter().chain(others).collect();
    let columns = [
        ("column", Align::Left),
        ("kind", Align::Left),
        ("missing", Align::Right),
        ("distinct", Align::Right),
        ("became", Align::Left),
        ("reason", Align::Left),
    ];
    let rows: Vec<Vec<String>> = ordered.iter().take(ROWS).map(|report| row(report)).collect();
    let table = table_within(width, &columns, &rows);
    match ordered.len().checked_sub(ROWS) {
        None | Some(0) => format!("\n{table}\n"),
        Some(more) => format!("\n{table}\n... and {} more columns, in summary.json\n", count(more)),
    }
}

fn row(report: &ColumnReport) -> Vec<String> {
    let name = match report.name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}...", &report.name[..end]),
        None => report.name.clone(),
    };
    vec![
        name,
        report.kind.to_string(),
        count(report.missing),
        count(report.distinct),
        report.became.clone(),
        report.reason.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(name: &str, kind: ColumnKind, reason: &str) -> ColumnReport {
        serde_json::from_value(json!({
            "name": name, "kind": kind, "missing": 1_234, "distinct": 20, "became": "1 number + 1 missing flag",
            "reason": reason,
        }))
        .unwrap()
    }

    #[test]
    fn the_table_fits_eighty_columns_and_begins_with_the_target() {
        let reports = [
            report("a name of more than twenty letters", ColumnKind::RowNumber, "counts the rows, from 0 to 12345"),
            report("price", ColumnKind::Target, "the last column; numbers with decimals, 1.5 to 20000"),
        ];
        let text = text_within(80, &reports);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let lines: Vec<&str> = text.trim().lines().collect();
        assert!(lines[2].starts_with("price"), "{text}");
        let many: Vec<ColumnReport> =
            (0..50).map(|number| report(&number.to_string(), ColumnKind::Number, "")).collect();
        assert!(text_within(80, &many).contains("... and 10 more columns"));
    }
}
