//! Reports of runs of every kind, as files and as a reader sees them.

mod runs;

use std::path::{Path, PathBuf};

use keel_page::Language;
use keel_report::{ReportOptions, WrittenReport, write_report};
use keel_testkit::browser::{Browser, View};
use keel_train::metrics::MetricName;
use keel_train::runs::RunFolder;
use keel_train::{ColumnImportance, Importance};
use runs::{add_measurements, change_summary, finding, proof, replace_steps, toml_string, trained};

const IMAGES: &str = "[train]\nepochs = 2\n[model]\npreset = \"mlp\"\n";

/// Writes a table with three classes, one of which has a name that must be escaped.
fn table_of_classes(folder: &Path) -> PathBuf {
    let mut text = String::from("width,\"<b>height</b>\",kind\n");
    for row in 0..90 {
        let kind = ["<script>alert(1)</script>", "a & b", "\"plain\""][row % 3].replace('"', "\"\"");
        let (x, y) = ((row * 37 % 50) as f64 / 10.0, (row * 53 % 40) as f64 / 7.0 + (row % 3) as f64);
        text.push_str(&format!("{x},{y},\"{kind}\"\n"));
    }
    let path = folder.join("classes.csv");
    std::fs::write(&path, text).unwrap();
    path
}

fn table_of_values(folder: &Path) -> PathBuf {
    let mut text = String::from("x,y,price\n");
    for row in 0..80 {
        let (x, y) = ((row * 37 % 50) as f64 / 10.0, (row * 53 % 40) as f64 / 7.0);
        text.push_str(&format!("{x},{y},{}\n", 3.0 * x - y + (row % 5) as f64 / 10.0));
    }
    let path = folder.join("values.csv");
    std::fs::write(&path, text).unwrap();
    path
}

fn table_run(folder: &Path, name: &str, table: &Path, target: &str) -> PathBuf {
    let source = toml_string(table);
    let config = format!(
        "[data]\nsource = {source}\ntarget = \"{target}\"\n[model]\npreset = \"mlp\"\n[train]\nepochs = 3\nbatch_size = 16\n"
    );
    trained(folder, name, &config)
}

fn write(run: &Path, language: Language) -> (WrittenReport, String) {
    let out = run.join(format!("report-{language}.html"));
    let options = ReportOptions { out: Some(out.clone()), language, ..ReportOptions::default() };
    let written = write_report(run, &options).unwrap();
    let html = std::fs::read_to_string(&out).unwrap();
    assert!(!html.contains("NaN") && !html.contains(">inf") && !html.contains("http"), "{}", run.display());
    (written, html)
}

#[test]
fn a_report_shows_what_the_run_holds_and_is_drawn_in_every_view() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let images = trained(folder, "images", IMAGES);
    add_measurements(&images, 120);
    change_summary(&images, |summary| {
        let layer = summary["layers"][1]["name"].as_str().unwrap().to_owned();
        let findings = [
            finding("K010", "error", &layer, None),
            finding("K011", "warn", &layer, Some("K010")),
            finding("K013", "info", "elsewhere", Some("K999")),
        ];
        let [mut proved, explained, elsewhere] = findings;
        proved["proof"] = proof("K010", &layer);
        let findings = [proved, explained, elsewhere];
        summary["findings"] = findings.into();
    });
    let classes = table_run(folder, "classes", &table_of_classes(folder), "kind");
    let values = table_run(folder, "values", &table_of_values(folder), "price");
    change_summary(&values, |summary| {
        summary["choices"] = serde_json::json!([{"key": "model.width", "value": "64", "reason": "few <rows>"}]);
    });
    let pages: Vec<PathBuf> = [
        write(&images, Language::English),
        write(&images, Language::Chinese),
        write(&classes, Language::English),
        write(&values, Language::English),
    ]
    .into_iter()
    .map(|(written, _)| written.report)
    .collect();

    let html = |index: usize| std::fs::read_to_string(&pages[index]).unwrap();
    let english = html(0);
    for expected in [
        "62 % of the units of &lt;b&gt;relu&lt;/b&gt; never fired",
        "--set 'optimizer.learning_rate=0.005'",
        "1 consequence of this",
        "Confirmed: the validation result is better with the remedy",
        "<td>0.65 (0.6–0.7)</td><td>2.3</td><td>2.3</td><td>–</td>",
        "<td>0.3; 1 of 2 within</td><td>1.5 (1–2)</td><td>1.5 (1–2)</td><td>0.85 (0.8–0.9)</td>",
        "evenkeel explain K010",
        "class=\"filters\"",
        "class=\"mistakes\"",
        "class=\"confusion\"",
        "id=\"histograms\"",
        "More measurements",
        "something new",
        "batch_size = 64",
    ] {
        assert!(english.contains(expected), "{expected}");
    }
    assert_eq!(english.matches("class=\"finding ").count(), 3);
    for expected in [
        "每一行对应一个真实类别",
        "预测错得最离谱的样本",
        "（概率 ",
        "测量值",
        "阈值",
        "原因排在最前",
        "ReLU 死亡",
        "<h3>该层有些单元在训练中死亡，对任何样本都不再激活。</h3>",
        "死亡单元的比例",
        "某一步过大，使这些单元对所有样本都落到零以下。",
        "把学习率降到 0.005。",
        "<p>把学习率降到 0.005</p>",
        "<h3>梯度在传到第一层的途中逐渐消失。</h3>",
        "原文：<span lang=\"en\">62 % of the units of &lt;b&gt;relu&lt;/b&gt; never fired.",
    ] {
        assert!(html(1).contains(expected), "{expected}");
    }
    assert!(!english.contains("原文") && !html(1).contains("Lower the learning rate"));
    let chinese = html(1).chars().filter(|character| ('\u{4e00}'..'\u{9fff}').contains(character)).count();
    assert!(chinese > 500, "{chinese}");
    assert!(html(2).contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !html(2).contains("<script>alert"));
    assert!(html(2).contains("<th scope=\"row\">kind</th><td>target</td>"), "the table of columns");
    assert!(html(3).contains("<th scope=\"row\">price</th><td>target</td>"), "the table of columns");
    assert!(html(3).contains("id=\"choices\"") && html(3).contains("few &lt;rows&gt;"), "the choices");
    assert!(html(3).contains("residual") && html(3).contains("no error") && !html(3).contains("class=\"confusion\""));

    let Some(browser) = Browser::or_skip("a_report_shows_what_the_run_holds_and_is_drawn_in_every_view") else {
        return;
    };
    let script = include_str!("runs/use_charts.js");
    for seen in browser.open(&pages, &View::ALL, script) {
        assert_eq!(seen.problems(), Vec::<String>::new(), "{seen}");
        assert!(seen.charts.len() >= 5, "{seen}: {} charts", seen.charts.len());
        assert_eq!(seen.result, "", "{seen}");
    }
}

#[test]
fn a_table_shows_its_most_important_columns_and_its_choices_in_the_language_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let run = table_run(folder.path(), "values", &table_of_values(folder.path()), "price");
    let english_reason = "few rows: a network that stays close to a linear model";
    change_summary(&run, |summary| {
        summary["choices"] = serde_json::json!([
            { "key": "model.depth", "value": "1", "reason": english_reason, "kind": { "row": "few_rows" } },
            { "key": "model.width", "value": "64", "reason": "recorded by an older version" },
        ]);
    });
    let (_, english) = write(&run, Language::English);
    assert!(english.contains("<th>predicted</th><th>x</th><th>y</th>"), "the order of the table");
    assert!(english.contains("The columns in the order of the table.") && english.contains(english_reason));

    let columns = ["y", "x"].map(|name| ColumnImportance { name: name.into(), mean: 0.5, std: 0.0, drops: vec![0.5] });
    let importance = Importance {
        part: "test".into(),
        metric: MetricName::R2,
        score: 0.5,
        samples: 8,
        repeats: 1,
        seed: 0,
        columns: columns.to_vec(),
    };
    importance.write(&RunFolder::open(&run).unwrap()).unwrap();
    let (_, english) = write(&run, Language::English);
    assert!(english.contains("<th>predicted</th><th>y</th><th>x</th>"), "the order of importance");
    assert!(english.contains("The columns by permutation importance, the most important first."));
    let (_, chinese) = write(&run, Language::Chinese);
    for expected in [
        "<th>预测</th><th>y</th><th>x</th>",
        "各列按置换重要性排列，最重要的在前。",
        "行数少：网络接近线性模型",
        "recorded by an older version",
        "在 8 个样本（测试集）上",
        ".csv，第 ",
    ] {
        assert!(chinese.contains(expected), "{expected}");
    }
    assert!(!chinese.contains(english_reason) && !chinese.contains("by permutation importance"));
    assert!(english.contains(".csv, line ") && !chinese.contains(".csv, line "));
}

#[test]
fn curves_stand_in_the_order_of_the_network_where_layers_are_fused() {
    let folder = tempfile::tempdir().unwrap();
    let run =
        trained(folder.path(), "fused", "[train]\nepochs = 1\n[health]\nlevel = \"full\"\n[model]\npreset = \"cnn\"\n");
    let (_, html) = write(&run, Language::English);
    let layers = html.find("id=\"layers\"").unwrap();
    let at = |name: &str| html[layers..].find(&format!("data-name=\"{name}\"")).unwrap_or_else(|| panic!("{name}"));
    assert!(at("conv2d_1") < at("conv2d_2") && at("conv2d_2") < at("linear_1"));
    let histograms = html.find("id=\"histograms\"").unwrap();
    let panel = |name: &str| html[histograms..].find(name).unwrap_or_else(|| panic!("{name}"));
    assert!(panel("max_pool_1") < panel("max_pool_2") && panel("max_pool_2") < panel("linear_1"));
    // The badge below the title counts what was found.
    let note = finding("K010", "info", "linear_1", None);
    for (findings, expected) in [(vec![note.clone()], ">1 note</a>"), (vec![note; 2], ">2 notes</a>")] {
        change_summary(&run, |summary| summary["findings"] = findings.into());
        let (_, html) = write(&run, Language::English);
        assert!(html.contains(expected), "{expected}");
    }
}

#[test]
fn consequences_stand_by_themselves_once_their_cause_is_refuted() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path(), "refuted", "[train]\nepochs = 1\n[model]\npreset = \"mlp\"\n");
    let cases = [
        ("confirmed", "error", true),
        ("not_reproduced", "error", true),
        ("no_effect", "info", false),
        ("statistic_only", "info", false),
        ("worse", "info", false),
    ];
    for (verdict, level, is_folded) in cases {
        change_summary(&run, |summary| {
            let mut cause = finding("K010", level, "linear_1", None);
            cause["proof"] = proof("K010", "linear_1");
            cause["proof"]["verdict"] = verdict.into();
            summary["findings"] = vec![cause, finding("K011", "warn", "linear_1", Some("K010"))].into();
        });
        let (_, html) = write(&run, Language::English);
        let at =
            |code: &str| html.find(&format!("data-code=\"{code}\"")).unwrap_or_else(|| panic!("{verdict}: {code}"));
        assert_eq!(html.contains("1 consequence of this"), is_folded, "{verdict}");
        assert_eq!(at("K010") < at("K011"), is_folded, "{verdict}: serious findings first");
    }
}

#[test]
fn runs_that_are_not_finished_are_never_shown_as_finished() {
    let folder = tempfile::tempdir().unwrap();
    let run =
        trained(folder.path(), "run", "[train]\nepochs = 1\n[model]\npreset = \"mlp\"\n[health]\nlevel = \"off\"\n");
    let cases = [
        ("running", "not finished"),
        ("stopped", "Its numbers are not final."),
        ("failed", "Training ended with an error."),
        ("finished", "finished</span>"),
    ];
    for (status, expected) in cases {
        change_summary(&run, |summary| {
            summary["status"] = status.into();
            summary["reason"] = "disk <full>".into();
        });
        let (_, html) = write(&run, Language::English);
        assert!(html.contains(expected) && html.contains("disk &lt;full&gt;"), "{status}");
        assert_eq!(html.contains(">finished</span>"), status == "finished");
        assert!(
            html.contains("health not watched") && html.contains("so the absence of findings means nothing"),
            "{status}"
        );
    }
    std::fs::remove_file(run.join("model.safetensors")).unwrap();
    std::fs::remove_file(run.join("summary.json")).unwrap();
    let (written, html) = write(&run, Language::English);
    assert!(html.contains("state unknown") && html.contains("Training curves"));
    assert_eq!(written.notes.len(), 2, "{:?}", written.notes);
    std::fs::write(run.join("metrics.sqlite"), "damaged").unwrap();
    std::fs::remove_file(run.join("metrics.sqlite-wal")).ok();
    let (written, _) = write(&run, Language::English);
    assert!(written.notes.iter().any(|note| note.starts_with("metrics.sqlite: ")), "{:?}", written.notes);
    std::fs::remove_file(run.join("metrics.sqlite")).unwrap();
    let (written, html) = write(&run, Language::English);
    let missing = "no such file, so this run has no curves, no measurements of layers and no histograms";
    assert!(written.notes.iter().any(|note| note.contains(missing)), "{:?}", written.notes);
    assert!(html.contains(missing));
    let message = write_report(&folder.path().join("absent"), &ReportOptions::default()).unwrap_err().to_string();
    assert!(message.contains("absent: no such folder; use the folder of a run"), "{message}");
}

#[test]
fn a_long_run_stays_small_and_keeps_its_spike() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path(), "long", "[train]\nepochs = 1\n[model]\npreset = \"mlp\"\n");
    replace_steps(&run, 200_000);
    add_measurements(&run, 4_000);
    let (written, html) = write(&run, Language::English);
    assert!(written.bytes < 3_000_000, "{}", written.bytes);
    let loss = &html[html.find("data-name=\"single batches\"").unwrap()..];
    let line = &loss[..loss.find("</g>").unwrap()];
    let highest = line.split([' ', '"', ',']).skip(1).filter_map(|number| number.parse::<f64>().ok());
    assert!(highest.fold(f64::MAX, f64::min) < 60.0, "the spike at the middle reaches the top of the chart");
    assert!(line.split(' ').count() < 3_000);
}
