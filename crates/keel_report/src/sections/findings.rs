//! The findings as cards: finding, place, measurement and limit, cause, and remedy.

use keel_health::measurement::{LayerStatistic, SuspectLabel};
use keel_health::{Application, Finding, Level, Remedy, chinese_message, find_rule};
use keel_page::charts::{Marks, Plot, Point, Scale, Series, number};
use keel_page::{Language, Text};
use maud::{Markup, html};

use super::super::decimate::decimate;
use super::curves::step_title;
use super::{Contents, proof};
use crate::elements::{self, FindingTags};

/// Maximum number of points in an evidence chart.
const POINTS: usize = 400;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    if record.findings.is_empty() {
        return html! { p.calm { (silence(contents)) } };
    }
    let mut roots: Vec<&Finding> =
        record.findings.iter().filter(|finding| is_shown_alone(finding, &record.findings)).collect();
    // A proof may have lowered the level of a finding since the list was ordered.
    roots.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let intro = language.choose(
        "Causes first. Findings explained by another one are folded under it: treat the cause and look again.",
        "原因排在最前，由它引起的诊断折叠在下面。请先处理原因，再看其余诊断是否消失。",
    );
    html! {
        p.lead { (intro) }
        @for finding in roots { (card(contents, finding)) }
    }
}

/// Returns true if a finding has its own card: it is a cause, or the finding that explains it is not in the list.
fn is_shown_alone(finding: &Finding, all: &[Finding]) -> bool {
    !all.iter().any(|cause| explains(cause, finding))
}

/// Returns true if `cause` is named as the explanation of `finding`; no finding explains itself.
fn explains(cause: &Finding, finding: &Finding) -> bool {
    let reference = cause.reference();
    finding.explained_by.as_ref() == Some(&reference) && finding.reference() != reference
}

/// Explains an empty list of findings.
fn silence(contents: &Contents<'_>) -> &'static str {
    let Contents { record, language, .. } = *contents;
    if record.health_is_off() {
        return language.choose(
            "Health was off (health.level = \"off\"): nothing was measured, so the absence of findings means nothing. \
             Set health.level = \"standard\" to monitor every layer at every step.",
            "健康监测已关闭（health.level = \"off\"）：没有测量，因此没有诊断并不代表没有问题。设为 \"standard\" 可在每一步监测每一层。",
        );
    }
    if record.layers.is_empty() {
        return language.choose(
            "No finding. This run has no measurements of its layers, so only the loss was monitored.",
            "没有诊断。此次训练没有各层的测量值，只监测了损失。",
        );
    }
    language.choose("No finding: every rule was applied to every layer.", "没有诊断：所有规则检查了所有层，均无异常。")
}

fn card(contents: &Contents<'_>, finding: &Finding) -> Markup {
    let Contents { record, language, .. } = *contents;
    let consequences: Vec<&Finding> = record.findings.iter().filter(|other| explains(finding, other)).collect();
    let folded = match language {
        Language::English if consequences.len() == 1 => "1 consequence of this".to_owned(),
        Language::English => format!("{} consequences of this", consequences.len()),
        Language::Chinese => format!("由此引起的 {} 个结果", consequences.len()),
    };
    let layer = finding.layer.as_deref().unwrap_or_default();
    html! {
        article.finding.(finding.level.name()) data-code=(finding.code) data-layer=(layer) {
            div.words {
                (heading(finding, language))
                (facts(finding, language))
                (advice(finding, language))
                (proof::of_finding(&record.proofs, finding, language))
            }
            (evidence(contents, finding))
            @if !consequences.is_empty() {
                details.consequences {
                    summary { (folded) }
                    @for consequence in consequences { (card(contents, consequence)) }
                }
            }
        }
    }
}

fn heading(finding: &Finding, language: Language) -> Markup {
    let Finding { level, code, rule, layer, .. } = finding;
    let tags = FindingTags { level: *level, code, rule, layer: layer.as_deref() };
    html! {
        (tags.html(language))
        h3 { (message(finding, language)) }
    }
}

/// Returns the sentence that describes the finding.
fn message(finding: &Finding, language: Language) -> String {
    match language {
        Language::English => sentence(&finding.message),
        Language::Chinese => {
            chinese_message(&finding.code, &finding.kind).map_or_else(|| sentence(&finding.message), chinese_sentence)
        }
    }
}

/// Returns the probable cause. One of unknown kind is not translated.
fn cause(finding: &Finding, language: Language) -> String {
    match (language, finding.known_kind(), finding.lowered) {
        (Language::Chinese, Some(kind), None) => chinese_sentence(kind.chinese_cause),
        (Language::Chinese, Some(kind), Some(lowered)) => {
            format!("{}；{}。", kind.chinese_cause, lowered.describe_in_chinese())
        }
        _ => sentence(&finding.cause),
    }
}

/// Renders measurement, cause and affected samples.
fn facts(finding: &Finding, language: Language) -> Markup {
    let Finding { measured, threshold, first_step, last_step, .. } = finding;
    let name = |step: u64| match step {
        0 => language.choose("start", "开始").to_owned(),
        step => step.to_string(),
    };
    let statistic = finding.known_kind().map_or("测量值", |kind| kind.chinese_statistic);
    let first = name(*first_step);
    let steps = if first_step == last_step { first } else { format!("{first}–{last_step}") };
    let facts = [
        (language.choose("measured", statistic), number(*measured)),
        (language.choose("limit", "阈值"), number(*threshold)),
        (language.choose("steps", "步"), steps),
    ];
    html! {
        (elements::definitions("facts", &facts))
        p { b { (language.choose("Why.", "原因：")) } " " (cause(finding, language)) }
        @if language == Language::Chinese {
            (elements::original(&format!("{} {}", sentence(&finding.message), sentence(&finding.cause))))
        }
        @if !finding.samples.is_empty() {
            ul.samples { @for suspect in &finding.samples { (suspect_item(suspect, language)) } }
        }
    }
}

/// Renders the remedies, and the command that explains the rule.
fn advice(finding: &Finding, language: Language) -> Markup {
    let explanation =
        language.choose("The measurement of this rule, and harmless cases:", "该规则的测量内容与例外情形：");
    html! {
        p.remedy-title { b { (language.choose("What to change.", "如何修改：")) } }
        @if finding.remedies.is_empty() {
            p { (sentence(&finding.remedy)) }
        } @else {
            ol.remedies { @for remedy in &finding.remedies { (remedy_item(remedy, language)) } }
        }
        p.more { (explanation) " " code { "evenkeel explain " (finding.code) } }
    }
}

/// Renders a sample with a contradicted label.
fn suspect_item(suspect: &SuspectLabel, language: Language) -> Markup {
    let SuspectLabel { sample, given, suggested, probability } = suspect;
    let words = match language {
        Language::English => format!("labelled {given}, looks like {suggested} ({probability:.2})"),
        Language::Chinese => format!("标签为 {given}，网络判断为 {suggested}（{probability:.2}）"),
    };
    html! {
        li { code { (sample) } " " (words) }
    }
}

fn remedy_item(remedy: &Remedy, language: Language) -> Markup {
    let place = match remedy.application() {
        Application::Running => language.choose("in the running training", "可用于继续训练"),
        Application::FreshRun => language.choose("in a new run", "需重新训练"),
        Application::ByHand => language.choose("by hand", "需手动处理"),
    };
    html! {
        li {
            (instruction(remedy, language)) " " span.place { (place) } " "
            @for setting in remedy.settings() { code { "--set '" (setting) "'" } }
        }
    }
}

/// Returns the remedy as an instruction.
fn instruction(remedy: &Remedy, language: Language) -> String {
    match language {
        Language::English => sentence(&remedy.describe()),
        Language::Chinese => chinese_sentence(&remedy.describe_in_chinese()),
    }
}

/// Renders the statistic over the steps with the limit it crossed, or nothing if it was not stored.
fn evidence(contents: &Contents<'_>, finding: &Finding) -> Markup {
    let Some((name, points)) = stored(contents, finding) else { return Markup::default() };
    let finite = || points.iter().map(|point| point.1).filter(|value| value.is_finite());
    let (low, high) = finite().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let positive = low > 0.0 && finding.threshold > 0.0;
    let wide = high.max(finding.threshold) / low.min(finding.threshold) > 20.0;
    let scale = if positive && wide { Scale::Logarithmic } else { Scale::Linear };
    let ends = [points.first(), points.last()].map(|point| (point.map_or(0.0, |point| point.0), finding.threshold));
    let mut plot = Plot::new(step_title(), name.clone()).small().scales(Scale::Linear, scale).with(
        Series::new(
            name,
            decimate(&points, POINTS),
            if points.len() <= 60 { Marks::LineAndPoints } else { Marks::Line },
        )
        .coloured(match finding.level {
            Level::Error => 1,
            Level::Warn => 3,
            Level::Info => 0,
        }),
    );
    if finding.threshold.is_finite() {
        plot = plot.with(Series::new(Text::new("limit", "阈值"), ends.to_vec(), Marks::Dashed).coloured(7));
    }
    html! {
        div.evidence { (plot.html(contents.language)) }
    }
}

/// Returns the finding's own evidence, or else the stored measurement of its layer; a single value does not make a chart.
fn stored(contents: &Contents<'_>, finding: &Finding) -> Option<(Text, Vec<Point>)> {
    let rule = find_rule(&finding.code).ok();
    if let Some(evidence) = &finding.evidence
        && evidence.values.len() > 1
    {
        let points = evidence.steps.iter().zip(&evidence.values).map(|(&step, &value)| (step as f64, value)).collect();
        // A merged finding may have the values of another kind of its rule.
        let mut kinds = finding.known_kind().into_iter().chain(rule.iter().flat_map(|rule| rule.kinds));
        let known = kinds.find(|kind| kind.statistic == evidence.statistic);
        let chinese = known.map_or(evidence.statistic.as_str(), |kind| kind.chinese_statistic);
        return Some((Text::new(evidence.statistic.as_str(), chinese), points));
    }
    let layer = finding.layer.as_deref()?;
    let of_layer = |statistic: &LayerStatistic| {
        let matches = |series: &&keel_train::runs::LayerSeries| {
            series.name == statistic.name()
                && (series.layer == layer || series.layer.strip_prefix(layer).is_some_and(|rest| rest.starts_with('.')))
        };
        contents.record.layers.iter().find(matches)
    };
    let series = rule?.layer_statistics.iter().find_map(of_layer).filter(|series| series.points.len() > 1)?;
    Some((
        Text::same(series.name.replace('_', " ")),
        series.points.iter().map(|&(step, value)| (step as f64, value)).collect(),
    ))
}

/// Adds a full stop to a Chinese sentence.
fn chinese_sentence(text: &str) -> String {
    format!("{text}。")
}

/// Capitalises the first letter, unless the text begins with a name such as `conv2d_1`, and adds a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let end = if text.is_empty() || text.ends_with(['.', '!', '?', '。']) { "" } else { "." };
    if text.split_whitespace().next().is_some_and(|word| word.contains('_')) {
        return format!("{text}{end}");
    }
    let mut characters = text.chars();
    let capital: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{capital}{}{end}", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_with_a_capital_and_names_stay_as_they_are() {
        for (text, expected) in [
            ("the loss is stuck", "The loss is stuck."),
            ("linear_2 follows linear_1 ", "linear_2 follows linear_1."),
            ("really?", "Really?"),
            ("", ""),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }
}
