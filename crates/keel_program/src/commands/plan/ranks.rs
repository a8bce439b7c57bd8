//! `plan --ranks`: estimates a training step on several ranks.

use std::time::Duration;

use keel_ranks::cost::{Network, algorithm};
use keel_train::planning::{Limit, Outline, RankStep, RankWork, Scaling};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::terminal::{Align, count, plural, table, wrapped};

/// Maximum number of ranks of a plan.
const MOST_RANKS: usize = 1024;

/// Default network: one machine, whose ranks exchange messages through its memory.
const MEMORY: Network = Network { latency: Duration::from_micros(20), bytes_per_second: 4e9 };

/// Minimum fraction of a step for a part that is not the bottleneck to be mentioned.
const WORTH_SAYING: f64 = 0.05;

/// Number of ranks and network of the request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    ranks: usize,
    network: Network,
    /// Network as given; `None` for [`MEMORY`].
    name: Option<String>,
}

/// Estimate of a step on several ranks.
#[derive(Debug)]
pub(super) struct OnRanks {
    request: Request,
    threads: usize,
    /// `None` if the training run would not fit into memory.
    work: Option<RankWork>,
}

impl Request {
    /// Reads `--ranks` and `--network`.
    ///
    /// # Errors
    /// If the number is out of range, or the network is invalid.
    pub(super) fn new(ranks: usize, network: Option<&str>) -> Result<Self, Failure> {
        if ranks == 0 || ranks > MOST_RANKS {
            return Err(Failure::new(format!("--ranks {ranks}: out of range; expected 1 to {}", count(MOST_RANKS))));
        }
        let read = network.map(str::parse::<Network>).transpose();
        let read = read.map_err(|error| Failure::new(error.to_string()).at("--network"))?;
        Ok(Request { ranks, network: read.unwrap_or(MEMORY), name: network.map(str::to_owned) })
    }

    /// Measures the inputs of the model.
    ///
    /// # Errors
    /// If there are more ranks than samples in a batch.
    pub(super) fn measure(self, outline: &Outline) -> Result<OnRanks, Failure> {
        let Request { ranks, .. } = self;
        if ranks > outline.batch {
            let message =
                format!("--ranks {ranks}: more ranks than the {} of a batch", plural(outline.batch as u64, "sample"));
            let next_step = format!("Ask for fewer ranks, or for a larger batch with --set train.batch_size={ranks}");
            return Err(Failure::new(message).next_step(next_step));
        }
        Ok(OnRanks { work: outline.rank_work(ranks), threads: rayon::current_num_threads(), request: self })
    }
}

impl OnRanks {
    pub(super) fn text(&self) -> String {
        let Request { ranks, network, name } = &self.request;
        let rate = format!("{:.2} GB/s and {} us", network.bytes_per_second / 1e9, network.latency.as_micros());
        let network_text = match name {
            Some(name) => format!("the network {name} ({rate})"),
            None => format!("{rate} assumed for the memory of one machine (--network gives another)"),
        };
        let title = format!("A step on {}, modelled", plural(*ranks as u64, "rank"));
        let Some(work) = &self.work else {
            return format!("\n{title}: not measured, because the training run would not fit into memory.\n");
        };
        let threads = plural(self.threads as u64, "thread");
        let assumptions = format!("{title}: each rank computes like this machine with {threads}, over {network_text}.");
        let mut text = format!("\n{}", wrapped("", &assumptions));
        text += &wrapped("", &work_text(work, *ranks));
        for (scaling, title) in [
            (Scaling::Strong, format!("The same batch of {} on all ranks:", plural(work.batch as u64, "sample"))),
            (Scaling::Weak, format!("A batch of {} on each rank:", plural(work.batch as u64, "sample"))),
        ] {
            text += &format!("\n{title}\n{}\n", steps_table(&work.steps(scaling, network, *ranks)));
        }
        let step = work.step(Scaling::Strong, network, *ranks);
        text + "\n" + &wrapped("", &limit_text(work, &step, network))
    }

    pub(super) fn document(&self) -> Value {
        let Request { ranks, network, name } = &self.request;
        let mut document = json!({
            "ranks": ranks,
            "network": name,
            "latency_seconds": network.latency.as_secs_f64(),
            "bytes_per_second": network.bytes_per_second,
            "threads_per_rank": self.threads,
        });
        if let Some(work) = &self.work {
            let steps = |scaling| work.steps(scaling, network, *ranks).iter().map(step_json).collect::<Value>();
            document["batch"] = json!(work.batch);
            document["bucket_bytes"] = json!(work.buckets);
            document["synchronised_norms"] = json!(work.norms.len());
            document["strong"] = steps(Scaling::Strong);
            document["weak"] = steps(Scaling::Weak);
            let step = work.step(Scaling::Strong, network, *ranks);
            document["limit"] = json!(limit_word(work.limits(&step, network)[0].0));
        }
        document
    }
}

/// Formats the lines about the measured step and the messages of a step.
fn work_text(work: &RankWork, ranks: usize) -> String {
    let RankWork { batch, whole, share: (samples, share), norms, buckets } = work;
    let ms = |seconds: f64| format!("{:.2} ms", 1e3 * seconds);
    let mut text = format!(
        "Measured: {} for a batch of {batch} (forward {}, backward {}, update {})",
        ms(whole.total()),
        ms(whole.forward),
        ms(whole.backward),
        ms(whole.update)
    );
    if samples < batch {
        text += &format!(" and {} for {}", ms(share.total()), plural(*samples as u64, "sample"));
    }
    let bytes: u64 = buckets.iter().sum();
    text += &format!(
        ". Sent in a step: {:.2} MB of gradients in {}, by {}; 2 messages for each of {}; 1 for the loss.",
        bytes as f64 / 1e6,
        plural(buckets.len() as u64, "bucket"),
        algorithm(ranks),
        plural(norms.len() as u64, "synchronised batch norm")
    );
    text
}

fn steps_table(steps: &[RankStep]) -> String {
    // Headings have two lines, so that nine columns of numbers fit into 80 characters.
    let columns = [
        ("ranks", Align::Right),
        ("samples\na rank", Align::Right),
        ("compute\nms", Align::Right),
        ("messages\nms", Align::Right),
        ("hidden\nms", Align::Right),
        ("step\nms", Align::Right),
        ("samples\nper s", Align::Right),
        ("efficiency", Align::Right),
        ("by ring\nms", Align::Right),
    ];
    let ms = |seconds: f64| format!("{:.2}", 1e3 * seconds);
    let row = |step: &RankStep| {
        vec![
            step.ranks.to_string(),
            step.samples.to_string(),
            ms(step.compute),
            ms(step.communication),
            ms(step.hidden),
            ms(step.step),
            count(step.samples_per_second as usize),
            format!("{:.0} %", 100.0 * step.efficiency),
            ms(step.ring),
        ]
    };
    table(&columns, &steps.iter().map(row).collect::<Vec<_>>())
}

/// Formats the sentence about the largest part of a step of the same batch on all ranks, its remedy, and the next largest part.
fn limit_text(work: &RankWork, step: &RankStep, network: &Network) -> String {
    let [(limit, seconds), (next, next_seconds), ..] = work.limits(step, network);
    let ms = |seconds: f64| format!("{:.2} ms", 1e3 * seconds);
    let part = format!(
        "With the same batch on {}, a step takes {}; the largest part of it, {}, is",
        plural(step.ranks as u64, "rank"),
        ms(step.step),
        ms(seconds)
    );
    let mut text = match limit {
        Limit::Compute if 2.0 * work.whole.update > step.compute => {
            format!("{part} computing, mostly the update, which every rank makes for all weights.")
        }
        Limit::Compute => format!("{part} computing."),
        Limit::Norms => format!(
            "{part} messages of batch norms. A lower latency helps, and a batch norm with `synchronised = false` sends none."
        ),
        Limit::Bandwidth => format!(
            "{part} gradients on their way through the network while nothing is computed. A larger batch or a faster \
             network helps."
        ),
        Limit::Latency => format!(
            "{part} the latency of the network: messages for the loss, for agreement, and for the start of each sum. A \
             larger batch helps."
        ),
    };
    if next_seconds > WORTH_SAYING * step.step {
        text += &format!(" The next largest part is {}, {}.", limit_name(next), ms(next_seconds));
    }
    text
}

/// Returns the word for a limit in documents.
fn limit_word(limit: Limit) -> &'static str {
    match limit {
        Limit::Compute => "compute",
        Limit::Norms => "messages of batch norms",
        Limit::Bandwidth => "bandwidth",
        Limit::Latency => "latency",
    }
}

/// Returns the name of a limit in a sentence.
fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::Compute => "computing",
        Limit::Norms => "messages of batch norms",
        Limit::Bandwidth => "gradients on their way",
        Limit::Latency => "the latency of the network",
    }
}

fn step_json(step: &RankStep) -> Value {
    json!({
        "ranks": step.ranks,
        "samples_per_rank": step.samples,
        "compute_seconds": step.compute,
        "communication_seconds": step.communication,
        "hidden_seconds": step.hidden,
        "ring_seconds": step.ring,
        "step_seconds": step.step,
        "samples_per_second": step.samples_per_second,
        "efficiency": step.efficiency,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_train::planning::StepSeconds;

    fn on_ranks(ranks: usize, network: Option<&str>) -> OnRanks {
        let work = RankWork {
            batch: 128,
            whole: StepSeconds { forward: 0.030, backward: 0.060, update: 0.010 },
            share: (16, StepSeconds { forward: 0.0055, backward: 0.011, update: 0.010 }),
            norms: vec![64, 128],
            buckets: vec![4 << 20, 1 << 20],
        };
        OnRanks { request: Request::new(ranks, network).unwrap(), threads: 2, work: Some(work) }
    }

    #[test]
    fn a_plan_says_what_was_measured_what_comes_of_it_and_what_limits_it() {
        insta::assert_snapshot!(on_ranks(8, Some("10gbit")).text(), @r"

        A step on 8 ranks, modelled: each rank computes like this machine with 2 threads, over the network
        10gbit (1.25 GB/s and 30 us).
        Measured: 100.00 ms for a batch of 128 (forward 30.00 ms, backward 60.00 ms, update 10.00 ms) and
        26.50 ms for 16 samples. Sent in a step: 5.24 MB of gradients in 2 buckets, by direct exchange; 2
        messages for each of 2 synchronised batch norms; 1 for the loss.

        The same batch of 128 samples on all ranks:
        ranks  samples  compute  messages  hidden    step  samples  efficiency  by ring
                a rank       ms        ms      ms      ms    per s                   ms
        ---------------------------------------------------------------------------------
            1      128   100.00      0.00    0.00  100.00    1,280       100 %     0.00
            2       64    58.00      4.47    3.45   59.02    2,168        85 %     4.47
            4       32    37.00      6.58    5.12   38.45    3,328        65 %     6.82
            8       16    26.50      7.64    5.96   28.18    4,541        44 %     8.36

        A batch of 128 samples on each rank:
        ranks  samples  compute  messages  hidden    step  samples  efficiency  by ring
                a rank       ms        ms      ms      ms    per s                   ms
        ---------------------------------------------------------------------------------
            1      128   100.00      0.00    0.00  100.00    1,280       100 %     0.00
            2      128   100.00      4.47    3.45  101.02    2,534        99 %     4.47
            4      128   100.00      6.58    5.12  101.45    5,046        99 %     6.82
            8      128   100.00      7.64    5.96  101.68   10,070        98 %     8.36

        With the same batch on 8 ranks, a step takes 28.18 ms; the largest part of it, 26.50 ms, is
        computing. The next largest part is gradients on their way, 1.50 ms.
        ");
    }

    #[test]
    fn every_limit_has_a_sentence() {
        let cases = [
            (
                None,
                2,
                "With the same batch on 2 ranks, a step takes 58.38 ms; the largest part of it, 58.00 ms, is computing.",
            ),
            (Some("1gbit"), 8, "is gradients on their way"),
            (Some("100gbit,20ms"), 8, "is messages of batch norms. A lower"),
        ];
        for (network, ranks, expected) in cases {
            let text = on_ranks(ranks, network).text().split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(expected), "{expected}: {text}");
        }
        let mut update = on_ranks(8, None);
        update.work.as_mut().unwrap().whole.update = 0.1;
        assert!(update.text().contains("mostly the update"), "{}", update.text());
        let unmeasured = OnRanks { work: None, ..on_ranks(8, None) };
        assert!(unmeasured.text().contains("not measured"), "{}", unmeasured.text());
        assert!(unmeasured.document().get("strong").is_none());
    }

    #[test]
    fn documents_have_a_step_for_each_number_of_ranks() {
        let document = on_ranks(12, None).document();
        let ranks = |scaling: &str| {
            let steps = document[scaling].as_array().unwrap().iter();
            steps.map(|step| step["ranks"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(ranks("strong"), [1, 2, 4, 8, 12]);
        assert_eq!(ranks("weak"), [1, 2, 4, 8, 12]);
        assert_eq!(document["network"], Value::Null);
        assert_eq!(document["strong"][0]["communication_seconds"], 0.0);
        assert_eq!(document["limit"], "compute");
    }

    #[test]
    fn numbers_and_networks_out_of_range_are_refused() {
        let cases = [
            (0, None, "--ranks 0: out of range; expected 1 to 1,024"),
            (1025, None, "--ranks 1025: out of range"),
            (2, Some("token ring"), "--network: unknown network `token ring`; expected a rate such as 1gbit"),
        ];
        for (ranks, network, expected) in cases {
            let failure = format!("{:?}", Request::new(ranks, network).unwrap_err());
            assert!(failure.contains(expected), "{failure}");
        }
    }
}
