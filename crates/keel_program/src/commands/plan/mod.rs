//! `plan`: shows the network of a training run, its buffers and its memory.

mod ranks;

use clap::Args;
use keel_nn::program::{Instruction, NodePlan};
use keel_nn::{Cpu, Fusion, FusionPasses, MemoryPlan, MemoryRequest, Mode, Program, lower};
use keel_train::auto::Choice;
use keel_train::config::MemoryLimit;
use keel_train::memory::{Estimate, LimitOrigin, bytes_text};
use keel_train::planning::{Outline, Timing};
use keel_train::threads;
use serde_json::{Value, json};

use self::ranks::{OnRanks, Request};
use super::settings::Settings;
use crate::failure::{Failure, Stop};
use crate::terminal::{Align, Output, Status, count, shape_text, table, timing_text, wrapped};

/// Size of one number in bytes.
const FLOAT_BYTES: usize = size_of::<f32>();

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel plan customers.csv --target churned     the automatic choices for a table, and why
  evenkeel plan                                    the default network
  evenkeel plan my.toml --set train.batch_size=256
  evenkeel plan --without norm_pooling,fold_norm   the network without these fusion passes
  evenkeel plan --without all                      one node per layer
  evenkeel plan resnet20 --set data.source=cifar --json
  evenkeel plan resnet20 --set data.source=cifar --ranks 16 --network 25gbit
                                                   a step on up to 16 machines like this one")]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Fusion passes to leave out, or `all`: linear_activation, norm_activation, norm_sum, sum_activation, norm_pooling,
    /// convolution_norm, fold_norm.
    #[arg(long, value_name = "PASS", value_delimiter = ',')]
    without: Vec<String>,
    /// Memory limit of the training run (4GB, 800MB); default: the free memory of the machine
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<String>,
    /// Estimate how long a step would take on up to this many ranks (1 to 1024), each a machine like this one
    #[arg(long, value_name = "N")]
    ranks: Option<usize>,
    /// Network between the ranks: 1gbit, 10gbit, 25gbit, 100gbit or another rate, with a latency as in 25gbit,20us; default:
    /// 20 us and 4 GB/s, assumed for the memory of one machine
    #[arg(long, value_name = "NETWORK", requires = "ranks")]
    network: Option<String>,
}

/// One row of the table.
struct Row {
    name: String,
    description: String,
    output_shape: Vec<usize>,
    parameters: usize,
    multiply_adds: u64,
    buffer_bytes: usize,
    fused_by: Vec<&'static str>,
}

/// Plans the network for its data without creating it, and prints the memory plan.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let request = arguments.ranks.map(|ranks| Request::new(ranks, arguments.network.as_deref())).transpose()?;
    let mut config = arguments.settings.load(output)?;
    if let Some(limit) = &arguments.memory_limit {
        config.train.memory_limit = MemoryLimit::Text(limit.clone());
    }
    let pool =
        threads::pool(config.train.threads).map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
    let outline = pool.install(|| Outline::of(&config)).map_err(|error| arguments.settings.placed(error))?;
    let timing = pool.install(|| outline.timing());
    let on_ranks = request.map(|request| pool.install(|| request.measure(&outline))).transpose()?;
    let Outline { graph, batch, estimate, notes, choices, .. } = outline;
    let inferred: Vec<String> = graph.inferred().iter().chain(&notes).cloned().collect();
    let program = &lower(&graph, &Cpu::fused().with_passes(passes(&arguments.without)?));
    let request = MemoryRequest { batch, mode: Mode::Train, workers: pool.current_num_threads() };
    let plan = MemoryPlan::new(program, request);
    let rows = rows(program, &plan);
    let planned = Planned { program, plan: &plan, rows, inferred, choices, timing };
    let mut json = planned.document();
    json["memory"] = memory_json(&estimate);
    if let Some(on_ranks) = &on_ranks {
        json["ranks"] = on_ranks.document();
    }
    let ranks_text = on_ranks.as_ref().map(OnRanks::text).unwrap_or_default();
    output.result(&json, || planned.text() + &memory_text(&estimate) + &ranks_text)?;
    Ok(Status::Done)
}

/// Everything known about a training run before it starts.
struct Planned<'a> {
    program: &'a Program,
    plan: &'a MemoryPlan,
    rows: Vec<Row>,
    inferred: Vec<String>,
    choices: Vec<Choice>,
    timing: Option<Timing>,
}

/// Formats the memory of the whole run by part, and whether it fits.
fn memory_text(estimate: &Estimate) -> String {
    let verdict = match (estimate.limit(), estimate.fits()) {
        (None, _) => String::new(),
        (Some((bytes, LimitOrigin::Machine)), true) => format!("The machine has {} free.\n", bytes_text(bytes)),
        (Some((bytes, LimitOrigin::Config)), true) => format!("The limit is {}.\n", bytes_text(bytes)),
        (Some((bytes, _)), false) => {
            format!("This exceeds the available {}: `train` would refuse it.\n", bytes_text(bytes))
        }
    };
    format!("\nMemory of the run:\n{}\n{verdict}", estimate.table())
}

fn memory_json(estimate: &Estimate) -> Value {
    let parts = estimate.parts().iter().map(|part| (part.name.to_owned(), json!(part.bytes)));
    json!({
        "parts": parts.collect::<serde_json::Map<_, _>>(),
        "total_bytes": estimate.total(),
        "limit_bytes": estimate.limit().map(|(bytes, _)| bytes),
        "fits": estimate.fits(),
    })
}

/// Returns all passes except the named ones.
fn passes(without: &[String]) -> Result<FusionPasses, Stop> {
    let mut passes = FusionPasses::all();
    for name in without {
        match Fusion::ALL.iter().find(|(_, known, _)| known == name) {
            Some((pass, ..)) => passes = passes.without(*pass),
            None if name == "all" => passes = FusionPasses::none(),
            None => {
                let known: Vec<_> = Fusion::ALL.iter().map(|(_, name, _)| *name).collect();
                let message = format!("--without {name}: no such fusion pass; there are {} and all", known.join(", "));
                return Err(Failure::new(message).into());
            }
        }
    }
    Ok(passes)
}

fn rows(program: &Program, plan: &MemoryPlan) -> Vec<Row> {
    let row = |(instruction, memory): (&Instruction, &NodePlan)| {
        let layer = instruction.kernel.layer();
        Row {
            name: instruction.name(program.graph()),
            description: layer.describe(),
            output_shape: layer.output_shape().dimensions(),
            parameters: instruction.parameters.len(),
            multiply_adds: layer.multiply_adds(),
            buffer_bytes: if layer.is_view() { 0 } else { buffer_bytes(memory) },
            fused_by: instruction.fused_by.iter().map(|pass| pass.name()).collect(),
        }
    };
    program.instructions().iter().zip(plan.nodes()).map(row).collect()
}

/// Returns the size of all buffers of an instruction; a view has none of its own.
fn buffer_bytes(memory: &NodePlan) -> usize {
    let slots = [&memory.output, &memory.grad_output, &memory.saved, &memory.forward_scratch, &memory.backward_scratch];
    slots.iter().map(|slot| slot.len()).sum::<usize>() * FLOAT_BYTES
}

/// Returns the bytes of all buffers by content, without shared memory.
fn bytes_by_kind(program: &Program, plan: &MemoryPlan) -> [(&'static str, usize); 5] {
    let instructions = program.instructions().iter().zip(plan.nodes());
    let computed = instructions.filter(|(instruction, _)| !instruction.kernel.layer().is_view());
    let names = ["outputs", "gradients", "kept for backward", "forward scratch", "backward scratch"];
    let mut kinds = names.map(|name| (name, 0));
    for (_, memory) in computed {
        let slots =
            [&memory.output, &memory.grad_output, &memory.saved, &memory.forward_scratch, &memory.backward_scratch];
        kinds.iter_mut().zip(slots).for_each(|((_, bytes), slot)| *bytes += slot.len() * FLOAT_BYTES);
    }
    kinds
}

impl Planned<'_> {
    fn text(&self) -> String {
        let Planned { program, plan, rows, inferred, .. } = self;
        let graph = program.graph();
        let columns = [
            ("node", Align::Left),
            ("description", Align::Left),
            ("output", Align::Right),
            ("parameters", Align::Right),
            ("multiply-adds", Align::Right),
            ("buffer bytes", Align::Right),
        ];
        let number = |value: u64| count(usize::try_from(value).unwrap_or(usize::MAX));
        let mut cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let shape = shape_text(&row.output_shape);
                let numbers = [count(row.parameters), number(row.multiply_adds), count(row.buffer_bytes)];
                [row.name.clone(), row.description.clone(), shape].into_iter().chain(numbers).collect()
            })
            .collect();
        let buffers = rows.iter().map(|row| row.buffer_bytes).sum();
        let totals = [count(graph.parameter_length()), number(graph.multiply_adds()), count(buffers)];
        cells.push(["total", "", ""].map(str::to_owned).into_iter().chain(totals).collect());
        let (arena, unshared) = (plan.arena_length() * FLOAT_BYTES, plan.unshared_length() * FLOAT_BYTES);
        let share = 100.0 * arena as f64 / unshared.max(1) as f64;
        let mut text = self.chosen_text();
        let (input, batch) = (graph.input_shape(), plan.batch());
        let meaning = format!(
            "Input {input}; multiply-adds of one sample's forward pass; buffers for training batches of {batch}."
        );
        text += &format!("{}\n{}\n\n", wrapped("", &meaning), table(&columns, &cells));
        for row in rows.iter().filter(|row| !row.fused_by.is_empty()) {
            text += &wrapped("", &format!("{}: one node by {}.", row.name, row.fused_by.join(", ")));
        }
        for sentence in inferred {
            text += &wrapped("Note: ", sentence);
        }
        let kinds = bytes_by_kind(program, plan).map(|(kind, bytes)| format!("{kind} {}", count(bytes)));
        text += &wrapped("Bytes by kind: ", &format!("{}.", kinds.join(", ")));
        let (arena, unshared) = (count(arena), count(unshared));
        let sizes = format!("One allocation of {arena} bytes; {unshared} without sharing memory ({share:.0} %).");
        text += &wrapped("", &sizes);
        text
    }

    /// Formats the automatic choices and the expected time; empty where nothing was open.
    fn chosen_text(&self) -> String {
        let choice = |choice: &Choice| wrapped(&format!("{} = {}: ", choice.key, choice.value), &choice.reason);
        let mut text: String = self.choices.iter().map(choice).collect();
        if let Some(timing) = &self.timing {
            text += &format!("Time: {}.\n", timing_text(timing));
        }
        if text.is_empty() { text } else { text + "\n" }
    }

    fn document(&self) -> Value {
        let Planned { program, plan, rows, inferred, .. } = self;
        let graph = program.graph();
        let node = |row: &Row| {
            json!({
                "name": row.name, "description": row.description, "output_shape": row.output_shape,
                "parameters": row.parameters, "multiply_adds": row.multiply_adds, "buffer_bytes": row.buffer_bytes,
                "fused_by": row.fused_by,
            })
        };
        json!({
            "input_shape": graph.input_shape().dimensions(),
            "batch": plan.batch(),
            "nodes": rows.iter().map(node).collect::<Vec<_>>(),
            "inferred": inferred,
            "choices": self.choices,
            "seconds": self.timing.as_ref().map(|timing| timing.seconds),
            "bytes_by_kind": bytes_by_kind(program, plan).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "parameters": graph.parameter_length(),
            "multiply_adds": graph.multiply_adds(),
            "arena_bytes": plan.arena_length() * FLOAT_BYTES,
            "unshared_bytes": plan.unshared_length() * FLOAT_BYTES,
        })
    }
}
