//! A client from its coming to its going.

use crate::connection::Handlers;
use crate::errors::fatal;
use crate::screen::{Password, Screened};
use crate::service::Prepared;
use datafusion_postgres::pgwire::api::{
    ClientInfo, ErrorHandler, PgWireConnectionState, PgWireServerHandlers,
};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};
use datafusion_postgres::pgwire::messages::PgWireFrontendMessage;
use datafusion_postgres::pgwire::tokio::server::{
    MaybeTls, PgWireMessageServerCodec, negotiate_tls, process_error, process_message,
};
use futures::{FutureExt, StreamExt};
use std::collections::VecDeque;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::codec::{Framed, FramedParts};

/// How long a client may take to log in.
pub(crate) const LOGIN: Duration = Duration::from_secs(10);

/// How long one that had a wrong password waits for the answer.
pub(crate) const WRONG_PASSWORD: Duration = Duration::from_secs(1);

/// How often a client is looked after while its query runs.
const LOOKED_AFTER: Duration = Duration::from_millis(100);

/// Clients that have come and not logged in yet. When there are too many, the one that has waited
/// longest goes. So silent clients shut nobody out.
#[derive(Debug)]
pub(crate) struct Door {
    most: usize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    /// How many have come.
    n_come: u64,
    /// Their numbers, and how they are sent away.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
}

/// A place at the door.
#[derive(Debug)]
pub(crate) struct Waiting {
    door: Arc<Door>,
    number: u64,
    sent_away: oneshot::Receiver<()>,
}

impl Door {
    /// Where at most `most` clients wait.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, line: Mutex::default() }
    }

    /// A client that has come.
    pub(crate) fn come(self: &Arc<Self>) -> Waiting {
        let (send_away, sent_away) = oneshot::channel();
        let line = &mut *self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.n_come += 1;
        line.waiting.push_back((line.n_come, send_away));
        if line.waiting.len() > self.most
            && let Some((_, longest)) = line.waiting.pop_front()
        {
            // It may have gone meanwhile.
            let _ = longest.send(());
        }
        Waiting { door: Arc::clone(self), number: line.n_come, sent_away }
    }
}

impl Waiting {
    /// Ready when another client needs the place.
    pub(crate) fn poll_sent_away(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.sent_away.poll_unpin(context).map(drop)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let line = &mut *self.door.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.waiting.retain(|(number, _)| *number != self.number);
    }
}

/// The same connection, to see whether its other end is there.
fn other_end(socket: &TcpStream) -> io::Result<TcpStream> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let same = socket.as_fd().try_clone_to_owned()?;
        TcpStream::from_std(std::net::TcpStream::from(same))
    }
    #[cfg(not(unix))]
    {
        use std::os::windows::io::AsSocket;
        let same = socket.as_socket().try_clone_to_owned()?;
        TcpStream::from_std(std::net::TcpStream::from(same))
    }
}

/// Ends when the client is gone, whatever it has sent before.
async fn gone(other_end: &TcpStream) {
    loop {
        match other_end.ready(Interest::READABLE).await {
            Ok(ready) if !ready.is_read_closed() => sleep(LOOKED_AFTER).await,
            _ => return,
        }
    }
}

/// The messages of a client.
type Messages = Framed<Screened<MaybeTls>, PgWireMessageServerCodec<Prepared>>;

/// The messages that come by `socket`, each of which is looked at first.
fn screened(
    socket: Framed<MaybeTls, PgWireMessageServerCodec<Prepared>>,
    handlers: &Handlers,
) -> Messages {
    let parts = socket.into_parts();
    let password = if handlers.is_by_password() { Password::First } else { Password::Later };
    let screened = Screened::new(parts.io, parts.read_buf, password);
    let mut screened = FramedParts::new(screened, parts.codec);
    screened.write_buf = parts.write_buf;
    Framed::from_parts(screened)
}

/// Answers a client until it goes.
pub(crate) async fn attend(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    handlers: Handlers,
    door: &Arc<Door>,
) -> io::Result<()> {
    let mut waiting = Some(door.come());
    let other_end = other_end(&socket)?;
    let too_late = sleep(LOGIN);
    tokio::pin!(too_late);
    let negotiated = match &mut waiting {
        Some(Waiting { sent_away, .. }) => tokio::select! {
            () = &mut too_late => return Ok(()),
            _ = sent_away => return Ok(()),
            socket = negotiate_tls::<Prepared>(socket, tls) => socket?,
        },
        None => return Ok(()),
    };
    // TLS was asked for where there is none.
    let Some(negotiated) = negotiated else { return Ok(()) };
    let mut messages = screened(negotiated, &handlers);
    let handlers = Arc::new(handlers);
    loop {
        let message = match &mut waiting {
            Some(Waiting { sent_away, .. }) => tokio::select! {
                () = &mut too_late => {
                    let late = fatal("08006", "no login within 10 s");
                    return process_error(&mut messages, late, false).await;
                }
                _ = sent_away => return Ok(()),
                message = messages.next() => message,
            },
            None => messages.next().await,
        };
        let message = match message {
            None | Some(Ok(PgWireFrontendMessage::Terminate(_))) => return Ok(()),
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                let malformed = fatal("08P01", &error.to_string());
                return process_error(&mut messages, malformed, false).await;
            }
        };
        match answer(message, &mut messages, &handlers, &other_end).await? {
            Answered::Ends => return Ok(()),
            Answered::MayAskMore => {}
        }
        let is_in = !matches!(
            messages.state(),
            PgWireConnectionState::AwaitingStartup
                | PgWireConnectionState::AuthenticationInProgress
        );
        if is_in && waiting.take().is_some() {
            messages.get_mut().let_in();
        }
    }
}

/// What becomes of a client whose message was answered.
enum Answered {
    MayAskMore,
    Ends,
}

/// Does what a message asks, as long as the client is there.
async fn answer(
    message: PgWireFrontendMessage,
    messages: &mut Messages,
    handlers: &Arc<Handlers>,
    other_end: &TcpStream,
) -> io::Result<Answered> {
    let is_extended = match messages.state() {
        PgWireConnectionState::CopyInProgress(is_extended) => is_extended,
        _ => message.is_extended_query(),
    };
    let work = process_message(
        message,
        &mut *messages,
        Arc::clone(handlers),
        Arc::clone(handlers),
        Arc::clone(handlers),
        handlers.copy_handler(),
        Arc::clone(handlers),
    );
    let done = tokio::select! {
        done = AssertUnwindSafe(work).catch_unwind() => done,
        // With it goes the query.
        () = gone(other_end) => return Ok(Answered::Ends),
    };
    match done {
        Ok(Ok(())) => {}
        Ok(Err(mut error)) => {
            if matches!(error, PgWireError::InvalidPassword(_)) {
                sleep(WRONG_PASSWORD).await;
            }
            handlers.on_error(&*messages, &mut error);
            let told = ErrorInfo::from(error);
            let is_fatal = told.is_fatal();
            process_error(messages, PgWireError::UserError(Box::new(told)), is_extended).await?;
            if is_fatal {
                // Whoever was not let in asks nothing more.
                return Ok(Answered::Ends);
            }
        }
        Err(_) => {
            let broken = fatal("XX000", "this message broke the server; others go on");
            process_error(messages, broken, false).await?;
            return Ok(Answered::Ends);
        }
    }
    Ok(Answered::MayAskMore)
}
