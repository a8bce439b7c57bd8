//! The notes on activation functions.

use super::documents::{Documents, Field, named, nearest, number};
use super::statement::{Evidence, Standing, Statement, evidence, figure, percent, series, short};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        row: "N1",
        says: [
            "The first paragraph mentions loss functions and data initialisation.",
            "第一段写的是“损失函数”与“数据初始化”。",
        ],
        standing: Standing::TooStrong,
        correction: [
            "Both are slips of the pen: activation functions and data preprocessing are meant. A loss function \
             measures the error at the end of a network; an activation function follows each layer.",
            "两处笔误：应为“激活函数”与“数据预处理”。损失函数在网络末端衡量误差，激活函数位于每一层之后。",
        ],
        figures: &[figure("activations", ""), figure("preprocessing", "")],
        evidence: n1,
    },
    Statement {
        row: "A1",
        says: ["The sigmoid squashes every input into (0, 1).", "sigmoid 把任何输入压缩到 (0, 1)。"],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[figure("activations", "")],
        evidence: a1,
    },
    Statement {
        row: "A2",
        says: [
            "It is flat at both ends: an input too small or too large kills the gradient.",
            "两端平坦：输入过小或过大时梯度被“杀死”。",
        ],
        standing: Standing::Holds,
        correction: [
            "Even in the middle it lets through a quarter at most, so that depth alone makes the gradient vanish.",
            "即使在中间，最多也只放行四分之一，所以仅仅加深就会使梯度消失。",
        ],
        figures: &[
            figure("activations", "Share of the gradient that remains after a row of gates"),
            figure("gradient_depth", "Gradient with respect to the outputs of each layer"),
        ],
        evidence: a2,
    },
    Statement {
        row: "A2b",
        says: [
            "(What follows in depth) Layer after layer the gradient gets smaller: the first layers learn nothing.",
            "（由此在深度上的后果）梯度逐层变小，前几层学不到东西。",
        ],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[figure("gradient_depth", "Gradient with respect to the outputs of each layer")],
        evidence: a2b,
    },
    Statement {
        row: "A3",
        says: ["Its output can be read as a firing degree from 0 to 1.", "输出可以理解为 0 到 1 的激活程度。"],
        standing: Standing::Holds,
        correction: [
            "Today that reading is used at the output for a yes-or-no question, not inside the network.",
            "如今只在回答“是/否”的输出层这样用，网络内部不用。",
        ],
        figures: &[figure("activations", "")],
        evidence: a3,
    },
    Statement {
        row: "A4",
        says: [
            "The outputs of a sigmoid are always positive, so the next layer's inputs are all positive.",
            "sigmoid 的输出恒为正，所以下一层的输入全为正。",
        ],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[
            figure("gradient_depth", ""),
            figure("zigzag", "Share of units whose weight gradients all have one sign"),
        ],
        evidence: a4,
    },
    Statement {
        row: "A5",
        says: [
            "If all inputs are positive, all weights of a neuron get gradients of one sign (mini-batch of one).",
            "若输入全为正，一个神经元所有权重的梯度同号（小批量为 1 时）。",
        ],
        standing: Standing::Holds,
        correction: [
            "Inputs that are exactly 0, as after relu, give no gradient and do not count.",
            "恰好为 0 的输入（如 ReLU 之后）没有梯度，不计入。",
        ],
        figures: &[
            figure("zigzag", "Share of units whose weight gradients all have one sign"),
            figure("zigzag", "The same in a real network"),
        ],
        evidence: a5,
    },
    Statement {
        row: "A5b",
        says: ["(Slide) That is for a single sample: minibatches help.", "（课件）这是单个样本的情形：小批量有帮助。"],
        standing: Standing::Holds,
        correction: [
            "After relus quickly, after sigmoids hardly: their outputs are all positive and nearly equal.",
            "对 ReLU 很快见效，对 sigmoid 则很有限：它的输出全为正且几乎相等。",
        ],
        figures: &[figure("zigzag", "Share of units whose weight gradients all have one sign")],
        evidence: a5b,
    },
    Statement {
        row: "A6",
        says: [
            "So the path to the optimum zigzags: both weights up, or both down.",
            "于是通往最优点的路径呈锯齿形：两个权重要么同增，要么同减。",
        ],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[
            figure("zigzag", "Directions of the steps of one path"),
            figure("zigzag", "The first path of each kind"),
        ],
        evidence: a6,
    },
    Statement {
        row: "A7",
        says: [
            "Tanh maps to (−1, 1) and is zero-centred, but still saturates.",
            "tanh 映射到 (−1, 1)，零中心，但仍会饱和。",
        ],
        standing: Standing::Holds,
        correction: [
            "It is a sigmoid in disguise: tanh(x) = 2σ(2x) − 1.",
            "它其实是变形的 sigmoid：tanh(x) = 2σ(2x) − 1。",
        ],
        figures: &[figure("activations", "")],
        evidence: a7,
    },
    Statement {
        row: "A8",
        says: [
            "Relu, max(0, x), is cheap, has no saturation and converges much faster than the sigmoid.",
            "ReLU 即 max(0, x)，计算便宜，没有饱和区，收敛远快于 sigmoid。",
        ],
        standing: Standing::Holds,
        correction: [
            "No saturation for x > 0 only; below, the gradient is 0. The factor 6 of AlexNet's figure was measured against tanh on one network; its authors say that it varies.",
            "只有 x > 0 时没有饱和；x < 0 时梯度为 0。AlexNet 图中的 6 倍是在一个网络上与 tanh 相比，作者自己也说倍数因网络而异。",
        ],
        figures: &[figure("convergence", "Training loss, mean over the seeds"), figure("activations", "")],
        evidence: a8,
    },
    Statement {
        row: "A9",
        says: [
            "Relu is not zero-centred either, the zigzag remains, and batch norm solves it.",
            "ReLU 也不是零中心，锯齿依旧，批量归一化能解决。",
        ],
        standing: Standing::Holds,
        correction: [
            "Not by centring the inputs, but because its backward pass makes the gradients of a unit sum to zero over the batch, so that they never have one sign.",
            "原因不在于把输入零中心化，而在于它的反向传播使一个单元的梯度在一批中之和为零，因此不可能同号。",
        ],
        figures: &[
            figure("zigzag", "Share of units whose weight gradients all have one sign"),
            figure("batch_norm_backward", "The remainder"),
        ],
        evidence: a9,
    },
    Statement {
        row: "A10",
        says: [
            "Negative input: output 0, gradient 0. With a bad start or a large step many neurons die and are never updated.",
            "输入为负则输出 0、梯度 0。初始化不当或步长过大会使许多神经元“死亡”，再也不更新。",
        ],
        standing: Standing::Holds,
        correction: [
            "Dead means never positive on the whole training set; on one batch many healthy units look dead.",
            "“死亡”指在整个训练集上从不为正；只看一批，许多健康的单元也像死的。",
        ],
        figures: &[
            figure("dead_relu", "Points for which the unit fires"),
            figure("dead_relu", "Dead units of the hidden layers after training, by learning rate"),
        ],
        evidence: a10,
    },
    Statement {
        row: "A10b",
        says: [
            "(Slide) A small positive bias such as 0.01 keeps relus alive.",
            "（课件）给 ReLU 一个小的正偏置（如 0.01）可避免死亡。",
        ],
        standing: Standing::TooStrong,
        correction: [
            "No consistent gain: 0 is the usual choice, and it is the learning rate that kills.",
            "没有一致的好处：通常取 0；真正致命的是学习率。",
        ],
        figures: &[figure("dead_relu", "")],
        evidence: a10b,
    },
    Statement {
        row: "A11",
        says: [
            "Use relu; be careful with the learning rate; try leaky relu, maxout, ELU, SELU; do not use sigmoid or tanh inside the network.",
            "用 ReLU，注意学习率；可以试 Leaky ReLU、Maxout、ELU、SELU；网络内部不要用 sigmoid 或 tanh。",
        ],
        standing: Standing::Holds,
        correction: ["Later editions of the course add GELU and PReLU.", "课程后来的版本又加上了 GELU 与 PReLU。"],
        figures: &[
            figure("activation_advice", "Each at its best learning rate"),
            figure("activation_advice", "Sensitivity to the learning rate"),
        ],
        evidence: a11,
    },
];

fn function<'a>(documents: &'a Documents, name: &str) -> Option<&'a serde_json::Value> {
    documents.named("activations", "/activations", Field { key: "activation", name })
}

/// Returns value and derivative of a function at the reading nearest to `x`.
fn at(documents: &Documents, name: &str, x: f64) -> Option<(f64, f64)> {
    let reading = nearest(function(documents, name)?.get("at")?, "x", x)?;
    Some((number(reading, "/value")?, number(reading, "/derivative")?))
}

fn n1(documents: &Documents) -> Option<Evidence> {
    let functions = documents.value("activations", "/activations")?.as_array()?.len();
    let views = documents.value("preprocessing", "/views")?.as_array()?.len();
    evidence(
        functions > 0 && views > 0,
        format!("The lab shows {functions} activation functions and {views} states of the data before training."),
        format!("实验室给出 {functions} 种激活函数，以及训练前数据的 {views} 种状态。"),
    )
}

fn a1(documents: &Documents) -> Option<Evidence> {
    let [low, middle, high] = [-10.0, 0.0, 10.0].map(|x| at(documents, "sigmoid", x));
    let (low, middle, high) = (low?.0, middle?.0, high?.0);
    let words = format!("σ(−10) = {}, σ(0) = {}, σ(10) = {}", short(low), short(middle), format_args!("{high:.5}"));
    evidence(low > 0.0 && middle == 0.5 && high < 1.0, format!("{words}."), format!("{words}。"))
}

fn a2(documents: &Documents) -> Option<Evidence> {
    let (end, middle) = (at(documents, "sigmoid", 10.0)?.1, at(documents, "sigmoid", 0.0)?.1);
    let stack = documents.named("gradient_depth", "/stacks", Field { key: "activation", name: "sigmoid" })?;
    let shrinking = number(stack, "/shrinking_per_layer")?;
    evidence(
        end < 1e-4 && middle == 0.25 && shrinking > 3.0,
        format!(
            "σ′(±10) = {}, σ′(0) = {}, the maximum. Through a stack of layers the gradient is divided by {} in each.",
            short(end),
            short(middle),
            short(shrinking)
        ),
        format!(
            "σ′(±10) = {}，最大值 σ′(0) = {}。穿过多层时，每层把梯度除以 {}。",
            short(end),
            short(middle),
            short(shrinking)
        ),
    )
}

fn a2b(documents: &Documents) -> Option<Evidence> {
    let stack = documents.named("gradient_depth", "/stacks", Field { key: "activation", name: "sigmoid" })?;
    let layers = stack.get("layers")?.as_array()?;
    let sizes: Vec<f64> = layers.iter().filter_map(|layer| number(layer, "/gradient/activation_rms")).collect();
    let (first, last) = (sizes.first()?, sizes.last()?);
    evidence(
        first < last,
        format!("Size of dL/dh from layer 1 to layer {}: {}.", sizes.len(), series(&sizes)),
        format!("从第 1 层到第 {} 层 dL/dh 的大小：{}。", sizes.len(), series(&sizes)),
    )
}

fn a3(documents: &Documents) -> Option<Evidence> {
    let (low, high) = (at(documents, "sigmoid", -3.0)?.0, at(documents, "sigmoid", 3.0)?.0);
    evidence(
        low < 0.1 && high > 0.9 && (low + high - 1.0).abs() < 1e-6,
        format!(
            "σ(−3) = {} and σ(3) = {}: two shares that add up to 1, as a probability and its opposite do.",
            short(low),
            short(high)
        ),
        format!("σ(−3) = {}，σ(3) = {}：两者之和为 1，正如概率与其对立面。", short(low), short(high)),
    )
}

fn a4(documents: &Documents) -> Option<Evidence> {
    let stack = documents.named("gradient_depth", "/stacks", Field { key: "activation", name: "sigmoid" })?;
    let last = stack.get("layers")?.as_array()?.last()?;
    let (mean, std) = (number(last, "/activation/mean")?, number(last, "/activation/std")?);
    evidence(
        (mean - 0.5).abs() < 0.1,
        format!(
            "In the last layer of a stack of sigmoids the outputs have mean {} and standard deviation {}.",
            short(mean),
            short(std)
        ),
        format!("多层 sigmoid 的末层输出均值为 {}，标准差为 {}。", short(mean), short(std)),
    )
}

/// Returns the share of units whose gradients have one sign, by batch size, for one kind of inputs.
fn one_signed(documents: &Documents, inputs: &str, batch: f64) -> Option<f64> {
    let curve = documents.named("zigzag", "/one_signed_units", Field { key: "inputs", name: inputs })?;
    number(nearest(curve.get("points")?, "batch", batch)?, "/one_signed_fraction")
}

fn a5(documents: &Documents) -> Option<Evidence> {
    let [sigmoid, relu, tanh] = ["sigmoid", "relu", "tanh"].map(|inputs| one_signed(documents, inputs, 1.0));
    let (sigmoid, relu, tanh) = (sigmoid?, relu?, tanh?);
    evidence(
        sigmoid >= relu && relu > tanh && tanh < 0.1,
        format!(
            "Units with gradients of one sign at the smallest batch: {} after sigmoids, {} after relus, {} after tanh.",
            percent(sigmoid),
            percent(relu),
            percent(tanh)
        ),
        format!(
            "最小批时梯度同号的单元比例：sigmoid 之后 {}，ReLU 之后 {}，tanh 之后 {}。",
            percent(sigmoid),
            percent(relu),
            percent(tanh)
        ),
    )
}

fn a5b(documents: &Documents) -> Option<Evidence> {
    let shares = |inputs: &str| {
        let curve = documents.named("zigzag", "/one_signed_units", Field { key: "inputs", name: inputs })?;
        let points = curve.get("points")?.as_array()?;
        let share = |point: &serde_json::Value| {
            Some(format!("{} ({})", percent(number(point, "/one_signed_fraction")?), short(number(point, "/batch")?)))
        };
        points.iter().map(share).collect::<Option<Vec<String>>>()
    };
    let (sigmoid, relu) = (shares("sigmoid")?.join(", "), shares("relu")?.join(", "));
    let last = |inputs: &str| one_signed(documents, inputs, f64::MAX);
    evidence(
        last("relu")? <= last("sigmoid")?,
        format!("Units with gradients of one sign, with the batch in brackets: sigmoid {sigmoid}; relu {relu}."),
        format!("梯度同号的单元比例，括号内为批量大小：sigmoid {sigmoid}；ReLU {relu}。"),
    )
}

fn a6(documents: &Documents) -> Option<Evidence> {
    let of = |inputs: &str, key: &str| documents.number("zigzag", &format!("/{inputs}/{key}"));
    let (same, centred) = (of("positive_inputs", "same_sign_fraction")?, of("centred_inputs", "same_sign_fraction")?);
    let (long, short_path) =
        (of("positive_inputs", "length_over_straight_line")?, of("centred_inputs", "length_over_straight_line")?);
    evidence(
        same == 1.0 && long > short_path,
        format!(
            "Steps that move both weights the same way: {} with positive inputs, {} with centred ones. Path over straight line: {} and {}.",
            percent(same),
            percent(centred),
            short(long),
            short(short_path)
        ),
        format!(
            "两个权重同向移动的步数比例：正输入 {}，零中心输入 {}。路径长度与直线之比：{} 与 {}。",
            percent(same),
            percent(centred),
            short(long),
            short(short_path)
        ),
    )
}

fn a7(documents: &Documents) -> Option<Evidence> {
    let (middle, end) = (at(documents, "tanh", 0.0)?.1, at(documents, "tanh", 3.0)?.1);
    let mean = (1e6 * number(function(documents, "tanh")?, "/standard_normal_input/mean")?.abs()).round() * 1e-6;
    evidence(
        middle == 1.0 && end < 0.02 && mean.abs() < 1e-6,
        format!(
            "tanh′(0) = {}, tanh′(±3) = {}; mean of the outputs for a standard normal input {}.",
            short(middle),
            short(end),
            short(mean)
        ),
        format!("tanh′(0) = {}，tanh′(±3) = {}；标准正态输入下输出均值为 {}。", short(middle), short(end), short(mean)),
    )
}

fn a8(documents: &Documents) -> Option<Evidence> {
    let steps = |name: &str| {
        let run = documents.named("convergence", "/functions", Field { key: "activation", name })?;
        Some(number(run, "/steps_to_goal"))
    };
    let (relu, sigmoid, tanh) = (steps("relu")?, steps("sigmoid")?, steps("tanh")?);
    let goal = documents.number("convergence", "/goal")?;
    let words = |steps: Option<f64>, never: &str| steps.map_or(never.to_owned(), short);
    let faster = relu.is_some() && sigmoid.is_none_or(|sigmoid| relu.is_some_and(|relu| relu < sigmoid));
    evidence(
        faster,
        format!(
            "Steps to a training loss of {}: relu {}, tanh {}, sigmoid {}, each at its best learning rate.",
            short(goal),
            words(relu, "never"),
            words(tanh, "never"),
            words(sigmoid, "never")
        ),
        format!(
            "训练损失降到 {} 的步数：ReLU {}，tanh {}，sigmoid {}，各取最佳学习率。",
            short(goal),
            words(relu, "未达到"),
            words(tanh, "未达到"),
            words(sigmoid, "未达到")
        ),
    )
}

fn a9(documents: &Documents) -> Option<Evidence> {
    let (without, with) = (one_signed(documents, "relu", 2.0)?, one_signed(documents, "relu + batch norm", 2.0)?);
    let (sum, size) = (
        documents.number("batch_norm_backward", "/channels/0/sum_dx")?,
        documents.number("batch_norm_backward", "/channels/0/sum_magnitudes")?,
    );
    evidence(
        with == 0.0 && sum.abs() < 1e-4 * size,
        format!(
            "Units with gradients of one sign after relus, two samples: {} without batch norm, {} with it. The gradients of a batch sum to {}, their magnitudes to {}.",
            percent(without),
            percent(with),
            short(sum),
            short(size)
        ),
        format!(
            "ReLU 之后、两个样本时梯度同号的单元：没有批量归一化 {}，有则 {}。一批的梯度之和为 {}，而绝对值之和为 {}。",
            percent(without),
            percent(with),
            short(sum),
            short(size)
        ),
    )
}

fn a10(documents: &Documents) -> Option<Evidence> {
    let sweep = documents.named("dead_relu", "/by_learning_rate", Field { key: "activation", name: "relu" })?;
    let runs = sweep.get("runs")?.as_array()?;
    let dead = |run: &serde_json::Value| number(run, "/dead_fraction");
    let first = runs.first()?;
    let worst = runs
        .iter()
        .filter(|run| dead(run).is_some())
        .max_by(|a, b| dead(a).unwrap_or(0.0).total_cmp(&dead(b).unwrap_or(0.0)))?;
    let rate = |run| number(run, "/learning_rate");
    let (healthy, killed) = (dead(first)?, dead(worst)?);
    evidence(
        killed >= healthy,
        format!(
            "Dead units after training: {} at learning rate {}, {} at {} (training accuracy {}).",
            percent(healthy),
            short(rate(first)?),
            percent(killed),
            short(rate(worst)?),
            percent(number(worst, "/train_accuracy")?)
        ),
        format!(
            "训练后死亡单元的比例：学习率 {} 时 {}，{} 时 {}（训练准确率 {}）。",
            short(rate(first)?),
            percent(healthy),
            short(rate(worst)?),
            percent(killed),
            percent(number(worst, "/train_accuracy")?)
        ),
    )
}

fn a10b(documents: &Documents) -> Option<Evidence> {
    let sweep = documents.named("dead_relu", "/by_bias", Field { key: "activation", name: "relu" })?;
    let runs = sweep.get("runs")?;
    let of = |bias: f64| {
        let run = nearest(runs, "bias", bias)?;
        Some((number(run, "/dead_fraction")?, number(run, "/train_accuracy")?))
    };
    let (zero, small) = (of(0.0)?, of(0.01)?);
    evidence(
        (zero.1 - small.1).abs() < 0.05,
        format!(
            "Bias 0: {} dead, {} right; bias 0.01: {} dead, {} right.",
            percent(zero.0),
            percent(zero.1),
            percent(small.0),
            percent(small.1)
        ),
        format!(
            "偏置 0：死亡 {}，准确率 {}；偏置 0.01：死亡 {}，准确率 {}。",
            percent(zero.0),
            percent(zero.1),
            percent(small.0),
            percent(small.1)
        ),
    )
}

fn a11(documents: &Documents) -> Option<Evidence> {
    let list = documents.value("activation_advice", "/functions")?;
    let best = |name: &str| number(named(list, Field { key: "function", name })?, "/best_test_accuracy");
    let (relu, sigmoid) = (best("relu")?, best("sigmoid")?);
    let all: Vec<f64> = list.as_array()?.iter().filter_map(|one| number(one, "/best_test_accuracy")).collect();
    let highest = all.iter().copied().fold(0.0, f64::max);
    evidence(
        relu >= sigmoid - 0.02,
        format!(
            "Best test accuracy of relu {}, of the best of {} functions {}, of the sigmoid {}. All: {}.",
            percent(relu),
            all.len(),
            percent(highest),
            percent(sigmoid),
            series(&all)
        ),
        format!(
            "最佳测试准确率：ReLU {}，{} 种函数中最好的 {}，sigmoid {}。全部：{}。",
            percent(relu),
            all.len(),
            percent(highest),
            percent(sigmoid),
            series(&all)
        ),
    )
}
