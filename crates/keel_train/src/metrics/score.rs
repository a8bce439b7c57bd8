//! Values of metrics by name.

use MetricName::*;

use super::{MetricName, Metrics};

impl MetricName {
    /// Returns the value in `metrics`; `None` if it is undefined or was not computed.
    pub fn value(self, metrics: &Metrics) -> Option<f64> {
        let regression = metrics.regression.as_ref();
        let value = match self {
            Auto => None,
            Loss => Some(metrics.loss),
            Accuracy => metrics.accuracy,
            BalancedAccuracy => metrics.balanced_accuracy,
            F1 => metrics.f1,
            Mcc => metrics.mcc,
            RocAuc => metrics.roc_auc,
            PrAuc => metrics.pr_auc,
            LogLoss => metrics.log_loss,
            Brier => metrics.brier,
            CalibrationError => metrics.calibration_error,
            TopAccuracy => metrics.top_accuracy.map(|top| top.accuracy),
            Rmse => regression.map(|errors| errors.rmse),
            Mae => regression.map(|errors| errors.mae),
            MedianAbsoluteError => regression.and_then(|errors| errors.median_absolute_error),
            MaxError => regression.and_then(|errors| errors.max_error),
            R2 => regression.and_then(|errors| errors.r2),
        };
        value.filter(|value| value.is_finite())
    }

    /// Returns the value with the sign for which larger is better; `None` if it is undefined.
    pub fn score(self, metrics: &Metrics) -> Option<f64> {
        let score = match (self, metrics.accuracy) {
            (Auto, Some(accuracy)) => Some(accuracy - 1e-6 * metrics.loss.min(1e3)),
            (Auto, None) => Some(-metrics.loss),
            _ if self.larger_is_better() => self.value(metrics),
            _ => self.value(metrics).map(|value| -value),
        };
        score.filter(|score| score.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_has_no_score() {
        let mut metrics = Metrics { loss: f64::NAN, ..Metrics::default() };
        assert_eq!((Auto.score(&metrics), Loss.score(&metrics), RocAuc.score(&metrics)), (None, None, None));
        metrics.loss = 0.5;
        assert_eq!((Auto.score(&metrics), Loss.score(&metrics)), (Some(-0.5), Some(-0.5)));
        metrics.accuracy = Some(0.75);
        assert!(Auto.score(&metrics).is_some_and(|score| score < 0.75 && score > 0.7499));
        let better = Metrics { loss: 0.25, ..metrics.clone() };
        assert!(Auto.score(&better) > Auto.score(&metrics), "the loss breaks ties");
    }
}
