//! Places of the nodes of a network on the plane.
//!
//! Each piece of a network begins as its spanning tree in rings about the middle, where no two
//! branches cross. Forces then draw linked nodes together and push all apart (Fruchterman &
//! Reingold 1991), in O(n log n) a round. At the end nodes that are too near are moved apart. A
//! network of several pieces has the largest at the top, and the others in rows below it.

mod pyramid;

pub(super) use self::pyramid::Point;

use self::pyramid::{Pyramid, difference, squared, sum, times};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::cmp::Reverse;
use std::f64::consts::TAU;

/// Rounds of forces.
const ROUNDS: u32 = 150;
/// How far nodes move in the first round, as a share of the root of their number.
const HEAT: f64 = 0.1;
/// How strong links beside the tree are, of one of the tree.
const WEAK: f64 = 0.3;
/// The pull to the middle, along and across: a network becomes about twice as wide as high.
const PULL: Point = [0.45, 0.9];
/// No two nodes are nearer than this.
pub(super) const SPACING: f64 = 0.75;
/// Rounds in which nodes are moved apart.
const ROUNDS_APART: usize = 300;
/// What is left free between pieces.
const GAP: f64 = 1.6;

/// A network without the nodes that no link joins.
#[derive(Debug, PartialEq)]
pub(super) struct Joined {
    /// The nodes that are kept.
    pub(super) kept: Vec<usize>,
    /// Links between the kept ones, by their places.
    pub(super) links: Vec<(usize, usize)>,
}

impl Joined {
    /// Of `n` nodes; links stand in the order of their strength, and say whether they are of the
    /// maximum spanning tree. Those of the tree are kept, and as many others as nodes.
    pub(super) fn of(n: usize, links: impl IntoIterator<Item = (usize, usize, bool)>) -> Self {
        let mut n_strong = 0;
        let mut joined: Vec<(usize, usize)> = Vec::new();
        for (a, b, is_in_tree) in links {
            n_strong += usize::from(!is_in_tree);
            // Beyond one link a node the strongest hide the others.
            if is_in_tree || n_strong <= n {
                joined.push((a, b));
            }
        }
        let mut is_joined = vec![false; n];
        for &(a, b) in &joined {
            is_joined[a] = true;
            is_joined[b] = true;
        }
        let kept: Vec<usize> = (0..n).filter(|&at| is_joined[at]).collect();
        let mut number = vec![None; n];
        kept.iter().enumerate().for_each(|(new, &old)| number[old] = Some(new));
        let links = joined.iter().filter_map(|&(a, b)| Some((number[a]?, number[b]?))).collect();
        Self { kept, links }
    }
}

/// The part that a node is of, which all that are joined so far share.
pub(super) fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

/// A node on the way through a tree.
#[derive(Clone, Copy)]
struct Step {
    node: usize,
    /// The step that came to it.
    before: Option<usize>,
}

/// Where the nodes behind a step may stand.
#[derive(Clone, Copy)]
struct Sector {
    radius: f64,
    /// The angle at which the next of them begins.
    next: f64,
    width: f64,
}

/// Nodes that links join, and how strong these are.
struct Piece {
    nodes: Vec<usize>,
    points: Vec<Point>,
    links: Vec<(usize, usize, f64)>,
}

/// The neighbours of each node in a spanning tree, which takes links in their order; and whether
/// each link is of it.
fn tree(n: usize, links: &[(usize, usize)]) -> (Vec<Vec<usize>>, Vec<bool>) {
    let mut parents: Vec<usize> = (0..n).collect();
    let mut neighbours = vec![Vec::new(); n];
    let mut is_in_tree = Vec::with_capacity(links.len());
    for &(a, b) in links {
        let roots = [root(&mut parents, a), root(&mut parents, b)];
        is_in_tree.push(roots[0] != roots[1]);
        if roots[0] != roots[1] {
            parents[roots[0]] = roots[1];
            neighbours[a].push(b);
            neighbours[b].push(a);
        }
    }
    (neighbours, is_in_tree)
}

/// The way through a tree from one of its nodes on, the nearest first.
fn walk(neighbours: &[Vec<usize>], start: usize) -> Vec<Step> {
    let mut steps = vec![Step { node: start, before: None }];
    let mut at = 0;
    while let Some(&Step { node, before }) = steps.get(at) {
        let came_from = before.map(|before| steps[before].node);
        for &next in &neighbours[node] {
            if Some(next) != came_from {
                steps.push(Step { node: next, before: Some(at) });
            }
        }
        at += 1;
    }
    steps
}

/// The middle of the longest path through the tree of a node.
fn middle(neighbours: &[Vec<usize>], start: usize) -> usize {
    let end = walk(neighbours, start).last().map_or(start, |step| step.node);
    let steps = walk(neighbours, end);
    let mut path = Vec::new();
    let mut at = steps.len().checked_sub(1);
    while let Some(step) = at {
        path.push(steps[step].node);
        at = steps[step].before;
    }
    path[path.len() / 2]
}

/// Puts the nodes of a tree in rings about the first, each in a sector as wide as what is behind it.
fn rings(steps: &[Step], points: &mut [Point]) {
    let mut weights = vec![1.0; steps.len()];
    for (at, step) in steps.iter().enumerate().rev() {
        if let Some(before) = step.before {
            weights[before] += weights[at];
        }
    }
    let mut sectors = vec![Sector { radius: 0.0, next: 0.0, width: TAU }; steps.len()];
    for (at, step) in steps.iter().enumerate() {
        let Some(before) = step.before else {
            points[step.node] = [0.0; 2];
            continue;
        };
        let parent = &mut sectors[before];
        let width = parent.width * weights[at] / (weights[before] - 1.0);
        let (radius, next) = (parent.radius + 1.0, parent.next);
        parent.next += width;
        let angle = next + width / 2.0;
        points[step.node] = [radius * angle.cos(), radius * angle.sin()];
        sectors[at] = Sector { radius, next, width };
    }
}

/// Moves nodes by the forces between them.
#[expect(clippy::cast_precision_loss, reason = "nodes are few")]
fn spring(points: &mut [Point], links: &[(usize, usize, f64)]) {
    let size = (points.len() as f64).sqrt();
    for round in 0..ROUNDS {
        let pyramid = Pyramid::of(points);
        let mut moves: Vec<Point> =
            (0..points.len()).into_par_iter().map(|at| pyramid.push(at)).collect();
        for &(a, b, strength) in links {
            let apart = difference(points[a], points[b]);
            let pull = times(apart, squared(apart).sqrt() * strength);
            moves[a] = difference(moves[a], pull);
            moves[b] = sum(moves[b], pull);
        }
        let cold = f64::from(round) / f64::from(ROUNDS);
        let limit = HEAT * size * (1.0 - cold) * (1.0 - cold) + 0.005;
        for (point, step) in points.iter_mut().zip(&moves) {
            let step = difference(*step, [PULL[0] * point[0], PULL[1] * point[1]]);
            let length = squared(step).sqrt().max(1e-12);
            // A product first and a quotient then: another order would give other bits.
            let limited = times(step, length.min(limit));
            *point = sum(*point, [limited[0] / length, limited[1] / length]);
        }
    }
}

/// The square of a grid that a point is in: its row and column.
#[expect(clippy::cast_possible_truncation, reason = "the network is small")]
fn square(point: Point) -> [i64; 2] {
    [(point[1] / SPACING).floor() as i64, (point[0] / SPACING).floor() as i64]
}

/// Moves nodes apart that are nearer than the spacing, until none is.
fn spread(points: &mut [Point]) {
    for _ in 0..ROUNDS_APART {
        let mut places: Vec<([i64; 2], usize)> =
            points.iter().enumerate().map(|(at, point)| (square(*point), at)).collect();
        places.sort_unstable();
        let mut is_done = true;
        for &([row, column], a) in &places {
            for row in row - 1..=row + 1 {
                let from = places.partition_point(|(of, _)| *of < [row, column - 1]);
                let beside = places[from..].iter().take_while(|(of, _)| *of <= [row, column + 1]);
                for &(_, b) in beside.filter(|(_, b)| *b < a) {
                    is_done &= !part(points, a, b);
                }
            }
        }
        if is_done {
            return;
        }
    }
}

/// Moves two nodes apart if they are too near; says whether they were.
fn part(points: &mut [Point], a: usize, b: usize) -> bool {
    let apart = difference(points[a], points[b]);
    let distance = squared(apart).sqrt();
    if distance >= 0.999 * SPACING {
        return false;
    }
    let along = if distance < 1e-9 { [1.0, 0.0] } else { apart.map(|of| of / distance) };
    // A little farther than needed, so that few rounds do.
    let step = along.map(|of| of * (SPACING - distance) * 0.55);
    points[a] = sum(points[a], step);
    points[b] = difference(points[b], step);
    true
}

/// Where the points of a piece begin, and how far they reach.
fn extent(points: &[Point]) -> (Point, Point) {
    let of = |axis: usize, from: f64, pick: fn(f64, f64) -> f64| {
        points.iter().map(|at| at[axis]).fold(from, pick)
    };
    let low = [0, 1].map(|axis| of(axis, f64::INFINITY, f64::min));
    let high = [0, 1].map(|axis| of(axis, f64::NEG_INFINITY, f64::max));
    (low, difference(high, low))
}

/// Puts pieces beside each other: the first at the top, the others in rows below it.
#[expect(clippy::cast_precision_loss, reason = "nodes are few")]
fn pack(n: usize, pieces: &[Piece]) -> Vec<Point> {
    let mut places = vec![[0.0; 2]; n];
    let right = pieces.first().map_or(0.0, |piece| extent(&piece.points).1[0]);
    let right = right.max(1.2 * (n as f64).sqrt());
    // The first takes the whole of its row.
    let (mut left, mut top, mut height) = (0.0, 0.0, 0.0_f64);
    for (at, piece) in pieces.iter().enumerate() {
        let (low, size) = extent(&piece.points);
        if at > 0 && (at == 1 || left + size[0] > right) {
            (left, top, height) = (0.0, top + height + GAP, 0.0);
        }
        let from = if at == 0 { [(right - size[0]) / 2.0, 0.0] } else { [left, top] };
        for (&node, point) in piece.nodes.iter().zip(&piece.points) {
            places[node] = sum(difference(*point, low), from);
        }
        left += size[0] + GAP;
        height = height.max(size[1]);
    }
    places
}

/// A place for each of `n` nodes, in hundredths; linked nodes lie near each other, and no two nearer
/// than the spacing. Links stand in the order of their strength, those of the maximum spanning tree
/// first. The same network has the same places.
pub(super) fn place(n: usize, links: &[(usize, usize)]) -> Vec<Point> {
    let (neighbours, is_in_tree) = tree(n, links);
    let mut points = vec![[0.0; 2]; n];
    let mut number: Vec<Option<(usize, usize)>> = vec![None; n];
    let mut pieces: Vec<Piece> = Vec::new();
    for start in 0..n {
        if number[start].is_some() {
            continue;
        }
        let steps = walk(&neighbours, middle(&neighbours, start));
        rings(&steps, &mut points);
        let mut nodes: Vec<usize> = steps.iter().map(|step| step.node).collect();
        nodes.sort_unstable();
        for (at, &node) in nodes.iter().enumerate() {
            number[node] = Some((pieces.len(), at));
        }
        let points = nodes.iter().map(|&node| points[node]).collect();
        pieces.push(Piece { nodes, points, links: Vec::new() });
    }
    for (&(a, b), &is_in_tree) in links.iter().zip(&is_in_tree) {
        if let (Some((piece, a)), Some((_, b))) = (number[a], number[b]) {
            pieces[piece].links.push((a, b, if is_in_tree { 1.0 } else { WEAK }));
        }
    }
    for piece in &mut pieces {
        if piece.nodes.len() > 1 {
            spring(&mut piece.points, &piece.links);
            spread(&mut piece.points);
        }
    }
    pieces.sort_by_key(|piece| (Reverse(piece.nodes.len()), piece.nodes.first().copied()));
    pack(n, &pieces).iter().map(|point| point.map(|x| (x * 100.0).round() / 100.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(points: &[Point], a: usize, b: usize) -> f64 {
        squared(difference(points[a], points[b])).sqrt()
    }

    #[test]
    fn what_no_link_joins_is_left_out() {
        let found = Joined::of(4, [(0, 3, true), (3, 0, false)]);
        assert_eq!((&found.kept[..], &found.links[..]), (&[0, 3][..], &[(0, 1), (1, 0)][..]));
        // One other a node, and all of the tree.
        let many = (0..9).map(|_| (0, 1, false)).chain([(0, 1, true)]);
        assert_eq!(Joined::of(2, many).links.len(), 3);
    }

    #[test]
    fn linked_nodes_lie_nearer_than_others() {
        // Two triangles, joined by one link.
        let links = [(0, 1), (1, 2), (3, 4), (4, 5), (2, 3), (0, 2), (3, 5)];
        let points = place(6, &links);
        let between = |a: usize, b: usize| distance(&points, a, b);
        assert!(between(0, 1) < between(0, 4) && between(4, 5) < between(1, 5), "{points:?}");
        assert_eq!(points, place(6, &links));
    }

    #[test]
    fn no_two_nodes_are_nearer_than_the_spacing() {
        // A star in which all are linked with their neighbours, a pair, and a node that is alone.
        let star = (1..300).map(|at| (0, at)).chain((1..299).map(|at| (at, at + 1)));
        let links: Vec<(usize, usize)> = star.chain([(300, 301)]).collect();
        let points = place(303, &links);
        for a in 0..303 {
            for b in 0..a {
                // What is said in hundredths may be one nearer.
                assert!(distance(&points, a, b) > 0.999 * SPACING - 0.015, "{a} and {b}");
            }
        }
        // Pieces lie below the largest.
        let lowest = points[..300].iter().map(|at| at[1]).fold(0.0, f64::max);
        assert!(points[300..].iter().all(|at| at[1] > lowest), "{lowest}: {:?}", &points[300..]);
        assert_eq!((place(0, &[]).len(), place(1, &[]).len()), (0, 1));
    }
}
