//! Page of the recipes for images.

use keel_page::charts::{Marks, Pictures, Plot, Point, Scale, Series, number, points};
use keel_page::page::{Page, Table, cell};
use keel_page::{Interval, Language, Text, escaped};
use maud::html;

use super::{Document, Recipe, RecipeFigures, Sample};
use crate::loss_curve::loss_points;
use crate::samples::{PHOTOGRAPHS, picture_size};

/// Returns the page for a document and the images it shows.
pub(super) fn page(document: &Document) -> Page {
    let recipes = &document.recipes;
    let mut page = Page::new().heading("What you see", "现象").paragraph(
        format!(
            "One image of each class, five times{}. Raw and [0, 1]: black is 0. The three recipes: grey is 0, darker is \
             negative, lighter is positive, because after centring every image has values on both sides.",
            source(document).get(Language::English)
        ),
        format!(
            "每类取一张图像，显示五次{}。原始值与 [0, 1]：黑色为 0。三种做法：灰色为 0，更暗为负，更亮为正，因为零中心化之后，每张图像都有正有负。",
            source(document).get(Language::Chinese)
        ),
    );
    for RecipeFigures { recipe, sample, .. } in recipes {
        let (name, range) = (name(*recipe), range(*recipe, sample));
        let contents = sample.part.labels.iter().map(|&label| document.class_names[label as usize].clone()).collect();
        let pictures =
            Pictures::new(name.clone(), &sample.part.inputs, picture_size(sample.shape), range).showing(contents);
        page = page.pictures(name, pictures);
    }
    let seeds = document.seeds;
    let page = page
        .table(table(recipes))
        .paragraph(
            format!(
                "Then a network with one hidden layer learns them by plain gradient descent, at every learning rate of the list, \
                 with {seeds} seeds each. {}",
                seen(document).get(Language::English)
            ),
            format!(
                "然后用普通的梯度下降训练一个单隐藏层网络，列表中的每个学习率各训练 {seeds} 次（不同的随机种子）。{}",
                seen(document).get(Language::Chinese)
            ),
        )
        .plot(
            Text::new("Test accuracy by learning rate, mean over the seeds", "测试准确率随学习率的变化（各种子平均）"),
            curves(Plot::new(Text::new("learning rate", "学习率"), Text::new("test accuracy", "测试准确率")), recipes, |recipe| {
                points(&recipe.runs, |run| run.learning_rate, |run| run.test_accuracy)
            })
            .scales(Scale::Logarithmic, Scale::Linear)
            .y_range(0.0, 1.02),
        )
        .plot(
            Text::new(
                "Training loss of each recipe at its best learning rate, first seed",
                "各做法在各自最佳学习率下的训练损失（第一个种子）",
            ),
            curves(Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失")), recipes, |recipe| {
                let best = recipe.runs.iter().filter(|run| Some(run.learning_rate) == recipe.best_learning_rate);
                best.flat_map(|run| loss_points(&run.curve)).collect()
            })
            .scales(Scale::Linear, Scale::Logarithmic),
        );
    why(page)
}

/// Describes the source of the images, worded to follow "five times".
fn source(document: &Document) -> Text {
    let size: Vec<String> = document.image.iter().take(2).map(usize::to_string).collect();
    let size = size.join("×");
    if document.data == PHOTOGRAPHS {
        return Text::new(
            format!(
                ": tiles of {size} pixels, cut from eight photographs in the public domain that come with the program; the \
                 class of a tile is the photograph it was cut from"
            ),
            format!("：程序自带的八张公有领域照片切成的 {size} 像素小块，类别就是小块所在的照片"),
        );
    }
    let data = escaped(&document.data);
    Text::new(format!(": {data}, {size} pixels"), format!("：{data}，{size} 像素"))
}

/// Describes the result, based on the numbers.
fn seen(document: &Document) -> Text {
    let best = |recipe: Recipe| {
        let found = document.recipes.iter().find(|one| one.recipe == recipe);
        found.and_then(|one| one.best_test_accuracy).unwrap_or(0.0)
    };
    let rounded = |value: f64| number((value * 100.0).round() / 100.0);
    let (raw, range) = (best(Recipe::Raw), best(Recipe::MinMax));
    let centred = [Recipe::MeanImage, Recipe::ChannelMean, Recipe::ChannelStandardize].map(best);
    let (worst, top) = (centred.into_iter().fold(f64::MAX, f64::min), centred.into_iter().fold(0.0, f64::max));
    let guessing = 1.0 / document.classes as f64;
    let collapsed = document.recipes[0].runs.iter().filter(|run| run.test_accuracy < 1.5 * guessing);
    let smallest = collapsed
        .map(|run| run.learning_rate)
        .filter(|rate| Some(*rate) > document.recipes[0].best_learning_rate)
        .fold(f64::MAX, f64::min);
    let (guess, [raw, range, low, high]) = (rounded(guessing), [raw, range, worst, top].map(rounded));
    let mut english = format!(
        "At its best rate each: raw values {raw}, [0, 1] {range}, the three centred recipes {low} to {high}; guessing would give {guess}."
    );
    let mut chinese = format!(
        "各取最佳学习率：原始值 {raw}，[0, 1] {range}，三种零中心化的做法 {low} 到 {high}；随机猜测为 {guess}。"
    );
    if smallest < f64::MAX {
        let rate = number(smallest);
        english.push_str(&format!(" With raw values the network is down to guessing at a rate of {rate}."));
        chinese.push_str(&format!("用原始值时，学习率到 {rate}，网络就只能随机猜测了。"));
    }
    let gain = best(Recipe::ChannelMean) - best(Recipe::MinMax);
    if gain > 0.01 {
        english.push_str(" Bringing the values into [0, 1] helps, centring them helps once more.");
        chinese.push_str("缩放到 [0, 1] 有帮助，再做零中心化还有帮助。");
    } else {
        english.push_str(" On these images centring only changes the best learning rate.");
        chinese.push_str("在这批图像上，只要学习率合适，零中心化没有带来差别。");
    }
    Text::new(english, chinese)
}

fn why(page: Page) -> Page {
    page.heading("Why", "为什么")
        .paragraph(
            "AlexNet subtracts the mean image, one number for each pixel and channel; VGG the mean of each channel, three \
             numbers for colour images; ResNet code in wide use subtracts the mean of each channel and divides by its \
             deviation, six numbers. (The ResNet paper itself subtracts the mean of each pixel.) All numbers come from the \
             training images alone and belong to the model: the same ones are applied to test images.",
            "AlexNet 减去均值图像，每个像素每个通道一个数；VGG 减去逐通道均值，彩色图像共三个数；广为使用的 ResNet 代码减去逐通道均值再除以逐通道标准差，共六个数\
             （ResNet 论文本身减的是逐像素均值）。这些数只由训练图像算出，属于模型的一部分：测试图像也用同样的数处理。",
        )
        .paragraph(
            "Gradient descent is stable below 2/λ, where λ is the largest second moment of the inputs. An offset common to all \
             pixels makes one direction, the mean image, far steeper than all others; subtracting the mean removes it:",
            "梯度下降在学习率低于 2/λ 时稳定，λ 是输入的最大二阶矩。所有像素共有的偏移使一个方向（即均值图像方向）远比其他方向陡；减去均值就消除了它：",
        )
        .formula(html! {
            mi { "E" } mo { "[" } mi { "x" } msup { mi { "x" } mi { "T" } } mo { "]" } mo { "=" } mi { "Cov" }
            mo { "(" } mi { "x" } mo { ")" } mo { "+" } mi { "μ" } msup { mi { "μ" } mi { "T" } }
        })
        .heading("What to take away", "要点")
        .paragraph(
            "Centre images. The choice among the three recipes matters less: dividing all pixels by one number only rescales the \
             learning rate. PCA and whitening are not customary for images (see [[preprocessing]]).",
            "图像要做零中心化。三种做法选哪一种差别较小：把所有像素除以同一个数只相当于改变学习率。图像一般不用 PCA 与白化（见 [[preprocessing]]）。",
        )
}

fn name(recipe: Recipe) -> Text {
    match recipe {
        Recipe::Raw => Text::new("raw", "原始值"),
        Recipe::MinMax => Text::same("[0, 1]"),
        Recipe::MeanImage => Text::new("mean image (AlexNet)", "减均值图像（AlexNet）"),
        Recipe::ChannelMean => Text::new("channel mean (VGG)", "减逐通道均值（VGG）"),
        Recipe::ChannelStandardize => Text::new("channel mean and std (ResNet)", "逐通道标准化（ResNet）"),
    }
}

/// Returns the values shown as black and white: from 0 if nothing is centred, else symmetric about 0.
fn range(recipe: Recipe, sample: &Sample) -> Interval<f32> {
    let high = sample.part.inputs.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    Interval { low: if recipe.is_centred() { -high } else { 0.0 }, high }
}

/// Adds one curve per recipe.
fn curves(plot: Plot, recipes: &[RecipeFigures], curve: impl Fn(&RecipeFigures) -> Vec<Point>) -> Plot {
    recipes
        .iter()
        .fold(plot, |plot, recipe| plot.with(Series::new(name(recipe.recipe), curve(recipe), Marks::LineAndPoints)))
}

fn table(recipes: &[RecipeFigures]) -> Table {
    let columns = vec![
        Text::new("Recipe", "做法"),
        Text::new("Numbers kept", "需保存的数"),
        Text::new("Mean", "均值"),
        Text::new("Std", "标准差"),
        Text::same("λ<sub>max</sub>"),
        Text::same("Σλ"),
        Text::same("λ<sub>max</sub> / λ<sub>10</sub>"),
        Text::new("Best rate", "最佳学习率"),
        Text::new("Test accuracy", "测试准确率"),
    ];
    let caption = Text::new(
        "Mean and standard deviation of each channel, and the second moments λ of the training images: largest, sum, largest \
         over tenth",
        "训练图像各通道的均值与标准差，以及二阶矩 λ：最大值、总和、最大值与第十大值之比",
    );
    let mut table = Table::new(caption, columns);
    for recipe in recipes {
        let rounded = |value: f64| number((value * 1e5).round() / 1e5);
        let list = |values: &[f64]| Text::same(values.iter().copied().map(rounded).collect::<Vec<_>>().join(", "));
        table.text_row(vec![
            name(recipe.recipe),
            cell(recipe.statistics_kept as f64),
            list(&recipe.channel_mean),
            list(&recipe.channel_std),
            cell(recipe.largest_second_moment),
            cell(recipe.sum_of_second_moments),
            cell(recipe.largest_over_tenth),
            cell(recipe.best_learning_rate),
            cell(recipe.best_test_accuracy),
        ]);
    }
    table
}
