//! A report on loopback, for whoever sits at this machine. The open page is told when it was drawn anew.
//!
//! Any page of the web can ask a browser for `http://127.0.0.1`, and a name of its own that leads there
//! would let it read the answer: only hosts that are this machine are answered.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures::stream::{self, Stream};
use report::Drawn;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Why a report is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program has the port.
    #[error(
        "failed to serve the report at {0}: another program has this port; give another by `--bind \
         127.0.0.1:PORT`, or `--bind 127.0.0.1:0` for one that is free"
    )]
    Taken(SocketAddr),
    /// The port may not be had.
    #[error(
        "failed to serve the report at {0}: this port is not for everyone; give one above 1023 by \
         `--bind 127.0.0.1:PORT`"
    )]
    NotAllowed(SocketAddr),
    /// The network failed.
    #[error("failed to serve the report at {address}")]
    Network {
        /// Where.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl ServeError {
    /// Whether what was asked for is at fault.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::Taken(_) | Self::NotAllowed(_))
    }
}

/// A report as it is served.
#[derive(Debug)]
pub struct Shown {
    page: String,
    /// What tells it from others.
    id: String,
    /// The files of its figures, by name.
    figures: BTreeMap<String, PathBuf>,
}

impl Shown {
    /// What was drawn of a run, as the `nth` report.
    pub fn of(drawn: &Drawn, run: &str, nth: usize) -> Self {
        let named = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some((name, path.clone()))
        };
        let figures = drawn.figures.iter().flatten().filter_map(named).collect();
        Self { page: drawn.live(), id: format!("{run} {nth}"), figures }
    }
}

/// Who is told of each report that is drawn.
pub type Tell = watch::Sender<Arc<Shown>>;

/// The place where a report is served.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes the place.
    ///
    /// # Errors
    ///
    /// [`ServeError`] if it cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let failed = |source: std::io::Error| match source.kind() {
            ErrorKind::AddrInUse => ServeError::Taken(address),
            ErrorKind::PermissionDenied => ServeError::NotAllowed(address),
            _ => ServeError::Network { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        // Where any port was asked for, the one that was given.
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves what is shown; ends when the network fails.
    ///
    /// # Errors
    ///
    /// [`ServeError::Network`].
    pub async fn serve(self, shown: watch::Receiver<Arc<Shown>>) -> Result<(), ServeError> {
        let Self { listener, address } = self;
        let served = axum::serve(listener, router(shown, address.port())).await;
        served.map_err(|source| ServeError::Network { address, source })
    }
}

/// What is answered. Methods other than GET and HEAD are refused.
fn router(shown: watch::Receiver<Arc<Shown>>, port: u16) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/report.html", get(page))
        .route("/events", get(events))
        .route("/figures/{name}", get(figure))
        .with_state(shown)
        .layer(middleware::map_response(with_headers))
        .layer(middleware::from_fn_with_state(port, only_this_machine))
}

type Watched = State<watch::Receiver<Arc<Shown>>>;

async fn page(State(shown): Watched) -> Html<String> {
    Html(shown.borrow().page.clone())
}

/// What is shown, and then each report that takes its place.
async fn events(State(mut shown): Watched) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    shown.mark_changed();
    let told = stream::unfold(shown, |mut shown| async move {
        shown.changed().await.ok()?;
        let event = Event::default().data(&shown.borrow_and_update().id);
        Some((Ok(event), shown))
    });
    Sse::new(told).keep_alive(KeepAlive::default())
}

/// A file of a figure.
async fn figure(State(shown): Watched, Path(name): Path<String>) -> Response {
    let path = shown.borrow().figures.get(&name).cloned();
    let Some(path) = path else {
        return (StatusCode::NOT_FOUND, "no such figure").into_response();
    };
    let kind = match path.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("pdf") => "application/pdf",
        Some("csv") => "text/csv; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    match read {
        Ok(Ok(bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        _ => (StatusCode::NOT_FOUND, "the file of the figure is gone").into_response(),
    }
}

/// What browsers are told of every answer: keep none, guess no types, show it in no other page.
async fn with_headers(mut response: Response) -> Response {
    let told: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    ];
    for (name, value) in told {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Answers what asks for this machine by a name of its own.
async fn only_this_machine(State(port): State<u16>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| is_this_machine(host, port)) {
        return next.run(request).await;
    }
    let why = format!("this is a report for this machine alone: ask http://127.0.0.1:{port}/\n");
    (StatusCode::FORBIDDEN, why).into_response()
}

/// Whether a `Host` is this machine at this port.
fn is_this_machine(host: &str, port: u16) -> bool {
    let (name, of_host) = match host.rsplit_once(':') {
        Some((name, text)) if !text.ends_with(']') => (name, text.parse().ok()),
        // Browsers leave out the usual one.
        _ => (host, Some(80)),
    };
    let is_own = ["127.0.0.1", "[::1]"].contains(&name) || name.eq_ignore_ascii_case("localhost");
    is_own && of_host == Some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"] {
            assert!(is_this_machine(host, 8080), "{host}");
        }
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            assert!(is_this_machine(host, 80), "{host}");
            assert!(!is_this_machine(host, 8080), "{host}");
        }
        for host in [
            "evil.example:8080",
            "localhost.evil.example:8080",
            "127.0.0.1:81",
            "",
            ":8080",
            "::1:8080",
        ] {
            assert!(!is_this_machine(host, 8080), "{host}");
        }
    }
}
