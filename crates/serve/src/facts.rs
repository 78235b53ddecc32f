//! What a session knows of its client: who it is, and what it has set.

use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use query::CATALOG;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The release of PostgreSQL that clients are told of: what they ask is what they ask of it.
pub(crate) const RELEASE: &str = "16.6";

/// The same as a number.
pub(crate) const RELEASE_NUMBER: &str = "160006";

/// A setting: its name, its value as long as nobody sets it, and what it says.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) value: &'static str,
    pub(crate) about: &'static str,
    pub(crate) may_be_set: MayBeSet,
}

/// Whether clients may set a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MayBeSet {
    Yes,
    No,
}

const fn set(name: &'static str, value: &'static str, about: &'static str) -> Setting {
    Setting { name, value, about, may_be_set: MayBeSet::Yes }
}

const fn fixed(name: &'static str, value: &'static str, about: &'static str) -> Setting {
    Setting { name, value, about, may_be_set: MayBeSet::No }
}

/// All of them, by name.
pub(crate) const SETTINGS: [Setting; 37] = [
    set("application_name", "", "Sets the application name to be reported."),
    set("bytea_output", "hex", "Sets the output format for bytea."),
    set("client_encoding", "UTF8", "Sets the client's character set encoding."),
    set("client_min_messages", "notice", "Sets the message levels that are sent to the client."),
    set("datestyle", "ISO, MDY", "Sets the display format for date and time values."),
    set("default_statistics_target", "100", "Sets the default statistics target."),
    set("default_tablespace", "", "Sets the default tablespace."),
    set("default_transaction_deferrable", "off", "Sets the default deferrable status."),
    set("default_transaction_isolation", "repeatable read", "Sets the default isolation level."),
    set("default_transaction_read_only", "on", "Sets the default read-only status."),
    set("extra_float_digits", "1", "Sets the number of digits displayed for floats."),
    set("idle_in_transaction_session_timeout", "0", "Sets how long a transaction may idle."),
    fixed("in_hot_standby", "off", "Shows whether hot standby is active."),
    fixed("integer_datetimes", "on", "Shows whether datetimes are integer based."),
    set("intervalstyle", "postgres", "Sets the display format for interval values."),
    fixed("is_superuser", "off", "Shows whether the current user is a superuser."),
    set("jit", "off", "Allow JIT compilation."),
    fixed("lc_collate", "C", "Shows the collation order locale."),
    fixed("lc_ctype", "C.UTF-8", "Shows the character classification locale."),
    set("lc_messages", "C", "Sets the language in which messages are displayed."),
    set("lc_monetary", "C", "Sets the locale for monetary amounts."),
    set("lc_numeric", "C", "Sets the locale for numbers."),
    set("lc_time", "C", "Sets the locale for dates and times."),
    set("lock_timeout", "0", "Sets how long a lock may be waited for."),
    fixed("max_connections", "100", "Sets the maximum number of concurrent connections."),
    fixed("max_identifier_length", "63", "Shows the maximum identifier length."),
    fixed("max_index_keys", "32", "Shows the maximum number of index keys."),
    set("row_security", "on", "Enable row security."),
    set("search_path", "\"$user\", public", "Sets the schema search order."),
    fixed("server_encoding", "UTF8", "Shows the server's character set encoding."),
    fixed("server_version", RELEASE, "Shows the server version."),
    fixed("server_version_num", RELEASE_NUMBER, "Shows the server version as an integer."),
    set(
        "standard_conforming_strings",
        "on",
        "Causes '...' strings to treat backslashes literally.",
    ),
    set("statement_timeout", "0", "Sets the maximum allowed duration of any statement."),
    set("timezone", "UTC", "Sets the time zone."),
    set("transaction_isolation", "repeatable read", "Sets the transaction's isolation level."),
    set("transaction_read_only", "on", "Sets the transaction's read-only status."),
];

#[derive(Debug)]
struct Inner {
    user: String,
    database: String,
    number: i32,
    settings: BTreeMap<String, String>,
    /// What settings were before the transaction set them, the last first.
    before: Vec<(String, Option<String>)>,
}

/// What a session knows. All its sessions have the same, whatever is published.
#[derive(Debug)]
pub(crate) struct Facts(Mutex<Inner>);

impl Default for Facts {
    fn default() -> Self {
        Self(Mutex::new(Inner {
            user: String::new(),
            database: CATALOG.to_owned(),
            number: 0,
            settings: BTreeMap::new(),
            before: Vec::new(),
        }))
    }
}

impl Facts {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn user(&self) -> String {
        self.inner().user.clone()
    }

    pub(crate) fn set_user(&self, user: &str) {
        user.clone_into(&mut self.inner().user);
    }

    pub(crate) fn database(&self) -> String {
        self.inner().database.clone()
    }

    pub(crate) fn set_database(&self, database: &str) {
        database.clone_into(&mut self.inner().database);
    }

    /// The number it is cancelled by.
    pub(crate) fn number(&self) -> i32 {
        self.inner().number
    }

    pub(crate) fn set_number(&self, number: i32) {
        self.inner().number = number;
    }

    /// The value of a setting; `None` if there is none of this name.
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        if let Some(value) = self.inner().settings.get(&name) {
            return Some(value.clone());
        }
        let known = SETTINGS.iter().find(|setting| setting.name == name)?;
        Some(known.value.to_owned())
    }

    /// Sets a setting, whatever it was. `None` makes it what it was at first.
    pub(crate) fn set(&self, name: &str, value: Option<String>) {
        let settings = &mut self.inner().settings;
        match value {
            Some(value) => settings.insert(name.to_lowercase(), value),
            None => settings.remove(&name.to_lowercase()),
        };
    }

    /// Sets a setting until the transaction ends.
    pub(crate) fn set_local(&self, name: &str, value: Option<String>) {
        let name = name.to_lowercase();
        let before = self.inner().settings.get(&name).cloned();
        self.inner().before.push((name.clone(), before));
        self.set(&name, value);
    }

    /// Makes settings what they were before the transaction set them.
    pub(crate) fn end_transaction(&self) {
        let before = std::mem::take(&mut self.inner().before);
        for (name, value) in before.into_iter().rev() {
            self.set(&name, value);
        }
    }

    /// Makes all settings what they were at first.
    pub(crate) fn reset(&self) {
        self.inner().settings.clear();
    }

    /// Sets what a client says as it comes: settings by their names, and `options` as the command line
    /// of PostgreSQL takes them.
    pub(crate) fn begin<'s>(&self, said: impl Iterator<Item = (&'s str, &'s str)>) {
        for (name, value) in said {
            let is_known = |name: &str| {
                let may_be_set = |setting: &&Setting| setting.may_be_set == MayBeSet::Yes;
                SETTINGS.iter().filter(may_be_set).any(|setting| setting.name == name)
            };
            let named = match name {
                "options" => options(value),
                name => vec![(name.to_lowercase(), value.to_owned())],
            };
            for (name, value) in named.into_iter().filter(|(name, _)| is_known(name)) {
                self.set(&name, Some(value));
            }
        }
    }

    /// The schemas in which tables without a schema are looked for.
    pub(crate) fn search_path(&self) -> Vec<String> {
        let path = self.setting("search_path").unwrap_or_default();
        let user = self.user();
        schemas_of(&path)
            .into_iter()
            .map(|name| if name == "$user" { user.clone() } else { name })
            .collect()
    }
}

/// Settings in options, `-c name=value` or `--name=value`, in which a backslash keeps a space.
fn options(text: &str) -> Vec<(String, String)> {
    let (mut words, mut word, mut is_kept) = (Vec::new(), String::new(), false);
    for letter in text.chars() {
        match letter {
            '\\' if !is_kept => is_kept = true,
            ' ' if !is_kept => words.push(std::mem::take(&mut word)),
            other => {
                word.push(other);
                is_kept = false;
            }
        }
    }
    words.push(word);
    let words = words.iter().map(|word| {
        let word = word.trim_start_matches("--");
        word.strip_prefix("-c").unwrap_or(word)
    });
    let pairs = words.filter_map(|word| word.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_lowercase(), value.to_owned())).collect()
}

/// The schemas of a search path: names with commas between them, which may be quoted.
fn schemas_of(path: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, path).tokenize().unwrap_or_default();
    let names = tokens.into_iter().filter_map(|token| match token {
        Token::Word(word) => {
            Some(folded(&Ident { quote_style: word.quote_style, ..Ident::new(word.value) }))
        }
        Token::SingleQuotedString(name) => Some(name),
        _ => None,
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// A name as it is looked for: in small letters unless it is quoted.
pub(crate) fn folded(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_known_by_name() {
        let facts = Facts::default();
        assert_eq!(facts.setting("Server_Version").as_deref(), Some(RELEASE));
        assert_eq!(facts.setting("no_such"), None);
        facts.set("TimeZone", Some("Asia/Shanghai".to_owned()));
        assert_eq!(facts.setting("timezone").as_deref(), Some("Asia/Shanghai"));
        facts.set_local("timezone", Some("UTC+1".to_owned()));
        facts.set_local("timezone", Some("UTC+2".to_owned()));
        facts.end_transaction();
        assert_eq!(facts.setting("timezone").as_deref(), Some("Asia/Shanghai"));
        facts.reset();
        assert_eq!(facts.setting("timezone").as_deref(), Some("UTC"));
        assert!(SETTINGS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn clients_set_what_they_say_as_they_come() {
        let facts = Facts::default();
        let said = [
            ("options", "-c search_path=panel,public --statement_timeout=5s -cjit=off"),
            ("TimeZone", "Asia/Shanghai"),
            ("user", "ada"),
            ("server_version", "99"),
        ];
        facts.begin(said.into_iter());
        assert_eq!(facts.search_path(), ["panel", "public"]);
        assert_eq!(facts.setting("statement_timeout").as_deref(), Some("5s"));
        assert_eq!(facts.setting("timezone").as_deref(), Some("Asia/Shanghai"));
        assert_eq!(facts.setting("server_version").as_deref(), Some(RELEASE));
        assert_eq!(
            options("-c search_path=a,\\ b"),
            [("search_path".to_owned(), "a, b".to_owned())]
        );
    }

    #[test]
    fn search_paths_are_names() {
        let facts = Facts::default();
        facts.set_user("ada");
        assert_eq!(facts.search_path(), ["ada", "public"]);
        facts.set("search_path", Some("Panel, \"Odd Name\", 'trade'".to_owned()));
        assert_eq!(facts.search_path(), ["panel", "Odd Name", "trade"]);
        facts.set("search_path", Some(String::new()));
        assert!(facts.search_path().is_empty());
    }
}
