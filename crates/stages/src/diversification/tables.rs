//! The tables `diversification.*`.

use super::super::table::{SHARE, Table, product, region, tables, year};
use lake::Contract;

pub(crate) fn contracts() -> Vec<&'static Contract> {
    vec![RegionYear::contract(), ProductYear::contract()]
}

tables! {
    /// Variety of a region's products.
    pub(super) struct VarietyColumns<'a> {
        entropy_products?: Float, "bits", "entropy of products";
        entropy_subgroups?: Float, "bits", "entropy of subgroups (of HS: headings)";
        unrelated_variety?: Float, "bits", "entropy of groups (of HS: chapters; Frenken et al. 2007)";
        semi_related_variety?: Float, "bits", "subgroups within groups (Castaldi et al. 2015)";
        related_variety?: Float, "bits", "products within groups (Frenken et al. 2007)";
        related_variety_subgroups?: Float, "bits", "products within subgroups (Castaldi et al. 2015)";
        variety_null_reason?: Text, "", "no_exports; no_groups or no_subgroups: what the classification of the products does not tell; products_are_groups or products_are_subgroups: nothing varies within HS chapters or headings";
    }

    /// Variety and concentration of a region's destinations.
    pub(super) struct MarketColumns {
        n_destinations?: Count, "countries", "destinations; null where the source has none";
        destination_entropy?: Float, "bits", "entropy of destinations";
        market_unrelated_variety?: Float, "bits", "entropy of the subcontinents of destinations (UN M49)";
        market_related_variety?: Float, "bits", "destinations within subcontinents";
        destination_hhi?: Float, "0..1", "Herfindahl-Hirschman index over destinations";
        destination_gini?: Float, "0..1", "Gini over destinations";
    }

    /// Variety and concentration of a region's exports.
    pub(super) struct RegionYearRow<'a> {
        year: Int = year();
        region_code: Text = region();
        n_products: Count, "products", "products exported";
        ..variety: VarietyColumns<'a>, VarietyColumns::columns();
        hhi?: Float, "0..1", "Herfindahl-Hirschman index over products";
        hhi_normalized?: Float, "0..1", "HHI between equal shares (0) and one product (1); null for one product";
        theil?: Float, "nats", "Theil index over products exported";
        gini?: Float, "0..1", "Gini over products exported";
        largest_share?: Float, SHARE, "share of the largest product";
        null_reason?: Text, "", "no_exports";
        hirschman?: Float, "0..1", "root of HHI";
        inverse_hhi?: Float, "products", "how many equal products would have this HHI";
        gini_all?: Float, "0..1", "Gini over all products that the nation exports in the year";
        krugman?: Float, "0..2", "sum of |share - the nation's share| over products";
        hoover?: Float, "0..1", "half of it: coefficient of specialisation";
        hachman?: Float, "0..1", "Hachman index: 1 is the nation's structure";
        ..market: MarketColumns, MarketColumns::columns();
    }

    /// `diversification.region_year`.
    pub(super) table RegionYear(RegionYearRow<'a>) = "diversification.region_year",
        "variety and concentration of a region's exports in a year", ["year", "region_code"],
        RegionYearRow::columns();

    /// Concentration of a product's exports.
    pub(super) struct ProductYearRow<'a> {
        year: Int = year();
        product: Text = product();
        n_regions: Count, "regions", "regions that export it";
        hhi: Float, "0..1", "Herfindahl-Hirschman index over regions";
        gini: Float, "0..1", "Gini over regions that export it";
        locational_gini: Float, "0..1", "Gini of the ratios of its shares to those of all exports (EconGeo's is half of it)";
        hoover: Float, "0..1", "half the sum of |share - share of all exports| over regions";
        largest_share: Float, SHARE, "share of the largest region";
    }

    /// `diversification.product_year`.
    pub(super) table ProductYear(ProductYearRow<'a>) = "diversification.product_year",
        "concentration of a product's exports over regions", ["year", "product"],
        ProductYearRow::columns();
}
