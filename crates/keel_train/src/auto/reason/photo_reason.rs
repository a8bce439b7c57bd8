//! Reasons for choices for photos.

use keel_data::Bilingual;
use serde::{Deserialize, Serialize};

use super::ImageKind;

/// Reason for a choice for photos.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoReason {
    /// Random crops.
    RandomCrops,
    /// Residual blocks accept images of any size.
    ResidualBlocks {
        /// Kind of the images.
        kind: ImageKind,
    },
    /// Few images call for a small network.
    FewImages {
        /// Number of training images.
        samples: usize,
    },
    /// Number of images.
    Images {
        /// Number of training images.
        samples: usize,
    },
    /// Many images allow a wider network.
    ManyImages {
        /// Number of training images.
        samples: usize,
    },
    /// Dropout.
    NoSingleFeatures,
    /// Few images call for many epochs.
    ManyEpochs,
    /// The learning rate suits any batch size.
    AnyBatchSize,
    /// The learning rate rises slowly.
    SlowRise,
}

impl PhotoReason {
    /// Returns the sentence.
    pub(super) fn sentence(self) -> Bilingual {
        use PhotoReason::*;
        match self {
            RandomCrops => Bilingual::of(
                "random crops of different sizes: every epoch shows new ones",
                "大小不一的随机裁剪：每轮看到的都不同",
            ),
            ResidualBlocks { kind } => {
                let Bilingual { english, chinese } = kind.name();
                Bilingual::of(
                    format!("{english}: residual blocks and a global average, which accepts any size"),
                    format!("{chinese}：残差块加全局平均池化，可接受任意大小"),
                )
            }
            FewImages { samples } => Bilingual::of(
                format!("{samples} training images: a small network"),
                format!("只有 {samples} 幅训练图像：用小网络"),
            ),
            Images { samples } => Bilingual::of(format!("{samples} training images"), format!("{samples} 幅训练图像")),
            ManyImages { samples } => Bilingual::of(
                format!("{samples} training images are enough for a wider network"),
                format!("{samples} 幅训练图像足以训练较宽的网络"),
            ),
            NoSingleFeatures => {
                Bilingual::of("prevents the network from relying on single features", "防止网络依赖个别特征")
            }
            ManyEpochs => Bilingual::of(
                "few images: many epochs, each with different crops",
                "图像较少：多训练几轮，每轮裁剪不同",
            ),
            AnyBatchSize => Bilingual::of("a stable learning rate at any batch size", "学习率在任何批量大小下都稳定"),
            SlowRise => Bilingual::of("rises slowly, then falls to nearly zero", "先缓慢上升，再降到接近零"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_testkit::check_distinct;

    #[test]
    fn every_reason_has_its_own_sentence() {
        use PhotoReason::*;
        let samples = 700;
        check_distinct(
            [
                RandomCrops,
                ResidualBlocks { kind: ImageKind::Grey },
                ResidualBlocks { kind: ImageKind::Photo },
                FewImages { samples },
                Images { samples },
                Images { samples: 800 },
                ManyImages { samples },
                NoSingleFeatures,
                ManyEpochs,
                AnyBatchSize,
                SlowRise,
            ]
            .map(PhotoReason::sentence),
        );
    }
}
