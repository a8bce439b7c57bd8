//! Embedded pages, scripts and style sheets.

use axum::extract::Path;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use keel_lab::{exhibit_script, exhibit_style};
use keel_report::{chart_ticks, page_script, page_style};

use crate::error::Refusal;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// JavaScript modules of the pages, by their import names.
const MODULES: [(&str, &str); 17] = [
    ("actions.js", include_str!("../assets/actions.js")),
    ("app.js", include_str!("../assets/app.js")),
    ("canvas.js", include_str!("../assets/canvas.js")),
    ("compare.js", include_str!("../assets/compare.js")),
    ("curves.js", include_str!("../assets/curves.js")),
    ("dom.js", include_str!("../assets/dom.js")),
    ("form.js", include_str!("../assets/form.js")),
    ("format.js", include_str!("../assets/format.js")),
    ("lab.js", include_str!("../assets/lab.js")),
    ("layers.js", include_str!("../assets/layers.js")),
    ("lines.js", include_str!("../assets/lines.js")),
    ("predict.js", include_str!("../assets/predict.js")),
    ("ridges.js", include_str!("../assets/ridges.js")),
    ("run.js", include_str!("../assets/run.js")),
    ("runs.js", include_str!("../assets/runs.js")),
    ("server.js", include_str!("../assets/server.js")),
    ("words.js", include_str!("../assets/words.js")),
];

/// Returns the single HTML document; its script shows the page for the address.
pub(crate) async fn page() -> Response {
    content("text/html; charset=utf-8", include_str!("../assets/index.html").to_owned())
}

/// Returns a script or a style sheet.
pub(crate) async fn asset(Path(file): Path<String>) -> Result<Response, Refusal> {
    Ok(match file.as_str() {
        "studio.css" => content(STYLE, include_str!("../assets/studio.css").to_owned()),
        "report.css" => content(STYLE, page_style()),
        "exhibit.css" => content(STYLE, exhibit_style().to_owned()),
        "exhibit.js" => content(SCRIPT, exhibit_script().to_owned()),
        "charts.js" => content(SCRIPT, page_script().to_owned()),
        "ticks.js" => content(SCRIPT, format!("{}export {{ number, placeOf, ticks, valueAt }};\n", chart_ticks())),
        _ => {
            let module = MODULES.iter().find(|(name, _)| *name == file);
            let (_, text) = module.ok_or_else(|| Refusal::missing("there is no such file"))?;
            content(SCRIPT, (*text).to_owned())
        }
    })
}

fn content(kind: &'static str, text: String) -> Response {
    const NO_STORE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");
    ([(header::CONTENT_TYPE, kind), NO_STORE], text).into_response()
}
