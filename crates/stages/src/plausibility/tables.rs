//! The table `trade.findings`.

use super::super::table::{SHARE, Table, UNITS, tables};
use lake::Contract;

/// The tables of the stage.
pub(crate) fn contracts() -> Vec<&'static Contract> {
    vec![FindingTable::contract()]
}

tables! {
    /// Something that looks misread.
    pub(super) struct FindingRow<'a> {
        finding: Int, "", "its number, from 1";
        kind: Text, "", "total_among_parts, total_by_name, nested_levels, mixed_lengths, all_zero, unlisted_products, files_alike or repeated_rows";
        dimension: Text, "", "region, product, destination or file";
        name: Text, "", "the label, some labels, lengths of codes, the files, or the layout of repeated rows";
        n: Count, "rows or codes", "labels that a total is the sum of; codes that are short, unlisted (of the year with most) or without a value; rows of each file, or that are repeated";
        value?: Float, UNITS, "its value; null where it has none";
        share?: Float, SHARE, "its share of the value; null where it has none";
        limit_share?: Float, SHARE, "the share above which a run stops; null where there is no limit";
        note: Text, "", "what it means and what to do";
    }

    /// `trade.findings`.
    pub(super) table FindingTable(FindingRow<'a>) = "trade.findings",
        "what looks misread in the sums, each with its value", ["finding"], FindingRow::columns();
}
