use super::*;
use crate::donors::best_penalty;
use proptest::prelude::*;

fn some(levels: &[f64]) -> Vec<Option<f64>> {
    levels.iter().copied().map(Some).collect()
}

fn panel(rows: &[&[f64]], n_before: usize) -> Panel {
    let levels: Vec<Vec<Option<f64>>> = rows.iter().map(|row| some(row)).collect();
    Panel::new(&levels, n_before, Scale::Level)
}

#[test]
fn worked_example() {
    // w^2 + 4 (1 - w)^2 + lambda (w + 4 (1 - w)) is least at w = (8 + 3 lambda) / 10.
    let panel = panel(&[&[0.0, 0.0, 3.0], &[1.0, 0.0, 10.0], &[0.0, 2.0, 20.0]], 2);
    let found = synthetic(&panel, 0, 0.2).expect("donors");
    let [(1, first), (2, second)] = found.weights[..] else { panic!("{found:?}") };
    assert!((first - 0.86).abs() < 1e-12 && (second - 0.14).abs() < 1e-12);
    assert!((found.levels[2] - 11.4).abs() < 1e-11);
    assert!((found.mean_gap.expect("a period") + 8.4).abs() < 1e-11);
    // 0.86 and 0.28 off.
    let rmspe = f64::sqrt((0.86 * 0.86 + 0.28 * 0.28) / 2.0);
    assert!((found.pre_rmspe - rmspe).abs() < 1e-12);
    assert_eq!((found.n_donors, found.penalty.to_bits()), (2, 0.2_f64.to_bits()));
    assert!(found.n_iterations > 1);
    // From lambda = 2/3 on the nearer one has all the weight.
    assert_eq!(synthetic(&panel, 0, 0.7).expect("donors").weights, [(1, 1.0)]);
}

#[test]
fn a_combination_of_donors_is_found_again() {
    let donors: [[f64; 5]; 4] = [
        [1.0, 2.0, 4.0, 3.0, 5.0],
        [2.0, 1.0, 1.0, 5.0, 2.0],
        [0.0, 3.0, 2.0, 2.0, 9.0],
        [4.0, 4.0, 0.0, 1.0, 1.0],
    ];
    let weights = [0.25, 0.0, 0.6, 0.15];
    let mix = |at: usize| donors.iter().zip(weights).map(|(of, w)| w * of[at]).sum::<f64>();
    let treated: Vec<f64> = (0..5).map(mix).collect();
    let mut rows: Vec<&[f64]> = donors.iter().map(<[f64; 5]>::as_slice).collect();
    rows.push(&treated);
    let found = synthetic(&panel(&rows, 4), 4, 0.0).expect("donors");
    let found_weights: Vec<usize> = found.weights.iter().map(|(donor, _)| *donor).collect();
    assert_eq!(found_weights, [0, 2, 3]);
    assert!(found.weights.iter().all(|&(donor, w)| (w - weights[donor]).abs() < 1e-9));
    assert!((found.levels[4] - treated[4]).abs() < 1e-8);
}

#[test]
fn without_end_the_penalty_leaves_the_nearest() {
    let panel = panel(&[&[1.0, 1.0, 0.0], &[2.0, 1.0, 7.0], &[0.0, 0.5, 8.0], &[1.0, 3.0, 9.0]], 2);
    let found = synthetic(&panel, 0, 1e9).expect("donors");
    let [(1, weight)] = found.weights[..] else { panic!("{found:?}") };
    assert!((weight - 1.0).abs() < 1e-12);
    assert!((found.levels[2] - 7.0).abs() < 1e-9);
}

#[test]
fn donors_alike_share_their_weight() {
    let panel = panel(&[&[1.0, 1.0, 0.0], &[1.0, 2.0, 6.0], &[9.0, 9.0, 1.0], &[1.0, 2.0, 8.0]], 2);
    let found = synthetic(&panel, 0, 1.0).expect("donors");
    assert_eq!(found.weights, [(1, 0.5), (3, 0.5)]);
    assert!((found.levels[2] - 7.0).abs() < 1e-12);
}

#[test]
fn a_unit_that_was_never_apart_from_another_is_as_it() {
    let panel = panel(&[&[1.0, 1.0, 0.0], &[1.0, 1.0, 6.0], &[1.0, 2.0, 1.0]], 2);
    let found = synthetic(&panel, 0, 0.1).expect("donors");
    assert_eq!((found.weights.as_slice(), found.n_iterations), ([(1, 1.0)].as_slice(), 0));
    assert_eq!(found.ratio(), Some(f64::INFINITY));
}

#[test]
fn the_penalty_is_chosen_by_what_it_predicts() {
    // The mean of two that swing against each other; the third is nearer, until it leaves.
    let levels = vec![
        some(&[5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0]),
        some(&[4.0, 6.0, 4.0, 6.0, 4.0, 6.0, 0.0]),
        some(&[6.0, 4.0, 6.0, 4.0, 6.0, 4.0, 0.0]),
        some(&[5.5, 5.5, 5.5, 5.5, 5.5, 9.0, 0.0]),
    ];
    let panels = origins(&levels, 6, Scale::Level);
    let shape: Vec<_> = panels.iter().map(|panel| (panel.n_before(), panel.n_periods())).collect();
    assert_eq!(shape, [(4, 5), (5, 6)]);
    let errors = validation_errors(&panels, 0).expect("donors");
    assert!((errors[0] - 16.25).abs() < 1e-9, "the third alone: 0.5 and 4 off: {errors:?}");
    assert!(errors[PENALTIES.len() - 1] < 1e-3, "{errors:?}");
    let best = best_penalty(&PENALTIES, &[errors]).expect("finite");
    assert!(best < 0.3, "{best}");
    assert!(origins(&levels, 2, Scale::Level).is_empty(), "one period predicts nothing");
    assert_eq!(validation_errors(&[], 0), None);
}

/// The objective of weights, by its definition.
fn objective(x1: &[f64], donors: &[(usize, Vec<f64>)], weights: &[f64], penalty: f64) -> f64 {
    let fit: f64 = x1
        .iter()
        .enumerate()
        .map(|(at, x1)| {
            let mix: f64 = donors.iter().zip(weights).map(|((_, x), w)| w * x[at]).sum();
            (x1 - mix).powi(2)
        })
        .sum();
    let apart = |x: &[f64]| x1.iter().zip(x).map(|(x1, x)| (x1 - x).powi(2)).sum::<f64>();
    fit + penalty * donors.iter().zip(weights).map(|((_, x), w)| w * apart(x)).sum::<f64>()
}

proptest! {
    #[test]
    fn nothing_near_the_weights_is_better(
        cells in prop::collection::vec(-2.0f64..2.0, 60),
        x1 in prop::collection::vec(-1.0f64..1.0, 5),
        is_rounded in any::<bool>(),
        power in 0usize..13,
    ) {
        // Rounded cells give donors that depend on each other, and ties.
        let cell = |value: f64| if is_rounded { value.round() } else { value };
        let donors: Vec<(usize, Vec<f64>)> = cells
            .chunks(5)
            .map(|row| row.iter().map(|value| cell(*value)).collect::<Vec<_>>())
            .enumerate()
            .collect();
        let penalty = PENALTIES[power];
        let problem = Problem::new(&x1, &donors).expect("donors");
        let (mixture, _) = problem.solve(penalty, problem.nearest()).expect("it converges");
        let mut weights = vec![0.0; donors.len()];
        for (donor, weight) in problem.weights(&mixture) {
            weights[donor] = weight;
        }
        prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(weights.iter().all(|weight| *weight >= 0.0));
        prop_assert!(mixture.places.len() <= x1.len() + 1);
        // Convex: it is the least if no step towards a single donor is lower.
        let least = objective(&x1, &donors, &weights, penalty);
        for donor in 0..donors.len() {
            for step in [1e-6, 1e-3, 0.5, 1.0] {
                let mut moved: Vec<f64> = weights.iter().map(|w| w * (1.0 - step)).collect();
                moved[donor] += step;
                let there = objective(&x1, &donors, &moved, penalty);
                prop_assert!(there >= least - 1e-10 * (1.0 + least), "{there} < {least}");
            }
        }
    }

    #[test]
    fn the_order_of_units_changes_no_bit(
        cells in prop::collection::vec(1u32..50, 48),
        at in 1usize..8,
        power in 0usize..13,
    ) {
        let rows: Vec<Vec<Option<f64>>> =
            cells.chunks(6).map(|row| row.iter().map(|n| Some(f64::from(*n))).collect()).collect();
        let mut turned = rows.clone();
        turned.rotate_left(at);
        let place = |unit: usize| (unit + rows.len() - at) % rows.len();
        for scale in [Scale::Log, Scale::Index, Scale::Level] {
            let of = |rows: &[Vec<Option<f64>>], unit: usize| {
                synthetic(&Panel::new(rows, 4, scale), unit, PENALTIES[power]).expect("donors")
            };
            let (found, other) = (of(&rows, 0), of(&turned, place(0)));
            let mut weights: Vec<(usize, f64)> =
                found.weights.iter().map(|&(donor, weight)| (place(donor), weight)).collect();
            weights.sort_by_key(|(donor, _)| *donor);
            prop_assert_eq!(&weights, &other.weights);
            prop_assert_eq!(found.levels, other.levels);
        }
    }

    #[test]
    fn units_of_money_scale_levels_and_leave_weights(
        cells in prop::collection::vec(1u32..1000, 30),
    ) {
        let rows = |factor: f64| -> Vec<Vec<Option<f64>>> {
            let row = |row: &[u32]| row.iter().map(|n| Some(f64::from(*n) * factor)).collect();
            cells.chunks(5).map(row).collect()
        };
        // A power of two changes no digit.
        for scale in [Scale::Log, Scale::Index] {
            let of = |factor: f64| synthetic(&Panel::new(&rows(factor), 3, scale), 0, 0.1);
            let (one, many) = (of(1.0).expect("donors"), of(1024.0).expect("donors"));
            prop_assert_eq!(one.weights, many.weights);
            for (one, many) in one.levels.iter().zip(&many.levels) {
                prop_assert!((many / one / 1024.0 - 1.0).abs() < 1e-12);
            }
        }
    }
}
