//! Columns of a table: kind and use of each.

use keel_data::{ColumnKind, ColumnReport};
use keel_page::Language;
use maud::{Markup, html};

use super::numbers::grouped;
use crate::elements;

/// Maximum number of columns before the table is folded.
const UNFOLDED: usize = 40;

/// Maximum number of columns listed; `summary.json` has all of them.
const LISTED: usize = 1_000;

/// Renders the table with the target first, or nothing for data without columns.
pub(super) fn table(columns: &[ColumnReport], language: Language) -> Markup {
    if columns.is_empty() {
        return Markup::default();
    }
    let (targets, others): (Vec<&ColumnReport>, Vec<&ColumnReport>) =
        columns.iter().partition(|column| column.kind == ColumnKind::Target);
    let rows = targets.into_iter().chain(others).take(LISTED).map(|column| row(column, language));
    let titles = match language {
        Language::English => ["column", "kind", "missing", "distinct", "became", "reason"],
        Language::Chinese => ["列", "类型", "缺失", "不同取值", "转换为", "原因"],
    };
    let table = html! {
        (elements::table(Some("columns"), &elements::scoped_titles(titles), rows))
        (left_out(columns.len(), language))
    };
    let title = language.choose("Columns of the table", "表格的各列");
    html! {
        @if columns.len() <= UNFOLDED {
            h3 { (title) }
            (table)
        } @else {
            details { summary { (title) " (" (grouped(columns.len() as u64)) ")" } (table) }
        }
    }
}

fn row(column: &ColumnReport, language: Language) -> Markup {
    let became = elements::translated(&column.became, column.chinese_became(), language);
    let reason = elements::translated(&column.reason, column.chinese_reason(), language);
    html! {
        tr {
            th scope="row" { (column.name) }
            td { (kind(column.kind, language)) }
            td { (grouped(column.missing as u64)) }
            td { (grouped(column.distinct as u64)) }
            td { (became) }
            td { (reason) }
        }
    }
}

fn left_out(columns: usize, language: Language) -> Markup {
    let Some(more @ 1..) = columns.checked_sub(LISTED) else { return Markup::default() };
    let more = grouped(more as u64);
    html! {
        p {
            @match language {
                Language::English => { (more) " more columns are listed in summary.json." }
                Language::Chinese => { "其余 " (more) " 列见 summary.json。" }
            }
        }
    }
}

fn kind(kind: ColumnKind, language: Language) -> String {
    if language == Language::English {
        return kind.to_string();
    }
    let name = match kind {
        ColumnKind::Number => "数值",
        ColumnKind::Category => "类别",
        ColumnKind::Boolean => "布尔值",
        ColumnKind::Time => "时间",
        ColumnKind::Identifier => "标识符",
        ColumnKind::RowNumber => "行号",
        ColumnKind::Constant => "常量",
        ColumnKind::Text => "文本",
        ColumnKind::Target => "目标",
        ColumnKind::Ignored => "忽略",
        ColumnKind::Group => "分组",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns a report of an older version, without typed values.
    fn column(name: &str, kind: ColumnKind) -> ColumnReport {
        serde_json::from_value(json!({
            "name": name, "kind": kind, "missing": 12, "distinct": 3_456, "became": "1 number",
            "reason": "decimals, 1.5 < 20",
        }))
        .unwrap()
    }

    #[test]
    fn the_target_leads_and_every_name_is_escaped() {
        let columns = [column("<b>age</b>", ColumnKind::Number), column("price", ColumnKind::Target)];
        let html = table(&columns, Language::English).into_string();
        assert!(html.find(">price<").unwrap() < html.find("&lt;b&gt;age").unwrap(), "{html}");
        assert!(!html.contains("<b>age") && html.contains("1.5 &lt; 20"), "{html}");
        let chinese = table(&columns, Language::Chinese).into_string();
        assert!(chinese.contains("<td>目标</td>") && chinese.contains("<td>数值</td>"), "{chinese}");
        assert_eq!(table(&[], Language::English).into_string(), "");
    }

    #[test]
    fn features_and_reasons_are_in_the_language_of_the_page() {
        let typed: ColumnReport = serde_json::from_value(json!({
            "name": "age", "kind": "number", "missing": 12, "distinct": 61, "became": "1 number + 1 missing flag",
            "reason": "18 to 78; decimal commas",
            "became_kind": { "conversion": { "numbers": { "count": 1 } }, "missing_flag": true },
            "reason_kind": { "numbers": { "range": { "low": 18.0, "high": 78.0 }, "format": ["decimal_commas"] } },
        }))
        .unwrap();
        let cells = |column: &ColumnReport, language| {
            let html = row(column, language).into_string();
            let cells = html.split("<td>").skip(4).map(|cell| cell.split('<').next().unwrap().to_owned());
            cells.collect::<Vec<_>>()
        };
        assert_eq!(cells(&typed, Language::English), ["1 number + 1 missing flag", "18 to 78; decimal commas"]);
        assert_eq!(cells(&typed, Language::Chinese), ["1 个数值 + 1 个缺失指示变量", "取值从 18 到 78；使用小数逗号"]);
        let old = column("age", ColumnKind::Number);
        assert_eq!(cells(&old, Language::Chinese), ["1 number", "decimals, 1.5 &lt; 20"]);
    }

    #[test]
    fn many_columns_are_folded_and_counted() {
        let columns: Vec<_> = (0..1_002).map(|at| column(&at.to_string(), ColumnKind::Number)).collect();
        let html = table(&columns, Language::English).into_string();
        assert!(html.starts_with("<details>"), "{}", &html[..80]);
        assert_eq!(html.matches("<th scope=\"row\">").count(), LISTED);
        assert!(html.contains("2 more columns"));
    }
}
