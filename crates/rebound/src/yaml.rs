//! YAML files to typed values. Only this module names the YAML library.

use crate::bounded;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// A YAML file that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// The file cannot be opened.
    #[error("failed to read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It does not say what it should; the text names the key, what was expected, and line and column.
    #[error("failed to read `{path}`: {text}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        text: String,
    },
}

/// Reads `path` as a `T`.
///
/// # Errors
///
/// [`YamlError`] if the file is not there, is no YAML, or has other keys than `T`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, YamlError> {
    let text = text_of(path).map_err(|source| YamlError::Read { path: path.to_owned(), source })?;
    of_text(&text).map_err(|text| YamlError::Content { path: path.to_owned(), text })
}

/// Bytes of the largest file that is read.
const MOST_BYTES: u64 = 64 << 20;

fn text_of(path: &Path) -> std::io::Result<String> {
    bounded::is_regular(path)?;
    let n = path.metadata()?.len();
    if n > MOST_BYTES {
        let why = format!("it has {n} bytes: expected a text of at most {MOST_BYTES}");
        return Err(std::io::Error::other(why));
    }
    std::fs::read_to_string(path)
}

/// Reads a text.
///
/// # Errors
///
/// What is wrong, and where.
pub fn of_text<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_yaml::from_str(text).map_err(|error| in_words(&error.to_string()))
}

/// What is expected, by the names that types have in Rust.
const EXPECTED: [(&str, &str); 10] = [
    ("usize", "a whole number of at least 0"),
    ("u64", "a whole number of at least 0"),
    ("u32", "a whole number of 0 to 4294967295"),
    ("u8", "a whole number of 0 to 255"),
    ("i64", "a whole number"),
    ("i32", "a whole number"),
    ("f64", "a number"),
    ("a boolean", "true or false"),
    ("a sequence", "a list"),
    ("a map", "keys with values"),
];

/// An error of the library without the names of Rust's types.
fn in_words(error: &str) -> String {
    let Some((found, expected)) = error.split_once(", expected ") else { return error.to_owned() };
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if let Some(name) = expected.strip_prefix("struct ") {
        let rest = name.trim_start_matches(|c: char| !c.is_whitespace());
        return format!("{found}, expected keys with values{rest}");
    }
    let words = EXPECTED.iter().find_map(|(name, words)| {
        let rest = expected.strip_prefix(name).filter(|rest| is_end(rest))?;
        Some(format!("{found}, expected {words}{rest}"))
    });
    words.unwrap_or_else(|| error.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_no_names_of_types() {
        let of = |text: &str, error: String| (text.to_owned(), error);
        for (text, error) in [
            of("many", of_text::<usize>("many").unwrap_err()),
            of("half", of_text::<f64>("half").unwrap_err()),
            of("2", of_text::<bool>("2").unwrap_err()),
            of("-3", of_text::<u32>("-3").unwrap_err()),
            of("[1]", of_text::<i32>("[1]").unwrap_err()),
        ] {
            assert!(
                !["usize", "f64", "boolean", "u32", "i32"].iter().any(|name| error.contains(name)),
                "{text}: {error}"
            );
            assert!(
                error.contains("expected a") || error.contains("expected true or false"),
                "{text}: {error}"
            );
        }
        let error =
            of_text::<std::collections::BTreeMap<String, usize>>("a: 1\nb: two\n").unwrap_err();
        assert!(error.contains("expected a whole number of at least 0 at line 2"), "{error}");
        #[derive(Debug, serde::Deserialize)]
        struct Section {
            #[serde(rename = "a")]
            _a: usize,
        }
        let error = of_text::<Section>("5").unwrap_err();
        assert!(
            error.contains("expected keys with values") && !error.contains("Section"),
            "{error}"
        );
    }
}
