//! Arrow Flight SQL: the tables, users and limits that clients of PostgreSQL have, with rows as
//! batches of Arrow.
//!
//! A ticket holds the query, which is planned again for whoever shows it. What lasts between calls
//! lasts as long as the connection: prepared statements, the database that was chosen, the kept run
//! that was read.

mod guarded;
mod in_order;
mod listing;
mod options;
mod rows;
mod running;
mod seat;
mod service;
mod statements;
mod status;
mod tokens;
mod wire;

use crate::client::{Door, LOGIN, Waiting};
use crate::connection::Shared;
use crate::flight::guarded::Guarded;
use crate::flight::seat::{Guest, Socket};
use crate::flight::service::Service;
use crate::flight::tokens::Tokens;
use arrow_flight::flight_service_server::FlightServiceServer;
use futures::stream;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tonic::transport::Server;

/// Calls of a connection at a time; others wait.
const CALLS: u32 = 32;

/// How often a silent client is asked whether it is there.
const LOOKED_AFTER: Duration = Duration::from_secs(20);

/// Where clients of Flight SQL come.
pub(crate) struct Flight {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    door: Arc<Door>,
    guests: mpsc::Sender<Guest>,
}

impl Flight {
    /// Listens on `address` for clients of what is `shared`. With `tls`, they must encrypt.
    pub(crate) async fn listen(
        address: SocketAddr,
        shared: &Arc<Shared>,
        tls: Option<&TlsAcceptor>,
        door: &Arc<Door>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let tls = tls.map(|tls| {
            let mut config = tls.config().as_ref().clone();
            config.alpn_protocols = vec![b"h2".to_vec()];
            TlsAcceptor::from(Arc::new(config))
        });
        let (guests, mut come) = mpsc::channel(1);
        let tokens = Arc::<Tokens>::default();
        let service = Service::new(Arc::clone(shared), Arc::clone(&tokens));
        let service = Guarded::new(service, Arc::clone(shared), tokens);
        let served = Server::builder()
            .max_concurrent_streams(CALLS)
            .http2_keepalive_interval(Some(LOOKED_AFTER))
            .add_service(FlightServiceServer::new(service))
            .serve_with_incoming(stream::poll_fn(move |context| {
                come.poll_recv(context).map(|guest| guest.map(Ok::<Guest, io::Error>))
            }));
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::warn!(%error, "Arrow Flight SQL is served no longer");
            }
        });
        Ok(Self { listener, tls, door: Arc::clone(door), guests })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "grpc+tls" } else { "grpc" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }

    /// Lets clients come, forever.
    pub(crate) async fn accept(&self) {
        loop {
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    let (tls, guests) = (self.tls.clone(), self.guests.clone());
                    tokio::spawn(welcome(socket, tls, self.door.come(), guests));
                }
                Err(error) => {
                    // Too many open files, most likely: it passes when clients go.
                    tracing::warn!(%error, "failed to accept a client");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Hands a client on to the service, once it encrypts where it must.
async fn welcome(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    mut waiting: Waiting,
    guests: mpsc::Sender<Guest>,
) {
    // Without it, small messages wait for more.
    let _ = socket.set_nodelay(true);
    let encrypted = async {
        Ok::<Socket, io::Error>(match tls {
            Some(tls) => Socket::Encrypted(Box::new(tls.accept(socket).await?)),
            None => Socket::Plain(socket),
        })
    };
    let done = tokio::select! {
        done = timeout(LOGIN, encrypted) => done,
        () = poll_fn(|context| waiting.poll_sent_away(context)) => return,
    };
    match done {
        // The service ends with the server.
        Ok(Ok(socket)) => drop(guests.send(Guest::new(socket, waiting)).await),
        Ok(Err(error)) => tracing::debug!(%error, "a client does not encrypt"),
        Err(_) => tracing::debug!("a client does not encrypt within 10 s"),
    }
}
