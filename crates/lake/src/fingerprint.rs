//! Names of versions: hashes of all that a version was made from.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A hash of the stage's code version, its part of the config and its inputs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The hash of `bytes` alone.
    pub fn of(bytes: &[u8]) -> Self {
        let mut maker = Fingerprinter::default();
        maker.add("bytes", bytes);
        maker.finish()
    }

    /// The hash of all that `reader` gives.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn of_reader(reader: impl std::io::Read + Send) -> std::io::Result<Self> {
        Ok(Fingerprinter(hashed(reader)?).finish())
    }

    /// Its text: 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The hash of a file's bytes: BLAKE3, as 64 hexadecimal digits, as `b3sum` prints it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl From<blake3::Hash> for ContentHash {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash.to_hex().as_str().to_owned())
    }
}

impl ContentHash {
    /// The hash of all that `reader` gives.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn of_reader(reader: impl std::io::Read + Send) -> std::io::Result<Self> {
        Ok(Self::from(hashed(reader)?.finalize()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hashed(mut reader: impl std::io::Read + Send) -> std::io::Result<blake3::Hasher> {
    let mut hasher = blake3::Hasher::new();
    let [mut read, mut next] = [(); 2].map(|()| vec![0; HASHED]);
    let mut n = reader.read(&mut read)?;
    while n > 0 {
        // What comes next is read meanwhile.
        let hash = || hasher.update_rayon(&read[..n]).count();
        let (_, n_next) = rayon::join(hash, || reader.read(&mut next));
        n = n_next?;
        std::mem::swap(&mut read, &mut next);
    }
    Ok(hasher)
}

/// Bytes that are hashed at a time, by any thread that has nothing else to do.
const HASHED: usize = 1 << 20;

/// Makes a [`Fingerprint`] of named parts, in the order they are added.
#[derive(Debug, Clone, Default)]
pub struct Fingerprinter(blake3::Hasher);

impl Fingerprinter {
    /// Adds a part. Lengths are hashed with it, so no two lists of parts look alike.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> &mut Self {
        for part in [name.as_bytes(), bytes] {
            self.0.update(&(part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// The fingerprint of what was added.
    pub fn finish(&self) -> Fingerprint {
        Fingerprint(self.0.finalize().to_hex().as_str()[..32].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nothing_is_that_of_the_specification() {
        let found = ContentHash::of_reader(&b""[..]).expect("readable");
        let expected = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(found.as_str(), expected);
    }

    #[test]
    fn parts_do_not_run_together() {
        let of = |parts: &[(&str, &str)]| {
            let mut maker = Fingerprinter::default();
            for (name, part) in parts {
                maker.add(name, part.as_bytes());
            }
            maker.finish()
        };
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", ""), ("b", "")]), of(&[("a", "b")]));
        assert_eq!(of(&[("a", "b")]).as_str().len(), 32);
    }
}
