//! The chapters of the lab.

use serde::Serialize;

use crate::language::Text;

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

    /// Its title.
    pub fn title(self) -> Text {
        match self {
            Chapter::Activations => Text::new("Activation functions", "激活函数"),
            Chapter::Preprocessing => Text::new("Data preprocessing", "数据预处理"),
            Chapter::Initialisation => Text::new("Weight initialisation", "权重初始化"),
            Chapter::BatchNormalisation => Text::new("Batch normalisation", "批归一化"),
            Chapter::Summary => Text::new("Summary", "总结"),
        }
    }
}
