//! Selects the run, the finding and the remedy that a command works on.

use std::path::PathBuf;

use clap::Args;
use keel_data::{shell_path, shell_word};
use keel_health::{Finding, Remedy, find_rule};
use keel_train::remedies::{
    Treatment, check_data, config_of, finding_of, findings_of, treatment, treatments, tuned_treatment,
};
use keel_train::runs::RunFolder;

use crate::failure::{Failure, Stop};
use crate::inputs::{ChangedDataOption, report_change, run_data_failure};
use crate::terminal::Output;

/// A finding of a run and one of its remedies.
#[derive(Debug, Clone, Args)]
pub(crate) struct Choice {
    /// Folder of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Code (K010) or name (dead-relu) of the rule of one of its findings
    #[arg(value_name = "CODE")]
    code: String,
    /// The finding of this layer, if several have the same code [default: the first]
    #[arg(long, value_name = "LAYER")]
    layer: Option<String>,
    /// Number of the remedy, counted from 1 in the order of the finding [default: in that order, those a program can apply]
    #[arg(long, value_name = "NUMBER")]
    remedy: Option<usize>,
    #[command(flatten)]
    changed: ChangedDataOption,
}

impl Choice {
    /// Selects `finding` of the run in `folder`, with any of its remedies.
    pub(crate) fn of(folder: &RunFolder, finding: &Finding) -> Self {
        let run = folder.path().to_owned();
        Choice { run, code: finding.code.clone(), layer: None, remedy: None, changed: ChangedDataOption::default() }
    }

    /// Returns the run, the finding and the treatment; its learning rate is measured if the remedy affects it.
    pub(crate) fn read(&self, output: &Output) -> Result<(RunFolder, Finding, Treatment), Stop> {
        let folder = RunFolder::open(&self.run)?;
        let finding = self.finding(&folder)?;
        self.check_data(&folder, output)?;
        let tuned = tuned_treatment(&folder, &finding, self.remedy)?;
        let tuned = tuned.ok_or_else(|| by_hand(&finding, self.remedy))?;
        Ok((folder, finding, tuned))
    }

    /// Returns the run, the finding and at least one treatment: the chosen one, or all that can be applied.
    pub(crate) fn read_all(&self, output: &Output) -> Result<(RunFolder, Finding, Vec<Treatment>), Stop> {
        let folder = RunFolder::open(&self.run)?;
        let finding = self.finding(&folder)?;
        let config = config_of(&folder)?;
        let treatments = match self.remedy {
            Some(_) => treatment(&config, &finding, self.remedy)?.into_iter().collect(),
            None => treatments(&config, &finding)?,
        };
        if treatments.is_empty() {
            return Err(by_hand(&finding, self.remedy).into());
        }
        self.check_data(&folder, output)?;
        Ok((folder, finding, treatments))
    }

    /// Refuses a run whose data has changed: results with and without a remedy could not be compared.
    fn check_data(&self, folder: &RunFolder, output: &Output) -> Result<(), Stop> {
        let change = check_data(folder, self.changed.treatment());
        if let Some(change) = change.map_err(|error| run_data_failure(folder.path(), &error))? {
            report_change(&change, output);
        }
        Ok(())
    }

    /// Returns the same choice with remedy `number`, if there is one.
    pub(crate) fn with_remedy(&self, number: Option<usize>) -> Self {
        Choice { remedy: number.or(self.remedy), ..self.clone() }
    }

    /// Returns the command `name` with this choice, as a user types it.
    pub(crate) fn command(&self, name: &str) -> String {
        let mut command = format!("evenkeel {name} {} {}", shell_path(&self.run), self.code());
        if let Some(layer) = &self.layer {
            command.push_str(&format!(" --layer {}", shell_word(layer)));
        }
        if let Some(number) = self.remedy {
            command.push_str(&format!(" --remedy {number}"));
        }
        command.push_str(self.changed.argument());
        command
    }

    /// Returns the code, even if the name of the rule was given.
    fn code(&self) -> String {
        find_rule(&self.code).map_or_else(|_| self.code.to_uppercase(), |rule| rule.code.to_owned())
    }

    fn finding(&self, folder: &RunFolder) -> Result<Finding, Stop> {
        let code = self.code();
        let first = finding_of(folder, &code)?;
        let Some(layer) = &self.layer else { return Ok(first) };
        let of_code: Vec<Finding> = findings_of(folder)?.into_iter().filter(|finding| finding.code == code).collect();
        if let Some(finding) = of_code.iter().find(|finding| finding.layer.as_ref() == Some(layer)) {
            return Ok(finding.clone());
        }
        let layers: Vec<&str> = of_code.iter().map(|finding| finding.layer.as_deref().unwrap_or("none")).collect();
        let message =
            format!("--layer {layer}: this layer has no finding of {code}; layers with one: {}", layers.join(", "));
        Err(Failure::new(message).next_step("Give one of these layers, or remove --layer").into())
    }
}

fn by_hand(finding: &Finding, number: Option<usize>) -> Failure {
    let code = &finding.code;
    let Some(number) = number else {
        let failure = Failure::new(format!("no remedy of {code} can be applied by a program"));
        return failure.next_step(format!("By hand: {}", finding.remedy));
    };
    let failure = Failure::new(format!("remedy {number} of {code} cannot be applied by a program"));
    let remedy = finding.remedies.get(number - 1).map(Remedy::describe).unwrap_or_default();
    failure.next_step(format!("By hand: {remedy}. Or choose another of its {} remedies", finding.remedies.len()))
}
