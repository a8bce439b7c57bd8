//! The list of runs, and comparisons of runs.

use keel_train::Config;
use serde_json::json;

use crate::client::Server;
use crate::fixture::{epoch, run, run_of, step, store, write_summary};

#[test]
fn every_run_is_listed_as_it_stands() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let finished = run(folder, "finished", "finished");
    write_summary(
        &finished,
        "finished",
        json!({ "epochs": 3, "metrics": { "test": { "loss": 0.1, "samples": 10, "accuracy": 0.9 } } }),
    );
    run(folder, "stopped", "stopped");
    let failed = run(folder, "failed", "failed");
    write_summary(&failed, "failed", json!({ "reason": "the loss became NaN" }));
    // Its process is gone: the lock is free, but no end was recorded.
    let killed = run(folder, "killed", "running");
    std::fs::write(killed.lock_file(), "process 1 (`evenkeel train`)").unwrap();
    let running = run(folder, "running", "running");
    let lock = running.lock().unwrap();
    let mut rows = store(&running);
    (1..=250).for_each(|number| rows.step(step(number)));
    rows.epoch(epoch(1, 0.5));
    rows.epoch(epoch(2, 0.75));
    rows.flush().unwrap();
    let damaged = run(folder, "damaged", "finished");
    std::fs::write(damaged.summary(), "{").unwrap();
    let begun = run(folder, "begun", "running");
    std::fs::remove_file(begun.summary()).unwrap();
    // Neither of these is a run.
    std::fs::create_dir(folder.join("notes")).unwrap();
    std::fs::write(folder.join("file.txt"), "").unwrap();

    let server = Server::of(folder);
    let listed = server.json("/api/runs");
    let runs = listed["runs"].as_array().unwrap();
    let found: Vec<(&str, &str)> =
        runs.iter().map(|run| (run["name"].as_str().unwrap(), run["state"].as_str().unwrap())).collect();
    assert_eq!(
        found,
        [
            ("begun", "killed"),
            ("damaged", "unreadable"),
            ("failed", "failed"),
            ("finished", "finished"),
            ("killed", "killed"),
            ("running", "running"),
            ("stopped", "stopped"),
        ]
    );
    let of = |name: &str| runs.iter().find(|run| run["name"] == name).unwrap();
    assert_eq!(of("finished")["score"], json!({ "part": "test", "metric": "accuracy", "value": 0.9 }));
    assert_eq!(of("failed")["reason"], "the loss became NaN");
    let running = of("running");
    assert_eq!(
        (&running["steps"], &running["epochs"], &running["planned_epochs"]),
        (&json!(250), &json!(2), &json!(20))
    );
    assert_eq!(running["score"], json!({ "part": "val", "metric": "accuracy", "value": 0.75 }));
    assert_eq!(running["process"], std::process::id());
    assert!(running["seconds_left"].as_f64().is_some_and(|left| left > 0.0), "{running}");
    assert!(of("killed")["seconds_left"].is_null() && of("finished")["seconds_left"].is_null());

    drop(lock);
    server.wait("/api/runs", |listed| listed["runs"][5]["state"] == "killed");
    rows.close().unwrap();
    std::fs::remove_dir_all(folder.join("stopped")).unwrap();
    server.wait("/api/runs", |listed| listed["runs"].as_array().unwrap().len() == 6);
}

#[test]
fn a_folder_that_appears_later_fills_the_list() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("runs");
    let server = Server::of(&folder);
    assert_eq!(server.json("/api/runs")["runs"], json!([]));
    let mut events = server.listen("/api/runs/events");
    let first = events.next("list");
    assert_eq!((&first["runs"], &first["all"]), (&json!([]), &json!(true)));
    run(&folder, "digits", "finished");
    let news = events.next("list");
    assert_eq!(
        (&news["runs"][0]["name"], &news["removed"], &news["all"]),
        (&json!("digits"), &json!([]), &json!(false))
    );
    std::fs::remove_dir_all(folder.join("digits")).unwrap();
    assert_eq!(events.next("list")["removed"], json!(["digits"]));
}

#[test]
fn runs_are_compared_by_the_settings_that_differ() {
    let place = tempfile::tempdir().unwrap();
    let config = |text: &str| -> Config { keel_train::config::load(None, &[text.to_owned()]).unwrap() };
    run_of(place.path(), "one", "finished", &config("train.epochs=3"));
    run_of(place.path(), "two & more", "finished", &config("train.epochs=5"));
    let server = Server::of(place.path());
    let found = server.json("/api/compare?run=one&run=two%20%26%20more");
    assert_eq!(found["runs"].as_array().unwrap().len(), 2);
    assert_eq!(found["settings"], json!([{ "key": "train.epochs", "values": [3, 5] }]));
    assert_eq!(server.get("/api/compare?run=one&run=absent").status, 404);
}

#[test]
fn the_folder_of_one_run_is_refused_with_the_one_that_holds_it() {
    let place = tempfile::tempdir().unwrap();
    let one = run(place.path(), "digits", "finished");
    let options = |folder: &std::path::Path, port| keel_studio::StudioOptions {
        folder: folder.to_owned(),
        host: None,
        port,
        program: Vec::new(),
    };
    let refused = keel_studio::Studio::bind(options(one.path(), 0)).unwrap_err().to_string();
    assert!(refused.contains("the folder of one run; give the folder that holds it"), "{refused}");
    let server = Server::of(place.path());
    let taken = keel_studio::Studio::bind(options(place.path(), server.address.port())).unwrap_err().to_string();
    assert!(taken.contains("the port is taken") && taken.contains("; choose another one with --port"), "{taken}");
}
