//! The worst predictions and the filters of the first layer, for visual inspection.

use keel_page::Language;
use keel_page::charts::{escape, number};

use super::super::mistakes::Mistake;
use super::Contents;
use super::overview::{grouped, percent};

pub(super) fn section(contents: &Contents<'_>) -> String {
    let Contents { evaluation, language, .. } = *contents;
    if evaluation.samples == 0 {
        return String::new();
    }
    if evaluation.mistakes.is_empty() {
        return format!("<p class=\"calm\">{}</p>", language.choose("The model made no mistakes.", "模型没有出错。"));
    }
    let lead = lead(contents);
    let body = match evaluation.mistakes[0].picture {
        Some(_) => pictures(&evaluation.mistakes, language),
        None => rows(&evaluation.mistakes, language),
    };
    format!("<p class=\"lead\">{lead}</p>{body}")
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
        (Language::Chinese, false) => format!("{part}的 {all} 个样本中，模型偏离最远者。"),
        (Language::Chinese, true) => format!("{part}的 {all} 个样本中均匀抽取 {samples} 个，其中模型偏离最远者。"),
    }
}

/// Renders images with the true and the predicted class.
fn pictures(mistakes: &[Mistake], language: Language) -> String {
    let (is, taken) = (language.choose("is", "实为"), language.choose("taken for", "误为"));
    let card = |mistake: &Mistake| {
        let (truth, predicted, origin) = (escape(&mistake.truth), escape(&mistake.predicted), escape(&mistake.origin));
        let picture =
            mistake.picture.as_ref().map(|picture| picture.html(&format!("{truth}: {origin}"))).unwrap_or_default();
        let certainty = mistake.probability.map(|share| percent(f64::from(share))).unwrap_or_default();
        let left = mistake.true_probability.map(|share| percent(f64::from(share))).unwrap_or_default();
        format!(
            "<figure class=\"mistake\" title=\"{origin}\">{picture}<figcaption><span>{is} <b>{truth}</b> <i>{left}</i></span>\
             <span>{taken} <b>{predicted}</b> <i>{certainty}</i></span></figcaption></figure>"
        )
    };
    let cards: String = mistakes.iter().map(card).collect();
    format!("<div class=\"mistakes\">{cards}</div>")
}

/// Renders table rows with the first columns of each sample.
fn rows(mistakes: &[Mistake], language: Language) -> String {
    let first = &mistakes[0];
    let mut heads: Vec<String> = match language {
        Language::English => ["sample", "true", "predicted"],
        Language::Chinese => ["样本", "真实", "预测"],
    }
    .map(str::to_owned)
    .into();
    if first.probability.is_some() {
        heads.push(language.choose("probability", "概率").to_owned());
    }
    heads.extend(first.row.iter().map(|(name, _)| escape(name)));
    let head: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let row = |mistake: &Mistake| {
        let mut cells = vec![
            escape(short(&mistake.origin)),
            format!("<b>{}</b>", escape(&mistake.truth)),
            format!("<b>{}</b>", escape(&mistake.predicted)),
        ];
        cells.extend(mistake.probability.map(|share| percent(f64::from(share))));
        cells.extend(mistake.row.iter().map(|(_, value)| number(f64::from(*value))));
        let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        format!("<tr title=\"{}\">{cells}</tr>", escape(&mistake.origin))
    };
    let rows: String = mistakes.iter().map(row).collect();
    format!("<div class=\"table\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
}

/// Returns the last part of a path.
fn short(origin: &str) -> &str {
    origin.rsplit(['/', '\\']).next().unwrap_or(origin)
}

/// Renders the weights of the first layer as images.
pub(super) fn filters(contents: &Contents<'_>) -> String {
    let Contents { evaluation, language, .. } = *contents;
    let Some(filters) = &evaluation.filters else { return String::new() };
    let layer = escape(&filters.layer);
    let pictures: String =
        filters.pictures.iter().enumerate().map(|(unit, picture)| picture.html(&format!("{layer}, {unit}"))).collect();
    let (shown, units) = (filters.pictures.len(), filters.units);
    let lead = match language {
        Language::English => format!(
            "The weights of <code>{layer}</code>, {shown} of {units} units; grey is zero, each unit on its own scale. Edges, \
             blobs and colours are a good sign; noise that stays noise is not."
        ),
        Language::Chinese => format!(
            "<code>{layer}</code> 的权重，共 {units} 个单元，显示 {shown} 个；灰色为零，各单元自成比例。出现边缘、斑点与颜色是好现象；始终像噪声，则说明尚未学到有用的特征。"
        ),
    };
    format!("<p class=\"lead\">{lead}</p><div class=\"filters\">{pictures}</div>")
}
