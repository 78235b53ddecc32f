//! The product space of a year.

use super::params::Params;
use super::product_space::ProductSpace;
use project::config::choice::OutlookPci;
use space::complexity::{Fitness, Reflections, fitness, reflections, standardized};
use space::{
    Around, Complexity, ComplexityError, Density, Diagnostics, Diagonal, Exports, Expy, Filtered,
    Outlook, Rca, Reference, Specialization, Surroundings, diagnostics, expy, filter,
    nearest_density, outlook, prody, rca, spectrum, sums_around,
};

/// The product space of a year.
pub(super) struct YearSpace<'b> {
    pub(super) cleaned: &'b Filtered,
    pub(super) n_regions: usize,
    pub(super) n_products: usize,
    pub(super) exports: &'b Exports,
    pub(super) rca: &'b Rca,
    pub(super) specialization: &'b Specialization,
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
    pub(super) before: Option<&'b Rca>,
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
    /// Regions and products that export, before cleaning.
    n_regions: usize,
    n_products: usize,
    pub(super) cleaned: Filtered,
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
        let (n_regions, n_products) =
            (n_active(exports.region_totals()), n_active(exports.product_totals()));
        let exports = exports.only(&cleaned.regions, &cleaned.products);
        let rca = rca(&exports, reference);
        let specialization = Specialization::new(&rca, rule);
        Self { n_regions, n_products, cleaned, exports, rca, specialization }
    }
}

/// What is made of who is specialised in what alone.
struct OfMatrix {
    complexity: Result<Complexity, ComplexityError>,
    reflections: Option<Reflections>,
    fitness: Option<Fitness>,
    diagnostics: Diagnostics,
}

impl OfMatrix {
    fn of(params: &Params, basis: &Basis) -> Self {
        let of_complexity = &params.complexity;
        let scale = of_complexity.params();
        let m = &basis.specialization;
        let spectrum = spectrum(m);
        let rule = params.relatedness.rule();
        Self {
            diagnostics: diagnostics(&basis.rca, rule, m, &spectrum),
            complexity: spectrum.and_then(|spectrum| spectrum.complexity(scale)),
            reflections: reflections(m, of_complexity.reflections, scale.ddof).ok(),
            fitness: fitness(m, of_complexity.fitness()).ok(),
        }
    }
}

/// What is made of how related products are to what a region has.
struct OfRelatedness {
    density: Density,
    value_density: Density,
    nearest: Density,
    surroundings: Surroundings,
    around: Around,
    coherence: Vec<Option<f64>>,
}

impl OfRelatedness {
    fn of(params: &Params, space: &ProductSpace, basis: &Basis) -> Self {
        let diagonal = params.relatedness.diagonal.into();
        let Basis { exports, specialization, .. } = basis;
        let phi = &space.relatedness;
        let sums = sums_around(specialization, exports, phi);
        Self {
            density: sums.density(specialization, phi, diagonal),
            value_density: sums.value_density(exports, phi, diagonal),
            nearest: nearest_density(specialization, &space.nearest),
            coherence: sums.coherence(exports),
            around: sums.entropies(exports, &space.groups.groups, phi, &space.related),
            surroundings: sums.surroundings(specialization, &space.related),
        }
    }
}

impl<'b> YearSpace<'b> {
    /// The product space of what a year has, but for what other years and tables say of it.
    pub(super) fn of(
        params: &Params,
        space: &ProductSpace,
        basis: &'b Basis,
        incomes: Option<&[Option<f64>]>,
    ) -> Self {
        let config = &params.relatedness;
        let Basis { n_regions, n_products, cleaned, exports, rca, specialization } = basis;
        let (of_matrix, of_relatedness) =
            rayon::join(|| OfMatrix::of(params, basis), || OfRelatedness::of(params, space, basis));
        let OfMatrix { complexity, reflections, fitness, diagnostics } = of_matrix;
        let OfRelatedness { density, value_density, nearest, surroundings, around, coherence } =
            of_relatedness;
        let outlook = complexity.as_ref().ok().map(|complexity| {
            let diagonal = config.diagonal.into();
            outlook_of(params, space, specialization, &density, diagonal, complexity)
        });
        let coi = outlook.as_ref().map_or_else(Vec::new, |outlook| {
            let active = outlook.coi.iter().zip(exports.region_totals());
            active.map(|(coi, &total)| is_active(total).then_some(*coi)).collect()
        });
        let prody = incomes.map_or_else(Vec::new, |incomes| prody(exports, incomes));
        Self {
            cleaned,
            n_regions: *n_regions,
            n_products: *n_products,
            exports,
            rca,
            specialization,
            density,
            value_density,
            nearest,
            surroundings,
            around,
            has_groups: space.groups.has_groups,
            coherence,
            complexity,
            reflections,
            fitness,
            outlook,
            outlook_index: standardized(&coi, params.complexity.params().ddof),
            diagnostics,
            n_regions_with_income: incomes.map(|incomes| {
                cleaned.regions.iter().filter(|&&region| incomes[region].is_some()).count()
            }),
            expy: if prody.is_empty() { Vec::new() } else { expy(exports, &prody) },
            prody,
            eci_external: None,
            rpop: None,
            before: None,
            jump_from: config.jump_from,
            jump_to: config.jump_to,
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
