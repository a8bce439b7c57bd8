//! The chapters of the lab.

use keel_page::Text;
use serde::Serialize;

/// A chapter of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chapter {
    /// Does every unit still pass gradient?
    Activations,
    /// Are the inputs zero-mean and of unit scale?
    Preprocessing,
    /// Does the signal keep its scale through depth?
    Initialisation,
    /// Is each layer re-centred, and do training and inference agree?
    BatchNormalisation,
    /// All four together.
    Summary,
}

impl Chapter {
    /// All chapters, in the order of the index page.
    pub const ALL: [Chapter; 5] = [
        Chapter::Activations,
        Chapter::Preprocessing,
        Chapter::Initialisation,
        Chapter::BatchNormalisation,
        Chapter::Summary,
    ];

    /// Returns the title.
    pub fn title(self) -> Text {
        match self {
            Chapter::Activations => Text::new("Activation functions", "激活函数"),
            Chapter::Preprocessing => Text::new("Data preprocessing", "数据预处理"),
            Chapter::Initialisation => Text::new("Weight initialisation", "权重初始化"),
            Chapter::BatchNormalisation => Text::new("Batch normalisation", "批量归一化"),
            Chapter::Summary => Text::new("Summary", "总结"),
        }
    }

    /// Returns the question of the chapter, and its reading order.
    pub fn guide(self) -> Text {
        match self {
            Chapter::Activations => Text::new(
                "Does every unit still pass gradient? Begin with the curves and their gates; then what depth, positive inputs and large \
                 steps do to them; the advice comes last.",
                "每个单元还能传递梯度吗？先看曲线与“门”，再看深度、恒正输入与过大步长的影响，最后是选择建议。",
            ),
            Chapter::Preprocessing => Text::new(
                "Are the inputs zero-mean and of unit scale? One cloud in five states, then why it matters, then how the classic image \
                 networks did it.",
                "输入是否零均值、单位尺度？先看一团点的五种状态，再看为什么重要，最后看经典图像网络的做法。",
            ),
            Chapter::Initialisation => Text::new(
                "Does the signal keep its scale through depth? First why weights must differ at all; then the lecture's five settings side by \
                 side; the two derivations; and the consequences for a training run.",
                "信号穿过多层还能保持尺度吗？先看权重为何必须各不相同，再看课程五种设置的对比、两个推导，以及对训练的影响。",
            ),
            Chapter::BatchNormalisation => Text::new(
                "Is each layer re-centred, and do training and inference agree? What it computes, how the gradient comes back, whose statistics \
                 it uses at inference, how it disappears there; then where it goes and what else there is.",
                "每层是否重新零中心化，训练与推理是否一致？先看它计算什么、梯度如何传回，再看推理时用谁的统计量、如何折叠掉，最后看放在哪里、还有哪些替代。",
            ),
            Chapter::Summary => Text::new(
                "The four recommendations together, and the value of each in the presence of the others.",
                "四条建议放在一起，以及每一条在其他各条都在时的价值。",
            ),
        }
    }
}
