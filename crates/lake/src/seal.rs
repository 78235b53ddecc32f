//! Descriptions that know whether they still say what was written.

use crate::error::LakeError;
use crate::fingerprint::ContentHash;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// The field of a description that holds the hash of all others.
const SEAL: &str = "seal";

/// What a description says, in one form whatever the order of its keys.
fn canonical(value: &Value, into: &mut Vec<u8>) {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            for (key, value) in sorted {
                // Writing to memory does not fail.
                let _ = serde_json::to_writer(&mut *into, key);
                into.push(b':');
                canonical(value, into);
            }
            into.push(b'}');
        }
        Value::Array(values) => {
            for value in values {
                canonical(value, into);
                into.push(b',');
            }
            into.push(b']');
        }
        other => {
            let _ = serde_json::to_writer(&mut *into, other);
        }
    }
}

fn hash_of(value: &Value) -> ContentHash {
    let mut said = Vec::new();
    canonical(value, &mut said);
    ContentHash::from(blake3::hash(&said))
}

/// A description with a hash of all that it says.
pub(crate) fn sealed<T: Serialize>(path: String, value: &T) -> Result<Value, LakeError> {
    let mut sealed =
        serde_json::to_value(value).map_err(|source| LakeError::Json { path, source })?;
    let hash = hash_of(&sealed);
    if let Some(fields) = sealed.as_object_mut() {
        fields.insert(SEAL.to_owned(), hash.as_str().into());
    }
    Ok(sealed)
}

/// What [`sealed`] made, if it says what it said then; else what is wrong with it.
pub(crate) fn unsealed<T: Serialize + DeserializeOwned>(mut sealed: Value) -> Result<T, String> {
    let seal = sealed.as_object_mut().and_then(|fields| fields.remove(SEAL));
    let seal = seal.as_ref().and_then(Value::as_str);
    let is_whole = seal == Some(hash_of(&sealed).as_str());
    let value: T = serde_json::from_value(sealed).map_err(|error| in_words(&error))?;
    if is_whole {
        return Ok(value);
    }
    // Lakes of before have seals of the text as it is written.
    let text = serde_json::to_vec(&value).map_err(|error| in_words(&error))?;
    if seal == Some(ContentHash::from(blake3::hash(&text)).as_str()) {
        Ok(value)
    } else {
        Err(format!("its `{SEAL}` is not that of the rest"))
    }
}

/// An error of JSON without the names of Rust's types.
pub(crate) fn in_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(", expected struct ") {
        Some((found, rest)) => {
            let rest = rest.trim_start_matches(|c: char| c.is_alphanumeric());
            format!("{found}, expected keys with values{rest}")
        }
        None => text.replace("unit value", "nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_seal_holds_for_what_was_said_and_nothing_else() {
        let said = json!({"b": [1, "x"], "a": {"d": null, "c": true}});
        let whole = sealed("x".into(), &said).expect("sealed");
        assert_eq!(unsealed::<Value>(whole.clone()), Ok(said));
        let text = whole.to_string();
        for (from, to) in
            [("[1,", "[2,"), ("\"d\"", "\"e\""), ("true", "false"), ("\"x\"", "\"x\",1")]
        {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text);
            let other: Value = serde_json::from_str(&other).expect("JSON");
            assert!(unsealed::<Value>(other).is_err(), "{to}");
        }
        let error = serde_json::from_str::<crate::Catalog>("null").expect_err("nothing");
        assert!(in_words(&error).starts_with("invalid type: null, expected keys with values"));
    }
}
