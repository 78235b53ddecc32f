//! The columns of a table of regions and products, found by their names.

use super::args::MeasureArgs;
use crate::usual_names::{self, plain, usual};
use sources::table_reader;

/// BACI's columns, which have one letter each.
const BACI: [&str; 5] = ["t", "i", "j", "k", "v"];

/// Digits of BACI's products, which have lost the zeros they begin with.
const BACI_DIGITS: usize = 6;

/// Which columns hold what a row is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) region: usize,
    pub(super) product: usize,
    pub(super) value: usize,
    pub(super) period: Option<usize>,
    /// Of partners, whom rows are summed over.
    pub(super) partner: Option<usize>,
    /// Of what must be the same in all rows that are summed.
    pub(super) kinds: Vec<usize>,
    /// Digits that products are filled up to with zeros in front.
    pub(super) digits: usize,
}

/// The names of a table's columns.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) region: String,
    pub(super) product: String,
    pub(super) value: String,
    /// Of periods, if there is one.
    pub(super) period: Option<String>,
}

/// The asked-for column, or the first usual one that is there; columns of like names are told apart
/// by the user alone.
fn find(
    header: &[String],
    asked: Option<&str>,
    names: &[&str],
    what: &str,
) -> Result<usize, String> {
    if let Some(asked) = asked {
        return table_reader::place(header, asked);
    }
    let found = usual(header, names);
    let Some(&first) = found.first() else {
        return Err(format!(
            "which column holds the {what}s? The header has {}: say --{what} NAME",
            table_reader::names(header)
        ));
    };
    let alike: Vec<&str> = found
        .iter()
        .filter(|&&at| plain(&header[at]) == plain(&header[first]))
        .map(|&at| header[at].trim())
        .collect();
    match alike[..] {
        [one] => {
            table_reader::place(header, one)?;
            Ok(first)
        }
        _ => Err(format!(
            "which column holds the {what}s? `{}` stand side by side (column `{}` {} times): say \
             --{what} NAME, or rename those that are not meant",
            alike.join("` and `"),
            alike[0],
            alike.len()
        )),
    }
}

impl Places {
    /// Finds the columns that are asked for, or that have usual names.
    pub(super) fn of(header: &[String], args: &MeasureArgs) -> Result<Self, String> {
        let has = |name: &str| header.iter().any(|column| column.trim() == name);
        let is_like_baci = ["i", "k", "v"].into_iter().all(has);
        let is_baci = BACI.into_iter().all(has);
        let [year, exporter, _, product, value] =
            BACI.map(|name| (is_like_baci && has(name)).then_some(name));
        let asked = |asked: &Option<String>, baci: Option<&'static str>| {
            asked.clone().or_else(|| baci.map(str::to_owned))
        };
        let region = asked(&args.region, exporter);
        let product_asked = asked(&args.product, product);
        let value = asked(&args.value, value);
        let period = asked(&args.year, year);
        let mut found = Self {
            region: find(header, region.as_deref(), usual_names::REGION, "region")?,
            product: find(header, product_asked.as_deref(), usual_names::PRODUCT, "product")?,
            value: find(header, value.as_deref(), usual_names::VALUE, "value")?,
            period: match period.as_deref() {
                Some("none") => None,
                Some(asked) => Some(find(header, Some(asked), &[], "year")?),
                None if usual(header, usual_names::YEAR).is_empty() => None,
                None => Some(find(header, None, usual_names::YEAR, "year")?),
            },
            partner: None,
            kinds: Vec::new(),
            digits: match args.product_digits {
                Some(digits) => digits,
                None if is_baci && args.product.is_none() => BACI_DIGITS,
                None => 0,
            },
        };
        let taken = [Some(found.region), Some(found.product), Some(found.value), found.period];
        let is_free = |at: &usize| !taken.contains(&Some(*at));
        let partner = if is_baci { vec!["j"] } else { usual_names::PARTNER.to_vec() };
        found.partner = usual(header, &partner).into_iter().find(is_free);
        found.kinds = usual(header, usual_names::KIND).into_iter().filter(is_free).collect();
        Ok(found)
    }

    /// The names of the columns.
    pub(super) fn names(&self, header: &[String]) -> Columns {
        let name = |at: usize| header[at].trim().to_owned();
        Columns {
            region: name(self.region),
            product: name(self.product),
            value: name(self.value),
            period: self.period.map(name),
        }
    }

    /// All of them, and the columns beside.
    pub(super) fn all(&self) -> Vec<usize> {
        let own =
            [Some(self.region), Some(self.product), Some(self.value), self.period, self.partner];
        own.into_iter().flatten().chain(self.kinds.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: MeasureArgs,
    }

    fn places(header: &str, options: &[&str]) -> Result<[String; 4], String> {
        let header: Vec<String> = header.split(';').map(str::to_owned).collect();
        let words = ["measure", "file"].iter().chain(options);
        let args = Command::try_parse_from(words).map_err(|error| error.to_string())?.args;
        let found = Places::of(&header, &args)?.names(&header);
        Ok([found.region, found.product, found.value, found.period.unwrap_or_default()])
    }

    #[test]
    fn codes_are_taken_before_descriptions() {
        let comtrade = "Classification;Year;Aggregate Level;Is Leaf Code;Reporter Code;Reporter;\
                        Partner;Commodity Code;Commodity;Trade Value (US$)";
        let found = places(comtrade, &[]).expect("columns");
        assert_eq!(found, ["Reporter Code", "Commodity Code", "Trade Value (US$)", "Year"]);
        let baci = places("t;i;j;k;v;q", &[]).expect("columns");
        assert_eq!(baci, ["i", "k", "v", "t"]);
    }

    #[test]
    fn columns_of_like_names_are_not_chosen_among() {
        for header in ["country;product;value;value", "country;product;Value;value"] {
            let error = places(header, &[]).expect_err("two columns");
            assert!(error.contains("alue`") && error.contains("2 times"), "{error}");
        }
        let error = places("country;product;value;value", &["--value", "value"]);
        assert!(error.expect_err("two columns").contains("stands 2 times"));
        let one = places("country;product;Value;value", &["--value", "Value"]).expect("one");
        assert_eq!(one[2], "Value");
    }
}
