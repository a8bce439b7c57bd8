//! The parts of a report, one file each, in the order they are read.

mod choices;
mod columns;
mod confusion;
mod curves;
mod data;
mod findings;
mod histograms;
mod importance;
mod layers;
mod metrics;
mod model;
mod numbers;
mod overview;
mod predictions;
mod proof;
mod regression;
mod setup;

use keel_page::Language;
use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use super::evaluation::Evaluation;
use super::record::Record;

/// Sources of the sections.
pub(super) struct Contents<'a> {
    /// Files of the run folder.
    pub(super) record: &'a Record,
    /// Evaluation of the model.
    pub(super) evaluation: &'a Evaluation,
    /// Language of the report.
    pub(super) language: Language,
}

/// One part of the report; empty if it has no content.
struct Section {
    /// Anchor for links.
    anchor: &'static str,
    english: &'static str,
    chinese: &'static str,
    write: fn(&Contents<'_>) -> Markup,
}

const SECTIONS: [Section; 14] = [
    Section { anchor: "findings", english: "Findings", chinese: "诊断", write: findings::section },
    Section { anchor: "metrics", english: "Metrics", chinese: "指标", write: metrics::section },
    Section { anchor: "curves", english: "Training curves", chinese: "训练曲线", write: curves::section },
    Section { anchor: "classes", english: "Classes", chinese: "各类别", write: confusion::section },
    Section {
        anchor: "regression",
        english: "Predicted and true values",
        chinese: "预测值与真实值",
        write: regression::section,
    },
    Section {
        anchor: "predictions", english: "Worst predictions", chinese: "最差的预测", write: predictions::section
    },
    Section {
        anchor: "importance",
        english: "Importance of the columns",
        chinese: "各列的重要性",
        write: importance::section,
    },
    Section {
        anchor: "layers", english: "Layers over time", chinese: "各层随时间的变化", write: layers::section
    },
    Section {
        anchor: "histograms",
        english: "Histograms over time",
        chinese: "直方图随时间的变化",
        write: histograms::section,
    },
    Section {
        anchor: "filters",
        english: "First-layer filters",
        chinese: "第一层的滤波器",
        write: predictions::filters,
    },
    Section { anchor: "model", english: "Model", chinese: "模型", write: model::section },
    Section { anchor: "data", english: "Data", chinese: "数据", write: data::section },
    Section { anchor: "choices", english: "Chosen automatically", chinese: "自动选择", write: choices::section },
    Section { anchor: "setup", english: "Set-up", chinese: "配置与环境", write: setup::section },
];

/// One part of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportPart {
    /// Name of the part, used as link anchor.
    pub anchor: &'static str,
    /// Title in the language of the report.
    pub title: &'static str,
    /// HTML below the title.
    pub html: String,
}

/// Returns the parts with these `anchors` that have content, in the order of the report.
pub(super) fn parts(contents: &Contents<'_>, anchors: &[&str]) -> Vec<ReportPart> {
    let wanted = SECTIONS.iter().filter(|section| anchors.contains(&section.anchor));
    let part = |section: &Section| ReportPart {
        anchor: section.anchor,
        title: contents.language.choose(section.english, section.chinese),
        html: (section.write)(contents).into_string(),
    };
    wanted.map(part).filter(|part| !part.html.is_empty()).collect()
}

/// Renders the body of the page, and returns the titles of its sections.
pub(super) fn body(contents: &Contents<'_>) -> (Markup, Vec<String>) {
    let parts = parts(contents, &SECTIONS.map(|section| section.anchor));
    let page = html! {
        div.report {
            (overview::header(contents))
            nav { @for part in &parts { a href={ "#" (part.anchor) } { (part.title) } } }
            @for part in &parts {
                section id=(part.anchor) { h2 { (part.title) } (PreEscaped(&part.html)) }
            }
            (overview::footer(contents))
        }
    };
    (page, parts.iter().map(|part| part.title.to_owned()).collect())
}
