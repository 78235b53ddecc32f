//! Which columns are told by others: a code tells its name, a municipality its province.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Columns that are looked at; those of a wide table are more.
const MOST_COLUMNS: usize = 40;

/// Texts of a column that is looked at.
const MOST_TEXTS: usize = 20_000;

/// Rows that are looked at.
const MOST_ROWS: u64 = 300_000;

/// A column that may tell another.
#[derive(Debug, Clone)]
struct Pair {
    teller: usize,
    told: usize,
    /// By text of the one, the text of the other.
    texts: Vec<Option<usize>>,
}

/// Gathers which columns are told by others.
#[derive(Debug, Clone, Default)]
pub(super) struct Pairs {
    /// The number of each text of a column.
    numbers: Vec<BTreeMap<String, usize>>,
    live: Vec<Pair>,
    n_rows: u64,
}

impl Pairs {
    /// Of so many columns.
    pub(super) fn new(n_columns: usize) -> Self {
        let n = n_columns.min(MOST_COLUMNS);
        let pair = |teller: usize, told: usize| Pair { teller, told, texts: Vec::new() };
        let all = (0..n).flat_map(|a| (0..n).filter(move |b| *b != a).map(move |b| (a, b)));
        Self {
            numbers: vec![BTreeMap::new(); n],
            live: all.map(|(a, b)| pair(a, b)).collect(),
            n_rows: 0,
        }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, cells: &[Cow<'_, str>]) {
        self.n_rows += 1;
        if self.n_rows > MOST_ROWS || self.live.is_empty() {
            return;
        }
        let mut row: Vec<Option<usize>> = Vec::with_capacity(self.numbers.len());
        for (numbers, cell) in self.numbers.iter_mut().zip(cells) {
            let next = numbers.len();
            row.push(match numbers.get(&**cell) {
                _ if cell.is_empty() => None,
                Some(number) => Some(*number),
                None if next < MOST_TEXTS => {
                    numbers.insert(cell.clone().into_owned(), next);
                    Some(next)
                }
                // It is no key.
                None => Some(MOST_TEXTS),
            });
        }
        self.live.retain_mut(|pair| {
            let (Some(Some(teller)), Some(Some(told))) = (row.get(pair.teller), row.get(pair.told))
            else {
                return true;
            };
            if *teller == MOST_TEXTS || *told == MOST_TEXTS {
                return false;
            }
            if pair.texts.len() <= *teller {
                pair.texts.resize(teller + 1, None);
            }
            match pair.texts[*teller] {
                None => {
                    pair.texts[*teller] = Some(*told);
                    true
                }
                Some(known) => known == *told,
            }
        });
    }

    /// The columns that tell another, each with that one.
    pub(super) fn told(&self) -> BTreeSet<(usize, usize)> {
        self.live.iter().map(|pair| (pair.teller, pair.told)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_names_and_parts_tell_wholes() {
        let mut pairs = Pairs::new(4);
        for row in [["01", "North", "a", "1"], ["02", "North", "a", "2"], ["01", "North", "b", "3"]]
        {
            pairs.add(&row.map(Cow::Borrowed));
        }
        let told = pairs.told();
        assert!(told.contains(&(0, 1)) && !told.contains(&(1, 0)));
        assert!(!told.contains(&(0, 2)) && told.contains(&(3, 0)));
    }
}
