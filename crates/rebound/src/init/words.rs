//! What texts of cells and of headers say: years, flows, codes, numbers.

use crate::usual_names::plain;
use std::borrow::Cow;
use std::ops::RangeInclusive;
use trade::HsRevision;
use trade::code;

/// Years that a record may be of.
const YEARS: RangeInclusive<i32> = 1900..=2100;

/// The first year in which each revision of the HS was in force, the newest first.
const IN_FORCE: [(i32, HsRevision); 7] = [
    (2022, HsRevision::Hs2022),
    (2017, HsRevision::Hs2017),
    (2012, HsRevision::Hs2012),
    (2007, HsRevision::Hs2007),
    (2002, HsRevision::Hs2002),
    (1996, HsRevision::Hs1996),
    (i32::MIN, HsRevision::Hs1992),
];

/// The words of exports and those of imports, in small letters.
const EXPORT_WORDS: [&str; 25] = [
    "x",
    "e",
    "exp",
    "export",
    "exports",
    "exported",
    "total exports",
    "domestic exports",
    "exportação",
    "exportacao",
    "exportações",
    "exportacoes",
    "exportación",
    "exportacion",
    "exportaciones",
    "exportation",
    "exportations",
    "ausfuhr",
    "ausfuhren",
    "exporte",
    "exporten",
    "exportierte",
    "esportazioni",
    "dispatches",
    "出口",
];

const IMPORT_WORDS: [&str; 21] = [
    "m",
    "i",
    "imp",
    "import",
    "imports",
    "imported",
    "total imports",
    "importação",
    "importacao",
    "importações",
    "importacoes",
    "importación",
    "importacion",
    "importaciones",
    "importation",
    "importations",
    "einfuhr",
    "einfuhren",
    "importazioni",
    "arrivals",
    "进口",
];

/// The revision that was in force in a year.
pub(super) fn in_force(year: i32) -> HsRevision {
    let found = IN_FORCE.iter().find(|(first, _)| *first <= year);
    found.map_or(HsRevision::Hs1992, |(_, revision)| *revision)
}

/// The revision that UN Comtrade calls `H0` to `H6`.
pub(super) fn comtrade_revision(text: &str) -> Option<HsRevision> {
    let number: usize = text.strip_prefix(['H', 'h'])?.parse().ok()?;
    HsRevision::ALL.get(number).copied()
}

/// The runs of digits of a text.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty())
}

/// The year that a text of a period begins with or has in it: 2008, 200811, 2008-11-05, 05/11/2008,
/// 2008Q3, 2008/09.
pub(super) fn year_of(text: &str) -> Option<i32> {
    let year = |run: &str| match run.len() {
        4 | 6 | 8 => run.get(..4)?.parse::<i32>().ok().filter(|year| YEARS.contains(year)),
        _ => None,
    };
    runs(code::whole(text)).find_map(year)
}

/// Whether a text is a year and nothing else.
pub(super) fn is_year(text: &str) -> bool {
    let text = code::whole(text);
    text.len() == 4 && year_of(text).is_some()
}

/// The flow that a text says.
pub(super) fn flow_of(text: &str) -> Option<&'static str> {
    let text = text.trim().to_lowercase();
    if EXPORT_WORDS.contains(&text.as_str()) {
        Some("export")
    } else if IMPORT_WORDS.contains(&text.as_str()) {
        Some("import")
    } else {
        None
    }
}

/// The flow that a text has a word of.
pub(super) fn flow_in(text: &str) -> Option<&'static str> {
    let words = text.split(|c: char| !c.is_alphabetic());
    words.filter(|word| word.chars().count() > 1).find_map(flow_of)
}

/// The same, unless it is of goods that only pass, or a balance.
pub(super) fn flow_within(text: &str) -> Option<&'static str> {
    let plain = plain(text);
    let is_passing = ["reexp", "reimp", "balance", "saldo"].iter().any(|word| plain.contains(word));
    flow_in(text).filter(|_| !is_passing)
}

/// The word of a flow in the name of a file, and the flow.
pub(super) fn flow_of_file(label: &str) -> Option<(&str, &'static str)> {
    let name = label.rsplit('/').next().unwrap_or(label);
    let words = name.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 1);
    let mut said = words.filter_map(|word| Some((word, flow_of(word)?)));
    said.next()
}

/// The flow that the name of a column of values says: `exports`, `export_value`, `Imports (US$)`.
pub(super) fn flow_of_header(name: &str) -> Option<&'static str> {
    let mut left = plain(name);
    for word in ["value", "values", "total", "fob", "cif", "usd", "us", "eur", "year"] {
        left = left.replace(word, "");
    }
    flow_of(&left).filter(|_| left.len() > 1).or_else(|| flow_within(name))
}

/// Whether a text is written as numbers are.
pub(super) fn is_like_number(text: &str) -> bool {
    let is_mark = |c: char| {
        c.is_ascii_digit()
            || c.is_whitespace()
            || matches!(c, '.' | ',' | '\'' | '\u{2019}' | '-' | '+' | '\u{2212}' | '(' | ')')
            || matches!(c, 'e' | 'E')
    };
    text.starts_with(|c: char| !matches!(c, 'e' | 'E'))
        && text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(is_mark)
}

/// Whether a text is digits alone, once the point that a data frame adds is gone.
pub(super) fn is_code(text: &str) -> bool {
    let text = code::whole(text);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is a code of a product: digits alone, or with points or spaces between them.
pub(super) fn is_product_code(text: &str) -> bool {
    let text = code::whole(text);
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b' '))
}

/// A code of a product without what stands between its digits.
pub(super) fn product_code(text: &str) -> Cow<'_, str> {
    let whole = code::whole(text);
    match is_product_code(whole) && !is_code(whole) {
        true => Cow::Owned(whole.chars().filter(char::is_ascii_digit).collect()),
        false => Cow::Borrowed(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_a_year() {
        for (text, year) in [
            ("2008", Some(2008)),
            ("2008.0", Some(2008)),
            ("200811", Some(2008)),
            ("05/11/2008", Some(2008)),
            ("2008Q3", Some(2008)),
            ("2081/082_export", Some(2081)),
            ("FY 2008-09", Some(2008)),
            ("12345", None),
            ("3000", None),
            ("", None),
        ] {
            assert_eq!(year_of(text), year, "{text}");
        }
        assert!(is_year("2008") && !is_year("200811") && !is_year("FY2008"));
    }

    #[test]
    fn names_of_columns_say_flows() {
        assert_eq!(flow_of_header("exports"), Some("export"));
        assert_eq!(flow_of_header("import_value"), Some("import"));
        assert_eq!(flow_of_header("Total Exports Value (US$)"), Some("export"));
        assert_eq!(flow_of_header("tradebalance"), None);
        assert_eq!(flow_of_header("Exportaciones (miles de USD)"), Some("export"));
        assert_eq!(flow_within("Exports (£ million)"), Some("export"));
        assert_eq!(flow_of_file("data/EXP_2025.csv"), Some(("EXP", "export")));
        assert_eq!(flow_of_file("import/2025.csv"), None);
        assert_eq!((flow_within("Re-exports"), flow_within("exporter")), (None, None));
    }

    #[test]
    fn revisions_are_those_in_force_and_those_of_comtrade() {
        assert_eq!(in_force(2008), HsRevision::Hs2007);
        assert_eq!(in_force(1991), HsRevision::Hs1992);
        assert_eq!(comtrade_revision("H5"), Some(HsRevision::Hs2017));
        assert_eq!(comtrade_revision("S3"), None);
    }

    #[test]
    fn numbers_are_told_from_words() {
        for text in ["1", "-2.5", "1 234,5", "5e+05", "(30)", "1'000"] {
            assert!(is_like_number(text), "{text}");
        }
        for text in ["", "e5", "NA", "12a", "-"] {
            assert!(!is_like_number(text), "{text}");
        }
        assert!(is_code("0101") && is_code("101.0") && !is_code("1.01"));
        assert!(is_product_code("0101.21") && !is_product_code("C10") && !is_product_code("1-2"));
        assert_eq!((&*product_code("0101.21.00"), &*product_code("101.0")), ("01012100", "101"));
    }
}
