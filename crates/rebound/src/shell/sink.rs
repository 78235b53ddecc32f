//! Where the rows of queries go instead of the screen.

use report::new_file::NewFile;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Why rows do not go where they should.
#[derive(Debug, thiserror::Error)]
pub(super) enum SinkError {
    #[error("failed to write `{path}`")]
    File { path: PathBuf, source: std::io::Error },
    #[error("failed to start `{command}`")]
    Start { command: String, source: std::io::Error },
    #[error("`{0}` reads no further: rows go to the screen again")]
    Closed(String),
    #[error("failed to hand rows to `{command}`")]
    Command { command: String, source: std::io::Error },
    #[error("`{command}` failed: {status}")]
    Failed { command: String, status: std::process::ExitStatus },
}

impl SinkError {
    /// Whether nothing more can be written there.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

/// A file or a command.
#[derive(Debug)]
pub(super) enum Sink {
    /// It is there when it is ended.
    File(NewFile),
    /// It reads the rows.
    Command(String, Child),
}

impl Sink {
    /// A file.
    pub(super) fn file(path: &Path) -> Result<Self, SinkError> {
        let file = NewFile::create(path);
        file.map(Self::File).map_err(|source| SinkError::File { path: path.to_owned(), source })
    }

    /// A command of the system's shell.
    pub(super) fn command(command: &str) -> Result<Self, SinkError> {
        let started = Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).spawn();
        started
            .map(|child| Self::Command(command.to_owned(), child))
            .map_err(|source| SinkError::Start { command: command.to_owned(), source })
    }

    /// Writes rows.
    pub(super) fn write(&mut self, text: &[u8]) -> Result<(), SinkError> {
        match self {
            Self::File(file) => file
                .write_all(text)
                .map_err(|source| SinkError::File { path: file.target().to_owned(), source }),
            Self::Command(command, child) => {
                let Some(input) = &mut child.stdin else { return Ok(()) };
                let written = input.write_all(text).and_then(|()| input.flush());
                written.map_err(|source| match source.kind() {
                    ErrorKind::BrokenPipe => SinkError::Closed(command.clone()),
                    _ => SinkError::Command { command: command.clone(), source },
                })
            }
        }
    }

    /// Puts the file where it should be; waits for the command.
    pub(super) fn end(self) -> Result<(), SinkError> {
        match self {
            Self::File(file) => {
                let path = file.target().to_owned();
                file.keep().map_err(|source| SinkError::File { path, source })
            }
            Self::Command(command, mut child) => {
                // It sees the end of the rows.
                drop(child.stdin.take());
                match child.wait() {
                    Ok(status) if status.success() => Ok(()),
                    Ok(status) => Err(SinkError::Failed { command, status }),
                    Err(source) => Err(SinkError::Command { command, source }),
                }
            }
        }
    }
}
