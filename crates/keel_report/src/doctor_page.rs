//! Page of the doctor: findings, attempts and kept changes, with numbers, in the style of the report of a run.

use std::path::Path;

use keel_health::chinese_message;
use keel_page::Language;
use keel_page::charts::number;
use keel_page::page::HtmlDocument;
use keel_train::doctor::{Attempt, Ending, Found, Judgement, Measured, Proposal, SettingChange, Story};
use keel_train::remedies::RunResult;
use keel_train::runs::write_atomically;
use maud::{Markup, html};

use crate::elements::{self, FindingTags};
use crate::error::ReportError;

/// Writes the page of `story`.
///
/// # Errors
/// [`ReportError::Write`] if the file cannot be written.
pub fn write_doctor_page(story: &Story, path: &Path, language: Language) -> Result<(), ReportError> {
    let title = format!("{} · {}", story.data, language.choose("doctor", "诊治"));
    let document = HtmlDocument { title: &title, style: crate::STYLE, body: &body(story, language) }.html(language);
    write_atomically(path, |file| file.write_all(document.as_bytes()))
        .map_err(|source| ReportError::Write { path: path.to_owned(), source })
}

fn body(story: &Story, language: Language) -> Markup {
    let sections = [
        (language.choose("Before and after", "前后对比"), comparison(story, language)),
        (language.choose("Found at the start", "开始时的诊断"), found(&story.found, language)),
        (language.choose("Tried", "尝试过的修改"), attempts(story, language)),
        (language.choose("Changed settings", "改动的设置"), changes(&story.changes, language)),
        (language.choose("Findings left at the end", "结束时仍有的诊断"), found(&story.left, language)),
    ];
    html! {
        div.report {
            (header(story, language))
            @for (title, content) in sections { section { h2 { (title) } (content) } }
        }
    }
}

fn header(story: &Story, language: Language) -> Markup {
    let (class, word) = match story.ending {
        Some(Ending::Better) => ("good", language.choose("better than before", "比之前好")),
        Some(Ending::Healthy) => ("good", language.choose("healthy from the start", "原本就正常")),
        Some(Ending::NotBetter) => ("bad", language.choose("not better than before", "没有变好")),
        Some(Ending::NothingHelped) => ("bad", language.choose("nothing helped", "均无帮助")),
        Some(Ending::Stopped) => ("open", language.choose("stopped before the comparison", "对比之前被停止")),
        None => ("open", language.choose("under way", "进行中")),
    };
    let kept = story.attempts.iter().filter(|attempt| attempt.judgement == Judgement::Helped).count();
    let tiles = [
        (language.choose("changes tried", "尝试的修改"), story.attempts.len().to_string()),
        (language.choose("changes kept", "保留的修改"), kept.to_string()),
        (language.choose("trainings", "训练次数"), story.trainings.to_string()),
        (language.choose("seconds", "秒"), format!("{:.0}", story.seconds)),
        (language.choose("epochs each", "每次轮数"), epochs(story)),
    ];
    html! {
        header {
            p.chapter { "Evenkeel · " (language.choose("Doctor", "诊治")) }
            h1 { (story.data) }
            p.state { span.pill.(class) { (word) } " " span { (sentence(story, language)) } }
            (elements::definitions("tiles", &tiles))
        }
    }
}

fn epochs(story: &Story) -> String {
    match story.trained_epochs == story.epochs {
        true => story.epochs.to_string(),
        false => format!("{} / {}", story.trained_epochs, story.epochs),
    }
}

fn sentence(story: &Story, language: Language) -> String {
    let mean = |side: &[Measured]| mean(side.iter().map(|run| run.test.score));
    let score = score_name(story, language);
    match (mean(&story.start), mean(&story.end), language) {
        (Some(start), Some(end), Language::English) => {
            format!("test {score} {} before, {} after (means over seeds)", number(start), number(end))
        }
        (Some(start), Some(end), Language::Chinese) => {
            format!("测试{score}：之前 {}，之后 {}（多个种子的均值）", number(start), number(end))
        }
        _ => String::new(),
    }
}

/// Returns the name of the score in the reader's language.
fn score_name(story: &Story, language: Language) -> &str {
    match (story.metric, language) {
        (Some(metric), Language::Chinese) => elements::chinese_title(metric),
        _ => &story.score,
    }
}

fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.flatten().collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn comparison(story: &Story, language: Language) -> Markup {
    if story.start.is_empty() {
        let text = language.choose(
            "There is no comparison: the search was stopped before one was made.",
            "没有对比：在此之前已被停止。",
        );
        return html! { p.calm { (text) } };
    }
    let score = score_name(story, language);
    let titles = match language {
        Language::English => [
            "".to_owned(),
            format!("validation {score}"),
            "validation loss".into(),
            format!("test {score}"),
            "test loss".into(),
        ],
        Language::Chinese => {
            ["".to_owned(), format!("验证{score}"), "验证损失".into(), format!("测试{score}"), "测试损失".into()]
        }
    };
    let sides = [(language.choose("before", "之前"), &story.start), (language.choose("after", "之后"), &story.end)];
    let rows = sides.into_iter().filter(|(_, side)| !side.is_empty()).map(|(name, side)| side_row(name, side));
    html! {
        (elements::table(None, &elements::titles(titles), rows))
        p.more { (gain(story, language)) }
    }
}

/// Renders the row of one side of the comparison.
fn side_row(name: &str, side: &[Measured]) -> Markup {
    let validation: Vec<RunResult> = side.iter().map(|run| run.validation).collect();
    let test: Vec<RunResult> = side.iter().map(|run| run.test).collect();
    html! {
        tr {
            td { (name) }
            @for results in [validation, test] {
                td { (spread(&results, |run| run.score)) }
                td { (spread(&results, |run| run.loss)) }
            }
        }
    }
}

/// Describes the gain and the gain that was needed.
fn gain(story: &Story, language: Language) -> String {
    let Some(comparison) = &story.comparison else {
        return language
            .choose("Nothing was changed, so there is nothing to compare.", "没有改动，无需对比。")
            .to_owned();
    };
    let (score, seeds) = (score_name(story, language), story.start.len());
    let [gain, needed] = [comparison.score.mean, comparison.score.needed].map(number);
    match language {
        Language::English => format!(
            "Over {seeds} seeds that took no part in any decision. Gain in validation {score} {gain}, needed {needed}; \
             the test split took no part in any decision."
        ),
        Language::Chinese => {
            format!("使用 {seeds} 个未参与取舍的种子。验证{score} 提高 {gain}，需超过 {needed}；测试集不参与任何取舍。")
        }
    }
}

fn found(found: &[Found], language: Language) -> Markup {
    html! {
        @if found.is_empty() {
            p.calm { (language.choose("No error and no warning.", "没有错误，也没有警告。")) }
        }
        @for Found { code, rule, kind, level, layer, message } in found {
            @let tags = FindingTags { level: *level, code, rule, layer: layer.as_deref() };
            @let translated = chinese_message(code, kind).filter(|_| language == Language::Chinese);
            article.finding.(level.name()) {
                div.words {
                    (tags.html(language))
                    p { (translated.unwrap_or(message)) }
                    @if translated.is_some() { (elements::original(message)) }
                }
            }
        }
    }
}

fn attempts(story: &Story, language: Language) -> Markup {
    if story.attempts.is_empty() {
        return html! { p.calm { (language.choose("No change had to be tried.", "无需尝试。")) } };
    }
    let score = score_name(story, language);
    let titles = match language {
        Language::English => [
            "change".to_owned(),
            "because of".into(),
            format!("validation {score} without"),
            "with".into(),
            "seeds".into(),
            "outcome".into(),
        ],
        Language::Chinese => [
            "修改".to_owned(),
            "依据".into(),
            format!("验证{score}：修改前"),
            "修改后".into(),
            "种子数".into(),
            "结果".into(),
        ],
    };
    let rows = story.attempts.iter().map(|attempt| attempt_row(attempt, language));
    elements::table(Some("columns"), &elements::titles(titles), rows)
}

fn attempt_row(attempt: &Attempt, language: Language) -> Markup {
    let is_advice = matches!(attempt.proposal, Some(Proposal::Advice(_)));
    let because = is_advice.then(|| "一般建议".to_owned());
    html! {
        tr {
            td {
                (elements::translated(&attempt.change, attempt.chinese_change(), language)) br;
                span.more { (elements::translated(&attempt.reason, attempt.chinese_reason(), language)) }
            }
            td { (elements::translated(&attempt.because, because, language)) }
            td { (result(&attempt.without)) }
            td { (result(&attempt.with)) }
            td { (attempt.with.len()) }
            td {
                span.pill.(tone(attempt)) { (judgement(attempt, language)) }
                @if let Some(reason) = &attempt.refusal { (language.choose(": ", "：")) (reason) }
            }
        }
    }
}

/// Formats the score, or the loss if there is none.
fn result(results: &[RunResult]) -> String {
    if results.iter().any(|result| result.score.is_some()) {
        return spread(results, |result| result.score);
    }
    spread(results, |result| result.loss)
}

fn tone(attempt: &Attempt) -> &'static str {
    match attempt.judgement {
        Judgement::Helped => "good",
        Judgement::Refused => "bad",
        Judgement::Promising | Judgement::WithinSpread | Judgement::Outdone => "warn",
        Judgement::DidNotHelp => "",
    }
}

fn judgement(attempt: &Attempt, language: Language) -> &'static str {
    match attempt.judgement {
        Judgement::Helped => language.choose("helped, kept", "有效，保留"),
        Judgement::Outdone => language.choose("another change was better", "不如另一修改"),
        Judgement::Promising => {
            language.choose("promising, not compared over several seeds", "有希望，尚未用多个种子比较")
        }
        Judgement::WithinSpread => language.choose("within the spread over seeds", "在种子间波动之内"),
        Judgement::DidNotHelp => language.choose("did not help", "无帮助"),
        Judgement::Refused => language.choose("does not fit", "不适用"),
    }
}

fn changes(changes: &[SettingChange], language: Language) -> Markup {
    if changes.is_empty() {
        return html! { p.calm { (language.choose("None.", "无。")) } };
    }
    let titles = [language.choose("key", "键"), language.choose("before", "之前"), language.choose("after", "之后")];
    let row = |SettingChange { key, before, after }: &SettingChange| {
        html! { tr { @for text in [key, before, after] { td { code { (text) } } } } }
    };
    elements::table(Some("choices"), &elements::titles(titles), changes.iter().map(row))
}

/// Formats the mean, with minimum and maximum in brackets.
fn spread(results: &[RunResult], value: fn(&RunResult) -> Option<f64>) -> String {
    let values: Vec<f64> = results.iter().filter_map(value).collect();
    let Some(mean) = mean(values.iter().map(|&value| Some(value))) else { return "–".to_owned() };
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), &value| (low.min(value), high.max(value)));
    if low == high { number(mean) } else { format!("{} ({}–{})", number(mean), number(low), number(high)) }
}

#[cfg(test)]
mod tests {
    use keel_health::{Level, Remedy};
    use keel_train::doctor::AdvisedChange;
    use keel_train::metrics::MetricName;
    use keel_train::remedies::Comparison;

    use super::*;

    fn results(scores: [f64; 3]) -> Vec<RunResult> {
        scores.map(|score| RunResult { loss: Some(1.0 - score), score: Some(score) }).to_vec()
    }

    fn measured(scores: [f64; 3]) -> Vec<Measured> {
        results(scores).into_iter().map(|run| Measured { seed: 1, validation: run, test: run }).collect()
    }

    fn story() -> Story {
        let found = Found {
            code: "K013".into(),
            rule: "update-ratio".into(),
            kind: "too-high".into(),
            level: Level::Error,
            layer: Some("<linear>".into()),
            message: "steps are too large".into(),
        };
        let settings =
            vec![SettingChange { key: "optimizer.learning_rate".into(), before: "50.0".into(), after: "0.1".into() }];
        let attempt = Attempt {
            because: "K013".into(),
            reason: "steps are too large".into(),
            change: "lower the learning rate to 0.1".into(),
            proposal: Some(Proposal::Remedy {
                kind: "too-high".into(),
                remedies: vec![Remedy::ScaleLearningRate { factor: 0.002, value: Some(0.1) }],
                other_layers: 2,
            }),
            settings: settings.clone(),
            without: results([0.1; 3]),
            with: results([0.875, 0.75, 0.625]),
            judgement: Judgement::Helped,
            refusal: None,
        };
        Story {
            data: "digits".into(),
            score: "accuracy".into(),
            metric: Some(MetricName::Accuracy),
            seed: 0,
            epochs: 4,
            trained_epochs: 4,
            found: vec![found],
            first: results([0.1; 3])[0],
            attempts: vec![attempt],
            changes: settings,
            left: Vec::new(),
            start: measured([0.1; 3]),
            end: measured([0.875, 0.75, 0.625]),
            comparison: Some(Comparison::of(&results([0.1; 3]), &results([0.875, 0.75, 0.625]))),
            ending: Some(Ending::Better),
            trainings: 13,
            seconds: 2.0,
        }
    }

    #[test]
    fn the_page_tells_the_story_with_its_numbers_in_both_languages() {
        let english = body(&story(), Language::English).into_string();
        for expected in [
            "better than before",
            "test accuracy 0.1 before, 0.75 after",
            "&lt;linear&gt;",
            "lower the learning rate to 0.1",
            "0.75 (0.625–0.875)",
            "<td>3</td><td><span class=\"pill good\">helped, kept</span>",
            "<code>50.0</code>",
            "No error and no warning.",
        ] {
            assert!(english.contains(expected), "{english}\nlacks {expected}");
        }
        let chinese = body(&story(), Language::Chinese).into_string();
        for expected in [
            "种子数",
            "有效，保留",
            "测试准确率：之前 0.1，之后 0.75",
            "<span class=\"pill error\">错误</span>",
            "更新幅度不当",
            "<p>每一步对该层权重的改动过大</p>",
            "原文：<span lang=\"en\">steps are too large</span>",
            "<td>把学习率降到 0.1，另外 2 层同样处理<br><span class=\"more\">每一步对该层权重的改动过大</span></td><td>K013</td>",
        ] {
            assert!(chinese.contains(expected), "{chinese}\nlacks {expected}");
        }
        assert!(!chinese.contains("lower the learning rate"), "{chinese}");
    }

    #[test]
    fn advice_is_shown_in_the_language_of_the_page_and_older_records_as_they_are() {
        let attempt = Attempt {
            because: "advice".into(),
            reason: "it keeps the scale constant".into(),
            change: "add batch norm".into(),
            proposal: Some(Proposal::Advice(AdvisedChange::AddBatchNorm)),
            judgement: Judgement::Refused,
            refusal: Some("K is too large".into()),
            ..story().attempts[0].clone()
        };
        let older = Attempt { proposal: None, ..attempt.clone() };
        let promising = Attempt { judgement: Judgement::Promising, refusal: None, ..attempt.clone() };
        let recorded =
            "<td>add batch norm<br><span class=\"more\">it keeps the scale constant</span></td><td>advice</td>";
        let chinese = "<td>在隐藏层之后加批量归一化<br><span class=\"more\">批量归一化使信号的尺度不受权重影响</span></td>\
             <td>一般建议</td>";
        let cases = [
            (&attempt, Language::English, recorded, "does not fit</span>: K is too large"),
            (&attempt, Language::Chinese, chinese, "不适用</span>：K is too large"),
            (&promising, Language::English, recorded, "promising, not compared over several seeds</span>"),
            (&promising, Language::Chinese, chinese, "有希望，尚未用多个种子比较</span>"),
            (&older, Language::English, recorded, "does not fit</span>: K is too large"),
            (&older, Language::Chinese, recorded, "不适用</span>：K is too large"),
        ];
        for (attempt, language, expected, outcome) in cases {
            let html = attempt_row(attempt, language).into_string();
            assert!(html.contains(expected) && html.contains(outcome), "{language}: {html}");
        }
    }

    #[test]
    fn a_story_that_was_stopped_says_so() {
        let stopped = Story {
            ending: Some(Ending::Stopped),
            attempts: Vec::new(),
            start: Vec::new(),
            end: Vec::new(),
            comparison: None,
            ..story()
        };
        let html = body(&stopped, Language::English).into_string();
        assert!(html.contains("stopped before the comparison") && html.contains("There is no comparison"), "{html}");
    }
}
