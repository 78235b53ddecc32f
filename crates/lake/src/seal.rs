//! Descriptions that know whether they still say what was written.

use crate::error::LakeError;
use crate::fingerprint::ContentHash;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The field of a catalog or version that holds the hash of all others.
const SEAL: &str = "seal";

/// The text of a catalog or version with a hash of all that it says.
pub(crate) fn sealed<T: Serialize>(
    path: String,
    value: &T,
) -> Result<serde_json::Value, LakeError> {
    let json = |source| LakeError::Json { path: path.clone(), source };
    let text = serde_json::to_vec(value).map_err(json)?;
    let mut sealed = serde_json::to_value(value).map_err(json)?;
    if let Some(fields) = sealed.as_object_mut() {
        let hash = ContentHash::from(blake3::hash(&text));
        fields.insert(SEAL.to_owned(), hash.as_str().into());
    }
    Ok(sealed)
}

/// What [`sealed`] made, if it says what it said then; else what is wrong with it.
pub(crate) fn unsealed<T: Serialize + DeserializeOwned>(
    mut sealed: serde_json::Value,
) -> Result<T, String> {
    let seal = sealed.as_object_mut().and_then(|fields| fields.remove(SEAL));
    let value: T = serde_json::from_value(sealed).map_err(|error| error.to_string())?;
    let text = serde_json::to_vec(&value).map_err(|error| error.to_string())?;
    let hash = ContentHash::from(blake3::hash(&text));
    if seal.as_ref().and_then(serde_json::Value::as_str) == Some(hash.as_str()) {
        Ok(value)
    } else {
        Err(format!("its `{SEAL}` is not that of the rest"))
    }
}
