//! An error and what it comes from, in words.

use std::error::Error;

/// What an error says and then each of its causes, but for those that the one before has said.
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    let mut said: Vec<String> = chain.map(ToString::to_string).collect();
    said.dedup_by(|cause, error| error.contains(cause.as_str()));
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn what_was_said_is_not_said_again() {
        let of = |words: [&'static str; 3]| {
            let chain =
                words.into_iter().rev().fold(None, |cause, text| Some(Box::new(Said(text, cause))));
            causes(&*chain.expect("an error"))
        };
        assert_eq!(of(["no rows", "no file", "denied"]), ["no rows", "no file", "denied"]);
        assert_eq!(of(["no file: denied", "denied", "denied"]), ["no file: denied"]);
    }
}
