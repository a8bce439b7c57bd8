//! Settings needed to repeat the run: config, seed, version, machine.

use maud::{Markup, html};

use super::Contents;
use super::numbers::duration;
use crate::elements;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(summary) = &record.summary {
        let machine = &summary.machine;
        facts.push((language.choose("seed", "随机种子"), summary.seed.to_string()));
        facts.push(("Evenkeel", summary.version.clone()));
        let simd = format!("{} · {} · {}", machine.system, machine.architecture, machine.simd);
        facts.push((language.choose("machine", "机器"), simd));
        facts.push((language.choose("threads", "线程"), machine.threads.to_string()));
        facts.push((language.choose("steps", "步数"), summary.steps.to_string()));
        facts.push((language.choose("time", "用时"), duration(summary.seconds)));
    }
    let config = record.config_text.trim();
    html! {
        @if !facts.is_empty() { (elements::definitions("facts", &facts)) }
        @if !config.is_empty() {
            details {
                summary { (language.choose("Resolved config, including defaults", "完整配置（含默认值）")) }
                p {
                    (language.choose("Saved as a file, it trains this run again:", "存为文件即可重新训练："))
                    " " code { "evenkeel train config.toml" }
                }
                pre { (config) }
            }
        }
    }
}
