//! Headless browser for tests of pages; returns the visible content as data.
//!
//! ```no_run
//! use keel_testkit::browser::{Browser, View};
//!
//! let Some(browser) = Browser::or_skip("the_page_is_drawn") else { return };
//! for seen in browser.open(&["report.html"], &View::ALL, "return document.title") {
//!     assert_eq!(seen.problems(), Vec::<String>::new(), "{seen}");
//!     assert_eq!(seen.result, "My report");
//! }
//! ```
//!
//! All pages are shown in all views by one browser, each in a frame with the view's width and colour scheme: starting
//! the browser is slow, and a frame can be narrower than the browser's smallest window. A probe that runs before the
//! page's own scripts collects script errors and external requests, runs the test's script once the page has loaded,
//! and then measures charts, overflow and contrast.

mod devtools;
mod program;
mod state;

use std::path::{Path, PathBuf};

use crate::skipping::skipped;

pub use state::{Chart, PageState};

const PROBE: &str = include_str!("probe.js");

/// Options for a headless browser that behaves the same on every machine.
const PLAIN: [&str; 5] =
    ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"];

/// Virtual time in milliseconds before the result is taken; the browser skips idle time.
const PAGE_MILLISECONDS: u32 = 20_000;

/// Colour scheme requested by the reader's system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourScheme {
    /// Dark text on a light background.
    Light,
    /// Light text on a dark background.
    Dark,
}

impl ColourScheme {
    /// Returns the name in CSS.
    pub fn name(self) -> &'static str {
        match self {
            ColourScheme::Light => "light",
            ColourScheme::Dark => "dark",
        }
    }
}

/// View of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Width of the page in CSS pixels.
    pub width: u32,
    /// Colour scheme.
    pub scheme: ColourScheme,
}

impl View {
    /// Desktop, light.
    pub const WIDE_LIGHT: View = View { width: 1280, scheme: ColourScheme::Light };
    /// Desktop, dark.
    pub const WIDE_DARK: View = View { width: 1280, scheme: ColourScheme::Dark };
    /// Phone, light.
    pub const NARROW_LIGHT: View = View { width: 400, scheme: ColourScheme::Light };
    /// Phone, dark.
    pub const NARROW_DARK: View = View { width: 400, scheme: ColourScheme::Dark };
    /// All four views.
    pub const ALL: [View; 4] = [View::WIDE_LIGHT, View::WIDE_DARK, View::NARROW_LIGHT, View::NARROW_DARK];
}

/// A Chromium or Chrome installed on this machine.
#[derive(Debug, Clone)]
pub struct Browser {
    program: PathBuf,
}

impl Browser {
    /// Returns the program named by `EVENKEEL_BROWSER`, or else the first Chromium or Chrome on `PATH`.
    pub fn find() -> Option<Self> {
        program::find().map(|program| Browser { program })
    }

    /// Like [`Browser::find`], but reports on standard error that `test` is skipped if there is none.
    pub fn or_skip(test: &str) -> Option<Self> {
        let browser = Self::find();
        if browser.is_none() {
            skipped(test, "no chromium or chrome on PATH, nor named by EVENKEEL_BROWSER");
        }
        browser
    }

    /// Opens each of `pages` (HTML files) in each of `views` and returns the visible content, ordered by page and then
    /// by view. `script` runs in each page after loading: it is the body of an async function whose result must be
    /// representable as JSON; it may be empty.
    ///
    /// # Panics
    /// Panics if a page cannot be read, the browser does not start, or a page never finishes loading.
    pub fn open<P: AsRef<Path>>(&self, pages: &[P], views: &[View], script: &str) -> Vec<PageState> {
        let folder = Frames::new(pages, views, script);
        let arguments = ["--window-size=1400,1000".to_owned(), "--dump-dom".to_owned()];
        let dom = program::run(&self.program, &folder.arguments(&arguments), folder.path());
        let states = state::from_dom(&dom, &folder.frames);
        states.unwrap_or_else(|missing| panic!("{missing}: the page never finished loading"))
    }

    /// Opens each of `addresses`, served by a server, in each of `views` and returns the visible content, like
    /// [`Browser::open`]; console messages of a page count as errors as well. `script` may wait for later content.
    ///
    /// # Panics
    /// Panics if the browser does not start or `script` never ends.
    pub fn visit(&self, addresses: &[String], views: &[View], script: &str) -> Vec<PageState> {
        let mut page = devtools::Page::start(&self.program, &PLAIN);
        // An empty page is loaded between two pages.
        let there = format!("if (location.protocol === 'about:') return null; {script}");
        let listener = "addEventListener('message', message => { window.seen = message.data?.[1] ?? null });";
        page.before_pages(&format!("{listener}{}", PROBE.replace("/*SCRIPT*/", &there)));
        let mut states = Vec::new();
        for address in addresses {
            for &view in views {
                page.look(view);
                page.open("about:blank");
                page.open(address);
                let seen = page.wait("location.href === 'about:blank' ? null : window.seen ?? null");
                let mut state: PageState = serde_json::from_str(seen.as_str().unwrap_or_default())
                    .unwrap_or_else(|error| panic!("{address}: {error}"));
                let host = address.split('/').take(3).collect::<Vec<_>>().join("/");
                state.requests.retain(|request| !request.starts_with(&host));
                state.errors.extend(page.messages());
                states.push(PageState { page: PathBuf::from(address), view, ..state });
            }
        }
        states
    }

    /// Writes a PNG screenshot of the page to `picture`, `view.width` wide and as tall as the page, up to 16,000
    /// pixels. Narrow pages have an empty margin on the right, since no window is narrower than 500 pixels.
    ///
    /// # Panics
    /// Panics under the same conditions as [`Browser::open`], or if the screenshot cannot be written.
    pub fn screenshot(&self, page: &Path, view: View, picture: &Path) {
        let height = self.open(&[page], &[view], "")[0].scroll_height.clamp(200, 16_000);
        let folder = Frames::new(&[page], &[view], "");
        let picture = std::path::absolute(picture).expect("the path of the picture");
        let (width, picture_argument) = (view.width, format!("--screenshot={}", picture.display()));
        let arguments = [format!("--window-size={width},{height}"), picture_argument];
        program::run(&self.program, &folder.arguments(&arguments), folder.path());
        assert!(picture.is_file(), "no picture was written to {}", picture.display());
    }
}

impl Browser {
    /// Prints the page and returns the number of A4 sheets.
    ///
    /// # Panics
    /// Panics under the same conditions as [`Browser::open`], or if nothing was printed.
    pub fn sheets(&self, page: &Path) -> usize {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paper = folder.path().join("paper.pdf");
        let page = std::path::absolute(page).expect("the path of the page");
        let mut arguments: Vec<String> =
            ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"].map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", folder.path().join("profile").display()));
        arguments.push(format!("--print-to-pdf={}", paper.display()));
        arguments.push(format!("file://{}", page.display()));
        program::run(&self.program, &arguments, folder.path());
        let bytes = std::fs::read(&paper).unwrap_or_else(|error| panic!("{} was not printed: {error}", page.display()));
        let text = String::from_utf8_lossy(&bytes);
        text.matches("/Type /Page").count() - text.matches("/Type /Pages").count()
    }
}

/// Copies of pages with the probe, the document that frames them, and the browser's profile; removed when dropped.
struct Frames {
    folder: tempfile::TempDir,
    frames: Vec<(PathBuf, View)>,
}

impl Frames {
    fn new<P: AsRef<Path>>(pages: &[P], views: &[View], script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let probe = format!("<script>{}</script>", PROBE.replace("/*SCRIPT*/", script));
        let (mut frames, mut elements) = (Vec::new(), String::new());
        for (index, page) in pages.iter().map(AsRef::as_ref).enumerate() {
            let html = std::fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            std::fs::write(folder.path().join(format!("{index}.html")), probed(&html, &probe)).expect("a file");
            for &view in views {
                let (name, width, scheme) = (frames.len(), view.width, view.scheme.name());
                elements.push_str(&format!(
                    "<iframe name=\"{name}\" src=\"{index}.html\" style=\"width:{width}px;color-scheme:{scheme}\"></iframe>"
                ));
                frames.push((page.to_owned(), view));
            }
        }
        let document = format!(
            "<!DOCTYPE html><meta charset=\"utf-8\"><style>body{{margin:0}}iframe{{border:0;display:block;height:100vh}}\
             </style><script>addEventListener('message',message=>{{const [name,state]=message.data;\
             document.getElementsByName(name)[0].dataset.state=state}})</script><body>{elements}</body>"
        );
        std::fs::write(folder.path().join("frames.html"), document).expect("a file");
        Frames { folder, frames }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn arguments(&self, more: &[String]) -> Vec<String> {
        let mut arguments: Vec<String> = PLAIN.map(str::to_owned).into();
        arguments.push(format!("--virtual-time-budget={PAGE_MILLISECONDS}"));
        arguments.push(format!("--user-data-dir={}", self.path().join("profile").display()));
        arguments.extend_from_slice(more);
        arguments.push(format!("file://{}", self.path().join("frames.html").display()));
        arguments
    }
}

/// Inserts the probe into a page before anything that can fail.
fn probed(html: &str, probe: &str) -> String {
    match html.split_once("<head>") {
        Some((before, after)) => format!("{before}<head>{probe}{after}"),
        None => format!("{probe}{html}"),
    }
}
