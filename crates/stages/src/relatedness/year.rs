//! The product space of a year.

use super::params::Params;
use super::product_space::ProductSpace;
use project::config::choice::OutlookPci;
use space::complexity::{Fitness, Reflections, fitness, reflections, standardized};
use space::{
    Around, Complexity, ComplexityError, Density, Diagnostics, Diagonal, Exports, Expy, Filtered,
    Outlook, Rca, Reference, Specialization, Surroundings, coherence, complexity, density,
    diagnostics, entropies_around, expy, filter, nearest_density, outlook, prody, rca,
    surroundings, value_density,
};

/// The product space of a year.
pub(super) struct YearSpace {
    pub(super) cleaned: Filtered,
    pub(super) n_regions: usize,
    pub(super) n_products: usize,
    pub(super) exports: Exports,
    pub(super) rca: Rca,
    pub(super) specialization: Specialization,
    pub(super) density: Density,
    pub(super) value_density: Density,
    pub(super) nearest: Density,
    pub(super) surroundings: Surroundings,
    pub(super) around: Around,
    /// Whether products have groups.
    pub(super) has_groups: bool,
    pub(super) coherence: Vec<Option<f64>>,
    pub(super) complexity: Result<Complexity, ComplexityError>,
    pub(super) reflections: Option<Reflections>,
    pub(super) fitness: Option<Fitness>,
    pub(super) outlook: Option<Outlook>,
    pub(super) outlook_index: Vec<Option<f64>>,
    pub(super) diagnostics: Diagnostics,
    pub(super) n_regions_with_income: Option<usize>,
    pub(super) prody: Vec<Option<f64>>,
    pub(super) expy: Vec<Option<Expy>>,
    pub(super) eci_external: Option<Vec<Option<f64>>>,
    pub(super) rpop: Option<Rca>,
    /// RCA of the year before.
    pub(super) before: Option<Rca>,
    /// The bounds of RCA between which a region jumps.
    pub(super) jump_from: f64,
    pub(super) jump_to: f64,
}

/// Why there is no complexity, as tables say it.
pub(crate) fn reason(error: &ComplexityError) -> &'static str {
    match error {
        ComplexityError::TooFewRegions(_) => "too_few_regions",
        ComplexityError::NotUnique { .. } => "not_unique",
        ComplexityError::NoSpread => "no_spread",
        ComplexityError::NotConverged(_) => "not_converged",
    }
}

fn is_active(total: f64) -> bool {
    total > 0.0
}

fn n_active(totals: &[f64]) -> usize {
    totals.iter().filter(|&&total| is_active(total)).count()
}

/// What of a year others are held against, too.
pub(super) struct Basis {
    cleaned: Filtered,
    pub(super) exports: Exports,
    pub(super) rca: Rca,
    pub(super) specialization: Specialization,
}

impl Basis {
    /// That of `exports`, cleaned as the config says.
    pub(super) fn of(params: &Params, exports: &Exports, world: Option<Reference<'_>>) -> Self {
        let rule = params.relatedness.rule();
        let reference = world.unwrap_or(Reference::Own);
        let cleaned = filter(exports, reference, params.cleaning.params(rule));
        let exports = exports.only(&cleaned.regions, &cleaned.products);
        let rca = rca(&exports, reference);
        let specialization = Specialization::new(&rca, rule);
        Self { cleaned, exports, rca, specialization }
    }
}

impl YearSpace {
    /// The product space of `exports`, but for what other years and tables say of it.
    pub(super) fn of(
        params: &Params,
        space: &ProductSpace,
        exports: &Exports,
        world: Option<Reference<'_>>,
        incomes: Option<&[Option<f64>]>,
    ) -> Self {
        let config = &params.relatedness;
        let (rule, diagonal) = (config.rule(), config.diagonal.into());
        let of_complexity = &params.complexity;
        let scale = of_complexity.params();
        let phi = &space.relatedness;
        let (n_regions, n_products) =
            (n_active(exports.region_totals()), n_active(exports.product_totals()));
        let Basis { cleaned, exports, rca, specialization } = Basis::of(params, exports, world);
        let density = density(&specialization, phi, diagonal);
        let complexity = complexity(&specialization, scale);
        let outlook = complexity.as_ref().ok().map(|complexity| {
            outlook_of(params, space, &specialization, &density, diagonal, complexity)
        });
        let coi = outlook.as_ref().map_or_else(Vec::new, |outlook| {
            let active = outlook.coi.iter().zip(exports.region_totals());
            active.map(|(coi, &total)| is_active(total).then_some(*coi)).collect()
        });
        let prody = incomes.map_or_else(Vec::new, |incomes| prody(&exports, incomes));
        Self {
            value_density: value_density(&exports, phi, diagonal),
            nearest: nearest_density(&specialization, &space.nearest),
            surroundings: surroundings(&specialization, phi, &space.related),
            around: entropies_around(&exports, &space.groups.groups, phi, &space.related),
            has_groups: space.groups.has_groups,
            coherence: coherence(&exports, phi),
            reflections: reflections(&specialization, of_complexity.reflections, scale.ddof).ok(),
            fitness: fitness(&specialization, of_complexity.fitness()).ok(),
            outlook_index: standardized(&coi, scale.ddof),
            diagnostics: diagnostics(&rca, rule),
            n_regions_with_income: incomes.map(|incomes| {
                cleaned.regions.iter().filter(|&&region| incomes[region].is_some()).count()
            }),
            expy: if prody.is_empty() { Vec::new() } else { expy(&exports, &prody) },
            prody,
            eci_external: None,
            rpop: None,
            before: None,
            jump_from: config.jump_from,
            jump_to: config.jump_to,
            cleaned,
            n_regions,
            n_products,
            exports,
            rca,
            specialization,
            density,
            complexity,
            outlook,
        }
    }

    /// Whether `region` exports anything that was kept.
    pub(super) fn region_is_active(&self, region: usize) -> bool {
        is_active(self.exports.region_totals()[region])
    }

    /// Whether a region that was kept exports `product`.
    pub(super) fn product_is_active(&self, product: usize) -> bool {
        is_active(self.exports.product_totals()[product])
    }
}

fn outlook_of(
    params: &Params,
    space: &ProductSpace,
    specialization: &Specialization,
    density: &Density,
    diagonal: Diagonal,
    complexity: &Complexity,
) -> Outlook {
    let config = &params.complexity;
    let pci = if config.outlook_pci == OutlookPci::Standardized {
        &complexity.pci
    } else {
        &complexity.pci_uncentered
    };
    let form = config.outlook_gain.into();
    outlook(specialization, &space.relatedness, density, diagonal, pci, form)
}
