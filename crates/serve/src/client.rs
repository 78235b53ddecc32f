//! A client from its coming to its going.

use crate::connection::{Handlers, Prepared};
use crate::errors::fatal;
use crate::screen::Screened;
use datafusion_postgres::pgwire::api::{
    ClientInfo, ErrorHandler, PgWireConnectionState, PgWireServerHandlers,
};
use datafusion_postgres::pgwire::error::PgWireError;
use datafusion_postgres::pgwire::messages::PgWireFrontendMessage;
use datafusion_postgres::pgwire::tokio::server::{negotiate_tls, process_error, process_message};
use futures::{FutureExt, StreamExt};
use std::collections::VecDeque;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::codec::{Framed, FramedParts};

/// How long a client may take to log in.
const LOGIN: Duration = Duration::from_secs(10);

/// How long one that had a wrong password waits for the answer.
const WRONG_PASSWORD: Duration = Duration::from_secs(1);

/// How often a client is looked after while its query runs.
const LOOKED_AFTER: Duration = Duration::from_millis(100);

/// Those that have come and not logged in. When there are too many, who has waited longest goes, so that silent ones shut nobody
/// out.
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
struct Waiting {
    door: Arc<Door>,
    number: u64,
    sent_away: oneshot::Receiver<()>,
}

impl Door {
    /// Where at most `most` clients wait.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, line: Mutex::default() }
    }

    fn come(self: &Arc<Self>) -> Waiting {
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
    let parts = negotiated.into_parts();
    let screened = Screened::new(parts.io, parts.read_buf, handlers.is_by_password());
    let mut screened = FramedParts::new(screened, parts.codec);
    screened.write_buf = parts.write_buf;
    let mut socket = Framed::from_parts(screened);
    let handlers = Arc::new(handlers);
    loop {
        let message = match &mut waiting {
            Some(Waiting { sent_away, .. }) => tokio::select! {
                () = &mut too_late => {
                    let late = fatal("08006", "no login within 10 s");
                    return process_error(&mut socket, late, false).await;
                }
                _ = sent_away => return Ok(()),
                message = socket.next() => message,
            },
            None => socket.next().await,
        };
        let message = match message {
            None | Some(Ok(PgWireFrontendMessage::Terminate(_))) => return Ok(()),
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                let malformed = fatal("08P01", &error.to_string());
                return process_error(&mut socket, malformed, false).await;
            }
        };
        let is_extended = match socket.state() {
            PgWireConnectionState::CopyInProgress(is_extended) => is_extended,
            _ => message.is_extended_query(),
        };
        let work = process_message(
            message,
            &mut socket,
            Arc::clone(&handlers),
            Arc::clone(&handlers),
            Arc::clone(&handlers),
            handlers.copy_handler(),
            Arc::clone(&handlers),
        );
        let done = tokio::select! {
            done = AssertUnwindSafe(work).catch_unwind() => done,
            // With it goes the query.
            () = gone(&other_end) => return Ok(()),
        };
        match done {
            Ok(Ok(())) => {}
            Ok(Err(mut error)) => {
                if matches!(error, PgWireError::InvalidPassword(_)) {
                    sleep(WRONG_PASSWORD).await;
                }
                handlers.on_error(&socket, &mut error);
                process_error(&mut socket, error, is_extended).await?;
            }
            Err(_) => {
                let broken = fatal("XX000", "this message broke the server; others go on");
                return process_error(&mut socket, broken, false).await;
            }
        }
        let is_in = !matches!(
            socket.state(),
            PgWireConnectionState::AwaitingStartup
                | PgWireConnectionState::AuthenticationInProgress
        );
        if is_in && waiting.take().is_some() {
            socket.get_mut().let_in();
        }
    }
}
