//! Measurements of every layer over the steps, one chart per measurement, coloured by depth.

use std::collections::BTreeSet;

use keel_health::measurement::{LayerStatistic, ParameterRole};
use keel_page::Text;
use keel_page::charts::{Marks, Plot, Point, Scale, Series};
use keel_train::runs::LayerSeries;
use maud::{Markup, html};

use super::super::decimate::decimate;
use super::super::record::Record;
use super::Contents;
use super::curves::step_title;
use crate::elements;

/// Maximum number of points over all charts of the section; networks with many layers have fewer per layer.
const ALL_POINTS: usize = 60_000;

/// One kind of measurement.
struct Kind {
    statistic: LayerStatistic,
    english: &'static str,
    chinese: &'static str,
    scale: Scale,
    /// Hint for the reader, in English and Chinese.
    hint: (&'static str, &'static str),
}

const KINDS: [Kind; 12] = [
    Kind {
        statistic: LayerStatistic::OutputStd,
        english: "standard deviation of the output",
        chinese: "输出的标准差",
        scale: Scale::Logarithmic,
        hint: (
            "Layers of one kind should be close to each other, neither vanishing nor growing with depth.",
            "同类层应彼此接近，不随深度衰减或增大。",
        ),
    },
    Kind {
        statistic: LayerStatistic::OutputMean,
        english: "mean of the output",
        chinese: "输出的均值",
        scale: Scale::Linear,
        hint: ("Near zero before an activation.", "激活之前应接近零。"),
    },
    Kind {
        statistic: LayerStatistic::GradientRms,
        english: "root mean square of the gradient",
        chinese: "梯度的均方根",
        scale: Scale::Logarithmic,
        hint: ("First and last layer within a factor of a hundred.", "首层与末层相差不超过百倍。"),
    },
    Kind {
        statistic: LayerStatistic::UpdateRatio(ParameterRole::Weight),
        english: "size of an update relative to the weights",
        chinese: "更新量与权重之比",
        scale: Scale::Logarithmic,
        hint: (
            "About 0.001 is usual for weights; 0.1 is far too large, 0.00001 is almost no change.",
            "对权重而言，该比值以 0.001 左右为宜；达到 0.1 说明更新过大，低至 0.00001 则几乎没有更新。",
        ),
    },
    Kind {
        statistic: LayerStatistic::DeadFraction,
        english: "share of units silent over a whole batch",
        chinese: "整批中从未激活的单元比例",
        scale: Scale::Linear,
        hint: (
            "A unit that stays silent over an epoch is dead. Values near zero are healthy.",
            "整轮都未激活的单元视为死亡，比例应接近零。",
        ),
    },
    Kind {
        statistic: LayerStatistic::ZeroFraction,
        english: "share of zeros in the output",
        chinese: "输出中零的比例",
        scale: Scale::Linear,
        hint: ("About a half after relu is normal.", "relu 之后约一半属正常。"),
    },
    Kind {
        statistic: LayerStatistic::SaturatedFraction,
        english: "share of saturated values",
        chinese: "饱和值的比例",
        scale: Scale::Linear,
        hint: (
            "Values of sigmoid or tanh so close to their limits that hardly any gradient passes.",
            "sigmoid 或 tanh 靠近两端、几乎不传梯度的值。",
        ),
    },
    Kind {
        statistic: LayerStatistic::SignAgreement,
        english: "share of units whose weight gradients share a sign",
        chinese: "权重梯度同号的单元比例",
        scale: Scale::Linear,
        hint: ("High where inputs are not centred: updates then zigzag.", "输入未零中心化时偏高，更新呈锯齿形。"),
    },
    Kind {
        statistic: LayerStatistic::InputMeanEnergy,
        english: "share of the input that is its mean",
        chinese: "输入中均值所占的能量",
        scale: Scale::Linear,
        hint: ("0 is a centred input, 1 a constant one.", "0 表示输入已零中心化，1 表示输入为常数。"),
    },
    Kind {
        statistic: LayerStatistic::Norm(ParameterRole::Weight),
        english: "norm of the weights",
        chinese: "权重范数",
        scale: Scale::Logarithmic,
        hint: ("Grows slowly, or shrinks under weight decay.", "缓慢增长，或因权重衰减而缩小。"),
    },
    Kind {
        statistic: LayerStatistic::GradientNorm(ParameterRole::Weight),
        english: "norm of the weights' gradient",
        chinese: "权重梯度的范数",
        scale: Scale::Logarithmic,
        hint: ("Before clipping.", "梯度裁剪之前的值。"),
    },
    Kind {
        statistic: LayerStatistic::UpdateNorm(ParameterRole::Weight),
        english: "norm of the weights' update",
        chinese: "权重更新量的范数",
        scale: Scale::Logarithmic,
        hint: ("Change made by one step.", "每一步的改变量。"),
    },
];

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    if record.layers.is_empty() {
        return Markup::default();
    }
    let points = (ALL_POINTS / record.layers.len()).clamp(60, 400);
    let known = KINDS.iter().filter_map(|kind| {
        let title = Text::new(kind.english, kind.chinese);
        let plot = chart(record, Measurement { name: kind.statistic.name(), title, scale: kind.scale }, points)?;
        Some(elements::captioned(&plot, language.choose(kind.hint.0, kind.hint.1), language))
    });
    let names: BTreeSet<&str> = record.layers.iter().map(|series| series.name.as_str()).collect();
    let others: Vec<Plot> = names
        .into_iter()
        .filter(|name| !KINDS.iter().any(|kind| kind.statistic.name() == *name))
        .map(|name| Measurement { name, title: Text::same(name.replace('_', " ")), scale: scale_of(name) })
        .filter_map(|measurement| chart(record, measurement, points))
        .collect();
    let lead = language.choose(
        "One curve per layer, from the first (orange) to the last (blue).",
        "每层一条曲线，从首层（橙）到末层（蓝）。",
    );
    html! {
        p.lead { (lead) }
        div.grid-2 { @for figure in known { (figure) } }
        @if !others.is_empty() {
            details {
                summary { (language.choose("More measurements", "更多测量")) }
                div.grid-2 { @for plot in &others { (elements::captioned(plot, "", language)) } }
            }
        }
    }
}

/// Returns a logarithmic scale for magnitudes, and a linear one for shares and anything unknown.
fn scale_of(name: &str) -> Scale {
    match name.rsplit('_').next() {
        Some("norm" | "ratio" | "rms" | "std") => Scale::Logarithmic,
        _ => Scale::Linear,
    }
}

/// A stored measurement and its presentation.
struct Measurement<'a> {
    /// Name in the store.
    name: &'a str,
    /// Title of the vertical axis.
    title: Text,
    /// Scale of the vertical axis.
    scale: Scale,
}

/// Plots one measurement of all layers that have it; returns `None` if it has no finite value.
fn chart(record: &Record, measurement: Measurement<'_>, points: usize) -> Option<Plot> {
    let Measurement { name, title, scale } = measurement;
    let of_kind: Vec<&LayerSeries> = record.layers.iter().filter(|series| series.name == name).collect();
    let drawable = |value: f64| value.is_finite() && (scale == Scale::Linear || value > 0.0);
    if !of_kind.iter().any(|series| series.points.iter().any(|point| drawable(point.1))) {
        return None;
    }
    let last = (of_kind.len() - 1).max(1) as f64;
    let mut plot = Plot::new(step_title(), title).scales(Scale::Linear, scale);
    for (index, series) in of_kind.iter().enumerate() {
        let curve: Vec<Point> = series.points.iter().map(|&(step, value)| (step as f64, value)).collect();
        let series = Series::new(series.layer.as_str(), decimate(&curve, points), Marks::Line);
        plot = plot.with(series.at_depth(index as f64 / last));
    }
    Some(plot)
}
