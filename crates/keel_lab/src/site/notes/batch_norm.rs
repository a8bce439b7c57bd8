//! The notes on batch normalisation, and the summary.

use super::documents::{Documents, Field, nearest, number};
use super::statement::{Evidence, Standing, Statement, evidence, figure, percent, series, short};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        row: "B1",
        says: [
            "Force every output of a layer to mean 0 and standard deviation 1, each channel by itself: a standard normal distribution.",
            "强制每层输出的每个通道均值为 0、标准差为 1：标准正态分布。",
        ],
        standing: Standing::TooStrong,
        correction: [
            "Mean 0 and variance 1, yes; normal, no: the shape of the distribution stays what it was.",
            "均值 0、方差 1 没错；但不是正态：分布的形状保持原样。",
        ],
        figures: &[figure("batch_norm", "After normalisation")],
        evidence: b1,
    },
    Statement {
        row: "B1b",
        says: [
            "(Slide, missing in the notes) γ and β follow; γ = σ and β = μ give the identity back.",
            "（课件有，笔记缺）之后还有 γ 与 β；γ = σ、β = μ 即恢复恒等。",
        ],
        standing: Standing::Holds,
        correction: [
            "They are learned, so that a layer can choose its own mean and deviation.",
            "它们是学习得到的，让每层自己决定均值与标准差。",
        ],
        figures: &[
            figure("batch_norm", "Before: the inputs"),
            figure("batch_norm_folding", "First batch norm of the linear network"),
        ],
        evidence: b1b,
    },
    Statement {
        row: "B2",
        says: [
            "The result is the next layer's input, so batch norm makes up for a bad start.",
            "结果作为下一层的输入，所以批量归一化能弥补糟糕的初始化。",
        ],
        standing: Standing::Holds,
        correction: [
            "As long as the variance is large compared with ε: from weights of 1e−4 it fails as well.",
            "前提是方差远大于 ε：权重取 1e−4 时它也会失效。",
        ],
        figures: &[
            figure("batch_norm", "tanh: standard deviation"),
            figure("batch_norm", "Standard deviation after each batch norm"),
        ],
        evidence: b2,
    },
    Statement {
        row: "B3",
        says: ["At test time use the mean and deviation of the training.", "测试时使用训练得到的均值与标准差。"],
        standing: Standing::Holds,
        correction: [
            "Batch norm is then one multiplication and one addition for each channel, and can be folded into the layer before.",
            "此时批量归一化只是每个通道的一次乘法与一次加法，可以折叠进前一层。",
        ],
        figures: &[
            figure("batch_norm_inference", "Mean and standard deviation of every unit"),
            figure("batch_norm_folding", ""),
        ],
        evidence: b3,
    },
    Statement {
        row: "B4",
        says: [
            "Which total is meant? Why not the test data's own? (open questions 1 and 2)",
            "指的是哪个总体？为什么不用测试数据自身的？（未解问题 1 与 2）",
        ],
        standing: Standing::Holds,
        correction: ["Both are answered below.", "两个问题都在下文回答。"],
        figures: &[figure("batch_norm_inference", "Using the test batch's own statistics")],
        evidence: b4,
    },
    Statement {
        row: "B5",
        says: [
            "Batch norm goes after the fully connected or convolutional layer and before the nonlinearity.",
            "批量归一化放在全连接层或卷积层之后、非线性之前。",
        ],
        standing: Standing::Holds,
        correction: [
            "A convention rather than a necessity: after relu it does about as well. A bias before it is useless.",
            "这是惯例而非必须：放在 ReLU 之后效果也差不多。它前面的偏置没有用处。",
        ],
        figures: &[figure("norm_placement", "Test accuracy after a short training")],
        evidence: b5,
    },
    Statement {
        row: "B6",
        says: [
            "Convolution, batch norm, relu, again and again, then a fully connected classifier.",
            "卷积、批量归一化、ReLU 反复堆叠，最后接全连接分类器。",
        ],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[figure("norm_placement", "Convolutions with relu")],
        evidence: b6,
    },
    Statement {
        row: "B7",
        says: [
            "(Slide) Easier training, higher learning rates, robust to the start; but different in training and test, a common source of bugs.",
            "（课件）更易训练，可用更大的学习率，对初始化不敏感；但训练与测试行为不同，是常见的错误来源。",
        ],
        standing: Standing::Holds,
        correction: [
            "It needs batches of some size: with two samples the statistics are a coin toss.",
            "它需要一定大小的批：只有两个样本时，统计量近乎随机。",
        ],
        figures: &[
            figure("batch_norm", "A deep relu network after a short training"),
            figure("norms", "Linear layers"),
        ],
        evidence: b7,
    },
    Statement {
        row: "Z",
        says: [
            "Summary: relu; subtract the mean and divide by the deviation; Xavier for tanh, Kaiming for relu; batch norm between.",
            "总结：用 ReLU；减均值、除标准差；tanh 用 Xavier，ReLU 用 Kaiming；中间加批量归一化。",
        ],
        standing: Standing::Holds,
        correction: [
            "The four overlap: with batch norm the other three matter less, without it each of them is needed.",
            "四条作用有重叠：有批量归一化时其他三条不那么要紧，没有它则每条都必不可少。",
        ],
        figures: &[figure("recipe_ablation", "Test accuracy of every run")],
        evidence: z,
    },
];

fn b1(documents: &Documents) -> Option<Evidence> {
    let channels = |field: &str| documents.numbers("batch_norm", "/scale_and_shift/channels", field);
    let (mean, std) = (channels("/normalised/mean")?, channels("/normalised/std")?);
    let (before, deviation) = (channels("/before/mean")?, channels("/before/std")?);
    let off = mean.iter().fold(0.0_f64, |largest, mean| largest.max(mean.abs()));
    let wide = std.iter().fold(0.0_f64, |largest, std| largest.max((std - 1.0).abs()));
    evidence(
        off < 1e-3 && wide < 1e-3,
        format!(
            "Three channels with means {} and deviations {}: afterwards means within {} of 0 and deviations within {} of 1, histograms unchanged.",
            series(&before),
            series(&deviation),
            short(off),
            short(wide)
        ),
        format!(
            "三个通道原均值 {}、标准差 {}：之后均值与 0 相差不超过 {}，标准差与 1 相差不超过 {}，直方图形状不变。",
            series(&before),
            series(&deviation),
            short(off),
            short(wide)
        ),
    )
}

fn b1b(documents: &Documents) -> Option<Evidence> {
    let channels = |field: &str| documents.numbers("batch_norm", "/scale_and_shift/channels", field);
    let (gamma, beta) = (channels("/gamma")?, channels("/beta")?);
    let (mean, std) = (channels("/after/mean")?, channels("/after/std")?);
    let identity = documents.number("batch_norm", "/scale_and_shift/identity_difference")?;
    let agree = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-2);
    evidence(
        agree(&gamma, &std) && agree(&beta, &mean),
        format!(
            "γ = {}, β = {}: deviations {}, means {}. With γ = √(σ² + ε), β = μ the output is the input to {}.",
            series(&gamma),
            series(&beta),
            series(&std),
            series(&mean),
            short(identity)
        ),
        format!(
            "γ = {}，β = {}：标准差 {}，均值 {}。γ = √(σ² + ε)、β = μ 时输出等于输入，相对误差 {}。",
            series(&gamma),
            series(&beta),
            series(&std),
            series(&mean),
            short(identity)
        ),
    )
}

fn b2(documents: &Documents) -> Option<Evidence> {
    let signals = documents.value("batch_norm", "/signal")?.as_array()?;
    let of = |activation: &str, field: &str| -> Vec<f64> {
        let signals = signals.iter().filter(|signal| signal["activation"] == activation);
        signals.filter_map(|signal| number(signal.get("layers")?.as_array()?.last()?, field)).collect()
    };
    let (with, without) = (of("tanh", "/with/std"), of("tanh", "/without/std"));
    let runs = documents.value("batch_norm", "/epsilons/runs")?.as_array()?;
    let (usual, tiny) = (number(runs.first()?, "/train_accuracy")?, number(runs.last()?, "/train_accuracy")?);
    evidence(
        with.iter().all(|std| *std > 0.3),
        format!(
            "Sixth tanh layer from weights of four sizes: deviation {} with batch norm, {} without. From weights of 1e−4: {} right with ε = 1e−5, {} with a tiny ε.",
            series(&with),
            series(&without),
            percent(usual),
            percent(tiny)
        ),
        format!(
            "四种权重大小下第六个 tanh 层的标准差：有批量归一化 {}，无则 {}。权重 1e−4 时：ε = 1e−5 准确率 {}，ε 极小时 {}。",
            series(&with),
            series(&without),
            percent(usual),
            percent(tiny)
        ),
    )
}

fn b3(documents: &Documents) -> Option<Evidence> {
    let running = documents.number("batch_norm_inference", "/running_accuracy")?;
    let network = documents.value("batch_norm_folding", "/networks/0")?;
    let (largest, score) = (number(network, "/formula/largest")?, number(network, "/largest_score")?);
    evidence(
        largest < 1e-3 * score,
        format!(
            "Test accuracy with the running statistics {}. Folded into the layer before, the largest difference of a score is {}, of scores up to {}.",
            percent(running),
            short(largest),
            short(score)
        ),
        format!(
            "用滑动平均统计量的测试准确率 {}。折叠进前一层后，得分的最大差异为 {}，而得分最大达 {}。",
            percent(running),
            short(largest),
            short(score)
        ),
    )
}

fn b4(documents: &Documents) -> Option<Evidence> {
    let running = documents.number("batch_norm_inference", "/running_accuracy")?;
    let own = documents.value("batch_norm_inference", "/own_statistics")?.as_array()?;
    let smallest = own.first()?;
    evidence(
        true,
        format!(
            "Running statistics {}; the test batch's own, in batches of {}: {}.",
            percent(running),
            short(number(smallest, "/batch")?),
            percent(number(smallest, "/shuffled_accuracy")?)
        ),
        format!(
            "滑动平均统计量 {}；测试批次自身的统计量、批量大小 {} 时 {}。",
            percent(running),
            short(number(smallest, "/batch")?),
            percent(number(smallest, "/shuffled_accuracy")?)
        ),
    )
}

/// Returns the accuracy of one placement in one stack.
fn placed(documents: &Documents, stack: &str, placement: &str) -> Option<f64> {
    let stack = documents.named("norm_placement", "/stacks", Field { key: "stack", name: stack })?;
    let placements = stack.get("placements")?;
    number(super::documents::named(placements, Field { key: "placement", name: placement })?, "/test_accuracy")
}

fn b5(documents: &Documents) -> Option<Evidence> {
    let of = |placement: &str| placed(documents, "linear, relu", placement);
    let (before, after, none) = (of("before")?, of("after")?, of("none")?);
    let bias = documents.number("norm_placement", "/bias_before_norm/bias_rms")?;
    let free = documents.number("norm_placement", "/bias_before_norm/bias_rms_without_norm")?;
    evidence(
        bias < 0.01 * free,
        format!(
            "Linear layers with relu: {} before, {} after, {} without. Gradient of a bias before batch norm {}, of one without it {}.",
            percent(before),
            percent(after),
            percent(none),
            short(bias),
            short(free)
        ),
        format!(
            "线性层加 ReLU：放在之前 {}，之后 {}，不用 {}。批量归一化之前偏置的梯度 {}，没有批量归一化时 {}。",
            percent(before),
            percent(after),
            percent(none),
            short(bias),
            short(free)
        ),
    )
}

fn b6(documents: &Documents) -> Option<Evidence> {
    let of = |placement: &str| placed(documents, "convolution, relu", placement);
    let (before, none) = (of("before")?, of("none")?);
    evidence(
        before > none - 0.05,
        format!(
            "Convolution – batch norm – relu and a linear layer at the end: {}; without batch norm {}.",
            percent(before),
            percent(none)
        ),
        format!("卷积 – 批量归一化 – ReLU，末尾接线性层：{}；不用批量归一化 {}。", percent(before), percent(none)),
    )
}

fn b7(documents: &Documents) -> Option<Evidence> {
    let range = |pointer: &str, side: &str| {
        let accuracies = documents.numbers("batch_norm", pointer, &format!("/{side}/train_accuracy"))?;
        let (low, high) =
            accuracies.iter().fold((f64::MAX, f64::MIN), |(low, high), &one| (low.min(one), high.max(one)));
        Some(format!("{}–{}", percent(low), percent(high)))
    };
    let (with, without) = (range("/scales", "with")?, range("/scales", "without")?);
    let (fast, slow) = (range("/learning_rates", "with")?, range("/learning_rates", "without")?);
    let norms = documents.value("norms", "/networks/0/norms")?;
    let of = |name: &str| {
        let norm = super::documents::named(norms, Field { key: "norm", name })?;
        number(nearest(norm.get("runs")?, "batch", 2.0)?, "/test_accuracy")
    };
    let (batch, layer) = (of("batch_norm")?, of("layer_norm")?);
    evidence(
        true,
        format!(
            "Training accuracy over all sizes of weights: {with} with, {without} without; over all learning rates {fast} and {slow}. In the smallest batches: batch norm {}, layer norm {}.",
            percent(batch),
            percent(layer)
        ),
        format!(
            "各种权重大小下的训练准确率：有 {with}，无 {without}；各种学习率下 {fast} 与 {slow}。最小的批：批量归一化 {}，层归一化 {}。",
            percent(batch),
            percent(layer)
        ),
    )
}

fn z(documents: &Documents) -> Option<Evidence> {
    let variants = documents.value("recipe_ablation", "/variants")?.as_array()?;
    let all = number(variants.first()?, "/test_accuracy")?;
    let accuracies: Vec<f64> = variants.iter().filter_map(|variant| number(variant, "/test_accuracy")).collect();
    let worst = accuracies.iter().copied().fold(f64::MAX, f64::min);
    evidence(
        all >= worst,
        format!(
            "All four: {}. The worst of {} variants with something removed: {}.",
            percent(all),
            accuracies.len() - 1,
            percent(worst)
        ),
        format!(
            "四条全用：{}。去掉某些之后的 {} 种变体中最差的：{}。",
            percent(all),
            accuracies.len() - 1,
            percent(worst)
        ),
    )
}
