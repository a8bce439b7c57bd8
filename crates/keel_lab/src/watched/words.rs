//! Texts and tables about a monitored run: its layers, and the findings of the health rules in both languages.

use keel_health::{Finding, Level, Remedy, chinese_message, find_rule};
use keel_page::charts::number;
use keel_page::page::{Table, cell};
use keel_page::{Language, Text, escaped};
use serde::Serialize;

use super::{LayerRow, leading};

/// A finding, as used in numbers and tables.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FindingRow {
    /// Code of the rule.
    pub(crate) code: String,
    /// Level: `info`, `warn` or `error`.
    pub(crate) level: &'static str,
    /// Layer; `None` for the data or the whole network.
    pub(crate) layer: Option<String>,
    /// The statistic; `None` if it is not finite.
    pub(crate) measured: Option<f64>,
    /// Limit it crossed.
    pub(crate) threshold: f64,
    /// Code of the finding that explains it.
    pub(crate) explained_by: Option<String>,
    /// True for the finding that explains most.
    pub(crate) leads: bool,
    #[serde(skip)]
    message: Text,
    #[serde(skip)]
    remedy: Text,
}

/// Returns the findings as rows, in order.
pub(crate) fn finding_rows(findings: &[Finding]) -> Vec<FindingRow> {
    let leading = leading(findings).map(Finding::reference);
    let row = |finding: &Finding| FindingRow {
        code: finding.code.clone(),
        level: finding.level.name(),
        layer: finding.layer.clone(),
        measured: measured(finding),
        threshold: finding.threshold,
        explained_by: finding.explained_by.as_ref().map(|cause| cause.code.clone()),
        leads: leading.as_ref() == Some(&finding.reference()),
        message: message(finding),
        remedy: remedy(finding),
    };
    findings.iter().map(row).collect()
}

/// Returns code and name of a rule.
pub(crate) fn rule_title(code: &str) -> Text {
    let (name, chinese_name) = find_rule(code).map_or(("", ""), |rule| (rule.name, rule.chinese_name));
    Text::new(format!("{code} {name}"), format!("{code} {chinese_name}"))
}

/// Returns the findings as a table.
pub(crate) fn findings_table(caption: Text, findings: &[FindingRow]) -> Table {
    let columns = vec![
        Text::new("Rule", "规则"),
        Text::new("Level", "级别"),
        Text::new("Layer", "层"),
        Text::new("Finding", "发现"),
        Text::new("First remedy", "首选措施"),
        Text::new("Explained by", "起因"),
    ];
    let mut table = Table::new(caption, columns);
    for finding in findings {
        table.text_row(vec![
            rule_title(&finding.code),
            level_title(finding.level),
            Text::same(finding.layer.as_deref().map_or_else(|| "–".to_owned(), escaped)),
            finding.message.clone(),
            finding.remedy.clone(),
            finding.explained_by.as_deref().map_or(Text::same("–"), Text::same),
        ]);
    }
    table
}

/// Returns the layers as a table; `with_findings` adds the codes of the findings about each layer.
pub(crate) fn layer_table(caption: Text, rows: &[LayerRow], with_findings: bool) -> Table {
    let mut columns = vec![
        Text::new("Layers", "层"),
        Text::new("std of z", "z 的标准差"),
        Text::new("std of outputs", "输出的标准差"),
        Text::new("zeros", "为零的比例"),
        Text::new("saturated", "饱和的比例"),
        Text::new("units that never fired", "从未激活的单元"),
        Text::new("RMS of dL/dW", "dL/dW 的均方根"),
        Text::new("update / weight", "更新与权重之比"),
    ];
    if with_findings {
        columns.push(Text::new("Health rules", "健康规则"));
    }
    let mut table = Table::new(caption, columns);
    for row in rows {
        let mut cells = vec![Text::same(escaped(&row.layers.join(" → ")))];
        cells.extend([row.z_std, row.output_std].map(cell));
        cells.extend([row.zeros, row.saturated, row.silent].map(share));
        cells.extend([row.gradient_rms, row.update_ratio].map(cell));
        if with_findings {
            cells.push(Text::same(if row.findings.is_empty() { "–".to_owned() } else { row.findings.join(", ") }));
        }
        table.text_row(cells);
    }
    table
}

/// Formats a share as a percentage, or a dash if there is none.
fn share(share: Option<f64>) -> Text {
    Text::same(share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", 100.0 * share)))
}

fn level_title(level: &str) -> Text {
    match level {
        level if level == Level::Error.name() => Text::new("error", "错误"),
        level if level == Level::Warn.name() => Text::new("warning", "警告"),
        _ => Text::new("note", "提示"),
    }
}

/// Describes a finding. In Chinese, the sentence of its kind is followed by the measured value and its limit.
fn message(finding: &Finding) -> Text {
    let (measured, limit) = (cell(measured(finding)), number(finding.threshold));
    let measured = measured.get(Language::Chinese);
    let statistic = finding.known_kind().map_or("测量值", |kind| kind.chinese_statistic);
    let sentence = chinese_message(&finding.code, &finding.kind).unwrap_or(&finding.message);
    Text::new(escaped(&finding.message), escaped(&format!("{sentence}（{statistic} {measured}，阈值 {limit}）")))
}

/// Returns the statistic, or `None` if it is not finite.
fn measured(finding: &Finding) -> Option<f64> {
    (finding.measured.abs() < f64::MAX).then_some(finding.measured)
}

/// Returns the first remedy.
fn remedy(finding: &Finding) -> Text {
    let Some(first) = finding.remedies.first() else { return Text::same("–") };
    let (english, chinese) = match first {
        Remedy::EditProgram { change, edit: Some(edit), .. } => (change.clone(), edit.describe_in_chinese()),
        first => (first.describe(), first.describe_in_chinese()),
    };
    Text::new(escaped(&english), escaped(&chinese))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Preprocessing, Recipe};
    use crate::watched::tests::recipe;
    use crate::watched::{WatchedRun, layer_rows};

    #[test]
    fn findings_are_in_both_languages() {
        let raw = Recipe { preprocessing: Preprocessing::Raw, ..recipe() };
        let run = WatchedRun::begin(&raw, 0).unwrap();
        let findings = run.findings();
        let rows = finding_rows(&findings);
        assert_eq!((rows[0].code.as_str(), rows[0].leads), ("K002", true), "{rows:?}");
        assert_eq!(rule_title("K002").get(Language::Chinese), "K002 输入未标准化");
        let layers = layer_rows(&run, &findings);
        let page = keel_page::page::Page::new()
            .table(findings_table(Text::same("findings"), &rows))
            .table(layer_table(Text::same("layers"), &layers, true));
        let [english, chinese] = Language::ALL.map(|language| page.body(language).into_string());
        assert!(
            english.contains("preprocess with standardize")
                && chinese.contains("预处理：standardize")
                && chinese.contains("输入没有标准化"),
            "{chinese}"
        );
        assert!(english.contains("linear_1 → activation_1") && !english.contains("NaN"), "{english}");
    }
}
