//! The tables `space.*`.

use super::super::table::{SHARE, Table, product, region, tables, year};
use lake::Contract;

pub(crate) fn contracts() -> Vec<&'static Contract> {
    vec![
        Proximity::contract(),
        RegionProductYear::contract(),
        RegionYear::contract(),
        ProductYear::contract(),
        Year::contract(),
    ]
}

tables! {
    /// A pair of products.
    pub(super) struct ProximityRow<'a> {
        product_a: Text, "", "the product with the lower code";
        product_b: Text, "", "the other";
        proximity: Float, "the measure's", "relatedness by the config's measure; proximity (Hidalgo et al. 2007) by default";
        is_in_tree: Flag, "", "whether the link belongs to the maximum spanning tree";
        co_occurrence?: Count, "regions or firms", "how many have both; null without validation";
        p_value?: Float, "probability", "of as many or more by chance; null without validation";
        q_value?: Float, "share", "p-value adjusted for the number of links (Benjamini & Hochberg 1995)";
    }

    /// `space.proximity`.
    pub(super) table Proximity(ProximityRow<'a>) = "space.proximity",
        "a pair of products at least as close as the config publishes, or of the maximum spanning tree",
        ["product_a", "product_b"], ProximityRow::columns();

    /// A region's product in a year.
    pub(super) struct RegionProductYearRow<'a> {
        year: Int = year();
        region_code: Text = region();
        product: Text = product();
        rca: Float, "ratio", "revealed comparative advantage (Balassa 1965) against the config's reference";
        rsca: Float, "-1..1", "symmetric RCA: (rca - 1) / (rca + 1)";
        is_specialized: Flag, "", "whether RCA meets the config's rule";
        density?: Float, "0..1", "relatedness density (Hidalgo et al. 2007)";
        density_null_reason?: Text, "", "isolated: related to no product";
        value_density?: Float, "0..1", "the same with the region's shares in place of its specialisations";
        nearest_density?: Float, "0..1", "density over the config's number of nearest products; equally close ones share places";
        related_mass: Float, "sum of relatedness", "relatedness to the region's other specialisations";
        related_count: Count, "products", "other specialisations of the region among the closest share of pairs";
        group_entropy?: Float, "bits", "entropy of the region's exports in the product's group (of HS: chapter) without the product; null if there are none, or no groups";
        weighted_entropy?: Float, "bits", "entropy of the region's other exports, weighted by relatedness";
        unrelated_entropy?: Float, "bits", "entropy of the region's exports that are not among the closest share of pairs, without the product; null if there are none";
        outlook_gain?: Float, "PCI", "complexity outlook gain; null where the region is specialised, or without PCI";
        entered?: Flag, "", "whether a product it was not specialised in before is one now; null outside the risk set, and where region or product had nothing in one of the years";
        exited?: Flag, "", "whether a product it was specialised in before is none now; null likewise";
        jumped?: Flag, "", "whether RCA rose from the config's low bound or less to its high one since the year before (Bahar et al. 2014); null outside the risk set";
        rpop?: Float, "ratio", "exports a head as a ratio to those of all regions; null without population";
    }

    /// `space.region_product_year`.
    pub(super) table RegionProductYear(RegionProductYearRow<'a>) = "space.region_product_year",
        "a region and a product that both export in the year, and are not cleaned away",
        ["year", "region_code", "product"], RegionProductYearRow::columns();

    /// A region in a year.
    pub(super) struct RegionYearRow<'a> {
        year: Int = year();
        region_code: Text = region();
        diversity: Count, "products", "products it is specialised in";
        mean_density?: Float, "0..1", "mean density over the year's products";
        internal_density?: Float, "0..1", "mean density around what it is specialised in";
        external_density?: Float, "0..1", "mean density around what it is not specialised in";
        coherence?: Float, "the measure's", "relatedness among its exports (Nesta & Saviotti 2005); null for fewer than two products";
        eci?: Float, "z-score", "economic complexity (Hidalgo & Hausmann 2009), from the data's own regions";
        eci_null_reason?: Text, "", "why there is none";
        eci_reflections?: Float, "z-score", "the same by the method of reflections";
        fitness?: Float, "mean 1", "fitness (Tacchella et al. 2012); see space.year for convergence";
        outlook_index?: Float, "z-score", "complexity outlook index";
        eci_external?: Float, "PCI", "mean external PCI of what it is specialised in; null without it";
        n_entries?: Count, "products", "products entered, over the config's persistence; null where the years before are not in the data";
        n_exits?: Count, "products", "products left, likewise";
        expy?: Float, "incomes", "income level of its exports (Hausmann, Hwang & Rodrik 2007); null without incomes";
        expy_coverage?: Float, SHARE, "share of its exports in products with a PRODY";
    }

    /// `space.region_year`.
    pub(super) table RegionYear(RegionYearRow<'a>) = "space.region_year",
        "a region's place in the product space of the year", ["year", "region_code"],
        RegionYearRow::columns();

    /// A product in a year.
    pub(super) struct ProductYearRow<'a> {
        year: Int = year();
        product: Text = product();
        ubiquity: Count, "regions", "regions specialised in it";
        pci?: Float, "z-score", "product complexity, from the data's own regions, on the config's scale";
        pci_null_reason?: Text, "", "why there is none";
        fitness_complexity?: Float, "mean 1", "complexity of fitness (Tacchella et al. 2012)";
        prody?: Float, "incomes", "income level of the product (Hausmann, Hwang & Rodrik 2007); null without incomes";
    }

    /// `space.product_year`.
    pub(super) table ProductYear(ProductYearRow<'a>) = "space.product_year",
        "a product's place in the product space of the year", ["year", "product"],
        ProductYearRow::columns();

    /// A year.
    pub(super) struct YearRow {
        year: Int = year();
        n_regions: Count, "regions", "regions that export";
        n_regions_kept: Count, "regions", "of them, those that the cleaning kept";
        n_products: Count, "products", "products that are exported";
        n_products_kept: Count, "products", "of them, those that the cleaning kept";
        value_share_kept: Float, SHARE, "share of the value in what was kept";
        cleaning_rounds: Count, "rounds", "rounds of cleaning";
        n_regions_with_income?: Count, "regions", "of those kept, regions with an income; null without incomes";
        fill?: Float, SHARE, "share of cells that are specialisations";
        lambda_2?: Float, "0..1", "second largest eigenvalue: near 1 the regions nearly fall apart into groups";
        spectral_gap?: Float, "0..1", "distance to the third: near 0, another answer serves nearly as well";
        eci_diversity_correlation?: Float, "-1..1", "near 1, ECI says little more than diversity";
        nodf?: Float, "0..100", "nestedness (Almeida-Neto et al. 2008)";
        eci_rank_stability?: Float, "0..1", "smaller rank correlation with the ECI of thresholds a quarter lower and higher";
        fitness_iterations?: Count, "steps", "steps that fitness took";
        fitness_change?: Float, "log points", "largest change in the last";
        is_fitness_converged?: Flag, "", "whether that is within the tolerance";
    }

    /// `space.year`.
    pub(super) table Year(YearRow) = "space.year",
        "what a year's product space was made of, and whether its complexity can be trusted",
        ["year"], YearRow::columns();
}
