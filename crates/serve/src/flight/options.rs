//! What a client chooses for its connection: the database, which the protocol calls the catalog.

use crate::flight::wire::{choice, field, fields, put, text};

/// The option of a connection.
const CATALOG: &str = "catalog";

/// What the protocol says of an option that is none.
const INVALID_NAME: u64 = 1;

/// What it says of a session that has ended.
const CLOSED: u64 = 1;

/// What a client asks to choose.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The database.
    pub(crate) database: Option<String>,
    /// Names that are none of an option.
    pub(crate) unknown: Vec<String>,
}

/// What a `SetSessionOptionsRequest` chooses; `None` if it is none.
pub(crate) fn chosen(request: &[u8]) -> Option<Chosen> {
    let mut chosen = Chosen::default();
    for (_, option) in fields(request)?.into_iter().filter(|(number, _)| *number == 1) {
        // Empty texts are left out of messages.
        let name = field(option, 1).map_or(Some(""), |_| text(option, 1))?;
        if name == CATALOG {
            let value = field(option, 2).unwrap_or_default();
            let database = field(value, 1).map_or(Some(""), |_| text(value, 1))?;
            chosen.database = Some(database.to_owned());
        } else {
            chosen.unknown.push(name.to_owned());
        }
    }
    Some(chosen)
}

/// The answer: which of the options could not be chosen.
pub(crate) fn answer_to_choice(chosen: &Chosen) -> Vec<u8> {
    let mut answer = Vec::new();
    for name in &chosen.unknown {
        let mut error = Vec::new();
        put(&mut error, 1, name.as_bytes());
        put(&mut error, 2, &choice(1, INVALID_NAME));
        put(&mut answer, 1, &error);
    }
    answer
}

/// The options of a connection to `database`.
pub(crate) fn all(database: &str) -> Vec<u8> {
    let mut value = Vec::new();
    put(&mut value, 1, database.as_bytes());
    let mut option = Vec::new();
    put(&mut option, 1, CATALOG.as_bytes());
    put(&mut option, 2, &value);
    let mut answer = Vec::new();
    put(&mut answer, 1, &option);
    answer
}

/// The answer to who ends a session.
pub(crate) fn closed() -> Vec<u8> {
    choice(1, CLOSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_chosen() {
        // What is given is what would be chosen.
        let database = Some("rebound@3".to_owned());
        assert_eq!(chosen(&all("rebound@3")), Some(Chosen { database, unknown: Vec::new() }));
        assert_eq!(chosen(b""), Some(Chosen::default()));
        assert_eq!(chosen(b"\x0a\xff"), None);
    }

    #[test]
    fn other_options_are_named() {
        let mut option = Vec::new();
        put(&mut option, 1, b"schema");
        let mut request = Vec::new();
        put(&mut request, 1, &option);
        let chosen = chosen(&request).expect("a request");
        assert_eq!((&chosen.database, &chosen.unknown[..]), (&None, &["schema".to_owned()][..]));
        let answer = answer_to_choice(&chosen);
        let error = field(&answer, 1).expect("an error");
        assert_eq!(text(error, 1), Some("schema"));
        assert_eq!(field(error, 2), Some(&[8, 1][..]));
    }
}
