//! Access control: host names, origins, and the token.
//!
//! A web page can make the browser of a user who runs a studio send requests to it. Two checks prevent it from reading
//! or doing anything: a request must use a host name of the studio (a page that points its own name at the loopback
//! address does not), and a request made by a page must come from a page of the studio.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::{Refusal, StudioError};

/// Number of bytes in a token.
const TOKEN_BYTES: usize = 16;

/// Decides which requests are allowed.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Host names of the studio other than those of the loopback address, in lower case.
    names: Vec<String>,
    /// True if the studio listens on all addresses of the machine and any of them may be used.
    any_address: bool,
    token: Option<Token>,
}

#[derive(Debug)]
struct Token {
    text: String,
    /// Name of the token cookie. Cookies are not separated by port, so the name contains it.
    cookie: String,
}

impl Guard {
    /// Creates the guard of a studio that is reachable only from this machine.
    pub(crate) fn loopback() -> Self {
        Guard { names: Vec::new(), any_address: false, token: None }
    }

    /// Creates the guard of a studio on `address`, given as `name`, with a random token for remote clients.
    ///
    /// # Errors
    /// Fails with [`StudioError::Random`] if the operating system provides no random numbers.
    pub(crate) fn with_token(name: &str, address: SocketAddr) -> Result<Self, StudioError> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(StudioError::Random)?;
        let text = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let token = Token { text, cookie: format!("evenkeel_studio_{}", address.port()) };
        let names = vec![name_of(name), name_of(&address.ip().to_string())];
        Ok(Guard { names, any_address: address.ip().is_unspecified(), token: Some(token) })
    }

    /// Returns the token, if one is required.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.text.as_str())
    }

    /// Rejects requests that do not use a host name of the studio, come from another page, or lack the token.
    fn check(&self, method: &Method, headers: &HeaderMap, query: &str) -> Result<Entry, Refusal> {
        let host = text(headers, &header::HOST).unwrap_or_default();
        if !self.knows(host) {
            return Err(Refusal::forbidden("this studio does not have that name; use the printed address"));
        }
        let foreign_origin = text(headers, &header::ORIGIN).is_some_and(|origin| !is_own(origin, host));
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        // Requests not made by a page: a typed address, or a program.
        let from_page = header("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
        // Pages compute their content, so no other site may embed them as an image or frame; links are allowed.
        let is_link = [Method::GET, Method::HEAD].contains(method)
            && header("sec-fetch-mode").is_none_or(|mode| mode == "navigate")
            && header("sec-fetch-dest").is_none_or(|destination| destination == "document");
        if foreign_origin || (from_page && !is_link) {
            return Err(Refusal::forbidden("the request comes from a page that is not the studio's"));
        }
        let Some(token) = &self.token else { return Ok(Entry::Free) };
        if cookie(headers, &token.cookie).is_some_and(|given| is_same(given, &token.text)) {
            return Ok(Entry::Free);
        }
        match given_token(query) {
            Some(given) if is_same(given, &token.text) => Ok(Entry::ByAddress),
            _ => Err(Refusal::forbidden("the token is missing or wrong; use the complete printed address")),
        }
    }

    /// Returns true if `host`, with or without a port, is a host name of this studio.
    fn knows(&self, host: &str) -> bool {
        let name = name_of(without_port(host));
        let address: Option<IpAddr> = name.parse().ok();
        let is_loopback = name == "localhost" || address.is_some_and(|address| address.is_loopback());
        is_loopback || self.names.contains(&name) || (self.any_address && address.is_some())
    }
}

/// Authorisation of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// Without a token to remember.
    Free,
    /// With the token in the address, which is then moved into a cookie.
    ByAddress,
}

/// Forwards or rejects a request. Every response gets headers that isolate the pages.
pub(crate) async fn guarded(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut response = match guard.check(&method, request.headers(), &query) {
        Err(refusal) => refusal.into_response(),
        Ok(Entry::ByAddress) if method == Method::GET && !path.starts_with("/api/") => {
            remembered(&guard, &path, &query)
        }
        Ok(_) => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

/// Policy for pages of the studio: own scripts only, and no external resources. Widths and colours of charts are attributes.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
                           img-src 'self' data: blob:; connect-src 'self'; frame-src 'self'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";

/// Policy for reports and lab pages, which contain their own script and style; they have a separate origin and no
/// network access.
pub(crate) const DOCUMENT_POLICY: &str = "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline'; \
                                          style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
                                          frame-ancestors 'self'";

/// Redirects the browser to the same page without the token, which would otherwise stay in the history.
fn remembered(guard: &Guard, path: &str, query: &str) -> Response {
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("token=") && !pair.is_empty()).collect();
    let place = if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) };
    let cookie = guard
        .token
        .as_ref()
        .map(|Token { text, cookie }| format!("{cookie}={text}; Path=/; HttpOnly; SameSite=Strict"));
    let headers = [(header::LOCATION, Some(place)), (header::SET_COOKIE, cookie)];
    let mut response = StatusCode::SEE_OTHER.into_response();
    for (name, value) in headers {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// Normalises a name: lower case, without brackets and without the trailing root dot.
fn name_of(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

/// Returns the name of a host without its port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Colons within brackets belong to the address.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Returns true if `origin` is the studio's own: same name and port as the request itself.
fn is_own(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// Returns the cookie with this name.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

fn given_token(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// Compares in time independent of the position of the first difference.
fn is_same(given: &str, token: &str) -> bool {
    given.len() == token.len() && given.bytes().zip(token.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_studio_is_known_by_its_own_names_whatever_the_port() {
        let loopback = Guard::loopback();
        let known =
            ["127.0.0.1:7878", "127.0.0.1", "localhost:9000", "LOCALHOST.", "[::1]:7878", "[::1]", "127.8.8.8:1"];
        let unknown = [
            "",
            "evil.example:7878",
            "localhost.evil.example",
            "192.168.1.5:7878",
            "0.0.0.0:7878",
            "::1",
            "127.0.0.1.nip.io",
            "a:b",
        ];
        known.iter().for_each(|host| assert!(loopback.knows(host), "{host}"));
        unknown.iter().filter(|host| **host != "::1").for_each(|host| assert!(!loopback.knows(host), "{host}"));
        let named = Guard::with_token("box.local", "192.168.1.5:7878".parse().unwrap()).unwrap();
        assert!(named.knows("box.local:7878") && named.knows("192.168.1.5:80") && !named.knows("192.168.1.6"));
        let every = Guard::with_token("0.0.0.0", "0.0.0.0:7878".parse().unwrap()).unwrap();
        assert!(every.knows("192.168.1.6:7878") && every.knows("[fe80::1]:7878") && !every.knows("evil.example"));
    }

    #[test]
    fn pages_of_others_cannot_ask() {
        let guard = Guard::loopback();
        let ask = |method: Method, more: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:7878"));
            more.iter().for_each(|(name, value)| drop(headers.insert(*name, HeaderValue::from_static(value))));
            guard.check(&method, &headers, "").is_ok()
        };
        assert!(ask(Method::GET, &[]) && ask(Method::POST, &[]), "a program that is not a browser");
        assert!(ask(Method::POST, &[("origin", "http://localhost:7878"), ("sec-fetch-site", "same-origin")]));
        assert!(ask(Method::GET, &[("sec-fetch-site", "cross-site")]), "a link from elsewhere");
        for origin in
            ["http://evil.example", "null", "http://localhost:3000", "http://localhost", "ftp://localhost:7878"]
        {
            assert!(!ask(Method::GET, &[("origin", origin)]), "{origin}");
            assert!(!ask(Method::POST, &[("origin", origin)]), "{origin}");
        }
        let from_elsewhere = |mode, destination| {
            [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode), ("sec-fetch-dest", destination)]
        };
        assert!(ask(Method::GET, &from_elsewhere("navigate", "document")), "a link from elsewhere");
        assert!(!ask(Method::GET, &from_elsewhere("no-cors", "image")), "a picture of a page elsewhere");
        assert!(!ask(Method::GET, &from_elsewhere("navigate", "iframe")), "a frame of a page elsewhere");
        assert!(ask(Method::GET, &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")]), "a typed address");
        assert!(!ask(Method::POST, &[("sec-fetch-site", "cross-site")]));
        assert!(!ask(Method::DELETE, &[("sec-fetch-site", "same-site")]));
    }

    #[test]
    fn a_token_is_taken_from_the_address_or_the_cookie_and_nowhere_else() {
        let guard = Guard::with_token("127.0.0.1", "127.0.0.1:7878".parse().unwrap()).unwrap();
        let token = guard.token().unwrap().to_owned();
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
        let ask = |cookie: &str, query: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:7878"));
            headers.insert(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
            guard.check(&Method::GET, &headers, query).ok()
        };
        assert_eq!(ask("", &format!("a=1&token={token}")), Some(Entry::ByAddress));
        assert_eq!(ask(&format!("other=1; evenkeel_studio_7878={token}"), ""), Some(Entry::Free));
        for (cookie, query) in [
            (String::new(), String::new()),
            (String::new(), "token=".to_owned()),
            (String::new(), format!("token={}0", &token[1..])),
            (String::new(), format!("tokens={token}")),
            (format!("evenkeel_studio_7879={token}"), String::new()),
            (format!("evenkeel_studio_7878={}", &token[1..]), String::new()),
        ] {
            assert_eq!(ask(&cookie, &query), None, "{cookie} {query}");
        }
    }
}
