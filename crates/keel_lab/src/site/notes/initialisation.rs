//! The notes on weight initialisation.

use super::documents::{Documents, Field, nearest, number};
use super::statement::{Evidence, Standing, Statement, evidence, figure, percent, series, short};

const SHEET: &str = "Outputs of every layer in the lecture's five settings";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        row: "W1",
        says: [
            "If all weights are one constant, all neurons of a layer compute and update alike: one neuron.",
            "若权重全为同一常数，同一层的神经元计算与更新完全相同，等于一个神经元。",
        ],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[figure("constant_init", "Loss during training")],
        evidence: w1,
    },
    Statement {
        row: "W2",
        says: [
            "0.01·randn with tanh: the first layer is fine, deeper ones go to 0, in the sixth most outputs are 0.",
            "0.01·randn 配 tanh：第一层还好，越深越趋于 0，第六层大多为 0。",
        ],
        standing: Standing::Holds,
        correction: [
            "Near 0, not 0. What decides is n·Var(w), not 0.01: the same 0.01 is fatal sooner in narrow layers.",
            "是接近 0，而不是等于 0。起决定作用的是 n·Var(w)，不是 0.01 本身：层越窄，同样的 0.01 越早致命。",
        ],
        figures: &[figure("initialisation", SHEET)],
        evidence: w2,
    },
    Statement {
        row: "W3",
        says: ["… so the gradient vanishes and nothing is updated.", "……于是梯度消失，无法更新。"],
        standing: Standing::TooStrong,
        correction: [
            "The weight gradients are small, but equally so in every layer: what the signal loses forward, the gradient has not yet lost backward. Six wide layers still learn; thirty do not.",
            "权重梯度确实小，但每层一样小：前向损失的部分，正好是反向尚未损失的部分。六个宽层仍能学，三十层就不行了。",
        ],
        figures: &[
            figure("initialisation", "Root mean square of the weight gradients"),
            figure("deep_training", "Training loss"),
        ],
        evidence: w3,
    },
    Statement {
        row: "W4",
        says: ["0.05·randn: the outputs pile up at ±1.", "0.05·randn：输出堆积在 ±1。"],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[figure("initialisation", SHEET)],
        evidence: w4,
    },
    Statement {
        row: "W5",
        says: ["Tanh has no gradient there, so the network cannot update.", "那里 tanh 没有梯度，网络无法更新。"],
        standing: Standing::TooStrong,
        correction: [
            "The local derivative is small on average, not zero, and the weights are large: on its way back the whole gradient grows from layer to layer. It explodes rather than vanishes.",
            "局部导数平均很小但不为零，而权重很大：总梯度在反向传播中逐层增大。是爆炸，不是消失。",
        ],
        figures: &[figure("initialisation", "Backward: root mean square")],
        evidence: w5,
    },
    Statement {
        row: "W6",
        says: [
            "A good start keeps the outputs in the range with a gradient, with a deviation like that of the input.",
            "好的初始化使输出落在有梯度的区域，标准差与输入相近。",
        ],
        standing: Standing::Holds,
        correction: [
            "The lab's verdicts follow the trend: a signal that loses a fifth in every layer is in danger however \
             much is left after six.",
            "实验室按趋势判断：每层损失五分之一以上的信号是危险的，无论六层之后还剩多少。",
        ],
        figures: &[figure("initialisation", "Forward: standard deviation")],
        evidence: w6,
    },
    Statement {
        row: "W7",
        says: [
            "Xavier with tanh: the sixth layer is still fine, and the deviation changes little between layers.",
            "Xavier 配 tanh：第六层仍然正常，各层标准差变化不大。",
        ],
        standing: Standing::TooStrong,
        correction: [
            "It halves over six layers and continues to decay like 1/√l; what saves it is that the loss fades away. A gain of 5/3 settles.",
            "六层之后减半，并继续像 1/√l 那样衰减；好在损失越来越小。增益取 5/3 才会稳定下来。",
        ],
        figures: &[figure("initialisation", SHEET), figure("xavier", "Tanh with Xavier's weights")],
        evidence: w7,
    },
    Statement {
        row: "W8",
        says: [
            "Proof: Var(y) = Din·Var(x)·Var(w), so Var(w) = 1/Din.",
            "证明：Var(y) = Din·Var(x)·Var(w)，所以 Var(w) = 1/Din。",
        ],
        standing: Standing::Holds,
        correction: [
            "For inputs of mean 0. Glorot's own formula is 2/(Din + Dout), which is the slide's 1/Din for square layers only.",
            "前提是输入均值为 0。Glorot 原文的公式是 2/(Din + Dout)，只有方阵层才等于课件的 1/Din。",
        ],
        figures: &[figure("xavier", "The result")],
        evidence: w8,
    },
    Statement {
        row: "W8b",
        says: [
            "(Slide) For a convolution Din is kernel² × input channels.",
            "（课件）卷积的 Din = 核边长² × 输入通道数。",
        ],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[figure("xavier", "")],
        evidence: w8b,
    },
    Statement {
        row: "W9",
        says: [
            "Xavier with relu: the first layer is fine, deep layers go to 0.",
            "Xavier 配 ReLU：第一层还好，深层趋于 0。",
        ],
        standing: Standing::Holds,
        correction: ["By 1/√2 in every layer, forward and backward.", "前向与反向都是每层 1/√2 倍。"],
        figures: &[figure("initialisation", SHEET)],
        evidence: w9,
    },
    Statement {
        row: "W10",
        says: [
            "Kaiming, 2/Din: six layers later the deviation is still 0.81, about that of layer 1.",
            "Kaiming 取 2/Din：六层之后标准差仍为 0.81，与第 1 层相近。",
        ],
        standing: Standing::Holds,
        correction: [
            "Theory says 0.8256 in every layer; the slide's 0.81 is the result of one random draw.",
            "理论值是每层 0.8256；课件的 0.81 只是一次随机抽样的结果。",
        ],
        figures: &[
            figure("initialisation", SHEET),
            figure("kaiming_gain", "Mean and standard deviation of the outputs by layer"),
        ],
        evidence: w10,
    },
    Statement {
        row: "W11",
        says: [
            "Many zeros remain, a property of relu that only batch norm can fix.",
            "仍有许多零，这是 ReLU 的性质，只有批量归一化能解决。",
        ],
        standing: Standing::TooStrong,
        correction: [
            "Batch norm before relu leaves exactly as many: half. They are sparsity, not a defect.",
            "放在 ReLU 之前的批量归一化留下同样多的零：一半。这是稀疏性，不是缺陷。",
        ],
        figures: &[figure("initialisation", SHEET), figure("batch_norm", "relu: standard deviation")],
        evidence: w11,
    },
    Statement {
        row: "W12",
        says: [
            "The derivation of Kaiming's 2 is not given (open question 3).",
            "没有给出 Kaiming 的 2 的推导（未解问题 3）。",
        ],
        standing: Standing::Holds,
        correction: ["It is below, and complete on the page linked here.", "见下文；完整推导在链接的页面。"],
        figures: &[figure("kaiming_gain", "Change of the signal's standard deviation")],
        evidence: w12,
    },
    Statement {
        row: "W13",
        says: [
            "A bad start makes training slow, or it does not converge at all.",
            "初始化不好会使训练变慢，甚至不收敛。",
        ],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[figure("deep_training", "Training loss"), figure("deep_training", "Test accuracy of every run")],
        evidence: w13,
    },
];

/// Returns one number of every layer in one of the lecture's settings.
fn layers(documents: &Documents, setting: usize, field: &str) -> Option<Vec<f64>> {
    documents.numbers("initialisation", &format!("/lecture/{setting}/layers"), field)
}

const SMALL: usize = 0;
const LARGE: usize = 1;
const TANH_XAVIER: usize = 2;
const RELU_XAVIER: usize = 3;
const KAIMING: usize = 4;

fn w1(documents: &Documents) -> Option<Evidence> {
    let runs = documents.value("constant_init", "/runs")?.as_array()?;
    let of = |index: usize, field: &str| number(runs.get(index)?, field);
    let width = documents.number("constant_init", "/width")?;
    let (units, difference) = (of(1, "/distinct_units")?, of(1, "/largest_difference")?);
    let (zero, random) = (of(0, "/train_accuracy")?, of(2, "/train_accuracy")?);
    evidence(
        units == 1.0 && difference == 0.0,
        format!(
            "Different units among {} after training from a constant: {}, largest difference {}. Accuracy from zeros {}, from random weights of the same size {}.",
            short(width),
            short(units),
            short(difference),
            percent(zero),
            percent(random)
        ),
        format!(
            "从常数开始训练后，{} 个单元中不同的只有 {} 个，最大差异 {}。全零初始化的准确率 {}，同样大小的随机权重 {}。",
            short(width),
            short(units),
            short(difference),
            percent(zero),
            percent(random)
        ),
    )
}

fn w2(documents: &Documents) -> Option<Evidence> {
    let (std, zero) =
        (layers(documents, SMALL, "/activation/std")?, layers(documents, SMALL, "/activation/near_zero_fraction")?);
    let scaled = documents.number("initialisation", "/lecture/0/scaled_variance")?;
    evidence(
        std.last()? < std.first()?,
        format!(
            "Deviation by layer {} (slide .49 … .05); nearer to 0 than 0.05: {} in the first, {} in the last. n·Var(w) = {}.",
            series(&std),
            percent(*zero.first()?),
            percent(*zero.last()?),
            short(scaled)
        ),
        format!(
            "逐层标准差 {}（课件 .49 … .05）；与 0 相差不到 0.05 的比例：首层 {}，末层 {}。n·Var(w) = {}。",
            series(&std),
            percent(*zero.first()?),
            percent(*zero.last()?),
            short(scaled)
        ),
    )
}

fn w3(documents: &Documents) -> Option<Evidence> {
    let weights = layers(documents, SMALL, "/gradient/weight_rms")?;
    let xavier = layers(documents, TANH_XAVIER, "/gradient/weight_rms")?;
    let factor = documents.number("initialisation", "/lecture/0/gradient_factor")?;
    let spread = weights.iter().copied().fold(0.0, f64::max) / weights.iter().copied().fold(f64::MAX, f64::min);
    let deep = documents.named("deep_training", "/runs", Field { key: "init", name: "normal, std 0.01" })?;
    let (accuracy, depth) = (number(deep, "/test_accuracy")?, documents.number("deep_training", "/depth")?);
    evidence(
        spread < 3.0,
        format!(
            "dL/dh falls by ×{} per layer, dL/dW stays: {} (Xavier {}). In {} narrow layers: {} right after training.",
            short(factor),
            series(&weights),
            series(&xavier),
            short(depth),
            percent(accuracy)
        ),
        format!(
            "dL/dh 每层 ×{}，而 dL/dW 保持不变：{}（Xavier 为 {}）。{} 个窄层训练后准确率 {}。",
            short(factor),
            series(&weights),
            series(&xavier),
            short(depth),
            percent(accuracy)
        ),
    )
}

fn w4(documents: &Documents) -> Option<Evidence> {
    let (std, flat) =
        (layers(documents, LARGE, "/activation/std")?, layers(documents, LARGE, "/activation/saturated_fraction")?);
    evidence(
        *std.last()? > 0.3,
        format!(
            "Deviation by layer {} (slide .87 .85 …); |h| > 0.99: {} in the first layer, {} in the last.",
            series(&std),
            percent(*flat.first()?),
            percent(*flat.last()?)
        ),
        format!(
            "逐层标准差 {}（课件 .87 .85 ……）；|h| > 0.99 的比例：首层 {}，末层 {}。",
            series(&std),
            percent(*flat.first()?),
            percent(*flat.last()?)
        ),
    )
}

fn w5(documents: &Documents) -> Option<Evidence> {
    let slope = layers(documents, LARGE, "/activation/mean_derivative")?;
    let factor = documents.number("initialisation", "/lecture/1/gradient_factor")?;
    evidence(
        slope.iter().all(|slope| *slope > 0.0),
        format!(
            "Mean of tanh′ by layer {}; the gradient is multiplied by {} in every layer on its way back.",
            series(&slope),
            short(factor)
        ),
        format!("各层 tanh′ 的平均值 {}；梯度在反向传播中每层乘以 {}。", series(&slope), short(factor)),
    )
}

fn w6(documents: &Documents) -> Option<Evidence> {
    let settings = documents.value("initialisation", "/lecture")?.as_array()?;
    let verdict = |setting: usize| {
        let layers = settings.get(setting)?.get("layers")?.as_array()?;
        layers.last()?.get("verdict")?.as_str().map(|verdict| verdict.replace('_', " "))
    };
    let [small, large, tanh, relu, kaiming] = [SMALL, LARGE, TANH_XAVIER, RELU_XAVIER, KAIMING].map(verdict);
    let (small, large, tanh, relu, kaiming) = (small?, large?, tanh?, relu?, kaiming?);
    let chinese = |verdict: &str| {
        match verdict {
            "in range" => "正常",
            "shrinking" => "逐层缩小",
            "too small" => "过小",
            "growing" => "逐层放大",
            "too large" => "过大",
            _ => "饱和",
        }
        .to_owned()
    };
    evidence(
        true,
        format!(
            "Verdicts on the last layer: tanh with 0.01 {small}, with 0.05 {large}, with Xavier {tanh}; relu with Xavier {relu}, with Kaiming {kaiming}."
        ),
        format!(
            "对末层的判断：tanh 用 0.01 {}，用 0.05 {}，用 Xavier {}；ReLU 用 Xavier {}，用 Kaiming {}。",
            chinese(&small),
            chinese(&large),
            chinese(&tanh),
            chinese(&relu),
            chinese(&kaiming)
        ),
    )
}

fn w7(documents: &Documents) -> Option<Evidence> {
    let std = layers(documents, TANH_XAVIER, "/activation/std")?;
    let deep = documents.numbers("xavier", "/tanh_stack", "/measured")?;
    evidence(
        std.last()? < std.first()?,
        format!(
            "Deviation by layer {} (slide .63 … .30); in {} layers it goes down to {}.",
            series(&std),
            deep.len(),
            short(*deep.last()?)
        ),
        format!("逐层标准差 {}（课件 .63 … .30）；{} 层时降到 {}。", series(&std), deep.len(), short(*deep.last()?)),
    )
}

fn w8(documents: &Documents) -> Option<Evidence> {
    let stacks = documents.value("xavier", "/linear_stacks")?;
    let stack = nearest(stacks, "factor", 1.0)?;
    let last = stack.get("layers")?.as_array()?.last()?;
    let (layer, theory, measured) = (number(last, "/layer")?, number(last, "/theory")?, number(last, "/measured")?);
    let product = documents.value("xavier", "/steps/0")?;
    let (expected, found) = (number(product, "/theory")?, number(product, "/measured")?);
    evidence(
        (found / expected - 1.0).abs() < 0.25,
        format!(
            "Var(w x): {} measured, {} predicted. With n·Var(w) = {} the deviation after {} linear layers is {} of that of the input, predicted {}.",
            short(found),
            short(expected),
            short(number(stack, "/factor")?),
            short(layer),
            short(measured),
            short(theory)
        ),
        format!(
            "Var(w x)：实测 {}，预测 {}。n·Var(w) = {} 时，{} 个线性层之后标准差是输入的 {} 倍，预测 {}。",
            short(found),
            short(expected),
            short(number(stack, "/factor")?),
            short(layer),
            short(measured),
            short(theory)
        ),
    )
}

fn w8b(documents: &Documents) -> Option<Evidence> {
    let step = |name: &str| {
        let step = documents.named("xavier", "/steps", Field { key: "step", name })?;
        Some((number(step, "/theory")?, number(step, "/measured")?))
    };
    let (right, wrong) = (step("convolution")?, step("convolution_if_channels_only")?);
    evidence(
        (right.1 / right.0 - 1.0).abs() < 0.25 && wrong.1 > 4.0,
        format!(
            "3 × 3 × 64: with 1/576 the variance of the outputs is {}, with 1/64 it is {}.",
            short(right.1),
            short(wrong.1)
        ),
        format!("3 × 3 × 64：取 1/576 时输出方差为 {}，取 1/64 时为 {}。", short(right.1), short(wrong.1)),
    )
}

fn w9(documents: &Documents) -> Option<Evidence> {
    let (mean, std) =
        (layers(documents, RELU_XAVIER, "/activation/mean")?, layers(documents, RELU_XAVIER, "/activation/std")?);
    let factor = documents.number("initialisation", "/lecture/3/gradient_factor")?;
    evidence(
        std.last()? < std.first()?,
        format!(
            "Mean by layer {} (slide .39 … .07), deviation {} (slide .58 … .10); gradient ×{} per layer back.",
            series(&mean),
            series(&std),
            short(factor)
        ),
        format!(
            "逐层均值 {}（课件 .39 … .07），标准差 {}（课件 .58 … .10）；反向每层梯度 ×{}。",
            series(&mean),
            series(&std),
            short(factor)
        ),
    )
}

fn w10(documents: &Documents) -> Option<Evidence> {
    let (mean, std) = (layers(documents, KAIMING, "/activation/mean")?, layers(documents, KAIMING, "/activation/std")?);
    let theory = layers(documents, KAIMING, "/theory/std")?;
    evidence(
        (std.last()? / std.first()? - 1.0).abs() < 0.6,
        format!(
            "Mean by layer {} (slide .57 … .55), deviation {} (slide .83 … .81), theory {}.",
            series(&mean),
            series(&std),
            short(*theory.last()?)
        ),
        format!(
            "逐层均值 {}（课件 .57 … .55），标准差 {}（课件 .83 … .81），理论值 {}。",
            series(&mean),
            series(&std),
            short(*theory.last()?)
        ),
    )
}

fn w11(documents: &Documents) -> Option<Evidence> {
    let without = layers(documents, KAIMING, "/activation/zero_fraction")?;
    let signal = documents.named("batch_norm", "/signal", Field { key: "activation", name: "relu" })?;
    let layers = signal.get("layers")?.as_array()?;
    let with: Vec<f64> = layers.iter().filter_map(|layer| number(layer, "/zero_fraction_with")).collect();
    evidence(
        with.iter().all(|share| *share > 0.25),
        format!(
            "Zeros in the last layer: {} with Kaiming's weights, {} with batch norm before every relu.",
            percent(*without.last()?),
            percent(*with.last()?)
        ),
        format!(
            "末层零的比例：Kaiming 权重 {}，每个 ReLU 之前加批量归一化 {}。",
            percent(*without.last()?),
            percent(*with.last()?)
        ),
    )
}

fn w12(documents: &Documents) -> Option<Evidence> {
    let half = documents.number("kaiming_gain", "/steps/second_moment_over_variance")?;
    let scan = nearest(documents.value("kaiming_gain", "/scan")?, "factor", 2.0)?;
    let (ratio, depth) = (number(scan, "/log10_ratio")?, documents.number("kaiming_gain", "/depth")?);
    evidence(
        (half - 0.5).abs() < 0.2,
        format!(
            "Relu leaves {} of the second moment; with 2/n the signal changes by 10^{} over {} layers.",
            short(half),
            short(ratio),
            short(depth)
        ),
        format!("ReLU 保留二阶矩的 {}；取 2/n 时，{} 层之后信号变化 10^{}。", short(half), short(depth), short(ratio)),
    )
}

fn w13(documents: &Documents) -> Option<Evidence> {
    let run = |name: &str| {
        let run = documents.named("deep_training", "/runs", Field { key: "init", name })?;
        Some((run.get("train_loss")?.as_f64(), number(run, "/test_accuracy")?))
    };
    let (xavier, kaiming) = (run("xavier_normal")?, run("kaiming_normal")?);
    let (depth, guessing) =
        (documents.number("deep_training", "/depth")?, documents.number("deep_training", "/loss_of_guessing")?);
    let loss = |loss: Option<f64>| short(loss.unwrap_or(f64::NAN));
    evidence(
        kaiming.1 > xavier.1,
        format!(
            "{} relu layers: Xavier's loss stays at {} (guessing is {}), {} right; Kaiming's falls to {}, {} right.",
            short(depth),
            loss(xavier.0),
            short(guessing),
            percent(xavier.1),
            loss(kaiming.0),
            percent(kaiming.1)
        ),
        format!(
            "{} 层 ReLU：Xavier 的损失停在 {}（随机猜测为 {}），准确率 {}；Kaiming 降到 {}，准确率 {}。",
            short(depth),
            loss(xavier.0),
            short(guessing),
            percent(xavier.1),
            loss(kaiming.0),
            percent(kaiming.1)
        ),
    )
}
