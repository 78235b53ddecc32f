//! Places of the nodes of a network on the plane, by forces (Fruchterman & Reingold 1991).

const ROUNDS: usize = 400;
const PULL: f64 = 0.5;

/// A network without the nodes that no link joins.
#[derive(Debug, PartialEq)]
pub(super) struct Joined {
    /// The nodes that are kept.
    pub(super) kept: Vec<usize>,
    /// The place of each node among these.
    pub(super) number: Vec<Option<usize>>,
    /// Links between the kept ones, by their places.
    pub(super) links: Vec<(usize, usize)>,
}

impl Joined {
    /// Of `n` nodes; links stand in the order of their strength, and say whether they are of the
    /// maximum spanning tree. Those of the tree are kept, and as many others as two a node.
    pub(super) fn of(n: usize, links: impl IntoIterator<Item = (usize, usize, bool)>) -> Self {
        let mut n_strong = 0;
        let mut joined: Vec<(usize, usize)> = Vec::new();
        for (a, b, is_in_tree) in links {
            n_strong += usize::from(!is_in_tree);
            // Beyond two links a node the strongest hide the others.
            if is_in_tree || n_strong <= 2 * n {
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
        Self { kept, number, links }
    }
}

/// A place for each of `n` nodes; linked nodes lie near each other. The same network has the same places.
#[expect(clippy::cast_precision_loss, reason = "nodes are few")]
pub(super) fn place(n: usize, links: &[(usize, usize)]) -> Vec<[f64; 2]> {
    // A spiral of golden angles: no two nodes begin at one place.
    let mut points: Vec<[f64; 2]> = (0..n)
        .map(|at| {
            let (radius, angle) = ((at as f64 + 0.5).sqrt(), at as f64 * 2.399_963_229_728_653);
            [radius * angle.cos(), radius * angle.sin()]
        })
        .collect();
    let size = (n as f64).sqrt();
    for round in 0..ROUNDS {
        let mut moves = vec![[0.0; 2]; n];
        for a in 0..n {
            for b in 0..a {
                let d = [points[a][0] - points[b][0], points[a][1] - points[b][1]];
                let squared = (d[0] * d[0] + d[1] * d[1]).max(1e-6);
                for axis in 0..2 {
                    moves[a][axis] += d[axis] / squared;
                    moves[b][axis] -= d[axis] / squared;
                }
            }
        }
        for &(a, b) in links {
            let d = [points[a][0] - points[b][0], points[a][1] - points[b][1]];
            let length = (d[0] * d[0] + d[1] * d[1]).sqrt();
            for axis in 0..2 {
                moves[a][axis] -= d[axis] * length;
                moves[b][axis] += d[axis] * length;
            }
        }
        let limit = 0.15 * size * (1.0 - round as f64 / ROUNDS as f64) + 0.005;
        for (point, step) in points.iter_mut().zip(&moves) {
            // A pull to the middle keeps parts that no link joins on the page: it balances the push of all nodes where their density is about
            // one a unit of area.
            let step = [step[0] - PULL * point[0], step[1] - PULL * point[1]];
            let length = (step[0] * step[0] + step[1] * step[1]).sqrt().max(1e-12);
            let factor = length.min(limit) / length;
            point[0] += step[0] * factor;
            point[1] += step[1] * factor;
        }
    }
    points.iter().map(|point| point.map(|x| (x * 100.0).round() / 100.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_link_joins_is_left_out() {
        let found = Joined::of(4, [(0, 3, true), (3, 0, false)]);
        assert_eq!((&found.kept[..], &found.links[..]), (&[0, 3][..], &[(0, 1), (1, 0)][..]));
        assert_eq!(found.number, [Some(0), None, None, Some(1)]);
        // Two others a node, and all of the tree.
        let many = (0..9).map(|_| (0, 1, false)).chain([(0, 1, true)]);
        assert_eq!(Joined::of(2, many).links.len(), 5);
    }

    #[test]
    fn linked_nodes_lie_nearer_than_others() {
        // Two triangles, joined by one link.
        let links = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)];
        let points = place(6, &links);
        let distance =
            |a: usize, b: usize| (points[a][0] - points[b][0]).hypot(points[a][1] - points[b][1]);
        assert!(distance(0, 1) < distance(0, 4) && distance(4, 5) < distance(1, 5));
        assert_eq!(points, place(6, &links));
    }
}
