//! Regular expressions, each known by its text.

use regex::Regex;
use std::fmt;

/// A regular expression. Two are equal if their texts are.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

/// A text that is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParsePatternError(String);

impl Pattern {
    /// The expression that a text is.
    ///
    /// # Errors
    ///
    /// [`ParsePatternError`] if it is none.
    pub fn new(text: &str) -> Result<Self, ParsePatternError> {
        Regex::new(text).map(Self).map_err(|error| ParsePatternError(error.to_string()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is found in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// What it finds in `text`: its first group, or all that matches if it has none.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = self.0.captures(text)?;
        found.get(1).or_else(|| found.get(0)).map(|found| found.as_str())
    }

    /// How many groups it has, without the whole.
    pub fn n_groups(&self) -> usize {
        self.0.captures_len() - 1
    }

    /// `template` with what its groups found in `text`: `$1` is the first. `None` if it is not found.
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let captures = self.0.captures(text)?;
        let mut expanded = String::new();
        captures.expand(template, &mut expanded);
        Some(expanded)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_make_codes_of_names() {
        let pattern = Pattern::new("^([0-9]{4}) Exports?$").expect("an expression");
        assert_eq!(pattern.n_groups(), 1);
        assert_eq!(pattern.expand("2008 Exports", "$1").as_deref(), Some("2008"));
        assert_eq!(pattern.expand("2008 Imports", "$1"), None);
        assert_eq!((pattern.find("2008 Exports"), pattern.find("2008")), (Some("2008"), None));
        let whole = Pattern::new("[0-9]{4}").expect("an expression");
        assert_eq!(whole.find("in 2008"), Some("2008"));
        let short = Pattern::new("^y([0-9]{2})$").expect("an expression");
        assert_eq!(short.expand("y08", "20$1").as_deref(), Some("2008"));
        assert!(Pattern::new("(").is_err());
    }
}
