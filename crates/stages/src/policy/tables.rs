//! The tables `policy.*`.

use super::super::table::{Table, product, tables, year};
use lake::Contract;

pub(crate) fn contracts() -> Vec<&'static Contract> {
    vec![Rebate::contract(), RebateYear::contract()]
}

tables! {
    /// A product's rebate over the crisis.
    pub(super) struct RebateRow<'a> {
        product: Text = product();
        rate_before?: Float, "fraction", "rate on policy.step_from, mean of its tariff lines";
        rate_after?: Float, "fraction", "rate on policy.step_to";
        step?: Float, "fraction", "crisis step: mean over lines of the rate after less the rate before; null where no line has both";
        step_min?: Float, "fraction", "smallest step of its lines";
        step_max?: Float, "fraction", "largest step of its lines";
        has_rise?: Flag, "", "whether a line's rate rose between the two days";
        n_rises: Count, "steps", "rises between the two days, of the line with most";
        annual_change?: Float, "fraction", "day-weighted mean of the year of step_to less that of the year of step_from";
        earlier_cut?: Float, "fraction", "rate on policy.cut_to less that on policy.cut_from; below zero: a cut";
        n_lines: Count, "lines", "tariff lines";
    }

    /// `policy.rebate`.
    pub(super) table Rebate(RebateRow<'a>) = "policy.rebate",
        "a product's rebate of export VAT over the crisis, of the pipeline's `rebate_rates`",
        ["product"], RebateRow::columns();

    /// A product's rebate in a year.
    pub(super) struct RebateYearRow<'a> {
        year: Int = year();
        product: Text = product();
        rate: Float, "fraction", "day-weighted rate, mean of its tariff lines";
        export_tax: Float, "fraction", "policy.vat less the rate";
        log_export_tax: Float, "log units", "ln(1 + export_tax)";
        rate_min: Float, "fraction", "lowest of its lines";
        rate_max: Float, "fraction", "highest of its lines";
        n_lines: Count, "lines", "tariff lines with a rate in the year";
        n_days?: Float, "days", "days of the year with a rate, mean of its lines";
    }

    /// `policy.rebate_year`.
    pub(super) table RebateYear(RebateYearRow<'a>) = "policy.rebate_year",
        "a product's rebate of export VAT in a year", ["year", "product"],
        RebateYearRow::columns();
}
