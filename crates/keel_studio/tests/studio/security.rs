//! Rejected requests.

use serde_json::json;

use crate::client::Server;
use crate::fixture::run;

/// Returns a request head with this host and additional lines.
fn head(method: &str, path: &str, host: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n")
}

#[test]
fn names_that_are_not_the_studios_are_refused_whatever_is_asked_for() {
    let place = tempfile::tempdir().unwrap();
    run(place.path(), "digits", "finished");
    let server = Server::of(place.path());
    let port = server.address.port();
    for path in ["/", "/api/runs", "/api/runs/digits/curves", "/assets/app.js", "/api/runs/events", "/nothing"] {
        for host in ["evil.example", &format!("evil.example:{port}"), "127.0.0.1.evil.example", ""] {
            let answer = server.send(&head("GET", path, host, ""), &[]);
            assert_eq!(answer.status, 403, "{host} {path}: {answer:?}");
        }
    }
    for host in [&format!("localhost:{port}"), "localhost", "127.0.0.1:9", &format!("[::1]:{port}")] {
        assert_eq!(server.send(&head("GET", "/api/runs", host, ""), &[]).status, 200, "{host}");
    }
    let without = server.send("GET /api/runs HTTP/1.1\r\nConnection: close\r\n\r\n", &[]);
    assert!([400, 403].contains(&without.status), "{without:?}");
}

#[test]
fn pages_of_other_origins_can_neither_read_nor_act() {
    let place = tempfile::tempdir().unwrap();
    run(place.path(), "digits", "stopped");
    let server = Server::of(place.path());
    let host = server.address.to_string();
    let body = json!({ "action": "resume", "run": "digits" }).to_string();
    let post = |more: &str| {
        let more = format!("Content-Length: {}\r\n{more}", body.len());
        server.send(&head("POST", "/api/actions", &host, &more), body.as_bytes()).status
    };
    let json = "Content-Type: application/json\r\n";
    for origin in
        ["http://evil.example", "null", "http://127.0.0.1:1", &format!("http://localhost:{}", server.address.port())]
    {
        assert_eq!(post(&format!("{json}Origin: {origin}\r\n")), 403, "{origin}");
        assert_eq!(
            server.send(&head("GET", "/api/runs", &host, &format!("Origin: {origin}\r\n")), &[]).status,
            403,
            "{origin}"
        );
    }
    assert_eq!(post(&format!("{json}Sec-Fetch-Site: cross-site\r\n")), 403);
    // Requests that a form on another page could send without permission.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        assert_eq!(post(&format!("Content-Type: {kind}\r\n")), 415, "{kind}");
    }
    assert_eq!(server.json("/api/jobs"), json!([]), "nothing was started");
    assert_eq!(post(&format!("{json}Origin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n")), 200);
    assert_eq!(server.get("/api/actions").status, 405, "actions are never done by a link");
}

#[test]
fn other_machines_need_the_token() {
    let place = tempfile::tempdir().unwrap();
    run(place.path(), "digits", "finished");
    let server = Server::with(place.path(), Some("127.0.0.1"), &["echo"]);
    let (host, port) = (server.address.to_string(), server.address.port());
    let (_, token) = server.url.split_once("?token=").unwrap();
    for path in [
        "/",
        "/api/runs",
        "/assets/app.js",
        "/api/runs/digits/events",
        "/?token=",
        "/?token=0123456789abcdef0123456789abcdef",
    ] {
        let answer = server.get(path);
        assert!(answer.status == 403 && !answer.body.contains(token), "{path}: {answer:?}");
    }
    let entered = server.get(&format!("/runs/digits?token={token}&a=1"));
    assert_eq!((entered.status, entered.header("location")), (303, Some("/runs/digits?a=1")));
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert!(cookie.contains(&format!("evenkeel_studio_{port}={token}")), "{cookie}");
    assert_eq!(server.send(&head("GET", "/api/runs", &host, &cookie), &[]).status, 200);
    assert_eq!(
        server.send(&head("GET", "/api/runs", "evil.example", &cookie), &[]).status,
        403,
        "a token is not a name"
    );
    assert_eq!(server.json(&format!("/api/runs?token={token}"))["runs"][0]["name"], "digits", "for programs");
    assert_ne!(server.url, Server::with(place.path(), Some("127.0.0.1"), &["echo"]).url);
}

#[test]
fn nothing_outside_the_folder_of_runs_can_be_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("runs");
    std::fs::create_dir(&folder).unwrap();
    run(&folder, "digits", "finished");
    let secret = run(place.path(), "secret", "finished");
    std::fs::write(secret.report(), "secret").unwrap();
    let server = Server::of(&folder);
    let absolute = secret.path().display().to_string().replace('/', "%2F");
    for name in [
        "..%2Fsecret",
        "%2e%2e%2fsecret",
        "..%5Csecret",
        "%2E%2E",
        ".",
        "digits%2F..%2F..%2Fsecret",
        &absolute,
        "digits%00",
        "%ff",
        "..%252Fsecret",
    ] {
        for path in
            [format!("/report/{name}"), format!("/api/runs/{name}/details"), format!("/api/runs/{name}/samples.png")]
        {
            let answer = server.get(&path);
            assert!([400, 404].contains(&answer.status) && !answer.body.contains("\"config\""), "{path}: {answer:?}");
        }
        assert_ne!(server.get(&format!("/assets/{name}")).status, 200, "{name}");
        assert_ne!(server.get(&format!("/experiment/{name}")).status, 200, "{name}");
    }
    for path in ["/../secret/report.html", "//etc/passwd", "/assets/../../Cargo.toml", "/report/digits/../../secret"] {
        assert_ne!(server.get(path).status, 200, "{path}");
    }
}

#[test]
fn bodies_that_are_too_large_are_refused() {
    let place = tempfile::tempdir().unwrap();
    run(place.path(), "digits", "finished");
    let server = Server::of(place.path());
    let large = json!({ "action": "train", "more": ["x".repeat(300_000)] });
    assert_eq!(server.post("/api/actions", &large).status, 413);
    // The declared length is enough to reject it.
    let picture = format!(
        "POST /api/runs/digits/predict HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: {}\r\n",
        33 << 20
    );
    assert_eq!(server.ask(&picture, &[]).status, 413);
    let head = format!("GET /{} HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(1 << 20), server.address);
    assert!(![200, 500].contains(&server.send(&head, &[]).status), "an address without end");
    assert_eq!(
        server.post("/api/runs/digits/predict", &json!("x".repeat(300_000))).status,
        500,
        "echo is not a model, but was called"
    );
}

#[test]
fn every_answer_keeps_pages_to_themselves() {
    let place = tempfile::tempdir().unwrap();
    let digits = run(place.path(), "digits", "finished");
    std::fs::write(digits.report(), "<!DOCTYPE html><script>1</script>").unwrap();
    let server = Server::of(place.path());
    for path in ["/", "/runs/digits", "/api/runs", "/assets/app.js", "/nothing", "/api/runs/absent/curves"] {
        let answer = server.get(path);
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("script-src 'self';")
                && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    let report = server.get("/report/digits");
    let policy = report.header("content-security-policy").unwrap_or_default();
    assert!(
        policy.starts_with("sandbox allow-scripts")
            && !policy.contains("allow-same-origin")
            && !policy.contains("connect-src"),
        "{policy}"
    );
}
