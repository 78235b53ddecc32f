//! How much of the data a table from elsewhere is of: a table of which nothing matches is an error.

use std::path::Path;
use trade::plausibility::shown;

/// Texts of each side that a message shows.
const EXAMPLES: usize = 3;

/// The share of the data below which a table is worth a warning.
const FEW: f64 = 0.5;

/// The first different texts of a column.
#[derive(Debug, Clone, Default)]
pub struct Examples(Vec<String>);

impl Examples {
    /// Takes a text, if there is room for it.
    pub fn add(&mut self, text: &str) {
        if self.0.len() < EXAMPLES && !self.0.iter().any(|known| known == text) {
            self.0.push(text.to_owned());
        }
    }
}

impl<T: AsRef<str>> FromIterator<T> for Examples {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut examples = Self::default();
        texts.into_iter().take(EXAMPLES).for_each(|text| examples.add(text.as_ref()));
        examples
    }
}

/// A column of a table from elsewhere that is matched with the data.
#[derive(Debug, Clone, Copy)]
pub struct MatchedColumn<'a> {
    /// The table's file.
    pub path: &'a Path,
    /// The table's key in the pipeline.
    pub key: &'a str,
    /// The column's key among the table's columns.
    pub column: &'a str,
    /// What is matched: product, region or year.
    pub what: &'a str,
}

impl MatchedColumn<'_> {
    /// Warns if the table has less than half of `data`, of which it has `n`; `table` are texts of
    /// its column.
    ///
    /// # Errors
    ///
    /// If it has nothing of the data: texts of both sides, and what to correct.
    pub fn check<T: AsRef<str>>(
        &self,
        n: usize,
        data: &[T],
        table: &Examples,
    ) -> Result<(), String> {
        let Self { path, key, column, what } = self;
        if data.is_empty() {
            return Ok(());
        }
        if n == 0 {
            let of_table = match table.0.is_empty() {
                true => "no rows".to_owned(),
                false => list(table),
            };
            let revision = if *what == "product" {
                " (HS codes of six digits) and its `hs_revision`"
            } else {
                ""
            };
            return Err(format!(
                "it has none of the {} {what}s of the data: it has {of_table} where the data have {}; correct the table, \
                 or `{key}.columns.{column}`{revision}",
                data.len(),
                list(&data.iter().collect())
            ));
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of labels")]
        let share = n as f64 / data.len() as f64;
        if share < FEW {
            tracing::warn!(
                file = %path.display(),
                share,
                "the table `{key}` has {n} of the {} {what}s of the data",
                data.len()
            );
        }
        Ok(())
    }
}

fn list(examples: &Examples) -> String {
    let texts: Vec<String> = examples.0.iter().map(|text| shown(text)).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_other_codes_is_refused_with_codes_of_both_sides() {
        let path = Path::new("world.csv");
        let column = MatchedColumn { path, key: "reference", column: "product", what: "product" };
        let data = ["010121", "010129", "020110", "851712"];
        let table: Examples = ["0101", "0101", "8517"].into_iter().collect();
        let error = column.check(0, &data, &table).expect_err("other codes");
        assert_eq!(
            error,
            "it has none of the 4 products of the data: it has `0101`, `8517` where the data have `010121`, `010129`, \
             `020110`; correct the table, or `reference.columns.product` (HS codes of six digits) and its `hs_revision`"
        );
        let error = column.check(0, &data, &Examples::default()).expect_err("no rows");
        assert!(error.contains("it has no rows where"), "{error}");
        column.check(1, &data, &table).expect("one is enough");
        column.check::<&str>(0, &[], &table).expect("nothing to match");
    }
}
