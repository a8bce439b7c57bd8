//! Which finding of which run a command works on, and with which of its remedies.

use std::path::PathBuf;

use clap::Args;
use keel_health::Finding;
use keel_train::remedies::{Treatment, config_of, finding_of, findings_of, treatment};
use keel_train::runs::RunFolder;

use crate::failure::{Failure, Stop};

/// A finding of a run and one of its remedies.
#[derive(Debug, Args)]
pub(crate) struct Choice {
    /// Folder of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Code of one of its findings, such as K010
    #[arg(value_name = "CODE")]
    code: String,
    /// The finding of this layer, where several have the same code [default: the first]
    #[arg(long, value_name = "LAYER")]
    layer: Option<String>,
    /// Number of the remedy, counted from 1 in the order of the finding [default: the first that can be applied]
    #[arg(long, value_name = "NUMBER")]
    remedy: Option<usize>,
}

impl Choice {
    /// The run, the finding and the treatment.
    pub(crate) fn read(&self) -> Result<(RunFolder, Finding, Treatment), Stop> {
        let folder = RunFolder::open(&self.run)?;
        let finding = self.finding(&folder)?;
        let chosen = treatment(&config_of(&folder)?, &finding, self.remedy)?;
        let chosen = chosen.ok_or_else(|| by_hand(&finding, self.remedy))?;
        Ok((folder, finding, chosen))
    }

    fn finding(&self, folder: &RunFolder) -> Result<Finding, Stop> {
        let code = self.code.to_uppercase();
        let first = finding_of(folder, &code)?;
        let Some(layer) = &self.layer else { return Ok(first) };
        let of_code: Vec<Finding> = findings_of(folder)?.into_iter().filter(|finding| finding.code == code).collect();
        if let Some(finding) = of_code.iter().find(|finding| finding.layer.as_ref() == Some(layer)) {
            return Ok(finding.clone());
        }
        let layers: Vec<&str> = of_code.iter().map(|finding| finding.layer.as_deref().unwrap_or("none")).collect();
        let message = format!("--layer {layer}: {code} was not found there; it was found in: {}", layers.join(", "));
        Err(Failure::new(message).next_step("Give one of these layers, or leave --layer out").into())
    }
}

fn by_hand(finding: &Finding, number: Option<usize>) -> Failure {
    let what = match number {
        Some(number) => format!("remedy {number} of {} cannot be applied by a program", finding.code),
        None => format!("no remedy of {} can be applied by a program", finding.code),
    };
    Failure::new(what).next_step(format!("By hand: {}", finding.remedy))
}
