//! Throughput of every kernel of the yardstick networks in GFLOP/s, compared with the measured limits of the machine.
//!
//! `cargo bench -p keel_kernels [-- WORDS...]` runs the cases whose line contains one of the words; `RAYON_NUM_THREADS=1`
//! gives the numbers for one thread. Each number is the best of many runs: the kernel's own speed, without disturbances.

#![allow(clippy::print_stdout, reason = "a benchmark reports to the terminal")]

use std::time::{Duration, Instant};

use keel_kernels::convolution::{
    BatchGradient, BatchGradientOutput, BatchInput, Convolution, ConvolutionShape, Filter,
};
use keel_kernels::machine_limits::MachineLimits;
use keel_kernels::matmul::{self, Factors, Sizes};
use keel_kernels::parallel::workers;
use keel_kernels::{Buffer, Scratch, SimdLevel, simd};

/// Number of samples in a batch, unless `KEEL_BENCH_BATCH` is set: short runs are less affected by other work.
const BATCH: usize = 128;

/// Time budget for each case.
const BUDGET: Duration = Duration::from_millis(250);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let simd = simd::level();
    let limits = MachineLimits::measure(simd);
    println!(
        "{} threads: {:.0} GFLOP/s ({:.0} on one), copy {:.1} GB/s ({:.1} on one), {}",
        limits.threads,
        limits.gigaflops_all_threads,
        limits.gigaflops_one_thread,
        limits.copy_gigabytes_all_threads,
        limits.copy_gigabytes_one_thread,
        simd.name(),
    );
    println!("{:<54} {:>9} {:>9} {:>6} {:>6}", "kernel", "best us", "GFLOP/s", "peak", "roof");
    let batch = std::env::var("KEEL_BENCH_BATCH").ok().and_then(|text| text.parse().ok()).unwrap_or(BATCH);
    let report = Report { limits, words, batch, simd };
    convolutions().into_iter().for_each(|shape| convolution(&report, shape));
    for (rows, depth, columns) in [(batch, 4096, 10), (batch, 64, 10), (32, 64, 128), (32, 128, 10), (768, 512, 768)] {
        products(&report, Sizes { rows, depth, columns });
    }
}

/// Returns the layers of the yardstick networks, then other layers of common networks.
fn convolutions() -> Vec<ConvolutionShape> {
    let yardsticks = [
        (32, [3, 32], 3, 1),
        (16, [32, 64], 3, 1),
        (32, [3, 16], 3, 1),
        (32, [16, 16], 3, 1),
        (32, [16, 32], 3, 2),
        (16, [32, 32], 3, 1),
        (16, [32, 64], 3, 2),
        (8, [64, 64], 3, 1),
        (32, [16, 32], 1, 2),
        (16, [32, 64], 1, 2),
    ];
    let dense = [
        (16, [32, 64], 5, 1),
        (96, [3, 64], 7, 2),
        (224, [3, 32], 3, 2),
        (16, [64, 128], 3, 2),
        (8, [128, 256], 3, 2),
        (4, [256, 512], 3, 2),
        (4, [512, 512], 3, 1),
        (8, [256, 256], 3, 1),
        (32, [20, 20], 3, 1),
        (32, [24, 40], 3, 1),
        (16, [40, 40], 3, 1),
    ];
    let pointwise = [
        (32, [16, 16]),
        (32, [16, 64]),
        (32, [32, 64]),
        (32, [64, 64]),
        (32, [24, 96]),
        (32, [20, 40]),
        (16, [64, 128]),
        (16, [128, 128]),
        (24, [32, 96]),
        (24, [96, 24]),
        (12, [40, 120]),
        (12, [128, 256]),
        (8, [256, 256]),
    ];
    let depthwise = [
        (32, 32, 3, 1),
        (32, 64, 3, 1),
        (32, 64, 3, 2),
        (32, 20, 3, 1),
        (16, 24, 3, 1),
        (16, 40, 3, 2),
        (16, 128, 3, 1),
        (16, 128, 3, 2),
        (8, 256, 3, 1),
        (8, 256, 3, 2),
        (48, 64, 3, 1),
        (48, 96, 3, 2),
        (48, 160, 3, 1),
        (16, 64, 5, 1),
        (16, 128, 5, 2),
    ];
    let plain = yardsticks.into_iter().chain(dense).map(|(size, channels, kernel, stride)| {
        shape(size, channels, kernel, stride) //
    });
    let pointwise = pointwise.into_iter().map(|(size, channels)| shape(size, channels, 1, 1));
    let depthwise = depthwise.into_iter().map(|(size, channels, kernel, stride)| ConvolutionShape {
        groups: channels,
        ..shape(size, [channels; 2], kernel, stride)
    });
    let grouped = [(16, 64, 1), (16, 128, 1), (32, 64, 2)].into_iter().map(|(size, channels, stride)| {
        ConvolutionShape { groups: 4, ..shape(size, [channels; 2], 3, stride) } //
    });
    let dilated = [(24, 48), (32, 64)].into_iter().map(|(size, channels)| ConvolutionShape {
        dilation: [2, 2],
        padding: [[2; 2]; 2],
        ..shape(size, [channels; 2], 3, 1)
    });
    plain.chain(pointwise).chain(depthwise).chain(grouped).chain(dilated).collect()
}

struct Report {
    limits: MachineLimits,
    words: Vec<String>,
    batch: usize,
    simd: SimdLevel,
}

/// Work of one run.
#[derive(Clone, Copy)]
struct Cost {
    flops: usize,
    /// Minimum memory traffic.
    bytes: usize,
}

impl Report {
    /// Returns true if a line is requested.
    fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }

    /// Measures `run` and prints a line.
    fn line(&self, name: &str, cost: Cost, mut run: impl FnMut()) {
        let Cost { flops, bytes } = cost;
        if !self.wants(name) {
            return;
        }
        let mut best = f64::INFINITY;
        let begin = Instant::now();
        while begin.elapsed() < BUDGET {
            let start = Instant::now();
            run();
            best = best.min(start.elapsed().as_secs_f64());
        }
        let rate = flops as f64 / best / 1e9;
        let peak = self.limits.gigaflops_all_threads;
        let roof = self.limits.attainable_gigaflops(flops as f64, bytes as f64);
        println!("{name:<54} {:>9.1} {rate:>9.1} {:>6.2} {:>6.2}", best * 1e6, rate / peak, rate / roof);
    }
}

fn shape(size: usize, [in_channels, out_channels]: [usize; 2], kernel: usize, stride: usize) -> ConvolutionShape {
    ConvolutionShape {
        height: size,
        width: size,
        in_channels,
        out_channels,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [[kernel / 2; 2]; 2],
        dilation: [1, 1],
        groups: 1,
    }
}

fn name(shape: ConvolutionShape) -> String {
    let ConvolutionShape { height, in_channels, out_channels, groups, .. } = shape;
    let (kernel, stride, dilation) = (shape.kernel[0], shape.stride[0], shape.dilation[0]);
    let groups = if groups == 1 { String::new() } else { format!(" groups {groups}") };
    let dilation = if dilation == 1 { String::new() } else { format!(" dilation {dilation}") };
    format!("conv {height}x{height} {in_channels}->{out_channels} {kernel}x{kernel} /{stride}{groups}{dilation}")
}

fn ones(length: usize) -> Buffer {
    let mut buffer = Buffer::zeroed(length);
    buffer.fill(1.0);
    buffer
}

fn convolution(report: &Report, shape: ConvolutionShape) {
    let (batch, name) = (report.batch, name(shape));
    let lines = ["forward", "both gradients", "input gradient", "weight gradient"];
    if !lines.iter().any(|line| report.wants(&format!("{name} {line}"))) {
        return;
    }
    let convolution = Convolution::new(shape);
    let convolution = convolution.at(report.simd);
    let (input, weights) = (ones(batch * shape.input_length()), ones(shape.weight_length()));
    let mut output = ones(batch * shape.output_length());
    let flops = 2 * batch * shape.multiply_adds();
    let bytes = 4 * (input.len() + output.len());
    let mut scratch = Buffer::zeroed(convolution.forward_scratch(workers()));
    report.line(&format!("{name} forward"), Cost { flops, bytes }, || {
        let read = BatchInput { input: &input, filter: Filter { weights: &weights, bias: None } };
        convolution.forward_batch(read, &mut output, Scratch(&mut scratch));
    });
    let mut scratch = Buffer::zeroed(convolution.backward_scratch(batch, workers()));
    let (mut grad_input, mut grad_weights) = (ones(input.len()), ones(weights.len()));
    for (what, wants_input, wants_weights) in
        [("both gradients", true, true), ("input gradient", true, false), ("weight gradient", false, true)]
    {
        let passes = usize::from(wants_input) + usize::from(wants_weights);
        let bytes = bytes + if passes == 2 { 4 * input.len() } else { 0 };
        report.line(&format!("{name} {what}"), Cost { flops: passes * flops, bytes }, || {
            let read = BatchGradient { batch, input: &input, grad_output: &output, weights: &weights };
            let write = BatchGradientOutput {
                grad_input: if wants_input { &mut grad_input } else { &mut [] },
                grad_weights: if wants_weights { &mut grad_weights } else { &mut [] },
                grad_bias: &mut [],
                accumulate: false,
            };
            convolution.backward_batch(read, write, Scratch(&mut scratch));
        });
    }
}

fn products(report: &Report, sizes: Sizes) {
    let Sizes { rows, depth, columns } = sizes;
    let name = format!("linear {rows}x{depth}x{columns}");
    let (input, weights) = (ones(rows * depth), ones(depth * columns));
    let (mut output, mut grad_input, mut grad_weights) = (ones(rows * columns), ones(input.len()), ones(weights.len()));
    let forms = [sizes, Sizes { rows, depth: columns, columns: depth }, Sizes { rows: depth, depth: rows, columns }];
    let simd = report.simd;
    let lengths = forms.into_iter().map(|sizes| matmul::scratch_length(simd, sizes));
    let mut scratch = Buffer::zeroed(lengths.max().unwrap_or(0));
    let cost = Cost { flops: 2 * sizes.work(), bytes: 4 * (input.len() + weights.len() + output.len()) };
    report.line(&format!("{name} forward"), cost, || {
        let factors = Factors { left: &input, right: &weights, bias: None };
        matmul::matmul(simd, sizes, factors, &mut output, Scratch(&mut scratch));
    });
    let sizes = Sizes { rows, depth: columns, columns: depth };
    report.line(&format!("{name} input gradient"), cost, || {
        let factors = Factors { left: &output, right: &weights, bias: None };
        matmul::matmul_transposed(simd, sizes, factors, &mut grad_input, Scratch(&mut scratch));
    });
    let sizes = Sizes { rows: depth, depth: rows, columns };
    report.line(&format!("{name} weight gradient"), cost, || {
        let factors = Factors { left: &input, right: &output, bias: None };
        matmul::transposed_matmul(simd, sizes, factors, &mut grad_weights, Scratch(&mut scratch));
    });
}
