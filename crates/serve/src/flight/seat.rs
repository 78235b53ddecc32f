//! A connection of a client: its socket, and what it holds.

use crate::client::{LOGIN, Waiting};
use crate::connection::Shared;
use crate::databases;
use crate::flight::statements::Prepared;
use crate::flight::status::status;
use crate::publication::Publication;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tonic::Status;
use tonic::transport::server::Connected;

/// What a connection reads.
#[derive(Debug, Clone)]
pub(crate) struct Entered {
    /// The tables.
    pub(crate) publication: Arc<Publication>,
    /// The name of the database, if it is that of a kept run.
    pub(crate) of_run: Option<String>,
}

/// What a connection holds, as long as it is open.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    /// Its place among the clients, once it has logged in.
    place: Mutex<Option<OwnedSemaphorePermit>>,
    /// Held while a password is looked at, so that one connection tries one at a time.
    pub(crate) password: tokio::sync::Mutex<()>,
    /// The database that the client chose for all its calls.
    database: Mutex<String>,
    /// The kept run that it read last, by the name it asked for, which stays open for it.
    kept: tokio::sync::Mutex<Option<(String, Entered)>>,
    prepared: Mutex<Prepared>,
}

impl Seat {
    fn is_taken(&self) -> bool {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes a place among the clients, if it has none.
    pub(crate) fn take(&self, shared: &Shared) -> std::result::Result<(), Status> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() {
            *place = Some(shared.place().map_err(status)?);
        }
        Ok(())
    }

    /// Statements that the client has prepared.
    pub(crate) fn prepared(&self) -> MutexGuard<'_, Prepared> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database that the client chose; empty if it chose none.
    pub(crate) fn database(&self) -> String {
        self.database.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Chooses it.
    pub(crate) fn choose(&self, database: &str) {
        database.clone_into(&mut self.database.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What `database` holds now.
    pub(crate) async fn enter(
        &self,
        shared: &Arc<Shared>,
        database: &str,
        user: &str,
    ) -> std::result::Result<Entered, Status> {
        if databases::asked(database, user).is_none() {
            return Ok(Entered { publication: shared.published(), of_run: None });
        }
        let mut kept = self.kept.lock().await;
        if let Some((asked, entered)) = &*kept
            && asked == database
        {
            return Ok(entered.clone());
        }
        let Some(opened) = shared.enter(database, user).await.map_err(status)? else {
            return Ok(Entered { publication: shared.published(), of_run: None });
        };
        let entered = Entered { publication: opened.publication, of_run: Some(opened.database) };
        *kept = Some((database.to_owned(), entered.clone()));
        Ok(entered)
    }
}

/// How it comes.
#[derive(Debug)]
pub(crate) enum Socket {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// A connection. It ends where its client does not log in for too long, or while it waits to and
/// another needs the place.
#[derive(Debug)]
pub(crate) struct Guest {
    socket: Socket,
    seat: Arc<Seat>,
    waiting: Option<Waiting>,
    too_late: Pin<Box<Sleep>>,
}

impl Guest {
    /// One that has come.
    pub(crate) fn new(socket: Socket, waiting: Waiting) -> Self {
        let too_late = Box::pin(sleep(LOGIN));
        Self { socket, seat: Arc::default(), waiting: Some(waiting), too_late }
    }

    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Result<()> {
        if self.seat.is_taken() {
            self.waiting = None;
        }
        let Some(waiting) = &mut self.waiting else { return Ok(()) };
        if self.too_late.as_mut().poll(context).is_ready() {
            return Err(Error::new(ErrorKind::TimedOut, "no login within 10 s"));
        }
        match waiting.poll_sent_away(context) {
            Poll::Ready(()) => Err(Error::new(ErrorKind::ConnectionAborted, "others wait")),
            Poll::Pending => Ok(()),
        }
    }
}

impl Connected for Guest {
    type ConnectInfo = Arc<Seat>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(&self.seat)
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        self.poll_waiting(context)?;
        match &mut self.socket {
            Socket::Plain(socket) => Pin::new(socket).poll_read(context, into),
            Socket::Encrypted(socket) => Pin::new(socket).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        match &mut self.socket {
            Socket::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Socket::Encrypted(socket) => Pin::new(socket).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        match &mut self.socket {
            Socket::Plain(socket) => Pin::new(socket).poll_write_vectored(context, parts),
            Socket::Encrypted(socket) => Pin::new(socket).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(socket) => socket.is_write_vectored(),
            Socket::Encrypted(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.socket {
            Socket::Plain(socket) => Pin::new(socket).poll_flush(context),
            Socket::Encrypted(socket) => Pin::new(socket).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.socket {
            Socket::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Socket::Encrypted(socket) => Pin::new(socket).poll_shutdown(context),
        }
    }
}
