//! `studio`: real training runs watched, stopped, resumed, killed and asked through a page's requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keel_testkit::browser::{Browser, View};
use serde_json::{Value, json};

use crate::program::Program;

/// A training run that continues until it is stopped.
const LONG: [&str; 9] = [
    "train",
    "--set",
    "train.epochs=100000",
    "--set",
    "model.preset=mlp",
    "--set",
    "run.name=long",
    "--set",
    "train.threads=1",
];

/// The studio as a process of its own.
struct Studio {
    process: Child,
    address: String,
}

impl Studio {
    fn start(program: &Program, arguments: &[&str]) -> Self {
        let mut command = std_command(program, &[&["studio", "--port", "0"], arguments].concat());
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        Studio { process, address }
    }

    /// The JSON that answers a request.
    fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn get(&self, path: &str) -> Value {
        let (status, found) = self.ask("GET", path, "text/plain", &[]);
        assert_eq!(status, 200, "{path}: {found}");
        found
    }

    fn act(&self, action: &Value) -> Value {
        let (status, done) = self.ask("POST", "/api/actions", "application/json", action.to_string().as_bytes());
        assert_eq!(status, 200, "{action}: {done}");
        done
    }

    /// The run `name`, once `holds`.
    fn run(&self, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let listed = self.get("/api/runs");
            let found = listed["runs"].as_array().unwrap().iter().find(|run| run["name"] == name).cloned();
            if let Some(run) = found.clone().filter(&holds) {
                return run;
            }
            assert!(began.elapsed() < Duration::from_secs(90), "{found:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn std_command(program: &Program, arguments: &[&str]) -> Command {
    let mut command = program.process();
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

#[cfg(unix)]
fn interrupt(process: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_training_of_another_process_is_stopped_resumed_and_seen_to_be_killed() {
    let program = Program::new();
    let mut training = std_command(&program, &LONG).stdout(Stdio::null()).spawn().unwrap();
    let mut studio = Studio::start(&program, &[]);
    let running = studio.run("long", |run| run["state"] == "running" && run["steps"].as_u64() > Some(20));
    assert_eq!((&running["process"], &running["data"]), (&json!(training.id()), &json!("digits")));
    assert!(running["seconds_left"].as_f64() > Some(0.0) && running["planned_epochs"] == 100_000, "{running}");

    studio.act(&json!({ "action": "stop", "run": "long" }));
    assert!(training.wait().unwrap().success(), "as after Ctrl-C");
    let stopped = studio.run("long", |run| run["state"] == "stopped");
    assert!(studio.get("/api/runs/long/details")["resumable"] == true);

    let job = studio.act(&json!({ "action": "resume", "run": "long" }))["job"].clone();
    let resumed =
        studio.run("long", |run| run["state"] == "running" && run["steps"].as_u64() > stopped["steps"].as_u64());
    assert_eq!(resumed["process"], job["process"]);
    assert!(studio.get("/api/jobs/1")["text"].as_str().unwrap().contains("resumed     after step"));
    studio.act(&json!({ "action": "stop_job", "job": 1 }));
    studio.run("long", |run| run["state"] == "stopped");

    let again = studio.act(&json!({ "action": "resume", "run": "long" }))["job"]["process"].as_u64().unwrap();
    studio.run("long", |run| run["state"] == "running" && run["process"] == again);
    interrupt(again as u32, "-KILL");
    let killed = studio.run("long", |run| run["state"] == "killed");
    assert!(killed["seconds_left"].is_null() && killed["process"].is_null(), "{killed}");

    interrupt(studio.process.id(), "-INT");
    assert_eq!(studio.process.wait().unwrap().code(), Some(0), "Ctrl-C ends it cleanly");
}

#[cfg(unix)]
#[test]
fn a_training_that_was_started_from_a_page_outlives_the_studio() {
    let program = Program::new();
    let mut studio = Studio::start(&program, &[]);
    let settings =
        json!({ "train.epochs": 100_000, "model.preset": "mlp", "run.name": "from a page", "train.threads": 1 });
    studio.act(&json!({ "action": "train", "settings": settings }));
    let run = studio.run("from a page", |run| run["state"] == "running" && run["steps"].as_u64() > Some(20));
    assert_eq!(studio.get("/api/jobs")[0]["run"], "from a page", "as it says itself");
    interrupt(studio.process.id(), "-INT");
    studio.process.wait().unwrap();
    let next = Studio::start(&program, &["runs"]);
    next.run("from a page", |later| later["state"] == "running" && later["steps"].as_u64() > run["steps"].as_u64());
    next.act(&json!({ "action": "stop", "run": "from a page" }));
    next.run("from a page", |run| run["state"] == "stopped");
}

#[test]
fn a_row_and_a_picture_are_predicted_as_the_command_does() {
    let program = Program::new();
    let rows: String = (0..120)
        .map(|row| format!("{},{},{}\n", row % 10, row % 7, if row % 10 > 4 { "high" } else { "low" }))
        .collect();
    std::fs::write(program.path("table.csv"), format!("level,noise,class\n{rows}")).unwrap();
    program
        .run(&["train", "table.csv", "--target", "class", "--set", "run.name=table", "--set", "train.epochs=5"])
        .succeeded();
    let studio = Studio::start(&program, &[]);
    let (status, found) =
        studio.ask("POST", "/api/runs/table/predict", "application/json", br#"{"level": 9, "noise": 1}"#);
    assert_eq!(status, 200, "{found}");
    std::fs::write(program.path("row.jsonl"), r#"{"level": 9, "noise": 1}"#).unwrap();
    let command = program.run(&["predict", "runs/table", "row.jsonl", "--json"]).json();
    assert_eq!(found["predictions"][0]["probabilities"], command[0]["probabilities"]);
    let (status, refused) = studio.ask("POST", "/api/runs/table/predict", "application/json", br#"{"levle": 9}"#);
    let sentence = refused["error"].as_str().unwrap();
    assert!(status == 400 && sentence.contains("level") && !sentence.contains("/evenkeel-input-"), "{sentence}");
    let (status, _) = studio.ask("POST", "/api/runs/table/predict", "text/html", b"x");
    assert_eq!(status, 400);
    let details = studio.get("/api/runs/table/details");
    assert_eq!((&details["input"], details["columns"].as_array().unwrap().len()), (&json!("row"), 3));
}

#[test]
fn a_port_that_is_taken_and_a_folder_that_is_missing_are_refused_with_the_next_step() {
    let program = Program::new();
    let studio = Studio::start(&program, &[]);
    let (_, port) = studio.address.rsplit_once(':').unwrap();
    program.run(&["studio", "--port", port]).refused(&["the port is taken", "--port 0"]);
    program
        .run(&["studio", "absent"])
        .refused(&["absent: there is no such folder", "Name the folder that holds your runs"]);
    program
        .run(&["studio", "--port", "0", "--host", "192.0.2.1"])
        .refused(&["cannot listen on 192.0.2.1:0", "0.0.0.0"]);
}

#[test]
fn every_page_is_shown_by_a_browser_without_an_error() {
    let Some(browser) = Browser::or_skip("every_page_is_shown_by_a_browser_without_an_error") else { return };
    let program = Program::new();
    for name in ["one", "two"] {
        let name = format!("run.name={name}");
        let settings = ["train.epochs=2", "model.preset=mlp", "health.level=full", &name];
        let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        program.run(&[&["train"], arguments.as_slice()].concat()).succeeded();
    }
    let mut training = std_command(&program, &LONG).stdout(Stdio::null()).spawn().unwrap();
    let studio = Studio::start(&program, &[]);
    studio.run("long", |run| run["state"] == "running" && run["steps"].as_u64() > Some(20));
    let pages = [
        ("", vec!["one", "two", "long", "running", "finished"]),
        (
            "runs/one",
            vec![
                "batches, smoothed",
                "Share of dead units",
                "ridges from step",
                "Most often confused",
                "The resolved config",
            ],
        ),
        ("runs/long", vec!["batches, smoothed", "Share of dead units", "time left, about", "Stop"]),
        ("compare?run=one&run=two", vec!["training loss, smoothed", "All settings are the same."]),
        ("new", vec!["train.batch_size", "Number of passes over the training split."]),
        ("actions", vec!["Nothing has been started"]),
        ("lab", vec!["Batch normalisation"]),
    ];
    let addresses: Vec<String> = pages.iter().map(|(path, _)| format!("http://{}/{path}", studio.address)).collect();
    let script = format!(
        "const wanted = {}[location.pathname.slice(1) + location.search] ?? [];\
         const lacks = () => wanted.filter(text => !document.body.innerText.includes(text));\
         for (let tries = 0; lacks().length > 0 && tries < 400; tries += 1) await new Promise(done => setTimeout(done, 100));\
         await new Promise(done => setTimeout(done, 1200));\
         return lacks()",
        serde_json::to_string(
            &pages.iter().map(|(path, texts)| (*path, texts)).collect::<std::collections::BTreeMap<_, _>>()
        )
        .unwrap()
    );
    for state in browser.visit(&addresses, &[View::WIDE_LIGHT, View::NARROW_DARK], &script) {
        assert_eq!(state.problems(), Vec::<String>::new(), "{state}");
        assert_eq!(state.result, json!([]), "{state}");
    }
    let _ = training.kill();
    let _ = training.wait();
}
