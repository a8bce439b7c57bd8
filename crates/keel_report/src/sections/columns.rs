//! Columns of a table: kind and use of each.

use keel_data::{ColumnKind, ColumnReport};
use keel_page::Language;
use keel_page::charts::escape;

use super::overview::grouped;

/// Maximum number of columns before the table is folded.
const UNFOLDED: usize = 40;

/// Maximum number of columns listed; `summary.json` has all of them.
const LISTED: usize = 1_000;

/// Returns the table with the target first, or nothing for data without columns.
pub(super) fn table(columns: &[ColumnReport], language: Language) -> String {
    if columns.is_empty() {
        return String::new();
    }
    let (targets, others): (Vec<&ColumnReport>, Vec<&ColumnReport>) =
        columns.iter().partition(|column| column.kind == ColumnKind::Target);
    let rows: String = targets.into_iter().chain(others).take(LISTED).map(|column| row(column, language)).collect();
    let heads = match language {
        Language::English => ["column", "kind", "missing", "distinct", "became", "reason"],
        Language::Chinese => ["列", "类型", "缺失", "不同取值", "转换为", "原因"],
    };
    let head: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    let table = format!(
        "<div class=\"table\"><table class=\"columns\"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{}",
        left_out(columns.len(), language)
    );
    let title = language.choose("Columns of the table", "表格的各列");
    match columns.len() <= UNFOLDED {
        true => format!("<h3>{title}</h3>{table}"),
        false => format!("<details><summary>{title} ({})</summary>{table}</details>", grouped(columns.len() as u64)),
    }
}

fn row(column: &ColumnReport, language: Language) -> String {
    format!(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        escape(&column.name),
        kind(column.kind, language),
        grouped(column.missing as u64),
        grouped(column.distinct as u64),
        escape(&column.became),
        escape(&column.reason)
    )
}

fn left_out(columns: usize, language: Language) -> String {
    let Some(more @ 1..) = columns.checked_sub(LISTED) else { return String::new() };
    let more = grouped(more as u64);
    match language {
        Language::English => format!("<p>{more} more columns are listed in summary.json.</p>"),
        Language::Chinese => format!("<p>其余 {more} 列见 summary.json。</p>"),
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

    fn column(name: &str, kind: ColumnKind) -> ColumnReport {
        let (became, reason) = ("1 number".to_owned(), "decimals, 1.5 < 20".to_owned());
        ColumnReport { name: name.to_owned(), kind, missing: 12, distinct: 3_456, became, reason }
    }

    #[test]
    fn the_target_leads_and_every_name_is_escaped() {
        let columns = [column("<b>age</b>", ColumnKind::Number), column("price", ColumnKind::Target)];
        let html = table(&columns, Language::English);
        assert!(html.find(">price<").unwrap() < html.find("&lt;b&gt;age").unwrap(), "{html}");
        assert!(!html.contains("<b>age") && html.contains("1.5 &lt; 20"), "{html}");
        let chinese = table(&columns, Language::Chinese);
        assert!(chinese.contains("<td>目标</td>") && chinese.contains("<td>数值</td>"), "{chinese}");
        assert_eq!(table(&[], Language::English), "");
    }

    #[test]
    fn many_columns_are_folded_and_counted() {
        let columns: Vec<_> = (0..1_002).map(|at| column(&at.to_string(), ColumnKind::Number)).collect();
        let html = table(&columns, Language::English);
        assert!(html.starts_with("<details>"), "{}", &html[..80]);
        assert_eq!(html.matches("<th scope=\"row\">").count(), LISTED);
        assert!(html.contains("2 more columns"));
    }
}
