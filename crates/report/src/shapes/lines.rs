//! Rings with fewer points, whose shared borders stay shared.

use sources::boundaries::distance_to_segment;
use std::collections::BTreeMap;

/// A point of a grid.
pub(super) type Node = [i32; 2];

/// Rings, each without its first point at its end, as rings without the points that lie within
/// `tolerance` of the line between those that are kept (Douglas & Peucker 1973). Lines between points
/// where rings part are simplified each as a whole and from the same end, so that two rings lose the
/// same points of a border. What is left of a ring may be less than a triangle.
pub(super) fn simplified(rings: &[Vec<Node>], tolerance: f64) -> Vec<Vec<Node>> {
    let parts = partings(rings);
    rings.iter().map(|ring| fewer(ring, &parts, tolerance)).collect()
}

/// Whether rings part at each point: whether it has more than two others beside it.
fn partings(rings: &[Vec<Node>]) -> BTreeMap<Node, bool> {
    let mut beside: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
    for ring in rings {
        let next = ring.iter().skip(1).chain(ring.first());
        for (a, b) in ring.iter().zip(next) {
            for (one, other) in [(a, b), (b, a)] {
                let found = beside.entry(*one).or_default();
                // A third says all that is asked.
                if found.len() < 3 && !found.contains(other) {
                    found.push(*other);
                }
            }
        }
    }
    beside.into_iter().map(|(node, found)| (node, found.len() > 2)).collect()
}

fn fewer(ring: &[Node], parts: &BTreeMap<Node, bool>, tolerance: f64) -> Vec<Node> {
    let ends: Vec<usize> =
        (0..ring.len()).filter(|&at| parts.get(&ring[at]).copied().unwrap_or(false)).collect();
    let ends = if ends.len() < 2 { two_ends(ring, ends.first().copied()) } else { ends };
    let mut left = Vec::new();
    for (&from, &to) in ends.iter().zip(ends.iter().skip(1).chain(ends.first())) {
        let n = (to + ring.len() - from - 1) % ring.len() + 1;
        let mut line: Vec<Node> = (0..=n).map(|step| ring[(from + step) % ring.len()]).collect();
        let is_backwards = line.last() < line.first();
        if is_backwards {
            line.reverse();
        }
        let mut kept = between(&line, tolerance);
        if is_backwards {
            kept.reverse();
        }
        kept.pop();
        left.extend(kept);
    }
    left
}

/// Two points of a ring that all rings of the same points agree on: `first`, or its least, and the one
/// farthest from it.
fn two_ends(ring: &[Node], first: Option<usize>) -> Vec<usize> {
    let least = (0..ring.len()).min_by_key(|&at| ring[at]);
    let Some(first) = first.or(least) else { return Vec::new() };
    let far = |at: usize| {
        let [dx, dy] = [0, 1].map(|axis| i64::from(ring[at][axis]) - i64::from(ring[first][axis]));
        (dx * dx + dy * dy, ring[at])
    };
    let last = (0..ring.len()).max_by_key(|&at| far(at)).unwrap_or(first);
    if first == last { vec![first] } else { vec![first.min(last), first.max(last)] }
}

/// The points of a line that are kept, its ends among them.
fn between(line: &[Node], tolerance: f64) -> Vec<Node> {
    let mut is_kept = vec![false; line.len()];
    let mut open = vec![(0, line.len() - 1)];
    while let Some((from, to)) = open.pop() {
        is_kept[from] = true;
        is_kept[to] = true;
        let mut most = (tolerance, None);
        for at in from + 1..to {
            let [p, a, b] = [at, from, to].map(|at| line[at].map(f64::from));
            let off = distance_to_segment(p, a, b);
            if off > most.0 {
                most = (off, Some(at));
            }
        }
        if let (_, Some(at)) = most {
            open.extend([(from, at), (at, to)]);
        }
    }
    line.iter().zip(is_kept).filter_map(|(node, is_kept)| is_kept.then_some(*node)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_lose_the_same_points() {
        // Two squares whose common side has a bend of one and a bend of ten, from both directions.
        let side: [Node; 5] = [[100, 0], [101, 20], [100, 50], [110, 70], [100, 100]];
        let mut west: Vec<Node> = vec![[0, 100], [0, 0]];
        west.extend(side);
        let mut east: Vec<Node> = vec![[200, 0], [200, 100]];
        east.extend(side.iter().rev());
        let found = simplified(&[west, east], 2.0);
        let kept: [Node; 4] = [[100, 0], [100, 50], [110, 70], [100, 100]];
        assert_eq!(found[0], [kept[0], kept[1], kept[2], kept[3], [0, 100], [0, 0]]);
        let back: Vec<Node> = found[1].iter().filter(|node| node[0] < 200).copied().collect();
        assert_eq!(back, [kept[3], kept[2], kept[1], kept[0]]);
    }

    #[test]
    fn an_island_in_a_lake_fills_it_wherever_its_ring_begins() {
        let ring: Vec<Node> =
            vec![[0, 0], [30, 1], [60, 0], [61, 30], [60, 60], [30, 61], [0, 60], [1, 30]];
        let mut turned: Vec<Node> = ring.iter().rev().copied().collect();
        turned.rotate_left(3);
        let mut found = simplified(&[ring, turned], 2.0);
        found.iter_mut().for_each(|ring| ring.sort_unstable());
        assert_eq!(found[0], found[1]);
        assert_eq!(found[0], [[0, 0], [0, 60], [60, 0], [60, 60]]);
        assert_eq!(simplified(&[vec![[5, 5], [6, 5]]], 2.0), [vec![[5, 5], [6, 5]]]);
    }
}
