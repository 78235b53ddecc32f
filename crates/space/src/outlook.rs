//! The outlook of regions: what the products that they are not specialised in are worth to them.
//!
//! With `omega` the density, `phi` the relatedness and `w[q] = PCI[q] / sum over q' of phi[q,q']`:
//!
//! ```text
//! COI[r]         = sum over p of omega[r,p] (1 - M[r,p]) PCI[p]
//! COG[r,p]       = (1 - M[r,p]) sum over q of (1 - M[r,q]) phi[q,p] w[q]
//! COG[r,p] less  = COG[r,p] - (1 - M[r,p]) (1 - omega[r,p]) PCI[p]
//! COG[r,p] mean  = (1 - M[r,p]) sum over q of (1 - M[r,q]) phi[q,p] PCI[q] / sum over q' of phi[p,q']
//! ```
//!
//! The first two are the code of Stata's ecomplexity and of py-ecomplexity; the third is the text of the Atlas of
//! Economic Complexity (Hausmann et al. 2014), which that code has commented out; the last is econcomplex's.
//!
//! # Conventions
//!
//! * Which PCI (its scale, and whether its mean is taken off) is the caller's choice: py-ecomplexity takes
//!   [`Complexity::pci_uncentered`](crate::Complexity).
//! * COG is defined for products that the region is not specialised in; py-ecomplexity writes 0 for the others.
//! * Products without PCI or related to nothing add nothing.

use crate::density::Density;
use crate::rca::Specialization;
use crate::relatedness::{Diagonal, Relatedness};
use crate::sums::{Lists, Toward, plain_sums};
use rayon::prelude::*;

/// Which complexity outlook gain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GainForm {
    /// What the new product brings nearer.
    Nearer,
    /// That, less what the product itself was already counted for in the outlook.
    NearerLessOwn,
    /// The mean PCI of the options around the new product, weighted by relatedness.
    Mean,
}

/// Complexity outlook.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Complexity outlook index of each region, in units of PCI.
    pub coi: Vec<f64>,
    n_products: usize,
    gain: Vec<f64>,
    is_option: Vec<bool>,
}

impl Outlook {
    /// Complexity outlook gain; `None` where the region is specialised already.
    pub fn gain(&self, region: usize, product: usize) -> Option<f64> {
        let at = region * self.n_products + product;
        self.is_option[at].then(|| self.gain[at])
    }
}

/// Computes COI and COG: `n_regions` and `n_regions` x `n_products`.
///
/// # Panics
///
/// If the arguments were not made for the same products.
pub fn outlook(
    specialization: &Specialization,
    relatedness: &Relatedness,
    density: &Density,
    diagonal: Diagonal,
    pci: &[Option<f64>],
    form: GainForm,
) -> Outlook {
    let n = relatedness.n_products();
    assert!(specialization.n_products() == n && pci.len() == n, "the same products");
    let total = |q: usize| relatedness.sum(q) + relatedness.to_itself(q, diagonal);
    let worth: Vec<f64> = (0..n)
        .into_par_iter()
        .map(|q| {
            let pci = pci[q].unwrap_or(0.0);
            match (form, total(q)) {
                (GainForm::Mean, _) => pci,
                (_, total) if total > 0.0 => pci / total,
                _ => 0.0,
            }
        })
        .collect();
    // What a region has is taken off what all products bring: far fewer terms than what it has not.
    let every: Vec<usize> = (0..n).collect();
    let held = (0..specialization.n_regions()).map(|region| specialization.products(region));
    let lists = Lists::of(n, held.chain([every.as_slice()]));
    let mut gain = plain_sums(relatedness, Toward::Product(&worth), &lists);
    let all = gain.split_off(specialization.n_regions() * n);
    let mut is_option = vec![true; gain.len()];
    let coi = gain
        .par_chunks_exact_mut(n.max(1))
        .zip(is_option.par_chunks_exact_mut(n.max(1)))
        .enumerate()
        .map(|(region, (gain, is_option))| {
            specialization.products(region).iter().for_each(|&p| is_option[p] = false);
            let mut coi = 0.0;
            for p in 0..n {
                gain[p] = if is_option[p] {
                    all[p] - gain[p] + worth[p] * relatedness.to_itself(p, diagonal)
                } else {
                    0.0
                };
                if form == GainForm::Mean {
                    gain[p] = if total(p) > 0.0 { gain[p] / total(p) } else { 0.0 };
                }
                if let (true, Some(omega), Some(pci)) =
                    (is_option[p], density.get(region, p), pci[p])
                {
                    coi += omega * pci;
                    if form == GainForm::NearerLessOwn {
                        gain[p] -= (1.0 - omega) * pci;
                    }
                }
            }
            coi
        })
        .collect();
    Outlook { coi, n_products: n, gain, is_option }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::density;
    use crate::relatedness::proximity;

    #[test]
    fn sums_by_hand_under_both_forms_and_diagonals() {
        let rows = [[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]];
        let m = Specialization::from_fn(4, 4, |r, p| rows[r][p] == 1);
        let phi = proximity(&m);
        let pci = [Some(2.0), Some(-1.0), Some(0.5), None];
        for diagonal in [Diagonal::Excluded, Diagonal::Included] {
            let omega = density(&m, &phi, diagonal);
            let own = if diagonal == Diagonal::Included { 1.0 } else { 0.0 };
            let at = |p: usize, q: usize| if p == q { own } else { phi.get(p, q) };
            let total = |q: usize| (0..4).map(|p| at(q, p)).sum::<f64>();
            for form in [GainForm::Nearer, GainForm::NearerLessOwn, GainForm::Mean] {
                let found = outlook(&m, &phi, &omega, diagonal, &pci, form);
                for (r, row) in rows.iter().enumerate() {
                    let mut coi = 0.0;
                    for p in 0..4 {
                        let has = |q: usize| if row[q] == 1 { 1.0 } else { 0.0 };
                        let of =
                            |q: usize| if form == GainForm::Mean { total(p) } else { total(q) };
                        let mut expected: f64 = (0..4)
                            .map(|q| (1.0 - has(q)) * at(q, p) * pci[q].unwrap_or(0.0) / of(q))
                            .sum();
                        let w = omega.get(r, p).expect("related");
                        let worth = pci[p].unwrap_or(0.0);
                        coi += w * (1.0 - has(p)) * worth;
                        if form == GainForm::NearerLessOwn {
                            expected -= (1.0 - w) * worth;
                        }
                        match found.gain(r, p) {
                            None => assert_eq!(row[p], 1),
                            Some(gain) => {
                                assert!((gain - expected).abs() < 1e-14, "{gain} {expected}")
                            }
                        }
                    }
                    assert!((found.coi[r] - coi).abs() < 1e-14);
                }
            }
        }
    }
}
