//! The data: splits, the columns of a table, and statistics of every feature or channel before and after preprocessing.

use keel_data::{Moments, PreprocessStatistics};
use keel_page::charts::{Marks, Plot, Point, Series, number};
use keel_page::{Language, Text};
use maud::{Markup, html};

use super::numbers::grouped;
use super::{Contents, columns};
use crate::elements;

/// Maximum number of features listed; more are shown as a cloud.
const LISTED: usize = 24;

/// Maximum number of points in the cloud.
const POINTS: usize = 1_500;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { evaluation, language, .. } = *contents;
    html! {
        @if let Some(splits) = evaluation.splits { p.lead { (sizes(splits, language)) } }
        @if let Some(summary) = &contents.record.summary { (columns::table(&summary.columns, language)) }
        @if !evaluation.preprocessing.is_empty() {
            h3 { (language.choose("Preprocessing, fitted on the training split", "预处理（仅由训练集拟合）")) }
            ol { @for step in &evaluation.preprocessing { li { (step) } } }
        }
        @if let Some(statistics) = &evaluation.statistics {
            @if statistics.before.len().max(statistics.after.len()) <= LISTED {
                (table(statistics, language))
            } @else {
                (clouds(statistics, language))
            }
        }
    }
}

/// Renders the sentence on the numbers of samples in the three splits.
fn sizes(splits: [usize; 3], language: Language) -> Markup {
    let [train, validation, test] = splits.map(|samples| html! { b { (grouped(samples as u64)) } });
    match language {
        Language::English => html! {
            (train) " samples to train on, " (validation) " for validation, " (test) " for the test."
        },
        Language::Chinese => html! { "训练 " (train) " 个样本，验证 " (validation) " 个，测试 " (test) " 个。" },
    }
}

fn table(statistics: &PreprocessStatistics, language: Language) -> Markup {
    let PreprocessStatistics { before, after, .. } = statistics;
    let titles = match language {
        Language::English => ["mean", "std", "smallest", "largest"],
        Language::Chinese => ["均值", "标准差", "最小", "最大"],
    };
    html! {
        div.table {
            table.statistics {
                thead {
                    tr {
                        td {}
                        th colspan="4" { (language.choose("before", "之前")) }
                        th colspan="4" { (language.choose("after", "之后")) }
                    }
                    tr { th { (language.choose("feature", "特征")) } (elements::titles(titles.repeat(2))) }
                }
                tbody {
                    @for index in 0..before.len().max(after.len()) {
                        tr {
                            td { (feature(statistics, index)) }
                            (moments_cells(before.get(index)))
                            (moments_cells(after.get(index)))
                        }
                    }
                }
            }
        }
    }
}

/// Returns the name of a feature, or its number if the features after preprocessing are others than before.
fn feature(statistics: &PreprocessStatistics, index: usize) -> String {
    let PreprocessStatistics { names, before, after, .. } = statistics;
    let named = before.len() == after.len() || index < before.len();
    names.get(index).filter(|_| named).cloned().unwrap_or_else(|| index.to_string())
}

fn moments_cells(moments: Option<&Moments>) -> Markup {
    let numbers =
        moments.map(|moments| [moments.mean, moments.std(), moments.min, moments.max].map(number)).unwrap_or_default();
    html! {
        @for number in numbers { td { (number) } }
    }
}

/// Plots standard deviation against mean of every feature, before and after preprocessing.
fn clouds(statistics: &PreprocessStatistics, language: Language) -> Markup {
    let before = Text::new("std before preprocessing", "预处理前的标准差");
    let after = Text::new("std after preprocessing", "预处理后的标准差");
    html! {
        div.grid-2 {
            figure { (cloud(before, &statistics.before, 0).html(language)) }
            figure { (cloud(after, &statistics.after, 2).html(language)) }
        }
    }
}

fn cloud(title: Text, moments: &[Moments], colour: usize) -> Plot {
    let step = moments.len().div_ceil(POINTS).max(1);
    let points: Vec<Point> = moments.iter().step_by(step).map(|moments| (moments.mean, moments.std())).collect();
    Plot::new(Text::new("mean of a feature", "特征的均值"), title)
        .with(Series::new(Text::new("features", "特征"), points, Marks::Points).coloured(colour))
        .small()
}
