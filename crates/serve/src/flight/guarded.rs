//! Who calls. No call comes further whose client is not known.

use crate::client::WRONG_PASSWORD;
use crate::connection::Shared;
use crate::flight::seat::Seat;
use crate::flight::tokens::Tokens;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, PollInfo,
    SchemaResult, Ticket,
};
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use datafusion::arrow::ipc::CompressionType;
use futures::FutureExt;
use futures::stream::BoxStream;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::time::sleep;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

/// Who asks, and for what database.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) seat: Arc<Seat>,
    /// Its name; empty where it has none.
    pub(crate) user: String,
    /// The database; empty for what is published.
    pub(crate) database: String,
    /// How rows are compressed.
    pub(crate) compression: Option<CompressionType>,
}

/// Who called.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.ok_or_else(|| Status::internal("the call came in by no door"))
}

/// What a client shows.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    Password { user: String, password: String },
    Token(String),
}

/// A header of a call as text.
fn header<'h>(headers: &'h MetadataMap, name: &str) -> Result<Option<&'h str>, Status> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes());
    text.map(Some).map_err(|_| Status::invalid_argument(format!("the header `{name}` is no text")))
}

fn shown(headers: &MetadataMap) -> Result<Shown, Status> {
    let Some(text) = header(headers, "authorization")? else { return Ok(Shown::Nothing) };
    let malformed =
        || Status::unauthenticated("the header `authorization` is neither `Basic` nor `Bearer`");
    let (scheme, rest) = text.split_once(' ').ok_or_else(malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Shown::Token(rest.trim().to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    // Some clients pad it, others do not.
    let coded = rest.trim().trim_end_matches('=');
    let decoded = BASE64_STANDARD_NO_PAD.decode(coded).map_err(|_| malformed())?;
    let text = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (user, password) = text.split_once(':').ok_or_else(malformed)?;
    Ok(Shown::Password { user: user.to_owned(), password: password.to_owned() })
}

fn compression(headers: &MetadataMap) -> Result<Option<CompressionType>, Status> {
    match header(headers, "compression")? {
        None | Some("none") => Ok(None),
        Some("lz4") => Ok(Some(CompressionType::LZ4_FRAME)),
        Some("zstd") => Ok(Some(CompressionType::ZSTD)),
        Some(other) => Err(Status::invalid_argument(format!(
            "the header `compression` is `{other}`; expected none, lz4 or zstd"
        ))),
    }
}

/// A service whose callers are known.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    inner: S,
    shared: Arc<Shared>,
    tokens: Arc<Tokens>,
}

impl<S> Guarded<S> {
    /// The service `inner`, for the users of `shared` and those that have `tokens`.
    pub(crate) fn new(inner: S, shared: Arc<Shared>, tokens: Arc<Tokens>) -> Self {
        Self { inner, shared, tokens }
    }

    /// The user that calls.
    async fn user(&self, seat: &Seat, headers: &MetadataMap) -> Result<String, Status> {
        let Some(users) = &self.shared.users else {
            return Ok(match shown(headers)? {
                Shown::Nothing => String::new(),
                Shown::Password { user, .. } => user,
                Shown::Token(token) => self.tokens.user(&token).unwrap_or_default(),
            });
        };
        match shown(headers)? {
            Shown::Nothing => Err(Status::unauthenticated(
                "this server asks for a user and a password, and none came",
            )),
            Shown::Token(token) => self.tokens.user(&token).ok_or_else(|| {
                Status::unauthenticated("the token is not known here: log in again")
            }),
            Shown::Password { user, password } => {
                let _one = seat.password.lock().await;
                if users.knows(&user, &password) {
                    return Ok(user);
                }
                sleep(WRONG_PASSWORD).await;
                let told = format!("password authentication failed for user \"{user}\"");
                Err(Status::unauthenticated(told))
            }
        }
    }

    /// The call with its caller, who is known.
    async fn admitted<T>(&self, mut request: Request<T>) -> Result<Request<T>, Status> {
        let seat = request.extensions().get::<Arc<Seat>>().cloned();
        let seat = seat.ok_or_else(|| Status::internal("the call came by no connection"))?;
        let user = self.user(&seat, request.metadata()).await?;
        seat.take(&self.shared)?;
        let chosen = header(request.metadata(), "database")?.map(str::to_owned);
        let database = chosen.unwrap_or_else(|| seat.database());
        let compression = compression(request.metadata())?;
        request.extensions_mut().insert(Caller { seat, user, database, compression });
        Ok(request)
    }
}

/// What `work` gives. A call that breaks ends nothing but itself.
async fn safely<T>(work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    let done =
        done.unwrap_or_else(|_| Err(Status::internal("this call broke the server; others go on")));
    done.inspect_err(
        |status| tracing::debug!(code = ?status.code(), error = status.message(), "refused"),
    )
}

#[async_trait]
impl<S: FlightService> FlightService for Guarded<S> {
    type HandshakeStream = S::HandshakeStream;
    type ListFlightsStream = BoxStream<'static, Result<FlightInfo, Status>>;
    type DoGetStream = S::DoGetStream;
    type DoPutStream = S::DoPutStream;
    type DoActionStream = S::DoActionStream;
    type ListActionsStream = S::ListActionsStream;
    type DoExchangeStream = S::DoExchangeStream;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        safely(async { self.inner.handshake(self.admitted(request).await?).await }).await
    }

    /// None: whoever asks for something gets it by SQL.
    async fn list_flights(
        &self,
        request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        self.admitted(request).await?;
        Ok(Response::new(Box::pin(futures::stream::empty())))
    }

    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        safely(async { self.inner.get_flight_info(self.admitted(request).await?).await }).await
    }

    async fn poll_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        safely(async { self.inner.poll_flight_info(self.admitted(request).await?).await }).await
    }

    async fn get_schema(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        let info = self.get_flight_info(request).await?.into_inner();
        Ok(Response::new(SchemaResult { schema: info.schema }))
    }

    async fn do_get(
        &self,
        request: Request<Ticket>,
    ) -> Result<Response<Self::DoGetStream>, Status> {
        safely(async { self.inner.do_get(self.admitted(request).await?).await }).await
    }

    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        safely(async { self.inner.do_put(self.admitted(request).await?).await }).await
    }

    async fn do_action(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        safely(async { self.inner.do_action(self.admitted(request).await?).await }).await
    }

    async fn list_actions(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        safely(async { self.inner.list_actions(self.admitted(request).await?).await }).await
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        safely(async { self.inner.do_exchange(self.admitted(request).await?).await }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: &str) -> MetadataMap {
        let mut headers = MetadataMap::new();
        headers.insert("authorization", authorization.parse().expect("a header"));
        headers
    }

    #[test]
    fn passwords_and_tokens_are_shown_in_a_header() {
        let password = |user: &str, password: &str| Shown::Password {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        for (text, expected) in [
            ("Basic YWRhOmE6YiBj", password("ada", "a:b c")),
            ("basic YWRhOg==", password("ada", "")),
            ("Basic YWRhOg", password("ada", "")),
            ("Bearer abc=", Shown::Token("abc=".to_owned())),
        ] {
            assert_eq!(shown(&headers(text)).expect("known"), expected, "{text}");
        }
        assert_eq!(shown(&MetadataMap::new()).expect("none"), Shown::Nothing);
        for text in ["Basic", "Basic ???", "Basic YWRh", "Digest abc"] {
            let told = shown(&headers(text)).expect_err(text);
            assert_eq!(told.code(), tonic::Code::Unauthenticated, "{text}");
        }
    }
}
