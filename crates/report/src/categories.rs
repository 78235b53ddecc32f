//! What the products of the product space are coloured by: sectors of the Harmonized System, or the
//! groups of another classification.

use super::words::key;
use std::collections::BTreeMap;

/// Sectors of HS: first and last chapter, colour and name.
const SECTORS: [(u8, u8, &str, &str); 15] = [
    (1, 5, "#8c564b", key("animals")),
    (6, 14, "#5a8f29", key("plants")),
    (15, 24, "#d9a400", key("food, drink, tobacco")),
    (25, 27, "#4d4d4d", key("minerals, fuels")),
    (28, 38, "#c51b7d", key("chemicals")),
    (39, 40, "#9970ab", key("plastics, rubber")),
    (41, 43, "#a6761d", key("leather")),
    (44, 49, "#1b7837", key("wood, paper")),
    (50, 63, "#0072b2", key("textiles, apparel")),
    (64, 67, "#56b4e9", key("shoes, hats")),
    (68, 71, "#999999", key("stone, glass, jewels")),
    (72, 83, "#e08214", key("metals")),
    (84, 85, "#b2182b", key("machines, electronics")),
    (86, 89, "#762a83", key("vehicles")),
    (90, 99, "#35978f", key("instruments, other")),
];

/// What groups without a colour of their own are called together.
const OTHERS: &str = key("other groups");

/// A product, and the group that it is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grouped<'a> {
    pub(crate) product: &'a str,
    pub(crate) group: Option<&'a str>,
    pub(crate) group_name: Option<&'a str>,
    /// What is traded of it.
    pub(crate) value: f64,
}

/// Names and colours, and the place of each product's among them.
#[derive(Debug, PartialEq)]
pub(crate) struct Categories {
    pub(crate) all: Vec<(String, &'static str)>,
    pub(crate) of: Vec<usize>,
    /// SQL that gives the name from a table's columns `product` and `product_group`.
    pub(crate) sql: String,
}

/// A text as SQL has it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// SQL of the names of some conditions, and of what meets none.
fn cases<'n>(conditions: impl Iterator<Item = (String, &'n str)>, other: &str) -> String {
    let cases: String = conditions
        .map(|(condition, name)| format!(" when {condition} then {}", literal(name)))
        .collect();
    if cases.is_empty() {
        return literal(other);
    }
    format!("case{cases} else {} end", literal(other))
}

impl Categories {
    /// The sectors of products of HS.
    pub(crate) fn of_hs(products: &[Grouped<'_>]) -> Self {
        let sector = |of: &Grouped<'_>| {
            let chapter = of.product.get(..2).and_then(|digits| digits.parse::<u8>().ok());
            let is_in = |&(first, last, ..): &(u8, u8, &str, &str)| {
                chapter.is_some_and(|chapter| (first..=last).contains(&chapter))
            };
            SECTORS.iter().position(is_in).unwrap_or(SECTORS.len() - 1)
        };
        let (.., other) = SECTORS[SECTORS.len() - 1];
        let conditions = SECTORS[..SECTORS.len() - 1].iter().map(|(first, last, _, name)| {
            (format!("substr(product, 1, 2) between '{first:02}' and '{last:02}'"), *name)
        });
        Self {
            all: SECTORS.iter().map(|(_, _, colour, name)| ((*name).to_owned(), *colour)).collect(),
            of: products.iter().map(sector).collect(),
            sql: cases(conditions, other),
        }
    }

    /// The groups of products of another classification: those with most trade have colours of their
    /// own, the others share one.
    pub(crate) fn of_groups(products: &[Grouped<'_>]) -> Self {
        let mut sums: BTreeMap<Option<&str>, (f64, Option<&str>)> = BTreeMap::new();
        for of in products {
            let sum = sums.entry(of.group).or_default();
            sum.0 += of.value;
            sum.1 = sum.1.or(of.group_name);
        }
        let mut groups: Vec<(Option<&str>, f64, Option<&str>)> =
            sums.into_iter().map(|(group, (sum, name))| (group, sum, name)).collect();
        // Equal ones stay in the order of their codes.
        groups.sort_by(|a, b| b.1.total_cmp(&a.1));
        let n_own = if groups.len() > SECTORS.len() { SECTORS.len() - 1 } else { groups.len() };
        let is_alone = groups.len() == 1;
        let name = |(group, _, name): &(Option<&str>, f64, Option<&str>)| match (group, name) {
            (Some(group), Some(name)) if name != group => format!("{group} {name}"),
            (Some(group), _) => (*group).to_owned(),
            (None, _) if is_alone => key("products").to_owned(),
            (None, _) => key("no group").to_owned(),
        };
        let mut names: Vec<String> = groups[..n_own].iter().map(name).collect();
        if n_own < groups.len() {
            names.push(OTHERS.to_owned());
        }
        let place = |of: &Grouped<'_>| {
            groups[..n_own].iter().position(|(group, ..)| *group == of.group).unwrap_or(n_own)
        };
        let of = products.iter().map(place).collect();
        let conditions = groups[..n_own].iter().zip(&names).map(|((group, ..), name)| {
            let condition = group.map_or_else(
                || "product_group is null".to_owned(),
                |group| format!("product_group = {}", literal(group)),
            );
            (condition, name.as_str())
        });
        let sql = cases(conditions, OTHERS);
        let colours = SECTORS.iter().map(|(_, _, colour, _)| *colour);
        Self { all: names.into_iter().zip(colours).collect(), of, sql }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product<'a>(product: &'a str, group: Option<&'a str>, value: f64) -> Grouped<'a> {
        Grouped { product, group, group_name: None, value }
    }

    #[test]
    fn products_of_hs_are_of_sectors() {
        let products = ["010190", "270900", "990000", "x"].map(|code| product(code, None, 1.0));
        let found = Categories::of_hs(&products);
        let names: Vec<&str> = found.of.iter().map(|&at| found.all[at].0.as_str()).collect();
        assert_eq!(
            names,
            ["animals", "minerals, fuels", "instruments, other", "instruments, other"]
        );
    }

    #[test]
    fn industries_are_of_their_groups_and_of_no_sector_of_hs() {
        let named = Grouped { group_name: Some("Wood"), ..product("321", Some("32"), 5.0) };
        let products = [product("311", Some("31"), 9.0), named, product("x", None, 1.0)];
        let found = Categories::of_groups(&products);
        let names: Vec<&str> = found.all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names, found.of), (vec!["31", "32 Wood", "no group"], vec![0, 1, 2]));
        assert_eq!(
            found.sql,
            "case when product_group = '31' then '31' when product_group = '32' then '32 Wood' \
             when product_group is null then 'no group' else 'other groups' end"
        );
    }

    #[test]
    fn small_groups_share_a_colour() {
        let codes: Vec<String> = (10..40).map(|n| n.to_string()).collect();
        let of = |(at, code): (usize, &'static str)| {
            product(code, Some(code), f64::from(u8::try_from(at).expect("few")))
        };
        let codes: Vec<&'static str> = codes.into_iter().map(|code| &*code.leak()).collect();
        let products: Vec<Grouped<'_>> = codes.into_iter().enumerate().map(of).collect();
        let found = Categories::of_groups(&products);
        assert_eq!(found.all.len(), SECTORS.len());
        assert_eq!((found.all[0].0.as_str(), found.all[14].0.as_str()), ("39", "other groups"));
        assert_eq!((found.of[0], found.of[29]), (14, 0));
        let alone = Categories::of_groups(&[product("a", None, 1.0), product("b", None, 2.0)]);
        assert_eq!((alone.all[0].0.as_str(), alone.of), ("products", vec![0, 0]));
    }
}
