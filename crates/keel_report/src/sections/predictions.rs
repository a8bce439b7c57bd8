//! The worst predictions and the filters of the first layer, for visual inspection.

use keel_page::Language;
use maud::{Markup, html};

use super::super::evaluation::Evaluation;
use super::super::filters::Filters;
use super::super::mistakes::Mistake;
use super::Contents;
use super::numbers::{grouped, percent};
use crate::elements;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { evaluation, language, .. } = *contents;
    if evaluation.samples == 0 {
        return Markup::default();
    }
    let Some(worst) = evaluation.mistakes.first() else {
        return html! { p.calm { (language.choose("The model made no mistakes.", "模型没有出错。")) } };
    };
    html! {
        p.lead { (lead(contents)) }
        @match worst.picture {
            Some(_) => (pictures(&evaluation.mistakes, language)),
            None => (rows(evaluation, language)),
        }
    }
}

fn lead(contents: &Contents<'_>) -> String {
    let Contents { evaluation, language, .. } = *contents;
    let part = match (evaluation.part, language) {
        ("test", Language::English) => "test split",
        ("test", Language::Chinese) => "测试集",
        (_, Language::English) => "validation split",
        (_, Language::Chinese) => "验证集",
    };
    let (samples, all) = (grouped(evaluation.samples as u64), grouped(evaluation.part_samples as u64));
    let many = evaluation.samples < evaluation.part_samples;
    match (language, many) {
        (Language::English, false) => format!("The worst predictions among the {all} samples of the {part}."),
        (Language::English, true) => {
            format!("The worst predictions among {samples} samples, spread over the {all} of the {part}.")
        }
        (Language::Chinese, false) => format!("{part}的 {all} 个样本中，预测错得最离谱的样本。"),
        (Language::Chinese, true) => {
            format!("{part}的 {all} 个样本中均匀抽取 {samples} 个，其中预测错得最离谱的样本。")
        }
    }
}

/// Renders images with the true and the predicted class.
fn pictures(mistakes: &[Mistake], language: Language) -> Markup {
    html! {
        div.mistakes { @for mistake in mistakes { (card(mistake, language)) } }
    }
}

fn card(mistake: &Mistake, language: Language) -> Markup {
    let Mistake { truth, predicted, .. } = mistake;
    let origin = mistake.origin.get(language);
    let share = |share: Option<f32>| match (share.map(|share| percent(f64::from(share))), language) {
        (None, _) => String::new(),
        (Some(share), Language::English) => format!("({share})"),
        (Some(share), Language::Chinese) => format!("（概率 {share}）"),
    };
    let (left, certainty) = (share(mistake.true_probability), share(mistake.probability));
    let is = if left.is_empty() { "真实值" } else { "真实类别" };
    html! {
        figure.mistake title=(origin) {
            @if let Some(picture) = &mistake.picture { (picture.html(&format!("{truth}: {origin}"))) }
            figcaption {
                span { (language.choose("is", is)) " " b { (truth) } " " i { (left) } }
                span { (language.choose("taken for", "预测为")) " " b { (predicted) } " " i { (certainty) } }
            }
        }
    }
}

/// Renders table rows with the shown columns of each sample.
fn rows(evaluation: &Evaluation, language: Language) -> Markup {
    let Evaluation { mistakes, columns, .. } = evaluation;
    let mut titles: Vec<&str> = match language {
        Language::English => ["sample", "true", "predicted"],
        Language::Chinese => ["样本", "真实", "预测"],
    }
    .into();
    if mistakes.iter().any(|mistake| mistake.probability.is_some()) {
        titles.push(language.choose("probability", "概率"));
    }
    titles.extend(columns.titles());
    html! {
        (elements::table(None, &elements::titles(titles), mistakes.iter().map(|mistake| row(mistake, language))))
        p.more { (columns.caption(language)) }
    }
}

fn row(mistake: &Mistake, language: Language) -> Markup {
    let origin = mistake.origin.get(language);
    html! {
        tr title=(origin) {
            td { (short(origin)) }
            td { b { (mistake.truth) } }
            td { b { (mistake.predicted) } }
            @if let Some(share) = mistake.probability { td { (percent(f64::from(share))) } }
            @for cell in &mistake.row { td { (cell) } }
        }
    }
}

/// Returns the last part of a path.
fn short(origin: &str) -> &str {
    origin.rsplit(['/', '\\']).next().unwrap_or(origin)
}

/// Renders the weights of the first layer as images.
pub(super) fn filters(contents: &Contents<'_>) -> Markup {
    let Contents { evaluation, language, .. } = *contents;
    let Some(Filters { layer, units, pictures }) = &evaluation.filters else { return Markup::default() };
    let shown = pictures.len();
    html! {
        p.lead {
            @match language {
                Language::English => {
                    "The weights of " code { (layer) } ", " (shown) " of " (units) " units; grey is zero, each unit on its "
                    "own scale. Edges, blobs and colours are a good sign; noise that stays noise is not."
                }
                Language::Chinese => {
                    code { (layer) } " 的权重，共 " (units) " 个单元，显示 " (shown) " 个；灰色为零，每个单元单独缩放灰度。"
                    "出现边缘、斑点与颜色是好现象；始终像噪声，则说明尚未学到有用的特征。"
                }
            }
        }
        div.filters {
            @for (unit, picture) in pictures.iter().enumerate() { (picture.html(&format!("{layer}, {unit}"))) }
        }
    }
}
