//! Why a file cannot be read.

use lake::RemoteError;
use project::causes::causes;
use project::printable::printable;

/// Characters of a label that are told.
const LABEL_CHARACTERS: usize = 200;

/// Why a file cannot be read, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unreadable {
    why: String,
    /// Whether it is the file's fault, or that of who names it; otherwise its store's or this
    /// machine's.
    pub is_users: bool,
}

impl Unreadable {
    /// The same of what is in a file: a member, whose label this is.
    #[must_use]
    pub(super) fn within(self, label: &str) -> Self {
        Self { why: format!("{}: {}", printable(label, LABEL_CHARACTERS), self.why), ..self }
    }
}

impl From<String> for Unreadable {
    fn from(why: String) -> Self {
        Self { why, is_users: true }
    }
}

impl From<RemoteError> for Unreadable {
    fn from(error: RemoteError) -> Self {
        Self { why: causes(&error).join(": "), is_users: error.is_users() }
    }
}

/// What `work` gives; an error where a library panics, as some do on damaged bytes.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    done.unwrap_or_else(|panic| {
        drop(cancel::pass_on(panic));
        Err("its data are damaged: fetch it again".to_owned())
    })
}

pub(super) fn text_of(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What is wrong where bytes cannot be read.
pub(super) fn unreadable(error: std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => error.to_string(),
        _ => format!("its data are damaged or cut short ({error}); fetch it again"),
    }
}
