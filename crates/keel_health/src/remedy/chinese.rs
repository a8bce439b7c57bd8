//! Remedies described in Chinese.

use super::{ProgramEdit, Remedy, number};

impl Remedy {
    /// Describes the remedy as an instruction in Chinese.
    pub fn describe_in_chinese(&self) -> String {
        use Remedy::*;
        match self {
            ScaleLearningRate { value: Some(value), factor } if *factor < 1.0 => {
                format!("把学习率降到 {}", number(*value))
            }
            ScaleLearningRate { value: Some(value), .. } => format!("把学习率提高到 {}", number(*value)),
            ScaleLearningRate { factor, .. } => format!("学习率乘以 {}", number(*factor)),
            ClipNorm { value } => format!("把梯度范数裁剪到 {}", number(*value)),
            ReinitialiseUnits { layer, units } => format!("重新初始化 {layer} 的 {} 个死亡单元", units.len()),
            SetInit { layer: Some(layer), init, .. } => format!("用 {init} 初始化 {layer}"),
            SetInit { init, .. } => format!("用 {init} 初始化"),
            ShrinkLastLayer { layer, std, .. } => {
                format!("用更小的权重初始化 {layer}（正态分布，标准差 {}）", number(*std))
            }
            ZeroBiases => "把所有偏置初始化为零".to_string(),
            PriorBias { layer } => format!("把 {layer} 的偏置初始化为类别比例的对数"),
            ClassWeights => "在损失中加大稀少类别的权重（train.class_weights = \"balanced\"）".to_string(),
            AddPreprocess { step } => format!("预处理：{step}"),
            CleanData => "改正或去掉含有这些值的样本".to_string(),
            CheckLabels => "检查标签：可能被打乱、顺序有误，或来自另一个文件".to_string(),
            InspectRanks { ranks } => {
                let numbers: Vec<String> = ranks.iter().map(u64::to_string).collect();
                format!("检查进程 {} 所在的机器：内存、负载，以及是否有多个进程共用处理器", numbers.join("、"))
            }
            SetActivation { from, function } => format!("隐藏层用 {function} 代替 {from}"),
            RemoveOutputActivation { layer } => format!("去掉 {layer}，使最后一层可以输出任意实数"),
            AddActivation { function } => format!("在相邻的带权重的层之间加 {function}"),
            WidenHiddenLayers { units } => format!("每个隐藏线性层至少 {units} 个单元"),
            SetEpochs { epochs } => format!("训练 {epochs} 轮"),
            SetWarmup { steps } => format!("用 {steps} 步预热学习率"),
            SetSchedule { schedule } => format!("采用学习率调度 {schedule}，使学习率在整个训练中逐渐下降"),
            SetOutputUnits { layer, units, .. } => format!("把 {layer} 的输出数设为 {units}"),
            SetLoss { loss } => format!("改用损失函数 {loss}"),
            AddBatchNorm => "在每个隐藏层的激活函数之前加批量归一化".to_string(),
            RecomputeBatchNormStatistics { batches } => format!("用 {batches} 个批次精确计算批量归一化的统计量"),
            SetNormMomentum { layer, momentum, .. } => format!("把 {layer} 的动量设为 {}", number(*momentum)),
            SetBatchSize { batch_size } => format!("批量大小至少取 {batch_size}"),
            SetWeightDecay { value } => format!("把权重衰减设为 {}", number(*value)),
            SetDropout { layer, probability, .. } => format!("把 {layer} 的丢弃概率降到 {}", number(*probability)),
            RemoveBias { layer, .. } => format!("去掉 {layer} 的偏置"),
            Unfreeze { layer } => format!("解冻 {layer}，使其参数参与学习"),
            AddResidual => "加残差连接".to_string(),
            Augment => "对训练样本做数据增强".to_string(),
            EarlyStopping { patience } => format!("连续 {patience} 轮没有改善时停止训练"),
            EditProgram { code, edit, .. } => {
                let change = edit.as_ref().map_or_else(|| "修改训练程序".to_string(), ProgramEdit::describe_in_chinese);
                format!("{change}；PyTorch 代码：`{code}`")
            }
            IgnoreColumns { columns } => format!("不使用列 {}（data.ignore_columns）", named(columns)),
            KeepDuplicatesTogether => {
                "把相同的样本放在同一个数据划分中（data.keep_duplicates_together = true）".to_string()
            }
            KeepOriginsTogether => "把同一来源的样本放在同一个数据划分中（表格可用 data.group）".to_string(),
            DropAugmentation { key } => format!("关闭 augment.{key}"),
            MatchTrainingInputs { columns } => format!("使列 {} 的单位和顺序与训练数据一致", named(columns)),
            ReplayStep { step } => format!("重放第 {step} 步，并保留所有张量"),
        }
    }
}

/// Formats names in quotes: "`a`、`b`".
fn named(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
    quoted.join("、")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_read_as_instructions_with_their_values() {
        let layer = || "fc1".to_string();
        let columns = || vec!["a".to_string(), "b".to_string()];
        let older = Remedy::EditProgram { change: "evaluate".into(), code: "model.eval()".into(), edit: None };
        let cases = [
            (Remedy::ScaleLearningRate { factor: 0.1, value: Some(0.005) }, "把学习率降到 0.005"),
            (Remedy::ScaleLearningRate { factor: 3.0, value: Some(0.3) }, "把学习率提高到 0.3"),
            (Remedy::ScaleLearningRate { factor: 0.1, value: None }, "学习率乘以 0.1"),
            (Remedy::ReinitialiseUnits { layer: layer(), units: vec![1, 5] }, "重新初始化 fc1 的 2 个死亡单元"),
            (Remedy::SetInit { layer: None, init: "lsuv".into(), config_key: None }, "用 lsuv 初始化"),
            (Remedy::SetInit { layer: Some(layer()), init: "lsuv".into(), config_key: None }, "用 lsuv 初始化 fc1"),
            (
                Remedy::InspectRanks { ranks: vec![1, 3] },
                "检查进程 1、3 所在的机器：内存、负载，以及是否有多个进程共用处理器",
            ),
            (Remedy::IgnoreColumns { columns: columns() }, "不使用列 `a`、`b`（data.ignore_columns）"),
            (Remedy::MatchTrainingInputs { columns: columns() }, "使列 `a`、`b` 的单位和顺序与训练数据一致"),
            (Remedy::edit(ProgramEdit::SwitchToTraining), "在每轮开始时切换到训练模式；PyTorch 代码：`model.train()`"),
            (older, "修改训练程序；PyTorch 代码：`model.eval()`"),
        ];
        for (remedy, expected) in cases {
            assert_eq!(remedy.describe_in_chinese(), expected);
        }
    }
}
