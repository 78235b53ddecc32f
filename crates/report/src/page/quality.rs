//! What became of the raw files, and the claims that held.

use super::captioned::captioned;
use crate::error::ReportError;
use crate::output::HtmlText;
use crate::source::Source;
use crate::words::{Words, key};
use indicatif::HumanCount;
use lake::Catalog;
use maud::{Markup, html};
use serde_json::Value;

/// How a column is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    /// At the left, in lines.
    Text,
    /// The same, a code in words.
    Code,
    /// At the right, by thousands.
    Amount,
    /// At the right, as it is.
    Year,
}

/// A column: its key, its heading, and how it is set.
type Column = (&'static str, &'static str, Set);

const OF_FILES: [Column; 10] = [
    ("source_file", key("file"), Set::Text),
    ("n_entries", key("entries"), Set::Amount),
    ("n_records", key("records"), Set::Amount),
    ("n_excluded", key("excluded"), Set::Amount),
    ("n_rejected", key("rejected"), Set::Amount),
    ("n_empty", key("empty"), Set::Amount),
    ("value_in", key("value in"), Set::Amount),
    ("value_records", key("value of records"), Set::Amount),
    ("value_excluded", key("value excluded"), Set::Amount),
    ("value_rejected", key("value rejected"), Set::Amount),
];

const OF_REJECTS: [Column; 2] =
    [("reason", key("reason"), Set::Code), ("n", key("entries"), Set::Amount)];

const OF_CONVERSION: [Column; 5] = [
    ("year", key("year"), Set::Year),
    ("revision", key("from"), Set::Text),
    ("kind", key("kind"), Set::Code),
    ("n_codes", key("codes"), Set::Amount),
    ("value_share", key("share of value"), Set::Amount),
];

/// What codes of tables mean: why entries were rejected, and what stood between the codes of two
/// revisions.
const CODES: [(&str, &str); 25] = [
    ("column_count", key("more or fewer columns than the header")),
    ("family", key("a family of several codes")),
    ("invalid_date", key("not a date")),
    ("invalid_encoding", key("a text that is not in the encoding of the source")),
    ("invalid_flow", key("neither export nor import")),
    ("invalid_month", key("not a month")),
    ("invalid_product_code", key("not a product code")),
    ("invalid_quantity", key("not a quantity")),
    ("invalid_year", key("not a year")),
    ("merge", key("several codes became one")),
    ("missing_value", key("a required field is empty")),
    ("negative_value", key("a value below zero")),
    ("no_hs_revision", key("no HS revision for the year")),
    ("not_a_number", key("not a number")),
    ("nul_byte", key("a NUL byte")),
    ("number_too_large", key("a number that is too large")),
    ("one_to_one", key("one code for one code")),
    ("same_revision", key("the revision of the analysis already")),
    ("split", key("one code became several")),
    ("split_and_merge", key("several codes became several")),
    ("too_many_decimals", key("more decimals than money has")),
    ("unclosed_quote", key("a quote that does not close")),
    ("unlisted", key("a code in no table")),
    ("unmapped_code", key("a code that the layout's map does not have")),
    ("wrong_grouping", key("a thousands mark where none belongs")),
];

/// A code in words; one without words as it is.
fn in_words<'a>(words: &'a Words, code: &'a str) -> &'a str {
    let known = CODES.binary_search_by(|(known, _)| (*known).cmp(code));
    known.map_or(code, |at| words.say(CODES[at].1))
}

/// The entries of every raw file.
pub(super) fn files(source: &Source<'_>) -> Result<Vec<Value>, ReportError> {
    source.rows(
        &["customs.reconciliation"],
        "select source_file, n_entries, n_records, n_excluded, n_rejected, n_empty, cast(value_in as varchar) as value_in, \
         cast(value_records as varchar) as value_records, cast(value_excluded as varchar) as value_excluded, \
         cast(value_rejected as varchar) as value_rejected from customs.reconciliation order by source_file",
    )
}

/// What became of the raw files, whose entries are `files`.
pub(super) fn quality(
    source: &Source<'_>,
    words: &Words,
    files: &[Value],
) -> Result<Markup, ReportError> {
    let rejects = source.rows(
        &["customs.rejects"],
        "select reason, count(*) as n from customs.rejects group by reason order by 2 desc, 1",
    )?;
    let conversion = source.rows(
        &["trade.conversion"],
        "select year, revision, kind, n_codes, value_share from trade.conversion order by year, revision, kind",
    )?;
    let of_files = words.say(
        "Every raw file: entries and value in = records + excluded + rejected (+ empty). Source: customs.reconciliation.",
    );
    let of_rejects = words.say("Rejected entries by reason. Source: customs.rejects.");
    let of_conversion = words
        .say("How codes were brought to the revision of the analysis. Source: trade.conversion.");
    Ok(html! {
        (table(words, "of-files", of_files, &OF_FILES, files))
        (table(words, "of-rejects", of_rejects, &OF_REJECTS, &rejects))
        (table(words, "of-conversion", of_conversion, &OF_CONVERSION, &conversion))
        (checks(source.catalog, words))
    })
}

/// A table of rows of JSON.
fn table(words: &Words, id: &str, caption: &str, columns: &[Column], rows: &[Value]) -> Markup {
    let class = |set: Set| matches!(set, Set::Text | Set::Code).then_some("text anywhere");
    let content = html! {
        thead {
            tr {
                @for (_, heading, set) in columns {
                    th scope="col" class=[class(*set)] { (words.say(heading)) }
                }
            }
        }
        tbody {
            @for row in rows {
                tr {
                    @for (key, _, set) in columns {
                        td class=[class(*set)] { (HtmlText(&cell(words, &row[*key], *set))) }
                    }
                }
            }
        }
    };
    captioned(id, caption, &content)
}

/// A value as it is said.
fn said(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(n) if n.is_f64() => format!("{:.4}", n.as_f64().unwrap_or(0.0)),
        Value::Number(n) => n.as_u64().map_or_else(|| n.to_string(), |n| HumanCount(n).to_string()),
        other => other.to_string(),
    }
}

/// A cell as its column is set.
fn cell(words: &Words, value: &Value, set: Set) -> String {
    match (set, value) {
        (Set::Code, Value::String(code)) => in_words(words, code).to_owned(),
        (Set::Amount, Value::String(text)) => grouped(text),
        (Set::Year, Value::Number(year)) => year.to_string(),
        _ => said(value),
    }
}

/// A number in digits, by thousands before its point.
fn grouped(number: &str) -> String {
    let (whole, rest) = number.find('.').map_or((number, ""), |at| number.split_at(at));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let mut out = String::new();
    if digits.len() < whole.len() {
        out.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

/// The claims that held.
fn checks(catalog: &Catalog, words: &Words) -> Markup {
    html! {
        details {
            summary { (words.say("Checks that held before publication")) }
            ul {
                @for name in catalog.checks.keys() {
                    li { (HtmlText(&name.replace("__", ": ").replace('_', " "))) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CODES, Set, cell, grouped};
    use crate::words::Words;
    use serde_json::json;

    #[test]
    fn amounts_have_thousands_and_years_have_none() {
        for (number, expected) in
            [("0", "0"), ("999", "999"), ("-1000", "-1,000"), ("1234567.50", "1,234,567.50")]
        {
            assert_eq!(grouped(number), expected);
        }
        let words = Words::english();
        assert_eq!(cell(&words, &json!(2007), Set::Year), "2007");
        assert_eq!(cell(&words, &json!(2007), Set::Amount), "2,007");
        assert_eq!(cell(&words, &json!(null), Set::Year), "–");
    }

    #[test]
    fn codes_are_said_in_words() {
        assert!(CODES.is_sorted_by(|a, b| a.0 < b.0));
        let words = Words::chinese().expect("the program's own words");
        assert_eq!(cell(&words, &json!("invalid_year"), Set::Code), "不是年份");
        assert_eq!(cell(&words, &json!("of_another"), Set::Code), "of_another");
    }
}
