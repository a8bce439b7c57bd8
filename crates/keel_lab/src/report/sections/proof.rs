//! The proof of a finding: what its remedy changed, over several seeds.

use keel_health::Finding;
use keel_train::remedies::{Arm, Proof, Verdict};

use crate::charts::{escape, number};
use crate::language::Language;

/// Result of the proofs of `finding`; empty if it was never put to the test.
pub(super) fn of_finding(proofs: &[Proof], finding: &Finding, language: Language) -> String {
    proofs.iter().find(|proof| proof.concerns(finding)).map(|proof| html(proof, language)).unwrap_or_default()
}

fn html(proof: &Proof, language: Language) -> String {
    let arms = [
        (language.choose("without the remedy", "不用该措施"), &proof.without),
        (language.choose("with it", "使用该措施"), &proof.with),
    ];
    let rows: String = arms.iter().map(|(name, arms)| row(name, arms, language)).collect();
    format!(
        "<div class=\"proof\"><p><b>{title}</b> {verdict}</p><p>{remedy}</p><table><thead><tr><th></th><th>{statistic}</th><th>{loss}</th><th>{accuracy}</th></tr></thead><tbody>{rows}</tbody></table><p class=\"more\">{setup}</p></div>",
        title = language.choose("Put to the test.", "检验。"),
        verdict = verdict(proof.verdict, language),
        remedy = escape(&proof.remedy),
        statistic = language.choose("statistic", "统计量"),
        loss = language.choose("training loss", "训练损失"),
        accuracy = language.choose("validation accuracy", "验证准确率"),
        setup = setup(proof, language),
    )
}

fn verdict(verdict: Verdict, language: Language) -> &'static str {
    match verdict {
        Verdict::Confirmed => language.choose(
            "Confirmed: the remedy moves the finding's own statistic.",
            "已证实：该措施改变了此诊断自身的统计量。",
        ),
        Verdict::Withdrawn => language.choose(
            "Withdrawn: the remedy does not move the finding's own statistic.",
            "已撤回：该措施没有改变此诊断自身的统计量。",
        ),
        Verdict::NotReproduced => language.choose(
            "Open: without the remedy the finding did not come up again.",
            "未定：不用该措施时此诊断没有再次出现。",
        ),
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

fn row(name: &str, arms: &[Arm], language: Language) -> String {
    let within = arms.iter().filter(|arm| arm.statistic.is_none()).count();
    let statistic = match (spread(arms, |arm| arm.statistic), within) {
        (None, _) => language.choose("within its limit", "在界限之内").to_owned(),
        (Some(text), 0) => text,
        (Some(text), within) => match language {
            Language::English => format!("{text}; {within} of {} within", arms.len()),
            Language::Chinese => format!("{text}；{} 次中有 {within} 次在界限之内", arms.len()),
        },
    };
    let loss = spread(arms, |arm| arm.loss).unwrap_or_else(|| language.choose("not finite", "非有限值").to_owned());
    let accuracy = spread(arms, |arm| arm.accuracy).unwrap_or_else(|| "–".to_owned());
    format!("<tr><th>{name}</th><td>{statistic}</td><td>{loss}</td><td>{accuracy}</td></tr>")
}

fn spread(arms: &[Arm], value: fn(&Arm) -> Option<f64>) -> Option<String> {
    Proof::spread(arms, value).map(|spread| spread.text(number, "–"))
}
