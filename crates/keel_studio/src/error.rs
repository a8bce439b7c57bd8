//! Errors of the start of the studio, and of requests.

use std::io;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Reason why the studio does not start or cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum StudioError {
    /// The address does not belong to this machine, or to no machine at all.
    #[error("cannot listen on {address}: {source}; give an address of this machine, such as 0.0.0.0 for all of them")]
    Address {
        /// Host and port.
        address: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Another program listens there.
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
        /// The folder that was given.
        folder: String,
        /// The one it lies in.
        parent: String,
    },
    /// The system gives no random numbers for the token.
    #[error("no random numbers for the token of the studio: {0}")]
    Random(getrandom::Error),
    /// The server ended by itself.
    #[error("the studio cannot continue: {0}")]
    Server(#[from] io::Error),
}

/// Why a request is not answered, as a sentence with the status of HTTP that goes with it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    sentence: String,
}

impl Refusal {
    /// The requested item does not exist.
    pub(crate) fn missing(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::NOT_FOUND, sentence: sentence.to_string() }
    }

    /// The request is invalid.
    pub(crate) fn wrong(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::BAD_REQUEST, sentence: sentence.to_string() }
    }

    /// Request from a client without the right to make it.
    pub(crate) fn forbidden(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::FORBIDDEN, sentence: sentence.to_string() }
    }

    /// It cannot be done as things stand.
    pub(crate) fn conflict(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::CONFLICT, sentence: sentence.to_string() }
    }

    /// It should have worked.
    pub(crate) fn failed(sentence: impl ToString) -> Self {
        Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, sentence: sentence.to_string() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.sentence }))).into_response()
    }
}
