//! The tables `customs.*`.

use super::super::table::{Table, UNITS, region, tables, year};
use lake::Contract;

/// The tables of the stage, that of records first.
pub(crate) fn contracts() -> Vec<&'static Contract> {
    [vec![Records::contract()], accounts()].concat()
}

/// The tables that say what each file came to.
pub(super) fn accounts() -> Vec<&'static Contract> {
    vec![
        Rejects::contract(),
        Reconciliations::contract(),
        Rules::contract(),
        UnmappedCodes::contract(),
    ]
}

/// Where a row begins.
const SOURCE_ROW: &str = "line of the (unpacked) raw file on which the row begins";

tables! {
    /// One readable entry of a raw file.
    pub(super) struct RecordRow<'a> {
        source_file: Text, "", "raw file, as the pipeline's pattern found it";
        source_row: Count, "", SOURCE_ROW;
        entry: Int, "", "place of the value among the row's value columns, from 0";
        year: Int = year();
        month?: Int, "1..12", "month, where the source has months";
        flow: Text, "", "export or import";
        region_code: Text = region();
        product_code: Text, "", "product code as reported, cleaned, all its digits";
        product: Text, "", "the product that is analysed: its first six digits, in the revision of the record; of another classification than HS all of it";
        hs_revision?: Text, "", "HS revision in force in that year; null where the classification is not HS";
        destination?: Text, "", "country of destination";
        trade_mode?: Text, "", "customs regime";
        ownership?: Text, "", "ownership of the firm";
        ownership_source?: Text, "", "field, or fallback where the field said nothing";
        firm?: Text, "", "firm";
        firm_name?: Text, "", "name of the firm";
        quantity?: Float, "quantity_unit", "quantity";
        quantity_unit?: Text, "", "unit of measure";
        fob_value: Money, UNITS, "FOB value";
        currency?: Text, "", "ISO 4217 code; null where values are no money";
        rules?: Text, "", "rules of the layout that cover the entry, in its order, with commas";
        is_excluded: Flag, "", "whether the pipeline excludes one of them";
    }

    /// `customs.records`.
    pub(super) table Records(RecordRow<'a>) = "customs.records",
        "one readable entry of a raw file; entries that a rule excludes are here too, marked",
        ["source_file", "source_row", "entry"], RecordRow::columns();

    /// One row or entry of a raw file that could not be read.
    pub(super) struct RejectRow<'a> {
        source_file: Text, "", "raw file";
        source_row: Count, "", SOURCE_ROW;
        reject: Int, "", "place among the rejects of the row, from 0";
        reason: Text, "", "why";
        column_name: Text, "", "column at fault; empty for the row as a whole";
        found: Text, "", "what stood there";
        raw_text: Text, "", "the row as it stands in the file";
        n_entries: Count, "entries", "entries lost with it";
        n_unreadable_values: Count, "entries", "of them, with a value that cannot be read";
        fob_value: Money, UNITS, "their value, where it can be read";
    }

    /// `customs.rejects`.
    pub(super) table Rejects(RejectRow<'a>) = "customs.rejects",
        "one row or entry of a raw file that could not be read, with its text and the reason",
        ["source_file", "source_row", "reject"], RejectRow::columns();

    /// What a raw file came to.
    pub(super) struct ReconciliationRow<'a> {
        source_file: Text, "", "raw file";
        layout: Text, "", "layout that read it";
        currency?: Text, "", "ISO 4217 code; null where values are no money";
        n_rows: Count, "rows", "data rows of the file";
        n_left_out: Count, "lines", "lines that are neither rows nor of the header, as the layout's `rows` says: titles, comments, blank ones, what stands below the table";
        n_mended: Count, "rows", "rows of more or fewer fields than the header that the layout's `ragged` mended";
        n_entries: Count, "entries", "values a row can hold, times rows";
        n_records: Count, "entries", "entries that go on";
        n_excluded: Count, "entries", "entries that a named rule excludes";
        n_rejected: Count, "entries", "entries rejected";
        n_empty: Count, "entries", "cells of a wide table that hold zero or nothing";
        n_unreadable_values: Count, "entries", "rejected entries whose value cannot be read";
        value_in: Money, UNITS, "sum of every readable value of the file";
        value_records: Money, UNITS, "value of the entries that go on";
        value_excluded: Money, UNITS, "value that named rules exclude";
        value_rejected: Money, UNITS, "value of the rejected entries";
        rounded_difference: Text, UNITS, "what rounding to hundredths took, exactly: the file's own sum is value_in and it; 0 where nothing was rounded";
        n_repeated: Count, "rows", "rows that are the same to the last field as one before, in the file or in one before it of the same layout; an estimate from a sample where there are more than 4096 rows";
        value_repeated: Float, UNITS, "their value, an estimate where they are";
    }

    /// `customs.reconciliation`.
    pub(super) table Reconciliations(ReconciliationRow<'a>) = "customs.reconciliation",
        "one raw file: entries in = records + excluded + rejected + empty, and the same for value",
        ["source_file"], ReconciliationRow::columns();

    /// What a rule covers in a raw file.
    pub(super) struct RuleRow<'a> {
        source_file: Text, "", "raw file";
        rule: Text, "", "rule of the layout";
        why: Text, "", "what the rule is for";
        is_excluded: Flag, "", "whether the pipeline excludes it";
        n_entries: Count, "entries", "entries it covers";
        fob_value: Money, UNITS, "their value";
    }

    /// `customs.rules`.
    pub(super) table Rules(RuleRow<'a>) = "customs.rules",
        "what each rule of the layout covers in each raw file",
        ["source_file", "rule"], RuleRow::columns();

    /// A text without a meaning.
    pub(super) struct UnmappedCodeRow<'a> {
        source_file: Text, "", "raw file";
        field: Text, "", "field of the layout";
        raw_code: Text, "", "text as it stands in the file";
        code: Text, "", "code it became";
        n_entries: Count, "entries", "entries with it";
        fob_value: Money, UNITS, "their value";
    }

    /// `customs.unmapped`.
    pub(super) table UnmappedCodes(UnmappedCodeRow<'a>) = "customs.unmapped",
        "a text that is not among the layout's codes or listed regions, and that was kept or put among the others of its province",
        ["source_file", "field", "raw_code"], UnmappedCodeRow::columns();
}
