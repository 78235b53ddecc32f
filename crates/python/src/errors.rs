//! Errors as exceptions of Python.

use project::causes::causes;
use pyo3::prelude::*;
use pyo3::types::PyType;
use rebound::cli::{is_users_fault, readable};

/// The classes of `rebound_trade._errors`.
#[derive(Debug, Clone, Copy)]
enum Class {
    /// `Error`: the fault of the machine, or of Rebound.
    Error,
    /// `InputError`: that of the user's input or config.
    Input,
}

/// The exception of an error: what it says, and each of its causes.
pub(crate) fn raised(py: Python<'_>, error: &anyhow::Error) -> PyErr {
    let said: Vec<String> = causes(error.as_ref()).iter().map(|cause| readable(cause)).collect();
    let class = if is_users_fault(error) { Class::Input } else { Class::Error };
    exception(py, class, as_keywords(&said.join(": ")))
}

/// The exception of work that panicked with this text.
pub(crate) fn of_panic(py: Python<'_>, text: &str) -> PyErr {
    let text = format!(
        "rebound stopped at a fault of its own: {text}; please report it, with what you asked for if \
         you can"
    );
    exception(py, Class::Error, text)
}

/// The exception of what the user asked for, where it makes no sense.
pub(crate) fn input(text: impl Into<String>) -> PyErr {
    Python::attach(|py| exception(py, Class::Input, text.into()))
}

/// The exception of what Rebound cannot do, though the user asked well.
pub(crate) fn own(text: impl Into<String>) -> PyErr {
    Python::attach(|py| exception(py, Class::Error, text.into()))
}

fn exception(py: Python<'_>, class: Class, text: String) -> PyErr {
    let name = match class {
        Class::Error => "Error",
        Class::Input => "InputError",
    };
    let found = py
        .import("rebound_trade._errors")
        .and_then(|module| module.getattr(name))
        .and_then(|class| Ok(class.cast_into::<PyType>()?));
    match found {
        Ok(class) => PyErr::from_type(class, (text,)),
        Err(error) => error,
    }
}

/// What the program says, with options as Python has them.
#[pyfunction]
pub(crate) fn keywords(text: &str) -> String {
    as_keywords(text)
}

/// A message with options as Python has them: `region=NAME` for `--region NAME`, `base=2008` for
/// `--base 2008`, and the name of another in backticks.
pub(crate) fn as_keywords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("--") {
        let (before, after) = rest.split_at(at);
        shown.push_str(before);
        let last = shown.chars().next_back();
        let name = &after[2..];
        let length = name.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(name.len());
        let (name, behind) = name.split_at(length);
        let is_option = name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('-')
            && last.is_none_or(|c| !c.is_alphanumeric() && c != '-');
        if !is_option {
            shown.push_str("--");
            rest = &after[2..];
            continue;
        }
        // The command line has two names for it.
        let name = match name {
            "period" => "year".to_owned(),
            // Flags that say no are keywords that are false.
            "no-wait" => "wait=False".to_owned(),
            "no-records" => "records=False".to_owned(),
            name => name.replace('-', "_"),
        };
        let placeholder = behind.strip_prefix(' ').filter(|next| {
            let mut next = next.chars();
            next.next().is_some_and(char::is_uppercase)
                && next.next().is_some_and(char::is_uppercase)
        });
        let is_quoted = shown.matches('`').count() % 2 == 1;
        let mark = if is_quoted { "" } else { "`" };
        if let Some(after) = after_placeholder(behind).filter(|_| last == Some('\'')) {
            shown.pop();
            shown.extend([mark, name.as_str(), mark]);
            rest = after;
        } else if let Some(after) = placeholder {
            shown.extend([name.as_str(), "="]);
            rest = after;
        } else if let Some((value, after)) = given(behind) {
            shown.extend([mark, name.as_str(), "=", value.as_str(), mark]);
            rest = after;
        } else {
            shown.extend([mark, name.as_str(), mark]);
            rest = behind;
        }
    }
    shown + rest
}

/// What follows an option that clap shows in quotes, with what it takes: `'--metrics <METRICS>...'`.
fn after_placeholder(behind: &str) -> Option<&str> {
    let Some(taken) = behind.strip_prefix(" <") else { return behind.strip_prefix('\'') };
    let (_, after) = taken.split_once('>')?;
    after.strip_prefix("...").unwrap_or(after).strip_prefix('\'')
}

/// The value that an option is given, as Python writes it, and what follows: what begins with a
/// digit, or a word with a hyphen in it, such as `leave-out`.
fn given(behind: &str) -> Option<(String, &str)> {
    let after = behind.strip_prefix(' ')?;
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
    let word = after[..end.unwrap_or(after.len())].trim_end_matches(['-', '_', '.']);
    let is_name = word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let value = if word.parse::<f64>().is_ok_and(f64::is_finite) {
        word.to_owned()
    } else if word.starts_with(|c: char| c.is_ascii_digit()) {
        format!("\"{word}\"")
    } else if is_name && word.contains('-') && !word.starts_with('-') {
        format!("\"{}\"", word.replace('-', "_"))
    } else {
        return None;
    };
    Some((value, &after[word.len()..]))
}
