//! Names of metrics in Chinese.

use keel_train::metrics::MetricName;

/// Returns the name of a metric in Chinese.
pub(crate) fn chinese_title(metric: MetricName) -> &'static str {
    match metric {
        MetricName::Loss => "损失",
        MetricName::Accuracy => "准确率",
        MetricName::BalancedAccuracy => "平衡准确率",
        MetricName::F1 => "宏平均 F1",
        MetricName::Mcc => "马修斯相关系数",
        MetricName::LogLoss => "对数损失",
        MetricName::Brier => "Brier 分数",
        MetricName::CalibrationError => "期望校准误差",
        MetricName::TopAccuracy => "top-k 准确率",
        MetricName::Rmse => "均方根误差",
        MetricName::Mae => "平均绝对误差",
        MetricName::MedianAbsoluteError => "绝对误差中位数",
        MetricName::MaxError => "最大误差",
        MetricName::RocAuc => "ROC AUC",
        MetricName::PrAuc => "PR AUC",
        MetricName::R2 => "R²",
        MetricName::Auto => "自动",
    }
}
