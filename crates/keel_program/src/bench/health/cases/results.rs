//! Aggregates the results of the cases.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cure::Cure;
use super::trained::Trained;

/// Results of a faulty program and of its repaired version.
#[derive(Debug)]
pub(super) struct FaultyResult {
    /// Name of the case.
    pub(super) name: String,
    /// Kind of the case.
    pub(super) kind: String,
    /// Codes that may lead.
    pub(super) expected: Vec<String>,
    /// Code that led.
    pub(super) lead: String,
    /// Score of the faulty program.
    pub(super) before: Option<f64>,
    /// Score of the repaired program.
    pub(super) goal: Option<f64>,
    /// Result of applying the remedies.
    pub(super) cure: Cure,
    /// Runs of the repaired program.
    pub(super) repaired: Vec<Trained>,
}

/// Results of a healthy program, without its permitted alarms.
#[derive(Debug)]
pub(super) struct HealthyResult {
    /// Name of the case.
    pub(super) name: String,
    /// Kind of the case.
    pub(super) kind: String,
    /// Runs of the program.
    pub(super) runs: Vec<Trained>,
}

/// Results of all cases.
#[derive(Debug)]
pub(super) struct Results {
    /// Faulty programs.
    pub(super) faulty: Vec<FaultyResult>,
    /// Healthy programs.
    pub(super) healthy: Vec<HealthyResult>,
}

impl FaultyResult {
    fn leads(&self) -> bool {
        self.expected.contains(&self.lead)
    }

    fn cured(&self) -> bool {
        self.cure.cures(self.before, self.goal)
    }

    fn document(&self) -> Value {
        json!({
            "case": self.name, "kind": self.kind, "expected": self.expected, "lead": self.lead, "leads": self.leads(),
            "before": self.before, "after": self.cure.after, "goal": self.goal, "applied": self.cure.applied,
            "refused": self.cure.refused, "cured": self.cured(), "repaired": runs(&self.repaired),
        })
    }
}

/// Number of runs, and number of runs with an alarm.
#[derive(Debug, Default, Clone, Copy)]
struct Alarmed {
    runs: usize,
    alarmed: usize,
}

impl Alarmed {
    fn add(&mut self, runs: &[Trained]) {
        self.runs += runs.len();
        self.alarmed += runs.iter().filter(|run| !run.alarms.is_empty()).count();
    }
}

/// Sums over the cases of one kind, or over all.
#[derive(Debug, Default, Clone)]
struct Totals {
    faulty: usize,
    leads: usize,
    cured: usize,
    refused: usize,
    repaired: Alarmed,
    healthy: Alarmed,
}

impl Totals {
    fn add_faulty(&mut self, result: &FaultyResult) {
        self.faulty += 1;
        self.leads += usize::from(result.leads());
        self.cured += usize::from(result.cured());
        self.refused += usize::from(result.cure.refused.is_some());
        self.repaired.add(&result.repaired);
    }

    fn document(&self) -> Value {
        json!({
            "faulty": self.faulty, "leads": self.leads, "cured": self.cured, "refused": self.refused,
            "repaired_runs": self.repaired.runs, "repaired_alarms": self.repaired.alarmed,
            "healthy_runs": self.healthy.runs, "healthy_alarms": self.healthy.alarmed,
        })
    }
}

impl Results {
    /// Returns one document: every case, sums over kinds, false alarms by code, sums over all.
    pub(super) fn document(&self, seeds: u64) -> Value {
        let mut kinds: BTreeMap<&str, Totals> = BTreeMap::new();
        let mut all = Totals::default();
        for result in &self.faulty {
            kinds.entry(&result.kind).or_default().add_faulty(result);
            all.add_faulty(result);
        }
        for result in &self.healthy {
            kinds.entry(&result.kind).or_default().healthy.add(&result.runs);
            all.healthy.add(&result.runs);
        }
        let kinds: Vec<Value> = kinds
            .iter()
            .map(|(kind, totals)| {
                let mut document = totals.document();
                document["kind"] = json!(kind);
                document
            })
            .collect();
        let healthy =
            self.healthy.iter().map(|case| json!({ "case": case.name, "kind": case.kind, "runs": runs(&case.runs) }));
        json!({
            "seeds": seeds,
            "faulty": self.faulty.iter().map(FaultyResult::document).collect::<Vec<_>>(),
            "healthy": healthy.collect::<Vec<_>>(),
            "kinds": kinds,
            "false_alarms": self.false_alarms(),
            "totals": all.document(),
        })
    }

    /// Returns the numbers of repaired and healthy runs with a false alarm, by code.
    fn false_alarms(&self) -> Value {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let repaired = self.faulty.iter().flat_map(|result| &result.repaired);
        for run in repaired.chain(self.healthy.iter().flat_map(|result| &result.runs)) {
            let mut codes: Vec<&str> = run.alarms.iter().map(|alarm| alarm.code.as_str()).collect();
            codes.sort_unstable();
            codes.dedup();
            codes.into_iter().for_each(|code| *counts.entry(code).or_default() += 1);
        }
        Value::Array(counts.into_iter().map(|(code, runs)| json!({ "code": code, "runs": runs })).collect())
    }
}

/// Returns one entry per run: its score, and its alarms such as `K013 warn`.
fn runs(runs: &[Trained]) -> Value {
    let run = |run: &Trained| {
        let alarms: Vec<String> = run.alarms.iter().map(|alarm| format!("{} {}", alarm.code, alarm.level)).collect();
        json!({ "score": run.score, "alarms": alarms, "refused": run.refused })
    };
    Value::Array(runs.iter().map(run).collect())
}

#[cfg(test)]
mod tests {
    use super::super::trained::Alarm;
    use super::*;

    fn run(score: f64, codes: &[&str]) -> Trained {
        let alarm = |&code: &&str| Alarm { code: code.to_owned(), level: "warn".to_owned() };
        let alarms = codes.iter().map(alarm).collect();
        Trained { run: "run".into(), alarms, score: Some(score), refused: None }
    }

    fn faulty(lead: &str, after: f64, refused: bool) -> FaultyResult {
        FaultyResult {
            name: "slow".to_owned(),
            kind: "rates".to_owned(),
            expected: vec!["K013".to_owned(), "K017".to_owned()],
            lead: lead.to_owned(),
            before: Some(0.1),
            goal: Some(0.9),
            cure: Cure { after: Some(after), applied: Vec::new(), refused: refused.then(|| lead.to_owned()) },
            repaired: vec![run(0.9, &[]), run(0.9, &["K018", "K018"])],
        }
    }

    #[test]
    fn sums_are_those_of_the_cases() {
        let healthy = |kind: &str, runs| HealthyResult { name: "plain".to_owned(), kind: kind.to_owned(), runs };
        let results = Results {
            faulty: vec![faulty("K017", 0.9, false), faulty("K005", 0.1, true)],
            healthy: vec![
                healthy("rates", vec![run(1.0, &[]), run(1.0, &["K018"]), run(1.0, &["K010", "K013"])]),
                healthy("data", vec![run(0.8, &[])]),
            ],
        };
        let document = results.document(2);
        let expected = json!({
            "faulty": 2, "leads": 1, "cured": 1, "refused": 1, "repaired_runs": 4, "repaired_alarms": 2,
            "healthy_runs": 4, "healthy_alarms": 2,
        });
        assert_eq!(document["totals"], expected);
        let alarms =
            json!([{ "code": "K010", "runs": 1 }, { "code": "K013", "runs": 1 }, { "code": "K018", "runs": 3 }]);
        assert_eq!(document["false_alarms"], alarms);
        let kinds = document["kinds"].as_array().unwrap();
        let of = |index: usize, key: &str| kinds[index][key].clone();
        assert_eq!((of(0, "kind"), of(0, "healthy_runs"), of(0, "faulty")), (json!("data"), json!(1), json!(0)));
        assert_eq!((of(1, "kind"), of(1, "healthy_alarms"), of(1, "leads")), (json!("rates"), json!(2), json!(1)));
        assert_eq!(document["faulty"][1]["refused"], json!("K005"));
    }
}
