//! The notes on data preprocessing.

use super::documents::{Documents, Field, nearest, number};
use super::statement::{Evidence, Standing, Statement, evidence, figure, percent, series, short};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        row: "P1",
        says: [
            "Data should have mean zero: inputs that are all positive zigzag.",
            "数据应零均值：输入全为正会走锯齿。",
        ],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[
            figure("zigzag", "Directions of the steps of one path"),
            figure("preprocessing", "Subtract the mean"),
        ],
        evidence: p1,
    },
    Statement {
        row: "P2",
        says: [
            "Subtract the mean and divide by the standard deviation: mean 0, standard deviation 1.",
            "减去均值、除以标准差：均值 0、标准差 1。",
        ],
        standing: Standing::Holds,
        correction: [
            "Exactly so on the training data only: validation and test data take the training data's numbers, and come out nearly so.",
            "只有训练数据恰好如此：验证与测试数据使用训练数据的统计量，结果只是接近。",
        ],
        figures: &[figure("preprocessing", "Subtract the mean")],
        evidence: p2,
    },
    Statement {
        row: "P3",
        says: ["PCA and whitening exist and are used elsewhere.", "还有 PCA 与白化，用于其他场合。"],
        standing: Standing::Holds,
        correction: [
            "Whitening blows up directions that hold hardly anything but noise; convolutional networks do without it.",
            "白化会放大几乎只有噪声的方向；卷积网络一般不用。",
        ],
        figures: &[
            figure("preprocessing", "Turn the centred cloud"),
            figure("preprocessing", "Covariance of the training points"),
        ],
        evidence: p3,
    },
    Statement {
        row: "P4",
        says: [
            "Away from 0, a tiny change of the parameters changes the classification a lot, and only a tiny learning rate works.",
            "数据远离原点时，参数的微小变化就会大大改变分类结果，只能用很小的学习率。",
        ],
        standing: Standing::Holds,
        correction: ["", ""],
        figures: &[
            figure("why_preprocess", "The classes, the best line"),
            figure("why_preprocess", "Accuracy after a turn"),
        ],
        evidence: p4,
    },
    Statement {
        row: "P5",
        says: ["With preprocessing a large learning rate works.", "做了预处理就可以用较大的学习率。"],
        standing: Standing::Holds,
        correction: [
            "It is centring that matters most for images, whose channels have nearly the same scale anyway.",
            "对图像而言最要紧的是零中心化，因为各通道的尺度本来就差不多。",
        ],
        figures: &[figure("image_recipes", "Test accuracy by learning rate")],
        evidence: p5,
    },
    Statement {
        row: "P6",
        says: [
            "AlexNet subtracts the mean image, VGG the mean of each channel, ResNet subtracts the mean and divides by the standard deviation of each channel.",
            "AlexNet 减均值图像，VGG 减每通道均值，ResNet 减每通道均值并除以标准差。",
        ],
        standing: Standing::TooStrong,
        correction: [
            "The slide says so of ResNet; the ResNet paper says “per-pixel mean subtracted”. Mean and deviation of each channel are a later habit of its implementations.",
            "课件这样写 ResNet；而 ResNet 论文写的是“减去逐像素均值”。逐通道的均值与标准差是后来各实现的习惯。",
        ],
        figures: &[figure("image_recipes", "")],
        evidence: p6,
    },
];

fn p1(documents: &Documents) -> Option<Evidence> {
    let path = |inputs: &str| documents.number("zigzag", &format!("/{inputs}/same_sign_fraction"));
    let (positive, centred) = (path("positive_inputs")?, path("centred_inputs")?);
    evidence(
        positive > centred,
        format!(
            "Steps that move both weights the same way: {} with positive inputs, {} once they are centred.",
            percent(positive),
            percent(centred)
        ),
        format!("两个权重同向移动的步数：正输入 {}，零中心化后 {}。", percent(positive), percent(centred)),
    )
}

/// Returns mean and standard deviation of both features in one view, of the training or the test points.
fn view(documents: &Documents, name: &str, part: &str) -> Option<[Vec<f64>; 2]> {
    let view = documents.named("preprocessing", "/views", Field { key: "view", name })?.get(part)?;
    let list = |key: &str| Some(view.get(key)?.as_array()?.iter().filter_map(serde_json::Value::as_f64).collect());
    Some([list("mean")?, list("std")?])
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

fn p2(documents: &Documents) -> Option<Evidence> {
    let [mean, std] = view(documents, "standardised", "train")?;
    let [test_mean, test_std] = view(documents, "standardised", "test")?;
    let off: Vec<f64> = std.iter().map(|std| std - 1.0).collect();
    evidence(
        largest(&mean) < 1e-4 && largest(&off) < 1e-3,
        format!(
            "Training points: means within {} of 0, deviations within {} of 1. Test points: means {}, deviations {}.",
            short(largest(&mean)),
            short(largest(&off)),
            series(&test_mean),
            series(&test_std)
        ),
        format!(
            "训练点：均值与 0 相差不超过 {}，标准差与 1 相差不超过 {}。测试点：均值 {}，标准差 {}。",
            short(largest(&mean)),
            short(largest(&off)),
            series(&test_mean),
            series(&test_std)
        ),
    )
}

fn p3(documents: &Documents) -> Option<Evidence> {
    let covariance = |name: &str, row: usize, column: usize| {
        let view = documents.named("preprocessing", "/views", Field { key: "view", name })?;
        number(view, &format!("/train/covariance/{row}/{column}"))
    };
    let (slanted, straight) = (covariance("centred", 0, 1)?, covariance("decorrelated", 0, 1)?);
    let white = [covariance("whitened", 0, 0)?, covariance("whitened", 1, 1)?];
    evidence(
        straight.abs() < 1e-3 && white.iter().all(|one| (one - 1.0).abs() < 0.01),
        format!(
            "Covariance of the two features: {} before, {} after PCA; variances after whitening {}.",
            short(slanted),
            short(straight),
            series(&white)
        ),
        format!(
            "两个特征的协方差：处理前 {}，PCA 后 {}；白化后的方差 {}。",
            short(slanted),
            short(straight),
            series(&white)
        ),
    )
}

fn p4(documents: &Documents) -> Option<Evidence> {
    let offsets = documents.value("why_preprocess", "/offsets")?;
    let of = |offset: f64| {
        let entry = nearest(offsets, "offset", offset)?;
        let turned = nearest(entry.get("turns")?, "degrees", 5.0)?;
        Some((
            number(entry, "/offset")?,
            number(turned, "/degrees")?,
            number(turned, "/accuracy")?,
            number(entry, "/largest_learning_rate")?,
        ))
    };
    let (near, far) = (of(0.0)?, of(30.0)?);
    evidence(
        far.2 < near.2 && far.3 < near.3,
        format!(
            "A turn of {}° leaves {} right at the origin and {} at a distance of {}; largest stable learning rate {} and {}.",
            short(near.1),
            percent(near.2),
            percent(far.2),
            short(far.0),
            short(near.3),
            short(far.3)
        ),
        format!(
            "分类线转 {}° 后，原点处准确率 {}，距离 {} 处为 {}；最大稳定学习率分别为 {} 与 {}。",
            short(near.1),
            percent(near.2),
            short(far.0),
            percent(far.2),
            short(near.3),
            short(far.3)
        ),
    )
}

/// Returns the best test accuracy of a recipe and its learning rate.
fn best(documents: &Documents, name: &str) -> Option<(f64, f64)> {
    let recipe = documents.named("image_recipes", "/recipes", Field { key: "recipe", name })?;
    Some((number(recipe, "/best_test_accuracy")?, number(recipe, "/best_learning_rate")?))
}

fn p5(documents: &Documents) -> Option<Evidence> {
    let (raw, scaled, centred, standardised) = (
        best(documents, "raw")?,
        best(documents, "min_max")?,
        best(documents, "channel_mean")?,
        best(documents, "channel_standardize")?,
    );
    let moment = |name: &str| {
        let recipe = documents.named("image_recipes", "/recipes", Field { key: "recipe", name })?;
        number(recipe, "/largest_second_moment")
    };
    let ratio = moment("min_max")? / moment("channel_mean")?;
    evidence(
        ratio > 1.0,
        format!(
            "Best accuracy and its learning rate: raw bytes {} at {}, scaled to [0, 1] {} at {}, centred {} at {}, centred and divided {} at {}. Centring divides the largest second moment, and so the limit of the learning rate, by {}.",
            percent(raw.0),
            short(raw.1),
            percent(scaled.0),
            short(scaled.1),
            percent(centred.0),
            short(centred.1),
            percent(standardised.0),
            short(standardised.1),
            short(ratio)
        ),
        format!(
            "最佳准确率与学习率：原始字节 {}（{}），缩放到 [0, 1] {}（{}），零中心 {}（{}），零中心并除以标准差 {}（{}）。零中心化使最大二阶矩（它决定学习率的上限）缩小为 1/{}。",
            percent(raw.0),
            short(raw.1),
            percent(scaled.0),
            short(scaled.1),
            percent(centred.0),
            short(centred.1),
            percent(standardised.0),
            short(standardised.1),
            short(ratio)
        ),
    )
}

fn p6(documents: &Documents) -> Option<Evidence> {
    let kept = |name: &str| {
        let recipe = documents.named("image_recipes", "/recipes", Field { key: "recipe", name })?;
        number(recipe, "/statistics_kept")
    };
    let (image, channel, both) = (kept("mean_image")?, kept("channel_mean")?, kept("channel_standardize")?);
    evidence(
        image >= channel && both >= channel,
        format!(
            "Numbers that are stored with the network: mean image {}, mean of each channel {}, mean and deviation {}.",
            short(image),
            short(channel),
            short(both)
        ),
        format!(
            "与网络一起保存的统计量个数：均值图像 {}，每通道均值 {}，均值与标准差 {}。",
            short(image),
            short(channel),
            short(both)
        ),
    )
}
