//! Settings needed to repeat the run: config, seed, version, machine.

use keel_page::charts::escape;

use super::Contents;
use super::overview::duration;

pub(super) fn section(contents: &Contents<'_>) -> String {
    let Contents { record, language, .. } = *contents;
    let mut rows: Vec<(&str, String)> = Vec::new();
    if let Some(summary) = &record.summary {
        let machine = &summary.machine;
        rows.push((language.choose("seed", "随机种子"), summary.seed.to_string()));
        rows.push(("Evenkeel", summary.version.clone()));
        let simd = format!("{} · {} · {}", machine.system, machine.architecture, machine.simd);
        rows.push((language.choose("machine", "机器"), simd));
        rows.push((language.choose("threads", "线程"), machine.threads.to_string()));
        rows.push((language.choose("steps", "步数"), summary.steps.to_string()));
        rows.push((language.choose("time", "用时"), duration(summary.seconds)));
    }
    let rows: String =
        rows.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(value))).collect();
    let list = if rows.is_empty() { String::new() } else { format!("<dl class=\"facts\">{rows}</dl>") };
    if record.config_text.trim().is_empty() {
        return list;
    }
    let title = language.choose("Resolved config, including defaults", "完整配置（含默认值）");
    let again = language.choose("Saved as a file, it trains this run again:", "存为文件即可重新训练：");
    format!(
        "{list}<details><summary>{title}</summary><p>{again} <code>evenkeel train config.toml</code></p><pre>{}</pre></details>",
        escape(record.config_text.trim())
    )
}
