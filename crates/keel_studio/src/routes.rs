//! Routes of the studio. Files are read and answers computed on separate threads, so that the server never blocks.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::assets::{asset, page};
use crate::catalog;
use crate::comparison::Comparison;
use crate::error::Refusal;
use crate::events::{RunEvents, list_events, run_events};
use crate::guard::guarded;
use crate::jobs::{Action, stop_run};
use crate::lab;
use crate::live::{CurveQuery, Curves, LayerMap};
use crate::predict::{self, Question};
use crate::report;
use crate::runs::RunEntry;
use crate::shared::Shared;

/// Maximum number of bytes of a request.
const REQUEST_BYTES: usize = 256 * 1024;

/// Maximum number of bytes of an image or a table to predict.
const PICTURE_BYTES: usize = 32 * 1024 * 1024;

type Studio = State<Arc<Shared>>;
type Answer = Result<Response, Refusal>;

/// Returns the router with all routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let pages = Router::new()
        .route("/", get(page))
        .route("/runs/{name}", get(page))
        .route("/compare", get(page))
        .route("/new", get(page))
        .route("/actions", get(page))
        .route("/lab", get(page))
        .route("/lab/{experiment}", get(page))
        .route("/assets/{file}", get(asset))
        .route("/report/{name}", get(report_page))
        .route("/experiment/{name}", get(experiment_page))
        .route("/exhibits/{name}", get(exhibit_page));
    let runs = Router::new()
        .route("/", get(runs))
        .route("/events", get(events))
        .route("/{name}/curves", get(curves))
        .route("/{name}/events", get(events_of_run))
        .route("/{name}/layers", get(layers))
        .route("/{name}/map", get(map))
        .route("/{name}/distribution", get(distribution))
        .route("/{name}/parts", get(parts))
        .route("/{name}/details", get(details))
        .route("/{name}/samples.png", get(samples))
        .route("/{name}/predict", bounded(post(predict), PICTURE_BYTES));
    let api = Router::new()
        .route("/compare", get(compare))
        .route("/form", get(form))
        .route("/lab", get(lab_list))
        .route("/exhibit", bounded(post(exhibit), REQUEST_BYTES))
        .route("/actions", bounded(post(act), REQUEST_BYTES))
        .route("/jobs", get(jobs))
        .route("/jobs/{id}", get(job));
    pages
        .nest("/api/runs", runs)
        .nest("/api", api)
        .fallback(|| async { Refusal::missing("there is nothing at this address") })
        .layer(from_fn_with_state(Arc::clone(&shared.guard), guarded))
        .with_state(shared)
}

/// Limits the size of request bodies for a route. A declared length that is too large is rejected before anything is read.
fn bounded(route: MethodRouter<Arc<Shared>>, bytes: usize) -> MethodRouter<Arc<Shared>> {
    route.layer(DefaultBodyLimit::max(bytes)).layer(from_fn_with_state(bytes, within))
}

async fn within(State(bytes): State<usize>, request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match length.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > bytes as u64 => {
            (StatusCode::PAYLOAD_TOO_LARGE, Json(json!({ "error": format!("at most {bytes} bytes are accepted") })))
                .into_response()
        }
        _ => next.run(request).await,
    }
}

/// Runs `work` on a separate thread.
async fn off_thread<T: Send + 'static>(
    shared: Arc<Shared>,
    work: impl FnOnce(&Shared) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = spawn_blocking(move || work(&shared)).await;
    done.unwrap_or_else(|_| Err(Refusal::failed("this answer could not be computed; the studio continues")))
}

fn json_text(text: Arc<str>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response()
}

async fn runs(State(shared): Studio) -> Answer {
    let answer = |shared: &Shared| {
        let runs = shared.listing.runs();
        let runs: Vec<&RunEntry> = runs.values().map(AsRef::as_ref).collect();
        Ok(json!({ "folder": shared.listing.folder(), "runs": runs, "jobs": shared.jobs.views() }))
    };
    Ok(Json(off_thread(shared, answer).await?).into_response())
}

async fn events(State(shared): Studio) -> Response {
    list_events(shared).into_response()
}

async fn events_of_run(State(shared): Studio, Path(name): Path<String>, Query(known): Query<RunEvents>) -> Answer {
    let looked_up = name.clone();
    off_thread(Arc::clone(&shared), move |shared| shared.listing.find(&looked_up).map(drop)).await?;
    Ok(run_events(shared, name, known).into_response())
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default)]
struct CurveRequest {
    points: usize,
    span: Option<f64>,
    from: Option<f64>,
    to: Option<f64>,
}

impl Default for CurveRequest {
    fn default() -> Self {
        CurveRequest { points: 1_200, span: None, from: None, to: None }
    }
}

async fn curves(State(shared): Studio, Path(name): Path<String>, Query(request): Query<CurveRequest>) -> Answer {
    let CurveRequest { points, span, from, to } = request;
    let range = from.zip(to).map(|(from, to)| [from, to]);
    let answer = move |shared: &Shared| {
        let folder = shared.listing.find(&name)?;
        let query = CurveQuery { points, span, range };
        shared.hub.answer(&name, &folder, format!("{query:?}"), |data| Curves::of(data, query))
    };
    Ok(json_text(off_thread(shared, answer).await?))
}

async fn layers(State(shared): Studio, Path(name): Path<String>) -> Answer {
    let answer = move |shared: &Shared| report::layers(shared, &name);
    Ok(json_text(off_thread(shared, answer).await?))
}

#[derive(Debug, Deserialize)]
struct MapRequest {
    measurement: String,
    #[serde(default = "columns")]
    columns: usize,
}

fn columns() -> usize {
    240
}

async fn map(State(shared): Studio, Path(name): Path<String>, Query(request): Query<MapRequest>) -> Answer {
    let MapRequest { measurement, columns } = request;
    let answer = move |shared: &Shared| {
        let folder = shared.listing.find(&name)?;
        let question = format!("map {measurement} {columns}");
        shared.hub.answer(&name, &folder, question, |data| LayerMap::of(data, &measurement, columns))
    };
    Ok(json_text(off_thread(shared, answer).await?))
}

async fn distribution(
    State(shared): Studio,
    Path(name): Path<String>,
    Query(request): Query<report::DistributionRequest>,
) -> Answer {
    Ok(Json(off_thread(shared, move |shared| report::distribution(shared, &name, request)).await?).into_response())
}

async fn parts(State(shared): Studio, Path(name): Path<String>, Query(request): Query<report::PartsRequest>) -> Answer {
    Ok(json_text(off_thread(shared, move |shared| report::parts(shared, &name, &request)).await?))
}

async fn details(State(shared): Studio, Path(name): Path<String>) -> Answer {
    Ok(Json(off_thread(shared, move |shared| report::details(shared, &name)).await?).into_response())
}

async fn samples(State(shared): Studio, Path(name): Path<String>) -> Answer {
    let bytes = off_thread(shared, move |shared| report::samples(shared, &name)).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], bytes).into_response())
}

async fn report_page(State(shared): Studio, Path(name): Path<String>) -> Answer {
    let html = off_thread(shared, move |shared| report::page(shared, &name)).await?;
    Ok(document(html))
}

async fn experiment_page(State(shared): Studio, Path(name): Path<String>, Query(pairs): Query<Pairs>) -> Answer {
    let html = off_thread(shared, move |shared| shared.lab.page(&name, &pairs)).await?;
    Ok(document(html))
}

async fn exhibit_page(State(shared): Studio, Path(name): Path<String>, Query(pairs): Query<Pairs>) -> Answer {
    let html = off_thread(shared, move |_| lab::exhibit_page(&name, lab::language(&pairs))).await?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

async fn exhibit(State(shared): Studio, Json(request): Json<keel_lab::Request>) -> Answer {
    Ok(Json(off_thread(shared, move |shared| shared.lab.answer(&request)).await?).into_response())
}

/// Returns a page with its own script and style.
fn document(html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, crate::guard::DOCUMENT_POLICY),
    ];
    (headers, html).into_response()
}

/// Query parameters; a name may occur several times.
type Pairs = Vec<(String, String)>;

async fn compare(State(shared): Studio, Query(pairs): Query<Pairs>) -> Answer {
    let names: Vec<String> = pairs.into_iter().filter(|(key, _)| key == "run").map(|(_, name)| name).collect();
    let answer = move |shared: &Shared| Comparison::of(&shared.listing, &names);
    Ok(Json(off_thread(shared, answer).await?).into_response())
}

async fn form() -> Response {
    Json(catalog::form()).into_response()
}

async fn lab_list(Query(pairs): Query<Pairs>) -> Response {
    Json(lab::list(lab::language(&pairs))).into_response()
}

async fn act(State(shared): Studio, Json(action): Json<Action>) -> Answer {
    let answer = move |shared: &Shared| {
        match &action {
            Action::Stop { run } => stop_run(&shared.listing.find(run)?)?,
            Action::StopJob { job } => shared.jobs.stop(*job)?,
            _ => {}
        }
        action.words(&shared.listing)?.map(|words| shared.jobs.start(words)).transpose()
    };
    Ok(Json(json!({ "job": off_thread(shared, answer).await? })).into_response())
}

async fn jobs(State(shared): Studio) -> Answer {
    Ok(Json(off_thread(shared, |shared| Ok(shared.jobs.views())).await?).into_response())
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct JobRequest {
    #[serde(default)]
    from: u64,
}

async fn job(State(shared): Studio, Path(id): Path<u64>, Query(request): Query<JobRequest>) -> Answer {
    let output = off_thread(shared, move |shared| shared.jobs.output(id, request.from)).await?;
    Ok(Json(output).into_response())
}

async fn predict(State(shared): Studio, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Answer {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let question = Question::new(kind, body)?;
    Ok(Json(off_thread(shared, move |shared| predict::answer(shared, &name, &question)).await?).into_response())
}
