//! Sources of the changes that the doctor tries, in both languages.

use keel_data::Bilingual;
use keel_health::{Remedy, chinese_message, describe_all};
use serde::{Deserialize, Serialize};

use super::advised_change::AdvisedChange;

/// A proposed change with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposal {
    /// Remedy of a finding.
    Remedy {
        /// Key of the kind of the finding among those of its rule.
        kind: String,
        /// The remedy; all remedies of the finding if none could be applied.
        remedies: Vec<Remedy>,
        /// Number of other layers that are treated likewise.
        other_layers: usize,
    },
    /// Change that no finding suggested.
    Advice(AdvisedChange),
}

impl Proposal {
    /// Returns the change as an instruction.
    pub(super) fn instruction(&self) -> Bilingual {
        let (remedies, other_layers) = match self {
            Proposal::Remedy { remedies, other_layers, .. } => (remedies, *other_layers),
            Proposal::Advice(change) => return change.instruction(),
        };
        let english = describe_all(remedies);
        let chinese = remedies.iter().map(Remedy::describe_in_chinese).collect::<Vec<_>>().join("；或者");
        match other_layers {
            0 => Bilingual::of(english, chinese),
            1 => Bilingual::of(
                format!("{english}, and likewise in 1 other layer"),
                format!("{chinese}，另外 1 层同样处理"),
            ),
            layers => Bilingual::of(
                format!("{english}, and likewise in {layers} other layers"),
                format!("{chinese}，另外 {layers} 层同样处理"),
            ),
        }
    }

    /// Returns the reason in Chinese; `code` is that of the finding. `None` for a finding of an unknown rule.
    pub(super) fn chinese_reason(&self, code: &str) -> Option<String> {
        match self {
            Proposal::Remedy { kind, .. } => chinese_message(code, kind).map(str::to_owned),
            Proposal::Advice(change) => Some(change.reason().chinese),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_are_described_in_both_languages_with_the_number_of_layers() {
        let proposal = |remedies: &[Remedy], other_layers| Proposal::Remedy {
            kind: "few-steps".into(),
            remedies: remedies.to_vec(),
            other_layers,
        };
        let rate = Remedy::ScaleLearningRate { factor: 0.1, value: Some(0.005) };
        let (english, chinese) = ("lower the learning rate to 0.005", "把学习率降到 0.005");
        let cases = [
            (proposal(std::slice::from_ref(&rate), 0), english.to_owned(), chinese.to_owned()),
            (
                proposal(std::slice::from_ref(&rate), 1),
                format!("{english}, and likewise in 1 other layer"),
                format!("{chinese}，另外 1 层同样处理"),
            ),
            (
                proposal(std::slice::from_ref(&rate), 3),
                format!("{english}, and likewise in 3 other layers"),
                format!("{chinese}，另外 3 层同样处理"),
            ),
            (
                proposal(&[rate.clone(), Remedy::Augment], 0),
                describe_all(&[rate, Remedy::Augment]),
                format!("{chinese}；或者对训练样本做数据增强"),
            ),
        ];
        for (proposal, english, chinese) in cases {
            assert_eq!(proposal.instruction(), Bilingual { english, chinese });
        }
    }
}
