//! A client that sends exactly the given bytes, and a studio for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use keel_studio::{Studio, StudioOptions};
use serde_json::Value;

/// A studio on a separate thread, stopped when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a studio of the runs in `folder`.
    pub(crate) fn of(folder: &Path) -> Self {
        Server::with(folder, None, &["echo"])
    }

    /// Starts a studio on `host` that runs `program`.
    pub(crate) fn with(folder: &Path, host: Option<&str>, program: &[&str]) -> Self {
        let (host, program) = (host.map(str::to_owned), program.iter().map(Into::into).collect());
        let studio = Studio::bind(StudioOptions { folder: folder.to_owned(), host, port: 0, program }).unwrap();
        let (address, url, stop) = (studio.address(), studio.url(), Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&stop);
        let thread = Some(std::thread::spawn(move || studio.run(&flag).unwrap()));
        Server { address, url, stop, thread }
    }

    /// Sends `request` with `Host` and `Connection` headers added, and reads the answer.
    pub(crate) fn ask(&self, request: &str, body: &[u8]) -> Answer {
        let head = format!("{request}Host: {}\r\nConnection: close\r\n\r\n", self.address);
        self.send(&head, body)
    }

    /// Sends a request head unchanged, followed by `body`.
    pub(crate) fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // A server that rejects a body need not read it.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Answer::parse(&bytes)
    }

    /// Returns the answer to `GET path`.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), &[])
    }

    /// Returns the JSON at `path`.
    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Posts JSON.
    pub(crate) fn post(&self, path: &str, document: &Value) -> Answer {
        let body = document.to_string();
        let head =
            format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        self.ask(&head, body.as_bytes())
    }

    /// Listens to the events at `path`.
    pub(crate) fn listen(&self, path: &str) -> Events {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).as_bytes()).unwrap();
        Events { lines: BufReader::new(stream) }
    }

    /// Repeats the request until `holds`, for at most twenty seconds.
    pub(crate) fn wait(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let found = self.json(path);
            if holds(&found) {
                return found;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{path}: {found:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the studio ends cleanly");
    }
}

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let answer = Answer { status, head: head.to_owned(), body: body.to_owned() };
        assert_ne!(answer.header("transfer-encoding"), Some("chunked"), "answers have a length");
        answer
    }

    /// Returns the header `name`, given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = |line: &'_ str| {
            let at = line.find(':')?;
            line[..at].eq_ignore_ascii_case(name).then_some(at + 1)
        };
        self.head.lines().find_map(|line| value(line).map(|at| line[at..].trim()))
    }
}

/// Stream of events.
pub(crate) struct Events {
    lines: BufReader<TcpStream>,
}

impl Events {
    /// Returns the next event of this name.
    pub(crate) fn next(&mut self, name: &str) -> Value {
        let mut event = String::new();
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).unwrap_or_else(|error| panic!("no event {name}: {error}"));
            assert!(read > 0, "the server has ended the events");
            if let Some(found) = line.strip_prefix("event: ") {
                event = found.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data: ")
                && event == name
            {
                return serde_json::from_str(data.trim()).unwrap();
            }
        }
    }
}
