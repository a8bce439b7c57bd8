//! Steps of the derivation.

use keel_page::Text;
use keel_page::charts::number;

use super::{Numbers, Rule, State};

/// A step: its title, its formula, and the text that explains it with the numbers of the stack.
pub(super) struct Line {
    /// Title in English and Chinese.
    pub(super) title: [&'static str; 2],
    pub(super) formula: &'static str,
    pub(super) words: fn(&State, &Numbers) -> Text,
}

/// All steps, in order.
pub(super) const LINES: [Line; 8] = [
    Line {
        title: ["one sum", "一个求和式"],
        formula: "y = ∑_{i=1}^n w_i x_i \\quad Var(y) = ∑_{i=1}^n ∑_{j=1}^n E[w_i w_j x_i x_j]",
        words: |_, _| {
            Text::new(
                "A unit adds up n products of a weight and an input. The weights have mean 0, so y has mean 0 as well, and its variance is \
                 the mean of its square: a sum over all pairs of products.",
                "一个单元把 n 个“权重 × 输入”相加。权重均值为 0，所以 y 的均值也是 0，方差就是平方的均值：对所有乘积两两求和。",
            )
        },
    },
    Line {
        title: ["cross terms vanish", "交叉项消失"],
        formula: "Var(y) = ∑_{i=1}^n E[w_i^2] E[x_i^2] = n Var(w) E[x^2]",
        words: |_, numbers| {
            let ratio = number(numbers.measured.next_variance_over_prediction);
            Text::new(
                format!(
                    "The weights are independent of each other and of the inputs, so every pair of two different weights has mean 0. What \
                     remains of the input is its second moment. x need not be normal, nor have mean 0. Measured in layer 2 of this stack: \
                     Var(y) / (n Var(w) E[x²]) = {ratio}."
                ),
                format!(
                    "权重彼此独立，也与输入独立，所以两个不同权重的项均值为 0。输入留下来的是二阶矩：x 不必服从正态，也不必零均值。\
                     在本网络第 2 层实测：Var(y) / (n Var(w) E[x²]) = {ratio}。"
                ),
            )
        },
    },
    Line {
        title: ["the decisive step: what is E[x²]?", "关键一步：E[x²] 是什么？"],
        formula: "x = max(0, y_{l-1}) \\quad E[x^2] = \\text{?} \\quad E[x^2] ≠ Var(x) = E[x^2] - E[x]^2",
        words: |_, numbers| {
            let measured = &numbers.measured;
            let (second, variance) =
                (number(measured.second_moment_over_variance), number(measured.variance_over_variance));
            Text::new(
                format!(
                    "The inputs are the relu of the layer before. Choose one of the three buttons for E[x²], and look at the stack \
                     below. Measured after the first layer: E[x²] / Var(y) = {second}, Var(x) / Var(y) = {variance}. The mean of x is not 0, so Var(x) is \
                     less than E[x²]; and E[x²] is less than Var(y), because relu has cut something off."
                ),
                format!(
                    "输入是前一层经过 ReLU 的结果。用三个按钮之一选择 E[x²] 取什么，再看下面的网络。在第 1 层之后实测：E[x²] / Var(y) = {second}，\
                     Var(x) / Var(y) = {variance}。x 的均值不为 0，所以 Var(x) 小于 E[x²]；而 ReLU 截掉了一部分，所以 E[x²] 又小于 Var(y)。"
                ),
            )
        },
    },
    Line {
        title: ["half of an integral", "半个积分"],
        formula: "E[max(0,y)^2] = ∫_0^∞ y^2 p(y) dy = \\frac{1}{2} ∫_{-∞}^∞ y^2 p(y) dy = \\frac{1}{2} Var(y)",
        words: |_, numbers| {
            let measured = &numbers.measured;
            let (share, second) = (number(measured.positive_fraction), number(measured.second_moment_over_variance));
            Text::new(
                format!(
                    "The weights before are symmetric about 0 and there is no bias, so y and −y are equally likely, and y²p(y) is even. Relu keeps \
                     the right half of the integral. Measured: {share} of all y are positive, and E[x²] / Var(y) = {second}."
                ),
                format!(
                    "前一层的权重关于 0 对称且无偏置，y 与 −y 同分布，y²p(y) 是偶函数。ReLU 保留积分的右半边。实测：y 为正的比例是 {share}，\
                     E[x²] / Var(y) = {second}。"
                ),
            )
        },
    },
    Line {
        title: ["the product over layers", "逐层连乘"],
        formula: "Var(y_l) = \\frac{1}{2} n Var(w) Var(y_{l-1}) \\quad Var(y_L) = Var(y_1) ∏_{l=2}^L \\frac{1}{2} n Var(w)",
        words: |state, numbers| {
            let (steps, half) = (state.depth - 1, number(0.5 * state.factor));
            let (predicted, measured) = ratios(numbers);
            Text::new(
                format!(
                    "Both lines together carry the variance from a layer to the next. With Var(w) = g/n each layer multiplies it by g/2 = {half}, \
                     and {steps} of them in a row multiply the standard deviation by 10 to the power of {predicted}. Measured: {measured}."
                ),
                format!(
                    "前两行合起来，给出相邻两层方差的关系。取 Var(w) = g/n，每层把方差乘以 g/2 = {half}，连续 {steps} 层把标准差乘以 10 的 {predicted} 次幂。\
                     实测：{measured}。"
                ),
            )
        },
    },
    Line {
        title: ["the condition: every factor is 1", "要求：每个因子都是 1"],
        formula: "\\frac{1}{2} n Var(w) = 1 \\quad ⇒ \\quad Var(w) = \\frac{2}{n}",
        words: |_, _| {
            let wrong = number(Rule::Variance.factor());
            Text::new(
                format!(
                    "A product of many equal factors explodes or vanishes unless each is 1. So g = 2. Xavier's 1 comes from the same \
                     condition with Var(y) for E[x²], the wrong {wrong} from Var(x): drag g in figure 2 to either."
                ),
                format!(
                    "许多相同因子的连乘，除非每个都是 1，否则不是爆炸就是消失，所以 g = 2。同样的要求，若用 Var(y) 代替 E[x²]，得到 Xavier 的 1；\
                     若误用 Var(x)，得到 {wrong}。可在图 2 中把 g 拖到这两处。"
                ),
            )
        },
    },
    Line {
        title: ["the first layer", "第一层"],
        formula: "Var(y_1) = n Var(w_1) E[x_0^2] = n Var(w_1) \\quad ⇒ \\quad Var(w_1) = \\frac{1}{n}",
        words: |state, _| {
            let shift = number(state.factor.sqrt());
            Text::new(
                format!(
                    "The first layer has no relu before it, so nothing is cut off, and its own weights should have 1/n. Turn the switch: the \
                     whole curve shifts by √g = {shift}, and by no more however deep the stack is. A factor in one layer does not matter; one in \
                     every layer does."
                ),
                format!(
                    "第一层之前没有 ReLU，什么也没有被截掉，它的权重方差本应是 1/n。拨动开关：整条曲线平移 √g = {shift} 倍，无论多深都只差这一倍。\
                     只在一层出现的因子无关紧要，每层都出现的因子才起决定作用。"
                ),
            )
        },
    },
    Line {
        title: ["the backward pass: fan-out", "反向：输出数"],
        formula: "Var(Δx_l) = \\frac{1}{2} \\hat{n}_l Var(w_l) Var(Δx_{l+1}) \\quad ⇒ \\quad Var(w_l) = \\frac{2}{\\hat{n}_l}",
        words: |state, numbers| {
            let first = numbers.layers.first();
            let (measured, predicted) = first.map_or((0.0, 0.0), |layer| (layer.gradient, layer.predicted_gradient));
            let (measured, predicted, depth) = (number(measured), number(predicted), state.depth);
            Text::new(
                format!(
                    "The gradient of an input is a sum over the n̂ units it feeds, and relu lets half of them through: the ½ appears again, with \
                     the number of outputs. Here n̂ = n, so the same g serves both ways. Of a gradient of 1 after layer {depth}, {measured} \
                     reaches layer 1; predicted {predicted}. Where n̂ and n differ, either choice costs the other direction one fixed factor."
                ),
                format!(
                    "输入的梯度是所连接的 n̂ 个单元的梯度之和，ReLU 让其中一半通过：½ 再次出现，只是换成了输出数。这里 n̂ = n，同一个 g 对两个方向都合适。\
                     第 {depth} 层之后大小为 1 的梯度，传到第 1 层为 {measured}，预测 {predicted}。n̂ 与 n 不等时，任取其一，另一个方向只差一个固定倍数。"
                ),
            )
        },
    },
];

/// Formats the predicted and measured log10 ratios.
pub(super) fn ratios(numbers: &Numbers) -> (String, String) {
    (number(rounded(numbers.predicted_log10_ratio)), number(rounded(numbers.log10_ratio.unwrap_or(f64::NAN))))
}

/// Rounds to three decimals; anything smaller is sampling noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3 + 0.0
}
