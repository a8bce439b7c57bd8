//! Texts and tables about a monitored run: its layers, and the findings of the health rules in both languages.

use keel_health::{Finding, Level, Remedy, find_rule};
use keel_page::charts::number;
use keel_page::page::{Table, cell};
use keel_page::{Text, escaped};
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
    message: String,
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
        measured: (finding.measured.abs() < f64::MAX).then_some(finding.measured),
        threshold: finding.threshold,
        explained_by: finding.explained_by.as_ref().map(|cause| cause.code.clone()),
        leads: leading.as_ref() == Some(&finding.reference()),
        message: finding.message.clone(),
        remedy: remedy(finding),
    };
    findings.iter().map(row).collect()
}

/// Returns code and name of a rule.
pub(crate) fn rule_title(code: &str) -> Text {
    let name = find_rule(code).map_or("", |rule| rule.name);
    Text::new(format!("{code} {name}"), format!("{code} {}", chinese_title(code).unwrap_or(name)))
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
        let (measured, limit) = (cell(finding.measured), number(finding.threshold));
        let measured = measured.get(keel_page::Language::Chinese);
        table.text_row(vec![
            rule_title(&finding.code),
            level_title(finding.level),
            Text::same(finding.layer.as_deref().map_or_else(|| "–".to_owned(), escaped)),
            Text::new(escaped(&finding.message), format!("测量值 {measured}，阈值 {limit}")),
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

/// Returns the first remedy.
fn remedy(finding: &Finding) -> Text {
    let Some(first) = finding.remedies.first() else { return Text::same("–") };
    let english = match first {
        Remedy::EditProgram { change, .. } => change.clone(),
        first => first.describe(),
    };
    let chinese = match first {
        Remedy::ScaleLearningRate { factor, value } => match (value, *factor < 1.0) {
            (Some(value), true) => format!("把学习率降到 {}", number(*value)),
            (Some(value), false) => format!("把学习率提高到 {}", number(*value)),
            (None, _) => format!("学习率乘以 {}", number(*factor)),
        },
        Remedy::SetInit { init, .. } => format!("用 {init} 初始化"),
        Remedy::AddPreprocess { step } => format!("预处理：{step}"),
        Remedy::SetActivation { from, function } => format!("隐藏层用 {function} 代替 {from}"),
        Remedy::AddBatchNorm => "在每个隐藏层激活之前加批量归一化".to_owned(),
        Remedy::ClipNorm { value } => format!("把梯度范数裁剪到 {}", number(*value)),
        Remedy::ReinitialiseUnits { units, .. } => format!("重新初始化 {} 个死亡单元", units.len()),
        Remedy::ShrinkLastLayer { std, .. } => format!("最后一层用更小的权重（标准差 {}）", number(*std)),
        Remedy::PriorBias { .. } => "最后一层的偏置取类别比例的对数".to_owned(),
        Remedy::WidenHiddenLayers { units } => format!("每个隐藏层至少 {units} 个单元"),
        Remedy::SetEpochs { epochs } => format!("训练 {epochs} 轮"),
        Remedy::SetBatchSize { batch_size } => format!("批量至少取 {batch_size}"),
        Remedy::EditProgram { .. } => "每轮都打乱训练样本".to_owned(),
        Remedy::CheckLabels => "检查标签".to_owned(),
        Remedy::InspectRanks { .. } => "检查该进程所在的机器".to_owned(),
        Remedy::AddResidual => "加残差连接".to_owned(),
        Remedy::Augment => "对训练样本做数据增强".to_owned(),
        Remedy::SetWeightDecay { value } => format!("把权重衰减设为 {}", number(*value)),
        Remedy::SetSchedule { schedule } => format!("采用学习率计划 {schedule}"),
        Remedy::SetWarmup { steps } => format!("用 {steps} 步预热学习率"),
        Remedy::SetNormMomentum { momentum, .. } => format!("把批量归一化的动量设为 {}", number(*momentum)),
        Remedy::RecomputeBatchNormStatistics { batches } => format!("用 {batches} 个批重新计算批量归一化统计量"),
        Remedy::AddActivation { function } => format!("在相邻的带权重层之间加 {function}"),
        Remedy::EarlyStopping { .. } => "验证损失不再改善时停止".to_owned(),
        _ => english.clone(),
    };
    Text::new(escaped(&english), escaped(&chinese))
}

/// Returns the Chinese name of a rule that can occur in a run of the lab.
fn chinese_title(code: &str) -> Option<&'static str> {
    Some(match code {
        "K001" => "数值非有限",
        "K002" => "输入未标准化",
        "K003" => "标签有误",
        "K004" => "初始损失偏离随机猜测",
        "K005" => "信号逐层缩小或放大",
        "K006" => "同层单元完全相同",
        "K009" => "激活饱和",
        "K010" => "ReLU 死亡",
        "K011" => "梯度消失",
        "K012" => "梯度爆炸",
        "K013" => "更新幅度不当",
        "K014" => "锯齿形更新",
        "K015" => "批量归一化统计量有误",
        "K016" => "参数不更新",
        "K017" => "损失停滞、发散或振荡",
        "K018" => "过拟合",
        "K021" => "训练结束过早",
        "K031" => "每批只有一个类别",
        "K032" => "网络过小",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use keel_page::Language;

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
            english.contains("preprocess with standardize") && chinese.contains("预处理：standardize"),
            "{chinese}"
        );
        assert!(english.contains("linear_1 → activation_1") && !english.contains("NaN"), "{english}");
    }
}
