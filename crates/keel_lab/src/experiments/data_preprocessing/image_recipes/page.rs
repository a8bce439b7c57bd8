//! The page of the recipes for images.

use super::{Document, Recipe, RecipeFigures, Sample};
use crate::charts::{Marks, Pictures, Plot, Point, Scale, Series, number, points};
use crate::interval::Interval;
use crate::language::Text;
use crate::loss_curve::loss_points;
use crate::page::{Page, Table, cell};

/// The page for one document and the images it shows.
pub(super) fn page(document: &Document) -> Page {
    let recipes = &document.recipes;
    let mut page = Page::new().heading("What you see", "你看到了什么").paragraph(
        "The same images five times. Raw and [0, 1]: black is 0. The three recipes: grey is 0, darker is negative, lighter \
         is positive, because after centring every image has values on both sides.",
        "同一批图像显示五次。原始值与 [0, 1]：黑色为 0。三种做法：灰色为 0，更暗为负，更亮为正，因为零中心化之后，每张图像都有正有负。",
    );
    for RecipeFigures { recipe, sample, .. } in recipes {
        let (name, range) = (name(*recipe), range(*recipe, sample));
        page = page.pictures(name.clone(), Pictures::new(name, &sample.values, sample.shape, range));
    }
    let page = page
        .table(table(recipes))
        .paragraph(
            "Then a network with one hidden layer learns them by plain gradient descent, at every learning rate of the list.",
            "然后用普通的梯度下降训练一个单隐层网络，列表中的每个学习率各训练一次。",
        )
        .plot(
            Text::new("Test accuracy by learning rate", "测试正确率随学习率的变化"),
            curves(Plot::new(Text::new("learning rate", "学习率"), Text::new("test accuracy", "测试正确率")), recipes, |recipe| {
                points(&recipe.runs, |run| run.learning_rate, |run| run.test_accuracy)
            })
            .scales(Scale::Logarithmic, Scale::Linear)
            .y_range(0.0, 1.02),
        )
        .plot(
            Text::new("Training loss of each recipe at its best learning rate", "各做法在各自最佳学习率下的训练损失"),
            curves(Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失")), recipes, |recipe| {
                let best = recipe.runs.iter().filter(|run| Some(run.learning_rate) == recipe.best_learning_rate);
                best.flat_map(|run| loss_points(&run.curve)).collect()
            })
            .scales(Scale::Linear, Scale::Logarithmic),
        );
    why(page)
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
        .formula(
            "<mi>E</mi><mo>[</mo><mi>x</mi><msup><mi>x</mi><mi>T</mi></msup><mo>]</mo><mo>=</mo><mi>Cov</mi><mo>(</mo><mi>x</mi>\
             <mo>)</mo><mo>+</mo><mi>μ</mi><msup><mi>μ</mi><mi>T</mi></msup>",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Centre images. Which of the three recipes matters little: dividing all pixels by one number only rescales the \
             learning rate. PCA and whitening are not customary for images.",
            "图像要做零中心化。三种做法选哪一种差别不大：把所有像素除以同一个数只相当于改变学习率。图像一般不用 PCA 与白化。",
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

/// The values that become black and white: from 0 where nothing is centred, else as far below 0 as above.
fn range(recipe: Recipe, sample: &Sample) -> Interval<f32> {
    let high = sample.values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    Interval { low: if recipe.is_centred() { -high } else { 0.0 }, high }
}

/// Adds one curve for each recipe.
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
        Text::new("λ<sub>max</sub>", "λ<sub>max</sub>"),
        Text::new("λ<sub>max</sub> / λ<sub>10</sub>", "λ<sub>max</sub> / λ<sub>10</sub>"),
        Text::new("Best rate", "最佳学习率"),
        Text::new("Test accuracy", "测试正确率"),
    ];
    let caption = Text::new(
        "Mean and standard deviation of each channel, and the largest second moment λ of the training images",
        "训练图像各通道的均值与标准差，以及最大二阶矩 λ",
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
            cell(recipe.largest_over_tenth),
            cell(recipe.best_learning_rate),
            cell(recipe.best_test_accuracy),
        ]);
    }
    table
}
