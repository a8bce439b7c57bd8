//! Header of the report: the run, its state and main numbers; and its footer.

use keel_health::Level;
use keel_page::Language;
use keel_page::charts::number;
use keel_train::metrics::{MetricName, Metrics};
use keel_train::runs::{Status, Summary};
use maud::{Markup, html};

use super::Contents;
use super::numbers::{duration, grouped, percent, value_text};
use crate::elements;

/// Renders title, state and main numbers.
pub(super) fn header(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    html! {
        header {
            p.chapter { "Evenkeel · " (language.choose("Run report", "训练报告")) }
            h1 { (record.name) }
            (state(contents))
            @if let Some(summary) = &record.summary { (elements::definitions("tiles", &tiles(contents, summary))) }
        }
    }
}

/// Renders missing parts and the origin of the report.
pub(super) fn footer(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    let usage = language.choose(
        "Point at a chart to read it, drag to zoom, double-click to see all of it again; click a name in a legend to \
         hide its curve, double-click to see it alone.",
        "将鼠标移到图上可读取数值，拖动可放大，双击还原；点击图例可隐藏曲线，双击则只看该曲线。",
    );
    html! {
        footer {
            @if !record.notes.is_empty() {
                p { (language.choose("Not shown:", "未能显示：")) }
                ul { @for note in &record.notes { li { (note) } } }
            }
            p.usage { (usage) }
        }
    }
}

/// Renders the lines below the title: state, verdict, data; and a notice unless the run finished.
fn state(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    let (class, word, more) = match record.status() {
        Some(Status::Finished) => ("good", language.choose("finished", "已完成"), ""),
        Some(Status::Running) => (
            "open",
            language.choose("not finished", "未完成"),
            language.choose(
                "In progress, or killed: these are the numbers up to its last checkpoint.",
                "正在训练，或已被中止：以下是截至最近写入时的数字。",
            ),
        ),
        Some(Status::Stopped) => (
            "open",
            language.choose("stopped", "已停止"),
            language.choose(
                "Stopped before its end; it can be resumed. Its numbers are not final.",
                "未到结束即停止，可以继续训练；以下数字不是最终结果。",
            ),
        ),
        Some(Status::Failed) => (
            "bad",
            language.choose("failed", "失败"),
            language.choose("Training ended with an error.", "训练因错误而终止。"),
        ),
        None => (
            "open",
            language.choose("state unknown", "状态未知"),
            language.choose("summary.json is missing or unreadable.", "没有可读的 summary.json。"),
        ),
    };
    let summary = record.summary.as_ref();
    let data = summary.map(|summary| summary.data.as_str()).unwrap_or_default();
    let reason = summary.and_then(|summary| summary.reason.as_deref()).unwrap_or_default();
    html! {
        p.state { span.pill.(class) { (word) } " " (verdict(contents)) " " span { (data) } }
        @if !more.is_empty() || !reason.is_empty() {
            p.notice.(class) { (more) @if !reason.is_empty() { " " span.reason { (reason) } } }
        }
        @if let Some(sentence) = no_better_than_guess(contents) { p.notice.warn { (sentence) } }
    }
}

/// Returns a sentence about a model that is no better than a constant guess.
fn no_better_than_guess(contents: &Contents<'_>) -> Option<String> {
    let Contents { record, language, .. } = *contents;
    let (part, metrics) = record.summary.as_ref()?.metrics.no_better_than_guess(record.config.as_ref()?)?;
    let (part, in_chinese) = if part == "test" { (part, "测试集") } else { (part, "验证集") };
    if !metrics.is_classification() {
        let r2 = value_text(MetricName::R2, MetricName::R2.value(metrics)?);
        return Some(match language {
            Language::English => format!(
                "The model is no better than always predicting the mean (R² {r2} on the {part} samples). Check the target column, \
                 train for more epochs, or let evenkeel doctor search for better settings."
            ),
            Language::Chinese => format!(
                "该模型并不优于始终预测均值（{in_chinese}上的 R² 为 {r2}）。请检查目标列，增加训练轮数，或用 evenkeel doctor 寻找更好的设置。"
            ),
        });
    }
    let baseline = metrics.baseline.as_ref()?;
    let share = value_text(MetricName::Accuracy, baseline.value(MetricName::Accuracy)?);
    let class = baseline.class.as_deref().unwrap_or(language.choose("the largest class", "多数类"));
    Some(match language {
        Language::English => format!(
            "The model is no better than always answering {class} ({share} of the {part} samples). Check the labels, train for more \
             epochs, or let evenkeel doctor search for better settings."
        ),
        Language::Chinese => format!(
            "该模型并不优于始终预测 {class}（占{in_chinese}样本的 {share}）。请检查标签，增加训练轮数，或用 evenkeel doctor 寻找更好的设置。"
        ),
    })
}

/// Renders the result of the health rules as a badge.
fn verdict(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    let (errors, warnings) = (record.count(Level::Error), record.count(Level::Warn));
    let notes = record.count(Level::Info);
    let (class, text) = if errors > 0 {
        ("bad", count(errors, language.choose(" error", " 个错误"), language))
    } else if warnings > 0 {
        ("warn", count(warnings, language.choose(" warning", " 个警告"), language))
    } else if record.health_is_off() {
        ("open", language.choose("health not watched", "未监测健康状况").to_owned())
    } else if record.layers.is_empty() {
        ("open", language.choose("layers not measured", "未测量各层").to_owned())
    } else if notes > 0 {
        ("good", count(notes, language.choose(" note", " 条提示"), language))
    } else {
        ("good", language.choose("healthy", "健康").to_owned())
    };
    html! {
        a.pill.(class) href="#findings" { (text) }
    }
}

fn count(count: usize, word: &str, language: Language) -> String {
    let plural = if count == 1 || language == Language::Chinese { "" } else { "s" };
    format!("{count}{word}{plural}")
}

/// Returns names and values of the main numbers.
fn tiles(contents: &Contents<'_>, summary: &Summary) -> Vec<(String, String)> {
    let Contents { record, language, .. } = *contents;
    let mut tiles = Vec::new();
    let metrics = &summary.metrics;
    let parts = [
        (language.choose("test", "测试"), &metrics.test),
        (language.choose("validation", "验证"), &metrics.validation),
        (language.choose("training", "训练"), &metrics.train),
    ];
    for (part, metrics) in parts {
        if let Some(metrics) = metrics {
            tiles.extend(
                quality(metrics).map(|(name, value)| (format!("{part} {}", language.choose(name.0, name.1)), value)),
            );
        }
    }
    if tiles.is_empty()
        && let Some(last) = record.epochs.iter().rfind(|epoch| epoch.part == "val")
    {
        let name = language.choose("validation loss so far", "目前的验证损失").to_owned();
        tiles.push((name, number(last.loss)));
    }
    let total: u64 = record.config.as_ref().map_or(summary.epochs, |config| config.train.epochs);
    let epochs = if total == summary.epochs { total.to_string() } else { format!("{} / {total}", summary.epochs) };
    tiles.push((language.choose("epochs", "轮数").to_owned(), epochs));
    if summary.best_epoch > 0 {
        tiles.push((language.choose("best epoch", "最佳轮次").to_owned(), summary.best_epoch.to_string()));
    }
    let parameters: usize = summary.layers.iter().map(|layer| layer.parameters).sum();
    tiles.push((language.choose("parameters", "参数量").to_owned(), grouped(parameters as u64)));
    tiles.push((language.choose("training time", "训练时间").to_owned(), duration(summary.seconds)));
    if summary.samples_per_second > 0.0 {
        let speed = grouped(summary.samples_per_second.round() as u64);
        tiles.push((language.choose("samples a second", "样本/秒").to_owned(), speed));
    }
    if let Some(ranks) = &summary.ranks {
        tiles.push((language.choose("ranks", "进程数").to_owned(), ranks.count.to_string()));
        let waited = format!("{:.0} %", 100.0 * ranks.waited);
        tiles.push((language.choose("waiting for ranks", "等待其他进程").to_owned(), waited));
    }
    tiles
}

/// Returns the main number of a part: accuracy, or the error for values.
fn quality(metrics: &Metrics) -> Option<((&'static str, &'static str), String)> {
    if let Some(accuracy) = metrics.accuracy {
        return Some((("accuracy", "准确率"), percent(accuracy)));
    }
    let errors = metrics.regression.as_ref()?;
    Some(match errors.r2 {
        Some(r2) => (("R²", "R²"), number(r2)),
        None => (("root mean squared error", "均方根误差"), number(errors.rmse)),
    })
}
