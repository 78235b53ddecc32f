//! How many regions have both of two products: counted when it is asked for.

use crate::kernel::{self, BLOCK, Block};
use crate::rca::Specialization;

/// Bytes of memory up to which every cell has one.
const MOST_BYTES: usize = 1 << 26;

/// Counts the regions that products share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CoOccurrence {
    specialization: Specialization,
    cells: Option<Cells>,
}

/// A byte for each cell: the bytes of many products are added together, a region that has the one product after the other.
#[derive(Debug, Clone, PartialEq)]
struct Cells {
    /// The regions of each product, ascending.
    regions: Vec<Vec<u32>>,
    /// 1 where a region has a product of the block and 0 elsewhere; region after region, block after block.
    rows: Vec<[u8; BLOCK]>,
}

impl Cells {
    fn of(m: &Specialization) -> Option<Self> {
        let (n_regions, n_blocks) = (m.n_regions(), m.n_products().div_ceil(BLOCK));
        // Where regions are many, each has few products: one bit a cell then.
        n_regions.checked_mul(n_blocks * BLOCK).filter(|n| *n <= MOST_BYTES)?;
        let mut regions = vec![Vec::new(); m.n_products()];
        let mut rows = vec![[0; BLOCK]; n_regions * n_blocks];
        for region in 0..n_regions {
            for &product in m.products(region) {
                regions[product].push(u32::try_from(region).ok()?);
                rows[product / BLOCK * n_regions + region][product % BLOCK] = 1;
            }
        }
        Some(Self { regions, rows })
    }
}

impl CoOccurrence {
    /// That of a matrix.
    pub(crate) fn of(specialization: Specialization) -> Self {
        Self { cells: Cells::of(&specialization), specialization }
    }

    /// Of `product` with those of a block, 0 with those beyond the matrix.
    pub(crate) fn of_block(&self, product: usize, block: usize, into: &mut Block) {
        let m = &self.specialization;
        let from = block * BLOCK;
        if let Some(Cells { regions, rows }) = &self.cells {
            let n_regions = m.n_regions();
            let rows = &rows[block * n_regions..][..n_regions];
            kernel::counts(rows, &regions[product], into);
        } else {
            let width = BLOCK.min(m.n_products() - from);
            into.fill(0.0);
            kernel::co_occurrences(m.bits(product), m.bits_from(from), &mut into[..width]);
        }
    }

    /// Of `product` with the products from `from` on.
    pub(crate) fn put(&self, product: usize, from: usize, into: &mut [f64]) {
        let m = &self.specialization;
        if self.cells.is_none() || into.len() < BLOCK {
            kernel::co_occurrences(m.bits(product), m.bits_from(from), into);
            return;
        }
        let mut at = 0;
        while at < into.len() {
            let (block, skipped) = ((from + at) / BLOCK, (from + at) % BLOCK);
            let mut counts = [0.0; BLOCK];
            self.of_block(product, block, &mut counts);
            let width = (BLOCK - skipped).min(into.len() - at);
            into[at..at + width].copy_from_slice(&counts[skipped..skipped + width]);
            at += width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_counted_with_and_without_bytes() {
        let n = 2 * BLOCK + 7;
        let m = Specialization::from_fn(300, n, |r, p| (p * 31 + r * r * 7 + r * p) % 11 < 3);
        let with = CoOccurrence::of(m.clone());
        assert!(with.cells.is_some());
        let without = CoOccurrence { cells: None, ..with.clone() };
        for (p, from) in [(0, 0), (5, 3), (n - 1, BLOCK), (77, BLOCK + 1)] {
            let expected: Vec<f64> = (from..n)
                .map(|q| f64::from(u32::try_from(m.co_occurrence(p, q)).expect("small")))
                .collect();
            for counts in [&with, &without] {
                let mut found = vec![-1.0; n - from];
                counts.put(p, from, &mut found);
                assert_eq!(found, expected);
                let mut found = [-1.0; BLOCK];
                counts.of_block(p, 2, &mut found);
                assert_eq!(&found[7..], [0.0; BLOCK - 7]);
                assert_eq!(found[6..7], expected[expected.len() - 1..]);
            }
        }
    }
}
