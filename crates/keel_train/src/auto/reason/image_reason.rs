//! Reasons for choices for images.

use keel_data::Bilingual;
use serde::{Deserialize, Serialize};

/// Kind of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageKind {
    /// One channel.
    Grey,
    /// Two channels.
    TwoChannels,
    /// Several channels.
    Colour,
    /// Large images with several channels.
    Photo,
}

/// Reason for a choice for images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageReason {
    /// The source has a validation part.
    OwnValidation,
    /// Each pixel is scaled.
    ScaledPixels,
    /// Mirrored letters and digits have another meaning.
    MirroredDigits,
    /// Images of a single row of pixels.
    OneRow {
        /// Kind of the images.
        kind: ImageKind,
    },
    /// Images too narrow for a second pool.
    OnePool {
        /// Kind of the images.
        kind: ImageKind,
        /// Pixels of the shorter side.
        shortest: usize,
    },
    /// Small images.
    TwoConvolutions {
        /// Kind of the images.
        kind: ImageKind,
        /// Pixels of the longer side.
        side: usize,
    },
    /// The epochs suffice at the learning rate.
    EnoughEpochs,
    /// Small batches give many steps.
    ManySteps,
    /// The optimizer suits the network.
    ReliableOptimizer,
    /// The schedule allows a short training run.
    ShortTraining,
    /// Each colour channel is scaled.
    ScaledChannels,
    /// Mirrored objects keep their class.
    MirroredObjects,
    /// Shifted objects keep their class.
    SmallShift,
    /// Small colour images.
    Whitening {
        /// Pixels of the longer side.
        side: usize,
    },
    /// A wider network is slower.
    WiderIsSlower,
    /// Training continues while it helps.
    WhileImproving,
    /// Large batches use all cores.
    LargeBatches,
    /// The optimizer allows high learning rates.
    HighRates,
    /// Smoothed labels.
    SmoothedLabels,
    /// An image and its mirror image are averaged.
    TwoViews,
}

impl ImageKind {
    /// Returns the name of the images.
    pub(super) fn name(self) -> Bilingual {
        match self {
            ImageKind::Grey => Bilingual::of("grey images", "灰度图像"),
            ImageKind::TwoChannels => Bilingual::of("images of two channels", "双通道图像"),
            ImageKind::Colour => Bilingual::of("colour images", "彩色图像"),
            ImageKind::Photo => Bilingual::of("photos", "照片"),
        }
    }
}

impl ImageReason {
    /// Returns the sentence.
    pub(super) fn sentence(self) -> Bilingual {
        use ImageReason::*;
        let (english, chinese) = match self {
            OwnValidation => (
                "the source holds out its own validation images; all others are for training",
                "数据源自带验证图像，其余图像全部用于训练",
            ),
            ScaledPixels => ("centres and scales each pixel", "对每个像素做中心化和缩放"),
            MirroredDigits => (
                "small images may be letters or digits, whose mirror images mean something else",
                "小图像可能是字母或数字，镜像后含义会改变",
            ),
            EnoughEpochs => ("enough at this learning rate", "在此学习率下已足够"),
            ManySteps => ("many steps per epoch", "每轮的步数较多"),
            ReliableOptimizer => ("trains convolutions with batch norm reliably", "能可靠地训练带批量归一化的卷积网络"),
            ShortTraining => ("short training run at a high learning rate", "以较高的学习率进行短时间训练"),
            ScaledChannels => (
                "centres and scales each colour channel, equally for all pixels",
                "对每个颜色通道做中心化和缩放，所有像素相同",
            ),
            MirroredObjects => ("a mirrored object keeps its class", "物体镜像后类别不变"),
            SmallShift => ("a small shift does not change the class", "小幅平移不改变类别"),
            WiderIsSlower => {
                ("a wider network is more accurate but takes three times as long", "更宽的网络更准确，但用时是三倍")
            }
            WhileImproving => ("as long as the result improves", "轮数以结果仍能改善为限"),
            LargeBatches => ("batches large enough to use all cores", "批量足够大，能用上所有处理器核心"),
            HighRates => (
                "high learning rates with momentum suit convolutions with batch norm",
                "带动量的高学习率适合带批量归一化的卷积网络",
            ),
            SmoothedLabels => ("smoothed labels prevent overconfident predictions", "标签平滑可避免过于自信的预测"),
            TwoViews => ("averaging two views of an image reduces the error", "对同一图像的两个视图取平均可减小误差"),
            OneRow { kind } => {
                let Bilingual { english, chinese } = kind.name();
                return Bilingual::of(
                    format!("{english} of one row of pixels: a perceptron"),
                    format!("只有一行像素的{chinese}：用感知机"),
                );
            }
            OnePool { kind, shortest } => {
                let Bilingual { english, chinese } = kind.name();
                return Bilingual::of(
                    format!("{english} of {shortest} pixels at their shorter side, which a single pool reduces to one"),
                    format!("短边为 {shortest} 像素的{chinese}，一次池化即降为一个像素"),
                );
            }
            TwoConvolutions { kind, side } => {
                let Bilingual { english, chinese } = kind.name();
                return Bilingual::of(
                    format!("{english} of {side} pixels: two convolutions with batch norm, relu and pooling"),
                    format!("边长 {side} 像素的{chinese}：两层卷积，带批量归一化、ReLU 和池化"),
                );
            }
            Whitening { side } => {
                return Bilingual::of(
                    format!(
                        "colour images of {side} pixels: whitening filters, then convolutions, without a large linear layer"
                    ),
                    format!("边长 {side} 像素的彩色图像：先用白化滤波器，再用卷积，不用大的线性层"),
                );
            }
        };
        Bilingual::of(english, chinese)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_testkit::check_distinct;

    #[test]
    fn every_reason_has_its_own_sentence() {
        use ImageReason::*;
        let kind = ImageKind::Grey;
        check_distinct(
            [
                OwnValidation,
                ScaledPixels,
                MirroredDigits,
                OneRow { kind },
                OnePool { kind, shortest: 2 },
                TwoConvolutions { kind, side: 28 },
                TwoConvolutions { kind: ImageKind::Colour, side: 28 },
                TwoConvolutions { kind, side: 8 },
                EnoughEpochs,
                ManySteps,
                ReliableOptimizer,
                ShortTraining,
                ScaledChannels,
                MirroredObjects,
                SmallShift,
                Whitening { side: 32 },
                WiderIsSlower,
                WhileImproving,
                LargeBatches,
                HighRates,
                SmoothedLabels,
                TwoViews,
            ]
            .map(ImageReason::sentence),
        );
    }
}
