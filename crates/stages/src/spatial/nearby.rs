//! Which regions are neighbours, and what each of them counts. Borders are large, so what came of
//! them is kept.

use super::super::context::Context;
use super::super::error::StageError;
use super::super::unit::Unit;
use super::regions::NamedRegion;
use lake::Fingerprint;
use project::config;
use project::config::choice::SpatialWeights;
use project::pipeline::{BoundaryNames, External};
use serde::{Deserialize, Serialize};
use sources::boundaries::{Boundaries, km};
use space::spatial::Neighbours;

/// Regions that a message names.
const NAMED: usize = 5;

/// The neighbours of all regions, by place.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Nearby {
    /// Of each region its neighbours and the bits of their weights: a number that is read from a
    /// text may differ in its last bit.
    near: Vec<Vec<(usize, u64)>>,
    /// The regions without a boundary.
    without: Vec<usize>,
}

impl Nearby {
    /// What an earlier run kept of these regions and this file, or else what the file says.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the file cannot be used, or has a boundary of no region.
    pub(super) fn of(
        config: &config::Spatial,
        file: &External<BoundaryNames>,
        context: &Context<'_>,
        regions: &[NamedRegion],
    ) -> Result<Self, StageError> {
        let named: Vec<(&str, &str)> =
            regions.iter().map(|region| (region.code.as_str(), region.name.as_str())).collect();
        let weights = (config.weights, config.neighbours, config.band_km.to_bits());
        let unit = Unit::new("neighbours")
            .of("weights", &weights)?
            .of("boundaries", file)?
            .of("regions", &named)?;
        let unit = context.with_file(unit, &file.label)?;
        let kept = context.looked_up::<Self>(std::slice::from_ref(&unit))?.pop().flatten();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let found = Self::read(config, context.outside(file)?, regions)?;
        context.keep_aside(&unit, &found)?;
        Ok(found)
    }

    fn read(
        config: &config::Spatial,
        file: &External<BoundaryNames>,
        regions: &[NamedRegion],
    ) -> Result<Self, StageError> {
        let boundaries = Boundaries::read(&file.path, &file.columns.property)?;
        let shape_of = |NamedRegion { code, name }: &NamedRegion| -> Option<String> {
            let named = file.columns.names.get(code).map(String::as_str);
            let texts = [named, Some(code.as_str()), Some(name.as_str())];
            texts.into_iter().flatten().find(|text| boundaries.has(text)).map(str::to_owned)
        };
        let shapes: Vec<Option<String>> = regions.iter().map(shape_of).collect();
        let without: Vec<usize> =
            (0..regions.len()).filter(|&region| shapes[region].is_none()).collect();
        if without.len() == regions.len() {
            let some: Vec<&str> = boundaries.names().take(NAMED).collect();
            let names = regions.iter().take(NAMED).map(|region| region.name.as_str());
            return Err(StageError::Data(format!(
                "no region has a boundary: the property `{}` of `{}` holds {} and others, the regions are {} and others; \
                 say which is which in `boundaries.names` of the pipeline",
                file.columns.property,
                file.path.display(),
                some.join(", "),
                names.collect::<Vec<_>>().join(", ")
            )));
        }
        let names: Vec<Option<&str>> = shapes.iter().map(Option::as_deref).collect();
        Ok(Self::with(weights(config, &boundaries, &names), without))
    }

    /// These neighbours of each region with their weights, where some have no boundary.
    fn with(near: Vec<Vec<(usize, f64)>>, without: Vec<usize>) -> Self {
        let bits = |near: Vec<(usize, f64)>| {
            near.into_iter().map(|(other, weight)| (other, weight.to_bits())).collect()
        };
        Self { near: near.into_iter().map(bits).collect(), without }
    }

    /// Says which of the regions have no boundary; they export `sizes`.
    pub(super) fn warn(&self, regions: &[NamedRegion], sizes: &[f64]) {
        if self.without.is_empty() {
            return;
        }
        let names = self.without.iter().filter_map(|&at| regions.get(at));
        let names: Vec<&str> = names.map(|region| region.name.as_str()).collect();
        let value: f64 = self.without.iter().filter_map(|&at| sizes.get(at)).sum();
        let value_share = value / sizes.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        tracing::warn!(
            regions = names.join(", "),
            n = names.len(),
            of = regions.len(),
            value_share,
            "regions without a boundary have no neighbours"
        );
    }

    /// A hash of who is whose neighbour, and of the weights.
    ///
    /// # Errors
    ///
    /// [`StageError::Params`] if they cannot be written down.
    pub(super) fn fingerprint(&self) -> Result<Fingerprint, StageError> {
        Ok(Fingerprint::of(&serde_json::to_vec(&self.near)?))
    }

    /// As the tests take them.
    pub(super) fn neighbours(&self) -> Neighbours {
        let weights = |near: &Vec<(usize, u64)>| {
            near.iter().map(|&(other, bits)| (other, f64::from_bits(bits))).collect()
        };
        Neighbours::new(self.near.iter().map(weights).collect())
    }
}

/// The neighbours of each region, and what each counts.
fn weights(
    config: &config::Spatial,
    boundaries: &Boundaries,
    names: &[Option<&str>],
) -> Vec<Vec<(usize, f64)>> {
    if config.weights == SpatialWeights::Contiguity {
        return boundaries
            .touching(names)
            .into_iter()
            .map(|near| near.into_iter().map(|other| (other, 1.0)).collect())
            .collect();
    }
    let is_nearest = config.weights == SpatialWeights::Nearest;
    let centres = boundaries.centres(names);
    let of_region = |region: usize| {
        let Some(own) = centres[region] else { return Vec::new() };
        let mut near: Vec<(usize, f64)> = centres
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != region)
            .filter_map(|(other, centre)| Some((other, km(own, (*centre)?))))
            .filter(|(_, distance)| is_nearest || *distance <= config.band_km)
            .collect();
        near.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        if is_nearest {
            near.truncate(config.neighbours);
            near.iter_mut().for_each(|(_, weight)| *weight = 1.0);
        } else {
            // Centres at one place are a metre apart.
            near.iter_mut().for_each(|(_, weight)| *weight = 1.0 / weight.max(0.001));
        }
        near
    };
    (0..names.len()).map(of_region).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_every_bit() {
        // A third has no short form; the next number above it is another.
        let third = 1.0f64 / 3.0;
        let next = f64::from_bits(third.to_bits() + 1);
        let nearby =
            Nearby::with(vec![vec![(1, third), (2, next)], vec![(0, 1e-300)], vec![]], vec![2]);
        let text = serde_json::to_string(&nearby).expect("written down");
        let kept: Nearby = serde_json::from_str(&text).expect("read");
        assert_eq!(kept, nearby);
        let expected = vec![vec![(1, third), (2, next)], vec![(0, 1e-300)], vec![]];
        assert_eq!(kept.neighbours(), Neighbours::new(expected));
        let other = Nearby::with(vec![vec![(1, third), (2, third)], vec![], vec![]], vec![2]);
        let hash = |nearby: &Nearby| nearby.fingerprint().expect("written down");
        assert_ne!(hash(&nearby), hash(&other));
        // Which of them have no boundary changes nothing else.
        let named = Nearby { without: Vec::new(), near: kept.near };
        assert_eq!(hash(&nearby), hash(&named));
    }
}
