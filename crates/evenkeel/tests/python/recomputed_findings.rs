//! The numbers of findings, computed again by NumPy from the files of the runs.

use std::fmt::Write;

use crate::program::{Program, write};
use crate::python;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/findings/recompute.py");

/// Rows of a table, all in one batch.
const ROWS: usize = 640;

/// Leaves the weights where they started.
const FROZEN: &str = "optimizer={ type = \"sgd\", learning_rate = 1e-20, momentum = 0.0 }";

/// A run, and the rule whose first finding in it is recomputed.
struct Run {
    code: &'static str,
    /// Table, without its ending.
    table: &'static str,
    /// Hidden layers of 16 units: their number, activation and further keys.
    hidden: Hidden,
    /// Further keys of the last layer.
    last: &'static str,
    settings: &'static [&'static str],
}

struct Hidden {
    depth: usize,
    function: &'static str,
    keys: &'static str,
}

const fn hidden(depth: usize, function: &'static str, keys: &'static str) -> Hidden {
    Hidden { depth, function, keys }
}

/// The run whose weights are those the run of K013 starts with.
const INITIAL: &str = "K002";

const RUNS: [Run; 10] = [
    Run { code: INITIAL, table: "raw", hidden: hidden(2, "relu", ""), last: "", settings: &["preprocess.steps=[]"] },
    Run { code: "K003", table: "rare", hidden: hidden(2, "relu", ""), last: "", settings: &[] },
    Run {
        code: "K004",
        table: "rows",
        hidden: hidden(1, "relu", ""),
        last: ", init = { type = \"normal\", std = 2.0 }",
        settings: &[],
    },
    Run {
        code: "K005",
        table: "rows",
        hidden: hidden(2, "tanh", ", init = { type = \"normal\", std = 0.01 }"),
        last: "",
        settings: &[],
    },
    Run {
        code: "K006",
        table: "rows",
        hidden: hidden(2, "relu", ", init = { type = \"constant\", value = 0.1 }"),
        last: "",
        settings: &[],
    },
    Run {
        code: "K009",
        table: "rows",
        hidden: hidden(2, "tanh", ", init = { type = \"normal\", std = 5.0 }"),
        last: "",
        settings: &[],
    },
    Run {
        code: "K010",
        table: "shifted",
        hidden: hidden(1, "relu", ", init = { type = \"uniform\", limit = 0.3 }"),
        last: "",
        settings: &["preprocess.steps=[]"],
    },
    Run { code: "K011", table: "rows", hidden: hidden(6, "sigmoid", ""), last: "", settings: &["train.epochs=40"] },
    Run {
        code: "K013",
        table: "rows",
        hidden: hidden(2, "relu", ""),
        last: "",
        settings: &["train.epochs=1", "optimizer.learning_rate=1e-4"],
    },
    Run { code: "K017", table: "rows", hidden: hidden(2, "sigmoid", ""), last: "", settings: &["train.epochs=120"] },
];

impl Run {
    fn settings(&self) -> Vec<String> {
        let Hidden { depth, function, keys } = self.hidden;
        let layer = format!(
            "{{ type = \"linear\", out_features = 16{keys} }}, {{ type = \"activation\", function = \"{function}\" }}, "
        );
        let own = [
            format!("model.layers=[{}{{ type = \"linear\"{} }}]", layer.repeat(depth), self.last),
            format!("data.source={}.csv", self.table),
            format!("run.name={}", self.code),
            format!("train.batch_size={ROWS}"),
        ];
        let shared = ["data.validation=0.0", "data.test=0.0", "train.threads=1", "train.epochs=3", FROZEN];
        let all = own.into_iter().chain(shared.map(str::to_owned));
        all.chain(self.settings.iter().map(|&setting| setting.to_owned())).collect()
    }

    fn train(&self, program: &Program) {
        let settings = self.settings();
        let mut arguments = vec!["train", "mlp"];
        for setting in &settings {
            arguments.extend(["--set", setting]);
        }
        let finished = program.run(&arguments);
        assert!(finished.status.is_some_and(|status| status < 2), "{}\n{}", self.code, finished.stderr);
    }

    /// The argument of the script.
    fn argument(&self) -> String {
        let initial = if self.code == "K013" { format!(",runs/{INITIAL}") } else { String::new() };
        format!("{0}=runs/{0}{initial}", self.code)
    }
}

/// Pseudo-random numbers that are about normal, mean 0 and standard deviation 1.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        let mut sum = -6.0;
        for _ in 0..12 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (self.0 >> 11) as f64 / (1u64 << 53) as f64;
        }
        sum
    }
}

/// Writes a table of six numbers, the fourth times `scale` plus `shift` and all others plus a twentieth of it, and the class
/// that `class` makes of the numbers before that.
fn write_table(program: &Program, name: &str, [scale, shift]: [f64; 2], class: impl Fn(&[f64]) -> usize) {
    let mut numbers = Numbers(1);
    let mut text = "a,b,c,d,e,f,label\n".to_owned();
    for _ in 0..ROWS {
        let row: Vec<f64> = (0..6).map(|_| numbers.next()).collect();
        for (column, number) in row.iter().enumerate() {
            let value = if column == 3 { number * scale + shift } else { number + shift / 20.0 };
            write!(text, "{value:.5},").unwrap();
        }
        writeln!(text, "k{}", class(&row)).unwrap();
    }
    write(&program.path(&format!("{name}.csv")), &text);
}

#[test]
fn numbers_of_findings_equal_those_numpy_computes_from_the_files() {
    let test = "numbers_of_findings_equal_those_numpy_computes_from_the_files";
    let Some(python) = python(test, "numpy, tomllib") else { return };
    let program = Program::new();
    let meaning = |row: &[f64]| usize::from(row[0] + row[1] * row[2] > 0.0) + usize::from(row[3] > 1.0);
    write_table(&program, "rows", [1.0, 0.0], meaning);
    write_table(&program, "raw", [20.0, 50.0], meaning);
    write_table(&program, "shifted", [1.0, 100.0], meaning);
    write_table(&program, "rare", [1.0, 0.0], |row| usize::from(row[0] > 1.8));
    RUNS.iter().for_each(|run| run.train(&program));
    let mut command = assert_cmd::Command::new(&python);
    command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(program.path(""));
    let output = command.arg(SCRIPT).args(RUNS.iter().map(Run::argument)).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    println!("{text}");
    assert!(output.status.success(), "{text}");
    assert_eq!(text.lines().count(), RUNS.len(), "one line for each finding: {text}");
}
