//! Economic complexity: ECI of regions and PCI of products.
//!
//! With `D` the diversities and `U` the ubiquities on diagonals, ECI is the eigenvector of the second
//! largest eigenvalue of
//!
//! ```text
//! D^-1 M U^-1 M'          (regions x regions; its largest eigenvalue is 1)
//! ```
//!
//! and `PCI = U^-1 M' ECI` up to scale (Hidalgo & Hausmann 2009, in the eigenvector form of Mealy, Farmer
//! & Teytelboym 2019). The symmetric `D^-1/2 M U^-1 M' D^-1/2` has the same eigenvalues, so a
//! symmetric solver of size regions x regions serves, whatever the number of products.
//!
//! # Conventions (of py-ecomplexity)
//!
//! * The sign makes ECI correlate positively with diversity.
//! * ECI has mean 0 and population standard deviation 1; PCI is put on the scale on which a region's ECI
//!   is the mean PCI of what it is specialised in.
//! * Regions and products without specialisation have none.

use crate::Specialization;

/// Complexity of regions and products.
#[derive(Debug, Clone, PartialEq)]
pub struct Complexity {
    /// ECI of each region; `None` where it has no specialisation.
    pub eci: Vec<Option<f64>>,
    /// PCI of each product; `None` where nobody is specialised in it.
    pub pci: Vec<Option<f64>>,
    /// The second largest eigenvalue.
    pub lambda_2: f64,
    /// The third largest.
    pub lambda_3: f64,
}

/// Why there is no complexity.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ComplexityError {
    /// Fewer than three regions with a specialisation.
    #[error("complexity needs three regions with a specialisation, found {0}")]
    TooFewRegions(usize),
    /// Regions fall apart into groups without a product in common, or two vectors serve equally.
    #[error(
        "complexity is not unique: the eigenvalues 1, {lambda_2}, {lambda_3} leave a gap below 1e-9"
    )]
    NotUnique {
        /// The second largest eigenvalue.
        lambda_2: f64,
        /// The third largest.
        lambda_3: f64,
    },
    /// All regions are equally complex.
    #[error("complexity has no spread: all regions are alike")]
    NoSpread,
    /// The eigenvalue solver gave up.
    #[error("the eigenvalue decomposition of the {0} x {0} region matrix did not converge")]
    NotConverged(usize),
}

const GAP: f64 = 1e-9;

/// Computes ECI and PCI.
///
/// # Errors
///
/// [`ComplexityError`] if there are fewer than three regions, if the eigenvector is not unique, or if it
/// has no spread.
#[expect(clippy::cast_precision_loss, reason = "counts of regions and products")]
pub fn complexity(specialization: &Specialization) -> Result<Complexity, ComplexityError> {
    let regions: Vec<usize> = (0..specialization.n_regions())
        .filter(|&region| specialization.diversity(region) > 0)
        .collect();
    let n = regions.len();
    if n < 3 {
        return Err(ComplexityError::TooFewRegions(n));
    }
    let n_products = specialization.n_products();
    let ubiquity: Vec<f64> = (0..n_products).map(|p| specialization.ubiquity(p) as f64).collect();
    let diversity: Vec<f64> = regions.iter().map(|&r| specialization.diversity(r) as f64).collect();

    let mut shared = vec![0.0; n * n];
    for (i, &a) in regions.iter().enumerate() {
        for (j, &b) in regions.iter().enumerate().take(i + 1) {
            let sum: f64 = specialization
                .products(a)
                .iter()
                .filter(|&&p| specialization.get(b, p))
                .map(|&p| 1.0 / ubiquity[p])
                .sum();
            let value = sum / (diversity[i] * diversity[j]).sqrt();
            shared[i * n + j] = value;
            shared[j * n + i] = value;
        }
    }
    let matrix = faer::Mat::from_fn(n, n, |i, j| shared[i * n + j]);
    let eigen = matrix
        .self_adjoint_eigen(faer::Side::Lower)
        .map_err(|_| ComplexityError::NotConverged(n))?;
    let values = eigen.S().column_vector();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let (lambda_2, lambda_3) = (values[order[1]], values[order[2]]);
    if values[order[0]] - lambda_2 < GAP || lambda_2 - lambda_3 < GAP {
        return Err(ComplexityError::NotUnique { lambda_2, lambda_3 });
    }
    let vector = eigen.U().col(order[1]);
    let mut raw: Vec<f64> = (0..n).map(|i| vector[i] / diversity[i].sqrt()).collect();
    let mean_diversity = diversity.iter().sum::<f64>() / n as f64;
    let agreement: f64 = raw.iter().zip(&diversity).map(|(e, d)| e * (d - mean_diversity)).sum();
    if agreement < 0.0 {
        raw.iter_mut().for_each(|e| *e = -*e);
    }
    let mean = raw.iter().sum::<f64>() / n as f64;
    let sd = (raw.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
    if sd < 1e-12 {
        return Err(ComplexityError::NoSpread);
    }

    // PCI is the mean raw ECI of a product's regions, blown up by 1/lambda_2 so that averaging it back
    // over a region's products returns the raw ECI: D^-1 M U^-1 M' ECI = lambda_2 ECI.
    let mut pci = vec![0.0; n_products];
    for (i, &region) in regions.iter().enumerate() {
        for &product in specialization.products(region) {
            pci[product] += raw[i];
        }
    }
    let pci = pci
        .iter()
        .zip(&ubiquity)
        .map(|(sum, &k)| (k > 0.0).then(|| (sum / k / lambda_2 - mean) / sd))
        .collect();
    let mut eci = vec![None; specialization.n_regions()];
    for (&region, raw) in regions.iter().zip(&raw) {
        eci[region] = Some((raw - mean) / sd);
    }
    Ok(Complexity { eci, pci, lambda_2, lambda_3 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four_by_four() -> Specialization {
        let rows = [[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]];
        Specialization::from_fn(4, 4, |r, p| rows[r][p] == 1)
    }

    #[test]
    fn worked_example() {
        let found = complexity(&four_by_four()).expect("a connected network");
        assert!((found.lambda_2 - 0.542_133_713_178_916_1).abs() < 1e-12);
        // Vector 4 of the methodology is up to sign; diversity (4, 1, 2, 1) settles it.
        let expected = [-0.075_353, -1.602_916, 0.747_788, 0.930_481];
        let eci: Vec<f64> = found.eci.iter().map(|e| e.expect("active")).collect();
        let sign = if (eci[1] - expected[1]).abs() < 1e-5 { 1.0 } else { -1.0 };
        for (found, expected) in eci.iter().zip(expected) {
            assert!((found * sign - expected).abs() < 1e-6, "{eci:?}");
        }
        let diversity = [4.0, 1.0, 2.0, 1.0];
        assert!(
            eci.iter().zip(diversity).map(|(e, d): (&f64, f64)| e * (d - 2.0)).sum::<f64>() > 0.0
        );
    }

    #[test]
    fn eci_is_the_mean_pci_of_what_a_region_holds() {
        let specialization = four_by_four();
        let found = complexity(&specialization).expect("a connected network");
        for region in 0..4 {
            let products = specialization.products(region);
            let sum: f64 = products.iter().map(|&p| found.pci[p].expect("held")).sum();
            #[expect(clippy::cast_precision_loss, reason = "four products")]
            let mean = sum / products.len() as f64;
            assert!((mean - found.eci[region].expect("active")).abs() < 1e-12);
        }
    }

    #[test]
    fn what_has_no_unique_answer_is_an_error() {
        let apart = Specialization::from_fn(4, 4, |r, p| r / 2 == p / 2);
        assert!(matches!(complexity(&apart), Err(ComplexityError::NotUnique { .. })));
        let few = Specialization::from_fn(3, 3, |r, p| r < 2 && p == 0);
        assert_eq!(complexity(&few), Err(ComplexityError::TooFewRegions(2)));
    }
}
