//! The tables `trade.*`.

use super::super::table::{SHARE, Table, UNITS, product, region, tables, year};
use lake::Contract;

/// The tables of the stage.
pub(crate) fn contracts() -> Vec<&'static Contract> {
    vec![
        Region::contract(),
        Product::contract(),
        RegionProductYear::contract(),
        RegionProductYearDestination::contract(),
        RegionProductYearOwnership::contract(),
        RegionProductYearTradeMode::contract(),
        RegionProductYearOwnershipTradeMode::contract(),
        RegionProductYearFirm::contract(),
        RegionProductMonth::contract(),
        RegionProductYearQuantity::contract(),
        RegionYear::contract(),
        CodeConversion::contract(),
    ]
}

/// The records of a cell.
const SUMMED: &str = "records summed; a record that was split counts for each part";

tables! {
    /// One region.
    pub(super) struct RegionRow<'a> {
        region_code: Text = region();
        region_name: Text, "", "its name; the code where the layout names none";
    }

    /// `trade.region`.
    pub(super) table Region(RegionRow<'a>) = "trade.region", "one region",
        ["region_code"], RegionRow::columns();

    /// One product, and the groups it is of.
    pub(super) struct ProductRow<'a> {
        product: Text = product();
        hs6?: Text, "", "the same; null where the classification is not HS";
        hs4?: Text, "", "its HS heading";
        hs2?: Text, "", "its HS chapter";
        product_subgroup?: Text, "", "its subgroup: the heading of HS; null where the hierarchy has none";
        product_group?: Text, "", "its group: the chapter of HS; null where the hierarchy has none";
        group_name?: Text, "", "what the group is called, if that is known";
        description?: Text, "", "the layout's label, or the official text of HS; null where there is neither";
        is_listed?: Flag, "", "whether the target revision of HS, or the layout's table of groups, has the code; null where there is no list";
        n_codes: Count, "codes", "reported codes that were brought to it, over all revisions";
    }

    /// `trade.product`.
    pub(super) table Product(ProductRow<'a>) = "trade.product",
        "one product of the classification (of HS: of the target revision) that is traded",
        ["product"], ProductRow::columns();

    /// A region, a product and a year.
    pub(super) struct CellColumns<'a> {
        year: Int = year();
        region_code: Text = region();
        product: Text = product();
    }

    /// A part of what a region exports of a product in a year.
    pub(super) struct PartColumns {
        fob_value: Money, UNITS, "FOB value";
        value_share?: Float, SHARE, "share in the region's exports of the product; null if they are not positive";
    }

    /// What a region exports of a product in a year.
    pub(super) struct RegionProductYearRow<'a> {
        ..cell: CellColumns<'a>, CellColumns::columns();
        fob_value: Money, UNITS, "FOB value";
        n_records: Count, "records", SUMMED;
        n_destinations?: Count, "countries", "destinations; null where the source has none, or `aggregate.counts` does not ask";
        n_firms?: Count, "firms", "firms; null where the source has none, or `aggregate.counts` does not ask";
    }

    /// `trade.region_product_year`.
    pub(super) table RegionProductYear(RegionProductYearRow<'a>) = "trade.region_product_year",
        "exports of a region in a product and year, HS codes on the target revision",
        ["year", "region_code", "product"], RegionProductYearRow::columns();

    /// A part by destination.
    pub(super) struct DestinationRow<'a> {
        ..cell: CellColumns<'a>, CellColumns::columns();
        destination: Text, "", "country of destination";
        ..part: PartColumns, PartColumns::columns();
    }

    /// `trade.region_product_year_destination`.
    pub(super) table RegionProductYearDestination(DestinationRow<'a>)
        = "trade.region_product_year_destination",
        "the same by destination, where the source has destinations",
        ["year", "region_code", "product", "destination"], DestinationRow::columns();

    /// A part by ownership.
    pub(super) struct OwnershipRow<'a> {
        ..cell: CellColumns<'a>, CellColumns::columns();
        ownership: Text, "", "ownership of the firm";
        ..part: PartColumns, PartColumns::columns();
    }

    /// `trade.region_product_year_ownership`.
    pub(super) table RegionProductYearOwnership(OwnershipRow<'a>)
        = "trade.region_product_year_ownership",
        "the same by ownership of the firm, where the source has it",
        ["year", "region_code", "product", "ownership"], OwnershipRow::columns();

    /// A part by customs regime.
    pub(super) struct TradeModeRow<'a> {
        ..cell: CellColumns<'a>, CellColumns::columns();
        trade_mode: Text, "", "customs regime";
        ..part: PartColumns, PartColumns::columns();
    }

    /// `trade.region_product_year_trade_mode`.
    pub(super) table RegionProductYearTradeMode(TradeModeRow<'a>)
        = "trade.region_product_year_trade_mode",
        "the same by customs regime, where the source has it",
        ["year", "region_code", "product", "trade_mode"], TradeModeRow::columns();

    /// A part by ownership and customs regime.
    pub(super) struct OwnershipTradeModeRow<'a> {
        ..cell: CellColumns<'a>, CellColumns::columns();
        ownership: Text, "", "ownership of the firm";
        trade_mode: Text, "", "customs regime";
        ..part: PartColumns, PartColumns::columns();
    }

    /// `trade.region_product_year_ownership_trade_mode`.
    pub(super) table RegionProductYearOwnershipTradeMode(OwnershipTradeModeRow<'a>)
        = "trade.region_product_year_ownership_trade_mode",
        "the same by ownership and customs regime together, where the source has both",
        ["year", "region_code", "product", "ownership", "trade_mode"],
        OwnershipTradeModeRow::columns();

    /// A part by firm.
    pub(super) struct FirmRow<'a> {
        ..cell: CellColumns<'a>, CellColumns::columns();
        firm: Text, "", "firm";
        ..part: PartColumns, PartColumns::columns();
    }

    /// `trade.region_product_year_firm`.
    pub(super) table RegionProductYearFirm(FirmRow<'a>) = "trade.region_product_year_firm",
        "the same by firm, where the source has firms and the config keeps them",
        ["year", "region_code", "product", "firm"], FirmRow::columns();

    /// What a region exports of a product in a month.
    pub(super) struct MonthRow<'a> {
        ..cell: CellColumns<'a>, CellColumns::columns();
        month: Int, "1..12", "month";
        fob_value: Money, UNITS, "FOB value";
    }

    /// `trade.region_product_month`.
    pub(super) table RegionProductMonth(MonthRow<'a>) = "trade.region_product_month",
        "the same by month, where the source has months and the config keeps them",
        ["year", "region_code", "product", "month"], MonthRow::columns();

    /// A quantity, in one unit of measure.
    pub(super) struct QuantityRow<'a> {
        ..cell: CellColumns<'a>, CellColumns::columns();
        quantity_unit: Text, "", "unit of measure; empty: the source names none";
        quantity: Float, "quantity_unit", "sum, each record's quantity rounded to thousandths";
        fob_value: Money, UNITS, "FOB value of those records";
        n_records: Count, "records", SUMMED;
    }

    /// `trade.region_product_year_quantity`.
    pub(super) table RegionProductYearQuantity(QuantityRow<'a>)
        = "trade.region_product_year_quantity",
        "quantities by unit of measure, of the records that have one, if the config keeps them",
        ["year", "region_code", "product", "quantity_unit"], QuantityRow::columns();

    /// What a region exports in a year.
    pub(super) struct RegionYearRow<'a> {
        year: Int = year();
        region_code: Text = region();
        fob_value: Money, UNITS, "FOB value";
        n_products: Count, "products", "products with a value above zero";
        n_records: Count, "records", "records summed";
    }

    /// `trade.region_year`.
    pub(super) table RegionYear(RegionYearRow<'a>) = "trade.region_year",
        "exports of a region in a year", ["year", "region_code"], RegionYearRow::columns();

    /// Codes of a year that were brought to the target revision in the same way.
    pub(super) struct CodeConversionRow<'a> {
        year: Int = year();
        revision: Text, "", "revision of the records: of HS, or the name of another classification and its revision";
        kind: Text, "", "same_revision, one_to_one, merge, split, split_and_merge, family or unlisted";
        target_revision: Text, "", "revision of the analysis";
        method: Text, "", "one_to_one, families or weights";
        n_codes: Count, "codes", "reported codes";
        fob_value: Money, UNITS, "their value";
        value_share?: Float, SHARE, "share in the year's value";
    }

    /// `trade.conversion`.
    pub(super) table CodeConversion(CodeConversionRow<'a>) = "trade.conversion",
        "how the codes of a year were brought to the revision of the analysis; those of other classifications than HS stay",
        ["year", "revision", "kind"], CodeConversionRow::columns();
}
