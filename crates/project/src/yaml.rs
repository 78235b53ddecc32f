//! YAML files to typed values, and what is wrong with them in words. Only this module names the YAML
//! library.

use crate::bounded;
use crate::fault::{Fault, Faults, Step, key_path};
use crate::suggest::suggest;
use crate::tracked::{Track, Tracked};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

pub use serde_yaml::Value;

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
    /// Keys or values are at fault: all that are.
    #[error("{0}")]
    Faults(Faults),
}

/// Reads `path` as a `T`.
///
/// # Errors
///
/// [`YamlError`] if the file is not there, is no YAML, or has other keys than `T`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, YamlError> {
    let text = text_of(path)?;
    of_text(&text).map_err(|text| YamlError::Content { path: path.to_owned(), text })
}

/// Bytes of the largest file that is read.
const MOST_BYTES: u64 = 64 << 20;

/// The mark of the order of bytes.
const MARK: char = '\u{feff}';

/// The text of a file.
///
/// # Errors
///
/// [`YamlError::Read`] if it is not there, is no file, or is too large.
pub fn text_of(path: &Path) -> Result<String, YamlError> {
    let text = || -> std::io::Result<String> {
        bounded::is_regular(path)?;
        let n = path.metadata()?.len();
        if n > MOST_BYTES {
            let why = format!("it has {n} bytes: expected a text of at most {MOST_BYTES}");
            return Err(std::io::Error::other(why));
        }
        let mut text = std::fs::read_to_string(path)?;
        // Some editors begin a file by a mark, which YAML would read as a document of its own.
        if text.starts_with(MARK) {
            text.drain(..MARK.len_utf8());
        }
        Ok(text)
    };
    text().map_err(|source| YamlError::Read { path: path.to_owned(), source })
}

/// Reads a text.
///
/// # Errors
///
/// What is wrong, and where.
pub fn of_text<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    // A map of free keys takes the last of two that are the same; a value takes none.
    is_yaml(text)?;
    serde_yaml::from_str(text).map_err(|error| in_a_line(&error))
}

/// Looks whether a text is YAML, each key of a mapping once.
fn is_yaml(text: &str) -> Result<(), String> {
    serde_yaml::from_str::<Value>(text).map(|_| ()).map_err(|error| {
        let told = in_a_line(&error);
        twice(text).filter(|_| told.contains(TWICE)).unwrap_or(told)
    })
}

/// What the library says of a key that its mapping has already, at the line of the mapping.
const TWICE: &str = "duplicate entry with key ";

/// The first key that its mapping has already, and the lines of both.
fn twice(text: &str) -> Option<String> {
    let steps = RefCell::new(Vec::new());
    let deserializer = serde_yaml::Deserializer::from_str(text);
    let error = Once(&steps).deserialize(deserializer).err()?;
    let second = error.location().filter(|_| error.to_string().contains(HERE))?.line();
    let steps = steps.into_inner();
    let (Some(Step::Key(key)), first) = (steps.last(), line_at(text, &steps)?) else { return None };
    let path = match &steps[..steps.len() - 1] {
        [] => String::new(),
        above => format!("`{}`: ", key_path(above)),
    };
    Some(format!("{path}{TWICE}{key:?} at line {second}: line {first} has it already"))
}

fn in_a_line(error: &serde_yaml::Error) -> String {
    let Told { path, why, line } = Told::of(error);
    let path = path.map_or_else(String::new, |path| format!("`{path}`: "));
    let place = line.map_or_else(String::new, |line| format!(" at line {line}"));
    format!("{path}{why}{place}")
}

/// Faults of one file beyond which no more are looked for.
const MOST_FAULTS: usize = 100;

/// Reads the text of the file at `path` as a `T`, or tells all of it that is none.
///
/// # Errors
///
/// [`YamlError::Content`] if it is no YAML, [`YamlError::Faults`] with every key that is unknown or
/// missing and every value that is none of its key.
pub fn all_of<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, YamlError> {
    is_yaml(text).map_err(|text| YamlError::Content { path: path.to_owned(), text })?;
    let (mut track, mut faults) = (Track::default(), Faults::default());
    loop {
        let inner = serde_yaml::Deserializer::from_str(text);
        let read = <T as serde::Deserialize<'_>>::deserialize(Tracked { inner, track: &track });
        let error = match read {
            Ok(value) if faults.0.is_empty() => return Ok(value),
            Ok(_) => return Err(YamlError::Faults(faults)),
            Err(error) => error,
        };
        let at = track.take_failed();
        let told = Told::of_value(&error, &at);
        let goes_on = tell(path, text, at, told, &mut track, &mut faults);
        if !goes_on || faults.0.len() >= MOST_FAULTS {
            return Err(YamlError::Faults(faults));
        }
    }
}

/// Adds a fault at `at`, if it is not what another one led to; false if nothing more can be found.
fn tell(
    path: &Path,
    text: &str,
    mut at: Vec<Step>,
    told: Told,
    track: &mut Track,
    faults: &mut Faults,
) -> bool {
    let Told { why, line, .. } = told;
    let missing = why.strip_prefix("missing key `").and_then(|rest| rest.strip_suffix('`'));
    if let Some(key) = missing {
        let line = line_at(text, &at);
        at.push(Step::from(key));
        // One that was refused is there.
        if !track.has_passed(&at) {
            let what = format!("missing key `{}`", key_path(&at));
            let why = "nothing stands for it where it is left out".to_owned();
            faults.tell(Fault { what, place: Some((path.to_owned(), line)), why });
        }
        return track.stand_in(at);
    }
    if track.is_stood_in(&at) {
        // Nothing can stand in for such a value, so what needs it is passed over.
        at.pop();
    } else if !track.has_passed_below(&at) {
        let own = line_at(text, &at);
        let unknown = why.strip_prefix("unknown key `").and_then(|rest| rest.split_once("`: "));
        faults.tell(match unknown {
            Some((_, expected)) => Fault {
                what: format!("unknown key `{}`", key_path(&at)),
                place: Some((path.to_owned(), own.or(line))),
                why: expected.to_owned(),
            },
            None => Fault::invalid(path, line.or(own), &at, why),
        });
    }
    !at.is_empty() && track.pass(at)
}

/// Reads a value that was read before.
///
/// # Errors
///
/// What is wrong.
pub fn of_value<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_yaml::from_value(value).map_err(|error| Told::of(&error).why)
}

/// A value that is no `T`.
#[derive(Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where it is below the key that was asked for: `[1].end`.
    pub below: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// What is there, and what was expected.
    pub why: String,
}

/// What of the value below `keys` is no `T`; `None` if all is, or there is no value.
pub fn fault_at<T: DeserializeOwned>(text: &str, keys: &[&str]) -> Option<Misfit> {
    let deserializer = serde_yaml::Deserializer::from_str(text);
    let steps: Vec<Step> = keys.iter().map(|key| Step::from(*key)).collect();
    let found = Below { steps: &steps, then: PhantomData::<T> }.deserialize(deserializer);
    let Told { path, why, line } = Told::of(&found.err()?);
    let below = path.as_deref().and_then(|path| path.strip_prefix(&keys.join(".")));
    Some(Misfit { below: below.unwrap_or_default().to_owned(), line: line?, why })
}

/// The line of the last of `keys`, each below the one before, counted from 1.
pub fn line_of(text: &str, keys: &[&str]) -> Option<usize> {
    let steps: Vec<Step> = keys.iter().map(|key| Step::from(*key)).collect();
    line_at(text, &steps)
}

/// The line of the last of `steps`, counted from 1.
pub(crate) fn line_at(text: &str, steps: &[Step]) -> Option<usize> {
    let (last, above) = steps.split_last()?;
    let deserializer = serde_yaml::Deserializer::from_str(text);
    let found = Below { steps: above, then: PlaceOf(last) }.deserialize(deserializer);
    let error = found.err().filter(|error| error.to_string().contains(HERE))?;
    Some(error.location()?.line())
}

/// What the error says that is made where a key or item is found.
const HERE: &str = "the key is here";

/// Reads `then` from the value below `steps`, if there is one.
struct Below<'k, S> {
    steps: &'k [Step],
    then: S,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Below<'_, S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.steps.first() {
            None => self.then.deserialize(deserializer).map(Some),
            Some(Step::Key(_)) => deserializer.deserialize_map(self),
            Some(Step::At(_)) => deserializer.deserialize_seq(self),
        }
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Below<'_, S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys with values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { steps, then } = self;
        let mut then = Some(then);
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            match steps.split_first() {
                Some((Step::Key(first), steps)) if *first == key && then.is_some() => {
                    if let Some(then) = then.take() {
                        found = map.next_value_seed(Below { steps, then })?;
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Self { steps, then } = self;
        let Some((Step::At(wanted), steps)) = steps.split_first() else { return Ok(None) };
        for _ in 0..*wanted {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = list.next_element_seed(Below { steps, then })?.flatten();
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}

/// Fails at the key or item, so that the error has its place.
struct PlaceOf<'k>(&'k Step);

impl<'de> DeserializeSeed<'de> for PlaceOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0 {
            Step::Key(_) => deserializer.deserialize_map(self),
            Step::At(_) => deserializer.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for PlaceOf<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys with values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Step::Key(wanted) = self.0 else { return Ok(()) };
        while map.next_key_seed(IsKey(wanted))?.is_some() {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Step::At(wanted) = self.0 else { return Ok(()) };
        for _ in 0..*wanted {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        list.next_element_seed(Here)?;
        Ok(())
    }
}

/// Fails at any value.
struct Here;

impl<'de> DeserializeSeed<'de> for Here {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Here {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HERE)
    }
}

struct IsKey<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for IsKey<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsKey<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        if key == self.0 { Err(E::custom(HERE)) } else { Ok(()) }
    }
}

/// Fails at a key that its mapping has already; the steps to it are left behind.
#[derive(Clone, Copy)]
struct Once<'t>(&'t RefCell<Vec<Step>>);

impl Once<'_> {
    /// Goes on below a step.
    fn within<E>(self, step: Step, read: impl FnOnce(Self) -> Result<(), E>) -> Result<(), E> {
        self.0.borrow_mut().push(step);
        read(self)?;
        self.0.borrow_mut().pop();
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! pass {
    ($($method:ident($type:ty))*) => {$(
        fn $method<E: Error>(self, _: $type) -> Result<(), E> {
            Ok(())
        }
    )*};
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    pass! {
        visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128)
        visit_f64(f64) visit_str(&str)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut known = BTreeSet::new();
        while let Some(key) = map.next_key_seed(NewKey { known: &known, steps: self.0 })? {
            self.within(Step::from(&key), |once| map.next_value_seed(once))?;
            known.insert(key);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut at = 0;
        let mut goes_on = true;
        while goes_on {
            self.within(Step::from(at), |once| {
                goes_on = list.next_element_seed(once)?.is_some();
                Ok(())
            })?;
            at += 1;
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let (_, value) = tagged.variant::<IgnoredAny>()?;
        value.newtype_variant_seed(self)
    }
}

/// Reads a key, and fails at one that is known.
struct NewKey<'k> {
    known: &'k BTreeSet<String>,
    steps: &'k RefCell<Vec<Step>>,
}

impl<'de> DeserializeSeed<'de> for NewKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NewKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if !self.known.contains(key) {
            return Ok(key.to_owned());
        }
        self.steps.borrow_mut().push(Step::from(key));
        Err(E::custom(HERE))
    }
}

/// What the library says of an error, in words and by parts.
struct Told {
    /// The path of the key.
    path: Option<String>,
    why: String,
    /// Counted from 1.
    line: Option<usize>,
}

/// How the library begins what it says of an error.
const BEGINNINGS: [&str; 6] = [
    "unknown field ",
    "unknown variant ",
    "missing field ",
    "invalid type: ",
    "invalid value: ",
    "invalid length ",
];

impl Told {
    fn of(error: &serde_yaml::Error) -> Self {
        let (said, line) = Self::said(error);
        let is_path = |path: &str| {
            path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']'))
        };
        let begins = |text: &str| BEGINNINGS.iter().any(|begin| text.starts_with(begin));
        // A key may hold any character, but what the library says begins in a few ways.
        let known = said
            .match_indices(": ")
            .map(|(at, mark)| (&said[..at], &said[at + mark.len()..]))
            .find(|&(_, why)| begins(why));
        let (path, why) = match (known, said.split_once(": ")) {
            _ if begins(&said) => (None, said.as_str()),
            (Some((path, why)), _) => (Some(path.to_owned()), why),
            (None, Some((path, why))) if is_path(path) => (Some(path.to_owned()), why),
            _ => (None, said.as_str()),
        };
        Self { path, why: in_words(why), line }
    }

    /// The same where it is known which value it is of.
    fn of_value(error: &serde_yaml::Error, steps: &[Step]) -> Self {
        let (said, line) = Self::said(error);
        let above = steps.split_last().map_or(&[][..], |(_, above)| above);
        let why = [steps, above].into_iter().find_map(|steps| {
            let path = key_path(steps);
            said.strip_prefix(&format!("{path}: ")).filter(|_| !path.is_empty())
        });
        match why {
            Some(why) => Self { path: None, why: in_words(why), line },
            None => Self::of(error),
        }
    }

    /// What the library says without its place, and the line.
    fn said(error: &serde_yaml::Error) -> (String, Option<usize>) {
        let text = error.to_string();
        let place = error.location();
        let said = place.as_ref().and_then(|place| {
            text.strip_suffix(&format!(" at line {} column {}", place.line(), place.column()))
        });
        (said.unwrap_or(&text).to_owned(), place.map(|place| place.line()))
    }
}

/// What is expected, by the names that types have in Rust.
const EXPECTED: [(&str, &str); 15] = [
    ("usize", "a whole number of at least 0"),
    ("u64", "a whole number of at least 0"),
    ("u32", "a whole number of 0 to 4294967295"),
    ("u16", "a whole number of 0 to 65535"),
    ("u8", "a whole number of 0 to 255"),
    ("i64", "a whole number"),
    ("i32", "a whole number"),
    ("f64", "a number"),
    ("a boolean", "true or false"),
    ("a string", "a text"),
    ("a sequence", "a list"),
    ("a map", "keys with values"),
    ("map with a single key", "one key with a value"),
    ("any YAML value", "a number of at most 64 bits"),
    ("a YAML tag starting with '!'", "the name of a choice"),
];

/// What is found, by the names of the library.
const FOUND: [(&str, &str); 6] = [
    ("sequence", "a list"),
    ("map", "keys with values"),
    ("unit value", "nothing"),
    ("null", "nothing"),
    ("Option value", "nothing"),
    ("newtype struct", "a value"),
];

/// The texts in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// An error of the library without the names of Rust's types and the library's own.
fn in_words(error: &str) -> String {
    for (begin, kind) in [("unknown field ", "key"), ("unknown variant ", "choice")] {
        if let Some(rest) = error.strip_prefix(begin)
            && let [name, known @ ..] = &quoted(rest)[..]
        {
            if known.is_empty() {
                return format!("unknown {kind} `{name}`: expected none");
            }
            let close = suggest(name, known.iter().copied());
            return format!("unknown {kind} `{name}`: expected one of {}{close}", known.join(", "));
        }
    }
    if let Some(name) = error.strip_prefix("missing field ") {
        return format!("missing key {name}");
    }
    let found = ["invalid type: ", "invalid value: ", "invalid length "];
    let Some(rest) = found.iter().find_map(|begin| error.strip_prefix(begin)) else {
        return error.to_owned();
    };
    let Some((found, expected)) = rest.split_once(", expected ") else { return error.to_owned() };
    format!("{}: expected {}", found_in_words(found), expected_in_words(expected))
}

/// `string "many"` is `"many"`, ``integer `5` `` is `5`.
fn found_in_words(found: &str) -> String {
    if let Some(text) = found.strip_prefix("string ") {
        return text.to_owned();
    }
    if let [value] = quoted(found)[..] {
        return value.to_owned();
    }
    let words = FOUND.iter().find(|(name, _)| *name == found);
    words.map_or(found, |(_, words)| words).to_owned()
}

fn expected_in_words(expected: &str) -> String {
    if expected.starts_with("struct ") || expected.starts_with("tuple struct ") {
        return "keys with values".to_owned();
    }
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let words = EXPECTED.iter().find_map(|(name, words)| {
        let rest = expected.strip_prefix(name).filter(|rest| is_end(rest))?;
        Some(format!("{words}{rest}"))
    });
    words.unwrap_or_else(|| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    enum Colour {
        Red,
        DarkGreen,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Section {
        #[serde(rename = "number")]
        _number: usize,
        #[serde(rename = "colours")]
        _colours: Vec<Colour>,
    }

    #[test]
    fn a_mark_at_the_begin_is_no_document() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "\u{feff}a: 1\r\nb: 2\r\n").expect("written");
        let read = all_of::<BTreeMap<String, u8>>(&path, &text_of(&path).expect("a text"));
        let expected = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
        assert_eq!(read.expect("keys"), expected);
    }

    #[test]
    fn errors_have_no_names_of_types() {
        fn of<T: DeserializeOwned + fmt::Debug>(text: &str) -> String {
            of_text::<T>(text).expect_err("a misfit")
        }
        for (error, expected) in [
            (of::<usize>("many"), "\"many\": expected a whole number of at least 0 at line 1"),
            (of::<f64>("half"), "\"half\": expected a number at line 1"),
            (of::<bool>("2"), "2: expected true or false at line 1"),
            (of::<u32>("-3"), "-3: expected a whole number of 0 to 4294967295 at line 1"),
            (of::<i32>("[1]"), "a list: expected a whole number at line 1"),
            (of::<Vec<i32>>("{a: 1}"), "keys with values: expected a list at line 1"),
            (of::<String>("{a: 1}"), "keys with values: expected a text at line 1"),
            (of::<Section>("5"), "5: expected keys with values at line 1"),
            (of::<Section>("colours: []"), "missing key `number` at line 1"),
            (
                of::<Section>("nummer: 1"),
                "unknown key `nummer`: expected one of number, colours (did you mean `number`?) at line 1",
            ),
            (
                of::<Section>("number: 1\ncolours:\n  - red\n  - dark_gren"),
                "`colours[1]`: unknown choice `dark_gren`: expected one of red, dark_green (did you mean \
                 `dark_green`?) at line 4",
            ),
            (
                of::<BTreeMap<String, usize>>("a: 1\nb: 2\na: 3\n"),
                "duplicate entry with key \"a\" at line 3: line 1 has it already",
            ),
            (
                of::<BTreeMap<String, Value>>("s:\n  - x: {b: 1}\n    y: 2\n\n    'x': 3\n"),
                "`s[0]`: duplicate entry with key \"x\" at line 5: line 2 has it already",
            ),
            (of::<Colour>("[red]"), "a list: expected the name of a choice at line 1"),
            (
                of::<u64>("99999999999999999999"),
                "99999999999999999999: expected a number of at most 64 bits at line 1",
            ),
            (
                of::<BTreeMap<String, usize>>("a: 1\nb: two\n"),
                "`b`: \"two\": expected a whole number of at least 0 at line 2",
            ),
        ] {
            assert_eq!(error, expected);
        }
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Whole {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "sections")]
        _sections: Vec<Section>,
        #[serde(rename = "colour")]
        _colour: Colour,
        #[serde(rename = "by-name", default)]
        _by_name: BTreeMap<String, usize>,
    }

    #[test]
    fn all_faults_of_a_file_are_told_with_their_lines() {
        let text = "nam: x\nsections:\n  - {number: many, colours: [red, blue, gren]}\n  - colours: 5\n  \
                    - number: 3\n    colours: []\n    hue: 4\nby-name:\n  a: -1\n";
        let error = all_of::<Whole>(Path::new("f.yaml"), text).expect_err("faults").to_string();
        let mut lines: Vec<&str> = error.lines().map(str::trim).collect();
        lines.sort_unstable();
        let choice = |item: &str, name: &str| {
            format!(
                "invalid `sections[0].colours[{item}]` in `f.yaml`, line 3: unknown choice `{name}`: \
                 expected one of red, dark_green"
            )
        };
        let (blue, green) = (choice("1", "blue"), choice("2", "gren"));
        let expected: [&str; 11] = [
            "10 faults",
            "invalid `by-name.a` in `f.yaml`, line 9: -1: expected a whole number of at least 0",
            &blue,
            &green,
            "invalid `sections[0].number` in `f.yaml`, line 3: \"many\": expected a whole number of at least 0",
            "invalid `sections[1].colours` in `f.yaml`, line 4: 5: expected a list",
            "missing key `colour` in `f.yaml`: nothing stands for it where it is left out",
            "missing key `name` in `f.yaml`: nothing stands for it where it is left out",
            "missing key `sections[1].number` in `f.yaml`, line 4: nothing stands for it where it is left out",
            "unknown key `nam` in `f.yaml`, line 1: expected one of name, sections, colour, by-name (did you mean `name`?)",
            "unknown key `sections[2].hue` in `f.yaml`, line 7: expected one of number, colours",
        ];
        assert_eq!(lines, expected);
        let whole = "name: x\nsections: []\ncolour: red\n";
        assert!(all_of::<Whole>(Path::new("f.yaml"), whole).is_ok());
        let error = all_of::<Whole>(Path::new("f.yaml"), "[1]").expect_err("a list").to_string();
        assert!(error.contains("invalid content in `f.yaml`, line 1: a list"), "{error}");
    }

    #[test]
    fn an_item_has_its_line() {
        let text = "a:\n  - 1\n  - {x: 2}\n  -\n    - y\n    - z: 3\n";
        for (steps, line) in [
            (vec![Step::from("a"), Step::from(0)], Some(2)),
            (vec![Step::from("a"), Step::from(1)], Some(3)),
            (vec![Step::from("a"), Step::from(1), Step::from("x")], Some(3)),
            (vec![Step::from("a"), Step::from(2), Step::from(1), Step::from("z")], Some(6)),
            (vec![Step::from("a"), Step::from(3)], None),
            (vec![Step::from("a"), Step::from("x")], None),
        ] {
            assert_eq!(line_at(text, &steps), line, "{steps:?}");
        }
    }

    #[test]
    fn a_key_has_its_line_however_it_is_written() {
        let text = "# head\na: {x: 1}\n\"b\":\n  # x: 9\n  x:\n    - 1\n  y: {z: 2,\n    w: 3}\nc: |\n  x: 7\n";
        for (keys, line) in [
            (&["a"][..], Some(2)),
            (&["b"], Some(3)),
            (&["b", "x"], Some(5)),
            (&["b", "y", "w"], Some(8)),
            (&["c"], Some(9)),
            (&["c", "x"], None),
            (&["d"], None),
        ] {
            assert_eq!(line_of(text, keys), line, "{keys:?}");
        }
    }

    #[test]
    fn a_misfit_in_a_list_has_its_own_line() {
        let text = "s:\n  list:\n    - 1\n    - many\n";
        let found = fault_at::<Vec<usize>>(text, &["s", "list"]).expect("a misfit");
        let why = "\"many\": expected a whole number of at least 0".to_owned();
        assert_eq!(found, Misfit { below: "[1]".to_owned(), line: 4, why });
        assert_eq!(fault_at::<Vec<String>>("s: {list: [a]}", &["s", "list"]), None);
    }
}
