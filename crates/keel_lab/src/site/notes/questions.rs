//! Answers to the three questions that the notes leave open.

use super::documents::{Documents, Field, named, nearest, number};
use super::statement::{Evidence, FigureOf, evidence, figure, percent, short};

/// An open question of the notes.
pub(crate) struct Question {
    /// Question in English and Chinese.
    pub(crate) asks: [&'static str; 2],
    /// Answer in English and Chinese, as HTML.
    pub(crate) answer: [&'static str; 2],
    /// Figures of the lab that show it.
    pub(crate) figures: &'static [FigureOf],
    /// Measured numbers.
    pub(crate) evidence: fn(&Documents) -> Option<Evidence>,
}

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        asks: [
            "1. Do we subtract the mean of all training batches and divide by their deviation?",
            "1. 是不是减去所有训练批次的总均值、除以总标准差？",
        ],
        answer: [
            "In substance, yes. The paper's rule: with the weights frozen, run several training batches of size m; the mean is the average of their means, and the variance is m/(m − 1) times the average of their variances (variances are averaged, not deviations). In practice everybody keeps a moving average during training, which forgets its start like 0.9<sup>k</sup> and is nearly the same once the weights move slowly. Frameworks differ in small things: whether 0.1 is the weight of the new batch or 0.9 that of the old, and whether the stored variance is the biased one.",
            "本质上是的。原论文的规则：冻结权重，跑若干大小为 m 的训练批次；均值取各批均值的平均，方差取各批方差的平均再乘 m/(m − 1)（平均的是方差，不是标准差）。实践中大家都在训练时顺便维护滑动平均，它以 0.9<sup>k</sup> 的速度忘掉初值，权重变化变慢后两者几乎相同。各框架在细节上不同：0.1 是新批次的权重还是 0.9 是旧值的权重，存储的方差是否有偏。",
        ],
        figures: &[
            figure("batch_norm_inference", "Mean and standard deviation of every unit"),
            figure("batch_norm_inference", "Starting again"),
        ],
        evidence: which_total,
    },
    Question {
        asks: [
            "2. Why the training statistics; can the test data's own not be used?",
            "2. 为什么用训练的统计量？不能用测试数据自身的吗？",
        ],
        answer: [
            "Possible, but the network then computes a different function. The answer for one image would depend on the images next to it. Alone, an image minus its own mean is 0, and every image gets the same answer. Small batches estimate the deviation with an error of about 1/√(2m). In a batch of one class, normalisation subtracts what its images have in common. And with fixed numbers batch norm is a straight line, which can be folded away. With large, representative test batches the own statistics work about as well, and where the data have shifted they can help.",
            "可以，但那时网络计算的已不是原来的函数。一张图的答案会取决于旁边的图。单独一张图减去自己的均值为 0，所有图像得到同一个答案。小批量估计标准差的误差约为 1/√(2m)。只含一个类别的批会减掉该类的共同特征。而用固定的数，批量归一化是一条直线，可以折叠掉。测试批次大且有代表性时，自身统计量效果也差不多；数据分布漂移时甚至有帮助。",
        ],
        figures: &[
            figure("batch_norm_inference", "Using the test batch's own statistics"),
            figure("batch_norm_inference", "Probability of each class"),
        ],
        evidence: why_not_own,
    },
    Question {
        asks: ["3. How is Kaiming's 2 derived?", "3. Kaiming 的 2 是怎么推出来的？"],
        answer: [
            "Weights have mean 0 and do not depend on the inputs, so the variance of a sum is n·Var(w)·E[x²]: the second moment, not the variance. x is the relu of a y that is symmetric about 0, and relu keeps the right half of an even integral: E[x²] = ½ Var(y). So each layer multiplies the variance by ½·n·Var(w), and L layers by the product; it stays only if ½·n·Var(w) = 1, that is Var(w) = 2/n. The first layer has no relu before it and would need 1/n, but a factor in one layer does not matter. Backward the same holds with the outputs instead of the inputs; for a leaky relu of slope a the 2 becomes 2/(1 + a²).",
            "权重均值为 0 且与输入无关，所以和的方差是 n·Var(w)·E[x²]：是二阶矩，而不是方差。x 是关于 0 对称的 y 经过 ReLU，而 ReLU 保留偶函数积分的右半边：E[x²] = ½ Var(y)。于是每层把方差乘以 ½·n·Var(w)，L 层连乘；只有 ½·n·Var(w) = 1，即 Var(w) = 2/n 时才不变。第一层之前没有 ReLU，本应取 1/n，但只在一层出现的因子无关紧要。反向同理，只是输入数换成输出数；斜率为 a 的 Leaky ReLU，2 变为 2/(1 + a²)。",
        ],
        figures: &[
            figure("kaiming_gain", "Change of the signal's standard deviation"),
            figure("kaiming_gain", "y²p(y) for a normal y"),
            figure("kaiming_gain", "The product, layer by layer"),
        ],
        evidence: why_two,
    },
];

fn which_total(documents: &Documents) -> Option<Evidence> {
    let source = |name: &str| {
        let source = documents.named("batch_norm_inference", "/sources", Field { key: "source", name })?;
        number(source, "/test_accuracy")
    };
    let (last, moving, ten, all, whole) = (
        source("last_batch")?,
        source("moving_average")?,
        source("population_10_batches")?,
        source("population_all_batches")?,
        source("whole_training_set")?,
    );
    evidence(
        true,
        format!(
            "Test accuracy: last batch alone {}, moving average {}, the paper's rule with 10 batches {}, with all {}, whole training set as one batch {}.",
            percent(last),
            percent(moving),
            percent(ten),
            percent(all),
            percent(whole)
        ),
        format!(
            "测试准确率：仅最后一批 {}，滑动平均 {}，原论文方法（10 个批次）{}，全部批次 {}，整个训练集作为一批 {}。",
            percent(last),
            percent(moving),
            percent(ten),
            percent(all),
            percent(whole)
        ),
    )
}

fn why_not_own(documents: &Documents) -> Option<Evidence> {
    let own = documents.value("batch_norm_inference", "/own_statistics")?;
    let (small, large) = (own.as_array()?.first()?, own.as_array()?.last()?);
    let running = documents.number("batch_norm_inference", "/running_accuracy")?;
    let middle = nearest(own, "batch", 64.0)?;
    let changing = documents.number("batch_norm_inference", "/one_image/changing_fraction")?;
    let of = |entry, field| number(entry, field);
    evidence(
        true,
        format!(
            "Running statistics {}. Own statistics: batches of {} {}, of {} {}; of {} sorted by class {}. Of single images among five neighbourhoods, {} change their answer.",
            percent(running),
            short(of(small, "/batch")?),
            percent(of(small, "/shuffled_accuracy")?),
            short(of(large, "/batch")?),
            percent(of(large, "/shuffled_accuracy")?),
            short(of(middle, "/batch")?),
            percent(of(middle, "/sorted_accuracy")?),
            percent(changing)
        ),
        format!(
            "滑动平均统计量 {}。自身统计量：批量大小 {} 时 {}，{} 时 {}；{} 且按类别排序时 {}。同一张图像换五组邻居，{} 的图像会改变答案。",
            percent(running),
            short(of(small, "/batch")?),
            percent(of(small, "/shuffled_accuracy")?),
            short(of(large, "/batch")?),
            percent(of(large, "/shuffled_accuracy")?),
            short(of(middle, "/batch")?),
            percent(of(middle, "/sorted_accuracy")?),
            percent(changing)
        ),
    )
}

fn why_two(documents: &Documents) -> Option<Evidence> {
    let steps = |key: &str| documents.number("kaiming_gain", &format!("/steps/{key}"));
    let (kept, variance) = (steps("second_moment_over_variance")?, steps("variance_over_variance")?);
    let scan = nearest(documents.value("kaiming_gain", "/scan")?, "factor", 2.0)?;
    let wrong = documents.value("kaiming_gain", "/if_variance")?;
    let fan_in = named(documents.value("kaiming_gain", "/funnel/choices")?, Field { key: "choice", name: "in" })?;
    evidence(
        (kept - 0.5).abs() < 0.2,
        format!(
            "E[x²]/Var(y) = {}, Var(x)/Var(y) = {}. From first to last layer the signal changes by 10^{} with g = {}, and by 10^{} with the {} that Var(x) would lead to. Backward through a narrowing network: {} measured, {} predicted.",
            short(kept),
            short(variance),
            short(number(scan, "/log10_ratio")?),
            short(number(scan, "/factor")?),
            short(number(wrong, "/log10_ratio")?),
            short(number(wrong, "/factor")?),
            short(number(fan_in, "/backward/measured")?),
            short(number(fan_in, "/backward/theory")?)
        ),
        format!(
            "E[x²]/Var(y) = {}，Var(x)/Var(y) = {}。从首层到末层，g = {} 时信号变化 10^{}；误用 Var(x) 得到的 {} 则变化 10^{}。穿过逐层变窄的网络，反向实测 {}，预测 {}。",
            short(kept),
            short(variance),
            short(number(scan, "/factor")?),
            short(number(scan, "/log10_ratio")?),
            short(number(wrong, "/factor")?),
            short(number(wrong, "/log10_ratio")?),
            short(number(fan_in, "/backward/measured")?),
            short(number(fan_in, "/backward/theory")?)
        ),
    )
}
