//! Placebos: the same where nothing happened (Abadie, Diamond & Hainmueller 2010).

use super::factor::float;
use super::panel::{FEWEST_BEFORE, Panel, Scale};
use crate::rounding::TIED;

/// The share of units whose ratio of gaps after the shock to gaps before it is at least that of
/// each: each unit is treated in turn, and this is the p of its ratio.
///
/// Of `n` units with a ratio no p is below `1 / n`. `None` without a ratio. One that is smaller by
/// 1e-9 of it or less is as large.
pub fn in_space(ratios: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut sorted: Vec<f64> = ratios.iter().copied().flatten().collect();
    sorted.sort_by(f64::total_cmp);
    let p = |ratio: f64| {
        let below = sorted.partition_point(|other| *other < ratio * (1.0 - TIED));
        float(sorted.len() - below) / float(sorted.len())
    };
    ratios.iter().map(|ratio| ratio.map(p)).collect()
}

/// The panel whose shock is `n_earlier` periods earlier, and which ends before the true one.
///
/// `None` if too few periods are left before it.
pub fn in_time(
    levels: &[Vec<Option<f64>>],
    n_before: usize,
    n_earlier: usize,
    scale: Scale,
) -> Option<Panel> {
    let n = n_before.checked_sub(n_earlier).filter(|n| n_earlier > 0 && *n >= FEWEST_BEFORE)?;
    let before: Vec<Vec<Option<f64>>> =
        levels.iter().map(|levels| levels.iter().take(n_before).copied().collect()).collect();
    Some(Panel::new(&before, n, scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::donors::synthetic::synthetic;

    #[test]
    fn the_largest_ratio_has_the_smallest_p() {
        let found = in_space(&[Some(2.0), None, Some(5.0), Some(f64::INFINITY), Some(2.0)]);
        assert_eq!(found, [Some(1.0), None, Some(0.5), Some(0.25), Some(1.0)]);
        assert_eq!(in_space(&[None]), [None]);
        assert_eq!(in_space(&[Some(0.0), Some(0.0)]), [Some(1.0), Some(1.0)]);
    }

    #[test]
    fn rounding_breaks_no_tie() {
        let found = in_space(&[Some(0.367_448_807_965_219_56), Some(0.367_448_807_965_219_6)]);
        assert_eq!(found, [Some(1.0), Some(1.0)]);
        assert_eq!(in_space(&[Some(1.0), Some(1.0 + 1e-8)]), [Some(1.0), Some(0.5)]);
    }

    #[test]
    fn an_earlier_shock_sees_nothing_of_the_true_one() {
        let some = |levels: [f64; 5]| levels.map(Some).to_vec();
        // The first is as the second until the last period before the shock, and a quarter lower
        // then.
        let levels = vec![some([2.0, 4.0, 4.0, 3.0, 9.0]), some([1.0, 2.0, 2.0, 2.0, 1.0])];
        let panel = in_time(&levels, 4, 1, Scale::Index).expect("three periods are left");
        assert_eq!((panel.n_before(), panel.n_periods()), (3, 4));
        let found = synthetic(&panel, 0, 1.0).expect("a donor");
        assert!(found.pre_rmspe < 1e-12);
        assert!((found.mean_gap.expect("a period") + 0.3).abs() < 1e-12, "-1 over the mean, 10/3");
        assert!(in_time(&levels, 4, 3, Scale::Index).is_none());
        assert!(in_time(&levels, 4, 0, Scale::Index).is_none());
        assert!(in_time(&levels, 4, 5, Scale::Index).is_none());
    }
}
