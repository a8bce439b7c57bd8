//! The three products against their definition in f64, at every level of the processor.

use super::*;

/// Returns the panic message of `call`.
fn refusal(call: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_err();
    panic.downcast::<String>().map_or_else(|_| "a panic without a message".to_owned(), |message| *message)
}

#[test]
fn sizes_that_wrap_or_do_not_fit_are_refused_by_every_form_before_memory_is_touched() {
    let wrapping = 1 << (usize::BITS - 1);
    let cases = [
        (sizes([wrapping, 2, 2]), [0, 4, 0], "left matrix of [9223372036854775808, 2]"),
        (sizes([2, wrapping, 2]), [0, 0, 4], "left matrix of [2, 9223372036854775808]"),
        (sizes([2, 2, wrapping]), [4, 0, 0], "right matrix of [2, 9223372036854775808]"),
        (sizes([wrapping, 0, wrapping]), [0, 0, 0], "left matrix of [9223372036854775808, 0]"),
        (sizes([3, 2, 2]), [4, 4, 6], "left matrix of Sizes { rows: 3, depth: 2, columns: 2 }"),
        (sizes([2, 2, 3]), [4, 4, 6], "right matrix of Sizes { rows: 2, depth: 2, columns: 3 }"),
        (sizes([2, 2, 2]), [4, 4, 6], "result of Sizes { rows: 2, depth: 2, columns: 2 }"),
    ];
    for (sizes, lengths, expected) in cases {
        for form in [matmul, matmul_transposed, transposed_matmul] {
            let [left, right, mut result] = lengths.map(|length| vec![1.0; length]);
            let factors = Factors { left: &left, right: &right, bias: None };
            let message = refusal(|| form(SimdLevel::Scalar, sizes, factors, &mut result, Scratch::none()));
            assert!(message.contains(expected), "{sizes:?}: {message}");
        }
    }
}

#[test]
#[should_panic(expected = "scratch")]
fn too_short_scratch_is_refused() {
    let (sizes, factors) = (sizes([2, 64, 100]), Factors { left: &[1.0; 128], right: &[1.0; 6400], bias: None });
    transposed_matmul(SimdLevel::Scalar, sizes, factors, &mut [0.0; 200], Scratch::none());
}

#[test]
#[should_panic(expected = "bias")]
fn a_bias_of_another_length_is_refused() {
    let factors = Factors { left: &[1.0; 4], right: &[1.0; 6], bias: Some(&[1.0; 2]) };
    matmul(SimdLevel::Scalar, sizes([2, 2, 3]), factors, &mut [0.0; 6], Scratch::none());
}

fn values(length: usize, seed: u32) -> Vec<f32> {
    (0..length as u32)
        .map(|i| (i.wrapping_add(seed << 16).wrapping_mul(2654435761) >> 8) as f32 / 8388608.0 - 1.0)
        .collect()
}

/// Layout of both matrices in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Plain,
    RightTransposed,
    LeftTransposed,
}

const FORMS: [Form; 3] = [Form::Plain, Form::RightTransposed, Form::LeftTransposed];

/// Operands of one product, and the initial values of its result.
struct Case {
    sizes: Sizes,
    form: Form,
    a: Vec<f32>,
    b: Vec<f32>,
    bias: Option<Vec<f32>>,
    initial: Option<f32>,
}

impl Case {
    fn new(sizes: Sizes, form: Form) -> Case {
        let (a, b) = (values(sizes.rows * sizes.depth, 1), values(sizes.depth * sizes.columns, 2));
        Case { sizes, form, a, b, bias: None, initial: None }
    }

    fn left(&self) -> Operand<'_> {
        let Sizes { rows, depth, .. } = self.sizes;
        let (depth_step, side_step) = if self.form == Form::LeftTransposed { (rows, 1) } else { (1, depth) };
        Operand { values: &self.a, depth_step, side_step }
    }

    fn right(&self) -> Operand<'_> {
        let Sizes { depth, columns, .. } = self.sizes;
        let (depth_step, side_step) = if self.form == Form::RightTransposed { (1, depth) } else { (columns, 1) };
        Operand { values: &self.b, depth_step, side_step }
    }

    fn result(&self, level: SimdLevel) -> Vec<f32> {
        let Case { sizes, bias, initial, .. } = self;
        let mut c = vec![initial.unwrap_or(f32::NAN); sizes.rows * sizes.columns];
        let mut scratch = vec![f32::NAN; plan::packed_left_length(level, *sizes)];
        let (left, right, bias) = (self.left(), self.right(), bias.as_deref());
        let accumulate = initial.is_some();
        let product =
            Multiplication { sizes: *sizes, left, right, bias, accumulate, in_place: false, activation: None };
        product.run(level, &mut c, Scratch(&mut scratch));
        c
    }

    /// Computes the definition in f64: each sum, and the sum of its terms' magnitudes.
    fn expected(&self) -> Vec<[f64; 2]> {
        let Sizes { rows, depth, columns } = self.sizes;
        let (left, right) = (self.left(), self.right());
        let mut c = Vec::new();
        for row in 0..rows {
            for column in 0..columns {
                let bias = f64::from(self.bias.as_ref().map_or(0.0, |bias| bias[column]));
                let initial = f64::from(self.initial.unwrap_or(0.0));
                let mut sum = [bias + initial, bias.abs() + initial.abs()];
                for k in 0..depth {
                    let a = left.values[k * left.depth_step + row * left.side_step];
                    let b = right.values[k * right.depth_step + column * right.side_step];
                    let product = f64::from(a) * f64::from(b);
                    sum[0] += product;
                    sum[1] += product.abs();
                }
                c.push(sum);
            }
        }
        c
    }

    /// Checks the result; rounding errors grow as the square root of the number of terms (Higham and Mary 2019).
    fn check(&self, level: SimdLevel) {
        let roundings = 8.0 + (self.sizes.depth as f64).sqrt();
        let what = format!("{} {:?} {:?}", level.name(), self.form, self.sizes);
        for (index, (actual, [expected, magnitude])) in self.result(level).iter().zip(self.expected()).enumerate() {
            let tolerance = roundings * f64::from(f32::EPSILON) * magnitude;
            assert!((f64::from(*actual) - expected).abs() <= tolerance, "{what} [{index}]: {actual} for {expected}");
        }
    }
}

fn sizes([rows, depth, columns]: [usize; 3]) -> Sizes {
    Sizes { rows, depth, columns }
}

#[test]
fn products_match_the_definition_on_awkward_sizes_at_every_level() {
    // Single tiles and panels; several blocks of the depth; several blocks of rows; rows one page apart, packed and not; right
    // matrices read in place and packed, including dense ones; empty sums.
    let cases = [
        [1, 1, 1],
        [3, 5, 7],
        [13, 17, 33],
        [49, 64, 10],
        [100, 3, 65],
        [12, 0, 4],
        [0, 3, 4],
        [3, 4, 0],
        [97, 31, 48],
        [2, 300, 129],
        [64, 40, 32],
        [70, 600, 16],
        [5, 1200, 36],
        [90, 577, 70],
        [1100, 9, 20],
        [1030, 21, 130],
        [515, 30, 517],
        [21, 1024, 530],
        [30, 1024, 33],
    ];
    for level in SimdLevel::available() {
        for form in FORMS {
            for case in cases {
                Case::new(sizes(case), form).check(level);
            }
        }
    }
}

#[test]
fn a_bias_is_added_once_and_a_result_can_be_added_to() {
    for level in SimdLevel::available() {
        for case in [[5, 1000, 33], [60, 20, 50]] {
            let sizes = sizes(case);
            let bias = Some(values(sizes.columns, 3));
            Case { bias, ..Case::new(sizes, Form::Plain) }.check(level);
            for form in FORMS {
                Case { initial: Some(2.0), ..Case::new(sizes, form) }.check(level);
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for level in SimdLevel::available() {
        for form in FORMS {
            for case in [[128, 784, 96], [300, 500, 65], [33, 1024, 640], [1100, 70, 40]] {
                let case = Case::new(sizes(case), form);
                let on_threads = |threads: usize| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    pool.install(|| case.result(level).into_iter().map(f32::to_bits).collect::<Vec<_>>())
                };
                let one = on_threads(1);
                for threads in [2, 3] {
                    assert!(on_threads(threads) == one, "{} {form:?} {:?}", level.name(), case.sizes);
                }
            }
        }
    }
}

#[test]
fn the_three_functions_use_the_forms_they_name() {
    let sizes = sizes([20, 30, 100]);
    for level in SimdLevel::available() {
        let mut scratch = vec![f32::NAN; scratch_length(level, sizes)];
        let mut c = vec![f32::NAN; sizes.rows * sizes.columns];
        for form in FORMS {
            let case = Case { bias: Some(values(sizes.columns, 3)), ..Case::new(sizes, form) };
            let function = match form {
                Form::Plain => matmul,
                Form::RightTransposed => matmul_transposed,
                Form::LeftTransposed => transposed_matmul,
            };
            let factors = Factors { left: &case.a, right: &case.b, bias: case.bias.as_deref() };
            function(level, sizes, factors, &mut c, Scratch(&mut scratch));
            assert_eq!(c, case.result(level), "{form:?}, {}", level.name());
        }
    }
}

#[test]
fn an_activated_product_has_the_bits_of_the_activation_of_the_product() {
    let functions = [Function::Relu, Function::Tanh, Function::Elu { alpha: 0.7 }, Function::LeakyRelu { slope: 0.1 }];
    for ([rows, depth, columns], first_row) in [
        ([1, 1, 1], 0),
        ([7, 5, 33], 3),
        ([25, 0, 9], 0),
        ([30, 800, 70], 16),
        ([530, 40, 600], 531),
        ([13, 9, 12], 13),
    ] {
        let case = Case::new(sizes([rows, depth, columns]), Form::Plain);
        let bias = values(columns, 3);
        let factors = Factors { left: &case.a, right: &case.b, bias: Some(&bias) };
        for level in SimdLevel::available() {
            let mut scratch = vec![0.0; scratch_length(level, case.sizes)];
            let mut sums = vec![0.0; rows * columns];
            matmul(level, case.sizes, factors, &mut sums, Scratch(&mut scratch));
            for function in functions {
                let plain = (first_row * columns).min(sums.len());
                let mut expected = sums.clone();
                crate::activation::forward(level, function, &sums[plain..], &mut expected[plain..]);
                for threads in [1, 3] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let activation = RowActivation { function, first_row };
                    let operands = ActivatedFactors { factors, activation };
                    let mut result = vec![f32::NAN; rows * columns];
                    let scratch = Scratch(&mut scratch);
                    pool.install(|| matmul_activated(level, case.sizes, operands, &mut result, scratch));
                    assert_eq!(result, expected, "{level:?} {rows}x{depth}x{columns} {function:?} from {first_row}");
                }
            }
        }
    }
}
