//! Changes of the program of a training loop: the instruction in both languages, and PyTorch code.

use serde::{Deserialize, Serialize};

/// One change of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramEdit {
    /// Clear the gradients before the backward pass.
    ClearGradients,
    /// Update after every backward pass.
    UpdateEveryPass,
    /// Create the optimizer after the network.
    CreateOptimizerLast,
    /// Freeze a layer on purpose.
    Freeze {
        /// Name of the layer.
        layer: String,
    },
    /// Switch to training mode before training.
    SwitchToTraining,
    /// Switch to evaluation mode before evaluation.
    SwitchToEvaluation,
    /// Shuffle the training samples.
    ShuffleSamples,
    /// Remove the softmax before the loss.
    RemoveSoftmax,
    /// Remove the sigmoid before the loss.
    RemoveSigmoid,
    /// Use log_softmax instead of softmax before the loss.
    ReplaceSoftmax,
    /// Apply log_softmax before the loss.
    ApplyLogSoftmax,
}

/// Texts of a change.
pub(super) struct EditTexts {
    /// Instruction.
    pub(super) change: String,
    /// The same instruction in Chinese.
    pub(super) chinese: String,
    /// PyTorch code.
    pub(super) code: String,
}

impl ProgramEdit {
    /// Describes the change as an instruction in Chinese.
    pub fn describe_in_chinese(&self) -> String {
        self.texts().chinese
    }

    /// Returns the texts of the change.
    pub(super) fn texts(&self) -> EditTexts {
        const LOGITS: &str = "loss = loss_function(logits, labels)";
        const LOG_SOFTMAX: &str = "loss = loss_function(torch.log_softmax(logits, dim=1), labels)";
        let (change, chinese, code) = match self {
            Self::ClearGradients => (
                "clear the gradients before the backward pass",
                "在反向传播之前把梯度清零",
                "optimizer.zero_grad(); loss.backward()",
            ),
            Self::UpdateEveryPass => {
                ("update after every backward pass", "每次反向传播之后更新参数", "loss.backward(); optimizer.step()")
            }
            Self::CreateOptimizerLast => (
                "create the optimizer after the network is complete, with all its parameters",
                "在网络构建完成之后再创建优化器，并交给它全部参数",
                "optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)",
            ),
            Self::Freeze { layer } => {
                return EditTexts {
                    change: format!("freeze {layer} if it is meant to stay"),
                    chinese: format!("如果有意不更新 {layer}，就把它冻结"),
                    code: format!("model.{layer}.requires_grad_(False)"),
                };
            }
            Self::SwitchToTraining => (
                "switch to training mode at the beginning of every epoch",
                "在每轮开始时切换到训练模式",
                "model.train()",
            ),
            Self::SwitchToEvaluation => {
                ("switch to evaluation mode before every evaluation", "在每次评估之前切换到评估模式", "model.eval()")
            }
            Self::ShuffleSamples => (
                "shuffle the training samples in every epoch",
                "每轮都打乱训练样本",
                "DataLoader(training_samples, batch_size=batch_size, shuffle=True)",
            ),
            Self::RemoveSoftmax => ("remove the softmax before the loss", "去掉损失函数之前的 softmax", LOGITS),
            Self::RemoveSigmoid => ("remove the sigmoid before the loss", "去掉损失函数之前的 sigmoid", LOGITS),
            Self::ReplaceSoftmax => (
                "use log_softmax instead of softmax before the loss",
                "在损失函数之前用 log_softmax 代替 softmax",
                LOG_SOFTMAX,
            ),
            Self::ApplyLogSoftmax => ("apply log_softmax before the loss", "在损失函数之前加 log_softmax", LOG_SOFTMAX),
        };
        EditTexts { change: change.to_string(), chinese: chinese.to_string(), code: code.to_string() }
    }
}
