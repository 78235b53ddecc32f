use super::super::panel::{Scale, best_penalty};
use super::*;
use proptest::prelude::*;

/// Units by period, each moving by effects and by `load * path`.
fn panel(load: f64, n_before: usize) -> (Panel, Vec<Vec<f64>>) {
    let unit = |unit: u32| -> Vec<f64> {
        let level = f64::from(unit * 7 % 5);
        let own = load * (f64::from(unit * 11 % 13) / 6.0 - 1.0);
        let path = |at: u32| f64::from(at * at % 7) / 3.0 - 1.0;
        (0..12).map(|at| 20.0 + level + f64::from(at * 3 % 4) + own * path(at)).collect()
    };
    let rows: Vec<Vec<f64>> = (0..30).map(unit).collect();
    let levels: Vec<Vec<Option<f64>>> =
        rows.iter().map(|row| row.iter().copied().map(Some).collect()).collect();
    (Panel::new(&levels, n_before, Scale::Level), rows)
}

#[test]
fn effects_alone_are_found_whatever_the_penalty() {
    let (panel, rows) = panel(0.0, 8);
    for penalty in [0.01, 1.0, 1e6] {
        let found = complete(&panel, 4, penalty).expect("whole");
        assert!(found.levels.iter().zip(&rows[4]).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(found.weights.is_empty());
    }
}

#[test]
fn with_the_largest_penalty_it_is_differences_in_differences() {
    let (panel, rows) = panel(2.0, 8);
    let found = complete(&panel, 3, 1e9).expect("whole");
    let others = |at: usize| {
        let others = rows.iter().enumerate().filter(|(unit, _)| *unit != 3);
        others.map(|(_, row)| row[at]).sum::<f64>() / 29.0
    };
    let before = (0..8).map(|at| rows[3][at] - others(at)).sum::<f64>() / 8.0;
    for at in 8..12 {
        assert!((found.levels[at] - others(at) - before).abs() < 1e-9, "{at}");
    }
}

#[test]
fn a_factor_is_found_again() {
    let (panel, rows) = panel(2.0, 8);
    let penalties = singular_penalties(&panel);
    assert_eq!(penalties.len(), N_PENALTIES);
    let found = complete(&panel, 3, 1e-4 * penalties[0]).expect("whole");
    for (at, level) in rows[3].iter().enumerate().skip(8) {
        assert!((found.levels[at] - level).abs() < 2e-3, "{at}: {found:?}");
    }
    assert!(found.n_iterations < 1000, "{}", found.n_iterations);
}

#[test]
fn one_row_is_filled_as_a_matrix_is() {
    let (panel, rows) = panel(3.0, 7);
    let penalties = singular_penalties(&panel);
    for penalty in [penalties[1], penalties[5], penalties[9]] {
        for treated in [0, 13, 29] {
            let found = complete(&panel, treated, penalty).expect("whole");
            let mut filled = rows.clone();
            filled[treated][7..].fill(20.0);
            let hidden: Vec<Vec<usize>> = (0..30)
                .map(|unit| if unit == treated { (7..12).collect() } else { Vec::new() })
                .collect();
            settle(&mut filled, &hidden, penalty, 1e-12).expect("it converges");
            for (at, &all) in filled[treated].iter().enumerate().skip(7) {
                let one = found.levels[at];
                assert!((one - all).abs() < 1e-8, "{treated}, {at}: {one}, {all}");
            }
        }
    }
}

#[test]
fn a_matrix_is_lowered_by_the_penalty() {
    // Singular values 3 and 1, along the axes.
    let gram = [9.0, 0.0, 0.0, 1.0];
    let of = |penalty: f64| Lowering::of(&gram, 2, penalty).expect("finite");
    let Lowering { product, objective } = of(0.5);
    let expected = [2.5 / 3.0, 0.0, 0.0, 0.5];
    assert!(product.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14), "{product:?}");
    // Half the square of what is left, 0.5 and 0.5, and half of what is kept, 2.5 and 0.5.
    assert!((objective - 1.75).abs() < 1e-14);
    let Lowering { product, objective } = of(1.5);
    assert!((product[0] - 0.5).abs() < 1e-14 && product[3].abs() < 1e-14);
    assert!((objective - (1.125 + 0.5 + 2.25)).abs() < 1e-14);
    assert_eq!(of(3.5).product, [0.0; 4]);
}

#[test]
fn folds_hide_every_cell_once() {
    let hidden: Vec<Vec<Vec<usize>>> =
        (0..5).map(|number| Fold { number, n: 5, seed: 3 }.hidden(20, 12)).collect();
    for row in 0..20 {
        let mut all: Vec<usize> = hidden.iter().flat_map(|fold| fold[row].clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..12).collect::<Vec<_>>());
        assert!(hidden.iter().all(|fold| (2..=3).contains(&fold[row].len())));
    }
    assert_ne!(hidden[0], Fold { number: 0, n: 5, seed: 4 }.hidden(20, 12));
    assert_ne!(hidden[0][0], hidden[0][1], "each row is dealt anew");
}

#[test]
fn a_factor_asks_for_a_small_penalty() {
    let (panel, _) = panel(3.0, 7);
    let penalties = singular_penalties(&panel);
    let errors: Vec<Vec<f64>> = (0..5)
        .map(|number| fold_errors(&panel, &penalties, Fold { number, n: 5, seed: 1 }))
        .collect();
    let best = best_penalty(&penalties, &errors).expect("finite");
    assert!(best < 0.1 * penalties[0], "{best}: {errors:?}");
    assert!(errors.iter().all(|of| of[10] < of[0]));
}

#[test]
fn units_without_a_past_have_none() {
    let whole = vec![Some(1.0), Some(2.0), Some(3.0)];
    let levels = vec![whole.clone(), vec![None, Some(1.0), Some(1.0)], whole];
    let panel = Panel::new(&levels, 2, Scale::Index);
    assert_eq!(complete(&panel, 1, 1.0), Err(NullReason::YearMissing));
    let found = complete(&panel, 0, 1.0).expect("a donor");
    assert!((found.levels[2] - 3.0).abs() < 1e-9);
    assert_eq!(singular_penalties(&Panel::new(&[], 2, Scale::Index)), Vec::<f64>::new());
}

proptest! {
    #[test]
    fn the_order_of_units_changes_no_bit(
        cells in prop::collection::vec(1u32..50, 48),
        at in 1usize..8,
    ) {
        let rows: Vec<Vec<Option<f64>>> =
            cells.chunks(6).map(|row| row.iter().map(|n| Some(f64::from(*n))).collect()).collect();
        let mut turned = rows.clone();
        turned.rotate_left(at);
        let place = (rows.len() - at) % rows.len();
        let of = |rows: &[Vec<Option<f64>>], unit: usize| {
            let panel = Panel::new(rows, 4, Scale::Log);
            let penalties = singular_penalties(&panel);
            let errors = fold_errors(&panel, &penalties, Fold { number: 0, n: 2, seed: 1 });
            (complete(&panel, unit, penalties[4]), errors)
        };
        prop_assert_eq!(of(&rows, 0), of(&turned, place));
    }
}
