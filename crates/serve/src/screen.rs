//! Looks at messages before the protocol's crate takes them apart, which takes lengths and ends for
//! granted.

use bytes::{Buf, BytesMut};
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a message before a client has logged in.
const LARGEST_AT_DOOR: usize = 10_240;

/// Bytes of a message.
const LARGEST: usize = 16 << 20;

/// Bytes that are read at a time.
const PORTION: usize = 8 << 10;

const CANCEL: u32 = 80_877_102;

/// A message that is none, and what is wrong with it.
type Fault = &'static str;

/// What is being taken apart.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn bytes(&mut self, n: usize) -> std::result::Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn text(&mut self) -> std::result::Result<&'a [u8], Fault> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or("a text has no end")?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Ok(text)
    }

    fn short(&mut self) -> std::result::Result<usize, Fault> {
        Ok(usize::from(self.bytes(2)?.get_u16()))
    }

    fn int(&mut self) -> std::result::Result<i32, Fault> {
        Ok(self.bytes(4)?.get_i32())
    }

    fn end(&self) -> std::result::Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err("it goes on after its end") }
    }
}

/// Whether the first message of a client is one: who it is, or what it wants cancelled.
fn check_first(body: &[u8]) -> std::result::Result<(), Fault> {
    let mut body = Body(body);
    if body.int()?.cast_unsigned() == CANCEL {
        return if (8..=260).contains(&body.0.len()) { Ok(()) } else { Err("no key to cancel by") };
    }
    while !body.text()?.is_empty() {
        body.text()?;
    }
    body.end()
}

/// Which message of a password a `p` message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Password {
    /// The first of a client that proves who it is, which begins with how.
    First,
    /// Another, which is free.
    Later,
}

/// Whether a message of `kind` is one.
fn check(kind: u8, body: &[u8], password: Password) -> std::result::Result<(), Fault> {
    let mut body = Body(body);
    match kind {
        b'Q' | b'f' => {
            body.text()?;
        }
        b'P' => {
            body.text()?;
            body.text()?;
            let n = body.short()?;
            body.bytes(4 * n)?;
        }
        b'B' => {
            body.text()?;
            body.text()?;
            let n = body.short()?;
            body.bytes(2 * n)?;
            for _ in 0..body.short()? {
                // Without a value it is -1.
                if let Ok(n) = usize::try_from(body.int()?) {
                    body.bytes(n)?;
                }
            }
            let n = body.short()?;
            body.bytes(2 * n)?;
        }
        b'D' | b'C' => {
            if !matches!(body.bytes(1)?, b"S" | b"P") {
                return Err("neither a statement nor a portal");
            }
            body.text()?;
        }
        b'E' => {
            body.text()?;
            body.int()?;
        }
        b'p' if password == Password::First => {
            body.text()?;
            if let Ok(n) = usize::try_from(body.int()?) {
                body.bytes(n)?;
            }
        }
        b'd' | b'p' => return Ok(()),
        b'H' | b'S' | b'X' | b'c' => {}
        _ => return Err("no client sends such"),
    }
    body.end()
}

/// A connection whose messages were looked at.
#[derive(Debug)]
pub(crate) struct Screened<S> {
    socket: S,
    /// What has come.
    come: BytesMut,
    /// What was looked at.
    good: BytesMut,
    is_first: bool,
    password: Password,
    is_in: bool,
}

impl<S> Screened<S> {
    /// A socket from which `come` was read already. Its next `p` message is `password`.
    pub(crate) fn new(socket: S, come: BytesMut, password: Password) -> Self {
        Self { socket, come, good: BytesMut::new(), is_first: true, password, is_in: false }
    }

    /// From here on messages may be large.
    pub(crate) fn let_in(&mut self) {
        self.is_in = true;
    }

    /// Moves the next message, if it is whole, to what is good; whether it was.
    fn look(&mut self) -> Result<bool> {
        let begin = if self.is_first { 0 } else { 1 };
        let Some(length) = self.come.get(begin..begin + 4) else { return Ok(false) };
        let (mut length, kind) = (length, self.come[0]);
        let n = usize::try_from(length.get_i32()).unwrap_or(0);
        let largest = if self.is_in { LARGEST } else { LARGEST_AT_DOOR };
        let faulty = |why: String| Err(Error::new(ErrorKind::InvalidData, why));
        if n > largest {
            return faulty(format!("a message of {n} bytes, and at most {largest} are taken"));
        }
        if n < 4 {
            return faulty(format!("a message that says it has {n} bytes"));
        }
        if self.come.len() < begin + n {
            return Ok(false);
        }
        let body = &self.come[begin + 4..begin + n];
        let checked =
            if self.is_first { check_first(body) } else { check(kind, body, self.password) };
        if let Err(why) = checked {
            let name = if self.is_first {
                "first".to_owned()
            } else {
                format!("`{}`", kind.escape_ascii())
            };
            return faulty(format!("the {name} message is malformed: {why}"));
        }
        self.is_first = false;
        if kind == b'p' && begin != 0 {
            self.password = Password::Later;
        }
        let message = self.come.split_to(begin + n);
        self.good.unsplit(message);
        Ok(true)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Screened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        loop {
            if !this.good.is_empty() {
                let n = this.good.len().min(into.remaining());
                into.put_slice(&this.good.split_to(n));
                return Poll::Ready(Ok(()));
            }
            if this.look()? {
                continue;
            }
            let mut portion = [0; PORTION];
            let mut read = ReadBuf::new(&mut portion);
            ready!(Pin::new(&mut this.socket).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                // The end; half a message is none.
                return Poll::Ready(Ok(()));
            }
            this.come.extend_from_slice(read.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Screened<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut message = vec![kind];
        message.extend(u32::try_from(body.len() + 4).expect("short").to_be_bytes());
        message.extend(body);
        message
    }

    /// What comes first.
    fn first(bytes: &[u8]) -> Screened<()> {
        Screened::new((), BytesMut::from(bytes), Password::First)
    }

    /// What comes after the first message.
    fn later(bytes: &[u8]) -> Screened<()> {
        Screened { is_first: false, ..first(bytes) }
    }

    /// How many bytes are good.
    fn looked_at(mut screened: Screened<()>) -> Result<usize> {
        while screened.look()? {}
        Ok(screened.good.len())
    }

    #[test]
    fn messages_are_what_the_protocol_says() {
        for (kind, body, is_good) in [
            (b'Q', &b"select 1\0"[..], true),
            (b'Q', b"select 1", false),
            (b'Q', b"select 1\0x", false),
            (b'Q', b"", false),
            (b'P', b"a\0select $1\0\0\x01\0\0\0\x17", true),
            (b'P', b"a\0select $1\0\0\x02\0\0\0\x17", false),
            (b'P', b"a\0select 1\0", false),
            (b'B', b"\0\0\0\0\0\x02\xff\xff\xff\xff\0\0\0\x01x\0\0", true),
            (b'B', b"\0\0\0\0\0\x01\0\0\0\x09x\0\0", false),
            (b'B', b"\0\0\xff\xff", false),
            (b'D', b"S\0", true),
            (b'D', b"x\0", false),
            (b'D', b"", false),
            (b'C', b"Pa\0", true),
            (b'E', b"\0\0\0\0\0", true),
            (b'E', b"\0\0", false),
            (b'S', b"", true),
            (b'S', b"x", false),
            (b'p', b"SCRAM-SHA-256\0\0\0\0\x01n", true),
            (b'p', b"SCRAM-SHA-256\0\0\0\0\x09n", false),
            (b'p', b"SCRAM-SHA-256", false),
            (b'?', b"", false),
        ] {
            let bytes = message(kind, body);
            let found = looked_at(later(&bytes));
            assert_eq!(found.is_ok(), is_good, "{}: {found:?}", bytes.escape_ascii());
            if is_good {
                assert_eq!(found.expect("good"), bytes.len());
                for n in 0..bytes.len() {
                    assert_eq!(looked_at(later(&bytes[..n])).expect("not whole yet"), 0);
                }
            }
        }
        // The second is free.
        let two = [message(b'p', b"S\0\xff\xff\xff\xff"), message(b'p', b"anything")].concat();
        assert_eq!(looked_at(later(&two)).expect("good"), two.len());
    }

    #[test]
    fn first_messages_say_who_comes() {
        for (body, is_good) in [
            (&b"\0\x03\0\0user\0ada\0database\0\0\0"[..], true),
            (b"\0\x03\0\0\0", true),
            (b"\0\x03\0\0user\0ada\0", false),
            (b"\0\x03\0\0user\0ada", false),
            (b"\0\x03\0\0\0x", false),
            (b"\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02", true),
            (b"\x04\xd2\x16\x2e\0\0", false),
            (b"", false),
        ] {
            let bytes = message(0, body)[1..].to_vec();
            let found = looked_at(first(&bytes));
            assert_eq!(found.is_ok(), is_good, "{}: {found:?}", body.escape_ascii());
        }
    }

    #[test]
    fn lengths_are_bounded() {
        for head in [[0xff; 4], [0, 0, 0, 3], [0, 1, 0, 0], [0x7f, 0xff, 0xff, 0xff]] {
            assert!(looked_at(first(&head)).is_err(), "{head:?}");
            assert!(looked_at(later(&[&b"Q"[..], &head].concat())).is_err(), "{head:?}");
        }
    }
}
