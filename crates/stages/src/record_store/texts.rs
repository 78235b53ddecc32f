//! Texts and other keys as numbers.

use super::super::error::StageError;
use super::super::sync::locked;
use super::row::NO_WORD;
use indexmap::IndexSet;
use rayon::slice::ParallelSliceMut;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use trade::NO_CODE;

/// Texts and their numbers, in the order they were met.
#[derive(Debug, Default)]
pub(crate) struct Interner(Mutex<IndexSet<String>>);

impl Interner {
    pub(super) fn number(&self, text: &str) -> Result<u32, StageError> {
        let texts = &mut *locked(&self.0);
        let number = match texts.get_index_of(text) {
            Some(number) => number,
            None => texts.insert_full(text.to_owned()).0,
        };
        u32::try_from(number).ok().filter(|&number| number < UNSEEN).ok_or_else(|| {
            StageError::Data("more than 2^32 different codes or firms in the records".to_owned())
        })
    }

    /// The text of a number.
    pub(super) fn text(&self, number: u32) -> String {
        locked(&self.0).get_index(number as usize).cloned().unwrap_or_default()
    }

    /// The texts by their alphabetical places.
    pub(crate) fn in_order(&self) -> Texts {
        let texts = &*locked(&self.0);
        let mut numbers: Vec<u32> = (0u32..).take(texts.len()).collect();
        numbers.par_sort_unstable_by_key(|&number| texts[number as usize].as_str());
        let mut places = vec![0; texts.len()];
        for (place, &number) in (0u32..).zip(&numbers) {
            places[number as usize] = place;
        }
        let texts = numbers.into_iter().map(|number| texts[number as usize].clone()).collect();
        Texts { texts, places }
    }
}

/// Texts in alphabetical order.
#[derive(Debug)]
pub(crate) struct Texts {
    texts: Vec<String>,
    places: Vec<u32>,
}

impl Texts {
    /// The place of the text of a row's number.
    #[inline]
    pub(crate) fn place(&self, number: u32) -> u32 {
        self.places.get(number as usize).copied().unwrap_or(NO_WORD)
    }
}

impl lake::Texts for Texts {
    fn n_texts(&self) -> usize {
        self.texts.len()
    }

    fn text(&self, code: u32) -> &str {
        &self.texts[code as usize]
    }

    fn is_sorted(&self) -> bool {
        true
    }
}

/// Keys and their numbers, in the order they were met.
#[derive(Debug)]
pub(super) struct Register<K>(Mutex<IndexSet<K>>);

impl<K> Default for Register<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Register<K> {
    pub(super) fn number(&self, key: K) -> u32 {
        u32::try_from(locked(&self.0).insert_full(key).0).unwrap_or(0)
    }

    /// The keys by number.
    pub(super) fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        locked(&self.0).iter().cloned().collect()
    }

    pub(super) fn into_keys(self) -> Vec<K> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
    }
}

/// A number that no text of a dictionary was looked up for yet.
const UNSEEN: u32 = u32::MAX - 1;

/// The numbers of the texts of a dictionary, by code.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<u32>);

impl Numbers {
    /// The number of the text with this code, [`NO_WORD`] for none; `find` is asked once for each.
    #[inline(always)]
    pub(super) fn number(
        &mut self,
        code: u32,
        find: impl FnOnce() -> Result<u32, StageError>,
    ) -> Result<u32, StageError> {
        match self.0.get(code as usize) {
            Some(&number) if number != UNSEEN => Ok(number),
            _ => self.learn(code, find),
        }
    }

    #[cold]
    #[inline(never)]
    fn learn(
        &mut self,
        code: u32,
        find: impl FnOnce() -> Result<u32, StageError>,
    ) -> Result<u32, StageError> {
        if code == NO_CODE {
            return Ok(NO_WORD);
        }
        let number = find()?;
        let at = code as usize;
        if at >= self.0.len() {
            self.0.resize(at + 1, UNSEEN);
        }
        self.0[at] = number;
        Ok(number)
    }

    /// Forgets what codes stand for.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
