//! A browser controlled over its debugging port, for pages that never finish loading because they listen to server events.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::View;

/// Time limit for starting the browser, and for its responses.
const LIMIT: Duration = Duration::from_secs(60);

/// A browser with one page, closed when dropped.
pub(super) struct Page {
    browser: Child,
    /// Temporary folder with the browser's profile.
    _folder: tempfile::TempDir,
    stream: BufReader<TcpStream>,
    session: String,
    next: u64,
    /// Events that arrived while waiting for a response.
    events: VecDeque<Value>,
}

impl Page {
    /// Starts the browser with an empty page.
    ///
    /// # Panics
    /// Panics if the browser does not start.
    pub(super) fn start(program: &Path, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let profile = folder.path().join("profile");
        let browser = Command::new(program)
            .args(arguments)
            .args([
                format!("--user-data-dir={}", profile.display()).as_str(),
                "--remote-debugging-port=0",
                "about:blank",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let (port, path) = address(&profile.join("DevToolsActivePort"));
        let stream = BufReader::new(connected(port, &path));
        let events = VecDeque::new();
        let mut page = Page { browser, _folder: folder, stream, session: String::new(), next: 0, events };
        let targets = page.ask("Target.getTargets", &json!({}));
        let list = targets["targetInfos"].as_array().cloned().unwrap_or_default();
        let target = list.iter().find(|target| target["type"] == "page").expect("a browser has a page");
        let attached = page.ask("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        attached["sessionId"].as_str().unwrap_or_default().clone_into(&mut page.session);
        ["Page.enable", "Runtime.enable", "Log.enable"]
            .into_iter()
            .for_each(|method| drop(page.ask(method, &json!({}))));
        page
    }

    /// Runs `script` before every page opened from now on.
    pub(super) fn before_pages(&mut self, script: &str) {
        self.ask("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
    }

    /// Uses this view for pages from now on.
    pub(super) fn look(&mut self, view: View) {
        let metrics = json!({ "width": view.width, "height": 1000, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = json!([{ "name": "prefers-color-scheme", "value": view.scheme.name() }]);
        self.ask("Emulation.setEmulatedMedia", &json!({ "features": scheme }));
    }

    /// Opens the page at `address`.
    pub(super) fn open(&mut self, address: &str) {
        self.events.clear();
        self.ask("Page.navigate", &json!({ "url": address }));
    }

    /// Waits until an expression has a value other than null, and returns it.
    ///
    /// # Panics
    /// Panics if it stays null.
    pub(super) fn wait(&mut self, expression: &str) -> Value {
        let began = Instant::now();
        loop {
            let found = self.ask("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
            let value = &found["result"]["value"];
            if !value.is_null() {
                return value.clone();
            }
            assert!(began.elapsed() < LIMIT, "{expression} stays null: {found}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the console messages of the page: those of the browser, of scripts, and uncaught errors.
    pub(super) fn messages(&self) -> Vec<String> {
        let message = |event: &Value| {
            let parameters = &event["params"];
            let words = match event["method"].as_str()? {
                "Log.entryAdded" => format!("{} {}", parameters["entry"]["text"], parameters["entry"]["url"]),
                "Runtime.consoleAPICalled" => parameters["args"].to_string(),
                "Runtime.exceptionThrown" => parameters["exceptionDetails"].to_string(),
                _ => return None,
            };
            Some(words)
        };
        self.events.iter().filter_map(message).collect()
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.next += 1;
        let mut request = json!({ "id": self.next, "method": method, "params": parameters });
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        send(self.stream.get_mut(), &request.to_string());
        loop {
            let answer: Value = serde_json::from_str(&receive(&mut self.stream)).expect("the browser speaks JSON");
            if answer["id"] == self.next {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            if answer["id"].is_null() {
                self.events.push_back(answer);
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}

/// Reads port and path of the browser's debugging service from `file`, which the browser writes.
fn address(file: &Path) -> (u16, String) {
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Some((port, path)) = text.split_once('\n')
            && let Ok(port) = port.parse()
            && !path.is_empty()
        {
            return (port, path.trim().to_owned());
        }
        assert!(began.elapsed() < LIMIT, "the browser does not say where it listens");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Opens a WebSocket connection (RFC 6455).
fn connected(port: u16, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the browser listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit");
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the browser reads");
    let mut reader = BufReader::with_capacity(1, stream.try_clone().expect("the same connection"));
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(reader.read_line(&mut line).expect("the browser answers") > 0, "the browser refuses a connection");
    }
    stream
}

/// Sends a text as one frame. The mask is zero, which leaves the data unchanged.
fn send(stream: &mut TcpStream, text: &str) {
    let mut frame = vec![0x81];
    match text.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    stream.write_all(&frame).expect("the browser reads");
}

/// Receives the next text, assembled from its frames.
fn receive(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head).expect("the browser answers");
        let length = match head[1] & 0x7f {
            126 => number(stream, 2),
            127 => number(stream, 8),
            length => u64::from(length),
        };
        let mut part = vec![0; usize::try_from(length).expect("a message fits the memory")];
        stream.read_exact(&mut part).expect("the browser answers");
        // Text and continuation frames; other frames, such as a ping, are ignored.
        if head[0] & 0x0f <= 1 {
            text.extend(part);
            if head[0] & 0x80 != 0 {
                return String::from_utf8(text).expect("texts are UTF-8");
            }
        }
    }
}

fn number(stream: &mut impl Read, bytes: usize) -> u64 {
    let mut digits = [0; 8];
    stream.read_exact(&mut digits[8 - bytes..]).expect("the browser answers");
    u64::from_be_bytes(digits)
}
