//! The words of a report: its texts in a language, by the English ones.

use crate::output::visible;
use project::report_settings::Language;
use project::suggest::suggest;
use project::yaml::{self, YamlError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Chinese, which has every text that there is: its keys are all that are known.
const CHINESE: &str = include_str!("../assets/languages/zh.yaml");
/// What messages call it.
const CHINESE_FILE: &str = "zh.yaml";

/// French, and what messages call its file.
const FRENCH: &str = include_str!("../assets/languages/fr.yaml");
const FRENCH_FILE: &str = "fr.yaml";

/// Unknown or unfit texts that a message lists.
const MOST_TOLD: usize = 20;

/// Why a file of words cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// It cannot be read, or has other keys.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Some of its texts are none of the report's, or do not have the values of theirs.
    #[error("failed to read the words `{path}`:\n{}", .faults.join("\n"))]
    Texts {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        faults: Vec<String>,
    },
}

/// Which way texts run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    /// From the left.
    #[default]
    Ltr,
    /// From the right.
    Rtl,
}

/// A file of words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsFile {
    /// The language as HTML names it: `fr`, `pt-BR`.
    language: String,
    #[serde(default)]
    direction: Direction,
    /// Texts by the English ones.
    texts: BTreeMap<String, Option<String>>,
}

/// The texts of a report in a language. What has no text there is said in English.
#[derive(Debug, Clone)]
pub struct Words {
    language: String,
    direction: Direction,
    texts: BTreeMap<String, String>,
    warning: Option<String>,
}

/// Marks a text that is said elsewhere, so that dictionaries are known to need it.
pub(crate) const fn key(text: &'static str) -> &'static str {
    text
}

/// The words of a language.
///
/// # Errors
///
/// [`WordsError`] as of [`Words::read`].
pub(crate) fn of(language: &Language) -> Result<Words, WordsError> {
    match language {
        Language::English => Ok(Words::english()),
        Language::Chinese => Words::chinese(),
        Language::French => Words::french(),
        Language::File(path) => Words::read(path),
    }
}

impl Words {
    /// English, in which the texts are written.
    pub fn english() -> Self {
        Self {
            language: "en".to_owned(),
            direction: Direction::Ltr,
            texts: BTreeMap::new(),
            warning: None,
        }
    }

    /// Chinese.
    ///
    /// # Errors
    ///
    /// [`WordsError`] if the program's own file is at fault.
    pub fn chinese() -> Result<Self, WordsError> {
        Self::of(Path::new(CHINESE_FILE), CHINESE)
    }

    /// French.
    ///
    /// # Errors
    ///
    /// [`WordsError`] if the program's own file is at fault.
    pub fn french() -> Result<Self, WordsError> {
        Self::of(Path::new(FRENCH_FILE), FRENCH)
    }

    /// The words of a file.
    ///
    /// # Errors
    ///
    /// [`WordsError`] if it cannot be read, has a text that is none of the report's, or one without
    /// the values of its English text.
    pub fn read(path: &Path) -> Result<Self, WordsError> {
        Self::of(path, &yaml::text_of(path)?)
    }

    /// The words of the text of a file.
    fn of(path: &Path, text: &str) -> Result<Self, WordsError> {
        let known: WordsFile = yaml::all_of(Path::new(CHINESE_FILE), CHINESE)?;
        let known: BTreeSet<&str> = known.texts.keys().map(String::as_str).collect();
        let WordsFile { language, direction, texts } = yaml::all_of(path, text)?;
        let mut faults: Vec<String> = texts
            .iter()
            .filter_map(|(english, own)| {
                let why = unfit(english, own.as_deref().unwrap_or_default(), &known)?;
                let line = yaml::line_of(text, &["texts", english]);
                let line = line.map_or_else(String::new, |line| format!("line {line}: "));
                Some(format!("{line}{english:?}: {why}"))
            })
            .collect();
        if !faults.is_empty() {
            let more = faults.len().saturating_sub(MOST_TOLD);
            faults.truncate(MOST_TOLD);
            if more > 0 {
                faults.push(format!("and {more} more"));
            }
            return Err(WordsError::Texts { path: path.to_owned(), faults });
        }
        let missing = known.len() - texts.len();
        let warning = (missing > 0).then(|| {
            format!(
                "`{}` has no words for {missing} of {} texts of the report: they are said in English",
                path.display(),
                known.len()
            )
        });
        let shown = |text: String| text.chars().map(visible).collect();
        let texts = texts.into_iter().filter_map(|(english, own)| Some((english, shown(own?))));
        let texts = texts.collect();
        Ok(Self { language, direction, texts, warning })
    }

    /// The text in this language.
    pub fn say<'t>(&'t self, text: &'t str) -> &'t str {
        self.texts.get(text).map_or(text, String::as_str)
    }

    /// The text in this language, with values in place of their `{names}`.
    pub fn say_with(&self, text: &str, values: &[(&str, &str)]) -> String {
        let mut said = String::new();
        let mut rest = self.say(text);
        while let Some((before, name, after)) = next_name(rest) {
            said.push_str(before);
            match values.iter().find(|(of, _)| *of == name) {
                Some((_, value)) => said.push_str(value),
                None => {
                    said.push('{');
                    said.push_str(name);
                    said.push('}');
                }
            }
            rest = after;
        }
        said.push_str(rest);
        said
    }

    /// A text of one thing, or of several, both with `{n}`.
    pub fn say_many(&self, n: usize, one: &str, more: &str) -> String {
        self.say_with(if n == 1 { one } else { more }, &[("n", &n.to_string())])
    }

    /// The language as an element of HTML names it.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The direction as an element of HTML names it.
    pub fn direction(&self) -> &'static str {
        match self.direction {
            Direction::Ltr => "ltr",
            Direction::Rtl => "rtl",
        }
    }

    /// How many texts are said in English for want of others, if some are.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// The dictionary for the page and the figures; null in English.
    pub fn dictionary(&self) -> Value {
        if self.texts.is_empty() { Value::Null } else { json!(self.texts) }
    }
}

/// Why a text cannot stand for the English one, if it cannot.
fn unfit(english: &str, own: &str, known: &BTreeSet<&str>) -> Option<String> {
    if !known.contains(english) {
        let meant = suggest(english, known.iter().copied());
        return Some(format!("unknown text: expected one that the report says{meant}"));
    }
    if own.trim().is_empty() {
        return Some("it has no words: leave it out, and it is said in English".to_owned());
    }
    let (needed, given) = (names(english), names(own));
    (needed != given).then(|| {
        let told = |names: &BTreeSet<&str>| match names.len() {
            0 => "no value".to_owned(),
            _ => names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" "),
        };
        format!("it has {}: expected {}", told(&given), told(&needed))
    })
}

/// The names of the values of a text.
fn names(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some((_, name, after)) = next_name(rest) {
        found.insert(name);
        rest = after;
    }
    found
}

/// What is before the next `{name}`, the name, and what is after it.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::{Words, key};
    use std::path::Path;

    fn of(text: &str) -> Result<Words, String> {
        Words::of(Path::new("fr.yaml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn shipped_languages_have_every_text() {
        for (words, language) in [(Words::chinese(), "zh"), (Words::french(), "fr")] {
            let words = words.expect("the program's own words");
            let found = (words.language(), words.direction(), words.warning());
            assert_eq!(found, (language, "ltr", None));
            assert_ne!(words.say("Overview"), "Overview");
        }
    }

    #[test]
    fn what_a_file_does_not_say_is_english_and_told() {
        let words = of("language: fr\ntexts:\n  Overview: Aperçu\n").expect("words");
        assert_eq!((words.say("Overview"), words.say("Maps")), ("Aperçu", "Maps"));
        let warning = words.warning().expect("texts are missing");
        assert!(warning.starts_with("`fr.yaml` has no words for "), "{warning}");
    }

    #[test]
    fn unknown_texts_and_lost_values_are_errors_with_their_lines() {
        let found = of("language: fr\ntexts:\n  Overvew: Aperçu\n  '{n} region': une région\n");
        let expected = "failed to read the words `fr.yaml`:\n\
             line 3: \"Overvew\": unknown text: expected one that the report says (did you mean \
             `Overview`?)\n\
             line 4: \"{n} region\": it has no value: expected {n}";
        assert_eq!(found.expect_err("faults"), expected);
    }

    #[test]
    fn texts_without_words_are_errors() {
        for nothing in ["''", "' '", "null", ""] {
            let found =
                of(&format!("language: fr\ntexts:\n  Maps: Cartes\n  Overview: {nothing}\n"));
            let expected = "failed to read the words `fr.yaml`:\n\
                 line 4: \"Overview\": it has no words: leave it out, and it is said in English";
            assert_eq!(found.expect_err(nothing), expected);
        }
    }

    #[test]
    fn values_stand_where_the_language_has_them() {
        let words = of("language: fr\ndirection: rtl\ntexts:\n  '{n} regions': 'régions : {n}'\n");
        let words = words.expect("words");
        assert_eq!(words.direction(), "rtl");
        assert_eq!(words.say_many(3, key("{n} region"), key("{n} regions")), "régions : 3");
        let filled = "{a}{b}";
        assert_eq!(Words::english().say_with(filled, &[("b", "{a}")]), "{a}{a}");
    }
}
