//! Points in square cells of several sizes. What pushes a point is asked by cells, the larger the
//! farther they are (Barnes & Hut 1986).

use std::ops::Range;

/// A place on the plane.
pub(crate) type Point = [f64; 2];

/// How often the square that holds all points is halved at the most.
const DEEPEST: u32 = 8;
/// A cell counts as one point if its side is less than so many times its distance.
const FAR: f64 = 1.3;
/// What is nearer than the root of this pushes no more than at that distance.
const NEAREST: f64 = 1e-4;

/// How many points a cell has, the sums of their coordinates, and their middle.
#[derive(Clone, Copy, Default)]
struct Cell {
    n: f64,
    sum: Point,
    middle: Point,
}

/// The cells of one size.
struct Level {
    /// The side of a cell.
    side: f64,
    /// Cells in a row, and rows.
    width: usize,
    cells: Vec<Cell>,
}

/// A cell that has points, as it is passed by.
struct Node {
    middle: Point,
    n: f64,
    /// The square of its side.
    area: f64,
    /// The place of the next cell that is not within it: that behind it, if it is one of the finest.
    next: usize,
    /// Where its points begin and end in `members`, if it is one of the finest.
    members: Range<usize>,
}

/// Points and their cells: each before those within it, from one that holds all to the finest.
pub(super) struct Pyramid<'p> {
    points: &'p [Point],
    nodes: Vec<Node>,
    members: Vec<usize>,
}

impl<'p> Pyramid<'p> {
    /// The cells of some points, in O(n).
    pub(super) fn of(points: &'p [Point]) -> Self {
        let least = |axis: usize| points.iter().map(|at| at[axis]).fold(f64::INFINITY, f64::min);
        let most = |axis: usize| points.iter().map(|at| at[axis]).fold(f64::NEG_INFINITY, f64::max);
        let low = [least(0), least(1)];
        // A little more than the points need: none is on the far edge.
        let side = (most(0) - low[0]).max(most(1) - low[1]) * 1.0001 + 1e-9;
        let mut depth = 0;
        while depth < DEEPEST && 4_usize.pow(depth) < points.len() {
            depth += 1;
        }
        let width = 1_usize << depth;
        let cell_of: Vec<usize> =
            points.iter().map(|at| cell_of(difference(*at, low), side, width)).collect();
        let mut first = vec![0; width * width + 1];
        let mut cells = vec![Cell::default(); width * width];
        for (&cell, point) in cell_of.iter().zip(points) {
            first[cell + 1] += 1;
            cells[cell].n += 1.0;
            cells[cell].sum = sum(cells[cell].sum, *point);
        }
        for cell in 0..width * width {
            first[cell + 1] += first[cell];
        }
        let mut next = first.clone();
        let mut members = vec![0; points.len()];
        for (point, &cell) in cell_of.iter().enumerate() {
            members[next[cell]] = point;
            next[cell] += 1;
        }
        let mut pyramid = Self { points, nodes: Vec::new(), members };
        pyramid.enter(&levels(cells, side, width), &first, [0, 0]);
        pyramid
    }

    /// Adds the cell of a row and column of the first of `levels`, and all within it.
    fn enter(&mut self, levels: &[Level], first: &[usize], [row, column]: [usize; 2]) {
        let Some((level, finer)) = levels.split_first() else { return };
        let place = row * level.width + column;
        let cell = level.cells[place];
        if cell.n < 0.5 {
            return;
        }
        let at = self.nodes.len();
        let members = if finer.is_empty() { first[place]..first[place + 1] } else { 0..0 };
        let area = level.side * level.side;
        self.nodes.push(Node { middle: cell.middle, n: cell.n, area, next: 0, members });
        for [down, right] in [[0, 0], [0, 1], [1, 0], [1, 1]] {
            self.enter(finer, first, [2 * row + down, 2 * column + right]);
        }
        self.nodes[at].next = self.nodes.len();
    }

    /// What all other points push a point by: each by one over its distance. O(log n).
    pub(super) fn push(&self, point: usize) -> Point {
        let mut push = [0.0; 2];
        let mut at = 0;
        // The time of a layout goes here: plain loops, which are fast in the everyday profile too.
        while at < self.nodes.len() {
            let node = &self.nodes[at];
            let away = difference(self.points[point], node.middle);
            if node.area < FAR * FAR * squared(away) {
                pushed(&mut push, away, node.n);
                at = node.next;
                continue;
            }
            let mut member = node.members.start;
            while member < node.members.end {
                let other = self.members[member];
                if other != point {
                    pushed(&mut push, difference(self.points[point], self.points[other]), 1.0);
                }
                member += 1;
            }
            at += 1;
        }
        push
    }
}

/// The finest cell that a point is in.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "cells are few, and no point is before the first"
)]
fn cell_of(from_low: Point, side: f64, width: usize) -> usize {
    let [column, row] = from_low.map(|at| ((at / side * width as f64) as usize).min(width - 1));
    row * width + column
}

/// The levels above the finest cells, and these at the end.
fn levels(cells: Vec<Cell>, side: f64, width: usize) -> Vec<Level> {
    let mut side = side;
    let mut sides = vec![side];
    while 1_usize << (sides.len() - 1) < width {
        side /= 2.0;
        sides.push(side);
    }
    let mut found = vec![Level { side, width, cells }];
    for side in sides.iter().rev().skip(1) {
        let finer = &found[found.len() - 1];
        let width = finer.width / 2;
        let mut cells = vec![Cell::default(); width * width];
        for (at, cell) in finer.cells.iter().enumerate() {
            let into = &mut cells[at / finer.width / 2 * width + at % finer.width / 2];
            into.n += cell.n;
            into.sum = sum(into.sum, cell.sum);
        }
        found.push(Level { side: *side, width, cells });
    }
    for cell in found.iter_mut().flat_map(|level| &mut level.cells) {
        cell.middle = cell.sum.map(|sum| sum / cell.n);
    }
    found.reverse();
    found
}

#[inline]
fn pushed(push: &mut Point, away: Point, n: f64) {
    *push = sum(*push, times(away, n / squared(away).max(NEAREST)));
}

/// A point, `by` times as far from the middle.
#[inline]
pub(super) fn times(of: Point, by: f64) -> Point {
    [of[0] * by, of[1] * by]
}

/// One point less another.
#[inline]
pub(super) fn difference(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

/// Two points, added.
#[inline]
pub(super) fn sum(a: Point, b: Point) -> Point {
    [a[0] + b[0], a[1] + b[1]]
}

/// The square of a length.
#[inline]
pub(super) fn squared(of: Point) -> f64 {
    of[0] * of[0] + of[1] * of[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_points_push_as_if_they_were_together() {
        // A spiral of golden angles.
        let points: Vec<Point> = (0..2000_u32)
            .map(|at| {
                let (radius, angle) = (f64::from(at).sqrt(), f64::from(at) * 2.399_963);
                [radius * angle.cos(), radius * angle.sin()]
            })
            .collect();
        let pyramid = Pyramid::of(&points);
        for at in [0, 700, 1999] {
            let mut exact = [0.0; 2];
            for other in (0..points.len()).filter(|&other| other != at) {
                pushed(&mut exact, difference(points[at], points[other]), 1.0);
            }
            let off = squared(difference(exact, pyramid.push(at))).sqrt();
            // Beside the push of all from their middle.
            assert!(off < 0.1 * 2000.0 / 2000_f64.sqrt(), "{at}: {off} off {exact:?}");
        }
    }

    #[test]
    fn points_at_one_place_do_not_push_without_end() {
        let points = vec![[1.0, 1.0]; 5];
        assert!(Pyramid::of(&points).push(0).iter().all(|of| of.abs() < 1e-9));
        assert!(Pyramid::of(&points[..1]).push(0).iter().all(|of| of.abs() < 1e-9));
    }
}
