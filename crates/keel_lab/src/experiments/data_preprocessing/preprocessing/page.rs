//! Page of the clouds and their covariances.

use keel_page::Text;
use keel_page::charts::{HeatMap, Marks, Plot, Series, number, points};
use keel_page::page::{Page, Part, Table};
use maud::html;

use super::{Document, PIXEL_VIEWS, Statistics, VIEWS, View, ViewFigures};

/// Half the side of the picture of a cloud.
const REACH: f64 = 8.0;
/// Indices in [`VIEWS`] of the three steps of the lecture's first figure, and of its second.
const SCALED: [usize; 3] = [0, 1, 2];
const ROTATED: [usize; 3] = [0, 3, 4];

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let page = Page::new()
        .heading("What you see", "现象")
        .paragraph(
            "One cloud of points, on the same axes in every picture. Every statistic is fitted on the training points and then \
             applied to new ones too, which therefore come out only nearly centred and scaled.",
            "同一团点，各图坐标轴相同。所有统计量只在训练点上拟合，再用于新点，因此新点只是近似零均值、单位方差。",
        )
        .side_by_side(
            Text::new("Subtract the mean, then divide by the standard deviation", "先减均值，再除以标准差"),
            SCALED.map(|view| cloud(document, view)).into(),
        )
        .side_by_side(
            Text::new(
                "Turn the centred cloud to its principal axes, then divide by the deviation along each",
                "把零中心的点云旋转到主轴上，再除以各主轴的标准差",
            ),
            ROTATED.map(|view| cloud(document, view)).into(),
        )
        .side_by_side(
            Text::new(
                "Covariance of the training points: blue is positive, red negative, the full colour the same in all",
                "训练点的协方差矩阵：蓝色为正，红色为负，各图颜色深浅可比",
            ),
            [0, 2, 3, 4].map(|view| covariance(document, view)).into(),
        )
        .table(table(&document.views))
        .side_by_side(
            Text::new(
                "The same for images: covariance of the 64 pixels of the digits, from white (0) to the full colour (the largest \
                 entry of each map)",
                "图像也是如此：手写数字 64 个像素的协方差矩阵，颜色从无（0）到最深（该图中的最大值）",
            ),
            pixel_maps(document),
        );
    why(page)
}

fn why(page: Page) -> Page {
    page.heading("Why", "为什么")
        .paragraph("Subtract the mean of each feature, then divide by its standard deviation:", "先减去每个特征的均值，再除以它的标准差：")
        .formula(html! {
            msup { mi { "x" } mo { "′" } } mo { "=" }
            mfrac { mrow { mi { "x" } mo { "\u{2212}" } mi { "μ" } } mi { "σ" } }
        })
        .paragraph(
            "Features that are all positive drive a unit's gradients to one sign (see [[zigzag]]); features of different scales \
             ask for different learning rates (see [[why_preprocess]]). Standardising sets the diagonal of the covariance to 1 and \
             leaves the correlation. Decorrelation turns the cloud to its principal axes, which makes the covariance diagonal; \
             whitening divides each of them by its deviation, which makes it the identity. With the eigenvectors U and the \
             eigenvalues S of the covariance:",
            "恒正的特征使同一单元的梯度同号（见 [[zigzag]]）；尺度不同的特征需要不同的学习率（见 [[why_preprocess]]）。标准化使协方差矩阵的对角线变为 1，\
             相关性仍在。去相关把点云旋转到主轴上，协方差变为对角阵；白化再除以各主轴的标准差，协方差变为单位阵。设协方差矩阵的特征向量为 U，特征值为 S：",
        )
        .formula(html! {
            msub { mi { "x" } mi { "rot" } } mo { "=" } mo { "(" } mi { "x" } mo { "\u{2212}" } mi { "μ" }
            mo { ")" } mi { "U" } mspace width="1.5em" {} msub { mi { "x" } mi { "white" } } mo { "=" }
            mfrac { msub { mi { "x" } mi { "rot" } } msqrt { mrow { mi { "S" } mo { "+" } mi { "ε" } } } }
        })
        .paragraph(
            "Neighbouring pixels of an image have nearly the same value: that is the pattern of blocks in the map of the raw \
             images. Directions in which images hardly differ have eigenvalues near 0, and whitening divides by their root: what \
             it enlarges there is noise.",
            "图像中相邻像素的值几乎相同，这就是原始图像协方差矩阵中块状图案的由来。图像几乎没有差别的方向，特征值接近 0，白化要除以它的平方根，放大的只是噪声。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Centre always, standardise features of different units, and fit both on the training split alone. For images the mean \
             image, the mean of each channel, or mean and deviation of each channel are customary (see [[image_recipes]]); PCA \
             and whitening are not, and whitening blows up directions that hold nothing but noise.",
            "始终做零中心化；量纲不同的特征要标准化；统计量只用训练集拟合。对图像，常用均值图像、逐通道均值，或逐通道均值与标准差（见 [[image_recipes]]）；\
             一般不用 PCA 与白化，白化还会放大只含噪声的方向。",
        )
}

fn cloud(document: &Document, view: usize) -> Part {
    let cloud = points(&document.views[view].points, |point| f64::from(point[0]), |point| f64::from(point[1]));
    let [x, y] = if view < 3 { ["x", "y"].map(Text::same) } else { axes() };
    let plot = Plot::new(x, y).x_range(-REACH, REACH).y_range(-REACH, REACH).square();
    let series = Series::new(VIEWS[view].title(), cloud, Marks::Points).coloured(0);
    Part::new(VIEWS[view].title(), plot.with(series))
}

/// Returns the titles of the principal axes.
fn axes() -> [Text; 2] {
    [Text::new("first principal axis", "第一主轴"), Text::new("second principal axis", "第二主轴")]
}

fn covariance(document: &Document, view: usize) -> Part {
    let names = if view < 3 { ["x", "y"].map(Text::same) } else { ["1", "2"].map(Text::same) };
    let full = document.views[0].train.covariance.iter().flatten().fold(0.0_f64, |full, entry| full.max(entry.abs()));
    let entries = document.views[view].train.covariance.iter().flatten().copied().collect();
    Part::new(VIEWS[view].title(), HeatMap::new(names.into(), entries).full_colour_at(full))
}

fn pixel_maps(document: &Document) -> Vec<Part> {
    let map = |(figures, view): (&super::PixelFigures, &View)| {
        Part::new(view.title(), HeatMap::new(Vec::new(), figures.covariance.clone()))
    };
    document.pixels.iter().zip(&PIXEL_VIEWS).map(map).collect()
}

fn table(views: &[ViewFigures]) -> Table {
    let columns = vec![
        Text::new("View", "处理"),
        Text::new("Mean of x", "x 均值"),
        Text::new("Mean of y", "y 均值"),
        Text::new("Std of x", "x 标准差"),
        Text::new("Std of y", "y 标准差"),
        Text::new("Covariance", "协方差"),
    ];
    let mut table = Table::new(
        Text::new(
            "Statistics of the training points, and of new points in brackets (x and y: the first and second principal axis \
             after the turn)",
            "训练点的统计量，括号内为新点（旋转之后，x 与 y 指第一与第二主轴）",
        ),
        columns,
    );
    let columns = |part: &Statistics| [part.mean[0], part.mean[1], part.std[0], part.std[1], part.covariance[0][1]];
    let rounded = |value: f64| number((value * 1e4).round() / 1e4 + 0.0);
    for (figures, view) in views.iter().zip(VIEWS) {
        let pairs = columns(&figures.train).into_iter().zip(columns(&figures.test));
        let cells = pairs.map(|(train, test)| Text::same(format!("{} ({})", rounded(train), rounded(test))));
        table.text_row(std::iter::once(view.title()).chain(cells).collect());
    }
    table
}
