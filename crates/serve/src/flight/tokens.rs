//! Tokens that clients have for a password.

use datafusion_postgres::pgwire::api::auth::sasl::scram::random_nonce;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tokens at a time. When there are more, the one that was not used for longest ends.
const MOST: usize = 10_000;

/// How long a token is known after it was used last.
const UNUSED: Duration = Duration::from_secs(24 * 60 * 60);

/// A token's user, and when it was used last.
#[derive(Debug)]
struct Known {
    user: String,
    used: Instant,
}

/// Those that are known.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<BTreeMap<String, Known>>);

impl Tokens {
    /// Another one, for `user`.
    pub(crate) fn issue(&self, user: &str) -> String {
        let token = random_nonce();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, token| token.used.elapsed() < UNUSED);
        if known.len() >= MOST {
            let oldest = known.iter().min_by_key(|(_, token)| token.used);
            if let Some(oldest) = oldest.map(|(token, _)| token.clone()) {
                known.remove(&oldest);
            }
        }
        known.insert(token.clone(), Known { user: user.to_owned(), used: Instant::now() });
        token
    }

    /// Whose it is; `None` if it is not known.
    pub(crate) fn user(&self, token: &str) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = known.get_mut(token).filter(|token| token.used.elapsed() < UNUSED)?;
        token.used = Instant::now();
        Some(token.user.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_their_users() {
        let tokens = Tokens::default();
        let (one, two) = (tokens.issue("ada"), tokens.issue("bob"));
        assert_eq!(tokens.user(&one).as_deref(), Some("ada"));
        assert_eq!(tokens.user(&two).as_deref(), Some("bob"));
        assert_eq!(tokens.user("another"), None);
    }

    #[test]
    fn the_one_unused_longest_ends_first() {
        let tokens = Tokens::default();
        let (one, two) = (tokens.issue("ada"), tokens.issue("bob"));
        for _ in 2..MOST {
            tokens.issue("eve");
        }
        assert!(tokens.user(&one).is_some());
        tokens.issue("eve");
        assert!(tokens.user(&one).is_some());
        assert!(tokens.user(&two).is_none());
    }
}
