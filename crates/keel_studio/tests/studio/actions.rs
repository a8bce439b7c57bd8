//! Commands started from a page.

use serde_json::json;

use crate::client::Server;
use crate::fixture::run;

#[test]
fn an_action_is_the_program_with_arguments_and_its_output_can_be_read() {
    let place = tempfile::tempdir().unwrap();
    let odd = "a $(touch x); 'b' \"c\" --d";
    let folder = run(place.path(), odd, "stopped");
    let server = Server::with(place.path(), None, &["printf", "[%s]\\n"]);
    let answer = server.post("/api/actions", &json!({ "action": "resume", "run": odd }));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let done = server.wait("/api/jobs/1", |output| output["job"]["state"] == "done");
    assert_eq!(
        done["text"],
        format!("[train]\n[--resume]\n[{}]\n", folder.path().display()),
        "each word is one argument"
    );
    assert_eq!((&done["job"]["action"], &done["job"]["run"]), (&json!("resume"), &json!(odd)));
    let next = done["next"].as_u64().unwrap();
    let rest = server.json(&format!("/api/jobs/1?from={next}"));
    assert_eq!((&rest["text"], &rest["next"], &rest["more"]), (&json!(""), &json!(next), &json!(false)));
    assert_eq!(
        server.json("/api/jobs/1?from=9")["text"],
        "--resume]\n".to_owned() + done["text"].as_str().unwrap().split_at(19).1
    );
    assert_eq!(server.get("/api/jobs/2").status, 404);
    let listed = server.listen("/api/runs/events").next("list");
    assert_eq!(listed["jobs"][0]["state"], "done");
}

#[test]
fn actions_on_what_is_not_there_are_refused_with_a_sentence() {
    let place = tempfile::tempdir().unwrap();
    run(place.path(), "digits", "finished");
    let server = Server::of(place.path());
    for (action, status, expected) in [
        (json!({ "action": "resume", "run": "../digits" }), 404, "there is no run"),
        (json!({ "action": "stop", "run": "digits" }), 409, "no process is training this run"),
        (json!({ "action": "stop_job", "job": 7 }), 404, "there is no action 7"),
        (json!({ "action": "prove", "run": "digits", "code": "K999" }), 400, "K999"),
        (json!({ "action": "shell", "run": "digits" }), 422, "unknown variant"),
        (json!({ "action": "train", "settings": { "train epochs": 1 } }), 400, "not the key of a setting"),
    ] {
        let answer = server.post("/api/actions", &action);
        assert!(answer.status == status && answer.body.contains(expected), "{action}: {answer:?}");
    }
    assert_eq!(server.json("/api/jobs"), json!([]));
}

#[cfg(unix)]
#[test]
fn a_job_is_stopped_and_at_most_a_few_run_at_a_time() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::with(
        place.path(),
        None,
        &["sh", "-c", "trap 'echo stopped; exit 1' INT; echo begun; while :; do sleep 0.05; done"],
    );
    let start = || server.post("/api/actions", &json!({ "action": "train" })).status;
    assert_eq!((0..9).map(|_| start()).collect::<Vec<_>>(), [200, 200, 200, 200, 200, 200, 200, 200, 409]);
    for id in 1..=8 {
        server.wait(&format!("/api/jobs/{id}"), |output| output["text"] == "begun\n");
        assert_eq!(server.post("/api/actions", &json!({ "action": "stop_job", "job": id })).status, 200);
    }
    for id in 1..=8 {
        let ended = server.wait(&format!("/api/jobs/{id}"), |output| output["job"]["state"] == "findings");
        assert_eq!(ended["text"], "begun\nstopped\n");
    }
    assert_eq!(server.post("/api/actions", &json!({ "action": "stop_job", "job": 1 })).status, 409);
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_does_not_hold_the_lock_is_not_stopped() {
    let place = tempfile::tempdir().unwrap();
    let folder = run(place.path(), "digits", "running");
    let _lock = folder.lock().unwrap();
    // An unrelated process number, as from another machine that shares the folder.
    let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    std::fs::write(folder.lock_file(), format!("process {} (`evenkeel train`)\n", other.id())).unwrap();
    let server = Server::of(place.path());
    let answer = server.post("/api/actions", &json!({ "action": "stop", "run": "digits" }));
    assert!(answer.status == 409 && answer.body.contains("another machine"), "{answer:?}");
    assert!(other.try_wait().unwrap().is_none(), "it goes on");
    other.kill().unwrap();
    other.wait().unwrap();
}
