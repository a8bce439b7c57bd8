//! Figures and texts of the exhibit.

use keel_page::Text;
use keel_page::charts::{Marks, Series, number};
use keel_page::page::Page;

use super::{Neighbours, Numbers, State, Statistics};
use crate::exhibit::View;
use crate::experiments::batch_normalisation::batch_norm_inference::page::{by_batch, pictures, probabilities};

/// Returns the page for one state.
pub(super) fn view(state: &State, numbers: &Numbers) -> View {
    let (candidates, width, steps) = (numbers.candidates, numbers.width, numbers.steps);
    let here = vec![(state.batch as f64, numbers.changing_fraction)];
    let name = Text::new("answer changes, this state", "答案改变，当前设置");
    let page = Page::new()
        .side_by_side(
            Text::new(
                "The image, first in every group, among five neighbourhoods, and the answer it gets in each. Of large batches the \
                 first eight images are drawn.",
                "每组第一张是所看的图像，周围是五组不同的邻居，上方是网络给它的答案。批较大时只画前八张。",
            ),
            pictures(&numbers.neighbourhoods, &numbers.pixels),
        )
        .plot(
            Text::new(
                "Probability of each class for that image, by neighbourhood; dashed, with the running statistics.",
                "这张图像属于各类的概率，每组邻居一条线；虚线为用滑动平均统计量的结果。",
            ),
            probabilities(&numbers.neighbourhoods, &numbers.fixed),
        )
        .plot(
            Text::new(
                format!(
                    "The whole test set by the size of the test batch, after {steps} training steps of a network with three hidden \
                     layers of {width} units; the single dot is for the first {candidates} images as chosen here. Drag sideways to \
                     choose the size."
                ),
                format!(
                    "整个测试集的结果随测试批量大小的变化；网络有三个 {width} 单元的隐藏层，训练 {steps} 步。单独的圆点是在当前设置下前 {candidates} 张图像的结果。\
                     左右拖动以选择批量大小。"
                ),
            ),
            by_batch(&numbers.own_statistics, numbers.running_accuracy).with(Series::new(name, here, Marks::Handle)),
        );
    View { status: status(state, numbers), page }
}

fn status(state: &State, numbers: &Numbers) -> Text {
    let State { image, batch, .. } = *state;
    let label = numbers.label;
    let article = if label == 8 { "an" } else { "a" };
    let answers: Vec<String> = numbers.neighbourhoods.iter().map(|one| one.answer.answer.to_string()).collect();
    let fixed = numbers.fixed.answer;
    let changing = format!("{} %", number(100.0 * numbers.changing_fraction));
    let candidates = numbers.candidates;
    let (company, chinese_company) = match (batch, state.neighbours, numbers.repeats) {
        (1, _, _) => ("alone in its batch".to_owned(), "单独成批".to_owned()),
        (_, Neighbours::Random, _) => (format!("in random batches of {batch}"), format!("随机放进大小为 {batch} 的批")),
        (_, Neighbours::SameClass, false) => {
            (format!("in batches of {batch} of its class"), format!("放进大小为 {batch} 的同类批"))
        }
        (_, Neighbours::SameClass, true) => (
            format!("in batches of {batch} of its class (images repeat)"),
            format!("放进大小为 {batch} 的同类批（图像有重复）"),
        ),
    };
    let (source, chinese_source) = match state.statistics {
        Statistics::Own => ("normalised with the batch's own statistics", "用本批自身的统计量归一化"),
        Statistics::Running => ("normalised with running statistics", "用滑动平均统计量归一化"),
    };
    let (found, chinese_found) = if numbers.distinct_answers == 1 {
        let answer = &answers[0];
        (format!("gets the answer {answer} in all five neighbourhoods"), format!("与五组邻居同批时答案都是 {answer}"))
    } else {
        (
            format!(
                "gets {} different answers in five neighbourhoods ({})",
                numbers.distinct_answers,
                answers.join(", ")
            ),
            format!("与五组邻居同批时得到 {} 种不同的答案（{}）", numbers.distinct_answers, answers.join("、")),
        )
    };
    let constant = numbers.own_statistics.iter().find(|own| own.batch == 1 && own.distinct_answers == 1);
    let (end, chinese_end) = match (state.statistics, constant) {
        (Statistics::Own, Some(_)) if batch == 1 => {
            let images = numbers.test_images;
            (
                format!("so does every one of the {images} test images when it is alone"),
                format!("测试集的 {images} 张图像单独成批时得到的都是这个答案"),
            )
        }
        _ => (
            format!("of the first {candidates} test images, {changing} change their answer"),
            format!("测试集前 {candidates} 张图像中有 {changing} 会改变答案"),
        ),
    };
    Text::new(
        format!(
            "Test image {image}, {article} {label}, {company} and {source}, {found} (with running statistics: {fixed}); {end}."
        ),
        format!(
            "第 {image} 号测试图像是 {label}，{chinese_company}，{chinese_source}：{chinese_found}（用滑动平均统计量时为 {fixed}）；{chinese_end}。"
        ),
    )
}
