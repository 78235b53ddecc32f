//! The client that posts telemetry: the one of HTTP that the program has anyway.

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use project::causes::causes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// Bytes of an answer that are read: what is well is answered with none.
const MOST_BYTES: usize = 1 << 16;

/// Why something was not taken last, if anything was not.
#[derive(Debug, Clone, Default)]
pub(super) struct LastFault(Arc<Mutex<Option<String>>>);

impl LastFault {
    fn put(&self, why: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// What it is.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Posts what threads without a runtime give it.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    runtime: Handle,
    fault: LastFault,
}

impl Client {
    /// A client whose requests may take as long as `timeout`, and whose faults go to `fault`.
    ///
    /// # Errors
    ///
    /// If the machine lacks what TLS needs.
    pub(super) fn new(
        runtime: Handle,
        timeout: Duration,
        fault: LastFault,
    ) -> Result<Self, reqwest::Error> {
        let _entered = runtime.enter();
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, runtime: runtime.clone(), fault })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.runtime.spawn(post(self.http.clone(), request)).await?;
        let answer = sent.map_err(|error| {
            let error = error.without_url();
            self.fault.put(causes(&error).join(": "));
            error
        })?;
        if !answer.status().is_success() {
            self.fault.put(format!("it answered with status {}", answer.status().as_u16()));
        }
        Ok(answer)
    }
}

/// Posts a request, and reads the beginning of the answer.
async fn post(
    http: reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, reqwest::Error> {
    let mut answer = http.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    while body.len() < MOST_BYTES
        && let Some(chunk) = answer.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    let mut read = Response::new(Bytes::from(body));
    *read.status_mut() = answer.status();
    *read.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(read)
}
