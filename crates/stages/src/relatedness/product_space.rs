//! Relatedness as the config asks for it.

use super::super::context::Context;
use super::super::cube::Cube;
use super::super::error::StageError;
use super::super::product_groups::ProductGroups;
use super::firms::{Firms, additions};
use super::params::Params;
use project::config::choice::{ProximitySource, RelatednessMeasure};
use sources::reference_tables;
use space::{
    Neighbourhoods, Reference, Specialization, TestedLink, coagglomeration, correlation, rca,
    relatedness, validate,
};

/// Regions below which conditional probabilities are coarse.
const FEW_REGIONS: usize = 100;

/// Relatedness, and who is close.
pub(super) struct ProductSpace {
    pub(super) relatedness: space::Relatedness,
    pub(super) tested: Option<Vec<TestedLink>>,
    /// The closest share of pairs.
    pub(super) related: Neighbourhoods,
    pub(super) nearest: Neighbourhoods,
    /// The groups of products.
    pub(super) groups: ProductGroups,
}

impl ProductSpace {
    pub(super) fn of(
        params: &Params,
        context: &Context<'_>,
        cube: &Cube,
    ) -> Result<Self, StageError> {
        let config = &params.relatedness;
        let Links { relatedness, tested } = links(params, context, cube)?;
        let threshold =
            relatedness.threshold_of_closest(config.related_share).unwrap_or(f64::INFINITY);
        Ok(Self {
            related: relatedness.at_least(threshold),
            nearest: relatedness.nearest(config.nearest),
            relatedness,
            tested,
            groups: ProductGroups::of(&params.classification, &cube.products),
        })
    }
}

/// Relatedness, and its tested links.
struct Links {
    relatedness: space::Relatedness,
    tested: Option<Vec<TestedLink>>,
}

impl From<space::Relatedness> for Links {
    fn from(relatedness: space::Relatedness) -> Self {
        Self { relatedness, tested: None }
    }
}

fn links(params: &Params, context: &Context<'_>, cube: &Cube) -> Result<Links, StageError> {
    let config = &params.relatedness;
    if let Some(table) = &params.proximity {
        let target = params.harmonize.target_revision.hs();
        return Ok(
            reference_tables::proximity(context.outside(table)?, target, &cube.products)?.into()
        );
    }
    let holders = match (config.proximity_source, config.measure) {
        (ProximitySource::Firms, RelatednessMeasure::Additions) => {
            return Ok(additions(config, context, cube)?.into());
        }
        (ProximitySource::Firms, _) => {
            let firms = Firms::of(context, cube, &config.proximity_years)?;
            let names: Vec<&String> = firms.names().collect();
            let all = firms.specialization(&names, cube.products.len(), config.firm_floor);
            // A firm of one product says nothing of what goes together.
            all.filtered(|firm, _| all.diversity(firm) > 1)
        }
        (_, measure) => {
            if cube.regions.len() < FEW_REGIONS {
                tracing::warn!(
                    regions = cube.regions.len(),
                    "relatedness from fewer than {FEW_REGIONS} regions is coarse; consider `proximity_source: external` or a higher min_ubiquity"
                );
            }
            let pooled = cube.pooled(&config.proximity_years, "relatedness.proximity_years")?;
            let rca = rca(&pooled, Reference::Own);
            match measure {
                RelatednessMeasure::Correlation => return Ok(correlation(&rca).into()),
                RelatednessMeasure::Coagglomeration => {
                    return Ok(coagglomeration(&pooled).floored(0.0).into());
                }
                _ => Specialization::new(&rca, config.rule()),
            }
        }
    };
    let kept = holders.filtered(|_, p| holders.ubiquity(p) >= config.min_ubiquity);
    let Some(measure) = config.measure.of_co_occurrence(config.margin) else {
        return Err(StageError::Data("relatedness.measure needs another source".to_owned()));
    };
    let tested = config.null().map(|null| validate(&kept, null));
    Ok(Links { relatedness: relatedness(&kept, measure).floored(0.0), tested })
}
