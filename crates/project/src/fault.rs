//! What is wrong with a file that a user wrote, and all that is wrong with several, told together.

use std::fmt;
use std::path::{Path, PathBuf};

/// A step from a value of a file to one in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item of a list, counted from 0.
    At(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<&String> for Step {
    fn from(key: &String) -> Self {
        Self::Key(key.clone())
    }
}

impl From<usize> for Step {
    fn from(at: usize) -> Self {
        Self::At(at)
    }
}

/// The way to a value, as it is told: `sources[0].files`.
pub(crate) fn key_path(steps: &[Step]) -> String {
    let parts = steps.iter().enumerate().map(|(n, step)| match step {
        Step::Key(key) if n == 0 => key.clone(),
        Step::Key(key) => format!(".{key}"),
        Step::At(at) => format!("[{at}]"),
    });
    parts.collect()
}

/// What is wrong with a value, or with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What the fault is of: ``invalid `relatedness.nearest` ``.
    pub(crate) what: String,
    /// The file that says so, and the line, if there is one.
    pub(crate) place: Option<(PathBuf, Option<usize>)>,
    /// What is there, and what may be there.
    pub(crate) why: String,
}

impl Fault {
    /// What the fault is of: ``invalid `relatedness.nearest` ``.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What is there, and what may be there.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The file that says so, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.place.as_ref().map(|(path, _)| path.as_path())
    }

    /// That the value at `steps` of a file makes no sense.
    pub(crate) fn invalid(
        path: &Path,
        line: Option<usize>,
        steps: &[Step],
        why: impl Into<String>,
    ) -> Self {
        let what = match key_path(steps) {
            empty if empty.is_empty() => "invalid content".to_owned(),
            key => format!("invalid `{key}`"),
        };
        Self { what, place: Some((path.to_owned(), line)), why: why.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some((path, line)) = &self.place {
            write!(f, " in `{}`", path.display())?;
            if let Some(line) = line {
                write!(f, ", line {line}")?;
            }
        }
        write!(f, ": {}", self.why)
    }
}

/// A key of a section with a value that makes no sense, where nobody knows yet which file it is of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) key: String,
    /// What is wrong and what was expected.
    pub(crate) why: String,
}

impl Invalid {
    pub(crate) fn new(key: &str, why: impl Into<String>) -> Self {
        Self { key: key.to_owned(), why: why.into() }
    }
}

/// All that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// Adds one that is not told yet: a value that several share is at fault once.
    pub(crate) fn tell(&mut self, fault: Fault) {
        if !self.0.contains(&fault) {
            self.0.push(fault);
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [fault] = &self.0[..] {
            return fault.fmt(f);
        }
        write!(f, "{} faults", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}
