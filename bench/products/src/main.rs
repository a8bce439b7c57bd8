//! Speed of matrix products of many shapes, alternating with the library `gemm` and with the limit of the machine at that moment.
//!
//! ```text
//! cargo run --release --manifest-path bench/products/Cargo.toml
//! cargo run --release --manifest-path bench/products/Cargo.toml -- 128x784x512 large
//! KEEL_SIMD=avx2 cargo run --release --manifest-path bench/products/Cargo.toml
//! ```
//!
//! A shape is `rows x depth x columns`; `large` stands for the listed ones with 256 or more on each side. The results of both sides are
//! compared before anything is timed.

use std::time::Instant;

use gemm::Parallelism;
use keel_kernels::machine_limits::MachineLimits;
use keel_kernels::matmul::{self, Factors, Sizes};
use keel_kernels::simd::{self, SimdLevel};
use keel_kernels::{Buffer, Scratch};

/// Rows, depth, columns.
const SHAPES: [[usize; 3]; 22] = [
    [256, 256, 256],
    [256, 1024, 1024],
    [1024, 256, 2048],
    [4096, 256, 512],
    [512, 4096, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [1024, 2048, 2048],
    [256, 784, 512],
    [300, 500, 700],
    [128, 784, 512],
    [128, 2048, 2048],
    [64, 512, 4096],
    [32, 512, 512],
    [32, 256, 128],
    [1, 512, 512],
    [784, 128, 512],
    [2048, 128, 2048],
    [512, 32, 512],
    [256, 1024, 10],
    [1024, 256, 10],
    [100, 200, 100],
];

/// Number of turns of each side; the best one counts.
const TURNS: usize = 15;

/// The three products of a linear layer.
#[derive(Clone, Copy, Debug)]
enum Form {
    Forward,
    InputGradient,
    WeightGradient,
}

struct Case {
    simd: SimdLevel,
    form: Form,
    sizes: Sizes,
    left: Buffer,
    right: Buffer,
    result: Buffer,
    scratch: Buffer,
}

impl Case {
    fn new(simd: SimdLevel, form: Form, [rows, depth, columns]: [usize; 3]) -> Self {
        let sizes = Sizes { rows, depth, columns };
        Case {
            simd,
            form,
            sizes,
            left: values(rows * depth),
            right: values(depth * columns),
            result: Buffer::zeroed(rows * columns),
            scratch: Buffer::zeroed(matmul::scratch_length(simd, sizes)),
        }
    }

    fn ours(&mut self) {
        let factors = Factors { left: &self.left, right: &self.right, bias: None };
        let product = match self.form {
            Form::Forward => matmul::matmul,
            Form::InputGradient => matmul::matmul_transposed,
            Form::WeightGradient => matmul::transposed_matmul,
        };
        product(self.simd, self.sizes, factors, &mut self.result, Scratch(&mut self.scratch));
    }

    fn theirs(&mut self, threads: usize) {
        let Sizes { rows, depth, columns } = self.sizes;
        let steps = |long: usize, transposed: bool| if transposed { [1, long as isize] } else { [long as isize, 1] };
        let [left_row, left_column] = match self.form {
            Form::WeightGradient => steps(rows, true),
            _ => steps(depth, false),
        };
        let [right_row, right_column] = match self.form {
            Form::InputGradient => steps(depth, true),
            _ => steps(columns, false),
        };
        let parallelism = if threads == 1 { Parallelism::None } else { Parallelism::Rayon(threads) };
        // SAFETY: the lengths of the matrices match their sizes.
        unsafe {
            gemm::gemm(
                rows,
                columns,
                depth,
                self.result.as_mut_ptr(),
                1,
                columns as isize,
                false,
                self.left.as_ptr(),
                left_column,
                left_row,
                self.right.as_ptr(),
                right_column,
                right_row,
                0.0,
                1.0,
                false,
                false,
                false,
                parallelism,
            );
        }
    }

    fn check(&mut self, threads: usize) {
        self.ours();
        let ours = self.result.to_vec();
        self.theirs(threads);
        let tolerance = 1e-5 * self.sizes.depth as f32;
        let differs = ours.iter().zip(&*self.result).any(|(ours, theirs)| (ours - theirs).abs() > tolerance);
        assert!(!differs, "{:?} {:?}: the two sides differ", self.form, self.sizes);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let simd = simd::level();
    println!("{}, GFLOP/s; fraction of the limit measured at the same moment", simd.name());
    println!(
        "{:>18} {:>15} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "shape", "form", "threads", "ours", "share", "gemm", "ratio"
    );
    for shape in shapes(&words) {
        let name = shape.map(|side| side.to_string()).join("x");
        for form in [Form::Forward, Form::InputGradient, Form::WeightGradient] {
            for threads in [1, 2] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
                pool.install(|| measure(&name, &mut Case::new(simd, form, shape), threads));
            }
        }
    }
}

/// Returns the shapes that `words` name, or all if there are no words.
fn shapes(words: &[String]) -> Vec<[usize; 3]> {
    let large = SHAPES.into_iter().filter(|shape| shape.iter().all(|&side| side >= 256));
    let shape = |word: &String| {
        let sides: Option<Vec<usize>> = word.split('x').map(|side| side.parse().ok().filter(|&side| side > 0)).collect();
        let shape = sides.and_then(|sides| <[usize; 3]>::try_from(sides).ok());
        shape.unwrap_or_else(|| panic!("`{word}` is not a shape such as 128x784x512, nor `large`"))
    };
    let chosen = words.iter().flat_map(|word| match word.as_str() {
        "large" => large.clone().collect(),
        _ => vec![shape(word)],
    });
    if words.is_empty() { SHAPES.to_vec() } else { chosen.collect() }
}

fn measure(name: &str, case: &mut Case, threads: usize) {
    case.check(threads);
    let flops = 2.0 * case.sizes.work() as f64;
    let calls = (2e7 / flops).ceil() as usize;
    let rate = |seconds: f64| flops * calls as f64 / seconds / 1e9;
    let (mut ours, mut theirs, mut limit) = (0.0f64, 0.0f64, 0.0f64);
    for _ in 0..TURNS {
        limit = limit.max(MachineLimits::gigaflops_now(case.simd));
        ours = ours.max(rate(seconds(|| (0..calls).for_each(|_| case.ours()))));
        theirs = theirs.max(rate(seconds(|| (0..calls).for_each(|_| case.theirs(threads)))));
    }
    println!(
        "{name:>18} {:>15} {threads:>7} {ours:>7.0} {:>7.2} {theirs:>7.0} {:>7.2}",
        format!("{:?}", case.form),
        ours / limit,
        ours / theirs
    );
}

fn seconds(call: impl FnOnce()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_secs_f64()
}

fn values(length: usize) -> Buffer {
    let value = |index: usize| ((index as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0;
    Buffer::from_slice(&(0..length).map(value).collect::<Vec<f32>>())
}
