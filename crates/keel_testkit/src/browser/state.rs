//! Results of the probe.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::View;

/// State of a page as seen by its reader.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PageState {
    /// The page.
    #[serde(skip)]
    pub page: PathBuf,
    /// View of the page.
    #[serde(skip, default = "wide_light")]
    pub view: View,
    /// Errors of scripts, rejected promises and `console.error`, in order.
    pub errors: Vec<String>,
    /// Addresses the page loaded resources from, except itself and `data:`.
    pub requests: Vec<String>,
    /// Width of the visible page in CSS pixels.
    pub client_width: u32,
    /// Width of the content; larger than `client_width` if the page has to be scrolled sideways.
    pub scroll_width: u32,
    /// Height of the content.
    pub scroll_height: u32,
    /// Elements that extend beyond the right edge of the page and are not inside a scrolling box.
    pub overflowing: Vec<String>,
    /// Texts whose contrast with their background is below 3 to 1.
    pub faint: Vec<String>,
    /// Every `svg` element, in order.
    pub charts: Vec<Chart>,
    /// Result of the test's script.
    pub result: Value,
}

/// One `svg` element.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Chart {
    /// `aria-label`, or else the class.
    pub label: String,
    /// Number of paths, polylines, rectangles, circles, lines and images in it.
    pub marks: u32,
    /// Attributes with `NaN`, `Infinity`, `undefined` or `null` instead of a number.
    pub bad: Vec<String>,
}

impl PageState {
    /// Returns all problems of a page, one sentence each: script errors, external requests, sideways scrolling,
    /// low-contrast text, and charts that are empty or have non-numeric coordinates.
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.errors.iter().map(|error| format!("script error: {error}")).collect();
        problems.extend(self.requests.iter().map(|address| format!("request to {address}")));
        if self.scroll_width > self.client_width {
            let (content, page) = (self.scroll_width, self.client_width);
            problems.push(format!("content is {content} wide, the page {page}: {}", self.overflowing.join(", ")));
        }
        problems.extend(self.faint.iter().map(|text| format!("faint text: {text}")));
        for chart in &self.charts {
            if chart.marks == 0 {
                problems.push(format!("chart {:?} is empty", chart.label));
            }
            problems.extend(chart.bad.iter().map(|attribute| format!("chart {:?}: {attribute}", chart.label)));
        }
        problems
    }
}

impl fmt::Display for PageState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, scheme) = (self.view.width, self.view.scheme.name());
        write!(formatter, "{}, {width} pixels wide, {scheme}", self.page.display())
    }
}

/// Parses the results that the probes of `frames` left in the framing document; fails for the first page without one.
pub(super) fn from_dom(dom: &str, frames: &[(PathBuf, View)]) -> Result<Vec<PageState>, String> {
    let read = |(index, (page, view)): (usize, &(PathBuf, View))| {
        let element = dom.split("<iframe ").find(|text| text.starts_with(&format!("name=\"{index}\"")));
        let state =
            element.and_then(|text| text.split_once("data-state=\"")).and_then(|(_, text)| text.split_once('"'));
        let state = state.and_then(|(text, _)| serde_json::from_str(&unescaped(text)).ok());
        let state: PageState = state.ok_or_else(|| page.display().to_string())?;
        Ok(PageState { page: page.clone(), view: *view, ..state })
    };
    frames.iter().enumerate().map(read).collect()
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}");
    text.replace("&amp;", "&")
}

fn wide_light() -> View {
    View::WIDE_LIGHT
}
