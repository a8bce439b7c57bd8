//! Measurements as JSON lines, from any framework.

use std::io::BufReader;

/// Reads the lines as `diagnose` does; every finding can be written.
pub fn measurements(input: &[u8]) {
    if let Ok(findings) = keel_health::diagnose(BufReader::new(input)) {
        let text = serde_json::to_string(&findings).expect("findings can be written");
        assert!(text.starts_with('['));
    }
}
