//! Proof of a finding: the effect of its remedy over several seeds.

use keel_health::Finding;
use keel_page::Language;
use keel_page::charts::number;
use keel_train::remedies::{Arm, Proof, Verdict};
use maud::{Markup, html};

use crate::elements;

/// Renders the results of the proofs of `finding`; empty if it was never tested.
pub(super) fn of_finding(proofs: &[Proof], finding: &Finding, language: Language) -> Markup {
    proofs.iter().find(|proof| proof.concerns(finding)).map(|proof| html(proof, finding, language)).unwrap_or_default()
}

fn html(proof: &Proof, finding: &Finding, language: Language) -> Markup {
    let tested = finding.remedies.iter().find(|remedy| remedy.describe() == proof.remedy);
    let remedy = match (language, tested) {
        (Language::Chinese, Some(remedy)) => remedy.describe_in_chinese(),
        _ => proof.remedy.clone(),
    };
    let titles = [
        language.choose("statistic", "统计量"),
        language.choose("training loss", "训练损失"),
        language.choose("validation loss", "验证损失"),
        &score_title(proof, language),
    ];
    html! {
        div.proof {
            p { b { (language.choose("Tested.", "检验。")) } " " (verdict(proof.verdict, language)) }
            p { (remedy) }
            table {
                thead { tr { td {} (elements::titles(titles)) } }
                tbody {
                    (row(language.choose("without the remedy", "不用该措施"), &proof.without, language))
                    (row(language.choose("with it", "使用该措施"), &proof.with, language))
                }
            }
            p.more { (setup(proof, language)) }
        }
    }
}

fn verdict(verdict: Verdict, language: Language) -> &'static str {
    match verdict {
        Verdict::Confirmed => language.choose(
            "Confirmed: the validation result is better with the remedy, beyond the spread over seeds.",
            "已证实：采用该措施后验证结果变好，且超出了不同种子之间的波动。",
        ),
        Verdict::StatisticOnly => language.choose(
            "Not confirmed: the finding's own statistic changed, the result did not.",
            "未证实：此诊断自身的统计量变了，结果没有变。",
        ),
        Verdict::Worse => language.choose(
            "Not confirmed: the validation result is worse with the remedy.",
            "未证实：采用该措施后验证结果变差。",
        ),
        Verdict::NoEffect => language.choose(
            "No effect: neither the finding's own statistic nor the result changed.",
            "没有效果：此诊断自身的统计量和结果都没有变。",
        ),
        Verdict::NotReproduced => language.choose(
            "Inconclusive: without the remedy the finding did not appear again.",
            "无法判定：不用该措施时此诊断没有再次出现。",
        ),
    }
}

/// Returns the title of the score column.
fn score_title(proof: &Proof, language: Language) -> String {
    match (language, proof.score.as_str()) {
        (Language::English, "") => "validation score".to_owned(),
        (Language::English, score) => format!("validation {score}"),
        (Language::Chinese, "") => "验证得分".to_owned(),
        (Language::Chinese, score) => format!("验证 {score}"),
    }
}

fn setup(proof: &Proof, language: Language) -> String {
    let (seeds, steps) = (proof.without.len(), proof.steps);
    match (language, proof.from_step) {
        (Language::English, 0) => {
            format!("{seeds} seeds, {steps} steps each, from the start. Mean, and least to most in brackets.")
        }
        (Language::English, step) => {
            format!("{seeds} seeds, {steps} steps each, from step {step} on. Mean, and least to most in brackets.")
        }
        (Language::Chinese, 0) => format!("{seeds} 个种子，各 {steps} 步，从头开始。均值，括号内为最小到最大。"),
        (Language::Chinese, step) => {
            format!("{seeds} 个种子，各 {steps} 步，从第 {step} 步继续。均值，括号内为最小到最大。")
        }
    }
}

fn row(name: &str, arms: &[Arm], language: Language) -> Markup {
    let within = arms.iter().filter(|arm| arm.statistic.is_none()).count();
    let statistic = match (spread(arms, |arm| arm.statistic), within) {
        (None, _) => language.choose("within its limit", "未超过阈值").to_owned(),
        (Some(text), 0) => text,
        (Some(text), within) => match language {
            Language::English => format!("{text}; {within} of {} within", arms.len()),
            Language::Chinese => format!("{text}；{} 次中有 {within} 次未超过阈值", arms.len()),
        },
    };
    let loss = spread(arms, |arm| arm.loss).unwrap_or_else(|| language.choose("not finite", "非有限值").to_owned());
    let not_finite = || language.choose("not finite", "非有限值").to_owned();
    let validation_loss = spread(arms, |arm| arm.result.loss).unwrap_or_else(not_finite);
    let score = spread(arms, |arm| arm.result.score).unwrap_or_else(|| "–".to_owned());
    html! {
        tr { th { (name) } td { (statistic) } td { (loss) } td { (validation_loss) } td { (score) } }
    }
}

fn spread(arms: &[Arm], value: fn(&Arm) -> Option<f64>) -> Option<String> {
    Proof::spread(arms, value).map(|spread| spread.text(number, "–"))
}
