//! Page of the experiment on batch norm at inference.

use keel_page::charts::{Marks, Pictures, Plot, Scale, Series, number, points};
use keel_page::page::{Page, Part, Table};
use keel_page::{Interval, Text};
use maud::html;

use super::neighbourhoods::{Answer, Neighbourhood, OneImage};
use super::test_batches::{OwnStatistics, Statistics};
use super::{Document, StatisticsSource, Unit, WarmUp};
use crate::samples::{Task, picture_size};

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let page = Page::new()
        .heading("What you see", "现象")
        .paragraph(
            "One trained network; only the statistics its batch norm layers use at inference differ. First, six ways to estimate \
             them from training data.",
            "同一个训练好的网络，只有推理时批量归一化所用的统计量不同。先看从训练数据估计它们的六种方法。",
        )
        .table(sources(document))
        .side_by_side(
            Text::new(
                "Mean and standard deviation of every unit of the last batch norm, against those of the whole training set: on the line, both agree",
                "最后一个批量归一化层每个单元的均值与标准差，与整个训练集上的对比：在直线上即一致",
            ),
            vec![Part::new(Text::new("mean μ", "均值 μ"), units(document, 0)), Part::new(Text::new("standard deviation σ", "标准差 σ"), units(document, 1))],
        )
        .plot(
            Text::new(
                "Starting again: distance of the statistics from those of the whole training set, by batches seen",
                "重新开始统计：与整个训练集统计量的差异，随所见批数变化",
            ),
            warm_up(document),
        )
        .paragraph(
            "Then four statistics on four kinds of test batches: 64 shuffled images, 4, one alone, and 64 sorted by class. In brackets: the share of images whose answer changes when the images next to them change.",
            "再看四种统计量在四类测试批次上的表现：64 张打乱的图像、4 张、单独一张，以及按类别排序的 64 张。括号内：同批的其他图像改变时，答案随之改变的图像比例。",
        )
        .table(kinds(document))
        .paragraph(
            "And the test batch's own mean and variance in detail, for batches of different size and composition.",
            "最后考察使用测试批次自身的均值与方差的情形，批的大小与组成各不相同。",
        )
        .plot(Text::new("Using the test batch's own statistics", "使用测试批次自身的统计量"), by_batch(&document.own_statistics, document.running_accuracy));
    why(one_image(page, document))
}

/// Plots accuracy with the test batches' own statistics, and the share of images whose prediction changes, over the batch size.
pub(crate) fn by_batch(own_statistics: &[OwnStatistics], running_accuracy: f64) -> Plot {
    let curve = |y: &dyn Fn(&OwnStatistics) -> f64| points(own_statistics, |own| own.batch as f64, y);
    let running = curve(&|_| running_accuracy);
    Plot::new(Text::new("test batch", "测试批量大小"), Text::new("share of the test set", "测试集比例"))
        .scales(Scale::Logarithmic, Scale::Linear)
        .y_range(0.0, 1.05)
        .with(Series::new(
            Text::new("right, own statistics, shuffled", "准确率，自身统计量，打乱"),
            curve(&|own| own.shuffled_accuracy),
            Marks::LineAndPoints,
        ))
        .with(Series::new(
            Text::new("right, own statistics, sorted by class", "准确率，自身统计量，按类排序"),
            curve(&|own| own.sorted_accuracy),
            Marks::LineAndPoints,
        ))
        .with(Series::new(
            Text::new("answer changes with the neighbours", "答案随同批样本改变"),
            curve(&|own| own.changing_fraction),
            Marks::LineAndPoints,
        ))
        .with(Series::new(Text::new("right, running statistics", "准确率，滑动平均统计量"), running, Marks::Dashed))
}

/// Renders the same image with different neighbours.
fn one_image(page: Page, document: &Document) -> Page {
    let one = &document.one_image;
    let OneImage { label, batch, changing_fraction, fixed, .. } = one;
    let changing = number(100.0 * changing_fraction);
    let page = page.heading("The same image among five different neighbourhoods", "同一张图像，五组不同的邻居").paragraph(
        format!(
            "The first image of every group is the same {label} of the test set; only the {} images next to it in the \
             batch differ. Normalised \
             with the statistics of its batch, the network says something else in each: of the images that were tried, {changing} % change \
             their answer, and this one gets the largest number of different answers. With the running statistics the \
             answer is {} (probability {}), \
             whichever images are next to it.",
            batch - 1,
            fixed.answer,
            sure(fixed)
        ),
        format!(
            "每组第一张图像都是测试集里的同一个 {label}，只是同批的另外 {} 张不同。用所在批的统计量归一化时，网络的回答随之改变：试过的图像中有 {changing} % 会改变答案，\
             这里选的是答案种类最多的一张。用滑动平均统计量时，无论旁边是谁，答案都是 {}（概率 {}）。",
            batch - 1,
            fixed.answer,
            sure(fixed)
        ),
    );
    page.side_by_side(
        Text::new(
            "One image, first in every group, among five different neighbourhoods, and what the network says it is",
            "每组第一张是同一张图像，周围是五组不同的邻居，以及网络的回答",
        ),
        pictures(&one.neighbourhoods, &document.pixels),
    )
    .plot(
        Text::new("Probability of each class for that one image", "这一张图像属于各类的概率"),
        probabilities(&one.neighbourhoods, fixed),
    )
}

/// Renders the images of each neighbourhood, titled with the prediction for the first image.
pub(crate) fn pictures(neighbourhoods: &[Neighbourhood], pixels: &[Vec<f32>]) -> Vec<Part> {
    let rows = neighbourhoods.iter().zip(pixels).enumerate();
    let part = |(index, (neighbourhood, pixels)): (usize, (&Neighbourhood, &Vec<f32>))| {
        let (number, answer, sure) = (index + 1, neighbourhood.answer.answer, sure(&neighbourhood.answer));
        let caption = Text::new(
            format!("Neighbourhood {number}: <b>{answer}</b> (probability {sure})"),
            format!("第 {number} 组同批图像：预测为 <b>{answer}</b>（概率 {sure}）"),
        );
        let title = Text::new(format!("Digits of neighbourhood {number}"), format!("第 {number} 组同批的手写数字图像"));
        let brightest = pixels.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let range = Interval { low: 0.0, high: brightest };
        let digits = neighbourhood.labels.iter().map(u32::to_string).collect();
        Part::new(caption, Pictures::new(title, pixels, picture_size(Task::DIGIT_IMAGES.input), range).showing(digits))
    };
    rows.map(part).collect()
}

/// Formats the probability of the prediction.
fn sure(answer: &Answer) -> String {
    number(answer.probabilities[answer.answer])
}

/// Plots the probability of each class in every neighbourhood, and with fixed statistics.
pub(crate) fn probabilities(neighbourhoods: &[Neighbourhood], fixed: &Answer) -> Plot {
    let curve = |answer: &Answer| -> Vec<(f64, f64)> {
        answer.probabilities.iter().enumerate().map(|(class, &probability)| (class as f64, probability)).collect()
    };
    let plot = Plot::new(Text::new("class", "类别"), Text::new("probability", "概率")).y_range(0.0, 1.05);
    let plot = neighbourhoods.iter().enumerate().fold(plot, |plot, (index, neighbourhood)| {
        let name = Text::new(format!("neighbourhood {}", index + 1), format!("第 {} 组", index + 1));
        plot.with(Series::new(name, curve(&neighbourhood.answer), Marks::LineAndPoints).coloured(index + 2))
    });
    plot.with(Series::new(Text::new("running statistics", "滑动平均统计量"), curve(fixed), Marks::Dashed).coloured(7))
}

fn why(page: Page) -> Page {
    page.heading("Why: whose total is it?", "为什么：用的是哪个总体？")
        .paragraph(
            "The statistics of the whole training set, in substance. The original rule runs a number of training batches of size m \
             through the finished network and averages their means and their variances, the latter corrected for the small sample:",
            "本质上，用的就是整个训练集的统计量。原论文的规则是：让若干大小为 m 的训练批次通过训练好的网络，对各批均值与方差取平均，并对方差作小样本修正：",
        )
        .formula(html! {
            mi { "E" } mo { "[" } mi { "x" } mo { "]" } mo { "=" } mi { "mean" } mo { "(" }
            msub { mi { "μ" } mi { "B" } } mo { ")" } mo { "," } mspace width="1em" {} mi { "Var" } mo { "[" }
            mi { "x" } mo { "]" } mo { "=" }
            mfrac { mi { "m" } mrow { mi { "m" } mo { "\u{2212}" } mn { "1" } } } mi { "mean" } mo { "(" }
            msubsup { mi { "σ" } mi { "B" } mn { "2" } } mo { ")" }
        })
        .paragraph(
            "In practice a moving average is kept during training, which costs nothing and is nearly the same once the weights move slowly. It forgets its start, 0 and 1, like 0.9<sup>k</sup>: after 50 batches half a per cent of it is left. The plain average of all training steps never forgets the first, when the weights were different; over batches seen with fixed weights it is the better of the two.",
            "实践中在训练时顺便维护滑动平均，不花额外代价；权重变化变慢后，两者几乎相同。它以 0.9<sup>k</sup> 的速度忘掉初值 0 与 1：50 批后还剩千分之五。对所有训练步的累积平均则始终包含训练初期（权重尚不同）的统计量；但权重固定时，它比滑动平均更准。",
        )
        .heading("Why not the test data's own?", "为什么不用测试数据自身的？")
        .paragraph(
            "The answer for one image must not depend on the images next to it. A sample alone minus its own mean is 0, so that every \
             sample gets the same answer. Small batches estimate the deviation with a relative error of about 1/√(2m). In a \
             batch of one class, normalisation subtracts what its images have in common. And with fixed numbers batch norm is one multiplication and one \
             addition, which can be folded into the layer before ([[batch_norm_folding]]).",
            "一张图的答案不应取决于旁边的图。单个样本减去自己的均值为 0，于是所有样本得到同一个答案。小批量估计标准差的相对误差约为 1/√(2m)。\
             只含一个类别的批，会把该类的共同特征减掉。而用固定的数，批量归一化只是一次乘法与一次加法，可以折叠进前一层（[[batch_norm_folding]]）。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Switch to evaluation before predicting. With large, representative test batches their own statistics work about as well, \
             and when the data have shifted they can even help: possible, but the network then computes a different function.",
            "预测之前切换到推理模式。测试批次大且有代表性时，用自身统计量效果也差不多，数据分布漂移时甚至有帮助：可以这样做，但那时网络计算的已不是原来的函数。",
        )
}

/// Plots one moment of every unit, 0 the mean and 1 the standard deviation, from two sources over that of the whole
/// training set.
fn units(document: &Document, moment: usize) -> Plot {
    let curve = |estimate: &dyn Fn(&Unit) -> f32| {
        points(&document.units, |unit| f64::from(unit.whole_training_set[moment]), |unit| f64::from(estimate(unit)))
    };
    let whole = curve(&|unit| unit.whole_training_set[moment]);
    let (low, high) = whole.iter().fold((f64::MAX, f64::MIN), |(low, high), (x, _)| (low.min(*x), high.max(*x)));
    let title = match moment {
        0 => Text::new("mean over the whole training set", "整个训练集上的均值"),
        _ => Text::new("standard deviation over the whole training set", "整个训练集上的标准差"),
    };
    let (last, moving) = (curve(&|unit| unit.last_batch[moment]), curve(&|unit| unit.moving_average[moment]));
    Plot::new(title, Text::new("estimate", "估计值"))
        .with(Series::new(Text::new("last batch alone", "仅最后一批"), last, Marks::Points).coloured(1))
        .with(Series::new(Text::new("moving average", "滑动平均"), moving, Marks::Points).coloured(0))
        .with(Series::new(Text::new("equal", "相等"), vec![(low, low), (high, high)], Marks::Dashed).coloured(7))
}

fn warm_up(document: &Document) -> Plot {
    let curve = |y: fn(&WarmUp) -> f64| points(&document.warm_up, |row| row.batches as f64, y);
    Plot::new(Text::new("batches", "批数"), Text::new("relative difference", "相对差异"))
        .scales(Scale::Logarithmic, Scale::Logarithmic)
        .with(Series::new(
            Text::new("moving average", "滑动平均"),
            curve(|row| row.moving_average),
            Marks::LineAndPoints,
        ))
        .with(Series::new(
            Text::new("cumulative average", "累积平均"),
            curve(|row| row.cumulative_average),
            Marks::LineAndPoints,
        ))
        .with(Series::new("0.9^k", curve(|row| row.missing_weight), Marks::Dashed).coloured(7))
}

fn kinds(document: &Document) -> Table {
    let columns = vec![
        Text::new("Statistics", "统计量"),
        Text::new("64 shuffled", "打乱的 64 张"),
        Text::new("4 shuffled", "打乱的 4 张"),
        Text::new("1 alone", "单独 1 张"),
        Text::new("64 by class", "按类别排序后的 64 张"),
    ];
    let caption = Text::new(
        "Test accuracy, and in brackets the share of images whose answer depends on their neighbours",
        "测试准确率；括号内为答案取决于同批图像的图像比例",
    );
    let mut table = Table::new(caption, columns);
    for row in &document.kinds_of_batches {
        let name = match row.statistics {
            Statistics::MovingAverage => Text::new("moving average", "滑动平均"),
            Statistics::CumulativeAverage => Text::new("cumulative average", "累积平均"),
            Statistics::Population => Text::new("population rule", "原论文方法"),
            Statistics::Own => Text::new("the test batch's own", "测试批次自身"),
        };
        let mut cells = vec![name];
        for kind in &row.batches {
            let (accuracy, changing) = (number(kind.test_accuracy), number(kind.changing_fraction));
            cells.push(Text::same(format!("{accuracy} ({changing})")));
        }
        table.text_row(cells);
    }
    table
}

fn sources(document: &Document) -> Table {
    let columns = vec![
        Text::new("Statistics", "统计量"),
        Text::new("Test accuracy", "测试准确率"),
        Text::new("Test loss", "测试损失"),
        Text::new("Difference from the whole set", "与整个训练集的差异"),
    ];
    let mut table = Table::new(Text::new("Six sources of the statistics", "统计量的六种来源"), columns);
    for figures in &document.sources {
        let name = match figures.source {
            StatisticsSource::MovingAverage => Text::new("moving average kept in training", "训练中的滑动平均"),
            StatisticsSource::CumulativeAverage => Text::new("average of all training steps", "所有训练步的累积平均"),
            StatisticsSource::LastBatch => Text::new("last batch alone", "仅最后一批"),
            StatisticsSource::Population10Batches => {
                Text::new("population rule, 10 batches", "原论文方法（10 个批次的平均统计量）")
            }
            StatisticsSource::PopulationAllBatches => {
                Text::new("population rule, all batches", "原论文方法（全部批次的平均统计量）")
            }
            StatisticsSource::WholeTrainingSet => Text::new("whole training set as one batch", "整个训练集作为一批"),
        };
        table.row(name, &[figures.test_accuracy, figures.test_loss, figures.relative_difference]);
    }
    table
}
