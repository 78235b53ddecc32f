//! The columns of a table of regions and products, found by their names.

use super::args::TableArgs;
use super::beside::Beside;
use super::wide;
use crate::usual_names::{self, plain, usual};
use sources::table_reader;
use trade::Frequency;

/// BACI's columns, which have one letter each.
const BACI: [&str; 5] = ["t", "i", "j", "k", "v"];

/// Digits of BACI's products, which have lost the zeros they begin with.
const BACI_DIGITS: usize = 6;

/// The one product of a table without products.
pub(crate) const ALL: &str = "all";

/// Whether a table must have products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Products {
    /// It must.
    Needed,
    /// It need not: a value is then of a region as a whole.
    Optional,
}

/// Which columns hold what a row is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) region: usize,
    /// Of products, if there is one.
    pub(crate) product: Option<usize>,
    pub(crate) value: usize,
    pub(crate) period: Option<usize>,
    /// Of months or quarters, beside years.
    pub(crate) beside: Option<Beside>,
    /// Of partners, whom rows are summed over.
    pub(crate) partner: Option<usize>,
    /// Of what must be the same in all rows that are summed.
    pub(crate) kinds: Vec<usize>,
    /// Digits that products are filled up to with zeros in front.
    pub(crate) digits: usize,
}

/// The names of a table's columns.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    pub(crate) region: String,
    /// Of products, if there is one.
    pub(crate) product: Option<String>,
    pub(crate) value: String,
    /// Of periods, if there is one.
    pub(crate) period: Option<String>,
    /// Of months beside years, if they are asked for.
    pub(crate) month: Option<String>,
    /// Of quarters and months that nobody asked for.
    pub(crate) others: Vec<(String, Frequency)>,
}

impl Columns {
    /// What products are called.
    pub(crate) fn product(&self) -> &str {
        self.product.as_deref().unwrap_or("product")
    }
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
    pub(crate) fn of(
        header: &[String],
        args: &TableArgs,
        products: Products,
    ) -> Result<Self, String> {
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
        let (regions, values) = (usual_names::of_regions(), usual_names::of_values());
        let mut found = Self {
            region: find(header, region.as_deref(), &regions, "region")?,
            product: match (products, product_asked.as_deref()) {
                (Products::Optional, Some("none")) => None,
                (Products::Optional, None) if usual(header, usual_names::PRODUCT).is_empty() => {
                    None
                }
                (_, asked) => Some(find(header, asked, usual_names::PRODUCT, "product")?),
            },
            value: find(header, value.as_deref(), &values, "value")
                .map_err(|why| wide::with_hint(why, header))?,
            period: match period.as_deref() {
                Some("none") => None,
                Some(asked) => Some(find(header, Some(asked), &[], "year")?),
                None if usual(header, usual_names::YEAR).is_empty() => None,
                None => Some(find(header, None, usual_names::YEAR, "year")?),
            },
            beside: Beside::of(header, args)?,
            partner: None,
            kinds: Vec::new(),
            digits: match args.product_digits {
                Some(digits) => digits,
                None if is_baci && args.product.is_none() => BACI_DIGITS,
                None => 0,
            },
        };
        if let Some(of) = found.beside.filter(|_| found.period.is_none()) {
            return Err(format!("--{} is of years: say --year NAME, too", of.tells));
        }
        let taken =
            [Some(found.region), found.product, Some(found.value), found.period, found.part()];
        let is_free = |at: &usize| !taken.contains(&Some(*at));
        let partner = if is_baci { vec!["j"] } else { usual_names::PARTNER.to_vec() };
        found.partner = usual(header, &partner).into_iter().find(is_free);
        found.kinds = usual(header, usual_names::KIND).into_iter().filter(is_free).collect();
        Ok(found)
    }

    /// The names of the columns.
    pub(crate) fn names(&self, header: &[String]) -> Columns {
        let name = |at: usize| header[at].trim().to_owned();
        let parts =
            [(usual_names::QUARTER, Frequency::Quarter), (usual_names::MONTH, Frequency::Month)];
        let others = parts.into_iter().filter_map(|(names, tells)| {
            let at = *usual(header, names).first()?;
            Some((name(at), tells))
        });
        Columns {
            region: name(self.region),
            product: self.product.map(name),
            value: name(self.value),
            period: self.period.map(name),
            month: self.beside.filter(|of| of.tells == Frequency::Month).map(|of| name(of.at)),
            others: match self.beside {
                Some(_) => Vec::new(),
                None => others.collect(),
            },
        }
    }

    /// That of months or quarters beside years.
    pub(crate) fn part(&self) -> Option<usize> {
        self.beside.map(|of| of.at)
    }

    /// All of them, and the columns beside.
    pub(crate) fn all(&self) -> Vec<usize> {
        let own = [
            Some(self.region),
            self.product,
            Some(self.value),
            self.period,
            self.part(),
            self.partner,
        ];
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
        args: TableArgs,
    }

    fn places(header: &str, options: &[&str]) -> Result<[String; 4], String> {
        let header: Vec<String> = header.split(';').map(str::to_owned).collect();
        let words = ["measure", "file"].iter().chain(options);
        let args = Command::try_parse_from(words).map_err(|error| error.to_string())?.args;
        let found = Places::of(&header, &args, Products::Optional)?.names(&header);
        let optional = |name: Option<String>| name.unwrap_or_default();
        Ok([found.region, optional(found.product), found.value, optional(found.period)])
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

    #[test]
    fn a_column_a_year_is_told_from_a_row_a_year() {
        let error = places("region;2007;2008;2009", &[]).expect_err("wide");
        assert!(error.contains("which column holds the values?"), "{error}");
        assert!(error.contains("`2007`, `2008`, `2009` are periods"), "{error}");
        let error = places("region;a;b", &[]).expect_err("no value");
        assert!(!error.contains("periods"), "{error}");
    }

    #[test]
    fn months_may_stand_beside_years() {
        let found = places("nuts2;year;month;gdp", &["--month", "month"]).expect("columns");
        assert_eq!(found, ["nuts2", "", "gdp", "year"]);
        let error = places("region;month;value", &["--month", "month"]).expect_err("no year");
        assert!(error.contains("say --year NAME"), "{error}");
        let found = places("nuts2;year;qtr;gdp", &["--quarter", "qtr"]).expect("columns");
        assert_eq!(found, ["nuts2", "", "gdp", "year"]);
        for name in ["quarter", "Trimestre"] {
            let header = format!("region;year;{name};value");
            let error = places(&header, &["--month", name]).expect_err("quarters");
            assert!(error.contains(&format!("say --quarter {name}")), "{error}");
        }
    }

    #[test]
    fn a_table_may_have_no_products() {
        let found = places("country;year;value", &[]).expect("columns");
        assert_eq!(found, ["country", "", "value", "year"]);
        let found = places("country;hs6;year;value", &["--product", "none", "--period", "year"]);
        assert_eq!(found.expect("columns"), ["country", "", "value", "year"]);
        let header: Vec<String> = ["country", "year", "value"].map(str::to_owned).to_vec();
        let args = Command::try_parse_from(["measure", "file"]).expect("arguments").args;
        let error = Places::of(&header, &args, Products::Needed).expect_err("no product");
        assert!(error.contains("which column holds the products?"), "{error}");
    }
}
