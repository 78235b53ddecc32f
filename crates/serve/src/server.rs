//! Listens, and looks for what is published.

use crate::access::Users;
use crate::client::{self, Door};
use crate::connection::{Connection, Handlers, Shared, Transport};
use crate::flight::Flight;
use crate::limits::Limits;
use crate::publication::{self, Publication, PublicationError};
use lake::{Catalog, Lake};
use std::fmt;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// Clients that may be about to log in, beside as many as may be served.
const WAITING: usize = 100;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// What is published cannot be opened.
    #[error(transparent)]
    Publication(#[from] PublicationError),
    /// The address cannot be had.
    #[error(
        "failed to listen on {address}: another program may have it, or it is not of this machine"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// A server that listens.
pub struct Server {
    lake: Lake,
    limits: Limits,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    door: Arc<Door>,
    flight: Option<Flight>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("lake", &self.lake).finish_non_exhaustive()
    }
}

impl Server {
    /// Opens what is published in `lake` and listens on `address`. With users, clients need a
    /// password. With `tls`, they must encrypt. Queries run on the runtime of `engine`, so that
    /// this one hears the clients whatever they ask.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if nothing is published, a table cannot be opened, or the address cannot be
    /// had.
    pub async fn start(
        lake: Lake,
        address: SocketAddr,
        users: Option<Users>,
        tls: Option<TlsAcceptor>,
        limits: Limits,
        engine: Handle,
    ) -> Result<Self, ServerError> {
        let catalog = publication::catalog(&lake).await?;
        let published = Publication::open(&lake, catalog, limits.session()).await?;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| ServerError::Listen { address, source })?;
        let transport = if tls.is_some() { Transport::Encrypted } else { Transport::Any };
        let shared =
            Arc::new(Shared::new(lake.clone(), published, users, transport, &limits, engine));
        let door = Arc::new(Door::new(limits.connections + WAITING));
        Ok(Self { lake, limits, listener, tls, shared, door, flight: None })
    }

    /// The same that also listens on `address` for clients of Arrow Flight SQL, which have the same
    /// users, TLS and limits.
    ///
    /// # Errors
    ///
    /// [`ServerError::Listen`] if the address cannot be had.
    pub async fn with_flight(mut self, address: SocketAddr) -> Result<Self, ServerError> {
        let listening = Flight::listen(address, &self.shared, self.tls.as_ref(), &self.door).await;
        self.flight = Some(listening.map_err(|source| ServerError::Listen { address, source })?);
        Ok(self)
    }

    /// Where clients of Arrow Flight SQL find it, as a URL; `None` if it does not speak it.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn flight_url(&self) -> std::io::Result<Option<String>> {
        self.flight.as_ref().map(Flight::url).transpose()
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What it serves now.
    pub fn catalog(&self) -> Catalog {
        self.shared.published().catalog.clone()
    }

    /// Serves until `stop`, and then until the queries that run have ended or `grace` has passed.
    /// Every `interval` it looks whether another run is published.
    pub async fn serve(self, interval: Duration, stop: impl Future<Output = ()>, grace: Duration) {
        tokio::pin!(stop);
        let watch = self.watch(interval);
        tokio::pin!(watch);
        let flight = async {
            match &self.flight {
                Some(flight) => flight.accept().await,
                None => pending().await,
            }
        };
        tokio::pin!(flight);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = &mut watch => {}
                () = &mut flight => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => self.accept(socket),
                    Err(error) => {
                        // Too many open files, most likely: it passes when clients go.
                        tracing::warn!(%error, "failed to accept a client");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        }
        // Clients that ask nothing need not be waited for.
        let is_busy = || Arc::strong_count(&self.shared.n_running) > 1;
        if is_busy() {
            tracing::info!(seconds = grace.as_secs(), "waiting for queries to end");
        }
        let end = Instant::now() + grace;
        while is_busy() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if is_busy() {
            tracing::warn!("stopped with queries running");
        }
        self.shared.published().release().await;
        self.shared.kept.release().await;
    }

    fn accept(&self, socket: TcpStream) {
        let tls = self.tls.clone();
        let (shared, door) = (Arc::clone(&self.shared), Arc::clone(&self.door));
        tokio::spawn(async move {
            let handlers = match Connection::new(&shared) {
                Ok(connection) => Handlers(Arc::new(connection)),
                Err(error) => return tracing::warn!(%error, "failed to start a session"),
            };
            if let Err(error) = client::attend(socket, tls, handlers, &door).await {
                tracing::debug!(%error, "a client went away");
            }
        });
    }

    /// Looks for other runs, forever.
    async fn watch(&self, interval: Duration) {
        let mut last_failure = None;
        loop {
            tokio::time::sleep(interval).await;
            match self.renew().await {
                Ok(()) => last_failure = None,
                Err(error) => {
                    let text = in_one_line(&error);
                    // Once, and not every second.
                    if last_failure.as_ref() != Some(&text) {
                        tracing::warn!(
                            error = text,
                            "what was published last cannot be served; the run before is"
                        );
                        last_failure = Some(text);
                    }
                }
            }
        }
    }

    async fn renew(&self) -> Result<(), PublicationError> {
        let catalog = publication::catalog(&self.lake).await?;
        if catalog == self.shared.published().catalog {
            return Ok(());
        }
        let run = catalog.run.clone();
        let published = Publication::open(&self.lake, catalog, self.limits.session()).await?;
        self.shared.publish(published);
        tracing::info!(run, "serving another run");
        Ok(())
    }
}

/// An error with its causes, in one line.
fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let causes: Vec<String> = std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    causes.join(": ")
}
