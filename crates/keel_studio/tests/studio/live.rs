//! A run observed while it trains.

use keel_train::runs::{HistogramRecord, MetricStore, Rows};
use serde_json::{Value, json};

use crate::client::Server;
use crate::fixture::{epoch, layer, run, step, store};

#[test]
fn new_points_arrive_and_a_resumption_resets_them() {
    let place = tempfile::tempdir().unwrap();
    let folder = run(place.path(), "live", "running");
    let _lock = folder.lock().unwrap();
    let mut rows = store(&folder);
    (1..=300).for_each(|number| rows.step(step(number)));
    rows.flush().unwrap();
    let server = Server::of(place.path());
    let curves = server.json("/api/runs/live/curves");
    assert_eq!((&curves["last_step"], &curves["steps"]), (&json!(300), &json!(300)));
    let generation = curves["generation"].as_u64().unwrap();
    let mut events = server.listen(&format!("/api/runs/live/events?generation={generation}&after=300&epochs=0"));
    let first = events.next("news");
    assert_eq!(
        (&first["reset"], &first["step"], &first["run"]["state"]),
        (&json!(false), &json!([]), &json!("running"))
    );
    (301..=310).for_each(|number| rows.step(step(number)));
    rows.epoch(epoch(1, 0.5));
    rows.flush().unwrap();
    let news = next_with_steps(&mut events);
    assert_eq!(news["step"], json!((301..=310).collect::<Vec<u64>>()));
    assert_eq!(news["loss"][0], json!(1.0 / 301.0));
    assert_eq!((&news["last_step"], &news["reduced"]), (&json!(310), &json!(false)));
    assert_eq!((&news["epochs"][0]["accuracy"], &news["epochs"][0]["part"]), (&json!(0.5), &json!("val")));

    // Many steps at once are reduced without losing the extremes.
    (311..=9_000).for_each(|number| rows.step(step(number)));
    rows.close().unwrap();
    let news = next_with_steps(&mut events);
    let steps = news["step"].as_array().unwrap();
    assert!(news["reduced"] == json!(true) && steps.len() <= 500, "{}", steps.len());
    assert_eq!((&steps[0], &news["last_step"]), (&json!(311), &json!(9_000)));

    // A run resumed from an earlier checkpoint repeats its later steps.
    let mut rows = MetricStore::open(&folder.metrics(), Rows { step: 200, epoch: 0, findings: 0 }).unwrap();
    (201..=205).for_each(|number| rows.step(step(number)));
    rows.flush().unwrap();
    let news = loop {
        let news = events.next("news");
        if news["reset"] == json!(true) {
            break news;
        }
    };
    assert_ne!(news["generation"], json!(generation));
    assert_eq!(server.wait("/api/runs/live/curves", |curves| curves["last_step"] == 205)["epochs"], json!([]));
}

fn next_with_steps(events: &mut crate::client::Events) -> Value {
    loop {
        let news = events.next("news");
        if news["step"].as_array().is_some_and(|steps| !steps.is_empty()) {
            return news;
        }
    }
}

#[test]
fn a_listener_who_has_other_points_is_told_to_ask_again_and_of_a_run_that_is_gone() {
    let place = tempfile::tempdir().unwrap();
    let folder = run(place.path(), "live", "running");
    let server = Server::of(place.path());
    let mut events = server.listen("/api/runs/live/events?generation=1&after=100");
    assert_eq!(events.next("news")["reset"], json!(true));
    std::fs::remove_dir_all(folder.path()).unwrap();
    events.next("gone");
    assert_eq!(server.get("/api/runs/live/events").status, 404);
}

#[test]
fn layers_are_mapped_in_the_order_of_the_network_and_distributions_are_chosen_evenly() {
    let place = tempfile::tempdir().unwrap();
    let folder = run(place.path(), "layers", "finished");
    let mut rows = store(&folder);
    for number in 1..=100_u64 {
        let value = number as f64 / 100.0;
        rows.layers(vec![
            layer(number * 10, "activation_1", "dead_fraction", value),
            layer(number * 10, "conv2d_1", "dead_fraction", if number == 1 { f64::NAN } else { 0.0 }),
            layer(number * 10, "conv2d_1", "weight_norm", 1.0),
        ]);
        rows.histograms(vec![HistogramRecord {
            step: number * 10,
            layer: "activation_1".to_owned(),
            name: "output".to_owned(),
            low: -1.0,
            high: value,
            counts: vec![number, 1],
        }]);
    }
    rows.close().unwrap();
    let server = Server::of(place.path());
    let known = server.json("/api/runs/layers/layers");
    assert_eq!(known["measurements"], json!(["dead_fraction", "weight_norm"]));
    assert_eq!(known["tensors"], json!([{ "layer": "activation_1", "name": "output" }]));
    let map = server.json("/api/runs/layers/map?measurement=dead_fraction&columns=50");
    assert_eq!(map["layers"], json!(["conv2d_1", "activation_1"]), "convolution first, as in the network");
    assert_eq!((&map["steps"][0], &map["measured"][0]), (&json!([10, 20]), &json!(2)));
    assert_eq!(
        (&map["values"][0][0], map["values"][1].as_array().unwrap().len()),
        (&json!(0.0), 50),
        "the mean of what is finite"
    );
    let last = map["values"][1][49].as_f64().unwrap();
    assert!((last - 0.995).abs() < 1e-6, "{last}");
    assert_eq!(server.json("/api/runs/layers/map?measurement=no_such")["layers"], json!([]));
    let ridges = server.json("/api/runs/layers/distribution?layer=activation_1&name=output&rows=5");
    assert_eq!((&ridges["taken"], &ridges["range"]), (&json!(100), &json!([-1.0, 1.0])));
    let steps: Vec<u64> =
        ridges["ridges"].as_array().unwrap().iter().map(|ridge| ridge["step"].as_u64().unwrap()).collect();
    assert_eq!((steps.len(), steps[0], steps[4]), (5, 10, 1_000));
    let none = server.json("/api/runs/layers/distribution?layer=activation_1&name=absent");
    assert_eq!(none["ridges"], json!([]));
}

#[test]
fn a_run_without_a_database_is_empty_and_a_damaged_one_is_refused() {
    let place = tempfile::tempdir().unwrap();
    run(place.path(), "new", "running");
    let damaged = run(place.path(), "damaged", "finished");
    std::fs::write(damaged.metrics(), "no database at all, but long enough to have a header ".repeat(5)).unwrap();
    let server = Server::of(place.path());
    assert_eq!(server.json("/api/runs/new/curves")["steps"], json!(0));
    let refused = server.get("/api/runs/damaged/curves");
    assert!(refused.status == 409 && refused.body.contains("metrics.sqlite"), "{refused:?}");
}
