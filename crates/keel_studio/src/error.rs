//! Errors in starting the studio, and in requests.

use std::io;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Reason why the studio does not start or cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum StudioError {
    /// The address does not belong to this machine.
    #[error("cannot listen on {address}: {source}; give an address of this machine, such as 0.0.0.0 for all of them")]
    Address {
        /// Host and port.
        address: String,
        /// Message of the operating system.
        source: io::Error,
    },
    /// Another program listens on the port.
    #[error(
        "cannot listen on {address}: the port is taken, perhaps by another studio; choose another one with --port, or \
         --port 0 for any that is free"
    )]
    PortTaken {
        /// Host and port.
        address: String,
    },
    /// The folder is that of a single run.
    #[error("{folder}: this is the folder of one run; give the folder that holds it, {parent}")]
    OneRun {
        /// Given folder.
        folder: String,
        /// Its parent folder.
        parent: String,
    },
    /// The operating system provides no random numbers for the token.
    #[error("no random numbers for the token of the studio: {0}")]
    Random(getrandom::Error),
    /// The server stopped unexpectedly.
    #[error("the studio cannot continue: {0}")]
    Server(#[from] io::Error),
}

/// Reason why a request is refused, as a sentence with an HTTP status.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    sentence: String,
}

impl Refusal {
    /// Creates the refusal for an item that does not exist.
    pub(crate) fn missing(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::NOT_FOUND, sentence: sentence.to_string() }
    }

    /// Creates the refusal for an invalid request.
    pub(crate) fn wrong(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::BAD_REQUEST, sentence: sentence.to_string() }
    }

    /// Creates the refusal for a client without permission.
    pub(crate) fn forbidden(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::FORBIDDEN, sentence: sentence.to_string() }
    }

    /// Creates the refusal for a request that conflicts with the current state.
    pub(crate) fn conflict(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::CONFLICT, sentence: sentence.to_string() }
    }

    /// Creates the refusal for an unexpected failure.
    pub(crate) fn failed(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, sentence: sentence.to_string() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.sentence }))).into_response()
    }
}
