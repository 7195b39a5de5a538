//! The picture of a plan, as SVG: columns from what is needed to what needs it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::picture::{Node, Picture};
use super::escaped;

const WIDTH: usize = 190;
const HEIGHT: usize = 38;
const ACROSS: usize = 240;
const DOWN: usize = 52;
/// More characters are not in a box.
const LONGEST: usize = 25;

/// The picture.
pub fn render(picture: &Picture) -> String {
    let places = arranged(picture);
    let columns = picture.nodes.iter().map(|node| node.column + 1).max().unwrap_or(0);
    let rows = places.iter().map(|(_, row)| row + 1).max().unwrap_or(0);
    let (width, height) = (columns * ACROSS, rows * DOWN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"What needs what\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"
    );
    for &(from, to) in &picture.edges {
        let ((column, row), (other_column, other_row)) = (places[from], places[to]);
        let (x, y) = (column * ACROSS + WIDTH + 4, row * DOWN + 4 + HEIGHT / 2);
        let (to_x, to_y) = (other_column * ACROSS + 4, other_row * DOWN + 4 + HEIGHT / 2);
        let middle = x.midpoint(to_x);
        let _ = writeln!(text, "<path d=\"M{x} {y} C{middle} {y} {middle} {to_y} {to_x} {to_y}\"/>");
    }
    for (node, (column, row)) in picture.nodes.iter().zip(&places) {
        text += &drawn(node, column * ACROSS + 4, row * DOWN + 4);
    }
    text + "</svg>\n"
}

fn drawn(node: &Node, x: usize, y: usize) -> String {
    let class = node.action.map_or("same", |action| action.class());
    let what = node.action.map_or("stays as it is", |action| action.words());
    let label: String = if node.label.chars().count() > LONGEST {
        // The end of an address says more than its beginning.
        let skipped = node.label.chars().count() - LONGEST + 1;
        std::iter::once('…').chain(node.label.chars().skip(skipped)).collect()
    } else {
        node.label.clone()
    };
    format!(
        "<g class=\"{class}\"><title>{}: {what}</title><rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\
         <text class=\"kind\" x=\"{}\" y=\"{}\">{}</text><text x=\"{}\" y=\"{}\">{}</text></g>\n",
        escaped(&node.label),
        x + 8,
        y + 14,
        escaped(&node.kind),
        x + 8,
        y + 30,
        escaped(&label)
    )
}

/// The column and the row of each node: below each other in the order of what they need, so that
/// few lines cross.
fn arranged(picture: &Picture) -> Vec<(usize, usize)> {
    let mut columns: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, node) in picture.nodes.iter().enumerate() {
        columns.entry(node.column).or_default().push(at);
    }
    let mut places = vec![(0, 0); picture.nodes.len()];
    for (column, mut members) in columns {
        members.sort_by_cached_key(|&at| {
            let needed: Vec<usize> =
                picture.edges.iter().filter(|(_, to)| *to == at).map(|(from, _)| places[*from].1).collect();
            let sum: usize = needed.iter().sum();
            // Thousandths of a row.
            (sum * 1000 / needed.len().max(1), picture.nodes[at].label.clone())
        });
        for (row, at) in members.into_iter().enumerate() {
            places[at] = (column, row);
        }
    }
    places
}
