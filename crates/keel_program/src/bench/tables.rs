//! Formats the results.

use serde_json::Value;

use crate::terminal::{Align, table};

/// Formats the rows of `bench`.
pub(crate) fn rows(document: &Value) -> String {
    let mut text = machine(&document["machine"]);
    if let Some(reason) = document["peer_missing"].as_str() {
        text += &format!("No peer: {reason}\n");
    }
    let all: Vec<&Value> = document["rows"].as_array().into_iter().flatten().collect();
    let steps = all.iter().filter(|row| row["name"] != "kernels" && row["error"].is_null());
    text += &format!("\n{}\n", table(&STEP_COLUMNS, &steps.map(|row| step_row(row)).collect::<Vec<_>>()));
    for row in &all {
        text += &remark(row);
        if row["kernels"].is_array() {
            text += &format!("\n{}\n", kernels(row));
        }
    }
    text
}

/// Formats the networks of `bench networks`.
pub(crate) fn networks(document: &Value) -> String {
    let columns = [
        ("network", Align::Left),
        ("ms", Align::Right),
        ("of peak", Align::Right),
        ("compared with", Align::Left),
        ("ms", Align::Right),
        ("step (min..max)", Align::Right),
        ("end to end (min..max)", Align::Right),
        ("health", Align::Right),
        ("full", Align::Right),
    ];
    let ratio = |part: &Value| match part["ratio"].as_f64() {
        Some(ratio) => {
            let (least, most) = (number(&part["ratio_minimum"], 2), number(&part["ratio_maximum"], 2));
            format!("{ratio:.2} ({least}..{most})")
        }
        None => format!("{} ms", number(&part["milliseconds"], 3)),
    };
    let all: Vec<&Value> = document["networks"].as_array().into_iter().flatten().collect();
    let rows = all.iter().filter(|row| row["error"].is_null()).map(|row| {
        let (step, peer) = (&row["step"], &row["step"]["peer"]);
        vec![
            row["name"].as_str().unwrap_or_default().to_owned(),
            number(&step["milliseconds"], 3),
            number(&row["roofline"], 2),
            peer["name"].as_str().unwrap_or_default().to_owned(),
            number(&peer["milliseconds"], 3),
            ratio(step),
            ratio(&row["end_to_end"]),
            number(&row["health"]["standard"]["ratio"], 3),
            number(&row["health"]["full"]["ratio"], 3),
        ]
    });
    let mut text = machine(&document["machine"]);
    if let Some(reason) = document["peer_missing"].as_str() {
        text += &format!("No peer: {reason}\n");
    }
    text += &format!("\n{}\n", table(&columns, &rows.collect::<Vec<_>>()));
    all.iter().for_each(|row| text += &remark(row));
    for (family, what) in [("all", "All networks"), ("dense", "Dense networks")] {
        for (part, work) in [("step", "step"), ("end_to_end", "training")] {
            text += &share(&document["summary"][family][part], what, work);
        }
    }
    text
}

/// Formats one line about the ratios of a family of networks; empty without a peer.
fn share(part: &Value, what: &str, work: &str) -> String {
    if part.is_null() {
        return String::new();
    }
    format!(
        "{what}, {work} / PyTorch's step: geometric mean {}, worst {} ({}), {} of {} above 1\n",
        number(&part["geometric_mean"], 3),
        number(&part["worst"], 2),
        part["worst_network"].as_str().unwrap_or_default(),
        part["slower"],
        part["networks"],
    )
}

/// Formats the points of `bench scaling`.
pub(crate) fn points(document: &Value) -> String {
    let columns = [
        ("network", Align::Left),
        ("varied", Align::Left),
        ("batch", Align::Right),
        ("width", Align::Right),
        ("depth", Align::Right),
        ("threads", Align::Right),
        ("ms a step", Align::Right),
        ("time", Align::Right),
        ("arithmetic", Align::Right),
        ("GFLOP/s", Align::Right),
    ];
    let rows = document["points"].as_array().into_iter().flatten().map(|point| {
        let word = |key: &str| point[key].as_str().unwrap_or_default().to_owned();
        let factor = |key: &str| format!("x{}", number(&point[key], 2));
        vec![
            word("network"),
            word("varied"),
            point["batch"].to_string(),
            format!("x{}", point["width"]),
            format!("x{}", point["depth"]),
            point["threads"].to_string(),
            number(&point["milliseconds"], 3),
            factor("time_factor"),
            factor("arithmetic_factor"),
            number(&point["gigaflops"], 1),
        ]
    });
    format!("{}\n{}\n", machine(&document["machine"]), table(&columns, &rows.collect::<Vec<_>>()))
}

fn machine(machine: &Value) -> String {
    format!(
        "{}, {} threads, {}; at most {} GFLOP/s and {} GB/s\n",
        machine["processor"].as_str().unwrap_or_default(),
        machine["threads"],
        machine["simd"].as_str().unwrap_or_default(),
        number(&machine["peak_gigaflops"], 0),
        number(&machine["bandwidth_gigabytes"], 0),
    )
}

const STEP_COLUMNS: [(&str, Align); 10] = [
    ("row", Align::Left),
    ("ms", Align::Right),
    ("min..max", Align::Right),
    ("samples/s", Align::Right),
    ("of peak", Align::Right),
    ("MB", Align::Right),
    ("compared with", Align::Left),
    ("ms", Align::Right),
    ("MB", Align::Right),
    ("ratio (min..max)", Align::Right),
];

fn step_row(row: &Value) -> Vec<String> {
    let range = |least: &Value, most: &Value, digits: usize| match (least.as_f64(), most.as_f64()) {
        (Some(least), Some(most)) => format!("{least:.digits$}..{most:.digits$}"),
        _ => String::new(),
    };
    let megabytes = |value: &Value| value.as_f64().map_or_else(String::new, |bytes| format!("{:.1}", bytes / 1e6));
    let peer = &row["peer"];
    let ratios = range(&row["ratio_minimum"], &row["ratio_maximum"], 2);
    vec![
        row["name"].as_str().unwrap_or_default().to_owned(),
        number(&row["milliseconds"], 3),
        range(&row["minimum"], &row["maximum"], 2),
        number(&row["samples_per_second"], 0),
        number(&row["roofline"], 2),
        megabytes(&row["peak_bytes"]),
        peer["name"].as_str().unwrap_or_default().to_owned(),
        number(&peer["milliseconds"], 3),
        megabytes(&peer["peak_bytes"]),
        if ratios.is_empty() { String::new() } else { format!("{} ({ratios})", number(&row["ratio"], 3)) },
    ]
}

/// Formats remarks of a row in addition to its columns.
fn remark(row: &Value) -> String {
    let name = row["name"].as_str().unwrap_or_default();
    let mut text = String::new();
    if let Some(error) = row["error"].as_str() {
        text += &format!("{name}: failed: {error}\n");
    }
    if let Some(speedup) = row["speedup"].as_f64() {
        text += &format!("{name}: {speedup:.2} times as fast as on one thread, the same bits\n");
    }
    if let Some(share) = row["later_epochs_share_of_in_memory"].as_f64() {
        text += &format!(
            "{name}: {} images; after the first epoch {} samples/s, {share:.3} of the {} of a batch in memory\n",
            row["images"],
            number(&row["later_epochs_samples_per_second"], 0),
            number(&row["in_memory_samples_per_second"], 0),
        );
    }
    text
}

fn kernels(row: &Value) -> String {
    let columns = [
        ("layer", Align::Left),
        ("part", Align::Left),
        ("ms", Align::Right),
        ("least ms", Align::Right),
        ("of the limit", Align::Right),
    ];
    let mut lines = Vec::new();
    for kernel in row["kernels"].as_array().into_iter().flatten() {
        for part in kernel["parts"].as_array().into_iter().flatten() {
            lines.push(vec![
                kernel["kernel"].as_str().unwrap_or_default().to_owned(),
                part["part"].as_str().unwrap_or_default().to_owned(),
                number(&part["milliseconds"], 3),
                number(&part["least_milliseconds"], 3),
                number(&part["roofline"], 2),
            ]);
        }
    }
    let whole = number(&row["roofline"], 2);
    format!("{}\nAll products together: {whole} of the machine's limit\n", table(&columns, &lines))
}

fn number(value: &Value, digits: usize) -> String {
    value.as_f64().map_or_else(String::new, |value| format!("{value:.digits$}"))
}
