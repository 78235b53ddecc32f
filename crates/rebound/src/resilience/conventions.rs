//! The conventions that the indices follow, in words.

use super::made::Parts;
use project::config::choice::Choice;
use project::config::{Config, Resilience};

/// What is drawn anew for the intervals, if anything is.
fn drawn_anew(resilience: &Resilience, parts: Parts) -> Option<&'static str> {
    match (parts, resilience.uses_own_past()) {
        (Parts::Products, false) => Some("products"),
        (Parts::Products, true) => Some("products, residuals of models of the own past, or both"),
        (Parts::None, true) => Some("residuals of models of the own past"),
        (Parts::None, false) => None,
    }
}

/// In words, for the log and for the metadata of files; `values` says how values are given.
pub(super) fn text(config: &Config, parts: Parts, values: &str) -> String {
    let resilience = &config.resilience;
    let episodes: Vec<String> = resilience
        .episodes
        .iter()
        .map(|of| {
            let base: Vec<String> = of.base.iter().map(ToString::to_string).collect();
            let trailing = match of.trailing {
                1 => String::new(),
                n => format!(", each the sum of {n} that end with it"),
            };
            format!(
                "episode {} from {} by {} to {}, structure of {}{trailing}",
                of.name,
                base.join(" and "),
                of.trough,
                of.end,
                of.transformation
            )
        })
        .collect();
    let of_regions: Vec<&str> = resilience.region_benchmarks.iter().map(|of| of.name()).collect();
    let of_products: Vec<String> = resilience.product_benchmarks.iter().map(Choice::name).collect();
    let of_products = match of_products.is_empty() {
        true => String::new(),
        false => format!(", region-products against {}", of_products.join(", ")),
    };
    let absent = match resilience.absent_regions.name().as_str() {
        "zero" => "has nothing",
        _ => "is missing",
    };
    let intervals = match (resilience.bootstrap_replicates, drawn_anew(resilience, parts)) {
        (0, _) | (_, None) => "no intervals".to_owned(),
        (n, Some(drawn)) => format!(
            "intervals of {} by {n} replicates over {drawn} from seed {}",
            resilience.bootstrap_level, resilience.bootstrap_seed
        ),
    };
    let own_past = match resilience.uses_own_past() {
        true => format!("; models of the own past of {} years", resilience.own_past_years),
        false => String::new(),
    };
    let donors = match resilience.uses_donors() {
        true => format!(
            "; other regions alike in {} over {} years up to the base, a shock made up {} years before it, {} folds from \
             seed {}",
            resilience.donor_scale.name(),
            resilience.donor_years,
            resilience.placebo_years,
            resilience.completion_folds,
            resilience.completion_seed
        ),
        false => String::new(),
    };
    format!(
        "{}; regions against {}{of_products}; index (change - expected change) / |expected change|, none \
         where expected growth is below {} or what a stage begins with below {}; own trend of {} years{own_past}{donors}; \
         a region without rows in a period {absent}; {intervals}; specialised by RCA {} {}, PCI of the table itself on \
         the scale of {} with ddof {}; values {values}",
        episodes.join("; "),
        of_regions.join(", "),
        resilience.near_zero,
        resilience.min_base_value,
        resilience.trend_years,
        if config.relatedness.rca_rule.name() == "above" { ">" } else { ">=" },
        config.relatedness.rca_threshold,
        config.complexity.pci_scale.name(),
        config.complexity.ddof,
    )
}
