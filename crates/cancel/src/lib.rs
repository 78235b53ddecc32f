//! Work that stops where whoever waits for it says so.
//!
//! A call has a [`Token`], which its threads know. Loops that take long ask [`check`] from time to
//! time: once the token was cancelled, it unwinds the thread with [`Cancelled`], past all that the
//! work holds, and without a message. Who began the work catches that. Threads that no call is told
//! to are never stopped.

use std::any::Any;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

thread_local! {
    /// What this thread works for.
    static CALL: RefCell<Option<Token>> = const { RefCell::new(None) };
}

/// What a thread unwinds with that was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

#[derive(Debug, Default)]
struct State {
    is_cancelled: AtomicBool,
    /// Of futures that wait meanwhile.
    wakers: Mutex<Vec<Waker>>,
    /// The call that this one is a part of.
    whole: Option<Token>,
}

/// A call that may be told to stop.
#[derive(Debug, Clone, Default)]
pub struct Token(Arc<State>);

impl Token {
    /// Tells all that works for the call to stop.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::SeqCst);
        let wakers = std::mem::take(&mut *self.wakers());
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A part of what this thread works for: it stops with the whole, and can be told to stop alone.
    pub fn part() -> Self {
        Self(Arc::new(State { whole: token(), ..State::default() }))
    }

    /// Whether the call was told to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::Relaxed)
            || self.0.whole.as_ref().is_some_and(Self::is_cancelled)
    }

    /// Does `work` for the call, on this thread.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        /// Ends it, also when the work unwinds.
        struct Before(Option<Token>);
        impl Drop for Before {
            fn drop(&mut self) {
                CALL.set(self.0.take());
            }
        }
        let _before = Before(CALL.replace(Some(self.clone())));
        work()
    }

    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `waker` woken when the call is told to stop.
    fn wake(&self, waker: &Waker) {
        let mut wakers = self.wakers();
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
        drop(wakers);
        if let Some(whole) = &self.0.whole {
            whole.wake(waker);
        }
    }
}

/// The call that this thread works for, to be told to threads that it starts.
pub fn token() -> Option<Token> {
    CALL.with_borrow(Clone::clone)
}

#[cold]
fn stop() -> ! {
    resume_unwind(Box::new(Cancelled))
}

/// Stops here if the call was told to. Costs a look at a variable of the thread.
#[inline]
pub fn check() {
    if CALL.with_borrow(|call| call.as_ref().is_some_and(Token::is_cancelled)) {
        stop();
    }
}

/// What `future` gives; it is dropped, and the thread stops, once the call is told to.
pub async fn until<F: Future>(future: F) -> F::Output {
    let Some(token) = token() else { return future.await };
    let mut future = pin!(future);
    poll_fn(|context| {
        token.wake(context.waker());
        if token.is_cancelled() {
            stop();
        }
        future.as_mut().poll(context)
    })
    .await
}

/// Goes on unwinding if that is what `panic` is about; otherwise gives it back. For those who catch
/// what panics.
pub fn pass_on(panic: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
    match panic.is::<Cancelled>() {
        true => resume_unwind(panic),
        false => panic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;
    use std::task::{Context, Poll};

    /// What `work` unwinds with.
    fn unwinds(work: impl FnOnce() + std::panic::UnwindSafe) -> Box<dyn Any + Send> {
        catch_unwind(work).expect_err("it stops")
    }

    #[test]
    fn only_what_works_for_a_call_is_stopped() {
        let token = Token::default();
        let (told, asked) = (token.clone(), token.clone());
        token.cancel();
        check();
        assert!(unwinds(move || told.within(check)).is::<Cancelled>());
        assert!(self::token().is_none(), "it works for the call no longer");
        let outer = Token::default();
        outer.within(|| {
            assert!(unwinds(move || asked.within(check)).is::<Cancelled>());
            assert!(!self::token().expect("the outer call").is_cancelled());
            check();
        });
    }

    #[test]
    fn a_part_stops_with_the_whole_and_alone() {
        let whole = Token::default();
        let [first, second] = whole.within(|| [Token::part(), Token::part()]);
        first.cancel();
        let found = [&first, &second, &whole].map(Token::is_cancelled);
        assert_eq!(found, [true, false, false]);
        whole.cancel();
        assert!(second.is_cancelled());
        assert!(!Token::part().is_cancelled(), "of no call");
    }

    #[test]
    fn others_panics_are_given_back() {
        let other = unwinds(|| resume_unwind(Box::new("other")));
        assert_eq!(pass_on(other).downcast_ref::<&str>(), Some(&"other"));
        let own = unwinds(|| drop(pass_on(Box::new(Cancelled))));
        assert!(own.is::<Cancelled>());
    }

    #[test]
    fn a_future_that_waits_is_dropped() {
        let token = Token::default();
        let told = token.clone();
        struct Unpark(std::thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let stopped = unwinds(std::panic::AssertUnwindSafe(|| {
            token.within(|| {
                let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
                let mut waiting = pin!(until(std::future::pending::<()>()));
                let mut context = Context::from_waker(&waker);
                assert!(waiting.as_mut().poll(&mut context).is_pending());
                std::thread::spawn(move || told.cancel());
                while waiting.as_mut().poll(&mut context).is_pending() {
                    std::thread::park();
                }
            });
        }));
        assert!(stopped.is::<Cancelled>());
        let mut ready = pin!(until(std::future::ready(5)));
        let polled = ready.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Ready(5));
    }
}
