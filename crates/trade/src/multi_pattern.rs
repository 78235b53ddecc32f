//! Whether one of some patterns is in a text.

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

/// Patterns that are searched for together, as bytes: case counts.
#[derive(Debug, Clone)]
pub(crate) struct MultiPattern {
    /// None if there is no pattern.
    automaton: Option<AhoCorasick>,
}

impl MultiPattern {
    /// Those of `patterns` that are not empty.
    ///
    /// # Errors
    ///
    /// If they are too long for an automaton, which has room for 2^31 states.
    pub(crate) fn new<'p>(patterns: impl Iterator<Item = &'p str>) -> Result<Self, BuildError> {
        let patterns: Vec<&str> = patterns.filter(|pattern| !pattern.is_empty()).collect();
        if patterns.is_empty() {
            return Ok(Self { automaton: None });
        }
        // Only for leftmost matches does the automaton go over text by whole vectors.
        let automaton =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(patterns)?;
        Ok(Self { automaton: Some(automaton) })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }

    /// Whether one of them is in `text`.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        self.automaton.as_ref().is_some_and(|automaton| automaton.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn patterns_are_found_as_one_after_the_other(
            patterns in prop::collection::vec("[abA贸易]{0,4}", 0..12), text in "[abA贸易外]{0,40}",
        ) {
            let found = MultiPattern::new(patterns.iter().map(String::as_str)).expect("few");
            let expected = patterns
                .iter()
                .any(|pattern| !pattern.is_empty() && text.contains(pattern.as_str()));
            prop_assert_eq!(found.is_in(text.as_bytes()), expected);
            prop_assert_eq!(found.is_empty(), patterns.iter().all(String::is_empty));
        }
    }
}
